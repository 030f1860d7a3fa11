/* What the store refuses to open, and that it leaves it as it is (H61, F8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/store_fixture.h"

static void put(struct store_fixture *f, const char *key, const char *value)
{
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, meta_put, key, bytes_str(value)), RC_OK);
	store_fixture_commit(f);
}

static void close_store(struct store_fixture *f)
{
	store_sqlite_close(f->s);
	f->s = NULL;
}

/* Opening is refused with rc and a text that has `word`, and the file is as it was. */
static void expect_refused(struct store_fixture *f, int rc, const char *word)
{
	struct buf before = {0}, after = {0};
	store_fixture_read(f, "", &before);
	assert_int_equal(store_sqlite_open(f->path, NULL, &f->s, &f->e), rc);
	assert_null(f->s);
	if (strstr(f->e.text, word) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", f->e.text, word);
	store_fixture_read(f, "", &after);
	assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
	buf_release(&before);
	buf_release(&after);
}

static void newer_schema_is_too_new(void **state)
{
	struct store_fixture *f = *state;
	close_store(f);
	store_fixture_sql(f, "PRAGMA user_version = 9999");
	expect_refused(f, RC_TOO_NEW, "schema 9999");
}

static void other_programs_database_is_refused(void **state)
{
	struct store_fixture *f = *state;
	close_store(f);
	store_fixture_sql(f, "PRAGMA application_id = 77");
	expect_refused(f, RC_CORRUPT, "another program's");
	store_fixture_wipe(f);
	store_fixture_sql(f, "CREATE TABLE t(x)");
	expect_refused(f, RC_CORRUPT, "another program's");
	store_fixture_wipe(f);
	store_fixture_sql(f, "PRAGMA user_version = 1");
	expect_refused(f, RC_CORRUPT, "another program's");
}

#define LOOSEN_AN_INDEX                                                                            \
	"PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql ="                               \
	" replace(sql, 'superseded = 0', 'superseded >= 0') WHERE name = 'change_current'"

static void schema_that_is_not_to_the_letter_ours_is_refused(void **state)
{
	static const char *const hostile[] = {
		"CREATE TRIGGER evil AFTER INSERT ON entry BEGIN DELETE FROM entry; END",
		"CREATE VIEW evil AS SELECT 1",
		"CREATE TABLE evil(x)",
		"CREATE INDEX evil ON entry(leaf)",
		"DROP TABLE evidence",
		"ALTER TABLE meta ADD COLUMN evil ANY",
		LOOSEN_AN_INDEX,
	};
	struct store_fixture *f = *state;
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		close_store(f);
		store_fixture_sql(f, hostile[i]);
		expect_refused(f, RC_CORRUPT, "schema is not ours");
		store_fixture_wipe(f);
		store_fixture_reopen(f);
	}
}

static void overwrite(const struct store_fixture *f, off_t at, const void *p, size_t n)
{
	int fd = open(f->path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), n);
	assert_int_equal(close(fd), 0);
}

static void file_that_is_no_database_is_corrupt(void **state)
{
	struct store_fixture *f = *state;
	char words[4096];
	memset(words, 'x', sizeof words);
	put(f, "key", "value");
	close_store(f);
	overwrite(f, 0, words, 20);
	expect_refused(f, RC_CORRUPT, "not a database");
	overwrite(f, 0, words, sizeof words);
	expect_refused(f, RC_CORRUPT, "rebuild --from-peers");
}

static void fill(struct store_fixture *f, unsigned n)
{
	static uint8_t leaf[250];
	store_fixture_begin(f);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(STORE_DO(f, leaf_put, 1, i, bytes_of(leaf, sizeof leaf)), RC_OK);
	store_fixture_commit(f);
}

static void damaged_page_is_found_at_start(void **state)
{
	struct store_fixture *f = *state;
	fill(f, 400);
	close_store(f);
	uint8_t zeros[64] = {0};
	off_t last = (off_t)store_fixture_size(f, "") - 4096;
	overwrite(f, last, zeros, sizeof zeros);
	expect_refused(f, RC_CORRUPT, "damaged");
}

static void file_that_was_cut_is_found_at_start(void **state)
{
	struct store_fixture *f = *state;
	fill(f, 400);
	close_store(f);
	assert_int_equal(truncate(f->path, (off_t)store_fixture_size(f, "") - 8192), 0);
	expect_refused(f, RC_CORRUPT, "");
}

/* H61: a header that claims 2^31 pages allocates nothing for them. */
static void huge_page_count_is_refused(void **state)
{
	struct store_fixture *f = *state;
	close_store(f);
	overwrite(f, 28, "\x7f\xff\xff\xff", 4);
	expect_refused(f, RC_CORRUPT, "");
}

/* SQLite calls it an error and names no damage. */
static void schema_format_of_no_version_is_corrupt(void **state)
{
	struct store_fixture *f = *state;
	close_store(f);
	overwrite(f, 44, "\x00\x00\x00\x09", 4);
	expect_refused(f, RC_CORRUPT, "unsupported file format");
}

static int count_change(
	void *arg, const struct store_register *r, const struct store_change *c, struct bytes leaf)
{
	(void)r;
	(void)c;
	(void)leaf;
	++*(int *)arg;
	return 0;
}

/* Whoever reads it copies it to where the longest key fits. */
static void register_of_an_overlong_task_is_corrupt(void **state)
{
	static const char *const damages[] = {"UPDATE register SET task = zeroblob(8)",
		"UPDATE register SET holder = zeroblob(65)"};
	struct store_fixture *f = *state;
	for (size_t i = 0; i < 2; i++) {
		struct store_change c = {.log = 1, .superseded = 0};
		struct store_filter all = {.task = NULL};
		int n = 0;
		store_fixture_begin(f);
		assert_int_equal(STORE_DO(f, leaf_put, 1, 0, bytes_str("leaf")), RC_OK);
		assert_int_equal(STORE_DO(f, change_put,
					 store_fixture_register(f, "3-05", 3, "jiangsu"), &c),
			RC_OK);
		store_fixture_commit(f);
		assert_int_equal(STORE_DO(f, change_each, &all, count_change, &n), RC_OK);
		close_store(f);
		store_fixture_sql(f, damages[i]);
		store_fixture_reopen(f);
		assert_int_equal(STORE_DO(f, change_each, &all, count_change, &n), RC_CORRUPT);
		assert_int_equal(n, 1);
		close_store(f);
		store_fixture_wipe(f);
		store_fixture_reopen(f);
	}
}

/* More than the cache holds, so that what was read at the start is read again. */
static void evict_all_pages(struct store_fixture *f)
{
	static uint8_t big[1024 * 1000];
	char key[8];
	for (int i = 0; i < 20; i++) {
		snprintf(key, sizeof key, "%d", i);
		store_fixture_begin(f);
		assert_int_equal(STORE_DO(f, meta_put, key, bytes_of(big, sizeof big)), RC_OK);
		store_fixture_commit(f);
	}
}

/* Damage of a database that is too large to be read whole at the start: found when it is read, the
 * store stops, and closing it leaves the files alone. */
static void damage_found_later_stops_the_store_and_touches_nothing(void **state)
{
	struct store_fixture *f = *state;
	fill(f, 400);
	store_sqlite_checkpoint(f->s);
	put(f, "key", "in the log");
	off_t last = (off_t)store_fixture_size(f, "") - 4096;
	close_store(f);
	store_fixture_reopen(f);
	evict_all_pages(f);
	pid_t child = fork(); /* another process: a second fd here would drop the lock */
	assert_true(child >= 0);
	if (child == 0) {
		int fd = open(f->path, O_WRONLY | O_CLOEXEC);
		_exit(fd < 0 || pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, last) != 8);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	int64_t log_size = store_fixture_size(f, "-wal");
	struct buf out = {0};
	int rc = RC_OK;
	for (unsigned i = 0; i < 400 && rc == RC_OK; i++)
		rc = STORE_DO(f, leaf_get, 1, i, &out);
	assert_int_equal(rc, RC_CORRUPT);
	assert_int_equal(f->s->ops->begin(f->s, &f->e), RC_CORRUPT);
	close_store(f);
	assert_int_equal(store_fixture_size(f, "-wal"), log_size);
	buf_release(&out);
}

static void expect_setup(const char *path, const char *word)
{
	struct store *s = NULL;
	struct err e = {0};
	assert_int_equal(store_sqlite_open(path, NULL, &s, &e), RC_SETUP);
	assert_null(s);
	if (strstr(e.text, word) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, word);
}

static void paths_that_cannot_be_are_explained(void **state)
{
	struct store_fixture *f = *state;
	char path[400];
	snprintf(path, sizeof path, "%s/missing/db", f->folder);
	expect_setup(path, "No such file or directory");
	expect_setup(f->folder, "not a regular file");
	snprintf(path, sizeof path, "%s/link", f->folder);
	assert_int_equal(symlink(f->path, path), 0);
	expect_setup(path, "not a regular file");
	snprintf(path, sizeof path, "%s/fifo", f->folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_setup(path, "not a regular file");
	snprintf(path, sizeof path, "file:%s?psow=0", f->path);
	expect_setup(path, "not a URI");
}

static void symbolic_link_in_the_path_is_refused(void **state)
{
	struct store_fixture *f = *state;
	char link[400], path[420];
	close_store(f);
	snprintf(link, sizeof link, "%s.link", f->folder);
	assert_int_equal(symlink(f->folder, link), 0);
	snprintf(path, sizeof path, "%s/db", link);
	struct store *s = NULL;
	int rc = store_sqlite_open(path, NULL, &s, &f->e);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rc, RC_SETUP);
	assert_non_null(strstr(f->e.text, "link"));
}

static void unknown_vfs_is_set_up_wrong_not_a_crash(void **state)
{
	struct store *s = NULL;
	struct err e = {0};
	(void)state;
	assert_int_not_equal(store_sqlite_open(":memory:", "no-such-vfs", &s, &e), RC_OK);
	assert_null(s);
}

#define IN_FILE(test)                                                                              \
	cmocka_unit_test_setup_teardown(test, store_fixture_in_file, store_fixture_release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FILE(newer_schema_is_too_new),
		IN_FILE(other_programs_database_is_refused),
		IN_FILE(schema_that_is_not_to_the_letter_ours_is_refused),
		IN_FILE(file_that_is_no_database_is_corrupt),
		IN_FILE(damaged_page_is_found_at_start),
		IN_FILE(file_that_was_cut_is_found_at_start),
		IN_FILE(huge_page_count_is_refused),
		IN_FILE(schema_format_of_no_version_is_corrupt),
		IN_FILE(register_of_an_overlong_task_is_corrupt),
		IN_FILE(damage_found_later_stops_the_store_and_touches_nothing),
		IN_FILE(paths_that_cannot_be_are_explained),
		IN_FILE(symbolic_link_in_the_path_is_refused),
		cmocka_unit_test(unknown_vfs_is_set_up_wrong_not_a_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
