/* Pings, silence, and deadlines that always lie ahead. */
#include "tests/lib/scene.h"

#include "daemon/core/state.h"

#define FLOOD 10000

static int64_t due_in(const struct node *n)
{
	return replica_deadline(n->replica).v - n->now.mono.v;
}

/* Past the digests and announcements that gather for a moment. */
static void settle(struct node *n, int peer)
{
	for (size_t i = 0; i < 3; i++) {
		assert_ok(n, node_pass(n, DIGEST_DELAY_MS + RELAY_DELAY_MS));
		(void)node_drain(n, peer);
	}
}

static void hear(struct node *n, int peer)
{
	struct message pong = {.kind = MESSAGE_PONG};
	assert_ok(n, node_recv(n, peer, &pong));
}

static void ping_is_answered_with_its_token(void **state)
{
	struct scene *t = scene_begin(state, 0);
	struct message ping = {.kind = MESSAGE_PING, .token = UINT64_MAX};
	struct outbound out;
	node_greet(&t->n, JIANGSU);
	(void)node_drain(&t->n, JIANGSU);
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &ping));
	assert_true(replica_next_out(t->n.replica, JIANGSU, &out));
	assert_int_equal(out.msg.kind, MESSAGE_PONG);
	assert_int_equal(out.msg.token, UINT64_MAX);
	assert_int_equal(node_drain(&t->n, JIANGSU), 0);
	scene_end(t);
}

static void flood_of_pings_is_answered_once(void **state)
{
	struct scene *t = scene_begin(state, 0);
	node_greet(&t->n, JIANGSU);
	(void)node_drain(&t->n, JIANGSU);
	for (uint64_t i = 0; i < FLOOD; i++) {
		struct message ping = {.kind = MESSAGE_PING, .token = i};
		assert_ok(&t->n, node_recv(&t->n, JIANGSU, &ping));
	}
	assert_int_equal(node_drain(&t->n, JIANGSU), 1);
	scene_end(t);
}

static void quiet_peer_is_pinged_after_15_seconds_and_every_15_again(void **state)
{
	struct scene *t = scene_begin(state, 0);
	struct outbound out;
	node_greet(&t->n, JIANGSU);
	settle(&t->n, JIANGSU);
	hear(&t->n, JIANGSU);
	assert_int_equal(due_in(&t->n), LIMIT_PING_MS);
	assert_ok(&t->n, node_pass(&t->n, LIMIT_PING_MS - 1));
	assert_int_equal(node_drain(&t->n, JIANGSU), 0);
	assert_ok(&t->n, node_pass(&t->n, 1));
	assert_true(node_next(&t->n, JIANGSU, MESSAGE_PING, &out));
	uint64_t token = out.msg.token;
	assert_ok(&t->n, node_pass(&t->n, 1));
	assert_int_equal(node_drain(&t->n, JIANGSU), 0);
	assert_ok(&t->n, node_pass(&t->n, LIMIT_PING_MS - 1));
	assert_true(node_next(&t->n, JIANGSU, MESSAGE_PING, &out));
	assert_int_not_equal(out.msg.token, token);
	scene_end(t);
}

static void peer_that_speaks_is_not_pinged(void **state)
{
	struct scene *t = scene_begin(state, 0);
	node_greet(&t->n, JIANGSU);
	settle(&t->n, JIANGSU);
	for (size_t i = 0; i < 10; i++) {
		hear(&t->n, JIANGSU);
		assert_ok(&t->n, node_pass(&t->n, LIMIT_PING_MS - 1));
		assert_int_equal(node_drain(&t->n, JIANGSU), 0);
	}
	scene_end(t);
}

static void peer_silent_for_45_seconds_is_dead(void **state)
{
	struct scene *t = scene_begin(state, 0);
	struct outbound out;
	node_greet(&t->n, JIANGSU);
	settle(&t->n, JIANGSU);
	hear(&t->n, JIANGSU);
	assert_ok(&t->n, node_pass(&t->n, LIMIT_DEAD_MS - 1));
	assert_false(node_next(&t->n, JIANGSU, MESSAGE_BYE, &out));
	assert_int_equal(due_in(&t->n), 1);
	assert_ok(&t->n, node_pass(&t->n, 1));
	assert_true(node_next(&t->n, JIANGSU, MESSAGE_BYE, &out));
	assert_true(out.last);
	assert_true(bytes_equal(out.msg.bye.code, bytes_str(rc_id(RC_UNREACHABLE))));
	assert_int_equal(replica_deadline(t->n.replica).v, t->n.replica->anchor_at.v);
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_DOWN));
	scene_end(t);
}

static void peer_that_never_says_hello_is_dead_as_soon(void **state)
{
	struct scene *t = scene_begin(state, 0);
	struct outbound out;
	settle(&t->n, JIANGSU);
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
	(void)node_drain(&t->n, JIANGSU);
	assert_int_equal(due_in(&t->n), LIMIT_DEAD_MS);
	assert_ok(&t->n, node_pass(&t->n, LIMIT_DEAD_MS));
	assert_true(node_next(&t->n, JIANGSU, MESSAGE_BYE, &out));
	scene_end(t);
}

static void late_tick_pings_once_and_not_for_the_time_it_slept(void **state)
{
	struct scene *t = scene_begin(state, 0);
	node_greet(&t->n, JIANGSU);
	settle(&t->n, JIANGSU);
	hear(&t->n, JIANGSU);
	assert_ok(&t->n, node_pass(&t->n, 2 * LIMIT_PING_MS + 7));
	assert_int_equal(node_drain(&t->n, JIANGSU), 1);
	assert_ok(&t->n, node_tick(&t->n));
	assert_int_equal(node_drain(&t->n, JIANGSU), 0);
	scene_end(t);
}

static void node_without_peers_only_looks_for_its_next_anchor(void **state)
{
	struct node n;
	node_init_bare(&n, *state, SHANGHAI, NULL);
	assert_int_equal(replica_deadline(n.replica).v, MONO_NEVER.v);
	assert_ok(&n, node_tick(&n));
	node_release(&n);
	struct scene *t = scene_begin(state, 0);
	assert_ok(&t->n, node_pass(&t->n, DIGEST_DELAY_MS));
	assert_int_equal(replica_deadline(t->n.replica).v, t->n.replica->anchor_at.v);
	scene_end(t);
}

/* Ticks at every deadline; peers hear and say nothing but pongs. How far did the clock come? */
static int64_t run_deadlines(struct node *n, size_t ticks)
{
	int64_t start = n->now.mono.v;
	size_t stuck = 0;
	for (size_t i = 0; i < ticks; i++) {
		int64_t at = replica_deadline(n->replica).v;
		assert_int_not_equal(at, MONO_NEVER.v);
		stuck = at <= n->now.mono.v ? stuck + 1 : 0;
		if (stuck > 1)
			fail_msg("after tick %zu the deadline is still %lld ms ago", i,
				(long long)(n->now.mono.v - at));
		if (at > n->now.mono.v)
			n->now.mono.v = at;
		assert_ok(n, node_tick(n));
		for (int p = 0; p < CLUSTER_MEMBERS; p++)
			if (p != n->self) {
				(void)node_drain(n, p);
				hear(n, p);
			}
	}
	return n->now.mono.v - start;
}

static void idle_node_is_woken_by_pings_only(void **state)
{
	struct scene *t = scene_begin(state, 0);
	for (int p = 0; p < CLUSTER_MEMBERS; p++)
		if (p != SHANGHAI)
			node_greet(&t->n, p);
	assert_true(run_deadlines(&t->n, 1000) > 900 * (int64_t)LIMIT_PING_MS);
	scene_end(t);
}

/* A log is announced that nobody sends: sources are changed at their time-outs, for ever. */
static void node_that_waits_for_leaves_in_vain_does_not_spin(void **state)
{
	struct scene *t = scene_begin(state, 0);
	for (int p = 0; p < CLUSTER_MEMBERS; p++)
		if (p != SHANGHAI)
			node_greet(&t->n, p);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 2));
	assert_ok(&t->n, node_head(&t->n, ZHEJIANG, &t->s, 2));
	assert_true(run_deadlines(&t->n, 1000) > 500 * (int64_t)FETCH_TIMEOUT_MS);
	scene_end(t);
}

static void node_with_a_forked_log_does_not_spin(void **state)
{
	struct scene *t = scene_begin(state, 0);
	struct scribe other;
	scribe_copy(&other, &t->s);
	scribe_write(&t->s, (struct write){.value = value_note("x"), .nonce = 1}, NULL);
	scribe_write(&other, (struct write){.value = value_note("y"), .nonce = 2}, NULL);
	for (int p = 0; p < CLUSTER_MEMBERS; p++)
		if (p != SHANGHAI)
			node_greet(&t->n, p);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 3));
	assert_ok(&t->n, node_head(&t->n, ANHUI, &other, 3));
	assert_int_equal(t->n.events[EVENT_FORK], 1);
	assert_true(run_deadlines(&t->n, 1000) > 900 * (int64_t)LIMIT_PING_MS);
	scribe_release(&other);
	scene_end(t);
}

static void inputs_never_leave_a_deadline_that_ticks_do_not_clear(void **state)
{
	struct scene *t = scene_begin(state, 0);
	scribe_write(&t->s, (struct write){.value = value_note("x")}, NULL);
	for (int p = 0; p < CLUSTER_MEMBERS; p++)
		if (p != SHANGHAI)
			node_greet(&t->n, p);
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &t->s, 0, t->s.n));
	assert_ok(&t->n, node_delegate(&t->n, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	assert_true(due_in(&t->n) <= DIGEST_DELAY_MS);
	assert_true(due_in(&t->n) >= 0);
	assert_ok(&t->n, node_pass(&t->n, 3600 * 1000)); /* asleep for an hour */
	assert_ok(&t->n, node_tick(&t->n));
	assert_true(due_in(&t->n) > 0);
	scene_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ping_is_answered_with_its_token),
		cmocka_unit_test(flood_of_pings_is_answered_once),
		cmocka_unit_test(quiet_peer_is_pinged_after_15_seconds_and_every_15_again),
		cmocka_unit_test(peer_that_speaks_is_not_pinged),
		cmocka_unit_test(peer_silent_for_45_seconds_is_dead),
		cmocka_unit_test(peer_that_never_says_hello_is_dead_as_soon),
		cmocka_unit_test(late_tick_pings_once_and_not_for_the_time_it_slept),
		cmocka_unit_test(node_without_peers_only_looks_for_its_next_anchor),
		cmocka_unit_test(idle_node_is_woken_by_pings_only),
		cmocka_unit_test(node_that_waits_for_leaves_in_vain_does_not_spin),
		cmocka_unit_test(node_with_a_forked_log_does_not_spin),
		cmocka_unit_test(inputs_never_leave_a_deadline_that_ticks_do_not_clear),
	};
	return cmocka_run_group_tests_name("core time", tests, core_set_up, core_tear_down);
}
