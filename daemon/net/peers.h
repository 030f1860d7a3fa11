/* The other members: who they are, the session with each, dialling, the listener, and strangers.
 * Floor 5. Source: PROTOCOL 7.1, 7.4, 8. */
#ifndef DELTAD_NET_PEERS_H
#define DELTAD_NET_PEERS_H

#include "daemon/net/address.h"
#include "daemon/net/conn.h"
#include "daemon/net/contact.h"
#include "daemon/net/quota.h"

struct shell;

struct peer {
	char slug[SLUG_SIZE];
	uint8_t noise[KEY_BYTES];
	bool has_addr; /* we may dial */
	struct sockaddr_storage addr;
	char addr_text[ADDRESS_TEXT_SIZE];
	struct contact contact;
	struct conn *session, *dialling;
	bool lost; /* the core believes in a session that is gone */
	struct quota quota;
	bool silent;		      /* nobody answered, and that was said */
	char trouble[160];	      /* why the last connection failed or ended; "" while well */
	uint64_t bytes_in, bytes_out; /* of sessions that ended */
};

struct peers {
	struct peer peer[LIMIT_MEMBERS]; /* by roster index */
	size_t n;			 /* 0 until a roster is installed */
	int self;
	struct hash roster_id;
	struct conn *conns; /* all of them, closed ones too until they are freed */
	uint64_t strangers;
	struct quota stranger_quota;
	uv_tcp_t listener;
	bool listener_open, listening;
};

/* Binds the address so that a wrong one is seen at start; listens when a roster is there. RC_SETUP,
 * RC_IO. */
int peers_open(struct shell *s, struct err *e) MUST_CHECK;
/* Between groups: takes over a roster that was installed since, and begins to listen and dial.
 * RC_IO: the address cannot be listened on. */
int peers_match_roster(struct shell *s, struct now now, struct err *e) MUST_CHECK;
/* New addresses (SIGHUP); sessions stay. */
void peers_readdress(struct shell *s, struct now now);

/* Tells the core of sessions that ended. Opens the group of the turn if there are any. */
void peers_report_lost(struct shell *s, struct now now);
bool peers_have_lost(const struct shell *s);
/* Leaves of some session are on the thread pool. */
bool peers_are_examining(const struct shell *s);
/* Between groups: hands the core's messages to every session that has room. */
void peers_send(struct shell *s);

struct mono_ms peers_deadline(const struct shell *s);
void peers_on_time(struct shell *s, struct now now);

/* Closes every connection; the core hears of the sessions at the end of the turn. */
void peers_close_all(struct shell *s, const char *text);
/* The same when the core has forgotten all sessions: it is not told. */
void peers_drop_all(struct shell *s, const char *text);
/* Shutdown: no listener, no dialling, a Bye to every session. */
void peers_stop(struct shell *s);
bool peers_are_gone(const struct shell *s);

/* From here on: what connections report. */

/* A connection was made or accepted, and when its memory goes it leaves the list. */
void peers_add(struct shell *s, struct conn *c);
void peers_remove(struct shell *s, struct conn *c);
/* Its other end has shown this key. False: the connection was closed. */
bool peers_join(struct shell *s, struct conn *c, const uint8_t remote[KEY_BYTES], struct now now);
/* It is about to be closed, for this reason. */
void peers_part(struct shell *s, struct conn *c, const char *text, struct now now);

#endif
