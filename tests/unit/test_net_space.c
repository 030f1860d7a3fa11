#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/net/space.h"

#define MIB ((uint64_t)1024 * 1024)

/* Every draw differs from the one before, as one that is drawn again must. */
static void fill_with(void *self, void *p, uint32_t n)
{
	uint8_t *byte = self;
	memset(p, *byte, n);
	*byte = (uint8_t)(*byte * 5 + 113);
}

static struct mono_ms at(int64_t ms)
{
	return (struct mono_ms){ms};
}

static void little_free_space_is_low_and_more_is_well_again(void **state)
{
	struct space s;
	(void)state;
	space_init(&s, 64 * MIB, 5, at(0));
	space_measured(&s, 64 * MIB, 1000 * MIB, at(0));
	assert_int_equal(s.state, SPACE_OK);
	space_measured(&s, 64 * MIB - 1, 1000 * MIB, at(1));
	assert_int_equal(s.state, SPACE_LOW);
	space_measured(&s, 99 * MIB, 2000 * MIB, at(2));
	assert_int_equal(s.state, SPACE_LOW);
	space_measured(&s, 100 * MIB, 2000 * MIB, at(3));
	assert_int_equal(s.state, SPACE_OK);
}

static void floors_of_zero_allow_a_tiny_file_system(void **state)
{
	struct space s;
	(void)state;
	space_init(&s, 0, 0, at(0));
	space_measured(&s, 0, 4 * MIB, at(0));
	assert_int_equal(s.state, SPACE_OK);
}

static void measuring_does_not_end_a_full_disk_only_waiting_does(void **state)
{
	uint8_t byte = 0;
	struct space s;
	(void)state;
	space_init(&s, 0, 0, at(0));
	space_failed(&s, at(1000), (struct chance){fill_with, &byte});
	assert_int_equal(s.state, SPACE_FULL);
	space_measured(&s, 100 * MIB, 200 * MIB, at(1001));
	assert_int_equal(s.state, SPACE_FULL);
	struct mono_ms due = space_deadline(&s);
	assert_false(space_retry(&s, at(due.v - 1)));
	assert_true(space_retry(&s, due));
	assert_int_equal(s.state, SPACE_OK);
	assert_false(space_retry(&s, due));
}

static void waits_grow_from_five_to_sixty_seconds_with_jitter(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte += 15) {
		struct space s;
		uint8_t b = (uint8_t)byte;
		int64_t now = 0, ceiling = SPACE_WAIT_MIN_MS;
		space_init(&s, 0, 0, at(0));
		for (int i = 0; i < 8; i++) {
			space_failed(&s, at(now), (struct chance){fill_with, &b});
			int64_t wait = space_deadline(&s).v - now;
			assert_in_range(wait, ceiling / 2, ceiling);
			now += wait;
			assert_true(space_retry(&s, at(now)));
			ceiling = ceiling * 2 > SPACE_WAIT_MAX_MS ? SPACE_WAIT_MAX_MS : ceiling * 2;
		}
	}
}

static void long_quiet_starts_the_waits_anew(void **state)
{
	uint8_t byte = 250;
	struct space s;
	(void)state;
	space_init(&s, 0, 0, at(0));
	for (int i = 0; i < 4; i++)
		space_failed(&s, at(i), (struct chance){fill_with, &byte});
	space_failed(&s, at(2 * SPACE_WAIT_MAX_MS + 3), (struct chance){fill_with, &byte});
	assert_true(space_deadline(&s).v - (2 * SPACE_WAIT_MAX_MS + 3) <= SPACE_WAIT_MIN_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_free_space_is_low_and_more_is_well_again),
		cmocka_unit_test(floors_of_zero_allow_a_tiny_file_system),
		cmocka_unit_test(measuring_does_not_end_a_full_disk_only_waiting_does),
		cmocka_unit_test(waits_grow_from_five_to_sixty_seconds_with_jitter),
		cmocka_unit_test(long_quiet_starts_the_waits_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
