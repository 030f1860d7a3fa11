/* How far a connection has come, how long it may stay there, and what its bytes prove: every state
 * has an end, and nobody puts it off by a trickle. Floor 5, pure. Source: PROTOCOL 7.1, 8.
 *
 *	          connected            authenticated          Bye queued
 *	DIALLING -----------> HANDSHAKE -------------> SESSION ----------> LEAVING
 *	    |   accepted -------^  |                      |                   |
 *	    +-----------+----------+----------------------+-------------------+--> CLOSED
 *
 * DIALLING waits for TCP, HANDSHAKE for the three Noise messages (both under one absolute
 * deadline), SESSION for messages, LEAVING for its last bytes to be taken. */
#ifndef DELTAD_NET_TENURE_H
#define DELTAD_NET_TENURE_H

#include "daemon/net/drain.h"
#include "daemon/net/settings.h"

enum conn_state { CONN_DIALLING, CONN_HANDSHAKE, CONN_SESSION, CONN_LEAVING, CONN_CLOSED };

struct tenure {
	enum conn_state state;
	bool opened_by_self;
	struct mono_ms opened;
	struct mono_ms since;	    /* of the state */
	struct mono_ms frame_since; /* MONO_NEVER while no frame is half here */
	struct drain drain;	    /* what waits to be written */
	uint64_t bytes_in;
};

/* Of a connection that we dial now, or have just accepted. */
void tenure_begin(struct tenure *t, bool opened_by_self, struct mono_ms now);
/* Only along the arrows above. */
void tenure_move(struct tenure *t, enum conn_state to, struct mono_ms now);

/* n more bytes are here. True: enough to be a sign of life, if they are of a message that is not
 * whole yet: who sends short ones is not sending what was asked for. */
bool tenure_received(struct tenure *t, size_t n, struct mono_ms now);
/* After what is here was used; midframe: part of a frame is left, and used_some: of one that was
 * not there before. Say midframe = false while we are the ones who do not read. */
void tenure_frame(struct tenure *t, bool midframe, bool used_some, struct mono_ms now);
/* For another message. On a slow line what is queued now delays what is urgent later. */
bool tenure_has_room(const struct tenure *t, const struct net_limits *l, struct mono_ms now);

enum tenure_end {
	TENURE_GOES_ON,
	TENURE_HANDSHAKE_LATE,
	TENURE_LEFT, /* its Bye had the time it may take */
	TENURE_FRAME_LATE,
	TENURE_STALLED,
	TENURE_OLD, /* a new session is due: say a Bye; all others close at once */
};

/* When to look again, after drain_look: before then it goes on. MONO_NEVER: closed. */
struct mono_ms tenure_deadline(const struct tenure *t, const struct net_limits *l);
enum tenure_end tenure_ended(
	const struct tenure *t, const struct net_limits *l, struct mono_ms now);
/* For the log. */
const char *tenure_end_text(enum tenure_end end);

#endif
