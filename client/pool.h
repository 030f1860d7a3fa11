/* Memory for what an answer decodes to: grows in chunks, freed as one. */
#ifndef DELTAD_CLIENT_POOL_H
#define DELTAD_CLIENT_POOL_H

#include "proto/base/bytes.h"

/* All zero is an empty one. */
struct pool {
	struct arena now; /* of the newest chunk */
	uint8_t **chunk;
	size_t n;
};

/* An arena with at least so many bytes free (at most 256 KiB). */
struct arena *pool_arena(struct pool *p, size_t need);
/* A copy that lives as long as the pool. */
struct bytes pool_copy(struct pool *p, struct bytes s);
void pool_release(struct pool *p);

#endif
