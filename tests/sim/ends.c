/* Versions of the roster that end logs: a member's log key is replaced, or the member is removed;
 * and what counts of such logs from then on. Source: PROTOCOL 5.3. */
#include "tests/sim/ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/hostile.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

/* Its logs have one history, which the books know, and nobody writes them by hand. */
static bool has_plain_logs(const struct world *w, int member)
{
	if (!world_is_honest(w, member) || hostile_writes(w, member) || w->identity[member].copied)
		return false;
	for (size_t i = 0; i < w->books.n_logs; i++)
		if (w->books.log[i].member == member && w->books.log[i].tainted)
			return false;
	return true;
}

static int compare_ends(const void *a, const void *b)
{
	return strcmp(
		((const struct retirement *)a)->origin, ((const struct retirement *)b)->origin);
}

/* Each log of the member ends with what the drafter's node holds of it; of others nobody knows. */
static size_t retire_logs(const struct world *w, const struct sim_node *drafter,
	const struct roster *now, int member, const char *reason, struct roster *next)
{
	size_t before = next->n_retired;
	for (size_t i = 0; i < w->books.n_logs && next->n_retired < LIMIT_RETIRED; i++) {
		const struct book_log *l = &w->books.log[i];
		uint64_t below = held_size(&drafter->held, l->origin);
		if (l->member != member || below == 0 || below > l->n ||
			roster_retired(now, bytes_str(l->origin)) != NULL)
			continue;
		struct retirement *t = &next->retired[next->n_retired++];
		*t = (struct retirement){.valid_below = below, .root = l->root[below - 1]};
		memcpy(t->origin, l->origin, sizeof(t->origin));
		memcpy(t->log, now->member[member].log, KEY_BYTES);
		memcpy(t->authority, now->member[member].root.public, KEY_BYTES);
		snprintf(t->reason, sizeof(t->reason), "%s", reason);
	}
	qsort(next->retired, next->n_retired, sizeof(next->retired[0]), compare_ends);
	return next->n_retired - before;
}

const struct key *ends_replace_key(struct world *w, const struct sim_node *drafter,
	const struct roster *now, struct roster *next)
{
	struct dice *d = &w->versions.dice;
	int member = (int)dice_index(d, now->n);
	struct identity *id = &w->identity[member];
	const char *reason = dice_percent(d, 70) ? "rotated" : "stolen";
	if (id->rotated || !has_plain_logs(w, member) ||
		retire_logs(w, drafter, now, member, reason, next) == 0)
		return NULL;
	memcpy(next->member[member].log, id->log_next.public, KEY_BYTES);
	id->rotated = true;
	sometimes(SOMETIMES_KEY_REPLACED);
	return &id->log_next;
}

/* The last one, so that the others keep their places. */
bool ends_remove_member(struct world *w, const struct sim_node *drafter, const struct roster *now,
	struct roster *next)
{
	int member = (int)now->n - 1;
	struct member *m = &next->member[member];
	if (now->n < 3 || drafter->member == member || !has_plain_logs(w, member) ||
		bundles_is_apart(w, &w->node[member]) ||
		retire_logs(w, drafter, now, member, "left", next) == 0)
		return false;
	struct member former = {.role = m->role, .former = true};
	memcpy(former.slug, m->slug, sizeof(former.slug));
	memcpy(former.name, m->name, sizeof(former.name));
	*m = former;
	next->n--;
	next->n_former++;
	if (next->final_quorum > next->n - 1)
		next->final_quorum = (unsigned)next->n - 1;
	if (next->province_quorum > next->n - 1)
		next->province_quorum = (unsigned)next->n - 1;
	w->identity[member].removed = true;
	sometimes(SOMETIMES_MEMBER_REMOVED);
	return true;
}

/* ---- what counts ---- */

bool ends_knows(const struct sim_node *n, int member)
{
	const struct roster *r = replica_roster(n->replica);
	return r != NULL && member < (int)r->n;
}

bool ends_has_end(const struct sim_node *n, const struct book_log *l)
{
	const struct roster *r = n->replica != NULL ? replica_roster(n->replica) : NULL;
	return r != NULL &&
		(roster_retired(r, bytes_str(l->origin)) != NULL || l->member >= (int)r->n ||
			memcmp(l->key, r->member[l->member].log, KEY_BYTES) != 0);
}

/* What no line names, and no key that is in force has signed, counts on no node. */
uint64_t ends_counted(const struct sim_node *n, const struct book_log *l)
{
	uint64_t size = held_size(&n->held, l->origin);
	if (!ends_has_end(n, l))
		return size;
	const struct retirement *t =
		roster_retired(replica_roster(n->replica), bytes_str(l->origin));
	uint64_t end = t != NULL ? t->valid_below : 0;
	return size < end ? size : end;
}

bool ends_is_kept(const struct sim_node *n, const struct book_log *l)
{
	const struct retirement *t =
		roster_retired(replica_roster(n->replica), bytes_str(l->origin));
	return (t == NULL || strcmp(t->reason, "rotated") == 0) &&
		l->member < (int)replica_roster(n->replica)->n;
}
