/* Every option of deltactl: its name, what stands after it, and its line in the help. */
#ifndef DELTAD_CLIENT_OPTIONS_H
#define DELTAD_CLIENT_OPTIONS_H

#include "client/args.h"

struct option {
	const char *name;  /* "--dry-run" */
	char brief;	   /* 'n'; 0: none */
	const char *value; /* how help calls the value; NULL: a flag */
	const char *what;  /* a msgid */
};

extern const struct option options[OPT_END];

#endif
