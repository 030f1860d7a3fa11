#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/net/address.h"

static void numeric_addresses_are_read_and_printed_alike(void **state)
{
	static const char *const good[] = {"10.10.1.5:7420", "127.0.0.1:1", "0.0.0.0:65535",
		"[::1]:7420", "[2001:db8::5]:7420"};
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct sockaddr_storage a;
		struct err e = {0};
		char text[ADDRESS_TEXT_SIZE];
		assert_int_equal(address_parse(good[i], ADDRESS_LISTEN, &a, &e), RC_OK);
		address_print(&a, text);
		assert_string_equal(text, good[i]);
	}
}

static void what_is_no_numeric_address_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "no port"},
		{"10.1.1.1", "no port"},
		{"10.1.1.1:", "port must be"},
		{"10.1.1.1:0", "port must be"},
		{"10.1.1.1:65536", "port must be"},
		{"10.1.1.1:+80", "port must be"},
		{"10.1.1.1:080", "port must be"},
		{"node.example:7420", "not looked up"},
		{"10.1.1:7420", "not looked up"},
		{"010.1.1.1:7420", "not looked up"},
		{":7420", "not a numeric"},
		{"::1:7420", "not looked up"},
		{"[::1:7420", "[address]:port"},
		{"[]:7420", "not a numeric"},
		{"[fe80::1%eth0]:7420", "zone"},
		{"[1.2.3.4]:7420", "IPv6"},
		{"1.2.3.4444444444444444444444444444444444444444444444444:1", "not a numeric"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};
		assert_int_equal(address_check(bad[i].text, ADDRESS_LISTEN, &e), RC_INPUT);
		if (!strstr(e.text, bad[i].why))
			fail_msg("\"%s\" says \"%s\", not %s", bad[i].text, e.text, bad[i].why);
	}
}

static void unspecified_address_can_be_listened_on_but_not_dialled(void **state)
{
	struct err e = {0};
	(void)state;
	assert_int_equal(address_check("0.0.0.0:7420", ADDRESS_LISTEN, &e), RC_OK);
	assert_int_equal(address_check("0.0.0.0:7420", ADDRESS_DIAL, &e), RC_INPUT);
	assert_int_equal(address_check("[::]:7420", ADDRESS_LISTEN, &e), RC_OK);
	assert_int_equal(address_check("[::]:7420", ADDRESS_DIAL, &e), RC_INPUT);
}

static bool same(const char *a, const char *b)
{
	struct sockaddr_storage sa, sb;
	struct err e = {0};
	assert_int_equal(address_parse(a, ADDRESS_LISTEN, &sa, &e), RC_OK);
	assert_int_equal(address_parse(b, ADDRESS_LISTEN, &sb, &e), RC_OK);
	return address_same_host(&sa, &sb);
}

static void one_machine_is_one_place_whatever_its_port_or_form(void **state)
{
	(void)state;
	assert_true(same("10.0.0.1:1", "10.0.0.1:2"));
	assert_false(same("10.0.0.1:1", "10.0.0.2:1"));
	assert_true(same("10.0.0.1:1", "[::ffff:10.0.0.1]:1"));
	assert_true(same("[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::9]:1"));
	assert_false(same("[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1"));
	assert_false(same("[2001:db8:1:2::1]:1", "32.1.13.184:1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numeric_addresses_are_read_and_printed_alike),
		cmocka_unit_test(what_is_no_numeric_address_is_refused),
		cmocka_unit_test(unspecified_address_can_be_listened_on_but_not_dialled),
		cmocka_unit_test(one_machine_is_one_place_whatever_its_port_or_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
