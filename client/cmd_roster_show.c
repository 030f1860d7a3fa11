#include "client/command.h"
#include "client/node.h"
#include "client/roster_text.h"

static int print_roster(struct app *app, struct bytes note, const struct roster *r, struct err *e)
{
	struct sheet *s = sheet_new("roster");
	int rc = roster_describe(s, note, r, e);
	if (rc == RC_OK)
		sheet_print(s, &app->out);
	sheet_free(s);
	return rc;
}

static int show_file(struct app *app, struct err *e)
{
	struct buf note = {0};
	struct roster r;
	int rc = roster_read(app->operand[0], &note, &r, e);
	if (rc == RC_OK)
		rc = print_roster(app, buf_bytes(&note), &r, e);
	buf_release(&note);
	return rc;
}

int cmd_roster_show(struct app *app, struct err *e)
{
	if (app->n_operands > 0)
		return show_file(app, e);
	struct node node;
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = print_roster(app, buf_bytes(&node.note), &node.roster, e);
	node_close(&node);
	return rc;
}
