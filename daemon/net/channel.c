#include "daemon/net/channel.h"

#include <stdlib.h>

#include "proto/base/mutant.h"

#define LENGTH_BYTES 2

void channel_init(struct channel *c, const struct hash *cluster_id, const struct key *static_key,
	const uint8_t *remote, const uint8_t ephemeral[32])
{
	uint8_t prologue[NOISE_PROLOGUE_BYTES];
	noise_prologue(cluster_id, prologue);
	*c = (struct channel){.state = remote ? CHANNEL_DIAL : CHANNEL_WAIT_1};
	c->noise = noise_new(remote ? NOISE_INITIATOR : NOISE_RESPONDER,
		bytes_of(prologue, sizeof(prologue)), static_key, remote, ephemeral);
}

void channel_release(struct channel *c)
{
	noise_free(c->noise);
	buf_release(&c->in);
	buf_release(&c->plain);
	packet_joiner_release(&c->joiner);
	*c = (struct channel){.state = CHANNEL_DEAD};
}

/* Appends one Noise message with its length in front. */
static int put_message(struct channel *c, struct bytes payload, struct buf *out, struct err *e)
{
	size_t at = out->n;
	buf_put_u16be(out, 0);
	int rc = noise_write(c->noise, payload, out, e);
	if (rc)
		return rc;
	size_t n = out->n - at - LENGTH_BYTES;
	ENSURE(n <= NOISE_MESSAGE_MAX);
	put_u16be(out->p + at, (uint16_t)n);
	return RC_OK;
}

int channel_start(struct channel *c, struct buf *out, struct err *e)
{
	ENSURE(c->state == CHANNEL_DIAL);
	int rc = put_message(c, bytes_of(NULL, 0), out, e);
	c->state = rc ? CHANNEL_DEAD : CHANNEL_WAIT_2;
	return rc;
}

void channel_feed(struct channel *c, struct bytes in)
{
	if (c->state == CHANNEL_DEAD)
		return;
	buf_consume(&c->in, c->used);
	c->used = 0;
	buf_put_bytes(&c->in, in);
}

/* PROTOCOL 7.1: messages 1 and 2 are exactly 48 bytes, message 3 is 64. */
static size_t handshake_length(enum channel_state s)
{
	if (s == CHANNEL_WAIT_1)
		return NOISE_MSG1;
	return s == CHANNEL_WAIT_2 ? NOISE_MSG2 : NOISE_MSG3_OVERHEAD;
}

static int handshake(struct channel *c, struct bytes message, struct buf *out, struct err *e)
{
	if (message.n != handshake_length(c->state))
		return err_set(e, RC_PEER_HANDSHAKE, "a handshake message of %zu bytes, not %zu",
			message.n, handshake_length(c->state));
	buf_reset(&c->plain);
	int rc = noise_read(c->noise, message, &c->plain, e);
	if (rc)
		return rc;
	if (c->state != CHANNEL_WAIT_3) {
		rc = put_message(c, bytes_of(NULL, 0), out, e);
		if (rc)
			return rc;
	}
	if (c->state == CHANNEL_WAIT_1) {
		c->state = CHANNEL_WAIT_3;
		return CHANNEL_NOTHING;
	}
	ENSURE(noise_is_ready(c->noise));
	c->state = CHANNEL_OPEN;
	return CHANNEL_AUTHENTICATED;
}

static int packet(struct channel *c, struct bytes message, struct err *e)
{
	buf_reset(&c->plain);
	int rc = noise_read(c->noise, message, &c->plain, e);
	if (rc)
		return rc;
	rc = packet_join(&c->joiner, buf_bytes(&c->plain), e);
	if (rc)
		return rc;
	return c->joiner.done ? CHANNEL_ENVELOPE : CHANNEL_NOTHING;
}

static struct bytes unused_bytes(const struct channel *c)
{
	return bytes_of(c->in.p + c->used, c->in.n - c->used);
}

static int frame(struct channel *c, struct bytes message, struct buf *out, struct err *e)
{
	return c->state == CHANNEL_OPEN ? packet(c, message, e) : handshake(c, message, out, e);
}

int channel_next(struct channel *c, struct buf *out, struct err *e)
{
	if (c->state == CHANNEL_DEAD || c->state == CHANNEL_DIAL)
		return CHANNEL_NOTHING;
	if (c->joiner.done)
		packet_joiner_next(&c->joiner);
	int got = CHANNEL_NOTHING;
	while (got == CHANNEL_NOTHING) {
		size_t max =
			c->state == CHANNEL_OPEN ? NOISE_MESSAGE_MAX : handshake_length(c->state);
		struct bytes message;
		int n = frame_split_u16(unused_bytes(c), max, &message, e);
		if (n == 0)
			return CHANNEL_NOTHING;
		if (n > 0) {
			c->used += (size_t)n;
			got = frame(c, message, out, e);
		} else {
			got = n;
		}
	}
	if (got < 0)
		c->state = CHANNEL_DEAD;
	return got;
}

struct bytes channel_envelope(const struct channel *c)
{
	ENSURE(c->joiner.done);
	return buf_bytes(&c->joiner.envelope);
}

struct buf channel_take_envelope(struct channel *c)
{
	ENSURE(c->joiner.done);
	struct buf taken = c->joiner.envelope;
	c->joiner.envelope = (struct buf){0};
	return taken;
}

void channel_send(struct channel *c, struct bytes envelope, struct buf *out)
{
	ENSURE(c->state == CHANNEL_OPEN);
	struct buf plain = {0};
	size_t offset = 0;
	bool more;
	do {
		struct err e = {0};
		buf_reset(&plain);
		more = packet_next(envelope, &offset, &plain);
		/* After the handshake writing fails only by our own mistake. */
		ENSURE(put_message(c, buf_bytes(&plain), out, &e) == RC_OK);
	} while (more);
	buf_release(&plain);
}

bool channel_is_midframe(const struct channel *c)
{
	return c->in.n > c->used;
}

bool channel_is_midmessage(const struct channel *c)
{
	return channel_is_midframe(c) || (c->joiner.envelope.n > 0 && !c->joiner.done) ||
		MUTANT(TALK_HOLDS_SOURCE);
}

const uint8_t *channel_remote(const struct channel *c)
{
	return noise_remote(c->noise);
}

uint64_t channel_messages(const struct channel *c)
{
	return noise_messages(c->noise);
}
