#include "proto/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes bytes_of(const void *p, size_t n)
{
	return (struct bytes){p, n};
}

struct bytes bytes_str(const char *s)
{
	return bytes_of(s, strlen(s));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int bytes_compare(struct bytes a, struct bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

void buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	ENSURE(n <= SIZE_MAX / 4 && b->n <= SIZE_MAX / 4);
	if (b->cap - b->n >= n && b->p)
		return b->p + b->n;

	size_t cap = b->cap ? b->cap : 64;
	while (cap - b->n < n)
		cap *= 2;
	b->p = xrealloc(b->p, cap);
	b->cap = cap;
	return b->p + b->n;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), p, n);
	b->n += n;
}

void buf_put_bytes(struct buf *b, struct bytes x)
{
	buf_put(b, x.p, x.n);
}

void buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	ENSURE(n >= 0);
	vsnprintf((char *)buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	va_end(again);
	b->n += (size_t)n;
}

void buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_put_u16be(struct buf *b, uint16_t v)
{
	put_u16be(buf_reserve(b, 2), v);
	b->n += 2;
}

void buf_put_u32be(struct buf *b, uint32_t v)
{
	put_u32be(buf_reserve(b, 4), v);
	b->n += 4;
}

void buf_put_u64be(struct buf *b, uint64_t v)
{
	put_u64be(buf_reserve(b, 8), v);
	b->n += 8;
}

void buf_consume(struct buf *b, size_t n)
{
	ENSURE(n <= b->n);
	if (n == 0)
		return;
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
}

struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->p, b->n);
}

struct reader reader_of(struct bytes b)
{
	return (struct reader){b, false};
}

bool reader_ok(const struct reader *r)
{
	return !r->failed;
}

struct bytes reader_take(struct reader *r, size_t n)
{
	if (r->failed || n > r->rest.n) {
		r->failed = true;
		return (struct bytes){0};
	}
	if (n == 0)
		return (struct bytes){0};

	struct bytes taken = bytes_of(r->rest.p, n);
	r->rest = bytes_of(r->rest.p + n, r->rest.n - n);
	return taken;
}

uint8_t reader_u8(struct reader *r)
{
	struct bytes b = reader_take(r, 1);
	return b.n ? b.p[0] : 0;
}

uint16_t reader_u16be(struct reader *r)
{
	struct bytes b = reader_take(r, 2);
	return b.n ? get_u16be(b.p) : 0;
}

uint32_t reader_u32be(struct reader *r)
{
	struct bytes b = reader_take(r, 4);
	return b.n ? get_u32be(b.p) : 0;
}

uint64_t reader_u64be(struct reader *r)
{
	struct bytes b = reader_take(r, 8);
	return b.n ? get_u64be(b.p) : 0;
}

struct bytes reader_line(struct reader *r)
{
	const uint8_t *end = r->failed || !r->rest.n ? NULL : memchr(r->rest.p, '\n', r->rest.n);
	if (!end) {
		r->failed = true;
		return (struct bytes){0};
	}
	struct bytes line = reader_take(r, (size_t)(end - r->rest.p));
	reader_take(r, 1);
	return line;
}

void arena_init(struct arena *a, void *base, size_t cap)
{
	*a = (struct arena){base, 0, cap};
}

void arena_reset(struct arena *a)
{
	a->used = 0;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t pad = (size_t)(-((uintptr_t)a->base + a->used) & 15);
	size_t room = a->cap - a->used;
	if (pad > room || n > room - pad)
		return NULL;

	uint8_t *p = a->base + a->used + pad;
	a->used += pad + n;
	memset(p, 0, n);
	return p;
}

static void *need(void *p)
{
	if (p)
		return p;
	fputs("<3>event=out_of_memory\n", stderr);
	exit(71); /* EX_OSERR */
}

void *xalloc(size_t n)
{
	return need(calloc(1, n ? n : 1));
}

void *xrealloc(void *p, size_t n)
{
	return need(realloc(p, n ? n : 1));
}

char *xstrdup(const char *s)
{
	return xmemdup(s, strlen(s) + 1);
}

void *xmemdup(const void *p, size_t n)
{
	void *copy = xalloc(n);
	if (n)
		memcpy(copy, p, n);
	return copy;
}

void put_u16be(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void put_u32be(uint8_t *p, uint32_t v)
{
	put_u16be(p, (uint16_t)(v >> 16));
	put_u16be(p + 2, (uint16_t)v);
}

void put_u64be(uint8_t *p, uint64_t v)
{
	put_u32be(p, (uint32_t)(v >> 32));
	put_u32be(p + 4, (uint32_t)v);
}

uint16_t get_u16be(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t get_u32be(const uint8_t *p)
{
	return (uint32_t)get_u16be(p) << 16 | get_u16be(p + 2);
}

uint64_t get_u64be(const uint8_t *p)
{
	return (uint64_t)get_u32be(p) << 32 | get_u32be(p + 4);
}
