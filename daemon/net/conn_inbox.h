/* The messages of one connection in their order, while leaves of some are examined on the thread
 * pool. Floor 5. */
#ifndef DELTAD_NET_CONN_INBOX_H
#define DELTAD_NET_CONN_INBOX_H

#include "daemon/net/conn.h"

#define INBOX_VERIFYING_MAX 4
#define INBOX_WAITING_MAX 16
#define INBOX_BYTES_MAX (2 * LIMIT_ENVELOPE_BYTES)

/* Nothing more is read while it is full. */
bool conn_inbox_is_full(const struct conn *c);
/* Takes the envelope that the channel has ready: delivers it at once if nothing is before it and
 * nothing has to be examined elsewhere. RC_PEER_MESSAGE, RC_TOO_BIG: it does not decode. */
int conn_inbox_take(struct conn *c, struct err *e) MUST_CHECK;
/* Drops all that can be dropped; what is being examined goes when that is done. */
void conn_inbox_clear(struct conn *c);

/* Implemented by conn.c: one message, in order. leaves is NULL unless it is a Leaves message. */
void conn_deliver(struct conn *c, const struct message *m, const struct verify *leaves);
/* Implemented by conn.c: the inbox has moved, or is empty after the end. */
void conn_inbox_moved(struct conn *c);

#endif
