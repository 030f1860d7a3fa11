/* What a command has to say, once, and how it is written: a table for people on a terminal, lines
 * with tabs when piped, or JSON. A sheet has lines (screen only), facts (machines only) and tables
 * (both). */
#ifndef DELTAD_CLIENT_OUTPUT_H
#define DELTAD_CLIENT_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "client/args.h"

enum output_mode { OUTPUT_SCREEN, OUTPUT_TSV, OUTPUT_JSON };

struct output {
	enum output_mode mode;
	bool colour;
	size_t columns; /* of the terminal; 0: of no limit */
	bool quiet;
	FILE *to;
};

/* From --json, --plain, --color, NO_COLOR and whether standard output is a terminal. */
int output_choose(struct output *o, const struct args *a, struct err *e) MUST_CHECK;
/* Columns of the terminal behind a descriptor; 0 if it is none. */
size_t output_columns(int fd);
/* Writes what is buffered. RC_IO if it could not be written (a full disk); a reader that went away
 * (EPIPE) is no error. */
int output_finish(struct output *o, struct err *e) MUST_CHECK;

enum tone { TONE_NONE, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_FAINT };

struct column {
	const char *key;   /* English snake_case, in JSON */
	const char *title; /* a msgid; NULL: not on the screen */
	bool right;
	bool optional;		 /* not on the screen while no row has anything there */
	bool wrap;		 /* text that may be broken over lines; others never are */
	unsigned char leave_out; /* where there is no room: 1 goes first; 0: never */
	bool no_tsv, no_json;	 /* left out there: put together from others, or too deep */
};

struct table;
struct sheet;

/* schema: "task-list" gives "schema":"deltad.task-list/1". */
struct sheet *sheet_new(const char *schema);
void sheet_free(struct sheet *s);
/* A line for people, already translated; it is escaped as a whole when it is written. */
void sheet_line(struct sheet *s, enum tone tone, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* For people: a text with its label before it. */
void sheet_pair(struct sheet *s, const char *label, struct bytes text);
/* Facts for machines. value is taken. */
void sheet_fact(struct sheet *s, const char *key, json_t *value);
/* columns is borrowed for the sheet's life. heading and empty are translated sentences or NULL;
 * empty is what people read when there are no rows. */
struct table *sheet_table(struct sheet *s, const char *key, const struct column *columns, size_t n,
	const char *heading, const char *empty);
/* Writes it all; the sheet stays the caller's. */
void sheet_print(const struct sheet *s, const struct output *o);
size_t table_rows(const struct table *t);

/* Cells, column by column; a row is full when every column has one. value is taken; shown NULL: the
 * value itself. Both are escaped when they are written. */
void table_cell(struct table *t, enum tone tone, json_t *value, const char *shown);
/* The usual kinds of value. Bytes that are no UTF-8 are escaped, empty text becomes null. */
void table_text(struct table *t, enum tone tone, struct bytes value, const char *shown);
void table_number(struct table *t, uint64_t value);
json_t *json_text(struct bytes s);
json_t *json_number(uint64_t v);
json_t *json_hex(struct bytes s);
json_t *json_date(uint32_t yyyymmdd); /* "2024-07-25", null for 0 */

#endif
