/* Verdicts that change when more is known: a revocation that reaches back, an epoch that comes
 * after the one that builds on it, a change that others wait for. Source: PROTOCOL 3.5, 6.1. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"
#include "proto/trust/sign.h"

void recheck_later(struct replica *r, int64_t reg, const struct hash *id)
{
	if (r->n_recheck == r->cap_recheck) {
		r->cap_recheck = r->cap_recheck == 0 ? 16 : 2 * r->cap_recheck;
		r->recheck = xrealloc(r->recheck, r->cap_recheck * sizeof(*r->recheck));
	}
	r->recheck[r->n_recheck++] = (struct reference){reg, *id};
}

int recheck_leaf(struct replica *r, struct examined *x)
{
	int64_t reg;
	if (!x->body_ok)
		return 0;
	int rc = r->ops->register_id(
		r->store, x->change.task, x->change.slot, x->change.holder, false, &reg, NULL);
	if (rc == RC_OK) {
		change_id_of(
			BODY_CHANGE, &r->roster.cluster_id, x->leaf.signed_body.body, &x->body_id);
		recheck_later(r, reg, &x->body_id);
	}
	return rc < 0 ? rc : 0;
}

struct listing {
	struct replica *r;
	struct bytes key;
};

static int list_change(void *arg, uint64_t index, struct bytes raw)
{
	const struct listing *l = arg;
	struct replica *r = l->r;
	struct examined x;
	(void)index;
	arena_reset(&r->scratch);
	examine_form(raw, &r->scratch, &x);
	if (x.leaf.kind != LEAF_CHANGE ||
		(l->key.n > 0 && !bytes_equal(l->key, x.leaf.signed_body.key)))
		return 0;
	return recheck_leaf(r, &x);
}

int recheck_log(struct replica *r, struct log *log, uint64_t from, uint64_t to, struct bytes key,
	struct err *e)
{
	struct listing l = {r, key};
	return from < to ? r->ops->leaf_each(r->store, log->row.id, from, to, list_change, &l, e)
			 : RC_OK;
}

/* ---- one change, and what acts under it ---- */

struct dependents {
	struct replica *r;
	const struct gone *gone;
	size_t n;
};

static bool acts_under(const struct dependents *d, struct bytes under)
{
	size_t low = 0, high = d->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = under.n == HASH_BYTES ? memcmp(d->gone[mid].id.b, under.p, HASH_BYTES) : 1;
		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static int note_dependent(
	void *arg, const struct store_register *reg, const struct store_change *c, struct bytes raw)
{
	struct dependents *d = arg;
	struct change change;
	if (stored_change_decode(d->r, raw, &change, NULL) != RC_OK)
		return RC_CORRUPT;
	if (acts_under(d, change.under))
		recheck_later(d->r, reg->reg, &c->id);
	return 0;
}

/* Where a change stands that others may act under: a TASK, by anything of the task; a NOTE, by what
 * strikes it out in its own register. */
static int note_dependents(
	struct replica *r, const struct change *c, const struct gone *gone, size_t n, struct err *e)
{
	struct dependents d = {.r = r, .gone = gone, .n = n};
	struct store_filter f = {.task = &c->task};
	if (c->slot == SLOT_NOTE) {
		f.slot = c->slot;
		f.holder = &c->holder;
	} else if (c->slot != SLOT_TASK) {
		return RC_OK;
	}
	return r->ops->change_each(r->store, &f, note_dependent, &d, e);
}

static int compare_gone(const void *a, const void *b)
{
	const struct gone *x = a, *y = b;
	if (x->reg != y->reg)
		return x->reg < y->reg ? -1 : 1;
	return hash_compare(&x->id, &y->id);
}

int recheck_dependents(struct replica *r, struct gone *gone, size_t n, struct err *e)
{
	int rc = RC_OK;
	if (n > 1)
		qsort(gone, n, sizeof(*gone), compare_gone);
	for (size_t i = 0, end; rc == RC_OK && i < n; i = end) {
		for (end = i + 1; end < n && gone[end].reg == gone[i].reg;)
			end++;
		rc = note_dependents(r, gone[i].change, &gone[i], end - i, e);
	}
	return rc;
}

void recheck_fold_later(struct replica *r, int64_t reg)
{
	if (r->n_refold == r->cap_refold) {
		r->cap_refold = r->cap_refold == 0 ? 16 : 2 * r->cap_refold;
		r->refold = xrealloc(r->refold, r->cap_refold * sizeof(*r->refold));
	}
	r->refold[r->n_refold++] = reg;
}

static int apply_new_verdict(struct replica *r, struct log *log, int64_t reg,
	struct store_change *c, const struct examined *x, enum verdict v, enum void_code code,
	struct err *e)
{
	if (c->verdict == VERDICT_VOID)
		log->row.voids--;
	c->verdict = v;
	c->void_code = code;
	admit_forget_under(r, &c->id);
	recheck_fold_later(r, reg);
	digest_mark(r, x->change.task);
	int rc = r->ops->change_set(r->store, reg, c, e);
	if (rc == RC_OK)
		rc = r->ops->finding_delete(r->store, log->row.id, c->index, e);
	if (rc == RC_OK)
		rc = admit_finding(r, log, c->index, v, code, e);
	if (rc == RC_OK && v == VERDICT_PENDING)
		rc = admit_wait_for_under(r, reg, x, e);
	if (rc == RC_OK)
		rc = r->ops->log_put(r->store, &log->row, e);
	if (rc == RC_OK)
		rc = note_dependents(r, &x->change, &(struct gone){reg, c->id, &x->change}, 1, e);
	return rc;
}

static int decide_again(
	struct replica *r, int64_t reg, struct store_change *c, struct bytes raw, struct err *e)
{
	struct examined x;
	struct log *log = log_of(r, c->log);
	enum verdict v;
	enum void_code code;
	arena_reset(&r->scratch);
	examine_form(raw, &r->scratch, &x);
	x.body_id = c->id;
	x.signature_ok = true; /* else it were not filed */
	int rc = admit_judge(r, log, c->index, true, &x, NULL, 0, &v, &code, e);
	if (rc == RC_OK && v == VERDICT_PENDING)
		rc = admit_wait_for_under(r, reg, &x, e);
	if (rc == RC_OK && (v != c->verdict || code != c->void_code))
		rc = apply_new_verdict(r, log, reg, c, &x, v, code, e);
	return rc;
}

static int recheck_one(struct replica *r, int64_t reg, const struct hash *id, struct err *e)
{
	struct store_change c;
	struct buf raw = {0};
	int rc = r->ops->change_get(r->store, reg, id, &c, e);
	if (rc != RC_OK) /* STORE_NONE: a void leaf that was never filed stays what it is */
		return rc == STORE_NONE && !MUTANT(UNFILED_IS_DAMAGE) ? RC_OK : rc;
	rc = r->ops->leaf_get(r->store, c.log, c.index, &raw, e);
	if (rc == RC_OK)
		rc = decide_again(r, reg, &c, buf_bytes(&raw), e);
	buf_release(&raw);
	return rc == STORE_NONE ? err_set(e, RC_CORRUPT, "a filed change has no leaf") : rc;
}

/* ---- all ---- */

static int compare_registers(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static int refold(struct replica *r, struct err *e)
{
	int rc = RC_OK;
	if (r->n_refold > 1)
		qsort(r->refold, r->n_refold, sizeof(*r->refold), compare_registers);
	for (size_t i = 0; rc == RC_OK && i < r->n_refold; i++)
		if (i == 0 || r->refold[i] != r->refold[i - 1])
			rc = fold_register(r, r->refold[i], e);
	r->n_refold = 0;
	return rc;
}

int recheck_all(struct replica *r, struct err *e)
{
	int rc = RC_OK;
	while (rc == RC_OK && r->n_recheck > 0) {
		struct reference ref = r->recheck[--r->n_recheck];
		rc = recheck_one(r, ref.reg, &ref.id, e);
	}
	return rc == RC_OK ? refold(r, e) : rc;
}
