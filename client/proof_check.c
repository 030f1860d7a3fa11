#include "client/proof_check.h"

#include <string.h>

#include "client/text.h"
#include "proto/trust/sign.h"

struct checking {
	const struct policy *policy;
	const struct proof *change, *delegation;
	const struct vkey *root;
	struct origin origin; /* of the change's log */
	struct proof_check *out;
	struct err *e;
};

static int fail(const struct checking *c, const char *why)
{
	return err_set(c->e, RC_VERIFY, "%s", why);
}

/* The leaf that the proof brings, once it is known to stand where the proof says. */
static int open_leaf(struct checking *c, const struct proof *p, struct leaf *out)
{
	struct hash h;
	struct bytes raw = bytes_of(p->extra, p->n_extra);
	if (raw.n == 0)
		return err_set(c->e, RC_INPUT, tr("the proof does not bring the leaf itself"));
	merkle_leaf_hash(raw, &h);
	if (!proof_holds(p, &h))
		return fail(c,
			tr("the leaf does not stand under the head: the path gives another "
			   "root"));
	if (leaf_decode(raw, pool_arena(&c->out->pool, CODEC_LEAF_ARENA), out, NULL) != RC_OK ||
		out->version != LEAF_VERSION)
		return err_set(
			c->e, RC_INPUT, tr("the leaf is of no form that this version knows"));
	if (out->index != p->index)
		return fail(c, tr("the leaf states another index than it has"));
	return RC_OK;
}

static int check_signature(struct checking *c)
{
	struct proof_check *o = c->out;
	const struct signed_body *s = &o->leaf.signed_body;
	struct arena *a = pool_arena(&o->pool, CODEC_LEAF_ARENA);
	if (o->leaf.kind != LEAF_CHANGE || change_decode(s->body, a, &o->change, NULL) != RC_OK ||
		o->change.version != CHANGE_VERSION)
		return err_set(c->e, RC_INPUT, tr("the leaf is no change that this version knows"));
	if (!body_verify(
		    s->key.p, BODY_CHANGE, &c->policy->cluster_id, s->body, s->signature.p, &o->id))
		return fail(c, tr("the operator's signature does not verify"));
	if (!bytes_equal(o->change.member, bytes_str(c->origin.member)))
		return fail(c, tr("the change was signed for another member's log"));
	const struct slot_rule *rule = slot_find(o->change.slot);
	o->has_value =
		rule && value_decode(rule->slot, o->change.value, a, &o->value, NULL) == RC_OK;
	return RC_OK;
}

static int check_order(struct checking *c)
{
	struct origin from;
	int rc = origin_parse(c->out->delegated.origin, &from, c->e);
	if (rc != RC_OK || strcmp(from.member, c->origin.member) != 0 ||
		strcmp(from.cluster, c->origin.cluster) != 0)
		return fail(c, tr("the delegation's head is of no log of the policy"));
	bool same = strcmp(from.text, c->origin.text) == 0;
	if (same ? c->delegation->index < c->change->index : from.epoch < c->origin.epoch)
		return RC_OK;
	return fail(c, tr("the delegation does not stand before the change"));
}

/* An earlier epoch's head stands under its own name and the same key, or the one that the policy
 * names for it. */
static int check_delegation_head(struct checking *c)
{
	struct checkpoint *head = &c->out->delegated;
	for (size_t i = 0; i < c->policy->n_logs; i++) {
		const struct vkey *log = &c->policy->log[i];
		struct origin known;
		if (origin_parse(bytes_str(log->name), &known, NULL) != RC_OK ||
			strcmp(known.member, c->origin.member) != 0 ||
			strcmp(known.cluster, c->origin.cluster) != 0 ||
			checkpoint_verify(c->delegation->note, log->public, head, NULL) != RC_OK)
			continue;
		return check_order(c);
	}
	for (size_t i = 0; i < c->policy->n_ended; i++) {
		const struct vkey *log = &c->policy->ended[i];
		if (checkpoint_verify(c->delegation->note, log->public, head, NULL) == RC_OK &&
			bytes_equal(head->origin, bytes_str(log->name)))
			return check_order(c);
	}
	return fail(c, tr("the delegation's head is of no log of the policy"));
}

static bool covers(const struct delegate *d, struct bytes task)
{
	bool found = d->n_scope == 0;
	for (size_t i = 0; i < d->n_scope; i++)
		found = found || bytes_equal(d->scope[i], task);
	return found;
}

static int check_delegate(struct checking *c)
{
	struct proof_check *o = c->out;
	struct delegate *d = &o->delegate;
	struct leaf leaf;
	int rc = open_leaf(c, c->delegation, &leaf);
	if (rc != RC_OK)
		return rc;
	const struct signed_body *s = &leaf.signed_body;
	struct arena *a = pool_arena(&o->pool, CODEC_LEAF_ARENA);
	if (leaf.kind != LEAF_DELEGATE || delegate_decode(s->body, a, d, NULL) != RC_OK ||
		d->version != CHANGE_VERSION)
		return err_set(c->e, RC_INPUT, tr("the second proof is of no delegation"));
	if (!bytes_equal(s->key, bytes_of(c->root->public, KEY_BYTES)) ||
		!body_verify(s->key.p, BODY_DELEGATE, &c->policy->cluster_id, s->body,
			s->signature.p, NULL))
		return fail(c, tr("the delegation is not signed by the member's root key"));
	if (!bytes_equal(d->member, o->change.member) ||
		!bytes_equal(d->operator_key, o->leaf.signed_body.key))
		return fail(c, tr("the delegation is of another key or member"));
	if (!covers(d, o->change.task))
		return fail(c, tr("the delegation does not cover the task"));
	bool same = bytes_equal(o->delegated.origin, o->head.head.origin);
	/* How many leaves of an earlier epoch count, a proof does not show. */
	if (d->not_after_index != 0 && (!same || c->change->index > d->not_after_index))
		return fail(c, tr("the delegation had ended before the change"));
	return RC_OK;
}

/* A policy is of one log: of the member's next epoch it knows nothing, and no signature is false.
 */
static int check_log(const struct policy *p, struct bytes origin, struct err *e)
{
	for (size_t i = 0; i < p->n_logs; i++)
		if (bytes_equal(origin, bytes_str(p->log[i].name)))
			return RC_OK;
	return err_set(e, RC_VERIFY,
		tr("the proof is of the log %.*s, the policy of %s; for another epoch: deltactl "
		   "policy %.*s"),
		(int)origin.n, (const char *)origin.p, p->n_logs ? p->log[0].name : "-",
		(int)origin.n, (const char *)origin.p);
}

int proof_check(const struct policy *p, const struct proof *change, const struct proof *delegation,
	struct proof_check *out, struct err *e)
{
	*out = (struct proof_check){0};
	struct checking c = {
		.policy = p, .change = change, .delegation = delegation, .out = out, .e = e};
	int rc = policy_judge(p, change->note, &out->head, e);
	if (rc == RC_VERIFY && check_log(p, out->head.head.origin, e) != RC_OK)
		return RC_VERIFY;
	if (rc != RC_OK)
		return rc;
	c.root = policy_root(p, out->head.head.origin);
	if (!p->has_cluster || !c.root)
		return err_set(e, RC_INPUT,
			tr("the policy names no cluster or no root key for this log; write one "
			   "with deltactl policy"));
	rc = origin_parse(out->head.head.origin, &c.origin, e);
	if (rc == RC_OK)
		rc = open_leaf(&c, change, &out->leaf);
	if (rc == RC_OK)
		rc = check_signature(&c);
	if (rc == RC_OK)
		rc = check_delegation_head(&c);
	return rc == RC_OK ? check_delegate(&c) : rc;
}

void proof_check_release(struct proof_check *c)
{
	pool_release(&c->pool);
}
