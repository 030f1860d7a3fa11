/* A cluster in one process: replicas, their stores, links and clocks, all under virtual time and
 * one seeded generator.
 *
 * One event a step. Events are ordered by time, and by the order they were scheduled in where times
 * are equal (the tie rule). Each event is one group of one replica: begin, input, commit, then its
 * outputs go onto the links. */
#ifndef DELTAD_TESTS_SIM_WORLD_H
#define DELTAD_TESTS_SIM_WORLD_H

#include "daemon/core/replica.h"

#define SIM_NODES_MAX 5
#define SIM_OPERATORS 2

/* ---- chance ---- */
struct dice {
	uint64_t state;
};
uint64_t dice_u64(struct dice *d);
/* Uniform in [low, high]. */
int64_t dice_range(struct dice *d, int64_t low, int64_t high);
bool dice_percent(struct dice *d, unsigned percent);

/* ---- what was written, by the oracle's own books ---- */
struct ledger_log {
	char origin[ORIGIN_SIZE];
	struct hash *leaf, *root; /* root[i]: of the first i + 1 leaves */
	struct frontier frontier;
	size_t n, cap;
};

struct acked {
	int node;
	char origin[ORIGIN_SIZE];
	uint64_t index;
	struct hash id;
};

struct sim_node {
	char slug[SLUG_SIZE];
	struct key root, log, cosign, noise, operator[SIM_OPERATORS];
	struct store *store;
	struct replica *replica; /* NULL while crashed */
	int64_t wall_offset, wall_drift_ppm;
	struct mark mark; /* the mark file */
	bool mark_writing;
	struct mark mark_next;
	uint64_t life; /* counts starts, so that late events of an earlier life are dropped */
	struct mono_ms tick_at;
	struct dice dice;
	/* for the oracle */
	struct hash entries; /* over the (origin, size) pairs */
	struct hash view;
	uint64_t checked[LIMIT_LOGS];
	char checked_origin[LIMIT_LOGS][ORIGIN_SIZE];
	size_t n_checked;
};

struct sim_link {
	bool cut; /* by the scenario: nothing connects */
	bool up;
	uint64_t life;	 /* of the connection */
	int64_t busy[2]; /* when the last packet of each direction arrives: order is kept */
	int64_t delay_max;
};

enum sim_event_kind {
	SIM_DELIVER,
	SIM_MARKED,
	SIM_TICK,
	SIM_ACTION,
	SIM_CONNECT,
	SIM_RESTART,
	SIM_HEAL
};

struct sim_event {
	int64_t at;
	uint64_t seq;
	enum sim_event_kind kind;
	int a, b;
	uint64_t life;
	struct bytes data; /* SIM_DELIVER: heap, taken */
};

struct world {
	uint64_t seed;
	struct dice dice;
	int64_t now; /* ms */
	uint64_t seq, steps;
	struct sim_event *queue; /* binary heap */
	size_t n_queue, cap_queue;
	size_t n;
	struct sim_node node[SIM_NODES_MAX];
	struct sim_link link[SIM_NODES_MAX][SIM_NODES_MAX]; /* [a][b], a < b */
	struct buf roster;
	struct hash cluster_id;
	bool calm; /* the liveness phase: nothing new goes wrong */
	bool trace;
	struct hash trace_hash;
	struct ledger_log *ledger;
	size_t n_ledger;
	struct acked *acked;
	size_t n_acked, cap_acked;
	uint64_t posts, refused, crashes, cuts, packets, conflicts_seen, epochs, flips;
};

void world_init(struct world *w, uint64_t seed, size_t n);
void world_release(struct world *w);
/* Runs one event; false when nothing is left before `until`. */
bool world_step(struct world *w, int64_t until);
void world_schedule(struct world *w, int64_t at, enum sim_event_kind kind, int a, int b,
	uint64_t life, struct bytes data);
struct now world_now(const struct world *w, const struct sim_node *n);
struct sim_link *world_link(struct world *w, int a, int b);
void world_cut(struct world *w, int a, int b);
void world_heal(struct world *w, int a, int b);
void world_crash(struct world *w, int node);
void world_start(struct world *w, int node);
/* One group around an input of the node; commits, or dies before the commit if `crash` says so. */
typedef int world_input_fn(struct world *w, struct sim_node *n, void *arg, struct err *e);
int world_group(struct world *w, int node, world_input_fn *fn, void *arg);
/* One encoded envelope into a replica, decoded and examined as the shell does it. */
int world_feed(struct world *w, struct replica *r, int from, struct bytes data, struct now now,
	struct err *e);
void world_trace(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- actions.c ---- */
void action_random(struct world *w);
void action_setup(struct world *w);

/* ---- oracle.c: each check prints seed, step and what it saw, and ends the program with status 1
 * ---- */
void oracle_after(struct world *w, int node);
void oracle_message(struct world *w, int from, const struct message *m);
void oracle_converged(struct world *w);
/* I7: a new node that is given all leaves in another order sees the same view. */
void oracle_rebuild(struct world *w);
_Noreturn void oracle_fail(const struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
