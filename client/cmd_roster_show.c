#include <stdlib.h>

#include "client/command.h"
#include "client/node.h"
#include "client/roster_text.h"
#include "client/rosters.h"
#include "client/show.h"
#include "client/text.h"

static const struct column version_columns[] = {
	{.key = "version", .title = N_("version"), .right = true},
	{.key = "in_force", .title = N_("in force")},
	{.key = "not_after", .title = N_("valid until")},
	{.key = "id", .title = "sha256"},
};

/* Of a draft what it changes is shown too, if the version before is at hand. */
static int print_roster(
	struct app *app, struct bytes note, const struct roster *r, bool draft, struct err *e)
{
	struct sheet *s = sheet_new("roster");
	struct roster *before = xalloc(sizeof *before);
	struct err none = {0};
	bool follows =
		draft && r->version > 1 && roster_before(app->args, r, before, &none) == RC_OK;
	int rc = follows ? roster_describe_next(s, note, before, r, e)
			 : roster_describe(s, note, r, e);
	if (rc == RC_OK)
		sheet_print(s, &app->out);
	sheet_free(s);
	free(before);
	return rc;
}

static int show_file(struct app *app, struct err *e)
{
	struct buf note = {0};
	struct roster r;
	int rc = roster_read(app->operand[0], &note, &r, e);
	if (rc == RC_OK)
		rc = print_roster(app, buf_bytes(&note), &r, true, e);
	buf_release(&note);
	return rc;
}

/* newest: of those that follow from one another the one that counts now. */
static void add_version(struct table *t, const struct roster_version *x, bool newest)
{
	char id[HASH_HEX_SIZE], date[DATE_TEXT_SIZE];
	enum tone tone = x->in_force ? TONE_NONE : TONE_BAD;
	const char *word = newest ? "yes" : x->in_force ? "superseded" : "no";
	hash_print(&x->id, id);
	show_date(x->not_after, date);
	table_number(t, x->version);
	table_cell(t, tone, json_boolean(newest), tr_word(word));
	table_cell(t, TONE_NONE, json_date(x->not_after), date);
	table_text(t, tone, bytes_str(id), NULL);
}

static int show_history(struct app *app, struct node *n, struct err *e)
{
	struct roster_versions v;
	struct sheet *s = sheet_new("roster-history");
	struct table *t = sheet_table(s, "versions", version_columns, 4, NULL, NULL);
	int rc = roster_versions_fetch(&v, &n->line, e);
	size_t newest = v.n;
	for (size_t i = 0; i < v.n; i++)
		newest = v.of[i].in_force ? i : newest;
	for (size_t i = 0; rc == RC_OK && i < v.n; i++)
		add_version(t, &v.of[i], i == newest);
	if (rc == RC_OK)
		sheet_print(s, &app->out);
	roster_versions_release(&v);
	sheet_free(s);
	return rc;
}

int cmd_roster_show(struct app *app, struct err *e)
{
	if (app->n_operands > 0)
		return show_file(app, e);
	struct node node;
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK && args_has(app->args, OPT_HISTORY))
		rc = show_history(app, &node, e);
	else if (rc == RC_OK)
		rc = print_roster(app, buf_bytes(&node.note), &node.roster, false, e);
	node_close(&node);
	return rc;
}
