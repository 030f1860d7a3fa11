/* Logs as far as they are here, and the signed heads kept of them. */
#include <string.h>

#include "daemon/store/handle.h"

int store_log_put(struct store *s, const struct store_log *log, struct err *e)
{
	struct buf frontier = {0};
	frontier_encode(&log->frontier, &frontier);
	struct query q = query_begin(store_self(s), STMT_LOG_PUT);
	query_bind_int(&q, ":id", log->id);
	query_bind_text(&q, ":origin", log->origin);
	query_bind_u64(&q, ":size", log->size);
	query_bind_u64(&q, ":bytes", log->bytes);
	query_bind_u64(&q, ":hlc", log->hlc);
	query_bind_blob(&q, ":frontier", buf_bytes(&frontier));
	query_bind_u64(&q, ":seen_size", log->seen_size);
	query_bind_int(&q, ":seen_ms", log->seen_ms);
	query_bind_int(&q, ":forked", log->forked);
	query_bind_u64(&q, ":voids", log->voids);
	query_bind_u64(&q, ":audited", log->audited);
	int rc = query_run(&q, e);
	buf_release(&frontier);
	return rc;
}

static void read_log(struct query *q, struct store_log *out, struct err *e)
{
	*out = (struct store_log){
		.id = (uint32_t)query_int(q, 0),
		.size = query_u64(q, 2),
		.bytes = query_u64(q, 3),
		.hlc = query_u64(q, 4),
		.seen_size = query_u64(q, 6),
		.seen_ms = query_int(q, 7),
		.forked = query_int(q, 8) != 0,
		.voids = query_u64(q, 9),
		.audited = query_u64(q, 10),
	};
	query_text(q, 1, out->origin, sizeof out->origin, e);
	if (frontier_decode(query_blob(q, 5), &out->frontier, e) != RC_OK)
		query_corrupt(q, "a frontier that is none", e);
}

int store_log_each(struct store *s, store_log_fn *fn, void *arg, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_LOG_EACH);
	int stop = RC_OK;
	while (stop == RC_OK && query_next(&q, e)) {
		struct store_log log;
		read_log(&q, &log, e);
		if (q.rc == RC_OK)
			stop = fn(arg, &log);
	}
	return query_end(&q, stop);
}

int store_head_put(struct store *s, uint32_t log, const struct store_head *h, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_HEAD_PUT);
	query_bind_int(&q, ":log", log);
	query_bind_u64(&q, ":size", h->size);
	query_bind_u64(&q, ":bytes", h->bytes);
	query_bind_blob(&q, ":note", h->note);
	return query_run(&q, e);
}

int store_head_delete(struct store *s, uint32_t log, uint64_t size, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_HEAD_DELETE);
	query_bind_int(&q, ":log", log);
	query_bind_u64(&q, ":size", size);
	int rc = query_run(&q, e);
	return rc == STORE_NONE ? RC_OK : rc;
}

int store_head_get(struct store *s, uint32_t log, uint64_t above, uint64_t upto,
	struct store_head *out, struct buf *note, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_HEAD_GET);
	query_bind_int(&q, ":log", log);
	query_bind_bound(&q, ":above", above);
	query_bind_bound(&q, ":upto", upto);
	int rc = STORE_NONE;
	if (query_next(&q, e)) {
		buf_reset(note);
		buf_put_bytes(note, query_blob(&q, 2));
		*out = (struct store_head){query_u64(&q, 0), query_u64(&q, 1), buf_bytes(note)};
		rc = RC_OK;
	}
	return query_end(&q, rc);
}
