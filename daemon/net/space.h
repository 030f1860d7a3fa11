/* Whether there is room to write: three states, when to try again, and what to tell people. Floor
 * 5, pure. Source: reliability rules for a full disk.
 *
 *	OK   --little free-->        LOW   (no authoring; what peers send is still taken)
 *	OK, LOW --a write failed-->  FULL  (no writes at all; reads and sending go on)
 *	FULL --the wait is over-->   OK    (the next write shows)
 */
#ifndef DELTAD_NET_SPACE_H
#define DELTAD_NET_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/units.h"

#define SPACE_WAIT_MIN_MS 5000
#define SPACE_WAIT_MAX_MS 60000
#define SPACE_MEASURE_MS 10000

enum space_state { SPACE_OK, SPACE_LOW, SPACE_FULL };

struct space {
	enum space_state state;
	uint64_t min_free;    /* bytes; 0 = no such floor */
	uint32_t min_percent; /* 0 = no such floor */
	int64_t wait_ms;      /* the next wait; grows from MIN to MAX */
	struct mono_ms retry_at, failed_at, measure_at;
};

void space_init(struct space *s, uint64_t min_free, uint32_t min_percent, struct mono_ms now);
/* A write failed for lack of room. The wait doubles if the last failure was less than twice
 * SPACE_WAIT_MAX_MS ago; the upper half of it is jitter. */
void space_failed(struct space *s, struct mono_ms now, struct chance c);
/* What statvfs said: free bytes for us, and the size of the file system. */
void space_measured(struct space *s, uint64_t free_bytes, uint64_t total, struct mono_ms now);
/* FULL and the wait is over: back to OK, true. */
bool space_retry(struct space *s, struct mono_ms now);
/* When to call measured or retry. */
struct mono_ms space_deadline(const struct space *s);

#endif
