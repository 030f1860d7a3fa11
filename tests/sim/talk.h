/* A dishonest member that is asked for leaves and talks of other things, so that it stays the one
 * who is asked; before the healing the others reach nobody else. Source: PROTOCOL 7.3. */
#ifndef DELTAD_TESTS_SIM_TALK_H
#define DELTAD_TESTS_SIM_TALK_H

#include "tests/sim/world.h"

struct talk {
	int member;
	bool endless;	/* in one message that never ends, or in many short ones */
	uint64_t since; /* this step */
};

/* NULL: nobody does. */
void talk_setup(struct world *w, uint64_t steps);
/* It goes on. */
void talk_act(struct world *w);
/* An envelope has arrived: true if it was for the talker, who does not answer it. */
bool talk_takes(struct world *w, struct sim_conn *c, int end, struct bytes envelope);
/* Its node would say this: true if it cannot, because it has not finished. */
bool talk_sends(const struct world *w, const struct sim_conn *c, int end);
/* Is its place held by what is no leaf, for as long as anybody waits? */
bool talk_holds(const struct world *w);

#endif
