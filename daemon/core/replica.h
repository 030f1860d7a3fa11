/* The replica: everything a node decides, with time, randomness and storage as arguments. Floor 3,
 *PURE: no sockets, no clock, no static mutable data, so five of them run in one simulated process.
 *Source: PROTOCOL 3 to 7.
 *
 * How it is driven (the shell in daemon/net, or the simulator):
 *
 *	replica_begin()            one store transaction for all inputs that are ready
 *	  replica_recv / replica_post / replica_link / replica_tick / …
 *	replica_commit()           from here on the outputs are real
 *	replica_next_event()       until it returns false
 *	replica_next_out(peer)     as long as the peer's write queue has room
 *
 * Nothing is offered by replica_next_out or replica_next_event before the commit that justifies it.
 *If an input or the commit returns a store error (RC_DISK_FULL, RC_NOMEM, RC_UNKNOWN_OUTCOME,
 *RC_CORRUPT), the shell calls replica_rollback(): the replica reloads itself from the store and all
 *links count as down.
 *
 * Glossary: head = a log's signed checkpoint; seen = the largest head we know its owner signed;
 *source = the peer we are fetching a log from; mark = the high-water mark file, outside the
 *database, that no restore brings back. */
#ifndef DELTAD_CORE_REPLICA_H
#define DELTAD_CORE_REPLICA_H

#include "daemon/core/examine.h"
#include "daemon/core/store.h"
#include "proto/base/units.h"
#include "proto/trust/roster.h"
#include "proto/wire/ctl.h"
#include "proto/wire/message.h"

struct replica;

/* What the mark file said at start. */
struct mark {
	bool present;
	char origin[ORIGIN_SIZE];
	uint64_t size;
	struct hash root;
};

struct replica_config {
	struct store *store; /* borrowed */
	struct chance chance;
	const struct key *log_key;    /* borrowed; NULL: it writes no log (replica_fill) */
	const struct key *cosign_key; /* borrowed; NULL: this node cosigns nothing */
	/* Borrowed; NULL: none. The ones that the roster names as soon as it does (PROTOCOL 5.3).
	 */
	const struct key *log_key_next, *cosign_key_next;
	const char *member;	/* slug of this node; borrowed */
	struct hash cluster_id; /* what the administrator configured */
	const char *software;	/* "deltad 0.1.0"; borrowed */
	struct mark mark;
	size_t release_at_once; /* pending changes that one step decides; 0: LIMIT_RELEASED */
};

/* Loads the state from the store; with a roster installed, opens the own log (a new epoch where the
 * mark says that the database is not the one that spoke last). Opens and commits its own
 * transaction. RC_ROSTER / RC_SETUP: the roster and the configuration do not fit (member not in it,
 * log key not the roster's): do not start. Store errors as store.h. */
int replica_open(const struct replica_config *c, struct now now, struct replica **out,
	struct err *e) MUST_CHECK;
/* Rolls back an open group. */
void replica_close(struct replica *r);

/* NULL until one is installed. Borrowed until the next input. */
const struct roster *replica_roster(const struct replica *r);
/* The member's index in the roster is how peers are named below; -1 until a roster is installed. */
int replica_self(const struct replica *r);

/* Grouping of inputs. begin is a no-op inside a group. */
int replica_begin(struct replica *r, struct err *e) MUST_CHECK;
/* Signs heads of what was appended, stores them, commits. RC_OK with nothing to commit. */
int replica_commit(struct replica *r, struct now now, struct err *e) MUST_CHECK;
/* Reloads; RC_CORRUPT etc. if even that fails: stop. All sessions are gone: the shell closes its
 * connections. */
int replica_rollback(struct replica *r, struct now now, struct err *e) MUST_CHECK;
/* Whether the disk is known to be full: while it is, peers are asked for nothing. When there may be
 * room again the shell ends all sessions, because what was said in them meanwhile is lost. */
void replica_set_full(struct replica *r, bool full);

enum link_event { LINK_UP, LINK_DOWN };
/* A session with this peer began or ended. LINK_UP of one that is up ends the old one first. */
void replica_link(struct replica *r, int peer, enum link_event ev, struct now now);

/* A message of a peer. Leaves come examined (batch->n of them, in order), everything else with n =
 * 0. RC_PEER_*: nothing was changed; count it, and close the session (a Bye with the code is
 * queued). Store errors: roll back. */
struct batch {
	const struct examined *leaf;
	size_t n;
};
int replica_recv(struct replica *r, int peer, const struct message *m, const struct batch *batch,
	struct now now, struct err *e) MUST_CHECK;

/* Bytes moved on the line to or from this peer, though no whole message came: on a slow line a long
 * one takes minutes. Puts off the peer's death, and for five minutes the choice of another source.
 * Needs no group.
 */
void replica_heard(struct replica *r, int peer, struct now now);

/* What a peer of a session sent was no message at all (e says why): counted and shown like a
 * message that is refused, and the session ends with a Bye. Needs no group. */
void replica_refuse(struct replica *r, int peer, const struct err *e);

/* ---- signatures in bulk (PROTOCOL 7.5) ---- */

/* A batch of such a log is so far behind that its leaves are to be examined with examine_bulk; of
 * every other log with examine_leaf. */
bool replica_is_bulk(const struct replica *r, struct bytes origin);

/* Leaves whose operators' signatures nobody here has checked: the shell examines them
 * (examine_leaf) when it has time, one piece after the other. All zero is an empty one. */
#define AUDIT_LEAVES 512
struct audit_piece {
	uint32_t log; /* row id */
	uint64_t first;
	struct bytes leaf[AUDIT_LEAVES];
	size_t n;
	struct buf raw; /* what leaf points into */
};
bool replica_audit_is_due(const struct replica *r);
/* Fills *p, which is the caller's until audit_piece_release. STORE_NONE: nothing to audit. Call
 * between groups. Store errors: RC_CORRUPT etc. */
int replica_audit_next(struct replica *r, struct audit_piece *p, struct err *e) MUST_CHECK;
/* The same piece, examined: what is bad becomes void, and the log is audited that far. A piece that
 * a rollback has overtaken is passed over. Store errors: roll back. */
int replica_audit_done(struct replica *r, const struct audit_piece *p, const struct examined *leaf,
	struct err *e) MUST_CHECK;
void audit_piece_release(struct audit_piece *p);

/* Posts of an operator of this member: all or none are appended to the own log. posted[n] is filled
 * on RC_OK and counts only after replica_commit. A nonce that was posted before with the same body
 * answers where it stands. RC_REFUSED_*, RC_NOT_OPERATOR, RC_OUT_OF_SCOPE, RC_VERIFY, RC_NO_ROSTER:
 * nothing changed. */
struct posted {
	const char *origin; /* borrowed from the replica */
	uint64_t index;
	struct hash id;
};
int replica_post(struct replica *r, const struct signed_body *change, size_t n,
	struct posted *posted, struct now now, struct err *e) MUST_CHECK;
/* A delegation or revocation, signed by the member's root key. */
int replica_post_event(struct replica *r, enum leaf_kind kind, const struct signed_body *body,
	struct posted *posted, struct now now, struct err *e) MUST_CHECK;
/* Writes an anchor into the own log (PROTOCOL 3.8); out->id is the leaf's hash. RC_NO_ROSTER,
 * RC_REFUSED (the view is provisional), RC_FORK, RC_TOO_BIG (too many logs for one leaf). Ticks
 * write one at a quarter's end and, where the view changed, once a day. */
int replica_anchor(struct replica *r, struct now now, struct posted *out, struct err *e) MUST_CHECK;

/* Version 1 must hash to the configured cluster id. RC_VERIFY, RC_ROSTER, RC_REFUSED (another one
 * is installed). Opens the own log. Installing the same again is RC_OK. */
int replica_install_roster(
	struct replica *r, struct bytes note, struct now now, struct err *e) MUST_CHECK;
/* Several versions, ascending: a node that has none begins with the first and is a member of the
 * one in force by all that it is given. A version after the one in force takes effect at the
 * commit, when all sessions end. RC_ROSTER: none that follows; RC_VERIFY: not signed by those who
 * must; RC_SETUP: this node does not have the log key it names; RC_REFUSED: it removes this member.
 */
int replica_install_rosters(struct replica *r, const struct bytes *note, size_t n, struct now now,
	struct err *e) MUST_CHECK;
/* A roster that came in this group takes effect at its commit: end the group before anything that
 * it speaks of is read. */
bool replica_roster_is_due(const struct replica *r);
/* fn gets every version here, from the first, and what stands against one. It returns 0 to go on.
 */
typedef int replica_roster_fn(void *arg, struct bytes note, bool in_force);
int replica_rosters(struct replica *r, replica_roster_fn *fn, void *arg, struct err *e) MUST_CHECK;

/* This node lost its disk: installs these rosters, and appends nothing until its peers have given
 * its own logs back; alone: waits no longer. RC_REFUSED: its log has entries already, or (alone) it
 * is not waiting; RC_DEGRADED (alone): it has not the log key. Else as replica_install_rosters. */
int replica_rebuild(struct replica *r, const struct bytes *note, size_t n, bool alone,
	struct now now, struct err *e) MUST_CHECK;
/* All rosters that a file holds, ascending by version, on a replica that writes no log and has
 * none: those that nothing here leads to are passed over. RC_VERIFY, RC_ROSTER, RC_NOTE: nothing
 * changed.
 */
int replica_fill_rosters(struct replica *r, const struct bytes *note, size_t n, struct now now,
	struct err *e) MUST_CHECK;
/* Whether the roster has ended the log: after how many leaves, and the head that these have by it;
 * borrowed until something changes. */
bool replica_fill_end(
	const struct replica *r, const char *origin, uint64_t *end, struct bytes *head);
/* Leaves first.. of a log and the signed head that they end at, from a file: only on a replica that
 * writes no log. RC_PEER_*: the head is not its owner's, or the leaves do not give its root: give
 * the replica up. *passed: it is a head that nobody reads by the roster in force, and nothing was
 * taken. Store errors. */
int replica_fill(struct replica *r, struct bytes head, uint64_t first, const struct batch *b,
	bool *passed, struct now now, struct err *e) MUST_CHECK;
/* What proves a fork, from the same file, when all its leaves are here. RC_PEER_*: it proves
 * nothing.
 */
int replica_fill_evidence(struct replica *r, struct bytes first, struct bytes second,
	struct bytes proof, struct now now, struct err *e) MUST_CHECK;
/* What this member had cosigned of a log, once its leaves are here: it says nothing smaller, and
 * nothing else, of it. RC_PEER_*: it had not. */
int replica_fill_cosignature(struct replica *r, const char *origin, uint64_t size,
	struct bytes note, struct now now, struct err *e) MUST_CHECK;
bool replica_is_rebuilding(const struct replica *r);
struct rebuild_progress {
	bool on, restored;
	size_t heard;					   /* peers connected */
	uint64_t own_here, own_known, all_here, all_known; /* leaves */
};
void rebuild_progress(const struct replica *r, struct rebuild_progress *out);

/* The mark file now says size (of the own log's origin): heads up to there may be sent. */
void replica_marked(struct replica *r, const char *origin, uint64_t size);

/* Timers. The shell calls tick when the deadline is reached, inside a group. */
int replica_tick(struct replica *r, struct now now, struct err *e) MUST_CHECK;
struct mono_ms replica_deadline(const struct replica *r);

/* The next message for a peer, ranges borrowed until the next call on the replica. False: nothing
 * at the moment. Reads the store; call only between groups. A message with `last` set is a Bye:
 * send it and close. */
struct outbound {
	struct message msg;
	bool last;
};
bool replica_next_out(struct replica *r, int peer, struct outbound *out);

enum event_kind {
	EVENT_MARK,	 /* write the mark file (origin, size, root), then call replica_marked */
	EVENT_COMMITTED, /* something visible changed: wake subscribers */
	EVENT_FORK,	 /* alarm: a log is forked and frozen; text names the size */
	EVENT_EVIDENCE,	 /* what proves it was stored; found here or told by the peer */
	EVENT_NEW_EPOCH, /* a new own log was opened; text says why */
	EVENT_DIVERGED,	 /* alarm: equal logs, other view than the peer's */
	EVENT_CLONE,	 /* alarm: two machines write as one member; text names the logs */
	EVENT_REFUSED,	 /* a peer's message was refused; text */
	EVENT_BAD_SIGNATURE, /* alarm: a log's owner let in what no operator signed; text */
	EVENT_ROSTER, /* another version is in force, or alarm: two stand against each other */
	EVENT_INFO,   /* one summary line */
};
struct event {
	enum event_kind kind;
	int peer; /* or -1 */
	char origin[ORIGIN_SIZE];
	uint64_t size;
	struct hash root;
	char text[160];
};
bool replica_next_event(struct replica *r, struct event *out);

/* ---- reads for the control socket; call only between groups ---- */
/* Borrowed until the next call. `peers` of the status leave address, bytes_in, bytes_out, strangers
 * to the shell. */
int replica_status(
	struct replica *r, struct now now, struct ctl_status *out, struct err *e) MUST_CHECK;
typedef int replica_entry_fn(void *arg, const struct ctl_entry *entry);
/* fn returns 0 to go on. */
int replica_query(struct replica *r, const struct ctl_query *q, replica_entry_fn *fn, void *arg,
	struct err *e) MUST_CHECK;
int replica_findings(struct replica *r, replica_entry_fn *fn, void *arg, struct err *e) MUST_CHECK;
/* Borrowed until the next input. */
int replica_operators(
	struct replica *r, const struct ctl_operator **out, size_t *n, struct err *e) MUST_CHECK;
/* Piece `at` of what proves that logs are forked, one a log. STORE_NONE: there are not so many.
 * Borrowed until the next input. */
int replica_evidence(struct replica *r, size_t at, struct ctl_evidence *out) MUST_CHECK;
/* A leaf with its path and a head over it: the newest final one, else the newest that may leave
 * this node. Reads the whole log. RC_NOT_FOUND: no such log, no such leaf under a head yet, or no
 * final head of a log that the roster ended: another node may have one. Borrowed until the next
 * call. */
int replica_proof(struct replica *r, struct bytes origin, uint64_t index, struct ctl_proof *out,
	struct err *e) MUST_CHECK;
/* The installed note, or STORE_NONE. */
int replica_roster_note(struct replica *r, struct buf *out, struct err *e) MUST_CHECK;
/* The view may be another one when all leaves are audited and ticks have decided what was pending.
 */
bool replica_is_provisional(const struct replica *r);
/* The view root of what is committed. */
int replica_view_root(struct replica *r, struct hash *out, struct err *e) MUST_CHECK;

#endif
