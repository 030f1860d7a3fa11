#include "daemon/store/settings.h"

#include <stddef.h>
#include <string.h>

#include "daemon/store/result.h"
#include "proto/base/mutant.h"

static const struct {
	int option, value;
	const char *name;
} options[] = {
	{SQLITE_DBCONFIG_DEFENSIVE, 1, "defensive"},
	{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, "trusted_schema"},
	{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, "load_extension"},
	{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, "triggers"},
	{SQLITE_DBCONFIG_ENABLE_VIEW, 0, "views"},
	{SQLITE_DBCONFIG_DQS_DML, 0, "dqs_dml"},
	{SQLITE_DBCONFIG_DQS_DDL, 0, "dqs_ddl"},
	/* A damaged database is closed as it is; store_sqlite_close checkpoints a sound one. */
	{SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, "no_ckpt_on_close"},
};

/* SQLite's published set for untrusted input (sqlite.org/security.html), slightly relaxed. */
static const struct {
	int limit, value;
	const char *name;
} limits[] = {
	{SQLITE_LIMIT_LENGTH, 1024 * 1024, "length"},
	{SQLITE_LIMIT_SQL_LENGTH, 100000, "sql_length"},
	{SQLITE_LIMIT_COLUMN, 100, "column"},
	{SQLITE_LIMIT_EXPR_DEPTH, 20, "expr_depth"},
	{SQLITE_LIMIT_COMPOUND_SELECT, 3, "compound_select"},
	{SQLITE_LIMIT_VDBE_OP, 25000, "vdbe_op"},
	{SQLITE_LIMIT_FUNCTION_ARG, 8, "function_arg"},
	{SQLITE_LIMIT_ATTACHED, 0, "attached"},
	{SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50, "like_pattern_length"},
	{SQLITE_LIMIT_VARIABLE_NUMBER, 32, "variable_number"},
	{SQLITE_LIMIT_TRIGGER_DEPTH, 10, "trigger_depth"},
	{SQLITE_LIMIT_WORKER_THREADS, 0, "worker_threads"},
};

struct setting {
	const char *set, *get, *value;
	bool file_only; /* means nothing for a database in memory */
};

/* In this order: the lock must be exclusive before the first read, or a wal-index file appears. The
 * checkpoint is ours (transaction.c): SQLite's own one hides a failed sync. The heap limit is the
 * process's, so that a simulation of several nodes in memory is not held to it. */
static const struct setting guards[] = {
	{"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA locking_mode", "exclusive", false},
	{"PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1", false},
	{"PRAGMA hard_heap_limit = 67108864", "PRAGMA hard_heap_limit", "67108864", true},
	{"PRAGMA mmap_size = 0", "PRAGMA mmap_size", "0", true},
	{"PRAGMA temp_store = MEMORY", "PRAGMA temp_store", "2", false},
	{"PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", "1", false},
	{"PRAGMA cache_size = -16384", "PRAGMA cache_size", "-16384", false},
	{"PRAGMA synchronous = FULL", "PRAGMA synchronous", "2", true},
	{"PRAGMA wal_autocheckpoint = 0", "PRAGMA wal_autocheckpoint", "0", false},
	{"PRAGMA journal_size_limit = 16777216", "PRAGMA journal_size_limit", "16777216", true},
};

static const struct setting journal = {
	"PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal", true};

static int set_options(sqlite3 *db, struct err *e)
{
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		int now = -1;
		int code = sqlite3_db_config(db, options[i].option, options[i].value, &now);
		if (code != SQLITE_OK || now != options[i].value)
			return err_set(e, RC_SETUP, "this sqlite does not take the option %s = %d",
				options[i].name, options[i].value);
	}
	return RC_OK;
}

static int set_limits(sqlite3 *db, struct err *e)
{
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		sqlite3_limit(db, limits[i].limit, limits[i].value);
		if (sqlite3_limit(db, limits[i].limit, -1) != limits[i].value)
			return err_set(e, RC_SETUP, "this sqlite does not take the limit %s = %d",
				limits[i].name, limits[i].value);
	}
	return RC_OK;
}

static int read_back(sqlite3 *db, const struct setting *x, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db, x->get, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	const char *now = NULL;
	if (code == SQLITE_ROW && (now = (const char *)sqlite3_column_text(stmt, 0)) == NULL)
		code = SQLITE_NOMEM;
	int rc = RC_OK;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		rc = result_set(e, db, code, PHASE_OPEN, "open the database");
	else if (code == SQLITE_DONE || strcmp(now, x->value) != 0)
		rc = err_set(e, RC_SETUP, "\"%s\" did not take: it is %s, not %s", x->set,
			code == SQLITE_ROW ? now : "nothing", x->value);
	sqlite3_finalize(stmt);
	return rc;
}

static int set_one(sqlite3 *db, const struct setting *x, struct err *e)
{
	int code = sqlite3_exec(db, x->set, NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return result_set(e, db, code, PHASE_OPEN, "open the database");
	return read_back(db, x, e);
}

int settings_guard(sqlite3 *db, bool in_memory, struct err *e)
{
	int rc = set_options(db, e);
	if (rc == RC_OK)
		rc = set_limits(db, e);
	for (size_t i = 0; i < sizeof guards / sizeof guards[0] && rc == RC_OK; i++) {
		if (!in_memory || !guards[i].file_only)
			rc = set_one(db, &guards[i], e);
	}
	return rc;
}

int settings_journal(sqlite3 *db, bool in_memory, struct err *e)
{
	if (MUTANT(SYNCHRONOUS_NORMAL))
		(void)sqlite3_exec(db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	return in_memory ? RC_OK : set_one(db, &journal, e);
}
