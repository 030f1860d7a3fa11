#include <stdio.h>

#include "client/post.h"
#include "client/text.h"

static bool says_something(const struct args *a)
{
	return args_has(a, OPT_STATUS) || args_has(a, OPT_PROGRESS) || args_has(a, OPT_NOTE) ||
		args_has(a, OPT_PROBLEM) || args_has(a, OPT_NEXT);
}

/* What is not given stays, and a task that is delayed no more would go on showing why it was. */
static void tell_kept(
	const struct app *app, const struct report_value *old, const struct report_value *now)
{
	bool problem = now->problem.n > 0 && !args_has(app->args, OPT_PROBLEM);
	bool next = now->next.n > 0 && !args_has(app->args, OPT_NEXT);
	if (app->out.quiet || !old || old->status != STATUS_DELAYED ||
		now->status == STATUS_DELAYED || (!problem && !next))
		return;
	fprintf(stderr, tr("what the delayed report said stays; to empty it: %s%s%s"),
		problem ? "--problem \"\"" : "", problem && next ? " " : "",
		next ? "--next \"\"" : "");
	fputc('\n', stderr);
}

static int report(struct post *p, struct app *app, struct err *e)
{
	struct bytes self = bytes_str(p->changes->node.member);
	const struct cell_register *r = view_find(&p->view, p->task, SLOT_REPORT, self);
	const struct value *old = view_value(&p->view, p->task, SLOT_REPORT, self);
	struct draft d;
	draft_init(&d);
	d.task = p->task;
	d.holder = self;
	d.under = p->plan;
	d.replaces = r;
	d.reason = args_bytes(app->args, OPT_REASON);
	d.value.slot = SLOT_REPORT;
	int rc = post_read_report(app->args, old ? &old->report : NULL, &d.value.report, e);
	if (rc == RC_OK)
		rc = post_finish(p, app, &d, e);
	if (rc == RC_OK)
		tell_kept(app, old ? &old->report : NULL, &d.value.report);
	return rc;
}

int cmd_report(struct app *app, struct err *e)
{
	struct post p;
	struct report_value unused;
	const struct report_value any = {.status = STATUS_IN_PROGRESS};
	if (!says_something(app->args))
		return err_set(e, RC_USAGE,
			tr("nothing to report; give --status, --progress, --note, --problem or "
			   "--next"));
	/* How it is written is looked at before the node is asked anything. */
	int rc = post_read_report(app->args, &any, &unused, e);
	if (rc != RC_OK)
		return rc;
	rc = post_begin(&p, app, e);
	if (rc == RC_OK && !p.resumed)
		rc = report(&p, app, e);
	post_end(&p);
	return rc;
}
