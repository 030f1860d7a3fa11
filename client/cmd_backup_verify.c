#include "client/command.h"
#include "client/deltad.h"

int cmd_backup_verify(struct app *app, struct err *e)
{
	return deltad_become("--verify-backup", app->operand[0], e);
}
