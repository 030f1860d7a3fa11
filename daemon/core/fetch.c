/* Whom to ask for what: one source a log at a time, the next after a timeout. Source: PROTOCOL 7.3.
 */
#include "daemon/core/state.h"
#include "proto/base/mutant.h"

static bool is_open(const struct replica *r, int peer)
{
	return peer != NO_PEER && peer < (int)r->roster.n && r->session[peer].state == SESSION_OPEN;
}

static bool has_more(const struct replica *r, size_t i, int peer)
{
	return is_open(r, peer) && r->session[peer].log[i].has > r->log[i]->row.size &&
		(r->log[i]->parted & MEMBER_BIT(peer)) == 0;
}

/* What it was asked is still on its way, or lies there: a line loses nothing while it lasts. */
static bool is_silent(const struct session *s, size_t i)
{
	return s->log[i].asked && s->log[i].asked_at == s->messages;
}

/* The author first; then whoever has it and did not fail since the last progress; then anybody who
 * has it and has said anything since it was asked. */
static int choose_source(const struct replica *r, size_t i)
{
	const struct log *log = r->log[i];
	int fallback = NO_PEER;
	if (log->member != r->self && has_more(r, i, log->member) &&
		!r->session[log->member].log[i].failed)
		return log->member;
	for (int peer = 0; peer < (int)r->roster.n; peer++) {
		if (!has_more(r, i, peer))
			continue;
		if (!r->session[peer].log[i].failed)
			return peer;
		if (fallback == NO_PEER && !is_silent(&r->session[peer], i))
			fallback = peer;
	}
	return fallback;
}

void fetch_wait(struct log *log, struct now now)
{
	int64_t until = now.mono.v + log->patience;
	bool late = until > log->source_limit.v && !MUTANT(SOURCE_FOR_EVER);
	log->source_deadline.v = late ? log->source_limit.v : until;
}

/* Who is asked again may be answering a line's length behind: it is given more time than before. */
static void ask(struct replica *r, size_t i, int peer, struct now now)
{
	struct log *log = r->log[i];
	bool again = r->session[peer].log[i].failed;
	for (size_t p = 0; again && p < r->roster.n; p++)
		r->session[p].log[i].failed = false;
	if (!again)
		log->patience = FETCH_TIMEOUT_MS;
	else if (log->patience < FETCH_HOLD_MS && !MUTANT(ASKED_IN_STEP))
		log->patience *= FETCH_PATIENCE;
	log->source = peer;
	log->source_limit = (struct mono_ms){now.mono.v + FETCH_HOLD_MS};
	fetch_wait(log, now);
	r->session[peer].log[i].want_due = true;
}

void fetch_doubt(struct replica *r, struct log *log, int peer, struct now now)
{
	struct peer_log *pl = &r->session[peer].log[log_position(r, log)];
	if (!MUTANT(DOUBTED_IS_SOURCE))
		log->source = NO_PEER;
	pl->failed = true;
	/* One at a time, or each is dropped for the next before it can answer. */
	if (log->doubted != NO_PEER && now.mono.v < log->doubt_limit.v)
		return;
	log->doubted = peer;
	log->doubt_limit.v = now.mono.v + FETCH_TIMEOUT_MS;
	log->common = (struct frontier){0};
	pl->want_due = true;
}

uint64_t fetch_from(const struct replica *r, const struct log *log, const struct session *s)
{
	bool doubted = log->doubted != NO_PEER && s == &r->session[log->doubted];
	return doubted ? log->common.size : log->row.size;
}

/* What comes while the disk is full is lost, and would be asked for again and again. */
static bool needs_fetch(const struct replica *r, const struct log *log)
{
	bool full = r->full && !MUTANT(FETCH_ON_A_FULL_DISK);
	return !full && log->seen.size > log->row.size && !log_is_frozen(log);
}

/* A head that another peer told us of may already be on its way from its author. */
static bool in_grace(const struct replica *r, size_t i, int source, struct now now)
{
	const struct log *log = r->log[i];
	return source != log->member && is_open(r, log->member) &&
		now.mono.v < log->seen_at.v + FETCH_GRACE_MS;
}

/* From when on the author is asked instead of a relay whose line moves without bringing leaves:
 * once, or the two of them would be asked in turns over slow lines. */
static int64_t author_is_due(const struct replica *r, size_t i)
{
	const struct log *log = r->log[i];
	if (log->gave_way || log->source == log->member || !has_more(r, i, log->member) ||
		r->session[log->member].log[i].failed || MUTANT(AUTHOR_KEPT_WAITING))
		return INT64_MAX;
	return log->source_limit.v - FETCH_HOLD_MS + FETCH_TIMEOUT_MS;
}

static int64_t source_ends(const struct replica *r, size_t i)
{
	int64_t author = author_is_due(r, i), deadline = r->log[i]->source_deadline.v;
	return author < deadline ? author : deadline;
}

void fetch_plan(struct replica *r, struct now now)
{
	for (size_t i = 0; i < r->n_logs; i++) {
		struct log *log = r->log[i];
		if (!needs_fetch(r, log)) {
			log->source = NO_PEER;
			continue;
		}
		if (log->source != NO_PEER && now.mono.v >= source_ends(r, i)) {
			log->gave_way |= now.mono.v >= author_is_due(r, i);
			r->session[log->source].log[i].failed = true;
			log->source = NO_PEER;
		}
		if (log->source != NO_PEER)
			continue;
		int source = choose_source(r, i);
		if (source != NO_PEER && !in_grace(r, i, source, now))
			ask(r, i, source, now);
	}
}

void fetch_progress(struct replica *r, struct log *log, struct now now)
{
	size_t i = log_position(r, log);
	for (size_t p = 0; p < r->roster.n; p++)
		r->session[p].log[i].failed = false;
	log->parted = 0;
	log->gave_way = false;
	log->patience = FETCH_TIMEOUT_MS;
	log->source_limit = (struct mono_ms){now.mono.v + FETCH_HOLD_MS};
	fetch_wait(log, now);
	/* Who has given all that it has is not waited for. */
	bool spent = log->source != NO_PEER && !has_more(r, i, log->source);
	if (!needs_fetch(r, log) || (spent && !MUTANT(SPENT_SOURCE_STAYS)))
		log->source = NO_PEER;
}

void fetch_drop_source(struct replica *r, int peer)
{
	if (peer == NO_PEER)
		return;
	for (size_t i = 0; i < r->n_logs; i++) {
		if (r->log[i]->source == peer)
			r->log[i]->source = NO_PEER;
		if (r->log[i]->doubted == peer)
			r->log[i]->doubted = NO_PEER;
	}
}

static void sooner(struct mono_ms *a, int64_t v)
{
	if (v < a->v)
		a->v = v;
}

struct mono_ms fetch_deadline(const struct replica *r)
{
	struct mono_ms at = MONO_NEVER;
	for (size_t i = 0; i < r->n_logs; i++) {
		const struct log *log = r->log[i];
		sooner(&at, log->relay_at.v);
		if (!needs_fetch(r, log))
			continue;
		if (log->source != NO_PEER)
			sooner(&at, source_ends(r, i));
		else if (choose_source(r, i) != NO_PEER)
			sooner(&at, log->seen_at.v + FETCH_GRACE_MS);
	}
	return at;
}
