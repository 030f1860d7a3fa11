/* Migrations, and one that is interrupted anywhere: the old schema or the new one, never between,
 * and never the new one without a copy of the old (F44). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/migrate.h"
#include "tests/lib/faulty_vfs.h"
#include "tests/lib/store_fixture.h"

#define STEP_1                                                                                     \
	"CREATE TABLE a(x INTEGER) STRICT; INSERT INTO a VALUES(1);"                               \
	"PRAGMA application_id = 0x64656c74; PRAGMA user_version = 1"

static const char *const good[] = {
	STEP_1,
	"ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = 2; PRAGMA user_version = 2",
};
static const char *const bad[] = {
	STEP_1,
	"ALTER TABLE a ADD COLUMN y INTEGER; PRAGMA user_version = 2; INSERT INTO no VALUES(1)",
};

/* As the store opens it, as far as it matters here. */
static sqlite3 *open_plain(const struct store_fixture *f, const char *vfs)
{
	sqlite3 *db = NULL;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE;
	assert_int_equal(sqlite3_open_v2(f->path, &db, flags, vfs), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = "
				 "WAL",
				 NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	return db;
}

static int version_of(sqlite3 *db, const char *const *step)
{
	struct migrations m = {step, 2};
	struct err e = {0};
	int version = -1;
	if (migrate_check(db, &m, &version, &e) != RC_OK)
		fail_msg("%s", e.text);
	return version;
}

static int migrate(sqlite3 *db, struct store_fixture *f, const char *const *step, int from, int to)
{
	struct migrations m = {step, to};
	return migrate_run(db, f->path, &m, from, &f->e);
}

/* A closed database of version 1. */
static void make_old(struct store_fixture *f)
{
	store_fixture_wipe(f);
	sqlite3 *db = open_plain(f, NULL);
	assert_int_equal(version_of(db, good), 0);
	assert_int_equal(migrate(db, f, good, 0, 1), RC_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(store_fixture_size(f, ".v0"), -1); /* nothing to copy */
}

/* The copy is the old database, whole. */
static void expect_copy(const struct store_fixture *f)
{
	struct store_fixture copy = *f;
	char verdict[200];
	snprintf(copy.path, sizeof copy.path, "%.250s/db.v1", f->folder);
	store_fixture_integrity(&copy, verdict, sizeof verdict);
	assert_string_equal(verdict, "ok");
	store_fixture_sql(&copy,
		"CREATE TEMP TABLE seen(n CHECK(n = 1));"
		"INSERT INTO seen SELECT user_version FROM pragma_user_version;"
		"INSERT INTO seen SELECT x FROM a");
}

static void older_database_is_copied_and_migrated(void **state)
{
	struct store_fixture *f = *state;
	make_old(f);
	sqlite3 *db = open_plain(f, NULL);
	assert_int_equal(version_of(db, good), 1);
	assert_int_equal(migrate(db, f, good, 1, 2), RC_OK);
	assert_int_equal(version_of(db, good), 2);
	assert_int_equal(migrate(db, f, good, 2, 2), RC_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(store_fixture_size(f, ".v1.new"), -1);
	assert_int_equal(store_fixture_size(f, ".v2"), -1);
	expect_copy(f);
}

static void migration_that_fails_leaves_the_old_schema(void **state)
{
	struct store_fixture *f = *state;
	make_old(f);
	sqlite3 *db = open_plain(f, NULL);
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(migrate(db, f, bad, 1, 2), RC_CORRUPT);
		assert_int_equal(version_of(db, good), 1);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	expect_copy(f);
}

static void copy_that_was_left_half_done_is_made_again(void **state)
{
	struct store_fixture *f = *state;
	make_old(f);
	store_fixture_write(f, ".v1.new", bytes_str("half"));
	sqlite3 *db = open_plain(f, NULL);
	assert_int_equal(migrate(db, f, good, 1, 2), RC_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(store_fixture_size(f, ".v1.new"), -1);
	expect_copy(f);
}

/* ---- a database of each schema that ever was ---- */

static int expect_row_of_1(void *arg, const struct store_log *log)
{
	struct hash root, want;
	struct frontier again = {0};
	for (unsigned i = 0; i < log->size; i++) {
		char leaf[40];
		snprintf(leaf, sizeof leaf, "leaf %u of log %u", i, log->id);
		merkle_leaf_hash(bytes_str(leaf), &want);
		frontier_append(&again, &want);
	}
	frontier_root(&again, &want);
	frontier_root(&log->frontier, &root);
	assert_true(hash_equal(&root, &want));
	assert_int_equal(log->size, 3 * log->id);
	assert_int_equal(log->audited, log->size);
	assert_int_equal(log->forked, log->id == 2);
	++*(int *)arg;
	return 0;
}

static int expect_evidence_of_1(void *arg, const struct store_evidence *x)
{
	assert_string_equal(x->origin, "yrd/anhui/1-00000002");
	assert_true(bytes_equal(x->first, bytes_str("first")));
	assert_true(bytes_equal(x->second, bytes_str("second")));
	assert_int_equal(x->proof.n, 0);
	++*(int *)arg;
	return 0;
}

static void put_file(const struct store_fixture *f, const char *source)
{
	static char block[1 << 17];
	FILE *in = fopen(source, "rbe");
	assert_non_null(in);
	size_t n = fread(block, 1, sizeof block, in);
	assert_int_equal(fclose(in), 0);
	assert_in_range(n, 4096, sizeof block - 1);
	store_fixture_write(f, "", bytes_of(block, n));
}

static void database_of_schema_1_goes_on(void **state)
{
	struct store_fixture *f = *state;
	struct buf out = {0};
	int logs = 0, evidence = 0;
	store_fixture_wipe(f);
	put_file(f, "tests/vectors/schema-1.db");
	store_fixture_reopen(f);
	assert_int_equal(STORE_DO(f, log_each, expect_row_of_1, &logs), RC_OK);
	assert_int_equal(logs, 2);
	assert_int_equal(STORE_DO(f, evidence_each, expect_evidence_of_1, &evidence), RC_OK);
	assert_int_equal(evidence, 1);
	assert_int_equal(STORE_DO(f, leaf_get, 2, 5, &out), RC_OK);
	assert_true(bytes_equal(buf_bytes(&out), bytes_str("leaf 5 of log 2")));
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, final_put, 1, 3, bytes_str("final")), RC_OK);
	store_fixture_commit(f);
	store_sqlite_close(f->s);
	f->s = NULL;
	assert_true(store_fixture_size(f, ".v1") > 0);
	buf_release(&out);
}

/* ---- interrupted ---- */

static bool interrupted_once(struct store_fixture *f, struct fault fault, unsigned nth)
{
	make_old(f);
	faulty_vfs_clear();
	sqlite3 *db = open_plain(f, FAULTY_VFS);
	assert_int_equal(version_of(db, good), 1);
	fault.nth = nth;
	faulty_vfs_plan(&fault);
	int rc = migrate(db, f, good, 1, 2);
	bool struck = faulty_vfs_struck();
	(void)sqlite3_close(db);
	faulty_vfs_clear();
	if (rc != RC_OK && rc != RC_DISK_FULL && rc != RC_IO && rc != RC_SETUP)
		fail_msg("call %u of kind %d: %d %s", nth, fault.op, rc, f->e.text);
	db = open_plain(f, NULL);
	int version = version_of(db, good);
	assert_true(version == 2 || (version == 1 && rc != RC_OK));
	if (version == 1)
		assert_int_equal(migrate(db, f, good, 1, 2), RC_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	expect_copy(f);
	return struck;
}

static void interrupted_migration_is_all_or_nothing(void **state)
{
	static const struct fault faults[] = {
		{.op = FAULTY_OPEN, .code = SQLITE_CANTOPEN},
		{.op = FAULTY_READ, .code = SQLITE_IOERR_READ},
		{.op = FAULTY_WRITE, .code = SQLITE_IOERR_WRITE},
		{.op = FAULTY_WRITE, .how = FAULTY_HALF, .code = SQLITE_FULL},
		{.op = FAULTY_WRITE, .how = FAULTY_AFTER, .code = SQLITE_IOERR_WRITE},
		{.op = FAULTY_SYNC, .code = SQLITE_IOERR_FSYNC},
	};
	struct store_fixture *f = *state;
	unsigned points = 0;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		for (int for_ever = 0; for_ever < 2; for_ever++) {
			struct fault x = faults[i];
			x.for_ever = for_ever != 0;
			for (unsigned n = 1; interrupted_once(f, x, n); n++)
				points++;
		}
	}
	print_message("%u points\n", points);
	assert_true(points > 50);
}

static int setup(void **state)
{
	faulty_vfs_register();
	faulty_vfs_clear();
	int rc = store_fixture_in_file(state);
	struct store_fixture *f = *state;
	store_sqlite_close(f->s);
	f->s = NULL;
	return rc;
}

#define IN_FILE(test) cmocka_unit_test_setup_teardown(test, setup, store_fixture_release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FILE(older_database_is_copied_and_migrated),
		IN_FILE(migration_that_fails_leaves_the_old_schema),
		IN_FILE(copy_that_was_left_half_done_is_made_again),
		IN_FILE(database_of_schema_1_goes_on),
		IN_FILE(interrupted_migration_is_all_or_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
