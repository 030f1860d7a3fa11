#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/near.h"
#include "client/options.h"
#include "client/said.h"
#include "client/text.h"
#include "tests/unit/fake_node.h"
#include "tests/unit/run_command.h"

static struct fake_node *node;

static int open_node(void **state)
{
	(void)state;
	node = fake_begin();
	return 0;
}

static int close_node(void **state)
{
	(void)state;
	fake_close(node);
	return 0;
}

static void assert_said(const char *english, const char *chinese)
{
	text_set(LANG_ZH);
	char *text = said_tr(english);
	assert_string_equal(text, chinese);
	free(text);
	text_set(LANG_EN);
	text = said_tr(english);
	assert_string_equal(text, english);
	free(text);
}

static void what_a_library_says_is_translated_by_its_shape(void **state)
{
	(void)state;
	assert_said("progress falls from 60 to 40: say why in reason",
		"进度由 60 降至 40：请用 --reason 说明原因");
	assert_said("第 3 行: progress is 110, allowed are 0 to 100: give a number in that range",
		"第 3 行: progress 为 110，应在 0 至 100 之间：请改为范围内的数字");
	assert_said("key file \"x\": cannot open: Permission denied",
		"密钥文件 “x”：无法打开：没有权限");
	assert_said("connection refused", "连接被拒绝");
	assert_said("key file \"x\": a log key of jiangsu, and a root key is needed",
		"密钥文件 “x”：这是 jiangsu 的日志密钥，而需要根密钥");
	assert_said("the disk is full: nothing new is accepted; free some space",
		"磁盘已满：不接受新内容；请腾出空间");
	assert_said(
		"too many logs of member jiangsu (limit 64)", "成员 jiangsu 的日志过多（上限 64）");
	assert_said("policy, line 3: a second quorum", "策略第 3 行：第二个 quorum");
	assert_said("more than 8 rosters of version 3", "第 3 版名册超过 8 份");
}

static void what_nobody_knows_stays_as_it_is(void **state)
{
	(void)state;
	assert_said("a sentence that no catalogue has: 7", "a sentence that no catalogue has：7");
	assert_said("", "");
	assert_said("已是中文", "已是中文");
}

static const char *near_of(const char *word)
{
	static const char *const known[] = {"--progress", "--problem", "--province", "--as"};
	struct near n = {0};
	for (size_t i = 0; i < 4; i++)
		near_offer(&n, word, known[i]);
	return n.best ? n.best : "none";
}

static void a_mistyped_word_is_near_the_one_that_was_meant(void **state)
{
	(void)state;
	assert_string_equal(near_of("--progess"), "--progress");
	assert_string_equal(near_of("--porgress"), "--progress");
	assert_string_equal(near_of("--problme"), "--problem");
	assert_string_equal(near_of("--sa"), "--as");
	assert_string_equal(near_of("--x"), "none");
	assert_string_equal(near_of("--something"), "none");
	assert_string_equal(near_of(""), "none");
	assert_string_equal(near_of("--a-word-that-is-much-longer-than-any-other-one"), "none");
}

static void a_mistyped_command_or_option_is_answered_with_the_right_one(void **state)
{
	(void)state;
	RUN("report", "3-05", "--progess", "3");
	assert_ended(2, "did you mean --progress?\n");
	RUN("stauts");
	assert_ended(2, "did you mean status?\n");
	RUN("task", "lsit");
	assert_ended(2, "did you mean task list?\n");
	RUN("reprot", "3-05");
	assert_ended(2, "did you mean report?\n");
	RUN("nothing");
	assert_ended(2, "deltactl help lists them\n");
}

static void help_explains_every_option_of_a_command(void **state)
{
	(void)state;
	RUN("help", "options");
	assert_ended(0, NULL);
	for (int o = 0; o < OPT_END; o++)
		if (!strstr(done.out, options[o].name) || !strstr(done.out, options[o].what))
			fail_msg("help options: nothing on %s", options[o].name);
	for (const struct command *c = commands; c->name; c++) {
		char first[24] = "", second[24] = "";
		assert_true(sscanf(c->name, "%23s %23s", first, second) > 0);
		run_to(-1,
			*second ? (const char *const[]){"help", first, second, NULL}
				: (const char *const[]){"help", first, NULL});
		assert_ended(0, NULL);
		for (int o = 0; o < OPT_END; o++) {
			const struct option *x = &options[o];
			char label[64];
			snprintf(label, sizeof label, "%s%s%s ", x->name, x->value ? " " : "",
				x->value ? x->value : "");
			if ((c->options & OPT_BIT(o)) &&
				(!strstr(done.out, label) || !strstr(done.out, x->what)))
				fail_msg("help %s: nothing on %s", c->name, x->name);
		}
	}
}

static void a_file_that_is_not_there_is_one_error_wherever_it_is_named(void **state)
{
	static const char *const commands_of[][6] = {
		{"plan", "load", "/none/x"},
		{"key", "show", "/none/x"},
		{"roster", "show", "/none/x"},
		{"roster", "sign", "/none/x", "--key", "/none/x"},
		{"bundle", "show", "/none/x"},
		{"bundle", "import", "/none/x"},
		{"audit", "--offline", "/none/x"},
		{"verify", "/none/x", "--policy", "/none/x"},
		{"note", "3-05", "x", "--as", "/none/x"},
		{"operator", "add", "--root", "/none/x", "--operator", "/none/x"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof commands_of / sizeof commands_of[0]; i++) {
		const char *word[7] = {0};
		memcpy(word, commands_of[i], sizeof commands_of[i]);
		run_to(-1, word);
		assert_ended(5,
			"E5001: not found: /none/x does not exist; check how the path is "
			"written\n");
	}
}

static json_t *dry_run(const char *option, const char *value)
{
	RUN("--json", "report", "3-05", option, value, "-n");
	assert_ended(0, NULL);
	json_t *root = json_loads(done.out, 0, NULL);
	json_t *v = json_incref(json_object_get(root, "value"));
	json_decref(root);
	return v;
}

static const char *text_of(const json_t *value, const char *key)
{
	return json_string_value(json_object_get(value, key));
}

static void a_report_keeps_what_is_not_given_anew(void **state)
{
	(void)state;
	RUN("report", "3-05", "--status", "delayed", "--progress", "40", "--note", "n", "--problem",
		"p", "--next", "x", "--demo");
	assert_ended(0, NULL);
	json_t *v = dry_run("--progress", "50");
	assert_int_equal(json_integer_value(json_object_get(v, "progress")), 50);
	assert_string_equal(text_of(v, "status"), "delayed");
	assert_string_equal(text_of(v, "note"), "n");
	assert_string_equal(text_of(v, "problem"), "p");
	assert_string_equal(text_of(v, "next"), "x");
	assert_true(json_is_true(json_object_get(v, "demo")));
	json_decref(v);
	v = dry_run("--note", "");
	assert_null(text_of(v, "note"));
	assert_string_equal(text_of(v, "problem"), "p");
	json_decref(v);
	RUN("--json", "report", "3-05", "-n", "--status", "in_progress", "--progress", "50",
		"--note", "a", "--problem", "", "--next", "");
	assert_ended(0, NULL);
	assert_non_null(strstr(done.out, "\"demo\":false"));
}

static void what_a_peer_lacks_is_not_guessed_before_it_was_heard(void **state)
{
	struct ctl_peer peer = {.member = bytes_str("office"), .behind = 7};
	(void)state;
	node->status = (struct ctl_status){.member = bytes_str("jiangsu"),
		.state = bytes_str("running"),
		.peers = &peer,
		.n_peers = 1};
	RUN("--json", "status");
	assert_ended(0, NULL);
	assert_non_null(strstr(done.out, "\"behind\":null,\"ahead\":null"));
	peer.sync_ms = 1721865600000;
	RUN("--json", "status");
	assert_non_null(strstr(done.out, "\"behind\":7,\"ahead\":0"));
}

#define NODE_TEST(f) cmocka_unit_test_setup_teardown(f, open_node, close_node)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_library_says_is_translated_by_its_shape),
		cmocka_unit_test(what_nobody_knows_stays_as_it_is),
		cmocka_unit_test(a_mistyped_word_is_near_the_one_that_was_meant),
		cmocka_unit_test(a_mistyped_command_or_option_is_answered_with_the_right_one),
		cmocka_unit_test(help_explains_every_option_of_a_command),
		NODE_TEST(a_file_that_is_not_there_is_one_error_wherever_it_is_named),
		NODE_TEST(a_report_keeps_what_is_not_given_anew),
		NODE_TEST(what_a_peer_lacks_is_not_guessed_before_it_was_heard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
