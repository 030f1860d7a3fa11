#include "tests/unit/vector_file.h"

#include "proto/base/text.h"
#include "proto/trust/key.h"

static void assert_hash(const struct hash *h, const char *hex)
{
	char text[HASH_HEX_SIZE];
	hash_print(h, text);
	assert_string_equal(text, hex);
}

static void library_starts_and_starts_again(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(trust_init(&e), 0);
	assert_int_equal(trust_init(&e), 0);
	assert_int_equal(e.rc, 0);
}

static void sha256_gives_the_values_of_fips_180(void **state)
{
	(void)state;
	struct hash h;
	sha256(bytes_of(NULL, 0), &h);
	assert_hash(&h, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256(bytes_str("abc"), &h);
	assert_hash(&h, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256(bytes_str("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), &h);
	assert_hash(&h, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void sha256_of_parts_is_sha256_of_the_whole_wherever_it_is_cut(void **state)
{
	(void)state;
	uint8_t in[200];
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)i;
	struct hash whole, h;
	sha256(bytes_of(in, sizeof in), &whole);
	for (size_t cut = 0; cut <= sizeof in; cut++) {
		const struct bytes parts[] = {
			bytes_of(in, cut), bytes_of(NULL, 0), bytes_of(in + cut, sizeof in - cut)};
		sha256_multi(parts, 3, &h);
		assert_true(hash_equal(&h, &whole));
	}
	sha256_multi(NULL, 0, &h);
	sha256(bytes_of(NULL, 0), &whole);
	assert_true(hash_equal(&h, &whole));
}

static bool signature_holds(char *const field[])
{
	uint8_t pub[KEY_BYTES], msg[64], sig[SIGNATURE_BYTES];
	size_t n = strlen(field[1]) / 2;
	assert_true(hex_decode(bytes_str(field[0]), pub, sizeof pub));
	assert_true(n <= sizeof msg && hex_decode(bytes_str(field[1]), msg, n));
	assert_true(hex_decode(bytes_str(field[2]), sig, sizeof sig));
	return key_verify(pub, bytes_of(msg, n), sig);
}

/* The rule is cofactorless, with canonical S, A and R, and neither A nor R of small order: a
 * library that answers one of these lines otherwise would give other verdicts than the rest of the
 * nodes. */
static void ed25519_rule_is_the_one_all_nodes_share(void **state)
{
	(void)state;
	struct vector_counts c = vector_file_check("tests/vectors/ed25519.txt", 3, signature_holds);
	assert_true(c.ok >= 10);
	assert_true(c.bad >= 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(library_starts_and_starts_again),
		cmocka_unit_test(sha256_gives_the_values_of_fips_180),
		cmocka_unit_test(sha256_of_parts_is_sha256_of_the_whole_wherever_it_is_cut),
		cmocka_unit_test(ed25519_rule_is_the_one_all_nodes_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
