/* What a register can hold, and when it is well-formed. Floor 1. Source: PROTOCOL 6; the plan of
 * 2024-2026. */
#ifndef DELTAD_MODEL_VALUE_H
#define DELTAD_MODEL_VALUE_H

#include "proto/model/change.h"
#include "proto/model/slot.h"

/* The numbers are the protobuf values; names in value_status_name. */
enum status {
	STATUS_NOT_STARTED = 1,	    /* 未启动 */
	STATUS_IN_PROGRESS = 2,	    /* 推进中 */
	STATUS_DELAYED = 3,	    /* 滞后: needs problem and next step */
	STATUS_SUSPENDED = 4,	    /* 暂缓: needs a reason */
	STATUS_DONE_HERE = 5,	    /* 本省市已完成 (REPORT only) */
	STATUS_PENDING_CLOSURE = 6, /* 待销号 (OVERALL only) */
	STATUS_CLOSED = 7,	    /* 已销号 (OVERALL only; the regional office's alone) */
	STATUS_WITHDRAWN = 8, /* 已调整出清单 (OVERALL only; the regional office's alone) */
};
/* "in_progress"; NULL for a number that is none. */
const char *status_name(uint32_t status);
/* 0 if there is none of that name. */
uint32_t status_named(struct bytes name);

enum task_source { SOURCE_SEED = 1, SOURCE_PLACEHOLDER = 2, SOURCE_AMENDMENT = 3 };
const char *task_source_name(uint32_t source);
uint32_t task_source_named(struct bytes name);

#define PROGRESS_MAX 100

struct area_value {
	struct bytes title;
	struct bytes alias; /* another printed form of the title, or empty */
	uint32_t planned;   /* number of tasks planned, 1..999 */
};

struct task_value {
	struct bytes title;		  /* short */
	struct bytes full;		  /* full text, may be empty */
	uint32_t source;		  /* enum task_source */
	struct bytes lead;		  /* slug of the lead office, or empty: none named */
	const struct bytes *participants; /* slugs, strictly ascending; none = every province */
	size_t n_participants;
	uint32_t start, due; /* yyyymmdd or 0 */
	bool withdrawn;
};

struct report_value {
	uint32_t status;
	uint32_t progress; /* 0..100 */
	uint32_t as_of;	   /* yyyymmdd, required */
	struct bytes note, problem, next;
	const struct bytes *evidence; /* 32-byte SHA-256 each, strictly ascending, <= 16 */
	size_t n_evidence;
	bool demo; /* demonstration data, said so wherever it is shown */
};

struct overall_value {
	uint32_t status;
	struct bytes summary;
	bool demo;
};

struct note_value {
	struct bytes text;
	bool struck; /* a strike-out: text empty */
	bool demo;
};

struct value {
	enum slot slot;
	union {
		struct area_value area;
		struct task_value task;
		struct report_value report;
		struct overall_value overall;
		struct note_value note;
	};
};

/* Rule 6 of the verdict: well-formed and in range, from the change alone: text clean and within its
 * length, numbers in range, dates that exist, what a status requires (delayed: problem and next;
 * suspended: reason). RC_REFUSED_VALUE with the field and the rule in *e; the same function guards
 * posting (client and node) and judges what peers send, so that nobody can sign what will be void.
 */
int value_check(const struct value *v, const struct change *c, struct err *e) MUST_CHECK;

/* Rules that are no ground for a void: kept, shown as irregular, but refused before signing. `old`
 * is what the change supersedes (n may be 0). RC_REFUSED_FALL: progress fell without a reason.
 * RC_OK otherwise. */
int value_irregular(const struct value *v, const struct change *c, const struct value *old,
	size_t n, struct err *e) MUST_CHECK;

/* May this member write under this task? Lead or participant (an empty list names every province).
 */
bool task_has_participant(const struct task_value *t, struct bytes member, bool is_province);

#endif
