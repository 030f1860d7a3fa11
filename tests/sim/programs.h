/* Which program a node runs. An older one knows fewer slots: simulated by answering slot_find for
 * the node whose turn it is, by the linker's --wrap. */
#ifndef DELTAD_TESTS_SIM_PROGRAMS_H
#define DELTAD_TESTS_SIM_PROGRAMS_H

#include "tests/sim/world.h"

/* From here on this node's program is asked. */
void programs_run(const struct sim_node *n);
/* The newest program. */
void programs_run_newest(void);

#endif
