/* The daemon's program, for what is done without a running node. */
#ifndef DELTAD_CLIENT_DELTAD_H
#define DELTAD_CLIENT_DELTAD_H

#include "proto/base/err.h"

/* Becomes `deltad OPTION FILE [MORE VALUE]` (more may be NULL): the one beside this program, else
 * the one in PATH. Returns only if there is none: RC_SETUP. */
int deltad_become(
	const char *option, const char *file, const char *more, const char *value, struct err *e);

#endif
