#include "daemon/net/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/net/ctl_bundle.h"
#include "daemon/net/loop.h"
#include "proto/wire/packet.h"

#define LEAVING_MS 2000

static void on_client_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;
	struct client **at = &c->shell->ctl.clients;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->shell->ctl.n--;
	buf_release(&c->in);
	buf_release(&c->held);
	buf_release(&c->walk.holder);
	free(c->held_id);
	free(c);
}

void client_close(struct client *c)
{
	if (c->state == CLIENT_CLOSED)
		return;
	c->state = CLIENT_CLOSED;
	ctl_walk_end(c);
	ctl_export_end(c);
	ctl_import_leave(c);
	backup_forget_client(c);
	uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

struct answer {
	uv_write_t req;
	struct client *client;
	struct buf bytes;
};

static void look_at_queue(struct client *c, bool wrote)
{
	size_t queued = uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe);
	(void)drain_look(&c->drain, queued, wrote, loop_now().mono);
}

static void on_written(uv_write_t *req, int status)
{
	struct answer *a = (struct answer *)req;
	struct client *c = a->client;
	buf_release(&a->bytes);
	free(a);
	if (c->state == CLIENT_CLOSED)
		return;
	if (status < 0) {
		client_close(c);
		return;
	}
	look_at_queue(c, false);
	if (c->state == CLIENT_LEAVING && c->drain.queued == 0)
		client_close(c);
	else
		client_go_on(c);
}

/* Takes the bytes. */
static void client_write(struct client *c, struct buf bytes)
{
	if (c->state == CLIENT_CLOSED) {
		buf_release(&bytes);
		return;
	}
	struct answer *a = xalloc(sizeof(*a));
	a->client = c;
	a->bytes = bytes;
	uv_buf_t b = uv_buf_init((char *)bytes.p, (unsigned)bytes.n);
	if (uv_write(&a->req, (uv_stream_t *)&c->pipe, &b, 1, on_written) < 0) {
		buf_release(&a->bytes);
		free(a);
		client_close(c);
		return;
	}
	look_at_queue(c, true);
}

static void encode(const struct ctl_reply *r, struct buf *out)
{
	struct err e = {0};
	size_t start = out->n;
	int rc = ctl_reply_encode(r, out, &e);
	if (rc == RC_OK)
		return;
	out->n = start;
	struct ctl_reply error = {.id = r->id, .rc = rc, .text = bytes_str(e.text)};
	ENSURE(ctl_reply_encode(&error, out, &e) == RC_OK);
}

void client_hold(struct client *c, const struct ctl_reply *r)
{
	if (c->n_held == c->cap_held) {
		c->cap_held = c->cap_held ? 2 * c->cap_held : 4;
		c->held_id = xrealloc(c->held_id, c->cap_held * sizeof(c->held_id[0]));
	}
	c->held_id[c->n_held++] = r->id;
	encode(r, &c->held);
}

void client_reply(struct client *c, const struct ctl_reply *r)
{
	struct buf bytes = {0};
	if (c->n_held > 0) {
		client_hold(c, r);
		return;
	}
	encode(r, &bytes);
	client_write(c, bytes);
}

void client_error(struct client *c, uint32_t id, int rc, const char *text)
{
	struct ctl_reply r = {.id = id, .rc = rc, .text = bytes_str(text)};
	client_reply(c, &r);
}

/* Closes once what it was answered is written. */
static void leave(struct client *c)
{
	if (c->state != CLIENT_OPEN)
		return;
	if (c->reading)
		uv_read_stop((uv_stream_t *)&c->pipe);
	c->reading = false;
	c->state = CLIENT_LEAVING;
	c->left = loop_now().mono;
	if (c->drain.queued == 0)
		client_close(c);
}

void client_refuse(struct client *c, int rc, const char *text)
{
	client_error(c, 0, rc, text);
	leave(c);
}

void ctl_posts_done(struct shell *s)
{
	for (struct client *c = s->ctl.clients; c; c = c->next) {
		if (c->n_held == 0)
			continue;
		struct buf held = c->held;
		c->held = (struct buf){0};
		c->n_held = 0;
		client_write(c, held);
	}
}

void ctl_posts_failed(struct shell *s, int rc, const char *text)
{
	ctl_import_fail(s, rc, text);
	for (struct client *c = s->ctl.clients; c; c = c->next) {
		size_t n = c->n_held;
		c->n_held = 0;
		buf_reset(&c->held);
		for (size_t i = 0; i < n && c->state != CLIENT_CLOSED; i++)
			client_error(c, c->held_id[i], rc, text);
	}
}

static void send_event(struct client *c)
{
	struct ctl_reply r = {.more = true,
		.id = c->subscribe_id,
		.kind = CTL_REPLY_EVENT,
		.commit = c->shell->commits};
	c->event_due = false;
	client_reply(c, &r);
}

void ctl_wake(struct shell *s)
{
	for (struct client *c = s->ctl.clients; c; c = c->next) {
		if (!c->subscribed || c->state != CLIENT_OPEN)
			continue;
		/* Who has not read the last one gets one for all that happened since. */
		if (c->drain.queued == 0)
			send_event(c);
		else
			c->event_due = true;
	}
}

/* Is an answer in several frames under way? */
static bool client_is_answered(const struct client *c)
{
	return c->walk.active || c->export || ctl_import_is_busy(c);
}

static bool client_may_ask(const struct client *c)
{
	return c->state == CLIENT_OPEN && !client_is_answered(c) &&
		c->drain.queued < LIMIT_WRITE_PAUSE_BYTES && c->held.n < LIMIT_WRITE_PAUSE_BYTES;
}

/* Answers the first whole request that is here; false: there is none. */
static bool answer_one(struct client *c)
{
	struct ctl_request r;
	struct bytes body;
	struct err e = {0};
	int n = frame_split_u32(buf_bytes(&c->in), LIMIT_CTL_REQUEST_BYTES, &body, &e);
	if (n == 0)
		return false;
	arena_reset(&c->shell->ctl.arena);
	int rc = n < 0 ? n : ctl_request_decode(body, &c->shell->ctl.arena, &r, &e);
	if (rc) {
		client_refuse(c, rc, e.text);
		return false;
	}
	c->asked = loop_now().mono;
	ctl_answer(c, &r);
	buf_consume(&c->in, (size_t)n);
	c->frame_since = MONO_NEVER;
	return true;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct client *c = handle->data;
	(void)suggested;
	*out = uv_buf_init((char *)c->shell->scratch, LOOP_SCRATCH_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
	struct client *c = stream->data;
	if (n == UV_EOF) {
		uv_read_stop(stream);
		c->reading = false;
		c->ended = true;
		client_go_on(c);
	} else if (n < 0) {
		client_close(c);
	} else if (n > 0) {
		buf_put(&c->in, b->base, (size_t)n);
		client_go_on(c);
	}
}

static void set_reading(struct client *c, bool wanted)
{
	if (c->reading == wanted)
		return;
	c->reading = wanted;
	if (!wanted)
		uv_read_stop((uv_stream_t *)&c->pipe);
	else if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) < 0)
		client_close(c);
}

void client_go_on(struct client *c)
{
	if (c->state == CLIENT_OPEN && c->walk.active && c->drain.queued < LIMIT_WRITE_PAUSE_BYTES)
		ctl_walk_on(c);
	if (c->state == CLIENT_OPEN && c->export)
		ctl_export_on(c);
	if (c->state == CLIENT_OPEN && c->event_due && c->drain.queued == 0)
		send_event(c);
	while (client_may_ask(c) && answer_one(c))
		;
	if (c->state != CLIENT_OPEN)
		return;
	if (c->ended) {
		if (client_may_ask(c) && c->n_held == 0 && !backup_is_for(c))
			leave(c);
		return;
	}
	if (c->in.n == 0)
		c->frame_since = MONO_NEVER;
	else if (c->frame_since.v == MONO_NEVER.v)
		c->frame_since = loop_now().mono;
	set_reading(c, client_may_ask(c));
}

static struct mono_ms earlier(struct mono_ms a, struct mono_ms b)
{
	return a.v < b.v ? a : b;
}

static struct mono_ms after(struct mono_ms since, int64_t ms)
{
	return since.v == MONO_NEVER.v ? MONO_NEVER : (struct mono_ms){since.v + ms};
}

static struct mono_ms client_deadline(const struct client *c)
{
	const struct net_limits *l = &c->shell->settings.limits;
	struct mono_ms at = drain_deadline(&c->drain, l->write_stall_ms);
	switch (c->state) {
	case CLIENT_CLOSED: return MONO_NEVER;
	case CLIENT_LEAVING: return after(c->left, LEAVING_MS);
	case CLIENT_OPEN: break;
	}
	if (c->reading)
		at = earlier(at, after(c->frame_since, l->frame_ms));
	if (!c->subscribed && !client_is_answered(c) && !backup_is_for(c) && c->drain.queued == 0)
		at = earlier(at, after(c->asked, (int64_t)l->client_idle_s * 1000));
	return at;
}

struct mono_ms ctl_deadline(const struct shell *s)
{
	struct mono_ms at = ctl_import_is_due(s) ? loop_now().mono : MONO_NEVER;
	for (const struct client *c = s->ctl.clients; c; c = c->next)
		at = earlier(at, earlier(client_deadline(c), ctl_export_deadline(c)));
	return at;
}

void ctl_on_time(struct shell *s, struct now now)
{
	for (struct client *c = s->ctl.clients; c; c = c->next) {
		if (c->state == CLIENT_CLOSED)
			continue;
		look_at_queue(c, false);
		if (now.mono.v >= client_deadline(c).v)
			client_close(c);
		else if (now.mono.v >= ctl_export_deadline(c).v)
			client_go_on(c);
	}
	ctl_import_go_on(s);
}

void ctl_marked(struct shell *s)
{
	for (struct client *c = s->ctl.clients; c; c = c->next)
		if (c->state == CLIENT_OPEN && c->export)
			client_go_on(c);
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct shell *s = handle->data;
	s->ctl.listener_open = false;
}

void ctl_stop(struct shell *s)
{
	if (s->ctl.listener_open && !uv_is_closing((uv_handle_t *)&s->ctl.listener))
		uv_close((uv_handle_t *)&s->ctl.listener, on_listener_closed);
	(void)ctl_import_stop(s);
	for (struct client *c = s->ctl.clients; c; c = c->next)
		if (c->state == CLIENT_OPEN)
			client_refuse(c, RC_UNREACHABLE, "the node is shutting down");
}

bool ctl_is_gone(const struct shell *s)
{
	return !s->ctl.clients && !s->ctl.listener_open && !s->ctl.imports;
}

void ctl_drop_all(struct shell *s)
{
	(void)ctl_import_stop(s);
	for (struct client *c = s->ctl.clients; c; c = c->next)
		client_close(c);
}

void ctl_release(struct shell *s)
{
	free(s->ctl.arena.base);
	s->ctl.arena = (struct arena){0};
}
