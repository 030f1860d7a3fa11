#include "proto/wire/packet.h"

enum packet_flags { PACKET_MORE = 1, PACKET_END = 2 };

static size_t padded(size_t n)
{
	return (n + PACKET_ALIGN - 1) / PACKET_ALIGN * PACKET_ALIGN;
}

bool packet_next(struct bytes envelope, size_t *offset, struct buf *out)
{
	ENSURE(*offset < envelope.n && envelope.n <= LIMIT_ENVELOPE_BYTES);
	size_t left = envelope.n - *offset;
	size_t n = left < PACKET_SEND_DATA ? left : PACKET_SEND_DATA;
	bool more = n < left;
	static const uint8_t zeros[PACKET_ALIGN];
	buf_put_u8(out, more ? PACKET_MORE : PACKET_END);
	buf_put_u16be(out, (uint16_t)n);
	buf_put(out, envelope.p + *offset, n);
	buf_put(out, zeros, padded(PACKET_HEADER + n) - (PACKET_HEADER + n));
	*offset += n;
	return more;
}

static bool all_zero(struct bytes b)
{
	uint8_t any = 0;
	for (size_t i = 0; i < b.n; i++)
		any |= b.p[i];
	return any == 0;
}

int packet_join(struct packet_joiner *j, struct bytes plaintext, struct err *e)
{
	ENSURE(!j->done);
	if (plaintext.n < PACKET_ALIGN || plaintext.n > PACKET_MAX)
		return err_set(e, RC_PEER_FRAME, "packet of %zu bytes", plaintext.n);
	uint8_t flags = plaintext.p[0];
	size_t n = get_u16be(plaintext.p + 1);
	if (flags != PACKET_MORE && flags != PACKET_END)
		return err_set(e, RC_PEER_FRAME, "packet with flags %u", flags);
	/* an empty packet would be a way to keep us busy for ever */
	if (n == 0 || padded(PACKET_HEADER + n) != plaintext.n)
		return err_set(
			e, RC_PEER_FRAME, "packet of %zu bytes claims %zu of data", plaintext.n, n);
	if (!all_zero(bytes_of(plaintext.p + PACKET_HEADER + n, plaintext.n - PACKET_HEADER - n)))
		return err_set(e, RC_PEER_FRAME, "packet with padding that is not zero");
	if (n > LIMIT_ENVELOPE_BYTES - j->envelope.n)
		return err_set(
			e, RC_TOO_BIG, "envelope over its limit of %d bytes", LIMIT_ENVELOPE_BYTES);
	buf_put(&j->envelope, plaintext.p + PACKET_HEADER, n);
	j->done = flags == PACKET_END;
	return RC_OK;
}

void packet_joiner_next(struct packet_joiner *j)
{
	buf_reset(&j->envelope);
	j->done = false;
}

void packet_joiner_release(struct packet_joiner *j)
{
	buf_release(&j->envelope);
	*j = (struct packet_joiner){0};
}

static int split(struct bytes in, size_t header, size_t length, size_t max, struct bytes *payload,
	struct err *e)
{
	if (length == 0)
		return err_set(e, RC_PEER_FRAME, "frame of length 0");
	if (length > max)
		return err_set(
			e, RC_TOO_BIG, "frame of %zu bytes, over its limit of %zu", length, max);
	if (in.n - header < length)
		return 0;
	*payload = bytes_of(in.p + header, length);
	return (int)(header + length);
}

int frame_split_u16(struct bytes in, size_t max, struct bytes *payload, struct err *e)
{
	return in.n < 2 ? 0 : split(in, 2, get_u16be(in.p), max, payload, e);
}

int frame_split_u32(struct bytes in, size_t max, struct bytes *payload, struct err *e)
{
	ENSURE(max <= INT32_MAX - 4);
	return in.n < 4 ? 0 : split(in, 4, get_u32be(in.p), max, payload, e);
}
