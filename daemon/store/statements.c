#include "daemon/store/statements.h"

#include <stdio.h>
#include <string.h>

#include "daemon/store/handle.h"

static const struct {
	const char *sql, *name;
} statement_table[STMT_COUNT] = {
#define STATEMENT(name, sql) [STMT_##name] = {sql, #name},
#include "daemon/store/statements.def"
#undef STATEMENT
};

const char *statement_sql(enum statement id)
{
	return statement_table[id].sql;
}

static int prepare_one(sqlite3 *db, enum statement id, sqlite3_stmt **out)
{
	return sqlite3_prepare_v3(db, statement_sql(id), -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

int statements_prepare(struct statements *x, sqlite3 *db)
{
	for (int id = 0; id < STMT_COUNT; id++) {
		int code = prepare_one(db, (enum statement)id, &x->stmt[id]);
		if (code != SQLITE_OK)
			return code;
	}
	return SQLITE_OK;
}

void statements_release(struct statements *x)
{
	ENSURE(x->n_in_use == 0);
	for (int id = 0; id < STMT_COUNT; id++) {
		sqlite3_finalize(x->stmt[id]);
		x->stmt[id] = NULL;
	}
}

static void admit_write(struct store_sqlite *s)
{
	ENSURE(s->in_transaction);
	ENSURE(s->statements.n_in_use == 0);
	s->tally.known = false;
}

struct query query_begin(struct store_sqlite *s, enum statement id)
{
	struct statements *x = &s->statements;
	struct query q = {.s = s, .id = id, .stmt = x->stmt[id], .rc = s->failed};
	if (!sqlite3_stmt_readonly(q.stmt))
		admit_write(s);
	if (x->in_use[id]) {
		q.spare = true;
		q.code = sqlite3_prepare_v2(s->db, statement_sql(id), -1, &q.stmt, NULL);
	}
	x->in_use[id] = true;
	x->n_in_use++;
	return q;
}

static bool is_sound(const struct query *q)
{
	return q->rc == RC_OK && q->code == SQLITE_OK;
}

static int place_of(const struct query *q, const char *name)
{
	int place = sqlite3_bind_parameter_index(q->stmt, name);
	ENSURE(place > 0);
	return place;
}

void query_bind_int(struct query *q, const char *name, int64_t v)
{
	if (is_sound(q))
		q->code = sqlite3_bind_int64(q->stmt, place_of(q, name), v);
}

void query_bind_u64(struct query *q, const char *name, uint64_t v)
{
	query_bind_int(q, name, (int64_t)v);
}

void query_bind_bound(struct query *q, const char *name, uint64_t v)
{
	query_bind_int(q, name, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

void query_bind_blob(struct query *q, const char *name, struct bytes v)
{
	/* NULL would bind SQL's NULL, which is another thing than no bytes. */
	const void *p = v.p != NULL ? v.p : (const void *)"";
	if (is_sound(q))
		q->code = sqlite3_bind_blob64(q->stmt, place_of(q, name), p, v.n, SQLITE_STATIC);
}

void query_bind_text(struct query *q, const char *name, const char *v)
{
	if (is_sound(q))
		q->code = sqlite3_bind_text64(
			q->stmt, place_of(q, name), v, strlen(v), SQLITE_STATIC, SQLITE_UTF8);
}

static void fail(struct query *q, struct err *e)
{
	char doing[64];
	snprintf(doing, sizeof doing, "run %s", statement_table[q->id].name);
	q->rc = store_fail(q->s, q->code, doing, e);
}

bool query_next(struct query *q, struct err *e)
{
	if (q->rc != RC_OK) {
		err_set(e, q->rc, "the transaction failed before: roll it back");
		return false;
	}
	if (q->code == SQLITE_OK)
		q->code = sqlite3_step(q->stmt);
	if (q->code == SQLITE_ROW) {
		q->code = SQLITE_OK;
		return true;
	}
	q->done = q->code == SQLITE_DONE;
	if (!q->done)
		fail(q, e);
	return false;
}

int64_t query_int(const struct query *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

uint64_t query_u64(const struct query *q, int column)
{
	return (uint64_t)query_int(q, column);
}

bool query_is_null(const struct query *q, int column)
{
	return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

struct bytes query_blob(const struct query *q, int column)
{
	const void *p = sqlite3_column_blob(q->stmt, column);
	return bytes_of(p, (size_t)sqlite3_column_bytes(q->stmt, column));
}

void query_text(struct query *q, int column, char *out, size_t size, struct err *e)
{
	struct bytes b = query_blob(q, column);
	if (b.n >= size) {
		query_corrupt(q, "a name that is too long", e);
		b.n = 0;
	}
	if (b.n > 0)
		memcpy(out, b.p, b.n);
	out[b.n] = '\0';
}

void query_hash(struct query *q, int column, struct hash *out, struct err *e)
{
	struct bytes b = query_blob(q, column);
	if (b.n == sizeof out->b)
		memcpy(out->b, b.p, sizeof out->b);
	else
		query_corrupt(q, "a hash of another length", e);
}

enum verdict query_verdict(struct query *q, int column, struct err *e)
{
	int64_t v = query_int(q, column);
	if (v < VERDICT_EFFECTIVE || v > VERDICT_VOID)
		query_corrupt(q, "a verdict that is none", e);
	return (enum verdict)v;
}

void query_corrupt(struct query *q, const char *what, struct err *e)
{
	q->code = SQLITE_CORRUPT;
	char doing[96];
	snprintf(doing, sizeof doing, "run %s, which found %s", statement_table[q->id].name, what);
	q->rc = store_fail(q->s, q->code, doing, e);
}

int query_end(struct query *q, int rc)
{
	struct statements *x = &q->s->statements;
	x->n_in_use--;
	if (q->spare) {
		sqlite3_finalize(q->stmt);
	} else {
		/* Repeats the failure of the last step, which is dealt with. */
		(void)sqlite3_reset(q->stmt);
		sqlite3_clear_bindings(q->stmt);
		x->in_use[q->id] = false;
	}
	q->stmt = NULL;
	return q->rc != RC_OK ? q->rc : rc;
}

int query_run(struct query *q, struct err *e)
{
	bool row = query_next(q, e);
	ENSURE(!row);
	return query_end(q, q->done && sqlite3_changes(q->s->db) == 0 ? 1 : RC_OK);
}
