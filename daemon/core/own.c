/* The log this node writes: opening an epoch, appending, signing heads, and the mark. Source:
 * PROTOCOL 3.3, 3.4. */
#include <string.h>

#include "daemon/core/set_back.h"
#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"
#include "proto/wire/codec.h"

#define HLC_MAX_AHEAD_MS (24LL * 3600 * 1000)
#define HLC_MS_MAX ((1LL << 48) - 1)

static uint32_t next_epoch(const struct replica *r)
{
	uint32_t last = 0;
	for (size_t i = 0; i < r->n_logs; i++)
		if (r->log[i]->member == r->self && r->log[i]->origin.epoch > last)
			last = r->log[i]->origin.epoch;
	if (r->rebuild.epoch > last)
		last = r->rebuild.epoch;
	struct origin marked;
	if (r->config.mark.present &&
		origin_parse(bytes_str(r->config.mark.origin), &marked, NULL) == RC_OK &&
		marked.epoch > last)
		last = marked.epoch;
	return last + 1;
}

/* A rotated log is known by its roster, and what stands beyond its end is carried on later; any
 * other is got back first, as if it had been lost. */
static int stop_writing(struct replica *r, enum open_reason why, struct now now, struct err *e)
{
	if (why != OPEN_ROTATE)
		return rebuild_begin(r, why == OPEN_RESTORE ? why : OPEN_REBUILD, now, e);
	int rc = r->own_dirty ? own_sign_head(r, e) : RC_OK;
	r->own = NULL;
	return rc;
}

/* What the next epoch builds on. Of a log that the roster ended before its first leaf nothing
 * counts, not even what it built on itself: then the newest of ours before it that does. */
static struct log *log_before(const struct replica *r)
{
	struct log *before = r->own;
	if (before == NULL || retire_counted(before) > 0)
		return before;
	for (size_t i = 0; i < r->n_logs; i++) {
		struct log *log = r->log[i];
		if (log->member == r->self && retire_counted(log) > 0 && !log_is_frozen(log) &&
			(retire_counted(before) == 0 || log->origin.epoch > before->origin.epoch))
			before = log;
	}
	return before;
}

int own_open(struct replica *r, enum open_reason why, struct now now, struct err *e)
{
	struct log *before = log_before(r);
	struct origin o;
	if (!log_has_room(r, r->config.member))
		return stop_writing(r, why, now, e);
	uint32_t salt = (uint32_t)chance_u64(r->config.chance);
	origin_make(&o, r->roster.cluster, r->config.member, next_epoch(r), salt);
	struct log *log;
	int rc = log_create(r, &o, r->self, &log, e);
	if (rc != RC_OK)
		return rc;
	/* Also after a restart: what it opens is above what it wrote, by whatever clock. */
	for (size_t i = 0; i < r->n_logs; i++)
		if (r->log[i]->member == r->self)
			own_observe(r, r->log[i], now);
	struct leaf leaf = {.kind = LEAF_OPEN,
		.open = {.suite = SUITE_ED25519_SHA256, .reason = (uint32_t)why}};
	struct hash root;
	if (before != NULL) {
		leaf.open.previous_size = before->row.size;
		frontier_root(&before->row.frontier, &root);
		if (before->retired)
			retire_end(r, before, &leaf.open.previous_size, &root);
		leaf.open.previous_origin = bytes_str(before->row.origin);
		leaf.open.previous_root = hash_bytes(&root);
		/* The old epoch's last leaves are signed for the last time: nobody appends to it
		 * any more. */
		if (r->own_dirty && (rc = own_sign_head(r, e)) != RC_OK)
			return rc;
	}
	r->own = log;
	r->mark.size = 0;
	r->mark.in_flight = false;
	buf_reset(&r->mark.note);
	rc = r->ops->meta_put(r->store, "own", bytes_str(log->row.origin), e);
	if (rc == RC_OK)
		rc = set_back_begin(r, why, e);
	struct draft d = {0};
	arena_reset(&r->scratch);
	if (rc == RC_OK)
		rc = own_draft(r, &leaf, 0, now, &r->scratch, &d, e);
	if (rc == RC_OK)
		rc = own_append(r, &d, e);
	buf_release(&d.raw);
	return rc;
}

/* What a leaf of ours that no longer counts says is written again, if it would count here. */
static int write_again(struct replica *r, struct bytes raw, struct now now, struct err *e)
{
	struct draft d = {0};
	struct leaf leaf;
	enum verdict v = VERDICT_VOID;
	enum void_code code;
	struct posted known;
	arena_reset(&r->side);
	if (leaf_decode(raw, &r->side, &leaf, NULL) != RC_OK || leaf.kind < LEAF_CHANGE ||
		leaf.kind > LEAF_REVOKE)
		return RC_OK;
	arena_reset(&r->scratch);
	int rc = own_draft(r, &leaf, 0, now, &r->scratch, &d, e);
	if (rc == RC_OK && leaf.kind == LEAF_CHANGE)
		rc = admit_judge(r, r->own, r->own->row.size, true, &d.x, NULL, 0, &v, &code, e);
	else if (rc == RC_OK && !event_is_posted(r, &d.x.body_id, &known))
		v = event_judge(r, r->own, r->own->row.size, &d.x) == VOID_NONE ? VERDICT_EFFECTIVE
										: VERDICT_VOID;
	if (rc == RC_OK && (v == VERDICT_EFFECTIVE || v == VERDICT_PENDING))
		rc = own_append(r, &d, e);
	buf_release(&d.raw);
	return rc;
}

/* PROTOCOL 5.3: what was acknowledged above the end of a log that was only rotated, or that the
 * members did not know, does not get lost. Where they cut it for another reason they meant it. */
static bool may_carry(const struct replica *r, const struct log *log)
{
	const struct retirement *t = roster_retired(&r->roster, bytes_str(log->row.origin));
	return t == NULL || strcmp(t->reason, "rotated") == 0;
}

static int own_rotate(struct replica *r, struct now now, struct err *e)
{
	const struct log *before = r->own;
	struct buf raw = {0};
	event_hold(r, EVENT_NEW_EPOCH, NO_PEER, before, "the roster ends our log at %llu",
		(unsigned long long)before->below);
	int rc = own_open(r, OPEN_ROTATE, now, e);
	for (uint64_t i = before->below;
		rc == RC_OK && r->own != NULL && i < before->row.size && may_carry(r, before);
		i++) {
		rc = r->ops->leaf_get(r->store, before->row.id, i, &raw, e);
		if (rc == RC_OK)
			rc = write_again(r, buf_bytes(&raw), now, e);
	}
	buf_release(&raw);
	return rc == STORE_NONE ? err_set(e, RC_CORRUPT, "a leaf of our own log is missing") : rc;
}

static bool mark_agrees(const struct replica *r, struct hash *root)
{
	const struct mark *m = &r->config.mark;
	const struct log *own = r->own;
	if (!m->present || strcmp(m->origin, own->row.origin) != 0 || m->size > own->row.size)
		return false;
	frontier_root(&own->row.frontier, root);
	return m->size < own->row.size || hash_equal(&m->root, root);
}

static int resume(struct replica *r, struct now now, struct err *e)
{
	struct hash root;
	if (!mark_agrees(r, &root) && !MUTANT(RESTORE_KEEPS_EPOCH)) {
		bool missing = !r->config.mark.present;
		event_hold(r, EVENT_NEW_EPOCH, NO_PEER, r->own, "%s",
			missing ? "the mark file is missing: this database may be a restored one"
				: "the database is behind the mark file");
		return own_open(r, missing ? OPEN_RESTORE : OPEN_ROLLBACK, now, e);
	}
	if (r->config.mark.size == r->own->row.size) {
		r->mark.size = r->own->row.size;
		buf_put_bytes(&r->mark.note, buf_bytes(&r->own->head));
	}
	return RC_OK;
}

/* STORE_NONE: this database never had an own log. */
static int find_own(struct replica *r, struct err *e)
{
	struct buf name = {0};
	int rc = r->ops->meta_get(r->store, "own", &name, e);
	if (rc == RC_OK && name.n == 0)
		rc = STORE_NONE;
	if (rc == RC_OK) {
		r->own = log_find(r, buf_bytes(&name));
		if (r->own == NULL)
			rc = err_set(
				e, RC_CORRUPT, "the database names an own log that is not in it");
	}
	buf_release(&name);
	return rc;
}

int own_resume(struct replica *r, struct now now, struct err *e)
{
	if (r->log_key == NULL || r->rebuild.on)
		return RC_OK; /* without a key it writes nothing that nobody could verify */
	int rc = find_own(r, e);
	if (rc == STORE_NONE) {
		/* A mark without a database: there was one. */
		bool lost = r->config.mark.present || r->rebuild.wanted;
		return lost ? rebuild_begin(r, OPEN_REBUILD, now, e)
			    : own_open(r, OPEN_INIT, now, e);
	}
	if (rc == RC_OK)
		rc = r->own->retired ? own_rotate(r, now, e) : resume(r, now, e);
	return rc;
}

int own_go_on(struct replica *r, struct now now, struct err *e)
{
	if (r->log_key == NULL || r->rebuild.on)
		return RC_OK;
	int rc = find_own(r, e);
	if (rc == STORE_NONE)
		return own_resume(r, now, e);
	return rc == RC_OK && r->own->retired ? own_rotate(r, now, e) : rc;
}

/* PROTOCOL 3.1: never below the previous leaf's; ahead of our own clock only as far as other
 * members' sane stamps are. */
uint64_t own_next_hlc(struct replica *r, struct now now)
{
	int64_t ms = now.wall.v < 0 ? 0 : now.wall.v > HLC_MS_MAX ? HLC_MS_MAX : now.wall.v;
	uint64_t h = HLC_OF_MS(ms);
	uint64_t last = r->own->row.hlc > r->hlc ? r->own->row.hlc : r->hlc;
	if (h <= last && !MUTANT(STAMP_IS_WALL_CLOCK))
		h = last == UINT64_MAX ? last : last + 1;
	r->hlc = h;
	return h;
}

int own_draft(struct replica *r, struct leaf *leaf, uint64_t offset, struct now now,
	struct arena *a, struct draft *out, struct err *e)
{
	leaf->version = LEAF_VERSION;
	leaf->index = r->own->row.size + offset;
	leaf->hlc = own_next_hlc(r, now);
	int rc = leaf_encode(leaf, &out->raw, e);
	if (rc == RC_OK)
		examine_leaf(&r->roster.cluster_id, buf_bytes(&out->raw), a, &out->x);
	return rc;
}

int own_append(struct replica *r, const struct draft *d, struct err *e)
{
	struct log *log = r->own;
	frontier_append(&log->row.frontier, &d->x.leaf_hash);
	r->own_dirty = true;
	int rc = admit_leaf(r, log, &d->x, e);
	if (rc == RC_OK)
		rc = admit_settle(r, e);
	bool stride_is_full = log->row.size - log->kept[0].size >= LIMIT_HEAD_STRIDE_LEAVES ||
		log->row.bytes - log->kept[0].bytes > LIMIT_HEAD_STRIDE_BYTES - LIMIT_LEAF_BYTES;
	if (rc == RC_OK && stride_is_full)
		rc = own_sign_head(r, e);
	return rc;
}

int own_sign_head(struct replica *r, struct err *e)
{
	struct log *log = r->own;
	struct hash root;
	frontier_root(&log->row.frontier, &root);
	struct buf note = {0};
	checkpoint_sign(log->row.origin, log->row.size, &root, r->log_key, &note);
	r->own_dirty = false;
	int rc = log_keep_head(r, log, buf_bytes(&note), e);
	buf_release(&note);
	return rc;
}

void own_request_mark(struct replica *r)
{
	if (r->own == NULL || r->mark.in_flight || r->own_dirty)
		return;
	if (r->own->row.size == r->mark.size && r->mark.note.n > 0)
		return;
	r->mark.in_flight = true;
	r->mark.flight_size = r->own->row.size;
	frontier_root(&r->own->row.frontier, &r->mark.flight_root);
	buf_reset(&r->mark.flight_note);
	buf_put_bytes(&r->mark.flight_note, buf_bytes(&r->own->head));
	event_hold(r, EVENT_MARK, NO_PEER, r->own, "%s", "");
}

void replica_marked(struct replica *r, const char *origin, uint64_t size)
{
	if (r->own == NULL || strcmp(origin, r->own->row.origin) != 0 || !r->mark.in_flight ||
		size != r->mark.flight_size)
		return;
	r->mark.in_flight = false;
	r->mark.size = size;
	buf_reset(&r->mark.note);
	buf_put_bytes(&r->mark.note, buf_bytes(&r->mark.flight_note));
	memcpy(r->config.mark.origin, origin, strlen(origin) + 1);
	r->config.mark.present = true;
	r->config.mark.size = size;
	r->config.mark.root = r->mark.flight_root;
	if (!r->in_group)
		own_request_mark(r);
}

void own_observe(struct replica *r, const struct log *log, struct now now)
{
	if (log->row.hlc > r->hlc && HLC_MS(log->row.hlc) <= now.wall.v + HLC_MAX_AHEAD_MS)
		r->hlc = log->row.hlc;
}
