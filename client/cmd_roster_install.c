#include "client/command.h"
#include "client/node.h"
#include "client/roster_text.h"
#include "client/text.h"

static void tell(struct app *app, const struct roster *r, const char *member)
{
	char id[HASH_HEX_SIZE];
	struct sheet *s = sheet_new("roster-install");
	hash_print(&r->cluster_id, id);
	sheet_line(s, TONE_GOOD, tr("installed on %s: roster of %s, cluster id sha256:%s"), member,
		r->cluster, id);
	sheet_fact(s, "cluster", json_text(bytes_str(r->cluster)));
	sheet_fact(s, "cluster_id", json_text(bytes_str(id)));
	sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_roster_install(struct app *app, struct err *e)
{
	struct buf note = {0};
	struct roster r;
	struct hash id;
	struct node node = {.line.fd = -1};
	bool given;
	int rc = node_cluster_id(app->args, &id, &given, e);
	if (rc == RC_OK)
		rc = roster_read(app->operand[0], &note, &r, e);
	if (rc == RC_OK)
		rc = roster_verify_first(buf_bytes(&note), given ? &id : NULL, &r, e);
	if (rc == RC_OK)
		rc = node_open(&node, app->args, e);
	if (rc == RC_OK) {
		struct ctl_request q = {.kind = CTL_INSTALL_ROSTER, .note = buf_bytes(&note)};
		rc = connection_call(&node.line, &q, NULL, NULL, e);
	}
	if (rc == RC_OK && !app->out.quiet)
		tell(app, &r, node.member);
	node_close(&node);
	buf_release(&note);
	return rc;
}
