#include <stdlib.h>

#include "client/command.h"
#include "client/show.h"
#include "client/text.h"
#include "client/view.h"

static const struct column columns[] = {
	{.key = "task", .title = N_("task")},
	{.key = "field", .title = N_("field")},
	{.key = "values", .title = N_("values"), .right = true},
	{.key = "shown", .title = N_("shown first"), .wrap = true},
};

int cmd_conflicts_list(struct app *app, struct err *e)
{
	struct node node;
	struct view v = {0};
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = view_fetch(&v, &node,
			&(struct ctl_query){
				.any_task = true, .any_holder = true, .conflicts = true},
			e);
	if (rc == RC_OK) {
		struct sheet *s = sheet_new("conflicts");
		struct table *t = sheet_table(s, "conflicts", columns, 4, NULL, tr("no conflicts"));
		for (size_t i = 0; i < v.n_reg; i++) {
			const struct cell_register *r = &v.reg[i];
			if (r->n_current < 2)
				continue;
			char *field = show_field(r->slot, r->holder);
			char *value = r->entry[0].has_value ? show_value(&r->entry[0].value)
							    : xstrdup("?");
			table_text(t, TONE_NONE, r->task, r->task.n ? NULL : "plan");
			table_text(t, TONE_NONE, bytes_str(field), NULL);
			table_number(t, r->n_current);
			table_text(t, TONE_WARN, bytes_str(value), NULL);
			free(field);
			free(value);
		}
		sheet_print(s, &app->out);
		sheet_free(s);
	}
	view_release(&v);
	node_close(&node);
	return rc;
}
