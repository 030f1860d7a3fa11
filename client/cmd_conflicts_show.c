#include "client/command.h"
#include "client/entries.h"
#include "client/field.h"
#include "client/text.h"

static int tell(struct app *app, const struct view *v, const struct entries_context *c,
	const struct field *only, struct err *e)
{
	(void)e;
	struct sheet *s = sheet_new("conflict");
	struct table *t = entries_table(s, "values", NULL, tr("no conflicts"));
	for (size_t i = 0; i < v->n_reg; i++) {
		const struct cell_register *r = &v->reg[i];
		if (r->n_current < 2)
			continue;
		if (only && !field_matches(only, r))
			continue;
		for (size_t j = 0; j < r->n_current; j++)
			entries_row(t, c, r, &r->entry[j]);
	}
	if (table_rows(t) > 0)
		sheet_line(s, TONE_NONE, "%s",
			tr("decide with deltactl conflicts resolve KEY FIELD --take CHANGE"));
	sheet_print(s, &app->out);
	sheet_free(s);
	return RC_OK;
}

int cmd_conflicts_show(struct app *app, struct err *e)
{
	return entries_of_place(
		app, (struct ctl_query){.any_holder = true, .conflicts = true}, tell, e);
}
