/* A task as the list shows it: the values of its registers that stand first, put together. */
#ifndef DELTAD_CLIENT_PLAN_VIEW_H
#define DELTAD_CLIENT_PLAN_VIEW_H

#include "client/view.h"

struct task_report {
	const struct member *member;
	bool takes_part;
	const struct report_value *value; /* NULL: nothing reported */
	bool conflict;
};

struct task_line {
	struct bytes key;
	const struct task_value *task;	     /* NULL: no TASK value (void, or of a newer version) */
	const struct overall_value *overall; /* NULL: none */
	size_t conflicts;		     /* registers with several current values */
	struct task_report report[LIMIT_MEMBERS]; /* of each province, in the roster's order */
	size_t n_reports;
	unsigned average; /* progress over all that take part; one who reported nothing counts 0 */
	unsigned reported, participants;
};

/* Of the registers v->reg[from..end), which are of one task. */
void task_line_make(const struct view *v, const struct roster *r, size_t from, size_t end,
	struct task_line *out);

#endif
