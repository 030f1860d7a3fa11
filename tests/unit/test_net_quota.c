#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/net/quota.h"

static void tenth_in_a_minute_is_allowed_and_the_eleventh_is_not(void **state)
{
	struct quota q = {0};
	unsigned withheld;
	(void)state;
	for (int i = 0; i < QUOTA_PER_MINUTE; i++)
		assert_true(quota_take(&q, (struct mono_ms){i}, &withheld));
	assert_false(quota_take(&q, (struct mono_ms){59999}, &withheld));
	assert_int_equal(withheld, 0);
}

static void next_minute_says_how_many_were_withheld_once(void **state)
{
	struct quota q = {0};
	unsigned withheld;
	(void)state;
	for (int i = 0; i < QUOTA_PER_MINUTE + 7; i++)
		(void)quota_take(&q, (struct mono_ms){5}, &withheld);
	assert_true(quota_take(&q, (struct mono_ms){60005}, &withheld));
	assert_int_equal(withheld, 7);
	assert_true(quota_take(&q, (struct mono_ms){60006}, &withheld));
	assert_int_equal(withheld, 0);
}

static void clock_that_starts_below_zero_is_no_special_case(void **state)
{
	struct quota q = {0};
	unsigned withheld;
	(void)state;
	assert_true(quota_take(&q, (struct mono_ms){-1000000}, &withheld));
	assert_true(quota_take(&q, (struct mono_ms){0}, &withheld));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tenth_in_a_minute_is_allowed_and_the_eleventh_is_not),
		cmocka_unit_test(next_minute_says_how_many_were_withheld_once),
		cmocka_unit_test(clock_that_starts_below_zero_is_no_special_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
