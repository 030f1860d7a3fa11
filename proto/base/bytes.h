/* Byte ranges, growing buffers, sticky readers, bounded arenas, and the allocator that never
 * returns NULL. Floor 0, libc only. */
#ifndef DELTAD_BASE_BYTES_H
#define DELTAD_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/err.h"

/* A range somebody else owns. p may be NULL when n is 0. */
struct bytes {
	const uint8_t *p;
	size_t n;
};

struct bytes bytes_of(const void *p, size_t n);
struct bytes bytes_str(const char *s);
bool bytes_equal(struct bytes a, struct bytes b);
/* memcmp order, a shorter prefix first: <0, 0, >0. */
int bytes_compare(struct bytes a, struct bytes b);

/* A buffer that grows; all zero is an empty one. Bounded by what its user appends. */
struct buf {
	uint8_t *p;
	size_t n, cap;
};

void buf_release(struct buf *b);
/* Empties it and keeps the memory. */
void buf_reset(struct buf *b);
void buf_put(struct buf *b, const void *p, size_t n);
void buf_put_bytes(struct buf *b, struct bytes x);
void buf_put_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16be(struct buf *b, uint16_t v);
void buf_put_u32be(struct buf *b, uint32_t v);
void buf_put_u64be(struct buf *b, uint64_t v);
/* Room for n more bytes; returns where they go; the caller then adds to b->n. */
uint8_t *buf_reserve(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
struct bytes buf_bytes(const struct buf *b);

/* A cursor that remembers failure: read all, then ask reader_ok() once before using any of it. */
struct reader {
	struct bytes rest;
	bool failed;
};

struct reader reader_of(struct bytes b);
bool reader_ok(const struct reader *r);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16be(struct reader *r);
uint32_t reader_u32be(struct reader *r);
uint64_t reader_u64be(struct reader *r);
/* n bytes borrowed from the input; on failure an empty range. */
struct bytes reader_take(struct reader *r, size_t n);
/* Up to and without the next LF, which is consumed; fails if there is none. */
struct bytes reader_line(struct reader *r);

/* Memory of a fixed size for what one message decodes to; freed as one. */
struct arena {
	uint8_t *base;
	size_t used, cap;
};

/* takes nothing: the caller keeps base[cap] alive as long as what came from it. */
void arena_init(struct arena *a, void *base, size_t cap);
void arena_reset(struct arena *a);
/* 16-byte aligned, zeroed; NULL when full: the input is refused with RC_TOO_BIG. */
void *arena_alloc(struct arena *a, size_t n) MUST_CHECK;

/* A sum over bytes, for whoever knows not how it is made: all bytes go through add, then end gives
 * it. */
#define BYTE_SUM_BYTES 32
struct byte_sum {
	void (*add)(void *self, struct bytes b);
	void (*end)(void *self, uint8_t out[BYTE_SUM_BYTES]);
	void *self;
};

/* For sizes we choose ourselves: never NULL, exits (71) when memory is gone. */
void *xalloc(size_t n); /* zeroed */
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
void *xmemdup(const void *p, size_t n);

/* Unpadded big-endian stores into raw memory. */
void put_u16be(uint8_t *p, uint16_t v);
void put_u32be(uint8_t *p, uint32_t v);
void put_u64be(uint8_t *p, uint64_t v);
uint16_t get_u16be(const uint8_t *p);
uint32_t get_u32be(const uint8_t *p);
uint64_t get_u64be(const uint8_t *p);

#endif
