#include "proto/trust/operators.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/mutant.h"

void operators_release(struct operators *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->event[i].scope);
	free(o->event);
	*o = (struct operators){0};
}

/* Events of one body are a ring, whatever the order they are learned in. */
static void join_twins(struct operators *o, size_t at)
{
	o->event[at].twin = at;
	for (size_t i = 0; i < at; i++) {
		if (!hash_equal(&o->event[i].body, &o->event[at].body))
			continue;
		o->event[at].twin = o->event[i].twin;
		o->event[i].twin = at;
		return;
	}
}

static struct operator_event *append(
	struct operators *o, uint32_t log, uint64_t index, const struct hash *body)
{
	if (o->n == o->cap) {
		o->cap = o->cap == 0 ? 16 : 2 * o->cap;
		o->event = xrealloc(o->event, o->cap * sizeof(*o->event));
	}
	struct operator_event *ev = &o->event[o->n++];
	memset(ev, 0, sizeof(*ev));
	ev->log = log;
	ev->index = index;
	ev->body = *body;
	join_twins(o, o->n - 1);
	return ev;
}

static void copy_text(char *out, size_t size, struct bytes s)
{
	size_t n = s.n < size ? s.n : size - 1;
	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

void operators_add_delegate(struct operators *o, uint32_t log, uint64_t index,
	const struct hash *body, const struct delegate *d)
{
	struct operator_event *ev = append(o, log, index, body);
	ev->kind = LEAF_DELEGATE;
	memcpy(ev->key, d->operator_key.p, KEY_BYTES);
	copy_text(ev->name, sizeof(ev->name), d->name);
	ev->not_after = d->not_after_index;
	ev->n_scope = d->n_scope;
	if (d->n_scope > 0)
		ev->scope = xalloc(d->n_scope * sizeof(*ev->scope));
	for (size_t i = 0; i < d->n_scope; i++)
		copy_text(ev->scope[i], TASK_KEY_SIZE, d->scope[i]);
}

void operators_add_revoke(struct operators *o, uint32_t log, uint64_t index,
	const struct hash *body, const struct revoke *v)
{
	struct operator_event *ev = append(o, log, index, body);
	ev->kind = LEAF_REVOKE;
	memcpy(ev->key, v->operator_key.p, KEY_BYTES);
	ev->valid_below = v->valid_below;
}

size_t operators_count(const struct operators *o, uint32_t log)
{
	size_t n = 0;
	for (size_t i = 0; i < o->n; i++)
		n += o->event[i].log == log;
	return n;
}

static bool scope_covers(const struct operator_event *ev, struct bytes task)
{
	if (ev->n_scope == 0)
		return true;
	for (size_t i = 0; i < ev->n_scope; i++)
		if (bytes_equal(bytes_str(ev->scope[i]), task))
			return true;
	return false;
}

static const struct operator_reach *find_reach(
	const struct operator_reach *reach, size_t n, uint32_t log)
{
	for (size_t i = 0; i < n; i++)
		if (reach[i].log == log)
			return &reach[i];
	return NULL;
}

/* Whoever holds an old delegation must not bring it back after a revocation by writing it again. */
static bool is_repeat(const struct operators *o, const struct operator_reach *reach, size_t n,
	const struct operator_event *ev, const struct operator_reach *at)
{
	for (size_t i = ev->twin; &o->event[i] != ev; i = o->event[i].twin) {
		const struct operator_reach *other = find_reach(reach, n, o->event[i].log);
		if (other != NULL && other > at && o->event[i].index < other->below)
			return true;
	}
	return false;
}

const struct operator_event *operators_find(const struct operators *o,
	const struct operator_reach *reach, size_t n, const struct hash *body)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct operator_event *ev = &o->event[i];
		if (!hash_equal(&ev->body, body))
			continue;
		const struct operator_reach *at = find_reach(reach, n, ev->log);
		if (at != NULL && ev->index < at->below && !is_repeat(o, reach, n, ev, at))
			return ev;
	}
	return NULL;
}

static bool is_revoked(const struct operator_event *ev, const struct operator_reach *reach,
	const struct operator_reach *at, uint64_t delegated_at)
{
	/* A key delegated anew after its revocation is an operator again. */
	if (at == reach)
		return reach[0].below >= ev->valid_below && delegated_at < ev->index;
	return ev->index < at->below;
}

bool operators_allow(const struct operators *o, const struct operator_reach *reach, size_t n,
	const uint8_t key[KEY_BYTES], struct bytes task, bool *in_scope)
{
	const struct operator_event *delegation = NULL;
	size_t best = n; /* nearness of the delegation's epoch: 0 = the log itself */
	*in_scope = false;
	for (size_t i = 0; i < o->n; i++) {
		const struct operator_event *ev = &o->event[i];
		const struct operator_reach *at = find_reach(reach, n, ev->log);
		if (at == NULL || ev->kind != LEAF_DELEGATE ||
			memcmp(ev->key, key, KEY_BYTES) != 0 || ev->index >= at->below ||
			is_repeat(o, reach, n, ev, at))
			continue;
		if (ev->not_after != 0 && at->below > ev->not_after &&
			(at == reach || !MUTANT(DELEGATION_REVIVES)))
			continue;
		size_t nearness = (size_t)(at - reach);
		if (delegation == NULL || nearness < best ||
			(nearness == best && ev->index > delegation->index)) {
			delegation = ev;
			best = nearness;
		}
	}
	if (delegation == NULL)
		return false;
	for (size_t i = 0; i < o->n; i++) {
		const struct operator_event *ev = &o->event[i];
		const struct operator_reach *at = find_reach(reach, n, ev->log);
		if (at == NULL || ev->kind != LEAF_REVOKE || memcmp(ev->key, key, KEY_BYTES) != 0 ||
			is_repeat(o, reach, n, ev, at))
			continue;
		size_t nearness = (size_t)(at - reach);
		/* An epoch newer than the revocation's may delegate the key again. */
		if (nearness > best)
			continue;
		uint64_t delegated_at = nearness == best ? delegation->index : 0;
		if (nearness == best && best > 0 && delegation->index > ev->index)
			continue;
		if (is_revoked(ev, reach, at, delegated_at))
			return false;
	}
	*in_scope = scope_covers(delegation, task);
	return true;
}
