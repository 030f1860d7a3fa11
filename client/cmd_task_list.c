#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/plan_view.h"
#include "client/show.h"
#include "client/text.h"

enum fixed_column { COL_KEY, COL_STATUS, COL_MARK, COL_AVERAGE, COL_BEFORE_REPORTS };
static const struct column before[] = {
	[COL_KEY] = {.key = "key", .title = N_("task key")},
	[COL_STATUS] = {.key = "status", .title = N_("overall")},
	[COL_MARK] = {.key = "conflicts", .title = "", .optional = true},
	[COL_AVERAGE] = {.key = "average_progress", .title = N_("avg"), .right = true},
};
static const struct column after[] = {
	{.key = "reports", .no_tsv = true},
	{.key = "start"},
	{.key = "due", .title = N_("due"), .optional = true, .leave_out = 2},
	{.key = "lead", .title = N_("lead"), .optional = true, .leave_out = 1},
	{.key = "area"},
	{.key = "withdrawn"},
	{.key = "title", .title = N_("title"), .wrap = true},
};
#define AFTER (sizeof after / sizeof after[0])

struct filter {
	uint64_t area; /* 0: any */
	struct bytes province, lead;
	uint32_t status;
};

static int known_member(const struct roster *r, struct bytes slug, enum opt o, struct err *e)
{
	if (slug.n == 0 || roster_find(r, slug) >= 0)
		return RC_OK;
	return err_set(e, RC_NOT_FOUND,
		tr("%s: no member \"%.40s\" in the roster; deltactl roster show names them"),
		args_name(o), (const char *)slug.p);
}

static int read_filter(const struct args *a, struct filter *f, struct err *e)
{
	*f = (struct filter){
		.province = args_bytes(a, OPT_PROVINCE),
		.lead = args_bytes(a, OPT_LEAD),
	};
	int rc = args_number(a, OPT_AREA, 1, 99, &f->area, e);
	if (rc == RC_OK && args_has(a, OPT_STATUS)) {
		f->status = status_named(args_bytes(a, OPT_STATUS));
		if (f->status == 0)
			rc = err_set(e, RC_USAGE, tr("--status: no status \"%.40s\""),
				a->value[OPT_STATUS]);
	}
	return rc;
}

static bool has_status(const struct task_line *l, const struct filter *f)
{
	if (f->status == 0)
		return true;
	if (f->province.n == 0 && l->overall && l->overall->status == f->status)
		return true;
	for (size_t i = 0; i < l->n_reports; i++) {
		const struct task_report *r = &l->report[i];
		if (f->province.n && !bytes_equal(bytes_str(r->member->slug), f->province))
			continue;
		if (r->value && r->value->status == f->status)
			return true;
	}
	return false;
}

static bool passes(const struct task_line *l, const struct filter *f)
{
	if (f->area && task_key_area(l->key) != f->area)
		return false;
	if (f->lead.n && !(l->task && bytes_equal(l->task->lead, f->lead)))
		return false;
	if (f->province.n && !(l->task && task_has_participant(l->task, f->province, true)))
		return false;
	return has_status(l, f);
}

static json_t *reports_json(const struct task_line *l)
{
	json_t *list = json_array();
	for (size_t i = 0; i < l->n_reports; i++) {
		const struct task_report *r = &l->report[i];
		const char *status = r->value ? status_name(r->value->status) : NULL;
		if (!r->takes_part && !r->value)
			continue;
		json_array_append_new(list,
			json_pack("{s:s, s:s*, s:o, s:o, s:b, s:b}", "member", r->member->slug,
				"status", status, "progress",
				r->value ? json_integer(r->value->progress) : json_null(), "as_of",
				json_date(r->value ? r->value->as_of : 0), "conflict", r->conflict,
				"demo", r->value && r->value->demo));
	}
	return list;
}

static enum tone status_tone(uint32_t status)
{
	return status == STATUS_DELAYED					? TONE_BAD
		: status == STATUS_SUSPENDED				? TONE_WARN
		: status == STATUS_DONE_HERE || status == STATUS_CLOSED ? TONE_GOOD
									: TONE_NONE;
}

/* "in_progress:60" for machines; for people "60%", with the status unless it is in progress; "·"
 * where the province takes no part. */
static void report_cell(struct table *t, const struct task_report *r)
{
	const char *status = r->value ? status_name(r->value->status) : NULL;
	if (!status) {
		table_cell(t, TONE_FAINT, json_null(), r->takes_part ? "-" : "·");
		return;
	}
	bool usual = r->value->status == STATUS_IN_PROGRESS;
	char *shown = show_text("%3u%%%s%s%s", r->value->progress, usual ? "" : " ",
		usual ? "" : tr_word(status), r->conflict ? " !" : "");
	table_cell(t, r->conflict ? TONE_WARN : status_tone(r->value->status),
		json_sprintf("%s:%u", status, r->value->progress), shown);
	free(shown);
}

static void status_cell(struct table *t, const struct task_line *l)
{
	const char *status = l->task && l->task->withdrawn ? status_name(STATUS_WITHDRAWN)
		: l->overall				   ? status_name(l->overall->status)
							   : NULL;
	table_text(t, l->overall ? status_tone(l->overall->status) : TONE_NONE,
		bytes_str(status ? status : ""), status ? tr_word(status) : NULL);
}

static void lead_cell(struct table *t, struct bytes lead, const struct roster *r)
{
	struct bytes name = show_member_bytes(r, lead);
	char *shown = show_text("%.*s", (int)name.n, (const char *)name.p);
	table_text(t, TONE_NONE, lead, lead.n ? shown : NULL);
	free(shown);
}

static void add_line(struct table *t, const struct task_line *l, const struct roster *r)
{
	struct bytes none = bytes_of(NULL, 0);
	char average[8];
	snprintf(average, sizeof average, "%u%%", l->average);
	table_text(t, TONE_NONE, l->key, NULL);
	status_cell(t, l);
	table_cell(t, TONE_WARN, json_number(l->conflicts), l->conflicts ? "!" : "");
	table_cell(t, TONE_NONE, json_number(l->average), average);
	for (size_t i = 0; i < l->n_reports; i++)
		report_cell(t, &l->report[i]);
	table_cell(t, TONE_NONE, reports_json(l), NULL);
	table_cell(t, TONE_NONE, json_date(l->task ? l->task->start : 0), NULL);
	table_cell(t, TONE_NONE, json_date(l->task ? l->task->due : 0), NULL);
	lead_cell(t, l->task ? l->task->lead : none, r);
	table_number(t, task_key_area(l->key));
	table_cell(t, TONE_NONE, json_boolean(l->task && l->task->withdrawn), NULL);
	table_text(t, TONE_NONE, l->task ? l->task->title : none, NULL);
}

/* The fixed columns, and one for each province of the roster. */
static size_t make_columns(const struct roster *r, struct column *out)
{
	size_t n = COL_BEFORE_REPORTS;
	memcpy(out, before, sizeof before);
	for (size_t i = 0; i < r->n; i++)
		if (r->member[i].role == ROLE_PROVINCE)
			out[n++] = (struct column){
				.key = r->member[i].slug,
				.title = show_member(r, r->member[i].slug),
				.no_json = true,
			};
	memcpy(out + n, after, sizeof after);
	return n + AFTER;
}

static void tell(
	struct app *app, const struct view *v, const struct roster *r, const struct filter *f)
{
	struct column columns[COL_BEFORE_REPORTS + LIMIT_MEMBERS + AFTER];
	size_t n = make_columns(r, columns), end, conflicts = 0;
	struct sheet *s = sheet_new("task-list");
	struct table *t = sheet_table(s, "tasks", columns, n, NULL, tr("no task matches"));
	for (size_t from = 0; view_next_task(v, &from, &end); from = end) {
		struct task_line line;
		task_line_make(v, r, from, end, &line);
		if (line.key.n == 0 || !passes(&line, f))
			continue;
		conflicts += line.conflicts > 0;
		add_line(t, &line, r);
	}
	if (conflicts > 0)
		sheet_line(s, TONE_WARN,
			tr("! %zu tasks hold conflicting values; deltactl conflicts"), conflicts);
	sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_task_list(struct app *app, struct err *e)
{
	struct node node;
	struct view view = {0};
	struct filter filter;
	int rc = read_filter(app->args, &filter, e);
	if (rc != RC_OK)
		return rc;
	rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = known_member(&node.roster, filter.province, OPT_PROVINCE, e);
	if (rc == RC_OK)
		rc = known_member(&node.roster, filter.lead, OPT_LEAD, e);
	if (rc == RC_OK)
		rc = view_fetch(
			&view, &node, &(struct ctl_query){.any_task = true, .any_holder = true}, e);
	if (rc == RC_OK)
		tell(app, &view, &node.roster, &filter);
	view_release(&view);
	node_close(&node);
	return rc;
}
