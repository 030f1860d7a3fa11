#include "client/confirm.h"

#include <stdio.h>
#include <unistd.h>

#include "client/text.h"

int confirm_signing(struct app *app, const struct sheet *s, const char *question, struct err *e)
{
	struct output talk = {
		.mode = OUTPUT_SCREEN, .to = stderr, .columns = output_columns(STDERR_FILENO)};
	char answer[8];
	bool asks = !args_has(app->args, OPT_YES) && !args_has(app->args, OPT_DRY_RUN);
	if (asks || !app->out.quiet)
		sheet_print(s, &talk);
	if (!asks)
		return RC_OK;
	if (!isatty(STDIN_FILENO))
		return err_set(e, RC_USAGE,
			tr("nobody can be asked whether to sign; read what is signed, then give "
			   "--yes"));
	fprintf(stderr, "%s", question);
	if (!fgets(answer, sizeof answer, stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
		return err_set(e, RC_REFUSED, tr("not signed; nothing was changed"));
	return RC_OK;
}
