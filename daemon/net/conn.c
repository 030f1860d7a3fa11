#include "daemon/net/conn.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/net/conn_inbox.h"
#include "daemon/net/loop.h"
#include "proto/base/text.h"

/* PROTOCOL 7.1: before 2^30; looked at with the timers, hence the margin. */
#define MESSAGES_MAX (((uint64_t)1 << 30) - ((uint64_t)1 << 24))

static const struct net_limits *limits_of(const struct conn *c)
{
	return &c->shell->settings.limits;
}

static void conn_move(struct conn *c, enum conn_state to)
{
	tenure_move(&c->tenure, to, loop_now().mono);
}

static void free_when_done(struct conn *c)
{
	if (c->tenure.state != CONN_CLOSED || c->handle_open || c->verifying > 0)
		return;
	conn_inbox_clear(c);
	peers_remove(c->shell, c);
	free(c);
}

static void on_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	c->handle_open = false;
	free_when_done(c);
}

void conn_close(struct conn *c, const char *text)
{
	if (c->tenure.state == CONN_CLOSED)
		return;
	peers_part(c->shell, c, text, loop_now());
	conn_move(c, CONN_CLOSED);
	channel_release(&c->channel);
	conn_inbox_clear(c);
	uv_close((uv_handle_t *)&c->tcp, on_closed);
}

struct write {
	uv_write_t req;
	struct conn *conn;
	struct buf bytes;
};

/* The line to the peer moves: a sign of life, even while no whole message gets through. */
static void line_moved(struct conn *c, struct now now)
{
	if (c->tenure.state == CONN_SESSION)
		replica_heard(c->shell->replica, c->peer, now);
}

static void look_at_queue(struct conn *c, bool wrote)
{
	struct now now = loop_now();
	size_t queued = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
	if (drain_look(&c->tenure.drain, queued, wrote, now.mono))
		line_moved(c, now);
}

static void on_written(uv_write_t *req, int status)
{
	struct write *w = (struct write *)req;
	struct conn *c = w->conn;
	buf_release(&w->bytes);
	free(w);
	if (c->tenure.state == CONN_CLOSED)
		return;
	if (status < 0) {
		conn_close(c, uv_strerror(status));
		return;
	}
	look_at_queue(c, false);
	if (c->tenure.state == CONN_LEAVING && c->bye_written && c->tenure.drain.queued == 0)
		conn_close(c, c->farewell);
}

/* Takes the bytes. */
static void conn_write(struct conn *c, struct buf bytes)
{
	if (bytes.n == 0) {
		buf_release(&bytes);
		return;
	}
	struct write *w = xalloc(sizeof(*w));
	w->conn = c;
	w->bytes = bytes;
	c->bytes_out += bytes.n;
	uv_buf_t b = uv_buf_init((char *)bytes.p, (unsigned)bytes.n);
	int status = uv_write(&w->req, (uv_stream_t *)&c->tcp, &b, 1, on_written);
	if (status < 0) {
		buf_release(&w->bytes);
		free(w);
		conn_close(c, uv_strerror(status));
		return;
	}
	look_at_queue(c, true);
	if (c->tenure.drain.queued > (size_t)limits_of(c)->write_close_kib * 1024)
		conn_close(c, "its write queue is over the limit");
}

bool conn_has_room(const struct conn *c)
{
	return tenure_has_room(&c->tenure, limits_of(c), loop_now().mono);
}

static void send_message(struct conn *c, const struct message *m)
{
	struct buf envelope = {0}, frames = {0};
	message_encode(m, &envelope);
	channel_send(&c->channel, buf_bytes(&envelope), &frames);
	buf_release(&envelope);
	conn_write(c, frames);
}

static void stop_reading(struct conn *c)
{
	if (c->reading)
		uv_read_stop((uv_stream_t *)&c->tcp);
	c->reading = false;
	tenure_frame(&c->tenure, false, false, loop_now().mono);
}

/* From here on nothing that the peer says counts. */
static void leave(struct conn *c)
{
	conn_move(c, CONN_LEAVING);
	conn_inbox_clear(c);
	stop_reading(c);
}

static void remember_bye(struct conn *c, const char *who, const struct message *m)
{
	if (c->farewell[0] == '\0')
		text_print(c->farewell, sizeof(c->farewell), "%s: %.*s%s%.*s", who,
			(int)m->bye.code.n, (const char *)m->bye.code.p, m->bye.code.n ? " " : "",
			(int)m->bye.text.n, (const char *)m->bye.text.p);
}

void conn_send(struct conn *c, const struct outbound *out)
{
	ENSURE(c->tenure.state == CONN_SESSION || c->tenure.state == CONN_LEAVING);
	if (out->last && c->tenure.state == CONN_SESSION)
		leave(c);
	if (out->last)
		remember_bye(c, "we said", &out->msg);
	c->bye_written |= out->last;
	send_message(c, &out->msg);
}

void conn_say_bye(struct conn *c, const char *text)
{
	struct outbound out = {.last = true};
	if (c->tenure.state != CONN_SESSION) {
		conn_close(c, text);
		return;
	}
	out.msg.kind = MESSAGE_BYE;
	out.msg.bye.text = bytes_str(text);
	conn_send(c, &out);
}

static bool stores_something(enum message_kind kind)
{
	switch (kind) {
	case MESSAGE_ROSTER:
	case MESSAGE_HEAD:
	case MESSAGE_LEAVES:
	case MESSAGE_COSIGNATURE:
	case MESSAGE_EVIDENCE: return true;
	case MESSAGE_UNKNOWN:
	case MESSAGE_HELLO:
	case MESSAGE_WANT:
	case MESSAGE_VIEW_DIGEST:
	case MESSAGE_PING:
	case MESSAGE_PONG:
	case MESSAGE_BYE: return false;
	}
	return false;
}

void conn_deliver(struct conn *c, const struct message *m, const struct verify *leaves)
{
	struct shell *s = c->shell;
	struct batch batch = {0};
	struct err e = {0};
	if (c->tenure.state != CONN_SESSION)
		return;
	/* With a full disk we go on serving: the peer will be asked again when there is room. */
	if (s->space.state == SPACE_FULL && stores_something(m->kind))
		return;
	if (m->kind == MESSAGE_BYE)
		remember_bye(c, "they said", m);
	if (leaves)
		batch = (struct batch){verify_leaves(leaves), m->leaves.n};
	if (!turn_enter(s))
		return;
	int rc = replica_recv(s->replica, c->peer, m, &batch, loop_now(), &e);
	if (!turn_survives(s, rc, &e))
		return;
	/* The core has queued a Bye that says why. */
	if (rc && c->tenure.state == CONN_SESSION)
		leave(c);
}

static void authenticated(struct conn *c)
{
	uint8_t remote[KEY_BYTES];
	memcpy(remote, channel_remote(&c->channel), sizeof(remote));
	if (peers_join(c->shell, c, remote, loop_now()))
		conn_move(c, CONN_SESSION);
}

/* One thing that the channel got. */
static void conn_got(struct conn *c, int got, struct err *e)
{
	if (got == CHANNEL_AUTHENTICATED) {
		authenticated(c);
		return;
	}
	if (got == CHANNEL_ENVELOPE) {
		int rc = conn_inbox_take(c, e);
		if (rc && c->tenure.state == CONN_SESSION) {
			replica_refuse(c->shell->replica, c->peer, e);
			leave(c);
		}
		return;
	}
	if (c->tenure.state == CONN_SESSION)
		replica_refuse(c->shell->replica, c->peer, e);
	conn_close(c, e->text);
}

static bool conn_listens(const struct conn *c)
{
	return (c->tenure.state == CONN_HANDSHAKE || c->tenure.state == CONN_SESSION) &&
		!conn_inbox_is_full(c);
}

static void start_reading(struct conn *c);

/* Uses what has been fed, as far as the inbox has room, and keeps the frame's clock: it runs while
 * part of a frame is here and stands still while we are the ones who wait. */
static void conn_pump(struct conn *c)
{
	size_t used = c->channel.used;
	while (conn_listens(c)) {
		struct buf out = {0};
		struct err e = {0};
		int got = channel_next(&c->channel, &out, &e);
		conn_write(c, out);
		if (got == CHANNEL_NOTHING || c->tenure.state == CONN_CLOSED)
			break;
		conn_got(c, got, &e);
	}
	if (c->tenure.state == CONN_CLOSED || c->tenure.state == CONN_LEAVING)
		return;
	if (!conn_listens(c)) {
		stop_reading(c);
		return;
	}
	tenure_frame(&c->tenure, channel_is_midframe(&c->channel), c->channel.used != used,
		loop_now().mono);
	start_reading(c);
}

void conn_inbox_moved(struct conn *c)
{
	if (c->tenure.state == CONN_SESSION)
		conn_pump(c);
	free_when_done(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct conn *c = handle->data;
	(void)suggested;
	*out = uv_buf_init((char *)c->shell->scratch, LOOP_SCRATCH_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = stream->data;
	if (n < 0) {
		conn_close(c, n == UV_EOF ? "closed by the other side" : uv_strerror((int)n));
	} else if (n > 0) {
		bool step = tenure_received(&c->tenure, (size_t)n, loop_now().mono);
		channel_feed(&c->channel, bytes_of(b->base, (size_t)n));
		conn_pump(c);
		if (step && channel_is_midmessage(&c->channel))
			line_moved(c, loop_now());
	}
}

static void start_reading(struct conn *c)
{
	if (c->reading)
		return;
	int status = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
	if (status < 0)
		conn_close(c, uv_strerror(status));
	else
		c->reading = true;
}

static void say_first(struct conn *c)
{
	struct buf out = {0};
	struct err e = {0};
	conn_move(c, CONN_HANDSHAKE);
	int rc = channel_start(&c->channel, &out, &e);
	conn_write(c, out);
	if (rc)
		conn_close(c, e.text);
}

void conn_begin(struct conn *c)
{
	if (c->tenure.state == CONN_DIALLING)
		say_first(c);
	if (c->tenure.state == CONN_HANDSHAKE)
		start_reading(c);
}

struct mono_ms conn_deadline(const struct conn *c)
{
	return tenure_deadline(&c->tenure, limits_of(c));
}

void conn_on_time(struct conn *c, struct now now)
{
	if (c->tenure.state == CONN_CLOSED)
		return;
	look_at_queue(c, false);
	enum tenure_end end = tenure_ended(&c->tenure, limits_of(c), now.mono);
	if (c->tenure.state == CONN_SESSION && channel_messages(&c->channel) >= MESSAGES_MAX)
		end = TENURE_OLD;
	if (end == TENURE_OLD)
		conn_say_bye(c, tenure_end_text(end));
	else if (end == TENURE_LEFT && c->farewell[0])
		conn_close(c, c->farewell);
	else if (end != TENURE_GOES_ON)
		conn_close(c, tenure_end_text(end));
}
