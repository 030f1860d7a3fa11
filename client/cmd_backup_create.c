#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/files.h"
#include "client/node.h"
#include "client/text.h"

#define VERIFY_MS ((int64_t)3600 * 1000) /* a second for some ten thousand entries */

static int tell(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct app *app = arg;
	(void)e;
	if (r->kind != CTL_REPLY_BACKUP)
		return RC_OK;
	struct sheet *s = sheet_new("backup");
	sheet_line(s, TONE_GOOD, tr("%.*s: verified and signed, %llu bytes"), (int)r->backup.path.n,
		(const char *)r->backup.path.p, (unsigned long long)r->backup.bytes);
	sheet_fact(s, "file", json_text(r->backup.path));
	sheet_fact(s, "bytes", json_number(r->backup.bytes));
	sheet_fact(s, "stall_ms", json_number(r->backup.stall_ms));
	if (!app->out.quiet)
		sheet_print(s, &app->out);
	sheet_free(s);
	return RC_OK;
}

int cmd_backup_create(struct app *app, struct err *e)
{
	char folder[PATH_MAX];
	struct node node = {.line.fd = -1};
	if (realpath(app->operand[0], folder) == NULL)
		return file_error(app->operand[0], errno, e);
	if (strlen(folder) > CTL_PATH_BYTES)
		return err_set(e, RC_TOO_BIG, tr("the folder's path has more than %d bytes"),
			CTL_PATH_BYTES);
	int rc = node_open(&node, app->args, e);
	if (rc == RC_OK) {
		struct ctl_request q = {.kind = CTL_BACKUP, .folder = bytes_str(folder)};
		node.line.timeout_ms = VERIFY_MS;
		rc = connection_call(&node.line, &q, tell, app, e);
	}
	node_close(&node);
	return rc;
}
