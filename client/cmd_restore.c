#include "client/command.h"
#include "client/deltad.h"

int cmd_restore(struct app *app, struct err *e)
{
	return deltad_become("--restore", app->operand[0], NULL, NULL, e);
}
