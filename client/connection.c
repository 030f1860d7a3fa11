#include "client/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/text.h"
#include "proto/wire/packet.h"

int64_t mono_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int refuse_connect(const char *path, int error, struct err *e)
{
	if (error == EACCES || error == EPERM)
		return err_set(e, RC_DENIED,
			tr("control socket %s may not be opened by this user; join the group that "
			   "owns it"),
			path);
	if (error == ECONNREFUSED)
		return err_set(e, RC_UNREACHABLE,
			tr("control socket %s is there but no node listens on it; start deltad"),
			path);
	return err_set(e, RC_UNREACHABLE,
		tr("control socket %s: %s; start deltad, or name its socket with --node"), path,
		tr_errno(error));
}

int connection_open(struct connection *c, const char *path, int64_t timeout_ms, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	*c = (struct connection){.fd = -1, .timeout_ms = timeout_ms};
	if (strncmp(path, "tcp://", 6) == 0)
		return err_set(e, RC_USAGE, tr("--node names a socket, not tcp://"));
	if (*path == 0 || strlen(path) >= sizeof address.sun_path)
		return err_set(e, RC_USAGE, tr("socket path \"%.120s\" is empty or over %zu bytes"),
			path, sizeof address.sun_path - 1);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	snprintf(c->path, sizeof c->path, "%s", path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return err_set(e, RC_UNREACHABLE, "socket: %s", tr_errno(errno));
	if (connect(c->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		int error = errno;
		connection_close(c);
		return refuse_connect(path, error, e);
	}
	c->memory = xalloc(CTL_ARENA);
	return RC_OK;
}

void connection_close(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_release(&c->in);
	free(c->memory);
	c->memory = NULL;
}

static int lost(const struct connection *c, const char *why, struct err *e)
{
	return err_set(
		e, RC_UNREACHABLE, tr("the line to the node at %s was lost: %s"), c->path, why);
}

/* 1: ready, 0: the deadline passed, -1: errno. */
static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - mono_now_ms();
		struct pollfd p = {.fd = fd, .events = events};
		int n = poll(&p, 1, left <= 0 ? 0 : left > 1000000 ? 1000000 : (int)left);
		if (n != 0 && !(n < 0 && errno == EINTR))
			return n < 0 ? -1 : 1;
		if (n == 0 && mono_now_ms() >= deadline)
			return 0;
	}
}

static int send_all(struct connection *c, struct bytes frame, struct err *e)
{
	int64_t deadline = mono_now_ms() + c->timeout_ms;
	while (frame.n > 0) {
		if (wait_for(c->fd, POLLOUT, deadline) != 1)
			return lost(c, tr("it does not read"), e);
		ssize_t n = send(c->fd, frame.p, frame.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return lost(c, tr_errno(errno), e);
		frame.p += n;
		frame.n -= (size_t)n;
	}
	return RC_OK;
}

/* Reads once what is there. */
static int read_more(struct connection *c, int64_t deadline, struct err *e)
{
	int ready = wait_for(c->fd, POLLIN, deadline);
	if (ready == 0)
		return err_set(e, RC_TIMEOUT, tr("the node at %s did not answer in time"), c->path);
	ssize_t n = ready < 0 ? -1 : recv(c->fd, buf_reserve(&c->in, 64 * 1024), 64 * 1024, 0);
	if (n < 0 && errno == EINTR)
		return RC_OK;
	if (n < 0)
		return lost(c, tr_errno(errno), e);
	if (n == 0)
		return lost(c, tr("it hung up"), e);
	c->in.n += (size_t)n;
	return RC_OK;
}

int connection_next(struct connection *c, int64_t wait_ms, struct ctl_reply *out, struct err *e)
{
	int64_t deadline = mono_now_ms() + wait_ms;
	buf_consume(&c->in, c->taken);
	c->taken = 0;
	for (;;) {
		struct bytes payload;
		int n = frame_split_u32(buf_bytes(&c->in), LIMIT_CTL_REPLY_BYTES, &payload, e);
		if (n < 0)
			return n;
		if (n == 0) {
			int rc = read_more(c, deadline, e);
			if (rc != RC_OK)
				return rc;
			continue;
		}
		struct arena arena;
		arena_init(&arena, c->memory, CTL_ARENA);
		c->taken = (size_t)n;
		int rc = ctl_reply_decode(payload, &arena, out, e);
		if (rc != RC_OK)
			return rc;
		if (out->id == c->last_id)
			return RC_OK;
		/* Not of a request: why this client cannot stay. */
		if (out->id == 0 && out->rc != RC_OK)
			return connection_refusal(out, e);
		buf_consume(&c->in, c->taken);
		c->taken = 0;
	}
}

/* A node that hung up may have said why before. */
static int farewell(struct connection *c, struct err *e)
{
	struct ctl_reply reply;
	struct err why = {0};
	int rc = connection_next(c, 0, &reply, &why);
	if (rc == RC_OK || rc == RC_TIMEOUT || rc == RC_UNREACHABLE)
		return rc;
	return err_set(e, rc, "%s", why.text);
}

int connection_send(struct connection *c, struct ctl_request *r, struct err *e)
{
	struct buf frame = {0};
	r->id = ++c->last_id;
	int rc = ctl_request_encode(r, &frame, e);
	if (rc == RC_OK)
		rc = send_all(c, buf_bytes(&frame), e);
	if (rc == RC_UNREACHABLE) {
		int said = farewell(c, e);
		rc = said == RC_OK || said == RC_TIMEOUT ? rc : said;
	}
	buf_release(&frame);
	return rc;
}

int connection_refusal(const struct ctl_reply *r, struct err *e)
{
	return err_set(e, r->rc, "%.*s", (int)(r->text.n < 280 ? r->text.n : 280),
		(const char *)r->text.p);
}

int connection_call(struct connection *c, struct ctl_request *r, connection_reply_fn *fn, void *arg,
	struct err *e)
{
	int rc = connection_send(c, r, e);
	for (bool more = true; rc == RC_OK && more;) {
		struct ctl_reply reply;
		struct err why = {0};
		rc = connection_next(c, c->timeout_ms, &reply, &why);
		/* Who asks something wants an answer; only those who wait for an event may not get
		 * one. */
		if (rc != RC_OK)
			return err_set(e, rc == RC_TIMEOUT ? RC_UNREACHABLE : rc, "%s", why.text);
		if (reply.rc != RC_OK)
			return connection_refusal(&reply, e);
		more = reply.more;
		rc = fn ? fn(arg, &reply, e) : RC_OK;
	}
	return rc;
}
