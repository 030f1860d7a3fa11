/* Any bytes as a leaf, a body or a value (the first byte says which): what is taken must come out
 * again as the same bytes. A leaf is followed into its body and value. */
#include "proto/wire/codec.h"
#include "tests/unit/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LEAF_GATES 9 /* of the table of gates, the first ones are signed or stored */

static uint8_t room[CODEC_LEAF_ARENA];

static void same_or_refused(const struct gate *g, struct bytes in)
{
	struct arena a;
	struct buf again = {0};
	struct err e = {0};
	arena_init(&a, room, sizeof room);
	int rc = g->fn(in, &a, &again, &e);
	ENSURE(rc == RC_OK || rc == RC_PEER_MESSAGE || rc == RC_TOO_BIG);
	ENSURE(e.rc == rc);
	ENSURE(rc != RC_OK || bytes_equal(buf_bytes(&again), in));
	ENSURE(rc != RC_OK || a.used <= CODEC_LEAF_KEPT);
	buf_release(&again);
}

/* As the daemon does: leaf, body and value out of one arena, which must be large enough. */
static void follow(struct bytes in)
{
	struct arena a;
	struct leaf l;
	struct change c;
	struct value v;
	struct err e = {0};
	arena_init(&a, room, sizeof room);
	if (leaf_decode(in, &a, &l, &e) || l.kind != LEAF_CHANGE)
		return;
	same_or_refused(gate_named("change"), l.signed_body.body);
	arena_reset(&a);
	if (change_decode(l.signed_body.body, &a, &c, &e) || !slot_find(c.slot))
		return;
	int rc = value_decode((enum slot)c.slot, c.value, &a, &v, &e);
	ENSURE(rc == RC_OK || rc == RC_PEER_MESSAGE || rc == RC_TOO_BIG);
	ENSURE(a.used <= CODEC_LEAF_KEPT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct bytes in = bytes_of(data + 1, size - 1);
	same_or_refused(&gates[data[0] % LEAF_GATES], in);
	follow(in);
	return 0;
}
