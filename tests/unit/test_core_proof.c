/* A leaf with its path and head, as a node hands it out for a stranger. */
#include "tests/lib/core_test.h"

#include "daemon/core/state.h"
#include "proto/trust/proof.h"

/* Does it hold by itself, with the owner's key alone? */
static bool holds(const struct cluster *c, int owner, uint64_t index, const struct ctl_proof *p)
{
	struct checkpoint head;
	struct hash leaf;
	struct hash path[MERKLE_PROOF_MAX];
	if (checkpoint_verify(p->head, c->member[owner].log.public, &head, NULL) != RC_OK)
		return false;
	size_t n = p->path.n / HASH_BYTES;
	memcpy(path, p->path.p, p->path.n);
	merkle_leaf_hash(p->leaf, &leaf);
	return merkle_verify_inclusion(&leaf, index, head.size, path, n, &head.root);
}

static void every_leaf_of_anothers_log_is_proved_under_its_head(void **state)
{
	struct node n;
	struct scribe s;
	const struct cluster *c = *state;
	scribe_begin(&s, c, OFFICE);
	for (uint64_t i = 0; i < 11; i++)
		scribe_write(&s, (struct write){.value = value_task(""), .nonce = i}, NULL);
	node_init(&n, c, SHANGHAI);
	node_feed(&n, &s);
	for (uint64_t i = 0; i < s.n; i++) {
		struct ctl_proof p;
		assert_ok(&n, replica_proof(n.replica, bytes_str(s.origin), i, &p, &n.e));
		assert_true(holds(c, OFFICE, i, &p));
		assert_true(bytes_equal(p.leaf, buf_bytes(&s.leaf[i])));
		assert_false(p.final);
		assert_false(holds(c, OFFICE, i + 1, &p));
	}
	node_release(&n);
	scribe_release(&s);
}

static void what_is_not_here_is_not_proved(void **state)
{
	struct node n;
	struct ctl_proof p;
	node_init(&n, *state, SHANGHAI);
	const char *own = node_origin(&n);
	assert_ok(&n, replica_proof(n.replica, bytes_str(own), 0, &p, &n.e));
	assert_rc(&n, replica_proof(n.replica, bytes_str(own), 1, &p, &n.e), RC_NOT_FOUND);
	assert_rc(&n, replica_proof(n.replica, bytes_str(own), UINT64_MAX, &p, &n.e), RC_NOT_FOUND);
	assert_rc(&n, replica_proof(n.replica, bytes_str("yrd/no/1-00000000"), 0, &p, &n.e),
		RC_NOT_FOUND);
	node_release(&n);
	node_init_bare(&n, *state, SHANGHAI, NULL);
	assert_rc(&n, replica_proof(n.replica, bytes_str("x"), 0, &p, &n.e), RC_NOT_FOUND);
	node_release(&n);
}

/* A node set back behind it would look as if it had forked. */
static void own_leaf_is_proved_only_once_the_mark_covers_it(void **state)
{
	struct node n;
	struct ctl_proof p;
	const struct cluster *c = *state;
	node_init(&n, c, SHANGHAI);
	n.mark_by_hand = true;
	assert_ok(&n, node_delegate(&n, &c->member[SHANGHAI].operator[0], NULL, 0));
	const char *own = node_origin(&n);
	assert_rc(&n, replica_proof(n.replica, bytes_str(own), 1, &p, &n.e), RC_NOT_FOUND);
	node_write_mark(&n);
	assert_ok(&n, replica_proof(n.replica, bytes_str(own), 1, &p, &n.e));
	assert_true(holds(c, SHANGHAI, 1, &p));
	node_release(&n);
}

static void final_head_is_taken_where_it_covers_the_leaf(void **state)
{
	struct node n;
	struct scribe s;
	struct ctl_proof p;
	struct buf final = {0};
	const struct cluster *c = *state;
	scribe_begin(&s, c, OFFICE);
	for (uint64_t i = 0; i < 4; i++)
		scribe_write(&s, (struct write){.value = value_task(""), .nonce = i}, NULL);
	node_init(&n, c, SHANGHAI);
	node_feed(&n, &s);
	uint32_t id = log_find(n.replica, bytes_str(s.origin))->row.id;
	scribe_head(&s, 4, &final);
	assert_ok(&n, replica_begin(n.replica, &n.e));
	assert_ok(&n, n.store->ops->final_put(n.store, id, 4, buf_bytes(&final), &n.e));
	assert_ok(&n, replica_commit(n.replica, n.now, &n.e));
	for (uint64_t i = 0; i < s.n; i++) {
		assert_ok(&n, replica_proof(n.replica, bytes_str(s.origin), i, &p, &n.e));
		assert_int_equal(p.final, i < 4);
		assert_int_equal(bytes_equal(p.head, buf_bytes(&final)), i < 4);
		assert_true(holds(c, OFFICE, i, &p));
	}
	buf_release(&final);
	node_release(&n);
	scribe_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_leaf_of_anothers_log_is_proved_under_its_head),
		cmocka_unit_test(what_is_not_here_is_not_proved),
		cmocka_unit_test(own_leaf_is_proved_only_once_the_mark_covers_it),
		cmocka_unit_test(final_head_is_taken_where_it_covers_the_leaf),
	};
	return cmocka_run_group_tests(tests, core_set_up, core_tear_down);
}
