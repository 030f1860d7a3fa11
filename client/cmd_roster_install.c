#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/node.h"
#include "client/roster_text.h"
#include "client/text.h"

static void tell(struct app *app, const struct roster *r, const char *member)
{
	char id[HASH_HEX_SIZE];
	struct sheet *s = sheet_new("roster-install");
	hash_print(&r->cluster_id, id);
	sheet_line(s, TONE_GOOD,
		tr("installed on %s: roster of %s, version %u, cluster id sha256:%s"), member,
		r->cluster, r->version, id);
	sheet_fact(s, "cluster", json_text(bytes_str(r->cluster)));
	sheet_fact(s, "cluster_id", json_text(bytes_str(id)));
	sheet_fact(s, "version", json_number(r->version));
	sheet_print(s, &app->out);
	sheet_free(s);
}

/* The files in their order; each must follow the one before, the first what the node has. */
struct installing {
	struct buf note[CTL_ROSTERS_MAX];
	struct bytes part[CTL_ROSTERS_MAX];
	struct roster roster, next;
};

static int take_file(
	struct installing *g, size_t i, const char *path, const struct args *a, struct err *e)
{
	struct hash id;
	bool given;
	int rc = node_cluster_id(a, &id, &given, e);
	if (rc == RC_OK)
		rc = roster_read(path, &g->note[i], &g->next, e);
	if (rc != RC_OK)
		return rc;
	struct bytes note = g->part[i] = buf_bytes(&g->note[i]);
	if (!memmem(note.p, note.n, "\n\n", 2))
		return err_set(e, RC_VERIFY,
			tr("%.100s is a draft that nobody has signed; deltactl roster sign %.100s "
			   "--key KEYFILE..."),
			path, path);
	if (g->next.version == 1)
		rc = roster_verify_first(note, given ? &id : NULL, &g->next, e);
	else if (g->next.version == g->roster.version + 1)
		rc = roster_verify_next(note, &g->roster, &g->next, e);
	else
		return RC_OK; /* the node knows better what it follows */
	if (rc == RC_OK)
		g->roster = g->next;
	return rc;
}

static int take_files(struct installing *g, struct app *app, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < app->n_operands; i++)
		rc = take_file(g, i, app->operand[i], app->args, e);
	return rc;
}

/* What begins with the first version is judged before any node is asked. */
static int begins_with_first(struct app *app, bool *first, struct err *e)
{
	struct buf note = {0};
	struct roster r;
	int rc = roster_read(app->operand[0], &note, &r, e);
	*first = rc == RC_OK && r.version == 1;
	buf_release(&note);
	return rc;
}

int cmd_roster_install(struct app *app, struct err *e)
{
	struct installing *g = xalloc(sizeof *g);
	struct node node = {.line.fd = -1};
	bool first;
	int rc = begins_with_first(app, &first, e);
	if (rc == RC_OK && app->n_operands > CTL_ROSTERS_MAX)
		rc = err_set(e, RC_USAGE, tr("at most %d files at once"), CTL_ROSTERS_MAX);
	if (rc == RC_OK && first)
		rc = take_files(g, app, e);
	if (rc == RC_OK)
		rc = node_open(&node, app->args, e);
	if (rc == RC_OK && !first) {
		g->roster = node.roster;
		rc = take_files(g, app, e);
	}
	if (rc == RC_OK) {
		struct ctl_request q = {.kind = CTL_INSTALL_ROSTER,
			.note = g->part[0],
			.later = g->part + 1,
			.n_later = app->n_operands - 1};
		rc = connection_call(&node.line, &q, NULL, NULL, e);
	}
	if (rc == RC_OK && !app->out.quiet)
		tell(app, &g->roster, node.member);
	node_close(&node);
	for (size_t i = 0; i < CTL_ROSTERS_MAX; i++)
		buf_release(&g->note[i]);
	free(g);
	return rc;
}
