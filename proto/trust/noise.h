/* Noise_XK_25519_ChaChaPoly_SHA256 on libsodium: handshake and transport, no I/O. Floor 2.
 * Source: Noise revision 34; PROTOCOL 7.1. One suite, no options. */
#ifndef DELTAD_TRUST_NOISE_H
#define DELTAD_TRUST_NOISE_H

#include "proto/trust/key.h"

#define NOISE_MESSAGE_MAX 65535
#define NOISE_TAG 16
#define NOISE_MSG1 48
#define NOISE_MSG2 48
#define NOISE_MSG3_OVERHEAD 64 /* 48 for the static key, 16 for the payload's tag */

enum noise_role { NOISE_INITIATOR, NOISE_RESPONDER };

struct noise; /* a handshake, then a transport; secrets in guarded memory */

/* `ephemeral` is 32 bytes of fresh randomness (an argument so that vectors and simulation can fix
 * it), wiped by the caller. remote_static: the responder's key for the initiator, NULL for the
 * responder. The static key is borrowed. */
struct noise *noise_new(enum noise_role role, struct bytes prologue, const struct key *static_key,
	const uint8_t *remote_static, const uint8_t ephemeral[32]);
void noise_free(struct noise *n);

/* The three messages in their order, each appended to out / read from in. payload of 1 and 2 is
 * empty in deltad (the vectors use others); that the peer's are, the caller sees by their length.
 * RC_PEER_HANDSHAKE: decryption failed, an all-zero shared secret, a message out of turn or of a
 * wrong length: close; nothing is appended, and every later call fails alike. RC_TOO_BIG: the
 * payload does not fit into one message; nothing changed. */
int noise_write(struct noise *n, struct bytes payload, struct buf *out, struct err *e) MUST_CHECK;
int noise_read(
	struct noise *n, struct bytes message, struct buf *payload, struct err *e) MUST_CHECK;
/* True after message 3: from here on noise_write / noise_read are transport messages. */
bool noise_is_ready(const struct noise *n);
/* The peer's static key: after message 3 for the responder. */
const uint8_t *noise_remote(const struct noise *n);
/* h at the end, for tests. */
void noise_handshake_hash(const struct noise *n, struct hash *out);
/* Messages sent and received so far; a new handshake is due before 2^30. */
uint64_t noise_messages(const struct noise *n);

/* "DELTAD/1" 0x00 cluster_id. */
#define NOISE_PROLOGUE_BYTES 41
void noise_prologue(const struct hash *cluster_id, uint8_t out[NOISE_PROLOGUE_BYTES]);

#endif
