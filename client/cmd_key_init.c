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

void key_init_report(struct app *app, const char *const *path, size_t n)
{
	static const struct column columns[] = {{.key = "file", .title = N_("made")}};
	struct sheet *s = sheet_new("key-init");
	struct table *t = sheet_table(s, "files", columns, 1, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		table_text(t, TONE_NONE, bytes_str(path[i]), NULL);
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
