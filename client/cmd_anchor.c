#include <string.h>

#include "client/command.h"
#include "client/node.h"
#include "client/text.h"

struct anchored {
	char origin[ORIGIN_SIZE];
	uint64_t index;
	struct hash leaf;
};

static int on_reply(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct anchored *a = arg;
	bool well = r->kind == CTL_REPLY_POST && r->post.n == 1 &&
		r->post.posted[0].origin.n < sizeof a->origin &&
		r->post.posted[0].change_id.n == HASH_BYTES;
	if (!well)
		return err_set(e, RC_PEER_MESSAGE, tr("the node did not say where the anchor is"));
	const struct ctl_posted *p = &r->post.posted[0];
	memcpy(a->origin, p->origin.p, p->origin.n);
	a->index = p->index;
	memcpy(a->leaf.b, p->change_id.p, HASH_BYTES);
	return RC_OK;
}

static void tell(struct app *app, const struct anchored *a)
{
	struct sheet *s = sheet_new("anchor");
	sheet_line(s, TONE_GOOD,
		tr("anchored: entry %llu of %s names the heads of all logs and the view root"),
		(unsigned long long)a->index, a->origin);
	sheet_fact(s, "origin", json_text(bytes_str(a->origin)));
	sheet_fact(s, "index", json_number(a->index));
	sheet_fact(s, "leaf_hash", json_hex(hash_bytes(&a->leaf)));
	sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_anchor(struct app *app, struct err *e)
{
	struct node node;
	struct anchored a = {0};
	struct ctl_request r = {.kind = CTL_ANCHOR};
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = connection_call(&node.line, &r, on_reply, &a, e);
	if (rc == RC_OK && !app->out.quiet)
		tell(app, &a);
	node_close(&node);
	return rc;
}
