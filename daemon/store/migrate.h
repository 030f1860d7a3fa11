/* Which database is ours, and how an older one becomes today's. Floor 4.
 *
 * A schema is what the steps up to its version produce, so the check of a file and the making of a
 * new one cannot disagree. Steps are only ever appended. */
#ifndef DELTAD_STORE_MIGRATE_H
#define DELTAD_STORE_MIGRATE_H

#include <sqlite3.h>

#include "proto/base/err.h"

#define STORE_APPLICATION_ID 0x64656c74 /* "delt" */

struct migrations {
	/* step[i] leads from user_version i to i + 1, and sets it. */
	const char *const *step;
	int n;
};

extern const struct migrations store_migrations;

/* The version of the database, 0 for an empty one. RC_TOO_NEW; RC_CORRUPT: not ours, or its schema
 * is not, to the letter, what our steps make; nothing was written. */
int migrate_check(sqlite3 *db, const struct migrations *m, int *version, struct err *e) MUST_CHECK;

/* From version to m->n, each step in its own transaction. Before the first step an existing
 * database is copied to "<path>.v<version>", which is kept. */
int migrate_run(sqlite3 *db, const char *path, const struct migrations *m, int version,
	struct err *e) MUST_CHECK;

#endif
