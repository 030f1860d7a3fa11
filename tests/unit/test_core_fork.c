/* Logs with two histories, and nodes that were set back: shown, frozen, and everything else flows.
 */
#include "tests/lib/core_test.h"

#include "proto/trust/checkpoint.h"
#include "proto/wire/codec.h"

struct scene {
	struct cluster *c;
	struct scribe x, y;  /* two histories of jiangsu's log, alike up to leaf 3 */
	struct scribe other; /* anhui's */
	struct node a, b;    /* shanghai's and zhejiang's */
};

static struct scene *begin(void **state)
{
	struct scene *t = xalloc(sizeof(*t));
	t->c = *state;
	scribe_begin(&t->x, t->c, JIANGSU);
	scribe_write(&t->x, (struct write){.value = value_note("common")}, NULL);
	scribe_copy(&t->y, &t->x);
	for (uint64_t i = 0; i < 6; i++) {
		struct write w = {.value = value_note("one"), .nonce = 1000 + i};
		scribe_write(&t->x, w, NULL);
		w.nonce += 1000;
		scribe_write(&t->y, w, NULL);
	}
	scribe_begin(&t->other, t->c, ANHUI);
	scribe_write(&t->other, (struct write){.value = value_note("other")}, NULL);
	node_init(&t->a, t->c, SHANGHAI);
	node_init(&t->b, t->c, ZHEJIANG);
	return t;
}

static void end(struct scene *t)
{
	node_release(&t->a);
	node_release(&t->b);
	scribe_release(&t->x);
	scribe_release(&t->y);
	scribe_release(&t->other);
	free(t);
}

/* Shown, frozen at what is here, alarmed once; and another log still flows from the same peer. */
static void assert_forked(struct scene *t, struct node *n, uint64_t size, int peer)
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
	struct scene *t = begin(state);
	feed(&t->a, JIANGSU, &t->x, 6);
	assert_ok(&t->a, node_head(&t->a, JIANGSU, &t->y, 6));
	assert_forked(t, &t->a, 6, JIANGSU);
	end(t);
}

static void two_heads_of_leaves_not_here_yet_are_a_fork(void **state)
{
	struct scene *t = begin(state);
	feed(&t->a, ZHEJIANG, &t->x, 3);
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->x, 6));
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->y, 6));
	assert_forked(t, &t->a, 3, ZHEJIANG);
	end(t);
}

static void same_head_signed_twice_is_no_fork(void **state)
{
	struct scene *t = begin(state);
	feed(&t->a, JIANGSU, &t->x, 6);
	for (size_t size = 1; size <= 6; size++)
		assert_ok(&t->a, node_head(&t->a, JIANGSU, &t->x, size));
	assert_false(node_log(&t->a, t->x.origin)->forked);
	assert_int_equal(t->a.events[EVENT_FORK], 0);
	end(t);
}

static void leaves_that_do_not_pass_through_a_smaller_head_are_a_fork(void **state)
{
	struct scene *t = begin(state);
	node_greet(&t->a, ZHEJIANG);
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->x, 5));
	assert_ok(&t->a, node_leaves(&t->a, ZHEJIANG, &t->y, 0, 8));
	assert_forked(t, &t->a, 0, ZHEJIANG);
	end(t);
}

static void smaller_head_of_another_history_is_a_fork(void **state)
{
	struct scene *t = begin(state);
	feed(&t->a, JIANGSU, &t->x, 3);
	for (size_t size = 4; size <= 8; size++) /* so that no head of 5 is kept */
		assert_ok(&t->a, node_leaves(&t->a, JIANGSU, &t->x, size - 1, size));
	node_greet(&t->a, ZHEJIANG);
	assert_ok(&t->a, node_head(&t->a, ZHEJIANG, &t->y, 5));
	assert_forked(t, &t->a, 8, ZHEJIANG);
	end(t);
}

/* ---- two honest nodes that were shown different histories ---- */

static void honest_nodes_find_a_fork_of_different_sizes_and_stay_together(void **state)
{
	struct scene *t = begin(state);
	feed(&t->a, JIANGSU, &t->x, 5);
	feed(&t->b, JIANGSU, &t->y, 8);
	feed(&t->b, ANHUI, &t->other, t->other.n);
	node_meet(&t->a, &t->b);
	assert_int_equal(t->a.events[EVENT_REFUSED], 0);
	assert_int_equal(t->b.events[EVENT_REFUSED], 0);
	assert_int_equal(node_size(&t->a, t->other.origin), t->other.n);
	assert_forked(t, &t->a, 5, ZHEJIANG);
	assert_forked(t, &t->b, 8, SHANGHAI);
	end(t);
}

static void fork_is_found_however_long_the_common_history(void **state)
{
	struct scene *t = begin(state);
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
	end(t);
}

static void source_that_makes_up_leaves_is_parted_from_and_no_fork_is_seen(void **state)
{
	struct scene *t = begin(state);
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
	end(t);
}

/* ---- our own log ---- */

struct own_scene {
	struct cluster *c;
	struct node a, b;
	struct hash id[4];
	char origin[ORIGIN_SIZE];
};

/* a posted four notes, b has them; then a's disk and its mark file are set back by two. */
static struct own_scene *begin_set_back(void **state)
{
	struct own_scene *t = xalloc(sizeof(*t));
	t->c = *state;
	node_init(&t->a, t->c, SHANGHAI);
	node_init(&t->b, t->c, ZHEJIANG);
	memcpy(t->origin, node_origin(&t->a), ORIGIN_SIZE);
	assert_ok(&t->a, node_delegate(&t->a, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	struct scribe s;
	scribe_init(&s, t->c, SHANGHAI, 1);
	memcpy(s.origin, t->origin, ORIGIN_SIZE);
	s.hlc += 16;
	struct buf raw = {0};
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(t->a.store->ops->leaf_get(t->a.store, 1, i, &raw, NULL), RC_OK);
		scribe_raw(&s, buf_bytes(&raw));
	}
	for (uint64_t i = 0; i < 4; i++) {
		struct write w = {.value = value_note("posted"), .nonce = 500 + i};
		if (i < 2)
			assert_ok(&t->a, node_write(&t->a, w, &t->id[i]));
		scribe_write(&s, w, &t->id[i]);
	}
	buf_release(&raw);
	/* The first two as a wrote them, the others as it wrote them before it was set back. */
	for (size_t i = 2; i < 4; i++) {
		assert_int_equal(t->a.store->ops->leaf_get(t->a.store, 1, i, &raw, NULL), RC_OK);
		buf_reset(&s.leaf[i]);
		buf_put_bytes(&s.leaf[i], buf_bytes(&raw));
	}
	buf_release(&raw);
	node_greet(&t->b, SHANGHAI);
	assert_ok(&t->b, node_leaves(&t->b, SHANGHAI, &s, 0, s.n));
	scribe_release(&s);
	return t;
}

static void end_set_back(struct own_scene *t)
{
	node_release(&t->a);
	node_release(&t->b);
	free(t);
}

static void node_set_back_with_its_mark_opens_an_epoch_and_gets_its_leaves_back(void **state)
{
	struct own_scene *t = begin_set_back(state);
	node_meet(&t->a, &t->b);
	assert_int_equal(t->a.events[EVENT_NEW_EPOCH], 1);
	assert_string_not_equal(node_origin(&t->a), t->origin);
	assert_int_equal(node_size(&t->a, t->origin), 6);
	for (size_t i = 0; i < 4; i++)
		assert_true(node_is_current(&t->a, &t->id[i]));
	assert_ok(&t->a, node_write(&t->a, (struct write){.value = value_note("new")}, NULL));
	node_exchange(&t->a, &t->b);
	assert_int_equal(node_size(&t->b, node_origin(&t->a)), 2);
	assert_same_hash(node_view(&t->a), node_view(&t->b));
	assert_int_equal(t->a.events[EVENT_FORK] + t->b.events[EVENT_FORK], 0);
	end_set_back(t);
}

/* The worst case: set back, and a new note was posted before any peer could tell. */
static void node_that_posted_after_it_was_set_back_is_not_cut_off(void **state)
{
	struct own_scene *t = begin_set_back(state);
	assert_ok(&t->a, node_write(&t->a, (struct write){.value = value_note("late")}, NULL));
	node_meet(&t->a, &t->b);
	assert_int_equal(t->a.events[EVENT_NEW_EPOCH], 1);
	assert_int_equal(t->a.events[EVENT_REFUSED] + t->b.events[EVENT_REFUSED], 0);
	assert_true(node_log(&t->a, t->origin)->forked);
	assert_true(node_log(&t->b, t->origin)->forked);
	assert_ok(&t->a, node_write(&t->a, (struct write){.value = value_note("new")}, NULL));
	node_exchange(&t->a, &t->b);
	assert_int_equal(node_size(&t->b, node_origin(&t->a)), 2);
	assert_ok(&t->b, node_delegate(&t->b, &t->c->member[ZHEJIANG].operator[0], NULL, 0));
	node_exchange(&t->a, &t->b);
	assert_int_equal(node_size(&t->a, node_origin(&t->b)), 2);
	end_set_back(t);
}

static void node_whose_log_has_a_twin_goes_on_in_a_new_epoch(void **state)
{
	struct own_scene *t = begin_set_back(state);
	/* As many leaves as the peer has, but others. */
	for (size_t i = 0; i < 2; i++)
		assert_ok(&t->a,
			node_write(&t->a, (struct write){.value = value_note("twin")}, NULL));
	node_meet(&t->a, &t->b);
	assert_string_not_equal(node_origin(&t->a), t->origin);
	assert_int_equal(t->a.events[EVENT_FORK], 1);
	assert_int_equal(t->b.events[EVENT_FORK], 1);
	assert_ok(&t->a, node_write(&t->a, (struct write){.value = value_note("new")}, NULL));
	node_exchange(&t->a, &t->b);
	assert_int_equal(node_size(&t->b, node_origin(&t->a)), 2);
	end_set_back(t);
}

/* ---- the mark file ---- */

static void assert_start_opens(struct node *n, enum open_reason why)
{
	char before[ORIGIN_SIZE];
	memcpy(before, node_origin(n), ORIGIN_SIZE);
	assert_ok(n, node_restart(n));
	assert_string_not_equal(node_origin(n), before);
	assert_int_equal(n->events[EVENT_NEW_EPOCH], 1);
	const struct ctl_log *log = node_log(n, node_origin(n));
	assert_int_equal(log->epoch, 2);
	assert_int_equal(log->size, 1);
	struct buf raw = {0};
	assert_int_equal(n->store->ops->leaf_get(n->store, 2, 0, &raw, NULL), RC_OK);
	struct arena a;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct leaf leaf;
	arena_init(&a, memory, sizeof(memory));
	assert_int_equal(leaf_decode(buf_bytes(&raw), &a, &leaf, NULL), RC_OK);
	assert_int_equal(leaf.open.reason, why);
	assert_true(bytes_equal(leaf.open.previous_origin, bytes_str(before)));
	buf_release(&raw);
}

static void start_with_the_mark_goes_on_in_the_same_epoch(void **state)
{
	struct scene *t = begin(state);
	char before[ORIGIN_SIZE];
	memcpy(before, node_origin(&t->a), ORIGIN_SIZE);
	assert_ok(&t->a, node_restart(&t->a));
	assert_string_equal(node_origin(&t->a), before);
	/* The mark may be behind: what it does not cover was never sent. */
	t->a.mark_by_hand = true;
	assert_ok(&t->a, node_delegate(&t->a, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	assert_ok(&t->a, node_restart(&t->a));
	assert_string_equal(node_origin(&t->a), before);
	assert_int_equal(t->a.mark_wanted.size, 2);
	end(t);
}

static void start_without_the_mark_opens_an_epoch(void **state)
{
	struct scene *t = begin(state);
	t->a.mark.present = false;
	assert_start_opens(&t->a, OPEN_RESTORE);
	end(t);
}

static void start_behind_the_mark_opens_an_epoch(void **state)
{
	struct scene *t = begin(state);
	t->a.mark.size = 2;
	assert_start_opens(&t->a, OPEN_ROLLBACK);
	end(t);
}

static void start_with_another_root_in_the_mark_opens_an_epoch(void **state)
{
	struct scene *t = begin(state);
	t->a.mark.root.b[0] ^= 1;
	assert_start_opens(&t->a, OPEN_ROLLBACK);
	end(t);
}

static void rebuilt_node_opens_an_epoch_after_the_marked_one(void **state)
{
	struct scene *t = begin(state);
	struct node fresh;
	node_init_bare(&fresh, t->c, SHANGHAI, NULL);
	fresh.mark = t->a.mark;
	assert_ok(&fresh, node_restart(&fresh));
	assert_ok(&fresh, node_install_roster(&fresh));
	assert_int_equal(node_log(&fresh, node_origin(&fresh))->epoch, 2);
	node_release(&fresh);
	end(t);
}

static void nothing_of_ours_leaves_before_the_mark_is_written(void **state)
{
	struct scene *t = begin(state);
	struct outbound out;
	t->a.mark_by_hand = true;
	node_greet(&t->a, ZHEJIANG);
	(void)node_drain(&t->a, ZHEJIANG);
	assert_ok(&t->a, node_delegate(&t->a, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	assert_false(node_next(&t->a, ZHEJIANG, MESSAGE_HEAD, &out));
	/* What is appended meanwhile waits for the next mark. */
	assert_ok(&t->a, node_write(&t->a, (struct write){.value = value_note("x")}, NULL));
	assert_int_equal(t->a.mark_wanted.size, 2);
	node_write_mark(&t->a);
	assert_true(node_next(&t->a, ZHEJIANG, MESSAGE_HEAD, &out));
	struct note note;
	struct checkpoint cp;
	assert_int_equal(note_parse(out.msg.note, &note, NULL), RC_OK);
	assert_int_equal(checkpoint_parse(note.text, &cp, NULL), RC_OK);
	assert_int_equal(cp.size, 2);
	struct event ev;
	assert_true(replica_next_event(t->a.replica, &ev));
	assert_int_equal(ev.kind, EVENT_MARK);
	assert_int_equal(ev.size, 3);
	end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_heads_of_one_size_are_a_fork),
		cmocka_unit_test(two_heads_of_leaves_not_here_yet_are_a_fork),
		cmocka_unit_test(same_head_signed_twice_is_no_fork),
		cmocka_unit_test(leaves_that_do_not_pass_through_a_smaller_head_are_a_fork),
		cmocka_unit_test(smaller_head_of_another_history_is_a_fork),
		cmocka_unit_test(honest_nodes_find_a_fork_of_different_sizes_and_stay_together),
		cmocka_unit_test(fork_is_found_however_long_the_common_history),
		cmocka_unit_test(source_that_makes_up_leaves_is_parted_from_and_no_fork_is_seen),
		cmocka_unit_test(
			node_set_back_with_its_mark_opens_an_epoch_and_gets_its_leaves_back),
		cmocka_unit_test(node_that_posted_after_it_was_set_back_is_not_cut_off),
		cmocka_unit_test(node_whose_log_has_a_twin_goes_on_in_a_new_epoch),
		cmocka_unit_test(start_with_the_mark_goes_on_in_the_same_epoch),
		cmocka_unit_test(start_without_the_mark_opens_an_epoch),
		cmocka_unit_test(start_behind_the_mark_opens_an_epoch),
		cmocka_unit_test(start_with_another_root_in_the_mark_opens_an_epoch),
		cmocka_unit_test(rebuilt_node_opens_an_epoch_after_the_marked_one),
		cmocka_unit_test(nothing_of_ours_leaves_before_the_mark_is_written),
	};
	return cmocka_run_group_tests_name("core fork", tests, core_set_up, core_tear_down);
}
