/* What another version of the roster does to what is there: logs that end, keys that change,
 * members that leave. */
#include "tests/lib/core_test.h"
#include "tests/lib/roster_fixture.h"

#include "proto/wire/codec.h"

/* The cluster of all tests, and the same with new keys for jiangsu. */
struct world {
	struct cluster *c;
	struct cluster later;
	struct key root, log;
	struct roster first;
};

static void make_key(struct key *k, enum key_purpose p, uint8_t seed)
{
	uint8_t bytes[32];
	memset(bytes, seed, sizeof(bytes));
	key_from_seed(k, p, "jiangsu", "", bytes);
}

static int set_up(void **state)
{
	struct world *w = xalloc(sizeof(*w));
	w->c = xalloc(sizeof(*w->c));
	cluster_init_fixed(w->c);
	make_key(&w->root, KEY_ROOT, 201);
	make_key(&w->log, KEY_LOG, 202);
	w->later = *w->c;
	w->later.member[JIANGSU].root = w->root;
	w->later.member[JIANGSU].log = w->log;
	w->first = roster_of_note(buf_bytes(&w->c->roster));
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	key_release(&w->root);
	key_release(&w->log);
	cluster_release(w->c);
	free(w->c);
	free(w);
	return 0;
}

/* ---- drafts ---- */

enum { LOG_KEY = 1, ROOT_KEY = 2, REMOVED = 4 };

/* Version 2: what happens to jiangsu, whose log ends below so many leaves. */
static struct buf second(const struct world *w, unsigned what, const char *origin, uint64_t below,
	const struct hash *root, const char *reason)
{
	struct roster next = roster_after(&w->first);
	struct buf note = {0};
	const struct key *proofs[2];
	size_t n = 0;
	roster_retire_origin(&next, &w->first, origin, below, root, reason);
	if (what & LOG_KEY) {
		roster_use_key(&next, JIANGSU, &w->log);
		proofs[n++] = &w->log;
	}
	if (what & ROOT_KEY) {
		roster_use_key(&next, JIANGSU, &w->root);
		proofs[n++] = &w->root;
	}
	if (what & REMOVED)
		roster_remove(&next, JIANGSU);
	roster_sign_quorum(&next, &w->first, w->c, proofs, n, &note);
	return note;
}

static struct buf second_of(
	const struct world *w, unsigned what, const struct scribe *s, uint64_t below)
{
	struct hash root;
	scribe_root(s, below, &root);
	return second(w, what, s->origin, below, &root, "rotated");
}

static void install(struct node *n, const struct buf *note)
{
	struct bytes b = buf_bytes(note);
	assert_ok(n, node_install(n, &b, 1));
	assert_int_equal(replica_roster(n->replica)->version, 2);
}

/* jiangsu's first epoch: a delegation and so many notes. */
static void begin_log(struct scribe *s, const struct world *w, size_t notes, struct hash *id)
{
	scribe_begin(s, w->c, JIANGSU);
	for (size_t i = 0; i < notes; i++)
		scribe_write(s, (struct write){.value = value_note("said")}, &id[i]);
}

/* A peer that has the node's version. */
static void greet(struct node *n, int peer)
{
	struct message m = {.kind = MESSAGE_HELLO};
	assert_ok(n, node_link(n, peer, LINK_UP));
	m.hello.protocol_min = PROTOCOL_MIN;
	m.hello.protocol_max = PROTOCOL_MAX;
	m.hello.cluster_id = hash_bytes(&n->c->cluster_id);
	m.hello.member = bytes_str(replica_roster(n->replica)->member[peer].slug);
	m.hello.roster_version = replica_roster(n->replica)->version;
	assert_ok(n, node_recv(n, peer, &m));
}

/* ---- taking effect ---- */

static void next_version_takes_effect_with_its_commit(void **state)
{
	struct world *w = *state;
	struct node n;
	struct scribe s;
	struct hash id[3];
	begin_log(&s, w, 3, id);
	node_init(&n, w->c, SHANGHAI);
	node_feed(&n, &s);
	struct buf note = second_of(w, LOG_KEY, &s, s.n);
	assert_int_equal(replica_begin(n.replica, &n.e), RC_OK);
	assert_int_equal(replica_install_roster(n.replica, buf_bytes(&note), n.now, &n.e), RC_OK);
	assert_true(replica_roster_is_due(n.replica));
	assert_int_equal(replica_roster(n.replica)->version, 1);
	assert_int_equal(replica_commit(n.replica, n.now, &n.e), RC_OK);
	assert_false(replica_roster_is_due(n.replica));
	assert_int_equal(replica_roster(n.replica)->version, 2);
	/* Sessions are gone, and begin with what is in force now. */
	struct outbound out;
	assert_false(replica_next_out(n.replica, JIANGSU, &out));
	assert_ok(&n, node_link(&n, JIANGSU, LINK_UP));
	assert_true(node_next(&n, JIANGSU, MESSAGE_HELLO, &out));
	assert_int_equal(out.msg.hello.roster_version, 2);
	assert_true(
		bytes_equal(out.msg.hello.roster_id, hash_bytes(&replica_roster(n.replica)->id)));
	for (size_t i = 0; i < 3; i++)
		assert_true(node_is_current(&n, &id[i]));
	struct hash before = node_view(&n);
	assert_ok(&n, node_restart(&n));
	assert_int_equal(replica_roster(n.replica)->version, 2);
	struct hash after = node_view(&n);
	assert_same_hash(before, after);
	buf_release(&note);
	scribe_release(&s);
	node_release(&n);
}

static void the_same_again_is_nothing_and_an_older_one_is_known(void **state)
{
	struct world *w = *state;
	struct node n;
	struct scribe s;
	struct hash id[1];
	begin_log(&s, w, 1, id);
	node_init(&n, w->c, SHANGHAI);
	node_feed(&n, &s);
	struct buf note = second_of(w, LOG_KEY, &s, s.n);
	install(&n, &note);
	unsigned said = n.events[EVENT_ROSTER];
	install(&n, &note);
	struct bytes both[] = {buf_bytes(&w->c->roster), buf_bytes(&note)};
	assert_ok(&n, node_install(&n, both, 2));
	assert_int_equal(n.events[EVENT_ROSTER], said);
	/* A node that has none takes both at once, and needs both. */
	struct node fresh;
	node_init_bare(&fresh, w->c, ZHEJIANG, NULL);
	assert_rc(&fresh, node_install(&fresh, &both[1], 1), RC_ROSTER);
	assert_null(replica_roster(fresh.replica));
	assert_ok(&fresh, node_install(&fresh, both, 2));
	assert_int_equal(replica_roster(fresh.replica)->version, 2);
	buf_release(&note);
	scribe_release(&s);
	node_release(&n);
	node_release(&fresh);
}

static void version_that_is_not_signed_enough_changes_nothing(void **state)
{
	struct world *w = *state;
	struct node n;
	struct roster next = roster_after(&w->first);
	const struct key *two[] = {&w->c->member[OFFICE].root, &w->c->member[ANHUI].root};
	struct buf note = {0};
	roster_sign(&next, &w->first, two, 2, &note);
	node_init(&n, w->c, SHANGHAI);
	struct bytes b = buf_bytes(&note);
	assert_rc(&n, node_install(&n, &b, 1), RC_VERIFY);
	assert_int_equal(replica_roster(n.replica)->version, 1);
	assert_ok(&n, node_restart(&n));
	assert_int_equal(replica_roster(n.replica)->version, 1);
	buf_release(&note);
	node_release(&n);
}

/* ---- verdicts ---- */

/* The second epoch, with an operator that the new root delegated. */
static void begin_second_epoch(
	struct scribe *s, const struct world *w, const struct scribe *before, struct hash *id)
{
	scribe_init(s, &w->later, JIANGSU, 2);
	scribe_open(s, OPEN_ROTATE, before);
	scribe_delegate(s, &w->c->member[JIANGSU].operator[1], NULL, 0);
	scribe_write_as(s, &w->c->member[JIANGSU].operator[1],
		(struct write){.value = value_note("by the new root's operator")}, id);
}

static void what_came_before_the_roster_is_judged_as_what_comes_after(void **state)
{
	struct world *w = *state;
	struct node early, late;
	struct scribe one, two;
	struct hash id[1], by_new;
	begin_log(&one, w, 1, id);
	/* The log key stays, so that the second epoch can arrive before its root is known. */
	struct key log = w->later.member[JIANGSU].log;
	w->later.member[JIANGSU].log = w->c->member[JIANGSU].log;
	begin_second_epoch(&two, w, &one, &by_new);
	struct buf note = second_of(w, ROOT_KEY, &one, one.n);
	node_init(&early, w->c, SHANGHAI);
	node_init(&late, w->c, ZHEJIANG);
	node_feed(&early, &one);
	assert_ok(&early, node_leaves(&early, JIANGSU, &two, 0, two.n));
	assert_void(&early, &two, 1, VOID_EVENT);
	assert_void(&early, &two, 2, VOID_OPERATOR);
	install(&early, &note);
	install(&late, &note);
	greet(&late, JIANGSU);
	assert_ok(&late, node_leaves(&late, JIANGSU, &one, 0, one.n));
	assert_ok(&late, node_leaves(&late, JIANGSU, &two, 0, two.n));
	struct node *both[] = {&early, &late};
	for (size_t i = 0; i < 2; i++) {
		assert_effective(both[i], &two, 1);
		assert_effective(both[i], &two, 2);
		assert_true(node_is_current(both[i], &by_new));
		assert_true(node_is_current(both[i], &id[0]));
		assert_int_equal(node_log(both[i], two.origin)->findings, 0);
	}
	struct hash a = node_view(&early), b = node_view(&late);
	assert_same_hash(a, b);
	assert_ok(&early, node_restart(&early));
	assert_effective(&early, &two, 2);
	a = node_view(&early);
	assert_same_hash(a, b);
	w->later.member[JIANGSU].log = log;
	buf_release(&note);
	scribe_release(&one);
	scribe_release(&two);
	node_release(&early);
	node_release(&late);
}

static void old_root_has_no_say_in_the_new_epoch(void **state)
{
	struct world *w = *state;
	struct node n;
	struct scribe one, two;
	struct hash id[1], by_new;
	begin_log(&one, w, 1, id);
	begin_second_epoch(&two, w, &one, &by_new);
	struct signature g;
	sign_delegate(w->c, &w->c->member[JIANGSU].root, &w->c->member[JIANGSU].operator[1], NULL,
		0, 77, &g);
	size_t forged = scribe_leaf(&two, (struct leaf){.kind = LEAF_DELEGATE, .signed_body = g.s});
	signature_release(&g);
	/* Whom the old root had delegated below the end stays an operator: the epoch builds on it.
	 */
	size_t old = scribe_write(&two, (struct write){.value = value_note("still")}, NULL);
	struct buf note = second_of(w, ROOT_KEY | LOG_KEY, &one, one.n);
	node_init(&n, w->c, SHANGHAI);
	install(&n, &note);
	greet(&n, JIANGSU);
	assert_ok(&n, node_leaves(&n, JIANGSU, &one, 0, one.n));
	assert_ok(&n, node_leaves(&n, JIANGSU, &two, 0, two.n));
	assert_effective(&n, &one, 1);
	assert_effective(&n, &two, 1);
	assert_void(&n, &two, forged, VOID_EVENT);
	assert_effective(&n, &two, old);
	buf_release(&note);
	scribe_release(&one);
	scribe_release(&two);
	node_release(&n);
}

/* ---- logs that end ---- */

static void leaves_beyond_the_end_are_void_and_not_passed_on(void **state)
{
	struct world *w = *state;
	struct node holder, fresh;
	struct scribe s;
	struct hash id[4];
	begin_log(&s, w, 4, id); /* leaves 2..5 */
	size_t revoke = scribe_revoke(&s, &w->c->member[JIANGSU].operator[0], 3);
	node_init(&holder, w->c, SHANGHAI);
	node_init(&fresh, w->c, ZHEJIANG);
	node_feed(&holder, &s);
	assert_void(&holder, &s, 4, VOID_OPERATOR);
	struct buf note = second_of(w, LOG_KEY, &s, 4);
	install(&holder, &note);
	install(&fresh, &note);
	/* What revoked them does not count either; what stands below counts again. */
	assert_effective(&holder, &s, 3);
	for (size_t i = 4; i <= revoke; i++)
		assert_void(&holder, &s, i, VOID_RETIRED);
	const struct ctl_log *log = node_log(&holder, s.origin);
	assert_int_equal(log->findings, 3);
	assert_true(log->retired);
	assert_int_equal(log->retired_at, 4);
	/* Nobody told the fresh one of the log, and it knows what it lacks. */
	log = node_log(&fresh, s.origin);
	assert_non_null(log);
	assert_int_equal(log->size, 0);
	assert_int_equal(log->seen_size, 4);
	assert_true(log->seen_ms != 0);
	node_meet(&holder, &fresh);
	assert_int_equal(node_size(&fresh, s.origin), 4);
	assert_int_equal(node_log(&fresh, s.origin)->seen_ms, 0);
	assert_true(node_is_current(&fresh, &id[1]));
	assert_false(node_is_current(&fresh, &id[2]));
	struct hash a = node_view(&holder), b = node_view(&fresh);
	assert_same_hash(a, b);
	struct ctl_status status;
	assert_ok(&fresh, replica_status(fresh.replica, fresh.now, &status, &fresh.e));
	for (size_t i = 0; i < status.n_peers; i++)
		if (bytes_equal(status.peers[i].member, bytes_str("shanghai")))
			assert_int_equal(status.peers[i].agree, AGREE_YES);
	/* A third node gets it from the one that never had a head signed at the end. */
	struct node third;
	node_init(&third, w->c, ANHUI);
	install(&third, &note);
	node_meet(&fresh, &third);
	assert_int_equal(node_size(&third, s.origin), 4);
	assert_ok(&third, node_restart(&third));
	assert_int_equal(node_size(&third, s.origin), 4);
	b = node_view(&third);
	assert_same_hash(a, b);
	buf_release(&note);
	scribe_release(&s);
	node_release(&holder);
	node_release(&fresh);
	node_release(&third);
}

static void larger_head_of_an_ended_log_is_passed_over_and_a_forged_one_refused(void **state)
{
	struct world *w = *state;
	struct node n;
	struct scribe s;
	struct hash id[6];
	begin_log(&s, w, 6, id);
	struct buf note = second_of(w, LOG_KEY, &s, 5);
	node_init(&n, w->c, SHANGHAI);
	install(&n, &note);
	greet(&n, JIANGSU);
	assert_ok(&n, node_head(&n, JIANGSU, &s, 8));
	assert_int_equal(node_log(&n, s.origin)->seen_size, 5);
	assert_ok(&n, node_leaves(&n, JIANGSU, &s, 0, 8));
	assert_int_equal(node_size(&n, s.origin), 0);
	/* At the end the roster's root decides, and below it the old key's head. */
	assert_ok(&n, node_leaves(&n, JIANGSU, &s, 0, 3));
	assert_int_equal(node_size(&n, s.origin), 3);
	struct scribe forged;
	scribe_copy(&forged, &s);
	forged.c = &w->later;
	assert_rc(&n, node_head(&n, JIANGSU, &forged, 4), RC_PEER_HEAD);
	greet(&n, JIANGSU);
	assert_ok(&n, node_leaves(&n, JIANGSU, &s, 3, 5));
	assert_int_equal(node_size(&n, s.origin), 5);
	buf_release(&note);
	scribe_release(&s);
	scribe_release(&forged);
	node_release(&n);
}

static void log_that_no_line_names_and_nobody_signs_does_not_count(void **state)
{
	struct world *w = *state;
	struct node holder, other;
	struct scribe one, two;
	struct hash id[2], lost[2];
	begin_log(&one, w, 2, id);
	scribe_init(&two, w->c, JIANGSU, 2);
	scribe_open(&two, OPEN_RESTORE, &one);
	scribe_write(&two, (struct write){.value = value_note("unknown to the office")}, &lost[0]);
	struct buf note = second_of(w, LOG_KEY, &one, one.n);
	node_init(&holder, w->c, SHANGHAI);
	node_init(&other, w->c, ZHEJIANG);
	node_feed(&holder, &one);
	node_feed(&other, &one);
	assert_ok(&holder, node_leaves(&holder, JIANGSU, &two, 0, two.n));
	assert_true(node_is_current(&holder, &lost[0]));
	install(&holder, &note);
	install(&other, &note);
	assert_false(node_is_current(&holder, &lost[0]));
	assert_void(&holder, &two, 0, VOID_RETIRED);
	assert_void(&holder, &two, 1, VOID_RETIRED);
	node_meet(&holder, &other);
	assert_null(node_log(&other, two.origin));
	assert_int_equal(other.events[EVENT_DIVERGED], 0);
	struct hash a = node_view(&holder), b = node_view(&other);
	assert_same_hash(a, b);
	buf_release(&note);
	scribe_release(&one);
	scribe_release(&two);
	node_release(&holder);
	node_release(&other);
}

static void ended_log_settles_a_fork(void **state)
{
	struct world *w = *state;
	struct node n, fresh;
	struct scribe one, other;
	struct hash id[2];
	begin_log(&one, w, 2, id);
	scribe_copy(&other, &one);
	scribe_write(&one, (struct write){.value = value_note("to one")}, NULL);
	other.hlc += 7;
	scribe_write(&other, (struct write){.value = value_note("to another")}, NULL);
	node_init(&n, w->c, SHANGHAI);
	node_feed(&n, &one);
	assert_ok(&n, node_head(&n, JIANGSU, &other, other.n));
	assert_int_equal(n.events[EVENT_FORK], 1);
	struct buf note = second_of(w, LOG_KEY, &one, 4);
	install(&n, &note);
	assert_false(node_log(&n, one.origin)->forked);
	assert_effective(&n, &one, 3);
	assert_void(&n, &one, 4, VOID_RETIRED);
	node_init(&fresh, w->c, ZHEJIANG);
	install(&fresh, &note);
	node_meet(&n, &fresh);
	assert_int_equal(node_size(&fresh, one.origin), 4);
	struct hash a = node_view(&n), b = node_view(&fresh);
	assert_same_hash(a, b);
	buf_release(&note);
	scribe_release(&one);
	scribe_release(&other);
	node_release(&n);
	node_release(&fresh);
}

static void node_with_the_other_history_says_so_and_compares_nothing(void **state)
{
	struct world *w = *state;
	struct node n, right;
	struct scribe one, other;
	struct hash id[2];
	begin_log(&one, w, 2, id);
	scribe_copy(&other, &one);
	scribe_write(&one, (struct write){.value = value_note("to one")}, NULL);
	scribe_write(&other, (struct write){.value = value_note("to another")}, NULL);
	node_init(&n, w->c, SHANGHAI);
	node_init(&right, w->c, ZHEJIANG);
	node_feed(&n, &other);
	node_feed(&right, &one);
	struct buf note = second_of(w, LOG_KEY, &one, one.n);
	install(&n, &note);
	install(&right, &note);
	assert_int_equal(n.events[EVENT_FORK], 1);
	assert_true(node_log(&n, one.origin)->forked);
	node_meet(&n, &right);
	assert_int_equal(n.events[EVENT_DIVERGED], 0);
	buf_release(&note);
	scribe_release(&one);
	scribe_release(&other);
	node_release(&n);
	node_release(&right);
}

static void change_under_a_retired_task_waits_as_where_the_task_never_was(void **state)
{
	struct world *w = *state;
	struct node holder, fresh;
	struct scribe office, s;
	struct hash early, task, report;
	scribe_begin(&office, w->c, OFFICE);
	scribe_write(&office, (struct write){.value = value_note("kept")}, &early);
	size_t at = scribe_write(&office, (struct write){.value = value_task("jiangsu")}, &task);
	scribe_begin(&s, w->c, JIANGSU);
	size_t r = scribe_write(
		&s, (struct write){.value = value_report(40), .under = &task}, &report);
	node_init(&holder, w->c, SHANGHAI);
	node_init(&fresh, w->c, ZHEJIANG);
	node_feed(&holder, &office);
	node_feed(&holder, &s);
	assert_effective(&holder, &s, r);
	struct hash root;
	scribe_root(&office, at, &root);
	struct roster next = roster_after(&w->first);
	roster_retire_origin(&next, &w->first, office.origin, at, &root, "compromised");
	struct buf note = {0};
	roster_sign_quorum(&next, &w->first, w->c, NULL, 0, &note);
	install(&holder, &note);
	install(&fresh, &note);
	node_meet(&holder, &fresh);
	struct node *both[] = {&holder, &fresh};
	for (size_t i = 0; i < 2; i++)
		assert_verdict(both[i], &s, r, VERDICT_PENDING, VOID_NONE);
	/* The task again, in an epoch that counts: a node that has seen both judges alike. */
	struct scribe again;
	scribe_init(&again, w->c, OFFICE, 2);
	scribe_leaf(&again,
		(struct leaf){.kind = LEAF_OPEN,
			.open = {.suite = SUITE_ED25519_SHA256,
				.reason = OPEN_ROTATE,
				.previous_origin = bytes_str(office.origin),
				.previous_size = at,
				.previous_root = hash_bytes(&root)}});
	struct leaf copy;
	uint8_t memory[4096];
	struct arena a;
	arena_init(&a, memory, sizeof(memory));
	assert_int_equal(leaf_decode(buf_bytes(&office.leaf[at]), &a, &copy, NULL), RC_OK);
	scribe_leaf(&again, (struct leaf){.kind = LEAF_CHANGE, .signed_body = copy.signed_body});
	for (size_t i = 0; i < 2; i++) {
		greet(both[i], OFFICE);
		assert_ok(both[i], node_leaves(both[i], OFFICE, &again, 0, again.n));
		assert_effective(both[i], &again, 1);
		assert_effective(both[i], &s, r);
		assert_true(node_is_current(both[i], &report));
	}
	struct hash x = node_view(&holder), y = node_view(&fresh);
	assert_same_hash(x, y);
	buf_release(&note);
	scribe_release(&office);
	scribe_release(&s);
	scribe_release(&again);
	node_release(&holder);
	node_release(&fresh);
}

/* Version 2 that ends a node's own log where it is now. */
static struct buf end_own(const struct world *w, struct node *n, unsigned what, const char *reason)
{
	char origin[ORIGIN_SIZE];
	struct hash root;
	memcpy(origin, node_origin(n), sizeof(origin));
	const struct ctl_log *own = node_log(n, origin);
	memcpy(root.b, own->root.p, HASH_BYTES);
	return second(w, what, origin, own->size, &root, reason);
}

static bool is_warned(struct node *n)
{
	struct ctl_status status;
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	return status.roster_conflict.n > 0;
}

/* ---- a member that leaves ---- */

static uint64_t delegations_below(struct node *n, const char *member)
{
	const struct ctl_operator *o;
	size_t count;
	assert_ok(n, replica_operators(n->replica, &o, &count, &n->e));
	for (size_t i = 0; i < count; i++)
		if (bytes_equal(o[i].member, bytes_str(member)))
			return o[i].below;
	return UINT64_MAX;
}

static void what_a_removed_member_wrote_keeps_its_meaning(void **state)
{
	struct world *w = *state;
	struct node n, fresh;
	struct scribe office, s;
	struct hash task, report, note_id;
	scribe_begin(&office, w->c, OFFICE);
	scribe_write(&office, (struct write){.value = value_task("jiangsu")}, &task);
	scribe_begin(&s, w->c, JIANGSU);
	scribe_write(&s, (struct write){.value = value_report(40), .under = &task}, &report);
	scribe_write(&s, (struct write){.value = value_note("farewell")}, &note_id);
	node_init(&n, w->c, SHANGHAI);
	node_feed(&n, &office);
	node_feed(&n, &s);
	assert_int_equal(delegations_below(&n, "jiangsu"), 0);
	struct buf note = second_of(w, REMOVED, &s, s.n);
	install(&n, &note);
	assert_int_equal(delegations_below(&n, "jiangsu"), s.n);
	const struct roster *r = replica_roster(n.replica);
	assert_int_equal(r->n, CLUSTER_MEMBERS - 1);
	assert_int_equal(roster_find(r, bytes_str("jiangsu")), -1);
	assert_true(node_is_current(&n, &report));
	assert_true(node_is_current(&n, &note_id));
	assert_true(bytes_equal(node_log(&n, s.origin)->member, bytes_str("jiangsu")));
	/* Relayed by others; places in the roster have moved up by one. */
	node_init(&fresh, w->c, OFFICE);
	install(&fresh, &note);
	node_meet(&n, &fresh);
	assert_int_equal(node_size(&fresh, s.origin), s.n);
	assert_true(node_is_current(&fresh, &report));
	struct ctl_proof proof;
	int rc = replica_proof(fresh.replica, bytes_str(s.origin), 0, &proof, &fresh.e);
	assert_rc(&fresh, rc, RC_NOT_FOUND); /* no stranger knows the roster's line */
	assert_ok(&n, replica_proof(n.replica, bytes_str(s.origin), 0, &proof, &n.e));
	assert_false(proof.final);
	/* Under a key that is nobody's any more: nobody is blamed, nothing is taken. */
	struct scribe next;
	scribe_init(&next, w->c, JIANGSU, 2);
	scribe_open(&next, OPEN_ROTATE, &s);
	assert_ok(&n, node_leaves(&n, OFFICE, &next, 0, 1));
	assert_null(node_log(&n, next.origin));
	assert_ok(&n, node_restart(&n));
	assert_true(node_is_current(&n, &report));
	buf_release(&note);
	scribe_release(&office);
	scribe_release(&s);
	scribe_release(&next);
	node_release(&n);
	node_release(&fresh);
}

static void removed_member_writes_nothing_more(void **state)
{
	struct world *w = *state;
	struct node n;
	struct hash id;
	node_init(&n, w->c, JIANGSU);
	assert_ok(&n, node_delegate(&n, &w->c->member[JIANGSU].operator[0], NULL, 0));
	assert_ok(&n, node_write(&n, (struct write){.value = value_note("mine")}, &id));
	struct buf note = end_own(w, &n, REMOVED, "removed");
	struct bytes b = buf_bytes(&note);
	assert_rc(&n, node_install(&n, &b, 1), RC_REFUSED);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(replica_roster(n.replica)->version, 1);
		assert_rc(&n, node_write(&n, (struct write){.value = value_note("more")}, NULL),
			RC_DENIED);
		assert_true(node_is_current(&n, &id));
		assert_true(is_warned(&n));
		assert_ok(&n, node_restart(&n));
	}
	buf_release(&note);
	node_release(&n);
}

/* ---- the own log ---- */

static struct node *begin_jiangsu(struct world *w, struct node *n, struct hash *id)
{
	node_init(n, w->c, JIANGSU);
	n->log_key_next = &w->log;
	assert_ok(n, node_restart(n));
	assert_ok(n, node_delegate(n, &w->c->member[JIANGSU].operator[0], NULL, 0));
	assert_ok(n, node_write(n, (struct write){.value = value_note("before")}, id));
	return n;
}

static void replaced_key_opens_an_epoch_and_loses_nothing(void **state)
{
	struct world *w = *state;
	struct node n, peer;
	struct hash id[3];
	char old[ORIGIN_SIZE];
	begin_jiangsu(w, &n, &id[0]);
	node_init(&peer, w->c, SHANGHAI);
	node_meet(&n, &peer);
	memcpy(old, node_origin(&n), sizeof(old));
	struct buf note = end_own(w, &n, LOG_KEY, "rotated");
	/* While the draft goes round people work on. */
	uint64_t size = node_size(&n, old);
	assert_ok(&n, node_write(&n, (struct write){.value = value_note("meanwhile")}, &id[1]));
	assert_ok(&n, node_delegate(&n, &w->c->member[JIANGSU].operator[1], NULL, 0));
	node_exchange(&n, &peer);
	assert_int_equal(node_size(&peer, old), size + 2);
	install(&n, &note);
	assert_string_not_equal(node_origin(&n), old);
	assert_int_equal(node_size(&n, node_origin(&n)), 3); /* Open and both again */
	assert_ok(&n, node_write(&n, (struct write){.value = value_note("after")}, &id[2]));
	node_meet(&n, &peer); /* which learns of the version, and begins anew */
	node_meet(&n, &peer);
	assert_int_equal(replica_roster(peer.replica)->version, 2);
	assert_int_equal(node_size(&peer, node_origin(&n)), 4);
	for (size_t i = 0; i < 3; i++) {
		assert_true(node_is_current(&n, &id[i]));
		assert_true(node_is_current(&peer, &id[i]));
	}
	struct hash a = node_view(&n), b = node_view(&peer);
	assert_same_hash(a, b);
	assert_int_equal(peer.events[EVENT_REFUSED] + n.events[EVENT_REFUSED], 0);
	/* From now on with the new key alone. */
	n.log_key = &w->log;
	n.log_key_next = NULL;
	char now[ORIGIN_SIZE];
	memcpy(now, node_origin(&n), sizeof(now));
	assert_ok(&n, node_restart(&n));
	assert_string_equal(node_origin(&n), now);
	a = node_view(&n);
	assert_same_hash(a, b);
	buf_release(&note);
	node_release(&n);
	node_release(&peer);
}

static void what_was_cut_off_on_purpose_is_not_written_again(void **state)
{
	struct world *w = *state;
	struct node n;
	struct hash id[2];
	begin_jiangsu(w, &n, &id[0]);
	struct buf note = end_own(w, &n, LOG_KEY, "compromised");
	assert_ok(&n, node_write(&n, (struct write){.value = value_note("by a thief")}, &id[1]));
	install(&n, &note);
	assert_true(node_is_current(&n, &id[0]));
	assert_false(node_is_current(&n, &id[1]));
	assert_int_equal(node_size(&n, node_origin(&n)), 1);
	buf_release(&note);
	node_release(&n);
}

static void node_without_the_new_key_reads_and_writes_nothing(void **state)
{
	struct world *w = *state;
	struct node n;
	struct hash id;
	begin_jiangsu(w, &n, &id);
	n.log_key_next = NULL;
	assert_ok(&n, node_restart(&n));
	struct buf note = end_own(w, &n, LOG_KEY, "rotated");
	struct bytes b = buf_bytes(&note);
	/* Who installs it is told; a peer cannot be. */
	assert_rc(&n, node_install(&n, &b, 1), RC_SETUP);
	assert_int_equal(replica_roster(n.replica)->version, 1);
	node_greet(&n, SHANGHAI);
	struct message m = {.kind = MESSAGE_ROSTER, .note = b};
	assert_ok(&n, node_recv(&n, SHANGHAI, &m));
	for (int again = 0; again < 2; again++) {
		assert_int_equal(replica_roster(n.replica)->version, 2);
		assert_rc(&n, node_write(&n, (struct write){.value = value_note("x")}, NULL),
			RC_DEGRADED);
		assert_true(is_warned(&n));
		assert_true(node_is_current(&n, &id));
		assert_ok(&n, node_restart(&n));
	}
	n.log_key_next = &w->log;
	assert_ok(&n, node_restart(&n));
	assert_ok(&n, node_write(&n, (struct write){.value = value_note("again")}, NULL));
	assert_false(is_warned(&n));
	buf_release(&note);
	node_release(&n);
}

/* ---- a version that is not in force any more ---- */

static void logs_count_again_when_the_version_that_ended_them_is_undecided(void **state)
{
	struct world *w = *state;
	struct node holder, fresh;
	struct scribe one, two;
	struct hash id[3], by_new;
	begin_log(&one, w, 3, id);
	struct buf note = second_of(w, LOG_KEY, &one, 4), other = {0};
	scribe_init(&two, &w->later, JIANGSU, 2);
	scribe_open(&two, OPEN_ROTATE, &one);
	scribe_write(&two, (struct write){.value = value_note("under the new key")}, &by_new);
	node_init(&holder, w->c, SHANGHAI);
	node_init(&fresh, w->c, ZHEJIANG);
	node_feed(&holder, &one);
	install(&holder, &note);
	install(&fresh, &note);
	node_meet(&holder, &fresh);
	greet(&fresh, JIANGSU);
	assert_ok(&fresh, node_leaves(&fresh, JIANGSU, &two, 0, two.n));
	assert_int_equal(node_size(&fresh, one.origin), 4);
	assert_false(node_is_current(&holder, &id[2]));
	/* Another version 2: both go back to the first. */
	struct roster next = roster_after(&w->first);
	next.not_after = 20300101;
	roster_sign_quorum(&next, &w->first, w->c, NULL, 0, &other);
	struct bytes b = buf_bytes(&other);
	assert_ok(&holder, node_install(&holder, &b, 1));
	assert_ok(&fresh, node_install(&fresh, &b, 1));
	for (int again = 0; again < 2; again++) {
		assert_int_equal(replica_roster(fresh.replica)->version, 1);
		assert_true(node_is_current(&holder, &id[2]));
		assert_true(node_is_current(&fresh, &id[1]));
		assert_false(node_is_current(&fresh, &by_new));
		assert_false(node_log(&fresh, one.origin)->retired);
		assert_ok(&fresh, node_restart(&fresh));
		assert_ok(&holder, node_restart(&holder));
	}
	/* Its owner's head of the end is held against the leaves: nobody has signed the one here.
	 */
	greet(&fresh, JIANGSU);
	assert_ok(&fresh, node_head(&fresh, JIANGSU, &one, 4));
	assert_int_equal(fresh.events[EVENT_FORK], 0);
	node_meet(&fresh, &holder);
	assert_int_equal(node_size(&fresh, one.origin), one.n);
	struct hash x = node_view(&holder), y = node_view(&fresh);
	assert_same_hash(x, y);
	assert_int_equal(holder.events[EVENT_REFUSED] + fresh.events[EVENT_REFUSED], 0);
	assert_int_equal(holder.events[EVENT_DIVERGED] + fresh.events[EVENT_DIVERGED], 0);
	buf_release(&note);
	buf_release(&other);
	scribe_release(&one);
	scribe_release(&two);
	node_release(&holder);
	node_release(&fresh);
}

/* Where the owner's next heads are far from it, it stays among those that are kept. */
static void head_that_nobody_signed_is_neither_cosigned_nor_sent(void **state)
{
	static struct hash id[598];
	struct world *w = *state;
	struct node holder, fresh, late;
	struct scribe one;
	struct buf other = {0};
	begin_log(&one, w, 598, id);
	struct buf note = second_of(w, LOG_KEY, &one, 300);
	node_init(&holder, w->c, SHANGHAI);
	node_init(&fresh, w->c, ZHEJIANG);
	node_init(&late, w->c, ANHUI);
	node_greet(&holder, JIANGSU);
	assert_ok(&holder, node_leaves(&holder, JIANGSU, &one, 0, 400));
	node_settle(&fresh);
	node_greet(&fresh, JIANGSU);
	assert_ok(&fresh, node_leaves(&fresh, JIANGSU, &one, 0, 100));
	install(&holder, &note);
	install(&fresh, &note);
	node_meet(&holder, &fresh);
	assert_int_equal(node_size(&fresh, one.origin), 300);
	struct roster next = roster_after(&w->first);
	next.not_after = 20300101;
	roster_sign_quorum(&next, &w->first, w->c, NULL, 0, &other);
	struct bytes b = buf_bytes(&other);
	assert_ok(&fresh, node_install(&fresh, &b, 1));
	install(&late, &note);
	assert_ok(&late, node_install(&late, &b, 1));
	assert_int_equal(replica_roster(fresh.replica)->version, 1);
	greet(&fresh, JIANGSU);
	fresh.bulk = true;
	assert_ok(&fresh, node_leaves(&fresh, JIANGSU, &one, 300, one.n));
	assert_int_equal(node_log(&fresh, one.origin)->cosigned[0].size, 100);
	node_audit(&fresh);
	assert_ok(&fresh, node_pass(&fresh, 200));
	assert_int_equal(node_log(&fresh, one.origin)->cosigned[0].size, one.n);
	node_meet(&fresh, &late);
	assert_int_equal(node_size(&late, one.origin), one.n);
	assert_int_equal(late.events[EVENT_REFUSED] + fresh.events[EVENT_REFUSED], 0);
	buf_release(&note);
	buf_release(&other);
	scribe_release(&one);
	node_release(&holder);
	node_release(&fresh);
	node_release(&late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_version_takes_effect_with_its_commit),
		cmocka_unit_test(the_same_again_is_nothing_and_an_older_one_is_known),
		cmocka_unit_test(version_that_is_not_signed_enough_changes_nothing),
		cmocka_unit_test(what_came_before_the_roster_is_judged_as_what_comes_after),
		cmocka_unit_test(old_root_has_no_say_in_the_new_epoch),
		cmocka_unit_test(leaves_beyond_the_end_are_void_and_not_passed_on),
		cmocka_unit_test(
			larger_head_of_an_ended_log_is_passed_over_and_a_forged_one_refused),
		cmocka_unit_test(log_that_no_line_names_and_nobody_signs_does_not_count),
		cmocka_unit_test(ended_log_settles_a_fork),
		cmocka_unit_test(node_with_the_other_history_says_so_and_compares_nothing),
		cmocka_unit_test(change_under_a_retired_task_waits_as_where_the_task_never_was),
		cmocka_unit_test(what_a_removed_member_wrote_keeps_its_meaning),
		cmocka_unit_test(removed_member_writes_nothing_more),
		cmocka_unit_test(replaced_key_opens_an_epoch_and_loses_nothing),
		cmocka_unit_test(what_was_cut_off_on_purpose_is_not_written_again),
		cmocka_unit_test(node_without_the_new_key_reads_and_writes_nothing),
		cmocka_unit_test(logs_count_again_when_the_version_that_ended_them_is_undecided),
		cmocka_unit_test(head_that_nobody_signed_is_neither_cosigned_nor_sent),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
