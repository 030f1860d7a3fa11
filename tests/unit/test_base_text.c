#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proto/base/text.h"

static bool is_clean(const char *s)
{
	return text_is_clean(bytes_str(s), false);
}

static void plain_and_chinese_text_is_clean(void **state)
{
	(void)state;
	assert_true(text_is_clean((struct bytes){0}, false));
	assert_true(is_clean("plan 3-05, 100 %"));
	assert_true(is_clean("长三角科技创新，跨区域协同（一）"));
	assert_true(is_clean("\u00a0 \u07ff \uffff"));
}

/* H37: 4-byte planes. */
static void characters_of_all_planes_are_clean(void **state)
{
	(void)state;
	assert_true(is_clean("\U00010000\U00020000\U0001F600\U0010FFFF"));
	assert_true(is_clean("\u0800\u0fff\u1000\U0003FFFF\U00040000"));
	assert_true(is_clean("\xed\x9f\xbf\xee\x80\x80")); /* beside the surrogates */
}

/* H37: invalid UTF-8. */
static void malformed_utf8_is_refused(void **state)
{
	(void)state;
	const char *const bad[] = {
		"\x80",
		"\xbf",
		"a\x80",
		"\xc2",
		"\xe4\xb8",
		"\xf0\xa0\x80", /* cut or stray */
		"\xc2z",
		"\xe4\xb8z",
		"\xf0\xa0\x80z", /* no continuation */
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf", /* overlong */
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", /* beyond U+10FFFF */
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
		"\xc2\xc2\x80",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(is_clean(bad[i]));
}

/* No byte after the end of the range is looked at: there may be none. */
static void a_character_cut_by_the_end_is_refused(void **state)
{
	(void)state;
	const char *const whole[] = {"é", "江", "𠀀"};
	for (size_t i = 0; i < 3; i++) {
		for (size_t n = 1; n < strlen(whole[i]); n++) {
			uint8_t *part = xmemdup(whole[i], n);
			assert_false(text_is_clean(bytes_of(part, n), false));
			free(part);
		}
	}
}

/* H37: lone surrogates, and a pair of them. */
static void surrogates_are_refused(void **state)
{
	(void)state;
	assert_false(is_clean("\xed\xa0\x80"));
	assert_false(is_clean("\xed\xbf\xbf"));
	assert_false(is_clean("\xed\xa0\xbd\xed\xb8\x80"));
}

/* H37: NUL. */
static void nul_and_control_characters_are_refused(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 0x20; c++) {
		uint8_t s[3] = {'a', (uint8_t)c, 'b'};
		assert_false(text_is_clean(bytes_of(s, 3), false));
		assert_int_equal(text_is_clean(bytes_of(s, 3), true), c == '\n');
	}
	assert_false(is_clean("\x7f"));
	for (unsigned c = 0x80; c < 0xa0; c++) {
		uint8_t s[2] = {0xc2, (uint8_t)c};
		assert_false(text_is_clean(bytes_of(s, 2), true));
	}
}

/* H37: U+202E and its kind. */
static void bidi_controls_are_refused(void **state)
{
	(void)state;
	const char *const bad[] = {"\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c",
		"\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(is_clean(bad[i]));
	const char *const beside[] = {
		"\u061b", "\u061d", "\u200d", "\u2010", "\u2029", "\u202f", "\u2065", "\u206a"};
	for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++)
		assert_true(is_clean(beside[i]));
}

/* H37: combining flood. */
static void eight_combining_marks_in_a_row_are_clean_and_nine_are_not(void **state)
{
	(void)state;
	const char *const mark[] = {"\u0300", "\u036f", "\u1ab0", "\u1aff", "\u1dc0", "\u1dff",
		"\u20d0", "\u20ff", "\ufe20", "\ufe2f"};
	for (size_t m = 0; m < sizeof mark / sizeof mark[0]; m++) {
		struct buf b = {0};
		buf_put_str(&b, "a");
		for (unsigned i = 1; i <= 9; i++) {
			buf_put_str(&b, mark[m]);
			assert_int_equal(text_is_clean(buf_bytes(&b), false), i <= 8);
		}
		buf_release(&b);
	}
	struct buf b = {0};
	for (unsigned i = 0; i < 100; i++)
		buf_put_str(&b, "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301");
	assert_true(text_is_clean(buf_bytes(&b), false));
	buf_release(&b);
}

static void length_counts_code_points(void **state)
{
	(void)state;
	assert_int_equal(text_length((struct bytes){0}), 0);
	assert_int_equal(text_length(bytes_str("abc")), 3);
	assert_int_equal(text_length(bytes_str("江苏é𠀀")), 4);
}

static void escaping_leaves_clean_text_and_disarms_the_rest(void **state)
{
	(void)state;
	struct buf b = {0};
	const char in[] = "江苏\n\x1b[31m\xff\xc2\x9b\u202e\\x";
	text_put_escaped(&b, bytes_str(in));
	const char want[] = "江苏\\x0a\\x1b[31m\\xff\\xc2\\x9b\\xe2\\x80\\xae\\x";
	assert_true(bytes_equal(buf_bytes(&b), bytes_str(want)));
	buf_reset(&b);
	text_put_escaped(&b, bytes_of("a\0b\xe4\xb8", 5));
	assert_true(bytes_equal(buf_bytes(&b), bytes_str("a\\x00b\\xe4\\xb8")));
	buf_release(&b);
}

/* Any bytes at all come out as something that can be shown. */
static void escaped_text_is_always_clean(void **state)
{
	(void)state;
	uint32_t seed = 1;
	for (unsigned round = 0; round < 2000; round++) {
		uint8_t in[64];
		for (size_t i = 0; i < sizeof in; i++) {
			seed = seed * 1664525 + 1013904223;
			in[i] = (uint8_t)(seed >> 24);
		}
		struct buf b = {0};
		text_put_escaped(&b, bytes_of(in, sizeof in));
		assert_true(text_is_clean(buf_bytes(&b), false));
		buf_release(&b);
	}
}

static void hex_goes_there_and_back(void **state)
{
	(void)state;
	uint8_t in[256], out[256];
	char text[513];
	for (unsigned i = 0; i < 256; i++)
		in[i] = (uint8_t)i;
	hex_encode(in, 256, text);
	assert_memory_equal(text, "000102", 6);
	assert_true(hex_decode(bytes_str(text), out, 256));
	assert_memory_equal(in, out, 256);
	hex_encode(in, 0, text);
	assert_string_equal(text, "");
	assert_true(hex_decode(bytes_str(""), out, 0));
}

static void hex_of_another_length_or_alphabet_is_refused(void **state)
{
	(void)state;
	uint8_t out[2];
	const char *const bad[] = {"", "abc", "abcde", "abcdef", "ABCD", "abcg", "ab c", "0xab",
		"ab:d", "ab`d", "ab/d"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(hex_decode(bytes_str(bad[i]), out, 2));
}

/* RFC 4648, section 10. */
static const struct {
	const char *plain, *coded;
} base64_vector[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
};

static void base64_matches_the_vectors_of_its_rfc(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof base64_vector / sizeof base64_vector[0]; i++) {
		struct bytes plain = bytes_str(base64_vector[i].plain);
		struct buf b = {0};
		uint8_t out[8];
		base64_encode(&b, plain.p, plain.n);
		assert_true(bytes_equal(buf_bytes(&b), bytes_str(base64_vector[i].coded)));
		assert_int_equal(base64_decode(buf_bytes(&b), out, sizeof out), plain.n);
		assert_memory_equal(out, plain.p, plain.n);
		buf_release(&b);
	}
}

static void base64_of_every_byte_goes_there_and_back(void **state)
{
	(void)state;
	uint8_t in[256], out[256];
	for (unsigned i = 0; i < 256; i++)
		in[i] = (uint8_t)(i * 167);
	for (size_t n = 0; n <= 256; n++) {
		struct buf b = {0};
		base64_encode(&b, in, n);
		assert_int_equal(b.n, BASE64_LEN(n));
		assert_int_equal(base64_decode(buf_bytes(&b), out, n), n);
		assert_memory_equal(in, out, n);
		if (n)
			assert_int_equal(base64_decode(buf_bytes(&b), out, n - 1), -1);
		buf_release(&b);
	}
}

static void base64_that_is_not_canonical_is_refused(void **state)
{
	(void)state;
	const char *const bad[] = {
		"Zh==", "Zv==", "Zm9=", "Zm+=", /* bits that would be lost */
		"Zg", "Zg=", "Zm8", "Z", "Z===", "====", "=", "Zg==Zg==", "Zm8=Zm9v", /* padding */
		" Zg==", "Zg== ", "Zg==\n", "Zm\n9", "Zm 9v", "Zm9v\n", /* white space */
		"Zm-_", "Zm9!", "Zm9\x7f", "Zm9\xff", "Z=8=",		/* alphabet */
	};
	uint8_t out[16];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(base64_decode(bytes_str(bad[i]), out, sizeof out), -1);
}

static void decimal_numbers_have_one_form(void **state)
{
	(void)state;
	uint64_t v;
	assert_true(decimal_parse(bytes_str("0"), 9, &v) && v == 0);
	assert_true(decimal_parse(bytes_str("42"), 100, &v) && v == 42);
	const char *const bad[] = {"", "00", "01", "-1", "+1", " 1", "1 ", "1a", "0x1", "1.0"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(decimal_parse(bytes_str(bad[i]), UINT64_MAX, &v));
}

static void decimal_numbers_end_at_their_maximum(void **state)
{
	(void)state;
	uint64_t v = 7;
	assert_true(decimal_parse(bytes_str("98"), 99, &v) && v == 98);
	assert_true(decimal_parse(bytes_str("99"), 99, &v) && v == 99);
	assert_false(decimal_parse(bytes_str("100"), 99, &v));
	assert_true(v == 99);
	assert_true(decimal_parse(bytes_str("18446744073709551615"), UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_false(decimal_parse(bytes_str("18446744073709551616"), UINT64_MAX, &v));
	assert_false(decimal_parse(bytes_str("99999999999999999999"), UINT64_MAX, &v));
	assert_false(decimal_parse(bytes_str("184467440737095516150"), UINT64_MAX, &v));
}

static void printing_into_an_array_always_ends_it(void **state)
{
	(void)state;
	char out[8];
	text_print(out, sizeof out, "%s", "1234567");
	assert_string_equal(out, "1234567");
	text_print(out, sizeof out, "%s", "12345678");
	assert_string_equal(out, "1234567");
	text_print(out, 3, "%s", "江");
	assert_string_equal(out, "");
	text_print(out, 1, "%d", 12);
	assert_string_equal(out, "");
}

/* The cut may fall on each byte of a character; what is left must still be UTF-8, and the longest.
 */
static void printing_cuts_before_a_character(void **state)
{
	(void)state;
	const char *const character[] = {"a", "é", "\u0800", "𠀀"};
	for (size_t width = 1; width <= 4; width++) {
		struct buf text = {0};
		for (size_t i = 0; i < 20; i++)
			buf_put_str(&text, character[width - 1]);
		buf_put_u8(&text, 0);
		for (size_t size = 1; size <= 20; size++) {
			char out[20];
			text_print(out, size, "%s", (const char *)text.p);
			assert_int_equal(strlen(out), (size - 1) / width * width);
			assert_memory_equal(out, text.p, strlen(out));
		}
		buf_release(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_and_chinese_text_is_clean),
		cmocka_unit_test(characters_of_all_planes_are_clean),
		cmocka_unit_test(malformed_utf8_is_refused),
		cmocka_unit_test(a_character_cut_by_the_end_is_refused),
		cmocka_unit_test(surrogates_are_refused),
		cmocka_unit_test(nul_and_control_characters_are_refused),
		cmocka_unit_test(bidi_controls_are_refused),
		cmocka_unit_test(eight_combining_marks_in_a_row_are_clean_and_nine_are_not),
		cmocka_unit_test(length_counts_code_points),
		cmocka_unit_test(escaping_leaves_clean_text_and_disarms_the_rest),
		cmocka_unit_test(escaped_text_is_always_clean),
		cmocka_unit_test(printing_into_an_array_always_ends_it),
		cmocka_unit_test(printing_cuts_before_a_character),
		cmocka_unit_test(hex_goes_there_and_back),
		cmocka_unit_test(hex_of_another_length_or_alphabet_is_refused),
		cmocka_unit_test(base64_matches_the_vectors_of_its_rfc),
		cmocka_unit_test(base64_of_every_byte_goes_there_and_back),
		cmocka_unit_test(base64_that_is_not_canonical_is_refused),
		cmocka_unit_test(decimal_numbers_have_one_form),
		cmocka_unit_test(decimal_numbers_end_at_their_maximum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
