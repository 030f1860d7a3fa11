/* The Merkle tree of RFC 6962 / 9162 2.1: append by frontier, roots, inclusion and consistency
 * proofs. Floor 2. Source: PROTOCOL 1. */
#ifndef DELTAD_TRUST_MERKLE_H
#define DELTAD_TRUST_MERKLE_H

#include "proto/trust/hash.h"

#define MERKLE_LEVELS 48
#define MERKLE_PROOF_MAX MERKLE_LEVELS

void merkle_empty_root(struct hash *out);
void merkle_leaf_hash(struct bytes leaf, struct hash *out);

/* The roots of the complete subtrees of a tree of `size` leaves, largest first: all that appending
 * needs. All zero = empty tree. May be copied by assignment. */
struct frontier {
	uint64_t size;
	struct hash node[MERKLE_LEVELS]; /* node[level] is valid iff bit `level` of size is set */
};

void frontier_append(struct frontier *f, const struct hash *leaf_hash);
void frontier_root(const struct frontier *f, struct hash *out);
/* size u64be, then the valid nodes from the lowest level up, 32 bytes each. */
void frontier_encode(const struct frontier *f, struct buf *out);
/* RC_CORRUPT if the bytes are not an encoding. */
int frontier_decode(struct bytes in, struct frontier *out, struct err *e) MUST_CHECK;

/* Root, and proofs, over n leaf hashes held in memory (n < 2^40). proof has room for
 * MERKLE_PROOF_MAX; *n_proof out. */
void merkle_root(const struct hash *leaf_hashes, size_t n, struct hash *out);
/* Inclusion of leaf `index` < n. */
void merkle_prove_inclusion(const struct hash *leaf_hashes, size_t n, size_t index,
	struct hash *proof, size_t *n_proof);
/* Consistency of the first `m` leaves with all n; 0 < m <= n. */
void merkle_prove_consistency(
	const struct hash *leaf_hashes, size_t n, size_t m, struct hash *proof, size_t *n_proof);

/* RFC 9162 2.1.3.2 / 2.1.4.2, loops fully consumed. True iff the proof is exactly right. size1 == 0
 * or size1 > size2 is false; size1 == size2 needs an empty proof and equal roots. */
bool merkle_verify_inclusion(const struct hash *leaf_hash, uint64_t index, uint64_t size,
	const struct hash *proof, size_t n_proof, const struct hash *root) MUST_CHECK;
bool merkle_verify_consistency(uint64_t size1, uint64_t size2, const struct hash *root1,
	const struct hash *root2, const struct hash *proof, size_t n_proof) MUST_CHECK;

/* What such a proof says of both roots, for 0 < size1 < size2. It always begins with a node of the
 * path, also where size1 is a power of two and RFC 9162 leaves out that node for being root1
 * (PROTOCOL 4). False: too few hashes, or too many. */
bool merkle_consistency_roots(uint64_t size1, uint64_t size2, const struct hash *proof,
	size_t n_proof, struct hash *old, struct hash *new) MUST_CHECK;

/* Makes that proof from all leaf hashes of a log in their order, in constant memory. */
struct merkle_span {
	uint64_t from, to; /* leaves */
	size_t depth;	   /* below the root at which the proof names their hash */
};
struct merkle_spans {
	uint64_t next;
	struct merkle_span span[MERKLE_PROOF_MAX]; /* by the order of leaves */
	struct hash node[MERKLE_PROOF_MAX];
	size_t n, at;
	struct frontier frontier; /* of the span that is being read */
};
/* 0 < size1 < size2 <= LIMIT_LOG_SIZE. */
void merkle_spans_begin(struct merkle_spans *s, uint64_t size1, uint64_t size2);
/* The next leaf's; size2 times. */
void merkle_spans_add(struct merkle_spans *s, const struct hash *leaf_hash);
/* proof has room for MERKLE_PROOF_MAX. */
void merkle_spans_end(const struct merkle_spans *s, struct hash *proof, size_t *n_proof);

#endif
