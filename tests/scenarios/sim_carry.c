/* A bundle by disk, from one node of the simulated cluster to another. */
#include "tests/lib/bundle_fixture.h"
#include "tests/scenarios/sim_stage.h"

struct taker {
	struct world *w;
	struct sim_node *n;
};

static int enter(void *arg, struct err *e)
{
	struct taker *t = arg;
	return node_enter(t->w, t->n) ? RC_OK : err_set(e, RC_IO, "the store does not begin");
}

static int settle(void *arg, int rc, struct err *e)
{
	struct taker *t = arg;
	if (node_survives(t->w, t->n, rc, e))
		node_settle(t->w, t->n);
	return rc;
}

int stage_carry(struct stage *s, int from, int to, struct err *e)
{
	struct world *w = &s->w;
	struct taker t = {w, &w->node[to]};
	const struct bundle_shell shell = {enter, settle, &t};
	const struct ctl_export what = {
		.what = EXPORT_FOR, .member = bytes_str(w->node[to].id->slug)};
	struct bundle_taken taken = {0};
	struct buf file = {0};
	int rc = bundle_make(w->node[from].replica, &what, &file, e);
	if (rc == RC_OK)
		rc = bundle_import_by(&shell, t.n->replica, &w->cluster_id, buf_bytes(&file),
			node_now(w, t.n), &taken, e);
	world_trace(w, "carry %s %s: %s, %llu leaves", w->node[from].id->slug, t.n->id->slug,
		rc_id(rc), (unsigned long long)taken.leaves);
	buf_release(&file);
	return rc;
}
