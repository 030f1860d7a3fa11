/* Versions of the roster: the node's, walked from the first, and the one that a draft follows. */
#ifndef DELTAD_CLIENT_ROSTERS_H
#define DELTAD_CLIENT_ROSTERS_H

#include "client/args.h"
#include "client/connection.h"
#include "proto/trust/roster.h"

/* Every version that a node has, in its order; all zero = none. */
struct roster_versions {
	struct roster_version {
		struct buf note;
		uint32_t version;
		struct hash id, prev;
		uint32_t not_after;
		bool in_force;
	} * of;
	size_t n;
};
int roster_versions_fetch(
	struct roster_versions *v, struct connection *c, struct err *e) MUST_CHECK;
void roster_versions_release(struct roster_versions *v);
/* Walks from the first version to this note, whose text the node says is in force. first (NULL: not
 * checked) is the cluster id. RC_VERIFY: it does not follow. */
int roster_versions_verify(const struct roster_versions *v, struct bytes note,
	const struct hash *first, struct roster *out, struct err *e) MUST_CHECK;

/* The version that a draft follows: from --after FILE, else from the node. RC_ROSTER: it is another
 * one that this draft follows. */
int roster_before(const struct args *a, const struct roster *draft, struct roster *out,
	struct err *e) MUST_CHECK;

#endif
