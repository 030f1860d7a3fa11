#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/width.h"

static void assert_escaped(const char *in, size_t n, enum escape how, const char *out)
{
	char *text = escape_dup(bytes_of(in, n), how);
	assert_string_equal(text, out);
	free(text);
}
#define ESCAPED(in, how, out) assert_escaped(in, sizeof(in) - 1, how, out)

static void chinese_characters_are_two_columns_wide(void **state)
{
	(void)state;
	assert_int_equal(width_of(""), 0);
	assert_int_equal(width_of("abc"), 3);
	assert_int_equal(width_of("江苏"), 4);
	assert_int_equal(width_of("a江b"), 4);
	assert_int_equal(width_of("e\xcc\x81"), 1);	   /* a combining accent */
	assert_int_equal(width_of("\xf0\xa0\x80\x80"), 2); /* U+20000 */
}

static void bytes_that_are_no_text_count_one_column_each(void **state)
{
	(void)state;
	assert_int_equal(width_of("\xff\xfe"), 2);
	assert_int_equal(width_of("\xe6\xb1"), 2); /* a cut character */
}

static void a_text_is_cut_before_the_character_that_does_not_fit(void **state)
{
	(void)state;
	assert_int_equal(width_fit("江苏", 4), 6);
	assert_int_equal(width_fit("江苏", 3), 3);
	assert_int_equal(width_fit("江苏", 1), 0);
	assert_int_equal(width_fit("abc", 10), 3);
	assert_int_equal(width_fit("abc", 2), 2);
}

static void terminal_sequences_are_made_visible(void **state)
{
	(void)state;
	ESCAPED("\033[2Jx", ESCAPE_LINE, "\\x1b[2Jx");
	ESCAPED("a\rb\bc\x07", ESCAPE_LINE, "a\\x0db\\x08c\\x07");
	ESCAPED("\xc2\x9b"
		"31m",
		ESCAPE_LINE, "\\x9b31m"); /* the one-character CSI */
	ESCAPED("\x7f", ESCAPE_LINE, "\\x7f");
	ESCAPED("a\0b", ESCAPE_LINE, "a\\x00b");
}

static void direction_of_writing_is_made_visible(void **state)
{
	(void)state;
	ESCAPED("\xe2\x80\xae"
		"abc",
		ESCAPE_LINE, "\\u202eabc");
	ESCAPED("\xe2\x81\xa6", ESCAPE_BLOCK, "\\u2066");
	ESCAPED("\xe2\x80\x8f\xd8\x9c", ESCAPE_TSV, "\\u200f\\u061c");
}

static void bytes_that_are_no_text_are_shown_in_hex(void **state)
{
	(void)state;
	ESCAPED("\xff", ESCAPE_LINE, "\\xff");
	ESCAPED("\xc0\x80", ESCAPE_LINE, "\\xc0\\x80");
	ESCAPED("\xed\xa0\x80", ESCAPE_LINE, "\\xed\\xa0\\x80"); /* a lone surrogate */
	ESCAPED("好\xe5\xa5", ESCAPE_LINE, "好\\xe5\\xa5");
}

static void a_line_feed_ends_no_line_and_no_field(void **state)
{
	(void)state;
	ESCAPED("a\nb", ESCAPE_LINE, "a b");
	ESCAPED("a\nb", ESCAPE_BLOCK, "a\nb");
	ESCAPED("a\nb\tc\\d", ESCAPE_TSV, "a\\nb\\tc\\\\d");
	ESCAPED("a\tb", ESCAPE_LINE, "a\\x09b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chinese_characters_are_two_columns_wide),
		cmocka_unit_test(bytes_that_are_no_text_count_one_column_each),
		cmocka_unit_test(a_text_is_cut_before_the_character_that_does_not_fit),
		cmocka_unit_test(terminal_sequences_are_made_visible),
		cmocka_unit_test(direction_of_writing_is_made_visible),
		cmocka_unit_test(bytes_that_are_no_text_are_shown_in_hex),
		cmocka_unit_test(a_line_feed_ends_no_line_and_no_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
