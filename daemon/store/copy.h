/* A whole copy of the database as one file of its own: for upgrades and for backups. Floor 4. */
#ifndef DELTAD_STORE_COPY_H
#define DELTAD_STORE_COPY_H

#include <sqlite3.h>

#include "proto/base/err.h"

/* What is committed, at `path`, where no file may be; on disk when it returns RC_OK. `doing`
 * completes "cannot …". On failure no file is left. No transaction may be open. */
int copy_make(sqlite3 *db, const char *path, const char *doing, struct err *e) MUST_CHECK;
/* The copy gets its name, for good. RC_IO. */
int copy_name(const char *path, const char *name, struct err *e) MUST_CHECK;

#endif
