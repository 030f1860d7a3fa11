/* What the log events mean: Open, Delegate, Revoke. Source: PROTOCOL 3.1, 3.5. */
#include <stdio.h>
#include <string.h>

#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"
#include "proto/wire/codec.h"

/* The log events that matter are few; their places are kept in values of so many, so that a start
 * need not read every leaf. */
#define PLACE_BYTES 12
#define PLACES_EACH 1024
#define PLACES_KEY_SIZE 32

static bool open_is_sound(const struct replica *r, const struct log *log, const struct open *o)
{
	if (o->suite != SUITE_ED25519_SHA256 || o->reason < OPEN_INIT || o->reason > OPEN_ROTATE)
		return false;
	if (o->previous_origin.n == 0)
		return true;
	struct origin previous;
	return origin_parse(o->previous_origin, &previous, NULL) == RC_OK &&
		strcmp(previous.member, log->origin.member) == 0 &&
		strcmp(previous.cluster, r->roster.cluster) == 0 &&
		previous.epoch < log->origin.epoch && o->previous_root.n == HASH_BYTES;
}

static bool signed_by_root(const struct replica *r, const struct log *log, const struct examined *x,
	struct bytes member)
{
	const uint8_t *root = roster_authority(&r->roster, bytes_str(log->row.origin), log->member);
	return x->signature_ok && root != NULL &&
		bytes_equal(x->leaf.signed_body.key, bytes_of(root, KEY_BYTES)) &&
		bytes_equal(member, bytes_str(log->origin.member));
}

enum void_code event_judge(
	const struct replica *r, const struct log *log, uint64_t index, const struct examined *x)
{
	if (!x->gate_ok)
		return VOID_GATE;
	if (retire_covers(log, index))
		return VOID_RETIRED;
	if (index == 0)
		return x->leaf.kind == LEAF_OPEN && open_is_sound(r, log, &x->leaf.open)
			? VOID_NONE
			: VOID_EVENT;
	struct operator_reach before = {log->row.id, index};
	bool repeat = operators_find(&r->operators, &before, 1, &x->body_id) != NULL &&
		!MUTANT(OLD_DELEGATION_COUNTS);
	bool full = operators_count(&r->operators, log->row.id) >= LIMIT_OPERATOR_EVENTS &&
		!MUTANT(EVENTS_WITHOUT_END);
	switch (x->leaf.kind) {
	case LEAF_DELEGATE:
		if (full || !signed_by_root(r, log, x, x->delegate.member) ||
			!key_is_enrollable(KEY_OPERATOR, x->delegate.operator_key.p))
			return VOID_EVENT;
		return repeat ? VOID_REPEAT : VOID_NONE;
	case LEAF_REVOKE:
		if (full || !signed_by_root(r, log, x, x->revoke.member))
			return VOID_EVENT;
		return repeat ? VOID_REPEAT : VOID_NONE;
	case LEAF_ANCHOR:
	case LEAF_CLOSE: return VOID_NONE;
	case LEAF_OPEN:
	case LEAF_CHANGE:
	case LEAF_UNKNOWN: break;
	}
	return VOID_EVENT;
}

static void take_event(struct replica *r, struct log *log, uint64_t index, const struct examined *x)
{
	if (x->leaf.kind == LEAF_DELEGATE)
		operators_add_delegate(
			&r->operators, log->row.id, index, &x->body_id, &x->delegate);
	else if (x->leaf.kind == LEAF_REVOKE)
		operators_add_revoke(&r->operators, log->row.id, index, &x->body_id, &x->revoke);
	else if (x->leaf.kind == LEAF_OPEN && x->leaf.open.previous_origin.n < ORIGIN_SIZE) {
		if (x->leaf.open.previous_origin.n > 0)
			memcpy(log->previous, x->leaf.open.previous_origin.p,
				x->leaf.open.previous_origin.n);
		log->previous_size = x->leaf.open.previous_size;
		log->open_hlc = x->leaf.hlc;
	}
}

static void places_key(size_t place, char key[PLACES_KEY_SIZE])
{
	snprintf(key, PLACES_KEY_SIZE, "events/%zu", place / PLACES_EACH);
}

static int remember_place(struct replica *r, const struct log *log, uint64_t index, struct err *e)
{
	struct buf places = {0};
	char key[PLACES_KEY_SIZE];
	places_key(r->n_places, key);
	int rc = r->ops->meta_get(r->store, key, &places, e);
	if (rc == RC_OK || rc == STORE_NONE) {
		buf_put_u32be(&places, log->row.id);
		buf_put_u64be(&places, index);
		rc = r->ops->meta_put(r->store, key, buf_bytes(&places), e);
		r->n_places++;
	}
	buf_release(&places);
	return rc;
}

/* *below: so many leaves of the ancestor count for the log. */
static bool builds_on(
	const struct replica *r, const struct log *log, const struct log *ancestor, uint64_t *below)
{
	for (size_t depth = 0; log->previous[0] != '\0' && depth < LIMIT_EPOCHS_PER_MEMBER;
		depth++) {
		*below = log->previous_size;
		if (strcmp(log->previous, ancestor->row.origin) == 0)
			return true;
		log = log_find(r, bytes_str(log->previous));
		if (log == NULL)
			return false;
	}
	return false;
}

/* What a revocation takes back of its own log: leaves between the first delegation of the key and
 * where no delegation counts any more by an earlier revocation. */
static void take_back(
	struct replica *r, struct log *log, uint64_t index, const struct revoke *revoke)
{
	const struct operators *o = &r->operators;
	uint64_t first = index, last = 0, to = index;
	for (size_t i = 0; i < o->n; i++) {
		const struct operator_event *ev = &o->event[i];
		if (ev->kind != LEAF_DELEGATE ||
			memcmp(ev->key, revoke->operator_key.p, KEY_BYTES) != 0)
			continue;
		uint64_t at = ev->log == log->row.id ? ev->index : 0;
		first = at < first ? at : first;
		last = at > last ? at : last;
	}
	for (size_t i = 0; i < o->n; i++) {
		const struct operator_event *ev = &o->event[i];
		/* One that stands in an earlier epoch too may be a repeat. */
		if (ev->kind == LEAF_REVOKE && ev->log == log->row.id && ev->index != index &&
			ev->index > last && &o->event[ev->twin] == ev &&
			memcmp(ev->key, revoke->operator_key.p, KEY_BYTES) == 0)
			to = ev->valid_below < to ? ev->valid_below : to;
	}
	uint64_t from = revoke->valid_below > first ? revoke->valid_below : first;
	recheck_stretch(r, log, from, to, revoke->operator_key);
}

/* An event can change verdicts that were given without it: a revocation those below its own index,
 * and any event those in epochs that build on this log and came first. */
static void touch(struct replica *r, struct log *log, uint64_t index, const struct examined *x)
{
	struct bytes key = {0};
	uint64_t below;
	if (x->leaf.kind == LEAF_DELEGATE)
		key = x->delegate.operator_key;
	if (x->leaf.kind == LEAF_REVOKE) {
		key = x->revoke.operator_key;
		take_back(r, log, index, &x->revoke);
	}
	for (size_t i = 0; i < r->n_logs; i++)
		if (builds_on(r, r->log[i], log, &below) &&
			(index < below || x->leaf.kind == LEAF_OPEN))
			recheck_stretch(r, r->log[i], 0, r->log[i]->row.size, key);
}

static bool has_effect(const struct examined *x)
{
	return x->leaf.kind == LEAF_OPEN || x->leaf.kind == LEAF_DELEGATE ||
		x->leaf.kind == LEAF_REVOKE;
}

int event_take(
	struct replica *r, struct log *log, uint64_t index, const struct examined *x, struct err *e)
{
	if (!has_effect(x))
		return RC_OK;
	take_event(r, log, index, x);
	return remember_place(r, log, index, e);
}

int event_apply(
	struct replica *r, struct log *log, uint64_t index, const struct examined *x, struct err *e)
{
	int rc = event_take(r, log, index, x, e);
	if (rc == RC_OK && has_effect(x))
		touch(r, log, index, x);
	return rc;
}

int events_clear(struct replica *r, struct err *e)
{
	char key[PLACES_KEY_SIZE];
	struct buf places = {0};
	int rc = RC_OK;
	operators_release(&r->operators);
	for (size_t i = 0; rc == RC_OK; i++) {
		places_key(i * PLACES_EACH, key);
		rc = r->ops->meta_get(r->store, key, &places, e);
		if (rc == RC_OK)
			rc = r->ops->meta_put(r->store, key, (struct bytes){0}, e);
	}
	for (size_t i = 0; i < r->n_logs; i++) {
		r->log[i]->previous[0] = '\0';
		r->log[i]->previous_size = 0;
	}
	r->n_places = 0;
	buf_release(&places);
	return rc == STORE_NONE ? RC_OK : rc;
}

static int load_place(
	struct replica *r, uint32_t id, uint64_t index, struct buf *raw, struct err *e)
{
	struct log *log = log_by_id(r, id);
	int rc = log == NULL ? STORE_NONE : r->ops->leaf_get(r->store, id, index, raw, e);
	if (rc == STORE_NONE)
		rc = err_set(e, RC_CORRUPT, "a log event is missing from the database");
	if (rc != RC_OK)
		return rc;
	struct examined x;
	arena_reset(&r->scratch);
	examine_leaf(&r->roster.cluster_id, buf_bytes(raw), &r->scratch, &x);
	if (!x.gate_ok || !x.version_known)
		return err_set(e, RC_CORRUPT, "a log event in the database is damaged");
	take_event(r, log, index, &x);
	return RC_OK;
}

/* Every log whose first leaf counts has an event. */
static int expect_none(struct replica *r, struct err *e)
{
	enum verdict v;
	enum void_code code;
	for (size_t i = 0; i < r->n_logs; i++) {
		const struct store_log *row = &r->log[i]->row;
		if (row->size == 0)
			continue;
		int rc = r->ops->finding_get(r->store, row->id, 0, &v, &code, e);
		if (rc == STORE_NONE)
			return err_set(e, RC_CORRUPT, "the list of log events is empty");
		if (rc != RC_OK)
			return rc;
	}
	return STORE_NONE;
}

static bool is_list_of_places(size_t bytes)
{
	return bytes % PLACE_BYTES == 0 && bytes <= PLACES_EACH * PLACE_BYTES;
}

int events_load(struct replica *r, struct err *e)
{
	struct buf places = {0}, raw = {0};
	char key[PLACES_KEY_SIZE];
	int rc;
	do {
		places_key(r->n_places, key);
		rc = r->ops->meta_get(r->store, key, &places, e);
		if (rc == RC_OK && places.n == 0) /* emptied by events_clear */
			rc = r->n_places > 0 ? STORE_NONE : expect_none(r, e);
		if (rc == RC_OK && !is_list_of_places(places.n))
			rc = err_set(e, RC_CORRUPT, "the list of log events is damaged");
		for (size_t at = 0; rc == RC_OK && at < places.n; at += PLACE_BYTES) {
			rc = load_place(
				r, get_u32be(places.p + at), get_u64be(places.p + at + 4), &raw, e);
			r->n_places++;
		}
	} while (rc == RC_OK && r->n_places % PLACES_EACH == 0);
	buf_release(&places);
	buf_release(&raw);
	return rc == STORE_NONE ? RC_OK : rc;
}

/* The stretches of the member's history that count at this leaf. */
static size_t reach_of(const struct replica *r, const struct log *log, uint64_t index,
	struct operator_reach reach[LIMIT_EPOCHS_PER_MEMBER])
{
	size_t n = 0;
	reach[n++] = (struct operator_reach){log->row.id, index};
	while (log->previous[0] != '\0' && n < LIMIT_EPOCHS_PER_MEMBER) {
		uint64_t below = log->previous_size;
		log = log_find(r, bytes_str(log->previous));
		if (log == NULL)
			break;
		reach[n++] = (struct operator_reach){log->row.id, below};
	}
	return n;
}

bool event_is_operator(const struct replica *r, const struct log *log, uint64_t index,
	const uint8_t key[KEY_BYTES], struct bytes task, bool *in_scope)
{
	struct operator_reach reach[LIMIT_EPOCHS_PER_MEMBER];
	size_t n = reach_of(r, log, index, reach);
	return operators_allow(&r->operators, reach, n, key, task, in_scope);
}

static const struct log *newest_of(const struct replica *r, int member)
{
	const struct log *newest = NULL;
	for (size_t i = 0; i < r->n_logs; i++) {
		const struct log *log = r->log[i];
		if (log->member == member && log->row.size > 0 &&
			(newest == NULL || log->origin.epoch > newest->origin.epoch))
			newest = log;
	}
	return newest;
}

/* The place of the stretch that this log is; n: it is none of them. */
static size_t stretch_of(const struct operator_reach *reach, size_t n, uint32_t log)
{
	size_t at = 0;
	while (at < n && reach[at].log != log)
		at++;
	return at;
}

bool event_reaches_newest(const struct replica *r, const struct operator_event *delegation)
{
	struct operator_reach reach[LIMIT_EPOCHS_PER_MEMBER];
	const struct operators *o = &r->operators;
	const struct log *newest = newest_of(r, log_by_id(r, delegation->log)->member);
	size_t n = newest != NULL ? reach_of(r, newest, newest->row.size, reach) : 0;
	size_t at = stretch_of(reach, n, delegation->log);
	if (at == n || delegation->index >= reach[at].below)
		return false;
	for (size_t i = 0; i < o->n; i++) {
		const struct operator_event *ev = &o->event[i];
		if (ev->kind != LEAF_REVOKE || memcmp(ev->key, delegation->key, KEY_BYTES) != 0)
			continue;
		size_t later = stretch_of(reach, at, ev->log);
		if (later < at && ev->index < reach[later].below &&
			(later > 0 || ev->valid_below <= reach[0].below) &&
			operators_find(o, reach, n, &ev->body) == ev)
			return false;
	}
	return true;
}

bool event_is_posted(const struct replica *r, const struct hash *body, struct posted *out)
{
	struct operator_reach reach[LIMIT_EPOCHS_PER_MEMBER];
	size_t n = reach_of(r, r->own, r->own->row.size, reach);
	const struct operator_event *ev = operators_find(&r->operators, reach, n, body);
	if (ev != NULL)
		*out = (struct posted){log_by_id(r, ev->log)->row.origin, ev->index, *body};
	return ev != NULL;
}
