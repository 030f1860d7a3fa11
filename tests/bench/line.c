#include "tests/bench/line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (256 * 1024)
#define ANSWER_MS 60000

void die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("bench_load: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void line_open(struct line *l, const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	*l = (struct line){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	if (strlen(path) >= sizeof(to.sun_path))
		die("%s: too long for a socket's path", path);
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("%s: %s", path, strerror(errno));
	l->memory = xalloc(CTL_ARENA);
}

void line_close(struct line *l)
{
	close(l->fd);
	buf_release(&l->out);
	buf_release(&l->in);
	free(l->memory);
}

void line_queue(struct line *l, struct ctl_request *r)
{
	struct err e = {0};
	r->id = ++l->last_id;
	if (ctl_request_encode(r, &l->out, &e) != RC_OK)
		die("request: %s", e.text);
}

void line_queue_frame(struct line *l, struct bytes frame)
{
	buf_put_bytes(&l->out, frame);
}

struct pollfd line_pollfd(const struct line *l)
{
	return (struct pollfd){.fd = l->fd, .events = (short)(POLLIN | (l->out.n ? POLLOUT : 0))};
}

static void write_some(struct line *l)
{
	if (l->out.n == 0)
		return;
	ssize_t n = send(l->fd, l->out.p, l->out.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		buf_consume(&l->out, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("send: %s", strerror(errno));
}

static void read_some(struct line *l)
{
	buf_consume(&l->in, l->taken);
	l->taken = 0;
	ssize_t n = recv(l->fd, buf_reserve(&l->in, READ_BYTES), READ_BYTES, MSG_DONTWAIT);
	if (n > 0)
		l->in.n += (size_t)n;
	else if (n == 0)
		die("the node closed the control connection");
	else if (errno != EAGAIN && errno != EINTR)
		die("recv: %s", strerror(errno));
}

void line_pump(struct line *l)
{
	write_some(l);
	read_some(l);
}

bool line_next(struct line *l, struct ctl_reply *out)
{
	if (l->in.n - l->taken < 4)
		return false;
	struct bytes rest = {l->in.p + l->taken, l->in.n - l->taken};
	if (rest.n - 4 < get_u32be(rest.p))
		return false;
	struct bytes body = {rest.p + 4, get_u32be(rest.p)};
	struct arena a;
	struct err e = {0};
	arena_init(&a, l->memory, CTL_ARENA);
	if (ctl_reply_decode(body, &a, out, &e) != RC_OK)
		die("reply: %s", e.text);
	if (out->rc != RC_OK)
		die("refused: %s %.*s", rc_id(out->rc), (int)out->text.n,
			(const char *)out->text.p);
	l->taken += 4 + body.n;
	return true;
}

void line_wait(struct line *l, struct ctl_reply *out)
{
	double end = seconds_now() + ANSWER_MS / 1000.0;
	while (!line_next(l, out)) {
		struct pollfd p = line_pollfd(l);
		if (seconds_now() > end)
			die("no answer within %d ms", ANSWER_MS);
		if (poll(&p, 1, ANSWER_MS) > 0)
			line_pump(l);
	}
}

void line_call(struct line *l, struct ctl_request *r, struct ctl_reply *out)
{
	line_queue(l, r);
	line_wait(l, out);
}
