#include "client/post.h"

#include <stdlib.h>

#include "client/field.h"
#include "client/show.h"
#include "client/text.h"

static int read_task(struct post *p, struct err *e)
{
	int rc = view_fetch(&p->view, &p->changes->node,
		&(struct ctl_query){.task = p->task, .any_holder = true}, e);
	if (rc != RC_OK)
		return rc;
	const struct cell_register *r = view_find(&p->view, p->task, SLOT_TASK, bytes_of(NULL, 0));
	p->plan = r && r->n_current > 0 ? &r->entry[0] : NULL;
	if (p->task.n > 0 && !p->plan)
		return err_set(e, RC_NOT_FOUND,
			tr("task %.*s is not in the plan; deltactl task list"), (int)p->task.n,
			(const char *)p->task.p);
	return RC_OK;
}

int post_begin(struct post *p, struct app *app, struct err *e)
{
	*p = (struct post){.changes = xalloc(sizeof *p->changes)};
	p->changes->node.line.fd = -1;
	int rc = field_parse_key(app->operand[0], &p->task, e);
	if (rc == RC_OK)
		rc = changes_begin(p->changes, 0, app->args, e);
	if (rc != RC_OK)
		return rc;
	if (!args_has(app->args, OPT_DRY_RUN))
		rc = changes_resume(p->changes, e);
	if (rc == CHANGES_RESUMED) {
		p->resumed = true;
		changes_report(p->changes, &app->out);
		return RC_OK;
	}
	return rc == RC_OK ? read_task(p, e) : rc;
}

/* "3-05 report:jiangsu: in progress 60 %, …". */
static char *draft_text(const struct draft *d)
{
	struct bytes task = d->task.n ? d->task : bytes_str("plan");
	char *field = show_field_brief((uint32_t)d->value.slot, d->holder),
	     *value = show_value(&d->value);
	char *text = show_text("%.*s %s: %s", (int)task.n, (const char *)task.p, field, value);
	free(field);
	free(value);
	return text;
}

/* A person sees what stands there now: a report keeps what was not given anew. */
static void tell_value(const struct draft *d, const struct output *o)
{
	if (o->mode != OUTPUT_SCREEN || o->quiet)
		return;
	struct sheet *s = sheet_new("value");
	char *text = draft_text(d);
	sheet_line(s, TONE_NONE, "%s", text);
	sheet_print(s, o);
	sheet_free(s);
	free(text);
}

static void report_dry_run(const struct draft *d, const struct output *o)
{
	struct sheet *s = sheet_new("dry-run");
	char *field = show_field((uint32_t)d->value.slot, d->holder), *text = draft_text(d);
	sheet_line(s, TONE_NONE, tr("would be posted: %s"), text);
	sheet_fact(s, "task", json_text(d->task));
	sheet_fact(s, "field", json_text(bytes_str(field)));
	sheet_fact(s, "value", value_json(&d->value));
	sheet_fact(s, "supersedes", json_number(d->replaces ? d->replaces->n_current : 0));
	sheet_print(s, o);
	sheet_free(s);
	free(field);
	free(text);
}

int post_finish(struct post *p, struct app *app, const struct draft *d, struct err *e)
{
	if (args_has(app->args, OPT_DRY_RUN)) {
		int rc = changes_check(p->changes, d, e);
		if (rc == RC_OK)
			report_dry_run(d, &app->out);
		return rc;
	}
	int rc = changes_add(p->changes, d, e);
	if (rc == RC_OK)
		rc = changes_post(p->changes, e);
	if (rc == RC_OK) {
		tell_value(d, &app->out);
		changes_report(p->changes, &app->out);
	}
	return rc;
}

void post_end(struct post *p)
{
	changes_end(p->changes);
	view_release(&p->view);
	free(p->changes);
}

static int read_status(const struct args *a, uint32_t *out, struct err *e)
{
	if (!args_has(a, OPT_STATUS))
		return RC_OK;
	*out = status_named(args_bytes(a, OPT_STATUS));
	if (*out != 0)
		return RC_OK;
	return err_set(e, RC_USAGE,
		tr("--status: no status \"%.40s\"; not_started, in_progress, delayed, suspended, "
		   "done_here, pending_closure, closed, withdrawn"),
		a->value[OPT_STATUS]);
}

/* What is not given stays as it was; "" empties it. */
static void read_text(const struct args *a, enum opt o, struct bytes *text)
{
	if (args_has(a, o))
		*text = args_bytes(a, o);
}

/* Does anything of the former report stay? Then it keeps its mark of demonstration data. */
static bool keeps_something(const struct args *a, const struct report_value *old)
{
	return !args_has(a, OPT_STATUS) || !args_has(a, OPT_PROGRESS) ||
		(old->note.n > 0 && !args_has(a, OPT_NOTE)) ||
		(old->problem.n > 0 && !args_has(a, OPT_PROBLEM)) ||
		(old->next.n > 0 && !args_has(a, OPT_NEXT)) || old->n_evidence > 0;
}

int post_read_report(const struct args *a, const struct report_value *old, struct report_value *out,
	struct err *e)
{
	*out = old ? *old : (struct report_value){0};
	out->as_of = show_today(wall_now_ms());
	read_text(a, OPT_NOTE, &out->note);
	read_text(a, OPT_PROBLEM, &out->problem);
	read_text(a, OPT_NEXT, &out->next);
	out->demo = args_has(a, OPT_DEMO) || (old && old->demo && keeps_something(a, old));
	uint64_t progress = out->progress;
	int rc = read_status(a, &out->status, e);
	if (rc == RC_OK && out->status == 0)
		rc = err_set(e, RC_USAGE, tr("the first report on a task needs --status"));
	if (rc == RC_OK && out->status == STATUS_DONE_HERE)
		progress = PROGRESS_MAX;
	if (rc == RC_OK)
		rc = args_number(a, OPT_PROGRESS, 0, UINT32_MAX, &progress, e);
	if (rc == RC_OK)
		rc = args_date(a, OPT_AS_OF, &out->as_of, e);
	out->progress = (uint32_t)progress;
	return rc;
}

int post_read_overall(const struct args *a, struct overall_value *out, struct err *e)
{
	*out = (struct overall_value){
		.summary = args_bytes(a, OPT_SUMMARY),
		.demo = args_has(a, OPT_DEMO),
	};
	int rc = args_require(a, OPT_STATUS, e);
	return rc == RC_OK ? read_status(a, &out->status, e) : rc;
}
