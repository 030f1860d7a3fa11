/* A disk is lost, and its node gets its own log back from its peers before it writes. Source:
 * PROTOCOL 3.6. */
#include "tests/sim/disk.h"
#include "tests/sim/ends.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

/* Its administrator gives it the roster again; beside a mark file the node knows by itself that it
 * had a log. */
static void set_up(struct world *w, struct sim_node *n)
{
	struct err e = {0};
	struct bytes roster = buf_bytes(&w->roster);
	struct now now = node_now(w, n);
	if (!node_enter(w, n))
		oracle_fail(w, 19, "%s does not begin", n->id->slug);
	int rc = n->mark.present ? replica_install_roster(n->replica, roster, now, &e)
				 : replica_rebuild(n->replica, &roster, 1, false, now, &e);
	if (rc != RC_OK || !replica_is_rebuilding(n->replica))
		oracle_fail(w, 27, "%s does not ask for its log: %s", n->id->slug, e.text);
	node_settle(w, n);
}

void loss_of_disk(struct world *w, struct sim_node *n, bool with_mark)
{
	bool calm = w->calm;
	if (n->disk == NULL || n->self >= (int)w->n_members || n->id->copied ||
		!world_is_honest(w, n->member) || bundles_is_apart(w, n) || w->versions.n > 0 ||
		!n->mark.present)
		return;
	if (node_is_up(n))
		node_die(w, n, NODE_DEAD);
	world_trace(w, "lose disk %s%d", n->id->slug, n->self);
	sometimes(SOMETIMES_DISK_LOST);
	disk_free(n->disk);
	n->disk = disk_new(n->self);
	oracle_put_back(w, n, NULL);
	n->lineage++;
	if (with_mark)
		n->mark.present = false;
	w->calm = true; /* what is done by hand is done */
	node_start(w, n);
	set_up(w, n);
	w->calm = calm;
}

void loss_over(struct world *w, const struct sim_node *n)
{
	if (!n->had_session)
		oracle_fail(w, 27, "%s%d opens a log before anybody could give back the old one",
			n->id->slug, n->self);
	sometimes(SOMETIMES_REBUILT);
	oracle_holds(27);
}
