/* A plan file: one row an area or a task, as the regional office publishes it. */
#ifndef DELTAD_CLIENT_PLAN_H
#define DELTAD_CLIENT_PLAN_H

#include "client/pool.h"
#include "proto/model/value.h"

#define PLAN_FILE_MAX (8 * 1024 * 1024)
#define PLAN_ROWS_MAX 20000

struct plan_row {
	unsigned line;
	struct bytes task;   /* "" for an area */
	struct bytes holder; /* the area's number, or empty */
	struct value value;  /* SLOT_AREA or SLOT_TASK */
};

struct plan {
	struct pool pool;
	struct plan_row *row;
	size_t n;
};

/* Columns by their names in the first row, in any order: kind, key, title, full, alias, planned,
 * source, lead, participants, start, due; kind, key and title must be there. Values are checked as
 * value_check does. RC_PLAN_FILE with the line; release in any case. */
int plan_parse(struct plan *p, struct bytes text, struct err *e) MUST_CHECK;
void plan_release(struct plan *p);

#endif
