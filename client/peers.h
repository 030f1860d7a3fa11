/* The peers of a node as a table: short for status, full for peers. */
#ifndef DELTAD_CLIENT_PEERS_H
#define DELTAD_CLIENT_PEERS_H

#include "client/output.h"
#include "proto/wire/ctl.h"

void peers_table_short(struct sheet *s, const struct ctl_status *st);
/* How many entries the peer lacks, or that nobody knows: it has not been heard of since the start.
 */
void peers_lacks_cell(struct table *t, const struct ctl_peer *p, uint64_t entries);
void peers_table_full(struct sheet *s, const struct ctl_status *st);

#endif
