/* Registers, and the changes filed under them. */
#include "daemon/store/handle.h"
#include "proto/base/limits.h"

static struct query register_query(struct store_sqlite *s, enum statement id, struct bytes task,
	uint32_t slot, struct bytes holder)
{
	struct query q = query_begin(s, id);
	query_bind_blob(&q, ":task", task);
	query_bind_int(&q, ":slot", slot);
	query_bind_blob(&q, ":holder", holder);
	return q;
}

static int find_register(struct store_sqlite *s, struct bytes task, uint32_t slot,
	struct bytes holder, int64_t *reg, struct err *e)
{
	struct query q = register_query(s, STMT_REGISTER_GET, task, slot, holder);
	int rc = STORE_NONE;
	if (query_next(&q, e)) {
		*reg = query_int(&q, 0);
		rc = RC_OK;
	}
	return query_end(&q, rc);
}

static int create_register(struct store_sqlite *s, struct bytes task, uint32_t slot,
	struct bytes holder, int64_t *reg, struct err *e)
{
	struct query q = register_query(s, STMT_REGISTER_PUT, task, slot, holder);
	int rc = query_run(&q, e);
	if (rc == RC_OK)
		*reg = sqlite3_last_insert_rowid(s->db);
	return rc;
}

int store_register_id(struct store *store, struct bytes task, uint32_t slot, struct bytes holder,
	bool create, int64_t *reg, struct err *e)
{
	struct store_sqlite *s = store_self(store);
	int64_t known = register_cache_get(&s->registers, task, slot, holder);
	if (known != 0) {
		*reg = known;
		return RC_OK;
	}
	int rc = find_register(s, task, slot, holder, reg, e);
	if (rc == STORE_NONE && create)
		rc = create_register(s, task, slot, holder, reg, e);
	if (rc == RC_OK)
		register_cache_put(&s->registers, task, slot, holder, *reg);
	return rc;
}

static void bind_change(struct query *q, int64_t reg, const struct store_change *c)
{
	query_bind_int(q, ":reg", reg);
	query_bind_blob(q, ":id", hash_bytes(&c->id));
	query_bind_int(q, ":log", c->log);
	query_bind_u64(q, ":idx", c->index);
	query_bind_int(q, ":verdict", c->verdict);
	query_bind_int(q, ":code", c->void_code);
	query_bind_int(q, ":superseded", c->superseded);
}

int store_change_put(struct store *s, int64_t reg, const struct store_change *c, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_CHANGE_PUT);
	bind_change(&q, reg, c);
	return query_run(&q, e);
}

int store_change_set(struct store *s, int64_t reg, const struct store_change *c, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_CHANGE_SET);
	bind_change(&q, reg, c);
	int rc = query_run(&q, e);
	ENSURE(rc != STORE_NONE);
	return rc;
}

/* Columns 0 to 5 of every statement that gives changes. */
static void read_change(struct query *q, struct store_change *out, struct err *e)
{
	*out = (struct store_change){
		.log = (uint32_t)query_int(q, 1),
		.index = query_u64(q, 2),
		.verdict = query_verdict(q, 3, e),
		.void_code = (enum void_code)query_int(q, 4),
		.superseded = (uint32_t)query_int(q, 5),
	};
	query_hash(q, 0, &out->id, e);
}

int store_change_get(struct store *s, int64_t reg, const struct hash *id, struct store_change *out,
	struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_CHANGE_GET);
	query_bind_int(&q, ":reg", reg);
	query_bind_blob(&q, ":id", hash_bytes(id));
	int rc = STORE_NONE;
	if (query_next(&q, e)) {
		read_change(&q, out, e);
		rc = RC_OK;
	}
	return query_end(&q, rc);
}

int store_change_delete(struct store *s, int64_t reg, const struct hash *id, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_CHANGE_DELETE);
	query_bind_int(&q, ":reg", reg);
	query_bind_blob(&q, ":id", hash_bytes(id));
	int rc = query_run(&q, e);
	return rc == STORE_NONE ? RC_OK : rc;
}

int store_change_supersede(struct store *s, int64_t reg, const struct hash *id, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_CHANGE_SUPERSEDE);
	query_bind_int(&q, ":reg", reg);
	query_bind_blob(&q, ":id", hash_bytes(id));
	return query_run(&q, e);
}

/* Columns 6 to 10: the register and the leaf. */
static int visit_changes(struct query *q, store_change_fn *fn, void *arg, struct err *e)
{
	int stop = RC_OK;
	while (stop == RC_OK && query_next(q, e)) {
		struct store_change c;
		read_change(q, &c, e);
		struct store_register r = {query_int(q, 6), query_blob(q, 7), query_blob(q, 9),
			(uint32_t)query_int(q, 8)};
		struct bytes leaf = query_blob(q, 10);
		if (query_is_null(q, 10))
			query_corrupt(q, "a change whose leaf is missing", e);
		if (r.task.n >= TASK_KEY_SIZE || r.holder.n > LIMIT_HOLDER_BYTES)
			query_corrupt(q, "a register of no task", e);
		if (q->rc == RC_OK)
			stop = fn(arg, &r, &c, leaf);
	}
	return query_end(q, stop);
}

static enum statement statement_for(const struct store_filter *f)
{
	if (f->current_only)
		return f->task != NULL ? STMT_CURRENT_EACH_OF_TASK : STMT_CURRENT_EACH;
	return f->task != NULL ? STMT_CHANGE_EACH_OF_TASK : STMT_CHANGE_EACH;
}

int store_change_each(struct store *s, const struct store_filter *f, store_change_fn *fn, void *arg,
	struct err *e)
{
	struct query q = query_begin(store_self(s), statement_for(f));
	query_bind_int(&q, ":slot", f->slot);
	if (f->holder != NULL)
		query_bind_blob(&q, ":holder", *f->holder);
	if (f->task != NULL)
		query_bind_blob(&q, ":task", *f->task);
	return visit_changes(&q, fn, arg, e);
}

int store_register_each(struct store *s, int64_t reg, store_change_fn *fn, void *arg, struct err *e)
{
	struct query q = query_begin(store_self(s), STMT_REGISTER_EACH);
	query_bind_int(&q, ":slot", 0);
	query_bind_int(&q, ":reg", reg);
	return visit_changes(&q, fn, arg, e);
}

static int count(struct query *q, uint64_t *out, struct err *e)
{
	if (query_next(q, e))
		*out = query_u64(q, 0);
	return query_end(q, RC_OK);
}

static int count_findings(struct store_sqlite *s, enum verdict v, uint64_t *out, struct err *e)
{
	struct query q = query_begin(s, STMT_FINDING_COUNT);
	query_bind_int(&q, ":verdict", v);
	return count(&q, out, e);
}

static int take_tally(struct store_sqlite *s, struct err *e)
{
	struct store_tally t = {.known = true};
	struct query q = query_begin(s, STMT_CONFLICT_COUNT);
	int rc = count(&q, &t.conflicts, e);
	if (rc == RC_OK)
		rc = count_findings(s, VERDICT_PENDING, &t.pending, e);
	if (rc == RC_OK)
		rc = count_findings(s, VERDICT_UNKNOWN, &t.unknown, e);
	if (rc == RC_OK)
		s->tally = t;
	return rc;
}

int store_counts(struct store *store, uint64_t *conflicts, uint64_t *pending, uint64_t *unknown,
	struct err *e)
{
	struct store_sqlite *s = store_self(store);
	int rc = s->tally.known ? RC_OK : take_tally(s, e);
	*conflicts = s->tally.conflicts;
	*pending = s->tally.pending;
	*unknown = s->tally.unknown;
	return rc;
}
