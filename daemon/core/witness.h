/* The heads of a log that members have cosigned: for witness.c, which keeps them, and cosign.c,
 * which decides what is said. Floor 3. Source: PROTOCOL 4. */
#ifndef DELTAD_CORE_WITNESS_H
#define DELTAD_CORE_WITNESS_H

#include "daemon/core/state.h"

/* NULL: nobody is known to have cosigned this size. */
struct cosigned *witness_find(const struct log *log, uint64_t size);
/* A new one, by nobody yet; n, signed by the owner, becomes its note. */
struct cosigned *witness_insert(
	const struct replica *r, struct log *log, uint64_t size, const struct note *n);
/* The member's line in n is one of this head. */
void witness_note_line(
	const struct replica *r, struct cosigned *c, const struct note *n, int member);
/* Stores the head with the member's line in n. */
int witness_put_row(struct replica *r, const struct log *log, uint64_t size, const struct note *n,
	int member, struct err *e) MUST_CHECK;

#endif
