/* Evidence of a fork: two heads of one log that cannot both be, for everybody to verify. Floor 2.
 * Source: PROTOCOL 4.3. */
#ifndef DELTAD_TRUST_EVIDENCE_H
#define DELTAD_TRUST_EVIDENCE_H

#include "proto/trust/checkpoint.h"
#include "proto/trust/merkle.h"

struct evidence {
	struct bytes first, second; /* notes */
	struct bytes proof;	    /* hashes one after another; empty where the sizes are equal */
};

/* Does it prove that the owner of this key signed two histories? RC_NOTE: no two checkpoints.
 * RC_VERIFY: not both signed by the key, or not of one origin. RC_REFUSED: it is no proof of
 * anything, e.g. the same head twice, or heads that may follow each other. The checkpoints go to
 * a and b, a the smaller or equal. */
int evidence_verify(const struct evidence *x, const uint8_t log_key[KEY_BYTES],
	struct checkpoint *a, struct checkpoint *b, struct err *e) MUST_CHECK;

#endif
