/* The store on SQLite: one exclusive connection, WAL, synchronous=FULL. Floor 4. Source:
 * daemon/core/store.h. */
#ifndef DELTAD_STORE_SQLITE_H
#define DELTAD_STORE_SQLITE_H

#include "daemon/core/store.h"

/* Opens or creates `path` (":memory:" for tests; no link in it). vfs NULL = the default. Migrates
 * an older schema (a copy by VACUUM INTO stands beside it first, "<path>.v<version>"). A refused
 * file is not written to. RC_BUSY: another process has it; RC_TOO_NEW: a newer program wrote it;
 * RC_CORRUPT: damaged, or not ours; RC_SETUP: cannot open, or a pragma did not take; RC_DISK_FULL;
 * RC_IO; RC_NOMEM. While it is open no other fd of the process may touch the file: closing one
 * would drop the lock. */
int store_sqlite_open(
	const char *path, const char *vfs, struct store **out, struct err *e) MUST_CHECK;
/* Rolls back what is open, checkpoints (TRUNCATE) and closes; NULL is a no-op. After RC_CORRUPT,
 * RC_IO at begin or RC_UNKNOWN_OUTCOME the files are left as they are. */
void store_sqlite_close(struct store *s);
/* A checkpoint when idle; a no-op inside a transaction. Too little room is not a failure: the log
 * stays. A sync that fails shows as RC_IO of the next begin. */
void store_sqlite_checkpoint(struct store *s);
/* What is committed, as one file `path`, where nothing may be yet; on disk when it returns. Blocks
 * for its time (a second for some hundreds of MB); not inside a transaction. On failure no file is
 * left, and the store goes on: RC_DISK_FULL, RC_IO, RC_SETUP of the other file; RC_CORRUPT: of the
 * database itself. */
int store_sqlite_backup(struct store *s, const char *path, struct err *e) MUST_CHECK;
/* Bytes in the write-ahead log; alarm over 64 MiB. */
uint64_t store_sqlite_wal_bytes(struct store *s);

#endif
