/* Supersession, kept up as changes come: each filed change counts the effective changes of its
 * register that name it. The count is what view_fold would find; fold_register counts from scratch
 * where a verdict changed. Source: PROTOCOL 6.2. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"

static struct hash id_of(struct bytes b)
{
	struct hash h;
	memcpy(h.b, b.p, HASH_BYTES);
	return h;
}

int fold_add(struct replica *r, int64_t reg, const struct change *c, const struct hash *id,
	struct err *e)
{
	for (size_t i = 0; i < c->n_supersedes; i++) {
		struct hash old = id_of(c->supersedes[i]);
		int rc = r->ops->change_supersede(r->store, reg, &old, e);
		if (rc == STORE_NONE && !MUTANT(SUPERSEDED_FORGOTTEN))
			rc = r->ops->ref_put(r->store, &old, REF_SUPERSEDES, reg, id, e);
		if (rc < 0)
			return rc;
	}
	return RC_OK;
}

struct waiting {
	struct replica *r;
	int64_t reg;
	uint32_t n;
};

static int count_one(void *arg, int64_t by_reg, const struct hash *by)
{
	struct waiting *w = arg;
	struct store_change c;
	if (by_reg != w->reg)
		return 0;
	int rc = w->r->ops->change_get(w->r->store, by_reg, by, &c, NULL);
	if (rc == RC_OK && c.verdict == VERDICT_EFFECTIVE)
		w->n++;
	return rc < 0 ? rc : 0;
}

int fold_count_waiting(
	struct replica *r, int64_t reg, const struct hash *id, uint32_t *n, struct err *e)
{
	struct waiting w = {.r = r, .reg = reg};
	int rc = r->ops->ref_each(r->store, id, REF_SUPERSEDES, count_one, &w, e);
	*n = w.n;
	if (rc == RC_OK && w.n > 0)
		rc = r->ops->ref_delete(r->store, id, REF_SUPERSEDES, e);
	return rc;
}

/* ---- from scratch ---- */

struct item {
	struct store_change c;
	uint32_t counted;
	struct hash *supersedes;
	size_t n_supersedes;
};

struct gathering {
	struct replica *r;
	struct item *item; /* by id, as register_each visits them */
	size_t n, cap;
};

static int gather(
	void *arg, const struct store_register *reg, const struct store_change *c, struct bytes raw)
{
	struct gathering *g = arg;
	(void)reg;
	if (g->n == g->cap) {
		g->cap = g->cap == 0 ? 16 : 2 * g->cap;
		g->item = xrealloc(g->item, g->cap * sizeof(*g->item));
	}
	struct item *it = &g->item[g->n++];
	*it = (struct item){.c = *c};
	struct change change;
	if (stored_change_decode(g->r, raw, &change, NULL) != RC_OK)
		return RC_CORRUPT;
	it->n_supersedes = change.n_supersedes;
	it->supersedes = xalloc((change.n_supersedes + 1) * sizeof(struct hash));
	for (size_t i = 0; i < change.n_supersedes; i++)
		it->supersedes[i] = id_of(change.supersedes[i]);
	return 0;
}

static struct item *find_item(const struct gathering *g, const struct hash *id)
{
	size_t low = 0, high = g->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = hash_compare(&g->item[mid].c.id, id);
		if (c == 0)
			return &g->item[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static int recount(struct replica *r, int64_t reg, struct gathering *g, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; i < g->n; i++) {
		const struct item *by = &g->item[i];
		if (by->c.verdict != VERDICT_EFFECTIVE)
			continue;
		for (size_t k = 0; rc == RC_OK && k < by->n_supersedes; k++) {
			struct item *old = find_item(g, &by->supersedes[k]);
			if (old != NULL)
				old->counted++;
			else
				rc = r->ops->ref_put(r->store, &by->supersedes[k], REF_SUPERSEDES,
					reg, &by->c.id, e);
		}
	}
	for (size_t i = 0; rc == RC_OK && i < g->n; i++) {
		struct item *it = &g->item[i];
		if (it->counted == it->c.superseded)
			continue;
		it->c.superseded = it->counted;
		rc = r->ops->change_set(r->store, reg, &it->c, e);
	}
	return rc;
}

int fold_register(struct replica *r, int64_t reg, struct err *e)
{
	struct gathering g = {.r = r};
	int rc = r->ops->register_each(r->store, reg, gather, &g, e);
	if (rc == RC_OK)
		rc = recount(r, reg, &g, e);
	for (size_t i = 0; i < g.n; i++)
		free(g.item[i].supersedes);
	free(g.item);
	return rc;
}
