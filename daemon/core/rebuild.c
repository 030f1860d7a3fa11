/* A node that lost its log: it appends nothing until its peers have given the log back, and goes on
 * in a new epoch that builds on it. Source: PROTOCOL 3.6. */
#include <string.h>

#include "daemon/core/set_back.h"
#include "proto/base/mutant.h"
#include "proto/base/text.h"

#define QUIET_MS 3000	/* nobody new has said meanwhile what it holds: the others are not there */
#define STALL_MS 600000 /* who names leaves of ours and does not give them delays us so long */
#define ALONE_MS 60000	/* a restored node has most of its log, and writes alone after this */
#define META_KEY "rebuild" /* "", "rebuild", or "restore" and the epoch that the mark named */

static const char *word_of(enum open_reason why)
{
	return why == OPEN_RESTORE ? "restore" : "rebuild";
}

static void start(struct replica *r, enum open_reason why, struct now now)
{
	r->rebuild = (struct rebuild){.on = true, .why = why};
	r->rebuild.since = r->rebuild.greeted = r->rebuild.grew = now.mono;
	r->own = NULL;
	r->mark.in_flight = false;
	r->mark.size = 0;
	buf_reset(&r->mark.note);
}

/* "rebuild", "restore", "restore 3". */
static void start_by(struct replica *r, struct bytes word, struct now now)
{
	size_t n = strlen("restore");
	bool restored = word.n >= n && memcmp(word.p, "restore", n) == 0;
	uint64_t epoch = 0;
	start(r, restored ? OPEN_RESTORE : OPEN_REBUILD, now);
	if (restored && word.n > n &&
		decimal_parse(bytes_of(word.p + n + 1, word.n - n - 1), UINT32_MAX - 1, &epoch))
		r->rebuild.epoch = (uint32_t)epoch;
}

int rebuild_load(struct replica *r, struct now now, struct err *e)
{
	struct buf word = {0};
	int rc = r->ops->meta_get(r->store, META_KEY, &word, e);
	r->rebuild.on = false;
	if (rc == RC_OK && word.n > 0)
		start_by(r, buf_bytes(&word), now);
	buf_release(&word);
	return rc == STORE_NONE ? RC_OK : rc;
}

int rebuild_begin(struct replica *r, enum open_reason why, struct now now, struct err *e)
{
	int rc = r->own_dirty ? own_sign_head(r, e) : RC_OK;
	if (rc == RC_OK)
		rc = r->ops->meta_put(r->store, META_KEY, bytes_str(word_of(why)), e);
	if (rc == RC_OK)
		rc = r->ops->meta_put(r->store, "own", (struct bytes){0}, e);
	if (rc == RC_OK)
		rc = set_back_begin(r, why, e);
	if (rc != RC_OK)
		return rc;
	r->wrote = true;
	start(r, why, now);
	for (size_t p = 0; p < r->roster.n; p++)
		if (r->session[p].state == SESSION_OPEN)
			r->rebuild.heard[p] = true;
	event_hold(r, EVENT_INFO, NO_PEER, NULL, "%s",
		"this member's own logs are fetched from the peers before anything is written");
	return RC_OK;
}

/* The one that the next epoch builds on. */
static struct log *newest_own(const struct replica *r)
{
	struct log *best = NULL;
	for (size_t i = 0; i < r->n_logs; i++) {
		struct log *log = r->log[i];
		if (log->member != r->self || log->row.size == 0)
			continue;
		if (best == NULL || log->origin.epoch > best->origin.epoch ||
			(log->origin.epoch == best->origin.epoch && log->row.size > best->row.size))
			best = log;
	}
	return best;
}

static bool is_short(const struct replica *r, const struct log *log)
{
	return log->member == r->self && !log->row.forked && log->row.seen_size > log->row.size;
}

static bool has_own_logs(const struct replica *r)
{
	for (size_t i = 0; i < r->n_logs; i++)
		if (is_short(r, r->log[i]))
			return false;
	return true;
}

static size_t count_sessions(const struct replica *r, enum session_state state)
{
	size_t n = 0;
	for (size_t p = 0; p < r->roster.n; p++)
		n += r->session[p].state == state;
	return n;
}

bool rebuild_ends(const struct replica *r)
{
	/* Without the log key that the roster names there is nothing to write with. */
	return r->rebuild.on && r->log_key != NULL && log_has_room(r, r->config.member);
}

struct mono_ms rebuild_deadline(const struct replica *r)
{
	const struct rebuild *b = &r->rebuild;
	if (!rebuild_ends(r))
		return MONO_NEVER;
	if (MUTANT(REBUILD_AT_ONCE))
		return b->since;
	bool alone = count_sessions(r, SESSION_OPEN) == 0;
	if (alone)
		return b->why == OPEN_RESTORE ? (struct mono_ms){b->since.v + ALONE_MS}
					      : MONO_NEVER;
	if (!has_own_logs(r))
		return (struct mono_ms){b->grew.v + STALL_MS};
	if (count_sessions(r, SESSION_GREETING) > 0)
		return MONO_NEVER; /* its Hello, or its end, comes within 45 s */
	return (struct mono_ms){b->greeted.v + QUIET_MS};
}

/* Opens the epoch that builds on the newest own log here. */
static int end_rebuild(struct replica *r, struct now now, struct err *e)
{
	enum open_reason why = r->rebuild.why;
	bool whole = has_own_logs(r);
	if (!log_has_room(r, r->config.member))
		return rebuild_check_ready(r, e);
	r->own = newest_own(r);
	int rc = own_open(r, why, now, e);
	if (rc != RC_OK)
		return rc;
	r->rebuild.on = false;
	event_hold(r, EVENT_NEW_EPOCH, NO_PEER, r->own, "%s: it builds on \"%s\"%s",
		why == OPEN_RESTORE ? "restored" : "rebuilt from the peers", r->own->previous,
		whole ? "" : ", whose last leaves nobody has given back");
	return r->ops->meta_put(r->store, META_KEY, (struct bytes){0}, e);
}

int rebuild_tick(struct replica *r, struct now now, struct err *e)
{
	return now.mono.v >= rebuild_deadline(r).v ? end_rebuild(r, now, e) : RC_OK;
}

void rebuild_heard(struct replica *r, int peer, struct now now)
{
	/* Who calls again and again does not put off the end. */
	if (!r->rebuild.on || r->rebuild.heard[peer])
		return;
	r->rebuild.heard[peer] = true;
	r->rebuild.greeted = now.mono;
}

void rebuild_grew(struct replica *r, const struct log *log, struct now now)
{
	if (r->rebuild.on && log->member == r->self)
		r->rebuild.grew = r->rebuild.greeted = now.mono;
}

/* A log of ours that this database never heard of, while our own is nothing but its beginning: the
 * disk was lost, and nobody said so. What stands in it, our operators above all, would not count in
 * ours; nothing is lost if we begin anew. */
int rebuild_look(struct replica *r, const struct log *log, struct now now, struct err *e)
{
	const struct log *own = r->own;
	if (log->member != r->self || own == NULL || own == log || own->row.size != 1 ||
		own->previous[0] != '\0')
		return RC_OK;
	return rebuild_begin(r, OPEN_REBUILD, now, e);
}

int rebuild_check_ready(const struct replica *r, struct err *e)
{
	if (r->own != NULL)
		return RC_OK;
	if (!log_has_room(r, r->config.member))
		return err_set(e, RC_DEGRADED,
			"there may be no further log of this member, and none of those that are "
			"here may be written to: a version of the roster that retires old ones "
			"makes room");
	struct rebuild_progress p;
	rebuild_progress(r, &p);
	return err_set(e, RC_DEGRADED,
		"this node gets its own log back from its peers (%llu of %llu entries) and writes "
		"nothing before; try again later",
		(unsigned long long)p.own_here, (unsigned long long)p.own_known);
}

void rebuild_progress(const struct replica *r, struct rebuild_progress *out)
{
	*out = (struct rebuild_progress){
		.on = r->rebuild.on, .restored = r->rebuild.why == OPEN_RESTORE};
	for (size_t p = 0; p < r->roster.n; p++)
		out->heard += r->session[p].state == SESSION_OPEN;
	for (size_t i = 0; i < r->n_logs; i++) {
		const struct store_log *row = &r->log[i]->row;
		uint64_t known = row->seen_size > row->size ? row->seen_size : row->size;
		out->all_here += row->size;
		out->all_known += known;
		if (r->log[i]->member != r->self)
			continue;
		out->own_here += row->size;
		out->own_known += known;
	}
}

bool replica_is_rebuilding(const struct replica *r)
{
	return r->has_roster && r->rebuild.on;
}

static int refuse(const struct replica *r, bool alone, struct err *e)
{
	if (alone)
		return err_set(
			e, RC_REFUSED, "this node is not waiting for its log: nothing to end");
	return err_set(e, RC_REFUSED,
		"this node writes its log \"%s\", which has %llu entries: it is not empty, so "
		"there "
		"is nothing to rebuild",
		r->own->row.origin, (unsigned long long)r->own->row.size);
}

int replica_rebuild(struct replica *r, const struct bytes *note, size_t n, bool alone,
	struct now now, struct err *e)
{
	r->rebuild.wanted = true;
	int rc = replica_install_rosters(r, note, n, now, e);
	r->rebuild.wanted = false;
	if (rc != RC_OK)
		return rc;
	bool begun = r->own != NULL && r->own->row.size == 1 && r->own->previous[0] == '\0';
	if (!r->rebuild.on && (r->own == NULL || (begun && !alone)))
		rc = rebuild_begin(r, OPEN_REBUILD, now, e);
	else if (r->own != NULL)
		rc = refuse(r, alone, e);
	if (rc == RC_OK && alone && r->log_key == NULL)
		rc = post_check_ready(r, e);
	if (rc == RC_OK && alone)
		rc = end_rebuild(r, now, e);
	return rc;
}
