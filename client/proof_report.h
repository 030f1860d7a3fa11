/* A checked proof in words: what it shows, and what it does not. */
#ifndef DELTAD_CLIENT_PROOF_REPORT_H
#define DELTAD_CLIENT_PROOF_REPORT_H

#include "client/output.h"
#include "client/proof_check.h"
#include "client/show.h"

/* file: where it was written, NULL: nowhere. */
void proof_report(const struct output *out, const char *schema, const struct policy *p,
	const struct proof *change, const struct proof_check *c, const char *file);

#endif
