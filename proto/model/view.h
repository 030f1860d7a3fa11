/* The view: the pure fold of effective changes, and the bytes its root is made of. Floor 1; hashing
 * is left to proto/trust. Source: PROTOCOL 6.2, 6.3. */
#ifndef DELTAD_MODEL_VIEW_H
#define DELTAD_MODEL_VIEW_H

#include "proto/model/change.h"

/* One effective change of a register, as far as the fold and the order of display need it. */
struct version {
	struct hash id;
	const struct hash *supersedes;
	size_t n_supersedes;
	uint64_t hlc;
	bool by_lead; /* written by the task's lead */
	bool current; /* out */
};

/* Marks the current ones of all effective changes of one register: those that no other names.
 * Order-free. */
void view_fold(struct version *v, size_t n);

/* Order of display: by the lead first, then higher hlc, then higher id. Total: 0 only for the same
 * id. */
int version_compare(const struct version *a, const struct version *b);

/* The bytes of one task's leaf: begin with its key, then each register with current changes in
 * ascending (slot, holder) order with its sorted ids. Layout: u8 length of key, key; then for each
 * register u32be slot, u8 length of holder, holder, u32be count, 32 bytes each id. A task without
 * current changes has no leaf. */
void view_leaf_begin(struct buf *b, struct bytes task);
void view_leaf_register(
	struct buf *b, uint32_t slot, struct bytes holder, const struct hash *ids, size_t n);

#endif
