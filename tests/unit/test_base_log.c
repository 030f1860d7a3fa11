#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/base/text.h"

/* Standard error goes to a pipe while a test runs. */
static int kept, out[2];

static int capture_begin(void **state)
{
	(void)state;
	kept = dup(STDERR_FILENO);
	log_set_level(LOG_LEVEL_INFO);
	return pipe(out) || dup2(out[1], STDERR_FILENO) < 0;
}

static int capture_end(void **state)
{
	(void)state;
	dup2(kept, STDERR_FILENO);
	return close(kept) || close(out[0]) || close(out[1]);
}

/* What was logged since; a mark of our own ends it, so that nothing logged is no endless wait. */
static void assert_logged(const char *want)
{
	static char said[8192];
	assert_int_equal(write(out[1], "$", 1), 1);
	ssize_t n = read(out[0], said, sizeof said - 1);
	assert_true(n >= 1);
	said[n - 1] = '\0';
	assert_string_equal(said, want);
}

static void each_level_has_its_prefix(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("event=a");
	log_warn("event=b n=%d", 2);
	log_info("event=c");
	log_debug("event=d");
	assert_logged("<3>event=a\n<4>event=b n=2\n<6>event=c\n<7>event=d\n");
}

static void lines_above_the_level_are_dropped(void **state)
{
	(void)state;
	log_debug("event=dropped");
	assert_logged("");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("event=dropped");
	log_error("event=kept");
	assert_logged("<3>event=kept\n");
}

static void text_of_a_peer_cannot_forge_a_line(void **state)
{
	(void)state;
	log_warn("event=bye text=\"%s\"", "bad\n<3>event=forged \x1b[2J\xff 江苏");
	assert_logged("<4>event=bye text=\"bad\\x0a<3>event=forged \\x1b[2J\\xff 江苏\"\n");
}

static void a_long_line_is_cut_and_still_ended(void **state)
{
	(void)state;
	char text[3001], want[2048 + 4];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	log_info("%s", text);
	memset(want, 'x', sizeof want);
	memcpy(want, "<6>", 3);
	memcpy(want + 3 + 2047, "\n", 2);
	assert_logged(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_level_has_its_prefix, capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(
			lines_above_the_level_are_dropped, capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(
			text_of_a_peer_cannot_forge_a_line, capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(
			a_long_line_is_cut_and_still_ended, capture_begin, capture_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
