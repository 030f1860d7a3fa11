/* A member that writes, beside its node, two logs of its own by hand: what it signs is well-formed,
 * and each leaf counts or is void by the way it was made, which the books know. Nobody may refuse
 * it, and everybody must judge it so. */
#ifndef DELTAD_TESTS_SIM_CRAFTS_H
#define DELTAD_TESTS_SIM_CRAFTS_H

#include "tests/sim/forge.h"

/* Some more of them; f->log[0] is whole from the beginning, and shown late. newer: whose leaves
 * nobody can judge yet. */
void crafts_write(struct world *w, struct forger *f, const struct forger *newer);

#endif
