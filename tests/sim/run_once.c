#include <stdlib.h>

#include "tests/sim/oracle.h"
#include "tests/sim/pipe.h"
#include "tests/sim/runs.h"
#include "tests/sim/sometimes.h"
#include "tests/sim/talk.h"

/* 45 s until silence is noticed, 60 s until the next dial, 60 s for the exchange, and as long as
 * the bytes take on the slowest line. */
#define BOUND_MS 165000
/* A source that sends on a slow line, but not what was asked for, is left after five minutes. */
#define HELD_UP_MS 300000
/* I15: a write queue that nobody reads is given up so much later than it should be. */
#define STALL_LATE_MS 2000
/* I16: when all is said, and how long is listened then. */
#define SETTLE_MS 20000
#define IDLE_MS 60000
#define IDLE_BYTES_S 200
#define CANARY_STEPS 100
#define DAY_MS (25 * 3600000LL)	   /* so that no late start makes one too short */
#define FAR_DAY_MS 7258982400000LL /* 2200-01-11: no clock of a run has been there */
#define DAY_BEGINS_MS 80000	   /* a start, and the minute until a node looks what day it is */
/* I45: TCP tries once more after 12.6 s, and then not before 25.4 s. */
#define LAST_CUT_MS 14000

static int64_t bound(const struct world *w)
{
	uint64_t bytes = 0;
	int64_t rate = INT64_MAX;
	for (size_t i = 0; i < w->n_members; i++) {
		uint64_t here = 0;
		for (size_t k = 0; k < w->node[i].held.n; k++)
			here += w->node[i].held.log[k].bytes;
		bytes = here > bytes ? here : bytes;
		for (size_t k = 0; k < w->n_members; k++)
			if (w->path[i][k].rate > 0 && w->path[i][k].rate < rate)
				rate = w->path[i][k].rate;
	}
	bool lied_to = (swarm_has(&w->swarm, FAULT_HOSTILE) && swarm_has(&w->swarm, FAULT_SLOW)) ||
		talk_holds(w);
	return BOUND_MS + 3 * (int64_t)bytes / rate + (lied_to ? HELD_UP_MS : 0);
}

static void run_until(struct world *w, int64_t end)
{
	while (world_step(w, end))
		;
}

static size_t sessions(const struct world *w)
{
	size_t n = 0;
	for (size_t i = 0; i < SIM_CONNS; i++)
		n += w->conn[i] != NULL && w->conn[i]->end[0].tenure.state == CONN_SESSION &&
			w->conn[i]->end[1].tenure.state == CONN_SESSION;
	return n;
}

static bool is_stalled(const struct sim_conn *c, int end)
{
	const struct conn_end *e = &c->end[end];
	return c->end[1 - end].deaf && e->tenure.state == CONN_SESSION &&
		pipe_queued(&c->pipe[end]) > 0;
}

/* I15: who takes nothing of what is sent is left within its time. */
static void wait_for_deaf_readers(struct world *w)
{
	bool any = false;
	for (size_t i = 0; i < 2 * SIM_CONNS; i++)
		any |= w->conn[i / 2] != NULL && is_stalled(w->conn[i / 2], i % 2);
	if (!any)
		return;
	run_until(w, w->now + LIMIT_WRITE_STALL_MS + STALL_LATE_MS);
	for (size_t i = 0; i < 2 * SIM_CONNS; i++) {
		const struct sim_conn *c = w->conn[i / 2];
		if (c == NULL || !is_stalled(c, i % 2))
			continue;
		if (w->now > c->pipe[i % 2].moved_at + LIMIT_WRITE_STALL_MS + STALL_LATE_MS)
			oracle_fail(w, 15, "%s holds on to a peer that reads nothing",
				c->end[i % 2].node->id->slug);
	}
	oracle_holds(15);
}

/* What a line swallowed before the healing may come late. */
static bool all_arrived(const struct world *w)
{
	for (size_t i = 0; i < SIM_CONNS; i++)
		if (w->conn[i] != NULL &&
			(!pipe_is_empty(&w->conn[i]->pipe[0]) ||
				!pipe_is_empty(&w->conn[i]->pipe[1])))
			return false;
	return true;
}

/* I16: where nobody lies or is slow, nothing but pings is said. */
static void listen_to_idle_lines(struct world *w)
{
	if (w->hostile != NULL || w->talk != NULL || swarm_has(&w->swarm, FAULT_SLOW))
		return;
	run_until(w, w->now + SETTLE_MS);
	if (!all_arrived(w))
		return;
	uint64_t before = w->wire_bytes;
	size_t lines = sessions(w);
	run_until(w, w->now + IDLE_MS);
	if (sessions(w) != lines || lines == 0)
		return;
	uint64_t each = (w->wire_bytes - before) / lines / (IDLE_MS / 1000);
	if (each > IDLE_BYTES_S)
		oracle_fail(w, 16, "idle lines carry %llu bytes a second each",
			(unsigned long long)each);
	oracle_holds(16);
}

/* A new life on that day, which is not near the end of a quarter. */
static void begin_day(struct world *w, struct sim_node *n, int day)
{
	n->wall_set = true;
	n->wall_stuck = n->wall_offset = 0;
	n->wall_offset = FAR_DAY_MS + day * DAY_MS - node_now(w, n).wall.v;
	node_die(w, n, NODE_DEAD);
}

static uint64_t leaves_written(const struct world *w)
{
	uint64_t n = 0;
	for (size_t i = 0; i < w->n_members; i++)
		for (size_t k = 0; k < w->node[i].held.n; k++)
			n += w->node[i].held.log[k].size;
	return n;
}

/* I16: of a day on which nobody did anything nobody writes anything. On the first one there may be
 * a quarter to end, on the second one changes that no day has seen yet. */
static void let_days_pass(struct world *w)
{
	uint64_t before = 0;
	if (!swarm_has(&w->swarm, FAULT_DAYS) || w->hostile != NULL)
		return;
	for (int day = 0; day < 3; day++) {
		before = leaves_written(w);
		for (size_t i = 0; i < w->n_nodes; i++)
			begin_day(w, &w->node[i], day);
		run_until(w, w->now + DAY_BEGINS_MS);
	}
	if (leaves_written(w) != before)
		oracle_fail(w, 16, "something is written on a day on which nobody does anything");
	oracle_holds(16);
	sometimes(SOMETIMES_DAYS_PASSED);
}

/* I45: all is well; then all lines are cut without a word, and come back before TCP tries again. */
static void cut_once_more(struct world *w)
{
	if (!swarm_has(&w->swarm, FAULT_TCP) || swarm_has(&w->swarm, FAULT_SLOW))
		return;
	run_until(w, w->now + LIMIT_DIAL_HEALTHY_MS + SETTLE_MS);
	weather_cut_all(w, w->now + LAST_CUT_MS);
	for (size_t i = 0; i < w->n_nodes; i++)
		people_act(w);
	run_until(w, w->now + LAST_CUT_MS + SETTLE_MS);
}

/* A promise that nobody made and nobody keeps; it takes so many steps and one kind of fault. */
static void sing(struct world *w)
{
	struct hash nobody = {{0}};
	if (w->steps >= CANARY_STEPS && swarm_has(&w->swarm, FAULT_ISOLATE))
		books_ack(&w->books, w->books.log[0].origin, UINT32_MAX, &nobody);
}

void run_once(const struct run *run, struct outcome *out)
{
	struct world *w = xalloc(sizeof(*w));
	world_init(w, run);
	while (w->steps < run->steps && world_step(w, INT64_MAX))
		;
	if (run->canary)
		sing(w);
	world_calm(w);
	int64_t end = w->now + bound(w);
	while (!w->over && world_step(w, end))
		;
	(void)oracle_converged(w, true);
	bundles_end(w);
	out->converged_ms = w->now - w->calm_since;
	bool listens = dice_percent(&w->oracle, 25);
	wait_for_deaf_readers(w);
	if (listens)
		listen_to_idle_lines(w);
	oracle_end(w);
	let_days_pass(w);
	cut_once_more(w);
	out->trace = w->trace_hash;
	out->steps = w->steps;
	out->images = w->images;
	out->simulated_ms = w->now;
	world_release(w);
	free(w);
}
