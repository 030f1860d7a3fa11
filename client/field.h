/* How the command line names tasks, registers of a task, and changes. */
#ifndef DELTAD_CLIENT_FIELD_H
#define DELTAD_CLIENT_FIELD_H

#include "client/view.h"

/* A task's key, or "plan" for the registers of the plan as a whole (an empty key). RC_USAGE. */
int field_parse_key(const char *s, struct bytes *key, struct err *e) MUST_CHECK;

/* "report:jiangsu", "overall", "task", "area:3", "note:<32 hex>"; a province may leave out its own
 * slug where own is not empty. RC_USAGE. */
struct field {
	uint32_t slot;
	struct bytes holder;
};
int field_parse(const char *s, struct bytes own, struct field *out, struct err *e) MUST_CHECK;

/* Is it this register's? A note may be named by the first 4 or more digits of its id. */
bool field_matches(const struct field *f, const struct cell_register *r);

#define CHANGE_PREFIX_MIN 4
/* The entry whose change id begins with these hex digits. RC_USAGE: not 4 to 64 digits, or several
 * begin so; RC_NOT_FOUND. */
int field_find_change(const struct entry *x, size_t n, const char *prefix, const struct entry **out,
	struct err *e) MUST_CHECK;

#endif
