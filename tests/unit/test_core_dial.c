/* When to dial again, and which of two sessions stays. */
#include "tests/lib/core_test.h"

#include "daemon/core/dial.h"

#define TRIES 2000

static void splitmix(void *self, void *p, uint32_t n)
{
	uint64_t *s = self;
	uint8_t *out = p;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t z = *s += 0x9e3779b97f4a7c15u;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		out[i] = (uint8_t)(z >> 56);
	}
}

static void always(void *self, void *p, uint32_t n)
{
	memset(p, *(uint8_t *)self, n);
}

static struct mono_ms at(int64_t v)
{
	return (struct mono_ms){v};
}

/* The wait after so many failures in a row. */
static int64_t wait_after(size_t failures, struct chance c)
{
	struct dial d;
	dial_init(&d, at(1000), c);
	for (size_t i = 0; i < failures; i++) {
		dial_started(&d);
		assert_false(dial_is_due(&d, at(INT64_MAX - 1)));
		dial_down(&d, at(1000), c);
	}
	return d.at.v - 1000;
}

static void first_dial_is_spread_over_one_second(void **state)
{
	(void)state;
	uint64_t seed = 1;
	int64_t low = INT64_MAX, high = 0;
	for (size_t i = 0; i < TRIES; i++) {
		int64_t w = wait_after(0, (struct chance){splitmix, &seed});
		assert_in_range(w, 0, LIMIT_DIAL_MIN_MS);
		low = w < low ? w : low;
		high = w > high ? w : high;
	}
	assert_true(low < LIMIT_DIAL_MIN_MS / 20);
	assert_true(high > LIMIT_DIAL_MIN_MS - LIMIT_DIAL_MIN_MS / 20);
}

static void waits_use_the_whole_range_and_its_ceiling_doubles_to_a_minute(void **state)
{
	(void)state;
	const int64_t ceiling[] = {1000, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000};
	uint64_t seed = 1;
	for (size_t k = 0; k < sizeof(ceiling) / sizeof(*ceiling); k++) {
		int64_t low = INT64_MAX, high = 0;
		for (size_t i = 0; i < TRIES; i++) {
			int64_t w = wait_after(k, (struct chance){splitmix, &seed});
			assert_in_range(w, 0, ceiling[k]);
			low = w < low ? w : low;
			high = w > high ? w : high;
		}
		assert_true(low < ceiling[k] / 20);
		assert_true(high > ceiling[k] - ceiling[k] / 20);
	}
}

static void dial_is_due_at_its_time_and_not_before(void **state)
{
	(void)state;
	uint8_t byte = 0x80;
	struct dial d;
	dial_init(&d, at(5000), (struct chance){always, &byte});
	int64_t due = d.at.v;
	assert_false(dial_is_due(&d, at(due - 1)));
	assert_true(dial_is_due(&d, at(due)));
	dial_started(&d);
	assert_false(dial_is_due(&d, at(due)));
	dial_up(&d, at(due));
	assert_false(dial_is_due(&d, at(due + 1000000)));
}

/* The ceiling after a session of this length that followed many failures. */
static int64_t ceiling_after_session(int64_t ms)
{
	uint8_t byte = 0x80;
	struct chance c = {always, &byte};
	struct dial d;
	dial_init(&d, at(0), c);
	for (size_t i = 0; i < 10; i++)
		dial_down(&d, at(0), c);
	assert_int_equal(d.ceiling_ms, LIMIT_DIAL_MAX_MS);
	dial_up(&d, at(1000));
	dial_down(&d, at(1000 + ms), c);
	return d.ceiling_ms;
}

static void only_a_healthy_minute_resets_the_ceiling(void **state)
{
	(void)state;
	assert_int_equal(ceiling_after_session(0), LIMIT_DIAL_MAX_MS);
	assert_int_equal(ceiling_after_session(LIMIT_DIAL_HEALTHY_MS - 1), LIMIT_DIAL_MAX_MS);
	assert_int_equal(ceiling_after_session(LIMIT_DIAL_HEALTHY_MS), 2 * LIMIT_DIAL_MIN_MS);
}

static void failed_dials_are_no_session_however_long_they_take(void **state)
{
	(void)state;
	uint8_t byte = 0x80;
	struct chance c = {always, &byte};
	struct dial d;
	dial_init(&d, at(0), c);
	dial_up(&d, at(0));
	dial_down(&d, at(10), c);
	dial_started(&d);
	dial_down(&d, at(10 * LIMIT_DIAL_HEALTHY_MS), c);
	assert_int_equal(d.ceiling_ms, 4 * LIMIT_DIAL_MIN_MS);
}

static void dials_that_nobody_answers_never_wait_for_long(void **state)
{
	(void)state;
	uint64_t seed = 1;
	struct chance c = {splitmix, &seed};
	struct dial d;
	int64_t low = INT64_MAX, high = 0;
	dial_init(&d, at(0), c);
	for (size_t i = 0; i < TRIES; i++) {
		dial_started(&d);
		dial_unanswered(&d, at(1000), c);
		int64_t w = d.at.v - 1000;
		assert_in_range(w, 1, LIMIT_DIAL_SILENT_MS);
		low = w < low ? w : low;
		high = w > high ? w : high;
	}
	assert_true(low < LIMIT_DIAL_SILENT_MS / 20);
	assert_true(high > LIMIT_DIAL_SILENT_MS - LIMIT_DIAL_SILENT_MS / 20);
	assert_int_equal(d.ceiling_ms, LIMIT_DIAL_MIN_MS);
}

static void ceiling_of_those_that_answer_outlasts_silence(void **state)
{
	(void)state;
	uint8_t byte = 0x80;
	struct chance c = {always, &byte};
	struct dial d;
	dial_init(&d, at(0), c);
	for (size_t i = 0; i < 10; i++)
		dial_down(&d, at(0), c);
	dial_unanswered(&d, at(0), c);
	assert_int_equal(d.ceiling_ms, LIMIT_DIAL_MAX_MS);
}

static void session_opened_by_the_smaller_slug_stays(void **state)
{
	(void)state;
	/* anhui < jiangsu: what anhui opened stays, seen from either side. */
	assert_true(dial_new_wins("anhui", "jiangsu", false, true, 0));
	assert_false(dial_new_wins("anhui", "jiangsu", true, false, 0));
	assert_true(dial_new_wins("jiangsu", "anhui", true, false, 0));
	assert_false(dial_new_wins("jiangsu", "anhui", false, true, 0));
}

static void whoever_dials_beside_an_old_session_has_lost_it(void **state)
{
	(void)state;
	for (int by_self = 0; by_self < 2; by_self++) {
		assert_true(dial_new_wins(
			"anhui", "jiangsu", by_self, !by_self, LIMIT_HANDSHAKE_MS + 1));
		assert_true(dial_new_wins(
			"jiangsu", "anhui", by_self, !by_self, LIMIT_HANDSHAKE_MS + 1));
	}
	assert_false(dial_new_wins("anhui", "jiangsu", true, false, LIMIT_HANDSHAKE_MS));
}

static void newer_of_two_by_the_same_side_stays(void **state)
{
	(void)state;
	assert_true(dial_new_wins("anhui", "jiangsu", true, true, 0));
	assert_true(dial_new_wins("anhui", "jiangsu", false, false, 0));
	assert_true(dial_new_wins("jiangsu", "anhui", true, true, 0));
	assert_true(dial_new_wins("jiangsu", "anhui", false, false, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_dial_is_spread_over_one_second),
		cmocka_unit_test(waits_use_the_whole_range_and_its_ceiling_doubles_to_a_minute),
		cmocka_unit_test(dial_is_due_at_its_time_and_not_before),
		cmocka_unit_test(only_a_healthy_minute_resets_the_ceiling),
		cmocka_unit_test(failed_dials_are_no_session_however_long_they_take),
		cmocka_unit_test(dials_that_nobody_answers_never_wait_for_long),
		cmocka_unit_test(ceiling_of_those_that_answer_outlasts_silence),
		cmocka_unit_test(session_opened_by_the_smaller_slug_stays),
		cmocka_unit_test(whoever_dials_beside_an_old_session_has_lost_it),
		cmocka_unit_test(newer_of_two_by_the_same_side_stays),
	};
	return cmocka_run_group_tests_name("core dial", tests, NULL, NULL);
}
