#include "client/post.h"

int cmd_overall(struct app *app, struct err *e)
{
	struct post p;
	struct draft d;
	draft_init(&d);
	d.value.slot = SLOT_OVERALL;
	int rc = post_read_overall(app->args, &d.value.overall, e);
	if (rc != RC_OK)
		return rc;
	rc = post_begin(&p, app, e);
	if (rc == RC_OK && !p.resumed) {
		d.task = p.task;
		d.under = p.plan;
		d.replaces = view_find(&p.view, p.task, SLOT_OVERALL, bytes_of(NULL, 0));
		d.reason = args_bytes(app->args, OPT_REASON);
		rc = post_finish(&p, app, &d, e);
	}
	post_end(&p);
	return rc;
}
