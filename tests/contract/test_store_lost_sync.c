/* A sync fails and tells so once: the kernel goes on showing what it could not write, and calls
 * later syncs a success. After the restart the store builds on what it reads, and then the power
 * fails, at each later change of a file in turn. Whatever the second life was sure of is there, and
 * the database is sound (R5; F3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/store_rounds.h"
#include "tests/sim/disk.h"

#define ROUNDS 3 /* transactions of a life */
#define DICE 2	 /* choices of what a failed sync and the power cut leave, for each pair */
#define THIN 6	 /* every change up to this one, then fewer and fewer */

struct life {
	struct disk *disk;
	struct store_fixture f;
	uint64_t sure; /* rounds that were acknowledged, or found at a start */
	uint64_t last; /* the last that was begun */
};

static void life_init(struct life *l)
{
	*l = (struct life){.disk = disk_new(0), .f = {.vfs = DISK_VFS}};
	snprintf(l->f.path, sizeof l->f.path, "%s", disk_path(l->disk));
}

static int life_open(struct life *l)
{
	int rc = store_sqlite_open(l->f.path, DISK_VFS, &l->f.s, &l->f.e);
	if (rc == RC_OK)
		l->sure = l->last = store_round_read(&l->f);
	return rc;
}

/* As the kernel ends a process. */
static void life_end(struct life *l)
{
	disk_die_at(l->disk, 0);
	disk_set_dead(l->disk, true);
	store_sqlite_close(l->f.s);
	l->f.s = NULL;
	disk_set_dead(l->disk, false);
}

static int write_round(struct life *l)
{
	struct store_fixture *f = &l->f;
	int rc = f->s->ops->begin(f->s, &f->e);
	if (rc != RC_OK)
		return rc;
	l->last++;
	rc = store_round_write(f, l->last);
	if (rc == RC_OK)
		rc = f->s->ops->commit(f->s, &f->e);
	if (rc == RC_OK)
		l->sure = l->last;
	else
		f->s->ops->rollback(f->s);
	return rc;
}

/* True if it came to its end, closed as it should be. */
static bool live(struct life *l)
{
	int rc = life_open(l);
	for (int i = 0; i < ROUNDS && rc == RC_OK; i++) {
		rc = write_round(l);
		if (rc == RC_OK && i == 1)
			store_sqlite_checkpoint(l->f.s);
	}
	if (rc == RC_OK) {
		store_sqlite_close(l->f.s);
		l->f.s = NULL;
	}
	return rc == RC_OK && !disk_is_dead(l->disk);
}

static int expect_ok(void *arg, int n, char **value, char **name)
{
	(void)n;
	(void)name;
	*(bool *)arg = strcmp(value[0], "ok") == 0;
	return 0;
}

static bool is_sound(const struct life *l)
{
	sqlite3 *db = NULL;
	bool sound = false;
	assert_int_equal(sqlite3_open_v2(l->f.path, &db, SQLITE_OPEN_READWRITE, DISK_VFS), 0);
	int code = sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "PRAGMA integrity_check", expect_ok, &sound, NULL);
	sqlite3_close(db);
	return code == SQLITE_OK && sound;
}

static void check_what_is_left(
	struct life *l, unsigned nth_sync, unsigned nth_change, uint64_t dice)
{
	uint64_t sure = l->sure, last = l->last;
	int rc = life_open(l);
	if (rc != RC_OK || l->sure < sure || l->sure > last)
		fail_msg("sync %u, change %u, dice %u: rc %d, round %u, sure of %u, wrote %u: %s",
			nth_sync, nth_change, (unsigned)dice, rc, (unsigned)l->sure, (unsigned)sure,
			(unsigned)last, l->f.e.text);
	life_end(l);
	assert_true(is_sound(l));
}

/* False: there is no such sync, or no such change, any more. image: ROUNDS rounds that are
 * there at first, or NULL. */
static bool lose_both(const struct disk_copy *image, unsigned nth_sync, unsigned nth_change,
	uint64_t seed, bool *sync_struck)
{
	struct life l;
	struct dice dice = {seed};
	life_init(&l);
	if (image != NULL) {
		disk_put_back(l.disk, image);
		l.sure = l.last = ROUNDS;
	}
	disk_plan_fault(l.disk, DISK_SYNC, nth_sync, false, SQLITE_IOERR_FSYNC, &dice);
	(void)live(&l);
	life_end(&l);
	*sync_struck = disk_has_struck(l.disk);
	disk_heal(l.disk);
	disk_die_at(l.disk, nth_change);
	bool whole = live(&l);
	life_end(&l);
	disk_lose_power(l.disk, &dice);
	check_what_is_left(&l, nth_sync, nth_change, seed);
	disk_free(l.disk);
	return *sync_struck && !whole;
}

static void lose_all(const struct disk_copy *image)
{
	unsigned syncs = 0, images = 0;
	bool struck = true;
	for (unsigned sync = 1; struck; sync++) {
		bool more = true;
		for (unsigned change = 1; struck && more; change += 1 + change / THIN) {
			more = false;
			for (uint64_t dice = 0; dice < DICE; dice++, images++)
				more |= lose_both(image, sync, change, images, &struck);
		}
		syncs += struck;
	}
	print_message("%u syncs failed, %u power cuts\n", syncs, images);
	assert_true(syncs >= 2 * ROUNDS && images > 50 * DICE);
}

static void power_cut_after_a_failed_sync_and_a_restart_loses_nothing(void **state)
{
	(void)state;
	lose_all(NULL);
}

static void so_it_is_with_a_log_that_a_dead_process_left(void **state)
{
	struct life l;
	(void)state;
	life_init(&l);
	assert_int_equal(life_open(&l), RC_OK);
	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(write_round(&l), RC_OK);
	life_end(&l);
	struct disk_copy *image = disk_copy(l.disk);
	disk_free(l.disk);
	lose_all(image);
	disk_copy_free(image);
}

static int set_up(void **state)
{
	(void)state;
	disk_register();
	disk_seed(1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_cut_after_a_failed_sync_and_a_restart_loses_nothing),
		cmocka_unit_test(so_it_is_with_a_log_that_a_dead_process_left),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
