/* What each SQLite result code means for the store and for the person who runs it: one table. Floor
 * 4. */
#ifndef DELTAD_STORE_RESULT_H
#define DELTAD_STORE_RESULT_H

#include <sqlite3.h>

#include "proto/base/err.h"

/* The same code means another thing at another time: a write error is a full disk in the middle of
 * a transaction, and an unknown outcome at its commit. */
enum result_phase { PHASE_OPEN, PHASE_RUN, PHASE_COMMIT, PHASE_COUNT };

/* Fills e: "cannot <doing>: <SQLite's words> (sqlite <code>); <what to do>". db may be NULL. code
 * is an extended result code and none of OK, ROW, DONE. Codes that can only be our own bug do not
 * return. */
int result_set(struct err *e, sqlite3 *db, int code, enum result_phase phase,
	const char *doing) MUST_CHECK;

#endif
