/* What a verified backup holds, as a signed note beside it: FILE.manifest. Source: PROTOCOL 3.6. */
#ifndef DELTAD_MANIFEST_H
#define DELTAD_MANIFEST_H

#include "daemon/recover.h"

#define MANIFEST_SUFFIX ".manifest"
#define MANIFEST_TIME_SIZE 24 /* 2026-11-02T03:00:00Z */

void manifest_now(char out[MANIFEST_TIME_SIZE]);

/* Appends the text for a recovery that is whole and still open. RC_IO: the file cannot be read. */
int manifest_describe(const struct recovery *r, const char *file, const char *taken,
	struct buf *out, struct err *e) MUST_CHECK;
/* Writes FILE.manifest, signed by the member's log key: a new file, synced, or none. RC_SETUP if
 * there is one. */
int manifest_write(
	const char *file, struct bytes text, const struct key *log_key, struct err *e) MUST_CHECK;
/* FILE.manifest, if there is one (*found): the time that it states, and its bytes into note.
 * RC_VERIFY: it is no manifest. */
int manifest_read(const char *file, char taken[MANIFEST_TIME_SIZE], struct buf *note, bool *found,
	struct err *e) MUST_CHECK;
/* Is the note this text, signed by the member's log key? RC_VERIFY. */
int manifest_check(
	const struct recovery *r, struct bytes note, struct bytes text, struct err *e) MUST_CHECK;

#endif
