/* What a change of another member is worth when it acts under, or supersedes, another: whole
 * replicas, logs delivered by their owners. H-numbers as in the catalogue of hostile input. */
#include "tests/lib/core_test.h"

struct scene {
	struct cluster *c;
	struct scribe office, jiangsu, anhui;
	struct node n; /* shanghai's */
};

static struct scene *begin(void **state)
{
	struct scene *t = xalloc(sizeof(*t));
	t->c = *state;
	scribe_begin(&t->office, t->c, OFFICE);
	scribe_begin(&t->jiangsu, t->c, JIANGSU);
	scribe_begin(&t->anhui, t->c, ANHUI);
	node_init(&t->n, t->c, SHANGHAI);
	return t;
}

static void end(struct scene *t)
{
	node_release(&t->n);
	scribe_release(&t->office);
	scribe_release(&t->jiangsu);
	scribe_release(&t->anhui);
	free(t);
}

static struct write task_of(const char *lead)
{
	return (struct write){.value = value_task(lead)};
}

static struct write report_under(const struct hash *under, uint32_t progress)
{
	return (struct write){.value = value_report(progress), .under = under};
}

/* ---- every code, with its finding ---- */

static size_t put_plain(struct scene *t, struct write w)
{
	return scribe_write(&t->jiangsu, w, NULL);
}

static void every_void_code_has_a_leaf_that_earns_it(void **state)
{
	struct scene *t = begin(state);
	struct scribe *s = &t->jiangsu;
	const struct key *strange = &t->c->member[JIANGSU].operator[1];
	const char *const scope[] = {"1-01", NULL};
	struct hash task, void_task;
	scribe_write(&t->office, task_of("anhui"), &task);
	struct write bad_task = task_of("anhui");
	bad_task.value.task.start = 20251301;
	size_t bad_task_at = scribe_write(&t->office, bad_task, &void_task);
	struct write note = {.value = value_note("x")};
	struct signature g;
	struct write again = {.value = value_note("again"), .nonce = 99};
	sign_write(t->c, &t->c->member[JIANGSU].operator[0], &again, "jiangsu", &g);
	struct leaf repeat = {.kind = LEAF_CHANGE, .signed_body = g.s};

	size_t at[VOID_EVENT + 1] = {0};
	at[VOID_GATE] = scribe_raw(s, bytes_str("?"));
	at[VOID_EVENT] = scribe_open(s, OPEN_INIT, NULL);
	repeat.index = 1000;
	at[VOID_INDEX] = scribe_leaf(s, repeat);
	repeat.index = 0;
	note.member = "anhui";
	at[VOID_MEMBER] = put_plain(t, note);
	note.member = NULL;
	g.raw[0] ^= 1;
	at[VOID_SIGNATURE] = scribe_leaf(s, repeat);
	g.raw[0] ^= 1;
	at[VOID_OPERATOR] = scribe_write_as(s, strange, note, NULL);
	scribe_delegate(s, strange, scope, 0);
	at[VOID_SCOPE] = scribe_write_as(s, strange, note, NULL);
	size_t first = scribe_leaf(s, repeat);
	at[VOID_REPEAT] = scribe_leaf(s, repeat);
	note.task = "no-key";
	at[VOID_REGISTER] = put_plain(t, note);
	at[VOID_WRITER] = put_plain(t, task_of("jiangsu"));
	at[VOID_UNDER] = put_plain(t, report_under(&void_task, 10));
	struct write bad_report = report_under(&task, 10);
	bad_report.value.report.as_of = 20260230;
	at[VOID_VALUE] = put_plain(t, bad_report);

	node_feed(&t->n, &t->office);
	node_feed(&t->n, s);
	assert_void(&t->n, &t->office, bad_task_at, VOID_VALUE);
	for (enum void_code code = VOID_GATE; code <= VOID_EVENT; code++)
		assert_void(&t->n, s, at[code], code);
	assert_effective(&t->n, s, first);
	assert_int_equal(node_findings(&t->n), VOID_EVENT + 1);
	assert_int_equal(node_log(&t->n, s->origin)->findings, VOID_EVENT);
	/* The same after a start: the count stands in the store. */
	assert_ok(&t->n, node_restart(&t->n));
	assert_int_equal(node_log(&t->n, s->origin)->findings, VOID_EVENT);
	signature_release(&g);
	end(t);
}

/* ---- H50: under ---- */

static void report_without_under_is_void(void **state)
{
	struct scene *t = begin(state);
	size_t at = scribe_write(&t->jiangsu, report_under(NULL, 10), NULL);
	node_feed(&t->n, &t->jiangsu);
	assert_void(&t->n, &t->jiangsu, at, VOID_UNDER);
	end(t);
}

static void report_under_nothing_waits_and_is_shown(void **state)
{
	struct scene *t = begin(state);
	struct hash nothing = {{7}}, id;
	size_t at = scribe_write(&t->jiangsu, report_under(&nothing, 10), &id);
	node_feed(&t->n, &t->jiangsu);
	assert_verdict(&t->n, &t->jiangsu, at, VERDICT_PENDING, VOID_NONE);
	assert_false(node_is_current(&t->n, &id));
	struct ctl_status status;
	assert_ok(&t->n, replica_status(t->n.replica, t->n.now, &status, &t->n.e));
	assert_int_equal(status.pending, 1);
	end(t);
}

static void pending_report_is_released_by_its_task(void **state)
{
	struct scene *t = begin(state);
	struct hash task, report, second;
	scribe_write(&t->office, task_of("jiangsu"), &task);
	size_t at = scribe_write(&t->jiangsu, report_under(&task, 10), &report);
	struct write next = report_under(&task, 20);
	next.supersedes = &report;
	next.n_supersedes = 1;
	scribe_write(&t->jiangsu, next, &second);
	node_feed(&t->n, &t->jiangsu);
	assert_false(node_is_current(&t->n, &second));
	node_feed(&t->n, &t->office);
	assert_effective(&t->n, &t->jiangsu, at);
	assert_false(node_is_current(&t->n, &report));
	assert_true(node_is_current(&t->n, &second));
	assert_int_equal(node_findings(&t->n), 0);
	end(t);
}

static void pending_report_of_a_stranger_to_the_task_becomes_void(void **state)
{
	struct scene *t = begin(state);
	struct hash task;
	struct bytes only[] = {bytes_str("zhejiang")};
	struct write plan = task_of("anhui");
	plan.value.task.participants = only;
	plan.value.task.n_participants = 1;
	scribe_write(&t->office, plan, &task);
	size_t at = scribe_write(&t->jiangsu, report_under(&task, 10), NULL);
	node_feed(&t->n, &t->jiangsu);
	assert_verdict(&t->n, &t->jiangsu, at, VERDICT_PENDING, VOID_NONE);
	node_feed(&t->n, &t->office);
	assert_void(&t->n, &t->jiangsu, at, VOID_WRITER);
	end(t);
}

/* `under` is looked for in the register of the change's own task, whether or not it is remembered
 * from a change that was judged before. */
static void report_under_the_task_of_another_key_waits(void **state)
{
	struct scene *t = begin(state);
	struct hash task, id;
	struct write plan = task_of("jiangsu");
	plan.task = "1-01";
	scribe_write(&t->office, plan, &task);
	struct write good = report_under(&task, 10);
	good.task = plan.task;
	size_t cold = scribe_write(&t->jiangsu, report_under(&task, 10), NULL);
	size_t right = scribe_write(&t->jiangsu, good, NULL);
	size_t warm = scribe_write(&t->jiangsu, report_under(&task, 20), &id);
	node_feed(&t->n, &t->office);
	node_feed(&t->n, &t->jiangsu);
	assert_verdict(&t->n, &t->jiangsu, cold, VERDICT_PENDING, VOID_NONE);
	assert_effective(&t->n, &t->jiangsu, right);
	assert_verdict(&t->n, &t->jiangsu, warm, VERDICT_PENDING, VOID_NONE);
	assert_false(node_is_current(&t->n, &id));
	end(t);
}

static void strike_out_waits_for_its_note_and_only_the_author_has_the_right(void **state)
{
	struct scene *t = begin(state);
	struct hash note, struck, foreign;
	const char *holder = "000000000000002a0000000000000000";
	scribe_write(&t->jiangsu, (struct write){.value = value_note("x"), .nonce = 42}, &note);
	struct write strike = {.value = value_note(""),
		.holder = holder,
		.under = &note,
		.supersedes = &note,
		.n_supersedes = 1};
	size_t foreign_at = scribe_write(&t->anhui, strike, &foreign);
	scribe_write(&t->jiangsu, strike, &struck);
	node_feed(&t->n, &t->anhui);
	assert_verdict(&t->n, &t->anhui, foreign_at, VERDICT_PENDING, VOID_NONE);
	node_feed(&t->n, &t->jiangsu);
	assert_void(&t->n, &t->anhui, foreign_at, VOID_WRITER);
	assert_false(node_is_current(&t->n, &note));
	assert_true(node_is_current(&t->n, &struck));
	end(t);
}

/* ---- H50: supersedes ---- */

static void superseding_what_never_existed_changes_nothing_else(void **state)
{
	struct scene *t = begin(state);
	struct hash ghosts[LIMIT_SUPERSEDES], id;
	for (size_t i = 0; i < LIMIT_SUPERSEDES; i++)
		ghosts[i] = (struct hash){{0xff, (uint8_t)i}};
	struct write w = {
		.value = value_note("x"), .supersedes = ghosts, .n_supersedes = LIMIT_SUPERSEDES};
	size_t at = scribe_write(&t->jiangsu, w, &id);
	node_feed(&t->n, &t->jiangsu);
	assert_effective(&t->n, &t->jiangsu, at);
	assert_true(node_is_current(&t->n, &id));
	end(t);
}

static void superseded_change_that_comes_later_is_superseded_at_once(void **state)
{
	struct scene *t = begin(state);
	struct hash task, first, second;
	scribe_write(&t->office, task_of(""), &task);
	scribe_write(&t->jiangsu, report_under(&task, 10), &first);
	struct scribe next;
	scribe_init(&next, t->c, JIANGSU, 2);
	scribe_open(&next, OPEN_ROLLBACK, &t->jiangsu);
	struct write w = report_under(&task, 20);
	w.supersedes = &first;
	w.n_supersedes = 1;
	scribe_write(&next, w, &second);
	node_feed(&t->n, &t->office);
	node_feed(&t->n, &next);
	assert_false(node_is_current(&t->n, &second)); /* its delegation is not here yet */
	node_feed(&t->n, &t->jiangsu);
	assert_true(node_is_current(&t->n, &second));
	assert_false(node_is_current(&t->n, &first));
	scribe_release(&next);
	end(t);
}

static void change_of_another_register_is_not_superseded(void **state)
{
	struct scene *t = begin(state);
	struct hash note, other;
	scribe_write(&t->jiangsu, (struct write){.value = value_note("x")}, &note);
	struct write w = {.value = value_note("y"), .supersedes = &note, .n_supersedes = 1};
	scribe_write(&t->anhui, w, &other);
	node_feed(&t->n, &t->anhui);
	node_feed(&t->n, &t->jiangsu);
	assert_true(node_is_current(&t->n, &note));
	assert_true(node_is_current(&t->n, &other));
	end(t);
}

static void void_change_supersedes_nothing(void **state)
{
	struct scene *t = begin(state);
	struct hash task, good, bad;
	scribe_write(&t->office, task_of(""), &task);
	scribe_write(&t->jiangsu, report_under(&task, 10), &good);
	struct write w = report_under(&task, 101);
	w.supersedes = &good;
	w.n_supersedes = 1;
	scribe_write(&t->jiangsu, w, &bad);
	node_feed(&t->n, &t->office);
	node_feed(&t->n, &t->jiangsu);
	assert_true(node_is_current(&t->n, &good));
	assert_false(node_is_current(&t->n, &bad));
	end(t);
}

/* ---- H52: a copy of another's change ---- */

static void copy_of_anothers_change_does_not_take_its_place(void **state)
{
	struct scene *t = begin(state);
	struct signature g;
	struct write w = {.value = value_note("x"), .nonce = 5};
	const struct key *operator= & t->c->member[JIANGSU].operator[0];
	sign_write(t->c, operator, & w, "jiangsu", &g);
	struct leaf l = {.kind = LEAF_CHANGE, .signed_body = g.s};
	/* The copier even makes the other's operator one of its own. */
	scribe_delegate(&t->anhui, operator, NULL, 0);
	size_t copy = scribe_leaf(&t->anhui, l), original = scribe_leaf(&t->jiangsu, l);
	node_feed(&t->n, &t->anhui);
	assert_void(&t->n, &t->anhui, copy, VOID_MEMBER);
	assert_false(node_is_current(&t->n, &g.id));
	node_feed(&t->n, &t->jiangsu);
	assert_effective(&t->n, &t->jiangsu, original);
	assert_void(&t->n, &t->anhui, copy, VOID_MEMBER);
	assert_true(node_is_current(&t->n, &g.id));
	signature_release(&g);
	end(t);
}

static void copy_of_an_unknown_change_does_not_take_its_place(void **state)
{
	struct scene *t = begin(state);
	struct signature g;
	struct write w = {.slot = 99, .value_bytes = bytes_str("later"), .nonce = 5};
	sign_write(t->c, &t->c->member[JIANGSU].operator[0], &w, "jiangsu", &g);
	struct leaf l = {.kind = LEAF_CHANGE, .signed_body = g.s};
	size_t copy = scribe_leaf(&t->anhui, l), original = scribe_leaf(&t->jiangsu, l);
	node_feed(&t->n, &t->anhui);
	node_feed(&t->n, &t->jiangsu);
	assert_verdict(&t->n, &t->anhui, copy, VERDICT_UNKNOWN, VOID_NONE);
	assert_verdict(&t->n, &t->jiangsu, original, VERDICT_UNKNOWN, VOID_NONE);
	signature_release(&g);
	end(t);
}

/* ---- H53 ---- */

static void unknown_slot_version_and_kind_are_stored_relayed_and_shown(void **state)
{
	struct scene *t = begin(state);
	struct scribe *s = &t->jiangsu;
	static const uint8_t version_2[] = {8, 2, 16, 3, 24, 1, 0xfa, 1, 3, 'n', 'e', 'w'};
	static const uint8_t kind_10[] = {8, 1, 16, 4, 24, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0x7f, 0x52, 1, 'x'}; /* its hlc is 2^63 - 1 */
	size_t at[3];
	at[0] = scribe_write(s, (struct write){.slot = 99, .value_bytes = bytes_str("?")}, NULL);
	at[1] = scribe_raw(s, bytes_of(version_2, sizeof(version_2)));
	at[2] = scribe_raw(s, bytes_of(kind_10, sizeof(kind_10)));
	s->hlc = (uint64_t)1 << 63;
	size_t after = scribe_write(s, (struct write){.value = value_note("x")}, NULL);
	node_feed(&t->n, s);
	struct node other;
	node_init(&other, t->c, ZHEJIANG);
	node_meet(&t->n, &other);
	assert_int_equal(node_size(&other, s->origin), s->n);
	struct node *both[] = {&t->n, &other};
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < 3; i++)
			assert_verdict(both[k], s, at[i], VERDICT_UNKNOWN, VOID_NONE);
	assert_effective(&other, s, after);
	struct ctl_status status;
	assert_ok(&other, replica_status(other.replica, other.now, &status, &other.e));
	assert_int_equal(status.unknown, 3);
	node_release(&other);
	end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_void_code_has_a_leaf_that_earns_it),
		cmocka_unit_test(report_without_under_is_void),
		cmocka_unit_test(report_under_nothing_waits_and_is_shown),
		cmocka_unit_test(pending_report_is_released_by_its_task),
		cmocka_unit_test(pending_report_of_a_stranger_to_the_task_becomes_void),
		cmocka_unit_test(report_under_the_task_of_another_key_waits),
		cmocka_unit_test(strike_out_waits_for_its_note_and_only_the_author_has_the_right),
		cmocka_unit_test(superseding_what_never_existed_changes_nothing_else),
		cmocka_unit_test(superseded_change_that_comes_later_is_superseded_at_once),
		cmocka_unit_test(change_of_another_register_is_not_superseded),
		cmocka_unit_test(void_change_supersedes_nothing),
		cmocka_unit_test(copy_of_anothers_change_does_not_take_its_place),
		cmocka_unit_test(copy_of_an_unknown_change_does_not_take_its_place),
		cmocka_unit_test(unknown_slot_version_and_kind_are_stored_relayed_and_shown),
	};
	return cmocka_run_group_tests_name("core verdict", tests, core_set_up, core_tear_down);
}
