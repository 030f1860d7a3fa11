#include "client/table.h"

#include <stdlib.h>
#include <string.h>

#include "client/text.h"
#include "client/width.h"

struct table *table_new(const char *key, const struct column *columns, size_t n,
	const char *heading, const char *empty)
{
	ENSURE(n > 0 && n <= COLUMNS_MAX);
	struct table *t = xalloc(sizeof *t);
	t->key = key;
	t->column = columns;
	t->n_columns = n;
	t->heading = heading ? xstrdup(heading) : NULL;
	t->empty = empty ? xstrdup(empty) : NULL;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		json_decref(t->cell[i].value);
		free(t->cell[i].shown);
	}
	free(t->cell);
	free(t->heading);
	free(t->empty);
	free(t);
}

const char *table_key(const struct table *t)
{
	return t->key;
}

size_t table_rows(const struct table *t)
{
	return t->n / t->n_columns;
}

/* What people see of a value that has no text of its own. */
static char *shown_of(const json_t *v)
{
	if (json_is_string(v))
		return escape_dup(
			bytes_of(json_string_value(v), json_string_length(v)), ESCAPE_LINE);
	if (json_is_boolean(v))
		return xstrdup(json_is_true(v) ? tr("yes") : tr("no"));
	if (json_is_null(v) || (json_is_array(v) && json_array_size(v) == 0))
		return xstrdup("-");
	struct buf b = {0};
	value_print_tsv(v, &b);
	buf_put_u8(&b, 0);
	return (char *)b.p;
}

void table_cell(struct table *t, enum tone tone, json_t *value, const char *shown)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->cell = xrealloc(t->cell, t->cap * sizeof *t->cell);
	}
	t->cell[t->n++] = (struct cell){
		.value = value,
		.shown = shown ? escape_dup(bytes_str(shown), ESCAPE_LINE) : shown_of(value),
		.tone = tone,
	};
}

void table_text(struct table *t, enum tone tone, struct bytes value, const char *shown)
{
	table_cell(t, tone, json_text(value), shown);
}

void table_number(struct table *t, uint64_t value)
{
	table_cell(t, TONE_NONE, json_number(value), NULL);
}

json_t *table_json(const struct table *t)
{
	json_t *rows = json_array();
	for (size_t r = 0; r < table_rows(t); r++) {
		json_t *row = json_object();
		for (size_t c = 0; c < t->n_columns; c++)
			if (!t->column[c].no_json)
				json_object_set(
					row, t->column[c].key, t->cell[r * t->n_columns + c].value);
		json_array_append_new(rows, row);
	}
	return rows;
}

void value_print_tsv(const json_t *v, struct buf *out)
{
	size_t i;
	json_t *item;
	switch (json_typeof(v)) {
	case JSON_STRING:
		escape_put(out, bytes_of(json_string_value(v), json_string_length(v)), ESCAPE_TSV);
		return;
	case JSON_INTEGER: buf_printf(out, "%lld", (long long)json_integer_value(v)); return;
	case JSON_TRUE: buf_put_str(out, "true"); return;
	case JSON_FALSE: buf_put_str(out, "false"); return;
	case JSON_NULL: return;
	case JSON_ARRAY:
		json_array_foreach(v, i, item)
		{
			if (i > 0)
				buf_put_u8(out, ',');
			value_print_tsv(item, out);
		}
		return;
	case JSON_REAL:
	case JSON_OBJECT: break;
	}
	char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	escape_put(out, bytes_str(text ? text : ""), ESCAPE_TSV);
	free(text);
}

void table_print_tsv(const struct table *t, const char *prefix, FILE *to)
{
	struct buf line = {0};
	for (size_t r = 0; r < table_rows(t); r++) {
		buf_reset(&line);
		if (prefix)
			buf_printf(&line, "%s\t", prefix);
		bool first = true;
		for (size_t c = 0; c < t->n_columns; c++) {
			if (t->column[c].no_tsv)
				continue;
			if (!first)
				buf_put_u8(&line, '\t');
			first = false;
			value_print_tsv(t->cell[r * t->n_columns + c].value, &line);
		}
		buf_put_u8(&line, '\n');
		fwrite(line.p, 1, line.n, to);
	}
	buf_release(&line);
}
