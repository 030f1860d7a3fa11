/* Reads for the control socket: the committed state, nothing else. Source: PROTOCOL 9. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/set_back.h"
#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"

static const char *origin_of(const struct replica *r, uint32_t id)
{
	const struct log *log = log_by_id(r, id);
	return log != NULL ? log->row.origin : "";
}

/* ---- registers ---- */

struct querying {
	struct replica *r;
	replica_entry_fn *fn;
	void *arg;
	bool conflicts;
	int64_t reg;
	struct ctl_entry
		*held; /* the entries of one register, while it may turn out to be no conflict */
	size_t n, cap;
	struct buf leaves;
	struct hash *ids;
	int stopped;
};

static int hand_on(struct querying *q)
{
	size_t leaf = 0;
	for (size_t i = 0; q->n > 1 && q->stopped == 0 && i < q->n; i++) {
		q->held[i].leaf.p = q->leaves.p + leaf;
		q->held[i].change_id = hash_bytes(&q->ids[i]);
		leaf += q->held[i].leaf.n;
		q->stopped = q->fn(q->arg, &q->held[i]);
	}
	q->n = 0;
	buf_reset(&q->leaves);
	return q->stopped;
}

static void hold(struct querying *q, const struct ctl_entry *entry)
{
	if (q->n == q->cap) {
		q->cap = q->cap == 0 ? 8 : 2 * q->cap;
		q->held = xrealloc(q->held, q->cap * sizeof(*q->held));
		q->ids = xrealloc(q->ids, q->cap * sizeof(*q->ids));
	}
	memcpy(q->ids[q->n].b, entry->change_id.p, HASH_BYTES);
	q->held[q->n++] = *entry;
	buf_put_bytes(&q->leaves, entry->leaf);
}

/* Of a log that the roster ends nobody cosigns any more, and the roster vouches for it. */
static uint64_t final_size(const struct log *log)
{
	uint64_t size = log->witness.final_size;
	if (!log->retired)
		return size;
	bool whole = log->row.size >= log->below && !log->astray;
	return whole || size > log->below ? log->below : size;
}

static int visit(void *arg, const struct store_register *reg, const struct store_change *c,
	struct bytes leaf)
{
	struct querying *q = arg;
	bool current = c->verdict == VERDICT_EFFECTIVE && c->superseded == 0;
	const struct log *log = log_by_id(q->r, c->log);
	if (log == NULL)
		return RC_CORRUPT;
	if (current && !MUTANT(SHOWN_UNCHECKED) && !audit_may_show(q->r, c->log, c->index, leaf))
		return 0;
	struct ctl_entry entry = {.origin = bytes_str(log->row.origin),
		.final = c->index < final_size(log),
		.change_id = hash_bytes(&c->id),
		.leaf = leaf,
		.index = c->index,
		.verdict = (uint32_t)c->verdict,
		.void_code = (uint32_t)c->void_code,
		.current = current,
		.unaudited = !current && !audit_covers(log, c->index)};
	if (!q->conflicts) {
		q->stopped = q->fn(q->arg, &entry);
		return q->stopped;
	}
	if (reg->reg != q->reg && hand_on(q) != 0)
		return q->stopped;
	q->reg = reg->reg;
	hold(q, &entry);
	return 0;
}

int replica_query(struct replica *r, const struct ctl_query *q, replica_entry_fn *fn, void *arg,
	struct err *e)
{
	struct querying w = {.r = r, .fn = fn, .arg = arg, .conflicts = q->conflicts, .reg = -1};
	struct store_filter f = {.task = q->any_task ? NULL : &q->task,
		.holder = q->any_holder ? NULL : &q->holder,
		.slot = q->slot,
		.current_only = !q->history || q->conflicts};
	int rc = r->ops->change_each(r->store, &f, visit, &w, e);
	if (rc == RC_OK && w.conflicts)
		rc = hand_on(&w);
	buf_release(&w.leaves);
	free(w.held);
	free(w.ids);
	return w.stopped != 0 ? RC_OK : rc;
}

struct finding_visit {
	struct replica *r;
	replica_entry_fn *fn;
	void *arg;
	struct buf leaf;
	int stopped;
};

static int visit_finding(
	void *arg, uint32_t log, uint64_t index, enum verdict v, enum void_code code)
{
	struct finding_visit *f = arg;
	struct leaf leaf;
	struct hash id;
	struct ctl_entry entry = {.origin = bytes_str(origin_of(f->r, log)),
		.index = index,
		.verdict = (uint32_t)v,
		.void_code = (uint32_t)code};
	buf_reset(&f->leaf);
	int rc = f->r->ops->leaf_get(f->r->store, log, index, &f->leaf, NULL);
	if (rc != RC_OK)
		return rc < 0 ? rc : RC_CORRUPT;
	entry.leaf = buf_bytes(&f->leaf);
	arena_reset(&f->r->side);
	if (leaf_decode(entry.leaf, &f->r->side, &leaf, NULL) == RC_OK &&
		leaf.kind == LEAF_CHANGE) {
		change_id_of(BODY_CHANGE, &f->r->roster.cluster_id, leaf.signed_body.body, &id);
		entry.change_id = hash_bytes(&id);
	}
	f->stopped = f->fn(f->arg, &entry);
	return f->stopped;
}

int replica_findings(struct replica *r, replica_entry_fn *fn, void *arg, struct err *e)
{
	struct finding_visit f = {.r = r, .fn = fn, .arg = arg};
	int rc = r->ops->finding_each(r->store, visit_finding, &f, e);
	buf_release(&f.leaf);
	return f.stopped != 0 ? RC_OK : rc;
}

/* ---- operators ---- */

/* 0: it is in force. What a later epoch ended, or the member's removal, holds for all that its own
 * log has. */
static uint64_t revoked_from(
	const struct replica *r, const struct log *log, const struct operator_event *d)
{
	const struct operators *o = &r->operators;
	uint64_t below = d->not_after == 0 ? 0 : d->not_after + 1;
	for (size_t i = 0; i < o->n; i++) {
		const struct operator_event *ev = &o->event[i];
		if (ev->kind == LEAF_REVOKE && ev->log == d->log && ev->index > d->index &&
			memcmp(ev->key, d->key, KEY_BYTES) == 0 &&
			(below == 0 || ev->valid_below < below))
			below = ev->valid_below == 0 ? 1 : ev->valid_below;
	}
	bool gone = r->roster.member[log->member].former;
	if (below == 0 && (gone || !event_reaches_newest(r, d)))
		below = log->row.size;
	return below;
}

int replica_operators(struct replica *r, const struct ctl_operator **out, size_t *n, struct err *e)
{
	(void)e;
	const struct operators *o = &r->operators;
	size_t scopes = 0;
	for (size_t i = 0; i < o->n; i++)
		scopes += o->event[i].n_scope;
	size_t at = (o->n + 1) * sizeof(struct ctl_operator);
	r->answer_operators =
		xrealloc(r->answer_operators, at + (scopes + 1) * sizeof(struct bytes));
	struct bytes *scope = (struct bytes *)(void *)(r->answer_operators + o->n + 1);
	*n = 0;
	for (size_t i = 0; i < o->n; i++) {
		const struct operator_event *ev = &o->event[i];
		const struct log *log = log_by_id(r, ev->log);
		if (ev->kind != LEAF_DELEGATE || log == NULL)
			continue;
		r->answer_operators[(*n)++] =
			(struct ctl_operator){.member = bytes_str(log->origin.member),
				.key = bytes_of(ev->key, KEY_BYTES),
				.name = bytes_str(ev->name),
				.origin = bytes_str(log->row.origin),
				.scope = scope,
				.n_scope = ev->n_scope,
				.from = ev->index,
				.below = revoked_from(r, log, ev)};
		for (size_t k = 0; k < ev->n_scope; k++)
			*scope++ = bytes_str(ev->scope[k]);
	}
	*out = r->answer_operators;
	return RC_OK;
}

/* ---- status ---- */

static void fill_cosigned(const struct replica *r, const struct log *log, struct ctl_cosigned *room,
	struct ctl_log *out)
{
	out->cosigned = room;
	for (int m = 0; m < (int)r->roster.n; m++) {
		uint64_t size = witness_newest(log, m);
		if (size > 0)
			room[out->n_cosigned++] =
				(struct ctl_cosigned){bytes_str(member_slug(r, m)), size};
	}
}

static void fill_log(const struct log *log, struct hash *root, struct ctl_log *out)
{
	frontier_root(&log->row.frontier, root);
	*out = (struct ctl_log){.origin = bytes_str(log->row.origin),
		.member = bytes_str(log->origin.member),
		.root = hash_bytes(root),
		.epoch = log->origin.epoch,
		.size = log->row.size,
		.seen_size =
			log->row.seen_size > log->row.size ? log->row.seen_size : log->row.size,
		.findings = log->row.voids,
		.seen_ms = log->row.seen_ms,
		.forked = log_is_frozen(log),
		.audited = log->row.audited,
		.final_size = final_size(log),
		.retired = log->retired,
		.retired_at = log->below};
}

static uint32_t agreement(const struct replica *r, const struct session *s)
{
	if (!s->has_digest || !rosters_equal(r, s) ||
		(s->digest_rules != RULES_VERSION && s->digest_rules != RULES_PROVISIONAL))
		return AGREE_UNKNOWN;
	if (!session_logs_equal(r, s))
		return AGREE_DIFFERENT_LOGS;
	if (s->digest_rules == RULES_PROVISIONAL || replica_is_provisional(r))
		return AGREE_UNKNOWN;
	if (hash_equal(&s->digest_root, &r->digest.root))
		return AGREE_YES;
	return fork_is_known(r) ? AGREE_DIFFERENT_LOGS : AGREE_NO;
}

static void fill_peer(const struct replica *r, int peer, struct ctl_peer *out)
{
	const struct session *s = &r->session[peer];
	*out = (struct ctl_peer){.member = bytes_str(member_slug(r, peer)),
		.software = bytes_str(s->software),
		.last_error = bytes_str(s->last_error),
		.connected = s->state == SESSION_OPEN,
		.refused = s->refused,
		.sync_ms = s->sync_ms,
		.view_root = s->has_digest && s->digest_rules != RULES_PROVISIONAL
			? hash_bytes(&s->digest_root)
			: (struct bytes){0},
		.agree = agreement(r, s)};
	for (size_t i = 0; i < r->n_logs; i++) {
		uint64_t ours = retire_counted(r->log[i]);
		uint64_t theirs =
			s->digest_size[i] > s->log[i].has ? s->digest_size[i] : s->log[i].has;
		if (theirs > ours)
			out->ahead += theirs - ours;
		else
			out->behind += ours - theirs;
	}
}

static void fill_clones(struct replica *r, struct ctl_status *out)
{
	struct clone_pair pair[CTL_CLONES_MAX];
	size_t n = clone_list(r, pair, CTL_CLONES_MAX);
	r->answer_clones = xrealloc(r->answer_clones, (n + 1) * sizeof(*r->answer_clones));
	for (size_t i = 0; i < n; i++)
		r->answer_clones[i] =
			(struct ctl_clone){.member = bytes_str(pair[i].first->origin.member),
				.first = bytes_str(pair[i].first->row.origin),
				.second = bytes_str(pair[i].second->row.origin),
				.kind = pair[i].kind};
	out->clones = r->answer_clones;
	out->n_clones = n;
}

static void fill_rebuild(struct replica *r, struct ctl_status *out)
{
	struct rebuild_progress p;
	rebuild_progress(r, &p);
	out->full = r->own == NULL && !log_has_room(r, r->config.member);
	if (!p.on || out->full)
		return;
	out->state = bytes_str("rebuilding");
	r->answer_rebuild = (struct ctl_rebuild){.restored = p.restored,
		.heard = (uint32_t)p.heard,
		.own_here = p.own_here,
		.own_known = p.own_known,
		.all_here = p.all_here,
		.all_known = p.all_known};
	out->rebuild = &r->answer_rebuild;
	out->n_rebuild = 1;
}

static struct bytes roster_trouble(const struct replica *r)
{
	bool no_key = r->config.log_key != NULL && r->log_key == NULL;
	return bytes_str(r->rosters.text[0] == '\0' && no_key ? POST_NO_LOG_KEY : r->rosters.text);
}

int replica_status(struct replica *r, struct now now, struct ctl_status *out, struct err *e)
{
	size_t n_logs = r->n_logs, n_peers = r->roster.n;
	*out = (struct ctl_status){.member = bytes_str(r->config.member),
		.now_ms = now.wall.v,
		.rules_version = RULES_VERSION,
		.state = bytes_str(r->has_roster ? "running" : "waiting-roster")};
	if (!r->has_roster)
		return RC_OK;
	int rc = digest_refresh(r, e);
	if (rc == RC_OK)
		rc = r->ops->counts(r->store, &out->conflicts, &out->pending, &out->unknown, e);
	if (rc != RC_OK)
		return rc;
	out->view_root = hash_bytes(&r->digest.root);
	out->provisional = replica_is_provisional(r);
	out->evidence = evidence_count(r);
	out->roster_version = r->roster.version;
	out->roster_not_after = r->roster.not_after;
	out->roster_conflict = roster_trouble(r);
	buf_reset(&r->answer);
	struct hash *roots =
		(struct hash *)(void *)buf_reserve(&r->answer, n_logs * sizeof(struct hash) + 1);
	r->answer_logs = xrealloc(r->answer_logs, (n_logs + 1) * sizeof(*r->answer_logs));
	r->answer_peers = xrealloc(r->answer_peers, (n_peers + 1) * sizeof(*r->answer_peers));
	r->answer_cosigned =
		xrealloc(r->answer_cosigned, (n_logs * n_peers + 1) * sizeof(*r->answer_cosigned));
	for (size_t i = 0; i < n_logs; i++) {
		fill_log(r->log[i], &roots[i], &r->answer_logs[i]);
		fill_cosigned(r, r->log[i], r->answer_cosigned + i * n_peers, &r->answer_logs[i]);
		out->entries += r->log[i]->row.size;
	}
	out->logs = r->answer_logs;
	out->n_logs = n_logs;
	out->peers = r->answer_peers;
	fill_clones(r, out);
	fill_rebuild(r, out);
	set_back_progress(r, &out->vouched, &out->vouchers);
	for (size_t p = 0; p < n_peers; p++)
		if ((int)p != r->self)
			fill_peer(r, (int)p, &out->peers[out->n_peers++]);
	return RC_OK;
}

int replica_view_root(struct replica *r, struct hash *out, struct err *e)
{
	int rc = digest_refresh(r, e);
	*out = r->digest.root;
	return rc;
}

int replica_roster_note(struct replica *r, struct buf *out, struct err *e)
{
	return r->has_roster ? r->ops->roster_get(r->store, r->roster.version, out, e) : STORE_NONE;
}
