/* A liar that lies to a purpose: what it says, and to whom and when, fits together. Source:
 * PROTOCOL 4.3, 12. */
#ifndef DELTAD_TESTS_SIM_DECEIT_H
#define DELTAD_TESTS_SIM_DECEIT_H

#include "tests/sim/forge.h"

void deceit_setup(struct world *w, int liar);
void deceit_release(struct world *w);
void deceit_act(struct world *w);
/* A Want of one of its logs, at its own node. */
bool deceit_takes(struct world *w, struct sim_conn *c, int end, const struct message *want);

#endif
