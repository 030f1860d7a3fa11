/* Signed notes: a text and signature lines under it. Floor 2. Source: C2SP signed-note;
 * PROTOCOL 3.2, 5. */
#ifndef DELTAD_TRUST_NOTE_H
#define DELTAD_TRUST_NOTE_H

#include "proto/trust/key.h"

#define NOTE_SIGNATURES_MAX 64
enum note_algorithm { NOTE_ED25519 = 0x01, NOTE_COSIGNATURE = 0x04 };

/* A verifier key: name "+" hex(key id) "+" base64(algorithm || public key). */
#define NOTE_NAME_SIZE 128
struct vkey {
	char name[NOTE_NAME_SIZE];
	uint8_t algorithm;
	uint32_t id; /* first 4 bytes, big-endian, of SHA-256(name LF algorithm public) */
	uint8_t public[KEY_BYTES];
};

/* May this name a key? Non-empty clean text (text_is_clean) without any Unicode space or '+', with
 * room in NOTE_NAME_SIZE. */
bool note_name_is_valid(struct bytes name) MUST_CHECK;

/* RC_NOTE: a bad name, an algorithm that is not of note_algorithm, upper-case or wrong id, or
 * base64 that is not canonical. Whether the key may be enrolled is not asked. */
int vkey_parse(struct bytes s, struct vkey *out, struct err *e) MUST_CHECK;
int vkey_make(struct vkey *out, const char *name, uint8_t algorithm, const uint8_t pub[KEY_BYTES],
	struct err *e) MUST_CHECK;
void vkey_print(const struct vkey *v, struct buf *out);

struct note_signature {
	struct bytes name;
	uint32_t id;
	uint8_t raw[80];   /* after the id: 64 bytes (0x01) or 8 of time + 64 (0x04) */
	size_t n_raw;	   /* 0: longer than raw, so of no algorithm of ours */
	struct bytes line; /* the whole line with its LF, as received */
};

struct note {
	struct bytes text; /* with its final LF; what is signed */
	size_t n;
	struct note_signature sig[NOTE_SIGNATURES_MAX];
};

/* RC_NOTE on anything that is not a signed note of at most LIMIT_SIGNED_NOTE_BYTES with 1..64
 * signatures, in UTF-8 without control or bidi characters (stricter than C2SP, which forbids only
 * ASCII controls). A key may have signed several times. Borrows in. */
int note_parse(struct bytes in, struct note *out, struct err *e) MUST_CHECK;
/* Is there a signature by this key, and does every one that claims name and id verify? Lines of
 * other keys are not looked at. For NOTE_COSIGNATURE the message is "cosignature/v1 LF time N LF"
 * || text, and *time (may be NULL; untouched on false) gets the largest N, seconds since 1970; 0 is
 * none. */
bool note_is_signed_by(const struct note *n, const struct vkey *v, uint64_t *time) MUST_CHECK;

/* Appends the signature line for text: "— name base64(id || raw) LF". v is k's own; text may lie in
 * out. Between text and the first line belongs an empty line, which is the caller's. time is in
 * seconds since 1970, below 2^63. */
void note_put_signature(
	struct buf *out, const struct vkey *v, const struct key *k, struct bytes text);
void note_put_cosignature(struct buf *out, const struct vkey *v, const struct key *k,
	struct bytes text, uint64_t time);

#endif
