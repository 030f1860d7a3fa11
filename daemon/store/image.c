#include "daemon/store/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "daemon/store/migrate.h"
#include "daemon/store/result.h"
#include "daemon/store/settings.h"
#include "proto/trust/hash.h"

#define READING "read the file"
#define HEADER_BYTES 100
#define AT_PAGE_SIZE 16
#define AT_WRITE_VERSION 18
#define AT_PAGES 28
#define AT_APPLICATION 68
#define LEAF_MAX (64 * 1024) /* more than any leaf or note; whoever wants less checks it */

struct image {
	sqlite3 *db;
	int schema;
};

/* ---- opening ---- */

static int refuse(struct err *e, const char *path, const char *why)
{
	return err_set(e, RC_CORRUPT, "\"%.150s\" is no database of this program: %s", path, why);
}

static bool has_log(const char *path)
{
	struct buf name = {0};
	struct stat st;
	buf_printf(&name, "%s-wal", path);
	buf_put_u8(&name, 0);
	bool there = lstat((const char *)name.p, &st) == 0 && st.st_size > 0;
	buf_release(&name);
	return there;
}

/* What SQLite would believe of the header is held to the file first. */
static int check_header(const char *path, const uint8_t h[HEADER_BYTES], off_t size, struct err *e)
{
	uint32_t page = get_u16be(h + AT_PAGE_SIZE) == 1 ? 65536 : get_u16be(h + AT_PAGE_SIZE);
	if (memcmp(h, "SQLite format 3", 16) != 0)
		return refuse(e, path, "the header is another one");
	if (get_u32be(h + AT_APPLICATION) != STORE_APPLICATION_ID)
		return refuse(e, path, "it belongs to another program");
	if ((h[AT_WRITE_VERSION] != 1 && h[AT_WRITE_VERSION] != 2) ||
		h[AT_WRITE_VERSION] != h[AT_WRITE_VERSION + 1])
		return refuse(e, path, "it is of another format");
	if (has_log(path))
		return refuse(e, path,
			"a write-ahead log stands beside it, which holds a part of it; let the "
			"node "
			"stop in order, or make the copy with deltactl backup");
	if (page < 512 || (page & (page - 1)) != 0 || size % page != 0 ||
		size / page != (off_t)get_u32be(h + AT_PAGES))
		return refuse(e, path, "it is longer or shorter than its header says");
	return RC_OK;
}

static int check_file(const char *path, struct err *e)
{
	struct stat st;
	uint8_t header[HEADER_BYTES];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, RC_SETUP, "\"%.150s\": %s", path, strerror(errno));
	int rc = RC_OK;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = err_set(e, RC_SETUP, "\"%.150s\" is not a regular file", path);
	else if (pread(fd, header, sizeof header, 0) != (ssize_t)sizeof header)
		rc = refuse(e, path, "it is too short");
	else
		rc = check_header(path, header, st.st_size, e);
	close(fd);
	return rc;
}

/* Immutable: no journal beside the file is looked at, and no lock taken. */
static void put_uri(struct buf *out, const char *path)
{
	buf_put_str(out, "file:");
	for (const char *c = path; *c != '\0'; c++) {
		if (strchr("?#%", *c) != NULL)
			buf_printf(out, "%%%02x", (unsigned char)*c);
		else
			buf_put_u8(out, (uint8_t)*c);
	}
	buf_put_str(out, "?immutable=1");
	buf_put_u8(out, 0);
}

static int fail(sqlite3 *db, int code, struct err *e)
{
	int rc = result_set(e, db, code, PHASE_OPEN, READING);
	/* Whatever the file does to SQLite is the file's fault. */
	if (rc == RC_INTERNAL || rc == RC_TOO_BIG)
		return err_set(e, RC_CORRUPT, "the file is damaged: %s", sqlite3_errstr(code));
	return rc;
}

/* SQLite's own words have several lines. */
static int damaged(const char *found, struct err *e)
{
	char line[120] = "?";
	if (found != NULL)
		snprintf(line, sizeof line, "%s", found);
	for (char *c = line; *c != '\0'; c++)
		*c = *c == '\n' ? ' ' : *c;
	return err_set(e, RC_CORRUPT, "the file is damaged: %s", line);
}

static int check_whole(struct image *m, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = RC_OK;
	int code = sqlite3_prepare_v2(m->db, "PRAGMA integrity_check(1)", -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	const char *found = NULL;
	if (code == SQLITE_ROW)
		found = (const char *)sqlite3_column_text(stmt, 0);
	if (code != SQLITE_ROW)
		rc = fail(m->db, code, e);
	else if (found == NULL || strcmp(found, "ok") != 0)
		rc = damaged(found, e);
	sqlite3_finalize(stmt);
	return rc;
}

static int make_ready(struct image *m, const char *path, struct err *e)
{
	int rc = settings_guard(m->db, false, e);
	if (rc == RC_OK)
		rc = migrate_check(m->db, &store_migrations, &m->schema, e);
	if (rc == RC_OK && m->schema == 0)
		rc = refuse(e, path, "it is empty");
	return rc == RC_OK ? check_whole(m, e) : rc;
}

int image_open(const char *path, struct image **out, struct err *e)
{
	int rc = check_file(path, e);
	if (rc != RC_OK)
		return rc;
	struct image *m = xalloc(sizeof *m);
	struct buf uri = {0};
	put_uri(&uri, path);
	int code = sqlite3_open_v2((const char *)uri.p, &m->db,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOFOLLOW |
			SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX,
		NULL);
	buf_release(&uri);
	rc = code == SQLITE_OK ? make_ready(m, path, e) : fail(m->db, code, e);
	if (rc != RC_OK) {
		image_close(m);
		return rc;
	}
	*out = m;
	return RC_OK;
}

void image_close(struct image *m)
{
	if (m == NULL)
		return;
	ENSURE(sqlite3_close(m->db) == SQLITE_OK);
	free(m);
}

int image_schema(const struct image *m)
{
	return m->schema;
}

/* ---- reading ---- */

static int prepare(struct image *m, const char *sql, sqlite3_stmt **out, struct err *e)
{
	int code = sqlite3_prepare_v2(m->db, sql, -1, out, NULL);
	return code == SQLITE_OK ? RC_OK : fail(m->db, code, e);
}

static void bind(sqlite3_stmt *stmt, const char *name, int64_t value)
{
	ENSURE(sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, name), value) ==
		SQLITE_OK);
}

static bool is_size(sqlite3_stmt *stmt, int column)
{
	return sqlite3_column_type(stmt, column) == SQLITE_INTEGER &&
		sqlite3_column_int64(stmt, column) >= 0;
}

static struct bytes column(sqlite3_stmt *stmt, int i)
{
	const void *p = sqlite3_column_blob(stmt, i);
	return bytes_of(p, (size_t)sqlite3_column_bytes(stmt, i));
}

/* Rows of a number and some bytes. */
static int numbered(
	struct image *m, sqlite3_stmt *stmt, image_note_fn *fn, void *arg, struct err *e)
{
	int code, rc = RC_OK;
	while (rc == RC_OK && (code = sqlite3_step(stmt)) != SQLITE_DONE) {
		if (code != SQLITE_ROW)
			rc = fail(m->db, code, e);
		else if (!is_size(stmt, 0) || sqlite3_column_bytes(stmt, 1) > LEAF_MAX)
			rc = err_set(e, RC_CORRUPT, "the file has a row that cannot be");
		else
			rc = fn(arg, (uint64_t)sqlite3_column_int64(stmt, 0), column(stmt, 1));
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* The first of a version that came stands in the table, what stands against it in meta under
 * roster/VERSION/PLACE. A key of that form that belongs to no version gives a row without one. */
static const char rosters_sql[] =
	"WITH kept(version, place, key) AS (SELECT version, column1,"
	" 'roster/' || version || '/' || column1 FROM roster CROSS JOIN"
	" (VALUES (1), (2), (3), (4)))"
	" SELECT version, note FROM (SELECT version, 0 AS place, note FROM roster UNION ALL"
	" SELECT k.version, k.place, m.value FROM meta AS m LEFT JOIN kept AS k ON k.key = m.key"
	" WHERE m.key GLOB 'roster/*') ORDER BY version, place";

int image_rosters(struct image *m, image_note_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(m, rosters_sql, &stmt, e);
	return rc == RC_OK ? numbered(m, stmt, fn, arg, e) : rc;
}

int image_heads(struct image *m, int64_t log, image_note_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(m, "SELECT size, note FROM head WHERE log = :log ORDER BY size", &stmt, e);
	if (rc != RC_OK)
		return rc;
	bind(stmt, ":log", log);
	return numbered(m, stmt, fn, arg, e);
}

int image_cosignatures(struct image *m, int64_t log, const char *member, image_note_fn *fn,
	void *arg, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	if (m->schema < 2)
		return RC_OK;
	int rc = prepare(m,
		"SELECT size, note FROM cosignature WHERE log = :log AND member = :member"
		" ORDER BY size",
		&stmt, e);
	if (rc != RC_OK)
		return rc;
	bind(stmt, ":log", log);
	ENSURE(sqlite3_bind_text(stmt, 2, member, -1, SQLITE_STATIC) == SQLITE_OK);
	return numbered(m, stmt, fn, arg, e);
}

int image_leaves(struct image *m, int64_t log, uint64_t from, uint64_t to, image_leaf_fn *fn,
	void *arg, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(m,
		"SELECT idx, leaf FROM entry WHERE log = :log AND idx >= :from AND idx < :to"
		" ORDER BY idx",
		&stmt, e);
	if (rc != RC_OK)
		return rc;
	ENSURE(from <= INT64_MAX && to <= INT64_MAX);
	bind(stmt, ":log", log);
	bind(stmt, ":from", (int64_t)from);
	bind(stmt, ":to", (int64_t)to);
	return numbered(m, stmt, fn, arg, e);
}

static int read_log(sqlite3_stmt *stmt, struct image_log *out, struct err *e)
{
	struct bytes origin = column(stmt, 1);
	if (origin.n == 0 || origin.n >= sizeof out->origin || !is_size(stmt, 2))
		return err_set(e, RC_CORRUPT, "the file names a log that cannot be");
	*out = (struct image_log){.id = sqlite3_column_int64(stmt, 0),
		.size = (uint64_t)sqlite3_column_int64(stmt, 2)};
	memcpy(out->origin, origin.p, origin.n);
	return RC_OK;
}

int image_logs(struct image *m, image_log_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int code, rc = prepare(m, "SELECT id, origin, size FROM log ORDER BY id", &stmt, e);
	while (rc == RC_OK && (code = sqlite3_step(stmt)) != SQLITE_DONE) {
		struct image_log log;
		rc = code == SQLITE_ROW ? read_log(stmt, &log, e) : fail(m->db, code, e);
		if (rc == RC_OK)
			rc = fn(arg, &log);
	}
	sqlite3_finalize(stmt);
	return rc;
}

int image_evidence(struct image *m, image_evidence_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	if (m->schema < 2)
		return RC_OK;
	int code,
		rc = prepare(m, "SELECT first, second, proof FROM evidence ORDER BY id", &stmt, e);
	while (rc == RC_OK && (code = sqlite3_step(stmt)) != SQLITE_DONE)
		rc = code == SQLITE_ROW ? fn(arg, column(stmt, 0), column(stmt, 1), column(stmt, 2))
					: fail(m->db, code, e);
	sqlite3_finalize(stmt);
	return rc;
}

static int read_number(struct image *m, const char *sql, uint64_t *out, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(m, sql, &stmt, e);
	if (rc != RC_OK)
		return rc;
	int code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*out = (uint64_t)sqlite3_column_int64(stmt, 0);
	else
		rc = fail(m->db, code, e);
	sqlite3_finalize(stmt);
	return rc;
}

int image_count(struct image *m, uint64_t *leaves, struct err *e)
{
	return read_number(m, "SELECT count(*) FROM entry", leaves, e);
}

/* ---- what was derived ---- */

/* As store.h says: whose waiting changes are to be judged. */
int image_is_releasing(struct image *m, bool *is, struct err *e)
{
	uint64_t n;
	int rc = read_number(
		m, "SELECT count(*) FROM ref WHERE wanted = zeroblob(32) AND kind = 4", &n, e);
	*is = rc == RC_OK && n > 0;
	return rc;
}

/* Registers in their order, then changes by id, as the indexes have them: nothing is sorted. */
static const char changes_sql[] =
	"SELECT r.task, r.slot, r.holder, c.id, l.origin, c.idx, c.verdict, c.code, c.superseded"
	" FROM register AS r CROSS JOIN change AS c ON c.reg = r.reg"
	" LEFT JOIN log AS l ON l.id = c.log ORDER BY r.task, r.slot, r.holder, c.id";
static const char findings_sql[] =
	"SELECT l.origin, f.idx, f.verdict, f.code FROM log AS l"
	" CROSS JOIN finding AS f ON f.log = l.id ORDER BY l.origin, f.idx";
/* With the rows that the joins above pass by. */
static const char n_changes_sql[] = "SELECT count(*) FROM change";
static const char n_findings_sql[] = "SELECT count(*) FROM finding";

struct derived {
	struct image *m;
	image_counts_fn *counts;
	void *arg;
	struct sha256_stream s;
	struct err *e;
};

static void add_row(struct sha256_stream *s, sqlite3_stmt *stmt)
{
	for (int i = 0; i < sqlite3_column_count(stmt); i++) {
		struct bytes value = column(stmt, i);
		uint8_t head[5] = {(uint8_t)sqlite3_column_type(stmt, i)};
		put_u32be(head + 1, (uint32_t)value.n);
		sha256_add(s, bytes_of(head, sizeof head));
		sha256_add(s, value);
	}
}

/* Rows whose leaf stands in columns `at` and the next; *n: how many of them do not count. */
static int add_rows(struct derived *d, const char *sql, int at, uint64_t *n)
{
	sqlite3_stmt *stmt = NULL;
	int code, rc = prepare(d->m, sql, &stmt, d->e);
	*n = 0;
	while (rc == RC_OK && (code = sqlite3_step(stmt)) != SQLITE_DONE) {
		if (code != SQLITE_ROW)
			rc = fail(d->m->db, code, d->e);
		else if (d->counts == NULL ||
			d->counts(d->arg, column(stmt, at),
				(uint64_t)sqlite3_column_int64(stmt, at + 1)))
			add_row(&d->s, stmt);
		else
			++*n;
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int add_table(struct derived *d, const char *sql, int at, const char *count_sql)
{
	uint64_t others, n;
	uint8_t count[8];
	int rc = add_rows(d, sql, at, &others);
	if (rc == RC_OK)
		rc = read_number(d->m, count_sql, &n, d->e);
	if (rc != RC_OK)
		return rc;
	put_u64be(count, n - others);
	sha256_add(&d->s, bytes_of(count, sizeof count));
	return RC_OK;
}

int image_derived(
	struct image *m, image_counts_fn *counts, void *arg, struct hash *out, struct err *e)
{
	struct derived d = {.m = m, .counts = counts, .arg = arg, .e = e};
	sha256_begin(&d.s);
	int rc = add_table(&d, changes_sql, 4, n_changes_sql);
	if (rc == RC_OK)
		rc = add_table(&d, findings_sql, 0, n_findings_sql);
	sha256_end(&d.s, out);
	return rc;
}

int image_meta(struct image *m, const char *key, struct buf *out, bool *found, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(m, "SELECT value FROM meta WHERE key = :key", &stmt, e);
	if (rc != RC_OK)
		return rc;
	buf_reset(out);
	ENSURE(sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC) == SQLITE_OK);
	int code = sqlite3_step(stmt);
	*found = code == SQLITE_ROW;
	if (code == SQLITE_ROW)
		buf_put_bytes(out, column(stmt, 0));
	else if (code != SQLITE_DONE)
		rc = fail(m->db, code, e);
	sqlite3_finalize(stmt);
	return rc;
}
