/* What another member is known to hold by the last bundle that came from it: kept in the store,
 * because such members are on no line. A claim that nothing rests on but what is put into the next
 * bundle for it. Floor 3, private to daemon/core. Source: PROTOCOL 10. */
#ifndef DELTAD_CORE_TRANSFER_HOLDS_H
#define DELTAD_CORE_TRANSFER_HOLDS_H

#include "daemon/core/replica.h"

struct hold {
	char origin[ORIGIN_SIZE];
	uint64_t size;
};

struct holds {
	struct hold log[LIMIT_LOGS];
	size_t n;
};

/* One that is listed again gets the larger size. */
void holds_put(struct holds *h, struct bytes origin, uint64_t size);
/* None is no error. */
int holds_load(struct replica *r, struct bytes member, struct holds *out, struct err *e) MUST_CHECK;
int holds_store(
	struct replica *r, struct bytes member, const struct holds *h, struct err *e) MUST_CHECK;

#endif
