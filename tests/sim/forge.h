/* Logs written by hand, under a member's own keys: leaves of a program of the future, and leaves
 * that no program would write. */
#ifndef DELTAD_TESTS_SIM_FORGE_H
#define DELTAD_TESTS_SIM_FORGE_H

#include "tests/sim/world.h"

#define FORGED_MAX 96

struct forged {
	char origin[ORIGIN_SIZE];
	struct buf leaf[FORGED_MAX];
	struct frontier after[FORGED_MAX + 1]; /* [n]: of the first n leaves */
	size_t n;
	uint64_t hlc;
};

/* A log with its Open and the delegation of the member's first operator. */
void forge_begin(struct world *w, struct forged *f, const struct identity *id, uint32_t epoch);
void forge_copy(struct forged *to, const struct forged *from);
void forge_release(struct forged *f);
/* Any leaf; taken. */
void forge_append(struct forged *f, struct buf raw);
/* The head of the first `size` leaves, appended to out. */
void forge_head(const struct forged *f, const struct identity *id, size_t size, struct buf *out);

/* A note that counts. */
struct buf forge_note(struct world *w, struct forged *f, const struct identity *id);
/* A slot, a change, a leaf or a kind of leaf of a later version. */
struct buf forge_future(struct world *w, struct forged *f, const struct identity *id);
/* A change of another log of the same member. */
struct buf forge_repeat(
	struct world *w, struct forged *f, const struct identity *id, const struct forged *of);
/* One of many things that are not as they should be. */
struct buf forge_bad(struct world *w, struct forged *f, const struct identity *id);

#endif
