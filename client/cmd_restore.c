#include "client/command.h"
#include "client/deltad.h"
#include "client/text.h"
#include "proto/base/text.h"

static void tell(struct app *app, const char *file, const struct buf *said)
{
	struct sheet *s = sheet_new("restore");
	struct bytes entries, manifest, aside;
	uint64_t n = 0;
	(void)!(deltad_value(said, "restored", &entries) && decimal_parse(entries, INT64_MAX, &n));
	bool sealed = deltad_value(said, "manifest", &manifest) &&
		bytes_equal(manifest, bytes_str("good"));
	if (sealed)
		sheet_line(s, TONE_GOOD, tr("restored %llu entries, as the manifest says"),
			(unsigned long long)n);
	else
		sheet_line(s, TONE_WARN, tr("restored %llu entries; the backup has no manifest"),
			(unsigned long long)n);
	if (deltad_value(said, "aside", &aside))
		sheet_line(s, TONE_NONE, tr("the old database is %.*s"), (int)aside.n,
			(const char *)aside.p);
	sheet_line(s, TONE_NONE, "%s",
		tr("start the node: it asks its peers for what is newer, and then opens a new "
		   "log"));
	sheet_fact(s, "file", json_text(bytes_str(file)));
	sheet_fact(s, "entries", json_number(n));
	sheet_fact(s, "manifest", json_boolean(sealed));
	sheet_fact(s, "aside", json_text(aside));
	sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_restore(struct app *app, struct err *e)
{
	struct buf said = {0};
	const char *config = app->args->value[OPT_CONFIG];
	const char *words[] = {"--restore", app->operand[0], config ? "-c" : NULL, config, NULL};
	int rc = deltad_run(words, &said, e);
	if (rc == RC_OK && !app->out.quiet)
		tell(app, app->operand[0], &said);
	buf_release(&said);
	return rc;
}
