/* From bytes on a line to an input of a replica. */
#include <stdlib.h>

#include "proto/wire/codec.h"
#include "tests/sim/programs.h"
#include "tests/sim/sometimes.h"
#include "tests/sim/world.h"

#define AUDIT_AT_ONCE 12
#define DEATH_PERCENT 1
#define DEATH_PERCENT_SLOW 25

static struct arena *same_room(void *arena)
{
	return arena;
}

/* Into memory that the caller frees. */
static struct examined *examine_all(
	const struct world *w, const struct bytes *leaf, size_t n, bool bulk, void **memory)
{
	struct arena a;
	size_t room = CODEC_LEAF_ARENA + n * CODEC_LEAF_KEPT;
	struct examined *x = xalloc((n + 1) * sizeof(*x));
	*memory = xalloc(room);
	arena_init(&a, *memory, room);
	examine_leaves(&w->cluster_id, leaf, n, bulk, same_room, &a, x);
	return x;
}

int feed_open(struct world *w, struct bytes data, struct fed *out, struct err *e)
{
	struct arena a;
	*out = (struct fed){.memory = w->arena_memory};
	w->arena_memory = NULL;
	if (out->memory == NULL)
		out->memory = xalloc(MESSAGE_ARENA);
	arena_init(&a, out->memory, MESSAGE_ARENA);
	return message_decode(data, &a, &out->m, e);
}

void feed_examine(struct world *w, struct fed *f, bool bulk)
{
	size_t n = f->m.leaves.n;
	f->x = examine_all(w, f->m.leaves.leaves, n, bulk, &f->leaf_memory);
	f->batch = (struct batch){f->x, n};
}

int feed_decode(struct world *w, struct bytes data, bool bulk, struct fed *out, struct err *e)
{
	int rc = feed_open(w, data, out, e);
	if (rc == RC_OK && out->m.kind == MESSAGE_LEAVES)
		feed_examine(w, out, bulk);
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
	int rc = feed_decode(w, data, false, &f, e);
	if (rc == RC_OK)
		rc = replica_recv(r, from, &f.m, &f.batch, now, e);
	feed_release(w, &f);
	return rc;
}

void feed_plan_audit(struct world *w, struct sim_node *n)
{
	if (n->audit_queued || !replica_audit_is_due(n->replica))
		return;
	n->audit_queued = true;
	int64_t wait = dice_range(&w->audit, 1, w->calm ? AUDIT_WAIT_MS : n->audit_wait);
	queue_add(w, w->now + wait, SIM_AUDIT, n->self, n->life);
}

static void audit(struct world *w, struct sim_node *n, struct audit_piece *p)
{
	struct err e = {0};
	void *memory;
	size_t most = 1 + dice_index(&w->audit, AUDIT_AT_ONCE);
	p->n = p->n < most ? p->n : most;
	struct examined *x = examine_all(w, p->leaf, p->n, false, &memory);
	if (node_enter(w, n)) {
		int rc = replica_audit_done(n->replica, p, x, &e);
		(void)node_survives(w, n, rc, &e);
	}
	free(x);
	free(memory);
}

void feed_on_audit(struct world *w, struct sim_node *n)
{
	struct audit_piece p = {0};
	struct err e = {0};
	n->audit_queued = false;
	if (n->full || n->in_group)
		return;
	programs_run(n);
	bool slow = n->audit_wait > AUDIT_WAIT_MS;
	bool dies = dice_percent(&w->audit, slow ? DEATH_PERCENT_SLOW : DEATH_PERCENT) &&
		swarm_has(&w->swarm, FAULT_CRASH);
	if (dies && !w->calm) {
		sometimes(SOMETIMES_DEATH_BEFORE_AUDIT);
		node_die(w, n, NODE_DEAD);
		return;
	}
	int rc = replica_audit_next(n->replica, &p, &e);
	if (rc == RC_OK) {
		sometimes(SOMETIMES_AUDITED);
		audit(w, n, &p);
	} else if (rc < 0) {
		(void)node_survives(w, n, rc, &e);
	}
	audit_piece_release(&p);
}
