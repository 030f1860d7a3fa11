/* Comma-separated values as RFC 4180 has them: quoted fields, doubled quotes, LF or CRLF; UTF-8
 * with or without a byte order mark. */
#ifndef DELTAD_CLIENT_CSV_H
#define DELTAD_CLIENT_CSV_H

#include "proto/base/bytes.h"

#define CSV_FIELDS_MAX 64

struct csv {
	struct bytes rest;
	unsigned line; /* where the last row began, from 1 */
	unsigned next_line;
	struct buf memory; /* of the last row's fields */
	size_t start[CSV_FIELDS_MAX + 1];
	struct bytes field[CSV_FIELDS_MAX];
	size_t n;
};

/* text is borrowed. */
void csv_init(struct csv *c, struct bytes text);
void csv_release(struct csv *c);

#define CSV_END 1
/* The next row into field[n], borrowed until the next call; empty lines are passed over. CSV_END
 * after the last. RC_PLAN_FILE with the line: a quote that does not end, text after a closing
 * quote, a quote inside an unquoted field, too many fields. */
int csv_next(struct csv *c, struct err *e) MUST_CHECK;

#endif
