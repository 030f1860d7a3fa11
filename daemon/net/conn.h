/* One TCP connection to another node: it carries the bytes of a channel, keeps the peer's messages
 * in their order while leaves are examined elsewhere, and holds every limit on time and memory.
 * Its states and their ends are those of tenure.h; CLOSED waits for the handle and for leaves that
 * are still being examined, then the memory goes. Floor 5. Source: PROTOCOL 7, 8. */
#ifndef DELTAD_NET_CONN_H
#define DELTAD_NET_CONN_H

#include <uv.h>

#include "daemon/core/replica.h"
#include "daemon/net/channel.h"
#include "daemon/net/tenure.h"
#include "daemon/net/verify.h"

struct shell;

struct conn_item; /* a message that waits for its turn */

struct conn {
	struct conn *next; /* in peers' list, until freed */
	struct shell *shell;
	struct tenure tenure;
	int peer; /* roster index; -1 while unknown */
	uv_tcp_t tcp;
	uv_connect_t connect;
	struct sockaddr_storage addr;
	struct channel channel;
	struct conn_item *first, *last;
	size_t verifying; /* messages whose leaves are on the thread pool */
	size_t waiting;	  /* messages in the list */
	size_t waiting_bytes;
	bool handle_open, reading;
	uint64_t bytes_out;
	bool bye_written;
	char farewell[160]; /* what the first Bye said, theirs or ours; "" before */
};

/* Starts to connect. RC_IO: no socket; *out is NULL. The connection belongs to itself from here on
 * and tells peers_* what becomes of it. */
int conn_dial(struct shell *s, int peer, const struct sockaddr_storage *to,
	const uint8_t remote[KEY_BYTES], struct conn **out, struct err *e) MUST_CHECK;
/* Accepts what waits at the listener; *from is filled. RC_IO. */
int conn_accept(
	struct shell *s, uv_stream_t *listener, struct conn **out, struct err *e) MUST_CHECK;

/* Room for another message (write_pause_kib). */
bool conn_has_room(const struct conn *c);
/* Only in SESSION or LEAVING; after a message with `last` it closes once that is written. */
void conn_send(struct conn *c, const struct outbound *out);
/* A Bye of the shell's own, for no fault of the peer's, then closes. */
void conn_say_bye(struct conn *c, const char *text);
/* At once. text: why, for the log; borrowed. Safe to call twice. */
void conn_close(struct conn *c, const char *text);

/* Between conn_open.c and conn.c: the socket is connected; the handshake begins. */
void conn_begin(struct conn *c);

struct mono_ms conn_deadline(const struct conn *c);
void conn_on_time(struct conn *c, struct now now);

#endif
