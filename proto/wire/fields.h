/* From prescanned bytes to a struct and back, for every message, by its table: one row says how a
 * field is checked, read and written. Floor 2. Source: PROTOCOL 2.2. Used by codec, message and ctl
 * only.
 *
 * Reading does not go through protobuf-c's unpack: that copies every range (a batch of 512 leaves
 * would need its megabyte twice), and after the prescan there is nothing left that could be read in
 * two ways, so ranges simply point at the input. protobuf-c writes everything, and for what is
 * signed it is the second opinion that the reading is the one everybody has: pack(unpack(x)) == x.
 */
#ifndef DELTAD_WIRE_FIELDS_H
#define DELTAD_WIRE_FIELDS_H

#include "proto/wire/prescan.h"

/* Prescan, then *out (t->size bytes) filled; arrays stand in the arena, ranges in the input.
 * RC_PEER_MESSAGE, RC_TOO_BIG: *out is not to be used. */
int fields_decode(const struct scan_table *t, struct bytes in, struct arena *a, void *out,
	struct err *e) MUST_CHECK;

/* RC_OK if protobuf-c reads `in` (prescanned) and writes the same bytes again. What it needs of the
 * arena is given back. RC_PEER_MESSAGE, RC_TOO_BIG. */
int fields_same(
	const struct scan_table *t, struct bytes in, struct arena *a, struct err *e) MUST_CHECK;

/* Appends the message, at most max bytes, and only one that fields_decode with an arena of
 * max_arena accepts: RC_INPUT with the field if it would not, RC_TOO_BIG over a limit; *out is then
 * as before. */
int fields_encode(const struct scan_table *t, const void *from, size_t max, size_t max_arena,
	struct buf *out, struct err *e) MUST_CHECK;

/* Of one element of the array that a repeated field decodes to. */
size_t fields_element_size(const struct scan_field *f);

#endif
