#include "daemon/store/migrate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/copy.h"
#include "daemon/store/result.h"
#include "proto/base/bytes.h"

#define SCHEMA_ROWS "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
#define SCHEMA_COLUMNS 4

static int read_number(sqlite3 *db, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	int rc = RC_OK;
	if (code == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	else
		rc = result_set(e, db, code, PHASE_OPEN, "read the database");
	sqlite3_finalize(stmt);
	return rc;
}

/* Steps from..to-1 in one transaction. */
static int run_together(sqlite3 *db, const struct migrations *m, int from, int to, struct err *e)
{
	static const char doing[] = "change the database's schema";
	int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	for (int i = from; i < to && code == SQLITE_OK; i++)
		code = sqlite3_exec(db, m->step[i], NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	int rc = code == SQLITE_OK ? RC_OK : result_set(e, db, code, PHASE_OPEN, doing);
	if (!sqlite3_get_autocommit(db))
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* A new database is whole or not there: nobody finds one of an older schema in a folder that never
 * had an older program. */
static int run_steps(sqlite3 *db, const struct migrations *m, int from, int to, struct err *e)
{
	int rc = RC_OK;
	if (from == 0)
		return run_together(db, m, from, to, e);
	for (int i = from; i < to && rc == RC_OK; i++)
		rc = run_together(db, m, i, i + 1, e);
	return rc;
}

/* As bytes: a text that must be converted may fail for want of memory, and look different. */
static struct bytes column_of(sqlite3_stmt *stmt, int column)
{
	const void *p = sqlite3_column_blob(stmt, column);
	return bytes_of(p, (size_t)sqlite3_column_bytes(stmt, column));
}

static bool same_row(sqlite3_stmt *a, sqlite3_stmt *b)
{
	for (int column = 0; column < SCHEMA_COLUMNS; column++) {
		if (sqlite3_column_type(a, column) != sqlite3_column_type(b, column) ||
			!bytes_equal(column_of(a, column), column_of(b, column)))
			return false;
	}
	return true;
}

/* Both are read to the end. RC_OK if all rows are equal. */
static int compare_rows(sqlite3_stmt *have, sqlite3_stmt *want, struct err *e)
{
	for (;;) {
		int more = sqlite3_step(have), wanted = sqlite3_step(want);
		int bad = more != SQLITE_ROW && more != SQLITE_DONE ? more : wanted;
		if (bad != SQLITE_ROW && bad != SQLITE_DONE)
			return result_set(e, NULL, bad, PHASE_OPEN, "read the database's schema");
		if (more == SQLITE_DONE && wanted == SQLITE_DONE)
			return RC_OK;
		if (more == wanted && same_row(have, want))
			continue;
		struct bytes odd = column_of(more == SQLITE_ROW ? have : want, 1);
		return err_set(e, RC_CORRUPT,
			"the database's schema is not ours, see \"%.*s\"; the file was not touched",
			odd.n < 40 ? (int)odd.n : 40, (const char *)odd.p);
	}
}

/* H61: a hostile file with one more trigger or view never comes to run it. */
static int compare_schema(sqlite3 *db, sqlite3 *model, struct err *e)
{
	sqlite3_stmt *have = NULL, *want = NULL;
	int rc;
	int code = sqlite3_prepare_v2(db, SCHEMA_ROWS, -1, &have, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(model, SCHEMA_ROWS, -1, &want, NULL);
	if (code == SQLITE_OK)
		rc = compare_rows(have, want, e);
	else
		rc = result_set(e, NULL, code, PHASE_OPEN, "read the database's schema");
	sqlite3_finalize(want);
	sqlite3_finalize(have);
	return rc;
}

static int check_schema(sqlite3 *db, const struct migrations *m, int version, struct err *e)
{
	sqlite3 *model = NULL;
	int code = sqlite3_open_v2(":memory:", &model,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, NULL);
	int rc;
	if (code == SQLITE_OK)
		rc = run_steps(model, m, 0, version, e);
	else
		rc = result_set(e, model, code, PHASE_OPEN, "open a database in memory");
	if (rc == RC_OK)
		rc = compare_schema(db, model, e);
	sqlite3_close(model);
	return rc;
}

int migrate_check(sqlite3 *db, const struct migrations *m, int *version, struct err *e)
{
	int64_t application = 0, user = 0, objects = 0;
	int rc = read_number(db, "PRAGMA application_id", &application, e);
	if (rc == RC_OK)
		rc = read_number(db, "PRAGMA user_version", &user, e);
	if (rc == RC_OK)
		rc = read_number(db, "SELECT count(*) FROM sqlite_schema", &objects, e);
	if (rc != RC_OK)
		return rc;
	*version = (int)user;
	if (application == 0 && user == 0 && objects == 0)
		return RC_OK;
	if (application != STORE_APPLICATION_ID || user < 1)
		return err_set(e, RC_CORRUPT,
			"the file is another program's database (application %08x, version %d); it "
			"was not touched",
			(unsigned)application, (int)user);
	if (user > m->n)
		return err_set(e, RC_TOO_NEW,
			"the database has schema %d, this program knows up to %d; install the "
			"newer program",
			(int)user, m->n);
	return check_schema(db, m, *version, e);
}

/* The name appears only once the copy is whole and on disk. */
static int keep_copy(sqlite3 *db, const char *path, int version, struct err *e)
{
	char name[PATH_MAX], fresh[PATH_MAX];
	int n = snprintf(name, sizeof name, "%s.v%d", path, version);
	int m = snprintf(fresh, sizeof fresh, "%s.v%d.new", path, version);
	if (n < 0 || m < 0 || (size_t)m >= sizeof fresh)
		return err_set(e, RC_SETUP, "the path of the database is too long");
	if (unlink(fresh) != 0 && errno != ENOENT)
		return err_set(e, RC_SETUP, "cannot remove \"%s\": %s", fresh, strerror(errno));
	int rc = copy_make(db, fresh, "copy the database before the upgrade", e);
	return rc == RC_OK ? copy_name(fresh, name, e) : rc;
}

int migrate_run(
	sqlite3 *db, const char *path, const struct migrations *m, int version, struct err *e)
{
	int rc = RC_OK;
	if (version > 0 && version < m->n)
		rc = keep_copy(db, path, version, e);
	if (rc == RC_OK)
		rc = run_steps(db, m, version, m->n, e);
	return rc;
}
