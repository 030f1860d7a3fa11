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

/* A greeting of somebody else, of another cluster, or of another protocol. */
void lies_hello(struct world *w, const struct identity *id, struct buf *out);

#endif
