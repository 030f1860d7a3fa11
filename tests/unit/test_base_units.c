#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/base/bytes.h"
#include "proto/base/units.h"

/* Hands out the given numbers in turn. */
struct script {
	const uint64_t *value;
	unsigned at;
};

static void script_fill(void *self, void *p, uint32_t n)
{
	struct script *s = self;
	assert_int_equal(n, 8);
	put_u64be(p, s->value[s->at++]);
}

static void a_draw_is_eight_bytes_big_endian(void **state)
{
	(void)state;
	const uint64_t value[] = {0x0102030405060708};
	struct script s = {value, 0};
	assert_true(chance_u64((struct chance){script_fill, &s}) == value[0]);
}

/* 2^64 mod 3 = 1: of the draws 0 is left out, so that 0, 1 and 2 come equally often. */
static void a_draw_that_would_tip_the_scale_is_drawn_again(void **state)
{
	(void)state;
	const uint64_t value[] = {0, 5, 1};
	struct script s = {value, 0};
	struct chance c = {script_fill, &s};
	assert_true(chance_below(c, 3) == 2);
	assert_int_equal(s.at, 2);
	assert_true(chance_below(c, 3) == 1);
}

static void draws_stay_below_the_bound(void **state)
{
	(void)state;
	const uint64_t bound[] = {1, 2, 7, 1000, (uint64_t)1 << 63, UINT64_MAX};
	for (unsigned i = 0; i < sizeof bound / sizeof bound[0]; i++) {
		const uint64_t value[] = {UINT64_MAX, UINT64_MAX / 2};
		struct script s = {value, 0};
		struct chance c = {script_fill, &s};
		assert_true(chance_below(c, bound[i]) < bound[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_draw_is_eight_bytes_big_endian),
		cmocka_unit_test(a_draw_that_would_tip_the_scale_is_drawn_again),
		cmocka_unit_test(draws_stay_below_the_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
