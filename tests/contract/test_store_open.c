#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store/handle.h"
#include "tests/lib/store_rounds.h"

static void put(struct store_fixture *f, const char *key, const char *value)
{
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, meta_put, key, bytes_str(value)), RC_OK);
	store_fixture_commit(f);
}

static void expect(struct store_fixture *f, const char *key, const char *value)
{
	struct buf out = {0};
	assert_int_equal(STORE_DO(f, meta_get, key, &out), RC_OK);
	assert_true(bytes_equal(buf_bytes(&out), bytes_str(value)));
	buf_release(&out);
}

static void close_store(struct store_fixture *f)
{
	store_sqlite_close(f->s);
	f->s = NULL;
}

/* ---- what stays ---- */

static void closed_database_is_one_file(void **state)
{
	struct store_fixture *f = *state;
	put(f, "key", "value");
	assert_true(store_fixture_size(f, "-wal") > 0);
	assert_int_equal(store_fixture_size(f, "-shm"), -1);
	close_store(f);
	assert_int_equal(store_fixture_size(f, "-wal"), -1);
	assert_int_equal(store_fixture_size(f, "-journal"), -1);
	store_fixture_reopen(f);
	expect(f, "key", "value");
}

static void checkpoint_empties_the_log(void **state)
{
	struct store_fixture *f = *state;
	put(f, "key", "value");
	assert_true(store_sqlite_wal_bytes(f->s) > 0);
	assert_int_equal(store_sqlite_wal_bytes(f->s), store_fixture_size(f, "-wal"));
	store_sqlite_checkpoint(f->s);
	assert_int_equal(store_sqlite_wal_bytes(f->s), 0);
	put(f, "key", "again");
	expect(f, "key", "again");
}

static void log_is_written_back_before_it_grows_without_bound(void **state)
{
	struct store_fixture *f = *state;
	static uint8_t big[256 * 1024];
	for (int i = 0; i < 100; i++) {
		memset(big, i, sizeof big); /* pages that stay equal are not written */
		store_fixture_begin(f);
		assert_int_equal(STORE_DO(f, meta_put, "big", bytes_of(big, sizeof big)), RC_OK);
		store_fixture_commit(f);
		assert_true(store_sqlite_wal_bytes(f->s) < 18 * 1024 * 1024);
	}
}

/* A process that ends without a word: what was committed is there, what was not is not. */
static void committed_survives_a_process_that_dies(void **state)
{
	struct store_fixture *f = *state;
	close_store(f);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		store_fixture_reopen(f);
		put(f, "key", "committed");
		store_fixture_begin(f);
		(void)STORE_DO(f, meta_put, "key", bytes_str("not committed"));
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(store_fixture_size(f, "-wal") > 0);
	store_fixture_reopen(f);
	expect(f, "key", "committed");
}

/* F9: a log that was cut or is gone takes whole transactions with it. Who was told of them is found
 * out by the mark file, not here. */
static void log_that_was_cut_loses_whole_rounds(void **state)
{
	struct store_fixture *f = *state;
	struct buf db = {0}, wal = {0};
	close_store(f);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		store_fixture_reopen(f);
		for (uint64_t k = 1; k <= 5; k++) {
			store_fixture_begin(f);
			(void)!store_round_write(f, k);
			store_fixture_commit(f);
		}
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	store_fixture_read(f, "", &db);
	store_fixture_read(f, "-wal", &wal);
	uint64_t last = 0;
	for (size_t n = 0; n <= wal.n; n += 1031) {
		store_fixture_wipe(f);
		store_fixture_write(f, "", buf_bytes(&db));
		store_fixture_write(f, "-wal", bytes_of(wal.p, n));
		store_fixture_reopen(f);
		uint64_t k = store_round_read(f);
		assert_true(k >= last);
		last = k;
		close_store(f);
	}
	assert_true(last >= 4);
	buf_release(&db);
	buf_release(&wal);
}

/* ---- who else ---- */

static int open_in_child(struct store_fixture *f)
{
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct store *s = NULL;
		struct err e = {0};
		_exit(-store_sqlite_open(f->path, NULL, &s, &e));
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void second_process_is_told_it_is_running(void **state)
{
	struct store_fixture *f = *state;
	assert_int_equal(open_in_child(f), RC_BUSY);
	put(f, "key", "the first one works on");
	assert_int_equal(open_in_child(f), RC_BUSY);
	store_sqlite_checkpoint(f->s);
	assert_int_equal(open_in_child(f), RC_BUSY);
	close_store(f);
	assert_int_equal(open_in_child(f), RC_OK);
}

/* A reader's shell in another process, as far as locks go: SHARED on the file. */
static void tool_that_reads_keeps_the_daemon_out(void **state)
{
	struct store_fixture *f = *state;
	int ready[2], done[2];
	close_store(f);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(done), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		sqlite3 *db = NULL;
		char c;
		close(done[1]); /* else it would wait for itself if the parent fails */
		if (sqlite3_open(f->path, &db) != SQLITE_OK ||
			sqlite3_exec(db, "BEGIN; SELECT * FROM meta", NULL, NULL, NULL) !=
				SQLITE_OK)
			_exit(1);
		(void)!write(ready[1], "r", 1);
		(void)!read(done[0], &c, 1);
		_exit(0);
	}
	char c;
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(store_sqlite_open(f->path, NULL, &f->s, &f->e), RC_BUSY);
	assert_non_null(strstr(f->e.text, "has the database open"));
	assert_int_equal(write(done[1], "d", 1), 1);
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(done[i]);
	}
	store_fixture_reopen(f);
}

/* ---- settings ---- */

static void expect_pragma(sqlite3 *db, const char *sql, const char *want)
{
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(stmt, 0), want);
	sqlite3_finalize(stmt);
}

static void open_database_is_guarded(void **state)
{
	struct store_fixture *f = *state;
	sqlite3 *db = store_self(f->s)->db;
	int defensive = -1, trusted = -1, extensions = -1;
	expect_pragma(db, "PRAGMA journal_mode", "wal");
	expect_pragma(db, "PRAGMA locking_mode", "exclusive");
	expect_pragma(db, "PRAGMA synchronous", "2");
	expect_pragma(db, "PRAGMA cell_size_check", "1");
	expect_pragma(db, "PRAGMA mmap_size", "0");
	expect_pragma(db, "PRAGMA temp_store", "2");
	expect_pragma(db, "PRAGMA journal_size_limit", "16777216");
	expect_pragma(db, "PRAGMA hard_heap_limit", "67108864");
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, -1, &defensive);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, -1, &trusted);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, -1, &extensions);
	assert_int_equal(defensive, 1);
	assert_int_equal(trusted, 0);
	assert_int_equal(extensions, 0);
	assert_int_equal(sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1), 1024 * 1024);
	assert_int_equal(sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, -1), 0);
	assert_int_equal(sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, -1), 32);
}

/* The heap limit can be lowered but not raised by a pragma: so it can be made not to take. */
static void setting_that_does_not_take_refuses_the_start(void **state)
{
	struct store_fixture *f = *state;
	close_store(f);
	sqlite3_int64 before = sqlite3_hard_heap_limit64(32 * 1024 * 1024);
	int rc = store_sqlite_open(f->path, NULL, &f->s, &f->e);
	sqlite3_hard_heap_limit64(before);
	assert_int_equal(rc, RC_SETUP);
	assert_non_null(strstr(f->e.text, "did not take: it is 33554432, not 67108864"));
	store_fixture_reopen(f);
}

#define IN_FILE(test)                                                                              \
	cmocka_unit_test_setup_teardown(test, store_fixture_in_file, store_fixture_release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FILE(closed_database_is_one_file),
		IN_FILE(checkpoint_empties_the_log),
		IN_FILE(log_is_written_back_before_it_grows_without_bound),
		IN_FILE(committed_survives_a_process_that_dies),
		IN_FILE(log_that_was_cut_loses_whole_rounds),
		IN_FILE(second_process_is_told_it_is_running),
		IN_FILE(tool_that_reads_keeps_the_daemon_out),
		IN_FILE(open_database_is_guarded),
		IN_FILE(setting_that_does_not_take_refuses_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
