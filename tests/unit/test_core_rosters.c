/* Versions of the roster between nodes: who is told, what stands against what, and that it does not
 * matter in which order it is heard. */
#include <stdio.h>

#include "tests/lib/core_test.h"
#include "tests/lib/roster_fixture.h"

#define VERSIONS 4

/* Version 2 in three texts: two signed by the office and three provinces, one by everybody; and a
 * version 3 after the first of them. */
enum { TWO_A, TWO_B, TWO_ALL, THREE };

struct world {
	struct cluster *c;
	struct roster first;
	struct buf note[VERSIONS];
	struct hash id[VERSIONS];
};

static void make(struct world *w, size_t i, const struct roster *now, uint32_t not_after, bool all)
{
	struct roster next = roster_after(now);
	const struct key *last = &w->c->member[ANHUI].root;
	next.not_after = not_after;
	roster_sign_quorum(&next, now, w->c, &last, all, &w->note[i]);
	w->id[i] = roster_of_note(buf_bytes(&w->note[i])).id;
}

static int set_up(void **state)
{
	struct world *w = xalloc(sizeof(*w));
	w->c = xalloc(sizeof(*w->c));
	cluster_init_fixed(w->c);
	w->first = roster_of_note(buf_bytes(&w->c->roster));
	make(w, TWO_A, &w->first, 20310101, false);
	make(w, TWO_B, &w->first, 20320101, false);
	make(w, TWO_ALL, &w->first, 20330101, true);
	struct roster two = roster_of_note(buf_bytes(&w->note[TWO_A]));
	make(w, THREE, &two, 20340101, false);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	for (size_t i = 0; i < VERSIONS; i++)
		buf_release(&w->note[i]);
	cluster_release(w->c);
	free(w->c);
	free(w);
	return 0;
}

static void install(const struct world *w, struct node *n, size_t i)
{
	struct bytes b = buf_bytes(&w->note[i]);
	assert_ok(n, node_install(n, &b, 1));
}

static int hear(const struct world *w, struct node *n, int peer, size_t i)
{
	struct message m = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&w->note[i])};
	return node_recv(n, peer, &m);
}

static uint32_t version(const struct node *n)
{
	return replica_roster(n->replica)->version;
}

static bool in_force(const struct world *w, const struct node *n, size_t i)
{
	return hash_equal(&replica_roster(n->replica)->id, &w->id[i]);
}

/* What status says stands against the roster. */
static size_t conflict(struct node *n)
{
	struct ctl_status status;
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	return status.roster_conflict.n;
}

static unsigned agreement(struct node *n, const char *peer)
{
	struct ctl_status status;
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	for (size_t i = 0; i < status.n_peers; i++)
		if (bytes_equal(status.peers[i].member, bytes_str(peer)))
			return status.peers[i].agree;
	return 99;
}

/* ---- telling ---- */

static void member_that_was_away_for_two_versions_walks_both(void **state)
{
	struct world *w = *state;
	struct node here, away;
	node_init(&here, w->c, SHANGHAI);
	node_init(&away, w->c, JIANGSU);
	install(w, &here, TWO_A);
	install(w, &here, THREE);
	assert_int_equal(version(&here), 3);
	node_meet(&here, &away);
	node_meet(&here, &away);
	assert_int_equal(version(&away), 3);
	assert_true(in_force(w, &away, THREE));
	assert_int_equal(here.events[EVENT_REFUSED] + away.events[EVENT_REFUSED], 0);
	node_meet(&here, &away);
	assert_int_equal(agreement(&here, "jiangsu"), AGREE_YES);
	assert_ok(&away, node_restart(&away));
	assert_int_equal(version(&away), 3);
	node_release(&here);
	node_release(&away);
}

static void version_without_the_one_before_is_passed_over(void **state)
{
	struct world *w = *state;
	struct node n;
	node_init(&n, w->c, SHANGHAI);
	node_greet(&n, JIANGSU);
	assert_ok(&n, hear(w, &n, JIANGSU, THREE));
	assert_int_equal(version(&n), 1);
	assert_ok(&n, hear(w, &n, JIANGSU, TWO_A));
	assert_int_equal(version(&n), 2);
	node_greet(&n, JIANGSU);
	assert_ok(&n, hear(w, &n, JIANGSU, THREE));
	assert_int_equal(version(&n), 3);
	node_release(&n);
}

static void roster_that_too_few_signed_is_its_tellers_fault(void **state)
{
	struct world *w = *state;
	struct node n;
	struct roster next = roster_after(&w->first);
	const struct key *two[] = {&w->c->member[OFFICE].root, &w->c->member[ANHUI].root};
	struct buf note = {0};
	roster_sign(&next, &w->first, two, 2, &note);
	node_init(&n, w->c, SHANGHAI);
	node_greet(&n, JIANGSU);
	struct message m = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&note)};
	assert_rc(&n, node_recv(&n, JIANGSU, &m), RC_PEER_MESSAGE);
	assert_int_equal(n.events[EVENT_REFUSED], 1);
	/* What is no roster at all may be of a program of the future. */
	node_greet(&n, JIANGSU);
	m.note = bytes_str("deltad-roster-2\n\n\u2014 a AAAAAAAA\n");
	assert_ok(&n, node_recv(&n, JIANGSU, &m));
	assert_int_equal(version(&n), 1);
	buf_release(&note);
	node_release(&n);
}

static void nodes_of_different_versions_compare_no_views(void **state)
{
	struct world *w = *state;
	struct node n;
	node_init(&n, w->c, SHANGHAI);
	install(w, &n, TWO_A);
	struct hash root = {{7}};
	for (int same = 0; same < 2; same++) {
		assert_ok(&n, node_link(&n, JIANGSU, LINK_UP));
		struct message hello = {.kind = MESSAGE_HELLO};
		hello.hello.protocol_min = PROTOCOL_MIN;
		hello.hello.protocol_max = PROTOCOL_MAX;
		hello.hello.cluster_id = hash_bytes(&w->c->cluster_id);
		hello.hello.member = bytes_str("jiangsu");
		hello.hello.roster_version = same ? 2 : 1;
		assert_ok(&n, node_recv(&n, JIANGSU, &hello));
		struct log_size sizes[] = {{bytes_str(node_origin(&n)), 1}};
		struct message m = {.kind = MESSAGE_VIEW_DIGEST};
		m.digest.rules_version = RULES_VERSION;
		m.digest.sizes = sizes;
		m.digest.n = 1;
		m.digest.view_root = hash_bytes(&root);
		assert_ok(&n, node_recv(&n, JIANGSU, &m));
		assert_int_equal(n.events[EVENT_DIVERGED], same);
		assert_int_equal(agreement(&n, "jiangsu"), same ? AGREE_NO : AGREE_UNKNOWN);
	}
	node_release(&n);
}

static void heads_that_only_the_next_version_explains_are_nobodys_fault(void **state)
{
	struct world *w = *state;
	struct cluster later = *w->c;
	struct key log;
	uint8_t seed[32];
	memset(seed, 210, sizeof(seed));
	key_from_seed(&log, KEY_LOG, "jiangsu", "", seed);
	later.member[JIANGSU].log = log;
	struct scribe s;
	scribe_init(&s, &later, JIANGSU, 2);
	scribe_open(&s, OPEN_INIT, NULL);
	struct node n;
	node_init(&n, w->c, SHANGHAI);
	struct buf head = {0};
	scribe_head(&s, 1, &head);
	struct bytes heads[] = {buf_bytes(&head)};
	struct message m = {.kind = MESSAGE_HELLO};
	m.hello.protocol_min = PROTOCOL_MIN;
	m.hello.protocol_max = PROTOCOL_MAX;
	m.hello.cluster_id = hash_bytes(&w->c->cluster_id);
	m.hello.member = bytes_str("zhejiang");
	m.hello.heads = heads;
	m.hello.n_heads = 1;
	m.hello.roster_version = 2;
	assert_ok(&n, node_link(&n, ZHEJIANG, LINK_UP));
	assert_ok(&n, node_recv(&n, ZHEJIANG, &m));
	assert_ok(&n, node_head(&n, ZHEJIANG, &s, 1));
	assert_ok(&n, node_leaves(&n, ZHEJIANG, &s, 0, 1));
	assert_null(node_log(&n, s.origin));
	/* From one that has our version it is a lie. */
	m.hello.roster_version = 1;
	assert_ok(&n, node_link(&n, ZHEJIANG, LINK_UP));
	assert_rc(&n, node_recv(&n, ZHEJIANG, &m), RC_PEER_HEAD);
	buf_release(&head);
	scribe_release(&s);
	key_release(&log);
	node_release(&n);
}

/* ---- two of one version ---- */

static void two_successors_put_both_sides_back_and_are_shown(void **state)
{
	struct world *w = *state;
	struct node x, y, late;
	node_init(&x, w->c, SHANGHAI);
	node_init(&y, w->c, JIANGSU);
	node_init(&late, w->c, ZHEJIANG);
	install(w, &x, TWO_A);
	install(w, &y, TWO_B);
	assert_int_equal(conflict(&x) + conflict(&y), 0);
	for (int i = 0; i < 3; i++)
		node_meet(&x, &y);
	node_meet(&x, &late);
	node_meet(&x, &late);
	struct node *all[] = {&x, &y, &late};
	for (int again = 0; again < 2; again++)
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(version(all[i]), 1);
			assert_true(conflict(all[i]) > 0);
			assert_true(again || all[i]->events[EVENT_ROSTER] > 0);
			assert_ok(all[i], node_restart(all[i]));
		}
	/* They go on with each other. */
	node_meet(&x, &y);
	assert_int_equal(agreement(&x, "jiangsu"), AGREE_YES);
	assert_int_equal(x.events[EVENT_REFUSED] + y.events[EVENT_REFUSED], 0);
	node_release(&x);
	node_release(&y);
	node_release(&late);
}

struct shown {
	unsigned n[2];
	struct hash in_force; /* the last of them */
};

static int count_note(void *arg, struct bytes note, bool is_in_force)
{
	struct shown *s = arg;
	s->n[is_in_force]++;
	if (is_in_force)
		s->in_force = roster_of_note(note).id;
	return 0;
}

static void the_one_that_all_have_signed_ends_it(void **state)
{
	struct world *w = *state;
	struct node n;
	node_init(&n, w->c, SHANGHAI);
	install(w, &n, TWO_A);
	node_greet(&n, JIANGSU);
	assert_ok(&n, hear(w, &n, JIANGSU, TWO_B));
	assert_int_equal(version(&n), 1);
	install(w, &n, TWO_ALL);
	assert_true(in_force(w, &n, TWO_ALL));
	assert_int_equal(conflict(&n), 0);
	struct shown shown = {.n = {0}};
	assert_ok(&n, replica_rosters(n.replica, count_note, &shown, &n.e));
	assert_int_equal(shown.n[0], 2);
	assert_int_equal(shown.n[1], 2);
	assert_same_hash(shown.in_force, w->id[TWO_ALL]);
	assert_ok(&n, node_restart(&n));
	assert_true(in_force(w, &n, TWO_ALL));
	node_release(&n);
}

/* As many as are kept, and none of them of everybody. */
static void the_one_that_all_have_signed_is_heard_among_many(void **state)
{
	struct world *w = *state;
	struct node n;
	node_init(&n, w->c, SHANGHAI);
	const struct key *last = &w->c->member[ANHUI].root;
	for (uint32_t i = 0; i < 7; i++) {
		struct roster next = roster_after(&w->first);
		struct buf note = {0};
		next.not_after = 20310101 + i;
		roster_sign_quorum(&next, &w->first, w->c, &last, 0, &note);
		struct message m = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&note)};
		node_greet(&n, JIANGSU);
		assert_ok(&n, node_recv(&n, JIANGSU, &m));
		buf_release(&note);
	}
	assert_int_equal(version(&n), 1);
	assert_true(conflict(&n) > 0);
	node_greet(&n, JIANGSU);
	assert_ok(&n, hear(w, &n, JIANGSU, TWO_ALL));
	assert_true(in_force(w, &n, TWO_ALL));
	assert_int_equal(conflict(&n), 0);
	assert_ok(&n, node_restart(&n));
	assert_true(in_force(w, &n, TWO_ALL));
	node_release(&n);
}

/* Every set of notes, in every order, on the wire or by hand. */
static void try_order(struct world *w, const size_t *order, size_t n, struct hash *id, bool *split)
{
	struct node node;
	node_init(&node, w->c, SHANGHAI);
	/* Twice: what came too early is heard again. */
	for (size_t i = 0; i < 2 * n; i++) {
		node_greet(&node, JIANGSU);
		(void)hear(w, &node, JIANGSU, order[i % n]);
	}
	*id = replica_roster(node.replica)->id;
	*split = conflict(&node) > 0;
	node_release(&node);
}

static void permute(struct world *w, size_t *order, size_t n, size_t at, struct hash *id,
	bool *split, bool *begun)
{
	if (at < n) {
		for (size_t i = at; i < n; i++) {
			size_t was = order[at];
			order[at] = order[i];
			order[i] = was;
			permute(w, order, n, at + 1, id, split, begun);
			order[i] = order[at];
			order[at] = was;
		}
		return;
	}
	struct hash got;
	bool got_split;
	try_order(w, order, n, &got, &got_split);
	if (*begun) {
		assert_same_hash(got, *id);
		assert_int_equal(got_split, *split);
	}
	*id = got;
	*split = got_split;
	*begun = true;
}

static void the_order_in_which_rosters_are_heard_decides_nothing(void **state)
{
	struct world *w = *state;
	for (unsigned set = 1; set < 1u << VERSIONS; set++) {
		size_t order[VERSIONS], n = 0;
		for (size_t i = 0; i < VERSIONS; i++)
			if (set >> i & 1)
				order[n++] = i;
		struct hash id;
		bool split, begun = false;
		permute(w, order, n, 0, &id, &split, &begun);
		/* Only these two leave it open. */
		assert_int_equal(split, (set & 7) == 3);
		if (set == 9)
			assert_true(hash_equal(&id, &w->id[THREE]));
		if (set >> TWO_ALL & 1)
			assert_true(hash_equal(&id, &w->id[TWO_ALL]));
	}
}

/* ---- a version that is not in force any more ---- */

static void member_whose_new_log_key_was_undone_reads_on(void **state)
{
	struct world *w = *state;
	struct node n;
	struct key log;
	struct buf note = {0};
	uint8_t seed[32] = {77};
	struct roster next = roster_after(&w->first);
	node_init(&n, w->c, JIANGSU);
	key_from_seed(&log, KEY_LOG, "jiangsu", "", seed);
	roster_use_key(&next, JIANGSU, &log);
	roster_retire_origin(&next, &w->first, n.mark.origin, n.mark.size, &n.mark.root, "rotated");
	const struct key *proof = &log;
	roster_sign_quorum(&next, &w->first, w->c, &proof, 1, &note);
	n.log_key_next = &log;
	assert_ok(&n, node_restart(&n));
	struct bytes two = buf_bytes(&note);
	assert_ok(&n, node_install(&n, &two, 1));
	assert_int_equal(version(&n), 2);
	/* The old one is done with. */
	n.log_key = &log;
	n.log_key_next = NULL;
	assert_ok(&n, node_restart(&n));
	node_greet(&n, SHANGHAI);
	assert_ok(&n, hear(w, &n, SHANGHAI, TWO_B));
	assert_int_equal(version(&n), 1);
	assert_ok(&n, node_restart(&n));
	assert_true(conflict(&n) > 0);
	node_release(&n);
	buf_release(&note);
	key_release(&log);
}

static void node_of_a_member_whom_another_version_leaves_out_keeps_what_it_has(void **state)
{
	struct world *w = *state;
	struct node n;
	struct key k[4];
	struct buf note = {0};
	struct cluster *later = xalloc(sizeof(*later));
	roster_let_in(w->c, k, later, &note);
	struct bytes both[] = {buf_bytes(&w->c->roster), buf_bytes(&note)};
	node_init_bare(&n, later, ANHUI, NULL);
	assert_ok(&n, node_install(&n, both, 2));
	for (size_t i = TWO_A; i <= TWO_ALL; i++) {
		struct bytes other = buf_bytes(&w->note[i]);
		node_greet(&n, SHANGHAI);
		assert_ok(&n, hear(w, &n, SHANGHAI, i));
		assert_rc(&n, node_install(&n, &other, 1), RC_ROSTER);
		assert_int_equal(version(&n), 2);
		assert_int_equal(replica_self(n.replica), 5);
		assert_ok(&n, node_restart(&n));
	}
	node_release(&n);
	for (size_t i = 0; i < 4; i++)
		key_release(&k[i]);
	buf_release(&note);
	free(later);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(member_that_was_away_for_two_versions_walks_both),
		cmocka_unit_test(version_without_the_one_before_is_passed_over),
		cmocka_unit_test(roster_that_too_few_signed_is_its_tellers_fault),
		cmocka_unit_test(nodes_of_different_versions_compare_no_views),
		cmocka_unit_test(heads_that_only_the_next_version_explains_are_nobodys_fault),
		cmocka_unit_test(two_successors_put_both_sides_back_and_are_shown),
		cmocka_unit_test(the_one_that_all_have_signed_ends_it),
		cmocka_unit_test(the_one_that_all_have_signed_is_heard_among_many),
		cmocka_unit_test(the_order_in_which_rosters_are_heard_decides_nothing),
		cmocka_unit_test(member_whose_new_log_key_was_undone_reads_on),
		cmocka_unit_test(
			node_of_a_member_whom_another_version_leaves_out_keeps_what_it_has),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
