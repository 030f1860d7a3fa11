#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "proto/base/limits.h"
#include "proto/model/value.h"

/* One well-formed value of each slot; a test spoils one field of it. */
static struct value good_area(void)
{
	return (struct value){.slot = SLOT_AREA,
		.area = {.title = bytes_str("加快提升区域市场化水平"),
			.alias = bytes_str("加快提升区域市场一体化水平"),
			.planned = 23}};
}

static struct value good_task(void)
{
	static struct bytes participants[2];
	participants[0] = bytes_str("anhui");
	participants[1] = bytes_str("jiangsu");
	return (struct value){.slot = SLOT_TASK,
		.task = {.title = bytes_str("基础研究联合基金"),
			.full = bytes_str("探索设立\n联合基金"),
			.source = SOURCE_SEED,
			.lead = bytes_str("shanghai"),
			.participants = participants,
			.n_participants = 2,
			.start = 20240725,
			.due = 20261231}};
}

static struct value good_report(void)
{
	return (struct value){.slot = SLOT_REPORT,
		.report = {.status = STATUS_IN_PROGRESS,
			.progress = 60,
			.as_of = 20250331,
			.note = bytes_str("推进中")}};
}

static struct value good_overall(void)
{
	return (struct value){.slot = SLOT_OVERALL,
		.overall = {
			.status = STATUS_IN_PROGRESS, .summary = bytes_str("三省一市均已启动")}};
}

static struct value good_note(void)
{
	return (struct value){.slot = SLOT_NOTE, .note = {.text = bytes_str("见附件")}};
}

static const struct change plain = {.version = CHANGE_VERSION};

static void assert_fine_as(const struct value *v, const struct change *c)
{
	struct err e = {0};
	int rc = value_check(v, c, &e);
	if (rc != RC_OK)
		fail_msg("refused: %s", e.text);
}

static void assert_fine(struct value v)
{
	assert_fine_as(&v, &plain);
}

/* Refused, and the sentence names the field first. */
static void assert_refused_as(const struct value *v, const struct change *c, const char *field)
{
	struct err e = {0};
	assert_int_equal(value_check(v, c, &e), RC_REFUSED_VALUE);
	assert_int_equal(e.rc, RC_REFUSED_VALUE);
	assert_int_equal(strncmp(e.text, field, strlen(field)), 0);
	assert_non_null(strchr(e.text, ':'));
	assert_int_equal(value_check(v, c, NULL), RC_REFUSED_VALUE);
}

static void assert_refused(struct value v, const char *field)
{
	assert_refused_as(&v, &plain, field);
}

/* n characters of three bytes each; valid until the next call. */
static struct bytes characters(size_t n)
{
	static char text[3 * (LIMIT_NOTE_CHARS + 1) + 1];
	assert_true(n <= LIMIT_NOTE_CHARS + 1);
	for (size_t i = 0; i < n; i++)
		memcpy(text + 3 * i, "江", 3);
	return bytes_of(text, 3 * n);
}

/* The field is tested at limit-1, limit and limit+1, and for what no text may hold. */
#define TEXT_HOLDS_ITS_LIMIT(make, field, name, limit, multiline)                                  \
	do {                                                                                       \
		struct value v = make();                                                           \
		v.field = characters((limit)-1);                                                   \
		assert_fine(v);                                                                    \
		v.field = characters(limit);                                                       \
		assert_fine(v);                                                                    \
		v.field = characters((limit) + 1);                                                 \
		assert_refused(v, name);                                                           \
		v.field = bytes_str("a\u202eb");                                                   \
		assert_refused(v, name);                                                           \
		v.field = bytes_of("a\0b", 3);                                                     \
		assert_refused(v, name);                                                           \
		v.field = bytes_str("\xed\xa0\x80");                                               \
		assert_refused(v, name);                                                           \
		v.field = bytes_str("a\nb");                                                       \
		if (multiline)                                                                     \
			assert_fine(v);                                                            \
		else                                                                               \
			assert_refused(v, name);                                                   \
	} while (0)

static void well_formed_values_of_each_slot_pass(void **state)
{
	(void)state;
	assert_fine(good_area());
	assert_fine(good_task());
	assert_fine(good_report());
	assert_fine(good_overall());
	assert_fine(good_note());
}

static void titles_hold_400_characters_on_one_line(void **state)
{
	(void)state;
	TEXT_HOLDS_ITS_LIMIT(good_area, area.title, "title", LIMIT_TITLE_CHARS, false);
	TEXT_HOLDS_ITS_LIMIT(good_area, area.alias, "alias", LIMIT_TITLE_CHARS, false);
	TEXT_HOLDS_ITS_LIMIT(good_task, task.title, "title", LIMIT_TITLE_CHARS, false);
}

static void long_texts_hold_2000_characters_on_lines(void **state)
{
	(void)state;
	TEXT_HOLDS_ITS_LIMIT(good_task, task.full, "full", LIMIT_NOTE_CHARS, true);
	TEXT_HOLDS_ITS_LIMIT(good_report, report.note, "note", LIMIT_NOTE_CHARS, true);
	TEXT_HOLDS_ITS_LIMIT(good_report, report.problem, "problem", LIMIT_NOTE_CHARS, true);
	TEXT_HOLDS_ITS_LIMIT(good_report, report.next, "next", LIMIT_NOTE_CHARS, true);
	TEXT_HOLDS_ITS_LIMIT(good_overall, overall.summary, "summary", LIMIT_NOTE_CHARS, true);
	TEXT_HOLDS_ITS_LIMIT(good_note, note.text, "text", LIMIT_NOTE_CHARS, true);
}

static void reason_of_any_slot_holds_2000_characters_on_lines(void **state)
{
	(void)state;
	const struct value v[] = {
		good_area(), good_task(), good_report(), good_overall(), good_note()};
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		struct change c = plain;
		c.reason = characters(LIMIT_NOTE_CHARS);
		assert_fine_as(&v[i], &c);
		c.reason = characters(LIMIT_NOTE_CHARS + 1);
		assert_refused_as(&v[i], &c, "reason");
		c.reason = bytes_str("a\nb");
		assert_fine_as(&v[i], &c);
		c.reason = bytes_str("\x1b[2J");
		assert_refused_as(&v[i], &c, "reason");
	}
}

static void area_and_task_need_a_title(void **state)
{
	(void)state;
	struct value v = good_area();
	v.area.title = (struct bytes){0};
	assert_refused(v, "title");
	v = good_task();
	v.task.title = (struct bytes){0};
	assert_refused(v, "title");
}

static void area_alias_may_be_empty(void **state)
{
	(void)state;
	struct value v = good_area();
	v.area.alias = (struct bytes){0};
	assert_fine(v);
}

static void area_plans_1_to_999_tasks(void **state)
{
	(void)state;
	struct value v = good_area();
	for (v.area.planned = 1; v.area.planned <= 999; v.area.planned++)
		assert_fine(v);
	assert_int_equal(v.area.planned, 1000);
	assert_refused(v, "planned");
	v.area.planned = 0;
	assert_refused(v, "planned");
	v.area.planned = UINT32_MAX;
	assert_refused(v, "planned");
}

static void task_may_name_nothing_but_title_and_source(void **state)
{
	(void)state;
	assert_fine((struct value){.slot = SLOT_TASK,
		.task = {.title = bytes_str("(原文未列名)"), .source = SOURCE_PLACEHOLDER}});
}

static void task_source_is_one_of_three(void **state)
{
	(void)state;
	struct value v = good_task();
	for (v.task.source = 1; v.task.source <= 3; v.task.source++)
		assert_fine(v);
	assert_refused(v, "source");
	v.task.source = 0;
	assert_refused(v, "source");
	v.task.source = 999;
	assert_refused(v, "source");
}

static void task_lead_is_a_slug(void **state)
{
	(void)state;
	struct value v = good_task();
	v.task.lead = bytes_str("Shanghai");
	assert_refused(v, "lead");
	v.task.lead = bytes_str("上海");
	assert_refused(v, "lead");
}

static void task_participants_are_slugs(void **state)
{
	(void)state;
	struct value v = good_task();
	const struct bytes bad[] = {bytes_str("anhui"), bytes_str("")};
	v.task.participants = bad;
	assert_refused(v, "participants");
}

static void task_participants_ascend_without_repeats(void **state)
{
	(void)state;
	struct value v = good_task();
	const struct bytes swapped[] = {bytes_str("jiangsu"), bytes_str("anhui")};
	v.task.participants = swapped;
	assert_refused(v, "participants");
	const struct bytes twice[] = {bytes_str("anhui"), bytes_str("anhui")};
	v.task.participants = twice;
	assert_refused(v, "participants");
}

static void task_has_16_participants_at_most(void **state)
{
	(void)state;
	char name[LIMIT_MEMBERS + 1][3];
	struct bytes slugs[LIMIT_MEMBERS + 1];
	for (unsigned i = 0; i <= LIMIT_MEMBERS; i++) {
		memcpy(name[i], (const char[]){'m', (char)('a' + i), '\0'}, 3);
		slugs[i] = bytes_str(name[i]);
	}
	struct value v = good_task();
	v.task.participants = slugs;
	v.task.n_participants = LIMIT_MEMBERS - 1;
	assert_fine(v);
	v.task.n_participants = LIMIT_MEMBERS;
	assert_fine(v);
	v.task.n_participants = LIMIT_MEMBERS + 1;
	assert_refused(v, "participants");
}

/* H68: 31 February, year 10000. */
static void task_dates_exist(void **state)
{
	(void)state;
	struct value v = good_task();
	v.task.start = 20250231;
	assert_refused(v, "start");
	v = good_task();
	v.task.due = 20260230;
	assert_refused(v, "due");
	v.task.due = 100000101;
	assert_refused(v, "due");
}

static void task_starts_no_later_than_it_is_due(void **state)
{
	(void)state;
	struct value v = good_task();
	v.task.start = v.task.due;
	assert_fine(v);
	v.task.start = 20270101;
	assert_refused(v, "start");
	v.task.due = 0;
	assert_fine(v);
	v = good_task();
	v.task.start = 0;
	assert_fine(v);
}

static void report_progress_is_0_to_100(void **state)
{
	(void)state;
	struct value v = good_report();
	for (v.report.progress = 0; v.report.progress <= 100; v.report.progress++)
		assert_fine(v);
	assert_int_equal(v.report.progress, 101);
	assert_refused(v, "progress");
	v.report.progress = UINT32_MAX;
	assert_refused(v, "progress");
}

static void report_needs_the_date_it_speaks_of(void **state)
{
	(void)state;
	struct value v = good_report();
	v.report.as_of = 0;
	assert_refused(v, "as_of");
	v.report.as_of = 20250229;
	assert_refused(v, "as_of");
}

static void report_delayed_needs_problem_and_next(void **state)
{
	(void)state;
	struct value v = good_report();
	v.report.status = STATUS_DELAYED;
	v.report.problem = bytes_str("土地指标未落实");
	v.report.next = bytes_str("六月底前报批");
	assert_fine(v);
	v.report.next = (struct bytes){0};
	assert_refused(v, "next");
	v.report.next = v.report.problem;
	v.report.problem = (struct bytes){0};
	assert_refused(v, "problem");
}

static void suspended_needs_a_reason(void **state)
{
	(void)state;
	struct value report = good_report(), overall = good_overall();
	report.report.status = overall.overall.status = STATUS_SUSPENDED;
	assert_refused(report, "reason");
	assert_refused(overall, "reason");
	struct change c = plain;
	c.reason = bytes_str("规划调整");
	assert_fine_as(&report, &c);
	assert_fine_as(&overall, &c);
}

static void report_done_here_needs_progress_100(void **state)
{
	(void)state;
	struct value v = good_report();
	v.report.status = STATUS_DONE_HERE;
	v.report.progress = 99;
	assert_refused(v, "progress");
	v.report.progress = 100;
	assert_fine(v);
}

static void report_status_is_one_of_five(void **state)
{
	(void)state;
	struct value v = good_report();
	v.report.progress = 100;
	v.report.problem = v.report.next = bytes_str("有");
	for (uint32_t s = 0; s < 10; s++) {
		v.report.status = s;
		struct change c = plain;
		c.reason = bytes_str("原因");
		if (s >= STATUS_NOT_STARTED && s <= STATUS_DONE_HERE)
			assert_fine_as(&v, &c);
		else
			assert_refused_as(&v, &c, "status");
	}
	v.report.status = 999;
	assert_refused(v, "status");
}

static void overall_status_is_any_but_done_here(void **state)
{
	(void)state;
	struct value v = good_overall();
	for (uint32_t s = 0; s < 10; s++) {
		v.overall.status = s;
		struct change c = plain;
		c.reason = bytes_str("原因");
		if (s >= STATUS_NOT_STARTED && s <= STATUS_WITHDRAWN && s != STATUS_DONE_HERE)
			assert_fine_as(&v, &c);
		else
			assert_refused_as(&v, &c, "status");
	}
	v.overall.status = UINT32_MAX;
	assert_refused(v, "status");
}

static void refused_status_is_told_which_ones_there_are(void **state)
{
	(void)state;
	struct value report = good_report(), overall = good_overall();
	struct err e = {0};
	report.report.status = STATUS_CLOSED;
	assert_int_equal(value_check(&report, &plain, &e), RC_REFUSED_VALUE);
	assert_string_equal(e.text,
		"status 7 (closed) is not one of REPORT: give not_started, in_progress, delayed, "
		"suspended or done_here");
	overall.overall.status = STATUS_DONE_HERE;
	assert_int_equal(value_check(&overall, &plain, &e), RC_REFUSED_VALUE);
	assert_string_equal(e.text,
		"status 5 (done_here) is not one of OVERALL: give not_started, in_progress, "
		"delayed, suspended, pending_closure, closed or withdrawn");
}

static void report_names_16_files_at_most(void **state)
{
	(void)state;
	uint8_t sha[LIMIT_EVIDENCE + 1][HASH_BYTES] = {{0}};
	struct bytes evidence[LIMIT_EVIDENCE + 1];
	for (unsigned i = 0; i <= LIMIT_EVIDENCE; i++) {
		sha[i][0] = (uint8_t)i;
		evidence[i] = bytes_of(sha[i], HASH_BYTES);
	}
	struct value v = good_report();
	v.report.evidence = evidence;
	for (v.report.n_evidence = 0; v.report.n_evidence <= LIMIT_EVIDENCE; v.report.n_evidence++)
		assert_fine(v);
	assert_refused(v, "evidence");
}

/* H36: an id of 31 or 33 bytes. */
static void report_evidence_is_32_bytes_each(void **state)
{
	(void)state;
	const uint8_t sha[33] = {1};
	struct bytes evidence[1] = {bytes_of(sha, 32)};
	struct value v = good_report();
	v.report.evidence = evidence;
	v.report.n_evidence = 1;
	assert_fine(v);
	evidence[0].n = 31;
	assert_refused(v, "evidence");
	evidence[0].n = 33;
	assert_refused(v, "evidence");
}

static void report_evidence_ascends_without_repeats(void **state)
{
	(void)state;
	const uint8_t low[32] = {1}, high[32] = {2};
	struct bytes evidence[2] = {bytes_of(high, 32), bytes_of(low, 32)};
	struct value v = good_report();
	v.report.evidence = evidence;
	v.report.n_evidence = 2;
	assert_refused(v, "evidence");
	evidence[0] = evidence[1];
	assert_refused(v, "evidence");
	evidence[1] = bytes_of(high, 32);
	assert_fine(v);
}

static void note_has_a_text_unless_it_is_a_strike_out(void **state)
{
	(void)state;
	struct value v = good_note();
	v.note.text = (struct bytes){0};
	assert_refused(v, "text");
	v.note.struck = true;
	assert_fine(v);
	v.note.text = bytes_str("x");
	assert_refused(v, "text");
}

static void value_of_no_slot_is_refused(void **state)
{
	(void)state;
	assert_refused((struct value){.slot = SLOT_NONE}, "slot");
}

static void names_go_there_and_back(void **state)
{
	(void)state;
	for (uint32_t s = STATUS_NOT_STARTED; s <= STATUS_WITHDRAWN; s++)
		assert_int_equal(status_named(bytes_str(status_name(s))), s);
	assert_string_equal(status_name(STATUS_DELAYED), "delayed");
	for (uint32_t s = SOURCE_SEED; s <= SOURCE_AMENDMENT; s++)
		assert_int_equal(task_source_named(bytes_str(task_source_name(s))), s);
	assert_string_equal(task_source_name(SOURCE_PLACEHOLDER), "placeholder");
}

static void names_that_are_none_give_nothing(void **state)
{
	(void)state;
	const uint32_t none[] = {0, 9, 999, UINT32_MAX};
	for (size_t i = 0; i < 4; i++) {
		assert_null(status_name(none[i]));
		assert_null(task_source_name(none[i]));
	}
	assert_null(task_source_name(4));
	const char *const bad[] = {"", "Delayed", "delay", "delayed ", "滞后"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(status_named(bytes_str(bad[i])), 0);
		assert_int_equal(task_source_named(bytes_str(bad[i])), 0);
	}
}

static void progress_may_fall_only_with_a_reason(void **state)
{
	(void)state;
	struct value old[] = {good_report(), good_report()}, v = good_report();
	old[0].report.progress = 30;
	struct err e = {0};
	v.report.progress = 60;
	assert_int_equal(value_irregular(&v, &plain, old, 2, &e), RC_OK);
	v.report.progress = 59;
	assert_int_equal(value_irregular(&v, &plain, old, 2, &e), RC_REFUSED_FALL);
	assert_non_null(strstr(e.text, "from 60 to 59"));
	assert_int_equal(value_irregular(&v, &plain, old, 1, &e), RC_OK);
	assert_int_equal(value_irregular(&v, &plain, NULL, 0, &e), RC_OK);
	struct change c = plain;
	c.reason = bytes_str("核减");
	assert_int_equal(value_irregular(&v, &c, old, 2, &e), RC_OK);
}

static void only_a_report_has_progress_that_can_fall(void **state)
{
	(void)state;
	struct value report = good_report(), note = good_note();
	struct err e = {0};
	assert_int_equal(value_irregular(&note, &plain, &report, 1, &e), RC_OK);
	assert_int_equal(value_irregular(&report, &plain, &note, 1, &e), RC_OK);
}

static void lead_and_participants_take_part_in_a_task(void **state)
{
	(void)state;
	struct value v = good_task();
	assert_true(task_has_participant(&v.task, bytes_str("shanghai"), true));
	assert_true(task_has_participant(&v.task, bytes_str("anhui"), true));
	assert_true(task_has_participant(&v.task, bytes_str("jiangsu"), true));
	assert_false(task_has_participant(&v.task, bytes_str("zhejiang"), true));
	assert_false(task_has_participant(&v.task, bytes_str("office"), false));
	assert_false(task_has_participant(&v.task, bytes_str(""), true));
}

static void every_province_takes_part_where_none_is_named(void **state)
{
	(void)state;
	struct value v = good_task();
	v.task.n_participants = 0;
	assert_true(task_has_participant(&v.task, bytes_str("zhejiang"), true));
	assert_false(task_has_participant(&v.task, bytes_str("office"), false));
	v.task.lead = bytes_str("office");
	assert_true(task_has_participant(&v.task, bytes_str("office"), false));
	v.task.lead = (struct bytes){0};
	assert_false(task_has_participant(&v.task, bytes_str("office"), false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_values_of_each_slot_pass),
		cmocka_unit_test(titles_hold_400_characters_on_one_line),
		cmocka_unit_test(long_texts_hold_2000_characters_on_lines),
		cmocka_unit_test(reason_of_any_slot_holds_2000_characters_on_lines),
		cmocka_unit_test(area_and_task_need_a_title),
		cmocka_unit_test(area_alias_may_be_empty),
		cmocka_unit_test(area_plans_1_to_999_tasks),
		cmocka_unit_test(task_may_name_nothing_but_title_and_source),
		cmocka_unit_test(task_source_is_one_of_three),
		cmocka_unit_test(task_lead_is_a_slug),
		cmocka_unit_test(task_participants_are_slugs),
		cmocka_unit_test(task_participants_ascend_without_repeats),
		cmocka_unit_test(task_has_16_participants_at_most),
		cmocka_unit_test(task_dates_exist),
		cmocka_unit_test(task_starts_no_later_than_it_is_due),
		cmocka_unit_test(report_progress_is_0_to_100),
		cmocka_unit_test(report_needs_the_date_it_speaks_of),
		cmocka_unit_test(report_delayed_needs_problem_and_next),
		cmocka_unit_test(suspended_needs_a_reason),
		cmocka_unit_test(report_done_here_needs_progress_100),
		cmocka_unit_test(report_status_is_one_of_five),
		cmocka_unit_test(overall_status_is_any_but_done_here),
		cmocka_unit_test(refused_status_is_told_which_ones_there_are),
		cmocka_unit_test(report_names_16_files_at_most),
		cmocka_unit_test(report_evidence_is_32_bytes_each),
		cmocka_unit_test(report_evidence_ascends_without_repeats),
		cmocka_unit_test(note_has_a_text_unless_it_is_a_strike_out),
		cmocka_unit_test(value_of_no_slot_is_refused),
		cmocka_unit_test(names_go_there_and_back),
		cmocka_unit_test(names_that_are_none_give_nothing),
		cmocka_unit_test(progress_may_fall_only_with_a_reason),
		cmocka_unit_test(only_a_report_has_progress_that_can_fall),
		cmocka_unit_test(lead_and_participants_take_part_in_a_task),
		cmocka_unit_test(every_province_takes_part_where_none_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
