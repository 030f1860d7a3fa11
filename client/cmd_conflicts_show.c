#include "client/command.h"
#include "client/entries.h"
#include "client/field.h"
#include "client/text.h"

static void tell(struct app *app, const struct view *v, const struct entries_context *c,
	const struct field *only)
{
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
}

int cmd_conflicts_show(struct app *app, struct err *e)
{
	struct node node;
	struct operator_list operators = {0};
	struct view view = {0};
	struct field field;
	struct bytes key;
	bool one = app->n_operands > 1;
	int rc = field_parse_key(app->operand[0], &key, e);
	if (rc != RC_OK)
		return rc;
	rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK && one)
		rc = field_parse(app->operand[1], bytes_str(node.member), &field, e);
	if (rc == RC_OK)
		rc = operator_list_fetch(&operators, &node, e);
	if (rc == RC_OK)
		rc = view_fetch(&view, &node,
			&(struct ctl_query){.task = key, .any_holder = true, .conflicts = true}, e);
	if (rc == RC_OK) {
		struct entries_context c = {&node, &operators};
		tell(app, &view, &c, one ? &field : NULL);
	}
	view_release(&view);
	operator_list_release(&operators);
	node_close(&node);
	return rc;
}
