#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/confirm.h"
#include "client/files.h"
#include "client/keys.h"
#include "client/roster_text.h"
#include "client/rosters.h"
#include "client/text.h"

/* A draft, and the version that it follows. */
struct signing {
	struct buf note;
	struct roster roster, before; /* before: if it is not the first */
};

/* What is about to be signed, on standard error, and a question if somebody can answer it. */
static int confirm(struct app *app, const struct signing *g, struct err *e)
{
	struct sheet *s = sheet_new("roster");
	int rc = g->roster.version == 1
		? roster_describe(s, buf_bytes(&g->note), &g->roster, e)
		: roster_describe_next(s, buf_bytes(&g->note), &g->before, &g->roster, e);
	if (rc == RC_OK)
		rc = confirm_signing(app, s, tr("sign this roster? [y/N] "), e);
	sheet_free(s);
	return rc;
}

static int sign_with(struct app *app, const char *path, struct signing *g, struct err *e)
{
	struct key k = {0};
	struct buf signed_note = {0};
	int rc = keys_load(&k, path, 0, app->args, e);
	if (rc == RC_OK) {
		rc = g->roster.version == 1
			? roster_add_signature(buf_bytes(&g->note), &k, &signed_note, e)
			: roster_add_signature_next(
				  buf_bytes(&g->note), &g->before, &k, &signed_note, e);
		if (rc != RC_OK)
			err_prefix(e, "%.120s", path);
	}
	if (rc == RC_OK) {
		buf_reset(&g->note);
		buf_put_bytes(&g->note, buf_bytes(&signed_note));
	}
	key_release(&k);
	buf_release(&signed_note);
	return rc;
}

static void tell(struct app *app, const struct signing *g)
{
	struct buf missing = {0};
	struct err unread = {0};
	int rc = g->roster.version == 1
		? roster_missing_signatures(buf_bytes(&g->note), &missing, &unread)
		: roster_missing_next(buf_bytes(&g->note), &g->before, &missing, &unread);
	bool complete = rc == RC_OK && missing.n == 0;
	struct sheet *s = sheet_new("roster-sign");
	struct output talk = {.mode = OUTPUT_SCREEN, .to = stderr};
	sheet_line(s, complete ? TONE_GOOD : TONE_NONE,
		complete
			? tr("all have signed that must: deltactl roster install %s")
			: tr("signed; others have still to sign, deltactl roster show %s says who"),
		app->operand[0]);
	if (!app->out.quiet)
		sheet_print(s, &talk);
	sheet_free(s);
	buf_release(&missing);
}

int cmd_roster_sign(struct app *app, struct err *e)
{
	const struct args *a = app->args;
	const char *path = app->operand[0];
	struct signing *g = xalloc(sizeof *g);
	int rc = args_require(a, OPT_KEY, e);
	if (rc == RC_OK)
		rc = roster_read(path, &g->note, &g->roster, e);
	if (rc == RC_OK && g->roster.version > 1)
		rc = roster_before(a, &g->roster, &g->before, e);
	if (rc == RC_OK)
		rc = confirm(app, g, e);
	for (size_t i = 0; rc == RC_OK && i < a->n_key; i++)
		rc = sign_with(app, a->key[i], g, e);
	/* `--key a b c`: the words after the file are keys too. */
	for (size_t i = 1; rc == RC_OK && i < app->n_operands; i++)
		rc = sign_with(app, app->operand[i], g, e);
	if (rc == RC_OK)
		rc = file_replace(path, 0644, buf_bytes(&g->note), e);
	if (rc == RC_OK)
		tell(app, g);
	buf_release(&g->note);
	free(g);
	return rc;
}
