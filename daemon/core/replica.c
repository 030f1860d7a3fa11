#include "daemon/core/replica.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/core/rosters.h"
#include "daemon/core/set_back.h"
#include "daemon/core/verdicts.h"
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

static void forget_mark(struct replica *r)
{
	r->mark.in_flight = false;
	r->mark.size = 0;
	buf_reset(&r->mark.note);
}

static void forget(struct replica *r)
{
	logs_release(r);
	operators_release(&r->operators);
	digest_release(&r->digest);
	memset(r->under, 0, UNDER_CACHE * sizeof(*r->under));
	recheck_forget(r);
	r->n_places = r->n_doubts = 0;
	r->next_log_id = MUTANT(LOGS_FROM_ZERO) ? 0 : 1;
	r->own_dirty = false;
	r->wrote = false;
	r->hlc = 0;
	r->digest_at = r->anchor_at = MONO_NEVER;
	r->rebuild = (struct rebuild){0};
	memset(&r->rosters, 0, sizeof(r->rosters));
	r->log_key = r->cosign_key = NULL;
	queue_clear(&r->held);
}

/* Of two configured keys the one that the roster names; NULL: the node has not got it. */
static const struct key *find_key(
	const uint8_t pub[KEY_BYTES], const struct key *today, const struct key *next)
{
	if (today != NULL && memcmp(pub, today->public, KEY_BYTES) == 0)
		return today;
	return next != NULL && memcmp(pub, next->public, KEY_BYTES) == 0 ? next : NULL;
}

static const struct key *find_log_key(const struct replica *r, const struct member *m)
{
	return find_key(m->log, r->config.log_key, r->config.log_key_next);
}

static int take_roster(struct replica *r, const struct roster *roster, struct err *e)
{
	int self = roster_find(roster, bytes_str(r->config.member));
	if (self < 0)
		return err_set(e, RC_ROSTER, "member %s of the configuration is not in the roster",
			r->config.member);
	/* Else it may be one that another version names. */
	bool only = roster->version == 1 && r->rosters.top <= 1;
	r->log_key = find_log_key(r, &roster->member[self]);
	if (r->config.log_key != NULL && r->log_key == NULL && only)
		return err_set(e, RC_SETUP,
			"the log key of the configuration is not the roster's for %s; if a later "
			"version of the roster names it, give that one too",
			r->config.member);
	r->cosign_key = find_key(
		roster->member[self].cosign, r->config.cosign_key, r->config.cosign_key_next);
	if (r->config.cosign_key != NULL && r->cosign_key == NULL && only)
		return err_set(e, RC_SETUP,
			"the cosign key of the configuration is not the roster's for %s",
			r->config.member);
	/* Sessions are named by places in the roster. */
	if (!hash_equal(&roster->id, &r->roster.id))
		memset(r->session, 0, sizeof(r->session));
	r->roster = *roster;
	r->self = self;
	r->has_roster = true;
	return RC_OK;
}

static int load_roster(struct replica *r, struct err *e)
{
	struct roster *roster = xalloc(sizeof(*roster));
	int rc = rosters_load(r, roster, e);
	if (rc == RC_OK)
		rc = take_roster(r, roster, e);
	free(roster);
	return rc;
}

static int load_logs(struct replica *r, struct now now, struct err *e)
{
	int rc = logs_load(r, e);
	return rc == RC_OK ? retire_logs(r, now, e) : rc;
}

/* What rests on the logs and on what stands in them. */
static int load_rest(struct replica *r, struct now now, struct err *e)
{
	int rc = witness_load(r, e);
	if (rc == RC_OK)
		rc = evidence_load(r, e);
	if (rc == RC_OK)
		rc = digest_load(r, e);
	if (rc == RC_OK)
		rc = release_load(r, e);
	return rc == RC_OK ? rebuild_load(r, now, e) : rc;
}

static void look_for_clones(struct replica *r)
{
	for (size_t i = 0; i < r->n_logs; i++)
		clone_look(r, r->log[i]);
}

static int load(struct replica *r, struct now now, struct err *e)
{
	int rc = load_roster(r, e);
	if (rc == STORE_NONE)
		return RC_OK;
	if (rc == RC_OK)
		rc = load_logs(r, now, e);
	if (rc == RC_OK)
		rc = events_load(r, e);
	if (rc == RC_OK)
		rc = load_rest(r, now, e);
	if (rc == RC_OK && !MUTANT(UNKNOWN_FOR_EVER))
		rc = admit_unknown_again(r, e);
	if (rc == RC_OK)
		rc = own_resume(r, now, e);
	if (rc == RC_OK)
		look_for_clones(r);
	return rc;
}

/* The version in force is another one from here on: everything is read again, and judged by it. */
static int load_other_roster(struct replica *r, struct now now, struct err *e)
{
	int rc = load_roster(r, e);
	if (rc == RC_OK)
		rc = load_logs(r, now, e);
	if (rc == RC_OK)
		rc = MUTANT(ROSTER_AT_ARRIVAL) ? events_load(r, e) : retire_judge_again(r, e);
	if (rc == RC_OK)
		rc = load_rest(r, now, e);
	if (rc == RC_OK)
		rc = own_go_on(r, now, e);
	if (rc == RC_OK) {
		look_for_clones(r);
		event_hold(r, EVENT_ROSTER, NO_PEER, NULL, "version %u of the roster is in force",
			r->roster.version);
	}
	return rc == STORE_NONE ? err_set(e, RC_CORRUPT, "the roster is gone") : rc;
}

/* What is not in the store stays: events that wait for the commit, the clock's largest stamp, and
 * what the mark file says. */
static int change_roster(struct replica *r, struct now now, struct err *e)
{
	struct event_queue held = r->held;
	uint64_t hlc = r->hlc;
	sessions_reset(r);
	r->held = (struct event_queue){0};
	forget(r);
	r->held = held;
	r->hlc = hlc;
	r->wrote = true;
	return load_other_roster(r, now, e);
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
	r->set_back.young_until = MONO_NEVER;
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
	recheck_release(r);
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
	if (rc == RC_OK && r->rosters.due)
		rc = change_roster(r, now, e);
	if (rc == RC_OK && r->own_dirty)
		rc = own_sign_head(r, e);
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
	if (wrote)
		session_digest_later(r, now); /* also of a node that writes no log */
	release_events(r);
	return RC_OK;
}

int replica_rollback(struct replica *r, struct now now, struct err *e)
{
	r->ops->rollback(r->store);
	r->in_group = false;
	r->rest_until.v = now.mono.v + REST_MS;
	if (r->has_roster)
		sessions_reset(r);
	if (MUTANT(HEAD_COUNTS_UNCOMMITTED))
		return RC_OK;
	forget(r);
	forget_mark(r);
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

void replica_set_full(struct replica *r, bool full)
{
	r->full = full;
}

static int removes_us(uint32_t version, struct err *e)
{
	return err_set(e, RC_REFUSED,
		"version %u of the roster removes this member: the node keeps what it has and "
		"accepts nothing new",
		version);
}

/* all: of what stands in a file that nobody vouches for, some may lead nowhere. */
static int install_first(struct replica *r, const struct bytes *note, size_t n, bool all,
	struct now now, struct err *e)
{
	struct roster *roster = xalloc(sizeof(*roster));
	struct given given = {0};
	uint32_t removed;
	int rc = given_take(&given, note, n, &r->config.cluster_id, all, e);
	if (rc == RC_OK)
		rc = rosters_decide(r, &given, roster, &removed, e);
	if (rc == RC_OK && all && removed != 0)
		rc = removes_us(removed, e);
	if (rc == RC_OK)
		rc = take_roster(r, roster, e);
	if (rc == RC_OK)
		rc = rosters_put(r, &given, e);
	given_release(&given);
	free(roster);
	return rc == RC_OK ? load(r, now, e) : rc;
}

int replica_fill_rosters(
	struct replica *r, const struct bytes *note, size_t n, struct now now, struct err *e)
{
	ENSURE(r->config.log_key == NULL && !r->has_roster);
	int rc = install_first(r, note, n, false, now, e);
	return rc == RC_OK ? set_back_begin(r, OPEN_RESTORE, e) : rc;
}

/* The one who asks can be told what is missing; a peer cannot. */
static int check_fits(const struct replica *r, struct bytes note, struct err *e)
{
	struct note n;
	struct roster *next = xalloc(sizeof(*next));
	int rc = note_parse(note, &n, e);
	if (rc == RC_OK)
		rc = roster_parse(n.text, next, e);
	if (rc == RC_OK && next->version > 1 && next->version > r->roster.version) {
		int self = roster_find(next, bytes_str(r->config.member));
		if (self >= 0 && find_log_key(r, &next->member[self]) == NULL)
			rc = err_set(e, RC_SETUP,
				"this version names a new log key of %s, which the node does not "
				"have: put it beside the old one as log.key.next, start the node "
				"again, then install",
				r->config.member);
	}
	free(next);
	return rc;
}

int replica_install_rosters(
	struct replica *r, const struct bytes *note, size_t n, struct now now, struct err *e)
{
	int rc = RC_OK;
	if (r->has_roster || r->rebuild.wanted)
		rc = check_fits(r, note[n - 1], e);
	if (rc == RC_OK && !r->has_roster)
		return install_first(r, note, n, true, now, e);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = rosters_offer(r, note[i], e);
	return rc == RC_OK && r->rosters.removes_us != 0 ? removes_us(r->rosters.removes_us, e)
							 : rc;
}

int replica_install_roster(struct replica *r, struct bytes note, struct now now, struct err *e)
{
	return replica_install_rosters(r, &note, 1, now, e);
}

bool replica_roster_is_due(const struct replica *r)
{
	return r->rosters.due;
}
