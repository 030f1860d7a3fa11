#include <unistd.h>

#include "client/key_init.h"
#include "client/keys.h"
#include "client/text.h"
#include "proto/model/ids.h"

int key_init_refuse_existing(const char *path, struct err *e)
{
	if (access(path, F_OK) != 0)
		return RC_OK;
	return err_set(e, RC_REFUSED, tr("%.200s exists and is not overwritten"), path);
}

int key_init_require_slug(const struct args *a, struct err *e)
{
	int rc = args_require(a, OPT_MEMBER, e);
	if (rc == RC_OK && !slug_is_valid(args_bytes(a, OPT_MEMBER)))
		rc = err_set(e, RC_USAGE,
			tr("--member \"%.40s\": lower-case letters, digits and -, 2 to %d long"),
			a->value[OPT_MEMBER], SLUG_SIZE - 1);
	return rc;
}

void key_init_report(struct app *app, const struct key_made *made, size_t n, const char *passphrase)
{
	static const struct column columns[] = {
		{.key = "file", .title = N_("made")},
		{.key = "encrypted", .title = N_("encrypted")},
	};
	struct sheet *s = sheet_new("key-init");
	struct table *t = sheet_table(s, "files", columns, 2, NULL, NULL);
	bool all = true;
	for (size_t i = 0; i < n; i++) {
		enum key_purpose p = made[i].purpose;
		bool encrypted = passphrase && (p == KEY_ROOT || p == KEY_OPERATOR);
		table_text(t, TONE_NONE, bytes_str(made[i].path), NULL);
		table_cell(t, TONE_NONE, p ? json_boolean(encrypted) : json_null(),
			!p		    ? tr("public")
				: encrypted ? tr("yes")
					    : tr("no"));
		all = all && (!p || encrypted);
	}
	if (passphrase && !all)
		sheet_line(s, TONE_NONE, "%s",
			tr("the passphrase encrypts the root key alone: the node reads its own "
			   "keys at every start"));
	if (!app->out.quiet)
		sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_key_init(struct app *app, struct err *e)
{
	char *passphrase = NULL;
	bool person = args_has(app->args, OPT_OPERATOR);
	int rc = person ? key_init_check_operator(app, e) : RC_OK;
	if (rc == RC_OK)
		rc = keys_new_passphrase(app->args, &passphrase, e);
	if (rc == RC_OK)
		rc = person ? key_init_operator(app, passphrase, e)
			    : key_init_node(app, passphrase, e);
	keys_forget(passphrase);
	return rc;
}
