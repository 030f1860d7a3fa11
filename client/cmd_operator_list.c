#include <stdlib.h>

#include "client/command.h"
#include "client/node.h"
#include "client/show.h"
#include "client/text.h"

static const struct column columns[] = {
	{.key = "member", .title = N_("member")},
	{.key = "fingerprint", .title = N_("key")},
	{.key = "valid", .title = N_("valid")},
	{.key = "scope", .title = N_("scope")},
	{.key = "public_key"},
	{.key = "origin"},
	{.key = "from", .title = N_("from"), .right = true},
	{.key = "below", .title = N_("below"), .right = true},
	{.key = "name", .title = N_("name")},
};

static json_t *scope_json(const struct ctl_operator *op)
{
	json_t *list = json_array();
	for (size_t i = 0; i < op->n_scope; i++)
		json_array_append_new(list, json_text(op->scope[i]));
	return list;
}

static void add_operator(struct table *t, const struct ctl_operator *op)
{
	char fingerprint[KEY_FINGERPRINT_SIZE] = "-";
	if (op->key.n == KEY_BYTES)
		key_fingerprint(op->key.p, fingerprint);
	bool valid = op->below == 0;
	table_text(t, TONE_NONE, op->member, NULL);
	table_text(t, TONE_NONE, bytes_str(fingerprint), NULL);
	table_cell(t, valid ? TONE_NONE : TONE_FAINT, json_boolean(valid),
		valid ? tr("yes") : tr("revoked"));
	table_cell(t, TONE_NONE, scope_json(op), op->n_scope ? NULL : tr("all tasks"));
	table_cell(t, TONE_NONE, json_hex(op->key), NULL);
	table_text(t, TONE_NONE, op->origin, NULL);
	table_number(t, op->from);
	table_cell(t, TONE_NONE, valid ? json_null() : json_number(op->below), NULL);
	table_text(t, TONE_NONE, op->name, NULL);
}

int cmd_operator_list(struct app *app, struct err *e)
{
	struct node node;
	struct operator_list o = {0};
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = operator_list_fetch(&o, &node, e);
	if (rc == RC_OK) {
		struct sheet *s = sheet_new("operators");
		struct table *t = sheet_table(s, "operators", columns,
			sizeof columns / sizeof columns[0], NULL, tr("no operators yet"));
		for (size_t i = 0; i < o.n; i++)
			add_operator(t, &o.op[i]);
		sheet_print(s, &app->out);
		sheet_free(s);
	}
	operator_list_release(&o);
	node_close(&node);
	return rc;
}
