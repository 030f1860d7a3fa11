/* Simulated power cuts (R4, F2): whatever was acknowledged is there, whatever is there is whole.
 * Arguments: number of images, seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/base/text.h"
#include "tests/lib/power_cut.h"
#include "tests/lib/store_rounds.h"

#define ROUNDS 40

static uint64_t images = 1500, seed = 1;

/* splitmix64 */
static void fill(void *self, void *p, uint32_t n)
{
	uint64_t *state = self;
	for (uint8_t *out = p; n > 0; n--) {
		*state += UINT64_C(0x9E3779B97F4A7C15);
		uint64_t z = *state;
		z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
		*out++ = (uint8_t)(z >> 56);
	}
}

static void close_store(struct store_fixture *f)
{
	store_sqlite_close(f->s);
	f->s = NULL;
}

/* From no file at all: made, written, written back, closed, opened again. */
static void record_run(struct store_fixture *f, struct power_record *r)
{
	close_store(f);
	store_fixture_wipe(f);
	f->vfs = FAULTY_VFS;
	power_record_start(r);
	store_fixture_reopen(f);
	for (uint64_t k = 1; k <= ROUNDS; k++) {
		store_fixture_begin(f);
		assert_int_equal(store_round_write(f, k), RC_OK);
		store_fixture_commit(f);
		r->acked = k;
		if (k % 7 == 0)
			store_sqlite_checkpoint(f->s);
		if (k % 16 == 0)
			store_fixture_reopen(f);
	}
	close_store(f);
	power_record_stop(r);
	f->vfs = NULL;
	store_fixture_wipe(f);
}

/* What one image is: -1 damaged, -2 acknowledged rounds lost, else the round. */
static int64_t look_at(struct store_fixture *f, uint64_t acked)
{
	if (store_sqlite_open(f->path, NULL, &f->s, &f->e) != RC_OK)
		return -1;
	struct buf out = {0};
	uint64_t k = 0;
	int rc = STORE_DO(f, meta_get, "round", &out);
	bool lost =
		rc < 0 || (rc == RC_OK && !decimal_parse(buf_bytes(&out), ROUNDS, &k)) || k < acked;
	buf_release(&out);
	return lost ? -2 : (int64_t)k;
}

static void cut_somewhere(struct store_fixture *f, const struct power_record *r,
	struct chance chance, uint64_t *acked)
{
	size_t cut = (size_t)chance_below(chance, r->n + 1);
	*acked = cut < r->n ? r->event[cut].acked : ROUNDS;
	power_cut(r, cut, chance, f);
}

static void power_cuts_lose_nothing_that_was_acknowledged(void **state)
{
	struct store_fixture *f = *state;
	struct power_record r = {0};
	uint64_t self = seed, ahead = 0;
	struct chance chance = {fill, &self};
	record_run(f, &r);
	for (uint64_t i = 0; i < images; i++) {
		char verdict[200];
		uint64_t acked;
		cut_somewhere(f, &r, chance, &acked);
		int64_t k = look_at(f, acked);
		if (k < 0 || (uint64_t)k > acked + 1)
			fail_msg("image %u of seed %u: %d, with %u acknowledged: %s", (unsigned)i,
				(unsigned)seed, (int)k, (unsigned)acked, f->e.text);
		assert_int_equal(store_round_read(f), k);
		ahead += (uint64_t)k > acked;
		close_store(f);
		store_fixture_integrity(f, verdict, sizeof verdict);
		assert_string_equal(verdict, "ok");
		store_fixture_wipe(f);
	}
	print_message("%u images, %u with a commit nobody was told of\nledger images_store=%u\n",
		(unsigned)images, (unsigned)ahead, (unsigned)images);
	assert_true(ahead > 0); /* else no cut fell between a write and its acknowledgement */
	power_record_release(&r);
}

/* The check can fail: on a disk that lies about syncs it must find losses. */
static void power_cuts_on_a_lying_disk_are_found_out(void **state)
{
	struct store_fixture *f = *state;
	struct power_record r = {.no_syncs = true};
	uint64_t self = seed, bad = 0;
	struct chance chance = {fill, &self};
	record_run(f, &r);
	for (uint64_t i = 0; i < 200; i++) {
		uint64_t acked;
		cut_somewhere(f, &r, chance, &acked);
		bad += look_at(f, acked) < 0;
		close_store(f);
		store_fixture_wipe(f);
	}
	print_message("200 images, %u damaged or with losses\n", (unsigned)bad);
	assert_true(bad > 20);
	power_record_release(&r);
}

static int setup(void **state)
{
	faulty_vfs_register();
	faulty_vfs_clear();
	return store_fixture_in_file(state);
}

int main(int argc, char **argv)
{
	if ((argc > 1 && !decimal_parse(bytes_str(argv[1]), 1000000, &images)) ||
		(argc > 2 && !decimal_parse(bytes_str(argv[2]), UINT32_MAX, &seed)))
		return 64;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(power_cuts_lose_nothing_that_was_acknowledged,
			setup, store_fixture_release),
		cmocka_unit_test_setup_teardown(
			power_cuts_on_a_lying_disk_are_found_out, setup, store_fixture_release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
