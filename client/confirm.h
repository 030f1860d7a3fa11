/* Before a root key signs: what will be signed, in words, and a question. */
#ifndef DELTAD_CLIENT_CONFIRM_H
#define DELTAD_CLIENT_CONFIRM_H

#include "client/command.h"
#include "client/table.h"

/* Prints the sheet on standard error and asks the question there, unless --yes is given or it is a
 * dry run. RC_USAGE:
 * nobody can be asked; RC_REFUSED: the answer was not yes. The sheet stays the caller's. */
int confirm_signing(
	struct app *app, const struct sheet *s, const char *question, struct err *e) MUST_CHECK;

#endif
