/* The byte side of one connection between nodes: Noise handshake, then envelopes in packets in
 *Noise messages; bytes in, bytes out, no I/O. Floor 5, pure. Source: PROTOCOL 7.1, 7.2.
 *
 *	initiator:  DIAL --start, writes 1--> WAIT_2 --reads 2, writes 3--> OPEN
 *	responder:  WAIT_1 --reads 1, writes 2--> WAIT_3 --reads 3--> OPEN
 *	any error: DEAD
 */
#ifndef DELTAD_NET_CHANNEL_H
#define DELTAD_NET_CHANNEL_H

#include "proto/trust/noise.h"
#include "proto/wire/packet.h"

enum channel_state {
	CHANNEL_DIAL,
	CHANNEL_WAIT_1,
	CHANNEL_WAIT_2,
	CHANNEL_WAIT_3,
	CHANNEL_OPEN,
	CHANNEL_DEAD,
};

struct channel {
	enum channel_state state;
	struct noise *noise;
	struct buf in;	  /* received and not yet used; at most a frame and one read more */
	size_t used;	  /* of in */
	struct buf plain; /* scratch of one packet; never longer than PACKET_MAX */
	struct packet_joiner joiner;
};

/* Borrows static_key. remote: the responder's Noise key for a dialler, NULL for a listener. */
void channel_init(struct channel *c, const struct hash *cluster_id, const struct key *static_key,
	const uint8_t *remote, const uint8_t ephemeral[32]);
void channel_release(struct channel *c);

/* A dialler's first message, appended to out. */
int channel_start(struct channel *c, struct buf *out, struct err *e) MUST_CHECK;

/* Takes bytes from the network. */
void channel_feed(struct channel *c, struct bytes in);

enum channel_got {
	CHANNEL_NOTHING = 0,   /* feed it more */
	CHANNEL_AUTHENTICATED, /* the handshake is done; channel_remote is known. Once. */
	CHANNEL_ENVELOPE,      /* channel_envelope, until the next channel_next */
};
/* What came out of the bytes fed, one thing a call; handshake answers are appended to out. Returns
 * an enum channel_got, or RC_PEER_HANDSHAKE, RC_PEER_FRAME, RC_TOO_BIG: close. */
int channel_next(struct channel *c, struct buf *out, struct err *e) MUST_CHECK;
/* Borrowed until the next channel_next. */
struct bytes channel_envelope(const struct channel *c);
/* The same, and the memory is the caller's (buf_release). */
struct buf channel_take_envelope(struct channel *c);

/* Only in OPEN: appends the frames of one envelope. */
void channel_send(struct channel *c, struct bytes envelope, struct buf *out);

/* Bytes of a frame have come, but not all: the frame's clock is running. */
bool channel_is_midframe(const struct channel *c);
/* Part of a message has come: the other side is busy sending it. */
bool channel_is_midmessage(const struct channel *c);
const uint8_t *channel_remote(const struct channel *c);
/* Noise messages so far; PROTOCOL 7.1: fewer than 2^30 a session. */
uint64_t channel_messages(const struct channel *c);

#endif
