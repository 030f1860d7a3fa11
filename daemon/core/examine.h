/* What can be said of a leaf from its bytes alone: decoded, canonical or not, signature valid or
 * not. Stateless, so it may run on any thread (bulk batches use the thread pool). Floor 3, pure.
 * Source: PROTOCOL 6.1 rules 1 and 2. */
#ifndef DELTAD_CORE_EXAMINE_H
#define DELTAD_CORE_EXAMINE_H

#include "proto/trust/hash.h"
#include "proto/model/value.h"

struct examined {
	struct bytes raw;      /* the leaf, verbatim; borrowed */
	struct hash leaf_hash; /* RFC 6962 */
	bool gate_ok;	    /* leaf and, where there is one, signed body and value are canonical */
	bool version_known; /* of leaf, change and slot */
	bool signature_ok;  /* of the signed body, by the key it names */
	bool assumed;	    /* that it is: nobody has checked it (examine_bulk) */
	bool body_ok;	    /* the signed body itself decoded (the register can be read) */
	struct leaf leaf;   /* if it decoded (else kind LEAF_UNKNOWN and gate_ok false) */
	struct change change; /* LEAF_CHANGE, if body_ok */
	struct value value;   /* if has_value */
	bool has_value;
	struct delegate delegate;
	struct revoke revoke;
	struct hash body_id; /* change id of the signed body, if any */
};

/* Never fails: what is wrong with the leaf is in *out. The arena must have CODEC_LEAF_ARENA free.
 */
void examine_leaf(
	const struct hash *cluster_id, struct bytes raw, struct arena *a, struct examined *out);

/* The same, but an operator's signature is not checked: it is taken to be good until the leaf is
 * audited (PROTOCOL 7.5). Those of the member's root are checked. */
void examine_bulk(
	const struct hash *cluster_id, struct bytes raw, struct arena *a, struct examined *out);

/* n leaves that came together. room: an arena with CODEC_LEAF_ARENA free, asked for before each. */
typedef struct arena *examine_room_fn(void *arg);
void examine_leaves(const struct hash *cluster_id, const struct bytes *raw, size_t n, bool bulk,
	examine_room_fn *room, void *arg, struct examined *out);

/* The same without hash, id and signatures, which stay zero and false: for what was examined
 * before.
 */
void examine_form(struct bytes raw, struct arena *a, struct examined *out);

#endif
