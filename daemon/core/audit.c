/* Signatures that were taken to be good when a log came in bulk: checked later, in the background
 * or before a value is shown. A bad one becomes what it would have been had it been checked on
 * arrival, and so does everything that followed from it. Source: PROTOCOL 7.5. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"

bool audit_covers(const struct log *log, uint64_t index)
{
	return index < log->row.audited;
}

static bool is_due(const struct log *log)
{
	return log->row.audited < log->row.size;
}

bool replica_is_bulk(const struct replica *r, struct bytes origin)
{
	const struct log *log = r->has_roster ? log_find(r, origin) : NULL;
	return log != NULL && log->seen.size > log->row.size &&
		log->seen.size - log->row.size > AUDIT_BULK_LEAVES;
}

/* ---- repeats ---- */

/* Sorts as the member's leaves stand: by epoch, origin, index. */
static struct hash place_of(const struct log *log, uint64_t index)
{
	struct hash h = {0};
	put_u32be(h.b, log->origin.epoch);
	put_u32be(h.b + 4, log->origin.salt);
	put_u64be(h.b + 8, index);
	return h;
}

static struct log *log_at(const struct replica *r, const char *member, const struct hash *place)
{
	for (size_t i = 0; i < r->n_logs; i++) {
		const struct origin *o = &r->log[i]->origin;
		if (strcmp(o->member, member) == 0 && o->epoch == get_u32be(place->b) &&
			o->salt == get_u32be(place->b + 4))
			return r->log[i];
	}
	return NULL;
}

static uint64_t index_at(const struct hash *place)
{
	return get_u64be(place->b + 8);
}

struct first_repeat {
	const struct replica *r;
	const char *member;
	bool found;
	int64_t reg;
	struct hash place;
};

/* The first that counts; if none does, the first. */
static int take_first(void *arg, int64_t reg, const struct hash *place)
{
	struct first_repeat *f = arg;
	const struct log *log = log_at(f->r, f->member, place);
	bool counts = log != NULL && !retire_covers(log, index_at(place));
	if (!f->found || counts) {
		f->found = true;
		f->reg = reg;
		f->place = *place;
	}
	return counts ? STORE_NONE : 0;
}

static int find_repeat(struct replica *r, const char *member, const struct hash *id,
	struct first_repeat *out, struct err *e)
{
	*out = (struct first_repeat){.r = r, .member = member};
	int rc = r->ops->ref_each(r->store, id, REF_REPEAT, take_first, out, e);
	return rc < 0 ? rc : RC_OK;
}

/* A good signature: if the leaf is the change itself, no repeat will ever take its place. */
static int settle(struct replica *r, const struct log *log, uint64_t index, const struct hash *id,
	struct err *e)
{
	struct first_repeat f;
	struct store_change c;
	int rc = find_repeat(r, log->origin.member, id, &f, e);
	if (rc != RC_OK || !f.found)
		return rc;
	rc = r->ops->change_get(r->store, f.reg, id, &c, e);
	bool is_change = rc == RC_OK && c.log == log->row.id && c.index == index;
	return is_change ? r->ops->ref_delete(r->store, id, REF_REPEAT, e) : rc < 0 ? rc : RC_OK;
}

int audit_note_repeat(struct replica *r, int64_t reg, const struct hash *id, const struct log *of,
	uint64_t of_index, const struct log *log, uint64_t index, struct err *e)
{
	struct hash place = place_of(log, index);
	if (audit_covers(of, of_index))
		return settle(r, of, of_index, id, e);
	return r->ops->ref_put(r->store, id, REF_REPEAT, reg, &place, e);
}

/* ---- a bad signature ---- */

/* The next leaf with the same change, so far a repeat, is the change from now on. */
static int put_in_place(struct replica *r, int64_t reg, struct store_change *c, const char *member,
	const struct hash *place, struct err *e)
{
	struct log *log = log_at(r, member, place);
	if (log == NULL)
		return err_set(e, RC_CORRUPT, "a repeat stands in a log that is not here");
	c->log = log->row.id;
	c->index = index_at(place);
	log->row.voids--;
	int rc = r->ops->ref_drop(r->store, &c->id, REF_REPEAT, reg, place, e);
	if (rc == RC_OK)
		rc = r->ops->finding_delete(r->store, log->row.id, c->index, e);
	if (rc == RC_OK)
		rc = admit_finding(r, log, c->index, c->verdict, c->void_code, e);
	if (rc == RC_OK)
		rc = r->ops->change_set(r->store, reg, c, e);
	if (rc == RC_OK)
		rc = r->ops->log_put(r->store, &log->row, e);
	if (rc == RC_OK && audit_covers(log, c->index))
		rc = r->ops->ref_delete(r->store, &c->id, REF_REPEAT, e);
	recheck_later(r, reg, &c->id);
	return rc;
}

static int take_out(struct replica *r, int64_t reg, const struct store_change *c,
	const struct examined *x, struct err *e)
{
	recheck_under(r, reg, &c->id, &x->change);
	recheck_fold_later(r, reg);
	digest_mark(r, x->change.task);
	return r->ops->change_delete(r->store, reg, &c->id, e);
}

static int void_filed(struct replica *r, struct log *log, int64_t reg, struct store_change *c,
	const struct examined *x, struct err *e)
{
	struct first_repeat next;
	int rc = RC_OK;
	/* Rule 1 comes before the signature: what was unknown stays so. */
	if (c->verdict != VERDICT_UNKNOWN) {
		log->row.voids += c->verdict != VERDICT_VOID;
		rc = r->ops->finding_put(
			r->store, log->row.id, c->index, VERDICT_VOID, VOID_SIGNATURE, e);
	}
	admit_forget_under(r, &c->id);
	if (rc == RC_OK)
		rc = find_repeat(r, log->origin.member, &c->id, &next, e);
	if (rc == RC_OK)
		rc = next.found && !MUTANT(REPEAT_STAYS)
			? put_in_place(r, reg, c, log->origin.member, &next.place, e)
			: take_out(r, reg, c, x, e);
	return rc;
}

/* It stands in no register: of the verdicts that left it out only a repeat's comes after the
 * signature's, whatever it is called where the log has ended. */
static int void_unfiled(struct replica *r, struct log *log, uint64_t index, int64_t reg,
	const struct examined *x, struct err *e)
{
	enum verdict v;
	enum void_code code = VOID_NONE;
	int rc = r->ops->finding_get(r->store, log->row.id, index, &v, &code, e);
	bool repeat = code == VOID_REPEAT || code == VOID_RETIRED;
	if (rc != RC_OK || v != VERDICT_VOID || !repeat)
		return rc < 0 ? rc : STORE_NONE;
	struct hash place = place_of(log, index);
	v = x->version_known ? VERDICT_VOID : VERDICT_UNKNOWN;
	log->row.voids--;
	rc = admit_finding(r, log, index, v, x->version_known ? VOID_SIGNATURE : VOID_NONE, e);
	if (rc == RC_OK)
		rc = r->ops->ref_drop(r->store, &x->body_id, REF_REPEAT, reg, &place, e);
	return rc;
}

/* STORE_NONE: there was nothing to change. */
static int void_signature(
	struct replica *r, struct log *log, uint64_t index, const struct examined *x, struct err *e)
{
	int64_t reg;
	struct store_change c;
	if (!x->body_ok || MUTANT(BAD_SIGNATURE_KEPT))
		return STORE_NONE;
	int rc = r->ops->register_id(
		r->store, x->change.task, x->change.slot, x->change.holder, false, &reg, e);
	if (rc == RC_OK)
		rc = r->ops->change_get(r->store, reg, &x->body_id, &c, e);
	if (rc == RC_OK && c.log == log->row.id && c.index == index)
		return void_filed(r, log, reg, &c, x, e);
	return rc == RC_OK ? void_unfiled(r, log, index, reg, x, e) : rc;
}

static bool has_signature(const struct examined *x, uint64_t index)
{
	return index > 0 && x->leaf.kind == LEAF_CHANGE;
}

/* ---- in the background ---- */

static int collect_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct audit_piece *p = arg;
	(void)index;
	if (p->n > 0 && p->raw.n + leaf.n > LIMIT_BATCH_BYTES)
		return STORE_NONE;
	p->leaf[p->n++] = bytes_of(NULL, leaf.n);
	buf_put_bytes(&p->raw, leaf);
	return 0;
}

bool replica_audit_is_due(const struct replica *r)
{
	for (size_t i = 0; i < r->n_logs; i++)
		if (is_due(r->log[i]))
			return true;
	return false;
}

int replica_audit_next(struct replica *r, struct audit_piece *out, struct err *e)
{
	struct log *log = NULL;
	ENSURE(!r->in_group);
	for (size_t i = 0; i < r->n_logs && log == NULL; i++)
		if (is_due(r->log[i]))
			log = r->log[i];
	out->n = 0;
	buf_reset(&out->raw);
	if (log == NULL)
		return STORE_NONE;
	uint64_t rest = log->row.size - log->row.audited;
	out->log = log->row.id;
	out->first = log->row.audited;
	int rc = r->ops->leaf_each(r->store, log->row.id, out->first,
		out->first + (rest < AUDIT_LEAVES ? rest : AUDIT_LEAVES), collect_leaf, out, e);
	for (size_t i = 0, at = 0; i < out->n; at += out->leaf[i++].n)
		out->leaf[i].p = out->raw.p + at;
	if (rc >= 0 && out->n == 0)
		rc = err_set(e, RC_CORRUPT, "leaves of %s are missing", log->row.origin);
	return rc < 0 ? rc : RC_OK;
}

void audit_piece_release(struct audit_piece *p)
{
	buf_release(&p->raw);
}

static void say_found(struct replica *r, const struct log *log, size_t n, uint64_t first)
{
	if (n > 0)
		event_hold(r, EVENT_BAD_SIGNATURE, NO_PEER, log,
			"%zu changes are not signed by the keys they name, the first at leaf %llu: "
			"void",
			n, (unsigned long long)first);
}

static int finish(struct replica *r, struct log *log, struct err *e)
{
	r->wrote = true;
	if (!is_due(log)) {
		free(log->shown);
		log->shown = NULL;
		log->n_shown = 0;
	}
	if (!replica_audit_is_due(r))
		event_hold(r, EVENT_INFO, NO_PEER, NULL, "the signatures of all logs are checked");
	return r->ops->log_put(r->store, &log->row, e);
}

int replica_audit_done(
	struct replica *r, const struct audit_piece *p, const struct examined *leaf, struct err *e)
{
	struct log *log = log_by_id(r, p->log);
	/* A rollback may have undone what the piece follows. */
	if (log == NULL || log->row.audited != p->first || p->first + p->n > log->row.size)
		return RC_OK;
	size_t bad = 0, first = 0;
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < p->n; i++) {
		if (!has_signature(&leaf[i], p->first + i))
			continue;
		if (leaf[i].signature_ok) {
			rc = settle(r, log, p->first + i, &leaf[i].body_id, e);
			continue;
		}
		rc = void_signature(r, log, p->first + i, &leaf[i], e);
		if (rc == RC_OK)
			first = bad++ == 0 ? i : first;
		rc = rc < 0 ? rc : RC_OK;
	}
	if (rc == RC_OK)
		rc = admit_settle(r, e);
	if (rc != RC_OK)
		return rc;
	say_found(r, log, bad, p->first + first);
	log->row.audited += p->n;
	return finish(r, log, e);
}

/* ---- before it is shown ---- */

static bool was_shown(const struct log *log, uint64_t index)
{
	return index / 8 < log->n_shown && (log->shown[index / 8] >> (index % 8) & 1) != 0;
}

static void remember_shown(struct log *log, uint64_t index)
{
	size_t bytes = (size_t)(log->row.size / 8 + 1);
	if (log->n_shown < bytes) {
		log->shown = xrealloc(log->shown, bytes);
		memset(log->shown + log->n_shown, 0, bytes - log->n_shown);
		log->n_shown = bytes;
	}
	log->shown[index / 8] |= (uint8_t)(1u << (index % 8));
}

static void doubt(struct replica *r, const struct log *log, uint64_t index)
{
	for (size_t i = 0; i < r->n_doubts; i++)
		if (r->doubt[i].log == log->row.id && r->doubt[i].index == index)
			return;
	/* One too many is not shown either, and found in its turn. */
	if (r->n_doubts < AUDIT_DOUBTS)
		r->doubt[r->n_doubts++] = (struct doubt){log->row.id, index};
}

bool audit_may_show(struct replica *r, uint32_t id, uint64_t index, struct bytes raw)
{
	struct log *log = log_by_id(r, id);
	if (log == NULL || index >= log->row.size)
		return false; /* of a damaged database */
	if (audit_covers(log, index) || was_shown(log, index))
		return true;
	struct leaf leaf;
	arena_reset(&r->side);
	bool good = leaf_decode(raw, &r->side, &leaf, NULL) == RC_OK && leaf.kind == LEAF_CHANGE &&
		body_verify(leaf.signed_body.key.p, BODY_CHANGE, &r->roster.cluster_id,
			leaf.signed_body.body, leaf.signed_body.signature.p, NULL);
	if (good)
		remember_shown(log, index);
	else
		doubt(r, log, index);
	return good;
}

static int settle_doubt(struct replica *r, const struct doubt *d, struct buf *raw, struct err *e)
{
	struct log *log = log_by_id(r, d->log);
	if (log == NULL || audit_covers(log, d->index))
		return RC_OK;
	int rc = r->ops->leaf_get(r->store, d->log, d->index, raw, e);
	if (rc != RC_OK)
		return rc < 0 ? rc : RC_OK;
	struct examined x;
	arena_reset(&r->scratch);
	examine_leaf(&r->roster.cluster_id, buf_bytes(raw), &r->scratch, &x);
	if (!has_signature(&x, d->index) || x.signature_ok)
		return RC_OK;
	rc = void_signature(r, log, d->index, &x, e);
	if (rc != RC_OK)
		return rc < 0 ? rc : RC_OK;
	say_found(r, log, 1, d->index);
	r->wrote = true;
	rc = admit_settle(r, e);
	return rc == RC_OK ? r->ops->log_put(r->store, &log->row, e) : rc;
}

int audit_tick(struct replica *r, struct err *e)
{
	struct buf raw = {0};
	int rc = RC_OK;
	size_t n = r->n_doubts;
	r->n_doubts = 0;
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = settle_doubt(r, &r->doubt[i], &raw, e);
	buf_release(&raw);
	return rc;
}
