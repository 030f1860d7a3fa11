/* Anchors: now and then a node writes into its own log what it sees of all logs, with the view that
 * follows from that, so that whoever verifies later can start there. When is a writer's habit; the
 * verdict of an anchor is its form. Source: PROTOCOL 3.8. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"
#include "proto/trust/merkle.h"
#include "proto/wire/codec.h"

#define DAY_MS 86400000LL
#define LOOK_MS 3600000LL
#define FIRST_LOOK_MS 60000LL
#define META_BYTES (8 + HASH_BYTES)

/* ---- quarters ---- */

/* From days since 1970-01-01 to months since a March, by eras of 400 years that begin in March. */
static int64_t month_of_day(int64_t day)
{
	day += 719468;
	int64_t era = (day >= 0 ? day : day - 146096) / 146097;
	int64_t of_era = day - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* 0 = March */
	return (era * 400 + year) * 12 + month;
}

/* Quarters since some beginning: January to March is one, and so on, by UTC. */
static int64_t quarter_of(int64_t wall_ms)
{
	int64_t day = wall_ms >= 0 ? wall_ms / DAY_MS : (wall_ms - DAY_MS + 1) / DAY_MS;
	int64_t month = month_of_day(day) + 2; /* 0 = January */
	return month >= 0 ? month / 3 : (month - 2) / 3;
}

/* The first moment of a later day that is of another quarter, at most LOOK_MS from now. */
static int64_t until_quarter_ends(int64_t wall_ms)
{
	int64_t next_day = (wall_ms / DAY_MS + 1) * DAY_MS;
	bool ends = wall_ms >= 0 && quarter_of(next_day) != quarter_of(wall_ms);
	return ends && next_day - wall_ms < LOOK_MS ? next_day - wall_ms : LOOK_MS;
}

/* ---- the last one ---- */

static int remember(struct replica *r, int64_t wall_ms, const struct hash *view, struct err *e)
{
	struct buf b = {0};
	buf_put_u64be(&b, (uint64_t)wall_ms);
	buf_put(&b, view->b, HASH_BYTES);
	int rc = r->ops->meta_put(r->store, "anchor", buf_bytes(&b), e);
	buf_release(&b);
	return rc;
}

/* STORE_NONE: there is none. */
static int recall(struct replica *r, int64_t *wall_ms, struct hash *view, struct err *e)
{
	struct buf b = {0};
	int rc = r->ops->meta_get(r->store, "anchor", &b, e);
	if (rc == RC_OK && b.n != META_BYTES)
		rc = err_set(e, RC_CORRUPT, "the note of the last anchor is damaged");
	if (rc == RC_OK) {
		*wall_ms = (int64_t)get_u64be(b.p);
		memcpy(view->b, b.p + 8, HASH_BYTES);
	}
	buf_release(&b);
	return rc;
}

/* ---- writing one ---- */

static int compare_logs(const void *a, const void *b)
{
	const struct log *const *x = a, *const *y = b;
	return strcmp((*x)->row.origin, (*y)->row.origin);
}

static size_t list_heads(const struct replica *r, struct anchor_head *out, struct hash *root)
{
	const struct log *log[LIMIT_LOGS] = {NULL};
	size_t n = 0;
	for (size_t i = 0; i < r->n_logs; i++)
		if (retire_counted(r->log[i]) > 0)
			log[n++] = r->log[i];
	qsort(log, n, sizeof(*log), compare_logs);
	for (size_t i = 0; i < n; i++) {
		uint64_t size = log[i]->row.size;
		frontier_root(&log[i]->row.frontier, &root[i]);
		if (size > retire_counted(log[i]))
			retire_end(r, log[i], &size, &root[i]);
		out[i] = (struct anchor_head){
			bytes_str(log[i]->row.origin), size, hash_bytes(&root[i])};
	}
	return n;
}

static int draft(struct replica *r, struct now now, struct draft *d, struct err *e)
{
	struct anchor x = {.version = LEAF_VERSION,
		.index = r->own->row.size,
		.hlc = own_next_hlc(r, now),
		.kind = LEAF_ANCHOR,
		.view_root = hash_bytes(&r->digest.root),
		.rules_version = RULES_VERSION};
	struct hash *root = xalloc(LIMIT_LOGS * sizeof(*root));
	x.heads = xalloc(LIMIT_LOGS * sizeof(*x.heads));
	x.n = list_heads(r, x.heads, root);
	int rc = anchor_encode(&x, &d->raw, e);
	arena_reset(&r->scratch);
	if (rc == RC_OK)
		examine_leaf(&r->roster.cluster_id, buf_bytes(&d->raw), &r->scratch, &d->x);
	free(x.heads);
	free(root);
	return rc;
}

static int write_anchor(struct replica *r, struct now now, struct posted *out, struct err *e)
{
	struct draft d = {0};
	int rc = digest_refresh(r, e);
	if (rc == RC_OK)
		rc = draft(r, now, &d, e);
	if (rc == RC_OK && out != NULL)
		*out = (struct posted){r->own->row.origin, r->own->row.size, d.x.leaf_hash};
	if (rc == RC_OK)
		rc = own_append(r, &d, e);
	if (rc == RC_OK)
		rc = remember(r, now.wall.v, &r->digest.root, e);
	buf_release(&d.raw);
	return rc;
}

int replica_anchor(struct replica *r, struct now now, struct posted *out, struct err *e)
{
	int rc = post_check_ready(r, e);
	if (rc != RC_OK)
		return rc;
	if (replica_is_provisional(r))
		return err_set(e, RC_REFUSED,
			"the view is provisional: signatures or pending changes are still being "
			"checked");
	if (fork_is_known(r))
		return err_set(e, RC_FORK,
			"a log has two histories: nodes that hold all there is may see other "
			"views");
	return write_anchor(r, now, out, e);
}

/* ---- the habit ---- */

static int64_t next_look(struct now now)
{
	return now.mono.v + until_quarter_ends(now.wall.v);
}

/* The first time nothing is written: a day begins. So it does when the clock was set back. */
static int look(struct replica *r, struct now now, struct err *e)
{
	struct hash last, none;
	int64_t wall;
	int rc = recall(r, &wall, &last, e);
	if (rc == STORE_NONE || (rc == RC_OK && now.wall.v < wall)) {
		frontier_root(&(struct frontier){0}, &none);
		return remember(r, now.wall.v, rc == RC_OK ? &last : &none, e);
	}
	if (rc == RC_OK)
		rc = digest_refresh(r, e);
	if (rc != RC_OK)
		return rc;
	bool changed = !hash_equal(&r->digest.root, &last) || MUTANT(ANCHOR_OF_ANCHORS);
	bool daily = changed && now.wall.v - wall >= DAY_MS;
	if (!daily && quarter_of(now.wall.v) == quarter_of(wall))
		return RC_OK;
	struct err quiet = {0};
	rc = write_anchor(r, now, NULL, &quiet);
	if (rc == RC_TOO_BIG) /* of too many logs: they are all in the log's own heads */
		return remember(r, now.wall.v, &r->digest.root, e);
	if (rc != RC_OK)
		err_set(e, rc, "%s", quiet.text);
	return rc;
}

int anchor_tick(struct replica *r, struct now now, struct err *e)
{
	if (r->own == NULL || now.mono.v < r->anchor_at.v)
		return RC_OK;
	r->anchor_at.v = next_look(now);
	/* With nothing but its Open it may still turn out to be one too many (PROTOCOL 3.6). */
	bool may = r->own->row.size > 1 && post_check_ready(r, NULL) == RC_OK &&
		!replica_is_provisional(r) && !fork_is_known(r);
	return may ? look(r, now, e) : RC_OK;
}

void anchor_begin(struct replica *r, struct now now)
{
	if (r->own != NULL && r->anchor_at.v == MONO_NEVER.v)
		r->anchor_at.v = now.mono.v + FIRST_LOOK_MS;
}
