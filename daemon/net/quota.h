/* How often something may happen in a minute: keeps one peer from filling the journal. Floor 5,
 * pure. Source: reliability rule "at most 10 lines a minute a peer and then a counter". */
#ifndef DELTAD_NET_QUOTA_H
#define DELTAD_NET_QUOTA_H

#include <stdbool.h>

#include "proto/base/units.h"

#define QUOTA_PER_MINUTE 10

/* All zero = nothing used yet. */
struct quota {
	struct mono_ms window;
	unsigned used;
	unsigned withheld; /* since the last one that was allowed in a new window */
	bool started;
};

/* May it happen now? When a new minute begins, *withheld (else 0) is how many were refused in the
 * old one: say so with the line that is allowed. */
bool quota_take(struct quota *q, struct mono_ms now, unsigned *withheld);

#endif
