#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/copy.h"
#include "daemon/store/handle.h"
#include "daemon/store/migrate.h"
#include "daemon/store/result.h"
#include "daemon/store/settings.h"
#include "proto/base/mutant.h"
#include "proto/base/text.h"

static const struct store_ops sqlite_ops = {
	.begin = store_begin,
	.commit = store_commit,
	.rollback = store_rollback,
	.meta_put = store_meta_put,
	.meta_get = store_meta_get,
	.roster_put = store_roster_put,
	.roster_get = store_roster_get,
	.log_put = store_log_put,
	.log_each = store_log_each,
	.head_put = store_head_put,
	.head_delete = store_head_delete,
	.head_get = store_head_get,
	.cosignature_put = store_cosignature_put,
	.cosignature_delete = store_cosignature_delete,
	.cosignature_each = store_cosignature_each,
	.final_put = store_final_put,
	.final_get = store_final_get,
	.leaf_put = store_leaf_put,
	.leaf_get = store_leaf_get,
	.leaf_each = store_leaf_each,
	.register_id = store_register_id,
	.change_put = store_change_put,
	.change_get = store_change_get,
	.change_set = store_change_set,
	.change_delete = store_change_delete,
	.change_supersede = store_change_supersede,
	.change_each = store_change_each,
	.register_each = store_register_each,
	.ref_put = store_ref_put,
	.ref_each = store_ref_each,
	.ref_delete = store_ref_delete,
	.ref_drop = store_ref_drop,
	.finding_put = store_finding_put,
	.finding_delete = store_finding_delete,
	.finding_get = store_finding_get,
	.finding_each = store_finding_each,
	.evidence_put = store_evidence_put,
	.evidence_each = store_evidence_each,
	.counts = store_counts,
};

static bool is_in_memory(const char *path)
{
	return strcmp(path, ":memory:") == 0;
}

/* SQLite would follow "file:", and would open a FIFO or a device. */
static int check_path(const char *path, struct err *e)
{
	struct stat st;
	if (is_in_memory(path))
		return RC_OK;
	if (strncmp(path, "file:", 5) == 0)
		return err_set(e, RC_SETUP, "the database \"%s\" must be a path, not a URI", path);
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, RC_SETUP,
			"the database \"%s\" is not a regular file; name another data directory",
			path);
	return RC_OK;
}

static int open_file(struct store_sqlite *s, const char *path, const char *vfs, struct err *e)
{
	int rc = check_path(path, e);
	if (rc != RC_OK)
		return rc;
	int code = sqlite3_open_v2(path, &s->db, STORE_OPEN_FLAGS, vfs);
	if (code == SQLITE_OK && sqlite3_db_readonly(s->db, "main") == 1)
		code = SQLITE_READONLY;
	if (code == SQLITE_OK)
		return RC_OK;
	char doing[160];
	int error = s->db != NULL ? sqlite3_system_errno(s->db) : 0;
	snprintf(doing, sizeof doing, "open \"%.100s\" (%.40s)", path,
		error != 0 ? strerror(error) : "the path");
	return result_set(e, s->db, code, PHASE_OPEN, doing);
}

/* quick_check reads every page, a second for some hundreds of MB: done where it does not delay the
 * start. Larger ones are checked page by page as they are read (cell_size_check), and whole by the
 * verifier of backups. */
#define QUICK_CHECK_PAGES (64 * 1024 * 1024 / 4096)

/* The check reports a page that could not be read as a finding, "… error code=266". */
static int judge_finding(sqlite3 *db, const char *found, struct err *e)
{
	static const char mark[] = "error code=";
	const char *at = strstr(found, mark);
	size_t digits = at != NULL ? strspn(at + strlen(mark), "0123456789") : 0;
	uint64_t code = 0;
	if (digits > 0 && decimal_parse(bytes_of(at + strlen(mark), digits), INT32_MAX, &code) &&
		(code & 0xFF) == SQLITE_IOERR && !MUTANT(UNREADABLE_IS_DAMAGED))
		return result_set(e, db, (int)code, PHASE_OPEN, "check the database");
	return err_set(e, RC_CORRUPT,
		"the database is damaged: %.120s; the files are left as they are, start over with "
		"an empty data directory and `rebuild --from-peers`",
		found);
}

static int check_pages(sqlite3 *db, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = RC_OK;
	int code = sqlite3_prepare_v2(db,
		"SELECT quick_check FROM pragma_quick_check(1)"
		" WHERE (SELECT page_count FROM pragma_page_count) <= :most",
		-1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int(stmt, 1, QUICK_CHECK_PAGES);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	const char *found = NULL;
	if (code == SQLITE_ROW && (found = (const char *)sqlite3_column_text(stmt, 0)) == NULL)
		code = SQLITE_NOMEM;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		rc = result_set(e, db, code, PHASE_OPEN, "check the database");
	else if (code == SQLITE_ROW && strcmp(found, "ok") != 0)
		rc = judge_finding(db, found, e);
	sqlite3_finalize(stmt);
	return rc;
}

/* Nobody may be told of what the log holds before it is safe, and in the database it is. */
static int settle_log(struct store_sqlite *s, struct err *e)
{
	store_write_back(s, SQLITE_CHECKPOINT_TRUNCATE);
	if (s->stopped == RC_OK)
		return RC_OK;
	return err_set(e, s->stopped,
		"cannot write the log back into the database; look for disk errors in the system's "
		"journal");
}

static int make_ready(struct store_sqlite *s, const char *path, struct err *e)
{
	bool in_memory = is_in_memory(path);
	int version = 0;
	int rc = settings_guard(s->db, in_memory, e);
	if (rc == RC_OK)
		rc = migrate_check(s->db, &store_migrations, &version, e);
	if (rc == RC_OK && version > 0)
		rc = check_pages(s->db, e);
	if (rc == RC_OK)
		rc = settings_journal(s->db, in_memory, e);
	if (rc == RC_OK)
		rc = store_write_log_anew(s, e);
	if (rc == RC_OK)
		rc = migrate_run(s->db, path, &store_migrations, version, e);
	if (rc != RC_OK)
		return rc;
	int code = statements_prepare(&s->statements, s->db);
	if (code != SQLITE_OK)
		return result_set(e, s->db, code, PHASE_OPEN, "prepare a statement");
	rc = store_take_locks(s, e);
	return rc == RC_OK ? settle_log(s, e) : rc;
}

static void release(struct store_sqlite *s)
{
	statements_release(&s->statements);
	register_cache_release(&s->registers);
	ENSURE(sqlite3_close(s->db) == SQLITE_OK);
	free(s);
}

int store_sqlite_open(const char *path, const char *vfs, struct store **out, struct err *e)
{
	struct store_sqlite *s = xalloc(sizeof *s);
	s->store.ops = &sqlite_ops;
	int rc = open_file(s, path, vfs, e);
	if (rc == RC_OK)
		rc = make_ready(s, path, e);
	if (rc != RC_OK) {
		release(s);
		return rc;
	}
	*out = &s->store;
	return RC_OK;
}

void store_sqlite_close(struct store *store)
{
	if (store == NULL)
		return;
	struct store_sqlite *s = store_self(store);
	if (s->in_transaction)
		store_rollback(store);
	store_write_back(s, SQLITE_CHECKPOINT_TRUNCATE);
	if (s->stopped == RC_OK)
		(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	release(s);
}

void store_sqlite_checkpoint(struct store *store)
{
	store_write_back(store_self(store), SQLITE_CHECKPOINT_TRUNCATE);
}

int store_sqlite_backup(struct store *store, const char *path, struct err *e)
{
	struct store_sqlite *s = store_self(store);
	struct stat st;
	ENSURE(!s->in_transaction && s->statements.n_in_use == 0);
	if (s->stopped != RC_OK)
		return err_set(e, s->stopped, "the store stopped after a failure of the disk");
	if (lstat(path, &st) == 0)
		return err_set(e, RC_SETUP, "\"%s\" is there already", path);
	int rc = copy_make(s->db, path, "copy the database", e);
	if (rc == RC_CORRUPT)
		s->stopped = rc;
	return rc;
}

uint64_t store_sqlite_wal_bytes(struct store *store)
{
	struct store_sqlite *s = store_self(store);
	sqlite3_file *wal = NULL;
	sqlite3_int64 size = 0;
	int code = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	if (code != SQLITE_OK || wal == NULL || wal->pMethods == NULL)
		return 0;
	if (wal->pMethods->xFileSize(wal, &size) != SQLITE_OK || size < 0)
		return 0;
	return (uint64_t)size;
}
