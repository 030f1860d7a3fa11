/* Logs that a version of the roster ends. */
#ifndef DELTAD_TESTS_SIM_ENDS_H
#define DELTAD_TESTS_SIM_ENDS_H

#include "tests/sim/world.h"

/* Drafts: each changes *next, or finds nobody to do it to. The key that must prove it is held. */
const struct key *ends_replace_key(struct world *w, const struct sim_node *drafter,
	const struct roster *now, struct roster *next);
bool ends_remove_member(struct world *w, const struct sim_node *drafter, const struct roster *now,
	struct roster *next);

/* Is it a member by the roster that this node has? */
bool ends_knows(const struct sim_node *n, int member);
/* By that roster it ends somewhere, or counts nowhere. */
bool ends_has_end(const struct sim_node *n, const struct book_log *l);
/* Leaves of it that are here and count by that roster. */
uint64_t ends_counted(const struct sim_node *n, const struct book_log *l);
/* Its owner writes again what stands beyond its end. */
bool ends_is_kept(const struct sim_node *n, const struct book_log *l);

#endif
