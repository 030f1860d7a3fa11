#include "daemon/net/drain.h"

void drain_look(struct drain *d, size_t queued, bool wrote, struct mono_ms now)
{
	if (d->queued == 0 || (!wrote && queued < d->queued))
		d->since = now;
	d->queued = queued;
}

struct mono_ms drain_deadline(const struct drain *d, int64_t stall_ms)
{
	if (d->queued == 0)
		return MONO_NEVER;
	return (struct mono_ms){d->since.v + stall_ms};
}
