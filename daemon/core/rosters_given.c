#include "daemon/core/rosters.h"

#include <stdlib.h>

const struct given_roster *given_find(const struct given *g, uint32_t version, unsigned place)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->of[i].version == version && g->of[i].place == place)
			return &g->of[i];
	return NULL;
}

void given_release(struct given *g)
{
	free(g->of);
	*g = (struct given){0};
}

static const struct given_roster *find_before(const struct given *g, const struct roster *next)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->of[i].version + 1 == next->version && hash_equal(&g->of[i].id, &next->prev))
			return &g->of[i];
	return NULL;
}

static int parse(struct bytes note, struct roster *out, struct err *e)
{
	struct note n;
	int rc = note_parse(note, &n, e);
	return rc == RC_OK ? roster_parse(n.text, out, e) : rc;
}

static int add(struct given *g, struct bytes note, const struct roster *r, struct err *e)
{
	unsigned place = 0;
	while (given_find(g, r->version, place) != NULL)
		place++;
	if (place == ROSTER_PLACES)
		return err_set(e, RC_ROSTER, "more than %d rosters of version %u", ROSTER_PLACES,
			r->version);
	g->of[g->n++] = (struct given_roster){note, r->version, place, r->id, r->prev};
	return RC_OK;
}

/* now is room for the one before. */
static int add_later(struct given *g, struct bytes note, struct roster *next, struct roster *now,
	bool all, struct err *e)
{
	const struct given_roster *before = find_before(g, next);
	if (next->version < g->of[g->n - 1].version)
		return err_set(e, RC_ROSTER, "version %u of the roster comes after version %u",
			next->version, g->of[g->n - 1].version);
	if (before == NULL && all)
		return err_set(e, RC_ROSTER,
			"version %u of the roster follows no version that is given with it",
			next->version);
	if (before == NULL)
		return RC_OK;
	int rc = parse(before->note, now, e);
	if (rc == RC_OK)
		rc = roster_verify_next(note, now, next, e);
	return rc == RC_OK ? add(g, note, next, e) : rc;
}

int given_take(struct given *g, const struct bytes *note, size_t n, const struct hash *cluster_id,
	bool all, struct err *e)
{
	struct roster *next = xalloc(sizeof(*next)), *now = xalloc(sizeof(*now));
	g->of = xalloc(n * sizeof(*g->of));
	int rc = roster_verify_first(note[0], cluster_id, next, e);
	if (rc == RC_OK)
		rc = add(g, note[0], next, e);
	for (size_t i = 1; rc == RC_OK && i < n; i++) {
		rc = parse(note[i], next, e);
		if (rc == RC_OK)
			rc = add_later(g, note[i], next, now, all, e);
	}
	free(next);
	free(now);
	return rc;
}
