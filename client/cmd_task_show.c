#include <stdlib.h>

#include "client/command.h"
#include "client/entries.h"
#include "client/field.h"
#include "client/show.h"
#include "client/text.h"

static void describe(
	struct sheet *s, struct bytes key, const struct task_value *t, const struct roster *r)
{
	char start[DATE_TEXT_SIZE], due[DATE_TEXT_SIZE];
	struct buf who = {0};
	show_date(t->start, start);
	show_date(t->due, due);
	struct bytes lead = t->lead.n ? show_member_bytes(r, t->lead) : bytes_str("-");
	for (size_t i = 0; i < t->n_participants; i++) {
		buf_put_str(&who, i ? tr_word(", ") : "");
		buf_put_bytes(&who, show_member_bytes(r, t->participants[i]));
	}
	buf_put_u8(&who, 0);
	sheet_line(s, TONE_NONE, "%.*s  %.*s%s%s", (int)key.n, (const char *)key.p, (int)t->title.n,
		(const char *)t->title.p, t->withdrawn ? "  " : "",
		t->withdrawn ? tr_word("withdrawn") : "");
	if (t->full.n)
		sheet_line(s, TONE_NONE, "%.*s", (int)t->full.n, (const char *)t->full.p);
	sheet_line(s, TONE_NONE, tr("lead %.*s; participants %s"), (int)lead.n,
		(const char *)lead.p,
		t->n_participants ? (const char *)who.p : tr("every province"));
	if (t->start || t->due)
		sheet_line(s, TONE_NONE, tr("from %s to %s"), start, due);
	buf_release(&who);
}

static size_t add_rows(struct table *t, const struct view *v, const struct entries_context *c)
{
	size_t conflicts = 0;
	for (size_t i = 0; i < v->n_reg; i++) {
		const struct cell_register *r = &v->reg[i];
		conflicts += r->n_current > 1;
		for (size_t j = 0; j < r->n; j++)
			entries_row(t, c, r, &r->entry[j]);
	}
	return conflicts;
}

static int tell(struct app *app, const struct view *v, const struct entries_context *c,
	struct bytes key, struct err *e)
{
	struct sheet *s = sheet_new("task");
	const struct value *task = view_value(v, key, SLOT_TASK, bytes_of(NULL, 0));
	if (task)
		describe(s, key, &task->task, &c->node->roster);
	sheet_fact(s, "key", json_text(key));
	sheet_fact(s, "task", task ? value_json(task) : json_null());
	struct table *t = entries_table(s, "values", NULL, NULL);
	size_t conflicts = add_rows(t, v, c);
	if (conflicts > 0)
		sheet_line(s, TONE_WARN,
			tr("! %zu registers hold several values; deltactl conflicts show %.*s"),
			conflicts, (int)key.n, (const char *)key.p);
	bool found = table_rows(t) > 0;
	if (found)
		sheet_print(s, &app->out);
	sheet_free(s);
	if (found)
		return RC_OK;
	return err_set(e, RC_NOT_FOUND, tr("task %.*s is not in the plan; deltactl task list"),
		(int)key.n, (const char *)key.p);
}

int cmd_task_show(struct app *app, struct err *e)
{
	struct node node;
	struct operator_list operators = {0};
	struct view view = {0};
	struct bytes key;
	int rc = field_parse_key(app->operand[0], &key, e);
	if (rc != RC_OK)
		return rc;
	rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = operator_list_fetch(&operators, &node, e);
	if (rc == RC_OK)
		rc = view_fetch(&view, &node,
			&(struct ctl_query){.task = key,
				.any_holder = true,
				.history = args_has(app->args, OPT_HISTORY)},
			e);
	if (rc == RC_OK) {
		struct entries_context c = {&node, &operators};
		rc = tell(app, &view, &c, key, e);
	}
	view_release(&view);
	operator_list_release(&operators);
	node_close(&node);
	return rc;
}
