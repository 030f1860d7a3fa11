/* The gate's rules on tables made for the purpose; items H26 to H41 of the hostile-input catalogue
 * are named in the tests. */
#include "tests/unit/raw.h"

#include <stdio.h>

#include "proto/wire/prescan.h"

static const struct scan_field inner_rows[] = {
	{.number = 1, .type = SCAN_U32, .max_count = 1},
	{.number = 2, .type = SCAN_BYTES, .max_count = 1, .min_len = 32, .max_len = 32},
};
static const struct scan_table inner = {
	.name = "Inner", .field = inner_rows, .n = sizeof inner_rows / sizeof inner_rows[0]};

static const struct scan_field thing_rows[] = {
	{.number = 1, .type = SCAN_U32, .max_count = 1},
	{.number = 2, .type = SCAN_U64, .max_count = 1},
	{.number = 3, .type = SCAN_BOOL, .max_count = 1},
	{.number = 4, .type = SCAN_BYTES, .max_count = 1, .min_len = 2, .max_len = 4},
	{.number = 5, .type = SCAN_STRING, .max_count = 1, .min_len = 1, .max_len = 64},
	{.number = 6, .type = SCAN_TEXT, .max_count = 1, .min_len = 1, .max_len = 64},
	{.number = 7, .type = SCAN_MESSAGE, .max_count = 1, .sub = &inner},
	{.number = 8, .type = SCAN_MESSAGE, .max_count = 3, .sub = &inner},
	{.number = 17, .type = SCAN_BYTES, .max_count = 2, .min_len = 0, .max_len = 4},
};
static const struct scan_table thing = {
	.name = "Thing", .field = thing_rows, .n = sizeof thing_rows / sizeof thing_rows[0]};
static const struct scan_table lax = {.name = "Lax",
	.field = thing_rows,
	.n = sizeof thing_rows / sizeof thing_rows[0],
	.lax = true};

static const struct scan_table deep;
static const struct scan_field deep_rows[] = {
	{.number = 1, .type = SCAN_MESSAGE, .max_count = 1, .sub = &deep},
	{.number = 2, .type = SCAN_U32, .max_count = 1},
};
static const struct scan_table deep = {.name = "Deep", .field = deep_rows, .n = 2};

static const struct scan_field strict_rows[] = {
	{.number = 1, .type = SCAN_U32, .max_count = 1, .required = true},
	{.number = 2, .type = SCAN_U32, .max_count = 1},
	{.number = 3, .type = SCAN_BYTES, .max_count = 2, .max_len = 9, .required = true},
	{.number = 4, .type = SCAN_U32, .max_count = 1, .required = true},
};
static const struct scan_table strict = {.name = "Strict", .field = strict_rows, .n = 4};

static const struct scan_field choice_rows[] = {
	{.number = 1, .type = SCAN_U32, .max_count = 1},
	{.number = 2, .type = SCAN_MESSAGE, .max_count = 1, .sub = &inner},
	{.number = 3, .type = SCAN_MESSAGE, .max_count = 1, .sub = &inner},
};
static const struct scan_table choice = {
	.name = "Choice", .field = choice_rows, .n = 3, .lax = true, .one_of = 2};
static const struct scan_table may_choose = {
	.name = "MayChoose", .field = choice_rows, .n = 3, .one_of = 2, .one_of_optional = true};

static const struct scan_field ordered_rows[] = {
	{.number = 1, .type = SCAN_BYTES, .ascending = true, .max_count = 4, .max_len = 2},
};
static const struct scan_table ordered = {.name = "Ordered", .field = ordered_rows, .n = 1};

static void expect_bytes(const struct scan_table *t, struct bytes in, int rc, const char *text)
{
	struct err e = {0};
	assert_int_equal(prescan(t, in, &e), rc);
	assert_string_equal(e.text, text);
	assert_int_equal(e.rc, rc);
	assert_int_equal(prescan(t, in, NULL), rc);
}

/* text NULL: it is accepted. */
static void expect(const struct scan_table *t, const char *hex, const char *text)
{
	struct buf b = {0};
	raw_hex(&b, hex);
	expect_bytes(t, buf_bytes(&b), text ? RC_PEER_MESSAGE : RC_OK, text ? text : "");
	buf_release(&b);
}

static void empty_message_is_accepted(void **state)
{
	(void)state;
	expect_bytes(&thing, (struct bytes){NULL, 0}, RC_OK, "");
}

static void every_type_is_accepted_in_its_smallest_and_largest_form(void **state)
{
	(void)state;
	expect(&thing, "08 01", NULL);
	expect(&thing, "08 ffffffff0f", NULL);
	expect(&thing, "10 01", NULL);
	expect(&thing, "10 ffffffffffffffffff01", NULL);
	expect(&thing, "18 01", NULL);
	expect(&thing, "22 02 0000", NULL);
	expect(&thing, "22 04 00000000", NULL);
	expect(&thing, "2a 01 61", NULL);
	expect(&thing, "32 03 610a62", NULL);
	expect(&thing, "3a 00", NULL);
	expect(&thing, "42 00 42 02 0801 42 00", NULL);
	expect(&thing, "8a01 00 8a01 01 ff", NULL);
}

static void h26_overlong_tag_is_refused(void **state)
{
	(void)state;
	expect(&thing, "8000", "Thing: field 0 at byte 0 is followed by a malformed tag");
	expect(&thing, "8800 01", "Thing: field 0 at byte 0 is followed by a malformed tag");
	expect(&lax, "8000", "Lax: field 0 at byte 0 is followed by a malformed tag");
}

static void field_number_zero_is_refused(void **state)
{
	(void)state;
	expect(&lax, "00 01", "Lax: field 0 at byte 1 is followed by a malformed tag");
	expect(&lax, "02 01 00", "Lax: field 0 at byte 1 is followed by a malformed tag");
}

static void h27_tag_of_three_or_five_bytes_is_refused(void **state)
{
	(void)state;
	expect(&lax, "f8ff7f 01", "Lax: field 0 at byte 0 is followed by a malformed tag");
	expect(&lax, "8880808000 01", "Lax: field 0 at byte 0 is followed by a malformed tag");
	expect(&lax, "f8ffffff0f 01", "Lax: field 0 at byte 0 is followed by a malformed tag");
	expect(&lax, "f87f 01", NULL);
}

static void h28_group_is_refused_also_where_unknown_fields_are_not(void **state)
{
	(void)state;
	expect(&thing, "0b 0c", "Thing: field 1 at byte 1 has another wire type than its own");
	expect(&thing, "0c", "Thing: field 1 at byte 1 has another wire type than its own");
	expect(&lax, "f301 f401", "Lax: field 30 at byte 2 has a wire type that is not allowed");
	expect(&lax, "f401", "Lax: field 30 at byte 2 has a wire type that is not allowed");
	expect(&lax, "f601", "Lax: field 30 at byte 2 has a wire type that is not allowed");
	expect(&lax, "f701", "Lax: field 30 at byte 2 has a wire type that is not allowed");
}

static void h29_varint_beyond_64_bit_is_refused(void **state)
{
	(void)state;
	expect(&thing, "10 ffffffffffffffffff02",
		"Thing: field 2 at byte 1 has a malformed number");
	expect(&thing, "10 ffffffffffffffffffff01",
		"Thing: field 2 at byte 1 has a malformed number");
	expect(&thing, "10 ffffffff", "Thing: field 2 at byte 1 has a malformed number");
	expect(&lax, "f001 ffffffffffffffffff02", "Lax: field 30 at byte 2 has a malformed number");
}

static void varint_that_is_not_minimal_is_refused(void **state)
{
	(void)state;
	expect(&thing, "08 8100", "Thing: field 1 at byte 1 has a malformed number");
	expect(&thing, "22 8200 0000", "Thing: field 4 at byte 1 has a malformed length");
	expect(&lax, "f001 8000", "Lax: field 30 at byte 2 has a malformed number");
}

static void h30_number_beyond_its_type_is_refused(void **state)
{
	(void)state;
	expect(&thing, "08 8080808010", "Thing: field 1 at byte 6 is out of its type's range");
	expect(&thing, "08 ffffffff7f", "Thing: field 1 at byte 6 is out of its type's range");
	expect(&thing, "18 02", "Thing: field 3 at byte 2 is out of its type's range");
}

static void h31_wrong_wire_type_is_refused(void **state)
{
	(void)state;
	const char *number = "Thing: field 1 at byte 1 has another wire type than its own";
	expect(&thing, "0a 01 01", number);
	expect(&thing, "0d 01000000", number);
	expect(&thing, "09 0100000000000000", number);
	expect(&thing, "20 01", "Thing: field 4 at byte 1 has another wire type than its own");
	expect(&thing, "28 01", "Thing: field 5 at byte 1 has another wire type than its own");
	expect(&thing, "38 01", "Thing: field 7 at byte 1 has another wire type than its own");
}

static void h32_repeated_sub_message_beyond_its_count_is_refused_at_once(void **state)
{
	(void)state;
	struct buf b = {0};
	for (size_t i = 0; i < 32768; i++)
		raw_range(&b, 8, (struct bytes){NULL, 0});
	expect_bytes(&thing, bytes_of(b.p, 6), RC_OK, "");
	expect_bytes(&thing, buf_bytes(&b), RC_TOO_BIG,
		"Thing: field 8 at byte 7 is repeated too often");
	buf_release(&b);
}

static void h33_unknown_field_is_refused_or_counted(void **state)
{
	(void)state;
	struct buf b = {0};
	for (size_t i = 0; i < 32768; i++)
		raw_number(&b, 30, 0);
	expect_bytes(
		&thing, buf_bytes(&b), RC_PEER_MESSAGE, "Thing: field 30 at byte 2 is unknown");
	expect_bytes(&lax, bytes_of(b.p, SCAN_UNKNOWN_MAX * 3), RC_OK, "");
	expect_bytes(&lax, buf_bytes(&b), RC_PEER_MESSAGE,
		"Lax: field 30 at byte 194 is one unknown field too many");
	buf_release(&b);
}

static void unknown_fields_of_every_wire_type_are_passed_over_where_lax(void **state)
{
	(void)state;
	expect(&lax, "08 01 f001 05 f101 0102030405060708 f201 03 616263 f501 01020304", NULL);
	expect(&lax, "48 00 52 00 8a01 00", NULL);
	expect(&lax, "f101 01020304050607", "Lax: field 30 at byte 2 is longer than what is left");
	expect(&lax, "f501 010203", "Lax: field 30 at byte 2 is longer than what is left");
	expect(&lax, "f201 04 616263", "Lax: field 30 at byte 3 is longer than what is left");
}

static void h34_singular_sub_message_repeated_is_refused_at_the_second(void **state)
{
	(void)state;
	struct buf b = {0};
	for (size_t i = 0; i < 16384; i++)
		raw_range(&b, 7, bytes_of("\x08\x01", 2));
	expect_bytes(
		&thing, buf_bytes(&b), RC_PEER_MESSAGE, "Thing: field 7 at byte 5 is repeated");
	buf_release(&b);
}

/* n messages within each other, innermost first. */
static void nest(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf outer = {0};
		raw_range(&outer, 1, buf_bytes(b));
		buf_release(b);
		*b = outer;
	}
}

static void h35_nesting_beyond_four_is_refused(void **state)
{
	(void)state;
	struct buf b = {0};
	nest(&b, SCAN_DEPTH - 1);
	expect_bytes(&deep, buf_bytes(&b), RC_OK, "");
	nest(&b, 1);
	expect_bytes(&deep, buf_bytes(&b), RC_PEER_MESSAGE,
		"Deep: field 1 at byte 8 is nested too deep");
	nest(&b, 12000 - SCAN_DEPTH);
	struct err e = {0};
	assert_int_equal(prescan(&deep, buf_bytes(&b), &e), RC_PEER_MESSAGE);
	assert_non_null(strstr(e.text, "is nested too deep"));
	buf_release(&b);
}

static void h36_field_that_we_require_must_be_there(void **state)
{
	(void)state;
	expect(&strict, "08 01 1a 00 20 01", NULL);
	expect(&strict, "08 01 10 01 1a 00 1a 00 20 01", NULL);
	expect(&strict, "", "Strict: field 1 at byte 0 is missing");
	expect(&strict, "10 01 1a 00 20 01", "Strict: field 1 at byte 1 is missing");
	expect(&strict, "08 01 20 01", "Strict: field 3 at byte 3 is missing");
	expect(&strict, "08 01 1a 00", "Strict: field 4 at byte 4 is missing");
}

static void h36_fixed_length_is_held_to_the_byte(void **state)
{
	(void)state;
	for (size_t n = 31; n <= 33; n++) {
		struct buf b = {0};
		raw_fill(&b, 2, 7, n);
		expect_bytes(&inner, buf_bytes(&b), n == 32 ? RC_OK : RC_PEER_MESSAGE,
			n == 32		  ? ""
				: n == 31 ? "Inner: field 2 at byte 33 has a wrong length"
					  : "Inner: field 2 at byte 35 has a wrong length");
		buf_release(&b);
	}
}

static void length_over_its_limit_is_too_big_and_below_it_malformed(void **state)
{
	(void)state;
	expect(&thing, "22 01 00", "Thing: field 4 at byte 3 has a wrong length");
	expect_bytes(&thing, bytes_of("\x22\x05zzzzz", 7), RC_TOO_BIG,
		"Thing: field 4 at byte 7 is longer than its limit");
}

static void text_is_refused(const char *hex_of_text)
{
	char hex[256];
	for (unsigned field = 5; field <= 6; field++) {
		size_t n = 0;
		for (const char *c = hex_of_text; *c; c++)
			n += *c != ' ';
		(void)snprintf(
			hex, sizeof hex, "%02x %02zx %s", field << 3 | 2, n / 2, hex_of_text);
		struct buf b = {0};
		struct err e = {0};
		raw_hex(&b, hex);
		assert_int_equal(prescan(&thing, buf_bytes(&b), &e), RC_PEER_MESSAGE);
		assert_non_null(strstr(e.text, "is not clean text"));
		buf_release(&b);
	}
}

static void h37_text_that_is_not_clean_is_refused(void **state)
{
	(void)state;
	text_is_refused("ff");		   /* no UTF-8 */
	text_is_refused("61 80");	   /* continuation alone */
	text_is_refused("e4b8");	   /* cut short */
	text_is_refused("c080");	   /* NUL, overlong */
	text_is_refused("61 00 62");	   /* NUL */
	text_is_refused("eda080");	   /* lone surrogate */
	text_is_refused("61 e280ae 62");   /* U+202E, right-to-left override */
	text_is_refused("61 e281a6 62");   /* U+2066, isolate */
	text_is_refused("f4908080");	   /* beyond U+10FFFF */
	text_is_refused("f8888080 80");	   /* five bytes */
	text_is_refused("1b 5b 33 31 6d"); /* terminal escape */
	text_is_refused("c285");	   /* U+0085 */
	text_is_refused("61 cc80cc80cc80cc80cc80cc80cc80cc80cc80"); /* nine combining marks */
}

static void h37_text_of_four_byte_planes_is_accepted(void **state)
{
	(void)state;
	expect(&thing, "2a 04 f0a09ca0", NULL);
	expect(&thing, "32 04 f48fbfbd", NULL);
}

static void line_feed_is_accepted_in_text_and_refused_in_a_string(void **state)
{
	(void)state;
	expect(&thing, "32 03 610a62", NULL);
	expect(&thing, "2a 03 610a62", "Thing: field 5 at byte 5 is not clean text");
}

static void h39_field_out_of_order_or_twice_is_refused(void **state)
{
	(void)state;
	expect(&thing, "10 01 08 01",
		"Thing: field 2 at byte 3 is followed by a smaller field number");
	expect(&lax, "f001 01 08 01",
		"Lax: field 30 at byte 4 is followed by a smaller field number");
	expect(&thing, "08 01 08 01", "Thing: field 1 at byte 3 is repeated");
	expect(&thing, "42 00 3a 00",
		"Thing: field 8 at byte 3 is followed by a smaller field number");
}

static void default_value_on_the_wire_is_refused(void **state)
{
	(void)state;
	expect(&thing, "08 00", "Thing: field 1 at byte 2 carries its default value");
	expect(&thing, "10 00", "Thing: field 2 at byte 2 carries its default value");
	expect(&thing, "18 00", "Thing: field 3 at byte 2 carries its default value");
	expect(&thing, "22 00", "Thing: field 4 at byte 2 carries its default value");
	expect(&thing, "2a 00", "Thing: field 5 at byte 2 carries its default value");
}

static void h40_packed_numbers_are_refused(void **state)
{
	(void)state;
	expect(&thing, "08 01 0a 02 0102",
		"Thing: field 1 at byte 3 has another wire type than its own");
	expect(&thing, "0a 02 0102 08 01",
		"Thing: field 1 at byte 1 has another wire type than its own");
	expect(&thing, "8801 01 8a01 00",
		"Thing: field 17 at byte 2 has another wire type than its own");
}

static void h41_length_past_the_end_by_one_is_refused(void **state)
{
	(void)state;
	expect(&thing, "22 03 0000", "Thing: field 4 at byte 2 is longer than what is left");
	expect(&thing, "22 ffffffffffffffffff01",
		"Thing: field 4 at byte 11 is longer than what is left");
	expect(&thing, "22", "Thing: field 4 at byte 1 has a malformed length");
	/* past the end of the sub-message, not of the input */
	expect(&thing,
		"3a 04 12 20 0000 8a01 0c 000000000000000000000000 000000000000000000000000000000",
		"Inner: field 2 at byte 4 is longer than what is left");
}

static void varint_across_the_end_of_its_message_is_refused(void **state)
{
	(void)state;
	expect(&thing, "3a 02 08 81 01", "Inner: field 1 at byte 3 has a malformed number");
	expect(&thing, "3a 01 8a 01 00", "Inner: field 0 at byte 2 is followed by a malformed tag");
}

static void exactly_one_of_several_alternatives_is_accepted(void **state)
{
	(void)state;
	expect(&choice, "12 00", NULL);
	expect(&choice, "08 01 1a 00", NULL);
	expect(&choice, "08 01 22 00", NULL); /* one that is not known yet */
	expect(&choice, "08 01",
		"Choice: field 1 at byte 2 is the last, and none of the alternatives came");
	expect(&choice, "",
		"Choice: field 0 at byte 0 is the last, and none of the alternatives came");
	expect(&choice, "12 00 1a 00",
		"Choice: field 3 at byte 3 is a second one of several alternatives");
	expect(&choice, "12 00 22 00",
		"Choice: field 4 at byte 3 is a second one of several alternatives");
	expect(&choice, "22 00 22 00",
		"Choice: field 4 at byte 3 is a second one of several alternatives");
	expect(&may_choose, "08 01", NULL);
	expect(&may_choose, "12 00 1a 00",
		"MayChoose: field 3 at byte 3 is a second one of several alternatives");
}

static void elements_of_a_set_ascend_strictly(void **state)
{
	(void)state;
	expect(&ordered, "0a 01 05", NULL);
	expect(&ordered, "0a 00 0a 01 00 0a 02 0000 0a 01 01", NULL);
	expect(&ordered, "0a 01 05 0a 01 05",
		"Ordered: field 1 at byte 6 is not in ascending order");
	expect(&ordered, "0a 01 05 0a 01 04",
		"Ordered: field 1 at byte 6 is not in ascending order");
	expect(&ordered, "0a 01 05 0a 01 06 0a 01 05",
		"Ordered: field 1 at byte 9 is not in ascending order");
	expect(&ordered, "0a 02 0500 0a 01 05",
		"Ordered: field 1 at byte 7 is not in ascending order");
}

static void varint_take_leaves_the_rest_alone_when_there_is_none(void **state)
{
	(void)state;
	struct bytes rest = bytes_of("\x81\x00\x05", 3);
	uint64_t v = 77;
	assert_false(varint_take(&rest, 10, &v));
	assert_int_equal(rest.n, 3);
	assert_int_equal(v, 77);
	rest = bytes_of("\x81\x01\x05", 3);
	assert_false(varint_take(&rest, 1, &v));
	assert_true(varint_take(&rest, 2, &v));
	assert_int_equal(v, 129);
	assert_int_equal(rest.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_message_is_accepted),
		cmocka_unit_test(every_type_is_accepted_in_its_smallest_and_largest_form),
		cmocka_unit_test(h26_overlong_tag_is_refused),
		cmocka_unit_test(field_number_zero_is_refused),
		cmocka_unit_test(h27_tag_of_three_or_five_bytes_is_refused),
		cmocka_unit_test(h28_group_is_refused_also_where_unknown_fields_are_not),
		cmocka_unit_test(h29_varint_beyond_64_bit_is_refused),
		cmocka_unit_test(varint_that_is_not_minimal_is_refused),
		cmocka_unit_test(h30_number_beyond_its_type_is_refused),
		cmocka_unit_test(h31_wrong_wire_type_is_refused),
		cmocka_unit_test(h32_repeated_sub_message_beyond_its_count_is_refused_at_once),
		cmocka_unit_test(h33_unknown_field_is_refused_or_counted),
		cmocka_unit_test(unknown_fields_of_every_wire_type_are_passed_over_where_lax),
		cmocka_unit_test(h34_singular_sub_message_repeated_is_refused_at_the_second),
		cmocka_unit_test(h35_nesting_beyond_four_is_refused),
		cmocka_unit_test(h36_field_that_we_require_must_be_there),
		cmocka_unit_test(h36_fixed_length_is_held_to_the_byte),
		cmocka_unit_test(length_over_its_limit_is_too_big_and_below_it_malformed),
		cmocka_unit_test(h37_text_that_is_not_clean_is_refused),
		cmocka_unit_test(h37_text_of_four_byte_planes_is_accepted),
		cmocka_unit_test(line_feed_is_accepted_in_text_and_refused_in_a_string),
		cmocka_unit_test(h39_field_out_of_order_or_twice_is_refused),
		cmocka_unit_test(default_value_on_the_wire_is_refused),
		cmocka_unit_test(h40_packed_numbers_are_refused),
		cmocka_unit_test(h41_length_past_the_end_by_one_is_refused),
		cmocka_unit_test(varint_across_the_end_of_its_message_is_refused),
		cmocka_unit_test(exactly_one_of_several_alternatives_is_accepted),
		cmocka_unit_test(elements_of_a_set_ascend_strictly),
		cmocka_unit_test(varint_take_leaves_the_rest_alone_when_there_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
