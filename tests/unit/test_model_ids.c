#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proto/model/ids.h"

static void hashes_compare_by_their_bytes(void **state)
{
	(void)state;
	struct hash a = {{0}}, b = {{0}};
	assert_true(hash_is_zero(&a));
	assert_true(hash_equal(&a, &b));
	b.b[HASH_BYTES - 1] = 0x80;
	assert_false(hash_is_zero(&b));
	assert_false(hash_equal(&a, &b));
	assert_true(hash_compare(&a, &b) < 0);
	a.b[0] = 1;
	assert_true(hash_compare(&a, &b) > 0);
	assert_int_equal(hash_bytes(&a).n, HASH_BYTES);
}

static void hash_prints_and_parses_as_lower_case_hex(void **state)
{
	(void)state;
	struct hash h, again;
	for (unsigned i = 0; i < HASH_BYTES; i++)
		h.b[i] = (uint8_t)(0xf0 + i);
	char text[HASH_HEX_SIZE];
	hash_print(&h, text);
	assert_int_equal(strlen(text), 64);
	assert_memory_equal(text, "f0f1f2", 6);
	assert_true(hash_parse(bytes_str(text), &again));
	assert_true(hash_equal(&h, &again));
	text[0] = 'F';
	assert_false(hash_parse(bytes_str(text), &again));
	assert_false(hash_parse(bytes_of(text, 63), &again));
	assert_false(hash_parse(bytes_of(text, 62), &again));
}

static void slugs_of_the_members_are_valid(void **state)
{
	(void)state;
	const char *const good[] = {"shanghai", "jiangsu", "zhejiang", "anhui", "office", "a1",
		"a-", "z0az9", "a2345678901234567890"};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(slug_is_valid(bytes_str(good[i])));
}

static void slugs_of_other_forms_are_refused(void **state)
{
	(void)state;
	const char *const bad[] = {"", "a", "a23456789012345678901", "1a", "-a", "Ab", "aB", "a.b",
		"a_b", "a b", "a/b", "江苏", "a\n"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(slug_is_valid(bytes_str(bad[i])));
	assert_false(slug_is_valid(bytes_of("a\0b", 3)));
	assert_false(slug_is_valid((struct bytes){0}));
}

static void cluster_names_may_hold_dots_and_40_characters(void **state)
{
	(void)state;
	assert_true(cluster_name_is_valid(bytes_str("yrd-2024-2026")));
	assert_true(cluster_name_is_valid(bytes_str("yrd.example")));
	char name[41];
	memset(name, 'x', sizeof name);
	assert_true(cluster_name_is_valid(bytes_of(name, 39)));
	assert_true(cluster_name_is_valid(bytes_of(name, 40)));
	assert_false(cluster_name_is_valid(bytes_of(name, 41)));
	assert_false(cluster_name_is_valid(bytes_str("x")));
	assert_false(cluster_name_is_valid(bytes_str(".x")));
	assert_false(cluster_name_is_valid(bytes_str("x/y")));
	assert_false(cluster_name_is_valid(bytes_of("x\0", 2)));
}

static void task_keys_have_one_form_each(void **state)
{
	(void)state;
	const char *const good[] = {"1-01", "3-05", "9-13", "99-99", "10-10", "1-100", "99-999"};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(task_key_is_valid(bytes_str(good[i])));
	const char *const bad[] = {"", "3", "3-", "-05", "3-5", "3-005", "3-00", "3-000", "0-01",
		"00-01", "03-05", "100-01", "3-1000", "3-0005", "3-05 ", " 3-05", "3_05", "3-0a",
		"a-05", "3--05", "3-05-1", "+3-05", "3-+5", "３-05"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(task_key_is_valid(bytes_str(bad[i])));
}

static void task_key_names_its_area(void **state)
{
	(void)state;
	assert_int_equal(task_key_area(bytes_str("3-05")), 3);
	assert_int_equal(task_key_area(bytes_str("99-100")), 99);
	assert_int_equal(task_key_area(bytes_str("")), 0);
	assert_int_equal(task_key_area(bytes_str("3-5")), 0);
}

/* Text order would put 10-01 before 2-01 and 1-100 before 1-99. */
static void plan_order_is_by_numbers_and_plan_wide_comes_first(void **state)
{
	(void)state;
	const char *const order[] = {
		"", "1-01", "1-02", "1-10", "1-99", "1-100", "2-01", "9-13", "10-01", "?", "a"};
	size_t n = sizeof order / sizeof order[0];
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			int got = task_key_compare(bytes_str(order[i]), bytes_str(order[k]));
			assert_int_equal((got > 0) - (got < 0), (i > k) - (i < k));
		}
	}
}

static void origin_is_read_into_its_parts(void **state)
{
	(void)state;
	struct origin o;
	struct err e = {0};
	const char *text = "yrd-2024-2026/jiangsu/1-9f3a6c0d";
	assert_int_equal(origin_parse(bytes_str(text), &o, &e), RC_OK);
	assert_string_equal(o.text, text);
	assert_string_equal(o.cluster, "yrd-2024-2026");
	assert_string_equal(o.member, "jiangsu");
	assert_int_equal(o.epoch, 1);
	assert_true(o.salt == 0x9f3a6c0d);
}

static void origin_made_is_the_origin_parsed(void **state)
{
	(void)state;
	const uint32_t epoch[] = {1, 42, UINT32_MAX}, salt[] = {0, 7, UINT32_MAX};
	char cluster[41], member[21];
	memset(cluster, 'c', 40);
	memset(member, 'm', 20);
	cluster[40] = member[20] = '\0';
	for (size_t i = 0; i < 3; i++) {
		struct origin made, parsed;
		struct err e = {0};
		origin_make(&made, cluster, member, epoch[i], salt[i]);
		assert_int_equal(origin_parse(bytes_str(made.text), &parsed, &e), RC_OK);
		assert_memory_equal(&made, &parsed, sizeof made);
	}
}

static void origin_of_another_form_is_refused(void **state)
{
	(void)state;
	const char *const bad[] = {
		"",
		"/",
		"//",
		"yrd",
		"yrd/jiangsu",
		"yrd/jiangsu/",
		"yrd/jiangsu/1",
		"yrd/jiangsu/1-",
		"yrd/jiangsu/-9f3a6c0d",
		"yrd/jiangsu/0-9f3a6c0d",
		"yrd/jiangsu/01-9f3a6c0d",
		"yrd/jiangsu/1-9f3a6c0",
		"yrd/jiangsu/1-9f3a6c0dd",
		"yrd/jiangsu/1-9F3A6C0D",
		"yrd/jiangsu/4294967296-9f3a6c0d",
		"yrd/jiangsu/1-9f3a6c0d/",
		"yrd/jiangsu/1-9f3a6c0d\n",
		"yrd//1-9f3a6c0d",
		"/jiangsu/1-9f3a6c0d",
		"yrd/Jiangsu/1-9f3a6c0d",
		"Yrd/jiangsu/1-9f3a6c0d",
		"yrd/a/jiangsu/1-9f3a6c0d",
		"yrd/../1-9f3a6c0d",
		"yrd/jiangsu/+1-9f3a6c0d",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct origin o;
		struct err e = {0};
		assert_int_equal(origin_parse(bytes_str(bad[i]), &o, &e), RC_INPUT);
		assert_true(strlen(e.text) > 10);
	}
}

static void hlc_holds_milliseconds_and_a_counter(void **state)
{
	(void)state;
	uint64_t h = HLC_OF_MS(1793577600123) | 0xffff;
	assert_true(HLC_MS(h) == 1793577600123);
	assert_true(HLC_OF_MS(1793577600124) > h);
	assert_true(HLC_MS(UINT64_MAX) == ((int64_t)1 << 48) - 1);
}

/* The calendar as it is taught: day by day. */
struct day {
	uint32_t year, month, day;
};

static void next_day(struct day *d)
{
	static const uint32_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = d->year % 400 == 0 || (d->year % 4 == 0 && d->year % 100 != 0);
	uint32_t last = d->month == 2 && leap ? 29 : length[d->month - 1];
	if (++d->day <= last)
		return;
	d->day = 1;
	if (++d->month <= 12)
		return;
	d->month = 1;
	d->year++;
}

static void every_date_agrees_with_a_naive_calendar(void **state)
{
	(void)state;
	int32_t days = -25567; /* 1900-01-01 to 1970-01-01: 70 years with 17 leap days */
	struct day d = {1900, 1, 1};
	uint32_t before = 0;
	while (d.year <= 2999) {
		uint32_t date = d.year * 10000 + d.month * 100 + d.day;
		assert_true(date_is_valid(date));
		assert_int_equal(date_days(date), days);
		assert_int_equal(date_of_days(days), date);
		/* Whatever lies between two neighbours is no date. */
		for (uint32_t none = before + 1; before && none < date && none < before + 100;
			none++)
			assert_false(date_is_valid(none));
		before = date;
		next_day(&d);
		days++;
	}
	assert_int_equal(date_days(19700101), 0);
	assert_int_equal(date_days(20261231) - date_days(20240101), 1095);
}

static void days_that_do_not_exist_are_no_dates(void **state)
{
	(void)state;
	const uint32_t bad[] = {0, 1, 20240230, 20230229, 19000229, 21000229, 20240231, 20240431,
		20240001, 20241301, 20240100, 20240132, 18991231, 30000101, 100000101, UINT32_MAX};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(date_is_valid(bad[i]));
	assert_true(date_is_valid(20240229));
	assert_true(date_is_valid(20000229));
	assert_true(date_is_valid(19000101));
	assert_true(date_is_valid(29991231));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_compare_by_their_bytes),
		cmocka_unit_test(hash_prints_and_parses_as_lower_case_hex),
		cmocka_unit_test(slugs_of_the_members_are_valid),
		cmocka_unit_test(slugs_of_other_forms_are_refused),
		cmocka_unit_test(cluster_names_may_hold_dots_and_40_characters),
		cmocka_unit_test(task_keys_have_one_form_each),
		cmocka_unit_test(task_key_names_its_area),
		cmocka_unit_test(plan_order_is_by_numbers_and_plan_wide_comes_first),
		cmocka_unit_test(origin_is_read_into_its_parts),
		cmocka_unit_test(origin_made_is_the_origin_parsed),
		cmocka_unit_test(origin_of_another_form_is_refused),
		cmocka_unit_test(hlc_holds_milliseconds_and_a_counter),
		cmocka_unit_test(every_date_agrees_with_a_naive_calendar),
		cmocka_unit_test(days_that_do_not_exist_are_no_dates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
