#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/output.h"
#include "client/show.h"
#include "client/text.h"
#include "client/width.h"

static const struct column columns[] = {
	{.key = "member", .title = "peer"},
	{.key = "lacks", .title = "lacks", .right = true},
	{.key = "hidden"},
	{.key = "only_tsv", .no_json = true},
	{.key = "only_json", .no_tsv = true},
	{.key = "note", .title = "note"},
};

static void add(struct table *t, const char *member, uint64_t lacks, const char *note)
{
	table_text(t, TONE_BAD, bytes_str(member), NULL);
	table_number(t, lacks);
	table_cell(t, TONE_NONE, json_true(), NULL);
	table_text(t, TONE_NONE, bytes_str("t"), NULL);
	table_text(t, TONE_NONE, bytes_str("j"), NULL);
	table_text(t, TONE_NONE, bytes_str(note), NULL);
}

/* What a sheet with one line, one fact and one table of two rows prints. */
static char *print(struct output o, bool fact)
{
	char *text = NULL;
	size_t n = 0;
	struct sheet *s = sheet_new("test");
	sheet_line(s, TONE_GOOD, "%s", "hello\033[2J");
	if (fact)
		sheet_fact(s, "answer", json_integer(42));
	struct table *t = sheet_table(s, "rows", columns, 6, "heading", "none");
	add(t, "江苏", 7, "a\tb");
	add(t, "anhui", 123456, "a long note that does not fit");
	o.to = open_memstream(&text, &n);
	sheet_print(s, &o);
	fclose(o.to);
	sheet_free(s);
	return text;
}

static void a_screen_has_columns_of_equal_width(void **state)
{
	(void)state;
	text_set(LANG_EN);
	char *text = print((struct output){.mode = OUTPUT_SCREEN}, true);
	assert_string_equal(text,
		"hello\\x1b[2J\n"
		"heading\n"
		"peer    lacks  note\n"
		"江苏        7  a\\x09b\n"
		"anhui  123456  a long note that does not fit\n");
	free(text);
}

/* The sheet on a screen of so many columns (0: no limit); it is freed, the text is the caller's. */
static char *printed(struct sheet *s, size_t width)
{
	char *text = NULL;
	size_t n = 0;
	struct output o = {
		.mode = OUTPUT_SCREEN, .columns = width, .to = open_memstream(&text, &n)};
	sheet_print(s, &o);
	fclose(o.to);
	sheet_free(s);
	return text;
}

/* Prints a table of two rows on a screen of so many columns: a key of 19 characters, a number that
 * may be left out, a name and a note that may be broken. */
static char *print_on(size_t width)
{
	static const struct column four[] = {
		{.key = "key", .title = "key"},
		{.key = "n", .title = "bytes", .right = true, .leave_out = 1},
		{.key = "name", .title = "name", .wrap = true},
		{.key = "note", .title = "note", .wrap = true},
	};
	text_set(LANG_EN);
	struct sheet *s = sheet_new("test");
	struct table *t = sheet_table(s, "rows", four, 4, NULL, NULL);
	table_text(t, TONE_NONE, bytes_str("d3d6-50d3-7598-3d18"), NULL);
	table_number(t, 7);
	table_text(t, TONE_NONE, bytes_str("Wang Fang of Jiangsu"), NULL);
	table_text(t, TONE_NONE, bytes_str("one two three four five six seven"), NULL);
	return printed(s, width);
}

static void assert_printed_on(size_t width, const char *wanted)
{
	char *text = print_on(width);
	assert_string_equal(text, wanted);
	free(text);
}

static void a_table_gives_way_to_a_narrow_screen_in_a_declared_order(void **state)
{
	(void)state;
	assert_printed_on(90,
		"key                  bytes  name                  note\n"
		"d3d6-50d3-7598-3d18      7  Wang Fang of Jiangsu  one two three four five six "
		"seven\n");
	assert_printed_on(80,
		"key                  bytes  name                  note\n"
		"d3d6-50d3-7598-3d18      7  Wang Fang of Jiangsu  one two three four five six\n"
		"                                                  seven\n");
	assert_printed_on(69,
		"key                  name                  note\n"
		"d3d6-50d3-7598-3d18  Wang Fang of Jiangsu  one two three four five\n"
		"                                           six seven\n"
		"(no room for: bytes; --json has all)\n");
	assert_printed_on(40,
		"key                  name\n"
		"    note\n"
		"d3d6-50d3-7598-3d18  Wang Fang of\n"
		"                     Jiangsu\n"
		"    one two three four five six seven\n"
		"(no room for: bytes; --json has all)\n");
}

static void a_screen_too_narrow_for_the_columns_gets_a_list(void **state)
{
	(void)state;
	assert_printed_on(26,
		"key     d3d6-50d3-7598-3d18\n"
		"  name  Wang Fang of\n"
		"        Jiangsu\n"
		"  note  one two three four\n"
		"        five six seven\n"
		"(no room for: bytes;\n"
		"--json has all)\n");
}

static void nothing_below_a_row_takes_no_line(void **state)
{
	static const struct column two[] = {
		{.key = "a", .title = "a"}, {.key = "b", .title = "b", .wrap = true}};
	(void)state;
	struct sheet *s = sheet_new("test");
	struct table *t = sheet_table(s, "rows", two, 2, NULL, NULL);
	table_text(t, TONE_NONE, bytes_str("a long identifier"), NULL);
	table_text(t, TONE_NONE, bytes_str("connection refused"), NULL);
	table_text(t, TONE_NONE, bytes_str("another"), NULL);
	table_cell(t, TONE_NONE, json_null(), "");
	char *text = printed(s, 30);
	assert_string_equal(text, "a\n    b\na long identifier\n    connection refused\nanother\n");
	free(text);
}

static void no_line_begins_with_a_stop(void **state)
{
	static const struct column one[] = {{.key = "a", .title = "a", .wrap = true}};
	(void)state;
	struct sheet *s = sheet_new("test");
	struct table *t = sheet_table(s, "rows", one, 1, NULL, NULL);
	table_text(t, TONE_NONE, bytes_str("江苏江苏江苏江苏江苏江苏，浙江"), NULL);
	char *text = printed(s, 24);
	assert_string_equal(text, "a\n江苏江苏江苏江苏江苏江\n苏，浙江\n");
	free(text);
}

static void a_wrapping_column_goes_on_below_itself(void **state)
{
	static const struct column two[] = {
		{.key = "a", .title = "a"}, {.key = "b", .title = "b", .wrap = true}};
	(void)state;
	struct sheet *s = sheet_new("test");
	struct table *t = sheet_table(s, "rows", two, 2, NULL, NULL);
	table_text(t, TONE_NONE, bytes_str("key"), NULL);
	table_text(t, TONE_NONE,
		bytes_str("one two three four five six 江苏江苏江苏江苏江苏江苏江苏"), NULL);
	char *text = printed(s, 31);
	assert_string_equal(text,
		"a    b\n"
		"key  one two three four five\n"
		"     six 江苏江苏江苏江苏江苏江\n"
		"     苏江苏\n");
	free(text);
}

static void an_optional_column_without_anything_is_not_shown(void **state)
{
	static const struct column two[] = {
		{.key = "a", .title = "a"}, {.key = "b", .title = "b", .optional = true}};
	(void)state;
	for (int filled = 0; filled < 2; filled++) {
		struct sheet *s = sheet_new("test");
		struct table *t = sheet_table(s, "rows", two, 2, NULL, NULL);
		table_number(t, 1);
		table_text(t, TONE_NONE, bytes_str(filled ? "x" : ""), NULL);
		char *text = printed(s, 0);
		assert_string_equal(text, filled ? "a  b\n1  x\n" : "a\n1\n");
		free(text);
	}
}

static void colours_stand_around_the_text_and_only_when_asked(void **state)
{
	(void)state;
	char *text = print((struct output){.mode = OUTPUT_SCREEN, .colour = true}, false);
	assert_non_null(strstr(text, "\033[1;31m江苏\033[0m "));
	free(text);
	text = print((struct output){.mode = OUTPUT_SCREEN}, false);
	assert_null(strchr(text, '\033'));
	free(text);
}

static void one_table_alone_is_bare_rows_with_tabs(void **state)
{
	(void)state;
	char *text = print((struct output){.mode = OUTPUT_TSV}, false);
	assert_string_equal(text,
		"江苏\t7\ttrue\tt\ta\\tb\n"
		"anhui\t123456\ttrue\tt\ta long note that does not fit\n");
	free(text);
}

static void beside_facts_each_row_says_what_it_is_of(void **state)
{
	(void)state;
	char *text = print((struct output){.mode = OUTPUT_TSV}, true);
	assert_string_equal(text,
		"answer\t42\n"
		"rows\t江苏\t7\ttrue\tt\ta\\tb\n"
		"rows\tanhui\t123456\ttrue\tt\ta long note that does not fit\n");
	free(text);
}

static void json_has_a_schema_facts_and_rows_with_types(void **state)
{
	(void)state;
	char *text = print((struct output){.mode = OUTPUT_JSON}, true);
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "schema")), "deltad.test/1");
	assert_int_equal(json_integer_value(json_object_get(root, "answer")), 42);
	json_t *row = json_array_get(json_object_get(root, "rows"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "member")), "江苏");
	assert_int_equal(json_integer_value(json_object_get(row, "lacks")), 7);
	assert_true(json_is_true(json_object_get(row, "hidden")));
	assert_string_equal(json_string_value(json_object_get(row, "note")), "a\tb");
	assert_null(json_object_get(row, "only_tsv"));
	assert_non_null(json_object_get(row, "only_json"));
	json_decref(root);
	free(text);
}

static void a_table_without_rows_says_so_to_people(void **state)
{
	(void)state;
	char *text = NULL;
	size_t n = 0;
	struct sheet *s = sheet_new("test");
	sheet_table(s, "rows", columns, 6, "heading", "nothing here");
	struct output o = {.mode = OUTPUT_SCREEN, .to = open_memstream(&text, &n)};
	sheet_print(s, &o);
	fclose(o.to);
	assert_string_equal(text, "nothing here\n");
	free(text);
	sheet_free(s);
}

static void text_that_is_no_utf8_becomes_json_all_the_same(void **state)
{
	(void)state;
	json_t *j = json_text(bytes_of("a\xff"
				       "b",
		3));
	assert_string_equal(json_string_value(j), "a\\xffb");
	json_decref(j);
	j = json_text(bytes_of("a\0b", 3));
	assert_string_equal(json_string_value(j), "a\\x00b");
	json_decref(j);
	j = json_number(UINT64_MAX);
	assert_true(json_integer_value(j) == INT64_MAX);
	json_decref(j);
}

static void any_claimed_time_can_be_shown(void **state)
{
	char out[TIME_TEXT_SIZE];
	(void)state;
	show_time(0, out);
	assert_string_equal(out, "-");
	show_time(-1, out);
	assert_string_equal(out, "-");
	show_time(INT64_MAX, out);
	assert_string_equal(out, "-");
	show_time(INT64_C(1721865600000), out); /* 2024-07-25 00:00:00 UTC */
	assert_string_equal(out, "2024-07-25 08:00:00 +08:00");
	show_time(INT64_C(32503651199000), out); /* the last second of 2999 in UTC+8 */
	assert_string_equal(out, "2999-12-31 23:59:59 +08:00");
	show_time(INT64_C(32503651200000), out);
	assert_string_equal(out, "-");
}

static void spans_are_told_in_two_units(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{0, "0 s"}, {59999, "59 s"}, {60000, "1 min"}, {3599000, "59 min"},
		{3600000, "1 h 0 min"}, {86399000, "23 h 59 min"},
		{86400000 * INT64_C(3), "3 d 0 h"}, {-5, "0 s"}};
	(void)state;
	text_set(LANG_EN);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text = show_span(cases[i].ms);
		assert_string_equal(text, cases[i].text);
		free(text);
	}
	char *text = show_ago(0, 5);
	assert_string_equal(text, "never");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_screen_has_columns_of_equal_width),
		cmocka_unit_test(a_table_gives_way_to_a_narrow_screen_in_a_declared_order),
		cmocka_unit_test(a_screen_too_narrow_for_the_columns_gets_a_list),
		cmocka_unit_test(nothing_below_a_row_takes_no_line),
		cmocka_unit_test(no_line_begins_with_a_stop),
		cmocka_unit_test(a_wrapping_column_goes_on_below_itself),
		cmocka_unit_test(an_optional_column_without_anything_is_not_shown),
		cmocka_unit_test(colours_stand_around_the_text_and_only_when_asked),
		cmocka_unit_test(one_table_alone_is_bare_rows_with_tabs),
		cmocka_unit_test(beside_facts_each_row_says_what_it_is_of),
		cmocka_unit_test(json_has_a_schema_facts_and_rows_with_types),
		cmocka_unit_test(a_table_without_rows_says_so_to_people),
		cmocka_unit_test(text_that_is_no_utf8_becomes_json_all_the_same),
		cmocka_unit_test(any_claimed_time_can_be_shown),
		cmocka_unit_test(spans_are_told_in_two_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
