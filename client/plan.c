#include "client/plan.h"

#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/csv.h"
#include "client/text.h"
#include "proto/base/limits.h"
#include "proto/base/text.h"

enum plan_column {
	PLAN_KIND,
	PLAN_KEY,
	PLAN_TITLE,
	PLAN_FULL,
	PLAN_ALIAS,
	PLAN_PLANNED,
	PLAN_SOURCE,
	PLAN_LEAD,
	PLAN_PARTICIPANTS,
	PLAN_START,
	PLAN_DUE,
	PLAN_COLUMNS
};

static const char *const column_names[PLAN_COLUMNS] = {
	[PLAN_KIND] = "kind",
	[PLAN_KEY] = "key",
	[PLAN_TITLE] = "title",
	[PLAN_FULL] = "full",
	[PLAN_ALIAS] = "alias",
	[PLAN_PLANNED] = "planned",
	[PLAN_SOURCE] = "source",
	[PLAN_LEAD] = "lead",
	[PLAN_PARTICIPANTS] = "participants",
	[PLAN_START] = "start",
	[PLAN_DUE] = "due",
};

struct parsing {
	struct plan *plan;
	struct csv csv;
	int at[PLAN_COLUMNS]; /* position in the file, -1: not there */
	size_t columns;
};

static struct bytes cell(const struct parsing *p, enum plan_column c)
{
	return p->at[c] < 0 ? bytes_of(NULL, 0) : p->csv.field[p->at[c]];
}

static struct bytes kept(const struct parsing *p, enum plan_column c)
{
	return pool_copy(&p->plan->pool, cell(p, c));
}

static int bad(const struct parsing *p, enum plan_column c, const char *rule, struct err *e)
{
	struct bytes s = cell(p, c);
	return err_set(e, RC_PLAN_FILE, tr("line %u, %s: \"%.*s\" is not %s"), p->csv.line,
		column_names[c], (int)(s.n < 60 ? s.n : 60), (const char *)s.p, rule);
}

static int read_header(struct parsing *p, struct err *e)
{
	int rc = csv_next(&p->csv, e);
	if (rc == CSV_END)
		return err_set(e, RC_PLAN_FILE, tr("the file is empty"));
	if (rc != RC_OK)
		return rc;
	memset(p->at, -1, sizeof p->at);
	p->columns = p->csv.n;
	for (size_t i = 0; i < p->csv.n; i++) {
		struct bytes name = p->csv.field[i];
		int c = 0;
		while (c < PLAN_COLUMNS && !bytes_equal(name, bytes_str(column_names[c])))
			c++;
		if (c == PLAN_COLUMNS)
			return err_set(e, RC_PLAN_FILE, tr("line %u: no column is called \"%.*s\""),
				p->csv.line, (int)(name.n < 60 ? name.n : 60),
				(const char *)name.p);
		if (p->at[c] >= 0)
			return err_set(e, RC_PLAN_FILE, tr("line %u: column %s stands there twice"),
				p->csv.line, column_names[c]);
		p->at[c] = (int)i;
	}
	for (int c = PLAN_KIND; c <= PLAN_TITLE; c++)
		if (p->at[c] < 0)
			return err_set(e, RC_PLAN_FILE, tr("line %u: column %s is missing"),
				p->csv.line, column_names[c]);
	return RC_OK;
}

static int read_date(const struct parsing *p, enum plan_column c, uint32_t *out, struct err *e)
{
	*out = 0;
	if (cell(p, c).n == 0 || date_parse(cell(p, c), out))
		return RC_OK;
	return bad(p, c, tr("a date that exists, as YYYY-MM-DD"), e);
}

static int compare_slugs(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Slugs separated by ';', in any order. */
static int read_participants(const struct parsing *p, struct task_value *out, struct err *e)
{
	struct bytes rest = kept(p, PLAN_PARTICIPANTS), list[LIMIT_MEMBERS];
	size_t n = 0;
	while (rest.n > 0) {
		const uint8_t *end = memchr(rest.p, ';', rest.n);
		size_t length = end ? (size_t)(end - rest.p) : rest.n;
		if (n == LIMIT_MEMBERS)
			return bad(p, PLAN_PARTICIPANTS, tr("a list of at most 16 members"), e);
		list[n] = bytes_of(rest.p, length);
		if (!slug_is_valid(list[n++]) || (end && length + 1 == rest.n))
			return bad(p, PLAN_PARTICIPANTS, tr("a list such as anhui;jiangsu"), e);
		rest = end ? bytes_of(end + 1, rest.n - length - 1) : bytes_of(NULL, 0);
	}
	if (n == 0)
		return RC_OK;
	qsort(list, n, sizeof *list, compare_slugs);
	struct bytes *items =
		arena_alloc(pool_arena(&p->plan->pool, sizeof list), n * sizeof *list);
	ENSURE(items);
	memcpy(items, list, n * sizeof *list);
	out->participants = items;
	out->n_participants = n;
	return RC_OK;
}

static int read_task(const struct parsing *p, struct plan_row *row, struct err *e)
{
	struct task_value *t = &row->value.task;
	struct bytes source = cell(p, PLAN_SOURCE);
	if (!task_key_is_valid(cell(p, PLAN_KEY)))
		return bad(p, PLAN_KEY, tr("a task key such as 3-05"), e);
	if (cell(p, PLAN_ALIAS).n || cell(p, PLAN_PLANNED).n)
		return err_set(e, RC_PLAN_FILE, tr("line %u: alias and planned are for areas"),
			p->csv.line);
	row->task = kept(p, PLAN_KEY);
	row->value.slot = SLOT_TASK;
	t->title = kept(p, PLAN_TITLE);
	t->full = kept(p, PLAN_FULL);
	t->lead = kept(p, PLAN_LEAD);
	t->source = source.n ? task_source_named(source) : SOURCE_AMENDMENT;
	if (t->source == 0)
		return bad(p, PLAN_SOURCE, tr("seed, placeholder or amendment"), e);
	int rc = read_date(p, PLAN_START, &t->start, e);
	if (rc == RC_OK)
		rc = read_date(p, PLAN_DUE, &t->due, e);
	return rc == RC_OK ? read_participants(p, t, e) : rc;
}

static int read_area(const struct parsing *p, struct plan_row *row, struct err *e)
{
	uint64_t number, planned;
	if (!decimal_parse(cell(p, PLAN_KEY), 99, &number) || number == 0)
		return bad(p, PLAN_KEY, tr("an area's number from 1 to 99"), e);
	if (!decimal_parse(cell(p, PLAN_PLANNED), 999, &planned))
		return bad(p, PLAN_PLANNED, tr("a number of tasks from 1 to 999"), e);
	for (int c = PLAN_SOURCE; c <= PLAN_DUE; c++)
		if (cell(p, (enum plan_column)c).n)
			return err_set(e, RC_PLAN_FILE, tr("line %u: %s is for tasks"), p->csv.line,
				column_names[c]);
	row->holder = kept(p, PLAN_KEY);
	row->value.slot = SLOT_AREA;
	row->value.area = (struct area_value){
		.title = kept(p, PLAN_TITLE),
		.alias = kept(p, PLAN_ALIAS),
		.planned = (uint32_t)planned,
	};
	return RC_OK;
}

static int check_value(const struct plan_row *row, struct err *e)
{
	struct err why = {0};
	struct change c = {.slot = (uint32_t)row->value.slot, .task = row->task};
	if (value_check(&row->value, &c, &why) == RC_OK)
		return RC_OK;
	return err_set(e, RC_PLAN_FILE, tr("line %u: %s"), row->line, why.text);
}

static int read_row(const struct parsing *p, struct err *e)
{
	struct plan_row row = {.line = p->csv.line};
	struct bytes kind = cell(p, PLAN_KIND);
	int rc;
	if (p->csv.n != p->columns)
		return err_set(e, RC_PLAN_FILE, tr("line %u has %zu fields, the first line %zu"),
			p->csv.line, p->csv.n, p->columns);
	if (p->plan->n == PLAN_ROWS_MAX)
		return err_set(e, RC_TOO_BIG, tr("more than %d rows"), PLAN_ROWS_MAX);
	if (bytes_equal(kind, bytes_str("task")))
		rc = read_task(p, &row, e);
	else if (bytes_equal(kind, bytes_str("area")))
		rc = read_area(p, &row, e);
	else
		rc = bad(p, PLAN_KIND, tr("area or task"), e);
	if (rc == RC_OK)
		rc = check_value(&row, e);
	if (rc == RC_OK)
		p->plan->row[p->plan->n++] = row;
	return rc;
}

static int compare_rows(const void *a, const void *b)
{
	const struct plan_row *x = *(const struct plan_row *const *)a;
	const struct plan_row *y = *(const struct plan_row *const *)b;
	int order = task_key_compare(x->task, y->task);
	if (order == 0)
		order = bytes_compare(x->holder, y->holder);
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int check_unique(const struct plan *p, struct err *e)
{
	const struct plan_row **sorted = xalloc((p->n + 1) * sizeof *sorted);
	int rc = RC_OK;
	for (size_t i = 0; i < p->n; i++)
		sorted[i] = &p->row[i];
	qsort(sorted, p->n, sizeof *sorted, compare_rows);
	for (size_t i = 1; rc == RC_OK && i < p->n; i++) {
		const struct plan_row *x = sorted[i - 1], *y = sorted[i];
		if (bytes_equal(x->task, y->task) && bytes_equal(x->holder, y->holder))
			rc = err_set(e, RC_PLAN_FILE, tr("lines %u and %u have the same key"),
				x->line, y->line);
	}
	free(sorted);
	return rc;
}

int plan_parse(struct plan *p, struct bytes text, struct err *e)
{
	*p = (struct plan){.row = xalloc(PLAN_ROWS_MAX * sizeof *p->row)};
	struct parsing parsing = {.plan = p};
	csv_init(&parsing.csv, text);
	int rc = read_header(&parsing, e);
	while (rc == RC_OK) {
		rc = csv_next(&parsing.csv, e);
		if (rc == RC_OK)
			rc = read_row(&parsing, e);
	}
	csv_release(&parsing.csv);
	if (rc != CSV_END)
		return rc;
	if (p->n == 0)
		return err_set(e, RC_PLAN_FILE, tr("the file has no area and no task"));
	return check_unique(p, e);
}

void plan_release(struct plan *p)
{
	free(p->row);
	pool_release(&p->pool);
	*p = (struct plan){0};
}
