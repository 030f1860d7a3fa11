/* References to changes that are not here yet. */
#include "daemon/store/handle.h"

static struct query query_wanted(
	struct store *s, enum statement id, const struct hash *wanted, unsigned kind)
{
	struct query q = query_begin(store_self(s), id);
	query_bind_blob(&q, ":wanted", hash_bytes(wanted));
	query_bind_int(&q, ":kind", kind);
	return q;
}

static int run_by(struct query *q, int64_t by_reg, const struct hash *by, struct err *e)
{
	query_bind_int(q, ":by_reg", by_reg);
	query_bind_blob(q, ":by_id", hash_bytes(by));
	int rc = query_run(q, e);
	return rc == STORE_NONE ? RC_OK : rc;
}

int store_ref_put(struct store *s, const struct hash *wanted, unsigned kind, int64_t by_reg,
	const struct hash *by, struct err *e)
{
	struct query q = query_wanted(s, STMT_REF_PUT, wanted, kind);
	return run_by(&q, by_reg, by, e);
}

int store_ref_drop(struct store *s, const struct hash *wanted, unsigned kind, int64_t by_reg,
	const struct hash *by, struct err *e)
{
	struct query q = query_wanted(s, STMT_REF_DROP, wanted, kind);
	return run_by(&q, by_reg, by, e);
}

int store_ref_each(struct store *s, const struct hash *wanted, unsigned kind, store_ref_fn *fn,
	void *arg, struct err *e)
{
	struct query q = query_wanted(s, STMT_REF_EACH, wanted, kind);
	int stop = RC_OK;
	while (stop == RC_OK && query_next(&q, e)) {
		struct hash by;
		query_hash(&q, 1, &by, e);
		if (q.rc == RC_OK)
			stop = fn(arg, query_int(&q, 0), &by);
	}
	return query_end(&q, stop);
}

int store_ref_delete(struct store *s, const struct hash *wanted, unsigned kind, struct err *e)
{
	struct query q = query_wanted(s, STMT_REF_DELETE, wanted, kind);
	int rc = query_run(&q, e);
	return rc == STORE_NONE ? RC_OK : rc;
}
