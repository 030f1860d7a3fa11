/* A member that is not what it seems: one with a valid key that lies, and one that runs a program
 * of the future. Source: PROTOCOL 12; invariants 17 and 22. */
#ifndef DELTAD_TESTS_SIM_HOSTILE_H
#define DELTAD_TESTS_SIM_HOSTILE_H

#include "tests/sim/forge.h"

void hostile_setup(struct world *w);
void hostile_release(struct world *w);
void hostile_act(struct world *w);
/* Logs of this member's by hand. */
bool hostile_writes(const struct world *w, int member);
/* Takes what arrives at its node, or what its node is about to send. */
bool hostile_takes(struct world *w, struct sim_conn *c, int end, struct bytes envelope);
bool hostile_sends(struct world *w, struct sim_conn *c, int end, const struct outbound *out);
/* The member's session with a peer, and which end of it; NULL: there is none. */
struct sim_conn *hostile_session(struct world *w, int member, size_t peer, int *end);
/* One of the liar's logs, as this peer is shown it; NULL: none yet. */
const struct forged *hostile_log_for(struct world *w, int peer);
/* Whatever its node thinks of it. */
void hostile_say(struct world *w, struct sim_conn *c, int end, const struct message *m);

#endif
