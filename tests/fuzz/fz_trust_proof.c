/* Any bytes as a proof: what is taken must print as the bytes it was read from, and is a proof of
 * one leaf at most. */
#include <stdlib.h>

#include "proto/trust/proof.h"
#include "tests/fuzz/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	trust_ready();
	struct proof *p = xalloc(sizeof *p);
	struct bytes in = bytes_of(data, size);
	struct err e = {0};
	int rc = proof_parse(in, p, &e);
	if (rc == RC_OK) {
		struct buf printed = {0};
		struct hash leaf, other;
		proof_print(p, &printed);
		ENSURE(bytes_equal(buf_bytes(&printed), in));
		merkle_leaf_hash(bytes_of(p->extra, p->n_extra), &leaf);
		other = leaf;
		other.b[0] ^= 1;
		ENSURE(!proof_holds(p, &leaf) || !proof_holds(p, &other));
		buf_release(&printed);
	} else {
		ENSURE(rc == e.rc && (rc == RC_NOTE || rc == RC_TOO_BIG));
	}
	free(p);
	return 0;
}
