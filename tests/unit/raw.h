/* Protobuf bytes written by hand, without the code under test. */
#ifndef DELTAD_TESTS_RAW_H
#define DELTAD_TESTS_RAW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/bytes.h"

enum { RAW_VARINT = 0, RAW_FIXED64 = 1, RAW_RANGE = 2, RAW_GROUP = 3, RAW_FIXED32 = 5 };

static inline void raw_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_put_u8(b, (uint8_t)(v | 0x80));
	buf_put_u8(b, (uint8_t)v);
}

static inline void raw_tag(struct buf *b, uint32_t number, unsigned wire)
{
	raw_varint(b, (uint64_t)number << 3 | wire);
}

static inline void raw_number(struct buf *b, uint32_t number, uint64_t v)
{
	raw_tag(b, number, RAW_VARINT);
	raw_varint(b, v);
}

static inline void raw_range(struct buf *b, uint32_t number, struct bytes range)
{
	raw_tag(b, number, RAW_RANGE);
	raw_varint(b, range.n);
	buf_put_bytes(b, range);
}

/* n bytes of `byte` in field `number`. */
static inline void raw_fill(struct buf *b, uint32_t number, uint8_t byte, size_t n)
{
	raw_tag(b, number, RAW_RANGE);
	raw_varint(b, n);
	memset(buf_reserve(b, n), byte, n);
	b->n += n;
}

static inline int raw_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = memchr(digits, c, 16);
	return at ? (int)(at - digits) : -1;
}

/* Appends what the hex says; blanks between the digits are skipped. */
static inline void raw_hex(struct buf *b, const char *hex)
{
	unsigned digits = 0, byte = 0;
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		assert_true(raw_digit(*hex) >= 0);
		byte = byte << 4 | (unsigned)raw_digit(*hex);
		if (++digits % 2 == 0)
			buf_put_u8(b, (uint8_t)byte);
	}
	assert_int_equal(digits % 2, 0);
}

static inline uint64_t raw_take(const struct buf *b, size_t *at)
{
	uint64_t v = 0;
	for (unsigned shift = 0;; shift += 7) {
		assert_true(*at < b->n);
		uint8_t byte = b->p[(*at)++];
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return v;
	}
}

/* Copies message `from` to `to` without its fields `number`, and puts `field` in their place. */
static inline void raw_replace(
	const struct buf *from, uint32_t number, const struct buf *field, struct buf *to)
{
	bool put = false;
	for (size_t at = 0; at < from->n;) {
		size_t start = at;
		uint64_t tag = raw_take(from, &at), v = raw_take(from, &at);
		at += (tag & 7) == RAW_RANGE ? (size_t)v : 0;
		if (!put && tag >> 3 >= number) {
			buf_put_bytes(to, buf_bytes(field));
			put = true;
		}
		if (tag >> 3 != number)
			buf_put(to, from->p + start, at - start);
	}
	if (!put)
		buf_put_bytes(to, buf_bytes(field));
}

#endif
