/* A cluster in one process: replicas, their stores, disks, connections and clocks, all under
 * virtual time and a seed.
 *
 * One event a step. Events are ordered by time, and by the order they were scheduled in where times
 * are equal (the tie rule). An event wakes one node for one turn, as the daemon's loop does it: its
 * inputs form one group, the group is committed, and what it justifies is sent. The safety phase
 * has faults; in the liveness phase after it (calm) nothing new goes wrong.
 *
 * Glossary: member = an office in the roster; node = a machine that runs a member's daemon (a
 * cloned member has two); path = the line from one node to another; connection = one TCP
 * connection over two paths; life = one run of a node's process; lineage = life of a database
 * without restore. */
#ifndef DELTAD_TESTS_SIM_WORLD_H
#define DELTAD_TESTS_SIM_WORLD_H

#include "daemon/core/replica.h"
#include "daemon/net/contact.h"
#include "tests/sim/books.h"
#include "tests/sim/conn.h"
#include "tests/sim/dice.h"
#include "tests/sim/swarm.h"

#define SIM_MEMBERS 5
#define SIM_NODES (SIM_MEMBERS + 1) /* and one clone */
#define SIM_OPERATORS 2
#define SIM_CONNS 256
#define SIM_VERSIONS 6 /* of the roster, after the first */
#define SIM_PLANS 6
#define SIM_NEVER INT64_MAX
#define AUDIT_WAIT_MS 400

struct identity {
	char slug[SLUG_SIZE];
	struct key root, log, log_next, cosign, noise, operator[SIM_OPERATORS];
	bool liar;	       /* says what it likes */
	bool copied;	       /* to a second machine */
	bool rotated, removed; /* by a version that somebody was handed, or soon is */
};

struct sim_peer {
	struct contact contact;
	uint64_t session, dialling; /* connections, 0 = none */
	int64_t unanswered;	    /* when a dial came to nothing that nobody answered; 0 = none */
	bool lost;		    /* the replica believes in a session that is gone */
	/* which version it says it has; all zero: it does not say which text */
	uint32_t roster_version;
	struct hash roster_id;
	/* its notes of versions that this node has looked at, since when */
	unsigned rosters;
	int64_t rosters_since;
};

enum node_power {
	NODE_RUNNING,
	NODE_DEAD, /* the process ended; the host refuses connections */
	NODE_OFF,  /* the host is without power, and silent */
};

struct sim_node {
	struct identity *id;
	int self, member; /* index of the node, and of its member in the roster */
	enum node_power power;
	struct disk *disk; /* NULL: its database is in memory and outlives the process */
	struct store *store;
	struct replica *replica; /* while running */
	bool in_group;
	uint64_t life;	   /* counts starts: late events of an earlier life are dropped */
	int64_t paused_to; /* the process is stopped until then */
	int64_t slept_to;  /* the last time it was */
	int64_t dialled_at;
	bool old_program;				 /* knows fewer slots */
	int64_t wall_offset, wall_drift_ppm, wall_stuck; /* stuck: what it says, 0 = it runs */
	bool wall_set;					 /* since the beginning of the run */
	struct mark mark;				 /* the mark file */
	bool mark_writing;
	bool lazy; /* takes all leaves in bulk, and audits them when it has time */
	bool audit_queued;
	bool had_session;   /* with anybody, when it was its time for something */
	int64_t audit_wait; /* ms at most between two pieces */
	struct mark mark_next;
	struct sim_peer peer[SIM_MEMBERS];
	int64_t timer_at; /* of the earliest timer event under way */
	bool full;	  /* takes nothing new until there is room on the disk */
	int64_t full_to, disk_heals;
	unsigned start_dies; /* the power goes at this change of its files in the next start */
	struct dice dice;
	uint64_t lineage;  /* counts the times its database was put back */
	uint64_t set_back; /* the step after the one in which it found that out; 0 = it did not */
	uint64_t told[SIM_MEMBERS]; /* likewise: the last time that a peer told what it knows */
	int64_t wall_last;	    /* what it said at the last acknowledgement */
	/* what it asked for last */
	uint64_t want_conn, want_from;
	char want_origin[ORIGIN_SIZE];
	struct held held;	   /* what the oracle saw here last */
	struct meetings *meetings; /* and what the node heard (meet.c) */
	uint32_t roster_version;   /* by which its peers are named; 0 = none yet */
	struct hash roster_id;
};

/* One direction between two nodes. */
struct path {
	int64_t delay_min, delay_max; /* ms */
	int64_t rate;		      /* bytes a ms, 0 = no limit */
	size_t chunk_max;	      /* bytes that arrive at once */
	unsigned flip_ppm;	      /* chunks of a million that arrive with one bit wrong */
	int64_t hole_from, hole_to;   /* packets vanish meanwhile */
	int64_t refuse_to;	      /* connections are refused until then */
	uint64_t flips;
};

/* Versions of the roster after the first, and who was handed them. */
struct signed_version {
	struct buf note;
	struct hash id;
	uint32_t number;
	int prev; /* its place; -1: the first */
	int by;	  /* the member whose node was given it by hand; -1: nobody's yet */
	bool all; /* every member has signed */
};
enum version_plan {
	VERSION_PLAIN,
	VERSION_SPLIT,	 /* two texts, for two nodes */
	VERSION_RESOLVE, /* and the one that everybody signs */
	VERSION_ROTATE,	 /* a member has another log key */
	VERSION_REMOVE,	 /* a member is one no more */
};
struct versions {
	struct dice dice;
	struct signed_version made[SIM_VERSIONS];
	size_t n;
	int tip; /* which the next one follows */
	enum version_plan plan[SIM_PLANS];
	uint64_t at[SIM_PLANS]; /* not before this step */
	size_t planned, done;
	bool begun;
};

enum event_kind_of_world {
	SIM_SYN,
	SIM_ACCEPTED,
	SIM_REFUSED,
	SIM_CHUNK,
	SIM_FIN,
	SIM_RESET,
	SIM_MARKED,
	SIM_AUDIT,
	SIM_TIMER,
	SIM_ACTION,
	SIM_WEATHER,
	SIM_RESTART,
	SIM_HOSTILE,
	SIM_DECEIT,
	SIM_PARCEL, /* a file arrives, or goes on being read */
	SIM_CARRY,  /* in the liveness phase: files, where there is no line */
	SIM_TALK,
	SIM_LOOK, /* in the liveness phase: is it over? */
};

struct sim_event {
	int64_t at;
	uint64_t seq;
	enum event_kind_of_world kind;
	int a;	     /* a node, or the end of a connection that it concerns */
	uint64_t id; /* a connection, or a life */
};

struct world {
	uint64_t seed;
	struct swarm swarm;
	struct dice people, weather, wires, oracle, hostile_dice, audit, tcp;
	int64_t now; /* ms */
	uint64_t seq, steps;
	struct sim_event *queue; /* a binary heap */
	size_t n_queue, cap_queue;
	size_t n_members, n_nodes;
	struct identity identity[SIM_MEMBERS];
	struct sim_node node[SIM_NODES];
	struct path path[SIM_NODES][SIM_NODES]; /* [from][to] */
	struct sim_conn *conn[SIM_CONNS];
	uint64_t conn_serial;
	struct buf roster;
	struct hash cluster_id;
	struct books books;
	struct requests *requests;
	struct weather *storm;
	struct versions versions;
	struct bundles *bundles; /* NULL: no files travel */
	int64_t down_to;	 /* who dies now stays down until then */
	struct hostile *hostile; /* NULL: nobody is */
	struct deceit *deceit;	 /* NULL: not to a purpose */
	struct talk *talk;	 /* NULL: nobody does */
	bool stage, two_liars, calm, over;
	int64_t calm_since;
	uint64_t messages, flips, wire_bytes;
	uint64_t dials, dials_in_step;
	uint64_t images; /* databases opened that a dead process or a power cut left */
	bool trace;
	struct hash trace_hash;
	void *arena_memory;
};

/* ---- world.c ---- */
void world_init(struct world *w, const struct run *run);
void world_release(struct world *w);
/* Runs one event; false when nothing is left before `until`. */
bool world_step(struct world *w, int64_t until);
void world_calm(struct world *w);
void world_trace(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct sim_node *world_node_of(struct world *w, int member);
bool world_is_honest(const struct world *w, int member);

/* ---- queue.c ---- */
void queue_add(struct world *w, int64_t at, enum event_kind_of_world kind, int a, uint64_t id);
bool queue_take(struct world *w, int64_t until, struct sim_event *out);

/* ---- identity.c ---- */
void identity_make_all(struct world *w);
void identity_release_all(struct world *w);

/* ---- node.c: lives and turns ---- */
struct now node_now(const struct world *w, const struct sim_node *n);
void node_start(struct world *w, struct sim_node *n);
/* The process ends without a word; with the power, what was not synced may be lost. */
void node_die(struct world *w, struct sim_node *n, enum node_power to);
/* Begins the group of this turn; false: the store failed, which was dealt with. */
bool node_enter(struct world *w, struct sim_node *n);
/* After each call of the replica that can fail; false: the store failed, and the group and all
 * sessions are gone. */
bool node_survives(struct world *w, struct sim_node *n, int rc, const struct err *e);
/* Ends the turn: commits, sends, sets the timer. */
void node_settle(struct world *w, struct sim_node *n);
void node_on_timer(struct world *w, struct sim_node *n);
void node_on_marked(struct world *w, struct sim_node *n);
bool node_is_up(const struct sim_node *n);
/* How often any node read a log from its beginning. */
uint64_t node_read_whole(void);

/* ---- feed.c ---- */
/* One encoded envelope into a replica, decoded and examined as the shell does it. */
int feed_replica(struct world *w, struct replica *r, int from, struct bytes data, struct now now,
	struct err *e);
/* Decodes; leaves are examined into memory that feed_release frees. */
struct fed {
	struct message m;
	struct batch batch;
	struct examined *x;
	void *memory, *leaf_memory;
};
/* The same in two steps; feed_release in any case. */
int feed_open(struct world *w, struct bytes data, struct fed *out, struct err *e) MUST_CHECK;
void feed_examine(struct world *w, struct fed *f, bool bulk);
int feed_decode(
	struct world *w, struct bytes data, bool bulk, struct fed *out, struct err *e) MUST_CHECK;
void feed_release(struct world *w, struct fed *f);
/* Some of what came in bulk is audited soon, if there is any. */
void feed_plan_audit(struct world *w, struct sim_node *n);
void feed_on_audit(struct world *w, struct sim_node *n);

/* ---- versions.c: of the roster ---- */
void versions_setup(struct world *w, uint64_t steps);
void versions_release(struct world *w);
/* Signs and installs the next one if it is time. */
void versions_act(struct world *w);
/* Those in force at the node, from the first; returns how many. */
size_t versions_notes(
	const struct world *w, const struct sim_node *n, struct bytes out[SIM_VERSIONS + 1]);
/* How many anybody has verified, by the linker's --wrap. */
uint64_t versions_looked_at(void);
/* A peer said something, in the group that is open, and so many versions were verified for it. */
void versions_heard(
	struct world *w, struct sim_node *n, int peer, const struct message *m, uint64_t looked);
/* Are views of the node and this peer held against each other? */
bool versions_are_comparable(const struct sim_node *n, int peer);
/* After a commit: ends all sessions if another version is in force. */
void versions_match(struct world *w, struct sim_node *n);
bool versions_equal(const struct sim_node *a, const struct sim_node *b);
/* Have all honest nodes come to the newest? If `must`, it is a failure that they have not. */
bool versions_converged(struct world *w, bool must);

/* ---- bundles.c: in files ---- */
void bundles_setup(struct world *w);
void bundles_release(struct world *w);
/* Somebody may write one. */
void bundles_act(struct world *w);
/* The node that is at work on this file. */
struct sim_node *bundles_node(struct world *w, uint64_t parcel);
void bundles_on_parcel(struct world *w, uint64_t parcel);
void bundles_on_carry(struct world *w);
/* No line reaches one of the nodes, whatever the weather. */
void bundles_keep_apart(struct world *w);
bool bundles_is_apart(const struct world *w, const struct sim_node *n);
/* After everything was mended. */
void bundles_end(const struct world *w);
/* The node's store failed: what it took of files is as if it had not been. */
void bundles_give_up(struct world *w, const struct sim_node *n);

/* ---- people.c, requests.c, weather.c ---- */
void people_setup(struct world *w);
void people_act(struct world *w);
void requests_committed(struct world *w, struct sim_node *n);
void requests_release(struct world *w);
void weather_act(struct world *w);
/* Between these two nothing gets through from now on; both know. */
void weather_cut(struct world *w, int a, int b);
void weather_mend(struct world *w, int a, int b);
/* After a commit: the disk may be full from now on. */
void weather_brim(struct world *w, struct sim_node *n);
/* Every line swallows what it is given; nobody is told. */
void weather_cut_all(struct world *w, int64_t until);
/* A second machine with everything of the first: database, mark, keys. One in a run, of a node that
 * is up, with its database on a disk. */
void weather_clone(struct world *w, struct sim_node *n);
/* The node's disk, and its mark file if `with_mark`, are lost and replaced; not everybody's. */
void loss_of_disk(struct world *w, struct sim_node *n, bool with_mark);
/* What is worst when nothing comes after it. */
void weather_last(struct world *w);
/* Everything is mended, and stays so. */
void weather_clear(struct world *w);
void weather_release(struct world *w);

#endif
