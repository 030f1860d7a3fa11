#include "tests/unit/golden.h"

#include <stdlib.h>

#include "proto/base/limits.h"
#include "proto/base/text.h"
#include "proto/trust/checkpoint.h"

#define ROOT "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="
#define TEXT GOLDEN_ORIGIN "\n8\n" ROOT "\n"

static int start(void **state)
{
	(void)state;
	struct err e = {0};
	return trust_init(&e);
}

static struct hash golden_root(void)
{
	struct hash root;
	assert_int_equal(base64_decode(bytes_str(ROOT), root.b, HASH_BYTES), HASH_BYTES);
	return root;
}

static void checkpoint_of_the_golden_log_prints_and_parses(void **state)
{
	(void)state;
	struct hash root = golden_root();
	struct buf b = {0};
	struct checkpoint c;
	struct err e = {0};
	checkpoint_print(GOLDEN_ORIGIN, GOLDEN_SIZE, &root, &b);
	assert_true(bytes_equal(buf_bytes(&b), bytes_str(TEXT)));
	assert_int_equal(checkpoint_parse(buf_bytes(&b), &c, &e), 0);
	assert_true(bytes_equal(c.origin, bytes_str(GOLDEN_ORIGIN)));
	assert_int_equal(c.size, GOLDEN_SIZE);
	assert_true(hash_equal(&c.root, &root));
	buf_release(&b);
}

static void checkpoint_signed_with_the_test_key_is_the_golden_one(void **state)
{
	(void)state;
	struct hash root = golden_root();
	struct buf golden = {0}, made = {0};
	struct key k;
	golden_key(&k, 1);
	golden_note(&golden);
	buf_put_str(&made, "before");
	checkpoint_sign(GOLDEN_ORIGIN, GOLDEN_SIZE, &root, &k, &made);
	buf_consume(&made, strlen("before"));
	assert_true(made.n < golden.n);
	assert_memory_equal(made.p, golden.p, made.n);
	assert_int_equal(golden.p[made.n], 0xe2);
	key_release(&k);
	buf_release(&made);
	buf_release(&golden);
}

static void golden_checkpoint_verifies_with_its_log_key_and_no_other(void **state)
{
	(void)state;
	struct buf note = {0};
	struct checkpoint c = {.size = 77};
	struct hash root = golden_root();
	golden_note(&note);
	for (uint8_t seed = 1; seed <= 5; seed++) {
		struct err e = {0};
		struct key k;
		golden_key(&k, seed);
		int rc = checkpoint_verify(buf_bytes(&note), k.public, &c, &e);
		assert_int_equal(rc, seed == 1 ? 0 : RC_VERIFY);
		assert_int_equal(e.rc, rc);
		assert_int_equal(c.size, GOLDEN_SIZE);
		assert_true(hash_equal(&c.root, &root));
		key_release(&k);
	}
	buf_release(&note);
}

static void assert_refused(struct bytes text)
{
	struct checkpoint c = {.size = 77};
	struct err e = {0};
	if (checkpoint_parse(text, &c, &e) != RC_NOTE)
		fail_msg("not refused: %.*s", (int)text.n, (const char *)text.p);
	assert_int_equal(e.rc, RC_NOTE);
	assert_int_equal(c.size, 77);
}

static void text_of_another_form_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "\n", "\n\n\n", "o\n8\n" ROOT, "o\n8\n\n",
		"o\n\n" ROOT "\n", "\n8\n" ROOT "\n", "8\n" ROOT "\n", "o\n8\n" ROOT "\n\n",
		"o\n8\n" ROOT "\nextension\n", "o\n8\n" ROOT "\n" ROOT "\n",
		"o\r\n8\r\n" ROOT "\r\n", "o\n8\n" ROOT "\r\n", "o\n8 \n" ROOT "\n",
		"\no\n8\n" ROOT "\n", "o\n" ROOT "\n8\n"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_refused(bytes_str(bad[i]));
	struct bytes whole = bytes_str(TEXT);
	for (size_t n = 0; n < whole.n; n++)
		assert_refused(bytes_of(whole.p, n));
}

static void assert_size_refused(const char *size)
{
	char text[200];
	snprintf(text, sizeof text, "o\n%s\n" ROOT "\n", size);
	assert_refused(bytes_str(text));
}

static void size_that_is_not_a_plain_decimal_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"08", "00", "+8", "-8", "-0", " 8", "8 ", "8.0", "8e0",
		"0x8", "1_0", "1,000", "\xd9\xa8", "18446744073709551615", "18446744073709551616",
		"18446744073709551624", "99999999999999999999999999999999999999"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_size_refused(bad[i]);
}

static void size_is_at_most_the_limit_of_a_log(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {0, 1, LIMIT_LOG_SIZE - 1, LIMIT_LOG_SIZE};
	struct hash root = golden_root();
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct buf b = {0};
		struct checkpoint c;
		struct err e = {0};
		checkpoint_print("o", sizes[i], &root, &b);
		assert_int_equal(checkpoint_parse(buf_bytes(&b), &c, &e), 0);
		assert_int_equal(c.size, sizes[i]);
		buf_release(&b);
	}
	assert_size_refused("1099511627777");
}

static void root_that_is_not_canonical_base64_of_32_bytes_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyh=", /* the same bytes, loose bits set */
		"XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg",
		"XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg==",
		"XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz-Nw7_RgQyg=",
		"XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQw==",
		"XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyin",
		" XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=",
		"XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg= ",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
	char text[200];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, "o\n8\n%s\n", bad[i]);
		assert_refused(bytes_str(text));
	}
}

static void origin_that_cannot_name_a_key_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"a b", "a+b", "a\xc2\xa0z", "a\xe3\x80\x80", "a\tb",
		"a\xff", "a\xe2\x80\xae", "a\x7f"};
	char text[300], origin[NOTE_NAME_SIZE + 1];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, "%s\n8\n" ROOT "\n", bad[i]);
		assert_refused(bytes_str(text));
	}
	for (size_t n = NOTE_NAME_SIZE - 2; n <= NOTE_NAME_SIZE; n++) {
		struct checkpoint c;
		struct err e = {0};
		memset(origin, 'o', n);
		origin[n] = '\0';
		snprintf(text, sizeof text, "%s\n8\n" ROOT "\n", origin);
		assert_int_equal(checkpoint_parse(bytes_str(text), &c, &e),
			n < NOTE_NAME_SIZE ? 0 : RC_NOTE);
	}
}

/* Signs any text under any name with the golden log key, well-formed checkpoint or not. */
static int verify_signed(const char *text, const char *name, uint8_t seed)
{
	struct key k;
	struct vkey v;
	struct err e = {0};
	struct buf note = {0};
	struct checkpoint c;
	golden_key(&k, seed);
	assert_int_equal(vkey_make(&v, name, NOTE_ED25519, k.public, &e), 0);
	buf_put_str(&note, text);
	buf_put_str(&note, "\n");
	note_put_signature(&note, &v, &k, bytes_str(text));
	key_release(&k);
	golden_key(&k, 1);
	int rc = checkpoint_verify(buf_bytes(&note), k.public, &c, &e);
	key_release(&k);
	buf_release(&note);
	return rc;
}

static void only_a_signature_under_the_origin_s_own_name_counts(void **state)
{
	(void)state;
	assert_int_equal(verify_signed(TEXT, GOLDEN_ORIGIN, 1), 0);
	assert_int_equal(verify_signed(TEXT, "yrd.example/log/shanghai/e2", 1), RC_VERIFY);
	assert_int_equal(verify_signed(TEXT, GOLDEN_ORIGIN, 2), RC_VERIFY);
	assert_int_equal(verify_signed("other\n8\n" ROOT "\n", GOLDEN_ORIGIN, 1), RC_VERIFY);
}

static void signed_text_that_is_no_checkpoint_is_refused(void **state)
{
	(void)state;
	assert_int_equal(verify_signed("deltad-roster\n", "deltad-roster", 1), RC_NOTE);
	assert_int_equal(verify_signed("o\n08\n" ROOT "\n", "o", 1), RC_NOTE);
	assert_int_equal(verify_signed("o\n8\n" ROOT "\nmore\n", "o", 1), RC_NOTE);
}

static void log_key_s_cosignature_does_not_pass_for_its_signature(void **state)
{
	(void)state;
	struct key k;
	struct vkey v;
	struct err e = {0};
	struct buf note = {0};
	struct checkpoint c;
	golden_key(&k, 1);
	assert_int_equal(vkey_make(&v, GOLDEN_ORIGIN, NOTE_COSIGNATURE, k.public, &e), 0);
	buf_put_str(&note, TEXT "\n");
	note_put_cosignature(&note, &v, &k, bytes_str(TEXT), GOLDEN_TIME);
	assert_int_equal(checkpoint_verify(buf_bytes(&note), k.public, &c, &e), RC_VERIFY);
	key_release(&k);
	buf_release(&note);
}

static void every_flipped_bit_of_a_signed_checkpoint_is_refused(void **state)
{
	(void)state;
	struct hash root = golden_root();
	struct buf note = {0};
	struct key k;
	golden_key(&k, 1);
	checkpoint_sign(GOLDEN_ORIGIN, GOLDEN_SIZE, &root, &k, &note);
	for (size_t i = 0; i < 8 * note.n; i++) {
		struct checkpoint c = {.size = 77};
		struct err e = {0};
		note.p[i / 8] ^= (uint8_t)(1U << i % 8);
		int rc = checkpoint_verify(buf_bytes(&note), k.public, &c, &e);
		note.p[i / 8] ^= (uint8_t)(1U << i % 8);
		assert_true(rc == RC_NOTE || rc == RC_VERIFY);
		assert_int_equal(c.size, 77);
	}
	key_release(&k);
	buf_release(&note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checkpoint_of_the_golden_log_prints_and_parses),
		cmocka_unit_test(checkpoint_signed_with_the_test_key_is_the_golden_one),
		cmocka_unit_test(golden_checkpoint_verifies_with_its_log_key_and_no_other),
		cmocka_unit_test(text_of_another_form_is_refused),
		cmocka_unit_test(size_that_is_not_a_plain_decimal_is_refused),
		cmocka_unit_test(size_is_at_most_the_limit_of_a_log),
		cmocka_unit_test(root_that_is_not_canonical_base64_of_32_bytes_is_refused),
		cmocka_unit_test(origin_that_cannot_name_a_key_is_refused),
		cmocka_unit_test(only_a_signature_under_the_origin_s_own_name_counts),
		cmocka_unit_test(signed_text_that_is_no_checkpoint_is_refused),
		cmocka_unit_test(log_key_s_cosignature_does_not_pass_for_its_signature),
		cmocka_unit_test(every_flipped_bit_of_a_signed_checkpoint_is_refused),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
