#include "daemon/core/replica.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/core/state.h"
#include "proto/base/mutant.h"
#include "proto/base/text.h"
#include "proto/wire/codec.h"

const char *member_slug(const struct replica *r, int member)
{
	return r->roster.member[member].slug;
}

/* ---- events ---- */

static struct event *queue_push(struct event_queue *q)
{
	if (q->n == q->cap) {
		q->cap = q->cap == 0 ? 8 : 2 * q->cap;
		q->item = xrealloc(q->item, q->cap * sizeof(*q->item));
	}
	struct event *ev = &q->item[q->n++];
	*ev = (struct event){0};
	return ev;
}

static void queue_clear(struct event_queue *q)
{
	q->n = q->next = 0;
}

void event_hold(struct replica *r, enum event_kind kind, int peer, const struct log *log,
	const char *fmt, ...)
{
	if (kind == EVENT_COMMITTED)
		for (size_t i = 0; i < r->held.n; i++)
			if (r->held.item[i].kind == EVENT_COMMITTED)
				return;
	struct event *ev = queue_push(&r->held);
	ev->kind = kind;
	ev->peer = peer;
	if (log != NULL) {
		memcpy(ev->origin, log->row.origin, sizeof(ev->origin));
		ev->size = log->row.size;
		frontier_root(&log->row.frontier, &ev->root);
	}
	va_list ap;
	va_start(ap, fmt);
	text_vprint(ev->text, sizeof(ev->text), fmt, ap);
	va_end(ap);
}

static void release_events(struct replica *r)
{
	for (size_t i = 0; i < r->held.n; i++)
		*queue_push(&r->events) = r->held.item[i];
	queue_clear(&r->held);
}

bool replica_next_event(struct replica *r, struct event *out)
{
	if (!r->in_group)
		release_events(r);
	if (r->events.next == r->events.n) {
		queue_clear(&r->events);
		return false;
	}
	*out = r->events.item[r->events.next++];
	return true;
}

/* ---- loading ---- */

static void forget(struct replica *r)
{
	logs_release(r);
	operators_release(&r->operators);
	digest_release(&r->digest);
	memset(r->under, 0, UNDER_CACHE * sizeof(*r->under));
	r->n_recheck = r->n_refold = r->n_places = r->n_doubts = 0;
	r->next_log_id = MUTANT(LOGS_FROM_ZERO) ? 0 : 1;
	r->own_dirty = false;
	r->wrote = false;
	r->hlc = 0;
	r->digest_at = r->anchor_at = MONO_NEVER;
	r->mark.in_flight = false;
	r->mark.size = 0;
	r->rebuild = (struct rebuild){0};
	buf_reset(&r->mark.note);
	queue_clear(&r->held);
}

static int take_roster(struct replica *r, const struct roster *roster, struct err *e)
{
	int self = roster_find(roster, bytes_str(r->config.member));
	if (self < 0)
		return err_set(e, RC_ROSTER, "member %s of the configuration is not in the roster",
			r->config.member);
	if (r->config.log_key != NULL &&
		memcmp(roster->member[self].log, r->config.log_key->public, KEY_BYTES) != 0)
		return err_set(e, RC_SETUP,
			"the log key of the configuration is not the roster's for %s",
			r->config.member);
	if (r->config.cosign_key != NULL &&
		memcmp(roster->member[self].cosign, r->config.cosign_key->public, KEY_BYTES) != 0)
		return err_set(e, RC_SETUP,
			"the cosign key of the configuration is not the roster's for %s",
			r->config.member);
	r->roster = *roster;
	r->self = self;
	r->has_roster = true;
	return RC_OK;
}

static int load_roster(struct replica *r, struct err *e)
{
	struct buf note = {0};
	struct roster *roster = xalloc(sizeof(*roster));
	int rc = r->ops->roster_get(r->store, 1, &note, e);
	if (rc == RC_OK &&
		roster_verify_first(buf_bytes(&note), &r->config.cluster_id, roster, e) != RC_OK)
		rc = err_prefix(e, "the stored roster");
	if (rc == RC_OK)
		rc = take_roster(r, roster, e);
	buf_release(&note);
	free(roster);
	return rc;
}

static int load(struct replica *r, struct now now, struct err *e)
{
	int rc = load_roster(r, e);
	if (rc == STORE_NONE)
		return RC_OK;
	if (rc == RC_OK)
		rc = logs_load(r, e);
	if (rc == RC_OK)
		rc = events_load(r, e);
	if (rc == RC_OK)
		rc = witness_load(r, e);
	if (rc == RC_OK)
		rc = evidence_load(r, e);
	if (rc == RC_OK)
		rc = digest_load(r, e);
	if (rc == RC_OK && !MUTANT(UNKNOWN_FOR_EVER))
		rc = admit_unknown_again(r, e);
	if (rc == RC_OK)
		rc = rebuild_load(r, now, e);
	if (rc == RC_OK)
		rc = own_resume(r, now, e);
	for (size_t i = 0; rc == RC_OK && i < r->n_logs; i++)
		clone_look(r, r->log[i]);
	return rc;
}

static void arena_make(struct arena *a, size_t n)
{
	arena_init(a, xalloc(n), n);
}

int replica_open(
	const struct replica_config *c, struct now now, struct replica **out, struct err *e)
{
	struct replica *r = xalloc(sizeof(*r));
	r->config = *c;
	r->store = c->store;
	r->ops = c->store->ops;
	r->self = -1;
	r->under = xalloc(UNDER_CACHE * sizeof(*r->under));
	arena_make(&r->scratch, CODEC_LEAF_ARENA);
	arena_make(&r->side, CODEC_LEAF_ARENA);
	forget(r);
	int rc = replica_begin(r, e);
	if (rc == RC_OK) {
		rc = load(r, now, e);
		if (rc == RC_OK)
			rc = replica_commit(r, now, e);
	}
	if (rc == RC_OK)
		*out = r;
	else
		replica_close(r);
	return rc;
}

void replica_close(struct replica *r)
{
	if (r->in_group)
		r->ops->rollback(r->store);
	forget(r);
	free(r->under);
	free(r->recheck);
	free(r->refold);
	free(r->scratch.base);
	free(r->side.base);
	free(r->held.item);
	free(r->events.item);
	buf_release(&r->mark.note);
	buf_release(&r->mark.flight_note);
	buf_release(&r->out);
	buf_release(&r->out_notes);
	buf_release(&r->answer);
	free(r->answer_logs);
	free(r->answer_peers);
	free(r->answer_cosigned);
	free(r->answer_operators);
	free(r->answer_clones);
	free(r);
}

const struct roster *replica_roster(const struct replica *r)
{
	return r->has_roster ? &r->roster : NULL;
}

int replica_self(const struct replica *r)
{
	return r->self;
}

/* ---- groups ---- */

int replica_begin(struct replica *r, struct err *e)
{
	if (r->in_group)
		return RC_OK;
	int rc = r->ops->begin(r->store, e);
	r->in_group = rc == RC_OK;
	return rc;
}

int replica_commit(struct replica *r, struct now now, struct err *e)
{
	ENSURE(r->in_group);
	int rc = r->own_dirty ? own_sign_head(r, e) : RC_OK;
	if (rc == RC_OK)
		rc = witness_commit(r, now, e);
	bool wrote = r->wrote;
	if (rc == RC_OK)
		rc = r->ops->commit(r->store, e);
	if (rc != RC_OK)
		return rc;
	r->in_group = false;
	r->wrote = false;
	own_request_mark(r);
	anchor_begin(r, now);
	if (wrote)
		event_hold(r, EVENT_COMMITTED, NO_PEER, NULL, "%s", "");
	if (wrote && r->own != NULL)
		session_log_grew(r, r->own, now);
	release_events(r);
	return RC_OK;
}

int replica_rollback(struct replica *r, struct now now, struct err *e)
{
	r->ops->rollback(r->store);
	r->in_group = false;
	if (r->has_roster)
		sessions_reset(r);
	if (MUTANT(HEAD_COUNTS_UNCOMMITTED))
		return RC_OK;
	forget(r);
	r->has_roster = false;
	int rc = replica_begin(r, e);
	if (rc == RC_OK)
		rc = load(r, now, e);
	if (rc == RC_OK)
		return replica_commit(r, now, e);
	r->ops->rollback(r->store);
	r->in_group = false;
	return rc;
}

int replica_install_roster(struct replica *r, struct bytes note, struct now now, struct err *e)
{
	struct roster *roster = xalloc(sizeof(*roster));
	int rc = roster_verify_first(note, &r->config.cluster_id, roster, e);
	if (rc == RC_OK && r->has_roster) {
		rc = hash_equal(&roster->id, &r->roster.id)
			? RC_OK
			: err_set(e, RC_REFUSED, "another roster of version %u is installed",
				  r->roster.version);
	} else if (rc == RC_OK) {
		rc = take_roster(r, roster, e);
		if (rc == RC_OK)
			rc = r->ops->roster_put(r->store, roster->version, note, e);
		r->wrote = true;
		if (rc == RC_OK)
			rc = own_resume(r, now, e);
	}
	free(roster);
	return rc;
}
