/* Versions of the roster: the offices sign the next one and hand it to one node; the others hear of
 * it in their sessions, whatever the weather. Dice of its own: runs without it are what they were.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

/* Every version adds one to the year. */
#define NOT_AFTER_FIRST 20400101
#define NOT_AFTER_STEP 10000

void versions_setup(struct world *w, uint64_t steps)
{
	struct versions *v = &w->versions;
	v->dice = (struct dice){w->seed ^ 0x726f73746572};
	v->planned = swarm_has(&w->swarm, FAULT_ROSTER) ? (size_t)dice_range(&v->dice, 1, 2) : 0;
	for (size_t i = 0; i < v->planned; i++)
		v->at[i] = dice_u64(&v->dice) % (steps * 9 / 10 + 1);
}

void versions_release(struct world *w)
{
	for (size_t i = 0; i < w->versions.signed_n; i++)
		buf_release(&w->versions.note[i]);
}

size_t versions_notes(const struct world *w, struct bytes out[SIM_VERSIONS + 1])
{
	out[0] = buf_bytes(&w->roster);
	for (size_t i = 0; i < w->versions.signed_n; i++)
		out[i + 1] = buf_bytes(&w->versions.note[i]);
	return w->versions.signed_n + 1;
}

static struct roster *roster_of(struct bytes note)
{
	struct roster *r = xalloc(sizeof(*r));
	struct note n;
	ENSURE(note_parse(note, &n, NULL) == RC_OK);
	ENSURE(roster_parse(n.text, r, NULL) == RC_OK);
	return r;
}

/* By the office and as many provinces as must, or by all. */
static void sign(struct world *w, const struct roster *now, const struct roster *next)
{
	struct buf text = {0};
	bool all = dice_percent(&w->versions.dice, 50);
	size_t must = 1 + now->province_quorum;
	roster_print(next, &text);
	for (size_t i = 0; i < (all ? w->n_members : must); i++) {
		struct buf signed_text = {0};
		struct err e = {0};
		if (roster_add_signature_next(
			    buf_bytes(&text), now, &w->identity[i].root, &signed_text, &e) != RC_OK)
			oracle_fail(w, 2, "the next roster: %s", e.text);
		buf_release(&text);
		text = signed_text;
	}
	w->versions.note[w->versions.signed_n++] = text;
}

/* The same members and keys; until when it holds, and one address, are others. */
static void make_next(struct world *w)
{
	struct bytes note[SIM_VERSIONS + 1];
	size_t n = versions_notes(w, note);
	struct roster *now = roster_of(note[n - 1]), *next = xalloc(sizeof(*next));
	*next = *now;
	next->version = now->version + 1;
	next->prev = now->id;
	next->not_after = NOT_AFTER_FIRST + next->version * NOT_AFTER_STEP;
	struct member *m = &next->member[dice_index(&w->versions.dice, w->n_members)];
	snprintf(m->addr, sizeof(m->addr), "10.0.0.%u:7400", next->version);
	sign(w, now, next);
	free(now);
	free(next);
}

static void install(struct world *w, struct sim_node *n)
{
	struct bytes note[SIM_VERSIONS + 1];
	struct err e = {0};
	size_t count = versions_notes(w, note);
	uint64_t life = n->life;
	if (!node_enter(w, n))
		return;
	w->versions.by[w->versions.signed_n - 1] = n->member;
	int rc = replica_install_rosters(n->replica, note, count, node_now(w, n), &e);
	world_trace(w, "install %s%d version %zu rc %d", n->id->slug, n->self, count, rc);
	if (!node_survives(w, n, rc, &e))
		return;
	if (rc != RC_OK)
		oracle_fail(w, 2, "%s does not take version %zu of the roster: %s", n->id->slug,
			count, e.text);
	node_settle(w, n);
	if (node_is_up(n) && n->life == life && replica_roster(n->replica)->version == count)
		w->versions.installed = w->versions.signed_n;
}

void versions_act(struct world *w)
{
	struct versions *v = &w->versions;
	if (v->installed == v->planned || w->steps < v->at[v->installed])
		return;
	struct sim_node *n = &w->node[dice_index(&v->dice, w->n_members)];
	if (!node_is_up(n) || n->full || w->now < n->paused_to || !world_is_honest(w, n->member))
		return;
	if (v->signed_n == v->installed)
		make_next(w);
	install(w, n);
}

void versions_heard(struct world *w, const struct sim_node *n, int peer)
{
	const struct versions *v = &w->versions;
	uint32_t here = replica_roster(n->replica)->version;
	if (!replica_roster_is_due(n->replica) || here > v->signed_n)
		return;
	sometimes(SOMETIMES_ROSTER_HEARD);
	if (v->by[here - 1] != peer)
		sometimes(SOMETIMES_ROSTER_RELAYED);
}

void versions_match(struct world *w, struct sim_node *n)
{
	const struct roster *r = replica_roster(n->replica);
	if (r == NULL || r->version == n->roster_version)
		return;
	bool first = n->roster_version == 0;
	if (r->version < n->roster_version)
		oracle_fail(w, 30, "%s%d went from version %u of the roster to %u", n->id->slug,
			n->self, n->roster_version, r->version);
	n->roster_version = r->version;
	if (first)
		return;
	world_trace(w, "roster %s%d version %u", n->id->slug, n->self, r->version);
	shell_drop_all(w, n, "the roster changed");
	shell_start(w, n);
}

/* ---- what must hold ---- */

bool versions_equal(const struct sim_node *a, const struct sim_node *b)
{
	const struct roster *x = replica_roster(a->replica), *y = replica_roster(b->replica);
	return x != NULL && y != NULL ? hash_equal(&x->id, &y->id) : x == y;
}

/* What only one node had goes with its disk. */
static bool may_be_lost(const struct world *w)
{
	return swarm_has(&w->swarm, FAULT_RESTORE) || swarm_has(&w->swarm, FAULT_ROLLBACK);
}

/* A note that a plain line changed is passed over, and not said again in that session. */
static bool may_be_missed(const struct world *w)
{
	return w->flips > 0 && !swarm_has(&w->swarm, FAULT_NOISE);
}

bool versions_converged(struct world *w, bool must)
{
	uint32_t top = may_be_lost(w) ? 1 : 1 + (uint32_t)w->versions.installed;
	if (w->versions.signed_n == 0 || may_be_missed(w))
		return true;
	for (size_t i = 0; i < w->n_nodes; i++) {
		const struct sim_node *n = &w->node[i];
		if (node_is_up(n) && world_is_honest(w, n->member) && n->roster_version > top)
			top = n->roster_version;
	}
	for (size_t i = 0; i < w->n_nodes; i++) {
		const struct sim_node *n = &w->node[i];
		if (!node_is_up(n) || !world_is_honest(w, n->member) || n->roster_version == top)
			continue;
		if (must)
			oracle_fail(w, 30, "%s%d has version %u of the roster, and %u is in force",
				n->id->slug, n->self, n->roster_version, top);
		return false;
	}
	if (must)
		oracle_holds(30);
	return true;
}
