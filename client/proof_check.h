/* Checks a proof of a change with nothing but a policy: what a stranger does, and what this program
 * does before it hands one out. Source: PROTOCOL 13.1. */
#ifndef DELTAD_CLIENT_PROOF_CHECK_H
#define DELTAD_CLIENT_PROOF_CHECK_H

#include "client/pool.h"
#include "proto/trust/policy.h"
#include "proto/trust/proof.h"
#include "proto/wire/codec.h"

/* What was found to be true; borrowed from the two proofs and the pool. */
struct proof_check {
	struct pool pool;
	struct policy_verdict head; /* of the change's log */
	struct hash id;
	struct leaf leaf;
	struct change change;
	struct value value;
	bool has_value; /* false: of a slot that a newer version knows */
	struct delegate delegate;
	struct checkpoint delegated; /* head over the delegation */
};

/* change, and the delegation of the key that signed it. RC_VERIFY: one of the steps of PROTOCOL
 * 13.1 failed, and which; RC_INPUT: no leaf of ours, or a policy that does not name cluster and
 * root; RC_NOTE. RC_OK says nothing of the quorum: that is head.enough. Release *out in any case.
 */
int proof_check(const struct policy *p, const struct proof *change, const struct proof *delegation,
	struct proof_check *out, struct err *e) MUST_CHECK;
void proof_check_release(struct proof_check *c);

#endif
