/* What a peer's digest says of agreement: equal logs and an equal view, whenever it came. */
#include "tests/lib/core_test.h"

static uint32_t agreement_with(struct node *n, int peer)
{
	struct ctl_status status;
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	for (size_t i = 0; i < status.n_peers; i++)
		if (bytes_equal(status.peers[i].member, bytes_str(n->c->member[peer].slug)))
			return status.peers[i].agree;
	fail();
	return 0;
}

static void digest_that_names_a_log_before_it_is_known_counts_once_it_is(void **state)
{
	const struct cluster *c = *state;
	struct scribe s;
	scribe_begin(&s, c, JIANGSU);
	scribe_write(&s, (struct write){.value = value_note("x")}, NULL);
	struct node n, other;
	node_init(&n, c, SHANGHAI);
	node_init(&other, c, ZHEJIANG);
	node_feed(&other, &s);
	struct hash view = node_view(&other);

	const struct log_size sizes[] = {
		{bytes_str(node_origin(&n)), node_size(&n, node_origin(&n))},
		{bytes_str(s.origin), s.n},
	};
	struct message m = {.kind = MESSAGE_VIEW_DIGEST};
	m.digest.rules_version = RULES_VERSION;
	m.digest.sizes = sizes;
	m.digest.n = 2;
	m.digest.view_root = hash_bytes(&view);
	node_greet(&n, ANHUI);
	assert_ok(&n, node_recv(&n, ANHUI, &m));
	assert_int_equal(agreement_with(&n, ANHUI), AGREE_DIFFERENT_LOGS);

	node_feed(&n, &s);
	assert_int_equal(agreement_with(&n, ANHUI), AGREE_YES);
	scribe_write(&s, (struct write){.value = value_note("y")}, NULL);
	assert_ok(&n, node_leaves(&n, JIANGSU, &s, 3, 4));
	assert_int_equal(agreement_with(&n, ANHUI), AGREE_DIFFERENT_LOGS);

	node_release(&other);
	node_release(&n);
	scribe_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_that_names_a_log_before_it_is_known_counts_once_it_is),
	};
	return cmocka_run_group_tests(tests, core_set_up, core_tear_down);
}
