/* The slots a register can have: one table row each. A new slot = one row here, one value type, one
 * verdict test, one client command. Floor 1. Source: PROTOCOL 6. */
#ifndef DELTAD_MODEL_SLOT_H
#define DELTAD_MODEL_SLOT_H

#include "proto/base/bytes.h"

enum slot {
	SLOT_NONE = 0,
	SLOT_AREA = 1,
	SLOT_TASK = 2,
	SLOT_REPORT = 3,
	SLOT_OVERALL = 4,
	SLOT_NOTE = 5,
};

/* What stands in a change's holder. */
enum holder_kind {
	HOLDER_EMPTY,
	HOLDER_AREA,   /* area number "1".."99" */
	HOLDER_MEMBER, /* a slug */
	HOLDER_NONCE,  /* 32 hex digits: the nonce of the register's first change */
};

/* Who may write it. */
enum writer_rule {
	WRITER_REGIONAL, /* a member with the regional role */
	WRITER_HOLDER,	 /* the member named by holder, a participant or the lead of the TASK in
			    `under` */
	WRITER_LEAD, /* the lead of the TASK in `under`; the regional office while it names none */
	WRITER_AUTHOR, /* any member; a strike-out only by the author of the note in `under` */
};

/* Whether the change is about one task or the plan as a whole. */
enum task_rule { TASK_NEVER, TASK_ALWAYS, TASK_MAYBE };

struct slot_rule {
	enum slot slot;
	const char *name; /* "REPORT": on the screen, in --json, on the command line */
	enum task_rule task;
	enum holder_kind holder;
	enum writer_rule writer;
	bool under_task; /* `under` must name an effective TASK change of the same task */
};

/* NULL: a slot this version does not know; it is stored, relayed and shown (verdict unknown). */
const struct slot_rule *slot_find(uint32_t slot);
/* By its name, any case of ASCII letters; NULL if there is none. */
const struct slot_rule *slot_named(struct bytes name);

#endif
