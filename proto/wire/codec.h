/* Bytes to structs and back for everything that is signed or stored: the only door to protobuf
 * besides message.h and ctl.h. Decoded ranges point into the input or into the arena; both must
 * live as long as the struct. Floor 2. Source: PROTOCOL 2, 3, 6.4. Every decode passes the gate
 * first (prescan, bounded arena, pack(unpack(x)) == x for the signed ones). RC_PEER_MESSAGE: not
 * canonical or malformed; RC_TOO_BIG: over a limit or the arena. Thread-safe. */
#ifndef DELTAD_WIRE_CODEC_H
#define DELTAD_WIRE_CODEC_H

#include "proto/base/limits.h"
#include "proto/model/change.h"
#include "proto/model/value.h"

/* An arena of this size is enough for one leaf with its body and value, whatever they are. Of it,
 * at most CODEC_LEAF_KEPT stays used after decoding: n leaves that live side by side need
 * CODEC_LEAF_ARENA + n * CODEC_LEAF_KEPT. */
#define CODEC_LEAF_ARENA (64 * 1024)
#define CODEC_LEAF_KEPT (5 * 1024)

/* A leaf of another version gives kind LEAF_UNKNOWN with version, and index and hlc if readable; a
 * leaf of a kind that is not known gives LEAF_UNKNOWN too. Neither is an error: they are stored and
 * relayed, and need a newer version. An anchor gives its kind and nothing else (anchor_decode gives
 * the rest). */
int leaf_decode(struct bytes in, struct arena *a, struct leaf *out, struct err *e) MUST_CHECK;
/* Appends. Of the parts, the one that kind says, which must be known and not LEAF_ANCHOR.
 * RC_TOO_BIG over a limit; RC_INPUT: a field that leaf_decode would refuse. On failure *out is as
 * before; the same holds for every encode below. */
int leaf_encode(const struct leaf *l, struct buf *out, struct err *e) MUST_CHECK;

/* A whole leaf that is an anchor (leaf_decode gave LEAF_ANCHOR). Needs CODEC_LEAF_ARENA. That the
 * heads ascend is not looked at. */
int anchor_decode(struct bytes in, struct arena *a, struct anchor *out, struct err *e) MUST_CHECK;
int anchor_encode(const struct anchor *x, struct buf *out, struct err *e) MUST_CHECK;

/* A change, delegate or revoke of another version gives its version and nothing else; it is no
 * error. */
int change_decode(struct bytes body, struct arena *a, struct change *out, struct err *e) MUST_CHECK;
int change_encode(const struct change *c, struct buf *out, struct err *e) MUST_CHECK;

int delegate_decode(
	struct bytes body, struct arena *a, struct delegate *out, struct err *e) MUST_CHECK;
int delegate_encode(const struct delegate *d, struct buf *out, struct err *e) MUST_CHECK;
int revoke_decode(struct bytes body, struct arena *a, struct revoke *out, struct err *e) MUST_CHECK;
int revoke_encode(const struct revoke *r, struct buf *out, struct err *e) MUST_CHECK;

/* The slot must be one that slot_find knows. Form only; value_check judges the meaning. */
int value_decode(enum slot slot, struct bytes in, struct arena *a, struct value *out,
	struct err *e) MUST_CHECK;
int value_encode(const struct value *v, struct buf *out, struct err *e) MUST_CHECK;

#endif
