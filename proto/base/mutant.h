/* Planted bugs. A build of its own (cmake --preset mutants) can be told to make one of the mistakes
 * listed in tests/sim/mutants.def, to show that the tests would notice it; tests/sim/mutants does
 * so for each. In every other build MUTANT() is false and nothing of them is there. Floor 0. */
#ifndef DELTAD_BASE_MUTANT_H
#define DELTAD_BASE_MUTANT_H

#include <stdbool.h>

#ifdef DELTAD_MUTANTS
enum mutant {
#define PLANTED(id, name, where, killer, sentence) MUTANT_##name = id,
#include "tests/sim/mutants.def"
#undef PLANTED
};

extern int mutant_planted;
/* The one mistake to make from now on, 0 = none. Any program of this build takes it from the
 * environment too: DELTAD_MUTANT=7. */
void mutant_plant(int id);
#define MUTANT(name) (mutant_planted == (int)MUTANT_##name)
#else
#define MUTANT(name) false
#endif

#endif
