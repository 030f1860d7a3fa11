/* What nodes say to each other, decoded. Floor 2. Source: PROTOCOL 7. */
#ifndef DELTAD_WIRE_MESSAGE_H
#define DELTAD_WIRE_MESSAGE_H

#include "proto/base/limits.h"
#include "proto/model/ids.h"

#define PROTOCOL_MIN 1
#define PROTOCOL_MAX 1

enum message_kind {
	MESSAGE_UNKNOWN = 0, /* of a newer protocol: counted and passed over */
	MESSAGE_HELLO = 1,   /* the numbers are the protobuf field numbers */
	MESSAGE_ROSTER = 2,
	MESSAGE_HEAD = 3,
	MESSAGE_WANT = 4,
	MESSAGE_LEAVES = 5,
	MESSAGE_COSIGNATURE = 6,
	MESSAGE_EVIDENCE = 7,
	MESSAGE_VIEW_DIGEST = 8,
	MESSAGE_PING = 9,
	MESSAGE_PONG = 10,
	MESSAGE_BYE = 11,
};
const char *message_kind_name(enum message_kind k);

struct log_size {
	struct bytes origin;
	uint64_t size;
};

struct message {
	enum message_kind kind;
	union {
		struct {
			uint32_t protocol_min, protocol_max;
			struct bytes cluster_id; /* 32 */
			struct bytes member, software;
			uint32_t roster_version;
			const struct bytes *heads; /* notes */
			size_t n_heads;
			struct bytes roster_id; /* 32, or empty */
		} hello;
		struct bytes note; /* ROSTER, HEAD, COSIGNATURE */
		struct {
			struct bytes origin;
			uint64_t from, to; /* leaves from..to-1 */
		} want;
		struct {
			struct bytes origin;
			uint64_t first;
			const struct bytes *leaves;
			size_t n;
			struct bytes head; /* note of size first + n */
		} leaves;
		struct {
			struct bytes first, second; /* notes */
			const struct bytes *proof;  /* 32 bytes each */
			size_t n_proof;
		} evidence;
		struct {
			uint32_t rules_version;
			const struct log_size *sizes;
			size_t n;
			struct bytes view_root; /* 32 */
		} digest;
		uint64_t token; /* PING, PONG */
		struct {
			struct bytes code, text;
		} bye;
	};
};

/* Enough for any envelope within LIMIT_ENVELOPE_BYTES. */
#define MESSAGE_ARENA (192 * 1024)

/* RC_PEER_MESSAGE, RC_TOO_BIG as in codec.h. Ranges point into `in` or the arena. */
int message_decode(struct bytes in, struct arena *a, struct message *out, struct err *e) MUST_CHECK;
/* Appends the envelope; ENSUREs that it is within LIMIT_ENVELOPE_BYTES: we made it. */
void message_encode(const struct message *m, struct buf *out);

#endif
