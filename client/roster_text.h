/* A roster, or a draft of one, in words: what somebody signs or installs. */
#ifndef DELTAD_CLIENT_ROSTER_TEXT_H
#define DELTAD_CLIENT_ROSTER_TEXT_H

#include "client/output.h"
#include "proto/trust/roster.h"

/* Reads a file and the roster in it, signed or not: RC_ROSTER, or as file_read. */
int roster_read(const char *path, struct buf *note, struct roster *out, struct err *e) MUST_CHECK;
/* The roster of a draft or note. */
int roster_of(struct bytes note, struct roster *out, struct err *e) MUST_CHECK;
/* Facts, members and the signatures still missing. */
int roster_describe(
	struct sheet *s, struct bytes note, const struct roster *r, struct err *e) MUST_CHECK;

/* A draft of a version after the first: what it changes, and the signatures still missing. */
int roster_describe_next(struct sheet *s, struct bytes draft, const struct roster *now,
	const struct roster *next, struct err *e) MUST_CHECK;
/* How many cosignatures make final among so many members, and how many provinces sign the next
 * version, unless somebody says otherwise: all but one, where that leaves two. */
unsigned roster_usual_final(size_t members);
unsigned roster_usual_quorum(size_t provinces);
size_t roster_provinces(const struct roster *r);
/* Lines for people: what is another in `next`. */
void roster_put_changes(struct sheet *s, const struct roster *now, const struct roster *next);

#endif
