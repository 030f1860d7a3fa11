/* What the core asks of durable storage: a seam, so that the core names no database and tests can
 * make any call fail. Floor 3 (the interface); daemon/store implements it on SQLite. Source:
 * PROTOCOL 3.3; README, "How it is built".
 *
 * All writes happen between begin and commit. A failed call leaves the transaction to be rolled
 * back; until then every further call fails alike. After rollback the caller must reload what it
 * holds in memory; rollback without a transaction is a no-op. Every function returns RC_OK or a
 * negative rc:
 *   RC_DISK_FULL        nothing was written: roll back, refuse writes, try again later;
 *   RC_UNKNOWN_OUTCOME  (commit, or a begin after such a one) it may or may not be on disk: answer
 *                       "unknown" and leave the process (74);
 *   RC_IO               the disk failed. From begin: what was committed is safe, but only a restart
 *                       clears it: leave the process (74). From others: roll back;
 *   RC_CORRUPT          stop, leave the files alone, say `rebuild --from-peers`;
 *   RC_NOMEM            roll back, shed the one who asked;
 *   RC_TOO_BIG          a value over 1 MiB: roll back.
 * Getters return STORE_NONE (1) where nothing is found; they replace what is in their buf. Ranges
 * handed to callbacks are borrowed until they return; a callback returns 0 to go on, any other
 * value to stop with it; it may read other things from the store but not write. */
#ifndef DELTAD_CORE_STORE_H
#define DELTAD_CORE_STORE_H

#include "proto/model/verdict.h"
#include "proto/trust/merkle.h"

#define STORE_NONE 1

/* A member's log in one epoch, as far as it is here. */
struct store_log {
	uint32_t id; /* chosen by the caller, 1.., never reused */
	char origin[ORIGIN_SIZE];
	uint64_t size;	/* leaves here; every one up to the signed head of this size */
	uint64_t bytes; /* sum of their lengths */
	uint64_t hlc;	/* of the last leaf */
	struct frontier frontier;
	uint64_t seen_size; /* largest size its owner is known to have signed */
	int64_t seen_ms; /* wall clock when the oldest one missing was first known; 0 = none missing
			  */
	bool forked;
	uint64_t voids; /* void leaves */
	/* Leaves whose operators' signatures have been checked; at most size (PROTOCOL 7). */
	uint64_t audited;
};

struct store_head {
	uint64_t size, bytes; /* of the log at that head */
	struct bytes note;    /* borrowed until the next call of the same getter */
};

/* What one member said of a log at one size: a head with its cosignature. */
struct store_cosignature {
	uint64_t size;
	const char *member; /* slug */
	struct bytes note;
};

/* Two heads of one origin that cannot both be; proof is empty where the sizes are equal, else the
 * hashes of a consistency proof one after another (PROTOCOL 4). */
struct store_evidence {
	const char *origin;
	struct bytes first, second, proof;
};

/* A change that passed the gate, filed under its register. Void ones are filed too, if the register
 * is well-formed. */
struct store_change {
	struct hash id;
	uint32_t log;
	uint64_t index;
	enum verdict verdict;
	enum void_code void_code;
	uint32_t superseded; /* number of effective changes of the register that name it */
};

struct store_register {
	int64_t reg;
	struct bytes task, holder;
	uint32_t slot;
};

/* Which registers to visit; NULL members mean any. */
struct store_filter {
	const struct bytes *task, *holder;
	uint32_t slot;	   /* 0 = any */
	bool current_only; /* effective and not superseded */
};

typedef int store_log_fn(void *arg, const struct store_log *log);
typedef int store_leaf_fn(void *arg, uint64_t index, struct bytes leaf);
/* leaf is the raw leaf the change stands in. */
typedef int store_change_fn(
	void *arg, const struct store_register *r, const struct store_change *c, struct bytes leaf);
typedef int store_finding_fn(
	void *arg, uint32_t log, uint64_t index, enum verdict v, enum void_code code);
typedef int store_cosignature_fn(void *arg, const struct store_cosignature *c);
typedef int store_evidence_fn(void *arg, const struct store_evidence *x);
typedef int store_ref_fn(void *arg, int64_t reg, const struct hash *id);

struct store {
	const struct store_ops *ops;
};

struct store_ops {
	int (*begin)(struct store *s, struct err *e);
	int (*commit)(struct store *s, struct err *e);
	void (*rollback)(struct store *s);

	/* Small named values ("mark", …): put replaces. */
	int (*meta_put)(struct store *s, const char *key, struct bytes value, struct err *e);
	int (*meta_get)(struct store *s, const char *key, struct buf *out, struct err *e);

	/* Rosters by version; put is refused (RC_CORRUPT) for a version that is there with other
	 * bytes. */
	int (*roster_put)(struct store *s, uint32_t version, struct bytes note, struct err *e);
	int (*roster_get)(struct store *s, uint32_t version, struct buf *out, struct err *e);

	/* Inserts or replaces the row of log->id, whose origin never changes. */
	int (*log_put)(struct store *s, const struct store_log *log, struct err *e);
	int (*log_each)(struct store *s, store_log_fn *fn, void *arg, struct err *e); /* by id */

	/* Signed heads kept for a log. */
	int (*head_put)(struct store *s, uint32_t log, const struct store_head *h, struct err *e);
	int (*head_delete)(struct store *s, uint32_t log, uint64_t size, struct err *e);
	/* The largest kept with size in (above, upto]; STORE_NONE. out->note goes to *note. */
	int (*head_get)(struct store *s, uint32_t log, uint64_t above, uint64_t upto,
		struct store_head *out, struct buf *note, struct err *e);

	/* Cosignatures of a log: put replaces that of the same size and member, delete of none is a
	 * no-op. */
	int (*cosignature_put)(
		struct store *s, uint32_t log, const struct store_cosignature *c, struct err *e);
	int (*cosignature_delete)(
		struct store *s, uint32_t log, uint64_t size, const char *member, struct err *e);
	int (*cosignature_each)(struct store *s, uint32_t log, store_cosignature_fn *fn, void *arg,
		struct err *e); /* by size, member */
	/* The newest final head of a log, with its cosignatures: put replaces. STORE_NONE. */
	int (*final_put)(
		struct store *s, uint32_t log, uint64_t size, struct bytes note, struct err *e);
	int (*final_get)(
		struct store *s, uint32_t log, uint64_t *size, struct buf *note, struct err *e);

	/* Leaves, verbatim. put: index must be new (a constraint violation is our bug: ENSURE). */
	int (*leaf_put)(
		struct store *s, uint32_t log, uint64_t index, struct bytes leaf, struct err *e);
	int (*leaf_get)(
		struct store *s, uint32_t log, uint64_t index, struct buf *out, struct err *e);
	int (*leaf_each)(struct store *s, uint32_t log, uint64_t from, uint64_t to,
		store_leaf_fn *fn, void *arg, struct err *e); /* from..to-1, ascending */

	/* The register's number; created if it is new and create is set, else STORE_NONE. */
	int (*register_id)(struct store *s, struct bytes task, uint32_t slot, struct bytes holder,
		bool create, int64_t *reg, struct err *e);

	/* Inserts; STORE_NONE and no effect if the register already has a change of this id (a
	 * repeat). */
	int (*change_put)(
		struct store *s, int64_t reg, const struct store_change *c, struct err *e);
	int (*change_get)(struct store *s, int64_t reg, const struct hash *id,
		struct store_change *out, struct err *e);
	/* Sets log, index, verdict, code and superseded of an existing one. */
	int (*change_set)(
		struct store *s, int64_t reg, const struct store_change *c, struct err *e);
	/* Takes a change out of its register; of none is a no-op. */
	int (*change_delete)(struct store *s, int64_t reg, const struct hash *id, struct err *e);
	/* superseded += 1; STORE_NONE if the register has no such change yet. */
	int (*change_supersede)(struct store *s, int64_t reg, const struct hash *id, struct err *e);
	/* By register in (task, slot, holder) order (task by bytes), then by id. */
	int (*change_each)(struct store *s, const struct store_filter *f, store_change_fn *fn,
		void *arg, struct err *e);
	/* All changes of one register, by id. */
	int (*register_each)(
		struct store *s, int64_t reg, store_change_fn *fn, void *arg, struct err *e);

	/* Waiting references: `by` (a change of `by_reg`) waits for or names `wanted`, which is not
	 * here yet. kind 1: supersedes of an effective change; kind 2: under of a pending one; kind
	 * 3: `by` is no change but the place of a repeat of `wanted`; kind 4: `wanted` is zeros,
	 * and what waits for `by` is to be judged. put twice is a no-op, each goes by by_reg, by.
	 */
	int (*ref_put)(struct store *s, const struct hash *wanted, unsigned kind, int64_t by_reg,
		const struct hash *by, struct err *e);
	int (*ref_each)(struct store *s, const struct hash *wanted, unsigned kind, store_ref_fn *fn,
		void *arg, struct err *e);
	int (*ref_delete)(struct store *s, const struct hash *wanted, unsigned kind, struct err *e);
	/* That one alone; of none is a no-op. */
	int (*ref_drop)(struct store *s, const struct hash *wanted, unsigned kind, int64_t by_reg,
		const struct hash *by, struct err *e);

	/* Leaves with no plain verdict: void, pending, unknown. put replaces, delete of none is a
	 * no-op. */
	int (*finding_put)(struct store *s, uint32_t log, uint64_t index, enum verdict v,
		enum void_code code, struct err *e);
	int (*finding_delete)(struct store *s, uint32_t log, uint64_t index, struct err *e);
	int (*finding_get)(struct store *s, uint32_t log, uint64_t index, enum verdict *v,
		enum void_code *code, struct err *e);
	int (*finding_each)(struct store *s, store_finding_fn *fn, void *arg,
		struct err *e); /* by log, index */

	/* Kept for ever; put twice is a no-op. */
	int (*evidence_put)(struct store *s, const struct store_evidence *x, struct err *e);
	int (*evidence_each)(struct store *s, store_evidence_fn *fn, void *arg,
		struct err *e); /* in the order they were put */

	/* Counts for status: registers with more than one current change; pending; unknown. */
	int (*counts)(struct store *s, uint64_t *conflicts, uint64_t *pending, uint64_t *unknown,
		struct err *e);
};

#endif
