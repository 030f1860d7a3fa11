#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/model/slot.h"

static void each_slot_is_found_by_number_and_by_name(void **state)
{
	(void)state;
	for (uint32_t slot = SLOT_AREA; slot <= SLOT_NOTE; slot++) {
		const struct slot_rule *rule = slot_find(slot);
		assert_non_null(rule);
		assert_int_equal(rule->slot, slot);
		assert_ptr_equal(slot_named(bytes_str(rule->name)), rule);
	}
}

static void unknown_slots_are_not_found(void **state)
{
	(void)state;
	assert_null(slot_find(SLOT_NONE));
	assert_null(slot_find(SLOT_NOTE + 1));
	assert_null(slot_find(999));
	assert_null(slot_find(UINT32_MAX));
}

static void names_are_found_in_any_case_but_only_whole(void **state)
{
	(void)state;
	assert_int_equal(slot_named(bytes_str("report"))->slot, SLOT_REPORT);
	assert_int_equal(slot_named(bytes_str("Overall"))->slot, SLOT_OVERALL);
	const char *const bad[] = {"", "REPOR", "REPORTS", "R", "{|}~", "task "};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_null(slot_named(bytes_str(bad[i])));
	assert_null(slot_named((struct bytes){0}));
}

/* The rows are part of the protocol: a changed one makes two versions disagree. */
static void rows_are_those_of_the_protocol(void **state)
{
	(void)state;
	const struct slot_rule want[] = {
		{SLOT_AREA, "AREA", TASK_NEVER, HOLDER_AREA, WRITER_REGIONAL, false},
		{SLOT_TASK, "TASK", TASK_ALWAYS, HOLDER_EMPTY, WRITER_REGIONAL, false},
		{SLOT_REPORT, "REPORT", TASK_ALWAYS, HOLDER_MEMBER, WRITER_HOLDER, true},
		{SLOT_OVERALL, "OVERALL", TASK_ALWAYS, HOLDER_EMPTY, WRITER_LEAD, true},
		{SLOT_NOTE, "NOTE", TASK_MAYBE, HOLDER_NONCE, WRITER_AUTHOR, false},
	};
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		const struct slot_rule *rule = slot_find((uint32_t)i + 1);
		assert_int_equal(rule->slot, want[i].slot);
		assert_string_equal(rule->name, want[i].name);
		assert_int_equal(rule->task, want[i].task);
		assert_int_equal(rule->holder, want[i].holder);
		assert_int_equal(rule->writer, want[i].writer);
		assert_int_equal(rule->under_task, want[i].under_task);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_slot_is_found_by_number_and_by_name),
		cmocka_unit_test(unknown_slots_are_not_found),
		cmocka_unit_test(names_are_found_in_any_case_but_only_whole),
		cmocka_unit_test(rows_are_those_of_the_protocol),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
