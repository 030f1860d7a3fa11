#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "proto/base/text.h"
#include "proto/wire/codec.h"

static uint8_t room[CODEC_LEAF_ARENA];

static struct arena fresh(void)
{
	struct arena a;
	arena_init(&a, room, sizeof room);
	return a;
}

static uint8_t pattern[64];

static struct change full_change(const struct bytes *ids, size_t n)
{
	return (struct change){.version = CHANGE_VERSION,
		.member = bytes_str("jiangsu"),
		.nonce = bytes_of(pattern, 16),
		.claimed_ms = 1735689600000,
		.task = bytes_str("3-05"),
		.slot = SLOT_REPORT,
		.holder = bytes_str("jiangsu"),
		.value = bytes_str("value"),
		.supersedes = ids,
		.n_supersedes = n,
		.under = bytes_of(pattern, 32),
		.reason = bytes_str("原因\n二")};
}

static void change_round_trip_keeps_every_field(void **state)
{
	(void)state;
	struct bytes ids[2] = {bytes_of(pattern, 32), bytes_of(pattern + 1, 32)};
	struct change c = full_change(ids, 2), d;
	struct buf b = {0}, again = {0};
	struct err e = {0};
	struct arena a = fresh();
	assert_int_equal(change_encode(&c, &b, &e), RC_OK);
	assert_int_equal(change_decode(buf_bytes(&b), &a, &d, &e), RC_OK);
	assert_string_equal(e.text, "");
	assert_true(bytes_equal(d.member, c.member));
	assert_int_equal(d.n_supersedes, 2);
	assert_true(bytes_equal(d.supersedes[1], ids[1]));
	assert_true(bytes_equal(d.reason, c.reason));
	assert_int_equal(d.claimed_ms, c.claimed_ms);
	assert_int_equal(change_encode(&d, &again, &e), RC_OK);
	assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
	buf_release(&b);
	buf_release(&again);
}

int main(void)
{
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)i;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(change_round_trip_keeps_every_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
