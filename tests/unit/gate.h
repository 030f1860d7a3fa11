/* Every kind of message by its name in tests/vectors/gate: decode it, and encode it again. */
#ifndef DELTAD_TESTS_GATE_H
#define DELTAD_TESTS_GATE_H

#include <string.h>

#include "proto/wire/codec.h"
#include "proto/wire/ctl.h"
#include "proto/wire/message.h"

/* The rc of decoding; if that is RC_OK, *again is what encoding gives, or a copy of `in` where
 * there is nothing to encode (kinds and versions of the future, anchors). */
typedef int gate_fn(struct bytes in, struct arena *a, struct buf *again, struct err *e);

static inline int gate_leaf(struct bytes in, struct arena *a, struct buf *again, struct err *e)
{
	struct leaf x;
	int rc = leaf_decode(in, a, &x, e);
	if (rc == RC_OK && (x.kind == LEAF_UNKNOWN || x.kind == LEAF_ANCHOR)) {
		buf_put_bytes(again, in);
		return RC_OK;
	}
	return rc ? rc : leaf_encode(&x, again, e);
}

#define GATE_BODY(name, known)                                                                     \
	static inline int gate_##name(                                                             \
		struct bytes in, struct arena *a, struct buf *again, struct err *e)                \
	{                                                                                          \
		struct name x;                                                                     \
		int rc = name##_decode(in, a, &x, e);                                              \
		if (rc == RC_OK && x.version != (known)) {                                         \
			buf_put_bytes(again, in);                                                  \
			return RC_OK;                                                              \
		}                                                                                  \
		return rc ? rc : name##_encode(&x, again, e);                                      \
	}
GATE_BODY(change, CHANGE_VERSION)
GATE_BODY(delegate, LEAF_VERSION)
GATE_BODY(revoke, LEAF_VERSION)

#define GATE_VALUE(name, slot)                                                                     \
	static inline int gate_##name(                                                             \
		struct bytes in, struct arena *a, struct buf *again, struct err *e)                \
	{                                                                                          \
		struct value x;                                                                    \
		int rc = value_decode(slot, in, a, &x, e);                                         \
		return rc ? rc : value_encode(&x, again, e);                                       \
	}
GATE_VALUE(area, SLOT_AREA)
GATE_VALUE(task, SLOT_TASK)
GATE_VALUE(report, SLOT_REPORT)
GATE_VALUE(overall, SLOT_OVERALL)
GATE_VALUE(note, SLOT_NOTE)

static inline int gate_envelope(struct bytes in, struct arena *a, struct buf *again, struct err *e)
{
	struct message m;
	int rc = message_decode(in, a, &m, e);
	if (rc)
		return rc;
	if (m.kind == MESSAGE_UNKNOWN)
		buf_put_bytes(again, in);
	else
		message_encode(&m, again);
	return RC_OK;
}

static inline int gate_unframe(struct buf *again, int rc)
{
	if (rc == RC_OK)
		buf_consume(again, 4);
	return rc;
}

static inline int gate_request(struct bytes in, struct arena *a, struct buf *again, struct err *e)
{
	struct ctl_request r;
	int rc = ctl_request_decode(in, a, &r, e);
	return rc ? rc : gate_unframe(again, ctl_request_encode(&r, again, e));
}

static inline int gate_reply(struct bytes in, struct arena *a, struct buf *again, struct err *e)
{
	struct ctl_reply r;
	int rc = ctl_reply_decode(in, a, &r, e);
	return rc ? rc : gate_unframe(again, ctl_reply_encode(&r, again, e));
}

struct gate {
	const char *name;
	gate_fn *fn;
	size_t arena; /* what the header promises to be enough */
};

static const struct gate gates[] = {
	{"leaf", gate_leaf, CODEC_LEAF_ARENA},
	{"change", gate_change, CODEC_LEAF_ARENA},
	{"delegate", gate_delegate, CODEC_LEAF_ARENA},
	{"revoke", gate_revoke, CODEC_LEAF_ARENA},
	{"area", gate_area, CODEC_LEAF_ARENA},
	{"task", gate_task, CODEC_LEAF_ARENA},
	{"report", gate_report, CODEC_LEAF_ARENA},
	{"overall", gate_overall, CODEC_LEAF_ARENA},
	{"note", gate_note, CODEC_LEAF_ARENA},
	{"envelope", gate_envelope, MESSAGE_ARENA},
	{"request", gate_request, CTL_ARENA},
	{"reply", gate_reply, CTL_ARENA},
};
#define GATES (sizeof gates / sizeof gates[0])

static inline const struct gate *gate_named(const char *name)
{
	for (size_t i = 0; i < GATES; i++)
		if (strcmp(gates[i].name, name) == 0)
			return &gates[i];
	return NULL;
}

#endif
