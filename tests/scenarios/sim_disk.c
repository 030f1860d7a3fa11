/* What administrators and accidents do to a node's disk. */
#include "tests/scenarios/sim_stage.h"
#include "tests/sim/disk.h"
#include "tests/sim/oracle.h"

void stage_backup(struct stage *s, int node)
{
	struct sim_node *n = &s->w.node[node];
	struct stage_backup *b = &s->backup[node];
	disk_copy_free(b->disk);
	*b = (struct stage_backup){disk_copy(n->disk), n->mark};
}

int stage_restore(struct stage *s, int node, bool with_mark, struct err *e)
{
	struct sim_node *n = &s->w.node[node];
	const struct stage_backup *b = &s->backup[node];
	if (b->disk == NULL)
		return err_set(e, RC_NOT_FOUND, "there is no backup of %s", n->id->slug);
	disk_put_back(n->disk, b->disk);
	oracle_put_back(&s->w, n, with_mark ? &b->mark : NULL);
	n->lineage++;
	if (with_mark)
		n->mark = b->mark;
	return RC_OK;
}

void stage_wipe(struct stage *s, int node)
{
	struct sim_node *n = &s->w.node[node];
	disk_free(n->disk);
	n->disk = disk_new(node);
	oracle_put_back(&s->w, n, NULL);
	n->lineage++;
	n->mark = (struct mark){0};
}

int stage_install(struct stage *s, int node, struct err *e)
{
	struct sim_node *n = &s->w.node[node];
	if (!node_enter(&s->w, n))
		return err_set(e, RC_IO, "the store does not begin");
	int rc = replica_install_roster(n->replica, buf_bytes(&s->w.roster), node_now(&s->w, n), e);
	node_settle(&s->w, n);
	return rc;
}
