#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/net/drain.h"

#define STALL_MS 60000

static struct mono_ms at(int64_t ms)
{
	return (struct mono_ms){ms};
}

static void empty_queue_never_stalls(void **state)
{
	struct drain d = {0};
	(void)state;
	assert_int_equal(drain_deadline(&d, STALL_MS).v, MONO_NEVER.v);
	drain_look(&d, 10, true, at(5));
	drain_look(&d, 0, false, at(6));
	assert_int_equal(drain_deadline(&d, STALL_MS).v, MONO_NEVER.v);
}

static void clock_starts_with_the_first_byte_queued(void **state)
{
	struct drain d = {0};
	(void)state;
	drain_look(&d, 100, true, at(1000));
	assert_int_equal(drain_deadline(&d, STALL_MS).v, 1000 + STALL_MS);
}

static void each_byte_taken_starts_it_anew(void **state)
{
	struct drain d = {0};
	(void)state;
	drain_look(&d, 100, true, at(1000));
	drain_look(&d, 99, false, at(5000));
	assert_int_equal(drain_deadline(&d, STALL_MS).v, 5000 + STALL_MS);
	drain_look(&d, 99, false, at(9000));
	assert_int_equal(drain_deadline(&d, STALL_MS).v, 5000 + STALL_MS);
}

static void writing_more_is_no_movement(void **state)
{
	struct drain d = {0};
	(void)state;
	drain_look(&d, 100, true, at(1000));
	drain_look(&d, 200, true, at(50000));
	assert_int_equal(drain_deadline(&d, STALL_MS).v, 1000 + STALL_MS);
	drain_look(&d, 150, false, at(50001));
	assert_int_equal(drain_deadline(&d, STALL_MS).v, 50001 + STALL_MS);
}

static void movement_is_told_from_writing_and_from_standing_still(void **state)
{
	struct drain d = {0};
	(void)state;
	assert_false(drain_look(&d, 100, true, at(0)));
	assert_false(drain_look(&d, 100, false, at(1)));
	assert_true(drain_look(&d, 60, false, at(2)));
	assert_false(drain_look(&d, 90, true, at(3)));
	assert_true(drain_look(&d, 0, false, at(4)));
	assert_false(drain_look(&d, 0, false, at(5)));
}

static void line_is_slow_whose_queue_is_never_empty_for_a_second(void **state)
{
	struct drain d = {0};
	(void)state;
	assert_false(drain_is_slow(&d, at(99999)));
	drain_look(&d, 100, true, at(0));
	drain_look(&d, 50, false, at(900));
	assert_false(drain_is_slow(&d, at(999)));
	assert_true(drain_is_slow(&d, at(1000)));
	drain_look(&d, 0, false, at(1001));
	assert_false(drain_is_slow(&d, at(1001)));
	drain_look(&d, 70, true, at(5000));
	assert_false(drain_is_slow(&d, at(5999)));
	assert_true(drain_is_slow(&d, at(6000)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_queue_never_stalls),
		cmocka_unit_test(clock_starts_with_the_first_byte_queued),
		cmocka_unit_test(each_byte_taken_starts_it_anew),
		cmocka_unit_test(writing_more_is_no_movement),
		cmocka_unit_test(movement_is_told_from_writing_and_from_standing_still),
		cmocka_unit_test(line_is_slow_whose_queue_is_never_empty_for_a_second),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
