/* One replica on a store in memory, with its mark file, clock and random numbers in the test's
 * hand.
 */
#ifndef DELTAD_TESTS_NODE_FIXTURE_H
#define DELTAD_TESTS_NODE_FIXTURE_H

#include "daemon/core/replica.h"
#include "tests/lib/cluster_fixture.h"
#include "tests/lib/failing_store.h"

#define NODE_EVENT_KINDS (EVENT_INFO + 1)

struct node {
	const struct cluster *c;
	int self;
	const struct key *log_key, *log_key_next; /* NULL: the cluster's, none */
	struct store *store;			  /* what the replica uses */
	struct store *database;			  /* what is closed at the end */
	struct replica *replica;
	struct mark mark;  /* the mark file */
	bool mute;	   /* it cosigns nothing, from its next start on */
	bool mark_by_hand; /* the test answers EVENT_MARK with node_write_mark */
	bool bulk;	   /* leaves come with their signatures unchecked */
	struct mark mark_wanted;
	struct now now;
	uint64_t salt; /* where its random numbers are */
	unsigned events[NODE_EVENT_KINDS];
	char said[NODE_EVENT_KINDS][160]; /* text of the last event of each kind */
	struct err e;			  /* of the last call that failed */
};

/* A node with the roster installed and its first epoch open. */
void node_init(struct node *n, const struct cluster *c, int self);
/* Without a roster, and on a store of the test's (NULL: one in memory). */
void node_init_bare(struct node *n, const struct cluster *c, int self, struct store *store);
/* The same on a store in memory that fails where *f says. */
void node_init_failing(struct node *n, const struct cluster *c, int self, struct failing_store *f);
void node_release(struct node *n);
/* The process ends and starts again; the store stays. */
int node_restart(struct node *n);

/* What stands around an input: begin, and commit and events, or a rollback if rc is an error of the
 * store. Returns what came of it. */
int node_begin(struct node *n);
int node_end(struct node *n, int rc);
/* Groups of one input. */
int node_install_roster(struct node *n);
int node_install(struct node *n, const struct bytes *notes, size_t count);
int node_link(struct node *n, int peer, enum link_event ev);
int node_recv(struct node *n, int peer, const struct message *m);
int node_tick(struct node *n);
/* Both clocks go on, then a tick. */
int node_pass(struct node *n, int64_t ms);
int node_post(struct node *n, const struct signed_body *change, size_t count, struct posted *out);
int node_post_event(struct node *n, enum leaf_kind kind, const struct signed_body *body);
void node_write_mark(struct node *n);
/* One piece of the audit, of at most so many leaves; false: there was nothing to audit. */
bool node_audit_piece(struct node *n, size_t leaves);
/* The same on a store that may fail: RC_OK, STORE_NONE or its error. */
int node_try_audit(struct node *n, size_t leaves);
/* All that is due. */
void node_audit(struct node *n);

/* Signed by operator 0 of the member; *id may be NULL. */
int node_write(struct node *n, struct write w, struct hash *id);
int node_delegate(
	struct node *n, const struct key *operator, const char * const * scope, uint64_t not_after);
int node_revoke(struct node *n, const struct key *operator, uint64_t valid_below);

/* A session up to and with the peer's Hello, which names no log. */
void node_greet(struct node *n, int peer);
/* A Hello with these heads; the link must be up. */
int node_hello(struct node *n, int peer, const struct bytes *heads, size_t n_heads);
/* The peer's ViewDigest, which names no log: it has told all that it knows. */
int node_digest(struct node *n, int peer);
/* A node that all others once greeted, and told that they know of nothing: it may cosign. */
void node_settle(struct node *n);
int node_head(struct node *n, int peer, const struct scribe *s, size_t size);
/* Leaves from..to-1 with the head of size `to`. */
int node_leaves(struct node *n, int peer, const struct scribe *s, size_t from, size_t to);
/* All of a log in one batch, which must be taken, from the member's own node. */
void node_feed(struct node *n, const struct scribe *s);

/* The next message for the peer of this kind, others passed over; false: there is none. */
bool node_next(struct node *n, int peer, enum message_kind kind, struct outbound *out);
/* Takes everything that is waiting; how many messages it was. */
size_t node_drain(struct node *n, int peer);
/* Carries everything between two nodes that are linked, both ways, until nothing moves. */
void node_exchange(struct node *a, struct node *b);
/* Links them, and exchanges for a while. */
void node_meet(struct node *a, struct node *b);

/* ---- what a node shows ---- */
/* NULL: no such log. Borrowed until the next call on the node. */
const struct ctl_log *node_log(struct node *n, const char *origin);
uint64_t node_size(struct node *n, const char *origin);
/* The log it writes to. */
const char *node_origin(struct node *n);
/* The verdict of a leaf that is here, by replica_findings; *code may be NULL. */
enum verdict node_verdict(struct node *n, const char *origin, uint64_t index, enum void_code *code);
size_t node_findings(struct node *n);
/* Is this change a current value? */
bool node_is_current(struct node *n, const struct hash *id);
struct hash node_view(struct node *n);
/* Appends all that it holds as text, a line a log and a finding, in their order as text; its own
 * logs by number alone, for the rest of their names is chance. */
void node_show(struct node *n, struct buf *out);

#endif
