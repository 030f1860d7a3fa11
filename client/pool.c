#include "client/pool.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (256 * 1024)

struct arena *pool_arena(struct pool *p, size_t need)
{
	ENSURE(need <= CHUNK_BYTES);
	if (p->n > 0 && p->now.cap - p->now.used >= need + 16)
		return &p->now;
	p->chunk = xrealloc(p->chunk, (p->n + 1) * sizeof *p->chunk);
	p->chunk[p->n] = xalloc(CHUNK_BYTES + 16);
	arena_init(&p->now, p->chunk[p->n++], CHUNK_BYTES + 16);
	return &p->now;
}

struct bytes pool_copy(struct pool *p, struct bytes s)
{
	if (s.n == 0)
		return bytes_of(NULL, 0);
	uint8_t *copy = arena_alloc(pool_arena(p, s.n), s.n);
	ENSURE(copy);
	memcpy(copy, s.p, s.n);
	return bytes_of(copy, s.n);
}

void pool_release(struct pool *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->chunk[i]);
	free(p->chunk);
	*p = (struct pool){0};
}
