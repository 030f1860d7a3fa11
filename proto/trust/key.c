#include "proto/trust/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "proto/base/text.h"
#include "proto/trust/secret.h"

#define EXIT_OS 71 /* as xalloc */

_Static_assert(KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
_Static_assert(KEY_BYTES == crypto_scalarmult_BYTES, "X25519 public key");
_Static_assert(SIGNATURE_BYTES == crypto_sign_BYTES, "Ed25519 signature");

static const char *const purpose_names[] = {
	[KEY_ROOT] = "root",
	[KEY_LOG] = "log",
	[KEY_COSIGN] = "cosign",
	[KEY_NOISE] = "noise",
	[KEY_OPERATOR] = "operator",
};

void *secret_alloc(size_t n)
{
	void *p = sodium_malloc(n);
	if (!p) {
		fputs("out of memory for a secret\n", stderr);
		exit(EXIT_OS);
	}
	sodium_memzero(p, n);
	return p;
}

const char *key_purpose_name(enum key_purpose p)
{
	ENSURE(p >= KEY_ROOT && p <= KEY_OPERATOR);
	return purpose_names[p];
}

enum key_purpose key_purpose_named(struct bytes name)
{
	for (unsigned p = KEY_ROOT; p <= KEY_OPERATOR; p++) {
		if (bytes_equal(name, bytes_str(purpose_names[p])))
			return (enum key_purpose)p;
	}
	return (enum key_purpose)0;
}

void key_from_seed(struct key *k, enum key_purpose p, const char *member, const char *name,
	const uint8_t seed[32])
{
	ENSURE(p >= KEY_ROOT && p <= KEY_OPERATOR);
	ENSURE(strlen(member) < sizeof k->member);
	ENSURE(!name || strlen(name) < sizeof k->name);
	*k = (struct key){.purpose = p};
	memcpy(k->member, member, strlen(member));
	if (name)
		memcpy(k->name, name, strlen(name));
	if (p == KEY_NOISE) {
		k->secret = secret_alloc(crypto_scalarmult_SCALARBYTES);
		memcpy(k->secret, seed, crypto_scalarmult_SCALARBYTES);
		ENSURE(crypto_scalarmult_base(k->public, k->secret) == 0);
	} else {
		k->secret = secret_alloc(crypto_sign_SECRETKEYBYTES);
		ENSURE(crypto_sign_seed_keypair(k->public, k->secret, seed) == 0);
	}
}

void key_generate(struct key *k, enum key_purpose p, const char *member, const char *name)
{
	uint8_t *seed = secret_alloc(32);
	randombytes_buf(seed, 32);
	key_from_seed(k, p, member, name, seed);
	sodium_free(seed);
}

void key_release(struct key *k)
{
	sodium_free(k->secret);
	*k = (struct key){0};
}

void key_sign(const struct key *k, struct bytes msg, uint8_t sig[SIGNATURE_BYTES])
{
	ENSURE(k->secret);
	ENSURE(k->purpose != KEY_NOISE);
	ENSURE(crypto_sign_detached(sig, NULL, msg.p, msg.n, k->secret) == 0);
}

bool key_verify(const uint8_t pub[KEY_BYTES], struct bytes msg, const uint8_t sig[SIGNATURE_BYTES])
{
	return crypto_sign_verify_detached(sig, msg.p, msg.n, pub) == 0;
}

/* RFC 7748 ignores the top bit and reduces what is not below 2^255-19, so that one point has
 * several spellings; two members could then hold one key under different bytes. */
static bool x25519_is_canonical(const uint8_t pub[KEY_BYTES])
{
	if (pub[31] & 0x80)
		return false;
	if (pub[31] != 0x7f || pub[0] < 0xed)
		return true;
	for (size_t i = 1; i < 31; i++) {
		if (pub[i] != 0xff)
			return true;
	}
	return false;
}

bool key_is_enrollable(enum key_purpose p, const uint8_t pub[KEY_BYTES])
{
	if (p != KEY_NOISE)
		return crypto_core_ed25519_is_valid_point(pub) == 1;
	/* A clamped scalar is a multiple of 8, so every point of small order goes to zero. */
	static const uint8_t any_scalar[crypto_scalarmult_SCALARBYTES] = {8, [31] = 0x40};
	uint8_t shared[crypto_scalarmult_BYTES];
	return x25519_is_canonical(pub) && crypto_scalarmult(shared, any_scalar, pub) == 0;
}

void key_fingerprint(const uint8_t pub[KEY_BYTES], char out[KEY_FINGERPRINT_SIZE])
{
	struct hash h;
	sha256(bytes_of(pub, KEY_BYTES), &h);
	char hex[17];
	hex_encode(h.b, 8, hex);
	for (size_t i = 0; i < 4; i++) {
		memcpy(out + 5 * i, hex + 4 * i, 4);
		out[5 * i + 4] = i < 3 ? '-' : '\0';
	}
}
