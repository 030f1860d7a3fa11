/* Statements are prepared once, bound by name, and reset in one place: query_end. Floor 4.
 *
 *	struct query q = query_begin(s, STMT_LEAF_GET);
 *	query_bind_int(&q, ":log", log);
 *	while (query_next(&q, e))
 *		…query_blob(&q, 0)…
 *	return query_end(&q, rc);
 */
#ifndef DELTAD_STORE_STATEMENTS_H
#define DELTAD_STORE_STATEMENTS_H

#include <sqlite3.h>

#include "proto/model/verdict.h"

enum statement {
#define STATEMENT(name, sql) STMT_##name,
#include "daemon/store/statements.def"
#undef STATEMENT
	STMT_COUNT
};

struct statements {
	sqlite3_stmt *stmt[STMT_COUNT];
	bool in_use[STMT_COUNT];
	unsigned n_in_use;
};

const char *statement_sql(enum statement id);
/* Returns an SQLite code. */
int statements_prepare(struct statements *x, sqlite3 *db);
void statements_release(struct statements *x);

struct store_sqlite;

/* One run of a statement. Failures stick: bind and next go on as no-ops, query_end tells. */
struct query {
	struct store_sqlite *s;
	sqlite3_stmt *stmt;
	enum statement id;
	bool spare; /* prepared for this run: a caller above reads the other one */
	bool done;
	int code; /* of the first SQLite call that failed */
	int rc;
};

/* Statements that write are for a transaction, and not for the callback of one that reads. */
struct query query_begin(struct store_sqlite *s, enum statement id);
void query_bind_int(struct query *q, const char *name, int64_t v);
/* Numbers that use the top bit (a hostile clock) keep their bits, not their order. */
void query_bind_u64(struct query *q, const char *name, uint64_t v);
/* One end of a range of sizes or indexes: what is beyond INT64_MAX is beyond all of them. */
void query_bind_bound(struct query *q, const char *name, uint64_t v);
/* The bytes must stay until query_end. */
void query_bind_blob(struct query *q, const char *name, struct bytes v);
void query_bind_text(struct query *q, const char *name, const char *v);
/* True: on a row. */
bool query_next(struct query *q, struct err *e) MUST_CHECK;
int64_t query_int(const struct query *q, int column);
uint64_t query_u64(const struct query *q, int column);
bool query_is_null(const struct query *q, int column);
/* Borrowed until the next step. */
struct bytes query_blob(const struct query *q, int column);
/* A short text, with a zero after it; a longer one is RC_CORRUPT. */
void query_text(struct query *q, int column, char *out, size_t size, struct err *e);
/* A hash column; anything else in its place is RC_CORRUPT. */
void query_hash(struct query *q, int column, struct hash *out, struct err *e);
/* Likewise a verdict. */
enum verdict query_verdict(struct query *q, int column, struct err *e);
/* What a row holds cannot have been written by us. */
void query_corrupt(struct query *q, const char *what, struct err *e);
/* Resets. The query's own failure, else rc. */
int query_end(struct query *q, int rc) MUST_CHECK;
/* For statements without rows: next and end. STORE_NONE if no row of the database changed. */
int query_run(struct query *q, struct err *e) MUST_CHECK;

#endif
