/* SHA-256 and the library's start-up. Floor 2, libsodium. Source: PROTOCOL 1, FIPS 180-4. */
#ifndef DELTAD_TRUST_HASH_H
#define DELTAD_TRUST_HASH_H

#include "proto/model/ids.h"

/* Initialises libsodium and runs the self-test of the Ed25519 rule (PROTOCOL 1: a mixed-order,
 * cofactored-only signature must be rejected). RC_SETUP: this libsodium would split the nodes; do
 * not start. Once per process, before anything else of proto/trust. */
int trust_init(struct err *e) MUST_CHECK;

void sha256(struct bytes in, struct hash *out);
/* Over the concatenation of n ranges. */
void sha256_multi(const struct bytes *in, size_t n, struct hash *out);

/* Over what comes piece by piece. */
struct sha256_stream {
	uint64_t state[13]; /* libsodium's */
};
void sha256_begin(struct sha256_stream *s);
void sha256_add(struct sha256_stream *s, struct bytes in);
/* s must begin anew after it. */
void sha256_end(struct sha256_stream *s, struct hash *out);
/* Begins *s, which lives as long as the sum is used. */
struct byte_sum sha256_sum(struct sha256_stream *s);

#endif
