/* Logs that the members have ended by their roster: what of them counts, and the verdicts that
 * another roster changes. Source: PROTOCOL 5.3, 6.1. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"
#include "proto/base/text.h"

bool retire_covers(const struct log *log, uint64_t index)
{
	return log->retired && index >= log->below && !MUTANT(RETIRED_COUNTS);
}

uint64_t retire_counted(const struct log *log)
{
	return log->retired && log->row.size > log->below ? log->below : log->row.size;
}

void retire_end(const struct replica *r, const struct log *log, uint64_t *size, struct hash *root)
{
	const struct retirement *t = roster_retired(&r->roster, bytes_str(log->row.origin));
	*size = log->below;
	if (t != NULL)
		*root = t->root;
	else
		merkle_empty_root(root);
}

/* The roster vouches for this head, and nobody's key signs it: the line says so. */
static void seal_print(const struct replica *r, const struct retirement *t, struct buf *out)
{
	static const uint8_t nothing[4 + SIGNATURE_BYTES];
	buf_reset(out);
	checkpoint_print(t->origin, t->valid_below, &t->root, out);
	buf_printf(out, "\n\u2014 %s/roster ", r->roster.cluster);
	base64_encode(out, nothing, sizeof(nothing));
	buf_put_str(out, "\n");
}

/* All that counts is here: is it what the members mean? */
static int check_end(struct replica *r, struct log *log, const struct retirement *t, struct err *e)
{
	struct frontier f = {0};
	struct hash root;
	int rc = RC_OK;
	if (log->row.size == log->below)
		f = log->row.frontier;
	else
		rc = r->ops->leaf_each(r->store, log->row.id, 0, log->below, log_add_leaf, &f, e);
	frontier_root(&f, &root);
	log->astray = rc == RC_OK && !hash_equal(&root, &t->root);
	log->row.seen_size = log->below;
	log->row.seen_ms = 0;
	if (log->below > 0)
		seal_print(r, t, &log->seal);
	return rc;
}

/* What is missing is known to be there, as if the owner had said it. */
static void expect_end(
	struct replica *r, struct log *log, const struct retirement *t, struct now now)
{
	seal_print(r, t, &log->seal);
	log->seen.size = log->below;
	log->seen.root = t->root;
	buf_reset(&log->seen.note);
	buf_put_bytes(&log->seen.note, buf_bytes(&log->seal));
	log->seen_at = now.mono;
	log->row.seen_size = log->below;
	if (log->row.seen_ms == 0)
		log->row.seen_ms = now.wall.v;
}

bool retire_is_seal(const struct replica *r, struct bytes head)
{
	struct note n;
	struct buf name = {0};
	if (note_parse(head, &n, NULL) != RC_OK)
		return false;
	buf_printf(&name, "%s/roster", r->roster.cluster);
	bool seal = n.n == 1 && bytes_equal(n.sig[0].name, buf_bytes(&name));
	buf_release(&name);
	return seal;
}

/* A head that only a key signed which the roster no longer names, in a log that no line speaks of:
 * no node can be told of it any more, so it counts on none. */
static bool is_nobodys(const struct replica *r, const struct log *log)
{
	struct checkpoint cp;
	const uint8_t *key = log_key(r, log);
	if (log->row.size == 0)
		return key == NULL;
	return key == NULL || checkpoint_verify(buf_bytes(&log->head), key, &cp, NULL) != RC_OK;
}

static int retire_log(struct replica *r, struct log *log, struct now now, struct err *e)
{
	const struct retirement *t = roster_retired(&r->roster, bytes_str(log->row.origin));
	uint64_t seen_size = log->row.seen_size;
	int64_t seen_ms = log->row.seen_ms;
	int rc = RC_OK;
	bool changed = r->roster.version > 1 || r->rosters.top > 1;
	/* Where the version that ended the log is not in force any more, its head may be one that
	 * nobody has signed: what is here counts, and is passed on again under the next head. */
	log->sealed = t == NULL && changed && log->row.size > 0 &&
		retire_is_seal(r, buf_bytes(&log->head)) && !r->roster.member[log->member].former;
	log->retired = t != NULL || (changed && !log->sealed && is_nobodys(r, log));
	log->below = t != NULL ? t->valid_below : 0;
	if (!log->retired)
		return RC_OK;
	if (t == NULL) {
		log->row.seen_size = 0;
		log->row.seen_ms = 0;
	} else if (log->row.size >= log->below) {
		rc = check_end(r, log, t, e);
	} else {
		expect_end(r, log, t, now);
	}
	if (rc == RC_OK && (seen_size != log->row.seen_size || seen_ms != log->row.seen_ms))
		rc = r->ops->log_put(r->store, &log->row, e);
	if (log->astray)
		event_hold(r, EVENT_FORK, NO_PEER, log,
			"our leaves below %llu are not those that the roster names",
			(unsigned long long)log->below);
	return rc;
}

/* A log that nobody has told us of is missing all the same. */
static int know_all(struct replica *r, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < r->roster.n_retired; i++) {
		const struct retirement *t = &r->roster.retired[i];
		struct origin o;
		struct log *log;
		if (t->valid_below == 0 || log_find(r, bytes_str(t->origin)) != NULL ||
			origin_parse(bytes_str(t->origin), &o, NULL) != RC_OK)
			continue;
		rc = log_create(r, &o, roster_find_any(&r->roster, bytes_str(o.member)), &log, e);
		if (rc == RC_PEER_LIMIT)
			rc = RC_OK;
	}
	return rc;
}

int retire_logs(struct replica *r, struct now now, struct err *e)
{
	int rc = know_all(r, e);
	for (size_t i = 0; rc == RC_OK && i < r->n_logs; i++)
		rc = retire_log(r, r->log[i], now, e);
	return rc;
}

int retire_check_head(const struct replica *r, const struct log *log, const struct checkpoint *cp,
	struct bytes note, bool *pass, struct err *e)
{
	const struct retirement *t = roster_retired(&r->roster, bytes_str(log->row.origin));
	struct checkpoint again;
	*pass = t == NULL || cp->size > t->valid_below ||
		(cp->size == t->valid_below && !hash_equal(&cp->root, &t->root));
	if (*pass || cp->size == t->valid_below)
		return RC_OK;
	if (checkpoint_verify(note, t->log, &again, e) != RC_OK)
		return err_set(e, RC_PEER_HEAD, "the head of \"%s\" is not signed by its owner",
			log->row.origin);
	return RC_OK;
}

/* ---- verdicts ---- */

struct other_leaf {
	struct log *log;
	uint64_t index;
	bool index_ok;
};

struct other_leaves {
	struct other_leaf *leaf;
	size_t n, cap;
};

static void list_leaf(struct other_leaves *l, struct log *log, uint64_t index, bool index_ok)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : 2 * l->cap;
		l->leaf = xrealloc(l->leaf, l->cap * sizeof(*l->leaf));
	}
	l->leaf[l->n++] = (struct other_leaf){log, index, index_ok};
}

struct scan {
	struct replica *r;
	struct log *log;
	struct other_leaves *events;
	uint64_t hlc;
};

/* Changes that are filed are listed to be judged again, everything else is looked at after the
 * scan.
 */
static int scan_leaf(void *arg, uint64_t index, struct bytes raw)
{
	struct scan *s = arg;
	struct examined x;
	arena_reset(&s->r->scratch);
	examine_form(raw, &s->r->scratch, &x);
	bool hlc_ok = index == 0 || x.leaf.hlc >= s->hlc;
	if (x.leaf.version == LEAF_VERSION && hlc_ok)
		s->hlc = x.leaf.hlc;
	if (x.leaf.kind == LEAF_CHANGE && index > 0)
		return recheck_leaf(s->r, &x);
	list_leaf(s->events, s->log, index, x.leaf.index == index && hlc_ok);
	return 0;
}

static int set_finding(struct replica *r, struct log *log, uint64_t index, enum verdict v,
	enum void_code code, struct err *e)
{
	enum verdict old = VERDICT_EFFECTIVE;
	enum void_code old_code = VOID_NONE;
	int rc = r->ops->finding_get(r->store, log->row.id, index, &old, &old_code, e);
	if (rc < 0 || (old == v && old_code == code))
		return rc < 0 ? rc : RC_OK;
	log->row.voids -= old == VERDICT_VOID;
	rc = r->ops->finding_delete(r->store, log->row.id, index, e);
	return rc == RC_OK ? admit_finding(r, log, index, v, code, e) : rc;
}

static int judge_event(
	struct replica *r, const struct other_leaf *at, struct buf *raw, struct err *e)
{
	struct examined x;
	enum void_code code;
	int rc = r->ops->leaf_get(r->store, at->log->row.id, at->index, raw, e);
	if (rc != RC_OK)
		return rc == STORE_NONE ? err_set(e, RC_CORRUPT, "a leaf is missing") : rc;
	arena_reset(&r->scratch);
	examine_leaf(&r->roster.cluster_id, buf_bytes(raw), &r->scratch, &x);
	enum verdict v = admit_judge_event(r, at->log, at->index, at->index_ok, &x, &code);
	rc = set_finding(r, at->log, at->index, v, code, e);
	return rc == RC_OK && v == VERDICT_EFFECTIVE ? event_take(r, at->log, at->index, &x, e)
						     : rc;
}

/* Log by log, because what an event means depends on those before it in its log alone. */
static int judge_events(struct replica *r, struct err *e)
{
	struct other_leaves events = {0};
	struct buf raw = {0};
	int rc = events_clear(r, e);
	for (size_t i = 0; rc == RC_OK && i < r->n_logs; i++) {
		struct scan s = {.r = r, .log = r->log[i], .events = &events};
		rc = r->ops->leaf_each(
			r->store, s.log->row.id, 0, s.log->row.size, scan_leaf, &s, e);
		for (size_t k = 0; rc == RC_OK && k < events.n; k++)
			rc = judge_event(r, &events.leaf[k], &raw, e);
		events.n = 0;
	}
	free(events.leaf);
	buf_release(&raw);
	return rc;
}

struct repeats {
	struct replica *r;
	struct other_leaves list;
};

static int list_repeat(void *arg, uint32_t log, uint64_t index, enum verdict v, enum void_code code)
{
	struct repeats *p = arg;
	if (v == VERDICT_VOID && (code == VOID_REPEAT || code == VOID_RETIRED))
		list_leaf(&p->list, log_by_id(p->r, log), index, true);
	return 0;
}

/* A change that stands in several leaves counts in the first of those that count. */
static int move_repeats(struct replica *r, struct err *e)
{
	struct repeats p = {.r = r};
	struct buf raw = {0};
	int rc = r->ops->finding_each(r->store, list_repeat, &p, e);
	for (size_t i = 0; rc == RC_OK && i < p.list.n; i++) {
		const struct other_leaf *at = &p.list.leaf[i];
		struct examined x;
		rc = at->log == NULL
			? STORE_NONE
			: r->ops->leaf_get(r->store, at->log->row.id, at->index, &raw, e);
		if (rc == STORE_NONE)
			rc = err_set(e, RC_CORRUPT, "a finding names a leaf that is not here");
		if (rc != RC_OK)
			break;
		arena_reset(&r->scratch);
		examine_leaf(&r->roster.cluster_id, buf_bytes(&raw), &r->scratch, &x);
		if (x.leaf.kind == LEAF_CHANGE && at->index > 0 && x.body_ok && x.signature_ok)
			rc = admit_repeat_again(r, at->log, at->index, &x, e);
	}
	free(p.list.leaf);
	buf_release(&raw);
	return rc;
}

int retire_judge_again(struct replica *r, struct err *e)
{
	int rc = judge_events(r, e);
	if (rc == RC_OK)
		rc = move_repeats(r, e);
	if (rc == RC_OK)
		rc = recheck_all(r, e);
	for (size_t i = 0; rc == RC_OK && i < r->n_logs; i++)
		rc = r->ops->log_put(r->store, &r->log[i]->row, e);
	r->wrote = true;
	return rc;
}
