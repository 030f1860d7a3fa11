/* What the node's own people write: judged by the very rules that every peer will apply, before it
 * is appended. Source: PROTOCOL 2, 6.1, 9. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"
#include "proto/base/text.h"
#include "proto/wire/codec.h"

#define NONCE_KEY_SIZE (6 + 2 * NONCE_BYTES + 1)

static void nonce_key(struct bytes nonce, char out[NONCE_KEY_SIZE])
{
	memcpy(out, "nonce/", 6);
	hex_encode(nonce.p, NONCE_BYTES, out + 6);
}

static int refusal_of(enum verdict v, enum void_code code)
{
	if (v == VERDICT_PENDING)
		return RC_REFUSED;
	if (v == VERDICT_UNKNOWN)
		return RC_TOO_NEW;
	switch (code) {
	case VOID_SIGNATURE: return RC_VERIFY;
	case VOID_OPERATOR: return RC_NOT_OPERATOR;
	case VOID_SCOPE: return RC_OUT_OF_SCOPE;
	case VOID_MEMBER:
	case VOID_WRITER: return RC_REFUSED_WRITER;
	case VOID_REPEAT: return RC_REFUSED_REPEAT;
	case VOID_VALUE: return RC_REFUSED_VALUE;
	case VOID_NONE:
	case VOID_GATE:
	case VOID_INDEX:
	case VOID_REGISTER:
	case VOID_UNDER:
	case VOID_RETIRED:
	case VOID_EVENT: break;
	}
	return RC_REFUSED;
}

static int refuse(const struct examined *x, enum verdict v, enum void_code code, struct err *e)
{
	int rc = refusal_of(v, code);
	if (v == VERDICT_PENDING)
		return err_set(e, rc,
			"the task that the change acts under is not here: load the plan, or wait "
			"for it");
	if (rc == RC_REFUSED_VALUE && value_check(&x->value, &x->change, e) != RC_OK)
		return rc;
	return err_set(e, rc, "%s; the change would be void (%s)", rc_text(rc),
		v == VERDICT_VOID ? void_code_name(code) : verdict_name(v));
}

/* Was exactly this posted before? STORE_NONE: no. */
static int find_posted(
	struct replica *r, const struct examined *x, struct posted *out, struct err *e)
{
	char key[NONCE_KEY_SIZE];
	struct buf known = {0};
	nonce_key(x->change.nonce, key);
	int rc = r->ops->meta_get(r->store, key, &known, e);
	if (rc == RC_OK && !bytes_equal(buf_bytes(&known), hash_bytes(&x->body_id)))
		rc = err_set(e, RC_REFUSED_REPEAT,
			"this nonce was used for another change: make a new one");
	buf_release(&known);
	int64_t reg;
	struct store_change c;
	if (rc == RC_OK)
		rc = r->ops->register_id(
			r->store, x->change.task, x->change.slot, x->change.holder, false, &reg, e);
	if (rc == RC_OK)
		rc = r->ops->change_get(r->store, reg, &x->body_id, &c, e);
	for (size_t i = 0; rc == RC_OK && i < r->n_logs; i++)
		if (r->log[i]->row.id == c.log)
			*out = (struct posted){r->log[i]->row.origin, c.index, c.id};
	return rc;
}

int post_remember(struct replica *r, const struct examined *x, struct err *e)
{
	char key[NONCE_KEY_SIZE];
	if (x->leaf.kind != LEAF_CHANGE || !x->body_ok || !x->signature_ok ||
		!bytes_equal(x->change.member, bytes_str(r->config.member)))
		return RC_OK;
	nonce_key(x->change.nonce, key);
	return r->ops->meta_put(r->store, key, hash_bytes(&x->body_id), e);
}

struct staleness {
	const struct change *change;
	const struct draft *sibling; /* earlier changes of the same request */
	size_t n_siblings;
	bool stale;
};

static bool names(const struct change *c, const struct hash *id)
{
	for (size_t i = 0; i < c->n_supersedes; i++)
		if (bytes_equal(c->supersedes[i], hash_bytes(id)))
			return true;
	return false;
}

static bool is_named(const struct staleness *s, const struct hash *id)
{
	for (size_t i = 0; i < s->n_siblings; i++)
		if (names(&s->sibling[i].x.change, id))
			return true;
	return names(s->change, id);
}

static int check_named(void *arg, const struct store_register *reg, const struct store_change *c,
	struct bytes leaf)
{
	struct staleness *s = arg;
	(void)reg;
	(void)leaf;
	s->stale |= !is_named(s, &c->id);
	return s->stale ? STORE_NONE : 0;
}

static bool same_register(const struct change *a, const struct change *b)
{
	return a->slot == b->slot && bytes_equal(a->task, b->task) &&
		bytes_equal(a->holder, b->holder);
}

/* On one node nobody needs to write past another: what is current here must be named. Between nodes
 * it cannot be helped, and becomes a conflict that everybody sees. */
static int check_fresh(struct replica *r, const struct change *c, const struct draft *sibling,
	size_t n_siblings, struct err *e)
{
	struct staleness s = {.change = c, .sibling = sibling, .n_siblings = n_siblings};
	struct store_filter f = {
		.task = &c->task, .holder = &c->holder, .slot = c->slot, .current_only = true};
	int rc = r->ops->change_each(r->store, &f, check_named, &s, e);
	for (size_t i = 0; i < n_siblings; i++)
		s.stale |= same_register(c, &sibling[i].x.change) &&
			!is_named(&s, &sibling[i].x.body_id);
	if (rc >= 0 && s.stale)
		return err_set(e, RC_REFUSED_STALE,
			"the register changed since it was read: read it again and decide anew");
	return rc;
}

static int draft_post(struct replica *r, const struct signed_body *body, size_t offset,
	struct now now, struct arena *a, struct draft *drafts, size_t n, struct posted *out,
	struct err *e)
{
	struct draft *d = &drafts[n];
	enum verdict v;
	enum void_code code;
	struct leaf leaf = {.kind = LEAF_CHANGE, .signed_body = *body};
	int rc = own_draft(r, &leaf, offset, now, a, d, e);
	if (rc != RC_OK)
		return rc;
	if (d->x.body_ok && d->x.signature_ok && (rc = find_posted(r, &d->x, out, e)) != STORE_NONE)
		return rc;
	for (size_t i = 0; i < n; i++)
		if (bytes_equal(drafts[i].x.change.nonce, d->x.change.nonce))
			return err_set(
				e, RC_REFUSED_REPEAT, "two changes of one request share a nonce");
	rc = admit_judge(
		r, r->own, r->own->row.size + offset, true, &d->x, drafts, n, &v, &code, e);
	if (rc == RC_OK && v != VERDICT_EFFECTIVE)
		rc = refuse(&d->x, v, code, e);
	if (rc == RC_OK)
		rc = check_fresh(r, &d->x.change, drafts, n, e);
	return rc == RC_OK ? STORE_NONE : rc;
}

static int append_drafts(struct replica *r, const struct draft *d, size_t n, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		char key[NONCE_KEY_SIZE];
		nonce_key(d[i].x.change.nonce, key);
		if (!MUTANT(NONCE_FORGOTTEN))
			rc = r->ops->meta_put(r->store, key, hash_bytes(&d[i].x.body_id), e);
		if (rc == RC_OK)
			rc = own_append(r, &d[i], e);
	}
	return rc;
}

int post_check_ready(const struct replica *r, struct err *e)
{
	if (!r->has_roster)
		return err_set(
			e, RC_NO_ROSTER, "no roster is installed: deltactl roster install FILE");
	if (r->rosters.removes_us != 0)
		return err_set(e, RC_DENIED,
			"version %u of the roster removes this member: nothing it writes counts",
			r->rosters.removes_us);
	if (r->log_key == NULL)
		return err_set(e, RC_DEGRADED, POST_NO_LOG_KEY);
	return rebuild_check_ready(r, e);
}

int replica_post(struct replica *r, const struct signed_body *change, size_t n,
	struct posted *posted, struct now now, struct err *e)
{
	int rc = post_check_ready(r, e);
	if (rc != RC_OK)
		return rc;
	if (n == 0 || n > LIMIT_POST_CHANGES)
		return err_set(
			e, RC_TOO_BIG, "a request posts 1 to %d changes", LIMIT_POST_CHANGES);
	struct draft *drafts = xalloc(n * sizeof(*drafts));
	struct arena a;
	size_t room = CODEC_LEAF_ARENA + n * CODEC_LEAF_KEPT;
	void *memory = xalloc(room);
	arena_init(&a, memory, room);
	size_t fresh = 0;
	for (size_t i = 0; i < n; i++) {
		buf_reset(&drafts[fresh].raw);
		rc = draft_post(r, &change[i], fresh, now, &a, drafts, fresh, &posted[i], e);
		if (rc < 0)
			break;
		if (rc == STORE_NONE) {
			posted[i] = (struct posted){r->own->row.origin, r->own->row.size + fresh,
				drafts[fresh].x.body_id};
			fresh++;
		}
	}
	if (rc >= 0)
		rc = append_drafts(r, drafts, fresh, e);
	for (size_t i = 0; i < n; i++)
		buf_release(&drafts[i].raw);
	free(drafts);
	free(memory);
	return rc;
}

int replica_post_event(struct replica *r, enum leaf_kind kind, const struct signed_body *body,
	struct posted *posted, struct now now, struct err *e)
{
	int rc = post_check_ready(r, e);
	if (rc != RC_OK)
		return rc;
	if (kind != LEAF_DELEGATE && kind != LEAF_REVOKE)
		return err_set(
			e, RC_INPUT, "only delegations and revocations are posted as events");
	struct draft d = {0};
	struct leaf leaf = {.kind = kind, .signed_body = *body};
	arena_reset(&r->scratch);
	rc = own_draft(r, &leaf, 0, now, &r->scratch, &d, e);
	bool known = rc == RC_OK && d.x.signature_ok && event_is_posted(r, &d.x.body_id, posted);
	if (rc == RC_OK && !known) {
		enum void_code code = event_judge(r, r->own, r->own->row.size, &d.x);
		if (code != VOID_NONE)
			rc = err_set(e, code == VOID_GATE ? RC_INPUT : RC_VERIFY,
				"the event is not signed by the member's root key, or not "
				"well-formed (%s)",
				void_code_name(code));
	}
	if (rc == RC_OK && !known) {
		*posted = (struct posted){r->own->row.origin, r->own->row.size, d.x.body_id};
		rc = own_append(r, &d, e);
	}
	buf_release(&d.raw);
	return rc;
}
