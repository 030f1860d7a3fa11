#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "client/output.h"
#include "client/table.h"
#include "client/text.h"
#include "client/width.h"

enum part_kind { PART_LINE, PART_PAIR, PART_FACT, PART_TABLE };

#define PAIR_INDENT 2
#define PAIR_WIDTH 10

struct part {
	enum part_kind kind;
	const char *key; /* of a fact, or a pair's label */
	json_t *fact;
	enum tone tone;
	char *line;
	struct table *table;
};

struct sheet {
	const char *schema;
	struct part *part;
	size_t n, cap;
};

struct sheet *sheet_new(const char *schema)
{
	struct sheet *s = xalloc(sizeof *s);
	s->schema = schema;
	return s;
}

void sheet_free(struct sheet *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		json_decref(s->part[i].fact);
		free(s->part[i].line);
		table_free(s->part[i].table);
	}
	free(s->part);
	free(s);
}

static struct part *add_part(struct sheet *s, enum part_kind kind)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 16;
		s->part = xrealloc(s->part, s->cap * sizeof *s->part);
	}
	s->part[s->n] = (struct part){.kind = kind};
	return &s->part[s->n++];
}

void sheet_line(struct sheet *s, enum tone tone, const char *fmt, ...)
{
	va_list ap;
	char *line = NULL;
	va_start(ap, fmt);
	int n = vasprintf(&line, fmt, ap); /* discouraged: our own text, freed below */
	va_end(ap);
	struct part *p = add_part(s, PART_LINE);
	p->tone = tone;
	p->line = n >= 0 ? escape_dup(bytes_of(line, (size_t)n), ESCAPE_LINE) : NULL;
	if (n >= 0)
		free(line);
}

void sheet_pair(struct sheet *s, const char *label, struct bytes text)
{
	struct part *p = add_part(s, PART_PAIR);
	p->key = label;
	p->line = escape_dup(text, ESCAPE_LINE);
}

void sheet_fact(struct sheet *s, const char *key, json_t *value)
{
	struct part *p = add_part(s, PART_FACT);
	p->key = key;
	p->fact = value;
}

struct table *sheet_table(struct sheet *s, const char *key, const struct column *columns, size_t n,
	const char *heading, const char *empty)
{
	struct table *t = table_new(key, columns, n, heading, empty);
	add_part(s, PART_TABLE)->table = t;
	return t;
}

static void print_json(const struct sheet *s, const struct output *o)
{
	json_t *root = json_object();
	json_object_set_new(root, "schema", json_sprintf("deltad.%s/1", s->schema));
	for (size_t i = 0; i < s->n; i++) {
		const struct part *p = &s->part[i];
		if (p->kind == PART_FACT)
			json_object_set(root, p->key, p->fact);
		else if (p->kind == PART_TABLE)
			json_object_set_new(root, table_key(p->table), table_json(p->table));
	}
	json_dumpf(root, o->to, JSON_COMPACT);
	fputc('\n', o->to);
	json_decref(root);
}

/* A sheet that is one table prints its rows alone; else each line says what it is of. */
static void print_tsv(const struct sheet *s, const struct output *o)
{
	size_t tables = 0, facts = 0;
	for (size_t i = 0; i < s->n; i++) {
		tables += s->part[i].kind == PART_TABLE;
		facts += s->part[i].kind == PART_FACT;
	}
	bool bare = tables == 1 && facts == 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct part *p = &s->part[i];
		if (p->kind == PART_FACT) {
			struct buf b = {0};
			value_print_tsv(p->fact, &b);
			fprintf(o->to, "%s\t%.*s\n", p->key, (int)b.n, b.p ? (char *)b.p : "");
			buf_release(&b);
		} else if (p->kind == PART_TABLE) {
			table_print_tsv(p->table, bare ? NULL : table_key(p->table), o->to);
		}
	}
}

void sheet_print(const struct sheet *s, const struct output *o)
{
	if (o->mode == OUTPUT_JSON) {
		print_json(s, o);
		return;
	}
	if (o->mode == OUTPUT_TSV) {
		print_tsv(s, o);
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct part *p = &s->part[i];
		if (p->kind == PART_LINE && p->line)
			tone_print(o, p->tone, p->line);
		else if (p->kind == PART_PAIR)
			pair_print(o, TONE_NONE, PAIR_INDENT, p->key, PAIR_WIDTH, p->line, true);
		else if (p->kind == PART_TABLE)
			table_print_screen(p->table, o);
		if (p->kind == PART_LINE)
			fputc('\n', o->to);
	}
}
