/* What the rules say of a change: numbered rules over facts that somebody else looked up. Depends
 * on the leaf, on earlier leaves of the member's logs, the roster, and changes named by hash; never
 * on a clock, the order of arrival or local configuration. Floor 1. Source: PROTOCOL 6.1. */
#ifndef DELTAD_MODEL_VERDICT_H
#define DELTAD_MODEL_VERDICT_H

#include "proto/model/value.h"

/* Raised when a rule below changes: nodes of different rules versions do not compare their view
 * roots. */
#define RULES_VERSION 1
/* In a digest: not every log of the sender's is audited, so its view is compared with nobody's. */
#define RULES_PROVISIONAL 0

/* The numbers are stored: append only. */
enum verdict {
	VERDICT_EFFECTIVE = 0,
	VERDICT_PENDING = 1, /* waits for the change named by `under` */
	VERDICT_UNKNOWN = 2, /* needs a newer version */
	VERDICT_VOID = 3,
};
const char *verdict_name(enum verdict v);

/* Why a leaf is void; stored and shown: append only. */
enum void_code {
	VOID_NONE = 0,
	VOID_GATE = 1,	 /* bytes are not canonical or not well-formed */
	VOID_INDEX = 2,	 /* the leaf states another index, or its hlc goes back */
	VOID_MEMBER = 3, /* signed for another member's log */
	VOID_SIGNATURE = 4,
	VOID_OPERATOR = 5, /* the key is not an operator of the member at that index */
	VOID_SCOPE = 6,	   /* the task is outside the operator's scope */
	VOID_REPEAT = 7,   /* the same change stands in an earlier leaf of the member */
	VOID_REGISTER = 8, /* task, slot and holder do not make a register */
	VOID_WRITER = 9,   /* the slot's writer rule */
	VOID_UNDER = 10,   /* `under` names a change that cannot be acted under */
	VOID_VALUE = 11,
	VOID_EVENT = 12,   /* a log event in a wrong place: Open not first, a second Open, a root's
			      signature missing */
	VOID_RETIRED = 13, /* stands where the members have ended the log (PROTOCOL 5.3) */
};
/* "void:signature" style words for the screen ("signature"); NULL for a number that is none. */
const char *void_code_name(enum void_code c);

/* What is known of the change named by `under`. */
struct under_facts {
	bool known;	      /* it is in a log we hold */
	enum verdict verdict; /* of that change */
	uint32_t slot;
	struct bytes task, holder, member;
	const struct task_value
		*task_value; /* if it is a TASK change that is effective, else NULL */
};

struct verdict_facts {
	const struct change *change; /* NULL if it did not pass the gate */
	const struct value *value;   /* NULL if the slot's value did not decode */
	bool version_known;	     /* of leaf and change */
	bool index_ok; /* the leaf states its own index, and its hlc does not go back */
	bool signature_ok;
	bool retired;		    /* it stands where the members have ended the log */
	struct bytes log_member;    /* owner of the log it stands in */
	bool is_operator, in_scope; /* of the signing key at that index */
	bool is_repeat;
	bool author_is_regional, author_is_province; /* the log owner's role */
	bool holder_is_province;  /* holder is the slug of a province in the roster */
	struct under_facts under; /* if change->under is not empty */
};

/* In the order of PROTOCOL 6.1; *code says why for VERDICT_VOID, else VOID_NONE. */
enum verdict verdict_decide(const struct verdict_facts *f, enum void_code *code);

#endif
