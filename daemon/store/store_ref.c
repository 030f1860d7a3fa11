/* References to changes that are not here yet. */
#include "daemon/store/handle.h"

int store_ref_put(struct store *s, const struct hash *wanted, unsigned kind, int64_t by_reg,
	const struct hash *by, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_REF_PUT);
	query_bind_blob(&q, ":wanted", hash_bytes(wanted));
	query_bind_int(&q, ":kind", kind);
	query_bind_int(&q, ":by_reg", by_reg);
	query_bind_blob(&q, ":by_id", hash_bytes(by));
	int rc = query_run(&q, e);
	return rc == STORE_NONE ? RC_OK : rc;
}

int store_ref_each(struct store *s, const struct hash *wanted, unsigned kind, store_ref_fn *fn,
	void *arg, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_REF_EACH);
	query_bind_blob(&q, ":wanted", hash_bytes(wanted));
	query_bind_int(&q, ":kind", kind);
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
	struct query q = query_begin(store_self(s), STMT_REF_DELETE);
	query_bind_blob(&q, ":wanted", hash_bytes(wanted));
	query_bind_int(&q, ":kind", kind);
	int rc = query_run(&q, e);
	return rc == STORE_NONE ? RC_OK : rc;
}

int store_ref_drop(struct store *s, const struct hash *wanted, unsigned kind, int64_t by_reg,
	const struct hash *by, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_REF_DROP);
	query_bind_blob(&q, ":wanted", hash_bytes(wanted));
	query_bind_int(&q, ":kind", kind);
	query_bind_int(&q, ":by_reg", by_reg);
	query_bind_blob(&q, ":by_id", hash_bytes(by));
	int rc = query_run(&q, e);
	return rc == STORE_NONE ? RC_OK : rc;
}
