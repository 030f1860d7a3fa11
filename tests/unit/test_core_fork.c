/* Logs with two histories, and nodes that were set back: shown, frozen, and everything else flows.
 */
#include "tests/lib/fork_scene.h"

#include "proto/trust/checkpoint.h"

/* Shown, frozen at what is here, alarmed once; and another log still flows from the same peer. */
static void assert_forked(struct fork_scene *t, struct node *n, uint64_t size, int peer)
{
	const struct ctl_log *log = node_log(n, t->x.origin);
	assert_non_null(log);
	assert_true(log->forked);
	assert_int_equal(log->size, size);
	assert_int_equal(n->events[EVENT_FORK], 1);
	assert_ok(n, node_leaves(n, peer, &t->x, 0, t->x.n));
	assert_ok(n, node_leaves(n, peer, &t->y, 0, t->y.n));
	assert_int_equal(node_size(n, t->x.origin), size);
	assert_ok(n, node_leaves(n, peer, &t->other, 0, t->other.n));
	assert_int_equal(node_size(n, t->other.origin), t->other.n);
	assert_int_equal(n->events[EVENT_FORK], 1);
	assert_ok(n, node_restart(n));
	assert_true(node_log(n, t->x.origin)->forked);
}

static void feed(struct node *n, int peer, const struct scribe *s, size_t to)
{
	node_greet(n, peer);
	assert_ok(n, node_leaves(n, peer, s, 0, to));
	assert_int_equal(node_size(n, s->origin), to);
}

static void two_heads_of_one_size_are_a_fork(void **state)
{
	struct fork_scene *t = fork_begin(state);
	feed(&t->a, JIANGSU, &t->x, 6);
	assert_ok(&t->a, node_head(&t->a, JIANGSU, &t->y, 6));
	assert_forked(t, &t->a, 6, JIANGSU);
	fork_end(t);
}

static void two_heads_of_leaves_not_here_yet_are_a_fork(void **state)
{
	struct fork_scene *t = fork_begin(state);
	feed(&t->a, ZHEJIANG, &t->x, 3);
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->x, 6));
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->y, 6));
	assert_forked(t, &t->a, 3, ZHEJIANG);
	fork_end(t);
}

static void second_head_of_an_earlier_size_is_a_fork(void **state)
{
	struct fork_scene *t = fork_begin(state);
	node_greet(&t->a, ZHEJIANG);
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->x, 5));
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->x, 6));
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->y, 5));
	assert_forked(t, &t->a, 0, ZHEJIANG);
	fork_end(t);
}

static void same_head_signed_twice_is_no_fork(void **state)
{
	struct fork_scene *t = fork_begin(state);
	feed(&t->a, JIANGSU, &t->x, 6);
	for (size_t size = 1; size <= 6; size++)
		assert_ok(&t->a, node_head(&t->a, JIANGSU, &t->x, size));
	assert_false(node_log(&t->a, t->x.origin)->forked);
	assert_int_equal(t->a.events[EVENT_FORK], 0);
	fork_end(t);
}

static void leaves_that_do_not_pass_through_a_smaller_head_are_a_fork(void **state)
{
	struct fork_scene *t = fork_begin(state);
	node_greet(&t->a, ZHEJIANG);
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->x, 5));
	assert_ok(&t->a, node_leaves(&t->a, ZHEJIANG, &t->y, 0, 8));
	assert_forked(t, &t->a, 0, ZHEJIANG);
	fork_end(t);
}

static void smaller_head_of_another_history_is_a_fork(void **state)
{
	struct fork_scene *t = fork_begin(state);
	feed(&t->a, JIANGSU, &t->x, 3);
	for (size_t size = 4; size <= 8; size++) /* so that no head of 5 is kept */
		assert_ok(&t->a, node_leaves(&t->a, JIANGSU, &t->x, size - 1, size));
	node_greet(&t->a, ZHEJIANG);
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->y, 5));
	assert_forked(t, &t->a, 8, ZHEJIANG);
	fork_end(t);
}

/* ---- two honest nodes that were shown different histories ---- */

static void honest_nodes_find_a_fork_of_different_sizes_and_stay_together(void **state)
{
	struct fork_scene *t = fork_begin(state);
	feed(&t->a, JIANGSU, &t->x, 5);
	feed(&t->b, JIANGSU, &t->y, 8);
	feed(&t->b, ANHUI, &t->other, t->other.n);
	node_meet(&t->a, &t->b);
	assert_int_equal(t->a.events[EVENT_REFUSED], 0);
	assert_int_equal(t->b.events[EVENT_REFUSED], 0);
	assert_int_equal(node_size(&t->a, t->other.origin), t->other.n);
	assert_forked(t, &t->a, 5, ZHEJIANG);
	assert_forked(t, &t->b, 8, SHANGHAI);
	fork_end(t);
}

/* Of equal size and other leaves: there is nothing to compare views over. */
static void forked_log_is_no_ground_for_an_alarm_about_views(void **state)
{
	struct fork_scene *t = fork_begin(state);
	feed(&t->a, JIANGSU, &t->x, 6);
	feed(&t->b, JIANGSU, &t->y, 6);
	node_meet(&t->a, &t->b);
	assert_true(node_log(&t->a, t->x.origin)->forked);
	assert_true(node_log(&t->b, t->x.origin)->forked);
	assert_int_equal(t->a.events[EVENT_DIVERGED] + t->b.events[EVENT_DIVERGED], 0);
	struct ctl_status status;
	assert_ok(&t->a, replica_status(t->a.replica, t->a.now, &status, &t->a.e));
	for (size_t i = 0; i < status.n_peers; i++)
		if (bytes_equal(status.peers[i].member, bytes_str("zhejiang")))
			assert_int_equal(status.peers[i].agree, AGREE_DIFFERENT_LOGS);
	fork_end(t);
}

static void fork_is_found_however_long_the_common_history(void **state)
{
	struct fork_scene *t = fork_begin(state);
	struct scribe x, y;
	scribe_begin(&x, t->c, JIANGSU);
	while (x.n < 1200)
		scribe_write(&x, (struct write){.value = value_note("common")}, NULL);
	scribe_copy(&y, &x);
	scribe_write(&x, (struct write){.value = value_note("x"), .nonce = 1}, NULL);
	for (uint64_t i = 0; i < 400; i++)
		scribe_write(&y, (struct write){.value = value_note("y"), .nonce = 2 + i}, NULL);
	feed(&t->a, JIANGSU, &x, 300);
	for (size_t at = 300; at < 1200; at += 300)
		assert_ok(&t->a, node_leaves(&t->a, JIANGSU, &x, at, at + 300));
	assert_ok(&t->a, node_leaves(&t->a, JIANGSU, &x, 1200, x.n));
	feed(&t->b, JIANGSU, &y, 400);
	for (size_t at = 400; at < y.n; at += 400)
		assert_ok(&t->b, node_leaves(&t->b, JIANGSU, &y, at, at + 400));
	node_meet(&t->a, &t->b);
	assert_true(node_log(&t->a, x.origin)->forked);
	assert_true(node_log(&t->b, x.origin)->forked);
	assert_int_equal(t->a.events[EVENT_REFUSED] + t->b.events[EVENT_REFUSED], 0);
	scribe_release(&x);
	scribe_release(&y);
	fork_end(t);
}

static void source_that_makes_up_leaves_is_parted_from_and_no_fork_is_seen(void **state)
{
	struct fork_scene *t = fork_begin(state);
	struct scribe lie;
	struct buf note = {0};
	feed(&t->a, JIANGSU, &t->x, 5);
	assert_ok(&t->a, node_link(&t->a, JIANGSU, LINK_DOWN));
	node_greet(&t->a, ZHEJIANG);
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->x, 8));
	scribe_copy(&lie, &t->x);
	lie.leaf[6].p[50] ^= 1;
	scribe_head(&t->x, 8, &note);
	int rc = RC_OK;
	for (size_t tries = 0; tries < 3 && rc == RC_OK; tries++) {
		struct outbound out;
		assert_true(node_next(&t->a, ZHEJIANG, MESSAGE_WANT, &out));
		struct bytes leaf[8];
		for (size_t i = 0; i < 8; i++)
			leaf[i] = buf_bytes(&lie.leaf[i]);
		struct message m = {.kind = MESSAGE_LEAVES};
		m.leaves.origin = bytes_str(lie.origin);
		m.leaves.first = out.msg.want.from;
		m.leaves.leaves = leaf + out.msg.want.from;
		m.leaves.n = (size_t)(8 - out.msg.want.from);
		m.leaves.head = buf_bytes(&note);
		rc = node_recv(&t->a, ZHEJIANG, &m);
	}
	assert_int_equal(rc, RC_PEER_BATCH);
	assert_false(node_log(&t->a, t->x.origin)->forked);
	node_greet(&t->a, JIANGSU);
	assert_ok(&t->a, node_leaves(&t->a, JIANGSU, &t->x, 5, 8));
	assert_int_equal(node_size(&t->a, t->x.origin), 8);
	buf_release(&note);
	scribe_release(&lie);
	fork_end(t);
}

/* While one peer is asked to show its history, another that goes on from ours is not kept waiting.
 */
static void doubted_source_does_not_keep_the_log_from_others(void **state)
{
	struct fork_scene *t = fork_begin(state);
	struct outbound out;
	feed(&t->a, JIANGSU, &t->x, 5);
	assert_ok(&t->a, node_link(&t->a, JIANGSU, LINK_DOWN));
	node_greet(&t->a, OFFICE);
	node_greet(&t->a, ZHEJIANG);
	assert_ok(&t->a, node_head(&t->a, OFFICE, &t->y, 8));
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->x, 9));
	assert_true(node_next(&t->a, OFFICE, MESSAGE_WANT, &out));
	assert_int_equal(out.msg.want.from, 5);
	assert_false(node_next(&t->a, ZHEJIANG, MESSAGE_WANT, &out));
	assert_ok(&t->a, node_leaves(&t->a, OFFICE, &t->y, 5, 8));
	assert_true(node_next(&t->a, OFFICE, MESSAGE_WANT, &out));
	assert_int_equal(out.msg.want.from, 0);
	assert_true(node_next(&t->a, ZHEJIANG, MESSAGE_WANT, &out));
	assert_int_equal(out.msg.want.from, 5);
	/* The proof comes piece by piece, between other things. */
	assert_ok(&t->a, node_leaves(&t->a, OFFICE, &t->y, 0, 2));
	assert_ok(&t->a, node_leaves(&t->a, OFFICE, &t->y, 5, 8));
	assert_ok(&t->a, node_leaves(&t->a, OFFICE, &t->y, 2, 3));
	assert_false(node_log(&t->a, t->x.origin)->forked);
	assert_ok(&t->a, node_leaves(&t->a, OFFICE, &t->y, 3, 8));
	assert_forked(t, &t->a, 5, ZHEJIANG);
	fork_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_heads_of_one_size_are_a_fork),
		cmocka_unit_test(two_heads_of_leaves_not_here_yet_are_a_fork),
		cmocka_unit_test(second_head_of_an_earlier_size_is_a_fork),
		cmocka_unit_test(same_head_signed_twice_is_no_fork),
		cmocka_unit_test(leaves_that_do_not_pass_through_a_smaller_head_are_a_fork),
		cmocka_unit_test(smaller_head_of_another_history_is_a_fork),
		cmocka_unit_test(honest_nodes_find_a_fork_of_different_sizes_and_stay_together),
		cmocka_unit_test(forked_log_is_no_ground_for_an_alarm_about_views),
		cmocka_unit_test(fork_is_found_however_long_the_common_history),
		cmocka_unit_test(source_that_makes_up_leaves_is_parted_from_and_no_fork_is_seen),
		cmocka_unit_test(doubted_source_does_not_keep_the_log_from_others),
	};
	return cmocka_run_group_tests_name("core fork", tests, core_set_up, core_tear_down);
}
