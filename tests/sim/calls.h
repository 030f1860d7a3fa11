/* What is promised of calling each other: when a node dials, which of two connections stays, and
 * how long one is waited for. Source: PROTOCOL 7.1, 7.4, 8. */
#ifndef DELTAD_TESTS_SIM_CALLS_H
#define DELTAD_TESTS_SIM_CALLS_H

#include "tests/sim/world.h"

/* A dial is about to begin that was due at that time. */
void calls_dialled(struct world *w, struct sim_node *n, int member, int64_t due);
/* One came to nothing, or something else became of the member. */
void calls_failed(struct world *w, struct sim_node *n, int member, bool answered);
void calls_went_on(struct sim_node *n, int member);
/* A node has chosen between two connections with one member. */
void calls_chose(struct world *w, struct sim_conn *stays, struct sim_conn *goes, struct sim_node *n,
	bool new_goes);
/* This end is still waiting for a key, or has just got it. */
void calls_shake_hands(struct world *w, const struct conn_end *e);
/* A message is about to be put into this end's queue. */
void calls_queue(struct world *w, const struct sim_conn *c, int end);
/* What the line kept back of what this end wrote has come through, or nobody waits for it any more.
 */
void calls_waited(struct world *w, const struct sim_conn *c, int end);

#endif
