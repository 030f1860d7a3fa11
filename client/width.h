/* How wide a text is on a terminal, and how a text that somebody else wrote is made harmless before
 * it is shown. */
#ifndef DELTAD_CLIENT_WIDTH_H
#define DELTAD_CLIENT_WIDTH_H

#include "proto/base/bytes.h"

/* Columns of UTF-8 text: 2 for a wide character, 0 for a combining one. */
size_t width_of(const char *s);
/* Bytes of the longest beginning of s that fits into so many columns. */
size_t width_fit(const char *s, size_t columns);

enum escape {
	ESCAPE_LINE,  /* one line: a line feed becomes a space */
	ESCAPE_BLOCK, /* line feeds stay */
	ESCAPE_TSV,   /* line feed, tab and backslash as \n \t \\ */
};
/* Appends s with control bytes and bytes that are not UTF-8 as \xNN, and characters that turn the
 * direction of writing as \uNNNN. */
void escape_put(struct buf *out, struct bytes s, enum escape how);
/* The same, as a new string for free(). */
char *escape_dup(struct bytes s, enum escape how);

#endif
