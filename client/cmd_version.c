#include "client/command.h"

int cmd_version(struct app *app, struct err *e)
{
	(void)e;
	struct sheet *s = sheet_new("version");
	sheet_line(s, TONE_NONE, "deltactl %s", DELTAD_VERSION);
	sheet_fact(s, "version", json_string(DELTAD_VERSION));
	sheet_print(s, &app->out);
	sheet_free(s);
	return RC_OK;
}
