/* One table of a sheet: cells with a value for machines and a text for people. */
#ifndef DELTAD_CLIENT_TABLE_H
#define DELTAD_CLIENT_TABLE_H

#include "client/output.h"

#define COLUMNS_MAX 40

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
	struct cell *cell; /* row by row */
	size_t n, cap;
};

struct table *table_new(const char *key, const struct column *columns, size_t n,
	const char *heading, const char *empty);
void table_free(struct table *t);
const char *table_key(const struct table *t);
json_t *table_json(const struct table *t);
/* prefix NULL: none. */
void table_print_tsv(const struct table *t, const char *prefix, FILE *to);
void table_print_screen(const struct table *t, const struct output *o);
/* The form of a value in a tab-separated line. */
void value_print_tsv(const json_t *v, struct buf *out);
/* text in its colour, if colours are on. */
void tone_print(const struct output *o, enum tone tone, const char *text);
/* A line of a label, padded to so many columns, and a text; wrap: that may go on below itself. */
void pair_print(const struct output *o, enum tone tone, size_t indent, const char *label,
	size_t width, const char *text, bool wrap);

#endif
