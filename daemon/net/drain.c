#include "daemon/net/drain.h"

#include "proto/base/mutant.h"

bool drain_look(struct drain *d, size_t queued, bool wrote, struct mono_ms now)
{
	if (MUTANT(QUEUE_UNBOUNDED))
		queued = 0;
	bool moved = !wrote && queued < d->queued;
	if (d->queued == 0)
		d->busy = now;
	if (d->queued == 0 || moved)
		d->since = now;
	d->queued = queued;
	return moved;
}

bool drain_is_slow(const struct drain *d, struct mono_ms now)
{
	return d->queued > 0 && now.v - d->busy.v >= DRAIN_SLOW_MS;
}

struct mono_ms drain_deadline(const struct drain *d, int64_t stall_ms)
{
	if (d->queued == 0)
		return MONO_NEVER;
	return (struct mono_ms){d->since.v + stall_ms};
}
