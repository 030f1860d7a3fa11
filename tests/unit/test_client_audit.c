/* What an audit says of the node that it is held to, by a node that answers as a script says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/audit_node.h"
#include "tests/unit/fake_node.h"

#define ORIGIN FAKE_CLUSTER "/jiangsu/1-00000001"

/* An audit of a bundle with the roster and no leaf. */
struct scene {
	struct fake_node *fake;
	struct node node;
	struct audit audit;
	struct ctl_log log;
};

static int begin(void **state)
{
	struct scene *t = xalloc(sizeof *t);
	struct err e = {0};
	assert_int_equal(trust_init(&e), RC_OK);
	t->fake = fake_open();
	assert_int_equal(connection_open(&t->node.line, t->fake->path, 10000, &e), RC_OK);
	snprintf(t->node.member, sizeof t->node.member, "jiangsu");
	struct message roster = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&t->fake->note)};
	audit_init(&t->audit, NULL);
	assert_int_equal(audit_take(&t->audit, &roster, &e), RC_OK);
	audit_derive(&t->audit, audit_roster(&t->audit));
	t->fake->status = (struct ctl_status){.member = bytes_str("jiangsu"),
		.state = bytes_str("running"),
		.logs = &t->log,
		.view_root = hash_bytes(&t->audit.view_root)};
	t->log = (struct ctl_log){.origin = bytes_str(ORIGIN), .member = bytes_str("jiangsu")};
	*state = t;
	return 0;
}

static int end(void **state)
{
	struct scene *t = *state;
	connection_close(&t->node.line);
	audit_release(&t->audit);
	fake_close(t->fake);
	free(t);
	return 0;
}

/* The only finding, or nothing. */
static void assert_finds(struct scene *t, const char *id, bool failed)
{
	struct err e = {0};
	if (audit_compare(&t->audit, &t->node, &e) != RC_OK)
		fail_msg("%s", e.text);
	assert_int_equal(t->audit.n_findings, id != NULL);
	if (id != NULL)
		assert_string_equal(audit_id_name(t->audit.finding[0].id), id);
	assert_int_equal(t->audit.failed, failed);
}

static void node_that_shows_what_was_derived_is_no_finding(void **state)
{
	assert_finds(*state, NULL, false);
	struct scene *t = *state;
	t->fake->status.n_logs = 1; /* a log without leaves */
	assert_finds(t, NULL, false);
}

static void other_view_root_of_the_same_leaves_fails(void **state)
{
	static const struct hash other = {{9}};
	struct scene *t = *state;
	t->fake->status.view_root = hash_bytes(&other);
	assert_finds(t, "A503", true);
}

/* Its view is of other leaves, and says nothing against it. */
static void node_that_went_on_meanwhile_is_not_compared(void **state)
{
	static const struct hash other = {{9}};
	struct scene *t = *state;
	t->fake->status.view_root = hash_bytes(&other);
	t->fake->status.n_logs = 1;
	t->log.size = 1;
	assert_finds(t, "A504", false);
}

static void node_that_has_not_checked_all_signatures_is_not_compared(void **state)
{
	static const struct hash other = {{9}};
	struct scene *t = *state;
	t->fake->status.view_root = hash_bytes(&other);
	t->fake->status.provisional = true;
	assert_finds(t, "A504", false);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(node_that_shows_what_was_derived_is_no_finding),
		SCENE_TEST(other_view_root_of_the_same_leaves_fails),
		SCENE_TEST(node_that_went_on_meanwhile_is_not_compared),
		SCENE_TEST(node_that_has_not_checked_all_signatures_is_not_compared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
