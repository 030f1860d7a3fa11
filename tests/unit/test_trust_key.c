#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "proto/base/text.h"
#include "proto/trust/key.h"

#define N_PURPOSES 5

static const enum key_purpose purposes[N_PURPOSES] = {
	KEY_ROOT, KEY_LOG, KEY_COSIGN, KEY_NOISE, KEY_OPERATOR};

static void from_hex(const char *hex, uint8_t *out, size_t n)
{
	assert_true(hex_decode(bytes_str(hex), out, n));
}

/* RFC 8032 7.1, TEST 1 to 3. */
static const struct {
	const char *seed, *public, *message, *signature;
} rfc8032[] = {
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
		"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
	{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
		"18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

static void signatures_are_those_of_rfc_8032(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rfc8032 / sizeof *rfc8032; i++) {
		uint8_t seed[32], public[32], message[2], want[64], sig[64];
		size_t n = strlen(rfc8032[i].message) / 2;
		from_hex(rfc8032[i].seed, seed, 32);
		from_hex(rfc8032[i].public, public, 32);
		from_hex(rfc8032[i].message, message, n);
		from_hex(rfc8032[i].signature, want, 64);
		struct key k;
		key_from_seed(&k, KEY_LOG, "jiangsu", NULL, seed);
		assert_memory_equal(k.public, public, 32);
		key_sign(&k, bytes_of(message, n), sig);
		assert_memory_equal(sig, want, 64);
		assert_true(key_verify(public, bytes_of(message, n), sig));
		key_release(&k);
	}
}

/* RFC 7748 6.1. */
static const char *const rfc7748[][2] = {
	{"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
		"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
	{"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
		"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"},
};

static void noise_keys_are_those_of_rfc_7748(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t seed[32], public[32];
		struct key k;
		from_hex(rfc7748[i][0], seed, 32);
		from_hex(rfc7748[i][1], public, 32);
		key_from_seed(&k, KEY_NOISE, "jiangsu", NULL, seed);
		assert_memory_equal(k.public, public, 32);
		assert_memory_equal(k.secret, seed, 32);
		key_release(&k);
	}
}

static void key_knows_whose_it_is(void **state)
{
	(void)state;
	static const uint8_t seed[32] = {7};
	struct key k;
	key_from_seed(&k, KEY_OPERATOR, "jiangsu", "王伟", seed);
	assert_int_equal(k.purpose, KEY_OPERATOR);
	assert_string_equal(k.member, "jiangsu");
	assert_string_equal(k.name, "王伟");
	key_release(&k);
	assert_null(k.secret);
	assert_int_equal(k.purpose, 0);
	key_release(&k);
	key_from_seed(&k, KEY_LOG, "jiangsu", NULL, seed);
	assert_string_equal(k.name, "");
	key_release(&k);
}

static void generated_keys_differ_and_sign(void **state)
{
	(void)state;
	struct key a, b;
	uint8_t sig[SIGNATURE_BYTES];
	key_generate(&a, KEY_LOG, "jiangsu", NULL);
	key_generate(&b, KEY_LOG, "jiangsu", NULL);
	assert_memory_not_equal(a.public, b.public, KEY_BYTES);
	key_sign(&a, bytes_str("hello"), sig);
	assert_true(key_verify(a.public, bytes_str("hello"), sig));
	assert_false(key_verify(b.public, bytes_str("hello"), sig));
	key_release(&a);
	key_release(&b);
}

static void every_flipped_bit_breaks_a_signature(void **state)
{
	(void)state;
	static const uint8_t seed[32] = {3};
	uint8_t message[8] = "message", sig[SIGNATURE_BYTES], public[KEY_BYTES];
	struct key k;
	key_from_seed(&k, KEY_ROOT, "jiangsu", NULL, seed);
	memcpy(public, k.public, KEY_BYTES);
	key_sign(&k, bytes_of(message, 8), sig);
	struct {
		uint8_t *p;
		size_t n;
	} parts[] = {{message, 8}, {sig, sizeof sig}, {public, sizeof public}};
	for (size_t i = 0; i < 3; i++) {
		for (size_t bit = 0; bit < 8 * parts[i].n; bit++) {
			uint8_t mask = (uint8_t)(1U << (bit % 8));
			parts[i].p[bit / 8] ^= mask;
			assert_false(key_verify(public, bytes_of(message, 8), sig));
			parts[i].p[bit / 8] ^= mask;
		}
	}
	assert_true(key_verify(public, bytes_of(message, 8), sig));
	assert_false(key_verify(public, bytes_of(message, 7), sig));
	key_release(&k);
}

/* The same signature with S + L in the place of S says the same to a careless verifier. */
static void second_form_of_a_signature_is_refused(void **state)
{
	(void)state;
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6,
		0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	static const uint8_t seed[32] = {3};
	uint8_t sig[SIGNATURE_BYTES];
	struct key k;
	key_from_seed(&k, KEY_ROOT, "jiangsu", NULL, seed);
	key_sign(&k, bytes_str("message"), sig);
	sodium_add(sig + 32, order, 32);
	assert_false(key_verify(k.public, bytes_str("message"), sig));
	key_release(&k);
}

static void purposes_are_named_and_found_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_PURPOSES; i++)
		assert_int_equal(
			key_purpose_named(bytes_str(key_purpose_name(purposes[i]))), purposes[i]);
	assert_string_equal(key_purpose_name(KEY_COSIGN), "cosign");
	static const char *const none[] = {"", "Root", "root ", "roo", "witness"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_int_equal(key_purpose_named(bytes_str(none[i])), 0);
}

static void fingerprint_is_four_groups_of_the_hash(void **state)
{
	(void)state;
	uint8_t public[KEY_BYTES] = {0};
	char got[KEY_FINGERPRINT_SIZE];
	/* SHA-256 of 32 zero bytes is 66687aadf862bd77… */
	key_fingerprint(public, got);
	assert_string_equal(got, "6668-7aad-f862-bd77");
}

static const char *const ed25519_small[] = {
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	/* not canonical */
	"0100000000000000000000000000000000000000000000000000000000000080",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

static void ed25519_key_outside_the_main_group_may_not_be_enrolled(void **state)
{
	(void)state;
	static const uint8_t seed[32] = {5};
	struct key k;
	key_from_seed(&k, KEY_OPERATOR, "jiangsu", "王伟", seed);
	for (size_t i = 0; i < sizeof ed25519_small / sizeof *ed25519_small; i++) {
		uint8_t point[KEY_BYTES], mixed[KEY_BYTES];
		from_hex(ed25519_small[i], point, KEY_BYTES);
		assert_false(key_is_enrollable(KEY_OPERATOR, point));
		assert_false(key_is_enrollable(KEY_ROOT, point));
		/* The four of order 4 and 8, added to a good key: of mixed order. */
		if (i >= 4 && i < 8) {
			assert_int_equal(crypto_core_ed25519_add(mixed, k.public, point), 0);
			assert_false(key_is_enrollable(KEY_OPERATOR, mixed));
		}
	}
	for (size_t i = 0; i < N_PURPOSES; i++) {
		if (purposes[i] != KEY_NOISE)
			assert_true(key_is_enrollable(purposes[i], k.public));
	}
	key_release(&k);
}

static const char *const x25519_small[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void noise_key_of_small_order_may_not_be_enrolled(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof x25519_small / sizeof *x25519_small; i++) {
		uint8_t point[KEY_BYTES];
		from_hex(x25519_small[i], point, KEY_BYTES);
		assert_false(key_is_enrollable(KEY_NOISE, point));
		point[31] |= 0x80;
		assert_false(key_is_enrollable(KEY_NOISE, point));
	}
}

static void noise_key_in_a_second_spelling_may_not_be_enrolled(void **state)
{
	(void)state;
	static const uint8_t seed[32] = {5};
	struct key k;
	key_from_seed(&k, KEY_NOISE, "jiangsu", NULL, seed);
	assert_true(key_is_enrollable(KEY_NOISE, k.public));
	k.public[31] |= 0x80;
	assert_false(key_is_enrollable(KEY_NOISE, k.public));
	key_release(&k);

	/* 9, and 9 + p */
	uint8_t nine[KEY_BYTES] = {9}, again[KEY_BYTES];
	memset(again, 0xff, sizeof again);
	again[0] = 0xf6;
	again[31] = 0x7f;
	assert_true(key_is_enrollable(KEY_NOISE, nine));
	assert_false(key_is_enrollable(KEY_NOISE, again));
}

static int set_up(void **state)
{
	(void)state;
	return trust_init(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_those_of_rfc_8032),
		cmocka_unit_test(noise_keys_are_those_of_rfc_7748),
		cmocka_unit_test(key_knows_whose_it_is),
		cmocka_unit_test(generated_keys_differ_and_sign),
		cmocka_unit_test(every_flipped_bit_breaks_a_signature),
		cmocka_unit_test(second_form_of_a_signature_is_refused),
		cmocka_unit_test(purposes_are_named_and_found_by_name),
		cmocka_unit_test(fingerprint_is_four_groups_of_the_hash),
		cmocka_unit_test(ed25519_key_outside_the_main_group_may_not_be_enrolled),
		cmocka_unit_test(noise_key_of_small_order_may_not_be_enrolled),
		cmocka_unit_test(noise_key_in_a_second_spelling_may_not_be_enrolled),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
