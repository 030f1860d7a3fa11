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

/* The one that is installed, else the file that is named. */
static int take_roster(struct app *app, struct node *n, struct buf *note, struct err *e)
{
	struct roster r;
	struct hash id;
	bool given;
	if (n->has_roster) {
		buf_put_bytes(note, buf_bytes(&n->note));
		return RC_OK;
	}
	if (app->n_operands == 0)
		return err_set(e, RC_USAGE, "%s",
			tr("this node has no roster; name its file: deltactl rebuild --from-peers "
			   "FILE"));
	int rc = node_cluster_id(app->args, &id, &given, e);
	if (rc == RC_OK)
		rc = roster_read(app->operand[0], note, &r, e);
	return rc == RC_OK ? roster_verify_first(buf_bytes(note), given ? &id : NULL, &r, e) : rc;
}

int cmd_rebuild(struct app *app, struct err *e)
{
	const struct args *a = app->args;
	struct node node = {.line.fd = -1};
	struct buf note = {0};
	bool alone = args_has(a, OPT_ALONE);
	int rc = args_exclude(a, OPT_ALONE, OPT_FROM_PEERS, e);
	if (rc == RC_OK && !alone)
		rc = args_require(a, OPT_FROM_PEERS, e);
	if (rc == RC_OK)
		rc = node_open(&node, a, e);
	if (rc == RC_OK)
		rc = take_roster(app, &node, &note, e);
	if (rc == RC_OK) {
		struct ctl_request q = {.kind = CTL_INSTALL_ROSTER,
			.note = buf_bytes(&note),
			.rebuild = alone ? REBUILD_ALONE : REBUILD_FROM_PEERS};
		rc = connection_call(&node.line, &q, NULL, NULL, e);
	}
	if (rc == RC_OK && !app->out.quiet)
		tell(app, node.member, alone);
	node_close(&node);
	buf_release(&note);
	return rc;
}
