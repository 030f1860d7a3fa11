/* How SQLite will run each statement: without statistics a plan depends on schema and text alone,
 * so what is read here holds for every database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/handle.h"
#include "tests/lib/store_fixture.h"

/* The plan's lines, joined by "; ". */
static void plan_of(struct store_fixture *f, enum statement id, char *out, size_t n)
{
	char sql[2048];
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = store_self(f->s)->db;
	snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", statement_sql(id));
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	out[0] = '\0';
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		size_t used = strlen(out);
		snprintf(out + used, n - used, "%s; ", (const char *)sqlite3_column_text(stmt, 3));
	}
	sqlite3_finalize(stmt);
}

/* These read a whole table or index on purpose, in its order. */
static bool may_scan(enum statement id)
{
	return id == STMT_LOG_EACH || id == STMT_EVIDENCE_EACH || id == STMT_FINDING_EACH ||
		id == STMT_CONFLICT_COUNT || id == STMT_CHANGE_EACH || id == STMT_CURRENT_EACH;
}

static void no_statement_sorts_or_scans_unawares(void **state)
{
	struct store_fixture *f = *state;
	for (int id = STMT_META_PUT; id < STMT_COUNT; id++) {
		char plan[1024];
		plan_of(f, (enum statement)id, plan, sizeof plan);
		if (strstr(plan, "TEMP B-TREE") != NULL)
			fail_msg("%s sorts: %s", statement_sql((enum statement)id), plan);
		if (strstr(plan, "SCAN") != NULL && !may_scan((enum statement)id))
			fail_msg("%s scans: %s", statement_sql((enum statement)id), plan);
	}
}

static void current_values_are_read_without_their_history(void **state)
{
	static const enum statement ids[] = {STMT_CURRENT_EACH, STMT_CURRENT_EACH_OF_TASK};
	struct store_fixture *f = *state;
	for (size_t i = 0; i < 2; i++) {
		char plan[1024];
		plan_of(f, ids[i], plan, sizeof plan);
		if (strstr(plan, "SEARCH c USING COVERING INDEX change_current (reg=?)") == NULL)
			fail_msg("%s", plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_statement_sorts_or_scans_unawares,
			store_fixture_in_memory, store_fixture_release),
		cmocka_unit_test_setup_teardown(current_values_are_read_without_their_history,
			store_fixture_in_memory, store_fixture_release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
