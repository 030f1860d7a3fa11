#include "tests/unit/golden.h"

static int start(void **state)
{
	(void)state;
	struct err e = {0};
	return trust_init(&e);
}

static void vkeys_made_from_the_test_keys_print_as_the_golden_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN_SIGNERS; i++) {
		const struct golden_signer *g = &golden_signers[i];
		struct key k;
		struct vkey made, parsed = golden_vkey(i);
		struct err e = {0};
		struct buf text = {0};
		golden_key(&k, g->seed);
		assert_int_equal(vkey_make(&made, g->name, g->algorithm, k.public, &e), 0);
		vkey_print(&made, &text);
		assert_true(bytes_equal(buf_bytes(&text), bytes_str(g->vkey)));
		assert_string_equal(parsed.name, made.name);
		assert_int_equal(parsed.id, made.id);
		assert_int_equal(parsed.algorithm, made.algorithm);
		assert_memory_equal(parsed.public, made.public, KEY_BYTES);
		buf_release(&text);
		key_release(&k);
	}
}

static void assert_vkey_refused(const char *text)
{
	struct vkey v = {.name = "untouched"};
	struct err e = {0};
	if (vkey_parse(bytes_str(text), &v, &e) != RC_NOTE)
		fail_msg("not refused: %s", text);
	assert_string_equal(v.name, "untouched");
}

static void vkey_of_another_form_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"+",
		"++",
		"name",
		"yrd.example/log/shanghai/e1+5a45a7cd",
		"yrd.example/log/shanghai/e1+5a45a7cd+",
		"yrd.example/log/shanghai/e1+5a45a7c+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
		"yrd.example/log/shanghai/e1+5A45A7CD+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
		"yrd.example/log/shanghai/e1+5a45a7cd-AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
		"yrd.example/log/shanghai/e1+05a45a7cd+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/"
		"N0iAG0D29c",
		"yrd.example/log/shanghai/e1+5a45a7cd+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/"
		"N0iAG0D29c\n",
		" yrd.example/log/shanghai/e1+5a45a7cd+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/"
		"N0iAG0D29c",
		"yrd.example/log/shanghai/e2+5a45a7cd+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
		"yrd.example/log/shanghai/e1+5a45a7ce+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
		"yrd.example/log/shanghai/e1+5a45a7cd+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29d",
		"yrd.example/log/shanghai/e1+5a45a7cd+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
		"yrd.example/log/shanghai/e1+5a45a7cd+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D28=",
		"yrd.example/log/shanghai/e1+5a45a7cd+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/"
		"N0iAG0D29cAA==",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_vkey_refused(bad[i]);
}

static void every_cut_of_a_vkey_is_refused(void **state)
{
	(void)state;
	struct bytes whole = bytes_str(golden_signers[0].vkey);
	for (size_t n = 0; n < whole.n; n++) {
		struct vkey v;
		struct err e = {0};
		assert_int_equal(vkey_parse(bytes_of(whole.p, n), &v, &e), RC_NOTE);
	}
}

static int make_named(const char *name, uint8_t algorithm)
{
	static const uint8_t pub[KEY_BYTES] = {1};
	struct vkey v;
	struct err e = {0};
	return vkey_make(&v, name, algorithm, pub, &e);
}

static void name_with_a_space_or_plus_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "a b", " a", "a ", "a+b", "+", "a\tb", "a\nb", "a\rb",
		"a\xc2\x85z", "a\xc2\xa0z", "a\xe1\x9a\x80z", "a\xe2\x80\x80z", "a\xe2\x80\x8az",
		"a\xe2\x80\xa8z", "a\xe2\x80\xa9z", "a\xe2\x80\xafz", "a\xe2\x81\x9fz",
		"a\xe3\x80\x80z", "a\xff", "a\xe2\x80", "a\x7f", "a\xe2\x80\xaez"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (make_named(bad[i], NOTE_ED25519) != RC_NOTE)
			fail_msg("name %zu is not refused: \"%s\"", i, bad[i]);
	assert_int_equal(make_named("上海/日志\xe2\x80\x94-_.:", NOTE_ED25519), 0);
}

static void name_is_at_most_127_bytes_long(void **state)
{
	(void)state;
	char name[NOTE_NAME_SIZE + 1];
	for (size_t n = NOTE_NAME_SIZE - 2; n <= NOTE_NAME_SIZE; n++) {
		memset(name, 'n', n);
		name[n] = '\0';
		assert_int_equal(make_named(name, NOTE_ED25519), n < NOTE_NAME_SIZE ? 0 : RC_NOTE);
	}
}

static void algorithm_other_than_ours_is_refused(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++)
		assert_int_equal(make_named("name", (uint8_t)a), a == 1 || a == 4 ? 0 : RC_NOTE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vkeys_made_from_the_test_keys_print_as_the_golden_ones),
		cmocka_unit_test(vkey_of_another_form_is_refused),
		cmocka_unit_test(every_cut_of_a_vkey_is_refused),
		cmocka_unit_test(name_with_a_space_or_plus_is_refused),
		cmocka_unit_test(name_is_at_most_127_bytes_long),
		cmocka_unit_test(algorithm_other_than_ours_is_refused),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
