/* What a node says to those who ask it: which values are in force, with whom it agrees, and who
 * seems to write with two machines. */
#include <string.h>

#include "proto/trust/sign.h"
#include "proto/wire/codec.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

/* ---- values ---- */

struct showing {
	struct world *w;
	struct sim_node *n;
};

static bool is_signed(const struct world *w, struct bytes raw)
{
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	arena_init(&a, memory, sizeof(memory));
	ENSURE(leaf_decode(raw, &a, &leaf, NULL) == RC_OK);
	return body_verify(leaf.signed_body.key.p, BODY_CHANGE, &w->cluster_id,
		leaf.signed_body.body, leaf.signed_body.signature.p, NULL);
}

static int check_entry(void *arg, const struct ctl_entry *entry)
{
	const struct showing *s = arg;
	if (entry->verdict != VERDICT_EFFECTIVE || entry->unaudited)
		return 0;
	if (!is_signed(s->w, entry->leaf))
		oracle_fail(s->w, 36, "%s%d shows leaf %llu of %.*s, which nobody signed",
			s->n->id->slug, s->n->self, (unsigned long long)entry->index,
			(int)entry->origin.n, (const char *)entry->origin.p);
	return 0;
}

void oracle_values(struct world *w, struct sim_node *n)
{
	struct ctl_query q = {.any_task = true, .any_holder = true, .history = true};
	struct showing s = {w, n};
	ENSURE(replica_query(n->replica, &q, check_entry, &s, NULL) == RC_OK);
	oracle_holds(36);
	if (n->held.provisional)
		sometimes(SOMETIMES_SHOWN_PROVISIONAL);
}

/* ---- views ---- */

static bool is_plain_and_flipped(const struct world *w)
{
	return w->flips > 0 && !swarm_has(&w->swarm, FAULT_NOISE);
}

/* Two nodes may hold two histories of one size before they hear of it. */
static bool any_is_tainted(const struct world *w)
{
	for (size_t i = 0; i < w->books.n_logs; i++)
		if (w->books.log[i].tainted)
			return true;
	return false;
}

/* At its last commit, by the roster that is still in force. */
static bool knew_two_histories(const struct sim_node *n)
{
	const struct roster *r = replica_roster(n->replica);
	for (size_t i = 0; i < n->held.n && hash_equal(&n->roster_id, &r->id); i++)
		if (n->held.log[i].forked &&
			roster_retired(r, bytes_str(n->held.log[i].origin)) == NULL)
			return true;
	return false;
}

void oracle_diverged(struct world *w, struct sim_node *n, const struct event *ev)
{
	const char *peer = w->identity[ev->peer].slug;
	/* Within one group of inputs a view only becomes provisional, or only ceases to be. */
	if (n->held.provisional && replica_is_provisional(n->replica))
		oracle_fail(w, 37, "%s holds a view that is not settled against that of %s",
			n->id->slug, peer);
	if (knew_two_histories(n))
		oracle_fail(w, 37, "%s knows two histories of a log and compares its view with %s",
			n->id->slug, peer);
	oracle_holds(37);
	if (!versions_are_comparable(n, ev->peer))
		oracle_fail(w, 30, "%s holds its view against that of %s, by another roster",
			n->id->slug, peer);
	bool excused = is_plain_and_flipped(w) || any_is_tainted(w) ||
		!world_is_honest(w, ev->peer) || swarm_has(&w->swarm, FAULT_OLD);
	if (!excused)
		oracle_fail(w, 6, "%s and %s: %s", n->id->slug, peer, ev->text);
}

/* ---- twins ---- */

static bool is_listed(
	const struct ctl_status *status, const struct held_log *a, const struct held_log *b)
{
	for (size_t i = 0; i < status->n_clones; i++) {
		const struct ctl_clone *c = &status->clones[i];
		bool same = bytes_equal(c->first, bytes_str(a->origin)) &&
			bytes_equal(c->second, bytes_str(b->origin));
		bool turned = bytes_equal(c->first, bytes_str(b->origin)) &&
			bytes_equal(c->second, bytes_str(a->origin));
		if (same || turned)
			return true;
	}
	return status->n_clones == CTL_CLONES_MAX;
}

/* More than their beginnings, and nobody has settled where they end. */
static bool are_twins(const struct roster *r, const struct held_log *a, const struct held_log *b)
{
	struct origin x, y;
	ENSURE(origin_parse(bytes_str(a->origin), &x, NULL) == RC_OK);
	ENSURE(origin_parse(bytes_str(b->origin), &y, NULL) == RC_OK);
	return a->size > 1 && b->size > 1 && x.epoch == y.epoch &&
		strcmp(x.member, y.member) == 0 &&
		roster_retired(r, bytes_str(a->origin)) == NULL &&
		roster_retired(r, bytes_str(b->origin)) == NULL;
}

void oracle_twins(struct world *w, struct sim_node *n)
{
	struct ctl_status status;
	const struct held *h = &n->held;
	ENSURE(replica_status(n->replica, node_now(w, n), &status, NULL) == RC_OK);
	for (size_t i = 0; i < h->n; i++)
		for (size_t k = i + 1; k < h->n; k++) {
			if (!are_twins(replica_roster(n->replica), &h->log[i], &h->log[k]))
				continue;
			if (!is_listed(&status, &h->log[i], &h->log[k]))
				oracle_fail(w, 38, "%s%d holds %s and %s, and says nothing",
					n->id->slug, n->self, h->log[i].origin, h->log[k].origin);
			sometimes(SOMETIMES_TWINS_SHOWN);
			oracle_holds(38);
		}
}
