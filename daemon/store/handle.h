/* The object behind struct store, shared by the files of this folder only. Floor 4. Source:
 * daemon/core/store.h. */
#ifndef DELTAD_STORE_HANDLE_H
#define DELTAD_STORE_HANDLE_H

#include <sqlite3.h>

#include "daemon/store/register_cache.h"
#include "daemon/store/statements.h"
#include "daemon/store/store_sqlite.h"

struct store_tally {
	bool known; /* false: something was written since it was counted */
	uint64_t conflicts, pending, unknown;
};

struct store_sqlite {
	struct store store; /* first: what the core holds is a pointer to it */
	sqlite3 *db;
	struct statements statements;
	struct register_cache registers;
	struct store_tally tally;
	bool in_transaction;
	/* The rc of the first failure in this transaction: nothing but a rollback clears it. */
	int failed;
	/* A failure that only a restart clears, and after which the files are left alone. */
	int stopped;
	unsigned wal_frames; /* in the write-ahead log after the last commit */
};

static inline struct store_sqlite *store_self(struct store *s)
{
	return (struct store_sqlite *)s;
}

/* Notes what a failed SQLite call means for the store and fills e; `doing` completes "cannot …". */
int store_fail(struct store_sqlite *s, int code, const char *doing, struct err *e) MUST_CHECK;

/* transaction.c */
int store_begin(struct store *s, struct err *e) MUST_CHECK;
int store_commit(struct store *s, struct err *e) MUST_CHECK;
void store_rollback(struct store *s);
/* Takes the locks for good, counts frames from then on. */
int store_take_locks(struct store_sqlite *s, struct err *e) MUST_CHECK;
/* At a start, before anything builds on the log. */
int store_write_log_anew(struct store_sqlite *s, struct err *e) MUST_CHECK;
/* mode: SQLITE_CHECKPOINT_x. */
void store_write_back(struct store_sqlite *s, int mode);

/* store_meta.c */
int store_meta_put(struct store *s, const char *key, struct bytes value, struct err *e);
int store_meta_get(struct store *s, const char *key, struct buf *out, struct err *e);
int store_roster_put(struct store *s, uint32_t version, struct bytes note, struct err *e);
int store_roster_get(struct store *s, uint32_t version, struct buf *out, struct err *e);
int store_evidence_put(struct store *s, const struct store_evidence *x, struct err *e);
int store_evidence_each(struct store *s, store_evidence_fn *fn, void *arg, struct err *e);

/* store_log.c */
int store_log_put(struct store *s, const struct store_log *log, struct err *e);
int store_log_each(struct store *s, store_log_fn *fn, void *arg, struct err *e);
int store_head_put(struct store *s, uint32_t log, const struct store_head *h, struct err *e);
int store_head_delete(struct store *s, uint32_t log, uint64_t size, struct err *e);
int store_head_get(struct store *s, uint32_t log, uint64_t above, uint64_t upto,
	struct store_head *out, struct buf *note, struct err *e);

/* store_cosign.c */
int store_cosignature_put(
	struct store *s, uint32_t log, const struct store_cosignature *c, struct err *e);
int store_cosignature_delete(
	struct store *s, uint32_t log, uint64_t size, const char *member, struct err *e);
int store_cosignature_each(
	struct store *s, uint32_t log, store_cosignature_fn *fn, void *arg, struct err *e);
int store_final_put(struct store *s, uint32_t log, uint64_t size, struct bytes note, struct err *e);
int store_final_get(struct store *s, uint32_t log, uint64_t *size, struct buf *note, struct err *e);

/* store_leaf.c */
int store_leaf_put(struct store *s, uint32_t log, uint64_t index, struct bytes leaf, struct err *e);
int store_leaf_get(struct store *s, uint32_t log, uint64_t index, struct buf *out, struct err *e);
int store_leaf_each(struct store *s, uint32_t log, uint64_t from, uint64_t to, store_leaf_fn *fn,
	void *arg, struct err *e);
int store_finding_put(struct store *s, uint32_t log, uint64_t index, enum verdict v,
	enum void_code code, struct err *e);
int store_finding_delete(struct store *s, uint32_t log, uint64_t index, struct err *e);
int store_finding_get(struct store *s, uint32_t log, uint64_t index, enum verdict *v,
	enum void_code *code, struct err *e);
int store_finding_each(struct store *s, store_finding_fn *fn, void *arg, struct err *e);

/* store_change.c */
int store_register_id(struct store *s, struct bytes task, uint32_t slot, struct bytes holder,
	bool create, int64_t *reg, struct err *e);
int store_change_put(struct store *s, int64_t reg, const struct store_change *c, struct err *e);
int store_change_get(struct store *s, int64_t reg, const struct hash *id, struct store_change *out,
	struct err *e);
int store_change_set(struct store *s, int64_t reg, const struct store_change *c, struct err *e);
int store_change_delete(struct store *s, int64_t reg, const struct hash *id, struct err *e);
int store_change_supersede(struct store *s, int64_t reg, const struct hash *id, struct err *e);
int store_change_each(struct store *s, const struct store_filter *f, store_change_fn *fn, void *arg,
	struct err *e);
int store_register_each(
	struct store *s, int64_t reg, store_change_fn *fn, void *arg, struct err *e);
int store_counts(
	struct store *s, uint64_t *conflicts, uint64_t *pending, uint64_t *unknown, struct err *e);

/* store_ref.c */
int store_ref_put(struct store *s, const struct hash *wanted, unsigned kind, int64_t by_reg,
	const struct hash *by, struct err *e);
int store_ref_each(struct store *s, const struct hash *wanted, unsigned kind, store_ref_fn *fn,
	void *arg, struct err *e);
int store_ref_delete(struct store *s, const struct hash *wanted, unsigned kind, struct err *e);
int store_ref_drop(struct store *s, const struct hash *wanted, unsigned kind, int64_t by_reg,
	const struct hash *by, struct err *e);

#endif
