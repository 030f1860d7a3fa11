/* Who may sign for a member, and from which leaf to which: delegations and revocations as they
 * stand in the logs. Depends on leaf indexes only, never on a clock. Floor 2. Source: PROTOCOL 3.5.
 */
#ifndef DELTAD_TRUST_OPERATORS_H
#define DELTAD_TRUST_OPERATORS_H

#include "proto/model/change.h"
#include "proto/trust/key.h"

/* One delegation or revocation. */
struct operator_event {
	enum leaf_kind kind; /* LEAF_DELEGATE or LEAF_REVOKE */
	uint32_t log;	     /* row id of the log it stands in */
	uint64_t index;
	struct hash body; /* id of what the root key signed */
	size_t twin;	  /* place of the next event of the same body; itself if there is none */
	uint8_t key[KEY_BYTES];
	char name[KEY_NAME_MAX + 1];
	char (*scope)[TASK_KEY_SIZE]; /* LEAF_DELEGATE; none = everything */
	size_t n_scope;
	uint64_t not_after;   /* LEAF_DELEGATE: last index, 0 = none */
	uint64_t valid_below; /* LEAF_REVOKE */
};

struct operators {
	struct operator_event *event; /* in the order they were learned */
	size_t n, cap;
};

void operators_release(struct operators *o);
void operators_add_delegate(struct operators *o, uint32_t log, uint64_t index,
	const struct hash *body, const struct delegate *d);
void operators_add_revoke(struct operators *o, uint32_t log, uint64_t index,
	const struct hash *body, const struct revoke *v);

/* How many stand in this log. */
size_t operators_count(const struct operators *o, uint32_t log);

/* A stretch of a member's history: leaves below `below` of a log count. */
struct operator_reach {
	uint32_t log;
	uint64_t below;
};

/* The event of this body that counts within these stretches: the one in the earliest epoch. NULL:
 * none. */
const struct operator_event *operators_find(const struct operators *o,
	const struct operator_reach *reach, size_t n, const struct hash *body);

/* May key sign at leaf `index` of log reach[0].log? reach[0] is that log with below = index, the
 * others are the epochs before it, as far as the next one builds on them. A revocation in reach[0]
 * holds from its valid_below on, wherever it stands in that log; one in an earlier epoch holds for
 * every later epoch. An event that repeats one of an earlier epoch does not count. *in_scope:
 * whether the newest delegation covers the task. */
bool operators_allow(const struct operators *o, const struct operator_reach *reach, size_t n,
	const uint8_t key[KEY_BYTES], struct bytes task, bool *in_scope);

#endif
