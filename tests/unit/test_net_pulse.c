/* When the line under a session counts as gone. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/net/pulse.h"

static struct mono_ms at(int64_t v)
{
	return (struct mono_ms){v};
}

static struct pulse looked_at(bool unacknowledged, unsigned retries)
{
	struct pulse p;
	struct pulse_line line = {unacknowledged, retries};
	pulse_init(&p, at(0));
	pulse_look(&p, 100, &line, at(5000));
	return p;
}

static void nothing_written_is_nothing_to_look_at(void **state)
{
	(void)state;
	struct pulse p;
	pulse_init(&p, at(0));
	assert_int_equal(pulse_deadline(&p, 0).v, MONO_NEVER.v);
	assert_int_equal(pulse_deadline(&p, 1).v, PULSE_LOOK_MS);
}

static void what_was_acknowledged_is_not_looked_at_again(void **state)
{
	(void)state;
	struct pulse p = looked_at(false, 0);
	assert_int_equal(pulse_deadline(&p, 100).v, MONO_NEVER.v);
	assert_int_equal(pulse_deadline(&p, 101).v, 5000 + PULSE_LOOK_MS);
	p = looked_at(true, 0);
	assert_int_equal(pulse_deadline(&p, 100).v, 5000 + PULSE_LOOK_MS);
}

static void only_four_retries_in_a_row_are_a_lost_line(void **state)
{
	(void)state;
	assert_false(looked_at(true, 0).lost);
	assert_false(looked_at(true, PULSE_LOST_RETRIES - 1).lost);
	assert_true(looked_at(true, PULSE_LOST_RETRIES).lost);
	assert_false(looked_at(false, PULSE_LOST_RETRIES).lost);
}

static void lost_line_that_answers_is_found_again(void **state)
{
	(void)state;
	struct pulse p = looked_at(true, PULSE_LOST_RETRIES);
	struct pulse_line line = {.unacknowledged = true};
	pulse_look(&p, 200, &line, at(6000));
	assert_false(p.lost);
}

static void kernel_is_asked(void **state)
{
	(void)state;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	struct pulse_line line = {true, 9};
	struct err e = {0};
	char byte;
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, n), 0);
	int other = accept(listener, NULL, NULL);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	/* The answer acknowledges what it answers. */
	assert_int_equal(recv(other, &byte, 1, 0), 1);
	assert_int_equal(send(other, "y", 1, 0), 1);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	assert_int_equal(pulse_read(fd, &line, &e), RC_OK);
	assert_int_equal(line.retries, 0);
	assert_false(line.unacknowledged);
	close(other);
	close(listener);
	close(fd);
	assert_int_equal(pulse_read(fd, &line, &e), RC_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_written_is_nothing_to_look_at),
		cmocka_unit_test(what_was_acknowledged_is_not_looked_at_again),
		cmocka_unit_test(only_four_retries_in_a_row_are_a_lost_line),
		cmocka_unit_test(lost_line_that_answers_is_found_again),
		cmocka_unit_test(kernel_is_asked),
	};
	return cmocka_run_group_tests_name("net pulse", tests, NULL, NULL);
}
