#include "proto/trust/evidence.h"

#include <string.h>

#include "proto/base/mutant.h"

/* Two sizes: the leaves that give the larger head's root give another root than the smaller's. */
static int check_histories(
	struct bytes proof, const struct checkpoint *a, const struct checkpoint *b, struct err *e)
{
	struct hash path[MERKLE_PROOF_MAX], old, new;
	if (proof.n % HASH_BYTES != 0 || proof.n > sizeof(path))
		return err_set(e, RC_REFUSED, "the proof is no list of hashes");
	size_t n = proof.n / HASH_BYTES;
	if (n > 0)
		memcpy(path, proof.p, proof.n);
	if (!merkle_consistency_roots(a->size, b->size, path, n, &old, &new) ||
		(!hash_equal(&new, &b->root) && !MUTANT(EVIDENCE_WITHOUT_NEW_ROOT)))
		return err_set(e, RC_REFUSED, "the proof does not give the larger head's root");
	if (hash_equal(&old, &a->root))
		return err_set(e, RC_REFUSED, "the larger head goes on from the smaller one");
	return RC_OK;
}

int evidence_verify(const struct evidence *x, const uint8_t log_key[KEY_BYTES],
	struct checkpoint *a, struct checkpoint *b, struct err *e)
{
	int rc = checkpoint_verify(x->first, log_key, a, e);
	if (rc == RC_OK)
		rc = checkpoint_verify(x->second, log_key, b, e);
	if (rc != RC_OK)
		return rc;
	if (!bytes_equal(a->origin, b->origin))
		return err_set(e, RC_VERIFY, "the two heads are of different logs");
	if (a->size == 0 || a->size > b->size)
		return err_set(
			e, RC_REFUSED, "the first head must be the smaller one, and not empty");
	if (a->size < b->size)
		return check_histories(x->proof, a, b, e);
	if (hash_equal(&a->root, &b->root) || x->proof.n > 0)
		return err_set(e, RC_REFUSED, "the two heads say the same");
	return RC_OK;
}
