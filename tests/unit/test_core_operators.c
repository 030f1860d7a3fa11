/* Who may sign at which leaf: by indexes alone, within one log and along its epochs. */
#include "tests/lib/core_test.h"

#include "proto/trust/operators.h"

enum { FIRST = 10, SECOND = 20, THIRD = 30 }; /* row ids of a member's epochs */

static const uint8_t key[KEY_BYTES] = {1}, other_key[KEY_BYTES] = {2};

/* Each event is signed anew, unless a test says otherwise. */
static struct hash next_body(void)
{
	static uint8_t last;
	return (struct hash){{++last}};
}

static void delegate_as(struct operators *o, uint32_t log, uint64_t index, struct hash body)
{
	struct delegate d = {.operator_key = bytes_of(key, KEY_BYTES)};
	operators_add_delegate(o, log, index, &body, &d);
}

static void revoke_as(struct operators *o, uint32_t log, uint64_t index, struct hash body)
{
	struct revoke r = {.operator_key = bytes_of(key, KEY_BYTES)};
	operators_add_revoke(o, log, index, &body, &r);
}

static void delegate(struct operators *o, uint32_t log, uint64_t index, uint64_t not_after)
{
	struct delegate d = {.operator_key = bytes_of(key, KEY_BYTES),
		.name = bytes_str("a person"),
		.not_after_index = not_after};
	struct hash body = next_body();
	operators_add_delegate(o, log, index, &body, &d);
}

static void delegate_scope(struct operators *o, uint32_t log, uint64_t index, const char *task)
{
	struct bytes scope[] = {bytes_str("9-13"), bytes_str(task)};
	struct delegate d = {
		.operator_key = bytes_of(key, KEY_BYTES), .scope = scope, .n_scope = 2};
	struct hash body = next_body();
	operators_add_delegate(o, log, index, &body, &d);
}

static void revoke(struct operators *o, uint32_t log, uint64_t index, uint64_t valid_below)
{
	struct revoke r = {.operator_key = bytes_of(key, KEY_BYTES), .valid_below = valid_below};
	struct hash body = next_body();
	operators_add_revoke(o, log, index, &body, &r);
}

static bool allows(const struct operators *o, uint64_t index)
{
	struct operator_reach reach = {FIRST, index};
	bool in_scope;
	return operators_allow(o, &reach, 1, key, bytes_str("3-05"), &in_scope);
}

/* At `index` of the third epoch, which builds on 10 leaves of the second, and that on 10 of the
 * first. */
static bool allows_in_third(const struct operators *o, uint64_t index)
{
	struct operator_reach reach[] = {{THIRD, index}, {SECOND, 10}, {FIRST, 10}};
	bool in_scope;
	return operators_allow(o, reach, 3, key, bytes_str("3-05"), &in_scope);
}

static void nobody_may_sign_without_a_delegation(void **state)
{
	(void)state;
	struct operators o = {0};
	assert_false(allows(&o, 5));
	operators_release(&o);
}

static void delegation_counts_from_the_leaf_after_it(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 5, 0);
	assert_false(allows(&o, 4));
	assert_false(allows(&o, 5));
	assert_true(allows(&o, 6));
	assert_true(allows(&o, UINT64_MAX));
	operators_release(&o);
}

static void delegation_is_of_one_key_and_one_log(void **state)
{
	(void)state;
	struct operators o = {0};
	struct operator_reach reach = {FIRST, 9}, elsewhere = {SECOND, 9};
	bool in_scope;
	delegate(&o, FIRST, 5, 0);
	assert_false(operators_allow(&o, &reach, 1, other_key, bytes_str("3-05"), &in_scope));
	assert_false(in_scope);
	assert_false(operators_allow(&o, &elsewhere, 1, key, bytes_str("3-05"), &in_scope));
	operators_release(&o);
}

static void not_after_is_the_last_leaf(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 5, 8);
	assert_true(allows(&o, 8));
	assert_false(allows(&o, 9));
	operators_release(&o);
}

static void delegation_without_end_outlives_a_newer_one_with_an_end(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 2, 0);
	delegate(&o, FIRST, 5, 8);
	assert_true(allows(&o, 9));
	operators_release(&o);
}

static void revocation_counts_from_valid_below_on_wherever_it_stands(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 1, 0);
	revoke(&o, FIRST, 9, 5);
	assert_true(allows(&o, 4));
	for (uint64_t i = 5; i < 12; i++)
		assert_false(allows(&o, i));
	operators_release(&o);
}

static void revocation_ahead_of_its_place_counts_from_valid_below_only(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 1, 0);
	revoke(&o, FIRST, 3, 7);
	assert_true(allows(&o, 6));
	assert_false(allows(&o, 7));
	operators_release(&o);
}

static void revocation_from_zero_takes_everything(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 1, 0);
	revoke(&o, FIRST, 9, 0);
	for (uint64_t i = 2; i < 12; i++)
		assert_false(allows(&o, i));
	operators_release(&o);
}

static void key_delegated_again_after_its_revocation_is_an_operator_again(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 1, 0);
	revoke(&o, FIRST, 9, 5);
	delegate(&o, FIRST, 12, 0);
	assert_true(allows(&o, 4));
	assert_false(allows(&o, 5));
	assert_false(allows(&o, 12));
	assert_true(allows(&o, 13));
	operators_release(&o);
}

/* A second delegation before the revocation is revoked with the first. */
static void revocation_takes_every_delegation_before_it(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 1, 0);
	delegate(&o, FIRST, 7, 0);
	revoke(&o, FIRST, 9, 5);
	assert_true(allows(&o, 4));
	assert_false(allows(&o, 8));
	assert_false(allows(&o, 10));
	operators_release(&o);
}

static void revocation_of_another_key_changes_nothing(void **state)
{
	(void)state;
	struct operators o = {0};
	struct revoke r = {.operator_key = bytes_of(other_key, KEY_BYTES), .valid_below = 0};
	delegate(&o, FIRST, 1, 0);
	struct hash body = next_body();
	operators_add_revoke(&o, FIRST, 2, &body, &r);
	assert_true(allows(&o, 9));
	operators_release(&o);
}

/* ---- scope ---- */

static bool in_scope_at(const struct operators *o, uint64_t index, const char *task)
{
	struct operator_reach reach = {FIRST, index};
	bool in_scope;
	assert_true(operators_allow(o, &reach, 1, key, bytes_str(task), &in_scope));
	return in_scope;
}

static void scope_names_tasks_and_not_the_plan_as_a_whole(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate_scope(&o, FIRST, 1, "3-05");
	assert_true(in_scope_at(&o, 2, "3-05"));
	assert_true(in_scope_at(&o, 2, "9-13"));
	assert_false(in_scope_at(&o, 2, "3-0"));
	assert_false(in_scope_at(&o, 2, "3-050"));
	assert_false(in_scope_at(&o, 2, ""));
	operators_release(&o);
}

static void newest_delegation_decides_about_the_scope(void **state)
{
	(void)state;
	struct operators o = {0};
	/* As they are learned need not be as they stand. */
	delegate_scope(&o, FIRST, 7, "1-01");
	delegate(&o, FIRST, 3, 0);
	delegate_scope(&o, FIRST, 1, "3-05");
	assert_true(in_scope_at(&o, 2, "3-05"));
	assert_false(in_scope_at(&o, 2, "1-01"));
	assert_true(in_scope_at(&o, 4, "1-01"));
	assert_true(in_scope_at(&o, 4, ""));
	assert_true(in_scope_at(&o, 8, "1-01"));
	assert_false(in_scope_at(&o, 8, "3-05"));
	operators_release(&o);
}

/* ---- epochs ---- */

static void delegation_of_an_earlier_epoch_counts_as_far_as_the_next_builds_on_it(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 9, 0);
	assert_true(allows_in_third(&o, 1));
	operators_release(&o);
	delegate(&o, FIRST, 10, 0);
	assert_false(allows_in_third(&o, 1));
	operators_release(&o);
}

static void revocation_of_an_earlier_epoch_counts_as_far_as_the_next_builds_on_it(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 1, 0);
	revoke(&o, SECOND, 10, 1);
	assert_true(allows_in_third(&o, 1));
	revoke(&o, SECOND, 9, UINT64_MAX);
	assert_false(allows_in_third(&o, 1));
	operators_release(&o);
}

static void revocation_within_the_same_earlier_epoch_counts(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 1, 0);
	revoke(&o, FIRST, 2, 5);
	assert_false(allows_in_third(&o, 1));
	delegate(&o, FIRST, 6, 0);
	assert_true(allows_in_third(&o, 1));
	operators_release(&o);
}

static void newer_epoch_delegates_again_what_an_earlier_one_revoked(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 1, 0);
	revoke(&o, SECOND, 2, 0);
	delegate(&o, THIRD, 3, 0);
	assert_false(allows_in_third(&o, 3));
	assert_true(allows_in_third(&o, 4));
	operators_release(&o);
}

static void revocation_in_this_epoch_takes_a_delegation_of_an_earlier_one(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 1, 0);
	revoke(&o, THIRD, 8, 5);
	assert_true(allows_in_third(&o, 4));
	assert_false(allows_in_third(&o, 5));
	assert_false(allows_in_third(&o, 9));
	operators_release(&o);
}

/* A key lent for a while does not come back to life because the log begins anew. */
static void delegation_that_ended_in_its_epoch_has_ended_for_the_later_ones(void **state)
{
	(void)state;
	struct operators o = {0};
	delegate(&o, FIRST, 1, 5);
	assert_false(allows_in_third(&o, 1));
	operators_release(&o);
	delegate(&o, FIRST, 1, 9);
	assert_false(allows_in_third(&o, 1));
	operators_release(&o);
	/* Its epoch ended before it did. */
	delegate(&o, FIRST, 1, 10);
	assert_true(allows_in_third(&o, 1));
	operators_release(&o);
}

static void epoch_that_is_not_built_on_does_not_count(void **state)
{
	(void)state;
	struct operators o = {0};
	struct operator_reach reach[] = {{THIRD, 5}, {SECOND, 10}};
	bool in_scope;
	delegate(&o, FIRST, 1, 0);
	assert_false(operators_allow(&o, reach, 2, key, bytes_str(""), &in_scope));
	delegate(&o, SECOND, 1, 0);
	revoke(&o, FIRST, 2, 0);
	assert_true(operators_allow(&o, reach, 2, key, bytes_str(""), &in_scope));
	operators_release(&o);
}

/* Whatever the order in which the epochs arrive. */
static void delegation_written_again_in_a_later_epoch_does_not_count(void **state)
{
	(void)state;
	struct hash first = next_body(), revoked = next_body();
	for (int later_first = 0; later_first < 2; later_first++) {
		struct operators o = {0};
		if (later_first)
			delegate_as(&o, THIRD, 1, first);
		delegate_as(&o, FIRST, 2, first);
		revoke_as(&o, SECOND, 3, revoked);
		if (!later_first)
			delegate_as(&o, THIRD, 1, first);
		assert_false(allows_in_third(&o, 5));
		delegate_as(&o, THIRD, 6, next_body());
		assert_true(allows_in_third(&o, 7));
		operators_release(&o);
	}
}

static void revocation_written_again_in_a_later_epoch_does_not_count(void **state)
{
	(void)state;
	struct operators o = {0};
	struct hash revoked = next_body();
	delegate(&o, FIRST, 1, 0);
	revoke_as(&o, FIRST, 2, revoked);
	delegate(&o, SECOND, 1, 0);
	assert_true(allows_in_third(&o, 5));
	revoke_as(&o, THIRD, 1, revoked);
	assert_true(allows_in_third(&o, 5));
	revoke_as(&o, THIRD, 2, next_body());
	assert_false(allows_in_third(&o, 5));
	operators_release(&o);
}

/* Where the first is beyond what the later epoch builds on, the second is the only one. */
static void event_written_again_counts_if_the_first_does_not(void **state)
{
	(void)state;
	struct operators o = {0};
	struct hash body = next_body();
	delegate_as(&o, FIRST, 10, body);
	delegate_as(&o, SECOND, 2, body);
	assert_true(allows_in_third(&o, 5));
	operators_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_may_sign_without_a_delegation),
		cmocka_unit_test(delegation_counts_from_the_leaf_after_it),
		cmocka_unit_test(delegation_is_of_one_key_and_one_log),
		cmocka_unit_test(not_after_is_the_last_leaf),
		cmocka_unit_test(delegation_without_end_outlives_a_newer_one_with_an_end),
		cmocka_unit_test(revocation_counts_from_valid_below_on_wherever_it_stands),
		cmocka_unit_test(revocation_ahead_of_its_place_counts_from_valid_below_only),
		cmocka_unit_test(revocation_from_zero_takes_everything),
		cmocka_unit_test(key_delegated_again_after_its_revocation_is_an_operator_again),
		cmocka_unit_test(revocation_takes_every_delegation_before_it),
		cmocka_unit_test(revocation_of_another_key_changes_nothing),
		cmocka_unit_test(scope_names_tasks_and_not_the_plan_as_a_whole),
		cmocka_unit_test(newest_delegation_decides_about_the_scope),
		cmocka_unit_test(
			delegation_of_an_earlier_epoch_counts_as_far_as_the_next_builds_on_it),
		cmocka_unit_test(
			revocation_of_an_earlier_epoch_counts_as_far_as_the_next_builds_on_it),
		cmocka_unit_test(revocation_within_the_same_earlier_epoch_counts),
		cmocka_unit_test(newer_epoch_delegates_again_what_an_earlier_one_revoked),
		cmocka_unit_test(revocation_in_this_epoch_takes_a_delegation_of_an_earlier_one),
		cmocka_unit_test(delegation_that_ended_in_its_epoch_has_ended_for_the_later_ones),
		cmocka_unit_test(epoch_that_is_not_built_on_does_not_count),
		cmocka_unit_test(delegation_written_again_in_a_later_epoch_does_not_count),
		cmocka_unit_test(revocation_written_again_in_a_later_epoch_does_not_count),
		cmocka_unit_test(event_written_again_counts_if_the_first_does_not),
	};
	return cmocka_run_group_tests_name("core operators", tests, NULL, NULL);
}
