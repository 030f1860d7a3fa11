/* The same leaves give the same verdicts and the same view, whatever the order they came in:
 * revocations that reach into the past, epochs that build on each other, repeats. */
#include "tests/lib/core_test.h"

#include <stdio.h>

#define LOGS_MAX 4
#define PARTS 2

/* ---- every order ---- */

struct orders {
	const struct cluster *c;
	const struct scribe *log[LOGS_MAX];
	size_t n;
	size_t cut[LOGS_MAX]; /* where the first part of each log ends */
	size_t seen;	      /* how many orders were run */
	struct hash view;     /* of the first */
	struct buf verdicts;
};

/* One line a leaf: all that a node shows of it. */
static void list_verdicts(struct node *n, const struct orders *o, struct buf *out)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct scribe *s = o->log[i];
		for (size_t k = 0; k < s->n; k++) {
			enum void_code code;
			enum verdict v = node_verdict(n, s->origin, k, &code);
			buf_printf(out, "%s %zu %s %d\n", s->origin, k, verdict_name(v), code);
		}
		buf_printf(out, "%s voids %u\n", s->origin,
			(unsigned)node_log(n, s->origin)->findings);
	}
	struct ctl_status status;
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	buf_printf(out, "pending %u conflicts %u\n", (unsigned)status.pending,
		(unsigned)status.conflicts);
	buf_put_u8(out, 0);
}

static void deliver(struct node *n, const struct orders *o, size_t log, size_t part)
{
	const struct scribe *s = o->log[log];
	size_t from = part == 0 ? 0 : o->cut[log];
	size_t to = part == 0 && o->cut[log] > 0 ? o->cut[log] : s->n;
	if (from < to)
		assert_ok(n, node_leaves(n, s->member, s, from, to));
}

static void run_order(struct orders *o, const size_t *order, size_t n_order, bool restarts)
{
	struct node n;
	size_t part[LOGS_MAX] = {0};
	struct buf verdicts = {0};
	node_init(&n, o->c, SHANGHAI);
	for (size_t i = 0; i < n_order; i++) {
		for (int p = 0; p < CLUSTER_MEMBERS; p++)
			if (p != SHANGHAI && (i == 0 || restarts))
				node_greet(&n, p);
		deliver(&n, o, order[i], part[order[i]]++);
		if (restarts)
			assert_ok(&n, node_restart(&n));
	}
	list_verdicts(&n, o, &verdicts);
	struct hash view = node_view(&n);
	if (o->seen++ == 0) {
		o->view = view;
		o->verdicts = verdicts;
	} else {
		assert_string_equal(verdicts.p, o->verdicts.p);
		assert_same_hash(view, o->view);
		buf_release(&verdicts);
	}
	node_release(&n);
}

/* All interleavings of the parts of the logs. */
static void run_orders(struct orders *o)
{
	size_t order[LOGS_MAX * PARTS], used[LOGS_MAX] = {0}, total = o->n * PARTS, depth = 0;
	size_t next[LOGS_MAX * PARTS + 1] = {0};
	for (;;) {
		if (depth == total) {
			run_order(o, order, total, o->seen % 10 == 5);
		} else if (next[depth] < o->n) {
			size_t log = next[depth]++;
			if (used[log] == PARTS)
				continue;
			used[log]++;
			order[depth++] = log;
			next[depth] = 0;
			continue;
		}
		if (depth == 0)
			break;
		used[order[--depth]]--;
	}
}

static struct orders orders_of(
	const struct cluster *c, const struct scribe *const *log, const size_t *cut, size_t n)
{
	struct orders o = {.c = c, .n = n};
	for (size_t i = 0; i < n; i++) {
		o.log[i] = log[i];
		o.cut[i] = cut[i];
	}
	return o;
}

static void assert_line(
	const struct orders *o, const struct scribe *s, size_t index, const char *is)
{
	char line[160];
	snprintf(line, sizeof(line), "%s %zu %s\n", s->origin, index, is);
	if (strstr((const char *)o->verdicts.p, line) == NULL)
		fail_msg("not \"%s\" in:\n%s", line, (const char *)o->verdicts.p);
}

static struct write report_under(const struct hash *under, const struct hash *old)
{
	return (struct write){.value = value_report(10),
		.under = under,
		.supersedes = old,
		.n_supersedes = old != NULL};
}

/* ---- revocation ---- */

static void revocation_into_the_past_folds_alike_in_every_order(void **state)
{
	const struct cluster *c = *state;
	struct scribe office, jiangsu, anhui;
	struct hash plan, stolen, report, again, overall;
	scribe_begin(&office, c, OFFICE);
	scribe_begin(&jiangsu, c, JIANGSU);
	scribe_begin(&anhui, c, ANHUI);
	const struct key *thief = &c->member[OFFICE].operator[1];
	scribe_delegate(&office, thief, NULL, 0);
	scribe_write(&office, (struct write){.value = value_task("jiangsu")}, &plan);
	size_t valid_below = office.n;
	size_t stolen_at = scribe_write_as(&office, thief,
		(struct write){
			.value = value_task("anhui"), .supersedes = &plan, .n_supersedes = 1},
		&stolen);
	scribe_revoke(&office, thief, valid_below);
	size_t at_report = scribe_write(&jiangsu, report_under(&plan, NULL), &report);
	size_t at_again = scribe_write(&jiangsu, report_under(&stolen, &report), &again);
	struct value v = {.slot = SLOT_OVERALL};
	v.overall.status = STATUS_IN_PROGRESS;
	size_t at_overall =
		scribe_write(&anhui, (struct write){.value = v, .under = &stolen}, &overall);

	const struct scribe *logs[] = {&office, &jiangsu, &anhui};
	const size_t cuts[] = {office.n - 1, jiangsu.n - 1, 2};
	struct orders o = orders_of(c, logs, cuts, 3);
	run_orders(&o);
	assert_int_equal(o.seen, 90);
	assert_line(&o, &office, stolen_at, "void 5");
	assert_line(&o, &jiangsu, at_report, "effective 0");
	assert_line(&o, &jiangsu, at_again, "void 10");
	assert_line(&o, &anhui, at_overall, "void 10");

	buf_release(&o.verdicts);
	scribe_release(&office);
	scribe_release(&jiangsu);
	scribe_release(&anhui);
}

static void what_a_revoked_change_superseded_is_current_again(void **state)
{
	const struct cluster *c = *state;
	struct scribe s;
	struct hash first, second;
	struct node n;
	scribe_begin(&s, c, OFFICE);
	const struct key *thief = &c->member[OFFICE].operator[1];
	scribe_delegate(&s, thief, NULL, 0);
	scribe_write(&s, (struct write){.value = value_task("jiangsu")}, &first);
	scribe_write_as(&s, thief,
		(struct write){
			.value = value_task("anhui"), .supersedes = &first, .n_supersedes = 1},
		&second);
	node_init(&n, c, SHANGHAI);
	node_feed(&n, &s);
	assert_true(node_is_current(&n, &second));
	scribe_revoke(&s, thief, 0);
	node_feed(&n, &s);
	assert_true(node_is_current(&n, &first));
	assert_false(node_is_current(&n, &second));
	node_release(&n);
	scribe_release(&s);
}

/* The revocation looks back over leaves that were never filed: they must not be taken for damage.
 */
static void revocation_over_void_leaves_is_harmless(void **state)
{
	const struct cluster *c = *state;
	const struct key *operator= & c->member[JIANGSU].operator[0];
	struct scribe s, anhui;
	struct node n;
	struct signature g, foreign;
	scribe_begin(&s, c, JIANGSU);
	scribe_begin(&anhui, c, ANHUI);
	const char *holder = "00000000000000070000000000000000";
	struct write w = {.value = value_note("x"), .nonce = 7};
	size_t good = scribe_write(&s, w, NULL);
	w.value = value_note("another in the same register");
	w.holder = holder;
	sign_write(c, operator, & w, "jiangsu", &g);
	g.raw[0] ^= 1;
	struct leaf l = {.kind = LEAF_CHANGE, .signed_body = g.s};
	size_t bad = scribe_leaf(&s, l);
	g.raw[0] ^= 1;
	l.index = 1000;
	size_t displaced = scribe_leaf(&s, l);
	sign_write(c, operator, & w, "anhui", &foreign);
	size_t copied =
		scribe_leaf(&s, (struct leaf){.kind = LEAF_CHANGE, .signed_body = foreign.s});
	scribe_revoke(&s, operator, 1);
	node_init(&n, c, SHANGHAI);
	node_feed(&n, &s);
	assert_void(&n, &s, good, VOID_OPERATOR);
	assert_void(&n, &s, bad, VOID_SIGNATURE);
	assert_void(&n, &s, displaced, VOID_INDEX);
	assert_void(&n, &s, copied, VOID_MEMBER);
	signature_release(&g);
	signature_release(&foreign);
	node_release(&n);
	scribe_release(&s);
	scribe_release(&anhui);
}

static void revoked_change_of_an_impossible_task_leaves_the_view_alone(void **state)
{
	const struct cluster *c = *state;
	struct scribe s;
	struct node n;
	scribe_begin(&s, c, JIANGSU);
	struct write w = {.value = value_note("x"), .task = "zzzzzzz"};
	size_t at = scribe_write(&s, w, NULL);
	w.task = "9-99";
	struct hash good;
	scribe_write(&s, w, &good);
	scribe_delegate(&s, &c->member[JIANGSU].operator[1], NULL, 0);
	node_init(&n, c, SHANGHAI);
	node_feed(&n, &s);
	struct hash before = node_view(&n);
	scribe_revoke(&s, &c->member[JIANGSU].operator[0], at + 1);
	node_feed(&n, &s);
	assert_void(&n, &s, at, VOID_REGISTER);
	assert_false(node_is_current(&n, &good));
	struct hash empty, now = node_view(&n);
	merkle_empty_root(&empty);
	assert_memory_not_equal(before.b, empty.b, HASH_BYTES);
	assert_same_hash(now, empty);
	node_release(&n);
	scribe_release(&s);
}

/* ---- epochs ---- */

static void epochs_of_a_member_judge_alike_in_every_order(void **state)
{
	const struct cluster *c = *state;
	struct scribe first, second, third;
	const struct key *second_operator = &c->member[JIANGSU].operator[1];
	scribe_begin(&first, c, JIANGSU);
	scribe_delegate(&first, second_operator, NULL, 0);
	scribe_write(&first, (struct write){.value = value_note("a")}, NULL);
	scribe_init(&second, c, JIANGSU, 2);
	scribe_open(&second, OPEN_ROLLBACK, &first);
	size_t good = scribe_write(&second, (struct write){.value = value_note("b")}, NULL);
	scribe_revoke(&second, second_operator, 1);
	size_t revoked = scribe_write_as(
		&second, second_operator, (struct write){.value = value_note("c")}, NULL);
	/* What the first epoch still says after the second began does not count for it. */
	scribe_revoke(&first, &c->member[JIANGSU].operator[0], 1);
	scribe_init(&third, c, JIANGSU, 3);
	scribe_open(&third, OPEN_ROLLBACK, &second);
	size_t later = scribe_write(&third, (struct write){.value = value_note("d")}, NULL);
	size_t gone = scribe_write_as(
		&third, second_operator, (struct write){.value = value_note("e")}, NULL);

	const struct scribe *logs[] = {&first, &second, &third};
	const size_t cuts[] = {first.n - 1, 2, 1};
	struct orders o = orders_of(c, logs, cuts, 3);
	run_orders(&o);
	assert_line(&o, &first, 3, "void 5");
	assert_line(&o, &second, good, "effective 0");
	assert_line(&o, &second, revoked, "void 5");
	assert_line(&o, &third, later, "effective 0");
	assert_line(&o, &third, gone, "void 5");
	buf_release(&o.verdicts);
	scribe_release(&first);
	scribe_release(&second);
	scribe_release(&third);
}

/* An official repeats his post after the node was rolled back; then the lost leaf comes back. */
static void repeats_across_epochs_are_judged_alike_in_every_order(void **state)
{
	const struct cluster *c = *state;
	struct scribe office, first, second;
	struct hash task, nothing = {{9}};
	scribe_begin(&office, c, OFFICE);
	scribe_write(&office, (struct write){.value = value_task("")}, &task);
	scribe_begin(&first, c, JIANGSU);
	scribe_init(&second, c, JIANGSU, 2);
	scribe_open(&second, OPEN_ROLLBACK, &first);
	const struct key *stranger = &c->member[JIANGSU].operator[1];
	const struct write twice[] = {{.value = value_note("x"), .nonce = 1},
		{.value = value_report(10), .under = &task, .nonce = 2},
		{.value = value_report(20), .under = &nothing, .nonce = 3},
		{.value = value_report(30), .nonce = 4}};
	struct scribe *both[] = {&first, &second};
	size_t at[2][5];
	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < 4; i++)
			at[k][i] = scribe_write(both[k], twice[i], NULL);
		at[k][4] = scribe_write_as(both[k], stranger,
			(struct write){.value = value_note("no"), .nonce = 5}, NULL);
	}
	const struct scribe *logs[] = {&office, &first, &second};
	const size_t cuts[] = {2, 3, 3};
	struct orders o = orders_of(c, logs, cuts, 3);
	run_orders(&o);
	const char *const firsts[] = {
		"effective 0", "effective 0", "pending 0", "void 10", "void 5"};
	for (size_t i = 0; i < 5; i++) {
		assert_line(&o, &first, at[0][i], firsts[i]);
		assert_line(&o, &second, at[1][i], "void 7");
	}
	buf_release(&o.verdicts);
	scribe_release(&office);
	scribe_release(&first);
	scribe_release(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(revocation_into_the_past_folds_alike_in_every_order),
		cmocka_unit_test(what_a_revoked_change_superseded_is_current_again),
		cmocka_unit_test(revocation_over_void_leaves_is_harmless),
		cmocka_unit_test(revoked_change_of_an_impossible_task_leaves_the_view_alone),
		cmocka_unit_test(epochs_of_a_member_judge_alike_in_every_order),
		cmocka_unit_test(repeats_across_epochs_are_judged_alike_in_every_order),
	};
	return cmocka_run_group_tests_name("core order", tests, core_set_up, core_tear_down);
}
