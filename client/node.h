/* The node a command talks to, and who it says it is: its member, and the roster, verified. */
#ifndef DELTAD_CLIENT_NODE_H
#define DELTAD_CLIENT_NODE_H

#include "client/args.h"
#include "client/connection.h"
#include "client/pool.h"
#include "proto/trust/roster.h"

struct node {
	struct connection line;
	char member[SLUG_SIZE];
	char software[64], state[64];
	bool has_roster;
	struct roster roster; /* signatures checked, and the cluster id if --cluster-id gave one */
	struct buf note;      /* of the roster */
};

/* Connects (--node, $DELTACTL_NODE, the default; --timeout) and asks who is there. A node without a
 * roster is fine here. Errors of connection_open; RC_VERIFY: its roster does not verify, or is of
 * another cluster than --cluster-id says: do not trust what it shows. */
int node_open(struct node *n, const struct args *a, struct err *e) MUST_CHECK;
/* node_open, and RC_NO_ROSTER if none is installed. */
int node_open_ready(struct node *n, const struct args *a, struct err *e) MUST_CHECK;
void node_close(struct node *n);
/* "sha256:<64 hex>" or 64 hex digits; RC_USAGE. *given says whether there was one. */
int node_cluster_id(const struct args *a, struct hash *out, bool *given, struct err *e) MUST_CHECK;

/* The node's own member in the roster; NULL if it is not in it. */
const struct member *node_self(const struct node *n);

/* Operators of all members, as the logs say; all zero = none. */
struct operator_list {
	struct pool pool;
	struct ctl_operator *op;
	size_t n;
};
int operator_list_fetch(struct operator_list *o, struct node *n, struct err *e) MUST_CHECK;
void operator_list_release(struct operator_list *o);
/* Who signed a leaf of member at origin#index with this key: the delegation valid there, NULL if
 * none. */
const struct ctl_operator *operator_list_find(const struct operator_list *o, struct bytes member,
	struct bytes key, struct bytes origin, uint64_t index);

#endif
