/* What a node shows, held to what the audit derived. */
#ifndef DELTAD_CLIENT_AUDIT_NODE_H
#define DELTAD_CLIENT_AUDIT_NODE_H

#include "client/audit.h"
#include "client/node.h"

/* Verdicts, current values and the view root of the node; AUDIT_MOVED if its logs are longer by
 * now. Errors of connection_call. */
int audit_compare(struct audit *a, struct node *n, struct err *e) MUST_CHECK;

#endif
