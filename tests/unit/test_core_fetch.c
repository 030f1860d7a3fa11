/* Who is asked for what and when, batches and the heads they end at, pings, and timers that never
 * run in circles. */
#include "tests/lib/scene.h"

#include "daemon/core/state.h"
#include "proto/trust/checkpoint.h"

#define BIG_LOG 5000

/* Is this peer asked for jiangsu's log from `from` on? Takes everything that waits for it. */
static bool is_asked(struct scene *t, int peer, uint64_t from)
{
	struct outbound out;
	bool asked = false;
	while (node_next(&t->n, peer, MESSAGE_WANT, &out))
		if (bytes_equal(out.msg.want.origin, bytes_str(t->s.origin))) {
			assert_int_equal(out.msg.want.from, from);
			asked = true;
		}
	return asked;
}

/* ---- sources ---- */

static void author_is_asked_first(void **state)
{
	struct scene *t = scene_begin(state, 4);
	node_greet(&t->n, JIANGSU);
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 6));
	/* The author may be about to send it: nobody is asked yet. */
	assert_false(is_asked(t, ANHUI, 0));
	assert_ok(&t->n, node_head(&t->n, JIANGSU, &t->s, 6));
	assert_true(is_asked(t, JIANGSU, 0));
	assert_false(is_asked(t, ANHUI, 0));
	scene_end(t);
}

static void relay_is_asked_when_the_author_does_not_send_in_time(void **state)
{
	struct scene *t = scene_begin(state, 4);
	node_greet(&t->n, JIANGSU);
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 6));
	assert_true(replica_deadline(t->n.replica).v <= t->n.now.mono.v + FETCH_GRACE_MS);
	assert_ok(&t->n, node_pass(&t->n, FETCH_GRACE_MS - 1));
	assert_false(is_asked(t, ANHUI, 0));
	assert_ok(&t->n, node_pass(&t->n, 1));
	assert_true(is_asked(t, ANHUI, 0));
	scene_end(t);
}

static void relay_is_asked_at_once_when_the_author_is_away(void **state)
{
	struct scene *t = scene_begin(state, 4);
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 6));
	assert_true(is_asked(t, ANHUI, 0));
	scene_end(t);
}

static void silent_source_is_changed_for_the_next_and_all_are_tried_again(void **state)
{
	const int peers[] = {OFFICE, ZHEJIANG, ANHUI};
	struct scene *t = scene_begin(state, 4);
	for (size_t i = 0; i < 3; i++) {
		node_greet(&t->n, peers[i]);
		assert_ok(&t->n, node_head(&t->n, peers[i], &t->s, 6));
	}
	for (size_t round = 0; round < 2; round++)
		for (size_t i = 0; i < 3; i++) {
			bool again = round == 1 && i == 0;
			for (size_t k = 0; k < 3; k++)
				assert_int_equal(is_asked(t, peers[k], 0), k == i);
			assert_ok(&t->n,
				node_pass(&t->n,
					(again ? FETCH_PATIENCE : 1) * FETCH_TIMEOUT_MS - 1));
			for (size_t k = 0; k < 3; k++)
				assert_false(is_asked(t, peers[k], 0));
			assert_ok(&t->n, node_pass(&t->n, 1));
			struct message pong = {.kind = MESSAGE_PONG};
			for (size_t k = 0; k < 3; k++)
				assert_ok(&t->n, node_recv(&t->n, peers[k], &pong));
		}
	scene_end(t);
}

static void only_source_is_not_asked_again_before_it_says_anything(void **state)
{
	struct scene *t = scene_begin(state, 4);
	struct message pong = {.kind = MESSAGE_PONG};
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 6));
	assert_true(is_asked(t, ANHUI, 0));
	assert_ok(&t->n, node_pass(&t->n, 3 * FETCH_TIMEOUT_MS));
	assert_false(is_asked(t, ANHUI, 0));
	assert_ok(&t->n, node_recv(&t->n, ANHUI, &pong));
	assert_true(is_asked(t, ANHUI, 0));
	scene_end(t);
}

static void only_source_is_given_more_time_each_time_it_is_asked(void **state)
{
	struct scene *t = scene_begin(state, 4);
	struct message pong = {.kind = MESSAGE_PONG};
	int64_t patience = FETCH_TIMEOUT_MS;
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 6));
	for (int again = 0; again < 3; again++, patience *= FETCH_PATIENCE) {
		assert_true(is_asked(t, ANHUI, 0));
		assert_ok(&t->n, node_recv(&t->n, ANHUI, &pong));
		assert_ok(&t->n, node_pass(&t->n, patience - 1));
		assert_false(is_asked(t, ANHUI, 0));
		assert_ok(&t->n, node_pass(&t->n, 1));
	}
	scene_end(t);
}

/* Of two that have the log one was asked. */
static struct scene *begin_with_two_sources(void **state)
{
	struct scene *t = scene_begin(state, 4);
	node_greet(&t->n, OFFICE);
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, OFFICE, &t->s, 6));
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 6));
	assert_true(is_asked(t, OFFICE, 0));
	return t;
}

static void source_that_has_given_all_it_has_is_not_waited_for(void **state)
{
	struct scene *t = scene_begin(state, 4);
	node_greet(&t->n, ANHUI);
	node_greet(&t->n, OFFICE);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 4));
	assert_ok(&t->n, node_head(&t->n, OFFICE, &t->s, 6));
	assert_true(is_asked(t, ANHUI, 0));
	assert_false(is_asked(t, OFFICE, 0));
	assert_ok(&t->n, node_leaves(&t->n, ANHUI, &t->s, 0, 4));
	assert_true(is_asked(t, OFFICE, 4));
	assert_false(is_asked(t, ANHUI, 4));
	scene_end(t);
}

static void lost_source_is_changed_at_once(void **state)
{
	struct scene *t = begin_with_two_sources(state);
	assert_ok(&t->n, node_link(&t->n, OFFICE, LINK_DOWN));
	assert_true(is_asked(t, ANHUI, 0));
	scene_end(t);
}

static void source_that_sends_is_given_more_time(void **state)
{
	struct scene *t = begin_with_two_sources(state);
	for (size_t i = 0; i < 3; i++) {
		assert_ok(&t->n, node_pass(&t->n, FETCH_TIMEOUT_MS - 1));
		assert_ok(&t->n, node_leaves(&t->n, OFFICE, &t->s, i, i + 1));
		assert_false(is_asked(t, ANHUI, i + 1));
	}
	assert_ok(&t->n, node_pass(&t->n, FETCH_TIMEOUT_MS));
	assert_true(is_asked(t, ANHUI, 3));
	scene_end(t);
}

/* A long message on a slow line is no silence; but bytes alone do not keep others from being asked.
 */
static void source_whose_line_moves_is_given_five_minutes(void **state)
{
	struct scene *t = begin_with_two_sources(state);
	int64_t waited = 0;
	for (; !is_asked(t, ANHUI, 0) && waited < 2 * FETCH_HOLD_MS; waited += 1000) {
		replica_heard(t->n.replica, OFFICE, t->n.now);
		replica_heard(t->n.replica, ANHUI, t->n.now);
		assert_ok(&t->n, node_pass(&t->n, 1000));
	}
	assert_int_equal(waited, FETCH_HOLD_MS);
	scene_end(t);
}

static void relay_whose_line_moves_does_not_keep_the_author_waiting(void **state)
{
	struct scene *t = scene_begin(state, 4);
	node_greet(&t->n, OFFICE);
	assert_ok(&t->n, node_head(&t->n, OFFICE, &t->s, 6));
	assert_true(is_asked(t, OFFICE, 0));
	node_greet(&t->n, JIANGSU);
	assert_ok(&t->n, node_head(&t->n, JIANGSU, &t->s, 6));
	for (int64_t waited = 0; waited < FETCH_TIMEOUT_MS; waited += 1000) {
		assert_false(is_asked(t, JIANGSU, 0));
		replica_heard(t->n.replica, OFFICE, t->n.now);
		assert_ok(&t->n, node_pass(&t->n, 1000));
	}
	assert_true(is_asked(t, JIANGSU, 0));
	scene_end(t);
}

static void nobody_is_asked_while_the_disk_is_full(void **state)
{
	struct scene *t = scene_begin(state, 4);
	struct err e;
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 6));
	assert_true(is_asked(t, ANHUI, 0));
	assert_int_equal(replica_begin(t->n.replica, &e), RC_OK);
	assert_int_equal(replica_rollback(t->n.replica, t->n.now, &e), RC_OK);
	replica_set_full(t->n.replica, true);
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 6));
	assert_ok(&t->n, node_pass(&t->n, 2 * FETCH_TIMEOUT_MS));
	assert_false(is_asked(t, ANHUI, 0));
	replica_set_full(t->n.replica, false);
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 6));
	assert_true(is_asked(t, ANHUI, 0));
	scene_end(t);
}

static void missing_leaves_are_shown_with_the_day_they_were_missed(void **state)
{
	struct scene *t = scene_begin(state, 4);
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 5));
	int64_t since = t->n.now.wall.v;
	assert_ok(&t->n, node_pass(&t->n, 1000));
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 6));
	const struct ctl_log *log = node_log(&t->n, t->s.origin);
	assert_int_equal(log->size, 0);
	assert_int_equal(log->seen_size, 6);
	assert_int_equal(log->seen_ms, since);
	assert_ok(&t->n, node_restart(&t->n));
	assert_int_equal(node_log(&t->n, t->s.origin)->seen_ms, since);
	node_feed(&t->n, &t->s);
	assert_int_equal(node_log(&t->n, t->s.origin)->seen_ms, 0);
	scene_end(t);
}

/* ---- news ---- */

/* Is the peer told of a new head of this log? */
static bool is_told(struct node *n, int peer, const char *origin)
{
	struct outbound out;
	while (node_next(n, peer, MESSAGE_HEAD, &out)) {
		struct note note;
		struct checkpoint cp;
		assert_int_equal(note_parse(out.msg.note, &note, NULL), RC_OK);
		assert_int_equal(checkpoint_parse(note.text, &cp, NULL), RC_OK);
		if (bytes_equal(cp.origin, bytes_str(origin)))
			return true;
	}
	return false;
}

static void author_pushes_to_who_was_up_to_date_and_relays_announce(void **state)
{
	struct scene *t = scene_begin(state, 4);
	struct node b, late;
	struct outbound out;
	node_init(&b, t->c, ANHUI);
	node_init(&late, t->c, ZHEJIANG);
	node_meet(&t->n, &b);
	node_greet(&t->n, ZHEJIANG);
	(void)node_drain(&t->n, ZHEJIANG);
	assert_ok(&t->n, node_delegate(&t->n, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	/* anhui had all: it gets the leaf; zhejiang never asked: it is told. */
	assert_true(replica_next_out(t->n.replica, ANHUI, &out));
	assert_int_equal(out.msg.kind, MESSAGE_LEAVES);
	assert_int_equal(out.msg.leaves.n, 1);
	assert_ok(&b, node_recv(&b, SHANGHAI, &out.msg));
	assert_true(replica_next_out(t->n.replica, ZHEJIANG, &out));
	assert_int_equal(out.msg.kind, MESSAGE_HEAD);
	/* anhui relays: a head, after the delay that gathers several. */
	node_meet(&b, &late);
	assert_int_equal(node_size(&late, node_origin(&t->n)), 2);
	assert_ok(&t->n, node_delegate(&t->n, &t->c->member[SHANGHAI].operator[1], NULL, 0));
	assert_true(node_next(&t->n, ANHUI, MESSAGE_LEAVES, &out));
	assert_ok(&b, node_recv(&b, SHANGHAI, &out.msg));
	assert_false(is_told(&b, ZHEJIANG, node_origin(&t->n)));
	assert_ok(&b, node_pass(&b, RELAY_DELAY_MS));
	assert_true(is_told(&b, ZHEJIANG, node_origin(&t->n)));
	assert_false(is_told(&b, SHANGHAI, node_origin(&t->n))); /* its author */
	node_release(&late);
	node_release(&b);
	scene_end(t);
}

static void equal_logs_with_another_view_raise_one_alarm(void **state)
{
	struct scene *t = scene_begin(state, 4);
	struct hash wrong = {{1}}, right;
	node_feed(&t->n, &t->s);
	struct log_size sizes[2] = {
		{bytes_str(node_origin(&t->n)), 1}, {bytes_str(t->s.origin), 6}};
	struct message m = {.kind = MESSAGE_VIEW_DIGEST};
	m.digest.rules_version = RULES_VERSION;
	m.digest.sizes = sizes;
	m.digest.n = 2;
	m.digest.view_root = hash_bytes(&wrong);
	sizes[1].size = 5;
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m)); /* other logs: nothing to compare */
	sizes[1].size = 6;
	m.digest.rules_version = RULES_VERSION + 1;
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m)); /* other rules: the same */
	m.digest.rules_version = RULES_VERSION;
	assert_int_equal(t->n.events[EVENT_DIVERGED], 0);
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m));
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m));
	assert_int_equal(t->n.events[EVENT_DIVERGED], 1);
	right = node_view(&t->n);
	m.digest.view_root = hash_bytes(&right);
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m));
	struct ctl_status status;
	assert_ok(&t->n, replica_status(t->n.replica, t->n.now, &status, &t->n.e));
	for (size_t i = 0; i < status.n_peers; i++)
		assert_int_equal(status.peers[i].agree,
			bytes_equal(status.peers[i].member, bytes_str("jiangsu")) ? AGREE_YES
										  : AGREE_UNKNOWN);
	assert_int_equal(t->n.events[EVENT_DIVERGED], 1);
	scene_end(t);
}

/* ---- batches ---- */

/* Carries a log from one node to a new one; every batch within its limits and ending at its head.
 */
static size_t fetch_all(struct node *from, struct node *to, const char *origin)
{
	size_t batches = 0;
	assert_ok(from, node_link(from, to->self, LINK_UP));
	assert_ok(to, node_link(to, from->self, LINK_UP));
	for (bool moved = true; moved;) {
		struct outbound out;
		moved = false;
		while (replica_next_out(to->replica, from->self, &out)) {
			assert_ok(from, node_recv(from, to->self, &out.msg));
			moved = true;
		}
		while (replica_next_out(from->replica, to->self, &out)) {
			const struct message *m = &out.msg;
			moved = true;
			if (m->kind == MESSAGE_LEAVES &&
				bytes_equal(m->leaves.origin, bytes_str(origin))) {
				size_t bytes = 0;
				for (size_t i = 0; i < m->leaves.n; i++)
					bytes += m->leaves.leaves[i].n;
				assert_in_range(m->leaves.n, 1, LIMIT_BATCH_LEAVES);
				assert_in_range(bytes, 1, LIMIT_BATCH_BYTES);
				assert_int_equal(node_size(to, origin), m->leaves.first);
				batches++;
			}
			assert_ok(to, node_recv(to, from->self, m));
		}
	}
	return batches;
}

/* Kept heads are never farther apart than these, and the newest is one of them. */
static void assert_heads_kept(
	struct node *n, uint32_t log, const char *origin, uint64_t leaves, uint64_t bytes)
{
	struct store_head h = {0};
	struct buf note = {0};
	uint64_t above = node_size(n, origin), above_bytes = 0;
	int rc = n->store->ops->head_get(n->store, log, above - 1, above, &h, &note, NULL);
	for (; rc == RC_OK;
		rc = n->store->ops->head_get(n->store, log, 0, above - 1, &h, &note, NULL)) {
		assert_true(above - h.size <= leaves);
		assert_true(above_bytes <= h.bytes + bytes);
		above = h.size;
		above_bytes = h.bytes;
	}
	assert_int_equal(rc, STORE_NONE);
	assert_true(above <= leaves && above_bytes <= bytes && above_bytes > 0);
	buf_release(&note);
}

static void post_notes(struct node *n, size_t count, size_t at_once, const char *text)
{
	const struct cluster_member *m = &n->c->member[n->self];
	struct signature *g = xalloc(at_once * sizeof(*g));
	struct signed_body *s = xalloc(at_once * sizeof(*s));
	struct posted *posted = xalloc(at_once * sizeof(*posted));
	for (size_t done = 0; done < count;) {
		size_t k = count - done < at_once ? count - done : at_once;
		for (size_t i = 0; i < k; i++) {
			struct write w = {.value = value_note(text), .nonce = ++n->salt};
			sign_write(n->c, &m->operator[0], &w, m->slug, &g[i]);
			s[i] = g[i].s;
		}
		assert_ok(n, node_post(n, s, k, posted));
		for (size_t i = 0; i < k; i++)
			signature_release(&g[i]);
		done += k;
	}
	free(g);
	free(s);
	free(posted);
}

static void log_of_5000_leaves_reaches_a_new_node_in_batches(void **state)
{
	struct scene *t = scene_begin(state, 4);
	struct node late, third;
	assert_ok(&t->n, node_delegate(&t->n, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	post_notes(&t->n, 700, 1, "one by one");
	post_notes(&t->n, BIG_LOG - 700, LIMIT_POST_CHANGES, "many at once");
	node_init(&late, t->c, ANHUI);
	char origin[ORIGIN_SIZE];
	memcpy(origin, node_origin(&t->n), ORIGIN_SIZE);
	size_t batches = fetch_all(&t->n, &late, origin);
	assert_int_equal(node_size(&late, origin), BIG_LOG + 2);
	assert_in_range(batches, 10, 20);
	assert_same_hash(node_view(&late), node_view(&t->n));
	assert_heads_kept(&t->n, 1, origin, LIMIT_HEAD_STRIDE_LEAVES, LIMIT_HEAD_STRIDE_BYTES);
	assert_heads_kept(&late, 2, origin, LIMIT_BATCH_LEAVES, LIMIT_BATCH_BYTES);
	/* And on from there, by the heads that the second node kept. */
	node_init(&third, t->c, ZHEJIANG);
	fetch_all(&late, &third, origin);
	assert_int_equal(node_size(&third, origin), BIG_LOG + 2);
	assert_ok(&t->n, node_restart(&t->n));
	post_notes(&t->n, 300, 1, "after a start");
	assert_heads_kept(&t->n, 1, origin, LIMIT_HEAD_STRIDE_LEAVES, LIMIT_HEAD_STRIDE_BYTES);
	node_release(&third);
	node_release(&late);
	scene_end(t);
}

static void large_leaves_travel_in_batches_of_bytes(void **state)
{
	struct scene *t = scene_begin(state, 4);
	struct node late;
	/* The largest note: 2,000 characters of 4 bytes. */
	char text[4 * LIMIT_NOTE_CHARS + 1];
	for (size_t i = 0; i < LIMIT_NOTE_CHARS; i++)
		memcpy(text + 4 * i, "\xf0\xa0\x80\x80", 4);
	text[sizeof(text) - 1] = '\0';
	assert_ok(&t->n, node_delegate(&t->n, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	post_notes(&t->n, 150, 50, text);
	node_init(&late, t->c, ANHUI);
	const char *origin = node_origin(&t->n);
	assert_in_range(fetch_all(&t->n, &late, origin), 3, 6);
	assert_int_equal(node_size(&late, origin), 152);
	assert_heads_kept(&t->n, 1, origin, LIMIT_HEAD_STRIDE_LEAVES, LIMIT_HEAD_STRIDE_BYTES);
	node_release(&late);
	scene_end(t);
}

/* Nobody of today can write them, but a newer version may: they are carried all the same. */
static void leaves_of_the_largest_size_fill_batches_to_the_byte(void **state)
{
	struct scene *t = scene_begin(state, 4);
	struct node late;
	uint8_t leaf[LIMIT_LEAF_BYTES] = {8, 2}; /* version 2 */
	const size_t batch = LIMIT_BATCH_BYTES / LIMIT_LEAF_BYTES;
	struct scribe s;
	scribe_init(&s, t->c, JIANGSU, 1);
	for (size_t i = 0; i < 3 * batch; i++) {
		leaf[2] = (uint8_t)i;
		scribe_raw(&s, bytes_of(leaf, sizeof(leaf)));
	}
	node_greet(&t->n, JIANGSU);
	for (size_t i = 0; i < 3; i++)
		assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &s, i * batch, (i + 1) * batch));
	assert_int_equal(node_size(&t->n, s.origin), 3 * batch);
	node_init(&late, t->c, ANHUI);
	assert_int_equal(fetch_all(&t->n, &late, s.origin), 3);
	assert_int_equal(node_size(&late, s.origin), 3 * batch);
	scribe_release(&s);
	node_release(&late);
	scene_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(author_is_asked_first),
		cmocka_unit_test(relay_is_asked_when_the_author_does_not_send_in_time),
		cmocka_unit_test(relay_is_asked_at_once_when_the_author_is_away),
		cmocka_unit_test(silent_source_is_changed_for_the_next_and_all_are_tried_again),
		cmocka_unit_test(only_source_is_not_asked_again_before_it_says_anything),
		cmocka_unit_test(only_source_is_given_more_time_each_time_it_is_asked),
		cmocka_unit_test(source_that_has_given_all_it_has_is_not_waited_for),
		cmocka_unit_test(lost_source_is_changed_at_once),
		cmocka_unit_test(source_that_sends_is_given_more_time),
		cmocka_unit_test(source_whose_line_moves_is_given_five_minutes),
		cmocka_unit_test(relay_whose_line_moves_does_not_keep_the_author_waiting),
		cmocka_unit_test(nobody_is_asked_while_the_disk_is_full),
		cmocka_unit_test(missing_leaves_are_shown_with_the_day_they_were_missed),
		cmocka_unit_test(author_pushes_to_who_was_up_to_date_and_relays_announce),
		cmocka_unit_test(equal_logs_with_another_view_raise_one_alarm),
		cmocka_unit_test(log_of_5000_leaves_reaches_a_new_node_in_batches),
		cmocka_unit_test(large_leaves_travel_in_batches_of_bytes),
		cmocka_unit_test(leaves_of_the_largest_size_fill_batches_to_the_byte),
	};
	return cmocka_run_group_tests_name("core fetch", tests, core_set_up, core_tear_down);
}
