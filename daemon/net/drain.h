/* Notices a write queue that does not move: somebody who connected and stopped reading. Floor 5,
 * pure. Source: PROTOCOL 7.4, 8 (WRITE_STALL_MS). */
#ifndef DELTAD_NET_DRAIN_H
#define DELTAD_NET_DRAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/units.h"

/* A queue that was never empty for so long belongs to a slow line. */
#define DRAIN_SLOW_MS 1000

/* All zero = an empty queue. */
struct drain {
	size_t queued;	      /* when last looked at */
	struct mono_ms since; /* of the last movement; counts only while queued > 0 */
	struct mono_ms busy;  /* not empty since */
};

/* The queue has this many bytes now. Call after each write, each completed write, and when the
 * deadline is reached. `wrote`: the call is because bytes were added, which is no movement. True:
 * the other side took some of what had to wait for it. */
bool drain_look(struct drain *d, size_t queued, bool wrote, struct mono_ms now);
bool drain_is_slow(const struct drain *d, struct mono_ms now);
/* When it counts as stalled, MONO_NEVER for an empty queue. */
struct mono_ms drain_deadline(const struct drain *d, int64_t stall_ms);

#endif
