#include "daemon/store/register_cache.h"

#include <stdlib.h>
#include <string.h>

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t mix(uint64_t h, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * FNV_PRIME;
	return h;
}

/* FNV-1a. A writer who makes keys collide only makes them slower: every hit compares all bytes. */
static size_t home_of(struct bytes task, uint32_t slot, struct bytes holder)
{
	uint8_t between[5] = {(uint8_t)task.n};
	put_u32be(between + 1, slot);
	uint64_t h = mix(FNV_OFFSET, task.p, task.n);
	h = mix(h, between, sizeof between);
	h = mix(h, holder.p, holder.n);
	return (size_t)((h ^ (h >> 32)) % REGISTER_CACHE_SLOTS);
}

static bool is_of(
	const struct register_entry *x, struct bytes task, uint32_t slot, struct bytes holder)
{
	return x->reg != 0 && x->slot == slot && bytes_equal(bytes_of(x->key, x->n_task), task) &&
		bytes_equal(bytes_of(x->key + x->n_task, x->n_holder), holder);
}

static bool is_keepable(struct bytes task, struct bytes holder)
{
	return task.n <= REGISTER_CACHE_KEY && holder.n <= REGISTER_CACHE_KEY - task.n;
}

void register_cache_release(struct register_cache *c)
{
	free(c->entry);
	c->entry = NULL;
}

void register_cache_forget(struct register_cache *c)
{
	if (c->entry != NULL)
		memset(c->entry, 0, REGISTER_CACHE_SLOTS * sizeof *c->entry);
}

int64_t register_cache_get(
	const struct register_cache *c, struct bytes task, uint32_t slot, struct bytes holder)
{
	if (c->entry == NULL || !is_keepable(task, holder))
		return 0;
	size_t home = home_of(task, slot, holder);
	for (size_t i = 0; i < REGISTER_CACHE_PROBE; i++) {
		const struct register_entry *x = &c->entry[(home + i) % REGISTER_CACHE_SLOTS];
		if (is_of(x, task, slot, holder))
			return x->reg;
	}
	return 0;
}

/* The first empty place near home, else the home itself is given up. */
static struct register_entry *place_for(struct register_cache *c, size_t home)
{
	for (size_t i = 0; i < REGISTER_CACHE_PROBE; i++) {
		struct register_entry *x = &c->entry[(home + i) % REGISTER_CACHE_SLOTS];
		if (x->reg == 0)
			return x;
	}
	return &c->entry[home];
}

void register_cache_put(struct register_cache *c, struct bytes task, uint32_t slot,
	struct bytes holder, int64_t reg)
{
	if (!is_keepable(task, holder))
		return;
	if (c->entry == NULL)
		c->entry = xalloc(REGISTER_CACHE_SLOTS * sizeof *c->entry);
	struct register_entry *x = place_for(c, home_of(task, slot, holder));
	x->reg = reg;
	x->slot = slot;
	x->n_task = (uint8_t)task.n;
	x->n_holder = (uint8_t)holder.n;
	if (task.n > 0)
		memcpy(x->key, task.p, task.n);
	if (holder.n > 0)
		memcpy(x->key + task.n, holder.p, holder.n);
}
