#include <string.h>

#include "client/command.h"
#include "client/files.h"
#include "client/proof_node.h"
#include "client/text.h"

int cmd_policy(struct app *app, struct err *e)
{
	struct node node = {.line.fd = -1};
	struct origin origin;
	struct buf text = {0};
	uint64_t quorum;
	int rc = args_require(app->args, OPT_OUTPUT, e);
	if (rc == RC_OK)
		rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = proof_find_log(&node, app->operand[0], &origin, e);
	if (rc == RC_OK) {
		quorum = node.roster.final_quorum;
		rc = args_number(app->args, OPT_FINAL, 0, node.roster.n - 1, &quorum, e);
	}
	if (rc == RC_OK)
		rc = proof_policy(&node.roster, &origin, (unsigned)quorum, &text, e);
	if (rc == RC_OK)
		rc = file_write_new(app->args->value[OPT_OUTPUT], 0644, buf_bytes(&text), e);
	if (rc == RC_OK && !app->out.quiet) {
		struct sheet *s = sheet_new("policy");
		sheet_line(s, TONE_GOOD, tr("written: %s, for the log %s, %llu cosignatures"),
			app->args->value[OPT_OUTPUT], origin.text, (unsigned long long)quorum);
		sheet_fact(s, "origin", json_text(bytes_str(origin.text)));
		sheet_fact(s, "quorum", json_number(quorum));
		sheet_print(s, &app->out);
		sheet_free(s);
	}
	buf_release(&text);
	node_close(&node);
	return rc;
}
