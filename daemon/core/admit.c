/* From a leaf to its verdict, its place in its register, and all that follows from it. Source:
 * PROTOCOL 6.1. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"
#include "proto/wire/codec.h"

/* ---- facts ---- */

int stored_change_decode(struct replica *r, struct bytes raw, struct change *out, struct err *e)
{
	struct leaf leaf;
	arena_reset(&r->side);
	if (leaf_decode(raw, &r->side, &leaf, e) != RC_OK ||
		change_decode(leaf.signed_body.body, &r->side, out, e) != RC_OK)
		return err_set(e, RC_CORRUPT, "a stored change does not decode");
	return RC_OK;
}

static struct bytes task_register_holder(const struct change *c, uint32_t *slot)
{
	const struct slot_rule *rule = slot_find(c->slot);
	*slot = rule != NULL && rule->under_task ? (uint32_t)SLOT_TASK : c->slot;
	return *slot == SLOT_TASK ? (struct bytes){0} : c->holder;
}

struct under_lookup {
	struct under_facts *facts;
	struct value value; /* what facts->task_value points into */
	struct bytes participant[LIMIT_MEMBERS];
	struct buf raw;
};

static struct under_entry *under_slot(struct replica *r, const struct hash *id)
{
	return &r->under[get_u16be(id->b) % UNDER_CACHE];
}

static void copy_slug(char out[SLUG_SIZE], struct bytes s)
{
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

static void under_remember(struct replica *r, const struct hash *id, enum verdict v,
	struct bytes task, const struct task_value *t)
{
	if (t->n_participants > LIMIT_MEMBERS || t->lead.n >= SLUG_SIZE)
		return;
	struct under_entry *u = under_slot(r, id);
	*u = (struct under_entry){
		.used = true, .id = *id, .verdict = v, .n_participants = t->n_participants};
	memcpy(u->task, task.p, task.n);
	if (t->lead.n > 0)
		copy_slug(u->lead, t->lead);
	for (size_t i = 0; i < t->n_participants; i++)
		copy_slug(u->participant[i], t->participants[i]);
}

static bool under_recall(
	struct replica *r, const struct change *c, const struct hash *id, struct under_lookup *l)
{
	const struct under_entry *u = under_slot(r, id);
	/* Only in the register of the change's own task, as without the cache. */
	if (!u->used || !hash_equal(&u->id, id) || !slot_find(c->slot)->under_task ||
		(!bytes_equal(c->task, bytes_str(u->task)) && !MUTANT(UNDER_OF_ANOTHER_TASK)))
		return false;
	l->value = (struct value){.slot = SLOT_TASK};
	l->value.task.lead = bytes_str(u->lead);
	l->value.task.participants = l->participant;
	l->value.task.n_participants = u->n_participants;
	for (size_t i = 0; i < u->n_participants; i++)
		l->participant[i] = bytes_str(u->participant[i]);
	*l->facts = (struct under_facts){.known = true,
		.verdict = u->verdict,
		.slot = SLOT_TASK,
		.task = bytes_str(u->task),
		.task_value = u->verdict == VERDICT_EFFECTIVE ? &l->value.task : NULL};
	return true;
}

void admit_forget_under(struct replica *r, const struct hash *id)
{
	under_slot(r, id)->used = false;
}

static void under_fill(
	struct under_lookup *l, const struct change *c, const struct value *v, enum verdict verdict)
{
	*l->facts = (struct under_facts){.known = true,
		.verdict = verdict,
		.slot = c->slot,
		.task = c->task,
		.holder = c->holder,
		.member = c->member};
	if (c->slot == SLOT_TASK && verdict == VERDICT_EFFECTIVE && v != NULL) {
		l->value = *v;
		l->facts->task_value = &l->value.task;
	}
}

/* Looks where the change named by `under` must stand; leaves *facts unknown if it is not there
 * (yet). */
static int under_find(struct replica *r, const struct change *c, const struct draft *sibling,
	size_t n_siblings, struct under_lookup *l, struct err *e)
{
	struct hash id;
	memcpy(id.b, c->under.p, HASH_BYTES);
	for (size_t i = 0; i < n_siblings; i++)
		if (hash_equal(&sibling[i].x.body_id, &id)) {
			under_fill(l, &sibling[i].x.change, &sibling[i].x.value, VERDICT_EFFECTIVE);
			return RC_OK;
		}
	if (under_recall(r, c, &id, l))
		return RC_OK;
	uint32_t slot;
	struct bytes holder = task_register_holder(c, &slot);
	int64_t reg;
	struct store_change found;
	int rc = r->ops->register_id(r->store, c->task, slot, holder, false, &reg, e);
	if (rc == RC_OK)
		rc = r->ops->change_get(r->store, reg, &id, &found, e);
	if (rc == RC_OK)
		rc = r->ops->leaf_get(r->store, found.log, found.index, &l->raw, e);
	if (rc != RC_OK)
		return rc == STORE_NONE ? RC_OK : rc;
	/* As on a node that was never given what stands there. */
	if (found.void_code == VOID_RETIRED)
		return RC_OK;
	struct change change;
	struct value value = {0};
	rc = stored_change_decode(r, buf_bytes(&l->raw), &change, e);
	if (rc != RC_OK)
		return rc;
	bool has_value = slot_find(change.slot) != NULL &&
		value_decode((enum slot)change.slot, change.value, &r->side, &value, NULL) == RC_OK;
	under_fill(l, &change, has_value ? &value : NULL, found.verdict);
	if (slot == SLOT_TASK && has_value)
		under_remember(r, &id, found.verdict, change.task, &value.task);
	return RC_OK;
}

int admit_judge(struct replica *r, const struct log *log, uint64_t index, bool index_ok,
	const struct examined *x, const struct draft *sibling, size_t n_siblings, enum verdict *v,
	enum void_code *code, struct err *e)
{
	const struct member *owner = &r->roster.member[log->member];
	int holder = x->body_ok ? roster_find_any(&r->roster, x->change.holder) : -1;
	struct verdict_facts f = {.change = x->gate_ok || x->body_ok ? &x->change : NULL,
		.value = x->has_value ? &x->value : NULL,
		.version_known = x->version_known,
		.index_ok = index_ok,
		.signature_ok = x->signature_ok,
		.retired = retire_covers(log, index),
		.log_member = bytes_str(log->origin.member),
		.author_is_regional = owner->role == ROLE_REGIONAL,
		.author_is_province = owner->role == ROLE_PROVINCE,
		.holder_is_province =
			holder >= 0 && r->roster.member[holder].role == ROLE_PROVINCE};
	if (x->body_ok && x->signature_ok)
		f.is_operator = event_is_operator(
			r, log, index, x->leaf.signed_body.key.p, x->change.task, &f.in_scope);
	struct under_lookup l = {.facts = &f.under};
	int rc = RC_OK;
	if (x->body_ok && x->version_known && x->change.under.n == HASH_BYTES)
		rc = under_find(r, &x->change, sibling, n_siblings, &l, e);
	if (rc == RC_OK)
		*v = verdict_decide(&f, code);
	buf_release(&l.raw);
	return rc;
}

/* ---- filing ---- */

/* A change gets a place in its register if its id and register can be trusted to be what this
 * member signed: else a member could take the id of another's change by copying it. */
static bool is_filed(
	const struct log *log, const struct examined *x, enum verdict v, enum void_code code)
{
	if (!x->body_ok || !x->signature_ok ||
		(!bytes_equal(x->change.member, bytes_str(log->origin.member)) &&
			!MUTANT(COPY_IS_FILED)))
		return false;
	return v != VERDICT_VOID || code >= VOID_OPERATOR;
}

int admit_finding(struct replica *r, struct log *log, uint64_t index, enum verdict v,
	enum void_code code, struct err *e)
{
	if (v == VERDICT_EFFECTIVE)
		return RC_OK;
	log->row.voids += v == VERDICT_VOID;
	return r->ops->finding_put(r->store, log->row.id, index, v, code, e);
}

/* What does not count is no earlier leaf of anything. */
static bool stands_before(
	const struct log *a, uint64_t a_index, const struct log *b, uint64_t b_index)
{
	bool a_counts = !retire_covers(a, a_index), b_counts = !retire_covers(b, b_index);
	if (a_counts != b_counts)
		return a_counts;
	if (a == b)
		return a_index < b_index;
	if (a->origin.epoch != b->origin.epoch)
		return a->origin.epoch < b->origin.epoch;
	return strcmp(a->row.origin, b->row.origin) < 0;
}

static enum void_code repeat_code(const struct log *log, uint64_t index)
{
	return retire_covers(log, index) ? VOID_RETIRED : VOID_REPEAT;
}

/* The change stands at this earlier leaf from now on, the later one is its repeat; what is known of
 * it moves along. */
static int move_change(struct replica *r, struct log *to, uint64_t index, struct log *from,
	int64_t reg, struct store_change *c, struct err *e)
{
	if (c->verdict == VERDICT_VOID && !MUTANT(FINDING_STAYS))
		from->row.voids--;
	uint64_t repeat = c->index;
	int rc = r->ops->finding_delete(r->store, from->row.id, repeat, e);
	if (rc == RC_OK)
		rc = admit_finding(r, from, repeat, VERDICT_VOID, repeat_code(from, repeat), e);
	c->log = to->row.id;
	c->index = index;
	if (rc == RC_OK)
		rc = r->ops->change_set(r->store, reg, c, e);
	if (rc == RC_OK)
		rc = audit_note_repeat(r, reg, &c->id, to, index, from, repeat, e);
	if (rc == RC_OK)
		rc = admit_finding(r, to, index, c->verdict, c->void_code, e);
	if (rc == RC_OK)
		rc = r->ops->log_put(r->store, &from->row, e);
	recheck_later(r, reg, &c->id);
	return rc;
}

/* The register has this change already: the earlier leaf of the member is the change, the later one
 * its repeat. */
static int file_repeat(struct replica *r, struct log *log, uint64_t index, int64_t reg,
	const struct examined *x, struct err *e)
{
	struct store_change there;
	struct log *other;
	int rc = r->ops->change_get(r->store, reg, &x->body_id, &there, e);
	if (rc == RC_OK)
		rc = log_of_row(r, there.log, &other, e);
	if (rc != RC_OK)
		return rc;
	if (stands_before(other, there.index, log, index) || MUTANT(TIE_BY_ARRIVAL)) {
		rc = admit_finding(r, log, index, VERDICT_VOID, repeat_code(log, index), e);
		return rc != RC_OK
			? rc
			: audit_note_repeat(r, reg, &x->body_id, other, there.index, log, index, e);
	}
	return move_change(r, log, index, other, reg, &there, e);
}

static int file_change(struct replica *r, struct log *log, uint64_t index, const struct examined *x,
	enum verdict v, enum void_code code, struct err *e)
{
	const struct change *c = &x->change;
	int64_t reg;
	struct store_change row = {.id = x->body_id,
		.log = log->row.id,
		.index = index,
		.verdict = v,
		.void_code = code};
	int rc = r->ops->register_id(r->store, c->task, c->slot, c->holder, true, &reg, e);
	if (rc == RC_OK)
		rc = fold_count_waiting(r, reg, &x->body_id, &row.superseded, e);
	if (rc == RC_OK)
		rc = r->ops->change_put(r->store, reg, &row, e);
	if (rc == STORE_NONE)
		return file_repeat(r, log, index, reg, x, e);
	if (rc == RC_OK)
		rc = admit_finding(r, log, index, v, code, e);
	if (rc == RC_OK && v == VERDICT_PENDING)
		rc = release_wait(r, reg, x, e);
	if (rc == RC_OK && v == VERDICT_EFFECTIVE) {
		rc = fold_add(r, reg, c, &x->body_id, e);
		digest_mark(r, c->task);
	}
	if (rc == RC_OK && release_is_answer(v, code))
		rc = release_later(r, reg, &x->body_id, e);
	return rc;
}

int admit_repeat_again(
	struct replica *r, struct log *log, uint64_t index, const struct examined *x, struct err *e)
{
	int64_t reg;
	struct store_change there;
	int rc = r->ops->register_id(
		r->store, x->change.task, x->change.slot, x->change.holder, false, &reg, e);
	if (rc == RC_OK)
		rc = r->ops->change_get(r->store, reg, &x->body_id, &there, e);
	if (rc != RC_OK || (there.log == log->row.id && there.index == index))
		return rc == STORE_NONE ? RC_OK : rc;
	rc = r->ops->finding_delete(r->store, log->row.id, index, e);
	log->row.voids--;
	return rc == RC_OK ? file_repeat(r, log, index, reg, x, e) : rc;
}

/* Rules for a leaf that is no change, in the order of PROTOCOL 6.1. */
enum verdict admit_judge_event(struct replica *r, const struct log *log, uint64_t index,
	bool index_ok, const struct examined *x, enum void_code *code)
{
	*code = VOID_NONE;
	if (!x->gate_ok)
		*code = VOID_GATE;
	else if (x->leaf.version != LEAF_VERSION)
		return VERDICT_UNKNOWN;
	else if (!index_ok)
		*code = VOID_INDEX;
	else if (!x->version_known)
		return VERDICT_UNKNOWN;
	else
		*code = event_judge(r, log, index, x);
	return *code == VOID_NONE ? VERDICT_EFFECTIVE : VERDICT_VOID;
}

int admit_leaf(struct replica *r, struct log *log, const struct examined *x, struct err *e)
{
	uint64_t index = log->row.size;
	bool is_change = x->leaf.kind == LEAF_CHANGE && index > 0;
	bool hlc_ok = index == 0 || x->leaf.hlc >= log->row.hlc;
	bool index_ok = x->leaf.index == index && hlc_ok;
	enum verdict v = VERDICT_EFFECTIVE;
	enum void_code code = VOID_NONE;
	bool shortened = MUTANT(UNKNOWN_FIELDS_DROPPED) && !x->version_known;
	struct bytes kept = bytes_of(x->raw.p, x->raw.n - shortened);
	int rc = r->ops->leaf_put(r->store, log->row.id, index, kept, e);
	r->wrote = true;
	if (rc == RC_OK && MUTANT(TWO_TRANSACTIONS) && (rc = r->ops->commit(r->store, e)) == RC_OK)
		rc = r->ops->begin(r->store, e);
	if (rc != RC_OK)
		return rc;
	if (is_change)
		rc = admit_judge(r, log, index, index_ok, x, NULL, 0, &v, &code, e);
	else
		v = admit_judge_event(r, log, index, index_ok, x, &code);
	if (log->row.audited == index && !x->assumed)
		log->row.audited = index + 1;
	log->row.size = index + 1;
	log->row.bytes += x->raw.n;
	if (x->leaf.version == LEAF_VERSION && hlc_ok)
		log->row.hlc = x->leaf.hlc;
	if (rc == RC_OK && is_change && is_filed(log, x, v, code))
		rc = file_change(r, log, index, x, v, code, e);
	else if (rc == RC_OK)
		rc = admit_finding(r, log, index, v, code, e);
	if (rc == RC_OK && !is_change && v == VERDICT_EFFECTIVE)
		rc = event_apply(r, log, index, x, e);
	return rc;
}

int admit_settle(struct replica *r, struct err *e)
{
	int rc = recheck_all(r, e);
	return rc == RC_OK ? release_some(r, e) : rc;
}

/* ---- a newer program ---- */

struct unknown_leaf {
	uint32_t log;
	uint64_t index;
};

struct unknown_leaves {
	struct unknown_leaf *leaf;
	size_t n, cap;
};

static int list_unknown(
	void *arg, uint32_t log, uint64_t index, enum verdict v, enum void_code code)
{
	struct unknown_leaves *u = arg;
	(void)code;
	if (v != VERDICT_UNKNOWN)
		return 0;
	if (u->n == u->cap) {
		u->cap = u->cap == 0 ? 16 : 2 * u->cap;
		u->leaf = xrealloc(u->leaf, u->cap * sizeof(*u->leaf));
	}
	u->leaf[u->n++] = (struct unknown_leaf){log, index};
	return 0;
}

/* An older program gave it a place in its register, if it could read that. */
static int find_filed(struct replica *r, const struct log *log, uint64_t index,
	const struct examined *x, int64_t *reg, struct err *e)
{
	struct store_change there;
	int rc = r->ops->register_id(
		r->store, x->change.task, x->change.slot, x->change.holder, false, reg, e);
	if (rc == RC_OK)
		rc = r->ops->change_get(r->store, *reg, &x->body_id, &there, e);
	return rc == RC_OK && (there.log != log->row.id || there.index != index) ? STORE_NONE : rc;
}

static int admit_event_again(struct replica *r, struct log *log, uint64_t index,
	const struct examined *x, enum verdict v, enum void_code code, struct err *e)
{
	int rc = r->ops->finding_delete(r->store, log->row.id, index, e);
	if (rc == RC_OK)
		rc = admit_finding(r, log, index, v, code, e);
	if (rc == RC_OK && v == VERDICT_EFFECTIVE)
		rc = event_apply(r, log, index, x, e);
	return rc;
}

static int admit_change_again(struct replica *r, struct log *log, uint64_t index,
	const struct examined *x, enum verdict v, enum void_code code, struct err *e)
{
	int64_t reg;
	int rc = STORE_NONE;
	if (is_filed(log, x, v, code))
		rc = find_filed(r, log, index, x, &reg, e);
	if (rc == RC_OK)
		recheck_later(r, reg, &x->body_id);
	if (rc != STORE_NONE)
		return rc;
	rc = r->ops->finding_delete(r->store, log->row.id, index, e);
	if (rc != RC_OK)
		return rc;
	return is_filed(log, x, v, code) ? file_change(r, log, index, x, v, code, e)
					 : admit_finding(r, log, index, v, code, e);
}

static int admit_again(
	struct replica *r, struct log *log, uint64_t index, struct bytes raw, struct err *e)
{
	struct examined x;
	enum verdict v = VERDICT_UNKNOWN;
	enum void_code code = VOID_NONE;
	arena_reset(&r->scratch);
	/* What the audit has not reached it will find as everybody who fetched it in bulk. */
	if (audit_covers(log, index))
		examine_leaf(&r->roster.cluster_id, raw, &r->scratch, &x);
	else
		examine_bulk(&r->roster.cluster_id, raw, &r->scratch, &x);
	bool is_change = x.leaf.kind == LEAF_CHANGE && index > 0;
	int rc = RC_OK;
	if (is_change)
		rc = admit_judge(r, log, index, true, &x, NULL, 0, &v, &code, e);
	else
		v = admit_judge_event(r, log, index, true, &x, &code);
	if (rc != RC_OK || v == VERDICT_UNKNOWN)
		return rc;
	r->wrote = true;
	rc = is_change ? admit_change_again(r, log, index, &x, v, code, e)
		       : admit_event_again(r, log, index, &x, v, code, e);
	if (rc == RC_OK)
		rc = admit_settle(r, e);
	return rc == RC_OK ? r->ops->log_put(r->store, &log->row, e) : rc;
}

int admit_unknown_again(struct replica *r, struct err *e)
{
	struct unknown_leaves u = {0};
	struct buf raw = {0};
	int rc = r->ops->finding_each(r->store, list_unknown, &u, e);
	for (size_t i = 0; rc == RC_OK && i < u.n; i++) {
		struct log *log;
		rc = log_of_row(r, u.leaf[i].log, &log, e);
		if (rc == RC_OK)
			rc = r->ops->leaf_get(r->store, log->row.id, u.leaf[i].index, &raw, e);
		if (rc == STORE_NONE)
			rc = err_set(e, RC_CORRUPT, "a finding names a leaf that is not here");
		if (rc == RC_OK)
			rc = admit_again(r, log, u.leaf[i].index, buf_bytes(&raw), e);
	}
	buf_release(&raw);
	free(u.leaf);
	return rc;
}
