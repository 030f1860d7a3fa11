/* Times are arguments: monotonic and wall time are different types. Floor 0. */
#ifndef DELTAD_BASE_UNITS_H
#define DELTAD_BASE_UNITS_H

#include <stdint.h>

/* Milliseconds of a clock that never goes back; its zero means nothing. */
struct mono_ms {
	int64_t v;
};

/* Milliseconds since 1970-01-01T00:00:00Z by this machine's clock: a claim, for display only. */
struct wall_ms {
	int64_t v;
};

struct now {
	struct mono_ms mono;
	struct wall_ms wall;
};

#define MONO_NEVER ((struct mono_ms){INT64_MAX})

/* Randomness as an argument, so that a simulated run can be repeated. */
struct chance {
	void (*fill)(void *self, void *p, uint32_t n);
	void *self;
};

uint64_t chance_u64(struct chance c);
/* Uniform in [0, n), n > 0. */
uint64_t chance_below(struct chance c, uint64_t n);

#endif
