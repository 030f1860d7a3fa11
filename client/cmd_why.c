#include <stdlib.h>

#include "client/command.h"
#include "client/entries.h"
#include "client/field.h"
#include "client/show.h"
#include "client/text.h"

static void add_register(struct sheet *s, struct table *t, const struct entries_context *c,
	const struct cell_register *r)
{
	char *field = show_field(r->slot, r->holder);
	sheet_line(s, TONE_NONE, "%.*s %s", (int)r->task.n, (const char *)r->task.p, field);
	for (size_t i = 0; i < r->n; i++) {
		entries_row(t, c, r, &r->entry[i]);
		entries_block(s, c, r, &r->entry[i]);
	}
	sheet_line(s, TONE_NONE, "%s", "");
	free(field);
}

static int tell(struct app *app, const struct view *v, const struct entries_context *c,
	const struct field *only, struct err *e)
{
	struct sheet *s = sheet_new("why");
	struct table *t = entries_table_silent(s, "changes");
	bool bad = false;
	for (size_t i = 0; i < v->n_reg; i++) {
		const struct cell_register *r = &v->reg[i];
		if (only && !field_matches(only, r))
			continue;
		add_register(s, t, c, r);
		for (size_t j = 0; j < r->n; j++)
			bad = bad ||
				(r->entry[j].current &&
					!entry_verify(&r->entry[j], &c->node->roster.cluster_id));
	}
	bool found = table_rows(t) > 0;
	sheet_print(s, &app->out);
	sheet_free(s);
	if (!found)
		return err_set(e, RC_NOT_FOUND,
			tr("nothing was ever said there; deltactl task list names the tasks, "
			   "deltactl task show KEY what a task has"));
	if (bad)
		return err_set(e, RC_VERIFY,
			tr("a current value's signature does not verify; this node cannot be "
			   "trusted"));
	return RC_OK;
}

int cmd_why(struct app *app, struct err *e)
{
	return entries_of_place(
		app, (struct ctl_query){.any_holder = true, .history = true}, tell, e);
}
