/* Small named values, rosters, and evidence of forks. */
#include "daemon/store/handle.h"

/* The one row's one column replaces what is in out. */
static int get_blob(struct query *q, struct buf *out, struct err *e)
{
	int rc = STORE_NONE;
	buf_reset(out);
	if (query_next(q, e)) {
		buf_put_bytes(out, query_blob(q, 0));
		rc = RC_OK;
	}
	return query_end(q, rc);
}

int store_meta_put(struct store *s, const char *key, struct bytes value, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_META_PUT);
	query_bind_text(&q, ":key", key);
	query_bind_blob(&q, ":value", value);
	return query_run(&q, e);
}

int store_meta_get(struct store *s, const char *key, struct buf *out, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_META_GET);
	query_bind_text(&q, ":key", key);
	return get_blob(&q, out, e);
}

static int check_same_roster(struct store *s, uint32_t version, struct bytes note, struct err *e)
{
	struct buf have = {0};
	int rc = store_roster_get(s, version, &have, e);
	if (rc == RC_OK && !bytes_equal(buf_bytes(&have), note))
		rc = err_set(e, RC_CORRUPT, "another roster of version %u is stored", version);
	buf_release(&have);
	return rc;
}

int store_roster_put(struct store *s, uint32_t version, struct bytes note, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_ROSTER_PUT);
	query_bind_int(&q, ":version", version);
	query_bind_blob(&q, ":note", note);
	int rc = query_run(&q, e);
	return rc == STORE_NONE ? check_same_roster(s, version, note, e) : rc;
}

int store_roster_get(struct store *s, uint32_t version, struct buf *out, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_ROSTER_GET);
	query_bind_int(&q, ":version", version);
	return get_blob(&q, out, e);
}

static int find_evidence(struct store_sqlite *s, const struct store_evidence *x, struct err *e)
{
	struct query q = query_begin(s, STMT_EVIDENCE_FIND);
	query_bind_text(&q, ":origin", x->origin);
	query_bind_blob(&q, ":first", x->first);
	query_bind_blob(&q, ":second", x->second);
	query_bind_blob(&q, ":proof", x->proof);
	bool found = query_next(&q, e);
	return query_end(&q, found ? RC_OK : STORE_NONE);
}

int store_evidence_put(struct store *s, const struct store_evidence *x, struct err *e)
{
	int rc = find_evidence(store_self(s), x, e);
	if (rc != STORE_NONE)
		return rc;
	struct query q = query_begin(store_self(s), STMT_EVIDENCE_PUT);
	query_bind_text(&q, ":origin", x->origin);
	query_bind_blob(&q, ":first", x->first);
	query_bind_blob(&q, ":second", x->second);
	query_bind_blob(&q, ":proof", x->proof);
	return query_run(&q, e);
}

int store_evidence_each(struct store *s, store_evidence_fn *fn, void *arg, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_EVIDENCE_EACH);
	int stop = RC_OK;
	while (stop == RC_OK && query_next(&q, e)) {
		char origin[ORIGIN_SIZE];
		query_text(&q, 0, origin, sizeof origin, e);
		struct store_evidence x = {
			origin, query_blob(&q, 1), query_blob(&q, 2), query_blob(&q, 3)};
		if (q.rc == RC_OK)
			stop = fn(arg, &x);
	}
	return query_end(&q, stop);
}
