/* A node that lost its disk gets its own log back before it writes, and two machines with one key
 * are noticed. */
#include "tests/lib/core_test.h"

#include "proto/wire/codec.h"
#include "tests/lib/roster_fixture.h"

#define QUIET_MS 3000
#define STALL_MS 600000
#define ALONE_MS 60000

/* a wrote two notes, b has them; then a's disk is gone. */
struct lost {
	struct cluster *c;
	struct node a, b;
	struct hash id[2];
	char origin[ORIGIN_SIZE];
};

static void post_notes(struct lost *t)
{
	assert_ok(&t->a, node_delegate(&t->a, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	for (uint64_t i = 0; i < 2; i++) {
		struct write w = {.value = value_note("posted"), .nonce = 500 + i};
		assert_ok(&t->a, node_write(&t->a, w, &t->id[i]));
	}
}

static struct lost *begin_with_a_full_disk(void **state)
{
	struct lost *t = xalloc(sizeof(*t));
	t->c = *state;
	node_init(&t->a, t->c, SHANGHAI);
	node_init(&t->b, t->c, ZHEJIANG);
	memcpy(t->origin, node_origin(&t->a), ORIGIN_SIZE);
	post_notes(t);
	node_meet(&t->a, &t->b);
	assert_int_equal(node_size(&t->b, t->origin), 4);
	return t;
}

/* Random numbers do not begin anew on a new machine. */
static void new_machine(struct lost *t, bool keeps_mark)
{
	struct now now = t->a.now;
	struct mark mark = t->a.mark;
	node_release(&t->a);
	node_init_bare(&t->a, t->c, SHANGHAI, NULL);
	t->a.salt = 77;
	t->a.now = now;
	if (keeps_mark) {
		t->a.mark = mark;
		assert_ok(&t->a, node_restart(&t->a));
	}
}

static struct lost *begin(void **state)
{
	struct lost *t = begin_with_a_full_disk(state);
	new_machine(t, false);
	return t;
}

static void end(struct lost *t)
{
	node_release(&t->a);
	node_release(&t->b);
	free(t);
}

static int rebuild_with(struct node *n, const struct bytes *note, size_t count, bool alone)
{
	n->e = (struct err){0};
	assert_int_equal(replica_begin(n->replica, &n->e), RC_OK);
	int rc = replica_rebuild(n->replica, note, count, alone, n->now, &n->e);
	struct err late = {0};
	assert_int_equal(replica_commit(n->replica, n->now, &late), RC_OK);
	struct event ev;
	while (replica_next_event(n->replica, &ev)) {
		n->events[ev.kind]++;
		if (ev.kind != EVENT_MARK)
			continue;
		n->mark_wanted = (struct mark){.present = true, .size = ev.size, .root = ev.root};
		memcpy(n->mark_wanted.origin, ev.origin, sizeof(ev.origin));
		node_write_mark(n);
	}
	return rc;
}

static int rebuild(struct node *n, bool alone)
{
	struct bytes note = buf_bytes(&n->c->roster);
	return rebuild_with(n, &note, 1, alone);
}

static void pass_quiet(struct lost *t)
{
	assert_ok(&t->a, node_pass(&t->a, QUIET_MS));
	assert_ok(&t->b, node_pass(&t->b, QUIET_MS));
	node_exchange(&t->a, &t->b);
}

/* Logs are numbered in the order they came; the own one is the last. */
static void open_of_the_newest_log(
	struct node *n, struct buf *raw, struct arena *a, struct leaf *out)
{
	uint32_t id = 1;
	while (n->store->ops->leaf_get(n->store, id, 0, raw, NULL) == RC_OK)
		id++;
	assert_int_equal(n->store->ops->leaf_get(n->store, id - 1, 0, raw, NULL), RC_OK);
	assert_int_equal(leaf_decode(buf_bytes(raw), a, out, NULL), RC_OK);
}

static void rebuilt_node_builds_on_its_old_log_and_its_operators_go_on(void **state)
{
	struct lost *t = begin(state);
	assert_ok(&t->a, rebuild(&t->a, false));
	assert_rc(&t->a, node_write(&t->a, (struct write){.value = value_note("x")}, NULL),
		RC_DEGRADED);
	node_meet(&t->a, &t->b);
	assert_int_equal(node_size(&t->a, t->origin), 4);
	assert_true(replica_is_rebuilding(t->a.replica));
	pass_quiet(t);
	assert_false(replica_is_rebuilding(t->a.replica));
	assert_string_not_equal(node_origin(&t->a), t->origin);
	assert_int_equal(node_log(&t->a, node_origin(&t->a))->epoch, 2);
	assert_ok(&t->a, node_write(&t->a, (struct write){.value = value_note("new")}, NULL));
	node_exchange(&t->a, &t->b);
	assert_same_hash(node_view(&t->a), node_view(&t->b));
	for (size_t i = 0; i < 2; i++)
		assert_true(node_is_current(&t->a, &t->id[i]));
	assert_int_equal(t->a.events[EVENT_CLONE] + t->b.events[EVENT_CLONE], 0);
	end(t);
}

/* I12: who had no answer asks again, and the disk was lost in between. */
static void post_from_before_is_answered_where_it_stands(void **state)
{
	struct lost *t = begin(state);
	struct signature g;
	struct posted posted;
	struct write w = {.value = value_note("posted"), .nonce = 500};
	struct write other = {.value = value_note("another"), .nonce = 500};
	assert_ok(&t->a, rebuild(&t->a, false));
	node_meet(&t->a, &t->b);
	pass_quiet(t);
	sign_write(t->c, &t->c->member[SHANGHAI].operator[0], &w, "shanghai", &g);
	assert_ok(&t->a, node_post(&t->a, &g.s, 1, &posted));
	assert_string_equal(posted.origin, t->origin);
	assert_int_equal(posted.index, 2);
	assert_rc(&t->a, node_write(&t->a, other, NULL), RC_REFUSED_REPEAT);
	signature_release(&g);
	end(t);
}

static void open_of_a_rebuilt_log_names_the_old_one(void **state)
{
	struct lost *t = begin(state);
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	struct buf raw = {0};
	arena_init(&a, memory, sizeof(memory));
	assert_ok(&t->a, rebuild(&t->a, false));
	node_meet(&t->a, &t->b);
	pass_quiet(t);
	open_of_the_newest_log(&t->a, &raw, &a, &leaf);
	assert_int_equal(leaf.open.reason, OPEN_REBUILD);
	assert_int_equal(leaf.open.previous_size, 4);
	assert_true(bytes_equal(leaf.open.previous_origin, bytes_str(t->origin)));
	buf_release(&raw);
	end(t);
}

static void rebuild_goes_on_after_a_restart(void **state)
{
	struct lost *t = begin(state);
	assert_ok(&t->a, rebuild(&t->a, false));
	assert_ok(&t->a, node_restart(&t->a));
	assert_true(replica_is_rebuilding(t->a.replica));
	node_meet(&t->a, &t->b);
	assert_ok(&t->a, node_restart(&t->a));
	assert_true(replica_is_rebuilding(t->a.replica));
	node_link(&t->b, SHANGHAI, LINK_DOWN);
	node_meet(&t->a, &t->b);
	pass_quiet(t);
	assert_false(replica_is_rebuilding(t->a.replica));
	assert_ok(&t->a, node_restart(&t->a));
	assert_false(replica_is_rebuilding(t->a.replica));
	assert_int_equal(node_log(&t->a, node_origin(&t->a))->epoch, 2);
	end(t);
}

static void lost_database_beside_its_mark_is_rebuilt_unasked(void **state)
{
	struct lost *t = begin_with_a_full_disk(state);
	new_machine(t, true);
	assert_ok(&t->a, node_install_roster(&t->a));
	assert_true(replica_is_rebuilding(t->a.replica));
	node_meet(&t->a, &t->b);
	pass_quiet(t);
	assert_int_equal(node_log(&t->a, node_origin(&t->a))->epoch, 2);
	assert_ok(&t->a, node_write(&t->a, (struct write){.value = value_note("new")}, NULL));
	end(t);
}

static void empty_node_that_hears_of_older_logs_begins_anew(void **state)
{
	struct lost *t = begin(state);
	assert_ok(&t->a, node_install_roster(&t->a));
	char first[ORIGIN_SIZE];
	memcpy(first, node_origin(&t->a), ORIGIN_SIZE);
	node_meet(&t->a, &t->b);
	pass_quiet(t);
	assert_string_not_equal(node_origin(&t->a), first);
	assert_int_equal(node_log(&t->a, node_origin(&t->a))->epoch, 2);
	assert_int_equal(node_size(&t->a, first), 1);
	assert_int_equal(t->a.events[EVENT_CLONE] + t->b.events[EVENT_CLONE], 0);
	assert_ok(&t->a, node_write(&t->a, (struct write){.value = value_note("new")}, NULL));
	end(t);
}

/* What was delegated since would be lost: it is left to a person, and shown on every node. */
static void node_that_has_written_already_is_not_begun_anew(void **state)
{
	struct lost *t = begin(state);
	assert_ok(&t->a, node_install_roster(&t->a));
	assert_ok(&t->a, node_delegate(&t->a, &t->c->member[SHANGHAI].operator[1], NULL, 0));
	char first[ORIGIN_SIZE];
	memcpy(first, node_origin(&t->a), ORIGIN_SIZE);
	node_meet(&t->a, &t->b);
	pass_quiet(t);
	assert_string_equal(node_origin(&t->a), first);
	assert_rc(&t->a, rebuild(&t->a, false), RC_REFUSED);
	assert_int_equal(t->a.events[EVENT_CLONE], 1);
	assert_int_equal(t->b.events[EVENT_CLONE], 1);
	struct ctl_status s;
	assert_int_equal(replica_status(t->b.replica, t->b.now, &s, NULL), RC_OK);
	assert_int_equal(s.n_clones, 1);
	assert_int_equal(s.clones[0].kind, CLONE_SAME_NUMBER);
	assert_true(bytes_equal(s.clones[0].member, bytes_str("shanghai")));
	end(t);
}

static void rebuild_waits_for_every_peer_that_is_about_to_speak(void **state)
{
	struct lost *t = begin(state);
	assert_ok(&t->a, rebuild(&t->a, false));
	node_greet(&t->a, OFFICE);
	assert_ok(&t->a, node_link(&t->a, ZHEJIANG, LINK_UP));
	assert_ok(&t->a, node_pass(&t->a, QUIET_MS));
	assert_true(replica_is_rebuilding(t->a.replica));
	assert_ok(&t->a, node_hello(&t->a, ZHEJIANG, NULL, 0));
	assert_ok(&t->a, node_pass(&t->a, QUIET_MS - 1));
	assert_true(replica_is_rebuilding(t->a.replica));
	assert_ok(&t->a, node_pass(&t->a, 1));
	assert_false(replica_is_rebuilding(t->a.replica));
	end(t);
}

static void without_a_peer_it_waits_until_it_is_told_not_to(void **state)
{
	struct lost *t = begin(state);
	assert_ok(&t->a, rebuild(&t->a, false));
	assert_ok(&t->a, node_pass(&t->a, STALL_MS + 1));
	assert_true(replica_is_rebuilding(t->a.replica));
	assert_ok(&t->a, rebuild(&t->a, true));
	assert_false(replica_is_rebuilding(t->a.replica));
	assert_rc(&t->a, rebuild(&t->a, true), RC_REFUSED);
	end(t);
}

static void head_of_an_own_log(struct lost *t, struct scribe *s)
{
	scribe_begin(s, t->c, SHANGHAI);
	for (size_t i = 0; i < 3; i++)
		scribe_write(s, (struct write){.value = value_note("old")}, NULL);
	node_greet(&t->a, OFFICE);
	assert_ok(&t->a, node_head(&t->a, OFFICE, s, s->n));
}

static void who_names_our_leaves_and_keeps_them_delays_us_ten_minutes(void **state)
{
	struct lost *t = begin(state);
	struct scribe s;
	assert_ok(&t->a, rebuild(&t->a, false));
	head_of_an_own_log(t, &s);
	for (int64_t ms = 0; ms < STALL_MS - 10000; ms += 10000) {
		assert_ok(&t->a, node_pass(&t->a, 10000));
		assert_ok(&t->a, node_head(&t->a, OFFICE, &s, s.n - 1));
		assert_true(replica_is_rebuilding(t->a.replica));
	}
	assert_ok(&t->a, node_pass(&t->a, 10000));
	assert_false(replica_is_rebuilding(t->a.replica));
	/* Never under the name of the old one. */
	assert_string_not_equal(node_origin(&t->a), s.origin);
	assert_int_equal(node_log(&t->a, node_origin(&t->a))->epoch, 2);
	scribe_release(&s);
	end(t);
}

static void status_counts_what_is_back(void **state)
{
	struct lost *t = begin(state);
	struct scribe s;
	struct ctl_status st;
	assert_ok(&t->a, rebuild(&t->a, false));
	head_of_an_own_log(t, &s);
	assert_int_equal(replica_status(t->a.replica, t->a.now, &st, NULL), RC_OK);
	assert_true(bytes_equal(st.state, bytes_str("rebuilding")));
	assert_int_equal(st.rebuild->heard, 1);
	assert_int_equal(st.rebuild->own_here, 0);
	assert_int_equal(st.rebuild->own_known, 5);
	assert_ok(&t->a, node_leaves(&t->a, OFFICE, &s, 0, 5));
	assert_int_equal(replica_status(t->a.replica, t->a.now, &st, NULL), RC_OK);
	assert_int_equal(st.rebuild->own_here, 5);
	scribe_release(&s);
	end(t);
}

/* ---- clones ---- */

static void logs_of_one_number_are_shown_once_on_every_node(void **state)
{
	struct node n;
	struct scribe s[2];
	node_init(&n, *state, OFFICE);
	for (size_t i = 0; i < 2; i++) {
		scribe_init(&s[i], *state, JIANGSU, 1);
		s[i].origin[strlen(s[i].origin) - 1] = (char)('0' + i);
		scribe_open(&s[i], OPEN_INIT, NULL);
		scribe_delegate(&s[i], &n.c->member[JIANGSU].operator[0], NULL, 0);
	}
	node_feed(&n, &s[0]);
	assert_ok(&n, node_leaves(&n, JIANGSU, &s[1], 0, 1));
	assert_int_equal(n.events[EVENT_CLONE], 0);
	assert_ok(&n, node_leaves(&n, JIANGSU, &s[1], 1, 2));
	assert_int_equal(n.events[EVENT_CLONE], 1);
	assert_non_null(strstr(n.said[EVENT_CLONE], "the same number"));
	for (size_t i = 0; i < 2; i++) {
		scribe_write(&s[i], (struct write){.value = value_note("on")}, NULL);
		assert_ok(&n, node_leaves(&n, JIANGSU, &s[i], 2, 3));
		scribe_release(&s[i]);
	}
	assert_int_equal(n.events[EVENT_CLONE], 1);
	node_release(&n);
}

static void old_log_that_goes_on_beside_a_newer_one_is_shown(void **state)
{
	struct node n;
	struct scribe old, fresh;
	node_init(&n, *state, OFFICE);
	scribe_begin(&old, *state, JIANGSU);
	scribe_init(&fresh, *state, JIANGSU, 2);
	fresh.hlc = old.hlc;
	scribe_open(&fresh, OPEN_RESTORE, &old);
	node_feed(&n, &old);
	assert_ok(&n, node_leaves(&n, JIANGSU, &fresh, 0, 1));
	assert_int_equal(n.events[EVENT_CLONE], 0);
	old.hlc = fresh.hlc + 1;
	scribe_write(&old, (struct write){.value = value_note("on")}, NULL);
	assert_ok(&n, node_leaves(&n, JIANGSU, &old, old.n - 1, old.n));
	assert_int_equal(n.events[EVENT_CLONE], 1);
	assert_non_null(strstr(n.said[EVENT_CLONE], "goes on"));
	scribe_release(&old);
	scribe_release(&fresh);
	node_release(&n);
}

static void log_opened_after_the_clock_went_back_raises_no_alarm(void **state)
{
	struct node n;
	node_init(&n, *state, SHANGHAI);
	assert_ok(&n, node_delegate(&n, &n.c->member[SHANGHAI].operator[0], NULL, 0));
	n.mark.present = false;
	n.now.wall.v -= 3600 * 1000;
	assert_ok(&n, node_restart(&n));
	assert_int_equal(n.events[EVENT_NEW_EPOCH], 1);
	assert_ok(&n, node_write(&n, (struct write){.value = value_note("on")}, NULL));
	assert_ok(&n, node_restart(&n));
	assert_int_equal(n.events[EVENT_CLONE], 0);
	node_release(&n);
}

static void newer_log_of_ours_that_we_did_not_open_is_shown(void **state)
{
	struct node n;
	struct scribe twin, mine;
	node_init(&n, *state, SHANGHAI);
	scribe_begin(&mine, *state, SHANGHAI);
	assert_ok(&n, node_delegate(&n, &n.c->member[SHANGHAI].operator[0], NULL, 0));
	char own[ORIGIN_SIZE];
	memcpy(own, node_origin(&n), ORIGIN_SIZE);
	scribe_init(&twin, *state, SHANGHAI, 2);
	twin.hlc = UINT64_MAX / 2;
	scribe_open(&twin, OPEN_CLONE, &mine);
	node_greet(&n, OFFICE);
	assert_ok(&n, node_leaves(&n, OFFICE, &twin, 0, 1));
	assert_int_equal(n.events[EVENT_CLONE], 1);
	assert_non_null(strstr(n.said[EVENT_CLONE], "not opened here"));
	/* Nobody else writes ours, so it goes on. */
	assert_string_equal(node_origin(&n), own);
	assert_ok(&n, node_write(&n, (struct write){.value = value_note("on")}, NULL));
	scribe_release(&twin);
	scribe_release(&mine);
	node_release(&n);
}

/* ---- after several versions of the roster ---- */

/* a's log key was replaced twice while its disk was whole; b has all versions. */
struct versions {
	struct lost *t;
	struct key key[2];
	struct buf note[2];
	struct bytes all[3];
};

static void replace_key(struct versions *v, size_t i)
{
	struct lost *t = v->t;
	uint8_t seed[32] = {120, (uint8_t)i};
	struct hash root;
	const struct key *key = &v->key[i];
	const struct roster *now = replica_roster(t->a.replica);
	struct roster next = roster_after(now);
	char origin[ORIGIN_SIZE];
	memcpy(origin, node_origin(&t->a), ORIGIN_SIZE);
	const struct ctl_log *log = node_log(&t->a, origin);
	memcpy(root.b, log->root.p, HASH_BYTES);
	key_from_seed(&v->key[i], KEY_LOG, "shanghai", "", seed);
	roster_retire_origin(&next, now, origin, log->size, &root, "rotated");
	roster_use_key(&next, SHANGHAI, key);
	roster_sign_quorum(&next, now, t->c, &key, 1, &v->note[i]);
	v->all[i + 1] = buf_bytes(&v->note[i]);
	t->a.log_key_next = key;
	assert_ok(&t->a, node_restart(&t->a));
	assert_ok(&t->a, node_install(&t->a, &v->all[i + 1], 1));
	t->a.log_key = key;
	t->a.log_key_next = NULL;
	assert_ok(&t->a, node_restart(&t->a));
}

static void begin_versions(struct versions *v, void **state)
{
	*v = (struct versions){.t = begin_with_a_full_disk(state)};
	v->all[0] = buf_bytes(&v->t->c->roster);
	replace_key(v, 0);
	replace_key(v, 1);
	struct write w = {.value = value_note("under the third"), .nonce = 600};
	assert_ok(&v->t->a, node_write(&v->t->a, w, NULL));
	for (int i = 0; i < 4; i++)
		node_meet(&v->t->a, &v->t->b);
	assert_int_equal(replica_roster(v->t->b.replica)->version, 3);
	assert_same_hash(node_view(&v->t->a), node_view(&v->t->b));
}

static void end_versions(struct versions *v)
{
	end(v->t);
	for (size_t i = 0; i < 2; i++) {
		key_release(&v->key[i]);
		buf_release(&v->note[i]);
	}
}

/* With no key but its newest. */
static void new_machine_with(struct versions *v, const struct key *key)
{
	new_machine(v->t, false);
	v->t->a.log_key = key;
	assert_ok(&v->t->a, node_restart(&v->t->a));
}

static void goes_on_as_before(struct versions *v)
{
	struct lost *t = v->t;
	assert_true(replica_is_rebuilding(t->a.replica));
	for (int i = 0; i < 4; i++)
		node_meet(&t->a, &t->b);
	pass_quiet(t);
	assert_false(replica_is_rebuilding(t->a.replica));
	assert_int_equal(replica_roster(t->a.replica)->version, 3);
	assert_int_equal(node_log(&t->a, node_origin(&t->a))->epoch, 4);
	assert_ok(&t->a, node_write(&t->a, (struct write){.value = value_note("on")}, NULL));
	node_exchange(&t->a, &t->b);
	assert_same_hash(node_view(&t->a), node_view(&t->b));
	for (size_t i = 0; i < 2; i++)
		assert_true(node_is_current(&t->a, &t->id[i]));
}

static void disk_that_was_lost_after_several_versions_is_rebuilt_with_all_of_them(void **state)
{
	struct versions v;
	begin_versions(&v, state);
	new_machine_with(&v, &v.key[1]);
	assert_rc(&v.t->a, rebuild_with(&v.t->a, v.all, 1, false), RC_SETUP);
	assert_rc(&v.t->a, rebuild_with(&v.t->a, v.all, 2, false), RC_SETUP);
	assert_ok(&v.t->a, rebuild_with(&v.t->a, v.all, 3, false));
	goes_on_as_before(&v);
	end_versions(&v);
}

static void versions_that_were_forgotten_can_be_given_while_it_is_rebuilt(void **state)
{
	struct versions v;
	begin_versions(&v, state);
	new_machine_with(&v, &v.t->c->member[SHANGHAI].log);
	v.t->a.log_key_next = &v.key[1];
	assert_ok(&v.t->a, node_restart(&v.t->a));
	assert_ok(&v.t->a, rebuild_with(&v.t->a, v.all, 1, false));
	assert_ok(&v.t->a, rebuild_with(&v.t->a, v.all, 3, false));
	goes_on_as_before(&v);
	end_versions(&v);
}

static void rebuild_waits_for_the_key_that_a_peers_roster_names(void **state)
{
	struct versions v;
	begin_versions(&v, state);
	new_machine_with(&v, &v.t->c->member[SHANGHAI].log);
	assert_ok(&v.t->a, rebuild_with(&v.t->a, v.all, 1, false));
	for (int i = 0; i < 4; i++)
		node_meet(&v.t->a, &v.t->b);
	assert_int_equal(replica_roster(v.t->a.replica)->version, 3);
	pass_quiet(v.t);
	assert_ok(&v.t->a, node_pass(&v.t->a, STALL_MS));
	assert_true(replica_is_rebuilding(v.t->a.replica));
	assert_rc(&v.t->a, rebuild_with(&v.t->a, v.all, 3, true), RC_DEGRADED);
	v.t->a.log_key_next = &v.key[1];
	assert_ok(&v.t->a, node_restart(&v.t->a));
	goes_on_as_before(&v);
	end_versions(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rebuilt_node_builds_on_its_old_log_and_its_operators_go_on),
		cmocka_unit_test(post_from_before_is_answered_where_it_stands),
		cmocka_unit_test(open_of_a_rebuilt_log_names_the_old_one),
		cmocka_unit_test(rebuild_goes_on_after_a_restart),
		cmocka_unit_test(lost_database_beside_its_mark_is_rebuilt_unasked),
		cmocka_unit_test(empty_node_that_hears_of_older_logs_begins_anew),
		cmocka_unit_test(node_that_has_written_already_is_not_begun_anew),
		cmocka_unit_test(rebuild_waits_for_every_peer_that_is_about_to_speak),
		cmocka_unit_test(without_a_peer_it_waits_until_it_is_told_not_to),
		cmocka_unit_test(who_names_our_leaves_and_keeps_them_delays_us_ten_minutes),
		cmocka_unit_test(status_counts_what_is_back),
		cmocka_unit_test(logs_of_one_number_are_shown_once_on_every_node),
		cmocka_unit_test(old_log_that_goes_on_beside_a_newer_one_is_shown),
		cmocka_unit_test(log_opened_after_the_clock_went_back_raises_no_alarm),
		cmocka_unit_test(newer_log_of_ours_that_we_did_not_open_is_shown),
		cmocka_unit_test(
			disk_that_was_lost_after_several_versions_is_rebuilt_with_all_of_them),
		cmocka_unit_test(versions_that_were_forgotten_can_be_given_while_it_is_rebuilt),
		cmocka_unit_test(rebuild_waits_for_the_key_that_a_peers_roster_names),
	};
	return cmocka_run_group_tests(tests, core_set_up, core_tear_down);
}
