/* What the daemon asks before it makes or takes a bundle: whether the mark is that far, whether a
 * receipt says all it can, and which leaves must be examined. */
#include "tests/lib/scene.h"

#include "daemon/core/transfer.h"

static void bundle_waits_until_the_mark_covers_what_was_posted(void **state)
{
	struct scene *t = scene_begin(state, 0);
	assert_true(transfer_is_marked(t->n.replica, transfer_own_size(t->n.replica)));
	t->n.mark_by_hand = true;
	assert_ok(&t->n, node_delegate(&t->n, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	uint64_t size = transfer_own_size(t->n.replica);
	assert_int_equal(size, 2);
	assert_false(transfer_is_marked(t->n.replica, size));
	node_write_mark(&t->n);
	assert_true(transfer_is_marked(t->n.replica, size));
	scene_end(t);
}

/* Another log is written to by then: nobody waits for the old one's mark. */
static void bundle_does_not_wait_for_a_log_that_is_no_longer_written(void **state)
{
	struct scene *t = scene_begin(state, 0);
	assert_ok(&t->n, node_delegate(&t->n, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	uint64_t size = transfer_own_size(t->n.replica);
	t->n.mark.present = false;
	assert_ok(&t->n, node_restart(&t->n)); /* which opens an epoch */
	assert_int_equal(transfer_own_size(t->n.replica), 1);
	assert_true(transfer_is_marked(t->n.replica, size));
	scene_end(t);
}

static void node_without_a_log_has_nothing_to_wait_for(void **state)
{
	struct node n;
	node_init_bare(&n, *state, SHANGHAI, NULL);
	assert_int_equal(transfer_own_size(n.replica), 0);
	assert_true(transfer_is_marked(n.replica, 0));
	node_release(&n);
}

static void receipt_waits_until_all_is_audited_and_cosigned(void **state)
{
	struct scene *t = scene_begin(state, 5);
	node_settle(&t->n);
	assert_true(transfer_is_witnessed(t->n.replica));
	t->n.bulk = true;
	node_feed(&t->n, &t->s);
	assert_false(transfer_is_witnessed(t->n.replica));
	while (node_audit_piece(&t->n, 3))
		;
	assert_ok(&t->n, node_pass(&t->n, 1000));
	assert_true(transfer_is_witnessed(t->n.replica));
	assert_int_equal(node_log(&t->n, t->s.origin)->n_cosigned, 1);
	scene_end(t);
}

static void only_leaves_that_are_not_here_are_examined(void **state)
{
	struct scene *t = scene_begin(state, 5);
	struct bytes leaf[7];
	struct message m = {.kind = MESSAGE_LEAVES};
	for (size_t i = 0; i < t->s.n; i++)
		leaf[i] = buf_bytes(&t->s.leaf[i]);
	m.leaves.origin = bytes_str(t->s.origin);
	m.leaves.leaves = leaf;
	m.leaves.n = t->s.n;
	assert_true(transfer_import_wants(t->n.replica, &m)); /* nothing is here */
	node_greet(&t->n, JIANGSU);
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &t->s, 0, 6));
	assert_true(transfer_import_wants(t->n.replica, &m)); /* all but one */
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &t->s, 6, 7));
	assert_false(transfer_import_wants(t->n.replica, &m));
	m.kind = MESSAGE_HEAD;
	assert_false(transfer_import_wants(t->n.replica, &m));
	scene_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bundle_waits_until_the_mark_covers_what_was_posted),
		cmocka_unit_test(bundle_does_not_wait_for_a_log_that_is_no_longer_written),
		cmocka_unit_test(node_without_a_log_has_nothing_to_wait_for),
		cmocka_unit_test(receipt_waits_until_all_is_audited_and_cosigned),
		cmocka_unit_test(only_leaves_that_are_not_here_are_examined),
	};
	return cmocka_run_group_tests_name(
		"core transfer waits", tests, core_set_up, core_tear_down);
}
