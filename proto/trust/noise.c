#include "proto/trust/noise.h"

#include <string.h>

#include <sodium.h>

#include "proto/trust/secret.h"

#define DH_BYTES 32

static const char protocol_name[] = "Noise_XK_25519_ChaChaPoly_SHA256";
_Static_assert(sizeof protocol_name - 1 == HASH_BYTES, "the name itself is the first h");
_Static_assert(NOISE_TAG == crypto_aead_chacha20poly1305_ietf_ABYTES, "tag");

struct cipher {
	uint8_t k[crypto_aead_chacha20poly1305_ietf_KEYBYTES];
	uint64_t n;
};

/* The messages alternate, so that one counter says whose turn it is; READY is the transport. */
enum step { STEP_MESSAGE_1, STEP_MESSAGE_2, STEP_MESSAGE_3, STEP_READY, STEP_FAILED };

struct noise {
	enum noise_role role;
	enum step step;
	uint8_t h[HASH_BYTES], ck[HASH_BYTES];
	struct cipher handshake;
	const struct key *s;
	uint8_t e[DH_BYTES], e_public[DH_BYTES];
	uint8_t re[DH_BYTES], rs[DH_BYTES];
	struct cipher send, receive;
};

static void mix_hash(struct noise *n, const void *p, size_t len)
{
	crypto_hash_sha256_state st;
	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, n->h, HASH_BYTES);
	crypto_hash_sha256_update(&st, p, len);
	crypto_hash_sha256_final(&st, n->h);
}

static void hmac(const uint8_t key[HASH_BYTES], const void *a, size_t na, const void *b, size_t nb,
	uint8_t out[HASH_BYTES])
{
	crypto_auth_hmacsha256_state st;
	crypto_auth_hmacsha256_init(&st, key, HASH_BYTES);
	crypto_auth_hmacsha256_update(&st, a, na);
	crypto_auth_hmacsha256_update(&st, b, nb);
	crypto_auth_hmacsha256_final(&st, out);
	sodium_memzero(&st, sizeof st);
}

/* HKDF of Noise 4.3 with two outputs; ck may be out1. */
static void hkdf(const uint8_t ck[HASH_BYTES], const void *input, size_t n,
	uint8_t out1[HASH_BYTES], uint8_t out2[HASH_BYTES])
{
	static const uint8_t one = 1, two = 2;
	uint8_t temp[HASH_BYTES];
	hmac(ck, input, n, NULL, 0, temp);
	hmac(temp, &one, 1, NULL, 0, out1);
	hmac(temp, out1, HASH_BYTES, &two, 1, out2);
	sodium_memzero(temp, sizeof temp);
}

/* MixKey(DH(secret, public)). A shared secret of zero tells nothing about who sent it. */
static int mix_dh(struct noise *n, const uint8_t *secret, const uint8_t *public, struct err *e)
{
	uint8_t shared[DH_BYTES];
	int rc = RC_OK;
	if (crypto_scalarmult(shared, secret, public) != 0) {
		rc = err_set(e, RC_PEER_HANDSHAKE, "the peer's key is of small order");
	} else {
		hkdf(n->ck, shared, sizeof shared, n->ck, n->handshake.k);
		n->handshake.n = 0;
	}
	sodium_memzero(shared, sizeof shared);
	return rc;
}

/* Noise 12.3: 32 zero bits, then the counter as 64 bits little-endian. */
static void nonce_of(uint64_t n, uint8_t out[crypto_aead_chacha20poly1305_ietf_NPUBBYTES])
{
	memset(out, 0, 4);
	for (size_t i = 0; i < 8; i++)
		out[4 + i] = (uint8_t)(n >> (8 * i));
}

static void cipher_seal(struct cipher *c, struct bytes ad, struct bytes plain, struct buf *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
	nonce_of(c->n++, nonce);
	uint8_t *to = buf_reserve(out, plain.n + NOISE_TAG);
	crypto_aead_chacha20poly1305_ietf_encrypt(
		to, NULL, plain.p, plain.n, ad.p, ad.n, NULL, nonce, c->k);
	out->n += plain.n + NOISE_TAG;
}

/* text.n >= NOISE_TAG. On failure nothing is appended and the counter stands. */
static bool cipher_open(struct cipher *c, struct bytes ad, struct bytes text, struct buf *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
	nonce_of(c->n, nonce);
	uint8_t *to = buf_reserve(out, text.n);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(
		    to, NULL, NULL, text.p, text.n, ad.p, ad.n, nonce, c->k) != 0)
		return false;
	c->n++;
	out->n += text.n - NOISE_TAG;
	return true;
}

/* EncryptAndHash: the ciphertext is what was appended. */
static void seal_and_hash(struct noise *n, struct bytes plain, struct buf *out)
{
	size_t start = out->n;
	cipher_seal(&n->handshake, bytes_of(n->h, HASH_BYTES), plain, out);
	mix_hash(n, out->p + start, out->n - start);
}

static int open_and_hash(struct noise *n, struct bytes text, struct buf *out, struct err *e)
{
	if (!cipher_open(&n->handshake, bytes_of(n->h, HASH_BYTES), text, out))
		return err_set(e, RC_PEER_HANDSHAKE,
			"a handshake message does not decrypt: other keys, another cluster, or "
			"damage on the way");
	mix_hash(n, text.p, text.n);
	return RC_OK;
}

static void split(struct noise *n)
{
	struct cipher *first = n->role == NOISE_INITIATOR ? &n->send : &n->receive;
	struct cipher *second = n->role == NOISE_INITIATOR ? &n->receive : &n->send;
	hkdf(n->ck, NULL, 0, first->k, second->k);
	sodium_memzero(&n->handshake, sizeof n->handshake);
	sodium_memzero(n->ck, sizeof n->ck);
	sodium_memzero(n->e, sizeof n->e);
}

struct noise *noise_new(enum noise_role role, struct bytes prologue, const struct key *static_key,
	const uint8_t *remote_static, const uint8_t ephemeral[32])
{
	ENSURE(static_key->purpose == KEY_NOISE && static_key->secret);
	ENSURE((role == NOISE_INITIATOR) == (remote_static != NULL));
	struct noise *n = secret_alloc(sizeof *n);
	n->role = role;
	n->step = STEP_MESSAGE_1;
	n->s = static_key;
	memcpy(n->e, ephemeral, DH_BYTES);
	ENSURE(crypto_scalarmult_base(n->e_public, n->e) == 0);
	if (remote_static)
		memcpy(n->rs, remote_static, DH_BYTES);
	memcpy(n->h, protocol_name, HASH_BYTES);
	memcpy(n->ck, n->h, HASH_BYTES);
	mix_hash(n, prologue.p, prologue.n);
	/* The pre-message of XK: the responder's static key. */
	mix_hash(n, role == NOISE_INITIATOR ? n->rs : n->s->public, DH_BYTES);
	return n;
}

void noise_free(struct noise *n)
{
	sodium_free(n);
}

static void put_ephemeral(struct noise *n, struct buf *out)
{
	buf_put(out, n->e_public, DH_BYTES);
	mix_hash(n, n->e_public, DH_BYTES);
}

static void take_ephemeral(struct noise *n, struct reader *r)
{
	memcpy(n->re, reader_take(r, DH_BYTES).p, DH_BYTES);
	mix_hash(n, n->re, DH_BYTES);
}

static int take_static(struct noise *n, struct reader *r, struct err *e)
{
	struct buf rs = {0};
	int rc = open_and_hash(n, reader_take(r, DH_BYTES + NOISE_TAG), &rs, e);
	if (rc == RC_OK)
		memcpy(n->rs, rs.p, DH_BYTES);
	buf_release(&rs);
	return rc;
}

/* What each message carries before its payload's tag. */
static size_t overhead(enum step s)
{
	return s == STEP_MESSAGE_3 ? NOISE_MSG3_OVERHEAD : s == STEP_READY ? NOISE_TAG : NOISE_MSG1;
}

static bool is_writers_turn(const struct noise *n)
{
	return n->step == STEP_READY || (n->role == NOISE_INITIATOR) == (n->step != STEP_MESSAGE_2);
}

static bool is_readers_turn(const struct noise *n)
{
	return n->step == STEP_READY || !is_writers_turn(n);
}

/* -> e, es   <- e, ee   -> s, se */
static int write_tokens(struct noise *n, struct buf *out, struct err *e)
{
	switch (n->step) {
	case STEP_MESSAGE_1: put_ephemeral(n, out); return mix_dh(n, n->e, n->rs, e);
	case STEP_MESSAGE_2: put_ephemeral(n, out); return mix_dh(n, n->e, n->re, e);
	case STEP_MESSAGE_3:
		seal_and_hash(n, bytes_of(n->s->public, DH_BYTES), out);
		return mix_dh(n, n->s->secret, n->re, e);
	case STEP_READY:
	case STEP_FAILED: break;
	}
	return err_set(e, RC_INTERNAL, "no handshake message is due");
}

static int read_tokens(struct noise *n, struct reader *r, struct err *e)
{
	switch (n->step) {
	case STEP_MESSAGE_1: take_ephemeral(n, r); return mix_dh(n, n->s->secret, n->re, e);
	case STEP_MESSAGE_2: take_ephemeral(n, r); return mix_dh(n, n->e, n->re, e);
	case STEP_MESSAGE_3: {
		int rc = take_static(n, r, e);
		return rc ? rc : mix_dh(n, n->e, n->rs, e);
	}
	case STEP_READY:
	case STEP_FAILED: break;
	}
	return err_set(e, RC_INTERNAL, "no handshake message is due");
}

static void step_on(struct noise *n)
{
	n->step++;
	if (n->step == STEP_READY)
		split(n);
}

int noise_write(struct noise *n, struct bytes payload, struct buf *out, struct err *e)
{
	if (n->step == STEP_FAILED)
		return err_set(e, RC_PEER_HANDSHAKE, "the session failed before");
	ENSURE(is_writers_turn(n));
	if (payload.n > NOISE_MESSAGE_MAX - overhead(n->step))
		return err_set(e, RC_TOO_BIG,
			"a message of %zu bytes is more than one of Noise holds", payload.n);
	if (n->step == STEP_READY) {
		cipher_seal(&n->send, bytes_of(NULL, 0), payload, out);
		return RC_OK;
	}
	size_t start = out->n;
	int rc = write_tokens(n, out, e);
	if (rc) {
		out->n = start;
		n->step = STEP_FAILED;
		return rc;
	}
	seal_and_hash(n, payload, out);
	step_on(n);
	return RC_OK;
}

static int read_message(struct noise *n, struct bytes message, struct buf *payload, struct err *e)
{
	if (!is_readers_turn(n))
		return err_set(e, RC_PEER_HANDSHAKE, "the peer spoke out of turn");
	if (message.n > NOISE_MESSAGE_MAX || message.n < overhead(n->step))
		return err_set(e, RC_PEER_HANDSHAKE, "a message of %zu bytes has a wrong length",
			message.n);
	if (n->step == STEP_READY) {
		if (!cipher_open(&n->receive, bytes_of(NULL, 0), message, payload))
			return err_set(e, RC_PEER_HANDSHAKE, "a message does not decrypt");
		return RC_OK;
	}
	struct reader r = reader_of(message);
	int rc = read_tokens(n, &r, e);
	if (rc == RC_OK)
		rc = open_and_hash(n, r.rest, payload, e);
	if (rc == RC_OK)
		step_on(n);
	return rc;
}

int noise_read(struct noise *n, struct bytes message, struct buf *payload, struct err *e)
{
	if (n->step == STEP_FAILED)
		return err_set(e, RC_PEER_HANDSHAKE, "the session failed before");
	int rc = read_message(n, message, payload, e);
	/* A state that took half a message is of no use to anybody but an attacker. */
	if (rc)
		n->step = STEP_FAILED;
	return rc;
}

bool noise_is_ready(const struct noise *n)
{
	return n->step == STEP_READY;
}

const uint8_t *noise_remote(const struct noise *n)
{
	return n->rs;
}

void noise_handshake_hash(const struct noise *n, struct hash *out)
{
	memcpy(out->b, n->h, HASH_BYTES);
}

uint64_t noise_messages(const struct noise *n)
{
	return n->send.n + n->receive.n;
}

void noise_prologue(const struct hash *cluster_id, uint8_t out[NOISE_PROLOGUE_BYTES])
{
	static const char label[] = "DELTAD/1"; /* with its NUL */
	_Static_assert(sizeof label + HASH_BYTES == NOISE_PROLOGUE_BYTES, "prologue");
	memcpy(out, label, sizeof label);
	memcpy(out + sizeof label, cluster_id->b, HASH_BYTES);
}
