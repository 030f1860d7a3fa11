#include "daemon/store/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int run_step(sqlite3 *db, const char *sql, struct err *e)
{
	static const char doing[] = "change the database's schema";
	int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	int rc = code == SQLITE_OK ? RC_OK : result_set(e, db, code, PHASE_OPEN, doing);
	if (!sqlite3_get_autocommit(db))
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static int run_steps(sqlite3 *db, const struct migrations *m, int from, int to, struct err *e)
{
	int rc = RC_OK;
	for (int i = from; i < to && rc == RC_OK; i++)
		rc = run_step(db, m->step[i], e);
	return rc;
}

static bool same_text(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
	struct bytes x =
		bytes_of(sqlite3_column_text(a, column), (size_t)sqlite3_column_bytes(a, column));
	struct bytes y =
		bytes_of(sqlite3_column_text(b, column), (size_t)sqlite3_column_bytes(b, column));
	return sqlite3_column_type(a, column) == sqlite3_column_type(b, column) &&
		bytes_equal(x, y);
}

static bool same_row(sqlite3_stmt *a, sqlite3_stmt *b)
{
	bool same = true;
	for (int column = 0; column < SCHEMA_COLUMNS; column++)
		same = same && same_text(a, b, column);
	return same;
}

static int compare_rows(
	sqlite3 *db, sqlite3_stmt *have, sqlite3_stmt *want, const char **odd, struct err *e)
{
	*odd = NULL;
	for (;;) {
		int code = sqlite3_step(have);
		bool more = sqlite3_step(want) == SQLITE_ROW;
		if (code != SQLITE_ROW && code != SQLITE_DONE)
			return result_set(e, db, code, PHASE_OPEN, "read the database's schema");
		if (code == SQLITE_DONE && !more)
			return RC_OK;
		if (code == SQLITE_ROW && more && same_row(have, want))
			continue;
		*odd = (const char *)sqlite3_column_text(code == SQLITE_ROW ? have : want, 1);
		return RC_OK;
	}
}

/* H61: a hostile file with one more trigger or view never comes to run it. */
static int compare_schema(sqlite3 *db, sqlite3 *model, struct err *e)
{
	sqlite3_stmt *have = NULL, *want = NULL;
	const char *odd = NULL;
	int rc;
	int code = sqlite3_prepare_v2(db, SCHEMA_ROWS, -1, &have, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(model, SCHEMA_ROWS, -1, &want, NULL);
	if (code == SQLITE_OK)
		rc = compare_rows(db, have, want, &odd, e);
	else
		rc = result_set(e, db, code, PHASE_OPEN, "read the database's schema");
	if (rc == RC_OK && odd != NULL)
		rc = err_set(e, RC_CORRUPT,
			"the database's schema is not ours, see \"%.40s\"; the file was not "
			"touched",
			odd);
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

static int sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int failed = fsync(fd);
	int error = errno;
	close(fd);
	errno = error;
	return failed;
}

static int sync_folder_of(const char *path)
{
	char *copy = xstrdup(path);
	int failed = sync_path(dirname(copy), O_RDONLY | O_DIRECTORY);
	free(copy);
	return failed;
}

static int vacuum_into(sqlite3 *db, const char *path, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int attached = sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
	int code = sqlite3_prepare_v2(db, "VACUUM INTO :path", -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	int rc = RC_OK;
	if (code != SQLITE_DONE)
		rc = result_set(e, db, code, PHASE_OPEN, "copy the database before the upgrade");
	sqlite3_finalize(stmt);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, attached);
	return rc;
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
	int rc = vacuum_into(db, fresh, e);
	if (rc != RC_OK)
		return rc;
	if (sync_path(fresh, O_RDONLY) != 0 || rename(fresh, name) != 0 ||
		sync_folder_of(name) != 0)
		return err_set(e, RC_IO, "cannot keep the copy \"%s\": %s", name, strerror(errno));
	return RC_OK;
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
