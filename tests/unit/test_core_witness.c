/* Cosignatures between nodes: what is said and when, what is believed, and what becomes final. */
#include "tests/lib/scene.h"

#include "daemon/store/store_sqlite.h"
#include "proto/trust/cosign.h"
#include "tests/lib/failing_store.h"

static struct scene *begin(void **state)
{
	struct scene *t = scene_begin(state, 10);
	node_settle(&t->n);
	return t;
}

/* A session in which all that is there was said. */
static void greet(struct node *n, int peer)
{
	node_greet(n, peer);
	(void)node_drain(n, peer);
}

/* ---- notes ---- */

static void put_line(
	struct node *n, struct buf *head, int member, const struct key *k, uint64_t time)
{
	struct note parsed;
	struct buf line = {0};
	assert_int_equal(note_parse(buf_bytes(head), &parsed, NULL), RC_OK);
	cosign_put_line(replica_roster(n->replica), member, k, parsed.text, time, &line);
	buf_put_bytes(head, buf_bytes(&line));
	buf_release(&line);
}

static void put_cosigned(struct scene *t, const struct scribe *s, size_t size, int member,
	uint64_t time, struct buf *out)
{
	scribe_head(s, size, out);
	put_line(&t->n, out, member, &t->c->member[member].cosign, time);
}

static int say_note(struct node *n, int peer, struct bytes note)
{
	struct message m = {.kind = MESSAGE_COSIGNATURE, .note = note};
	return node_recv(n, peer, &m);
}

/* A member cosigns the log, and its node says so. */
static void hear(struct scene *t, const struct scribe *s, size_t size, int member)
{
	int peer = member == SHANGHAI ? ZHEJIANG : member;
	struct buf note = {0};
	put_cosigned(t, s, size, member, 1793577600 + size, &note);
	assert_ok(&t->n, say_note(&t->n, peer, buf_bytes(&note)));
	buf_release(&note);
}

static member_set lines_of(struct node *n, struct bytes note, int owner)
{
	struct note parsed;
	member_set bad;
	assert_int_equal(note_parse(note, &parsed, NULL), RC_OK);
	member_set by = cosign_verify(replica_roster(n->replica), &parsed, owner, 0, &bad);
	assert_int_equal(bad, 0);
	return by;
}

static uint64_t size_of(struct bytes note)
{
	struct note n;
	struct checkpoint cp;
	assert_int_equal(note_parse(note, &n, NULL), RC_OK);
	assert_int_equal(checkpoint_parse(n.text, &cp, NULL), RC_OK);
	return cp.size;
}

/* The size that the node says next, to this peer, that it has cosigned itself; 0: none. */
static uint64_t said_to(struct node *n, int peer, int owner)
{
	struct outbound out;
	while (node_next(n, peer, MESSAGE_COSIGNATURE, &out))
		if ((lines_of(n, out.msg.note, owner) & MEMBER_BIT(n->self)) != 0)
			return size_of(out.msg.note);
	return 0;
}

/* What a member is known to have cosigned. */
static uint64_t cosigned(struct node *n, const char *origin, int member)
{
	const struct ctl_log *log = node_log(n, origin);
	for (size_t i = 0; i < log->n_cosigned; i++)
		if (bytes_equal(log->cosigned[i].member, bytes_str(n->c->member[member].slug)))
			return log->cosigned[i].size;
	return 0;
}

static uint64_t final_of(struct node *n, const char *origin)
{
	const struct ctl_log *log = node_log(n, origin);
	return log != NULL ? log->final_size : 0;
}

static void feed(struct scene *t, size_t from, size_t to)
{
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &t->s, from, to));
	assert_int_equal(node_size(&t->n, t->s.origin), to);
}

static int keep_row(void *arg, const struct store_cosignature *row)
{
	struct buf *out = arg;
	buf_printf(out, "%u/%s ", (unsigned)row->size, row->member);
	return 0;
}

static void expect_rows(struct node *n, uint32_t log, const char *want)
{
	struct buf rows = {0};
	assert_ok(n, n->store->ops->cosignature_each(n->store, log, keep_row, &rows, &n->e));
	buf_put_u8(&rows, 0);
	assert_string_equal((const char *)rows.p, want);
	buf_release(&rows);
}

/* Another history of the log, alike up to leaf 5. */
static void part(struct scribe *to, const struct scribe *from)
{
	scribe_copy(to, from);
	while (to->n > 5)
		buf_release(&to->leaf[--to->n]);
	for (uint64_t i = 0; i < 4; i++)
		scribe_write(to, (struct write){.value = value_note("z"), .nonce = 70 + i}, NULL);
}

/* ---- what is said ---- */

static void log_of_another_member_is_cosigned_when_it_is_committed(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, ZHEJIANG);
	greet(&t->n, JIANGSU);
	feed(t, 0, 5);
	expect_rows(&t->n, 2, "5/shanghai ");
	assert_int_equal(said_to(&t->n, JIANGSU, JIANGSU), 5);
	assert_int_equal(said_to(&t->n, ZHEJIANG, JIANGSU), 5);
	assert_int_equal(said_to(&t->n, ZHEJIANG, JIANGSU), 0);
	assert_int_equal(cosigned(&t->n, t->s.origin, SHANGHAI), 5);
	assert_int_equal(final_of(&t->n, t->s.origin), 0);
	scene_end(t);
}

static void own_log_is_never_cosigned(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, JIANGSU);
	assert_ok(&t->n, node_pass(&t->n, 1000));
	assert_int_equal(said_to(&t->n, JIANGSU, SHANGHAI), 0);
	expect_rows(&t->n, 1, "");
	scene_end(t);
}

static void what_was_said_is_known_after_a_restart(void **state)
{
	struct scene *t = begin(state);
	struct outbound out;
	struct buf before = {0};
	greet(&t->n, JIANGSU);
	feed(t, 0, 5);
	assert_true(node_next(&t->n, JIANGSU, MESSAGE_COSIGNATURE, &out));
	buf_put_bytes(&before, out.msg.note);
	assert_ok(&t->n, node_pass(&t->n, 10000));
	assert_ok(&t->n, node_restart(&t->n));
	expect_rows(&t->n, 2, "5/shanghai ");
	greet(&t->n, ZHEJIANG);
	assert_ok(&t->n, node_pass(&t->n, 10000));
	assert_int_equal(cosigned(&t->n, t->s.origin, SHANGHAI), 5);
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
	assert_true(node_next(&t->n, JIANGSU, MESSAGE_HELLO, &out));
	bool found = false;
	for (size_t i = 0; i < out.msg.hello.n_heads; i++)
		found |= bytes_equal(out.msg.hello.heads[i], buf_bytes(&before));
	assert_true(found);
	buf_release(&before);
	scene_end(t);
}

static void log_is_cosigned_at_most_every_200_ms_and_then_at_its_newest(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, JIANGSU);
	feed(t, 0, 5);
	assert_int_equal(said_to(&t->n, JIANGSU, JIANGSU), 5);
	assert_ok(&t->n, node_pass(&t->n, 100));
	feed(t, 5, 6);
	feed(t, 6, 8);
	assert_int_equal(said_to(&t->n, JIANGSU, JIANGSU), 0);
	assert_true(replica_deadline(t->n.replica).v <= t->n.now.mono.v + 100);
	assert_ok(&t->n, node_pass(&t->n, 99));
	assert_int_equal(said_to(&t->n, JIANGSU, JIANGSU), 0);
	assert_ok(&t->n, node_pass(&t->n, 1));
	assert_int_equal(said_to(&t->n, JIANGSU, JIANGSU), 8);
	expect_rows(&t->n, 2, "5/shanghai 8/shanghai ");
	scene_end(t);
}

/* Under load everybody is somewhere else: they meet where one of them was. */
static void witness_goes_where_another_was_first(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	feed(t, 0, 5);
	feed(t, 5, 7);
	feed(t, 7, 9);
	hear(t, &t->s, 7, ZHEJIANG);
	assert_ok(&t->n, node_pass(&t->n, 200));
	assert_int_equal(cosigned(&t->n, t->s.origin, SHANGHAI), 7);
	assert_ok(&t->n, node_pass(&t->n, 200));
	assert_int_equal(cosigned(&t->n, t->s.origin, SHANGHAI), 9);
	scene_end(t);
}

static void smaller_size_is_never_cosigned_after_a_larger_one(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	feed(t, 0, 8);
	assert_int_equal(said_to(&t->n, JIANGSU, JIANGSU), 8);
	hear(t, &t->s, 6, ZHEJIANG);
	feed(t, 8, 9);
	for (size_t i = 0; i < 3; i++)
		assert_ok(&t->n, node_pass(&t->n, 300));
	expect_rows(&t->n, 2, "6/zhejiang 8/shanghai 9/shanghai ");
	scene_end(t);
}

/* Our database was set back, and a peer still has what we said. */
static void what_we_once_said_binds_us(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	hear(t, &t->s, 9, SHANGHAI);
	greet(&t->n, JIANGSU);
	feed(t, 0, 7);
	assert_ok(&t->n, node_pass(&t->n, 1000));
	assert_ok(&t->n, node_restart(&t->n));
	greet(&t->n, JIANGSU);
	assert_int_equal(said_to(&t->n, JIANGSU, JIANGSU), 0);
	expect_rows(&t->n, 2, "9/shanghai ");
	node_settle(&t->n);
	greet(&t->n, JIANGSU);
	feed(t, 7, 12);
	assert_ok(&t->n, node_pass(&t->n, 1000));
	assert_int_equal(cosigned(&t->n, t->s.origin, SHANGHAI), 12);
	scene_end(t);
}

/* ---- what is no longer known ---- */

/* A restored backup, which has jiangsu's log up to 5. */
static struct scene *begin_set_back(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, JIANGSU);
	feed(t, 0, 5);
	t->n.mark = (struct mark){0};
	assert_ok(&t->n, node_restart(&t->n));
	return t;
}

/* A session with all that the peer knows: it holds the log up to a head, 0 = it knows of none. */
static void be_told(struct node *n, int peer, const struct scribe *s, size_t size)
{
	struct buf head = {0};
	struct bytes heads[1];
	if (size > 0)
		scribe_head(s, size, &head);
	heads[0] = buf_bytes(&head);
	assert_ok(n, node_link(n, peer, LINK_UP));
	assert_ok(n, node_hello(n, peer, heads, size > 0));
	assert_ok(n, node_digest(n, peer));
	buf_release(&head);
}

static void expect_vouched(struct node *n, unsigned told, unsigned need)
{
	struct ctl_status status;
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	assert_int_equal(status.vouched, told);
	assert_int_equal(status.vouchers, need);
}

static void node_that_was_set_back_listens_before_it_speaks(void **state)
{
	struct scene *t = begin_set_back(state);
	for (size_t life = 0; life < 2; life++) {
		greet(&t->n, JIANGSU);
		greet(&t->n, ZHEJIANG);
		if (life == 0)
			feed(t, 5, 7);
		assert_ok(&t->n, node_pass(&t->n, 1000));
		expect_rows(&t->n, 2, "5/shanghai ");
		assert_ok(&t->n, node_restart(&t->n));
	}
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	hear(t, &t->s, 8, SHANGHAI);
	assert_ok(&t->n, node_digest(&t->n, ZHEJIANG));
	be_told(&t->n, ANHUI, NULL, 0);
	assert_ok(&t->n, node_pass(&t->n, 1000));
	expect_rows(&t->n, 2, "5/shanghai 8/shanghai ");
	feed(t, 7, 9);
	assert_int_equal(cosigned(&t->n, t->s.origin, SHANGHAI), 9);
	scene_end(t);
}

/* Who owns a log may have two of it; and with any two of the three others there is one of those who
 * have helped to make it final. */
static void word_of_a_log_s_owner_does_not_count(void **state)
{
	struct scene *t = begin_set_back(state);
	expect_vouched(&t->n, 0, 3);
	be_told(&t->n, JIANGSU, &t->s, 7);
	be_told(&t->n, ZHEJIANG, NULL, 0);
	expect_vouched(&t->n, 2, 3);
	feed(t, 5, 7);
	assert_ok(&t->n, node_pass(&t->n, 10000));
	assert_ok(&t->n, node_digest(&t->n, JIANGSU));
	expect_rows(&t->n, 2, "5/shanghai ");
	be_told(&t->n, OFFICE, NULL, 0);
	expect_rows(&t->n, 2, "5/shanghai 7/shanghai ");
	expect_vouched(&t->n, 0, 0);
	scene_end(t);
}

/* Nor does it matter that they are not all there at once. */
static void word_of_a_peer_that_left_counts(void **state)
{
	struct scene *t = begin_set_back(state);
	be_told(&t->n, ZHEJIANG, NULL, 0);
	assert_ok(&t->n, node_link(&t->n, ZHEJIANG, LINK_DOWN));
	be_told(&t->n, OFFICE, NULL, 0);
	greet(&t->n, JIANGSU);
	feed(t, 5, 7);
	expect_rows(&t->n, 2, "5/shanghai 7/shanghai ");
	scene_end(t);
}

/* That a peer knows no cosignature of ours says nothing before its history is known to be ours. */
static void peer_that_holds_more_counts_once_that_is_here(void **state)
{
	struct scene *t = begin_set_back(state);
	be_told(&t->n, ZHEJIANG, NULL, 0);
	be_told(&t->n, ANHUI, &t->s, 9);
	greet(&t->n, JIANGSU);
	feed(t, 5, 7);
	expect_rows(&t->n, 2, "5/shanghai ");
	feed(t, 7, 8);
	expect_rows(&t->n, 2, "5/shanghai ");
	feed(t, 8, 10);
	expect_rows(&t->n, 2, "5/shanghai 10/shanghai ");
	scene_end(t);
}

static void peer_that_holds_another_history_never_counts(void **state)
{
	struct scene *t = begin_set_back(state);
	struct scribe other;
	part(&other, &t->s);
	be_told(&t->n, ZHEJIANG, NULL, 0);
	be_told(&t->n, ANHUI, &other, 7);
	greet(&t->n, JIANGSU);
	feed(t, 5, 6);
	assert_ok(&t->n, node_pass(&t->n, 10000));
	expect_rows(&t->n, 2, "5/shanghai ");
	(void)node_leaves(&t->n, JIANGSU, &t->s, 6, 9);
	assert_ok(&t->n, node_pass(&t->n, 10000));
	expect_rows(&t->n, 2, "5/shanghai ");
	scribe_release(&other);
	scene_end(t);
}

/* Through one neighbour, or a file: who has cosigned our history helps no other one to be final. */
static void cosignatures_of_others_count_as_far_as_they_go(void **state)
{
	struct scene *t = begin_set_back(state);
	be_told(&t->n, ZHEJIANG, NULL, 0);
	greet(&t->n, JIANGSU);
	feed(t, 5, 7);
	feed(t, 7, 9);
	expect_rows(&t->n, 2, "5/shanghai ");
	struct buf note = {0};
	put_cosigned(t, &t->s, 7, ANHUI, 1000, &note);
	assert_ok(&t->n, say_note(&t->n, ZHEJIANG, buf_bytes(&note)));
	expect_rows(&t->n, 2, "5/shanghai 7/anhui 7/shanghai ");
	assert_ok(&t->n, node_pass(&t->n, 10000));
	assert_int_equal(cosigned(&t->n, t->s.origin, SHANGHAI), 7);
	buf_release(&note);
	scene_end(t);
}

/* A cosignature of ours that is not in our database: it was set back, whoever says so. */
static void own_cosignature_that_is_unknown_here_shows_it(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, JIANGSU);
	feed(t, 0, 5);
	greet(&t->n, ZHEJIANG);
	hear(t, &t->s, 7, SHANGHAI);
	for (size_t life = 0; life < 2; life++) {
		greet(&t->n, JIANGSU);
		feed(t, 5, 9);
		assert_ok(&t->n, node_pass(&t->n, 10000));
		expect_rows(&t->n, 2, "5/shanghai 7/shanghai ");
		assert_ok(&t->n, node_restart(&t->n));
	}
	node_settle(&t->n);
	assert_ok(&t->n, node_pass(&t->n, 1000));
	expect_rows(&t->n, 2, "5/shanghai 7/shanghai 9/shanghai ");
	scene_end(t);
}

/* Nobody said that the disk was lost: for a moment a new node is taken for one that was set back.
 */
static void new_node_cosigns_after_a_moment(void **state)
{
	struct scene *t = begin(state);
	struct node n;
	node_init(&n, t->c, ANHUI);
	assert_ok(&n, node_pass(&n, 60000));
	be_told(&n, JIANGSU, NULL, 0);
	assert_ok(&n, node_leaves(&n, JIANGSU, &t->s, 0, 5));
	assert_ok(&n, node_restart(&n));
	be_told(&n, JIANGSU, &t->s, 5);
	assert_ok(&n, node_pass(&n, 2999));
	expect_rows(&n, 2, "");
	assert_true(replica_deadline(n.replica).v <= n.now.mono.v + 1);
	assert_ok(&n, node_pass(&n, 1));
	expect_rows(&n, 2, "5/anhui ");
	node_release(&n);
	scene_end(t);
}

static void new_node_that_hears_of_an_earlier_life_was_set_back(void **state)
{
	struct scene *t = begin(state);
	struct scribe before;
	struct node n;
	scribe_begin(&before, t->c, ANHUI);
	node_init(&n, t->c, ANHUI);
	be_told(&n, JIANGSU, NULL, 0);
	assert_ok(&n, node_leaves(&n, JIANGSU, &t->s, 0, 5));
	assert_ok(&n, node_link(&n, ZHEJIANG, LINK_UP));
	assert_ok(&n, node_hello(&n, ZHEJIANG, NULL, 0));
	assert_ok(&n, node_leaves(&n, ZHEJIANG, &before, 0, before.n));
	assert_ok(&n, node_pass(&n, 10000));
	assert_int_equal(n.events[EVENT_NEW_EPOCH], 1);
	be_told(&n, ZHEJIANG, NULL, 0);
	expect_rows(&n, 2, "");
	be_told(&n, OFFICE, NULL, 0);
	expect_rows(&n, 2, "5/anhui ");
	scribe_release(&before);
	node_release(&n);
	scene_end(t);
}

/* There is no room for it, so it is let be for a while: all else goes on. */
static void cosignature_that_cannot_be_stored_does_not_stop_the_node(void **state)
{
	struct scene *t = begin(state);
	struct failing_store store;
	struct node n;
	struct store *real;
	assert_int_equal(store_sqlite_open(":memory:", NULL, &real, NULL), RC_OK);
	failing_store_init(&store, real);
	node_init_bare(&n, t->c, SHANGHAI, &store.store);
	assert_ok(&n, node_install_roster(&n));
	node_settle(&n);
	greet(&n, JIANGSU);
	assert_ok(&n, node_leaves(&n, JIANGSU, &t->s, 0, 5));
	assert_ok(&n, node_leaves(&n, JIANGSU, &t->s, 5, 8));
	n.now.mono.v += 200;
	store.fail_at = store.calls + 2; /* begin is not the one */
	assert_rc(&n, node_tick(&n), RC_DISK_FULL);
	expect_rows(&n, 2, "5/shanghai ");
	assert_true(replica_deadline(n.replica).v > n.now.mono.v);
	for (size_t i = 0; i < 4; i++)
		assert_ok(&n, node_pass(&n, 1000));
	expect_rows(&n, 2, "5/shanghai ");
	assert_ok(&n, node_pass(&n, 20000));
	expect_rows(&n, 2, "5/shanghai 8/shanghai ");
	node_release(&n);
	store_sqlite_close(real);
	scene_end(t);
}

/* ---- what is believed ---- */

static void three_of_the_others_make_it_final(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	feed(t, 0, 8);
	hear(t, &t->s, 8, ZHEJIANG);
	assert_int_equal(final_of(&t->n, t->s.origin), 0);
	hear(t, &t->s, 8, ZHEJIANG);
	assert_int_equal(final_of(&t->n, t->s.origin), 0);
	greet(&t->n, ANHUI);
	hear(t, &t->s, 8, ANHUI);
	assert_int_equal(final_of(&t->n, t->s.origin), 8);
	feed(t, 8, 10);
	assert_int_equal(final_of(&t->n, t->s.origin), 8);
	assert_ok(&t->n, node_restart(&t->n));
	assert_int_equal(final_of(&t->n, t->s.origin), 8);
	scene_end(t);
}

static void cosignatures_of_different_sizes_do_not_add_up(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	greet(&t->n, ANHUI);
	feed(t, 0, 8);
	hear(t, &t->s, 7, ZHEJIANG);
	hear(t, &t->s, 6, ANHUI);
	assert_int_equal(final_of(&t->n, t->s.origin), 0);
	scene_end(t);
}

static void cosignature_waits_for_its_leaves(void **state)
{
	struct scene *t = begin(state);
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	greet(&t->n, ANHUI);
	feed(t, 0, 5);
	hear(t, &t->s, 7, ZHEJIANG);
	hear(t, &t->s, 8, ZHEJIANG);
	hear(t, &t->s, 8, ANHUI);
	assert_int_equal(cosigned(&t->n, t->s.origin, ZHEJIANG), 0);
	assert_ok(&t->n, node_pass(&t->n, 200));
	feed(t, 5, 9);
	assert_int_equal(cosigned(&t->n, t->s.origin, ZHEJIANG), 8);
	assert_int_equal(cosigned(&t->n, t->s.origin, SHANGHAI), 8);
	assert_int_equal(final_of(&t->n, t->s.origin), 8);
	scene_end(t);
}

static void lines_under_a_head_count_like_any(void **state)
{
	struct scene *t = begin(state);
	struct buf note = {0};
	greet(&t->n, JIANGSU);
	feed(t, 0, 8);
	put_cosigned(t, &t->s, 8, ZHEJIANG, 1, &note);
	put_line(&t->n, &note, ANHUI, &t->c->member[ANHUI].cosign, 2);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m));
	assert_int_equal(final_of(&t->n, t->s.origin), 8);
	buf_release(&note);
	scene_end(t);
}

/* The same head twice, at different times: nobody said two things. */
static void head_cosigned_twice_is_honest(void **state)
{
	struct scene *t = begin(state);
	struct buf a = {0}, b = {0};
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	feed(t, 0, 8);
	put_cosigned(t, &t->s, 8, ZHEJIANG, 1000, &a);
	put_cosigned(t, &t->s, 8, ZHEJIANG, 2000, &b);
	assert_ok(&t->n, say_note(&t->n, ZHEJIANG, buf_bytes(&a)));
	assert_ok(&t->n, say_note(&t->n, ZHEJIANG, buf_bytes(&b)));
	assert_false(node_log(&t->n, t->s.origin)->forked);
	assert_int_equal(t->n.events[EVENT_FORK] + t->n.events[EVENT_EVIDENCE], 0);
	expect_rows(&t->n, 2, "8/shanghai 8/zhejiang ");
	buf_release(&a);
	buf_release(&b);
	scene_end(t);
}

static void one_who_says_much_displaces_nobody_else(void **state)
{
	struct scene *t = begin(state);
	for (uint64_t i = 0; i < 60; i++)
		scribe_write(
			&t->s, (struct write){.value = value_note("y"), .nonce = 900 + i}, NULL);
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	greet(&t->n, ANHUI);
	feed(t, 0, t->s.n);
	hear(t, &t->s, 3, ANHUI);
	for (size_t size = 4; size <= 60; size++)
		hear(t, &t->s, size, ZHEJIANG);
	expect_rows(&t->n, 2,
		"3/anhui 53/zhejiang 54/zhejiang 55/zhejiang 56/zhejiang 57/zhejiang 58/zhejiang "
		"59/zhejiang 60/zhejiang 72/shanghai ");
	scene_end(t);
}

/* ---- hostile ones ---- */

static void expect_refused(
	struct scene *t, int member, const struct key *k, uint64_t time, int want)
{
	struct buf note = {0};
	scribe_head(&t->s, 8, &note);
	put_line(&t->n, &note, member, k, time);
	assert_rc(&t->n, say_note(&t->n, ZHEJIANG, buf_bytes(&note)), want);
	buf_release(&note);
}

static void cosignature_that_is_not_its_member_s_is_refused(void **state)
{
	struct scene *t = begin(state);
	struct buf note = {0}, other = {0};
	greet(&t->n, JIANGSU);
	feed(t, 0, 8);
	/* The line of another head. */
	put_cosigned(t, &t->s, 7, ZHEJIANG, 1000, &other);
	scribe_head(&t->s, 7, &note);
	size_t head = note.n;
	buf_reset(&note);
	scribe_head(&t->s, 8, &note);
	buf_put(&note, other.p + head, other.n - head);
	greet(&t->n, ZHEJIANG);
	assert_rc(&t->n, say_note(&t->n, ZHEJIANG, buf_bytes(&note)), RC_PEER_HEAD);
	/* Time 0; and one for the member's own log. */
	greet(&t->n, ZHEJIANG);
	expect_refused(t, ZHEJIANG, &t->c->member[ZHEJIANG].cosign, 0, RC_PEER_HEAD);
	greet(&t->n, ZHEJIANG);
	expect_refused(t, JIANGSU, &t->c->member[JIANGSU].cosign, 1000, RC_PEER_HEAD);
	greet(&t->n, ZHEJIANG);
	assert_rc(&t->n, say_note(&t->n, ZHEJIANG, bytes_str("nothing")), RC_PEER_HEAD);
	expect_rows(&t->n, 2, "8/shanghai ");
	buf_release(&note);
	buf_release(&other);
	scene_end(t);
}

/* The same wrong line under a head that is announced says nothing about who announces it. */
static void wrong_line_under_a_head_is_passed_over(void **state)
{
	struct scene *t = begin(state);
	struct buf note = {0};
	greet(&t->n, ZHEJIANG);
	greet(&t->n, JIANGSU);
	feed(t, 0, 8);
	put_cosigned(t, &t->s, 8, ZHEJIANG, 0, &note);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m));
	expect_rows(&t->n, 2, "8/shanghai ");
	buf_release(&note);
	scene_end(t);
}

static void cosignature_by_a_stranger_is_passed_over(void **state)
{
	struct scene *t = begin(state);
	struct buf note = {0}, line = {0};
	struct note n;
	struct vkey v;
	struct key *k = &t->c->member[ANHUI].operator[1];
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	feed(t, 0, 8);
	scribe_head(&t->s, 8, &note);
	assert_int_equal(note_parse(buf_bytes(&note), &n, NULL), RC_OK);
	assert_int_equal(vkey_make(&v, "somebody", NOTE_COSIGNATURE, k->public, NULL), RC_OK);
	note_put_cosignature(&line, &v, k, n.text, 1000);
	buf_put_bytes(&note, buf_bytes(&line));
	assert_ok(&t->n, say_note(&t->n, ZHEJIANG, buf_bytes(&note)));
	expect_rows(&t->n, 2, "8/shanghai ");
	buf_release(&note);
	buf_release(&line);
	scene_end(t);
}

/* A full note of lines by nobody leaves no room for ours; it is left out of what we say. */
static void head_with_as_many_lines_as_can_be_is_cosigned(void **state)
{
	struct scene *t = begin(state);
	struct buf note = {0};
	struct bytes leaves[8];
	scribe_head(&t->s, 8, &note);
	for (size_t i = 1; i < NOTE_SIGNATURES_MAX; i++)
		buf_printf(&note, "\xe2\x80\x94 nobody%u AAAAAAA=\n", (unsigned)i);
	greet(&t->n, JIANGSU);
	for (size_t i = 0; i < 8; i++)
		leaves[i] = buf_bytes(&t->s.leaf[i]);
	struct message m = {.kind = MESSAGE_LEAVES};
	m.leaves.origin = bytes_str(t->s.origin);
	m.leaves.leaves = leaves;
	m.leaves.n = 8;
	m.leaves.head = buf_bytes(&note);
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m));
	assert_int_equal(said_to(&t->n, JIANGSU, JIANGSU), 8);
	buf_release(&note);
	scene_end(t);
}

static void cosignature_of_another_root_is_evidence_against_the_owner(void **state)
{
	struct scene *t = begin(state);
	struct scribe other;
	part(&other, &t->s);
	greet(&t->n, JIANGSU);
	greet(&t->n, ZHEJIANG);
	feed(t, 0, 10);
	hear(t, &other, 7, ZHEJIANG);
	assert_true(node_log(&t->n, t->s.origin)->forked);
	assert_int_equal(t->n.events[EVENT_EVIDENCE], 1);
	assert_int_equal(cosigned(&t->n, t->s.origin, ZHEJIANG), 0);
	/* Nothing more is said of it. */
	hear(t, &t->s, 12, ANHUI);
	assert_ok(&t->n, node_pass(&t->n, 1000));
	assert_int_equal(final_of(&t->n, t->s.origin), 0);
	scribe_release(&other);
	scene_end(t);
}

/* ---- between nodes ---- */

/* Only zhejiang's node knows anybody: what the four others say goes through it. */
static void all_reach_final_through_one_neighbour(void **state)
{
	struct node n[CLUSTER_MEMBERS];
	char origin[ORIGIN_SIZE];
	for (int i = 0; i < CLUSTER_MEMBERS; i++)
		node_init(&n[i], *state, i);
	assert_ok(&n[JIANGSU],
		node_delegate(&n[JIANGSU], &n[JIANGSU].c->member[JIANGSU].operator[0], NULL, 0));
	assert_ok(&n[JIANGSU],
		node_write(&n[JIANGSU], (struct write){.value = value_note("x")}, NULL));
	memcpy(origin, node_origin(&n[JIANGSU]), sizeof(origin));
	for (int i = 0; i < CLUSTER_MEMBERS; i++) {
		if (i == ZHEJIANG)
			continue;
		assert_ok(&n[i], node_link(&n[i], ZHEJIANG, LINK_UP));
		assert_ok(&n[ZHEJIANG], node_link(&n[ZHEJIANG], i, LINK_UP));
	}
	/* They are new: for 3 s nobody but their neighbour says a thing. */
	for (size_t round = 0; round < 160; round++)
		for (int i = 0; i < CLUSTER_MEMBERS; i++) {
			if (i != ZHEJIANG)
				node_exchange(&n[ZHEJIANG], &n[i]);
			assert_ok(&n[i], node_pass(&n[i], 25));
		}
	for (int i = 0; i < CLUSTER_MEMBERS; i++) {
		assert_int_equal(final_of(&n[i], origin), 3);
		assert_int_equal(final_of(&n[i], node_origin(&n[OFFICE])), 1);
		for (int m = 0; m < CLUSTER_MEMBERS; m++)
			assert_int_equal(cosigned(&n[i], origin, m), m == JIANGSU ? 0 : 3);
		assert_int_equal(n[i].events[EVENT_REFUSED], 0);
	}
	/* Then it is quiet. */
	for (int i = 0; i < CLUSTER_MEMBERS; i++)
		for (int p = 0; p < CLUSTER_MEMBERS; p++)
			assert_int_equal(i == p ? 0 : node_drain(&n[i], p), 0);
	for (int i = 0; i < CLUSTER_MEMBERS; i++)
		node_release(&n[i]);
}

/* With one dishonest member two views never both become final: each honest witness says one. */
static void two_histories_do_not_both_become_final(void **state)
{
	struct scene *t = begin(state);
	struct node other;
	struct scribe y;
	node_init(&other, t->c, ANHUI);
	part(&y, &t->s);
	greet(&t->n, JIANGSU);
	feed(t, 0, 7);
	node_feed(&other, &y);
	node_meet(&t->n, &other);
	assert_true(node_log(&t->n, t->s.origin)->forked);
	assert_true(node_log(&other, t->s.origin)->forked);
	assert_int_equal(cosigned(&t->n, t->s.origin, ANHUI), 0);
	assert_int_equal(cosigned(&other, t->s.origin, SHANGHAI), 0);
	assert_int_equal(t->n.events[EVENT_REFUSED] + other.events[EVENT_REFUSED], 0);
	scribe_release(&y);
	node_release(&other);
	scene_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_of_another_member_is_cosigned_when_it_is_committed),
		cmocka_unit_test(own_log_is_never_cosigned),
		cmocka_unit_test(what_was_said_is_known_after_a_restart),
		cmocka_unit_test(log_is_cosigned_at_most_every_200_ms_and_then_at_its_newest),
		cmocka_unit_test(witness_goes_where_another_was_first),
		cmocka_unit_test(smaller_size_is_never_cosigned_after_a_larger_one),
		cmocka_unit_test(what_we_once_said_binds_us),
		cmocka_unit_test(node_that_was_set_back_listens_before_it_speaks),
		cmocka_unit_test(word_of_a_log_s_owner_does_not_count),
		cmocka_unit_test(word_of_a_peer_that_left_counts),
		cmocka_unit_test(peer_that_holds_more_counts_once_that_is_here),
		cmocka_unit_test(peer_that_holds_another_history_never_counts),
		cmocka_unit_test(cosignatures_of_others_count_as_far_as_they_go),
		cmocka_unit_test(own_cosignature_that_is_unknown_here_shows_it),
		cmocka_unit_test(new_node_cosigns_after_a_moment),
		cmocka_unit_test(new_node_that_hears_of_an_earlier_life_was_set_back),
		cmocka_unit_test(cosignature_that_cannot_be_stored_does_not_stop_the_node),
		cmocka_unit_test(three_of_the_others_make_it_final),
		cmocka_unit_test(cosignatures_of_different_sizes_do_not_add_up),
		cmocka_unit_test(cosignature_waits_for_its_leaves),
		cmocka_unit_test(lines_under_a_head_count_like_any),
		cmocka_unit_test(head_cosigned_twice_is_honest),
		cmocka_unit_test(one_who_says_much_displaces_nobody_else),
		cmocka_unit_test(cosignature_that_is_not_its_member_s_is_refused),
		cmocka_unit_test(wrong_line_under_a_head_is_passed_over),
		cmocka_unit_test(cosignature_by_a_stranger_is_passed_over),
		cmocka_unit_test(head_with_as_many_lines_as_can_be_is_cosigned),
		cmocka_unit_test(cosignature_of_another_root_is_evidence_against_the_owner),
		cmocka_unit_test(all_reach_final_through_one_neighbour),
		cmocka_unit_test(two_histories_do_not_both_become_final),
	};
	return cmocka_run_group_tests_name("core witness", tests, core_set_up, core_tear_down);
}
