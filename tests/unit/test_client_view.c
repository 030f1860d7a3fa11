#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/agreement.h"
#include "client/field.h"
#include "client/plan_view.h"
#include "client/view.h"
#include "tests/unit/fake_node.h"

static struct fake_node *node;
static struct view view;

static int open_node(void **state)
{
	struct err e;
	(void)state;
	assert_int_equal(trust_init(&e), RC_OK);
	node = fake_open();
	view = (struct view){0};
	return 0;
}

static int close_node(void **state)
{
	(void)state;
	view_release(&view);
	fake_close(node);
	return 0;
}

/* Takes what the node holds, from the last to the first. */
static void take_all(void)
{
	for (size_t i = node->n_entries; i-- > 0;) {
		struct ctl_entry x = {
			.origin = bytes_str(FAKE_CLUSTER "/jiangsu/1-00000001"),
			.index = i + 1,
			.change_id = hash_bytes(&node->entry[i].id),
			.current = node->entry[i].current,
			.leaf = bytes_of(node->entry[i].leaf, node->entry[i].n),
		};
		view_add(&view, &x);
	}
	view_group(&view);
}

static struct fake_entry *write_overall(const char *task, const char *member, uint32_t status)
{
	struct value v = {.slot = SLOT_OVERALL, .overall = {.status = status}};
	struct change c = {.member = bytes_str(member),
		.task = bytes_str(task),
		.under = hash_bytes(&node->entry[0].id)};
	return fake_write(node, c, &v, &node->operator);
}

static void tasks_come_in_the_order_of_the_plan(void **state)
{
	static const char *const keys[] = {"10-01", "3-100", "3-05", "1-02"};
	(void)state;
	for (size_t i = 0; i < 4; i++)
		fake_task(node, keys[i], "");
	take_all();
	assert_int_equal(view.n_reg, 4);
	static const char *const sorted[] = {"1-02", "3-05", "3-100", "10-01"};
	size_t from = 0, end, n = 0;
	for (; view_next_task(&view, &from, &end); from = end, n++) {
		assert_int_equal(end - from, 1);
		assert_true(bytes_equal(view.reg[from].task, bytes_str(sorted[n])));
	}
	assert_int_equal(n, 4);
	assert_non_null(view_find(&view, bytes_str("3-100"), SLOT_TASK, bytes_of(NULL, 0)));
	assert_null(view_find(&view, bytes_str("3-101"), SLOT_TASK, bytes_of(NULL, 0)));
	assert_null(view_find(&view, bytes_str("3-05"), SLOT_OVERALL, bytes_of(NULL, 0)));
}

static void current_values_come_first_the_leads_before_the_later(void **state)
{
	(void)state;
	fake_task(node, "3-05", "jiangsu");
	write_overall("3-05", "jiangsu", STATUS_DELAYED);
	write_overall("3-05", "office", STATUS_IN_PROGRESS); /* later, but not the lead */
	write_overall("3-05", "jiangsu", STATUS_SUSPENDED)->current = false; /* the latest */
	take_all();
	const struct cell_register *r =
		view_find(&view, bytes_str("3-05"), SLOT_OVERALL, bytes_of(NULL, 0));
	assert_non_null(r);
	assert_int_equal(r->n, 3);
	assert_int_equal(r->n_current, 2);
	assert_int_equal(r->entry[0].value.overall.status, STATUS_DELAYED);
	assert_true(r->entry[0].by_lead);
	assert_int_equal(r->entry[1].value.overall.status, STATUS_IN_PROGRESS);
	assert_int_equal(r->entry[2].value.overall.status, STATUS_SUSPENDED);
	const struct value *v =
		view_value(&view, bytes_str("3-05"), SLOT_OVERALL, bytes_of(NULL, 0));
	assert_int_equal(v->overall.status, STATUS_DELAYED);
}

static void a_signature_holds_for_its_bytes_its_cluster_and_its_id(void **state)
{
	(void)state;
	fake_task(node, "3-05", "");
	take_all();
	struct entry *x = &view.entry[0];
	assert_true(entry_verify(x, &node->roster.cluster_id));
	struct hash other = node->roster.cluster_id;
	other.b[0] ^= 1;
	assert_false(entry_verify(x, &other));
	x->id.b[31] ^= 1;
	assert_false(entry_verify(x, &node->roster.cluster_id));
	x->id.b[31] ^= 1;
	uint8_t *body = (uint8_t *)(uintptr_t)x->leaf.signed_body.body.p;
	body[x->leaf.signed_body.body.n - 1] ^= 1;
	assert_false(entry_verify(x, &node->roster.cluster_id));
}

static void a_leaf_that_cannot_be_read_makes_no_register(void **state)
{
	uint8_t junk[40];
	(void)state;
	memset(junk, 0xff, sizeof junk);
	struct ctl_entry x = {.origin = bytes_str("o"),
		.verdict = VERDICT_VOID,
		.void_code = VOID_GATE,
		.leaf = bytes_of(junk, sizeof junk)};
	view_add(&view, &x);
	x.leaf = bytes_of(NULL, 0);
	view_add(&view, &x);
	fake_task(node, "3-05", "");
	take_all();
	assert_int_equal(view.n, 3);
	assert_int_equal(view.n_reg, 1);
	assert_false(entry_verify(&view.entry[2], &node->roster.cluster_id));
}

static void a_task_line_counts_who_takes_part_and_who_reported(void **state)
{
	struct task_line l;
	(void)state;
	fake_task(node, "3-05", "");
	struct value v = {.slot = SLOT_REPORT,
		.report = {.status = STATUS_IN_PROGRESS, .progress = 60, .as_of = 20241231}};
	struct change c = {.member = bytes_str("jiangsu"),
		.holder = bytes_str("jiangsu"),
		.task = bytes_str("3-05"),
		.under = hash_bytes(&node->entry[0].id)};
	fake_write(node, c, &v, &node->operator);
	take_all();
	task_line_make(&view, &node->roster, 0, view.n_reg, &l);
	assert_int_equal(l.n_reports, 1);
	assert_int_equal(l.participants, 1);
	assert_int_equal(l.reported, 1);
	assert_int_equal(l.average, 60);
	assert_int_equal(l.conflicts, 0);
	assert_null(l.overall);
}

static void changes_are_found_by_the_beginning_of_their_id(void **state)
{
	const struct entry *x;
	struct err e = {0};
	char hex[HASH_HEX_SIZE];
	(void)state;
	fake_task(node, "3-05", "");
	fake_task(node, "3-06", "");
	take_all();
	hash_print(&view.entry[1].id, hex);
	assert_int_equal(field_find_change(view.entry, 2, hex, &x, &e), RC_OK);
	assert_ptr_equal(x, &view.entry[1]);
	hex[4] = 0;
	assert_int_equal(field_find_change(view.entry, 2, hex, &x, &e), RC_OK);
	assert_int_equal(field_find_change(view.entry, 2, "abc", &x, &e), RC_USAGE);
	assert_int_equal(field_find_change(view.entry, 2, "ABCD", &x, &e), RC_USAGE);
	assert_int_equal(field_find_change(view.entry, 2, "", &x, &e), RC_USAGE);
	hash_print(&view.entry[1].id, hex);
	hex[20] = hex[20] == '0' ? '1' : '0';
	assert_int_equal(field_find_change(view.entry, 2, hex, &x, &e), RC_NOT_FOUND);
	view.entry[0].id = view.entry[1].id;
	view.entry[0].id.b[31] ^= 1;
	hash_print(&view.entry[1].id, hex);
	hex[60] = 0;
	assert_int_equal(field_find_change(view.entry, 2, hex, &x, &e), RC_USAGE);
}

static void fields_are_named_by_slot_and_holder(void **state)
{
	struct field f;
	struct err e = {0};
	struct bytes own = bytes_str("jiangsu"), key;
	(void)state;
	assert_int_equal(field_parse("report:anhui", own, &f, &e), RC_OK);
	assert_int_equal(f.slot, SLOT_REPORT);
	assert_true(bytes_equal(f.holder, bytes_str("anhui")));
	assert_int_equal(field_parse("report", own, &f, &e), RC_OK);
	assert_true(bytes_equal(f.holder, own));
	assert_int_equal(field_parse("OVERALL", own, &f, &e), RC_OK);
	assert_int_equal(field_parse("overall:x", own, &f, &e), RC_USAGE);
	assert_int_equal(field_parse("area", own, &f, &e), RC_USAGE);
	assert_int_equal(field_parse("area:", own, &f, &e), RC_USAGE);
	assert_int_equal(field_parse("", own, &f, &e), RC_USAGE);
	assert_int_equal(field_parse("progress", own, &f, &e), RC_USAGE);
	assert_int_equal(field_parse_key("plan", &key, &e), RC_OK);
	assert_int_equal(key.n, 0);
	assert_int_equal(field_parse_key("3-5", &key, &e), RC_USAGE);
	assert_int_equal(field_parse_key("", &key, &e), RC_USAGE);
}

static struct agreement judged(const struct ctl_status *s, const char *lacking)
{
	struct agreement a;
	struct buf b = {0};
	agreement_judge(s, &node->roster, &a, &b);
	buf_put_u8(&b, 0);
	if (!strstr((const char *)b.p, lacking))
		fail_msg("\"%s\" does not say \"%s\"", (const char *)b.p, lacking);
	buf_release(&b);
	return a;
}

static void in_step_means_connected_complete_and_equal(void **state)
{
	struct ctl_peer p = {.member = bytes_str("office"), .connected = true, .agree = AGREE_YES};
	struct ctl_log l = {.member = bytes_str("office"), .size = 5, .seen_size = 5};
	struct ctl_status s = {
		.member = bytes_str("jiangsu"), .peers = &p, .n_peers = 1, .logs = &l, .n_logs = 1};
	(void)state;
	assert_true(judged(&s, "").converged);
	p.connected = false;
	assert_false(judged(&s, "office: not connected").converged);
	p.connected = true;
	p.agree = AGREE_UNKNOWN;
	assert_false(judged(&s, "office").converged);
	p.agree = AGREE_DIFFERENT_LOGS;
	p.behind = 1;
	assert_false(judged(&s, "office: it lacks entries").converged);
	p.behind = 0;
	p.ahead = 1;
	assert_false(judged(&s, "not here").converged);
	p.ahead = 0;
	p.agree = AGREE_NO;
	struct agreement a = judged(&s, "differs");
	assert_true(a.diverged && !a.converged);
	p.agree = AGREE_YES;
	l.seen_size = 7;
	a = judged(&s, "2 entries of office");
	assert_true(!a.converged && a.missing == 2);
	l.seen_size = 5;
	l.forked = true;
	a = judged(&s, "");
	assert_true(a.forked && !a.converged);
	/* A member the node says nothing of is not in step either. */
	l.forked = false;
	s.n_peers = 0;
	assert_false(judged(&s, "office: not connected").converged);
}

#define NODE_TEST(f) cmocka_unit_test_setup_teardown(f, open_node, close_node)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(tasks_come_in_the_order_of_the_plan),
		NODE_TEST(current_values_come_first_the_leads_before_the_later),
		NODE_TEST(a_signature_holds_for_its_bytes_its_cluster_and_its_id),
		NODE_TEST(a_leaf_that_cannot_be_read_makes_no_register),
		NODE_TEST(a_task_line_counts_who_takes_part_and_who_reported),
		NODE_TEST(changes_are_found_by_the_beginning_of_their_id),
		NODE_TEST(fields_are_named_by_slot_and_holder),
		NODE_TEST(in_step_means_connected_complete_and_equal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
