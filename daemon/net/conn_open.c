#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/loop.h"

/* Detects a dead line below us; the core's Ping detects a dead process. */
#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_COUNT 3
/* Unsent bytes that the kernel may hold: what is urgent waits behind no more than this. */
#define NOT_SENT_BYTES (32 * 1024)
/* PROTOCOL 7.1: of the smallest line that IPv6 allows. A line that swallows larger packets and says
 * nothing would look alive and carry nothing. */
#define SEGMENT_BYTES 1220

/* family: of a socket that is needed at once, AF_UNSPEC: none yet. */
static int conn_new(
	struct shell *s, int family, bool opened_by_self, struct conn **out, struct err *e)
{
	struct conn *c = xalloc(sizeof(*c));
	int status = uv_tcp_init_ex(&s->uv, &c->tcp, (unsigned)family);
	if (status < 0) {
		free(c);
		return err_set(e, RC_IO, "socket: %s", uv_strerror(status));
	}
	c->shell = s;
	c->peer = -1;
	c->tcp.data = c;
	c->connect.data = c;
	c->handle_open = true;
	tenure_begin(&c->tenure, opened_by_self, loop_now().mono);
	*out = c;
	return RC_OK;
}

/* Only refused by a kernel that lacks an option: worth no connection. */
static void set_options(struct conn *c)
{
	static const struct {
		int name, value;
	} options[] = {{TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S}, {TCP_KEEPCNT, KEEPALIVE_COUNT},
		{TCP_USER_TIMEOUT, LIMIT_DEAD_MS}, {TCP_NOTSENT_LOWAT, NOT_SENT_BYTES}};
	uv_os_fd_t fd;
	(void)uv_tcp_nodelay(&c->tcp, 1);
	/* libuv's own interval and count are fixed, so ours come after. */
	(void)uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_IDLE_S);
	if (uv_fileno((uv_handle_t *)&c->tcp, &fd) < 0)
		return;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, IPPROTO_TCP, options[i].name, &options[i].value,
			sizeof(options[i].value));
}

static void limit_segments(struct conn *c)
{
	int value = SEGMENT_BYTES;
	uv_os_fd_t fd;
	if (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &value, sizeof(value));
}

static void begin_handshake(struct conn *c, const uint8_t *remote)
{
	uint8_t ephemeral[KEY_BYTES];
	struct chance chance = c->shell->config.chance;
	chance.fill(chance.self, ephemeral, sizeof(ephemeral));
	channel_init(&c->channel, &c->shell->settings.cluster_id, c->shell->noise_key, remote,
		ephemeral);
	explicit_bzero(ephemeral, sizeof(ephemeral));
}

static void on_connected(uv_connect_t *req, int status)
{
	struct conn *c = req->data;
	if (c->tenure.state == CONN_CLOSED)
		return;
	if (status < 0) {
		conn_close(c, uv_strerror(status));
		return;
	}
	set_options(c);
	conn_begin(c);
}

int conn_dial(struct shell *s, int peer, const struct sockaddr_storage *to,
	const uint8_t remote[KEY_BYTES], struct conn **out, struct err *e)
{
	*out = NULL;
	struct conn *c;
	int rc = conn_new(s, to->ss_family, true, &c, e);
	if (rc)
		return rc;
	limit_segments(c);
	c->peer = peer;
	c->addr = *to;
	begin_handshake(c, remote);
	peers_add(s, c);
	*out = c;
	int status =
		uv_tcp_connect(&c->connect, &c->tcp, (const struct sockaddr *)to, on_connected);
	if (status < 0)
		conn_close(c, uv_strerror(status));
	return RC_OK;
}

int conn_accept(struct shell *s, uv_stream_t *listener, struct conn **out, struct err *e)
{
	*out = NULL;
	struct conn *c;
	int rc = conn_new(s, AF_UNSPEC, false, &c, e);
	if (rc)
		return rc;
	begin_handshake(c, NULL);
	peers_add(s, c);
	int length = sizeof(c->addr);
	int status = uv_accept(listener, (uv_stream_t *)&c->tcp);
	if (status == 0)
		status = uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&c->addr, &length);
	if (status < 0) {
		conn_close(c, uv_strerror(status));
		return err_set(e, RC_IO, "accept: %s", uv_strerror(status));
	}
	set_options(c);
	conn_begin(c);
	*out = c;
	return RC_OK;
}
