/* One session a peer: what is allowed when, and what each message does. Source: PROTOCOL 7.3.
 *
 *	        LINK_UP             Hello              a refusal, Bye, silence
 *	DOWN ------------> GREETING --------> OPEN ----------------------------> LEAVING
 *	  ^                   |                 |                                   |
 *	  +-------------------+----- LINK_DOWN -+-----------------------------------+
 *
 * GREETING waits for the peer's Hello (the shell's handshake deadline covers the link before); OPEN
 *is dead after 45 s without a message; LEAVING sends its Bye and waits for the shell to close the
 *link. */
#include <string.h>

#include "daemon/core/set_back.h"
#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"

static bool move_is_allowed(enum session_state from, enum session_state to)
{
	switch (from) {
	case SESSION_DOWN: return to == SESSION_GREETING;
	case SESSION_GREETING:
		return to == SESSION_OPEN || to == SESSION_LEAVING || to == SESSION_DOWN;
	case SESSION_OPEN: return to == SESSION_LEAVING || to == SESSION_DOWN;
	case SESSION_LEAVING: return to == SESSION_DOWN;
	}
	return false;
}

static void session_move(struct session *s, enum session_state to)
{
	ENSURE(move_is_allowed(s->state, to));
	s->state = to;
}

static void copy_clean(char *out, size_t size, struct bytes s)
{
	size_t n = s.n < size ? s.n : size - 1;
	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

static void link_down(struct replica *r, int peer)
{
	struct session *s = &r->session[peer];
	if (s->state == SESSION_DOWN)
		return;
	session_move(s, SESSION_DOWN);
	s->hello_due = s->ping_due = s->pong_due = s->digest_due = false;
	s->diverged = false;
	fetch_drop_source(r, peer);
}

static void link_up(struct replica *r, int peer, struct now now)
{
	struct session *s = &r->session[peer];
	link_down(r, peer);
	session_move(s, SESSION_GREETING);
	s->hello_due = true;
	s->bye_sent = false;
	s->heard = s->pinged = now.mono;
	/* Calling again gives nobody another look back. */
	for (size_t i = 0; i < LIMIT_LOGS; i++)
		s->log[i] = (struct peer_log){.looked_back = s->log[i].looked_back};
	set_back_link_up(r, peer);
	for (size_t i = 0; i < r->n_logs; i++) {
		s->log[i].evidence_due = true;
		witness_link_up(r->log[i], peer);
	}
}

void replica_link(struct replica *r, int peer, enum link_event ev, struct now now)
{
	ENSURE(peer >= 0 && peer < (int)r->roster.n && peer != r->self);
	switch (ev) {
	case LINK_UP: link_up(r, peer, now); break;
	case LINK_DOWN: link_down(r, peer); break;
	}
	fetch_plan(r, now);
}

void sessions_reset(struct replica *r)
{
	for (size_t i = 0; i < r->roster.n; i++)
		link_down(r, (int)i);
}

void session_leave(struct session *s, int rc, const char *text)
{
	if (s->state != SESSION_GREETING && s->state != SESSION_OPEN)
		return;
	session_move(s, SESSION_LEAVING);
	s->bye_rc = rc;
	copy_clean(s->bye_text, sizeof(s->bye_text), bytes_str(text));
}

void session_digest_later(struct replica *r, struct now now)
{
	if (r->digest_at.v == MONO_NEVER.v)
		r->digest_at = (struct mono_ms){now.mono.v + DIGEST_DELAY_MS};
}

void session_log_grew(struct replica *r, const struct log *log, struct now now)
{
	struct log *l = r->log[log_position(r, log)];
	if (l != r->own && l->relay_at.v == MONO_NEVER.v)
		l->relay_at = (struct mono_ms){now.mono.v + RELAY_DELAY_MS};
	if (l != r->own)
		own_observe(r, l, now);
	rebuild_grew(r, l, now);
	clone_look(r, l);
	session_digest_later(r, now);
}

/* ---- messages ---- */

/* A log that only the peer's roster explains, or one too many of a third member's, says nothing
 * about the peer that carries it. */
static bool is_third_party_fault(int rc)
{
	return rc == RC_PEER_LIMIT || rc == RC_PEER_ORIGIN;
}

static int recv_hello(
	struct replica *r, int peer, const struct message *m, struct now now, struct err *e)
{
	struct session *s = &r->session[peer];
	if (!bytes_equal(m->hello.cluster_id, hash_bytes(&r->roster.cluster_id)))
		return err_set(e, RC_PEER_CLUSTER, "the peer is of another cluster");
	if (m->hello.protocol_min > m->hello.protocol_max || m->hello.protocol_min > PROTOCOL_MAX ||
		m->hello.protocol_max < PROTOCOL_MIN)
		return err_set(e, RC_PEER_VERSION,
			"the peer speaks protocol %u to %u, this node %u to %u",
			m->hello.protocol_min, m->hello.protocol_max, PROTOCOL_MIN, PROTOCOL_MAX);
	if (!bytes_equal(m->hello.member, bytes_str(member_slug(r, peer))))
		return err_set(
			e, RC_PEER_KEY, "the peer calls itself another member than its key says");
	copy_clean(s->software, sizeof(s->software), m->hello.software);
	rosters_greet(r, s, m);
	size_t passed_over = 0;
	for (size_t i = 0; i < m->hello.n_heads; i++) {
		struct checkpoint cp;
		int rc = log_accept_head(r, peer, m->hello.heads[i], now, NULL, &cp, e);
		if (rc != RC_OK && !is_third_party_fault(rc))
			return rc;
		passed_over += rc != RC_OK;
	}
	if (passed_over > 0)
		event_hold(r, EVENT_INFO, peer, NULL, "%zu logs passed over: %s", passed_over,
			e->text);
	session_move(s, SESSION_OPEN);
	rebuild_heard(r, peer, now);
	s->digest_due = true;
	return RC_OK;
}

static int recv_head(
	struct replica *r, int peer, const struct message *m, struct now now, struct err *e)
{
	struct checkpoint cp;
	struct log *log;
	int rc = log_accept_head(r, peer, m->note, now, &log, &cp, e);
	if (rc == RC_OK)
		rc = witness_take_lines(r, peer, log, m->note, now, e);
	return rc == RC_PEER_LIMIT ? RC_OK : rc; /* as in a Hello */
}

/* Then what it sends may be signed by keys that only its roster names. */
static bool has_other_roster(const struct replica *r, int peer)
{
	return peer != NO_PEER && !rosters_equal(r, &r->session[peer]);
}

static int recv_cosignature(
	struct replica *r, int peer, const struct message *m, struct now now, struct err *e)
{
	int rc = witness_recv(r, peer, m->note, now, e);
	return rc == RC_PEER_LIMIT || (rc == RC_PEER_HEAD && has_other_roster(r, peer)) ? RC_OK
											: rc;
}

/* Each walks the chain of versions from its beginning. */
static int recv_roster(
	struct replica *r, int peer, const struct message *m, struct now now, struct err *e)
{
	struct session *s = &r->session[peer];
	bool wrote = r->wrote;
	if (now.mono.v >= s->vain_until.v) {
		s->vain_until.v = now.mono.v + ROSTERS_VAIN_MS;
		s->rosters_in_vain = 0;
	}
	if (s->rosters_in_vain >= ROSTERS_IN_VAIN(r->rosters.top) && !MUTANT(ROSTERS_UNBOUNDED))
		return RC_OK;
	r->wrote = false;
	int rc = rosters_recv(r, peer, m->note, e);
	s->rosters_in_vain += !r->wrote;
	r->wrote |= wrote;
	return rc;
}

static int recv_evidence(
	struct replica *r, int peer, const struct message *m, struct now now, struct err *e)
{
	int rc = evidence_recv(r, peer, m, now, e);
	bool other = (rc == RC_PEER_EVIDENCE || rc == RC_PEER_ORIGIN) && has_other_roster(r, peer);
	return rc == RC_PEER_LIMIT || other ? RC_OK : rc;
}

static int recv_want(struct replica *r, int peer, const struct message *m, struct err *e)
{
	struct log *log = log_find(r, m->want.origin);
	if (m->want.from >= m->want.to)
		return err_set(e, RC_PEER_MESSAGE, "the peer wants an empty range");
	if (log == NULL)
		return RC_OK; /* it believes that we have what we lost; its timeout finds another
				 source */
	struct peer_log *pl = &r->session[peer].log[log_position(r, log)];
	pl->has = m->want.from;
	pl->want_from = m->want.from;
	pl->want_to = m->want.to;
	return RC_OK;
}

static int recv_leaves(struct replica *r, int peer, const struct message *m, const struct batch *b,
	struct now now, struct err *e)
{
	struct checkpoint cp;
	struct log *log;
	size_t appended;
	int rc = log_accept_head(r, peer, m->leaves.head, now, &log, &cp, e);
	if (rc != RC_OK || log == NULL)
		return rc;
	if (!bytes_equal(cp.origin, m->leaves.origin) || b->n != m->leaves.n || b->n == 0 ||
		cp.size < b->n || cp.size - b->n != m->leaves.first)
		return err_set(e, RC_PEER_MESSAGE, "leaves that do not end at their head");
	rc = log_append_batch(
		r, peer, log, &cp, m->leaves.head, m->leaves.first, b, now, &appended, e);
	if (rc == RC_OK && appended > 0)
		fetch_progress(r, log, now);
	if (rc == RC_OK)
		rc = witness_take_lines(r, peer, log, m->leaves.head, now, e);
	return rc;
}

/* A digest may come before the log it names. Its sender says nothing more while nothing changes
 * there, so what it said must count once the log is known. */
static void keep_foreign(struct session *s, const struct log_size *named)
{
	if (named->size == 0 || s->n_digest_foreign == LIMIT_LOGS)
		return;
	struct foreign_log *f = &s->digest_foreign[s->n_digest_foreign++];
	copy_clean(f->origin, sizeof(f->origin), named->origin);
	f->size = named->size;
}

static bool foreign_logs_equal(const struct replica *r, const struct session *s, bool *named)
{
	for (size_t i = 0; i < s->n_digest_foreign; i++) {
		const struct log *log = log_find(r, bytes_str(s->digest_foreign[i].origin));
		if (log == NULL || retire_counted(log) != s->digest_foreign[i].size)
			return false;
		named[log_position(r, log)] = true;
	}
	return true;
}

bool session_logs_equal(const struct replica *r, const struct session *s)
{
	bool foreign[LIMIT_LOGS] = {false};
	if (!s->has_digest || !foreign_logs_equal(r, s, foreign))
		return false;
	for (size_t i = 0; i < r->n_logs; i++)
		if (!foreign[i] && s->digest_size[i] != retire_counted(r->log[i]))
			return false;
	return true;
}

/* PROTOCOL 6.3: only equal rules and rosters over equal logs can be compared. */
static int compare_digest(struct replica *r, int peer, struct err *e)
{
	struct session *s = &r->session[peer];
	bool provisional = replica_is_provisional(r) && !MUTANT(PROVISIONAL_COMPARED);
	bool same_roster = rosters_equal(r, s) || MUTANT(ROSTERS_COMPARED);
	if (provisional || !same_roster || s->digest_rules != RULES_VERSION ||
		!session_logs_equal(r, s))
		return RC_OK;
	int rc = digest_refresh(r, e);
	if (rc != RC_OK)
		return rc;
	bool differs = !hash_equal(&s->digest_root, &r->digest.root) &&
		(!fork_is_known(r) || MUTANT(FORKED_VIEWS_COMPARED));
	if (differs && !s->diverged)
		event_hold(r, EVENT_DIVERGED, peer, NULL, "equal logs, other view root");
	s->diverged = differs;
	return RC_OK;
}

static int recv_digest(
	struct replica *r, int peer, const struct message *m, struct now now, struct err *e)
{
	struct session *s = &r->session[peer];
	s->has_digest = true;
	s->digest_rules = m->digest.rules_version;
	memcpy(s->digest_root.b, m->digest.view_root.p, HASH_BYTES);
	memset(s->digest_size, 0, sizeof(s->digest_size));
	s->n_digest_foreign = 0;
	s->sync_ms = now.wall.v;
	for (size_t i = 0; i < m->digest.n; i++) {
		struct log *log = log_find(r, m->digest.sizes[i].origin);
		if (log == NULL) {
			keep_foreign(s, &m->digest.sizes[i]);
			continue;
		}
		size_t at = log_position(r, log);
		s->digest_size[at] = m->digest.sizes[i].size;
		if (m->digest.sizes[i].size > s->log[at].has &&
			m->digest.sizes[i].size <= retire_counted(log))
			s->log[at].has = m->digest.sizes[i].size;
	}
	event_hold(r, EVENT_COMMITTED, peer, NULL, "%s", "");
	set_back_heard(r, peer, now); /* its cosignatures went before its digest */
	return compare_digest(r, peer, e);
}

static int recv_open(struct replica *r, int peer, const struct message *m, const struct batch *b,
	struct now now, struct err *e)
{
	struct session *s = &r->session[peer];
	switch (m->kind) {
	case MESSAGE_HELLO: return err_set(e, RC_PEER_STATE, "a second Hello");
	case MESSAGE_HEAD: return recv_head(r, peer, m, now, e);
	case MESSAGE_WANT: return recv_want(r, peer, m, e);
	case MESSAGE_LEAVES: return recv_leaves(r, peer, m, b, now, e);
	case MESSAGE_VIEW_DIGEST: return recv_digest(r, peer, m, now, e);
	case MESSAGE_PING:
		s->pong_due = true;
		s->pong_token = m->token;
		return RC_OK;
	case MESSAGE_BYE: session_leave(s, RC_OK, "goodbye"); return RC_OK;
	case MESSAGE_ROSTER: return recv_roster(r, peer, m, now, e);
	case MESSAGE_COSIGNATURE: return recv_cosignature(r, peer, m, now, e);
	case MESSAGE_EVIDENCE: return recv_evidence(r, peer, m, now, e);
	case MESSAGE_PONG:
	case MESSAGE_UNKNOWN: return RC_OK;
	}
	return RC_OK;
}

static bool is_peer_fault(int rc)
{
	return rc <= RC_PEER_FRAME && rc >= RC_PEER_EVIDENCE;
}

void replica_refuse(struct replica *r, int peer, const struct err *e)
{
	struct session *s = &r->session[peer];
	s->refused++;
	copy_clean(s->last_error, sizeof(s->last_error), bytes_str(e->text));
	event_hold(r, EVENT_REFUSED, peer, NULL, "%s %s", rc_id(e->rc), e->text);
	session_leave(s, e->rc, e->text);
}

int replica_recv(struct replica *r, int peer, const struct message *m, const struct batch *batch,
	struct now now, struct err *e)
{
	struct err local = {0};
	struct session *s = &r->session[peer];
	int rc = RC_OK;
	s->heard = now.mono;
	s->messages++;
	switch (s->state) {
	case SESSION_DOWN:
	case SESSION_LEAVING: return RC_OK;
	case SESSION_GREETING:
		if (m->kind == MESSAGE_HELLO)
			rc = recv_hello(r, peer, m, now, &local);
		else if (m->kind == MESSAGE_BYE)
			session_leave(s, RC_OK, "goodbye");
		else
			rc = err_set(&local, RC_PEER_STATE, "a %s before Hello",
				message_kind_name(m->kind));
		break;
	case SESSION_OPEN: rc = recv_open(r, peer, m, batch, now, &local); break;
	}
	if (is_peer_fault(rc))
		replica_refuse(r, peer, &local);
	if (rc == RC_OK)
		fetch_plan(r, now);
	if (rc != RC_OK && e != NULL)
		*e = local;
	return rc;
}

/* ---- time ---- */

void replica_heard(struct replica *r, int peer, struct now now)
{
	struct session *s = &r->session[peer];
	if (s->state != SESSION_OPEN && s->state != SESSION_GREETING)
		return;
	s->heard = now.mono;
	for (size_t i = 0; i < r->n_logs; i++)
		if (r->log[i]->source == peer)
			fetch_wait(r->log[i], now);
}

static void tick_session(struct session *s, struct now now)
{
	if (s->state != SESSION_OPEN && s->state != SESSION_GREETING)
		return;
	if (now.mono.v - s->heard.v >= LIMIT_DEAD_MS) {
		session_leave(s, RC_UNREACHABLE, "nothing heard for 45 seconds");
	} else if (s->state == SESSION_OPEN && now.mono.v - s->heard.v >= LIMIT_PING_MS &&
		now.mono.v - s->pinged.v >= LIMIT_PING_MS) {
		s->ping_due = true;
		s->ping_token++;
		s->pinged = now.mono;
	}
}

static void announce(struct replica *r, size_t i)
{
	struct log *log = r->log[i];
	log->relay_at = MONO_NEVER;
	for (size_t p = 0; p < r->roster.n; p++)
		if ((int)p != log->member && (int)p != r->self)
			r->session[p].log[i].head_due = true;
}

int replica_tick(struct replica *r, struct now now, struct err *e)
{
	int rc = RC_OK;
	for (size_t p = 0; p < r->roster.n; p++)
		tick_session(&r->session[p], now);
	for (size_t i = 0; i < r->n_logs; i++)
		if (now.mono.v >= r->log[i]->relay_at.v)
			announce(r, i);
	witness_tick(r, now);
	rc = audit_tick(r, e);
	if (rc == RC_OK && now.mono.v >= r->rest_until.v)
		rc = release_some(r, e);
	if (rc == RC_OK)
		rc = anchor_tick(r, now, e);
	if (rc == RC_OK && now.mono.v >= r->digest_at.v) {
		r->digest_at = MONO_NEVER;
		for (size_t p = 0; rc == RC_OK && p < r->roster.n; p++) {
			r->session[p].digest_due = true;
			rc = compare_digest(r, (int)p, e);
		}
	}
	if (rc == RC_OK)
		rc = rebuild_tick(r, now, e);
	fetch_plan(r, now);
	return rc;
}

struct mono_ms replica_deadline(const struct replica *r)
{
	struct mono_ms at = fetch_deadline(r);
	struct mono_ms witness = witness_deadline(r);
	if (r->digest_at.v < at.v)
		at = r->digest_at;
	if (witness.v < at.v)
		at = witness;
	if (r->n_doubts > 0)
		at.v = 0;
	if (r->releasing && r->rest_until.v < at.v)
		at = r->rest_until;
	if (rebuild_deadline(r).v < at.v)
		at = rebuild_deadline(r);
	if (r->anchor_at.v < at.v)
		at = r->anchor_at;
	for (size_t p = 0; p < r->roster.n; p++) {
		const struct session *s = &r->session[p];
		if (s->state != SESSION_OPEN && s->state != SESSION_GREETING)
			continue;
		int64_t due = s->heard.v + LIMIT_DEAD_MS;
		int64_t quiet_since = s->pinged.v > s->heard.v ? s->pinged.v : s->heard.v;
		if (s->state == SESSION_OPEN && quiet_since + LIMIT_PING_MS < due)
			due = quiet_since + LIMIT_PING_MS;
		if (due < at.v)
			at.v = due;
	}
	return at;
}
