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

/* Who writes logs by hand. A log of a liar has two branches, and each peer is shown one of them. */
#define FORGER_LOGS 8
struct forger {
	int member; /* -1: nobody */
	bool lies;
	bool hides_first; /* nobody is told of its first log yet */
	struct forged *log[FORGER_LOGS][2];
	size_t n_logs;
};

/* A log with its Open and the delegation of the member's first operator; it goes on from `before`,
 * or NULL. */
void forge_begin(struct world *w, struct forged *f, const struct identity *id, uint32_t epoch,
	const struct forged *before);
void forge_copy(struct forged *to, const struct forged *from);
void forge_release(struct forged *f);
/* Any leaf; taken. */
void forge_append(struct forged *f, struct buf raw);
/* The head of the first `size` leaves, appended to out. */
void forge_head(const struct forged *f, const struct identity *id, size_t size, struct buf *out);

/* ---- leaves ---- */

/* What a change says; the rest is as it should be. */
struct claim {
	const struct identity *as;
	const char *task, *holder; /* NULL: its own nonce */
	uint32_t slot;
	struct bytes value;
	struct bytes under;
	const struct bytes *supersedes;
	size_t n_supersedes;
};
struct buf forge_body(struct world *w, const struct claim *c);
struct buf forge_change(
	struct world *w, struct forged *f, const struct key *k, const struct claim *c);
/* Any body, by any key. */
struct buf forge_signed(struct world *w, struct forged *f, enum leaf_kind kind, const struct key *k,
	struct bytes body);
struct buf forge_delegate(struct world *w, struct forged *f, const struct identity *id,
	const struct key *root, const uint8_t operator_key[KEY_BYTES], uint64_t not_after);
struct buf forge_revoke(struct world *w, struct forged *f, const struct identity *id,
	const struct key *root, const uint8_t operator_key[KEY_BYTES], uint64_t valid_below);
/* What was signed for another place, here; its signature is as good as it was there. Empty if it is
 * no change. */
struct buf forge_same_body(struct forged *f, struct bytes of, bool *is_change);

/* A note that counts. */
struct buf forge_note(struct world *w, struct forged *f, const struct identity *id);
/* A slot, a change, a leaf or a kind of leaf of a later version. */
struct buf forge_future(struct world *w, struct forged *f, const struct identity *id);
/* A change of another log of the same member. */
struct buf forge_repeat(
	struct world *w, struct forged *f, const struct identity *id, const struct forged *of);
/* The same change with a signature that is none. */
struct buf forge_unsigned(struct forged *f, const struct buf *change);
/* One of many things that are not as they should be. */
struct buf forge_bad(struct world *w, struct forged *f, const struct identity *id);

#endif
