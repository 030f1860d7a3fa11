#include "client/plan_view.h"

static void add_report(
	const struct view *v, const struct member *m, struct task_line *out, unsigned *sum)
{
	const struct cell_register *r = view_find(v, out->key, SLOT_REPORT, bytes_str(m->slug));
	const struct value *value = view_value(v, out->key, SLOT_REPORT, bytes_str(m->slug));
	struct task_report *to = &out->report[out->n_reports++];
	*to = (struct task_report){
		.member = m,
		.takes_part =
			out->task && task_has_participant(out->task, bytes_str(m->slug), true),
		.value = value ? &value->report : NULL,
		.conflict = r && r->n_current > 1,
	};
	if (!to->takes_part)
		return;
	out->participants++;
	if (!value)
		return;
	out->reported++;
	*sum += value->report.progress > PROGRESS_MAX ? PROGRESS_MAX : value->report.progress;
}

void task_line_make(const struct view *v, const struct roster *r, size_t from, size_t end,
	struct task_line *out)
{
	struct bytes none = bytes_of(NULL, 0);
	unsigned sum = 0;
	*out = (struct task_line){.key = v->reg[from].task};
	const struct value *task = view_value(v, out->key, SLOT_TASK, none);
	const struct value *overall = view_value(v, out->key, SLOT_OVERALL, none);
	out->task = task ? &task->task : NULL;
	out->overall = overall ? &overall->overall : NULL;
	for (size_t i = from; i < end; i++)
		out->conflicts += v->reg[i].n_current > 1;
	for (size_t i = 0; i < r->n; i++)
		if (r->member[i].role == ROLE_PROVINCE)
			add_report(v, &r->member[i], out, &sum);
	out->average = out->participants ? sum / out->participants : 0;
}
