/* How an envelope travels inside Noise messages: plaintexts of flags u8 (1 more, 2 end), n u16be, n
 * bytes, zeros to a multiple of 256. Floor 2. Source: PROTOCOL 7.2. */
#ifndef DELTAD_WIRE_PACKET_H
#define DELTAD_WIRE_PACKET_H

#include "proto/base/limits.h"
#include "proto/base/bytes.h"

#define PACKET_ALIGN 256
#define PACKET_HEADER 3
#define PACKET_MAX 65280 /* plaintext bytes, so that Noise's 16-byte tag still fits in 65,535 */
#define PACKET_DATA_MAX (PACKET_MAX - PACKET_HEADER)

/* What we put into one: 16 KiB cross a line of 16 kbit/s in a third of LIMIT_FRAME_MS. */
#define PACKET_SEND 16384
#define PACKET_SEND_DATA (PACKET_SEND - PACKET_HEADER)

/* The next plaintext of an envelope starting at *offset, at most PACKET_SEND; appends it to out and
 * moves *offset. True while more follow. */
bool packet_next(struct bytes envelope, size_t *offset, struct buf *out);

/* Collects plaintexts into an envelope. All zero = empty. */
struct packet_joiner {
	struct buf envelope;
	bool done; /* the envelope is whole; packet_joiner_next starts another */
};
/* RC_PEER_FRAME: wrong length, flags, padding, n beyond the end; RC_TOO_BIG: over
 * LIMIT_ENVELOPE_BYTES. */
int packet_join(struct packet_joiner *j, struct bytes plaintext, struct err *e) MUST_CHECK;
void packet_joiner_next(struct packet_joiner *j);
void packet_joiner_release(struct packet_joiner *j);

/* Streams cut into frames with a big-endian length in front: u16 (Noise messages) and u32 (control
 * socket, bundles). Looks at the front of `in`: >0 = bytes of the whole frame, *payload set; 0 =
 * not all here yet; RC_PEER_FRAME for length 0, RC_TOO_BIG for one over max (seen as soon as the
 * length is there). */
int frame_split_u16(struct bytes in, size_t max, struct bytes *payload, struct err *e) MUST_CHECK;
int frame_split_u32(struct bytes in, size_t max, struct bytes *payload, struct err *e) MUST_CHECK;

#endif
