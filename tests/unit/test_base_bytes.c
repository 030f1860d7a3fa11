#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/bytes.h"

/* A failed allocation must come back as NULL under the sanitizer too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void ranges_compare_like_memory_and_a_prefix_comes_first(void **state)
{
	(void)state;
	struct bytes none = {0}, empty = bytes_str("");
	assert_true(bytes_equal(none, empty));
	assert_int_equal(bytes_compare(none, empty), 0);
	assert_true(bytes_compare(none, bytes_str("a")) < 0);
	assert_true(bytes_compare(bytes_str("ab"), bytes_str("a")) > 0);
	assert_true(bytes_compare(bytes_str("ab"), bytes_str("b")) < 0);
	assert_true(bytes_compare(bytes_of("\xff", 1), bytes_of("\x01", 1)) > 0);
	assert_false(bytes_equal(bytes_str("a"), bytes_str("b")));
	assert_false(bytes_equal(bytes_str("a"), bytes_str("ab")));
	assert_true(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0b", 3)));
}

static void buffer_grows_and_keeps_what_it_holds(void **state)
{
	(void)state;
	struct buf b = {0};
	for (unsigned i = 0; i < 10000; i++)
		buf_put_u8(&b, (uint8_t)i);
	assert_int_equal(b.n, 10000);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(b.p[i], (uint8_t)i);
	buf_reset(&b);
	assert_int_equal(b.n, 0);
	assert_true(b.cap >= 10000);
	buf_release(&b);
	assert_null(b.p);
	buf_release(&b);
}

static void buffer_writes_numbers_big_endian(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_put_u8(&b, 0x01);
	buf_put_u16be(&b, 0x0203);
	buf_put_u32be(&b, 0x04050607);
	buf_put_u64be(&b, 0x08090a0b0c0d0e0f);
	for (uint8_t i = 0; i < 15; i++)
		assert_int_equal(b.p[i], i + 1);
	assert_int_equal(b.n, 15);
	buf_release(&b);
}

static void buffer_prints_text_longer_than_its_room(void **state)
{
	(void)state;
	struct buf b = {0};
	char want[400];
	memset(want, 'x', sizeof want - 1);
	want[sizeof want - 1] = '\0';
	buf_put_str(&b, "a");
	buf_printf(&b, "%s", want);
	buf_printf(&b, "-%d", 7);
	assert_int_equal(b.n, 1 + 399 + 2);
	assert_memory_equal(b.p + 1, want, 399);
	assert_memory_equal(b.p + 400, "-7", 2);
	buf_release(&b);
}

static void buffer_drops_what_was_consumed(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_consume(&b, 0);
	buf_put_str(&b, "abcdef");
	buf_consume(&b, 2);
	assert_true(bytes_equal(buf_bytes(&b), bytes_str("cdef")));
	buf_consume(&b, 4);
	assert_int_equal(b.n, 0);
	buf_release(&b);
}

static void reader_reads_what_the_buffer_wrote(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_put_u8(&b, 0xfe);
	buf_put_u16be(&b, 0xfedc);
	buf_put_u32be(&b, 0xfedcba98);
	buf_put_u64be(&b, 0xfedcba9876543210);
	buf_put_str(&b, "rest");
	struct reader r = reader_of(buf_bytes(&b));
	assert_int_equal(reader_u8(&r), 0xfe);
	assert_int_equal(reader_u16be(&r), 0xfedc);
	assert_int_equal(reader_u32be(&r), 0xfedcba98);
	assert_true(reader_u64be(&r) == 0xfedcba9876543210);
	assert_true(bytes_equal(reader_take(&r, 4), bytes_str("rest")));
	assert_int_equal(r.rest.n, 0);
	assert_int_equal(reader_take(&r, 0).n, 0);
	assert_true(reader_ok(&r));
	buf_release(&b);
}

/* Each kind of read, one byte short, fails and gives nothing. */
static void reader_fails_one_byte_short(void **state)
{
	(void)state;
	const uint8_t in[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct reader r = reader_of(bytes_of(in, 0));
	assert_int_equal(reader_u8(&r), 0);
	assert_false(reader_ok(&r));
	r = reader_of(bytes_of(in, 1));
	assert_int_equal(reader_u16be(&r), 0);
	assert_false(reader_ok(&r));
	r = reader_of(bytes_of(in, 3));
	assert_int_equal(reader_u32be(&r), 0);
	assert_false(reader_ok(&r));
	r = reader_of(bytes_of(in, 7));
	assert_true(reader_u64be(&r) == 0);
	assert_false(reader_ok(&r));
	r = reader_of(bytes_of(in, 7));
	assert_int_equal(reader_take(&r, SIZE_MAX).n, 0);
	assert_false(reader_ok(&r));
}

static void reader_stays_failed_although_bytes_are_left(void **state)
{
	(void)state;
	struct reader r = reader_of(bytes_str("abc\n"));
	assert_int_equal(reader_take(&r, 5).n, 0);
	assert_int_equal(reader_u8(&r), 0);
	assert_int_equal(reader_take(&r, 1).n, 0);
	assert_int_equal(reader_take(&r, 0).n, 0);
	assert_int_equal(reader_line(&r).n, 0);
	assert_false(reader_ok(&r));
}

static void reader_gives_lines_and_refuses_an_unended_one(void **state)
{
	(void)state;
	struct reader r = reader_of(bytes_str("one\n\ntwo"));
	assert_true(bytes_equal(reader_line(&r), bytes_str("one")));
	assert_int_equal(reader_line(&r).n, 0);
	assert_true(reader_ok(&r));
	assert_int_equal(reader_line(&r).n, 0);
	assert_false(reader_ok(&r));
	r = reader_of((struct bytes){0});
	assert_int_equal(reader_line(&r).n, 0);
	assert_false(reader_ok(&r));
}

static void arena_is_full_at_its_size_and_not_before(void **state)
{
	(void)state;
	_Alignas(16) uint8_t memory[64];
	for (size_t n = 63; n <= 65; n++) {
		struct arena a;
		arena_init(&a, memory, 64);
		void *p = arena_alloc(&a, n);
		assert_true(n <= 64 ? p == memory : p == NULL);
	}
}

static void arena_gives_aligned_zeroed_memory_also_from_an_odd_base(void **state)
{
	(void)state;
	uint8_t memory[128];
	for (size_t shift = 0; shift < 16; shift++) {
		struct arena a;
		memset(memory, 0xaa, sizeof memory);
		arena_init(&a, memory + shift, 100);
		const uint8_t zero[17] = {0};
		size_t given = 0;
		for (uint8_t *p; (p = arena_alloc(&a, 17)); given++) {
			assert_int_equal((uintptr_t)p % 16, 0);
			assert_memory_equal(p, zero, 17);
			assert_true(p >= memory + shift && p + 17 <= memory + shift + 100);
			memset(p, 0xbb, 17);
		}
		assert_true(given == 2 || given == 3);
	}
}

static void arena_refuses_a_size_that_would_wrap(void **state)
{
	(void)state;
	_Alignas(16) uint8_t memory[64];
	struct arena a;
	arena_init(&a, memory, sizeof memory);
	assert_non_null(arena_alloc(&a, 1));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 15));
	assert_non_null(arena_alloc(&a, 48));
	assert_null(arena_alloc(&a, 1));
}

static void arena_is_empty_again_after_reset(void **state)
{
	(void)state;
	_Alignas(16) uint8_t memory[32];
	struct arena a;
	arena_init(&a, memory, sizeof memory);
	assert_non_null(arena_alloc(&a, 32));
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 32));
}

static void copies_are_equal_and_their_own(void **state)
{
	(void)state;
	char text[] = "江苏";
	char *copy = xstrdup(text);
	text[0] = 'x';
	assert_string_equal(copy, "江苏");
	free(copy);
	uint8_t *zero = xalloc(3);
	assert_memory_equal(zero, "\0\0", 3);
	uint8_t *again = xmemdup(zero, 3);
	assert_ptr_not_equal(zero, again);
	free(zero);
	free(again);
	void *nothing = xmemdup(NULL, 0);
	assert_non_null(nothing);
	free(nothing);
}

static void running_out_of_memory_exits_71(void **state)
{
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		assert_non_null(freopen("/dev/null", "w", stderr));
		volatile size_t much = SIZE_MAX / 2;
		void *p = xalloc(much);
		_exit(p ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 71);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_compare_like_memory_and_a_prefix_comes_first),
		cmocka_unit_test(buffer_grows_and_keeps_what_it_holds),
		cmocka_unit_test(buffer_writes_numbers_big_endian),
		cmocka_unit_test(buffer_prints_text_longer_than_its_room),
		cmocka_unit_test(buffer_drops_what_was_consumed),
		cmocka_unit_test(reader_reads_what_the_buffer_wrote),
		cmocka_unit_test(reader_fails_one_byte_short),
		cmocka_unit_test(reader_stays_failed_although_bytes_are_left),
		cmocka_unit_test(reader_gives_lines_and_refuses_an_unended_one),
		cmocka_unit_test(arena_is_full_at_its_size_and_not_before),
		cmocka_unit_test(arena_gives_aligned_zeroed_memory_also_from_an_odd_base),
		cmocka_unit_test(arena_refuses_a_size_that_would_wrap),
		cmocka_unit_test(arena_is_empty_again_after_reset),
		cmocka_unit_test(copies_are_equal_and_their_own),
		cmocka_unit_test(running_out_of_memory_exits_71),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
