#include "daemon/net/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/text.h"

static void set_watchdog(struct notify *n, const char *usec, const char *pid)
{
	uint64_t v;
	if (pid && (!decimal_parse(bytes_str(pid), INT32_MAX, &v) || (pid_t)v != getpid()))
		return;
	if (usec && decimal_parse(bytes_str(usec), INT64_MAX, &v))
		n->watchdog_ms = (int64_t)(v / 1000);
}

int notify_init(struct notify *n, const char *socket_name, const char *watchdog_usec,
	const char *watchdog_pid, struct err *e)
{
	*n = (struct notify){.fd = -1};
	if (!socket_name)
		return RC_OK;
	size_t length = strlen(socket_name);
	if ((socket_name[0] != '/' && socket_name[0] != '@') || length < 2 ||
		length >= sizeof(n->to.sun_path))
		return err_set(e, RC_SETUP, "NOTIFY_SOCKET \"%.100s\" is no path", socket_name);
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, socket_name, length);
	if (socket_name[0] == '@')
		n->to.sun_path[0] = '\0';
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd < 0)
		return err_set(e, RC_SETUP, "NOTIFY_SOCKET: %s", strerror(errno));
	set_watchdog(n, watchdog_usec, watchdog_pid);
	return RC_OK;
}

void notify_release(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

static void send_text(const struct notify *n, const char *text)
{
	if (n->fd < 0)
		return;
	ssize_t sent;
	do
		sent = sendto(n->fd, text, strlen(text), MSG_NOSIGNAL,
			(const struct sockaddr *)&n->to, n->to_len);
	while (sent < 0 && errno == EINTR);
}

static void send_with_status(const struct notify *n, const char *first, const char *status)
{
	char text[256];
	snprintf(text, sizeof(text), "%sSTATUS=%s", first, status);
	send_text(n, text);
}

void notify_ready(const struct notify *n, const char *status)
{
	send_with_status(n, "READY=1\n", status);
}

void notify_reloading(const struct notify *n)
{
	struct timespec t;
	char text[96];
	clock_gettime(CLOCK_MONOTONIC, &t);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
	send_text(n, text);
}

void notify_stopping(const struct notify *n)
{
	send_text(n, "STOPPING=1");
}

void notify_watchdog(const struct notify *n, const char *status)
{
	send_with_status(n, "WATCHDOG=1\n", status);
}

void notify_status(const struct notify *n, const char *status)
{
	send_with_status(n, "", status);
}
