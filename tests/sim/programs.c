#include "tests/sim/programs.h"

#define OLD_SLOTS SLOT_OVERALL /* the last one that the older program knows */

static bool is_old;

const struct slot_rule *__real_slot_find(uint32_t slot);
const struct slot_rule *__wrap_slot_find(uint32_t slot);

const struct slot_rule *__wrap_slot_find(uint32_t slot)
{
	return is_old && slot > OLD_SLOTS ? NULL : __real_slot_find(slot);
}

void programs_run(const struct sim_node *n)
{
	is_old = n->old_program;
}

void programs_run_newest(void)
{
	is_old = false;
}
