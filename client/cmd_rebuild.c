#include "client/command.h"
#include "client/node.h"
#include "client/roster_text.h"
#include "client/text.h"

static void tell(struct app *app, const char *member, bool alone)
{
	struct sheet *s = sheet_new("rebuild");
	if (alone)
		sheet_line(s, TONE_WARN, tr("%s waits no longer: it writes a new log from now on"),
			member);
	else
		sheet_line(s, TONE_GOOD,
			tr("%s gets its log back from its peers; deltactl status shows how far it "
			   "is"),
			member);
	sheet_fact(s, "member", json_text(bytes_str(member)));
	sheet_fact(s, "alone", json_boolean(alone));
	sheet_print(s, &app->out);
	sheet_free(s);
}

struct versions {
	struct buf note[CTL_ROSTERS_MAX]; /* ascending, however the files are named */
	uint32_t version[CTL_ROSTERS_MAX];
	size_t n;
};

static void add(struct versions *v, uint32_t version, struct buf note)
{
	size_t at = v->n++;
	for (; at > 0 && v->version[at - 1] > version; at--) {
		v->version[at] = v->version[at - 1];
		v->note[at] = v->note[at - 1];
	}
	v->version[at] = version;
	v->note[at] = note;
}

static int check_first(
	const struct args *a, const struct versions *v, const struct node *n, struct err *e)
{
	struct roster r;
	struct hash id;
	bool given;
	int rc = node_cluster_id(a, &id, &given, e);
	if (rc != RC_OK || (n->has_roster && v->version[0] > 1))
		return rc;
	return roster_verify_first(buf_bytes(&v->note[0]), given ? &id : NULL, &r, e);
}

/* The files that are named, else what the node has. */
static int take_rosters(struct app *app, struct node *n, struct versions *v, struct err *e)
{
	struct roster r;
	int rc = RC_OK;
	if (app->n_operands == 0 && !n->has_roster)
		return err_set(e, RC_USAGE, "%s",
			tr("this node has no roster; name its file: deltactl rebuild --from-peers "
			   "FILE"));
	if (app->n_operands == 0) {
		buf_put_bytes(&v->note[v->n++], buf_bytes(&n->note));
		return RC_OK;
	}
	for (size_t i = 0; rc == RC_OK && i < app->n_operands; i++) {
		struct buf note = {0};
		rc = roster_read(app->operand[i], &note, &r, e);
		if (rc == RC_OK)
			add(v, r.version, note);
		else
			buf_release(&note);
	}
	return rc == RC_OK ? check_first(app->args, v, n, e) : rc;
}

int cmd_rebuild(struct app *app, struct err *e)
{
	const struct args *a = app->args;
	struct node node = {.line.fd = -1};
	struct versions v = {.n = 0};
	struct bytes later[CTL_ROSTERS_MAX];
	bool alone = args_has(a, OPT_ALONE);
	int rc = args_exclude(a, OPT_ALONE, OPT_FROM_PEERS, e);
	if (rc == RC_OK && !alone)
		rc = args_require(a, OPT_FROM_PEERS, e);
	if (rc == RC_OK)
		rc = node_open(&node, a, e);
	if (rc == RC_OK)
		rc = take_rosters(app, &node, &v, e);
	if (rc == RC_OK) {
		for (size_t i = 1; i < v.n; i++)
			later[i - 1] = buf_bytes(&v.note[i]);
		struct ctl_request q = {.kind = CTL_INSTALL_ROSTER,
			.note = buf_bytes(&v.note[0]),
			.later = later,
			.n_later = v.n - 1,
			.rebuild = alone ? REBUILD_ALONE : REBUILD_FROM_PEERS};
		rc = connection_call(&node.line, &q, NULL, NULL, e);
	}
	if (rc == RC_OK && !app->out.quiet)
		tell(app, node.member, alone);
	node_close(&node);
	for (size_t i = 0; i < v.n; i++)
		buf_release(&v.note[i]);
	return rc;
}
