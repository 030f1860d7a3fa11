#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/files.h"
#include "client/keys.h"
#include "client/roster_text.h"
#include "client/text.h"

/* What is about to be signed, on standard error, and a question if somebody can answer it. */
static int confirm(struct app *app, const struct buf *note, const struct roster *r, struct err *e)
{
	struct output talk = {.mode = OUTPUT_SCREEN, .to = stderr};
	struct sheet *s = sheet_new("roster");
	int rc = roster_describe(s, buf_bytes(note), r, e);
	if (rc == RC_OK && !app->out.quiet)
		sheet_print(s, &talk);
	sheet_free(s);
	if (rc != RC_OK || args_has(app->args, OPT_YES))
		return rc;
	if (!isatty(STDIN_FILENO))
		return err_set(e, RC_USAGE,
			tr("nobody can be asked whether to sign; read what is signed, then give "
			   "--yes"));
	char answer[8];
	fprintf(stderr, "%s", tr("sign this roster? [y/N] "));
	if (!fgets(answer, sizeof answer, stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
		return err_set(e, RC_REFUSED, tr("not signed"));
	return RC_OK;
}

static int sign_with(struct app *app, const char *path, struct buf *note, struct err *e)
{
	struct key k = {0};
	struct buf signed_note = {0};
	int rc = keys_load(&k, path, 0, app->args, e);
	if (rc == RC_OK) {
		rc = roster_add_signature(buf_bytes(note), &k, &signed_note, e);
		if (rc != RC_OK)
			err_prefix(e, "%.120s", path);
	}
	if (rc == RC_OK) {
		buf_reset(note);
		buf_put_bytes(note, buf_bytes(&signed_note));
	}
	key_release(&k);
	buf_release(&signed_note);
	return rc;
}

static void tell(struct app *app, struct bytes note)
{
	struct buf missing = {0};
	struct err unread = {0};
	if (roster_missing_signatures(note, &missing, &unread) == RC_OK && missing.n == 0)
		fprintf(stderr, "%s\n", tr("the roster is complete: deltactl roster install FILE"));
	else if (!app->out.quiet)
		fprintf(stderr, "%s\n",
			tr("other members have still to sign: deltactl roster show FILE"));
	buf_release(&missing);
}

int cmd_roster_sign(struct app *app, struct err *e)
{
	const struct args *a = app->args;
	const char *path = app->operand[0];
	struct buf note = {0};
	struct roster r;
	int rc = args_require(a, OPT_KEY, e);
	if (rc == RC_OK)
		rc = roster_read(path, &note, &r, e);
	if (rc == RC_OK)
		rc = confirm(app, &note, &r, e);
	for (size_t i = 0; rc == RC_OK && i < a->n_key; i++)
		rc = sign_with(app, a->key[i], &note, e);
	/* `--key a b c`: the words after the file are keys too. */
	for (size_t i = 1; rc == RC_OK && i < app->n_operands; i++)
		rc = sign_with(app, app->operand[i], &note, e);
	if (rc == RC_OK)
		rc = file_replace(path, 0644, buf_bytes(&note), e);
	if (rc == RC_OK)
		tell(app, buf_bytes(&note));
	buf_release(&note);
	return rc;
}
