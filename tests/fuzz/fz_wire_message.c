/* Any bytes as an envelope: what is taken must come out again as the same bytes; a Hello, which may
 * hold fields we do not know, as bytes that mean the same. */
#include "proto/wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[MESSAGE_ARENA];

static bool take(struct bytes in, struct message *m)
{
	struct arena a;
	struct err e = {0};
	arena_init(&a, room, sizeof room);
	int rc = message_decode(in, &a, m, &e);
	ENSURE(rc == RC_OK || rc == RC_PEER_MESSAGE || rc == RC_TOO_BIG);
	ENSURE(e.rc == rc);
	return rc == RC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct message m;
	if (!take(in, &m) || m.kind == MESSAGE_UNKNOWN)
		return 0;
	struct buf first = {0}, second = {0};
	message_encode(&m, &first);
	ENSURE(first.n == in.n || (m.kind == MESSAGE_HELLO && first.n < in.n));
	ENSURE(take(buf_bytes(&first), &m));
	message_encode(&m, &second);
	ENSURE(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
	ENSURE(first.n != in.n || bytes_equal(buf_bytes(&first), in));
	buf_release(&first);
	buf_release(&second);
	return 0;
}
