#include "tests/sim/hostile.h"

#include <stdlib.h>

struct hostile {
	int member;
};

void hostile_setup(struct world *w)
{
	(void)w;
}
void hostile_release(struct world *w)
{
	free(w->hostile);
}
void hostile_act(struct world *w)
{
	(void)w;
}
void hostile_joins(struct world *w, struct sim_conn *c, int end)
{
	(void)w;
	(void)c;
	(void)end;
}
bool hostile_takes(struct world *w, struct sim_conn *c, int end, struct bytes envelope)
{
	(void)w;
	(void)c;
	(void)end;
	(void)envelope;
	return false;
}
bool hostile_sends(struct world *w, struct sim_conn *c, int end, const struct outbound *out)
{
	(void)w;
	(void)c;
	(void)end;
	(void)out;
	return false;
}
bool hostile_is(const struct world *w, int member)
{
	return w->hostile != NULL && w->hostile->member == member;
}
