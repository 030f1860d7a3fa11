#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

/* A journal of our own in a folder of our own; what stderr is, is told as the manager tells it. */
static int journal_listens(char path[64], char stream[64])
{
	struct stat st;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	strcpy(path, "/tmp/test_base_log.XXXXXX");
	assert_non_null(mkdtemp(path));
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/journal", path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	strcat(path, "/journal");
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, 64, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return fd;
}

static void journal_ends(int fd, char path[64])
{
	close(fd);
	unlink(path);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
}

static void a_journal_is_given_the_kind_of_a_line_and_its_id(void **state)
{
	(void)state;
	char path[64], stream[64], said[512] = "";
	int fd = journal_listens(path, stream);
	assert_false(log_open_journal(NULL, path));
	assert_false(log_open_journal("1:2", path));
	log_info("event=before");
	assert_logged("<6>event=before\n");
	assert_true(log_open_journal(stream, path));
	log_error("event=fork what=\"a\nPRIORITY=7\"");
	assert_true(recv(fd, said, sizeof(said) - 1, MSG_DONTWAIT) > 0);
	assert_string_equal(said,
		"PRIORITY=3\nSYSLOG_IDENTIFIER=deltad\nDELTAD_EVENT=fork\n"
		"MESSAGE_ID=dd1d0d790c2f1881b25d9a0af9c85790\n"
		"MESSAGE=event=fork what=\"a\\x0aPRIORITY=7\"\n");
	assert_logged("");
	journal_ends(fd, path);
	log_warn("event=gone");
	assert_logged("<4>event=gone\n");
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
		cmocka_unit_test_setup_teardown(a_journal_is_given_the_kind_of_a_line_and_its_id,
			capture_begin, capture_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
