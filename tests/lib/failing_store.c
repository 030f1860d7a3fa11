#include "tests/lib/failing_store.h"

static struct failing_store *self_of(struct store *s)
{
	return (struct failing_store *)(void *)s;
}

/* RC_OK: the call may go on to the real store. */
static int pass(struct store *s, struct err *e)
{
	struct failing_store *f = self_of(s);
	bool fails = ++f->calls == f->fail_at;
	f->failed |= fails;
	f->failing |= fails && f->in_transaction;
	return fails || f->failing
		? err_set(e, f->rc, "call %llu fails", (unsigned long long)f->calls)
		: RC_OK;
}

#define FORWARD(op, ...) self_of(s)->real->ops->op(self_of(s)->real, __VA_ARGS__)
#define PASS_OR_FAIL(op, ...)                                                                      \
	do {                                                                                       \
		int passed_ = pass(s, e);                                                          \
		return passed_ == RC_OK ? FORWARD(op, __VA_ARGS__) : passed_;                      \
	} while (0)

static int begin(struct store *s, struct err *e)
{
	struct failing_store *f = self_of(s);
	int rc = pass(s, e);
	if (rc == RC_OK)
		rc = f->real->ops->begin(f->real, e);
	f->in_transaction = rc == RC_OK;
	return rc;
}

static int commit(struct store *s, struct err *e)
{
	struct failing_store *f = self_of(s);
	enum failing_commit how = f->commit;
	f->commit = COMMIT_HONEST;
	int rc = pass(s, e);
	if (rc == RC_OK && how == COMMIT_HONEST)
		rc = f->real->ops->commit(f->real, e);
	if (rc != RC_OK || how == COMMIT_HONEST) {
		f->in_transaction = rc != RC_OK;
		return rc;
	}
	f->failed = true;
	f->in_transaction = false;
	if (how == COMMIT_WRITTEN)
		ENSURE(f->real->ops->commit(f->real, e) == RC_OK);
	else
		f->real->ops->rollback(f->real);
	return err_set(e, RC_UNKNOWN_OUTCOME, "nobody knows");
}

static void rollback(struct store *s)
{
	self_of(s)->failing = self_of(s)->in_transaction = false;
	self_of(s)->real->ops->rollback(self_of(s)->real);
}

static int meta_put(struct store *s, const char *key, struct bytes value, struct err *e)
{
	PASS_OR_FAIL(meta_put, key, value, e);
}

static int meta_get(struct store *s, const char *key, struct buf *out, struct err *e)
{
	PASS_OR_FAIL(meta_get, key, out, e);
}

static int roster_put(struct store *s, uint32_t version, struct bytes note, struct err *e)
{
	PASS_OR_FAIL(roster_put, version, note, e);
}

static int roster_get(struct store *s, uint32_t version, struct buf *out, struct err *e)
{
	PASS_OR_FAIL(roster_get, version, out, e);
}

static int log_put(struct store *s, const struct store_log *log, struct err *e)
{
	PASS_OR_FAIL(log_put, log, e);
}

static int log_each(struct store *s, store_log_fn *fn, void *arg, struct err *e)
{
	PASS_OR_FAIL(log_each, fn, arg, e);
}

static int head_put(struct store *s, uint32_t log, const struct store_head *h, struct err *e)
{
	PASS_OR_FAIL(head_put, log, h, e);
}

static int head_delete(struct store *s, uint32_t log, uint64_t size, struct err *e)
{
	PASS_OR_FAIL(head_delete, log, size, e);
}

static int head_get(struct store *s, uint32_t log, uint64_t above, uint64_t upto,
	struct store_head *out, struct buf *note, struct err *e)
{
	PASS_OR_FAIL(head_get, log, above, upto, out, note, e);
}

static int cosignature_put(
	struct store *s, uint32_t log, const struct store_cosignature *c, struct err *e)
{
	PASS_OR_FAIL(cosignature_put, log, c, e);
}

static int cosignature_delete(
	struct store *s, uint32_t log, uint64_t size, const char *member, struct err *e)
{
	PASS_OR_FAIL(cosignature_delete, log, size, member, e);
}

static int cosignature_each(
	struct store *s, uint32_t log, store_cosignature_fn *fn, void *arg, struct err *e)
{
	PASS_OR_FAIL(cosignature_each, log, fn, arg, e);
}

static int final_put(struct store *s, uint32_t log, uint64_t size, struct bytes note, struct err *e)
{
	PASS_OR_FAIL(final_put, log, size, note, e);
}

static int final_get(struct store *s, uint32_t log, uint64_t *size, struct buf *note, struct err *e)
{
	PASS_OR_FAIL(final_get, log, size, note, e);
}

static int leaf_put(struct store *s, uint32_t log, uint64_t index, struct bytes leaf, struct err *e)
{
	PASS_OR_FAIL(leaf_put, log, index, leaf, e);
}

static int leaf_get(struct store *s, uint32_t log, uint64_t index, struct buf *out, struct err *e)
{
	PASS_OR_FAIL(leaf_get, log, index, out, e);
}

static int register_id(struct store *s, struct bytes task, uint32_t slot, struct bytes holder,
	bool create, int64_t *reg, struct err *e)
{
	PASS_OR_FAIL(register_id, task, slot, holder, create, reg, e);
}

static int change_put(struct store *s, int64_t reg, const struct store_change *c, struct err *e)
{
	PASS_OR_FAIL(change_put, reg, c, e);
}

static int change_get(struct store *s, int64_t reg, const struct hash *id, struct store_change *out,
	struct err *e)
{
	PASS_OR_FAIL(change_get, reg, id, out, e);
}

static int change_set(struct store *s, int64_t reg, const struct store_change *c, struct err *e)
{
	PASS_OR_FAIL(change_set, reg, c, e);
}

static int change_delete(struct store *s, int64_t reg, const struct hash *id, struct err *e)
{
	PASS_OR_FAIL(change_delete, reg, id, e);
}

static int change_supersede(struct store *s, int64_t reg, const struct hash *id, struct err *e)
{
	PASS_OR_FAIL(change_supersede, reg, id, e);
}

static int ref_put(struct store *s, const struct hash *wanted, unsigned kind, int64_t by_reg,
	const struct hash *by, struct err *e)
{
	PASS_OR_FAIL(ref_put, wanted, kind, by_reg, by, e);
}

static int ref_each(struct store *s, const struct hash *wanted, unsigned kind, store_ref_fn *fn,
	void *arg, struct err *e)
{
	PASS_OR_FAIL(ref_each, wanted, kind, fn, arg, e);
}

static int ref_delete(struct store *s, const struct hash *wanted, unsigned kind, struct err *e)
{
	PASS_OR_FAIL(ref_delete, wanted, kind, e);
}

static int ref_drop(struct store *s, const struct hash *wanted, unsigned kind, int64_t by_reg,
	const struct hash *by, struct err *e)
{
	PASS_OR_FAIL(ref_drop, wanted, kind, by_reg, by, e);
}

static int finding_put(struct store *s, uint32_t log, uint64_t index, enum verdict v,
	enum void_code code, struct err *e)
{
	PASS_OR_FAIL(finding_put, log, index, v, code, e);
}

static int finding_delete(struct store *s, uint32_t log, uint64_t index, struct err *e)
{
	PASS_OR_FAIL(finding_delete, log, index, e);
}

static int finding_get(struct store *s, uint32_t log, uint64_t index, enum verdict *v,
	enum void_code *code, struct err *e)
{
	PASS_OR_FAIL(finding_get, log, index, v, code, e);
}

static int finding_each(struct store *s, store_finding_fn *fn, void *arg, struct err *e)
{
	PASS_OR_FAIL(finding_each, fn, arg, e);
}

static int evidence_put(struct store *s, const struct store_evidence *x, struct err *e)
{
	PASS_OR_FAIL(evidence_put, x, e);
}

static int evidence_each(struct store *s, store_evidence_fn *fn, void *arg, struct err *e)
{
	PASS_OR_FAIL(evidence_each, fn, arg, e);
}

static int counts(
	struct store *s, uint64_t *conflicts, uint64_t *pending, uint64_t *unknown, struct err *e)
{
	PASS_OR_FAIL(counts, conflicts, pending, unknown, e);
}

/* ---- visits, counted ---- */

struct visit {
	struct failing_store *f;
	store_leaf_fn *leaf_fn;
	store_change_fn *change_fn;
	void *arg;
};

static int count_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct visit *v = arg;
	v->f->rows++;
	return v->leaf_fn(v->arg, index, leaf);
}

static int count_change(
	void *arg, const struct store_register *r, const struct store_change *c, struct bytes leaf)
{
	struct visit *v = arg;
	v->f->rows++;
	return v->change_fn(v->arg, r, c, leaf);
}

static int leaf_each(struct store *s, uint32_t log, uint64_t from, uint64_t to, store_leaf_fn *fn,
	void *arg, struct err *e)
{
	struct visit v = {.f = self_of(s), .leaf_fn = fn, .arg = arg};
	PASS_OR_FAIL(leaf_each, log, from, to, count_leaf, &v, e);
}

static int change_each(struct store *s, const struct store_filter *f, store_change_fn *fn,
	void *arg, struct err *e)
{
	struct visit v = {.f = self_of(s), .change_fn = fn, .arg = arg};
	PASS_OR_FAIL(change_each, f, count_change, &v, e);
}

static int register_each(
	struct store *s, int64_t reg, store_change_fn *fn, void *arg, struct err *e)
{
	struct visit v = {.f = self_of(s), .change_fn = fn, .arg = arg};
	PASS_OR_FAIL(register_each, reg, count_change, &v, e);
}

static const struct store_ops ops = {
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.meta_put = meta_put,
	.meta_get = meta_get,
	.roster_put = roster_put,
	.roster_get = roster_get,
	.log_put = log_put,
	.log_each = log_each,
	.head_put = head_put,
	.head_delete = head_delete,
	.head_get = head_get,
	.cosignature_put = cosignature_put,
	.cosignature_delete = cosignature_delete,
	.cosignature_each = cosignature_each,
	.final_put = final_put,
	.final_get = final_get,
	.leaf_put = leaf_put,
	.leaf_get = leaf_get,
	.leaf_each = leaf_each,
	.register_id = register_id,
	.change_put = change_put,
	.change_get = change_get,
	.change_set = change_set,
	.change_delete = change_delete,
	.change_supersede = change_supersede,
	.change_each = change_each,
	.register_each = register_each,
	.ref_put = ref_put,
	.ref_each = ref_each,
	.ref_delete = ref_delete,
	.ref_drop = ref_drop,
	.finding_put = finding_put,
	.finding_delete = finding_delete,
	.finding_get = finding_get,
	.finding_each = finding_each,
	.evidence_put = evidence_put,
	.evidence_each = evidence_each,
	.counts = counts,
};

void failing_store_init(struct failing_store *f, struct store *real)
{
	*f = (struct failing_store){.store = {&ops}, .real = real, .rc = RC_DISK_FULL};
}
