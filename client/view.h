/* Entries of the logs as the node sent them, decoded here from their raw bytes and grouped by
 * register: tasks in the order of the plan, in each register the current values first, in the order
 * of display. */
#ifndef DELTAD_CLIENT_VIEW_H
#define DELTAD_CLIENT_VIEW_H

#include "client/node.h"
#include "proto/model/verdict.h"
#include "proto/model/view.h"
#include "proto/wire/codec.h"

struct entry {
	struct bytes origin;
	uint64_t index;
	struct hash id; /* as the node says; entry_verify checks it */
	uint32_t verdict, void_code;
	bool current;
	bool final;	/* under a head that enough members have cosigned */
	bool unaudited; /* the node has not checked its signature yet */
	bool by_lead;	/* written by the task's lead, by the TASK value shown first */
	struct leaf leaf;
	struct change change; /* if has_change */
	struct value value;   /* if has_value */
	bool has_change, has_value;
};

struct cell_register {
	struct bytes task, holder;
	uint32_t slot;
	struct entry *entry; /* current ones first */
	size_t n, n_current;
};

struct view {
	struct pool pool;
	struct entry *entry;
	size_t n;
	struct cell_register *reg;
	size_t n_reg;
};

/* Errors of connection_call. *v is an empty view before; release it in any case. */
int view_fetch(struct view *v, struct node *n, const struct ctl_query *q, struct err *e) MUST_CHECK;
/* The node's findings: void, pending and unknown leaves; registers are not grouped. */
int view_fetch_findings(struct view *v, struct node *n, struct err *e) MUST_CHECK;
/* Adds one entry; view_group puts what was added in order. (view_fetch does both.) */
void view_add(struct view *v, const struct ctl_entry *e);
void view_group(struct view *v);
void view_release(struct view *v);

/* NULL if there is none. */
const struct cell_register *view_find(
	const struct view *v, struct bytes task, uint32_t slot, struct bytes holder);
/* The value shown first of a register; NULL if there is none. */
const struct value *view_value(
	const struct view *v, struct bytes task, uint32_t slot, struct bytes holder);
/* First register of the task that stands at or after from, and where the next task begins; false:
 * no more. */
bool view_next_task(const struct view *v, size_t *from, size_t *end);

/* Checks the operator's signature over the bytes as they stand, and that they have the id the node
 * gave. */
bool entry_verify(const struct entry *x, const struct hash *cluster_id);

#endif
