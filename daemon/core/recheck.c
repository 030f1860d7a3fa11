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

/* ---- stretches of logs ---- */

void recheck_stretch(
	struct replica *r, struct log *log, uint64_t from, uint64_t to, struct bytes key)
{
	if (from >= to)
		return;
	if (r->n_stretches == r->cap_stretches) {
		r->cap_stretches = r->cap_stretches == 0 ? 16 : 2 * r->cap_stretches;
		r->stretch = xrealloc(r->stretch, r->cap_stretches * sizeof(*r->stretch));
	}
	struct stretch *s = &r->stretch[r->n_stretches++];
	*s = (struct stretch){.log = log, .from = from, .to = to, .by_any = key.n == 0};
	if (key.n > 0)
		memcpy(s->key, key.p, KEY_BYTES);
}

/* Those of one log together, among them first what is of any key. */
static int compare_stretches(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;
	if (x->log->row.id != y->log->row.id)
		return x->log->row.id < y->log->row.id ? -1 : 1;
	if (x->by_any != y->by_any)
		return x->by_any ? -1 : 1;
	return memcmp(x->key, y->key, KEY_BYTES);
}

/* Sorted, and one for each log and key. */
static void join_stretches(struct replica *r)
{
	size_t n = 0;
	if (r->n_stretches > 1)
		qsort(r->stretch, r->n_stretches, sizeof(*r->stretch), compare_stretches);
	for (size_t i = 0; i < r->n_stretches; i++) {
		const struct stretch *s = &r->stretch[i];
		struct stretch *last = n > 0 ? &r->stretch[n - 1] : NULL;
		if (last == NULL || compare_stretches(last, s) != 0) {
			r->stretch[n++] = *s;
			continue;
		}
		last->from = s->from < last->from ? s->from : last->from;
		last->to = s->to > last->to ? s->to : last->to;
	}
	r->n_stretches = n;
}

/* The stretches of one log. */
struct listing {
	struct replica *r;
	const struct stretch *stretch;
	size_t n;
};

static bool is_within(const struct stretch *s, uint64_t index)
{
	return index >= s->from && index < s->to;
}

static bool is_listed(const struct listing *l, uint64_t index, struct bytes key)
{
	struct stretch wanted = {.log = l->stretch->log};
	if (l->stretch->by_any && is_within(l->stretch, index))
		return true;
	memcpy(wanted.key, key.p, KEY_BYTES);
	const struct stretch *s =
		bsearch(&wanted, l->stretch, l->n, sizeof(*l->stretch), compare_stretches);
	return s != NULL && is_within(s, index);
}

static int list_change(void *arg, uint64_t index, struct bytes raw)
{
	const struct listing *l = arg;
	struct replica *r = l->r;
	struct examined x;
	arena_reset(&r->scratch);
	examine_form(raw, &r->scratch, &x);
	return x.leaf.kind == LEAF_CHANGE && is_listed(l, index, x.leaf.signed_body.key)
		? recheck_leaf(r, &x)
		: 0;
}

/* However many stretches of a log there are, it is read once. */
static int list_stretches(struct replica *r, struct err *e)
{
	int rc = RC_OK;
	join_stretches(r);
	for (size_t i = 0, end; rc == RC_OK && i < r->n_stretches; i = end) {
		const struct stretch *s = &r->stretch[i];
		struct listing l = {r, s, 0};
		uint64_t from = s->from, to = s->to;
		for (end = i; end < r->n_stretches && r->stretch[end].log == s->log; end++) {
			from = r->stretch[end].from < from ? r->stretch[end].from : from;
			to = r->stretch[end].to > to ? r->stretch[end].to : to;
		}
		l.n = end - i;
		rc = r->ops->leaf_each(r->store, s->log->row.id, from, to, list_change, &l, e);
	}
	r->n_stretches = 0;
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

/* What acts under it is judged again: all of it, or if nothing but waiting was possible so far,
 * what waits. */
static int tell_dependents(struct replica *r, int64_t reg, const struct store_change *old,
	const struct change *c, struct err *e)
{
	if (release_is_answer(old->verdict, old->void_code)) {
		recheck_under(r, reg, &old->id, c);
		return RC_OK;
	}
	return release_later(r, reg, &old->id, e);
}

static int apply_new_verdict(struct replica *r, struct log *log, int64_t reg,
	struct store_change *c, const struct examined *x, enum verdict v, enum void_code code,
	struct err *e)
{
	struct store_change old = *c;
	if (old.verdict == VERDICT_VOID)
		log->row.voids--;
	c->verdict = v;
	c->void_code = code;
	admit_forget_under(r, &c->id);
	digest_mark(r, x->change.task);
	int rc = r->ops->change_set(r->store, reg, c, e);
	if (rc == RC_OK && old.verdict == VERDICT_EFFECTIVE)
		recheck_fold_later(r, reg);
	else if (rc == RC_OK && v == VERDICT_EFFECTIVE)
		rc = fold_add(r, reg, &x->change, &c->id, e);
	if (rc == RC_OK)
		rc = r->ops->finding_delete(r->store, log->row.id, c->index, e);
	if (rc == RC_OK)
		rc = admit_finding(r, log, c->index, v, code, e);
	if (rc == RC_OK)
		rc = r->ops->log_put(r->store, &log->row, e);
	return rc == RC_OK ? tell_dependents(r, reg, &old, &x->change, e) : rc;
}

static int decide_again(
	struct replica *r, int64_t reg, struct store_change *c, struct bytes raw, struct err *e)
{
	struct examined x;
	struct log *log;
	enum verdict v;
	enum void_code code;
	arena_reset(&r->scratch);
	examine_form(raw, &r->scratch, &x);
	x.body_id = c->id;
	x.signature_ok = true; /* else it were not filed */
	int rc = log_of_row(r, c->log, &log, e);
	if (rc != RC_OK)
		return rc;
	rc = admit_judge(r, log, c->index, true, &x, NULL, 0, &v, &code, e);
	if (rc == RC_OK && v == VERDICT_PENDING)
		rc = release_wait(r, reg, &x, e);
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

static int decide_listed(struct replica *r, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < r->n_recheck; i++)
		rc = recheck_one(r, r->recheck[i].reg, &r->recheck[i].id, e);
	r->n_recheck = 0;
	return rc;
}

/* ---- what acts under a change ---- */

void recheck_under(struct replica *r, int64_t reg, const struct hash *id, const struct change *c)
{
	if (c->slot != SLOT_TASK && c->slot != SLOT_NOTE)
		return;
	if (r->n_gone == r->cap_gone) {
		r->cap_gone = r->cap_gone == 0 ? 16 : 2 * r->cap_gone;
		r->gone = xrealloc(r->gone, r->cap_gone * sizeof(*r->gone));
	}
	struct gone *g = &r->gone[r->n_gone++];
	*g = (struct gone){.reg = reg, .id = *id, .slot = c->slot};
	if (c->task.n > 0)
		memcpy(g->task, c->task.p, c->task.n);
}

static int compare_gone(const void *a, const void *b)
{
	const struct gone *x = a, *y = b;
	if (x->reg != y->reg)
		return x->reg < y->reg ? -1 : 1;
	return hash_compare(&x->id, &y->id);
}

/* Those of one register, by id. */
struct dependents {
	struct replica *r;
	const struct gone *gone;
	size_t n;
};

static int list_report(
	void *arg, const struct store_register *reg, const struct store_change *c, struct bytes raw)
{
	struct dependents *d = arg;
	struct gone wanted = {.reg = d->gone->reg};
	struct change change;
	if (stored_change_decode(d->r, raw, &change, NULL) != RC_OK)
		return RC_CORRUPT;
	if (change.under.n != HASH_BYTES)
		return 0;
	memcpy(wanted.id.b, change.under.p, HASH_BYTES);
	if (bsearch(&wanted, d->gone, d->n, sizeof(*d->gone), compare_gone) != NULL)
		recheck_later(d->r, reg->reg, &c->id);
	return 0;
}

/* Under a TASK anything of the task may stand, and nothing under that. */
static int list_under_task(struct dependents *d, struct err *e)
{
	struct bytes task = bytes_str(d->gone->task);
	struct store_filter f = {.task = &task};
	return d->r->ops->change_each(d->r->store, &f, list_report, d, e);
}

/* A note and what strikes it out. */
struct strike {
	struct hash under, id;
};

struct strikes {
	struct replica *r;
	struct strike *item; /* by under */
	size_t n, cap;
};

static int gather_strike(
	void *arg, const struct store_register *reg, const struct store_change *c, struct bytes raw)
{
	struct strikes *s = arg;
	struct change change;
	(void)reg;
	if (stored_change_decode(s->r, raw, &change, NULL) != RC_OK)
		return RC_CORRUPT;
	if (change.under.n != HASH_BYTES)
		return 0;
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 16 : 2 * s->cap;
		s->item = xrealloc(s->item, s->cap * sizeof(*s->item));
	}
	memcpy(s->item[s->n].under.b, change.under.p, HASH_BYTES);
	s->item[s->n++].id = c->id;
	return 0;
}

static int compare_strikes(const void *a, const void *b)
{
	const struct strike *x = a, *y = b;
	return hash_compare(&x->under, &y->under);
}

static size_t first_strike(const struct strikes *s, const struct hash *under)
{
	size_t low = 0, high = s->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (hash_compare(&s->item[mid].under, under) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Strikes may be struck out in their turn, to any depth: the register is read once and followed to
 * its end. */
static int follow_strikes(
	struct replica *r, int64_t reg, const struct gone *gone, size_t n, struct err *e)
{
	struct strikes s = {.r = r};
	int rc = r->ops->register_each(r->store, reg, gather_strike, &s, e);
	if (s.n > 1)
		qsort(s.item, s.n, sizeof(*s.item), compare_strikes);
	for (size_t done = 0; rc == RC_OK && (done < n || r->n_gone > 0); done++) {
		struct hash id = done < n ? gone[done].id : r->gone[--r->n_gone].id;
		for (size_t i = first_strike(&s, &id);
			rc == RC_OK && i < s.n && hash_equal(&s.item[i].under, &id); i++)
			rc = recheck_one(r, reg, &s.item[i].id, e);
	}
	free(s.item);
	return rc;
}

/* Each register, and each task, is read once for all that is gone of it. */
static int list_dependents(struct replica *r, struct err *e)
{
	struct gone *gone = r->gone;
	size_t n = r->n_gone;
	int rc = RC_OK;
	r->gone = NULL;
	r->n_gone = r->cap_gone = 0;
	if (n > 1)
		qsort(gone, n, sizeof(*gone), compare_gone);
	for (size_t i = 0, end; rc == RC_OK && i < n; i = end) {
		for (end = i + 1; end < n && gone[end].reg == gone[i].reg;)
			end++;
		struct dependents d = {r, &gone[i], end - i};
		rc = gone[i].slot == SLOT_TASK
			? list_under_task(&d, e)
			: follow_strikes(r, gone[i].reg, &gone[i], end - i, e);
	}
	free(gone);
	return rc;
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
	int rc = list_stretches(r, e);
	while (rc == RC_OK && (r->n_recheck > 0 || r->n_gone > 0)) {
		rc = decide_listed(r, e);
		if (rc == RC_OK)
			rc = list_dependents(r, e);
	}
	return rc == RC_OK ? refold(r, e) : rc;
}

void recheck_forget(struct replica *r)
{
	r->n_stretches = r->n_recheck = r->n_gone = r->n_refold = 0;
	r->releasing = false;
}

void recheck_release(struct replica *r)
{
	free(r->stretch);
	free(r->recheck);
	free(r->gone);
	free(r->refold);
}
