#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/csv.h"
#include "client/files.h"
#include "client/plan.h"

static struct err err;

/* All rows as "a|b|c;…", or the rc. */
static int read_all(const char *text, size_t n, char *out, size_t size)
{
	struct csv c;
	int rc;
	err = (struct err){0};
	out[0] = 0;
	csv_init(&c, bytes_of(text, n));
	while ((rc = csv_next(&c, &err)) == RC_OK) {
		for (size_t i = 0; i < c.n; i++) {
			size_t at = strlen(out);
			snprintf(out + at, size - at, "%.*s%s", (int)c.field[i].n,
				c.field[i].n ? (const char *)c.field[i].p : "",
				i + 1 < c.n ? "|" : ";");
		}
	}
	csv_release(&c);
	return rc;
}

static void assert_rows(const char *text, const char *rows)
{
	char out[200];
	assert_int_equal(read_all(text, strlen(text), out, sizeof out), CSV_END);
	assert_string_equal(out, rows);
}

static void assert_no_rows(const char *text, const char *part)
{
	char out[200];
	assert_int_equal(read_all(text, strlen(text), out, sizeof out), RC_PLAN_FILE);
	assert_non_null(strstr(err.text, part));
}

static void rows_and_fields_are_cut_where_they_end(void **state)
{
	(void)state;
	assert_rows("", "");
	assert_rows("a,b\nc,d\n", "a|b;c|d;");
	assert_rows("a,b\r\nc,d", "a|b;c|d;");
	assert_rows("a,,\n,b\n", "a||;|b;");
	assert_rows("\n\na\n\n\nb\n", "a;b;");
	assert_rows("\xef\xbb\xbf"
		    "a,b\n",
		"a|b;");
	assert_rows("a\rb\n", "a\rb;");
}

static void quoted_fields_hold_commas_quotes_and_line_ends(void **state)
{
	(void)state;
	assert_rows("\"a,b\",c\n", "a,b|c;");
	assert_rows("\"a\"\"b\"\n", "a\"b;");
	assert_rows("\"a\nb\",\"\"\n", "a\nb|;");
	assert_rows("\"\",x", "|x;");
}

static void what_is_no_csv_is_refused_with_its_line(void **state)
{
	(void)state;
	assert_no_rows("a\n\"b\nc", "line 2");
	assert_no_rows("a\nb\"c\n", "line 2");
	assert_no_rows("a\n\nx\n\"b\"c\n", "line 4");
	char many[2 * CSV_FIELDS_MAX + 2];
	memset(many, ',', sizeof many);
	many[CSV_FIELDS_MAX - 1] = 0;
	char out[200];
	assert_int_equal(read_all(many, strlen(many), out, sizeof out), CSV_END);
	many[CSV_FIELDS_MAX - 1] = ',';
	many[CSV_FIELDS_MAX] = 0;
	assert_no_rows(many, "64");
}

#define HEAD "kind,key,title,full,alias,planned,source,lead,participants,start,due\n"

static int parse(const char *text, struct plan *p)
{
	err = (struct err){0};
	return plan_parse(p, bytes_str(text), &err);
}

static void assert_plan_refused(const char *rows, const char *part)
{
	struct plan p;
	struct buf text = {0};
	buf_printf(&text, "%s%s", HEAD, rows);
	buf_put_u8(&text, 0);
	assert_int_equal(parse((const char *)text.p, &p), RC_PLAN_FILE);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" does not say \"%s\"", err.text, part);
	plan_release(&p);
	buf_release(&text);
}

static void the_published_plan_has_9_areas_and_165_tasks(void **state)
{
	struct plan p;
	struct buf text = {0};
	size_t areas = 0;
	(void)state;
	assert_int_equal(file_read("conf/plan-2024-2026.csv", PLAN_FILE_MAX, &text, &err), RC_OK);
	assert_int_equal(plan_parse(&p, buf_bytes(&text), &err), RC_OK);
	for (size_t i = 0; i < p.n; i++)
		areas += p.row[i].value.slot == SLOT_AREA;
	assert_int_equal(areas, 9);
	assert_int_equal(p.n, 174);
	plan_release(&p);
	buf_release(&text);
}

static void a_row_becomes_a_value_with_its_list_in_order(void **state)
{
	struct plan p;
	(void)state;
	assert_int_equal(
		parse(HEAD "area,3,T,,A,25,,,,,\n"
			   "task,3-05,t,full,,,seed,jiangsu,zhejiang;anhui,2024-01-01,2026-12-31\n",
			&p),
		RC_OK);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.row[0].value.area.planned, 25);
	assert_true(bytes_equal(p.row[0].holder, bytes_str("3")));
	const struct task_value *t = &p.row[1].value.task;
	assert_int_equal(t->n_participants, 2);
	assert_true(bytes_equal(t->participants[0], bytes_str("anhui")));
	assert_true(bytes_equal(t->lead, bytes_str("jiangsu")));
	assert_int_equal(t->due, 20261231);
	plan_release(&p);
}

static void columns_may_stand_in_any_order_and_some_may_be_missing(void **state)
{
	struct plan p;
	(void)state;
	assert_int_equal(parse("title,kind,key\nt,task,3-05\n", &p), RC_OK);
	assert_int_equal(p.row[0].value.task.source, SOURCE_AMENDMENT);
	plan_release(&p);
	assert_int_equal(parse("title,kind\nt,task\n", &p), RC_PLAN_FILE);
	plan_release(&p);
	assert_int_equal(parse("title,kind,key,key\n", &p), RC_PLAN_FILE);
	plan_release(&p);
	assert_int_equal(parse("title,kind,key,colour\n", &p), RC_PLAN_FILE);
	plan_release(&p);
	assert_int_equal(parse("", &p), RC_PLAN_FILE);
	plan_release(&p);
	assert_int_equal(parse(HEAD, &p), RC_PLAN_FILE);
	plan_release(&p);
}

static void hostile_plan_rows_are_refused_with_their_line(void **state)
{
	(void)state;
	assert_plan_refused("task,3-5,t,,,,seed,,,,\n", "line 2, key");
	assert_plan_refused("task,3-005,t,,,,seed,,,,\n", "line 2, key");
	assert_plan_refused("task,,t,,,,seed,,,,\n", "line 2, key");
	assert_plan_refused(
		"task,3-05,t,,,,seed,,,,\n\ntask,3-05,u,,,,seed,,,,\n", "lines 2 and 4");
	assert_plan_refused("task,3-05,t,,,,seed,,,2024-02-30,\n", "line 2, start");
	assert_plan_refused("task,3-05,t,,,,seed,,,,10000-01-01\n", "line 2, due");
	assert_plan_refused("task,3-05,t,,,,seed,,,2026-01-02,2026-01-01\n", "line 2: ");
	assert_plan_refused("task,3-05,t,,,,draft,,,,\n", "line 2, source");
	assert_plan_refused("task,3-05,t,,,,seed,Jiangsu,,,\n", "line 2: ");
	assert_plan_refused("task,3-05,t,,,,seed,,anhui;,,\n", "line 2, participants");
	assert_plan_refused("task,3-05,t,,,,seed,,anhui;anhui,,\n", "line 2: ");
	assert_plan_refused("task,3-05,t,,,,seed,,,\n", "line 2 has 10 fields");
	assert_plan_refused("task,3-05,,,,,seed,,,,\n", "line 2: ");
	assert_plan_refused("task,3-05,\xff,,,,seed,,,,\n", "line 2: ");
	assert_plan_refused("task,3-05,a\033[2J,,,,seed,,,,\n", "line 2: ");
	assert_plan_refused("task,3-05,t,,alias,,seed,,,,\n", "line 2: ");
	assert_plan_refused("area,0,t,,,1,,,,,\n", "line 2, key");
	assert_plan_refused("area,03,t,,,1,,,,,\n", "line 2, key");
	assert_plan_refused("area,3,t,,,-1,,,,,\n", "line 2, planned");
	assert_plan_refused("area,3,t,,,0,,,,,\n", "line 2: ");
	assert_plan_refused("area,3,t,,,1,seed,,,,\n", "line 2: ");
	assert_plan_refused("milestone,3,t,,,1,,,,,\n", "line 2, kind");
}

static void rows_of_a_file_have_a_limit(void **state)
{
	struct plan p;
	struct buf text = {0};
	(void)state;
	buf_put_str(&text, "kind,key,title\n");
	for (unsigned i = 0; i < PLAN_ROWS_MAX; i++)
		buf_printf(&text, "task,%u-%02u,t\n", i / 999 + 1, i % 999 + 1);
	assert_int_equal(plan_parse(&p, buf_bytes(&text), &err), RC_OK);
	plan_release(&p);
	buf_put_str(&text, "task,99-999,t\n");
	assert_int_equal(plan_parse(&p, buf_bytes(&text), &err), RC_TOO_BIG);
	plan_release(&p);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_and_fields_are_cut_where_they_end),
		cmocka_unit_test(quoted_fields_hold_commas_quotes_and_line_ends),
		cmocka_unit_test(what_is_no_csv_is_refused_with_its_line),
		cmocka_unit_test(the_published_plan_has_9_areas_and_165_tasks),
		cmocka_unit_test(a_row_becomes_a_value_with_its_list_in_order),
		cmocka_unit_test(columns_may_stand_in_any_order_and_some_may_be_missing),
		cmocka_unit_test(hostile_plan_rows_are_refused_with_their_line),
		cmocka_unit_test(rows_of_a_file_have_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
