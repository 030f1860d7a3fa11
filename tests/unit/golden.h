/* The golden values of PROTOCOL 11: test keys of 32 repeated bytes, and the note they signed. */
#ifndef DELTAD_TESTS_GOLDEN_H
#define DELTAD_TESTS_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/trust/note.h"

#define GOLDEN_ORIGIN "yrd.example/log/shanghai/e1"
#define GOLDEN_SIZE 8
#define GOLDEN_TIME 1793577600

struct golden_signer {
	const char *name, *vkey;
	uint8_t algorithm, seed;
};

#define GOLDEN_SIGNERS 4
static const struct golden_signer golden_signers[GOLDEN_SIGNERS] = {
	{GOLDEN_ORIGIN,
		"yrd.example/log/shanghai/e1+5a45a7cd+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
		NOTE_ED25519, 1},
	{"yrd.example/witness/jiangsu",
		"yrd.example/witness/jiangsu+e2aa7894+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU",
		NOTE_COSIGNATURE, 2},
	{"yrd.example/witness/zhejiang",
		"yrd.example/witness/"
		"zhejiang+027f8b0b+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR",
		NOTE_COSIGNATURE, 3},
	{"yrd.example/witness/anhui",
		"yrd.example/witness/anhui+aae4b1af+BMqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58",
		NOTE_COSIGNATURE, 4},
};

static inline void golden_key(struct key *k, uint8_t seed)
{
	uint8_t bytes[32];
	memset(bytes, seed, sizeof bytes);
	key_from_seed(k, seed == 1 ? KEY_LOG : KEY_COSIGN, "shanghai", "", bytes);
}

static inline struct vkey golden_vkey(size_t signer)
{
	struct vkey v;
	struct err e = {0};
	assert_int_equal(vkey_parse(bytes_str(golden_signers[signer].vkey), &v, &e), 0);
	return v;
}

/* Appends the checkpoint with its four signatures: what follows the first empty line of the proof.
 */
static inline void golden_note(struct buf *out)
{
	char text[4096];
	FILE *file = fopen("tests/vectors/golden.tlog-proof", "r");
	assert_non_null(file);
	size_t n = fread(text, 1, sizeof text - 1, file);
	assert_int_equal(fclose(file), 0);
	text[n] = '\0';
	const char *blank = strstr(text, "\n\n");
	assert_non_null(blank);
	buf_put_str(out, blank + 2);
}

/* Adds the order of the group to the second half of a signature: the same S to a verifier that
 * reduces it. */
static inline void golden_add_order(uint8_t sig[SIGNATURE_BYTES])
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6,
		0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	unsigned carry = 0;
	for (size_t i = 0; i < sizeof order; i++) {
		carry += (unsigned)sig[32 + i] + order[i];
		sig[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
}

#endif
