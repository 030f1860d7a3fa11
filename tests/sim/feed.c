/* From bytes on a link to an input of a replica. */
#include <stdlib.h>

#include "proto/wire/codec.h"
#include "tests/sim/world.h"

static struct examined *examine_all(const struct world *w, const struct message *m, void **memory)
{
	struct arena a;
	struct examined *x = xalloc((m->leaves.n + 1) * sizeof(*x));
	*memory = xalloc(m->leaves.n * CODEC_LEAF_ARENA + 1);
	arena_init(&a, *memory, m->leaves.n * CODEC_LEAF_ARENA);
	for (size_t i = 0; i < m->leaves.n; i++)
		examine_leaf(&w->cluster_id, m->leaves.leaves[i], &a, &x[i]);
	return x;
}

int world_feed(struct world *w, struct replica *r, int from, struct bytes data, struct now now,
	struct err *e)
{
	void *memory = xalloc(MESSAGE_ARENA), *leaf_memory = NULL;
	struct examined *x = NULL;
	struct arena a;
	struct message m;
	struct batch b = {0};
	arena_init(&a, memory, MESSAGE_ARENA);
	int rc = message_decode(data, &a, &m, e);
	if (rc == RC_OK && m.kind == MESSAGE_LEAVES) {
		x = examine_all(w, &m, &leaf_memory);
		b = (struct batch){x, m.leaves.n};
	}
	if (rc == RC_OK)
		rc = replica_recv(r, from, &m, &b, now, e);
	free(x);
	free(leaf_memory);
	free(memory);
	return rc;
}
