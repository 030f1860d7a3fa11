/* Whose signatures make a checkpoint count: logs, witnesses and a quorum, as a file that a stranger
 * is given once. Floor 2. Source: C2SP tlog-policy; PROTOCOL 13.2. */
#ifndef DELTAD_TRUST_POLICY_H
#define DELTAD_TRUST_POLICY_H

#include "proto/trust/checkpoint.h"
#include "proto/trust/roster.h"

#define POLICY_BYTES_MAX (64 * 1024)
#define POLICY_LOGS 64
#define POLICY_NODES 96 /* witnesses and groups */
#define POLICY_NOBODY (-1)

/* A witness, or a group of those before it. */
struct policy_node {
	struct bytes name;
	bool is_group;
	struct vkey key; /* of a witness */
	size_t need;	 /* of a group: how many of its members */
	int group;	 /* the one that counts it, or POLICY_NOBODY */
};

struct policy {
	struct vkey log[POLICY_LOGS];
	size_t n_logs;
	struct policy_node node[POLICY_NODES]; /* in the order of the file */
	size_t n_nodes;
	int quorum; /* a node, or POLICY_NOBODY: "quorum none" */

	/* Not of C2SP, which takes them for comments: what it takes to check what stands in a leaf.
	 */
	bool has_cluster;
	struct hash cluster_id;
	struct vkey root[LIMIT_MEMBERS];
	size_t n_roots;
	struct vkey ended[LIMIT_RETIRED]; /* logs under earlier keys, by origin: for delegations */
	size_t n_ended;
};

/* Borrows in. RC_NOTE with the line; RC_TOO_BIG: more than the numbers above. */
int policy_parse(struct bytes in, struct policy *out, struct err *e) MUST_CHECK;

/* Appends the file for one log of member[owner], which may be a former one: signed by the log's
 * key, cosigned by `quorum` of the members other than its owner (0: by nobody). RC_ROSTER: nobody's
 * key signs this log any more. */
int policy_print(const struct roster *r, int owner, const char *origin, unsigned quorum,
	struct buf *out, struct err *e) MUST_CHECK;

struct policy_verdict {
	struct checkpoint head; /* borrowed from the note */
	const struct vkey *log;
	bool cosigned[POLICY_NODES]; /* by that witness, or by enough of that group */
	uint64_t time[POLICY_NODES]; /* of a witness that did: seconds since 1970, its claim */
	bool enough;		     /* the quorum is met */
};
/* RC_NOTE: no checkpoint. RC_VERIFY: not of a log of the policy, not signed by it, or a line of a
 * known key does not verify. RC_OK with enough = false: too few cosignatures. */
int policy_judge(const struct policy *p, struct bytes note, struct policy_verdict *out,
	struct err *e) MUST_CHECK;

/* The root key of the member whose logs have such origins (cluster/member/…); NULL if the file does
 * not name it. */
const struct vkey *policy_root(const struct policy *p, struct bytes origin);

#endif
