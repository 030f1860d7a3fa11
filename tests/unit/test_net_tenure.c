/* How long a connection may stay as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/net/tenure.h"

static const struct net_limits limits = {.handshake_ms = 5000,
	.frame_ms = 30000,
	.write_pause_kib = 256,
	.write_stall_ms = 60000,
	.session_minutes = 60};
#define HOUR_MS ((int64_t)3600 * 1000)

static struct mono_ms at(int64_t v)
{
	return (struct mono_ms){v};
}

static struct tenure begun(bool by_self)
{
	struct tenure t;
	tenure_begin(&t, by_self, at(1000));
	return t;
}

/* Since 2000. */
static struct tenure in_session(bool by_self)
{
	struct tenure t = begun(by_self);
	if (by_self)
		tenure_move(&t, CONN_HANDSHAKE, at(1500));
	tenure_move(&t, CONN_SESSION, at(2000));
	return t;
}

/* It ends so at that time, and not a millisecond before. */
static void expect_end(const struct tenure *t, enum tenure_end end, int64_t ms)
{
	assert_int_equal(tenure_deadline(t, &limits).v, ms);
	assert_int_equal(tenure_ended(t, &limits, at(ms - 1)), TENURE_GOES_ON);
	assert_int_equal(tenure_ended(t, &limits, at(ms)), end);
}

static void who_dials_and_who_accepts_begin_apart(void **state)
{
	(void)state;
	assert_int_equal(begun(true).state, CONN_DIALLING);
	assert_int_equal(begun(false).state, CONN_HANDSHAKE);
}

static void handshake_has_one_end_that_nothing_moves(void **state)
{
	(void)state;
	struct tenure t = begun(true);
	expect_end(&t, TENURE_HANDSHAKE_LATE, 6000);
	tenure_move(&t, CONN_HANDSHAKE, at(5500));
	expect_end(&t, TENURE_HANDSHAKE_LATE, 6000);
	(void)tenure_received(&t, 100, at(5900));
	tenure_frame(&t, true, true, at(5900));
	expect_end(&t, TENURE_HANDSHAKE_LATE, 6000);
	t = begun(false);
	(void)tenure_received(&t, 100, at(5900));
	expect_end(&t, TENURE_HANDSHAKE_LATE, 6000);
}

static void session_ends_by_its_dialler_and_later_by_the_other(void **state)
{
	(void)state;
	struct tenure ours = in_session(true), theirs = in_session(false);
	expect_end(&ours, TENURE_OLD, 2000 + HOUR_MS);
	expect_end(&theirs, TENURE_OLD, 2000 + HOUR_MS + HOUR_MS / 8);
}

static void frame_ends_though_its_bytes_trickle(void **state)
{
	(void)state;
	struct tenure t = in_session(true);
	tenure_frame(&t, true, false, at(10000));
	tenure_frame(&t, true, false, at(39999));
	expect_end(&t, TENURE_FRAME_LATE, 40000);
}

static void frame_that_follows_another_has_its_own_time(void **state)
{
	(void)state;
	struct tenure t = in_session(true);
	tenure_frame(&t, true, false, at(10000));
	tenure_frame(&t, true, true, at(39000));
	expect_end(&t, TENURE_FRAME_LATE, 69000);
	tenure_frame(&t, false, true, at(50000));
	expect_end(&t, TENURE_OLD, 2000 + HOUR_MS);
}

static void queue_that_does_not_move_ends_a_session(void **state)
{
	(void)state;
	struct tenure t = in_session(true);
	drain_look(&t.drain, 100, true, at(10000));
	expect_end(&t, TENURE_STALLED, 70000);
	drain_look(&t.drain, 99, false, at(20000));
	expect_end(&t, TENURE_STALLED, 80000);
	drain_look(&t.drain, 0, false, at(30000));
	expect_end(&t, TENURE_OLD, 2000 + HOUR_MS);
}

static void what_ends_first_is_said(void **state)
{
	(void)state;
	struct tenure t = in_session(true);
	drain_look(&t.drain, 100, true, at(10000));
	tenure_frame(&t, true, true, at(40001));
	expect_end(&t, TENURE_STALLED, 70000);
	tenure_frame(&t, true, true, at(2000 + HOUR_MS - 1));
	drain_look(&t.drain, 99, false, at(2000 + HOUR_MS - 1));
	expect_end(&t, TENURE_OLD, 2000 + HOUR_MS);
}

static void bye_has_two_seconds_whatever_else_is_under_way(void **state)
{
	(void)state;
	struct tenure t = in_session(true);
	drain_look(&t.drain, 100, true, at(10000));
	tenure_frame(&t, true, true, at(10000));
	tenure_move(&t, CONN_LEAVING, at(11000));
	expect_end(&t, TENURE_LEFT, 13000);
}

static void closed_connection_waits_for_nothing(void **state)
{
	(void)state;
	struct tenure t = in_session(true);
	drain_look(&t.drain, 100, true, at(10000));
	tenure_move(&t, CONN_CLOSED, at(11000));
	assert_int_equal(tenure_deadline(&t, &limits).v, MONO_NEVER.v);
	assert_int_equal(tenure_ended(&t, &limits, at(INT64_MAX - 1)), TENURE_GOES_ON);
}

static void each_kibibyte_is_a_sign_of_life_and_a_trickle_is_none(void **state)
{
	(void)state;
	struct tenure t = in_session(true);
	for (int i = 0; i < 1023; i++)
		assert_false(tenure_received(&t, 1, at(3000)));
	assert_true(tenure_received(&t, 1, at(3000)));
	assert_false(tenure_received(&t, 1023, at(3000)));
	assert_true(tenure_received(&t, 5000, at(3000)));
	assert_int_equal(t.bytes_in, 1024 + 1023 + 5000);
}

static void slow_line_has_less_room(void **state)
{
	(void)state;
	struct tenure t = in_session(true);
	drain_look(&t.drain, 256 * 1024 - 1, true, at(10000));
	assert_true(tenure_has_room(&t, &limits, at(10000)));
	assert_false(tenure_has_room(&t, &limits, at(10000 + DRAIN_SLOW_MS)));
	drain_look(&t.drain, 16 * 1024 - 1, false, at(10000 + DRAIN_SLOW_MS));
	assert_true(tenure_has_room(&t, &limits, at(10000 + DRAIN_SLOW_MS)));
	drain_look(&t.drain, 256 * 1024, true, at(10000));
	assert_false(tenure_has_room(&t, &limits, at(10000)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_dials_and_who_accepts_begin_apart),
		cmocka_unit_test(handshake_has_one_end_that_nothing_moves),
		cmocka_unit_test(session_ends_by_its_dialler_and_later_by_the_other),
		cmocka_unit_test(frame_ends_though_its_bytes_trickle),
		cmocka_unit_test(frame_that_follows_another_has_its_own_time),
		cmocka_unit_test(queue_that_does_not_move_ends_a_session),
		cmocka_unit_test(what_ends_first_is_said),
		cmocka_unit_test(bye_has_two_seconds_whatever_else_is_under_way),
		cmocka_unit_test(closed_connection_waits_for_nothing),
		cmocka_unit_test(each_kibibyte_is_a_sign_of_life_and_a_trickle_is_none),
		cmocka_unit_test(slow_line_has_less_room),
	};
	return cmocka_run_group_tests_name("net tenure", tests, NULL, NULL);
}
