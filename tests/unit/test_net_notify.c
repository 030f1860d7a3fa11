#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/net/notify.h"

/* A manager's end at a path or, with a leading NUL, an abstract name. */
static int manager(const char *name, size_t n)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(a.sun_path, name, n);
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, length), 0);
	return fd;
}

static void assert_heard(int fd, const char *want)
{
	char got[512];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, want);
}

static void every_message_reaches_a_socket_with_a_path(void **state)
{
	char dir[] = "/tmp/deltad-notify-XXXXXX", path[64], got[128] = "";
	struct notify n;
	struct err e = {0};
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	int fd = manager(path, strlen(path));
	assert_int_equal(notify_init(&n, path, NULL, NULL, &e), RC_OK);
	notify_ready(&n, "running");
	assert_heard(fd, "READY=1\nSTATUS=running");
	notify_status(&n, "degraded");
	assert_heard(fd, "STATUS=degraded");
	notify_watchdog(&n, "running");
	assert_heard(fd, "WATCHDOG=1\nSTATUS=running");
	notify_stopping(&n);
	assert_heard(fd, "STOPPING=1");
	notify_reloading(&n);
	assert_true(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
	assert_non_null(strstr(got, "RELOADING=1\nMONOTONIC_USEC="));
	notify_release(&n);
	close(fd);
	unlink(path);
	rmdir(dir);
}

static void abstract_socket_is_reached(void **state)
{
	char name[64];
	struct notify n;
	struct err e = {0};
	(void)state;
	snprintf(name, sizeof(name), "@deltad-test-%d", (int)getpid());
	size_t length = strlen(name);
	name[0] = '\0';
	int fd = manager(name, length);
	name[0] = '@';
	assert_int_equal(notify_init(&n, name, NULL, NULL, &e), RC_OK);
	notify_watchdog(&n, "running");
	assert_heard(fd, "WATCHDOG=1\nSTATUS=running");
	notify_release(&n);
	close(fd);
}

static void without_a_manager_nothing_happens(void **state)
{
	struct notify n;
	struct err e = {0};
	(void)state;
	assert_int_equal(notify_init(&n, NULL, "30000000", NULL, &e), RC_OK);
	assert_int_equal(n.watchdog_ms, 0);
	notify_ready(&n, "running");
	notify_release(&n);
}

static void unusable_sockets_are_refused(void **state)
{
	char longest[128];
	static const char *const bad[] = {"", "@", "/", "relative", "vsock:2:3"};
	struct notify n;
	struct err e = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(notify_init(&n, bad[i], NULL, NULL, &e), RC_SETUP);
	memset(longest, '/', sizeof(longest));
	longest[108] = '\0';
	assert_int_equal(notify_init(&n, longest, NULL, NULL, &e), RC_SETUP);
	longest[107] = '\0';
	assert_int_equal(notify_init(&n, longest, NULL, NULL, &e), RC_OK);
	notify_release(&n);
}

static void watchdog_counts_only_for_this_process(void **state)
{
	char self[16], other[16];
	struct notify n;
	struct err e = {0};
	(void)state;
	snprintf(self, sizeof(self), "%d", (int)getpid());
	snprintf(other, sizeof(other), "%d", (int)getpid() + 1);
	assert_int_equal(notify_init(&n, "/run/x", "30000000", self, &e), RC_OK);
	assert_int_equal(n.watchdog_ms, 30000);
	notify_release(&n);
	assert_int_equal(notify_init(&n, "/run/x", "30000000", other, &e), RC_OK);
	assert_int_equal(n.watchdog_ms, 0);
	notify_release(&n);
	assert_int_equal(notify_init(&n, "/run/x", "-1", NULL, &e), RC_OK);
	assert_int_equal(n.watchdog_ms, 0);
	notify_release(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_reaches_a_socket_with_a_path),
		cmocka_unit_test(abstract_socket_is_reached),
		cmocka_unit_test(without_a_manager_nothing_happens),
		cmocka_unit_test(unusable_sockets_are_refused),
		cmocka_unit_test(watchdog_counts_only_for_this_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
