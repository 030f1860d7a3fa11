/* Any bytes as a request or a reply of the control socket (the first byte says which): what is
 * taken must come out again as the same bytes, but for an error's id that we do not know. */
#include "tests/unit/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[CTL_ARENA];

static int take(const struct gate *g, struct bytes in, struct buf *again)
{
	struct arena a;
	struct err e = {0};
	arena_init(&a, room, sizeof room);
	int rc = g->fn(in, &a, again, &e);
	ENSURE(e.rc == rc);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct bytes in = bytes_of(data + 1, size - 1);
	bool is_reply = data[0] & 1;
	const struct gate *g = gate_named(is_reply ? "reply" : "request");
	struct buf first = {0}, second = {0};
	int rc = take(g, in, &first);
	ENSURE(rc == RC_OK || rc == RC_PEER_MESSAGE || rc == RC_TOO_BIG);
	ENSURE(rc != RC_OK || is_reply || bytes_equal(buf_bytes(&first), in));
	if (rc == RC_OK) {
		ENSURE(take(g, buf_bytes(&first), &second) == RC_OK);
		ENSURE(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
	}
	buf_release(&first);
	buf_release(&second);
	return 0;
}
