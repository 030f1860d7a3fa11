#include "client/table.h"

#include <stdlib.h>
#include <string.h>

#include "client/text.h"
#include "client/width.h"

#define COLUMNS_MAX 40
#define LAST_COLUMN_MIN 12 /* a shortened last column keeps so many columns */

struct cell {
	json_t *value;
	char *shown; /* escaped */
	enum tone tone;
};

struct table {
	const char *key;
	const struct column *column;
	size_t n_columns;
	char *heading, *empty;
	struct cell *cell;
	size_t n, cap;
};

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

void tone_print(const struct output *o, enum tone tone, const char *text)
{
	static const char *const code[] = {
		[TONE_NONE] = NULL,
		[TONE_GOOD] = "\033[32m",
		[TONE_WARN] = "\033[33m",
		[TONE_BAD] = "\033[1;31m",
		[TONE_FAINT] = "\033[2m",
	};
	if (o->colour && code[tone])
		fprintf(o->to, "%s%s\033[0m", code[tone], text);
	else
		fputs(text, o->to);
}

static void measure(const struct table *t, size_t *width)
{
	for (size_t c = 0; c < t->n_columns; c++) {
		width[c] = t->column[c].title ? width_of(tr_word(t->column[c].title)) : 0;
		for (size_t r = 0; t->column[c].title && r < table_rows(t); r++) {
			size_t w = width_of(t->cell[r * t->n_columns + c].shown);
			if (w > width[c])
				width[c] = w;
		}
	}
}

static void print_cell(const struct output *o, const struct column *c, enum tone tone,
	const char *text, size_t width)
{
	size_t own = width_of(text);
	size_t pad = own < width ? width - own : 0;
	if (c->right)
		fprintf(o->to, "%*s", (int)pad, "");
	tone_print(o, tone, text);
	if (!c->right)
		fprintf(o->to, "%*s", (int)pad, "");
}

/* The last column is not padded, and is shortened to the terminal's edge. */
static void print_last(const struct output *o, const struct column *c, enum tone tone,
	const char *text, size_t used, size_t width)
{
	size_t room = o->columns > used ? o->columns - used : 0;
	if (room < LAST_COLUMN_MIN)
		room = LAST_COLUMN_MIN;
	if (o->columns == 0 || width_of(text) <= room) {
		print_cell(o, c, tone, text, c->right ? width : 0);
		return;
	}
	char *cut = xstrdup(text);
	cut[width_fit(cut, room - 1)] = 0;
	tone_print(o, tone, cut);
	fputs("…", o->to);
	free(cut);
}

static size_t last_on_screen(const struct table *t)
{
	size_t last = 0;
	for (size_t c = 0; c < t->n_columns; c++)
		if (t->column[c].title)
			last = c;
	return last;
}

/* row < 0: the titles. */
static void print_row(const struct table *t, const struct output *o, long row, const size_t *width)
{
	size_t used = 0, last = last_on_screen(t);
	for (size_t c = 0; c <= last; c++) {
		const struct column *column = &t->column[c];
		if (!column->title)
			continue;
		const struct cell *cell = row < 0 ? NULL : &t->cell[(size_t)row * t->n_columns + c];
		const char *text = cell ? cell->shown : tr_word(column->title);
		enum tone tone = cell ? cell->tone : TONE_FAINT;
		if (c == last)
			print_last(o, column, tone, text, used, width[c]);
		else
			print_cell(o, column, tone, text, width[c]);
		if (c != last)
			fputs("  ", o->to);
		used += width[c] + 2;
	}
	fputc('\n', o->to);
}

void table_print_screen(const struct table *t, const struct output *o)
{
	size_t width[COLUMNS_MAX];
	if (table_rows(t) == 0) {
		if (t->empty)
			fprintf(o->to, "%s\n", t->empty);
		return;
	}
	if (!t->column[last_on_screen(t)].title)
		return;
	if (t->heading)
		fprintf(o->to, "%s\n", t->heading);
	measure(t, width);
	for (long r = -1; r < (long)table_rows(t); r++)
		print_row(t, o, r, width);
}
