/* What the leaves of each log say, and whether they are those that their owner and others signed
 * for. */
#include <stdlib.h>
#include <string.h>

#include "client/audit.h"
#include "client/text.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"

/* ---- roots ---- */

static int compare_claims(const void *pa, const void *pb)
{
	const struct audit_claim *a = pa, *b = pb;
	int order = strcmp(a->log->origin.text, b->log->origin.text);
	if (order == 0)
		order = (a->size > b->size) - (a->size < b->size);
	return order ? order : (a->says > b->says) - (a->says < b->says);
}

/* How the leaves stand to a claim: they give its root or another one. */
static bool holds(struct audit *a, const struct audit_claim *c, const struct hash *root)
{
	bool same = hash_equal(root, &c->root);
	if (!same)
		audit_find(a, c->says, bytes_str(c->log->origin.text), c->at, "%s", c->by);
	return same;
}

static void read_on(const struct audit_log *log, struct frontier *f, uint64_t size)
{
	struct hash h;
	while (f->size < size && f->size < log->n) {
		merkle_leaf_hash(log->leaf[f->size].raw, &h);
		frontier_append(f, &h);
	}
}

static void check_claims(struct audit *a)
{
	const struct audit_claim *last = NULL;
	struct frontier f = {0};
	member_set by = 0; /* who cosigned the head that is looked at */
	for (size_t i = 0; i < a->n_claims; last = &a->claim[i++]) {
		const struct audit_claim *c = &a->claim[i];
		struct hash root;
		bool other = last == NULL || last->log != c->log;
		if (other)
			f.size = 0;
		if (other || last->size != c->size)
			by = 0;
		read_on(c->log, &f, c->size);
		frontier_root(&f, &root);
		if (f.size != c->size || !holds(a, c, &root) || c->says != AUDIT_COSIGNED_OTHER)
			continue;
		by |= MEMBER_BIT(roster_find(audit_roster(a), bytes_str(c->by)));
		if (cosign_is_final(audit_roster(a), by, c->log->member))
			c->log->final = c->size;
	}
}

void audit_check_logs(struct audit *a)
{
	if (a->n_claims > 1)
		qsort(a->claim, a->n_claims, sizeof *a->claim, compare_claims);
	check_claims(a);
	for (size_t i = 0; i < a->n_logs; i++)
		if (a->log[i]->claimed > a->log[i]->n)
			audit_find(a, AUDIT_MISSING, bytes_str(a->log[i]->origin.text),
				a->log[i]->claimed, tr("only %zu are here"), a->log[i]->n);
}

/* ---- leaves ---- */

static void keep_change(struct audit *a, struct audit_leaf *x, const struct change *c)
{
	x->task = c->task;
	x->holder = c->holder;
	x->under = c->under;
	x->slot = c->slot;
	x->n_supersedes = c->n_supersedes;
	if (c->n_supersedes == 0)
		return;
	size_t size = c->n_supersedes * sizeof *x->supersedes;
	x->supersedes = arena_alloc(pool_arena(&a->pool, size), size);
	ENSURE(x->supersedes);
	for (size_t i = 0; i < c->n_supersedes; i++)
		memcpy(x->supersedes[i].b, c->supersedes[i].p, HASH_BYTES);
}

static void read_change(
	struct audit *a, struct audit_leaf *x, struct bytes body, struct arena *scratch)
{
	struct change c;
	struct value v;
	x->gate_ok = change_decode(body, scratch, &c, NULL) == RC_OK;
	x->known = x->gate_ok && c.version == CHANGE_VERSION;
	if (!x->known) {
		x->known = !x->gate_ok; /* what does not decode is void, not unknown */
		return;
	}
	x->body_ok = true;
	x->own = bytes_equal(c.member, bytes_str(x->log->origin.member));
	keep_change(a, x, &c);
	const struct slot_rule *rule = slot_find(c.slot);
	x->known = rule != NULL;
	x->gate_ok = !rule || value_decode(rule->slot, c.value, scratch, &v, NULL) == RC_OK;
}

static void read_event(struct audit_leaf *x, struct bytes body, struct arena *scratch)
{
	struct delegate d = {0};
	struct revoke v = {0};
	bool delegates = x->kind == LEAF_DELEGATE;
	x->gate_ok = (delegates ? delegate_decode(body, scratch, &d, NULL)
				: revoke_decode(body, scratch, &v, NULL)) == RC_OK;
	x->body_ok = x->gate_ok && (delegates ? d.version : v.version) == CHANGE_VERSION;
	x->known = !x->gate_ok || x->body_ok;
}

/* An epoch says on which history of the one before it builds. */
static void claim_previous(struct audit *a, const struct audit_leaf *x, const struct open *o)
{
	struct audit_log *before = audit_log_find(a, o->previous_origin);
	if (!before || o->previous_root.n != HASH_BYTES)
		return;
	struct audit_claim c = {.says = AUDIT_PREVIOUS, .log = before, .size = o->previous_size};
	c.at = o->previous_size;
	memcpy(c.root.b, o->previous_root.p, HASH_BYTES);
	memcpy(c.by, x->log->origin.member, sizeof c.by);
	audit_claim(a, &c);
}

static void claim_retired(struct audit *a)
{
	const struct roster *r = audit_roster(a);
	for (size_t i = 0; i < r->n_retired; i++) {
		const struct retirement *t = &r->retired[i];
		struct audit_log *log = audit_log_find(a, bytes_str(t->origin));
		struct audit_claim c = {.says = AUDIT_RETIRED, .log = log, .root = t->root};
		c.size = c.at = t->valid_below;
		memcpy(c.by, t->reason, sizeof c.by);
		if (log)
			audit_claim(a, &c);
	}
}

static void read_leaf(struct audit *a, struct audit_leaf *x, uint64_t *hlc, struct arena *scratch)
{
	struct leaf leaf;
	arena_reset(scratch);
	x->gate_ok = leaf_decode(x->raw, scratch, &leaf, NULL) == RC_OK;
	if (!x->gate_ok)
		return;
	x->kind = leaf.kind;
	x->hlc = leaf.hlc;
	bool later = x->index == 0 || leaf.hlc >= *hlc;
	x->order_ok = leaf.index == x->index && later;
	if (leaf.version == LEAF_VERSION && later)
		*hlc = leaf.hlc;
	x->known = leaf.version == LEAF_VERSION && leaf.kind != LEAF_UNKNOWN;
	if (!x->known)
		return;
	if (x->kind == LEAF_OPEN && x->index == 0)
		claim_previous(a, x, &leaf.open);
	if (x->kind == LEAF_CHANGE)
		read_change(a, x, leaf.signed_body.body, scratch);
	else if (x->kind == LEAF_DELEGATE || x->kind == LEAF_REVOKE)
		read_event(x, leaf.signed_body.body, scratch);
	else if (x->kind == LEAF_ANCHOR)
		audit_take_anchor(a, x);
	x->body = leaf.signed_body;
}

void audit_read_leaves(struct audit *a)
{
	uint8_t *memory = xalloc(CODEC_LEAF_ARENA);
	struct arena scratch;
	arena_init(&scratch, memory, CODEC_LEAF_ARENA);
	for (size_t i = 0; i < a->n_logs; i++) {
		uint64_t hlc = 0;
		for (size_t k = 0; k < a->log[i]->n; k++)
			read_leaf(a, &a->log[i]->leaf[k], &hlc, &scratch);
		a->log[i]->limit = a->log[i]->n;
	}
	audit_sort_anchors(a);
	claim_retired(a);
	free(memory);
}

static void check_body(struct audit *a, struct audit_leaf *x)
{
	enum body_type type = x->kind == LEAF_CHANGE ? BODY_CHANGE
		: x->kind == LEAF_DELEGATE	     ? BODY_DELEGATE
						     : BODY_REVOKE;
	if (x->index < x->log->cut && x->kind == LEAF_CHANGE) {
		change_id_of(type, &a->cluster_id, x->body.body, &x->id);
		x->signature_ok = true;
		return;
	}
	a->signatures++;
	x->signature_ok = body_verify(
		x->body.key.p, type, &a->cluster_id, x->body.body, x->body.signature.p, &x->id);
}

void audit_check_bodies(struct audit *a)
{
	for (size_t i = 0; i < a->n_logs; i++)
		for (size_t k = 0; k < a->log[i]->n; k++)
			if (a->log[i]->leaf[k].body.body.n > 0)
				check_body(a, &a->log[i]->leaf[k]);
}

void audit_decode(const struct audit_leaf *x, struct arena *a, struct leaf *leaf,
	struct change *change, struct value *value, bool *has_value)
{
	*has_value = false;
	arena_reset(a);
	ENSURE(leaf_decode(x->raw, a, leaf, NULL) == RC_OK);
	if (x->kind != LEAF_CHANGE || !x->body_ok)
		return;
	ENSURE(change_decode(leaf->signed_body.body, a, change, NULL) == RC_OK);
	const struct slot_rule *rule = slot_find(change->slot);
	*has_value = rule && value_decode(rule->slot, change->value, a, value, NULL) == RC_OK;
}
