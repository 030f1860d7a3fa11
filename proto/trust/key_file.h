/* The text of a key file, and the box that a passphrase shuts. Floor 2, libsodium; for proto/trust
 * and its tests only, everybody else uses key_save and key_load. Source: PROTOCOL 5.4.
 *
 *	deltad-key/1
 *	purpose operator
 *	member jiangsu
 *	name 王伟                    ("-" unless the purpose is operator)
 *	public <base64>
 *	box none                     or: box argon2id <ops> <KiB> <salt base64> <nonce base64>
 *	secret <base64 of the seed>  or of XChaCha20-Poly1305(seed), additional data = the lines
 *above
 */
#ifndef DELTAD_TRUST_KEY_FILE_H
#define DELTAD_TRUST_KEY_FILE_H

#include "proto/trust/key.h"

#define KEY_FILE_MAX 4096 /* bytes */
#define KEY_SEED_BYTES 32

/* What a file may ask of the machine that opens it. */
#define KEY_BOX_OPS_MAX 16
#define KEY_BOX_MEM_KIB_MIN 8
#define KEY_BOX_MEM_KIB_MAX (1024 * 1024)
#define KEY_BOX_SALT 16
#define KEY_BOX_NONCE 24
#define KEY_BOX_TAG 16

/* Holds a secret: keep it in guarded memory. */
struct key_file {
	enum key_purpose purpose;
	char member[SLUG_SIZE];
	char name[KEY_NAME_MAX + 1];
	uint8_t public[KEY_BYTES];
	bool boxed;
	uint32_t ops, mem_kib;
	uint8_t salt[KEY_BOX_SALT], nonce[KEY_BOX_NONCE];
	uint8_t secret[KEY_SEED_BYTES + KEY_BOX_TAG]; /* the seed, or the shut box */
	struct bytes authenticated;		      /* the lines above `secret`, borrowed */
};

/* Pure: the text alone. RC_KEYFILE with the line number. */
int key_file_parse(struct bytes text, struct key_file *out, struct err *e) MUST_CHECK;
/* Opens the box (passphrase is not looked at if there is none) and checks the public key against
 * the secret one. RC_KEYFILE; RC_NOMEM. */
int key_file_open(const struct key_file *f, const char *passphrase, struct key *out,
	struct err *e) MUST_CHECK;

/* What key_save asks of Argon2id, and what tests do. */
struct key_cost {
	uint32_t ops, mem_kib;
};
/* Writes the text to out, guarded memory of KEY_FILE_MAX bytes; passphrase NULL = no box. RC_INPUT:
 * a member or name that no key file can hold, an empty passphrase. */
int key_file_print(const struct key *k, const char *passphrase, struct key_cost cost, char *out,
	struct err *e) MUST_CHECK;

#endif
