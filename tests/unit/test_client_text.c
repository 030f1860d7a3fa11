#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/advice.h"
#include "client/command.h"
#include "client/text.h"
#include "proto/model/verdict.h"
#include "proto/trust/key.h"

static void unset_all(void)
{
	unsetenv("DELTACTL_LANG");
	unsetenv("LC_ALL");
	unsetenv("LC_MESSAGES");
	unsetenv("LANG");
}

static enum lang chosen(const char *option)
{
	struct err e = {0};
	assert_int_equal(text_choose(option, &e), RC_OK);
	return text_lang();
}

static void the_language_is_the_options_then_each_variables_in_order(void **state)
{
	(void)state;
	unset_all();
	assert_int_equal(chosen(NULL), LANG_EN);
	setenv("LANG", "zh_CN.UTF-8", 1);
	assert_int_equal(chosen(NULL), LANG_ZH);
	setenv("LC_MESSAGES", "en_GB.UTF-8", 1);
	assert_int_equal(chosen(NULL), LANG_EN);
	setenv("LC_ALL", "zh_CN", 1);
	assert_int_equal(chosen(NULL), LANG_ZH);
	setenv("DELTACTL_LANG", "en", 1);
	assert_int_equal(chosen(NULL), LANG_EN);
	assert_int_equal(chosen("zh"), LANG_ZH);
	assert_int_equal(chosen("en"), LANG_EN);
	unset_all();
}

static void an_empty_variable_counts_as_unset_and_a_foreign_one_as_english(void **state)
{
	(void)state;
	unset_all();
	setenv("LC_ALL", "", 1);
	setenv("LANG", "zh_CN.UTF-8", 1);
	assert_int_equal(chosen(NULL), LANG_ZH);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	assert_int_equal(chosen(NULL), LANG_EN);
	unset_all();
}

static void another_language_on_the_command_line_is_refused(void **state)
{
	struct err e = {0};
	(void)state;
	assert_int_equal(text_choose("de", &e), RC_USAGE);
	assert_int_equal(text_choose("", &e), RC_USAGE);
	assert_int_equal(text_choose("zh_CN", &e), RC_USAGE);
}

static void a_sentence_without_a_translation_is_itself(void **state)
{
	(void)state;
	text_set(LANG_ZH);
	assert_string_equal(tr_word("no such sentence"), "no such sentence");
	assert_string_equal(tr_word(""), "");
	assert_string_equal(tr_word("yes"), "是");
	text_set(LANG_EN);
	assert_string_equal(tr_word("yes"), "yes");
	assert_string_equal(tr_word("in_progress"), "in progress");
}

/* Words that come from tables elsewhere, which xgettext cannot see. */
static void must_be_chinese(const char *word)
{
	assert_non_null(word);
	if (strcmp(tr_word(word), word) == 0)
		fail_msg("no Chinese for \"%s\"", word);
}

static void every_name_of_the_model_has_its_chinese(void **state)
{
	(void)state;
	text_set(LANG_ZH);
	for (uint32_t s = STATUS_NOT_STARTED; s <= STATUS_WITHDRAWN; s++)
		must_be_chinese(status_name(s));
	for (enum verdict v = VERDICT_EFFECTIVE; v <= VERDICT_VOID; v++)
		must_be_chinese(verdict_name(v));
	for (enum void_code c = VOID_GATE; c <= VOID_EVENT; c++)
		must_be_chinese(void_code_name(c));
	for (enum key_purpose p = KEY_ROOT; p <= KEY_OPERATOR; p++)
		must_be_chinese(key_purpose_name(p));
}

static void every_error_has_its_chinese_and_an_advice_in_both_languages(void **state)
{
	(void)state;
	for (int rc = 1; rc < RC_INDEX_END; rc++) {
		text_set(LANG_ZH);
		must_be_chinese(rc_text(-rc));
		const char *chinese = advice_for(-rc);
		text_set(LANG_EN);
		const char *english = advice_for(-rc);
		if (!*english || strcmp(chinese, english) == 0)
			fail_msg("no advice, or none in Chinese, for %s", rc_id(-rc));
	}
}

static void every_command_is_described_in_both_languages(void **state)
{
	(void)state;
	text_set(LANG_ZH);
	for (const struct command *c = commands; c->name; c++) {
		must_be_chinese(c->what);
		assert_non_null(c->run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_language_is_the_options_then_each_variables_in_order),
		cmocka_unit_test(an_empty_variable_counts_as_unset_and_a_foreign_one_as_english),
		cmocka_unit_test(another_language_on_the_command_line_is_refused),
		cmocka_unit_test(a_sentence_without_a_translation_is_itself),
		cmocka_unit_test(every_name_of_the_model_has_its_chinese),
		cmocka_unit_test(every_error_has_its_chinese_and_an_advice_in_both_languages),
		cmocka_unit_test(every_command_is_described_in_both_languages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
