/* What a replica holds in memory: private to daemon/core. All of it can be rebuilt from the store;
 * between groups it equals what is committed. Floor 3. */
#ifndef DELTAD_CORE_STATE_H
#define DELTAD_CORE_STATE_H

#include "daemon/core/replica.h"
#include "proto/trust/cosign.h"
#include "proto/trust/evidence.h"
#include "proto/trust/operators.h"

#define FETCH_TIMEOUT_MS 5000 /* a source that sends nothing for so long is changed */
#define FETCH_PATIENCE 4      /* and who is asked again is given so many times as long */
#define FETCH_HOLD_MS                                                                              \
	300000		   /* and one that sends, but no leaves: a batch at 16 kbit/s takes 262 s */
#define FETCH_GRACE_MS 100 /* the author is given so long to push before another peer is asked */
#define RELAY_DELAY_MS 50  /* other members' new heads are announced at most so often a log */
#define LOOK_BACK_MS 60000 /* a peer makes us read a log from its beginning at most so often */
#define DIGEST_DELAY_MS 50 /* view digests are sent at most so often */
/* Notes that change nothing, of one peer in so long: those of every version twice over. */
#define ROSTERS_VAIN_MS 60000
#define ROSTERS_IN_VAIN(top) (2 * (unsigned)((top) + 5))
#define AUDIT_BULK_LEAVES 1024 /* a log that is farther behind comes in bulk */
#define AUDIT_DOUBTS 64	       /* bad signatures found by reading, until the next tick */

#define COSIGN_GAP_MS 200 /* a log is cosigned at most so often */
#define REST_MS 20000	  /* after a rollback: with a full disk nothing else would ever be done */
#define COSIGN_KEPT 8	  /* heads that are not final and that one member cosigned, of a log */
#define TRAIL_LEAVES                                                                               \
	512 /* the root of each of so many last sizes is found by reading few leaves               \
	     */

#define NO_PEER (-1)

struct kept_head {
	uint64_t size, bytes;
};

struct seen_head {
	uint64_t size;
	struct hash root;
	struct buf note;
};

/* A head that members have cosigned; its root is that of our leaves. */
struct cosigned {
	uint64_t size;
	member_set by;
	member_set said;		/* whose cosignatures may be told to peers */
	member_set told[LIMIT_MEMBERS]; /* which of them each peer has */
	struct buf note;		/* with their lines */
};

/* What members say of one log (PROTOCOL 4). */
struct witness {
	struct cosigned *head; /* by size */
	size_t n, cap;
	struct {
		uint64_t size; /* 0: none */
		struct buf note;
	} waiting[LIMIT_MEMBERS]; /* the newest of each member over leaves that are not here yet */
	uint64_t last;		  /* the largest size that we have cosigned */
	uint64_t tried;		  /* what was audited when there was nothing to cosign */
	struct mono_ms again;	  /* not before then */
	struct mono_ms relay_at;  /* when others' cosignatures are told; MONO_NEVER */
	bool changed;		  /* since the last commit */
	uint64_t final_size;
	struct buf final;
	struct frontier base[2]; /* from where roots are counted on, [0] the earlier */
	struct {
		uint64_t size; /* 0: none */
		struct hash root;
	} named[LIMIT_MEMBERS]; /* what a peer holds, as long as it cannot be found in our leaves */
};

/* One member's log in one epoch. */
struct log {
	struct store_log row;
	struct origin origin;
	int member;		  /* index in the roster */
	struct buf head;	  /* the note at row.size; empty at size 0 */
	struct kept_head kept[2]; /* the two newest heads kept in the store, [0] the newest */

	char previous[ORIGIN_SIZE]; /* from its Open: the epoch before, "" = none */
	uint64_t previous_size;
	uint64_t open_hlc; /* of its Open */
	bool clone_told;   /* that it has a twin, since this start */

	struct seen_head seen; /* the largest we know its owner signed, since the process began */
	struct seen_head earlier; /* a smaller one that no leaves have reached yet */
	struct mono_ms seen_at;

	int source; /* peer we are fetching from, or NO_PEER */
	struct mono_ms source_deadline;
	struct mono_ms source_limit; /* of the deadline, while no leaves come */
	int64_t patience;	     /* ms that the source may be silent */
	bool gave_way;		     /* a source did, to the author, since leaves came */
	int doubted;		     /* peer whose leaves do not go on from ours, or NO_PEER */
	struct mono_ms doubt_limit;  /* another may be looked at from then on */
	struct frontier common;	     /* how far its history was found to be ours */
	struct mono_ms relay_at;     /* when to announce row.size to others; MONO_NEVER */
	/* By the roster (PROTOCOL 5.3): leaves from `below` on do not count. */
	bool retired;
	bool sealed;	   /* not any more, and nobody has signed the head here */
	bool astray;	   /* those below are not the ones that the roster names */
	member_set parted; /* who showed another history of it than ours, since it last grew */
	uint64_t below;
	struct buf seal; /* the head at `below` */

	struct buf evidence[3]; /* of a forked log: the two heads and the proof */
	struct witness witness;

	uint8_t *shown; /* one bit a leaf: not audited yet, but its signature is good */
	size_t n_shown; /* bytes */
};

/* What one peer knows and wants of one log. */
struct peer_log {
	uint64_t has;  /* size the peer has, as far as we know; optimistic after a push */
	uint64_t told; /* largest size we told it of */
	uint64_t want_from, want_to; /* the range it still waits for; from == to: none */
	bool head_due;		     /* announce our size */
	bool want_due;		     /* ask it for row.size..seen_size */
	bool evidence_due;	     /* it is to be told that the log is forked */
	bool asked;		     /* in this session, so that it may be answering late */
	bool failed;		     /* timed out as a source since the last progress */
	uint64_t asked_at;	     /* how many messages had come from it when it was asked */
	struct mono_ms looked_back;  /* when its head was last compared by counting our leaves */
};

enum session_state {
	SESSION_DOWN,	  /* no link */
	SESSION_GREETING, /* link up, the peer's Hello not yet here */
	SESSION_OPEN,	  /* Hello received: everything may flow */
	SESSION_LEAVING,  /* a Bye is due or sent: nothing more is read */
};

/* A log that a peer's digest named before we knew it. */
struct foreign_log {
	char origin[ORIGIN_SIZE];
	uint64_t size;
};

/* One peer. Beyond the link's life it keeps what status shows of it. */
struct session {
	enum session_state state;
	bool hello_due, ping_due, pong_due, digest_due;
	int bye_rc; /* why, in SESSION_LEAVING */
	char bye_text[120];
	bool bye_sent;
	uint64_t pong_token, ping_token;
	struct mono_ms heard, pinged;
	struct peer_log log[LIMIT_LOGS]; /* by index in replica.log */
	size_t serve_next;		 /* round robin over logs */

	uint32_t roster_version; /* what its Hello said */
	struct hash roster_id;	 /* zero: not said */
	uint32_t tell_version;	 /* the next version of the roster that it is told; 0 = none */
	unsigned tell_place;
	unsigned rosters_in_vain; /* that it told us since a minute before vain_until */
	struct mono_ms vain_until;

	uint64_t messages, refused;
	char last_error[160];
	char software[40];
	int64_t sync_ms;
	bool has_digest;
	uint32_t digest_rules;
	struct hash digest_root;
	uint64_t digest_size[LIMIT_LOGS];
	struct foreign_log digest_foreign[LIMIT_LOGS];
	size_t n_digest_foreign;
	bool diverged; /* equal logs, other view: alarm raised */
};

/* The view: a Merkle leaf for each task that has current values. */
struct digest_task {
	char key[TASK_KEY_SIZE];
	bool dirty, present;
	struct hash leaf;
};

struct digest {
	struct digest_task *task; /* in plan order */
	size_t n, cap;
	bool dirty;
	struct hash root;
};

/* The TASK changes that reports act under, so that a batch does not read them again and again. */
#define UNDER_CACHE 512
struct under_entry {
	bool used;
	struct hash id;
	enum verdict verdict;
	char task[TASK_KEY_SIZE];
	char lead[SLUG_SIZE];
	char participant[LIMIT_MEMBERS][SLUG_SIZE];
	size_t n_participants;
};

struct reference {
	int64_t reg;
	struct hash id;
};

/* Changes of a log in from..to-1, signed by this key or by whomever, whose verdict may be another
 * one. */
struct stretch {
	struct log *log;
	uint64_t from, to;
	bool by_any;
	uint8_t key[KEY_BYTES];
};

/* A change that others may act under: its verdict is another one, or it was taken out. */
struct gone {
	int64_t reg;
	struct hash id;
	uint32_t slot;
	char task[TASK_KEY_SIZE];
};

/* A leaf whose signature turned out bad before the audit came to it. */
struct doubt {
	uint32_t log;
	uint64_t index;
};

struct event_queue {
	struct event *item;
	size_t n, cap, next;
};

/* A node that lost its log and waits for its peers to give it back. */
struct rebuild {
	bool on, wanted;
	enum open_reason why;	    /* OPEN_REBUILD or OPEN_RESTORE */
	struct mono_ms since, grew; /* an own log last */
	struct mono_ms greeted;	    /* somebody new said what it holds, or an own log grew */
	uint32_t epoch;		    /* the restored database's mark named it: the next is above */
	bool heard[LIMIT_MEMBERS];  /* who said so since the start */
};

/* Do we know what we have cosigned? */
struct set_back {
	enum set_back_kind {
		SET_BACK_NOT,
		SET_BACK_YOUNG, /* an empty database, that of a new node or of a lost one */
		SET_BACK_YES,	/* our database is not the one that spoke last */
	} how;
	member_set told;	    /* who has told us since all that it knows */
	struct mono_ms young_until; /* MONO_NEVER: nobody has spoken yet */
	bool is_over;		    /* to be noted with what is written next */
};

struct replica {
	struct replica_config config;
	const struct store_ops *ops;
	struct store *store;
	bool has_roster;
	struct roster roster;
	int self;

	/* Of the configured ones those that the roster names; NULL: neither is. */
	const struct key *log_key, *cosign_key;
	struct {
		bool due;	     /* another version is in force from the next commit on */
		uint32_t top;	     /* newest version of which a note is here */
		uint32_t split;	     /* of this one there are two; 0 = none */
		uint32_t removes_us; /* this one, which is therefore not in force; 0 = none */
		struct hash of[2];   /* the two */
		char text[200];	     /* what status says of it */
	} rosters;

	struct log *log[LIMIT_LOGS];
	size_t n_logs;
	uint32_t next_log_id;
	struct log *own; /* the epoch we append to */
	bool own_dirty;	 /* leaves without a head yet */
	struct set_back set_back;
	uint64_t hlc; /* largest stamp seen that our clock does not call absurd */

	struct {		 /* the mark file */
		uint64_t size;	 /* what it says of own */
		struct buf note; /* our head of that size; empty: nothing of own may be sent */
		bool in_flight;
		uint64_t flight_size;
		struct hash flight_root;
		struct buf flight_note;
	} mark;

	struct rebuild rebuild;
	struct operators operators;
	struct session session[LIMIT_MEMBERS];
	struct digest digest;
	struct mono_ms digest_at; /* when to send digests; MONO_NEVER */
	struct mono_ms anchor_at; /* when to look whether an anchor is due */
	struct under_entry *under;
	struct stretch *stretch; /* to be read for changes to recheck */
	size_t n_stretches, cap_stretches;
	struct reference *recheck; /* changes whose verdict must be decided again */
	size_t n_recheck, cap_recheck;
	struct gone *gone; /* what acts under these is to be listed there */
	size_t n_gone, cap_gone;
	int64_t *refold; /* registers where a verdict changed, as often as it did */
	size_t n_refold, cap_refold;
	bool releasing;		     /* more has been waited for than one step decides */
	const struct hash *released; /* what the changes that are decided waited for */
	size_t n_places;	     /* log events whose place is remembered */

	struct doubt doubt[AUDIT_DOUBTS];
	size_t n_doubts;

	bool in_group, wrote, full;
	struct mono_ms rest_until; /* after a group that could not be written: of itself the node
				      writes nothing before then */
	struct event_queue held;   /* become visible at the commit */
	struct event_queue events;

	struct arena scratch; /* for the leaf that is being examined */
	struct arena side;    /* for a stored one that is looked at meanwhile */
	struct buf out;	      /* what the last replica_next_out points into */
	struct buf out_notes;
	struct bytes out_leaves[LIMIT_BATCH_LEAVES];
	struct log_size out_sizes[LIMIT_LOGS];
	struct bytes out_heads[LIMIT_LOGS];

	struct buf answer; /* what the last read for the control socket points into */
	struct ctl_log *answer_logs;
	struct ctl_cosigned *answer_cosigned;
	struct ctl_peer *answer_peers;
	struct ctl_operator *answer_operators;
	struct ctl_clone *answer_clones;
	struct ctl_rebuild answer_rebuild;
};

/* ---- replica.c ---- */
void event_hold(struct replica *r, enum event_kind kind, int peer, const struct log *log,
	const char *fmt, ...) PRINTF_LIKE(5, 6);
const char *member_slug(const struct replica *r, int member);

/* ---- rosters.c: versions of the roster ---- */
/* The version in force: the last of the chain that begins with the first. STORE_NONE: none is
 * installed. */
int rosters_load(struct replica *r, struct roster *out, struct err *e) MUST_CHECK;
/* A version from anywhere; one that is known is RC_OK. RC_ROSTER, RC_NOTE: it does not follow what
 * is here. RC_VERIFY: it would, but for its signatures. */
int rosters_offer(struct replica *r, struct bytes note, struct err *e) MUST_CHECK;
int rosters_recv(struct replica *r, int peer, struct bytes note, struct err *e) MUST_CHECK;
/* What the peer said of its roster in its Hello; it is told what it lacks. */
void rosters_greet(struct replica *r, struct session *s, const struct message *hello);
/* Its roster and ours are the same: only then do heads mean the same, and views compare. */
bool rosters_equal(const struct replica *r, const struct session *s);
bool rosters_next_out(struct replica *r, struct session *s, struct message *m);

/* ---- retire.c: logs that the roster ends ---- */
/* At every load, once the table of logs is here. */
int retire_logs(struct replica *r, struct now now, struct err *e) MUST_CHECK;
/* Does the leaf stand where its log has ended? */
bool retire_covers(const struct log *log, uint64_t index);
/* How many of the leaves here count. */
uint64_t retire_counted(const struct log *log);
/* Is this the head of a log that a version of the roster ended? Nobody has signed it. */
bool retire_is_seal(const struct replica *r, struct bytes head);
/* Where the log ends, and its root there. */
void retire_end(const struct replica *r, const struct log *log, uint64_t *size, struct hash *root);
/* Is the head one of a retired log that is to be read? *pass: it is to be passed over. */
int retire_check_head(const struct replica *r, const struct log *log, const struct checkpoint *cp,
	struct bytes note, bool *pass, struct err *e) MUST_CHECK;
/* All events and verdicts again, as the roster in force has them. */
int retire_judge_again(struct replica *r, struct err *e) MUST_CHECK;

/* ---- logs.c ---- */
struct log *log_find(const struct replica *r, struct bytes origin);
size_t log_position(const struct replica *r, const struct log *log);
/* NULL: no row of it. */
struct log *log_by_id(const struct replica *r, uint32_t id);
/* The log that another row of the store names. RC_CORRUPT: there is none. */
int log_of_row(const struct replica *r, uint32_t id, struct log **out, struct err *e) MUST_CHECK;
/* The key that signs its heads; NULL if the roster names none. */
const uint8_t *log_key(const struct replica *r, const struct log *log);
/* A store_leaf_fn: appends the leaf to a struct frontier. */
int log_add_leaf(void *frontier, uint64_t index, struct bytes leaf);
/* May the member have one more? Those that the roster ends are not counted. */
bool log_has_room(const struct replica *r, const char *member);
/* A new, empty log of a roster member; RC_PEER_LIMIT if there are too many. */
int log_create(struct replica *r, const struct origin *o, int member, struct log **out,
	struct err *e) MUST_CHECK;
int logs_load(struct replica *r, struct err *e) MUST_CHECK;
void logs_release(struct replica *r);
/* The largest head kept of a size in (above, upto] that its owner has signed; STORE_NONE. Its note
 * goes to *note. */
int log_signed_head(struct replica *r, const struct log *log, uint64_t above, uint64_t upto,
	struct store_head *h, struct buf *note, struct err *e) MUST_CHECK;
/* Files a head at log->row.size and forgets one that is too near to its neighbours (PROTOCOL 3.3).
 */
int log_keep_head(struct replica *r, struct log *log, struct bytes note, struct err *e) MUST_CHECK;
/* Nothing is added to it: its owner forked it, and the members have not said how it ends; or what
 * is here is not what they say. */
bool log_is_frozen(const struct log *log);
/* Frozen, or ended by the roster: there is nothing more to witness. */
bool log_is_closed(const struct log *log);
/* How much of a log may leave this node, and the head there with the cosignatures known (empty
 * note: nothing). */
uint64_t log_sendable(const struct replica *r, const struct log *log, struct bytes *note);
/* The member who owns a log, by its index in the roster; RC_PEER_ORIGIN. */
int log_owner(const struct replica *r, const struct origin *o, struct err *e) MUST_CHECK;
/* Our own log has another history elsewhere: a new epoch. */
int log_check_own(
	struct replica *r, int peer, struct log *log, struct now now, struct err *e) MUST_CHECK;
/* A peer's head: verified, its log created, `seen` raised, forks noticed. *out may be NULL; it
 * becomes NULL for a head that is passed over. */
int log_accept_head(struct replica *r, int peer, struct bytes note, struct now now,
	struct log **out, struct checkpoint *cp, struct err *e) MUST_CHECK;
/* A batch of a log, from leaf `first` on: appended only if the head's root is recomputed from it.
 * *appended says how many. */
int log_append_batch(struct replica *r, int peer, struct log *log, const struct checkpoint *cp,
	struct bytes note, uint64_t first, const struct batch *b, struct now now, size_t *appended,
	struct err *e) MUST_CHECK;

/* ---- fork.c: two histories of one log ---- */
/* Is any log forked? Then equal sizes do not mean equal logs. */
bool fork_is_known(const struct replica *r);
/* A head, signed by the log's owner, against our leaves and the largest head seen. */
int fork_check_head(struct replica *r, int peer, struct log *log, const struct checkpoint *cp,
	struct bytes note, struct now now, struct err *e) MUST_CHECK;
/* Do the leaves of a batch contradict the earlier head on their way? */
bool fork_is_passed_by(const struct log *log, const struct batch *b, size_t skip);
/* A history that is ours below `common`, goes on with the batch up to the head cp, and is another
 * one there. */
int fork_parted(struct replica *r, int peer, struct log *log, const struct checkpoint *cp,
	struct bytes note, uint64_t common, const struct batch *b, struct err *e) MUST_CHECK;
/* A batch under its owner's head that does not go on from our leaves. RC_PEER_BATCH: the peer made
 * it up. RC_OK: it was a fork, or the peer is asked to show its history from the beginning. */
int fork_follow(struct replica *r, int peer, struct log *log, const struct checkpoint *cp,
	struct bytes note, uint64_t first, const struct batch *b, struct now now,
	struct err *e) MUST_CHECK;

/* ---- evidence.c: what proves a fork ---- */
/* The leaves of a history: ours below `from`, then those of the batch from skip on. */
struct history {
	uint64_t from;
	const struct batch *b;
	size_t skip;
};
/* Two heads that exclude each other; h is the history of the larger one. Proven, kept, alarmed,
 * told to everybody, the log frozen. */
int evidence_found(struct replica *r, int peer, struct log *log, struct bytes one,
	struct bytes other, const struct history *h, struct err *e) MUST_CHECK;
/* What a peer says is evidence. RC_PEER_EVIDENCE, RC_PEER_ORIGIN. */
int evidence_recv(struct replica *r, int peer, const struct message *m, struct now now,
	struct err *e) MUST_CHECK;
int evidence_load(struct replica *r, struct err *e) MUST_CHECK;
/* Does anything prove that the log is forked? Then it fills m. */
bool evidence_of(struct replica *r, const struct log *log, struct message *m);
size_t evidence_count(const struct replica *r);

/* ---- witness.c: cosignatures ---- */
/* A Cosignature message. RC_PEER_HEAD: a line is not its member's, or there is none. */
int witness_recv(
	struct replica *r, int peer, struct bytes note, struct now now, struct err *e) MUST_CHECK;
/* The lines under a head that came otherwise; what is wrong with them is passed over. */
int witness_take_lines(struct replica *r, int peer, struct log *log, struct bytes note,
	struct now now, struct err *e) MUST_CHECK;
/* Words that waited for the leaves that are here now. */
int witness_grew(struct replica *r, struct log *log, struct now now, struct err *e) MUST_CHECK;
/* Before the commit: cosigns what is due, notes what has become final, forgets what is old. */
int witness_commit(struct replica *r, struct now now, struct err *e) MUST_CHECK;
/* Is there something of the log to be cosigned that is not yet? */
bool witness_is_due(const struct replica *r, const struct log *log);
void witness_tick(struct replica *r, struct now now);
struct mono_ms witness_deadline(const struct replica *r);
int witness_load(struct replica *r, struct err *e) MUST_CHECK;
void witness_release(struct witness *w);
/* Remembers from where roots are counted on. */
void witness_follow(struct log *log);
/* The head of this size with the cosignatures known, else plain. */
struct bytes witness_note(const struct log *log, uint64_t size, struct bytes plain);
/* The next cosignatures that the peer has not got; false: none. */
bool witness_next(struct log *log, int peer, struct bytes *note);
void witness_link_up(struct log *log, int peer);
/* The root of our first `size` leaves, if few must be read for it, else STORE_NONE. */
int witness_root(struct replica *r, const struct log *log, uint64_t size, struct hash *root,
	struct err *e) MUST_CHECK;
/* The largest size that the member has cosigned, 0 if none is known. */
uint64_t witness_newest(const struct log *log, int member);

/* ---- own.c: the log this node writes ---- */
/* Where this member has as many logs as it may there is no own log from here on, and no error: what
 * is here must not be written to any more. */
int own_open(struct replica *r, enum open_reason why, struct now now, struct err *e) MUST_CHECK;
/* At start: decides by the mark whether the stored own log may go on. */
int own_resume(struct replica *r, struct now now, struct err *e) MUST_CHECK;
/* While the process runs: the same log goes on under another version of the roster, unless that has
 * ended it. */
int own_go_on(struct replica *r, struct now now, struct err *e) MUST_CHECK;
/* A leaf of ours before it is appended. */
struct draft {
	struct buf raw;
	struct examined x;
};
/* The leaf as it will stand `offset` places after the last one; decoded into the arena. */
int own_draft(struct replica *r, struct leaf *leaf, uint64_t offset, struct now now,
	struct arena *a, struct draft *out, struct err *e) MUST_CHECK;
int own_append(struct replica *r, const struct draft *d, struct err *e) MUST_CHECK;
int own_sign_head(struct replica *r, struct err *e) MUST_CHECK;
void own_request_mark(struct replica *r);
/* The stamp of the next own leaf. */
uint64_t own_next_hlc(struct replica *r, struct now now);
/* Keeps our stamps above those of a log that grew, unless they are more than a day ahead of our
 * clock. */
void own_observe(struct replica *r, const struct log *log, struct now now);

/* ---- post.c ---- */
/* A change that we had lost came back: posting it again answers where it stands. */
int post_remember(struct replica *r, const struct examined *x, struct err *e) MUST_CHECK;
#define POST_NO_LOG_KEY                                                                            \
	"the roster names another log key for this office than the node has: configure it and "    \
	"start the node again"
/* RC_NO_ROSTER, or what stands in the way of writing meanwhile. */
int post_check_ready(const struct replica *r, struct err *e) MUST_CHECK;

/* ---- rebuild.c: without an own log ---- */
int rebuild_load(struct replica *r, struct now now, struct err *e) MUST_CHECK;
/* From now on nothing is appended: why is OPEN_REBUILD or OPEN_RESTORE. */
int rebuild_begin(
	struct replica *r, enum open_reason why, struct now now, struct err *e) MUST_CHECK;
int rebuild_tick(struct replica *r, struct now now, struct err *e) MUST_CHECK;
struct mono_ms rebuild_deadline(const struct replica *r);
/* Does the node wait for its log, and may it open another one then? Until it does it says nothing.
 */
bool rebuild_ends(const struct replica *r);
/* The peer's Hello was taken in; a log grew. */
void rebuild_heard(struct replica *r, int peer, struct now now);
void rebuild_grew(struct replica *r, const struct log *log, struct now now);
/* A head of this log is known: does it say that we lost our database? */
int rebuild_look(
	struct replica *r, const struct log *log, struct now now, struct err *e) MUST_CHECK;
/* RC_DEGRADED while there is no own log to write to, be it that there may be none. */
int rebuild_check_ready(const struct replica *r, struct err *e) MUST_CHECK;

/* ---- clone.c: two machines that write as one member ---- */
/* Raises the alarm, once for each log. */
void clone_look(struct replica *r, struct log *log);
struct clone_pair {
	enum clone_kind kind;
	const struct log *first, *second;
};
size_t clone_list(const struct replica *r, struct clone_pair *out, size_t max);

/* ---- anchor.c ---- */
int anchor_tick(struct replica *r, struct now now, struct err *e) MUST_CHECK;
/* Once there is an own log: the first look is due after a while. */
void anchor_begin(struct replica *r, struct now now);

/* ---- digest.c ---- */
void digest_mark(struct replica *r, struct bytes task);
int digest_refresh(struct replica *r, struct err *e) MUST_CHECK;
int digest_load(struct replica *r, struct err *e) MUST_CHECK;
/* Back to no tasks, whose root is still to be computed. */
void digest_release(struct digest *d);

/* ---- out.c ---- */
/* Who we are, and these heads. */
void out_make_hello(
	const struct replica *r, const struct bytes *heads, size_t n, struct message *m);
/* Leaves from `from` on, to the farthest head that one batch reaches and upto allows. False: there
 * is none, or the store failed. Borrowed until the next call on the replica. */
bool out_make_leaves(struct replica *r, const struct log *log, uint64_t from, uint64_t upto,
	struct message *m, uint64_t *end);

/* ---- session.c, fetch.c ---- */
void sessions_reset(struct replica *r);
/* Something of this log was committed: who is to be told. */
void session_log_grew(struct replica *r, const struct log *log, struct now now);
/* All peers are told in a moment what the view is. */
void session_digest_later(struct replica *r, struct now now);
/* By the peer's last digest, it holds exactly the logs that we hold. */
bool session_logs_equal(const struct replica *r, const struct session *s);
void session_leave(struct session *s, int rc, const char *text);
void fetch_plan(struct replica *r, struct now now);
void fetch_progress(struct replica *r, struct log *log, struct now now);
/* The source is at work: it is given time. */
void fetch_wait(struct log *log, struct now now);
/* Asks the source to show its history from the beginning; the others are sources before it. */
void fetch_doubt(struct replica *r, struct log *log, int peer, struct now now);
/* The first leaf that a Want to this peer asks for. */
uint64_t fetch_from(const struct replica *r, const struct log *log, const struct session *s);
void fetch_drop_source(struct replica *r, int peer);
struct mono_ms fetch_deadline(const struct replica *r);

#endif
