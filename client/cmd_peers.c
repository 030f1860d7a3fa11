#include "client/agreement.h"
#include "client/command.h"
#include "client/peers.h"

static int on_status(void *arg, const struct ctl_status *s, struct err *e)
{
	struct app *app = arg;
	(void)e;
	struct sheet *sheet = sheet_new("peers");
	peers_table_full(sheet, s);
	sheet_print(sheet, &app->out);
	sheet_free(sheet);
	return RC_OK;
}

int cmd_peers(struct app *app, struct err *e)
{
	struct node node;
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = status_fetch(&node, on_status, app, e);
	node_close(&node);
	return rc;
}
