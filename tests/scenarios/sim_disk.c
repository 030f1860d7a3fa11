/* What administrators and accidents do to a node's disk. */
#include <sqlite3.h>
#include <string.h>

#include "daemon/store/handle.h"
#include "tests/scenarios/sim_stage.h"
#include "tests/sim/oracle.h"

static int copy(sqlite3 *to, sqlite3 *from, struct err *e)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int code = b != NULL ? sqlite3_backup_step(b, -1) : SQLITE_ERROR;
	if (b != NULL)
		(void)sqlite3_backup_finish(b);
	return code == SQLITE_DONE
		? RC_OK
		: err_set(e, RC_IO, "a copy of the database: %s", sqlite3_errmsg(to));
}

void stage_forget_backup(struct stage *s, int node)
{
	sqlite3_close(s->backup[node].database);
	s->backup[node].database = NULL;
}

int stage_backup(struct stage *s, int node, struct err *e)
{
	struct sim_node *n = &s->w.node[node];
	struct stage_backup *b = &s->backup[node];
	stage_forget_backup(s, node);
	b->mark = n->mark;
	if (sqlite3_open(":memory:", &b->database) != SQLITE_OK)
		return err_set(e, RC_NOMEM, "no memory for a backup");
	return copy(b->database, store_self(n->store)->db, e);
}

/* What the oracle had seen of this disk is another life's. */
static int empty_disk(struct world *w, struct sim_node *n, bool unnoticed, struct err *e)
{
	store_sqlite_close(n->store);
	n->store = NULL;
	oracle_put_back(w, n, unnoticed);
	return store_sqlite_open(":memory:", NULL, &n->store, e);
}

int stage_restore(struct stage *s, int node, bool with_mark, struct err *e)
{
	struct sim_node *n = &s->w.node[node];
	const struct stage_backup *b = &s->backup[node];
	if (b->database == NULL)
		return err_set(e, RC_NOT_FOUND, "there is no backup of %s", n->id->slug);
	int rc = empty_disk(&s->w, n, with_mark, e);
	if (rc == RC_OK)
		rc = copy(store_self(n->store)->db, b->database, e);
	if (with_mark)
		n->mark = b->mark;
	return rc;
}

int stage_wipe(struct stage *s, int node, struct err *e)
{
	struct sim_node *n = &s->w.node[node];
	int rc = empty_disk(&s->w, n, false, e);
	n->mark = (struct mark){0};
	return rc;
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
