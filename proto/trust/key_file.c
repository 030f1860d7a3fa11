#include "proto/trust/key_file.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "proto/base/text.h"
#include "proto/trust/note.h"
#include "proto/trust/secret.h"
#include "proto/trust/words.h"

#define FIRST_LINE "deltad-key/1"

_Static_assert(KEY_SEED_BYTES == crypto_sign_SEEDBYTES, "Ed25519 seed");
_Static_assert(KEY_BOX_SALT == crypto_pwhash_SALTBYTES, "salt");
_Static_assert(KEY_BOX_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(KEY_BOX_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert(KEY_BOX_MEM_KIB_MIN * 1024 >= crypto_pwhash_MEMLIMIT_MIN, "memory");

static int public_only(struct err *e)
{
	return err_set(e, RC_KEYFILE,
		"a secret key is needed and this file holds public keys only: give the file that "
		"`deltactl key init` wrote beside it");
}

static int take_purpose(struct key_file *f, struct bytes value, struct err *e)
{
	f->purpose = key_purpose_named(value);
	if (f->purpose)
		return RC_OK;
	return err_set(e, RC_KEYFILE, "the purpose must be root, log, cosign, noise or operator");
}

static int take_member(struct key_file *f, struct bytes value, struct err *e)
{
	if (!slug_is_valid(value))
		return err_set(e, RC_KEYFILE, "the member must be a slug such as jiangsu");
	words_copy(f->member, value);
	return RC_OK;
}

/* Persons have names; the other keys are named by member and purpose. */
static bool name_fits(enum key_purpose p, struct bytes name)
{
	if (p != KEY_OPERATOR)
		return name.n == 0;
	return name.n > 0 && name.n <= KEY_NAME_MAX && text_is_clean(name, false) &&
		!bytes_equal(name, bytes_str("-"));
}

static int take_name(struct key_file *f, struct bytes value, struct err *e)
{
	bool none = bytes_equal(value, bytes_str("-"));
	if (value.n == 0 || !name_fits(f->purpose, none ? bytes_of(NULL, 0) : value))
		return err_set(e, RC_KEYFILE,
			"the name must be an operator's, of at most %d bytes, or - for other keys",
			KEY_NAME_MAX);
	if (!none)
		words_copy(f->name, value);
	return RC_OK;
}

static int take_public(struct key_file *f, struct bytes value, struct err *e)
{
	if (base64_decode(value, f->public, KEY_BYTES) != KEY_BYTES)
		return err_set(e, RC_KEYFILE, "the public key must be the base64 form of %d bytes",
			KEY_BYTES);
	return RC_OK;
}

static bool take_number(struct bytes *rest, uint32_t min, uint32_t max, uint32_t *out)
{
	struct bytes word;
	uint64_t v;
	if (!words_take(rest, &word) || !decimal_parse(word, max, &v) || v < min)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool take_base64(struct bytes *rest, uint8_t *out, size_t n)
{
	struct bytes word;
	return words_take(rest, &word) && base64_decode(word, out, n) == (int)n;
}

static int take_box(struct key_file *f, struct bytes value, struct err *e)
{
	if (bytes_equal(value, bytes_str("none")))
		return RC_OK;
	f->boxed = true;
	if (words_skip(&value, "argon2id ") && take_number(&value, 1, KEY_BOX_OPS_MAX, &f->ops) &&
		take_number(&value, KEY_BOX_MEM_KIB_MIN, KEY_BOX_MEM_KIB_MAX, &f->mem_kib) &&
		take_base64(&value, f->salt, KEY_BOX_SALT) &&
		take_base64(&value, f->nonce, KEY_BOX_NONCE) && value.n == 0)
		return RC_OK;
	return err_set(e, RC_KEYFILE,
		"the box must be none, or argon2id with at most %d passes, at most %d KiB, salt "
		"and nonce",
		KEY_BOX_OPS_MAX, KEY_BOX_MEM_KIB_MAX);
}

static int take_secret(struct key_file *f, struct bytes value, struct err *e)
{
	int n = f->boxed ? KEY_SEED_BYTES + KEY_BOX_TAG : KEY_SEED_BYTES;
	if (base64_decode(value, f->secret, sizeof f->secret) != n)
		return err_set(
			e, RC_KEYFILE, "the secret key must be the base64 form of %d bytes", n);
	return RC_OK;
}

static const struct {
	const char *word;
	int (*take)(struct key_file *f, struct bytes value, struct err *e);
} lines[] = {{"purpose ", take_purpose}, {"member ", take_member}, {"name ", take_name},
	{"public ", take_public}, {"box ", take_box}, {"secret ", take_secret}};
#define N_LINES (sizeof lines / sizeof lines[0])

/* Of its own kind, or what people mistake for a key file: a member's line, a verifier key. */
static int check_first_line(struct bytes line, struct err *e)
{
	if (bytes_equal(line, bytes_str(FIRST_LINE)))
		return RC_OK;
	struct vkey v;
	if (words_skip(&line, "member ") || vkey_parse(line, &v, NULL) == RC_OK)
		return public_only(e);
	return err_set(e, RC_KEYFILE, "no key file: its first line is not %s", FIRST_LINE);
}

static int parse_lines(struct key_file *f, struct bytes text, size_t *line_no, struct err *e)
{
	struct reader r = reader_of(text);
	struct bytes line = reader_line(&r);
	*line_no = 1;
	int rc = check_first_line(reader_ok(&r) ? line : text, e);
	for (size_t i = 0; rc == RC_OK && i < N_LINES; i++) {
		f->authenticated = bytes_of(text.p, text.n - r.rest.n);
		++*line_no;
		if (i == N_LINES - 1 && r.rest.n == 0)
			return public_only(e);
		line = reader_line(&r);
		if (!reader_ok(&r) || !words_skip(&line, lines[i].word))
			return err_set(
				e, RC_KEYFILE, "a line \"%s\" must stand here", lines[i].word);
		rc = lines[i].take(f, line, e);
	}
	if (rc == RC_OK && r.rest.n > 0) {
		++*line_no;
		rc = err_set(e, RC_KEYFILE, "nothing may follow the secret key");
	}
	return rc;
}

int key_file_parse(struct bytes text, struct key_file *out, struct err *e)
{
	sodium_memzero(out, sizeof *out);
	if (text.n > KEY_FILE_MAX)
		return err_set(e, RC_KEYFILE, "more than %d bytes: no key file", KEY_FILE_MAX);
	struct err why = {0};
	size_t line = 0;
	if (parse_lines(out, text, &line, &why) == RC_OK)
		return RC_OK;
	sodium_memzero(out, sizeof *out);
	return err_set(e, RC_KEYFILE, "line %zu: %s", line, why.text);
}

static int derive(const char *passphrase, const struct key_file *f, uint8_t *out, struct err *e)
{
	if (crypto_pwhash(out, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, passphrase,
		    strlen(passphrase), f->salt, f->ops, (size_t)f->mem_kib * 1024,
		    crypto_pwhash_ALG_ARGON2ID13) == 0)
		return RC_OK;
	return err_set(
		e, RC_NOMEM, "opening the key file takes %" PRIu32 " KiB of memory", f->mem_kib);
}

static int open_box(const struct key_file *f, const char *passphrase, uint8_t seed[KEY_SEED_BYTES],
	struct err *e)
{
	if (!passphrase)
		return err_set(e, RC_KEYFILE, "the key is encrypted and no passphrase was given");
	uint8_t *k = secret_alloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
	int rc = derive(passphrase, f, k, e);
	if (rc == RC_OK &&
		crypto_aead_xchacha20poly1305_ietf_decrypt(seed, NULL, NULL, f->secret,
			sizeof f->secret, f->authenticated.p, f->authenticated.n, f->nonce, k) != 0)
		rc = err_set(e, RC_KEYFILE, "wrong passphrase, or the file was changed");
	sodium_free(k);
	return rc;
}

int key_file_open(const struct key_file *f, const char *passphrase, struct key *out, struct err *e)
{
	uint8_t *seed = secret_alloc(KEY_SEED_BYTES);
	struct key k = {0};
	int rc = RC_OK;
	if (f->boxed)
		rc = open_box(f, passphrase, seed, e);
	else
		memcpy(seed, f->secret, KEY_SEED_BYTES);
	if (rc == RC_OK) {
		key_from_seed(&k, f->purpose, f->member, f->name, seed);
		if (memcmp(k.public, f->public, KEY_BYTES) != 0)
			rc = err_set(e, RC_KEYFILE,
				"damaged: the public key does not belong to the secret one");
	}
	if (rc == RC_OK)
		*out = k;
	else
		key_release(&k);
	sodium_free(seed);
	return rc;
}

static int check_fields(const struct key *k, const char *passphrase, struct err *e)
{
	if (!slug_is_valid(bytes_str(k->member)))
		return err_set(e, RC_INPUT, "the member must be a slug such as jiangsu");
	if (!name_fits(k->purpose, bytes_str(k->name)))
		return err_set(e, RC_INPUT,
			"the name must be an operator's, of at most %d bytes and not -, and empty "
			"for other keys",
			KEY_NAME_MAX);
	if (passphrase && passphrase[0] == '\0')
		return err_set(e, RC_INPUT, "an empty passphrase protects nothing");
	return RC_OK;
}

static void put_head(struct buf *b, const struct key *k, const struct key_file *f)
{
	buf_printf(b, "%s\npurpose %s\nmember %s\nname %s\npublic ", FIRST_LINE,
		key_purpose_name(k->purpose), k->member, k->name[0] ? k->name : "-");
	base64_encode(b, k->public, KEY_BYTES);
	if (f->boxed) {
		buf_printf(b, "\nbox argon2id %" PRIu32 " %" PRIu32 " ", f->ops, f->mem_kib);
		base64_encode(b, f->salt, KEY_BOX_SALT);
		buf_put_str(b, " ");
		base64_encode(b, f->nonce, KEY_BOX_NONCE);
		buf_put_str(b, "\n");
	} else {
		buf_put_str(b, "\nbox none\n");
	}
}

/* The seed stands first in libsodium's form of an Ed25519 secret, and is an X25519 one. */
static int shut_box(const uint8_t *seed, const char *passphrase, struct key_file *f, struct err *e)
{
	uint8_t *k = secret_alloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
	int rc = derive(passphrase, f, k, e);
	if (rc == RC_OK)
		crypto_aead_xchacha20poly1305_ietf_encrypt(f->secret, NULL, seed, KEY_SEED_BYTES,
			f->authenticated.p, f->authenticated.n, NULL, f->nonce, k);
	sodium_free(k);
	return rc;
}

int key_file_print(
	const struct key *k, const char *passphrase, struct key_cost cost, char *out, struct err *e)
{
	ENSURE(k->secret);
	int rc = check_fields(k, passphrase, e);
	if (rc)
		return rc;
	struct key_file *f = secret_alloc(sizeof *f);
	struct buf head = {0};
	f->boxed = passphrase != NULL;
	f->ops = cost.ops;
	f->mem_kib = cost.mem_kib;
	randombytes_buf(f->salt, sizeof f->salt);
	randombytes_buf(f->nonce, sizeof f->nonce);
	put_head(&head, k, f);
	f->authenticated = buf_bytes(&head);
	if (passphrase)
		rc = shut_box(k->secret, passphrase, f, e);
	else
		memcpy(f->secret, k->secret, KEY_SEED_BYTES);
	if (rc == RC_OK) {
		static const char word[] = "secret ";
		size_t n = passphrase ? KEY_SEED_BYTES + KEY_BOX_TAG : KEY_SEED_BYTES;
		char *end = out;
		ENSURE(head.n + sizeof word + BASE64_LEN(n) + 1 < KEY_FILE_MAX);
		end = mempcpy(end, head.p, head.n);
		end = mempcpy(end, word, sizeof word - 1);
		/* Not base64_encode: its buffer would leave copies behind as it grows. */
		sodium_bin2base64(
			end, BASE64_LEN(n) + 1, f->secret, n, sodium_base64_VARIANT_ORIGINAL);
		memcpy(end + BASE64_LEN(n), "\n", 2);
	}
	buf_release(&head);
	sodium_free(f);
	return rc;
}
