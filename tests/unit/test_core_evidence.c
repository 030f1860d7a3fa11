/* Evidence of forks between nodes: made, believed only if it holds, kept, told to everybody. */
#include "tests/lib/fork_scene.h"

#include "proto/trust/evidence.h"

/* ---- what proves ---- */

struct pair {
	struct buf first, second;
	struct hash path[MERKLE_PROOF_MAX];
	struct bytes proof[MERKLE_PROOF_MAX];
	size_t n;
};

static void leaf_hash(const struct scribe *s, size_t i, struct hash *out)
{
	merkle_leaf_hash(buf_bytes(&s->leaf[i]), out);
}

static struct pair *pair_of(
	const struct scribe *a, size_t size1, const struct scribe *b, size_t size2)
{
	struct pair *p = xalloc(sizeof(*p));
	scribe_head(a, size1, &p->first);
	scribe_head(b, size2, &p->second);
	if (size1 < size2) {
		struct merkle_spans s;
		merkle_spans_begin(&s, size1, size2);
		for (size_t i = 0; i < size2; i++) {
			struct hash h;
			leaf_hash(b, i, &h);
			merkle_spans_add(&s, &h);
		}
		merkle_spans_end(&s, p->path, &p->n);
	}
	for (size_t i = 0; i < p->n; i++)
		p->proof[i] = hash_bytes(&p->path[i]);
	return p;
}

static void pair_release(struct pair *p)
{
	buf_release(&p->first);
	buf_release(&p->second);
	free(p);
}

static int tell(struct node *n, int peer, const struct pair *p)
{
	struct message m = {.kind = MESSAGE_EVIDENCE};
	m.evidence.first = buf_bytes(&p->first);
	m.evidence.second = buf_bytes(&p->second);
	m.evidence.proof = p->proof;
	m.evidence.n_proof = p->n;
	return node_recv(n, peer, &m);
}

/* Does what the node shows prove it to somebody with the roster alone? */
static void assert_proven(struct node *n, const struct scribe *s)
{
	struct ctl_evidence x;
	struct checkpoint a, b;
	assert_ok(n, replica_evidence(n->replica, 0, &x));
	assert_int_equal(x.total, 1);
	assert_true(bytes_equal(x.origin, bytes_str(s->origin)));
	struct evidence e = {x.first, x.second, x.proof};
	assert_int_equal(
		evidence_verify(&e, n->c->member[s->member].log.public, &a, &b, &n->e), RC_OK);
	assert_true(node_log(n, s->origin)->forked);
	struct ctl_status status;
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	assert_int_equal(status.evidence, 1);
}

static size_t told(struct node *n, int peer)
{
	struct outbound out;
	size_t count = 0;
	while (node_next(n, peer, MESSAGE_EVIDENCE, &out))
		count++;
	return count;
}

/* ---- found ---- */

static void fork_found_is_proven_and_told_once_a_session(void **state)
{
	struct fork_scene *t = fork_begin(state);
	node_greet(&t->a, JIANGSU);
	node_greet(&t->a, ANHUI);
	assert_ok(&t->a, node_leaves(&t->a, JIANGSU, &t->x, 0, 8));
	(void)node_drain(&t->a, ANHUI);
	assert_ok(&t->a, node_head(&t->a, JIANGSU, &t->y, 6));
	assert_proven(&t->a, &t->x);
	assert_int_equal(told(&t->a, ANHUI), 1);
	assert_ok(&t->a, node_pass(&t->a, 100000));
	assert_int_equal(told(&t->a, ANHUI), 0);
	assert_ok(&t->a, node_restart(&t->a));
	assert_proven(&t->a, &t->x);
	for (size_t session = 0; session < 2; session++) {
		node_greet(&t->a, ANHUI);
		assert_int_equal(told(&t->a, ANHUI), 1);
		assert_int_equal(told(&t->a, ANHUI), 0);
		assert_ok(&t->a, node_link(&t->a, ANHUI, LINK_DOWN));
	}
	assert_int_equal(t->a.events[EVENT_EVIDENCE], 1);
	fork_end(t);
}

static void every_way_to_find_a_fork_proves_it(void **state)
{
	for (size_t ours = 4; ours <= 9; ours++)
		for (size_t theirs = 4; theirs <= 9; theirs++) {
			struct fork_scene *t = fork_begin(state);
			node_greet(&t->a, JIANGSU);
			assert_ok(&t->a, node_leaves(&t->a, JIANGSU, &t->x, 0, ours));
			node_greet(&t->b, JIANGSU);
			assert_ok(&t->b, node_leaves(&t->b, JIANGSU, &t->y, 0, theirs));
			node_meet(&t->a, &t->b);
			assert_proven(&t->a, &t->x);
			assert_proven(&t->b, &t->x);
			assert_int_equal(node_size(&t->a, t->x.origin), ours);
			assert_int_equal(node_size(&t->b, t->x.origin), theirs);
			assert_int_equal(
				t->a.events[EVENT_REFUSED] + t->b.events[EVENT_REFUSED], 0);
			fork_end(t);
		}
}

/* ---- told ---- */

static void evidence_reaches_who_saw_neither_history(void **state)
{
	struct fork_scene *t = fork_begin(state);
	struct node c;
	node_init(&c, t->c, ANHUI);
	node_greet(&t->a, JIANGSU);
	assert_ok(&t->a, node_leaves(&t->a, JIANGSU, &t->x, 0, 5));
	assert_ok(&t->a, node_head(&t->a, JIANGSU, &t->y, 5));
	node_meet(&t->a, &t->b);
	assert_proven(&t->b, &t->x);
	assert_int_equal(t->b.events[EVENT_FORK], 1);
	node_meet(&t->b, &c); /* through who was only told */
	assert_proven(&c, &t->x);
	assert_int_equal(c.events[EVENT_REFUSED] + t->b.events[EVENT_REFUSED], 0);
	/* Frozen at nothing, and the others flow. */
	assert_int_equal(node_size(&c, t->x.origin), 0);
	assert_int_equal(node_size(&c, node_origin(&t->a)), 1);
	node_release(&c);
	fork_end(t);
}

static void who_told_us_is_not_told_in_return(void **state)
{
	struct fork_scene *t = fork_begin(state);
	struct pair *p = pair_of(&t->x, 5, &t->y, 7);
	node_greet(&t->a, ANHUI);
	node_greet(&t->a, OFFICE);
	assert_ok(&t->a, tell(&t->a, ANHUI, p));
	assert_ok(&t->a, tell(&t->a, ANHUI, p));
	assert_proven(&t->a, &t->x);
	assert_int_equal(t->a.events[EVENT_FORK], 1);
	assert_int_equal(told(&t->a, ANHUI), 0);
	assert_int_equal(told(&t->a, OFFICE), 1);
	pair_release(p);
	fork_end(t);
}

/* Our log goes on elsewhere: it was copied, or a backup was started. */
static void evidence_against_our_own_log_opens_a_new_epoch(void **state)
{
	struct fork_scene *t = fork_begin(state);
	char origin[ORIGIN_SIZE];
	struct hash root = {{1}}, other = {{2}};
	struct pair p = {0};
	memcpy(origin, node_origin(&t->a), sizeof(origin));
	checkpoint_sign(origin, 1, &root, &t->c->member[SHANGHAI].log, &p.first);
	checkpoint_sign(origin, 1, &other, &t->c->member[SHANGHAI].log, &p.second);
	node_greet(&t->a, ANHUI);
	assert_ok(&t->a, tell(&t->a, ANHUI, &p));
	assert_true(node_log(&t->a, origin)->forked);
	assert_string_not_equal(node_origin(&t->a), origin);
	assert_int_equal(t->a.events[EVENT_NEW_EPOCH], 1);
	buf_release(&p.first);
	buf_release(&p.second);
	fork_end(t);
}

/* ---- hostile ones ---- */

static void expect_refused(struct fork_scene *t, struct pair *p, int want)
{
	node_greet(&t->a, ANHUI);
	assert_rc(&t->a, tell(&t->a, ANHUI, p), want);
	const struct ctl_log *log = node_log(&t->a, t->x.origin);
	assert_true(log == NULL || !log->forked);
	assert_int_equal(t->a.events[EVENT_FORK] + t->a.events[EVENT_EVIDENCE], 0);
	pair_release(p);
}

static void what_proves_nothing_is_refused(void **state)
{
	struct fork_scene *t = fork_begin(state);
	struct pair *p;
	expect_refused(t, pair_of(&t->x, 6, &t->x, 6), RC_PEER_EVIDENCE);
	expect_refused(t, pair_of(&t->x, 5, &t->x, 8), RC_PEER_EVIDENCE);
	expect_refused(t, pair_of(&t->x, 2, &t->y, 8), RC_PEER_EVIDENCE);
	expect_refused(t, pair_of(&t->x, 8, &t->y, 5), RC_PEER_EVIDENCE);
	p = pair_of(&t->x, 5, &t->y, 8);
	p->n--;
	expect_refused(t, p, RC_PEER_EVIDENCE);
	p = pair_of(&t->x, 5, &t->y, 8);
	p->path[0].b[0] ^= 1;
	expect_refused(t, p, RC_PEER_EVIDENCE);
	p = pair_of(&t->x, 5, &t->y, 5);
	buf_reset(&p->second);
	buf_put_str(&p->second, "no note");
	expect_refused(t, p, RC_PEER_EVIDENCE);
	fork_end(t);
}

/* The same head with another signature of the same key, and with other lines under it. */
static void same_head_with_other_lines_accuses_nobody(void **state)
{
	struct fork_scene *t = fork_begin(state);
	struct pair *p = pair_of(&t->x, 6, &t->x, 6);
	struct note n;
	struct vkey v;
	struct buf line = {0};
	assert_int_equal(note_parse(buf_bytes(&p->second), &n, NULL), RC_OK);
	assert_int_equal(
		vkey_make(&v, "jiangsu", NOTE_COSIGNATURE, t->c->member[ANHUI].cosign.public, NULL),
		RC_OK);
	note_put_cosignature(&line, &v, &t->c->member[ANHUI].cosign, n.text, 7);
	buf_put_bytes(&p->second, buf_bytes(&line));
	node_greet(&t->a, JIANGSU);
	assert_ok(&t->a, node_leaves(&t->a, JIANGSU, &t->x, 0, 6));
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&p->second)};
	assert_ok(&t->a, node_recv(&t->a, JIANGSU, &m));
	expect_refused(t, p, RC_PEER_EVIDENCE);
	buf_release(&line);
	fork_end(t);
}

static void log_of_nobody_is_refused(void **state)
{
	struct fork_scene *t = fork_begin(state);
	struct hash root = {{1}}, other = {{2}};
	struct pair *p = xalloc(sizeof(*p));
	checkpoint_sign(
		"yrd-2024-2026/nobody/1-00000001", 4, &root, &t->c->member[ANHUI].log, &p->first);
	checkpoint_sign(
		"yrd-2024-2026/nobody/1-00000001", 4, &other, &t->c->member[ANHUI].log, &p->second);
	expect_refused(t, p, RC_PEER_ORIGIN);
	/* By another member's key. */
	p = xalloc(sizeof(*p));
	checkpoint_sign(t->x.origin, 4, &root, &t->c->member[ANHUI].log, &p->first);
	checkpoint_sign(t->x.origin, 4, &other, &t->c->member[ANHUI].log, &p->second);
	expect_refused(t, p, RC_PEER_EVIDENCE);
	fork_end(t);
}

/* ---- older programs ---- */

/* They kept two heads without a proof: shown as forked, and not said to prove anything. */
static void two_heads_without_a_proof_are_not_told(void **state)
{
	struct fork_scene *t = fork_begin(state);
	struct pair *p = pair_of(&t->x, 5, &t->y, 7);
	node_greet(&t->a, JIANGSU);
	assert_ok(&t->a, node_leaves(&t->a, JIANGSU, &t->x, 0, 5));
	struct store_evidence row = {t->x.origin, buf_bytes(&p->first), buf_bytes(&p->second), {0}};
	struct ctl_evidence shown;
	assert_ok(&t->a, t->a.store->ops->begin(t->a.store, &t->a.e));
	assert_ok(&t->a, t->a.store->ops->evidence_put(t->a.store, &row, &t->a.e));
	assert_ok(&t->a, t->a.store->ops->commit(t->a.store, &t->a.e));
	assert_ok(&t->a, node_restart(&t->a));
	node_greet(&t->a, ANHUI);
	assert_int_equal(told(&t->a, ANHUI), 0);
	assert_int_equal(replica_evidence(t->a.replica, 0, &shown), STORE_NONE);
	assert_ok(&t->a, tell(&t->a, ANHUI, p));
	assert_ok(&t->a, node_restart(&t->a));
	assert_proven(&t->a, &t->x);
	pair_release(p);
	fork_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_found_is_proven_and_told_once_a_session),
		cmocka_unit_test(every_way_to_find_a_fork_proves_it),
		cmocka_unit_test(evidence_reaches_who_saw_neither_history),
		cmocka_unit_test(who_told_us_is_not_told_in_return),
		cmocka_unit_test(evidence_against_our_own_log_opens_a_new_epoch),
		cmocka_unit_test(what_proves_nothing_is_refused),
		cmocka_unit_test(same_head_with_other_lines_accuses_nobody),
		cmocka_unit_test(log_of_nobody_is_refused),
		cmocka_unit_test(two_heads_without_a_proof_are_not_told),
	};
	return cmocka_run_group_tests_name("core evidence", tests, core_set_up, core_tear_down);
}
