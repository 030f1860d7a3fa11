/* Messages that no honest node sends. */
#ifndef DELTAD_TESTS_SIM_LIES_H
#define DELTAD_TESTS_SIM_LIES_H

#include "tests/sim/forge.h"

/* What a liar has at hand. */
struct liar {
	const struct identity *id;
	const struct forged *log; /* one of its own */
	struct bytes heard;	  /* an envelope it got from somebody, or nothing */
};

/* Appends one envelope of many kinds. */
void lies_make(struct world *w, const struct liar *l, struct buf *out);

/* To a peer: that somebody with all that it holds sees another view. */
void lies_digest(struct world *w, int peer, struct buf *out);
/* That an honest member's log has two histories: two of its heads, and a proof of nothing. One of
 * them is remembered from an earlier time; nothing if there is none, or no larger one yet. */
void lies_evidence(struct world *w, struct sim_node *liar, struct buf *remembered, struct buf *out);

/* A greeting of somebody else, of another cluster, or of another protocol. */
void lies_hello(struct world *w, const struct identity *id, struct buf *out);

#endif
