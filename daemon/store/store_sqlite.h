/* The store on SQLite: one exclusive connection, WAL, synchronous=FULL. Floor 4. Source:
 * daemon/core/store.h. */
#ifndef DELTAD_STORE_SQLITE_H
#define DELTAD_STORE_SQLITE_H

#include "daemon/core/store.h"

/* Opens or creates `path` (":memory:" for tests). vfs NULL = the default. Migrates an older schema
 * (a copy by VACUUM INTO stands beside it first). RC_BUSY: another process has it; RC_TOO_NEW: a
 * newer program wrote it; RC_CORRUPT; RC_SETUP: cannot open, or a pragma did not take;
 * RC_DISK_FULL. */
int store_sqlite_open(
	const char *path, const char *vfs, struct store **out, struct err *e) MUST_CHECK;
/* Checkpoints (TRUNCATE) and closes. */
void store_sqlite_close(struct store *s);
/* A checkpoint when idle. */
void store_sqlite_checkpoint(struct store *s);
/* Bytes in the write-ahead log; alarm over 64 MiB. */
uint64_t store_sqlite_wal_bytes(struct store *s);

#endif
