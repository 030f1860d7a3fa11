#include "client/field.h"
#include "client/post.h"
#include "client/text.h"

static int take_value(const struct cell_register *r, const char *prefix,
	const struct hash *cluster_id, struct value *out, struct err *e)
{
	const struct entry *x;
	int rc = field_find_change(r->entry, r->n_current, prefix, &x, e);
	if (rc != RC_OK)
		return rc;
	if (!x->has_value)
		return err_set(e, RC_REFUSED, tr("that value cannot be read by this version"));
	if (!entry_verify(x, cluster_id))
		return err_set(
			e, RC_VERIFY, tr("the signature of change %.64s does not verify"), prefix);
	*out = x->value;
	return RC_OK;
}

static int new_value(const struct args *a, struct value *out, struct err *e)
{
	if (out->slot == SLOT_REPORT)
		return post_read_report(a, NULL, &out->report, e);
	if (out->slot == SLOT_OVERALL)
		return post_read_overall(a, &out->overall, e);
	return err_set(
		e, RC_USAGE, tr("here a value that stands there must be taken: --take CHANGE"));
}

static int resolve(struct post *p, struct app *app, struct err *e)
{
	struct field f;
	struct draft d;
	struct bytes self = bytes_str(p->changes->node.member);
	int rc = field_parse(app->operand[1], self, &f, e);
	if (rc != RC_OK)
		return rc;
	const struct cell_register *r = view_find(&p->view, p->task, f.slot, f.holder);
	if (!r || r->n_current < 2)
		return err_set(e, RC_NOT_FOUND, tr("no conflict stands there; deltactl conflicts"));
	draft_init(&d);
	d.task = p->task;
	d.holder = f.holder;
	d.replaces = r;
	d.reason = args_bytes(app->args, OPT_REASON);
	d.under = slot_find(f.slot)->under_task ? p->plan : NULL;
	d.value.slot = (enum slot)f.slot;
	const char *prefix = app->args->value[OPT_TAKE];
	rc = prefix ? take_value(r, prefix, &p->changes->node.roster.cluster_id, &d.value, e)
		    : new_value(app->args, &d.value, e);
	return rc == RC_OK ? post_finish(p, app, &d, e) : rc;
}

int cmd_conflicts_resolve(struct app *app, struct err *e)
{
	static const enum opt own[] = {OPT_STATUS, OPT_PROGRESS, OPT_NOTE, OPT_AS_OF, OPT_PROBLEM,
		OPT_NEXT, OPT_SUMMARY, OPT_DEMO};
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		int rc = args_exclude(app->args, OPT_TAKE, own[i], e);
		if (rc != RC_OK)
			return rc;
	}
	struct post p;
	int rc = post_begin(&p, app, e);
	if (rc == RC_OK && !p.resumed)
		rc = resolve(&p, app, e);
	post_end(&p);
	return rc;
}
