/* Logs in bulk: what an audit finds leaves the very state of a node that checked every signature on
 * arrival. */
#include "tests/lib/core_test.h"

#include <stdio.h>

#include "daemon/core/state.h"
#include "tests/lib/roster_fixture.h"

/* ---- what a node holds, as text ---- */

struct dump {
	struct node *n;
	struct buf out;
};

static const char *origin_by_id(struct node *n, uint32_t id)
{
	return log_by_id(n->replica, id)->row.origin;
}

static int dump_log(void *arg, const struct store_log *l)
{
	struct dump *d = arg;
	if (strstr(l->origin, "shanghai") == NULL) /* the nodes' own are not the same */
		buf_printf(&d->out, "log %s size %u hlc %llx voids %u audited %u\n", l->origin,
			(unsigned)l->size, (unsigned long long)l->hlc, (unsigned)l->voids,
			(unsigned)l->audited);
	return 0;
}

static int dump_finding(
	void *arg, uint32_t log, uint64_t index, enum verdict v, enum void_code code)
{
	struct dump *d = arg;
	buf_printf(&d->out, "finding %s %u %s %s\n", origin_by_id(d->n, log), (unsigned)index,
		verdict_name(v), v == VERDICT_VOID ? void_code_name(code) : "-");
	return 0;
}

static int dump_change(
	void *arg, const struct store_register *g, const struct store_change *c, struct bytes leaf)
{
	struct dump *d = arg;
	(void)leaf;
	buf_printf(&d->out, "change %.*s %u %.*s %02x%02x%02x %s %u %s %s superseded %u\n",
		(int)g->task.n, (const char *)g->task.p, g->slot, (int)g->holder.n,
		(const char *)g->holder.p, c->id.b[0], c->id.b[1], c->id.b[2],
		origin_by_id(d->n, c->log), (unsigned)c->index, verdict_name(c->verdict),
		c->verdict == VERDICT_VOID ? void_code_name(c->void_code) : "-", c->superseded);
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Log ids go by arrival: the lines are sorted, so that they do not matter. */
static char *sorted(struct buf *b)
{
	char *line[4096], *out = xalloc(b->n + 1);
	size_t n = 0, at = 0;
	buf_put_u8(b, 0);
	for (char *p = strtok((char *)b->p, "\n"); p != NULL; p = strtok(NULL, "\n")) {
		ENSURE(n < 4096);
		line[n++] = p;
	}
	qsort(line, n, sizeof(*line), compare_lines);
	for (size_t i = 0; i < n; i++)
		at += (size_t)sprintf(out + at, "%s\n", line[i]);
	buf_release(b);
	return out;
}

static char *dump_node(struct node *n)
{
	struct dump d = {.n = n};
	struct store_filter all = {0};
	struct ctl_status status;
	struct hash view = node_view(n);
	struct store *s = n->store;
	assert_int_equal(s->ops->log_each(s, dump_log, &d, NULL), RC_OK);
	assert_int_equal(s->ops->finding_each(s, dump_finding, &d, NULL), RC_OK);
	assert_int_equal(s->ops->change_each(s, &all, dump_change, &d, NULL), RC_OK);
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	buf_printf(&d.out, "view %02x%02x%02x%02x pending %u conflicts %u unknown %u\n", view.b[0],
		view.b[1], view.b[2], view.b[3], (unsigned)status.pending,
		(unsigned)status.conflicts, (unsigned)status.unknown);
	return sorted(&d.out);
}

static void assert_same_state(struct node *a, struct node *b, unsigned seed)
{
	char *x = dump_node(a), *y = dump_node(b);
	char *a_at = x, *b_at = y;
	while (*a_at != '\0' && *a_at == *b_at) {
		a_at++;
		b_at++;
	}
	if (*a_at != *b_at) {
		while (a_at > x && a_at[-1] != '\n') {
			a_at--;
			b_at--;
		}
		fail_msg(
			"seed %u: checked on arrival:\n%.300s\naudited:\n%.300s", seed, a_at, b_at);
	}
	free(x);
	free(y);
}

/* ---- planting ---- */

static size_t append_signed(struct scribe *s, const struct signature *g)
{
	return scribe_leaf(s, (struct leaf){.kind = LEAF_CHANGE, .signed_body = g->s});
}

static void spoil(struct signature *g)
{
	g->raw[3] ^= 1;
}

/* As scribe_write_as, with the signature broken. */
static size_t plant(struct scribe *s, const struct key *k, struct write w, struct hash *id)
{
	struct signature g;
	w.nonce = w.nonce != 0 ? w.nonce : 5000 + s->n;
	sign_write(s->c, k, &w, s->c->member[s->member].slug, &g);
	spoil(&g);
	if (id != NULL)
		*id = g.id;
	size_t at = append_signed(s, &g);
	signature_release(&g);
	return at;
}

static const struct key *operator_of(const struct scribe *s)
{
	return &s->c->member[s->member].operator[0];
}

static void feed_bulk(struct node *n, const struct scribe *s)
{
	n->bulk = true;
	node_feed(n, s);
	n->bulk = false;
}

static struct write task_write(const char *lead, const struct hash *old)
{
	return (struct write){
		.value = value_task(lead), .supersedes = old, .n_supersedes = old != NULL};
}

/* ---- one by one ---- */

static void bulk_log_is_audited_through_where_nothing_was_assumed(void **state)
{
	struct scribe s;
	struct node n;
	scribe_begin(&s, *state, OFFICE);
	scribe_write(&s, task_write("jiangsu", NULL), NULL);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &s);
	assert_int_equal(node_log(&n, s.origin)->audited, 2); /* the Open and the delegation */
	assert_true(replica_audit_is_due(n.replica));
	node_audit(&n);
	assert_int_equal(node_log(&n, s.origin)->audited, 3);
	assert_false(replica_audit_is_due(n.replica));
	node_release(&n);
	scribe_release(&s);
}

static void leaves_examined_in_full_are_audited_as_they_come(void **state)
{
	struct scribe s;
	struct node n;
	scribe_begin(&s, *state, OFFICE);
	scribe_write(&s, task_write("jiangsu", NULL), NULL);
	node_init(&n, *state, SHANGHAI);
	node_feed(&n, &s);
	assert_int_equal(node_log(&n, s.origin)->audited, 3);
	assert_false(replica_audit_is_due(n.replica));
	node_release(&n);
	scribe_release(&s);
}

static void bad_signature_is_voided_and_what_it_superseded_is_current_again(void **state)
{
	struct scribe s;
	struct node n;
	struct hash first, bad;
	scribe_begin(&s, *state, OFFICE);
	scribe_write(&s, task_write("jiangsu", NULL), &first);
	size_t at = plant(&s, operator_of(&s), task_write("anhui", &first), &bad);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &s);
	assert_effective(&n, &s, at);
	node_audit(&n);
	assert_void(&n, &s, at, VOID_SIGNATURE);
	assert_true(node_is_current(&n, &first));
	assert_false(node_is_current(&n, &bad));
	assert_int_equal(node_log(&n, s.origin)->findings, 1);
	assert_int_equal(n.events[EVENT_BAD_SIGNATURE], 1);
	assert_non_null(strstr(n.said[EVENT_BAD_SIGNATURE], "leaf 3"));
	node_release(&n);
	scribe_release(&s);
}

static void what_acts_under_a_bad_signature_waits_for_a_good_one(void **state)
{
	struct scribe office, jiangsu;
	struct node n;
	struct hash plan;
	struct signature g;
	scribe_begin(&office, *state, OFFICE);
	scribe_begin(&jiangsu, *state, JIANGSU);
	struct write w = {.value = value_task("jiangsu"), .nonce = 77};
	sign_write(*state, operator_of(&office), &w, "office", &g);
	plan = g.id;
	spoil(&g);
	append_signed(&office, &g);
	size_t report = scribe_write(
		&jiangsu, (struct write){.value = value_report(10), .under = &plan}, NULL);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &office);
	feed_bulk(&n, &jiangsu);
	assert_effective(&n, &jiangsu, report);
	node_audit(&n);
	assert_verdict(&n, &jiangsu, report, VERDICT_PENDING, VOID_NONE);
	spoil(&g); /* good again */
	append_signed(&office, &g);
	node_feed(&n, &office);
	assert_effective(&n, &jiangsu, report);
	signature_release(&g);
	node_release(&n);
	scribe_release(&office);
	scribe_release(&jiangsu);
}

static void repeat_of_a_bad_signature_becomes_the_change(void **state)
{
	struct scribe s;
	struct node n;
	struct signature g;
	scribe_begin(&s, *state, OFFICE);
	struct write w = {.value = value_task("jiangsu"), .nonce = 9};
	sign_write(*state, operator_of(&s), &w, "office", &g);
	spoil(&g);
	size_t bad = append_signed(&s, &g), bad_too = append_signed(&s, &g);
	spoil(&g);
	size_t good = append_signed(&s, &g), again = append_signed(&s, &g);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &s);
	assert_effective(&n, &s, bad);
	assert_void(&n, &s, good, VOID_REPEAT);
	node_audit(&n);
	assert_void(&n, &s, bad, VOID_SIGNATURE);
	assert_void(&n, &s, bad_too, VOID_SIGNATURE);
	assert_effective(&n, &s, good);
	assert_void(&n, &s, again, VOID_REPEAT);
	assert_true(node_is_current(&n, &g.id));
	assert_int_equal(node_log(&n, s.origin)->findings, 3);
	signature_release(&g);
	node_release(&n);
	scribe_release(&s);
}

/* ---- what is shown ---- */

static int count_entry(void *arg, const struct ctl_entry *entry)
{
	size_t *n = arg;
	assert_false(entry->current && entry->unaudited);
	n[entry->current]++;
	n[2] += entry->unaudited;
	return 0;
}

static void query_all(struct node *n, bool history, size_t count[3])
{
	struct ctl_query q = {.any_task = true, .any_holder = true, .history = history};
	memset(count, 0, 3 * sizeof(*count));
	assert_ok(n, replica_query(n->replica, &q, count_entry, count, &n->e));
}

static void bad_signature_is_never_shown_as_current(void **state)
{
	struct scribe s;
	struct node n;
	struct hash first;
	size_t count[3];
	scribe_begin(&s, *state, OFFICE);
	scribe_write(&s, task_write("jiangsu", NULL), &first);
	plant(&s, operator_of(&s), task_write("anhui", &first), NULL);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &s);
	query_all(&n, false, count);
	assert_int_equal(count[1], 0); /* the planted one is hidden, and has hidden the first */
	assert_int_equal(replica_deadline(n.replica).v, 0);
	assert_ok(&n, node_tick(&n));
	assert_int_equal(n.events[EVENT_BAD_SIGNATURE], 1);
	assert_true(replica_deadline(n.replica).v > 0);
	query_all(&n, false, count);
	assert_int_equal(count[1], 1);
	assert_true(node_is_current(&n, &first));
	node_audit(&n);
	assert_int_equal(node_log(&n, s.origin)->findings, 1);
	assert_int_equal(n.events[EVENT_BAD_SIGNATURE], 1);
	node_release(&n);
	scribe_release(&s);
}

static void more_bad_signatures_than_are_remembered_are_found_in_turn(void **state)
{
	struct scribe s;
	struct node n;
	size_t count[3];
	scribe_begin(&s, *state, JIANGSU);
	for (size_t i = 0; i < AUDIT_DOUBTS + 10; i++)
		plant(&s, operator_of(&s), (struct write){.value = value_note("x")}, NULL);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &s);
	for (size_t i = 0; i < 2; i++) {
		query_all(&n, false, count);
		query_all(&n, false, count); /* asked twice, found once */
		assert_int_equal(count[1], 0);
		assert_ok(&n, node_tick(&n));
		assert_int_equal(node_findings(&n), i == 0 ? AUDIT_DOUBTS : AUDIT_DOUBTS + 10);
	}
	node_release(&n);
	scribe_release(&s);
}

static void repeat_in_an_audited_epoch_takes_the_place_of_a_bad_signature(void **state)
{
	struct scribe one, two;
	struct node n;
	struct signature g;
	struct write w = {.value = value_note("x"), .nonce = 77};
	scribe_begin(&one, *state, JIANGSU);
	sign_write(*state, operator_of(&one), &w, "jiangsu", &g);
	spoil(&g);
	size_t bad = append_signed(&one, &g);
	scribe_init(&two, *state, JIANGSU, 2);
	scribe_open(&two, OPEN_ROTATE, &one);
	spoil(&g);
	size_t good = append_signed(&two, &g);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &one);
	node_feed(&n, &two);
	assert_void(&n, &two, good, VOID_REPEAT);
	node_audit(&n);
	assert_void(&n, &one, bad, VOID_SIGNATURE);
	assert_effective(&n, &two, good);
	assert_true(node_is_current(&n, &g.id));
	signature_release(&g);
	node_release(&n);
	scribe_release(&one);
	scribe_release(&two);
}

static void history_says_what_is_not_audited(void **state)
{
	struct scribe s;
	struct node n;
	struct hash first;
	size_t count[3];
	scribe_begin(&s, *state, OFFICE);
	scribe_write(&s, task_write("jiangsu", NULL), &first);
	scribe_write(&s, task_write("anhui", &first), NULL);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &s);
	query_all(&n, true, count);
	assert_int_equal(count[0], 1);
	assert_int_equal(count[1], 1);
	assert_int_equal(count[2], 1);
	node_audit(&n);
	query_all(&n, true, count);
	assert_int_equal(count[0] + count[1], 2);
	assert_int_equal(count[2], 0);
	node_release(&n);
	scribe_release(&s);
}

/* ---- provisional ---- */

static void view_is_compared_with_nobody_until_the_audit_is_done(void **state)
{
	struct scribe s;
	struct node n;
	struct outbound out;
	struct ctl_status status;
	scribe_begin(&s, *state, OFFICE);
	plant(&s, operator_of(&s), task_write("anhui", NULL), NULL);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &s);
	struct log_size sizes[] = {{bytes_str(s.origin), 3},
		{bytes_str(node_origin(&n)), node_size(&n, node_origin(&n))}};
	static const struct hash other = {{9}};
	struct message m = {.kind = MESSAGE_VIEW_DIGEST};
	m.digest.rules_version = RULES_VERSION;
	m.digest.sizes = sizes;
	m.digest.n = 2;
	m.digest.view_root = hash_bytes(&other);
	assert_ok(&n, node_recv(&n, OFFICE, &m));
	assert_int_equal(n.events[EVENT_DIVERGED], 0);
	assert_ok(&n, replica_status(n.replica, n.now, &status, &n.e));
	assert_true(status.provisional);
	assert_int_equal(status.peers[0].agree, AGREE_UNKNOWN);
	assert_ok(&n, node_pass(&n, 100));
	assert_true(node_next(&n, OFFICE, MESSAGE_VIEW_DIGEST, &out));
	assert_int_equal(out.msg.digest.rules_version, RULES_PROVISIONAL);
	assert_int_equal(out.msg.digest.n, 2);

	node_audit(&n);
	assert_ok(&n, node_pass(&n, 100));
	assert_int_equal(n.events[EVENT_DIVERGED], 1);
	assert_true(node_next(&n, OFFICE, MESSAGE_VIEW_DIGEST, &out));
	assert_int_equal(out.msg.digest.rules_version, RULES_VERSION);
	struct hash view = node_view(&n);
	assert_true(bytes_equal(out.msg.digest.view_root, hash_bytes(&view)));
	assert_ok(&n, replica_status(n.replica, n.now, &status, &n.e));
	assert_false(status.provisional);
	assert_int_equal(status.peers[0].agree, AGREE_NO);
	node_release(&n);
	scribe_release(&s);
}

static void peer_that_is_provisional_neither_agrees_nor_differs(void **state)
{
	struct node n;
	struct ctl_status status;
	static const struct hash none;
	node_init(&n, *state, SHANGHAI);
	node_greet(&n, JIANGSU);
	struct log_size size = {bytes_str(node_origin(&n)), node_size(&n, node_origin(&n))};
	struct message m = {.kind = MESSAGE_VIEW_DIGEST};
	m.digest.rules_version = RULES_PROVISIONAL;
	m.digest.sizes = &size;
	m.digest.n = 1;
	m.digest.view_root = hash_bytes(&none);
	assert_ok(&n, node_recv(&n, JIANGSU, &m));
	assert_ok(&n, replica_status(n.replica, n.now, &status, &n.e));
	assert_int_equal(status.peers[1].agree, AGREE_UNKNOWN);
	assert_int_equal(status.peers[1].view_root.n, 0);
	assert_int_equal(n.events[EVENT_DIVERGED], 0);
	size.size++;
	assert_ok(&n, node_recv(&n, JIANGSU, &m));
	assert_ok(&n, replica_status(n.replica, n.now, &status, &n.e));
	assert_int_equal(status.peers[1].agree, AGREE_DIFFERENT_LOGS);
	node_release(&n);
}

static void log_is_cosigned_when_it_is_audited(void **state)
{
	struct scribe s;
	struct node n;
	struct outbound out;
	scribe_begin(&s, *state, OFFICE);
	scribe_write(&s, task_write("jiangsu", NULL), NULL);
	node_init(&n, *state, SHANGHAI);
	node_settle(&n);
	node_greet(&n, JIANGSU);
	feed_bulk(&n, &s);
	assert_ok(&n, node_pass(&n, 1000));
	assert_false(node_next(&n, JIANGSU, MESSAGE_COSIGNATURE, &out));
	node_audit(&n);
	assert_ok(&n, node_tick(&n));
	assert_true(node_next(&n, JIANGSU, MESSAGE_COSIGNATURE, &out));
	node_release(&n);
	scribe_release(&s);
}

/* ---- restarts ---- */

static void audit_goes_on_after_a_restart(void **state)
{
	struct scribe s;
	struct node n;
	scribe_begin(&s, *state, OFFICE);
	for (size_t i = 0; i < 6; i++)
		scribe_write(&s, (struct write){.value = value_note("a note")}, NULL);
	size_t at = plant(&s, operator_of(&s), task_write("anhui", NULL), NULL);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &s);
	assert_true(node_audit_piece(&n, 3));
	assert_int_equal(node_log(&n, s.origin)->audited, 5);
	assert_ok(&n, node_restart(&n));
	assert_int_equal(node_log(&n, s.origin)->audited, 5);
	assert_true(replica_audit_is_due(n.replica));
	node_audit(&n);
	assert_void(&n, &s, at, VOID_SIGNATURE);
	assert_int_equal(node_log(&n, s.origin)->audited, s.n);
	node_release(&n);
	scribe_release(&s);
}

static void piece_that_a_rollback_overtook_is_passed_over(void **state)
{
	struct scribe s;
	struct node n;
	struct audit_piece p = {0};
	struct examined x[8] = {0};
	scribe_begin(&s, *state, OFFICE);
	scribe_write(&s, task_write("anhui", NULL), NULL);
	node_init(&n, *state, SHANGHAI);
	feed_bulk(&n, &s);
	assert_ok(&n, replica_audit_next(n.replica, &p, &n.e));
	assert_int_equal(p.first, 2);
	assert_int_equal(p.n, 1);
	node_audit(&n);
	assert_ok(&n, replica_begin(n.replica, &n.e));
	assert_ok(&n, replica_audit_done(n.replica, &p, x, &n.e)); /* says that it is bad */
	p.log = 99;
	assert_ok(&n, replica_audit_done(n.replica, &p, x, &n.e));
	assert_ok(&n, replica_commit(n.replica, n.now, &n.e));
	assert_effective(&n, &s, 2);
	audit_piece_release(&p);
	node_release(&n);
	scribe_release(&s);
}

/* ---- which logs come in bulk ---- */

static void only_a_log_far_behind_comes_in_bulk(void **state)
{
	struct scribe s;
	struct node n;
	scribe_begin(&s, *state, OFFICE);
	for (size_t i = 0; i < AUDIT_BULK_LEAVES; i++)
		scribe_raw(&s, bytes_str("no leaf"));
	node_init(&n, *state, SHANGHAI);
	node_greet(&n, OFFICE);
	assert_false(replica_is_bulk(n.replica, bytes_str(s.origin)));
	assert_ok(&n, node_head(&n, OFFICE, &s, AUDIT_BULK_LEAVES));
	assert_false(replica_is_bulk(n.replica, bytes_str(s.origin)));
	assert_ok(&n, node_head(&n, OFFICE, &s, AUDIT_BULK_LEAVES + 1));
	assert_true(replica_is_bulk(n.replica, bytes_str(s.origin)));
	assert_ok(&n, node_leaves(&n, OFFICE, &s, 0, 2));
	assert_false(replica_is_bulk(n.replica, bytes_str(s.origin)));
	node_release(&n);
	scribe_release(&s);
}

/* ---- everything at random ---- */

#define HISTORIES 4
#define LEAVES 26
#define IDS 64

struct dice {
	uint64_t at;
};

static unsigned roll(struct dice *d, unsigned n)
{
	d->at = d->at * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(d->at >> 33) % n;
}

struct world {
	const struct cluster *c;
	struct dice dice;
	struct scribe log[HISTORIES];
	struct hash id[IDS]; /* of changes written so far, of any member */
	size_t n_ids;
	struct signature signature[HISTORIES * LEAVES];
	int author[HISTORIES * LEAVES];
	size_t n_signatures;
};

static const struct hash *some_id(struct world *w)
{
	static const struct hash nowhere = {{0xee}};
	return w->n_ids == 0 || roll(&w->dice, 9) == 0 ? &nowhere
						       : &w->id[roll(&w->dice, (unsigned)w->n_ids)];
}

static struct write some_write(struct world *w, int member, struct hash *old)
{
	static const char *const tasks[] = {"3-05", "3-06"};
	struct write x = {.task = tasks[roll(&w->dice, 2)], .nonce = 1000 + w->n_signatures};
	unsigned what = roll(&w->dice, 10);
	*old = *some_id(w);
	if (roll(&w->dice, 2) == 0) {
		x.supersedes = old;
		x.n_supersedes = 1;
	}
	if (member == OFFICE && what < 7) {
		x.value = value_task(roll(&w->dice, 2) ? "jiangsu" : "anhui");
	} else if (what < 7) {
		x.value = value_report(roll(&w->dice, 100));
		x.under = some_id(w);
	} else if (what < 9) {
		x.value = value_note(what == 7 ? "a note" : "");
		x.under = what == 8 ? some_id(w) : NULL;
	} else {
		x.slot = 77; /* of a newer version */
		x.value_bytes = bytes_str("v");
	}
	return x;
}

static void remember(struct world *w, const struct hash *id)
{
	if (w->n_ids < IDS)
		w->id[w->n_ids++] = *id;
}

static void put_change(struct world *w, struct scribe *s)
{
	struct signature *g = &w->signature[w->n_signatures];
	struct hash old;
	struct write x = some_write(w, s->member, &old);
	const struct cluster_member *m = &w->c->member[s->member];
	sign_write(w->c, &m->operator[roll(&w->dice, 2)], &x, m->slug, g);
	w->author[w->n_signatures++] = s->member;
	remember(w, &g->id);
	bool bad = roll(&w->dice, 3) == 0;
	if (bad)
		spoil(g);
	append_signed(s, g);
	if (bad)
		spoil(g);
}

/* The same body once more, whosever it is, with a good signature or a bad one. */
static void put_repeat(struct world *w, struct scribe *s)
{
	if (w->n_signatures == 0)
		return;
	size_t i = roll(&w->dice, (unsigned)w->n_signatures);
	bool bad = roll(&w->dice, 2) == 0;
	if (bad)
		spoil(&w->signature[i]);
	append_signed(s, &w->signature[i]);
	if (bad)
		spoil(&w->signature[i]);
}

static void put_leaf(struct world *w, struct scribe *s)
{
	const struct cluster_member *m = &w->c->member[s->member];
	unsigned what = roll(&w->dice, 12);
	if (what == 0)
		scribe_revoke(
			s, &m->operator[roll(&w->dice, 2)], roll(&w->dice, (unsigned)s->n + 1));
	else if (what == 1)
		scribe_delegate(s, &m->operator[roll(&w->dice, 2)], NULL, 0);
	else if (what < 6)
		put_repeat(w, s);
	else
		put_change(w, s);
}

/* The office, jiangsu in two epochs, anhui. */
static void world_init(struct world *w, const struct cluster *c, unsigned seed)
{
	*w = (struct world){.c = c, .dice = {seed}};
	for (unsigned i = 0; i < 10; i++)
		(void)roll(&w->dice, 2);
	scribe_begin(&w->log[0], c, OFFICE);
	scribe_begin(&w->log[1], c, JIANGSU);
	scribe_begin(&w->log[2], c, ANHUI);
	for (size_t i = 0; i < 3 * LEAVES / 2; i++)
		put_leaf(w, &w->log[roll(&w->dice, 3)]);
	scribe_init(&w->log[3], c, JIANGSU, 2);
	scribe_open(&w->log[3], OPEN_RESTORE, &w->log[1]);
	for (size_t i = 0; i < 2 * LEAVES / 2; i++)
		put_leaf(w, &w->log[roll(&w->dice, HISTORIES)]);
}

static void world_release(struct world *w)
{
	for (size_t i = 0; i < HISTORIES; i++)
		scribe_release(&w->log[i]);
	for (size_t i = 0; i < w->n_signatures; i++)
		signature_release(&w->signature[i]);
}

static void greet_all(struct node *n)
{
	for (int p = 0; p < CLUSTER_MEMBERS; p++)
		if (p != SHANGHAI)
			node_greet(n, p);
}

/* All logs in parts, in any order of the parts. */
static void deliver_all(struct world *w, struct node *n, bool lazy)
{
	size_t at[HISTORIES] = {0}, left = 0;
	for (size_t i = 0; i < HISTORIES; i++)
		left += w->log[i].n;
	greet_all(n);
	while (left > 0) {
		size_t i = roll(&w->dice, HISTORIES), rest = w->log[i].n - at[i];
		if (rest == 0)
			continue;
		size_t take = 1 + roll(&w->dice, (unsigned)rest);
		n->bulk = lazy && roll(&w->dice, 3) > 0;
		assert_ok(n, node_leaves(n, w->log[i].member, &w->log[i], at[i], at[i] + take));
		at[i] += take;
		left -= take;
		if (lazy && roll(&w->dice, 3) == 0)
			(void)node_audit_piece(n, 1 + roll(&w->dice, 8));
		if (lazy && roll(&w->dice, 4) == 0) {
			size_t count[3];
			query_all(n, true, count);
		}
		if (lazy && roll(&w->dice, 4) == 0)
			assert_ok(n, node_tick(n));
		if (lazy && roll(&w->dice, 8) == 0) {
			assert_ok(n, node_restart(n));
			greet_all(n);
		}
	}
	n->bulk = false;
}

/* Jiangsu's first log ends somewhere before its end. */
static void end_a_log(const struct world *w, uint64_t below, struct node *n)
{
	struct buf note = {0};
	struct roster now = roster_of_note(buf_bytes(&w->c->roster)), next = roster_after(&now);
	roster_retire(&next, &now, &w->log[1], below, "test");
	roster_sign_quorum(&next, &now, w->c, NULL, 0, &note);
	struct bytes b = buf_bytes(&note);
	assert_ok(n, node_install(n, &b, 1));
	buf_release(&note);
}

static void run_world(const struct cluster *c, unsigned seed)
{
	struct world w;
	struct node checked, audited;
	world_init(&w, c, seed);
	node_init(&checked, c, SHANGHAI);
	node_init(&audited, c, SHANGHAI);
	deliver_all(&w, &checked, false);
	deliver_all(&w, &audited, true);
	bool ends = seed % 3 == 0;
	if (ends) {
		uint64_t below = 2 + roll(&w.dice, (unsigned)w.log[1].n - 2);
		end_a_log(&w, below, &checked);
		end_a_log(&w, below, &audited);
	}
	node_audit(&audited);
	assert_same_state(&checked, &audited, seed);
	/* And what comes later finds the same. */
	for (size_t i = 0; i < HISTORIES; i++)
		put_leaf(&w, &w.log[i]);
	for (size_t i = 0; i < HISTORIES; i++) {
		if (ends && i == 1)
			continue;
		node_feed(&checked, &w.log[i]);
		node_feed(&audited, &w.log[i]);
	}
	assert_same_state(&checked, &audited, seed);
	node_release(&checked);
	node_release(&audited);
	world_release(&w);
}

static void audited_state_is_that_of_a_node_that_checked_on_arrival(void **state)
{
	const char *one = getenv("AUDIT_SEED");
	if (one != NULL) {
		run_world(*state, (unsigned)atoi(one));
		return;
	}
	for (unsigned seed = 1; seed <= 40; seed++)
		run_world(*state, seed);
	run_world(*state, 183); /* a repeat that counts comes after one that does not */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk_log_is_audited_through_where_nothing_was_assumed),
		cmocka_unit_test(leaves_examined_in_full_are_audited_as_they_come),
		cmocka_unit_test(bad_signature_is_voided_and_what_it_superseded_is_current_again),
		cmocka_unit_test(what_acts_under_a_bad_signature_waits_for_a_good_one),
		cmocka_unit_test(repeat_of_a_bad_signature_becomes_the_change),
		cmocka_unit_test(bad_signature_is_never_shown_as_current),
		cmocka_unit_test(more_bad_signatures_than_are_remembered_are_found_in_turn),
		cmocka_unit_test(repeat_in_an_audited_epoch_takes_the_place_of_a_bad_signature),
		cmocka_unit_test(history_says_what_is_not_audited),
		cmocka_unit_test(view_is_compared_with_nobody_until_the_audit_is_done),
		cmocka_unit_test(peer_that_is_provisional_neither_agrees_nor_differs),
		cmocka_unit_test(log_is_cosigned_when_it_is_audited),
		cmocka_unit_test(audit_goes_on_after_a_restart),
		cmocka_unit_test(piece_that_a_rollback_overtook_is_passed_over),
		cmocka_unit_test(only_a_log_far_behind_comes_in_bulk),
		cmocka_unit_test(audited_state_is_that_of_a_node_that_checked_on_arrival),
	};
	return cmocka_run_group_tests(tests, core_set_up, core_tear_down);
}
