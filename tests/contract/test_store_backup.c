/* Copies of a database in use: whole or not there, and the database none the worse (F6, F41). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store/image.h"
#include "tests/lib/faulty_vfs.h"
#include "tests/lib/store_rounds.h"

#define CALLS_MAX 4000

static const char *backup_path(const struct store_fixture *f)
{
	static char path[sizeof f->path];
	int n = snprintf(path, sizeof path, "%s/backup", f->folder);
	assert_in_range(n, 1, sizeof path - 1);
	return path;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void write_round(struct store_fixture *f, uint64_t k)
{
	store_fixture_begin(f);
	assert_int_equal(store_round_write(f, k), RC_OK);
	store_fixture_commit(f);
}

/* The copy, opened in the place of the database. */
static uint64_t round_in(struct store_fixture *f, const char *path)
{
	struct store_fixture copy = *f;
	snprintf(copy.path, sizeof copy.path, "%s", path);
	copy.s = NULL;
	assert_int_equal(store_sqlite_open(copy.path, NULL, &copy.s, &copy.e), RC_OK);
	uint64_t k = store_round_read(&copy);
	store_sqlite_close(copy.s);
	return k;
}

static void copy_holds_what_was_committed_and_nothing_after_it(void **state)
{
	struct store_fixture *f = *state;
	struct image *image;
	const char *path = backup_path(f);
	write_round(f, 1);
	write_round(f, 2);
	assert_int_equal(store_sqlite_backup(f->s, path, &f->e), RC_OK);
	write_round(f, 3);
	assert_int_equal(image_open(path, &image, &f->e), RC_OK);
	image_close(image);
	assert_int_equal(round_in(f, path), 2);
	assert_int_equal(store_round_read(f), 3);
}

static void copy_never_goes_over_what_is_there(void **state)
{
	struct store_fixture *f = *state;
	write_round(f, 1);
	assert_int_equal(store_sqlite_backup(f->s, backup_path(f), &f->e), RC_OK);
	write_round(f, 2);
	assert_int_equal(store_sqlite_backup(f->s, backup_path(f), &f->e), RC_SETUP);
	assert_int_equal(round_in(f, backup_path(f)), 1);
	assert_int_equal(store_sqlite_backup(f->s, "/nonexistent/backup", &f->e), RC_SETUP);
	write_round(f, 3);
}

static void open_on_faulty(struct store_fixture *f)
{
	store_sqlite_close(f->s);
	faulty_vfs_clear();
	assert_int_equal(store_sqlite_open(f->path, FAULTY_VFS, &f->s, &f->e), RC_OK);
}

/* A call of this kind fails while the copy is made: it is refused, gone, and the store goes on. */
static bool fail_one(
	struct store_fixture *f, enum faulty_op op, unsigned nth, int code, uint64_t *k)
{
	struct fault fault = {.op = op, .nth = nth, .how = FAULTY_INSTEAD, .code = code};
	const char *path = backup_path(f);
	faulty_vfs_clear();
	faulty_vfs_plan(&fault);
	int rc = store_sqlite_backup(f->s, path, &f->e);
	bool struck = faulty_vfs_struck();
	faulty_vfs_clear();
	assert_int_equal(is_there(path), rc == RC_OK);
	if (struck)
		assert_true(rc == RC_OK || rc == RC_IO || rc == RC_DISK_FULL || rc == RC_SETUP);
	else
		assert_int_equal(rc, RC_OK);
	if (rc == RC_OK)
		assert_int_equal(round_in(f, path), *k);
	(void)unlink(path);
	write_round(f, ++*k);
	return struck;
}

static void every_call_that_fails_leaves_no_copy_and_a_sound_store(void **state)
{
	static const struct {
		enum faulty_op op;
		int code;
	} kinds[] = {{FAULTY_OPEN, SQLITE_CANTOPEN}, {FAULTY_WRITE, SQLITE_FULL},
		{FAULTY_WRITE, SQLITE_IOERR_WRITE}, {FAULTY_SYNC, SQLITE_IOERR_FSYNC},
		{FAULTY_READ, SQLITE_IOERR_READ}, {FAULTY_TRUNCATE, SQLITE_IOERR_TRUNCATE}};
	struct store_fixture *f = *state;
	char verdict[200];
	uint64_t k = 1;
	size_t swept = 0;
	faulty_vfs_register();
	open_on_faulty(f);
	write_round(f, k);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		unsigned nth = 1;
		while (fail_one(f, kinds[i].op, nth, kinds[i].code, &k))
			assert_true(++nth < CALLS_MAX);
		swept += nth - 1;
	}
	store_sqlite_close(f->s);
	f->s = NULL;
	store_fixture_integrity(f, verdict, sizeof verdict);
	assert_string_equal(verdict, "ok");
	print_message("%zu calls failed in turn\n", swept);
	assert_true(swept > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(copy_holds_what_was_committed_and_nothing_after_it,
			store_fixture_in_file, store_fixture_release),
		cmocka_unit_test_setup_teardown(copy_never_goes_over_what_is_there,
			store_fixture_in_file, store_fixture_release),
		cmocka_unit_test_setup_teardown(
			every_call_that_fails_leaves_no_copy_and_a_sound_store,
			store_fixture_in_file, store_fixture_release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
