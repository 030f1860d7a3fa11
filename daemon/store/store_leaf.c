/* Leaves, verbatim, and those of them that have no plain verdict. */
#include "daemon/store/handle.h"

int store_leaf_put(struct store *s, uint32_t log, uint64_t index, struct bytes leaf, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_LEAF_PUT);
	query_bind_int(&q, ":log", log);
	query_bind_u64(&q, ":idx", index);
	query_bind_blob(&q, ":leaf", leaf);
	return query_run(&q, e);
}

int store_leaf_get(struct store *s, uint32_t log, uint64_t index, struct buf *out, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_LEAF_GET);
	query_bind_int(&q, ":log", log);
	query_bind_u64(&q, ":idx", index);
	int rc = STORE_NONE;
	buf_reset(out);
	if (query_next(&q, e)) {
		buf_put_bytes(out, query_blob(&q, 0));
		rc = RC_OK;
	}
	return query_end(&q, rc);
}

int store_leaf_each(struct store *s, uint32_t log, uint64_t from, uint64_t to, store_leaf_fn *fn,
	void *arg, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_LEAF_EACH);
	query_bind_int(&q, ":log", log);
	query_bind_bound(&q, ":from", from);
	query_bind_bound(&q, ":to", to);
	int stop = RC_OK;
	while (stop == RC_OK && query_next(&q, e))
		stop = fn(arg, query_u64(&q, 0), query_blob(&q, 1));
	return query_end(&q, stop);
}

int store_finding_put(struct store *s, uint32_t log, uint64_t index, enum verdict v,
	enum void_code code, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_FINDING_PUT);
	query_bind_int(&q, ":log", log);
	query_bind_u64(&q, ":idx", index);
	query_bind_int(&q, ":verdict", v);
	query_bind_int(&q, ":code", code);
	return query_run(&q, e);
}

int store_finding_delete(struct store *s, uint32_t log, uint64_t index, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_FINDING_DELETE);
	query_bind_int(&q, ":log", log);
	query_bind_u64(&q, ":idx", index);
	int rc = query_run(&q, e);
	return rc == STORE_NONE ? RC_OK : rc;
}

int store_finding_get(struct store *s, uint32_t log, uint64_t index, enum verdict *v,
	enum void_code *code, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_FINDING_GET);
	query_bind_int(&q, ":log", log);
	query_bind_u64(&q, ":idx", index);
	int rc = STORE_NONE;
	if (query_next(&q, e)) {
		*v = query_verdict(&q, 0, e);
		*code = (enum void_code)query_int(&q, 1);
		rc = RC_OK;
	}
	return query_end(&q, rc);
}

int store_finding_each(struct store *s, store_finding_fn *fn, void *arg, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_FINDING_EACH);
	int stop = RC_OK;
	while (stop == RC_OK && query_next(&q, e)) {
		enum verdict v = query_verdict(&q, 2, e);
		if (q.rc == RC_OK)
			stop = fn(arg, (uint32_t)query_int(&q, 0), query_u64(&q, 1), v,
				(enum void_code)query_int(&q, 3));
	}
	return query_end(&q, stop);
}
