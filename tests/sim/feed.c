/* From bytes on a line to an input of a replica. */
#include <stdlib.h>

#include "proto/wire/codec.h"
#include "tests/sim/world.h"

static void examine_all(const struct world *w, struct fed *f)
{
	struct arena a;
	size_t n = f->m.leaves.n, room = CODEC_LEAF_ARENA + n * CODEC_LEAF_KEPT;
	f->x = xalloc((n + 1) * sizeof(*f->x));
	f->leaf_memory = xalloc(room);
	arena_init(&a, f->leaf_memory, room);
	for (size_t i = 0; i < n; i++)
		examine_leaf(&w->cluster_id, f->m.leaves.leaves[i], &a, &f->x[i]);
	f->batch = (struct batch){f->x, n};
}

int feed_decode(struct world *w, struct bytes data, struct fed *out, struct err *e)
{
	struct arena a;
	*out = (struct fed){.memory = w->arena_memory};
	w->arena_memory = NULL;
	if (out->memory == NULL)
		out->memory = xalloc(MESSAGE_ARENA);
	arena_init(&a, out->memory, MESSAGE_ARENA);
	int rc = message_decode(data, &a, &out->m, e);
	if (rc == RC_OK && out->m.kind == MESSAGE_LEAVES)
		examine_all(w, out);
	return rc;
}

void feed_release(struct world *w, struct fed *f)
{
	free(f->x);
	free(f->leaf_memory);
	free(w->arena_memory);
	w->arena_memory = f->memory;
	*f = (struct fed){0};
}

int feed_replica(struct world *w, struct replica *r, int from, struct bytes data, struct now now,
	struct err *e)
{
	struct fed f;
	int rc = feed_decode(w, data, &f, e);
	if (rc == RC_OK)
		rc = replica_recv(r, from, &f.m, &f.batch, now, e);
	feed_release(w, &f);
	return rc;
}
