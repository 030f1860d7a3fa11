/* Any bytes as a stream of frames, the payload of each as a packet; and as an envelope, cut into
 * packets and joined again. */
#include "proto/wire/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_stream(struct bytes in)
{
	struct packet_joiner j = {0};
	struct bytes payload;
	struct err e = {0};
	int n;
	while ((n = frame_split_u16(in, PACKET_MAX, &payload, &e)) > 0) {
		ENSURE((size_t)n == payload.n + 2 && (size_t)n <= in.n);
		size_t before = j.envelope.n;
		int rc = packet_join(&j, payload, &e);
		ENSURE(rc == RC_OK || rc == RC_PEER_FRAME || rc == RC_TOO_BIG);
		if (rc) {
			ENSURE(j.envelope.n == before);
			break;
		}
		ENSURE(j.envelope.n > before && j.envelope.n <= LIMIT_ENVELOPE_BYTES);
		if (j.done)
			packet_joiner_next(&j);
		in = bytes_of(in.p + n, in.n - (size_t)n);
	}
	ENSURE(n >= 0 || n == RC_PEER_FRAME || n == RC_TOO_BIG);
	packet_joiner_release(&j);
}

static void try_long_frame(struct bytes in)
{
	struct bytes payload;
	struct err e = {0};
	int n = frame_split_u32(in, LIMIT_ENVELOPE_BYTES, &payload, &e);
	ENSURE(n <= 0 || ((size_t)n == payload.n + 4 && (size_t)n <= in.n && payload.n > 0));
	ENSURE(n >= 0 || n == RC_PEER_FRAME || n == RC_TOO_BIG);
}

static void try_envelope(struct bytes in)
{
	struct packet_joiner j = {0};
	struct buf packet = {0};
	struct err e = {0};
	size_t offset = 0;
	while (offset < in.n) {
		buf_reset(&packet);
		bool more = packet_next(in, &offset, &packet);
		ENSURE(packet_join(&j, buf_bytes(&packet), &e) == RC_OK);
		ENSURE(j.done == !more && more == (offset < in.n));
	}
	ENSURE(bytes_equal(buf_bytes(&j.envelope), in));
	buf_release(&packet);
	packet_joiner_release(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	try_stream(in);
	try_long_frame(in);
	if (size <= LIMIT_ENVELOPE_BYTES)
		try_envelope(in);
	return 0;
}
