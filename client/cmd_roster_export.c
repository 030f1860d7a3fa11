/* Every version of the roster as its signers left it: what a new member or an auditor begins with.
 */
#include <stdlib.h>

#include "client/command.h"
#include "client/files.h"
#include "client/node.h"
#include "client/rosters.h"
#include "client/show.h"
#include "client/text.h"

static const struct column columns[] = {
	{.key = "version", .title = N_("version"), .right = true},
	{.key = "file", .title = N_("file")},
	{.key = "id", .title = "sha256"},
};

/* roster-2; one that stands against another, or was undone, has its id in its name. */
static char *name_of(const char *folder, const struct roster_version *v)
{
	char id[SHORT_ID_SIZE];
	show_id(hash_bytes(&v->id), id);
	return show_text("%s/roster-%u%s%s", folder, v->version, v->in_force ? "" : "-",
		v->in_force ? "" : id);
}

/* One that is there already with the same content is fine: versions are added to a folder. */
static int write_one(const char *path, struct bytes note, struct err *e)
{
	struct buf there = {0};
	struct err none = {0};
	int rc = file_read(path, LIMIT_SIGNED_NOTE_BYTES, &there, &none);
	bool same = rc == RC_OK && bytes_equal(buf_bytes(&there), note);
	buf_release(&there);
	return same ? RC_OK : file_write_new(path, 0644, note, e);
}

static int write_all(
	const struct roster_versions *v, const char *folder, struct table *t, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < v->n; i++) {
		char id[HASH_HEX_SIZE];
		char *path = name_of(folder, &v->of[i]);
		rc = write_one(path, buf_bytes(&v->of[i].note), e);
		hash_print(&v->of[i].id, id);
		table_number(t, v->of[i].version);
		table_text(t, TONE_NONE, bytes_str(path), NULL);
		table_text(t, TONE_NONE, bytes_str(id), NULL);
		free(path);
	}
	return rc;
}

int cmd_roster_export(struct app *app, struct err *e)
{
	struct roster_versions v = {0};
	struct node node;
	struct sheet *s = sheet_new("roster-export");
	struct table *t = sheet_table(s, "versions", columns, 3, NULL, NULL);
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = roster_versions_fetch(&v, &node.line, e);
	if (rc == RC_OK)
		rc = write_all(&v, app->operand[0], t, e);
	if (rc == RC_OK && !app->out.quiet)
		sheet_print(s, &app->out);
	sheet_free(s);
	roster_versions_release(&v);
	node_close(&node);
	return rc;
}
