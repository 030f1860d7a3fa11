/* Changes that are pending until another one is here: one leaf can release any number of them, so
 * they are decided so many at a time, and the view is provisional until all are. Source: PROTOCOL
 * 6.1, 8. */
#include <string.h>

#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"

/* What the changes that release others are filed under. */
static const struct hash queue = {0};

bool release_is_answer(enum verdict v, enum void_code code)
{
	return v == VERDICT_EFFECTIVE || (v == VERDICT_VOID && code != VOID_RETIRED);
}

int release_wait(struct replica *r, int64_t reg, const struct examined *x, struct err *e)
{
	struct hash wanted;
	memcpy(wanted.b, x->change.under.p, HASH_BYTES);
	/* It is here, and not where this change looks for it: that will never be otherwise. */
	if (r->released != NULL && hash_equal(r->released, &wanted))
		return RC_OK;
	return r->ops->ref_put(r->store, &wanted, REF_UNDER, reg, &x->body_id, e);
}

static int take_first(void *arg, int64_t reg, const struct hash *id)
{
	*(struct reference *)arg = (struct reference){reg, *id};
	return STORE_NONE;
}

int release_later(struct replica *r, int64_t reg, const struct hash *id, struct err *e)
{
	struct reference first;
	int rc = r->ops->ref_each(r->store, id, REF_UNDER, take_first, &first, e);
	if (rc != STORE_NONE)
		return rc;
	r->releasing = true;
	return r->ops->ref_put(r->store, &queue, REF_RELEASING, reg, id, e);
}

int release_load(struct replica *r, struct err *e)
{
	struct reference first;
	int rc = r->ops->ref_each(r->store, &queue, REF_RELEASING, take_first, &first, e);
	r->releasing = rc == STORE_NONE && !MUTANT(RELEASE_FORGOTTEN);
	return rc < 0 ? rc : RC_OK;
}

struct piece {
	struct replica *r;
	size_t room;
	bool more;
};

static int take_waiter(void *arg, int64_t reg, const struct hash *by)
{
	struct piece *p = arg;
	p->more = p->r->n_recheck == p->room;
	if (!p->more)
		recheck_later(p->r, reg, by);
	return p->more ? STORE_NONE : 0;
}

/* They wait no longer. */
static int drop_waiters(struct replica *r, const struct reference *first, bool more, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; more && rc == RC_OK && i < r->n_recheck; i++)
		rc = r->ops->ref_drop(
			r->store, &first->id, REF_UNDER, r->recheck[i].reg, &r->recheck[i].id, e);
	if (!more)
		rc = r->ops->ref_delete(r->store, &first->id, REF_UNDER, e);
	if (!more && rc == RC_OK)
		rc = r->ops->ref_drop(r->store, &queue, REF_RELEASING, first->reg, &first->id, e);
	return rc;
}

/* Of what waits for this change, at most *room. */
static int release_piece(
	struct replica *r, const struct reference *first, size_t *room, struct err *e)
{
	struct store_change c;
	struct piece p = {.r = r, .room = *room};
	int rc = r->ops->change_get(r->store, first->reg, &first->id, &c, e);
	bool answers = rc == RC_OK && release_is_answer(c.verdict, c.void_code);
	if (rc >= 0 && !answers)
		return r->ops->ref_drop(r->store, &queue, REF_RELEASING, first->reg, &first->id, e);
	if (rc == RC_OK)
		rc = r->ops->ref_each(r->store, &first->id, REF_UNDER, take_waiter, &p, e);
	if (rc >= 0)
		rc = drop_waiters(r, first, p.more, e);
	*room -= r->n_recheck > 0 ? r->n_recheck : 1;
	r->released = &first->id;
	if (rc == RC_OK)
		rc = recheck_all(r, e);
	r->released = NULL;
	return rc;
}

int release_some(struct replica *r, struct err *e)
{
	struct reference first;
	size_t room = r->config.release_at_once > 0 ? r->config.release_at_once : LIMIT_RELEASED;
	int rc = RC_OK;
	r->wrote |= r->releasing;
	while (rc == RC_OK && r->releasing && room > 0) {
		rc = r->ops->ref_each(r->store, &queue, REF_RELEASING, take_first, &first, e);
		if (rc == RC_OK)
			r->releasing = false;
		else if (rc == STORE_NONE)
			rc = release_piece(r, &first, &room, e);
	}
	return rc;
}

bool replica_is_provisional(const struct replica *r)
{
	return r->releasing || replica_audit_is_due(r);
}
