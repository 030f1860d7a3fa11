/* The rules of the verdict, applied before signing: nobody should sign what every node will refuse.
 * Source: PROTOCOL 6.1. */
#ifndef DELTAD_CLIENT_RULES_H
#define DELTAD_CLIENT_RULES_H

#include "client/changes.h"

/* change is the draft as it will be signed. Errors as changes_check. */
int rules_check(const struct changes *c, const struct draft *d, const struct change *change,
	struct err *e) MUST_CHECK;

#endif
