/* Every call to the file system and for memory is made to fail in turn, in a run of three
 * transactions, and what is left is looked at with sound eyes: acknowledged is there, refused is
 * not, unknown is all or nothing (R4, R5, R7; F2-F5, F36). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/faulty_vfs.h"
#include "tests/lib/store_rounds.h"

#define ROUNDS 3 /* transactions of a run */

/* ---- a run ---- */

enum place { AT_OPEN, AT_BEGIN, AT_WRITE, AT_COMMIT, AT_END };

struct run {
	uint64_t acked; /* last round whose commit was RC_OK */
	enum place place;
	int rc;
};

static int run_round(struct store_fixture *f, struct run *run, uint64_t k)
{
	run->place = AT_BEGIN;
	int rc = f->s->ops->begin(f->s, &f->e);
	if (rc != RC_OK)
		return rc;
	run->place = AT_WRITE;
	rc = store_round_write(f, k);
	if (rc == RC_OK) {
		run->place = AT_COMMIT;
		rc = f->s->ops->commit(f->s, &f->e);
	}
	if (rc != RC_OK)
		f->s->ops->rollback(f->s);
	else
		run->acked = k;
	return rc;
}

static void run_all(struct store_fixture *f, struct run *run)
{
	run->place = AT_OPEN;
	run->rc = store_sqlite_open(f->path, FAULTY_VFS, &f->s, &f->e);
	for (uint64_t k = run->acked + 1; run->rc == RC_OK && k <= ROUNDS; k++) {
		run->rc = run_round(f, run, k);
		if (run->rc == RC_OK && k == 2)
			store_sqlite_checkpoint(f->s);
	}
	if (run->rc == RC_OK)
		run->place = AT_END;
	store_sqlite_close(f->s);
	f->s = NULL;
}

static bool is_documented(const struct run *run)
{
	switch (run->place) {
	case AT_OPEN:
		return run->rc == RC_SETUP || run->rc == RC_IO || run->rc == RC_DISK_FULL ||
			run->rc == RC_NOMEM || run->rc == RC_BUSY;
	case AT_BEGIN:
	case AT_WRITE:
		return run->rc == RC_IO || run->rc == RC_DISK_FULL || run->rc == RC_NOMEM ||
			run->rc == RC_UNKNOWN_OUTCOME;
	case AT_COMMIT: return run->rc == RC_DISK_FULL || run->rc == RC_UNKNOWN_OUTCOME;
	case AT_END: return run->rc == RC_OK;
	}
	return false;
}

/* With the fault gone. */
static void check_what_is_left(struct store_fixture *f, const struct run *run, const char *what)
{
	char verdict[200];
	store_fixture_reopen(f);
	uint64_t k = store_round_read(f);
	bool unknown = run->place == AT_COMMIT && run->rc == RC_UNKNOWN_OUTCOME;
	if (k != run->acked && !(unknown && k == run->acked + 1))
		fail_msg("%s: round %u is there, %u was acknowledged (%s)", what, (unsigned)k,
			(unsigned)run->acked, f->e.text);
	struct run next = {.acked = k};
	if (k < ROUNDS)
		assert_int_equal(run_round(f, &next, k + 1), RC_OK);
	store_sqlite_close(f->s);
	f->s = NULL;
	store_fixture_integrity(f, verdict, sizeof verdict);
	assert_string_equal(verdict, "ok");
}

/* ---- where a run starts ---- */

enum start { NOTHING, CLOSED, DIED, STARTS };

struct image {
	struct buf db, wal;
	uint64_t round;
};

static void make_image(struct store_fixture *f, enum start start, struct image *out)
{
	store_sqlite_close(f->s);
	f->s = NULL;
	store_fixture_wipe(f);
	if (start == NOTHING)
		return;
	out->round = 1;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct run run = {0};
		store_fixture_reopen(f);
		int rc = run_round(f, &run, 1);
		if (start == CLOSED)
			store_sqlite_close(f->s);
		_exit(rc != RC_OK);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	store_fixture_read(f, "", &out->db);
	if (start == DIED)
		store_fixture_read(f, "-wal", &out->wal);
	store_fixture_wipe(f);
}

static void put_image(struct store_fixture *f, const struct image *image)
{
	store_fixture_wipe(f);
	if (image->db.n > 0)
		store_fixture_write(f, "", buf_bytes(&image->db));
	if (image->wal.n > 0)
		store_fixture_write(f, "-wal", buf_bytes(&image->wal));
}

/* ---- the sweep ---- */

/* Returns how many points there were. step > 1 leaves some out. */
static unsigned sweep(struct store_fixture *f, const struct image *image, struct fault fault,
	unsigned (*step)(unsigned n))
{
	unsigned points = 0;
	for (unsigned n = 1;; n += step(n)) {
		char what[80];
		struct run run = {.acked = image->round};
		snprintf(what, sizeof what, "call %u of kind %d with code %d", n, fault.op,
			fault.code);
		put_image(f, image);
		faulty_vfs_clear();
		fault.nth = n;
		faulty_vfs_plan(&fault);
		run_all(f, &run);
		bool struck = faulty_vfs_struck();
		faulty_vfs_clear();
		if (!is_documented(&run))
			fail_msg("%s: rc %d at %d: %s", what, run.rc, run.place, f->e.text);
		check_what_is_left(f, &run, what);
		if (!struck)
			return points;
		points++;
	}
}

static unsigned one(unsigned n)
{
	(void)n;
	return 1;
}

/* All of the first thirty, then fewer and fewer: a run asks for memory thousands of times. */
static unsigned thinning(unsigned n)
{
	return 1 + n / 30;
}

static void sweep_all_starts(
	struct store_fixture *f, const struct fault *fault, unsigned (*step)(unsigned))
{
	unsigned points = 0;
	for (int start = NOTHING; start < STARTS; start++) {
		struct image image = {0};
		make_image(f, (enum start)start, &image);
		for (int for_ever = 0; for_ever < 2; for_ever++) {
			struct fault x = *fault;
			x.for_ever = for_ever != 0;
			points += sweep(f, &image, x, step);
		}
		buf_release(&image.db);
		buf_release(&image.wal);
	}
	print_message("%u points\nledger points_store=%u\n", points, points);
	assert_true(points > 0); /* a sweep that never struck has shown nothing */
	store_fixture_reopen(f);
}

#define SWEEP(name, ...)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		sweep_all_starts(*state, &(struct fault){__VA_ARGS__}, one);                       \
	}

SWEEP(sweep_open_fails, .op = FAULTY_OPEN, .code = SQLITE_CANTOPEN)
SWEEP(sweep_read_fails, .op = FAULTY_READ, .code = SQLITE_IOERR_READ)
SWEEP(sweep_write_fails, .op = FAULTY_WRITE, .code = SQLITE_IOERR_WRITE)
SWEEP(sweep_half_a_write, .op = FAULTY_WRITE, .how = FAULTY_HALF, .code = SQLITE_IOERR_WRITE)
SWEEP(sweep_write_done_but_failed, .op = FAULTY_WRITE, .how = FAULTY_AFTER,
	.code = SQLITE_IOERR_WRITE)
SWEEP(sweep_disk_full, .op = FAULTY_WRITE, .code = SQLITE_FULL)
SWEEP(sweep_disk_full_within_a_write, .op = FAULTY_WRITE, .how = FAULTY_HALF, .code = SQLITE_FULL)
SWEEP(sweep_sync_fails, .op = FAULTY_SYNC, .code = SQLITE_IOERR_FSYNC)
SWEEP(sweep_truncate_fails, .op = FAULTY_TRUNCATE, .code = SQLITE_IOERR_TRUNCATE)
SWEEP(sweep_delete_fails, .op = FAULTY_DELETE, .code = SQLITE_IOERR_DELETE)
SWEEP(sweep_size_fails, .op = FAULTY_SIZE, .code = SQLITE_IOERR_FSTAT)
SWEEP(sweep_lock_is_taken, .op = FAULTY_LOCK, .code = SQLITE_BUSY)
SWEEP(sweep_lock_fails, .op = FAULTY_LOCK, .code = SQLITE_IOERR_LOCK)

static void sweep_out_of_memory(void **state)
{
	sweep_all_starts(*state, &(struct fault){.op = FAULTY_MALLOC}, thinning);
}

/* ---- single faults ---- */

static void reopen_faulty(struct store_fixture *f)
{
	faulty_vfs_clear();
	f->vfs = FAULTY_VFS;
	store_fixture_reopen(f);
}

static void commit_whose_sync_fails_is_unknown_and_ends_the_store(void **state)
{
	struct store_fixture *f = *state;
	struct run run = {0};
	reopen_faulty(f);
	assert_int_equal(run_round(f, &run, 1), RC_OK);
	faulty_vfs_plan(&(struct fault){
		.op = FAULTY_SYNC, .nth = 1, .code = SQLITE_IOERR_FSYNC, .how = FAULTY_INSTEAD});
	assert_int_equal(run_round(f, &run, 2), RC_UNKNOWN_OUTCOME);
	assert_int_equal(run.place, AT_COMMIT);
	assert_non_null(strstr(f->e.text, "may or may not be on disk"));
	assert_int_equal(run_round(f, &run, 2), RC_UNKNOWN_OUTCOME);
	assert_int_equal(run.place, AT_BEGIN);
	/* R5: it was written, so it is there after the restart. */
	store_fixture_reopen(f);
	assert_int_equal(store_round_read(f), 2);
}

static void write_back_whose_sync_fails_ends_the_store_without_loss(void **state)
{
	struct store_fixture *f = *state;
	struct run run = {0};
	for (unsigned nth = 1; nth <= 2; nth++) { /* of the log, of the database */
		reopen_faulty(f);
		run.acked = store_round_read(f);
		assert_int_equal(run_round(f, &run, run.acked + 1), RC_OK);
		faulty_vfs_plan(
			&(struct fault){.op = FAULTY_SYNC, .nth = nth, .code = SQLITE_IOERR_FSYNC});
		store_sqlite_checkpoint(f->s);
		assert_true(faulty_vfs_struck());
		assert_int_equal(run_round(f, &run, run.acked + 1), RC_IO);
		assert_int_equal(run.place, AT_BEGIN);
		assert_int_equal(store_round_read(f), nth);
	}
}

static void disk_that_is_full_refuses_writes_and_comes_back(void **state)
{
	struct store_fixture *f = *state;
	struct run run = {0};
	reopen_faulty(f);
	assert_int_equal(run_round(f, &run, 1), RC_OK);
	faulty_vfs_limit(store_fixture_size(f, "-wal"));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run_round(f, &run, 2), RC_DISK_FULL);
		assert_non_null(strstr(f->e.text, "make room"));
		assert_int_equal(store_round_read(f), 1);
	}
	faulty_vfs_clear();
	assert_int_equal(run_round(f, &run, 2), RC_OK);
	store_fixture_reopen(f);
	assert_int_equal(store_round_read(f), 2);
}

/* The log cannot be written back: commits go on as long as the log itself has room. */
static void disk_that_is_full_at_a_write_back_loses_nothing(void **state)
{
	struct store_fixture *f = *state;
	struct run run = {0};
	reopen_faulty(f);
	assert_int_equal(run_round(f, &run, 1), RC_OK);
	faulty_vfs_plan(&(struct fault){
		.op = FAULTY_WRITE, .nth = 1, .for_ever = true, .code = SQLITE_FULL});
	store_sqlite_checkpoint(f->s);
	assert_true(faulty_vfs_struck());
	faulty_vfs_clear();
	assert_int_equal(run_round(f, &run, 2), RC_OK);
	store_sqlite_checkpoint(f->s);
	assert_int_equal(store_sqlite_wal_bytes(f->s), 0);
	assert_int_equal(store_round_read(f), 2);
}

/* A transaction larger than the cache writes before its commit; when that fails, SQLite rolls back
 * by itself, and what the caller still sends must not be written on its own. */
static void disk_full_in_the_middle_of_a_transaction_rolls_all_back(void **state)
{
	struct store_fixture *f = *state;
	struct run run = {0};
	static uint8_t leaf[16 * 1024];
	reopen_faulty(f);
	assert_int_equal(run_round(f, &run, 1), RC_OK);
	faulty_vfs_limit(store_fixture_size(f, "-wal") + 1024 * 1024);
	store_fixture_begin(f);
	int rc = RC_OK;
	uint64_t i = 0;
	for (; i < 2000 && rc == RC_OK; i++)
		rc = STORE_DO(f, leaf_put, 2, i, bytes_of(leaf, sizeof leaf));
	assert_int_equal(rc, RC_DISK_FULL);
	assert_true(i < 2000);
	assert_int_equal(STORE_DO(f, leaf_put, 3, 0, bytes_str("late")), RC_DISK_FULL);
	assert_int_equal(f->s->ops->commit(f->s, &f->e), RC_DISK_FULL);
	f->s->ops->rollback(f->s);
	struct buf out = {0};
	assert_int_equal(STORE_DO(f, leaf_get, 2, 0, &out), STORE_NONE);
	assert_int_equal(STORE_DO(f, leaf_get, 3, 0, &out), STORE_NONE);
	assert_int_equal(store_round_read(f), 1);
	faulty_vfs_clear();
	assert_int_equal(run_round(f, &run, 2), RC_OK);
	buf_release(&out);
}

static void file_that_cannot_be_written_is_set_up_wrong(void **state)
{
	struct store_fixture *f = *state;
	store_sqlite_close(f->s);
	f->s = NULL;
	faulty_vfs_clear();
	faulty_vfs_plan(&(struct fault){.op = FAULTY_OPEN, .nth = 1, .code = SQLITE_READONLY});
	assert_int_equal(store_sqlite_open(f->path, FAULTY_VFS, &f->s, &f->e), RC_SETUP);
	assert_non_null(strstr(f->e.text, "must own the data directory"));
}

static int setup(void **state)
{
	faulty_vfs_register();
	faulty_vfs_clear();
	return store_fixture_in_file(state);
}

#define FAULTY(test) cmocka_unit_test_setup_teardown(test, setup, store_fixture_release)

int main(void)
{
	faulty_malloc_install();
	const struct CMUnitTest tests[] = {
		FAULTY(sweep_open_fails),
		FAULTY(sweep_read_fails),
		FAULTY(sweep_write_fails),
		FAULTY(sweep_half_a_write),
		FAULTY(sweep_write_done_but_failed),
		FAULTY(sweep_disk_full),
		FAULTY(sweep_disk_full_within_a_write),
		FAULTY(sweep_sync_fails),
		FAULTY(sweep_truncate_fails),
		FAULTY(sweep_delete_fails),
		FAULTY(sweep_size_fails),
		FAULTY(sweep_lock_is_taken),
		FAULTY(sweep_lock_fails),
		FAULTY(sweep_out_of_memory),
		FAULTY(commit_whose_sync_fails_is_unknown_and_ends_the_store),
		FAULTY(write_back_whose_sync_fails_ends_the_store_without_loss),
		FAULTY(disk_that_is_full_refuses_writes_and_comes_back),
		FAULTY(disk_that_is_full_at_a_write_back_loses_nothing),
		FAULTY(disk_full_in_the_middle_of_a_transaction_rolls_all_back),
		FAULTY(file_that_cannot_be_written_is_set_up_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
