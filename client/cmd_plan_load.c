#include <stdlib.h>

#include "client/changes.h"
#include "client/command.h"
#include "client/files.h"
#include "client/plan.h"
#include "client/text.h"

struct loading {
	struct changes *changes;
	struct view view; /* of the whole plan */
	size_t same, differing;
	bool dry_run;
};

/* Does the register hold this very value, and nothing else? A file does not say withdrawn; that is
 * kept as it stands. */
static int is_same(
	const struct plan_row *row, const struct cell_register *r, bool *same, struct err *e)
{
	struct buf value = {0};
	*same = false;
	if (!r || r->n_current != 1 || !r->entry[0].has_change)
		return RC_OK;
	int rc = value_encode(&row->value, &value, e);
	if (rc == RC_OK)
		*same = bytes_equal(buf_bytes(&value), r->entry[0].change.value);
	buf_release(&value);
	return rc;
}

static void keep_withdrawn(struct plan_row *row, const struct cell_register *r)
{
	if (row->value.slot == SLOT_TASK && r && r->n_current > 0 && r->entry[0].has_value)
		row->value.task.withdrawn = r->entry[0].value.task.withdrawn;
}

static int load_row(struct loading *l, struct plan_row *row, struct err *e)
{
	bool same;
	const struct cell_register *r =
		view_find(&l->view, row->task, (uint32_t)row->value.slot, row->holder);
	keep_withdrawn(row, r);
	int rc = is_same(row, r, &same, e);
	if (rc != RC_OK || same) {
		l->same += same;
		return rc;
	}
	struct draft d;
	draft_init(&d);
	d.task = row->task;
	d.holder = row->holder;
	d.value = row->value;
	d.replaces = r;
	l->differing++;
	if (l->dry_run) {
		rc = changes_check(l->changes, &d, e);
	} else {
		if (changes_is_full(l->changes))
			rc = changes_post(l->changes, e);
		if (rc == RC_OK)
			rc = changes_add(l->changes, &d, e);
	}
	if (rc != RC_OK && rc != RC_UNKNOWN_OUTCOME)
		err_prefix(e, tr("line %u"), row->line);
	return rc;
}

static int load_rows(struct loading *l, struct plan *plan, struct err *e)
{
	int rc = view_fetch(&l->view, &l->changes->node,
		&(struct ctl_query){.any_task = true, .any_holder = true}, e);
	for (size_t i = 0; rc == RC_OK && i < plan->n; i++)
		rc = load_row(l, &plan->row[i], e);
	return rc == RC_OK && !l->dry_run ? changes_post(l->changes, e) : rc;
}

static void tell(struct app *app, const struct loading *l)
{
	struct sheet *s = sheet_new("plan-load");
	sheet_line(s, TONE_NONE,
		l->dry_run ? tr("%zu rows would be posted, %zu stand there already")
			   : tr("%zu rows posted, %zu stood there already"),
		l->differing, l->same);
	sheet_fact(s, "posted", json_number(l->dry_run ? 0 : l->differing));
	sheet_fact(s, "differing", json_number(l->differing));
	sheet_fact(s, "same", json_number(l->same));
	if (!app->out.quiet)
		sheet_print(s, &app->out);
	sheet_free(s);
}

static int load(struct loading *l, struct app *app, struct plan *plan, struct err *e)
{
	int rc = changes_begin(l->changes, 0, app->args, e);
	if (rc == RC_OK && !l->dry_run)
		rc = changes_resume(l->changes, e);
	/* What an earlier run left is posted now; the rest of the file follows as ever. */
	if (rc == RC_OK || rc == CHANGES_RESUMED)
		rc = load_rows(l, plan, e);
	if (rc == RC_OK || rc == RC_UNKNOWN_OUTCOME || l->changes->n_posted == 0)
		return rc;
	struct err why = *e;
	return err_set(e, RC_PARTLY,
		tr("%zu rows were posted, the rest not: %s: %.200s; mend that and run it again: "
		   "what is posted is not posted twice"),
		l->changes->n_posted, rc_id(why.rc), why.text);
}

int cmd_plan_load(struct app *app, struct err *e)
{
	struct buf text = {0};
	struct plan plan = {0};
	struct loading l = {
		.changes = xalloc(sizeof *l.changes),
		.dry_run = args_has(app->args, OPT_DRY_RUN),
	};
	l.changes->node.line.fd = -1;
	int rc = file_read(app->operand[0], PLAN_FILE_MAX, &text, e);
	if (rc == RC_OK)
		rc = plan_parse(&plan, buf_bytes(&text), e);
	if (rc == RC_OK)
		rc = load(&l, app, &plan, e);
	if (rc == RC_OK)
		tell(app, &l);
	changes_end(l.changes);
	free(l.changes);
	view_release(&l.view);
	plan_release(&plan);
	buf_release(&text);
	return rc;
}
