#include "daemon/net/verify.h"

#include <stdlib.h>

#include "proto/wire/codec.h"

/* Room for the worst leaf must be free before each, but a leaf takes a small part of that. */
#define BLOCK_BYTES ((size_t)4 * CODEC_LEAF_ARENA)

struct block {
	struct block *next;
	struct arena arena;
	uint8_t memory[] __attribute__((aligned(16)));
};

struct chunk {
	uv_work_t work;
	struct verify *owner;
	size_t from, to;
	struct block *blocks;
};

struct verify {
	struct hash cluster_id;
	bool bulk;
	const struct bytes *raw;
	struct examined *leaf;
	verify_done_fn *done;
	void *arg;
	size_t n_chunks, running;
	struct chunk chunk[];
};

static struct arena *arena_for_leaf(void *arg)
{
	struct chunk *c = arg;
	struct block *b = c->blocks;
	if (!b || b->arena.cap - b->arena.used < CODEC_LEAF_ARENA) {
		b = xalloc(sizeof(*b) + BLOCK_BYTES);
		arena_init(&b->arena, b->memory, BLOCK_BYTES);
		b->next = c->blocks;
		c->blocks = b;
	}
	return &b->arena;
}

static void examine_chunk(struct chunk *c)
{
	struct verify *v = c->owner;
	examine_leaves(&v->cluster_id, v->raw + c->from, c->to - c->from, v->bulk, arena_for_leaf,
		c, v->leaf + c->from);
}

static void on_work(uv_work_t *work)
{
	examine_chunk(work->data);
}

static void on_worked(uv_work_t *work, int status)
{
	struct chunk *c = work->data;
	struct verify *v = c->owner;
	ENSURE(status == 0); /* we never cancel */
	if (--v->running == 0)
		v->done(v->arg);
}

static struct verify *new_verify(
	const struct hash *cluster_id, const struct bytes *leaves, size_t n)
{
	size_t chunks = (n + VERIFY_CHUNK_LEAVES - 1) / VERIFY_CHUNK_LEAVES;
	struct verify *v = xalloc(sizeof(*v) + chunks * sizeof(v->chunk[0]));
	v->cluster_id = *cluster_id;
	v->raw = leaves;
	v->leaf = xalloc((n ? n : 1) * sizeof(v->leaf[0]));
	v->n_chunks = chunks;
	for (size_t i = 0; i < chunks; i++) {
		struct chunk *c = &v->chunk[i];
		c->owner = v;
		c->work.data = c;
		c->from = i * VERIFY_CHUNK_LEAVES;
		c->to = i + 1 == chunks ? n : c->from + VERIFY_CHUNK_LEAVES;
	}
	return v;
}

struct verify *verify_start(uv_loop_t *loop, const struct hash *cluster_id,
	const struct bytes *leaves, size_t n, bool bulk, verify_done_fn *done, void *arg)
{
	struct verify *v = new_verify(cluster_id, leaves, n);
	v->bulk = bulk;
	v->done = done;
	v->arg = arg;
	if (n <= VERIFY_INLINE_LEAVES) {
		for (size_t i = 0; i < v->n_chunks; i++)
			examine_chunk(&v->chunk[i]);
		return v;
	}
	for (size_t i = 0; i < v->n_chunks; i++) {
		ENSURE(uv_queue_work(loop, &v->chunk[i].work, on_work, on_worked) == 0);
		v->running++;
	}
	return v;
}

bool verify_is_done(const struct verify *v)
{
	return v->running == 0;
}

const struct examined *verify_leaves(const struct verify *v)
{
	ENSURE(verify_is_done(v));
	return v->leaf;
}

void verify_free(struct verify *v)
{
	if (!v)
		return;
	ENSURE(verify_is_done(v));
	for (size_t i = 0; i < v->n_chunks; i++) {
		while (v->chunk[i].blocks) {
			struct block *b = v->chunk[i].blocks;
			v->chunk[i].blocks = b->next;
			free(b);
		}
	}
	free(v->leaf);
	free(v);
}
