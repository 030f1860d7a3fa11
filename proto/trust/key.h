/* Keys and the files they live in: one key, one purpose. Floor 2, libsodium. Source: PROTOCOL
 * 1, 5.4. */
#ifndef DELTAD_TRUST_KEY_H
#define DELTAD_TRUST_KEY_H

#include "proto/trust/hash.h"

#define KEY_BYTES 32
#define SIGNATURE_BYTES 64

enum key_purpose {
	KEY_ROOT = 1,	  /* governs a member: roster, operators; stays offline */
	KEY_LOG = 2,	  /* signs heads of the member's log */
	KEY_COSIGN = 3,	  /* signs cosignatures */
	KEY_NOISE = 4,	  /* X25519, the node's identity on the wire */
	KEY_OPERATOR = 5, /* a person's */
};
const char *key_purpose_name(enum key_purpose p);
/* 0 if there is none. */
enum key_purpose key_purpose_named(struct bytes name);

#define KEY_NAME_MAX 120 /* bytes */

/* A secret key in guarded memory (sodium_malloc). NULL secret = none held. */
struct key {
	enum key_purpose purpose;
	char member[SLUG_SIZE];
	char name[KEY_NAME_MAX + 1]; /* the person for KEY_OPERATOR, else empty */
	uint8_t public[KEY_BYTES];
	uint8_t *secret; /* Ed25519: 64 bytes (libsodium's form); X25519: 32 */
};

/* From a 32-byte seed (Ed25519 seed, or X25519 secret); the caller wipes the seed. */
void key_from_seed(struct key *k, enum key_purpose p, const char *member, const char *name,
	const uint8_t seed[32]);
/* From the system's generator. */
void key_generate(struct key *k, enum key_purpose p, const char *member, const char *name);
void key_release(struct key *k);

/* Plain Ed25519 (RFC 8032) over msg; k must be an Ed25519 key with a secret. */
void key_sign(const struct key *k, struct bytes msg, uint8_t sig[SIGNATURE_BYTES]);
bool key_verify(const uint8_t pub[KEY_BYTES], struct bytes msg,
	const uint8_t sig[SIGNATURE_BYTES]) MUST_CHECK;
/* May this public key be enrolled? crypto_core_ed25519_is_valid_point; for X25519: not of small
 * order. */
bool key_is_enrollable(enum key_purpose p, const uint8_t pub[KEY_BYTES]) MUST_CHECK;

/* Writes a new file, mode 0600, tmp + fsync + rename + fsync of the folder; never overwrites
 * (RC_REFUSED). passphrase NULL = unencrypted, else an Argon2id box (crypto_pwhash, MODERATE: 256
 * MiB for a second; XChaCha20-Poly1305). RC_INPUT: no slug as member, an operator without a name or
 * another key with one, an empty passphrase. RC_IO, RC_DISK_FULL, RC_NOMEM. */
int key_save(
	const struct key *k, const char *path, const char *passphrase, struct err *e) MUST_CHECK;
/* Asks `passphrase` only if the file is encrypted; it returns a string that the caller of key_load
 * keeps, or NULL. RC_KEYFILE: not a regular file, readable by others, wrong purpose (0 = any),
 * damaged, wrong passphrase; the text says what to do. RC_IO, RC_NOMEM. *k is set on success alone.
 * Others may not read the file; the group may (0440) if root owns it, as a service manager's
 * credentials are. */
int key_load(struct key *k, const char *path, enum key_purpose want,
	const char *(*passphrase)(void *arg), void *arg, struct err *e) MUST_CHECK;

/* What a key file says without its secret, which is not opened: k->secret is NULL, and nothing
 * shows that the public key belongs to it. Errors as key_load. */
int key_look(struct key *k, const char *path, bool *encrypted, struct err *e) MUST_CHECK;

/* A short form for people: first 16 hex digits of SHA-256(public key) in groups of 4
 * ("9f3a-6c0d-…"). */
#define KEY_FINGERPRINT_SIZE 20
void key_fingerprint(const uint8_t pub[KEY_BYTES], char out[KEY_FINGERPRINT_SIZE]);

#endif
