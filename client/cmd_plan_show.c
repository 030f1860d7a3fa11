#include "client/command.h"
#include "client/show.h"
#include "client/text.h"
#include "client/view.h"
#include "proto/base/text.h"

static const struct column columns[] = {
	{.key = "area", .title = N_("area"), .right = true},
	{.key = "planned", .title = N_("planned"), .right = true},
	{.key = "tasks", .title = N_("loaded"), .right = true},
	{.key = "named", .title = N_("named"), .right = true},
	{.key = "withdrawn", .title = N_("withdrawn"), .right = true},
	{.key = "alias"},
	{.key = "title", .title = N_("name"), .wrap = true},
};

struct area_count {
	bool known;
	const struct area_value *value;
	uint64_t tasks, named, withdrawn;
};

#define AREAS_MAX 99

static void count_task(struct area_count *areas, const struct cell_register *r)
{
	const struct value *v = r->n_current && r->entry[0].has_value ? &r->entry[0].value : NULL;
	unsigned area = task_key_area(r->task);
	if (!v || area == 0 || area > AREAS_MAX)
		return;
	areas[area].known = true;
	areas[area].tasks++;
	areas[area].named += v->task.source != SOURCE_PLACEHOLDER;
	areas[area].withdrawn += v->task.withdrawn;
}

static void note_area(struct area_count *areas, const struct cell_register *r)
{
	uint64_t area;
	if (!decimal_parse(r->holder, AREAS_MAX, &area) || r->n_current == 0 ||
		!r->entry[0].has_value)
		return;
	areas[area].known = true;
	areas[area].value = &r->entry[0].value.area;
}

static void tell(struct app *app, const struct view *v)
{
	struct area_count areas[AREAS_MAX + 1] = {0};
	uint64_t planned = 0, tasks = 0;
	for (size_t i = 0; i < v->n_reg; i++) {
		if (v->reg[i].slot == SLOT_TASK)
			count_task(areas, &v->reg[i]);
		else if (v->reg[i].slot == SLOT_AREA)
			note_area(areas, &v->reg[i]);
	}
	struct sheet *s = sheet_new("plan");
	struct table *t = sheet_table(s, "areas", columns, 7, NULL,
		tr("no plan yet; the regional office loads it with deltactl plan load"));
	for (size_t i = 1; i <= AREAS_MAX; i++) {
		const struct area_count *a = &areas[i];
		if (!a->known)
			continue;
		planned += a->value ? a->value->planned : 0;
		tasks += a->tasks;
		table_number(t, i);
		table_number(t, a->value ? a->value->planned : 0);
		table_number(t, a->tasks);
		table_number(t, a->named);
		table_number(t, a->withdrawn);
		table_text(t, TONE_NONE, a->value ? a->value->alias : bytes_of(NULL, 0), NULL);
		table_text(t, TONE_NONE, a->value ? a->value->title : bytes_of(NULL, 0), NULL);
	}
	if (table_rows(t) > 0)
		sheet_line(s, TONE_NONE, tr("%llu tasks planned, %llu loaded"),
			(unsigned long long)planned, (unsigned long long)tasks);
	sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_plan_show(struct app *app, struct err *e)
{
	struct node node;
	struct view v = {0};
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = view_fetch(
			&v, &node, &(struct ctl_query){.any_task = true, .any_holder = true}, e);
	if (rc == RC_OK)
		tell(app, &v);
	view_release(&v);
	node_close(&node);
	return rc;
}
