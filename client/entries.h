/* Entries as tables and blocks: what stands in a register, by whom, since when. */
#ifndef DELTAD_CLIENT_ENTRIES_H
#define DELTAD_CLIENT_ENTRIES_H

#include "client/command.h"
#include "client/field.h"
#include "client/view.h"

/* What is needed to say who signed; borrowed. */
struct entries_context {
	const struct node *node;
	const struct operator_list *operators;
};

/* A table of entries; compact for the screen (value last), complete for machines. */
struct table *entries_table(
	struct sheet *s, const char *key, const char *heading, const char *empty);
/* silent: a table that only machines see, because entries_block tells people. */
struct table *entries_table_silent(struct sheet *s, const char *key);
void entries_row(struct table *t, const struct entries_context *c, const struct cell_register *r,
	const struct entry *x);
/* One entry in full, for people. */
void entries_block(struct sheet *s, const struct entries_context *c, const struct cell_register *r,
	const struct entry *x);

/* Fetches what the operands KEY [FIELD] name of what is asked for, and tells it. only: NULL without
 * FIELD. */
typedef int entries_tell_fn(struct app *app, const struct view *v, const struct entries_context *c,
	const struct field *only, struct err *e);
int entries_of_place(struct app *app, struct ctl_query what, entries_tell_fn *tell, struct err *e);

#endif
