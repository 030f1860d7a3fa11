/* Cosignatures of logs, and the newest final head of each. */
#include "daemon/store/handle.h"

int store_cosignature_put(
	struct store *s, uint32_t log, const struct store_cosignature *c, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_COSIGNATURE_PUT);
	query_bind_int(&q, ":log", log);
	query_bind_u64(&q, ":size", c->size);
	query_bind_text(&q, ":member", c->member);
	query_bind_blob(&q, ":note", c->note);
	return query_run(&q, e);
}

int store_cosignature_delete(
	struct store *s, uint32_t log, uint64_t size, const char *member, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_COSIGNATURE_DELETE);
	query_bind_int(&q, ":log", log);
	query_bind_u64(&q, ":size", size);
	query_bind_text(&q, ":member", member);
	int rc = query_run(&q, e);
	return rc == STORE_NONE ? RC_OK : rc;
}

int store_cosignature_each(
	struct store *s, uint32_t log, store_cosignature_fn *fn, void *arg, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_COSIGNATURE_EACH);
	query_bind_int(&q, ":log", log);
	int stop = RC_OK;
	while (stop == RC_OK && query_next(&q, e)) {
		char member[SLUG_SIZE];
		query_text(&q, 1, member, sizeof member, e);
		struct store_cosignature c = {query_u64(&q, 0), member, query_blob(&q, 2)};
		if (q.rc == RC_OK)
			stop = fn(arg, &c);
	}
	return query_end(&q, stop);
}

int store_final_put(struct store *s, uint32_t log, uint64_t size, struct bytes note, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_FINAL_PUT);
	query_bind_int(&q, ":log", log);
	query_bind_u64(&q, ":size", size);
	query_bind_blob(&q, ":note", note);
	return query_run(&q, e);
}

int store_final_get(struct store *s, uint32_t log, uint64_t *size, struct buf *note, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_FINAL_GET);
	query_bind_int(&q, ":log", log);
	int rc = STORE_NONE;
	buf_reset(note);
	if (query_next(&q, e)) {
		*size = query_u64(&q, 0);
		buf_put_bytes(note, query_blob(&q, 1));
		rc = RC_OK;
	}
	return query_end(&q, rc);
}
