/* Proofs as a node gives them, and the policy that its roster makes. */
#ifndef DELTAD_CLIENT_PROOF_NODE_H
#define DELTAD_CLIENT_PROOF_NODE_H

#include "client/node.h"
#include "proto/trust/policy.h"
#include "proto/trust/proof.h"

/* An origin, or a member's slug for its newest epoch here. RC_NOT_FOUND; RC_USAGE. */
int proof_find_log(struct node *n, const char *name, struct origin *out, struct err *e) MUST_CHECK;

/* Appends the policy for one log of a member of the roster. RC_NOT_FOUND: of nobody in it. */
int proof_policy(const struct roster *r, const struct origin *o, unsigned quorum, struct buf *out,
	struct err *e) MUST_CHECK;

/* A leaf's proof as a file. *final as the node says. Errors of connection_call; RC_PEER_MESSAGE:
 * what it sent is no proof. */
int proof_fetch(struct node *n, struct bytes origin, uint64_t index, struct buf *file, bool *final,
	struct err *e) MUST_CHECK;

#endif
