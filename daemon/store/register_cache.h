/* The numbers of registers that were asked for lately, so that a leaf in bulk costs no look-up.
 * Floor 4. */
#ifndef DELTAD_STORE_REGISTER_CACHE_H
#define DELTAD_STORE_REGISTER_CACHE_H

#include "proto/base/bytes.h"

#define REGISTER_CACHE_SLOTS 2048 /* a plan of 165 tasks has some 1,000 registers in use */
#define REGISTER_CACHE_PROBE 4
#define REGISTER_CACHE_KEY 80 /* longer ones are not kept */

struct register_entry {
	int64_t reg; /* 0 = empty */
	uint32_t slot;
	uint8_t n_task, n_holder;
	uint8_t key[REGISTER_CACHE_KEY]; /* task, then holder */
};

/* All zero is an empty one. */
struct register_cache {
	struct register_entry *entry;
};

void register_cache_release(struct register_cache *c);
/* After a rollback: what was created is gone. */
void register_cache_forget(struct register_cache *c);
/* 0 if it is not here. */
int64_t register_cache_get(
	const struct register_cache *c, struct bytes task, uint32_t slot, struct bytes holder);
void register_cache_put(struct register_cache *c, struct bytes task, uint32_t slot,
	struct bytes holder, int64_t reg);

#endif
