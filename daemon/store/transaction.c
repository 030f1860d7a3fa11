/* One writer, explicit transactions, and checkpoints whose failure is seen. */
#include "daemon/store/handle.h"
#include "daemon/store/result.h"
#include "daemon/store/settings.h"
#include "proto/base/mutant.h"

#define COPY_BYTES 32768

int store_fail(struct store_sqlite *s, int code, const char *doing, struct err *e)
{
	int rc = result_set(e, s->db, code, PHASE_RUN, doing);
	if (rc == RC_CORRUPT || rc == RC_UNKNOWN_OUTCOME)
		s->stopped = rc;
	if (s->in_transaction && s->failed == RC_OK)
		s->failed = rc;
	return rc;
}

/* For statements without rows or parameters. Returns an SQLite code, SQLITE_OK when done. */
static int run_plain(struct store_sqlite *s, enum statement id)
{
	sqlite3_stmt *stmt = s->statements.stmt[id];
	int code = sqlite3_step(stmt);
	(void)sqlite3_reset(stmt);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

int store_begin(struct store *store, struct err *e)
{
	struct store_sqlite *s = store_self(store);
	ENSURE(!s->in_transaction);
	ENSURE(s->statements.n_in_use == 0);
	if (s->stopped != RC_OK)
		return err_set(e, s->stopped,
			"the store stopped after a failure of the disk; restart the daemon");
	int code = run_plain(s, STMT_BEGIN);
	if (code != SQLITE_OK)
		return store_fail(s, code, "begin a transaction", e);
	s->in_transaction = true;
	return RC_OK;
}

int store_commit(struct store *store, struct err *e)
{
	struct store_sqlite *s = store_self(store);
	ENSURE(s->in_transaction);
	ENSURE(s->statements.n_in_use == 0);
	if (s->failed != RC_OK)
		return err_set(e, s->failed, "the transaction failed before: roll it back");
	int code = run_plain(s, STMT_COMMIT);
	if (code != SQLITE_OK) {
		s->failed = result_set(e, s->db, code, PHASE_COMMIT, "commit");
		if (s->failed != RC_DISK_FULL)
			s->stopped = s->failed;
		return s->failed;
	}
	s->in_transaction = false;
	if (s->wal_frames >= STORE_CHECKPOINT_FRAMES)
		store_write_back(s, SQLITE_CHECKPOINT_PASSIVE);
	return RC_OK;
}

void store_rollback(struct store *store)
{
	struct store_sqlite *s = store_self(store);
	ENSURE(s->statements.n_in_use == 0);
	/* A failed write may have rolled back by itself. The result repeats that failure. */
	if (!sqlite3_get_autocommit(s->db))
		(void)run_plain(s, STMT_ROLLBACK);
	register_cache_forget(&s->registers);
	s->tally.known = false;
	s->failed = RC_OK;
	s->in_transaction = false;
}

static int note_frames(void *arg, sqlite3 *db, const char *name, int frames)
{
	(void)db;
	(void)name;
	((struct store_sqlite *)arg)->wal_frames = (unsigned)frames;
	return SQLITE_OK;
}

int store_take_locks(struct store_sqlite *s, struct err *e)
{
	sqlite3_wal_hook(s->db, note_frames, s);
	int code = run_plain(s, STMT_BEGIN);
	if (code == SQLITE_OK)
		code = run_plain(s, STMT_COMMIT);
	if (code != SQLITE_OK)
		return result_set(e, s->db, code, PHASE_OPEN, "lock the database");
	return RC_OK;
}

static int copy_onto_itself(sqlite3_file *log)
{
	uint8_t block[COPY_BYTES];
	sqlite3_int64 size = 0;
	int code = log->pMethods->xFileSize(log, &size);
	for (sqlite3_int64 at = 0; at < size && code == SQLITE_OK; at += COPY_BYTES) {
		int n = size - at < COPY_BYTES ? (int)(size - at) : COPY_BYTES;
		code = log->pMethods->xRead(log, block, n, at);
		if (code == SQLITE_OK)
			code = log->pMethods->xWrite(log, block, n, at);
	}
	if (code == SQLITE_OK && size > 0)
		code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
	return code;
}

/* What the log holds can be read, but perhaps from the kernel's memory alone: after a sync that
 * failed the kernel forgets what it could not write, and later syncs do not tell. A database that
 * is written to from such a log is damaged for good if the power fails before it is whole. */
int store_write_log_anew(struct store_sqlite *s, struct err *e)
{
	sqlite3_file *log = NULL;
	int code = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (code == SQLITE_OK && log != NULL && log->pMethods != NULL && !MUTANT(LOG_IS_BELIEVED))
		code = copy_onto_itself(log);
	return code == SQLITE_OK ? RC_OK
				 : result_set(e, s->db, code, PHASE_OPEN, "write the log anew");
}

/* What is committed is safe in the log whether or not this succeeds. Too little room or memory: the
 * log grows until a later one does. But after a sync that failed the kernel may call the next one a
 * success without having the pages: only a restart, which reads the log again, is sound. */
void store_write_back(struct store_sqlite *s, int mode)
{
	if (s->in_transaction || s->statements.n_in_use > 0 || s->stopped != RC_OK)
		return;
	int code = sqlite3_wal_checkpoint_v2(s->db, "main", mode, NULL, NULL);
	if (code == SQLITE_OK)
		return;
	int rc = result_set(NULL, s->db, code, PHASE_RUN, "write back");
	if (rc == RC_CORRUPT)
		s->stopped = RC_CORRUPT;
	else if (rc != RC_DISK_FULL && rc != RC_NOMEM)
		s->stopped = RC_IO;
}
