/* What the commands that post one change have in common. */
#ifndef DELTAD_CLIENT_POST_H
#define DELTAD_CLIENT_POST_H

#include "client/changes.h"
#include "client/command.h"

/* A command's posting, with the registers of its task as just read. */
struct post {
	struct changes *changes;
	struct view view;
	struct bytes task;
	const struct entry *plan; /* the current TASK change shown first; NULL: none */
	bool resumed;		  /* an earlier run's change was posted now: nothing else to do */
};

/* Reads KEY from the first operand, opens node and key, posts what an earlier run left, and reads
 * the task. RC_NOT_FOUND: the task is not in the plan. Release with post_end in any case. */
int post_begin(struct post *p, struct app *app, struct err *e) MUST_CHECK;
/* With --dry-run only checks and says so; else posts and prints where it stands. */
int post_finish(struct post *p, struct app *app, const struct draft *d, struct err *e) MUST_CHECK;
void post_end(struct post *p);

/* A report from the options --status, --progress, --note, --as-of, --problem, --next and --demo;
 * what is left out is as in `old` (NULL: none, then --status is needed), but the date is today. */
int post_read_report(const struct args *a, const struct report_value *old, struct report_value *out,
	struct err *e) MUST_CHECK;
/* --status, --summary, --demo. */
int post_read_overall(const struct args *a, struct overall_value *out, struct err *e) MUST_CHECK;

#endif
