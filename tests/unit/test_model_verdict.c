#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "proto/model/verdict.h"

#define OWN_HEX "00112233445566778899aabbccddeeff"
static const uint8_t own_nonce[NONCE_BYTES] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
	0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
#define OTHER_HEX "ffffffffffffffffffffffffffffffff"
static const uint8_t some_id[HASH_BYTES] = {1};

/* An effective change with all that is known of it; a test spoils one thing. It is returned by
 * value, so the pointers are set where the verdict is asked for. */
struct scene {
	struct change change;
	struct value value;
	struct task_value task; /* of the TASK change in `under` */
	struct verdict_facts facts;
	bool no_change, no_value;
};

static struct scene scene_of(
	enum slot slot, const char *member, const char *task, const char *holder)
{
	struct scene s = {0};
	s.change.version = CHANGE_VERSION;
	s.change.member = bytes_str(member);
	s.change.nonce = bytes_of(own_nonce, sizeof own_nonce);
	s.change.task = bytes_str(task);
	s.change.slot = slot;
	s.change.holder = bytes_str(holder);
	s.value.slot = slot;
	s.facts.version_known = s.facts.index_ok = s.facts.signature_ok = true;
	s.facts.is_operator = s.facts.in_scope = true;
	s.facts.log_member = s.change.member;
	s.facts.author_is_regional = strcmp(member, "office") == 0;
	s.facts.author_is_province = !s.facts.author_is_regional;
	return s;
}

/* `under` names a TASK change of 3-05 with lead shanghai and participants anhui and jiangsu. */
static void act_under_task(struct scene *s)
{
	static struct bytes participants[2];
	participants[0] = bytes_str("anhui");
	participants[1] = bytes_str("jiangsu");
	s->task = (struct task_value){.title = bytes_str("t"),
		.source = SOURCE_SEED,
		.lead = bytes_str("shanghai"),
		.participants = participants,
		.n_participants = 2};
	s->change.under = bytes_of(some_id, sizeof some_id);
	s->facts.under = (struct under_facts){.known = true,
		.verdict = VERDICT_EFFECTIVE,
		.slot = SLOT_TASK,
		.task = bytes_str("3-05"),
		.member = bytes_str("office")};
}

static struct scene area_scene(void)
{
	struct scene s = scene_of(SLOT_AREA, "office", "", "3");
	s.value.area = (struct area_value){.title = bytes_str("t"), .planned = 25};
	return s;
}

static struct scene task_scene(void)
{
	struct scene s = scene_of(SLOT_TASK, "office", "3-05", "");
	s.value.task = (struct task_value){.title = bytes_str("t"), .source = SOURCE_SEED};
	return s;
}

static struct scene report_scene(void)
{
	struct scene s = scene_of(SLOT_REPORT, "jiangsu", "3-05", "jiangsu");
	act_under_task(&s);
	s.facts.holder_is_province = true;
	s.value.report = (struct report_value){
		.status = STATUS_IN_PROGRESS, .progress = 60, .as_of = 20250331};
	return s;
}

static struct scene overall_scene(void)
{
	struct scene s = scene_of(SLOT_OVERALL, "shanghai", "3-05", "");
	act_under_task(&s);
	s.value.overall = (struct overall_value){.status = STATUS_IN_PROGRESS};
	return s;
}

static struct scene note_scene(void)
{
	struct scene s = scene_of(SLOT_NOTE, "anhui", "3-05", OWN_HEX);
	s.value.note = (struct note_value){.text = bytes_str("见附件")};
	return s;
}

/* anhui strikes out a note of its own. */
static struct scene strike_scene(void)
{
	struct scene s = scene_of(SLOT_NOTE, "anhui", "3-05", OTHER_HEX);
	s.value.note = (struct note_value){.struck = true};
	s.change.under = bytes_of(some_id, sizeof some_id);
	s.facts.under = (struct under_facts){.known = true,
		.verdict = VERDICT_EFFECTIVE,
		.slot = SLOT_NOTE,
		.task = bytes_str("3-05"),
		.holder = bytes_str(OTHER_HEX),
		.member = bytes_str("anhui")};
	return s;
}

static struct scene (*const scenes[])(void) = {
	area_scene, task_scene, report_scene, overall_scene, note_scene, strike_scene};
#define SCENES (sizeof scenes / sizeof scenes[0])

static enum verdict decide(const struct scene *s, enum void_code *code)
{
	struct verdict_facts f = s->facts;
	f.change = s->no_change ? NULL : &s->change;
	f.value = s->no_change || s->no_value ? NULL : &s->value;
	if (f.under.known && f.under.verdict == VERDICT_EFFECTIVE && f.under.slot == SLOT_TASK)
		f.under.task_value = &s->task;
	return verdict_decide(&f, code);
}

static void assert_verdict(struct scene s, enum verdict verdict, enum void_code code)
{
	enum void_code got = (enum void_code)99;
	assert_int_equal(decide(&s, &got), verdict);
	assert_int_equal(got, code);
}

static void assert_effective(struct scene s)
{
	assert_verdict(s, VERDICT_EFFECTIVE, VOID_NONE);
}

static void assert_pending(struct scene s)
{
	assert_verdict(s, VERDICT_PENDING, VOID_NONE);
}

static void assert_void(struct scene s, enum void_code code)
{
	assert_verdict(s, VERDICT_VOID, code);
}

/* Spoils every kind of change in the same way. */
static void assert_void_if(void (*spoil)(struct scene *), enum void_code code)
{
	for (size_t i = 0; i < SCENES; i++) {
		struct scene s = scenes[i]();
		spoil(&s);
		assert_void(s, code);
	}
}

static void a_change_of_each_slot_can_be_effective(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENES; i++)
		assert_effective(scenes[i]());
}

/* One way to spoil each rule, in the order of the rules. */
static void spoil_index(struct scene *s)
{
	s->facts.index_ok = false;
}

static void spoil_version(struct scene *s)
{
	s->facts.version_known = false;
}

static void spoil_gate(struct scene *s)
{
	s->no_value = true;
}

static void spoil_member(struct scene *s)
{
	s->facts.log_member = bytes_str("elsewhere");
}

static void spoil_signature(struct scene *s)
{
	s->facts.signature_ok = false;
}

static void spoil_operator(struct scene *s)
{
	s->facts.is_operator = false;
}

static void spoil_scope(struct scene *s)
{
	s->facts.in_scope = false;
}

static void spoil_repeat(struct scene *s)
{
	s->facts.is_repeat = true;
}

static void spoil_register(struct scene *s)
{
	s->change.task = bytes_str("3-5");
}

static void spoil_writer(struct scene *s)
{
	s->change.member = s->facts.log_member = bytes_str("zhejiang");
	s->facts.author_is_regional = false;
	s->facts.author_is_province = true;
	if (s->value.slot == SLOT_NOTE && !s->value.note.struck)
		s->change.holder = bytes_str(OTHER_HEX);
}

static void spoil_value(struct scene *s)
{
	s->change.reason = bytes_str("\x1b");
}

static void another_index_than_its_own_is_void(void **state)
{
	(void)state;
	assert_void_if(spoil_index, VOID_INDEX);
}

static void an_unknown_version_is_unknown(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENES; i++) {
		struct scene s = scenes[i]();
		s.facts.version_known = false;
		assert_verdict(s, VERDICT_UNKNOWN, VOID_NONE);
		s.no_change = true;
		assert_verdict(s, VERDICT_UNKNOWN, VOID_NONE);
	}
}

static void an_unknown_slot_is_unknown_even_without_its_value(void **state)
{
	(void)state;
	struct scene s = report_scene();
	s.change.slot = 999;
	s.no_value = true;
	assert_verdict(s, VERDICT_UNKNOWN, VOID_NONE);
}

static void a_change_that_did_not_pass_the_gate_is_void(void **state)
{
	(void)state;
	struct scene s = report_scene();
	s.no_change = true;
	assert_void(s, VOID_GATE);
}

static void a_value_that_did_not_pass_the_gate_is_void(void **state)
{
	(void)state;
	assert_void_if(spoil_gate, VOID_GATE);
}

static void a_change_signed_for_another_member_is_void(void **state)
{
	(void)state;
	assert_void_if(spoil_member, VOID_MEMBER);
}

static void a_bad_signature_is_void(void **state)
{
	(void)state;
	assert_void_if(spoil_signature, VOID_SIGNATURE);
}

static void a_key_that_is_no_operator_is_void(void **state)
{
	(void)state;
	assert_void_if(spoil_operator, VOID_OPERATOR);
}

static void a_task_out_of_scope_is_void(void **state)
{
	(void)state;
	assert_void_if(spoil_scope, VOID_SCOPE);
}

static void a_repeat_is_told_where_only_the_slot_is_unknown(void **state)
{
	(void)state;
	struct scene s = report_scene();
	s.change.slot = 77;
	assert_verdict(s, VERDICT_UNKNOWN, VOID_NONE);
	s.facts.is_repeat = true;
	assert_void(s, VOID_REPEAT);
}

static void a_repeat_is_void(void **state)
{
	(void)state;
	assert_void_if(spoil_repeat, VOID_REPEAT);
}

static void a_value_out_of_its_rules_is_void(void **state)
{
	(void)state;
	assert_void_if(spoil_value, VOID_VALUE);
}

static void a_task_key_of_another_form_is_no_register(void **state)
{
	(void)state;
	assert_void_if(spoil_register, VOID_REGISTER);
}

static void an_area_stands_in_no_task(void **state)
{
	(void)state;
	struct scene s = area_scene();
	s.change.task = bytes_str("3-05");
	assert_void(s, VOID_REGISTER);
}

static void task_report_and_overall_need_a_task(void **state)
{
	(void)state;
	struct scene s[] = {task_scene(), report_scene(), overall_scene()};
	for (size_t i = 0; i < 3; i++) {
		s[i].change.task = bytes_str("");
		assert_void(s[i], VOID_REGISTER);
	}
}

static void a_note_may_be_plan_wide(void **state)
{
	(void)state;
	struct scene s = note_scene();
	s.change.task = bytes_str("");
	assert_effective(s);
	s = strike_scene();
	s.change.task = s.facts.under.task = bytes_str("");
	assert_effective(s);
}

static void an_area_is_held_by_its_number(void **state)
{
	(void)state;
	struct scene s = area_scene();
	s.change.holder = bytes_str("99");
	assert_effective(s);
	const char *const bad[] = {"", "0", "03", "100", "+3", "3 ", "-3", "三", "x"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		s.change.holder = bytes_str(bad[i]);
		assert_void(s, VOID_REGISTER);
	}
}

static void task_and_overall_have_no_holder(void **state)
{
	(void)state;
	struct scene s[] = {task_scene(), overall_scene()};
	for (size_t i = 0; i < 2; i++) {
		s[i].change.holder = bytes_str("jiangsu");
		assert_void(s[i], VOID_REGISTER);
	}
}

static void a_report_is_held_by_a_province_of_the_roster(void **state)
{
	(void)state;
	struct scene s = report_scene();
	s.facts.holder_is_province = false;
	assert_void(s, VOID_REGISTER);
	s = report_scene();
	s.change.holder = bytes_str("Jiangsu");
	assert_void(s, VOID_REGISTER);
}

static void a_note_is_held_by_32_hex_digits(void **state)
{
	(void)state;
	const char *const bad[] = {"", "anhui", "00112233445566778899AABBCCDDEEFF",
		"00112233445566778899aabbccddeef", "00112233445566778899aabbccddeeff0"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct scene s = note_scene();
		s.change.holder = bytes_str(bad[i]);
		assert_void(s, VOID_REGISTER);
	}
}

static void only_the_regional_office_writes_areas_and_tasks(void **state)
{
	(void)state;
	struct scene s[] = {area_scene(), task_scene()};
	for (size_t i = 0; i < 2; i++) {
		spoil_writer(&s[i]);
		assert_void(s[i], VOID_WRITER);
	}
}

static void areas_and_tasks_need_nothing_to_act_under(void **state)
{
	(void)state;
	struct scene s = task_scene();
	s.change.under = bytes_of(some_id, sizeof some_id);
	assert_effective(s);
}

static void only_the_holder_writes_its_report(void **state)
{
	(void)state;
	struct scene s = report_scene();
	s.change.member = s.facts.log_member = bytes_str("anhui");
	assert_void(s, VOID_WRITER);
	s.change.member = s.facts.log_member = bytes_str("office");
	s.facts.author_is_regional = true;
	assert_void(s, VOID_WRITER);
}

static void a_province_that_takes_no_part_cannot_report(void **state)
{
	(void)state;
	struct scene s = report_scene();
	s.change.member = s.change.holder = s.facts.log_member = bytes_str("zhejiang");
	assert_void(s, VOID_WRITER);
}

static void the_lead_reports_as_well(void **state)
{
	(void)state;
	struct scene s = report_scene();
	s.change.member = s.change.holder = s.facts.log_member = bytes_str("shanghai");
	assert_effective(s);
}

static void every_province_reports_where_no_participant_is_named(void **state)
{
	(void)state;
	struct scene s = report_scene();
	s.change.member = s.change.holder = s.facts.log_member = bytes_str("zhejiang");
	s.task.n_participants = 0;
	assert_effective(s);
}

static void only_the_lead_writes_the_overall_status(void **state)
{
	(void)state;
	struct scene s = overall_scene();
	s.change.member = s.facts.log_member = bytes_str("anhui");
	assert_void(s, VOID_WRITER);
	s.change.member = s.facts.log_member = bytes_str("office");
	s.facts.author_is_regional = true;
	assert_void(s, VOID_WRITER);
}

static void the_regional_office_stands_in_while_there_is_no_lead(void **state)
{
	(void)state;
	struct scene s = overall_scene();
	s.task.lead = (struct bytes){0};
	assert_void(s, VOID_WRITER);
	s.change.member = s.facts.log_member = bytes_str("office");
	s.facts.author_is_regional = true;
	assert_effective(s);
}

static void closing_and_withdrawing_is_the_regional_offices_alone(void **state)
{
	(void)state;
	const uint32_t closing[] = {STATUS_CLOSED, STATUS_WITHDRAWN};
	for (size_t i = 0; i < 2; i++) {
		struct scene s = overall_scene();
		s.value.overall.status = closing[i];
		assert_void(s, VOID_WRITER);
		s.change.member = s.facts.log_member = bytes_str("office");
		s.facts.author_is_regional = true;
		assert_effective(s);
		s.task.lead = (struct bytes){0};
		assert_effective(s);
		s.change.under = (struct bytes){0};
		assert_void(s, VOID_UNDER);
	}
}

static void any_member_writes_a_note_of_its_own(void **state)
{
	(void)state;
	const char *const member[] = {"shanghai", "zhejiang", "office"};
	for (size_t i = 0; i < 3; i++) {
		struct scene s = note_scene();
		s.change.member = s.facts.log_member = bytes_str(member[i]);
		assert_effective(s);
	}
}

static void a_note_is_held_by_its_own_nonce(void **state)
{
	(void)state;
	struct scene s = note_scene();
	s.change.holder = bytes_str(OTHER_HEX);
	assert_void(s, VOID_WRITER);
}

static void only_its_author_strikes_a_note_out(void **state)
{
	(void)state;
	struct scene s = strike_scene();
	s.facts.under.member = bytes_str("jiangsu");
	assert_void(s, VOID_WRITER);
}

static struct scene (*const under_scenes[])(void) = {report_scene, overall_scene, strike_scene};
#define UNDER_SCENES (sizeof under_scenes / sizeof under_scenes[0])

static void a_change_that_names_nothing_to_act_under_is_void(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNDER_SCENES; i++) {
		struct scene s = under_scenes[i]();
		s.change.under = (struct bytes){0};
		s.facts.under = (struct under_facts){0};
		assert_void(s, VOID_UNDER);
	}
}

static void a_change_waits_for_what_it_acts_under(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNDER_SCENES; i++) {
		struct scene s = under_scenes[i]();
		s.facts.under = (struct under_facts){0};
		assert_pending(s);
		s = under_scenes[i]();
		s.facts.under.verdict = VERDICT_PENDING;
		assert_pending(s);
		s.facts.under.verdict = VERDICT_UNKNOWN;
		assert_pending(s);
	}
}

static void a_change_under_a_void_one_is_void(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNDER_SCENES; i++) {
		struct scene s = under_scenes[i]();
		s.facts.under.verdict = VERDICT_VOID;
		assert_void(s, VOID_UNDER);
	}
}

static void a_change_under_another_slot_is_void(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNDER_SCENES; i++) {
		struct scene s = under_scenes[i]();
		s.facts.under.slot = SLOT_REPORT;
		assert_void(s, VOID_UNDER);
	}
}

static void a_change_under_another_task_is_void(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNDER_SCENES; i++) {
		struct scene s = under_scenes[i]();
		s.facts.under.task = bytes_str("3-06");
		assert_void(s, VOID_UNDER);
	}
}

static void a_strike_out_under_a_note_of_another_register_is_void(void **state)
{
	(void)state;
	struct scene s = strike_scene();
	s.facts.under.holder = bytes_str(OWN_HEX);
	assert_void(s, VOID_UNDER);
}

struct spoiler {
	void (*spoil)(struct scene *);
	enum verdict verdict;
	enum void_code code;
};

/* Of two broken rules the earlier one speaks, so that all nodes show the same code. */
static void the_earlier_of_two_broken_rules_decides(void **state)
{
	(void)state;
	const struct spoiler rule[] = {
		{spoil_index, VERDICT_VOID, VOID_INDEX},
		{spoil_version, VERDICT_UNKNOWN, VOID_NONE},
		{spoil_gate, VERDICT_VOID, VOID_GATE},
		{spoil_member, VERDICT_VOID, VOID_MEMBER},
		{spoil_signature, VERDICT_VOID, VOID_SIGNATURE},
		{spoil_repeat, VERDICT_VOID, VOID_REPEAT},
		{spoil_operator, VERDICT_VOID, VOID_OPERATOR},
		{spoil_scope, VERDICT_VOID, VOID_SCOPE},
		{spoil_register, VERDICT_VOID, VOID_REGISTER},
		{spoil_writer, VERDICT_VOID, VOID_WRITER},
		{spoil_value, VERDICT_VOID, VOID_VALUE},
	};
	size_t rules = sizeof rule / sizeof rule[0];
	for (size_t n = 0; n < SCENES; n++) {
		for (size_t i = 0; i < rules; i++) {
			for (size_t k = i; k < rules; k++) {
				/* The later first: a spoiled writer sets the log's owner anew. */
				struct scene s = scenes[n]();
				rule[k].spoil(&s);
				rule[i].spoil(&s);
				assert_verdict(s, rule[i].verdict, rule[i].code);
			}
		}
	}
}

/* A bad value that waits stays pending: nothing about it is decided before its rules are. */
static void waiting_comes_before_the_value(void **state)
{
	(void)state;
	struct scene s = report_scene();
	s.value.report.progress = 101;
	assert_void(s, VOID_VALUE);
	s.facts.under = (struct under_facts){0};
	assert_pending(s);
}

static void every_verdict_and_code_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int v = VERDICT_EFFECTIVE; v <= VERDICT_VOID; v++) {
		for (int w = VERDICT_EFFECTIVE; w < v; w++)
			assert_string_not_equal(
				verdict_name((enum verdict)v), verdict_name((enum verdict)w));
	}
	for (int c = VOID_NONE; c <= VOID_RETIRED; c++) {
		for (int d = VOID_NONE; d < c; d++)
			assert_string_not_equal(void_code_name((enum void_code)c),
				void_code_name((enum void_code)d));
	}
	assert_null(verdict_name((enum verdict)4));
	assert_null(void_code_name((enum void_code)14));
	assert_string_equal(verdict_name(VERDICT_PENDING), "pending");
	assert_string_equal(void_code_name(VOID_SIGNATURE), "signature");
}

/* They are stored and shown: none is ever renumbered. */
static void the_numbers_of_verdicts_and_codes_are_what_they_were(void **state)
{
	(void)state;
	const int verdict[] = {VERDICT_EFFECTIVE, VERDICT_PENDING, VERDICT_UNKNOWN, VERDICT_VOID};
	for (int i = 0; i < 4; i++)
		assert_int_equal(verdict[i], i);
	const int code[] = {VOID_NONE, VOID_GATE, VOID_INDEX, VOID_MEMBER, VOID_SIGNATURE,
		VOID_OPERATOR, VOID_SCOPE, VOID_REPEAT, VOID_REGISTER, VOID_WRITER, VOID_UNDER,
		VOID_VALUE, VOID_EVENT, VOID_RETIRED};
	for (int i = 0; i < 14; i++)
		assert_int_equal(code[i], i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_of_each_slot_can_be_effective),
		cmocka_unit_test(another_index_than_its_own_is_void),
		cmocka_unit_test(an_unknown_version_is_unknown),
		cmocka_unit_test(an_unknown_slot_is_unknown_even_without_its_value),
		cmocka_unit_test(a_change_that_did_not_pass_the_gate_is_void),
		cmocka_unit_test(a_value_that_did_not_pass_the_gate_is_void),
		cmocka_unit_test(a_change_signed_for_another_member_is_void),
		cmocka_unit_test(a_bad_signature_is_void),
		cmocka_unit_test(a_key_that_is_no_operator_is_void),
		cmocka_unit_test(a_task_out_of_scope_is_void),
		cmocka_unit_test(a_repeat_is_void),
		cmocka_unit_test(a_repeat_is_told_where_only_the_slot_is_unknown),
		cmocka_unit_test(a_value_out_of_its_rules_is_void),
		cmocka_unit_test(a_task_key_of_another_form_is_no_register),
		cmocka_unit_test(an_area_stands_in_no_task),
		cmocka_unit_test(task_report_and_overall_need_a_task),
		cmocka_unit_test(a_note_may_be_plan_wide),
		cmocka_unit_test(an_area_is_held_by_its_number),
		cmocka_unit_test(task_and_overall_have_no_holder),
		cmocka_unit_test(a_report_is_held_by_a_province_of_the_roster),
		cmocka_unit_test(a_note_is_held_by_32_hex_digits),
		cmocka_unit_test(only_the_regional_office_writes_areas_and_tasks),
		cmocka_unit_test(areas_and_tasks_need_nothing_to_act_under),
		cmocka_unit_test(only_the_holder_writes_its_report),
		cmocka_unit_test(a_province_that_takes_no_part_cannot_report),
		cmocka_unit_test(the_lead_reports_as_well),
		cmocka_unit_test(every_province_reports_where_no_participant_is_named),
		cmocka_unit_test(only_the_lead_writes_the_overall_status),
		cmocka_unit_test(the_regional_office_stands_in_while_there_is_no_lead),
		cmocka_unit_test(closing_and_withdrawing_is_the_regional_offices_alone),
		cmocka_unit_test(any_member_writes_a_note_of_its_own),
		cmocka_unit_test(a_note_is_held_by_its_own_nonce),
		cmocka_unit_test(only_its_author_strikes_a_note_out),
		cmocka_unit_test(a_change_that_names_nothing_to_act_under_is_void),
		cmocka_unit_test(a_change_waits_for_what_it_acts_under),
		cmocka_unit_test(a_change_under_a_void_one_is_void),
		cmocka_unit_test(a_change_under_another_slot_is_void),
		cmocka_unit_test(a_change_under_another_task_is_void),
		cmocka_unit_test(a_strike_out_under_a_note_of_another_register_is_void),
		cmocka_unit_test(the_earlier_of_two_broken_rules_decides),
		cmocka_unit_test(waiting_comes_before_the_value),
		cmocka_unit_test(every_verdict_and_code_has_a_name_of_its_own),
		cmocka_unit_test(the_numbers_of_verdicts_and_codes_are_what_they_were),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
