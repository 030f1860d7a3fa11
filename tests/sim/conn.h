/* Connections as byte streams: what a node writes arrives in chunks, late, cut anywhere, or not at
 * all, as TCP would have it; and what the daemon's shell does at either end of one. Source:
 * PROTOCOL 7.1, 7.2, 8. */
#ifndef DELTAD_TESTS_SIM_CONN_H
#define DELTAD_TESTS_SIM_CONN_H

#include "daemon/core/replica.h"
#include "daemon/net/pulse.h"
#include "daemon/net/tenure.h"
#include "tests/sim/line.h"

struct world;
struct sim_node;

/* What one end said last, and what both ends held then. */
#define REPEATS_KEPT 16
struct repeats {
	struct repeat {
		struct hash what, held[2];
		unsigned times;
	} of[REPEATS_KEPT];
	size_t next;
};

struct conn_end {
	struct sim_node *node;
	uint64_t life;	      /* of the node */
	struct tenure tenure; /* CLOSED: the accepting end before it accepts, too */
	int peer;	      /* member, -1 while unknown */
	struct line line;
	bool bye_written;
	bool deaf;    /* reads nothing (a hostile node) */
	bool flipped; /* a bit of what it received was wrong */
	uint64_t bytes_out;
	int64_t begun;
	uint64_t gave_way; /* to this connection, which was dialled at the same time */
	unsigned talks;	   /* instead of answering: so many parts or messages */
	struct repeats said;
};

/* Bytes that were written and have not arrived. */
struct chunk {
	size_t n;
	int64_t sent;
};
struct pipe {
	struct buf bytes;
	struct chunk *chunk;
	size_t head, n, cap; /* chunk[head..n) */
	int64_t free_at, last_at;
	bool broken;	    /* nothing more comes through */
	bool narrow;	    /* the other side offers no window */
	int64_t trickle_ms; /* of each of the first bytes; 0: they come as they are written */
	size_t trickled;
	int64_t held_from, held_to; /* TCP tries in vain, and when again; 0: it does not */
	int64_t moved_at;	    /* that something was taken, or began to wait */
};

struct sim_conn {
	uint64_t id;
	struct conn_end end[2]; /* 0 dialled */
	struct pipe pipe[2];	/* pipe[i]: what end i wrote */
};

/* Ends are named by the connection's id and 0 or 1. */
struct sim_conn *conn_find(struct world *w, uint64_t id);
/* Begins to dial the member; the id. */
uint64_t conn_dial(struct world *w, struct sim_node *n, int member);
/* At once; what the kernel has taken still arrives, then the other end hears of it. */
void conn_close(struct world *w, struct sim_conn *c, int end, const char *why);
/* The process or its host is gone: all ends of the node close; those across a dead host hear
 * nothing. */
void conn_close_all(struct world *w, struct sim_node *n, bool silent);
void conn_send(struct world *w, struct sim_conn *c, int end, const struct outbound *out);
/* Bytes of an envelope that need not be well-formed. */
void conn_send_raw(struct world *w, struct sim_conn *c, int end, struct bytes envelope);
/* Part of an envelope that is not whole then. Only in the clear. */
void conn_send_part(struct world *w, struct sim_conn *c, int end, struct bytes part);
void conn_say_bye(struct world *w, struct sim_conn *c, int end, int rc, const char *text);
bool conn_has_room(const struct world *w, const struct conn_end *e);
/* What the kernel would say of the line. */
struct pulse_line conn_pulse(struct world *w, const struct sim_conn *c, int end);
/* Both directions lose what is under way; both ends hear of it. */
void conn_reset(struct world *w, struct sim_conn *c);
struct mono_ms conn_deadline(const struct conn_end *e);
void conn_on_time(struct world *w, struct sim_conn *c, int end);
/* Frees those that are closed at both ends. */
void conn_reap(struct world *w);
void conn_free_all(struct world *w);

/* ---- events ---- */
void conn_on_syn(struct world *w, struct sim_conn *c);
void conn_on_accepted(struct world *w, struct sim_conn *c);
void conn_on_refused(struct world *w, struct sim_conn *c);
void conn_on_chunk(struct world *w, struct sim_conn *c, int end);
void conn_on_fin(struct world *w, struct sim_conn *c, int end);
void conn_on_reset(struct world *w, struct sim_conn *c, int end);

/* ---- repeats.c ---- */
/* A message of an honest node is about to leave. */
void repeats_said(struct world *w, struct sim_conn *c, int end, const struct message *m);

/* ---- shell.c: sessions of a node, as daemon/net/peers.c has them ---- */
void shell_start(struct world *w, struct sim_node *n);
/* Listens and dials: once there is a roster. */
bool shell_is_open(const struct sim_node *n);
/* False: it was closed. */
bool shell_join(struct world *w, struct sim_conn *c, int end, const uint8_t remote[KEY_BYTES]);
void shell_part(struct world *w, struct sim_conn *c, int end);
bool shell_has_lost(const struct sim_node *n);
void shell_report_lost(struct world *w, struct sim_node *n);
void shell_send(struct world *w, struct sim_node *n);
/* The replica has forgotten all sessions. */
void shell_drop_all(struct world *w, struct sim_node *n, const char *why);
int64_t shell_deadline(struct world *w, struct sim_node *n);
void shell_on_time(struct world *w, struct sim_node *n);

#endif
