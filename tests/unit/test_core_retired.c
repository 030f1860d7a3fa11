/* Logs that the roster ends, on nodes that have not got all of them: whoever has the old key can
 * still sign heads below the end. */
#include "tests/lib/fork_scene.h"
#include "tests/lib/roster_fixture.h"

/* Jiangsu's key was lost: the first history ends after all its leaves. */
static void install_end(struct fork_scene *t, struct node *n)
{
	uint8_t seed[32] = {77};
	struct key fresh;
	struct buf note = {0};
	struct roster now = roster_of_note(buf_bytes(&t->c->roster)), next = roster_after(&now);
	const struct key *new_keys[] = {&fresh};
	key_from_seed(&fresh, KEY_LOG, "jiangsu", "", seed);
	roster_use_key(&next, JIANGSU, &fresh);
	roster_retire(&next, &now, &t->x, t->x.n, "lost");
	roster_sign_quorum(&next, &now, t->c, new_keys, 1, &note);
	struct bytes b = buf_bytes(&note);
	assert_ok(n, node_install(n, &b, 1));
	assert_true(node_log(n, t->x.origin)->retired);
	key_release(&fresh);
	buf_release(&note);
}

/* The peer says this head, and answers what it is asked for. How many times it was asked. */
static size_t show(struct node *n, int peer, const struct scribe *s, size_t size)
{
	struct outbound out;
	size_t asked = 0;
	assert_ok(n, node_head(n, peer, s, size));
	for (; asked < 20 && node_next(n, peer, MESSAGE_WANT, &out); asked++)
		assert_ok(n, node_leaves(n, peer, s, (size_t)out.msg.want.from, size));
	return asked;
}

static void other_history_under_the_old_key_does_not_keep_the_log_from_honest_members(void **state)
{
	struct fork_scene *t = fork_begin(state);
	node_feed(&t->a, &t->other);
	assert_ok(&t->a, node_leaves(&t->a, ANHUI, &t->x, 0, 5));
	install_end(t, &t->a);
	node_greet(&t->a, ZHEJIANG);
	assert_int_equal(show(&t->a, ZHEJIANG, &t->y, 7), 2);
	assert_int_equal(node_size(&t->a, t->x.origin), 5);
	assert_int_equal(node_log(&t->a, t->x.origin)->final_size, 0);
	node_greet(&t->a, ANHUI);
	assert_int_equal(show(&t->a, ANHUI, &t->x, t->x.n), 1);
	assert_int_equal(node_size(&t->a, t->x.origin), t->x.n);
	assert_int_equal(t->a.events[EVENT_FORK], 0);
	assert_int_equal(node_log(&t->a, t->x.origin)->final_size, t->x.n);
	fork_end(t);
}

static void copy_of_another_history_is_compared_with_each_member_once(void **state)
{
	struct fork_scene *t = fork_begin(state);
	node_feed(&t->a, &t->other);
	assert_ok(&t->a, node_leaves(&t->a, ANHUI, &t->y, 0, 7));
	install_end(t, &t->a);
	for (int peer = ZHEJIANG; peer <= ANHUI; peer++) {
		node_greet(&t->a, peer);
		assert_int_equal(show(&t->a, peer, &t->x, 8), 2);
		assert_int_not_equal(t->a.events[EVENT_INFO], 0);
	}
	for (int i = 0; i < 20; i++) {
		struct outbound out;
		assert_ok(&t->a, node_pass(&t->a, 10000));
		for (int peer = ZHEJIANG; peer <= ANHUI; peer++)
			assert_false(node_next(&t->a, peer, MESSAGE_WANT, &out));
	}
	assert_int_equal(node_size(&t->a, t->x.origin), 7);
	assert_int_equal(node_log(&t->a, t->x.origin)->seen_size, t->x.n);
	fork_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			other_history_under_the_old_key_does_not_keep_the_log_from_honest_members),
		cmocka_unit_test(copy_of_another_history_is_compared_with_each_member_once),
	};
	return cmocka_run_group_tests(tests, core_set_up, core_tear_down);
}
