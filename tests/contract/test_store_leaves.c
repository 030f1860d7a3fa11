#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/limits.h"
#include "tests/lib/store_fixture.h"

static void leaf_comes_back_verbatim(void **state)
{
	struct store_fixture *f = *state;
	struct buf out = {0}, big = {0};
	memset(buf_reserve(&big, LIMIT_LEAF_BYTES), 0xA5, LIMIT_LEAF_BYTES);
	big.n = LIMIT_LEAF_BYTES;
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, leaf_put, 1, 0, bytes_of("a\0b", 3)), RC_OK);
	assert_int_equal(STORE_DO(f, leaf_put, 1, 1, buf_bytes(&big)), RC_OK);
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, leaf_get, 1, 0, &out), RC_OK);
	assert_true(bytes_equal(buf_bytes(&out), bytes_of("a\0b", 3)));
	assert_int_equal(STORE_DO(f, leaf_get, 1, 1, &out), RC_OK);
	assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&big)));
	assert_int_equal(STORE_DO(f, leaf_get, 1, 2, &out), STORE_NONE);
	assert_int_equal(STORE_DO(f, leaf_get, 2, 0, &out), STORE_NONE);
	buf_release(&out);
	buf_release(&big);
}

struct seen_leaves {
	uint64_t index[16];
	size_t n, stop_at;
};

static int see_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct seen_leaves *seen = arg;
	assert_int_equal(leaf.p[0], index);
	seen->index[seen->n++] = index;
	return seen->n == seen->stop_at ? 5 : 0;
}

static void expect_leaves(
	struct store_fixture *f, uint64_t from, uint64_t to, uint64_t first, size_t n)
{
	struct seen_leaves seen = {0};
	assert_int_equal(STORE_DO(f, leaf_each, 1, from, to, see_leaf, &seen), RC_OK);
	assert_int_equal(seen.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(seen.index[i], first + i);
}

static void leaf_each_visits_the_range_in_order(void **state)
{
	struct store_fixture *f = *state;
	store_fixture_begin(f);
	for (uint8_t i = 10; i-- > 0;) {
		assert_int_equal(STORE_DO(f, leaf_put, 1, i, bytes_of(&i, 1)), RC_OK);
		assert_int_equal(STORE_DO(f, leaf_put, 2, i, bytes_of("other", 5)), RC_OK);
	}
	store_fixture_commit(f);
	expect_leaves(f, 0, 10, 0, 10);
	expect_leaves(f, 3, 7, 3, 4);
	expect_leaves(f, 3, 3, 0, 0);
	expect_leaves(f, 9, UINT64_MAX, 9, 1);
	expect_leaves(f, 10, 20, 0, 0);
	struct seen_leaves seen = {.stop_at = 3};
	assert_int_equal(STORE_DO(f, leaf_each, 1, 2, 9, see_leaf, &seen), 5);
	assert_int_equal(seen.n, 3);
}

/* ---- registers ---- */

static void register_has_one_number_for_ever(void **state)
{
	struct store_fixture *f = *state;
	store_fixture_begin(f);
	int64_t a = store_fixture_register(f, "3-05", 3, "jiangsu");
	int64_t b = store_fixture_register(f, "3-05", 3, "anhui");
	int64_t c = store_fixture_register(f, "3-05", 4, "jiangsu");
	int64_t d = store_fixture_register(f, "", 3, "");
	store_fixture_commit(f);
	assert_true(a != b && a != c && a != d && b != c && b != d && c != d);
	if (!f->in_memory)
		store_fixture_reopen(f);
	int64_t again = 0;
	assert_int_equal(
		STORE_DO(f, register_id, bytes_str("3-05"), 3, bytes_str("jiangsu"), false, &again),
		RC_OK);
	assert_int_equal(again, a);
	assert_int_equal(
		STORE_DO(f, register_id, bytes_of(NULL, 0), 3, bytes_of(NULL, 0), false, &again),
		RC_OK);
	assert_int_equal(again, d);
}

static void register_is_not_created_by_asking(void **state)
{
	struct store_fixture *f = *state;
	int64_t reg = 0;
	for (int i = 0; i < 2; i++)
		assert_int_equal(STORE_DO(f, register_id, bytes_str("3-05"), 3, bytes_str("anhui"),
					 false, &reg),
			STORE_NONE);
}

/* The bytes of task and holder do not run together. */
static void register_names_do_not_run_together(void **state)
{
	struct store_fixture *f = *state;
	store_fixture_begin(f);
	assert_true(store_fixture_register(f, "1-0", 3, "1a") !=
		store_fixture_register(f, "1-01", 3, "a"));
	store_fixture_commit(f);
}

static void registers_beyond_the_cache_keep_their_numbers(void **state)
{
	struct store_fixture *f = *state;
	int64_t first[3000];
	store_fixture_begin(f);
	for (uint32_t i = 0; i < 3000; i++)
		first[i] = store_fixture_register(f, "1-01", 1 + i, "anhui");
	store_fixture_commit(f);
	for (uint32_t i = 0; i < 3000; i++) {
		int64_t reg = 0;
		assert_int_equal(STORE_DO(f, register_id, bytes_str("1-01"), 1 + i,
					 bytes_str("anhui"), false, &reg),
			RC_OK);
		assert_int_equal(reg, first[i]);
	}
}

static void register_with_a_long_holder_is_found_again(void **state)
{
	struct store_fixture *f = *state;
	char holder[300];
	memset(holder, 'x', sizeof holder);
	for (size_t n = 70; n < 300; n += 70) {
		int64_t a = 0, b = 0;
		struct bytes h = bytes_of(holder, n);
		store_fixture_begin(f);
		assert_int_equal(
			STORE_DO(f, register_id, bytes_str("1-01"), 3, h, true, &a), RC_OK);
		store_fixture_commit(f);
		assert_int_equal(
			STORE_DO(f, register_id, bytes_str("1-01"), 3, h, false, &b), RC_OK);
		assert_int_equal(a, b);
	}
}

static void register_of_a_rolled_back_transaction_is_gone(void **state)
{
	struct store_fixture *f = *state;
	int64_t reg = 0;
	store_fixture_begin(f);
	store_fixture_register(f, "3-05", 3, "jiangsu");
	f->s->ops->rollback(f->s);
	assert_int_equal(
		STORE_DO(f, register_id, bytes_str("3-05"), 3, bytes_str("jiangsu"), false, &reg),
		STORE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(leaf_comes_back_verbatim),
		BOTH(leaf_each_visits_the_range_in_order),
		BOTH(register_has_one_number_for_ever),
		BOTH(register_is_not_created_by_asking),
		BOTH(register_names_do_not_run_together),
		BOTH(registers_beyond_the_cache_keep_their_numbers),
		BOTH(register_with_a_long_holder_is_found_again),
		BOTH(register_of_a_rolled_back_transaction_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
