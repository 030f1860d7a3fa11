#include "tests/sim/line.h"

#include <string.h>

void line_init(struct line *l, bool noise, const struct hash *cluster_id, const struct key *self,
	const uint8_t *remote, const uint8_t ephemeral[32])
{
	*l = (struct line){.noise = noise, .self = self, .dialler = remote != NULL};
	if (remote != NULL)
		memcpy(l->remote, remote, KEY_BYTES);
	if (noise)
		channel_init(&l->channel, cluster_id, self, remote, ephemeral);
}

void line_release(struct line *l)
{
	if (l->noise)
		channel_release(&l->channel);
	buf_release(&l->in);
	packet_joiner_release(&l->joiner);
	*l = (struct line){0};
}

static void put_frame(struct buf *out, struct bytes payload)
{
	buf_put_u16be(out, (uint16_t)payload.n);
	buf_put_bytes(out, payload);
}

void line_start(struct line *l, struct buf *out)
{
	if (l->noise) {
		ENSURE(channel_start(&l->channel, out, NULL) == RC_OK);
		return;
	}
	/* In the clear the dialler says who it is, and that is all. */
	put_frame(out, bytes_of(l->self->public, KEY_BYTES));
	l->clear_start = true;
}

void line_feed(struct line *l, struct bytes in)
{
	if (l->noise) {
		channel_feed(&l->channel, in);
		return;
	}
	buf_consume(&l->in, l->used);
	l->used = 0;
	buf_put_bytes(&l->in, in);
}

static int clear_frame(struct line *l, struct bytes payload, struct err *e)
{
	if (!l->open && !l->dialler) {
		if (payload.n != KEY_BYTES)
			return err_set(e, RC_PEER_HANDSHAKE, "no key");
		memcpy(l->remote, payload.p, KEY_BYTES);
		l->open = true;
		return CHANNEL_AUTHENTICATED;
	}
	int rc = packet_join(&l->joiner, payload, e);
	if (rc != RC_OK)
		return rc;
	return l->joiner.done ? CHANNEL_ENVELOPE : CHANNEL_NOTHING;
}

static int clear_next(struct line *l, struct err *e)
{
	if (l->clear_start) {
		l->clear_start = false;
		l->open = true;
		return CHANNEL_AUTHENTICATED;
	}
	if (l->joiner.done)
		packet_joiner_next(&l->joiner);
	for (;;) {
		struct bytes payload;
		struct bytes rest = l->in.n > l->used
			? bytes_of(l->in.p + l->used, l->in.n - l->used)
			: (struct bytes){0};
		int n = frame_split_u16(rest, PACKET_MAX, &payload, e);
		if (n <= 0)
			return n;
		l->used += (size_t)n;
		int got = clear_frame(l, payload, e);
		if (got != CHANNEL_NOTHING)
			return got;
	}
}

int line_next(struct line *l, struct buf *out, struct err *e)
{
	return l->noise ? channel_next(&l->channel, out, e) : clear_next(l, e);
}

struct bytes line_envelope(const struct line *l)
{
	return l->noise ? channel_envelope(&l->channel) : buf_bytes(&l->joiner.envelope);
}

void line_send(struct line *l, struct bytes envelope, struct buf *out)
{
	if (l->noise) {
		channel_send(&l->channel, envelope, out);
		return;
	}
	struct buf plain = {0};
	size_t offset = 0;
	bool more;
	do {
		buf_reset(&plain);
		more = packet_next(envelope, &offset, &plain);
		put_frame(out, buf_bytes(&plain));
	} while (more);
	buf_release(&plain);
}

void line_send_part(struct line *l, struct bytes part, struct buf *out)
{
	size_t at = out->n;
	ENSURE(!l->noise && part.n <= PACKET_SEND_DATA);
	line_send(l, part, out);
	out->p[at + 2] = 1; /* more follows: behind the frame's length */
}

size_t line_used(const struct line *l)
{
	return l->noise ? l->channel.used : l->used;
}

bool line_is_midframe(const struct line *l)
{
	return l->noise ? channel_is_midframe(&l->channel) : l->in.n > l->used;
}

bool line_is_midmessage(const struct line *l)
{
	if (l->noise)
		return channel_is_midmessage(&l->channel);
	return line_is_midframe(l) || (l->joiner.envelope.n > 0 && !l->joiner.done);
}

const uint8_t *line_remote(const struct line *l)
{
	return l->noise ? channel_remote(&l->channel) : l->remote;
}
