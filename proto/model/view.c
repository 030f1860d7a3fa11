#include "proto/model/view.h"

#include <stdlib.h>

#include "proto/base/mutant.h"

static int compare_ids(const void *a, const void *b)
{
	return hash_compare(a, b);
}

static bool supersedes(const struct version *v, const struct hash *id)
{
	return v->n_supersedes &&
		bsearch(id, v->supersedes, v->n_supersedes, sizeof *v->supersedes, compare_ids);
}

void view_fold(struct version *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		v[i].current = true;
		for (size_t k = 0; k < n && v[i].current; k++)
			v[i].current = !supersedes(&v[k], &v[i].id);
	}
}

int version_compare(const struct version *a, const struct version *b)
{
	if (a->by_lead != b->by_lead)
		return a->by_lead ? -1 : 1;
	if (a->hlc != b->hlc)
		return a->hlc > b->hlc ? -1 : 1;
	return MUTANT(TIE_BY_POINTER) ? (a > b) - (a < b) : hash_compare(&b->id, &a->id);
}

static void put_short(struct buf *b, struct bytes s)
{
	ENSURE(s.n <= UINT8_MAX);
	buf_put_u8(b, (uint8_t)s.n);
	buf_put_bytes(b, s);
}

void view_leaf_begin(struct buf *b, struct bytes task)
{
	put_short(b, task);
}

void view_leaf_register(
	struct buf *b, uint32_t slot, struct bytes holder, const struct hash *ids, size_t n)
{
	ENSURE(n > 0 && n <= UINT32_MAX);
	buf_put_u32be(b, slot);
	put_short(b, holder);
	buf_put_u32be(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		/* One set of ids, one root: the order is part of the bytes. */
		ENSURE(i == 0 || hash_compare(&ids[i - 1], &ids[i]) < 0);
		buf_put_bytes(b, hash_bytes(&ids[i]));
	}
}
