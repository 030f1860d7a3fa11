#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/err.h"
#include "proto/base/bytes.h"
#include "proto/base/text.h"

static const int codes[] = {
#define RC(name, id, text) RC_##name,
#include "proto/base/rc.def"
#undef RC
};
#define CODES (sizeof codes / sizeof codes[0])

/* What is printed in manuals and scripts of offices: a row is added here with each new code, and
 * none is ever changed. */
static const struct {
	int rc;
	const char *id;
	int exit;
} frozen[] = {
	{RC_INTERNAL, "E1001", 1},
	{RC_NOMEM, "E1002", 1},
	{RC_IO, "E1003", 1},
	{RC_DISK_FULL, "E1004", 1},
	{RC_CORRUPT, "E1005", 1},
	{RC_BUSY, "E1006", 1},
	{RC_SETUP, "E1007", 1},
	{RC_TOO_NEW, "E1008", 1},
	{RC_DEGRADED, "E1009", 1},
	{RC_NO_ROSTER, "E1010", 1},
	{RC_INPUT, "E2001", 2},
	{RC_USAGE, "E2002", 2},
	{RC_CONFIG, "E2003", 2},
	{RC_TOO_BIG, "E2004", 2},
	{RC_KEYFILE, "E2005", 2},
	{RC_ROSTER, "E2006", 2},
	{RC_NOTE, "E2007", 2},
	{RC_PLAN_FILE, "E2008", 2},
	{RC_UNREACHABLE, "E3001", 3},
	{RC_DENIED, "E4001", 4},
	{RC_NOT_OPERATOR, "E4002", 4},
	{RC_OUT_OF_SCOPE, "E4003", 4},
	{RC_NOT_FOUND, "E5001", 5},
	{RC_REFUSED, "E6001", 6},
	{RC_REFUSED_VALUE, "E6002", 6},
	{RC_REFUSED_WRITER, "E6003", 6},
	{RC_REFUSED_REPEAT, "E6004", 6},
	{RC_REFUSED_STALE, "E6005", 6},
	{RC_REFUSED_FALL, "E6006", 6},
	{RC_REFUSED_WITHDRAWN, "E6007", 6},
	{RC_VERIFY, "E7001", 7},
	{RC_DIVERGED, "E7002", 7},
	{RC_FORK, "E7003", 7},
	{RC_TIMEOUT, "E8001", 8},
	{RC_PARTLY, "E9001", 9},
	{RC_UNKNOWN_OUTCOME, "E1075", 75},
	{RC_PEER_FRAME, "E1101", 1},
	{RC_PEER_MESSAGE, "E1102", 1},
	{RC_PEER_STATE, "E1103", 1},
	{RC_PEER_HANDSHAKE, "E1104", 1},
	{RC_PEER_KEY, "E1105", 1},
	{RC_PEER_CLUSTER, "E1106", 1},
	{RC_PEER_VERSION, "E1107", 1},
	{RC_PEER_HEAD, "E1108", 1},
	{RC_PEER_BATCH, "E1109", 1},
	{RC_PEER_ORIGIN, "E1110", 1},
	{RC_PEER_LIMIT, "E1111", 1},
	{RC_PEER_EVIDENCE, "E1112", 1},
	{RC_BUNDLE, "E2009", 2},
	{RC_REFUSED_GAP, "E6008", 6},
};
#define FROZEN (sizeof frozen / sizeof frozen[0])

static void ids_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < CODES; i++) {
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(rc_id(codes[i]), rc_id(codes[k]));
		assert_int_equal(rc_from_id(rc_id(codes[i])), codes[i]);
	}
}

static void ids_and_exit_codes_are_what_they_were(void **state)
{
	(void)state;
	assert_int_equal(CODES, FROZEN);
	for (size_t i = 0; i < FROZEN; i++) {
		assert_string_equal(rc_id(frozen[i].rc), frozen[i].id);
		assert_int_equal(rc_exit(frozen[i].rc), frozen[i].exit);
	}
}

static void ids_are_an_e_and_four_digits_with_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < CODES; i++) {
		struct bytes id = bytes_str(rc_id(codes[i]));
		uint64_t number;
		assert_int_equal(id.n, 5);
		assert_int_equal(id.p[0], 'E');
		assert_true(decimal_parse(bytes_of(id.p + 1, 4), 9999, &number));
		assert_true(number >= 1000);
		assert_true(strlen(rc_text(codes[i])) > 3);
	}
}

static void success_exits_zero(void **state)
{
	(void)state;
	assert_int_equal(rc_exit(RC_OK), 0);
}

static void a_number_that_is_no_code_reads_as_internal_error(void **state)
{
	(void)state;
	const int none[] = {1, 75, -(int)CODES - 1, INT32_MIN, INT32_MAX};
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		assert_string_equal(rc_id(none[i]), "E1001");
		assert_string_equal(rc_text(none[i]), "internal error");
		assert_int_equal(rc_exit(none[i]), 1);
	}
	assert_string_equal(rc_id(RC_OK), "E1001");
}

static void an_id_that_is_none_gives_zero(void **state)
{
	(void)state;
	const char *const none[] = {"", "E", "E0000", "E10011", "e1001", "1001"};
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_int_equal(rc_from_id(none[i]), 0);
}

static void set_returns_the_code_and_keeps_the_sentence(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(err_set(&e, RC_INPUT, "line %d is empty", 7), RC_INPUT);
	assert_int_equal(e.rc, RC_INPUT);
	assert_string_equal(e.text, "line 7 is empty");
	assert_int_equal(err_set(NULL, RC_IO, "nobody asks"), RC_IO);
}

static void set_may_quote_the_text_it_replaces(void **state)
{
	(void)state;
	struct err e = {0};
	(void)err_set(&e, RC_IO, "disk");
	(void)err_set(&e, RC_CORRUPT, "page 3: %s", e.text);
	assert_string_equal(e.text, "page 3: disk");
}

static void prefix_puts_the_context_first_and_keeps_the_code(void **state)
{
	(void)state;
	struct err e = {0};
	(void)err_set(&e, RC_ROSTER, "no regional office");
	assert_int_equal(err_prefix(&e, "roster %d", 2), RC_ROSTER);
	assert_int_equal(e.rc, RC_ROSTER);
	assert_string_equal(e.text, "roster 2: no regional office");
}

static void a_text_of_the_limit_is_kept_and_one_more_is_cut(void **state)
{
	(void)state;
	char text[ERR_TEXT_MAX + 2];
	for (size_t n = ERR_TEXT_MAX - 2; n <= ERR_TEXT_MAX; n++) {
		struct err e = {0};
		memset(text, 'x', n);
		text[n] = '\0';
		(void)err_set(&e, RC_INPUT, "%s", text);
		assert_int_equal(strlen(e.text), n < ERR_TEXT_MAX ? n : ERR_TEXT_MAX - 1);
	}
}

static void a_cut_never_splits_a_character(void **state)
{
	(void)state;
	struct buf text = {0};
	while (text.n < 2 * ERR_TEXT_MAX)
		buf_put_str(&text, "江");
	buf_put_u8(&text, 0);
	struct err e = {0};
	for (unsigned lead = 0; lead < 3; lead++) {
		(void)err_set(&e, RC_INPUT, "%.*s%s", (int)lead, "xx", (const char *)text.p);
		assert_true(text_is_clean(bytes_str(e.text), false));
		assert_true(strlen(e.text) + 3 >= ERR_TEXT_MAX);
		(void)err_prefix(&e, "%.*s", (int)lead, "xx");
		assert_true(text_is_clean(bytes_str(e.text), false));
		assert_true(strlen(e.text) + 3 >= ERR_TEXT_MAX);
	}
	buf_release(&text);
}

static void a_broken_invariant_aborts_and_says_where(void **state)
{
	(void)state;
	int out[2];
	assert_int_equal(pipe(out), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(out[1], STDERR_FILENO);
		ENSURE(1 + 1 == 3);
		_exit(0);
	}
	close(out[1]);
	char said[256] = {0};
	assert_true(read(out[0], said, sizeof said - 1) > 0);
	close(out[0]);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(said, "cond=\"1 + 1 == 3\""));
	assert_non_null(strstr(said, "test_base_err.c:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_unique),
		cmocka_unit_test(ids_and_exit_codes_are_what_they_were),
		cmocka_unit_test(ids_are_an_e_and_four_digits_with_a_sentence),
		cmocka_unit_test(success_exits_zero),
		cmocka_unit_test(a_number_that_is_no_code_reads_as_internal_error),
		cmocka_unit_test(an_id_that_is_none_gives_zero),
		cmocka_unit_test(set_returns_the_code_and_keeps_the_sentence),
		cmocka_unit_test(set_may_quote_the_text_it_replaces),
		cmocka_unit_test(prefix_puts_the_context_first_and_keeps_the_code),
		cmocka_unit_test(a_text_of_the_limit_is_kept_and_one_more_is_cut),
		cmocka_unit_test(a_cut_never_splits_a_character),
		cmocka_unit_test(a_broken_invariant_aborts_and_says_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
