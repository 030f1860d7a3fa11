/* What a member's own people may post, what they are told when they may not, and that a refusal
 * changes nothing. */
#include "tests/lib/core_test.h"

struct scene {
	struct cluster *c;
	struct scribe office;
	struct hash task; /* "3-05", led by shanghai */
	struct node n;	  /* shanghai's, with operator 0 */
};

static struct scene *begin(void **state)
{
	struct scene *t = xalloc(sizeof(*t));
	t->c = *state;
	scribe_begin(&t->office, t->c, OFFICE);
	scribe_write(&t->office, (struct write){.value = value_task("shanghai")}, &t->task);
	node_init(&t->n, t->c, SHANGHAI);
	node_feed(&t->n, &t->office);
	assert_ok(&t->n, node_delegate(&t->n, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	return t;
}

static void end(struct scene *t)
{
	node_release(&t->n);
	scribe_release(&t->office);
	free(t);
}

static struct write note_of(uint64_t nonce)
{
	return (struct write){.value = value_note("x"), .nonce = nonce};
}

static struct write report_of(const struct scene *t, uint32_t progress)
{
	return (struct write){.value = value_report(progress), .under = &t->task};
}

/* Refused with this code; log, view and findings are as they were. */
static void assert_refused(struct scene *t, const struct signed_body *s, size_t n, int rc)
{
	struct posted posted[8];
	struct hash before = node_view(&t->n);
	uint64_t size = node_size(&t->n, node_origin(&t->n));
	assert_rc(&t->n, node_post(&t->n, s, n, posted), rc);
	assert_string_not_equal(t->n.e.text, "");
	assert_int_equal(node_size(&t->n, node_origin(&t->n)), size);
	assert_same_hash(node_view(&t->n), before);
	assert_int_equal(node_findings(&t->n), 0);
}

static void assert_write_refused_as(struct scene *t, const struct key *k, struct write w, int rc)
{
	struct signature g;
	if (w.nonce == 0)
		w.nonce = ++t->n.salt;
	sign_write(t->c, k, &w, "shanghai", &g);
	assert_refused(t, &g.s, 1, rc);
	signature_release(&g);
}

static void assert_write_refused(struct scene *t, struct write w, int rc)
{
	assert_write_refused_as(t, &t->c->member[SHANGHAI].operator[0], w, rc);
}

/* ---- refusals ---- */

static void posting_without_a_roster_is_refused(void **state)
{
	struct node n;
	struct cluster *c = *state;
	node_init_bare(&n, c, SHANGHAI, NULL);
	assert_int_equal(replica_self(n.replica), -1);
	assert_null(replica_roster(n.replica));
	assert_rc(&n, node_write(&n, note_of(1), NULL), RC_NO_ROSTER);
	assert_rc(&n, node_delegate(&n, &c->member[SHANGHAI].operator[0], NULL, 0), RC_NO_ROSTER);
	node_release(&n);
}

static void writer_rules_are_refused_with_their_code(void **state)
{
	struct scene *t = begin(state);
	struct write w = {.value = value_task("shanghai"), .task = "1-01"};
	assert_write_refused(t, w, RC_REFUSED_WRITER);
	w = report_of(t, 10);
	w.holder = "jiangsu";
	assert_write_refused(t, w, RC_REFUSED_WRITER);
	w = note_of(0);
	w.member = "jiangsu";
	assert_write_refused(t, w, RC_REFUSED_WRITER);
	w = note_of(0);
	w.holder = "00000000000000000000000000000000";
	assert_write_refused(t, w, RC_REFUSED_WRITER);
	end(t);
}

static void bad_value_is_refused_with_the_rule_it_breaks(void **state)
{
	struct scene *t = begin(state);
	assert_write_refused(t, report_of(t, 101), RC_REFUSED_VALUE);
	assert_non_null(strstr(t->n.e.text, "progress is 101"));
	struct write w = report_of(t, 10);
	w.value.report.status = STATUS_SUSPENDED;
	assert_write_refused(t, w, RC_REFUSED_VALUE);
	assert_non_null(strstr(t->n.e.text, "reason"));
	end(t);
}

static void key_that_is_no_operator_is_refused(void **state)
{
	struct scene *t = begin(state);
	const struct cluster_member *m = &t->c->member[SHANGHAI];
	assert_write_refused_as(t, &m->operator[1], note_of(0), RC_NOT_OPERATOR);
	assert_write_refused_as(t, &m->root, note_of(0), RC_NOT_OPERATOR);
	assert_write_refused_as(t, &t->c->member[JIANGSU].operator[0], note_of(0), RC_NOT_OPERATOR);
	assert_ok(&t->n, node_revoke(&t->n, &m->operator[0], 0));
	assert_write_refused(t, note_of(0), RC_NOT_OPERATOR);
	end(t);
}

static void task_outside_the_scope_is_refused(void **state)
{
	struct scene *t = begin(state);
	const char *const scope[] = {"1-01", "1-02", NULL};
	const struct key *k = &t->c->member[SHANGHAI].operator[1];
	assert_ok(&t->n, node_delegate(&t->n, k, scope, 0));
	assert_write_refused_as(t, k, note_of(0), RC_OUT_OF_SCOPE);
	struct write w = note_of(0);
	w.task = "";
	assert_write_refused_as(t, k, w, RC_OUT_OF_SCOPE);
	end(t);
}

static void bad_signature_is_refused(void **state)
{
	struct scene *t = begin(state);
	struct signature g;
	struct write w = note_of(9);
	sign_write(t->c, &t->c->member[SHANGHAI].operator[0], &w, "shanghai", &g);
	g.raw[0] ^= 1;
	g.s.signature = bytes_of(g.raw, sizeof(g.raw));
	assert_refused(t, &g.s, 1, RC_VERIFY);
	signature_release(&g);
	end(t);
}

static void body_that_is_no_change_is_refused(void **state)
{
	struct scene *t = begin(state);
	uint8_t signature[SIGNATURE_BYTES] = {0};
	struct signed_body s = {bytes_of(t->c->member[SHANGHAI].operator[0].public, KEY_BYTES),
		bytes_of(signature, sizeof(signature)), bytes_str("?")};
	assert_refused(t, &s, 1, RC_REFUSED);
	s.key.n = 31;
	assert_refused(t, &s, 1, RC_INPUT);
	end(t);
}

static void change_that_would_wait_or_needs_a_newer_version_is_refused(void **state)
{
	struct scene *t = begin(state);
	struct hash nothing = {{1}};
	struct write w = {.value = value_report(10), .under = &nothing};
	assert_write_refused(t, w, RC_REFUSED);
	w.under = NULL;
	assert_write_refused(t, w, RC_REFUSED);
	w = (struct write){.slot = 99, .value_bytes = bytes_str("?")};
	assert_write_refused(t, w, RC_TOO_NEW);
	w = note_of(0);
	w.task = "99-9999";
	assert_write_refused(t, w, RC_REFUSED);
	end(t);
}

static void request_of_none_or_too_many_is_refused(void **state)
{
	struct scene *t = begin(state);
	struct signature g;
	struct write w = note_of(9);
	sign_write(t->c, &t->c->member[SHANGHAI].operator[0], &w, "shanghai", &g);
	struct signed_body *s = xalloc((LIMIT_POST_CHANGES + 1) * sizeof(*s));
	for (size_t i = 0; i <= LIMIT_POST_CHANGES; i++)
		s[i] = g.s;
	assert_refused(t, s, 0, RC_TOO_BIG);
	assert_refused(t, s, LIMIT_POST_CHANGES + 1, RC_TOO_BIG);
	free(s);
	signature_release(&g);
	end(t);
}

/* ---- stale ---- */

static void writing_past_what_is_current_here_is_refused(void **state)
{
	struct scene *t = begin(state);
	struct hash first, second;
	assert_ok(&t->n, node_write(&t->n, report_of(t, 10), &first));
	assert_write_refused(t, report_of(t, 20), RC_REFUSED_STALE);
	struct write w = report_of(t, 20);
	w.supersedes = &first;
	w.n_supersedes = 1;
	assert_ok(&t->n, node_write(&t->n, w, &second));
	assert_write_refused(t, w, RC_REFUSED_STALE);
	w.supersedes = &second;
	w.value.report.progress = 30;
	assert_ok(&t->n, node_write(&t->n, w, NULL));
	end(t);
}

/* ---- the nonce ---- */

static void same_request_again_answers_the_same_place(void **state)
{
	struct scene *t = begin(state);
	struct signature g;
	struct write w = report_of(t, 10), next = report_of(t, 20);
	struct posted first, again;
	w.nonce = 77;
	sign_write(t->c, &t->c->member[SHANGHAI].operator[0], &w, "shanghai", &g);
	assert_ok(&t->n, node_post(&t->n, &g.s, 1, &first));
	next.supersedes = &g.id;
	next.n_supersedes = 1;
	assert_ok(&t->n, node_write(&t->n, next, NULL));
	assert_ok(&t->n, node_restart(&t->n));
	assert_ok(&t->n, node_post(&t->n, &g.s, 1, &again));
	assert_int_equal(again.index, first.index);
	assert_same_hash(again.id, g.id);
	assert_string_equal(again.origin, node_origin(&t->n));
	assert_int_equal(node_size(&t->n, node_origin(&t->n)), 4);
	signature_release(&g);
	end(t);
}

static void place_is_still_known_in_a_later_epoch(void **state)
{
	struct scene *t = begin(state);
	struct signature g;
	struct write w = note_of(77);
	struct posted again;
	char origin[ORIGIN_SIZE];
	sign_write(t->c, &t->c->member[SHANGHAI].operator[0], &w, "shanghai", &g);
	assert_ok(&t->n, node_post(&t->n, &g.s, 1, &again));
	memcpy(origin, node_origin(&t->n), ORIGIN_SIZE);
	t->n.mark.present = false;
	assert_ok(&t->n, node_restart(&t->n));
	assert_ok(&t->n, node_post(&t->n, &g.s, 1, &again));
	assert_string_equal(again.origin, origin);
	assert_int_equal(again.index, 2);
	signature_release(&g);
	end(t);
}

static void nonce_used_for_another_body_is_refused(void **state)
{
	struct scene *t = begin(state);
	assert_ok(&t->n, node_write(&t->n, note_of(77), NULL));
	struct write w = note_of(77);
	w.value = value_note("another");
	assert_write_refused(t, w, RC_REFUSED_REPEAT);
	assert_ok(&t->n, node_restart(&t->n));
	assert_write_refused(t, w, RC_REFUSED_REPEAT);
	end(t);
}

/* ---- several changes ---- */

struct request {
	struct signature g[3];
	struct signed_body s[3];
	struct posted posted[3];
};

static void request_make(struct scene *t, struct request *q, const struct write *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sign_write(t->c, &t->c->member[t->n.self].operator[0], &w[i],
			t->c->member[t->n.self].slug, &q->g[i]);
		q->s[i] = q->g[i].s;
	}
}

static void request_release(struct request *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		signature_release(&q->g[i]);
}

static void request_is_posted_whole_or_not_at_all(void **state)
{
	struct scene *t = begin(state);
	struct request q;
	struct write w[] = {note_of(1), note_of(2), report_of(t, 101)};
	w[2].nonce = 3;
	request_make(t, &q, w, 3);
	assert_refused(t, q.s, 3, RC_REFUSED_VALUE);
	request_release(&q, 3);
	w[2].value.report.progress = 10;
	request_make(t, &q, w, 3);
	assert_ok(&t->n, node_post(&t->n, q.s, 3, q.posted));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(q.posted[i].index, 2 + i);
		assert_same_hash(q.posted[i].id, q.g[i].id);
		assert_true(node_is_current(&t->n, &q.g[i].id));
	}
	request_release(&q, 3);
	end(t);
}

static void request_with_parts_known_adds_only_the_others(void **state)
{
	struct scene *t = begin(state);
	struct request q;
	struct write w[] = {note_of(1), note_of(2), note_of(3)};
	request_make(t, &q, w, 3);
	assert_ok(&t->n, node_post(&t->n, &q.s[1], 1, q.posted));
	assert_ok(&t->n, node_post(&t->n, q.s, 3, q.posted));
	assert_int_equal(q.posted[0].index, 3);
	assert_int_equal(q.posted[1].index, 2);
	assert_int_equal(q.posted[2].index, 4);
	assert_int_equal(node_size(&t->n, node_origin(&t->n)), 5);
	request_release(&q, 3);
	end(t);
}

static void two_changes_of_a_request_may_not_share_a_nonce(void **state)
{
	struct scene *t = begin(state);
	struct request q;
	struct write w[] = {note_of(1), note_of(1)};
	w[1].value = value_note("y");
	request_make(t, &q, w, 2);
	assert_refused(t, q.s, 2, RC_REFUSED_REPEAT);
	request_release(&q, 2);
	end(t);
}

static void report_may_act_under_a_task_of_the_same_request(void **state)
{
	struct scene *t = begin(state);
	struct node office;
	struct request q, early;
	struct hash task;
	struct signature g;
	node_init(&office, t->c, OFFICE);
	assert_ok(&office, node_delegate(&office, &t->c->member[OFFICE].operator[0], NULL, 0));
	struct value overall = {.slot = SLOT_OVERALL};
	overall.overall.status = STATUS_IN_PROGRESS;
	struct write w[] = {{.value = value_task(""), .nonce = 1},
		{.value = overall, .nonce = 2, .under = &task}};
	sign_write(t->c, &t->c->member[OFFICE].operator[0], &w[0], "office", &g);
	task = g.id;
	t->n.self = OFFICE;
	request_make(t, &q, w, 2);
	/* The other way round it would wait for what comes after it. */
	struct signed_body swapped[] = {q.s[1], q.s[0]};
	assert_rc(&office, node_post(&office, swapped, 2, early.posted), RC_REFUSED);
	assert_ok(&office, node_post(&office, q.s, 2, q.posted));
	t->n.self = SHANGHAI;
	assert_true(node_is_current(&office, &q.g[0].id));
	assert_true(node_is_current(&office, &q.g[1].id));
	assert_int_equal(node_findings(&office), 0);
	signature_release(&g);
	request_release(&q, 2);
	node_release(&office);
	end(t);
}

static void two_changes_of_a_request_may_not_write_past_each_other(void **state)
{
	struct scene *t = begin(state);
	struct request q, chained;
	struct hash before;
	assert_ok(&t->n, node_write(&t->n, report_of(t, 5), &before));
	struct write w[] = {report_of(t, 10), report_of(t, 20)};
	w[0].nonce = 1;
	w[1].nonce = 2;
	w[0].supersedes = w[1].supersedes = &before;
	w[0].n_supersedes = w[1].n_supersedes = 1;
	request_make(t, &q, w, 2);
	assert_refused(t, q.s, 2, RC_REFUSED_STALE);
	w[1].supersedes = &q.g[0].id;
	request_make(t, &chained, w, 2);
	assert_ok(&t->n, node_post(&t->n, chained.s, 2, chained.posted));
	assert_true(node_is_current(&t->n, &chained.g[1].id));
	assert_false(node_is_current(&t->n, &chained.g[0].id));
	assert_false(node_is_current(&t->n, &before));
	request_release(&q, 2);
	request_release(&chained, 2);
	end(t);
}

/* ---- events ---- */

static void event_that_is_not_the_root_keys_is_refused(void **state)
{
	struct scene *t = begin(state);
	const struct cluster_member *us = &t->c->member[SHANGHAI], *them = &t->c->member[JIANGSU];
	struct signature g;
	uint64_t size = node_size(&t->n, node_origin(&t->n));
	sign_delegate(t->c, &us->log, &us->operator[1], NULL, 0, 1, &g);
	assert_rc(&t->n, node_post_event(&t->n, LEAF_DELEGATE, &g.s), RC_VERIFY);
	assert_rc(&t->n, node_post_event(&t->n, LEAF_REVOKE, &g.s), RC_INPUT);
	assert_rc(&t->n, node_post_event(&t->n, LEAF_CHANGE, &g.s), RC_INPUT);
	assert_rc(&t->n, node_post_event(&t->n, LEAF_OPEN, &g.s), RC_INPUT);
	signature_release(&g);
	sign_delegate(t->c, &them->root, &us->operator[1], NULL, 0, 1, &g);
	assert_rc(&t->n, node_post_event(&t->n, LEAF_DELEGATE, &g.s), RC_VERIFY);
	signature_release(&g);
	struct key weak = us->operator[1];
	memset(weak.public, 0, KEY_BYTES);
	sign_delegate(t->c, &us->root, &weak, NULL, 0, 1, &g);
	assert_rc(&t->n, node_post_event(&t->n, LEAF_DELEGATE, &g.s), RC_VERIFY);
	signature_release(&g);
	assert_int_equal(node_size(&t->n, node_origin(&t->n)), size);
	assert_int_equal(node_findings(&t->n), 0);
	end(t);
}

static void delegation_posted_again_after_its_revocation_revives_nobody(void **state)
{
	struct scene *t = begin(state);
	const struct cluster_member *us = &t->c->member[SHANGHAI];
	struct signature given, taken;
	sign_delegate(t->c, &us->root, &us->operator[1], NULL, 0, 77, &given);
	sign_revoke(t->c, &us->root, &us->operator[1], 0, 78, &taken);
	assert_ok(&t->n, node_post_event(&t->n, LEAF_DELEGATE, &given.s));
	assert_ok(&t->n, node_post_event(&t->n, LEAF_REVOKE, &taken.s));
	uint64_t size = node_size(&t->n, node_origin(&t->n));
	assert_ok(&t->n, node_post_event(&t->n, LEAF_DELEGATE, &given.s));
	assert_ok(&t->n, node_post_event(&t->n, LEAF_REVOKE, &taken.s));
	assert_int_equal(node_size(&t->n, node_origin(&t->n)), size);
	signature_release(&given);
	signature_release(&taken);
	end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posting_without_a_roster_is_refused),
		cmocka_unit_test(writer_rules_are_refused_with_their_code),
		cmocka_unit_test(bad_value_is_refused_with_the_rule_it_breaks),
		cmocka_unit_test(key_that_is_no_operator_is_refused),
		cmocka_unit_test(task_outside_the_scope_is_refused),
		cmocka_unit_test(bad_signature_is_refused),
		cmocka_unit_test(body_that_is_no_change_is_refused),
		cmocka_unit_test(change_that_would_wait_or_needs_a_newer_version_is_refused),
		cmocka_unit_test(request_of_none_or_too_many_is_refused),
		cmocka_unit_test(writing_past_what_is_current_here_is_refused),
		cmocka_unit_test(same_request_again_answers_the_same_place),
		cmocka_unit_test(place_is_still_known_in_a_later_epoch),
		cmocka_unit_test(nonce_used_for_another_body_is_refused),
		cmocka_unit_test(request_is_posted_whole_or_not_at_all),
		cmocka_unit_test(request_with_parts_known_adds_only_the_others),
		cmocka_unit_test(two_changes_of_a_request_may_not_share_a_nonce),
		cmocka_unit_test(report_may_act_under_a_task_of_the_same_request),
		cmocka_unit_test(two_changes_of_a_request_may_not_write_past_each_other),
		cmocka_unit_test(event_that_is_not_the_root_keys_is_refused),
		cmocka_unit_test(delegation_posted_again_after_its_revocation_revives_nobody),
	};
	return cmocka_run_group_tests_name("core post", tests, core_set_up, core_tear_down);
}
