/* How SQLite is set up: every setting is read back, and one that did not take refuses the start.
 * Floor 4. */
#ifndef DELTAD_STORE_SETTINGS_H
#define DELTAD_STORE_SETTINGS_H

#include <sqlite3.h>

#include "proto/base/err.h"

/* One thread uses the connection, so it takes no locks. */
#define STORE_OPEN_FLAGS                                                                           \
	(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |                       \
		SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX)

/* A commit that leaves at least so many frames in the write-ahead log is followed by a checkpoint:
 * just below journal_size_limit. Bulk work touches the same pages again and again; a checkpoint
 * each 1000 frames writes them back a fifth slower over all. */
#define STORE_CHECKPOINT_FRAMES 4000

/* Before anything of the file is believed: defences, limits, and the exclusive lock, which the
 * first read takes. Writes nothing. RC_SETUP; RC_BUSY; RC_CORRUPT. */
int settings_guard(sqlite3 *db, bool in_memory, struct err *e) MUST_CHECK;
/* Once the file is known to be ours or empty: the write-ahead log. */
int settings_journal(sqlite3 *db, bool in_memory, struct err *e) MUST_CHECK;

#endif
