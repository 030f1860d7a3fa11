/* Two honest nodes, and what is between and beside them: a network that drops, repeats, reorders,
 * cuts and changes what they say, and a third member with all its keys who says what it likes.
 * fz_core_session.c reads a run off its input. */
#ifndef DELTAD_TESTS_FUZZ_SESSION_H
#define DELTAD_TESTS_FUZZ_SESSION_H

#include "tests/lib/node_fixture.h"

#define SIDES 2
#define LIAR ZHEJIANG
#define QUEUE_MAX 48
#define LIAR_BRANCHES 3 /* two histories of one log, and a later epoch */
#define LIAR_LEAVES 64
#define LIAR_IDS 16

/* ---- session_pair.c ---- */

/* Envelopes under way to one side, the oldest first. */
struct line {
	struct buf item[QUEUE_MAX];
	size_t n;
};

struct pair {
	const struct cluster *c;
	struct node node[SIDES];
	struct line to[SIDES];
	bool up[SIDES];	     /* believes in a session with the other one */
	bool liar_up[SIDES]; /* and with the liar */
	uint64_t own[SIDES]; /* leaves that it acknowledged, its Open among them */
	struct buf heard;    /* the last envelope that arrived anywhere */
};

void pair_init(struct pair *p, const struct cluster *c);
void pair_release(struct pair *p);
int pair_member(size_t side);
/* A new session on both sides; what was under way is lost. */
void pair_connect(struct pair *p);
void pair_cut(struct pair *p, size_t side);
void pair_connect_liar(struct pair *p, size_t side);
/* What the nodes have to say goes on its way; who has said goodbye has closed. */
void pair_pump(struct pair *p);
/* The i-th envelope under way to this side, i taken modulo their number, is taken off the line. */
bool pair_take(struct pair *p, size_t side, size_t i, struct buf *out);
void pair_put(struct pair *p, size_t side, struct bytes envelope);
/* One envelope in the name of a member; RC_OK too where there is no session to take it. */
int pair_receive(struct pair *p, size_t side, int from, struct bytes envelope);
/* The same in the frames of a line, with one byte of them changed. */
void pair_receive_frames(struct pair *p, size_t side, struct bytes envelope, size_t at, uint8_t by);
void pair_pass(struct pair *p, int64_t ms);
void pair_restart(struct pair *p, size_t side);
/* Left alone, with a line that works: until they hold the same, or should. */
void pair_settle(struct pair *p);

/* ---- session_liar.c ---- */

struct liar {
	const struct cluster *c;
	struct scribe branch[LIAR_BRANCHES];
	bool begun[LIAR_BRANCHES];
	struct hash id[LIAR_IDS]; /* changes that somebody may name */
	size_t n_ids;
	uint64_t nonce;
	struct roster roster;
	struct buf heard; /* the newest head of an honest log */
};

void liar_init(struct liar *l, const struct cluster *c);
void liar_release(struct liar *l);
void liar_learn(struct liar *l, const struct hash *id);
const struct hash *liar_id(const struct liar *l, uint8_t which);
/* What it then cosigns. */
void liar_hear(struct liar *l, struct node *n);
/* Each appends a leaf to a branch, as the input says; the heads over it are signed as they should
 * be. */
void liar_write(struct liar *l, struct reader *in);
void liar_event(struct liar *l, struct reader *in);
/* A body of before, changed, and signed again. */
void liar_twist(struct liar *l, struct reader *in);
/* Bytes of the input, or a leaf of before changed. */
void liar_raw(struct liar *l, struct reader *in);
void liar_fork(struct liar *l, struct reader *in);
/* Appends an envelope: a head or leaves, or something else that a member may say. */
void liar_say(struct liar *l, struct reader *in, struct buf *envelope);

/* ---- session_bundle.c ---- */

/* The count and the sum at the end of a bundle as whoever made it would have them. */
void bundle_mend(struct buf *file);
/* Appends a bundle of the liar's logs. */
void liar_bundle(const struct liar *l, struct reader *in, struct buf *file);

/* ---- session_oracle.c ---- */

/* What a node holds was written by the one whose log it is, under a head of his. */
void oracle_check(struct pair *p, const struct liar *l);
/* Both hold the same leaves and derive the same; of a log with two histories both know it. */
bool oracle_is_settled(struct pair *p);

#endif
