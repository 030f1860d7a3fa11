/* Our own log after a restore, a copy or a rollback: never forked unnoticed, never cut off. */
#include "tests/lib/core_test.h"

#include "proto/trust/checkpoint.h"
#include "proto/wire/codec.h"

struct set_back {
	struct cluster *c;
	struct node a, b;
	struct hash id[4];
	char origin[ORIGIN_SIZE];
};

/* a posted four notes, b has them; then a's disk and its mark file are set back by two. */
static struct set_back *begin_set_back(void **state)
{
	struct set_back *t = xalloc(sizeof(*t));
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

static void end_set_back(struct set_back *t)
{
	node_release(&t->a);
	node_release(&t->b);
	free(t);
}

static void node_set_back_with_its_mark_opens_an_epoch_and_gets_its_leaves_back(void **state)
{
	struct set_back *t = begin_set_back(state);
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
	struct set_back *t = begin_set_back(state);
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
	struct set_back *t = begin_set_back(state);
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
	struct node a;
	node_init(&a, *state, SHANGHAI);
	char before[ORIGIN_SIZE];
	memcpy(before, node_origin(&a), ORIGIN_SIZE);
	assert_ok(&a, node_restart(&a));
	assert_string_equal(node_origin(&a), before);
	/* The mark may be behind: what it does not cover was never sent. */
	a.mark_by_hand = true;
	assert_ok(&a, node_delegate(&a, &a.c->member[SHANGHAI].operator[0], NULL, 0));
	assert_ok(&a, node_restart(&a));
	assert_string_equal(node_origin(&a), before);
	assert_int_equal(a.mark_wanted.size, 2);
	node_release(&a);
}

static void start_without_the_mark_opens_an_epoch(void **state)
{
	struct node a;
	node_init(&a, *state, SHANGHAI);
	a.mark.present = false;
	assert_start_opens(&a, OPEN_RESTORE);
	node_release(&a);
}

static void start_behind_the_mark_opens_an_epoch(void **state)
{
	struct node a;
	node_init(&a, *state, SHANGHAI);
	a.mark.size = 2;
	assert_start_opens(&a, OPEN_ROLLBACK);
	node_release(&a);
}

static void start_with_another_root_in_the_mark_opens_an_epoch(void **state)
{
	struct node a;
	node_init(&a, *state, SHANGHAI);
	a.mark.root.b[0] ^= 1;
	assert_start_opens(&a, OPEN_ROLLBACK);
	node_release(&a);
}

static void rebuilt_node_opens_an_epoch_after_the_marked_one(void **state)
{
	struct node a;
	node_init(&a, *state, SHANGHAI);
	struct node fresh;
	node_init_bare(&fresh, a.c, SHANGHAI, NULL);
	fresh.mark = a.mark;
	assert_ok(&fresh, node_restart(&fresh));
	assert_ok(&fresh, node_install_roster(&fresh));
	node_greet(&fresh, OFFICE);
	assert_ok(&fresh, node_pass(&fresh, 3000));
	assert_int_equal(node_log(&fresh, node_origin(&fresh))->epoch, 2);
	node_release(&fresh);
	node_release(&a);
}

static void nothing_of_ours_leaves_before_the_mark_is_written(void **state)
{
	struct node a;
	node_init(&a, *state, SHANGHAI);
	struct outbound out;
	a.mark_by_hand = true;
	node_greet(&a, ZHEJIANG);
	(void)node_drain(&a, ZHEJIANG);
	assert_ok(&a, node_delegate(&a, &a.c->member[SHANGHAI].operator[0], NULL, 0));
	assert_false(node_next(&a, ZHEJIANG, MESSAGE_HEAD, &out));
	/* What is appended meanwhile waits for the next mark. */
	assert_ok(&a, node_write(&a, (struct write){.value = value_note("x")}, NULL));
	assert_int_equal(a.mark_wanted.size, 2);
	node_write_mark(&a);
	assert_true(node_next(&a, ZHEJIANG, MESSAGE_HEAD, &out));
	struct note note;
	struct checkpoint cp;
	assert_int_equal(note_parse(out.msg.note, &note, NULL), RC_OK);
	assert_int_equal(checkpoint_parse(note.text, &cp, NULL), RC_OK);
	assert_int_equal(cp.size, 2);
	struct event ev;
	assert_true(replica_next_event(a.replica, &ev));
	assert_int_equal(ev.kind, EVENT_MARK);
	assert_int_equal(ev.size, 3);
	node_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	return cmocka_run_group_tests_name("core epoch", tests, core_set_up, core_tear_down);
}
