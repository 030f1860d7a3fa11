/* Tells the service manager how the daemon is: the sd_notify protocol, without its library. Floor
 * 5. Source: systemd's sd_notify(3): one datagram of NAME=value lines to $NOTIFY_SOCKET. */
#ifndef DELTAD_NET_NOTIFY_H
#define DELTAD_NET_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "proto/base/err.h"
#include "proto/base/units.h"

/* All zero with fd -1 = nobody listens; every call is then a no-op. */
struct notify {
	int fd;
	struct sockaddr_un to;
	socklen_t to_len;
	int64_t watchdog_ms; /* 0 = the manager expects no signs of life */
};

/* socket: $NOTIFY_SOCKET, a path or "@name" for the abstract namespace; watchdog_usec and
 * watchdog_pid: $WATCHDOG_USEC and $WATCHDOG_PID; each may be NULL. RC_SETUP: not usable; *n is
 * then silent. */
int notify_init(struct notify *n, const char *socket, const char *watchdog_usec,
	const char *watchdog_pid, struct err *e) MUST_CHECK;
void notify_release(struct notify *n);

void notify_ready(const struct notify *n, const char *status);
void notify_reloading(const struct notify *n);
void notify_stopping(const struct notify *n);
/* status everywhere: one line for `systemctl status`; control characters must not be in it. */
void notify_watchdog(const struct notify *n, const char *status);
void notify_status(const struct notify *n, const char *status);

#endif
