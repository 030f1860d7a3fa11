#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/args.h"

static struct args args;
static struct err err;

/* Parses a line of words, NULL at the end. */
static int parse(const char *const *word)
{
	char *argv[100] = {(char *)"deltactl"};
	int argc = 1;
	while (word[argc - 1]) {
		argv[argc] = (char *)word[argc - 1];
		argc++;
	}
	err = (struct err){0};
	return args_parse(argc, argv, &args, &err);
}
#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void options_may_stand_before_and_after_the_words(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--json", "report", "3-05", "--status", "delayed", "-n"), RC_OK);
	assert_int_equal(args.n, 2);
	assert_string_equal(args.word[1], "3-05");
	assert_true(args_has(&args, OPT_JSON) && args_has(&args, OPT_DRY_RUN));
	assert_string_equal(args.value[OPT_STATUS], "delayed");
	assert_int_equal(PARSE("--status=delayed", "--note=a=b", "report"), RC_OK);
	assert_string_equal(args.value[OPT_STATUS], "delayed");
	assert_string_equal(args.value[OPT_NOTE], "a=b");
}

static void an_unknown_or_abbreviated_option_is_refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE("status", "--nonsense"), RC_USAGE);
	assert_non_null(strstr(err.text, "--nonsense"));
	assert_int_equal(PARSE("status", "--jso"), RC_USAGE);
	assert_int_equal(PARSE("status", "--jsonx"), RC_USAGE);
	assert_int_equal(PARSE("status", "-x"), RC_USAGE);
	assert_int_equal(PARSE("status", "-nq"), RC_USAGE);
	assert_int_equal(PARSE("status", "-1"), RC_USAGE);
}

static void an_option_given_twice_is_refused_except_key(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--status", "delayed", "--status", "delayed"), RC_USAGE);
	assert_int_equal(PARSE("--json", "--json"), RC_USAGE);
	assert_int_equal(PARSE("-n", "--dry-run"), RC_USAGE);
	assert_int_equal(PARSE("--key", "a", "--key=b"), RC_OK);
	assert_int_equal(args.n_key, 2);
	assert_string_equal(args.key[1], "b");
}

static void a_value_that_is_missing_or_not_wanted_is_refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE("report", "--status"), RC_USAGE);
	assert_int_equal(PARSE("--json=yes"), RC_USAGE);
}

static void the_next_word_is_the_value_whatever_it_looks_like(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--progress", "-1"), RC_OK);
	assert_string_equal(args.value[OPT_PROGRESS], "-1");
	assert_int_equal(PARSE("--note", "--status", "x"), RC_OK);
	assert_string_equal(args.value[OPT_NOTE], "--status");
	assert_int_equal(args.n, 1);
}

static void after_two_dashes_all_are_words(void **state)
{
	(void)state;
	assert_int_equal(PARSE("note", "--", "3-05", "--json", "--"), RC_OK);
	assert_int_equal(args.n, 4);
	assert_string_equal(args.word[2], "--json");
	assert_string_equal(args.word[3], "--");
	assert_false(args_has(&args, OPT_JSON));
	assert_int_equal(PARSE("-"), RC_OK);
	assert_int_equal(args.n, 1);
}

static void bytes_that_are_no_clean_text_are_refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE("note", "3-05", "\xff\xfe"), RC_USAGE);
	assert_non_null(strstr(err.text, "argument 3"));
	assert_int_equal(PARSE("--note", "\033[2J"), RC_USAGE);
	assert_int_equal(PARSE("--note=\xe2\x80\xae"), RC_USAGE);
	assert_int_equal(PARSE("\xc0\x80"), RC_USAGE);
	assert_int_equal(PARSE("--note", "two\nlines"), RC_OK);
	assert_int_equal(PARSE(""), RC_OK);
}

static void an_argument_is_at_most_so_long(void **state)
{
	(void)state;
	char *text = xalloc(ARGS_BYTES_MAX + 2);
	memset(text, 'a', ARGS_BYTES_MAX);
	assert_int_equal(PARSE("--note", text), RC_OK);
	text[ARGS_BYTES_MAX] = 'a';
	assert_int_equal(PARSE("--note", text), RC_TOO_BIG);
	assert_int_equal(PARSE(text), RC_TOO_BIG);
	free(text);
}

static void there_are_at_most_so_many_words(void **state)
{
	(void)state;
	const char *word[ARGS_WORDS_MAX + 2] = {0};
	for (size_t i = 0; i < ARGS_WORDS_MAX; i++)
		word[i] = "w";
	assert_int_equal(parse(word), RC_OK);
	word[ARGS_WORDS_MAX] = "w";
	assert_int_equal(parse(word), RC_USAGE);
}

static void a_number_is_digits_in_range_and_nothing_else(void **state)
{
	static const char *const bad[] = {"", "-1", "+1", "0x10", "007", "1 ", " 1", "1e3", "12a",
		"101", "18446744073709551616", "１"};
	uint64_t v = 7;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(PARSE("--progress", bad[i]), RC_OK);
		assert_int_equal(args_number(&args, OPT_PROGRESS, 0, 100, &v, &err), RC_USAGE);
		assert_int_equal(v, 7);
	}
	assert_int_equal(PARSE("--progress", "100"), RC_OK);
	assert_int_equal(args_number(&args, OPT_PROGRESS, 0, 100, &v, &err), RC_OK);
	assert_int_equal(v, 100);
	assert_int_equal(PARSE("--progress=0"), RC_OK);
	assert_int_equal(args_number(&args, OPT_PROGRESS, 0, 100, &v, &err), RC_OK);
	assert_int_equal(v, 0);
	assert_int_equal(args_number(&args, OPT_PROGRESS, 1, 100, &v, &err), RC_USAGE);
	assert_int_equal(PARSE("report"), RC_OK);
	v = 9;
	assert_int_equal(args_number(&args, OPT_PROGRESS, 0, 100, &v, &err), RC_OK);
	assert_int_equal(v, 9);
}

static void a_date_must_exist(void **state)
{
	static const char *const bad[] = {"", "2024-02-30", "2023-02-29", "10000-01-01", "24-01-01",
		"2024-1-01", "2024/01/01", "2024-01-01 ", "0000-00-00", "1899-12-31"};
	uint32_t d = 0;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(date_parse(bytes_str(bad[i]), &d));
	assert_true(date_parse(bytes_str("2024-02-29"), &d));
	assert_int_equal(d, 20240229);
	assert_int_equal(PARSE("--as-of", "2024-13-01"), RC_OK);
	assert_int_equal(args_date(&args, OPT_AS_OF, &d, &err), RC_USAGE);
	assert_int_equal(d, 20240229);
}

static void a_duration_has_a_unit_or_is_in_seconds(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"500ms", 500}, {"10s", 10000}, {"10", 10000}, {"2m", 120000}, {"0", 0},
		{"24h", 86400000}};
	static const char *const bad[] = {
		"", "s", "-1s", "1.5s", "25h", "10 s", "10S", "01s", "86400001ms", "1d"};
	int64_t ms = 1;
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(PARSE("--timeout", good[i].text), RC_OK);
		assert_int_equal(args_duration(&args, OPT_TIMEOUT, &ms, &err), RC_OK);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(PARSE("--timeout", bad[i]), RC_OK);
		assert_int_equal(args_duration(&args, OPT_TIMEOUT, &ms, &err), RC_USAGE);
	}
}

static void options_that_contradict_each_other_are_refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--json", "--plain"), RC_OK);
	assert_int_equal(args_exclude(&args, OPT_JSON, OPT_PLAIN, &err), RC_USAGE);
	assert_int_equal(args_exclude(&args, OPT_JSON, OPT_QUIET, &err), RC_OK);
	assert_int_equal(args_require(&args, OPT_ROOT, &err), RC_USAGE);
	assert_int_equal(args_require(&args, OPT_JSON, &err), RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_may_stand_before_and_after_the_words),
		cmocka_unit_test(an_unknown_or_abbreviated_option_is_refused),
		cmocka_unit_test(an_option_given_twice_is_refused_except_key),
		cmocka_unit_test(a_value_that_is_missing_or_not_wanted_is_refused),
		cmocka_unit_test(the_next_word_is_the_value_whatever_it_looks_like),
		cmocka_unit_test(after_two_dashes_all_are_words),
		cmocka_unit_test(bytes_that_are_no_clean_text_are_refused),
		cmocka_unit_test(an_argument_is_at_most_so_long),
		cmocka_unit_test(there_are_at_most_so_many_words),
		cmocka_unit_test(a_number_is_digits_in_range_and_nothing_else),
		cmocka_unit_test(a_date_must_exist),
		cmocka_unit_test(a_duration_has_a_unit_or_is_in_seconds),
		cmocka_unit_test(options_that_contradict_each_other_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
