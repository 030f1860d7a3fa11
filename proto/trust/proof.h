/* A file that proves to a stranger that a leaf stands in a log: the leaf, its path, and the log's
 * signed head with the cosignatures. Floor 2. Source: C2SP tlog-proof; PROTOCOL 13.1. */
#ifndef DELTAD_TRUST_PROOF_H
#define DELTAD_TRUST_PROOF_H

#include "proto/base/limits.h"
#include "proto/trust/checkpoint.h"
#include "proto/trust/merkle.h"

/* Of a whole file: the leaf in base64, the path, the note. */
#define PROOF_BYTES_MAX (BASE64_OF_LEAF + MERKLE_PROOF_MAX * 45 + 64 + LIMIT_SIGNED_NOTE_BYTES)
#define BASE64_OF_LEAF ((LIMIT_LEAF_BYTES + 2) / 3 * 4)

struct proof {
	uint64_t index;
	struct hash path[MERKLE_PROOF_MAX]; /* from the leaf's sibling up */
	size_t n_path;
	struct bytes note; /* the head as it was signed; borrowed from the file */
	struct checkpoint head;
	/* What the file says the leaf is; 0 bytes: nothing. The path alone shows whether it is. */
	uint8_t extra[LIMIT_LEAF_BYTES];
	size_t n_extra;
};

/* The form alone, and that the index is below the head's size. RC_NOTE: it is no proof, and where
 * it ceases to be one; RC_TOO_BIG. */
int proof_parse(struct bytes in, struct proof *out, struct err *e) MUST_CHECK;
/* Appends the file; head is not looked at, note must be a signed note. */
void proof_print(const struct proof *p, struct buf *out);
/* Is the leaf of this hash what stands at the index under the head? Who signed the head is for
 * policy_judge to say. */
bool proof_holds(const struct proof *p, const struct hash *leaf_hash) MUST_CHECK;

/* Makes the path of one leaf from all leaf hashes of a log in their order, in constant memory. */
struct proof_path {
	uint64_t index, size, next;
	struct {
		uint64_t from, to;
	} span[MERKLE_PROOF_MAX]; /* the leaves under each node of the path, from the root down */
	struct hash node[MERKLE_PROOF_MAX];
	size_t n, at;
	struct frontier frontier; /* of the span that is being read */
};

/* index < size <= LIMIT_LOG_SIZE. */
void proof_path_begin(struct proof_path *p, uint64_t index, uint64_t size);
/* The next leaf's; `size` times. */
void proof_path_add(struct proof_path *p, const struct hash *leaf_hash);
/* From the leaf's sibling up; path has room for MERKLE_PROOF_MAX. */
void proof_path_end(const struct proof_path *p, struct hash *path, size_t *n);

#endif
