/* A change (what an operator signs) and a leaf (one entry of a log), as decoded; ranges are
 * borrowed from the raw bytes, which alone are signed, hashed and stored. Floor 1. Source: PROTOCOL
 * 2, 3. */
#ifndef DELTAD_MODEL_CHANGE_H
#define DELTAD_MODEL_CHANGE_H

#include "proto/model/ids.h"

#define CHANGE_VERSION 1
#define LEAF_VERSION 1
#define NONCE_BYTES 16

struct change {
	uint32_t version;
	struct bytes member; /* slug: the only log it may stand in */
	struct bytes nonce;  /* 16: the idempotency key */
	uint64_t claimed_ms; /* the operator's clock: a claim */
	struct bytes task;   /* "3-05", "" = plan-wide */
	uint32_t slot;
	struct bytes holder;
	struct bytes value; /* typed by slot; see codec_value_decode */
	const struct bytes
		*supersedes; /* change ids (32 bytes each) of this register, strictly ascending */
	size_t n_supersedes;
	struct bytes under; /* empty, or the 32-byte id of the change this acts under */
	struct bytes reason;
};

enum leaf_kind {
	LEAF_UNKNOWN = 0, /* a version or kind this program does not know */
	LEAF_CHANGE = 4,  /* the numbers are the protobuf field numbers */
	LEAF_DELEGATE = 5,
	LEAF_REVOKE = 6,
	LEAF_OPEN = 7,
	LEAF_ANCHOR = 8,
	LEAF_CLOSE = 9,
};

enum open_reason {
	OPEN_INIT = 1,
	OPEN_RESTORE = 2,
	OPEN_ROLLBACK = 3,
	OPEN_CLONE = 4,
	OPEN_REBUILD = 5,
	OPEN_ROTATE = 6,
};

#define SUITE_ED25519_SHA256 0x01

struct open {
	uint32_t suite;
	uint32_t reason;
	struct bytes previous_origin; /* empty for OPEN_INIT */
	uint64_t previous_size;
	struct bytes previous_root; /* 32, or empty */
};

/* A body signed by one key; the signature is over DSSE's PAE of type and body (PROTOCOL 2). */
struct signed_body {
	struct bytes key;	/* 32 */
	struct bytes signature; /* 64 */
	struct bytes body;
};

/* Body of LEAF_DELEGATE, signed by the member's root key. */
struct delegate {
	uint32_t version;
	struct bytes member;
	struct bytes nonce;
	struct bytes operator_key; /* 32 */
	struct bytes name;
	const struct bytes *scope; /* task keys; none = all tasks and the plan-wide registers */
	size_t n_scope;
	uint64_t not_after_index; /* 0 = none; else the last leaf index the key may sign */
};

/* Body of LEAF_REVOKE, signed by the member's root key. */
struct revoke {
	uint32_t version;
	struct bytes member;
	struct bytes nonce;
	struct bytes operator_key;
	uint64_t valid_below; /* leaves of the same log at or above this index are not the
				 operator's any more */
	struct bytes reason;
};

/* One log as an anchor names it. */
struct anchor_head {
	struct bytes origin;
	uint64_t size;
	struct bytes root; /* 32 */
};

/* A leaf of kind LEAF_ANCHOR, read by itself: what its writer saw at that moment. */
struct anchor {
	uint32_t version;
	uint64_t index, hlc;
	enum leaf_kind kind;	   /* LEAF_ANCHOR */
	struct anchor_head *heads; /* strictly ascending by origin */
	size_t n;
	struct bytes view_root; /* 32: of these heads */
	uint32_t rules_version;
};

struct leaf {
	uint32_t version;
	uint64_t index;
	uint64_t hlc;
	enum leaf_kind kind;
	struct open open;		/* LEAF_OPEN */
	struct signed_body signed_body; /* LEAF_CHANGE, LEAF_DELEGATE, LEAF_REVOKE */
	struct bytes next_origin;	/* LEAF_CLOSE */
};

#endif
