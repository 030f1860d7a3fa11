#include "proto/wire/tables.h"

#include "deltad.pb-c.h"

#include "proto/base/limits.h"
#include "proto/model/value.h"
#include "proto/wire/rows.h"

#define CHAR_BYTES 4 /* of UTF-8, at most; value_check counts the characters */
#define NOTE_BYTES (LIMIT_NOTE_CHARS * CHAR_BYTES)
#define TITLE_BYTES (LIMIT_TITLE_CHARS * CHAR_BYTES)
#define SLUG_BYTES (SLUG_SIZE - 1)
#define TASK_KEY_BYTES (TASK_KEY_SIZE - 1)
#define ORIGIN_BYTES (ORIGIN_SIZE - 1)
#define PUBLIC_KEY_BYTES 32
#define SIGNATURE_BYTES_ED25519 64

static const struct scan_field change_rows[] = {
	ROW_U32(MUST, 1, change, version),
	ROW_STRING(MUST, 2, change, member, SLUG_BYTES),
	ROW_BYTES(MUST, 3, change, nonce, NONCE_BYTES, NONCE_BYTES),
	ROW_U64(MAY, 4, change, claimed_ms),
	ROW_STRING(MAY, 5, change, task, TASK_KEY_BYTES),
	ROW_U32(MUST, 6, change, slot),
	ROW_STRING(MAY, 7, change, holder, LIMIT_HOLDER_BYTES),
	ROW_BYTES(MAY, 8, change, value, 1, LIMIT_BODY_BYTES),
	{.number = 9,
		.type = SCAN_BYTES,
		.ascending = true,
		.max_count = LIMIT_SUPERSEDES,
		.min_len = HASH_BYTES,
		.max_len = HASH_BYTES,
		ROW_LIST(change, supersedes, n_supersedes)},
	ROW_BYTES(MAY, 10, change, under, HASH_BYTES, HASH_BYTES),
	ROW_TEXT(11, change, reason, NOTE_BYTES),
};
const struct scan_table table_change = {
	.name = "Change",
	TABLE_ROWS(change_rows),
	.size = sizeof(struct change),
	.pb = &deltad__change__descriptor,
};

static const struct scan_field delegate_rows[] = {
	ROW_U32(MUST, 1, delegate, version),
	ROW_STRING(MUST, 2, delegate, member, SLUG_BYTES),
	ROW_BYTES(MUST, 3, delegate, nonce, NONCE_BYTES, NONCE_BYTES),
	ROW_BYTES(MUST, 4, delegate, operator_key, PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES),
	ROW_STRING(MAY, 5, delegate, name, TITLE_BYTES),
	ROW_RANGES(SCAN_STRING, MAY, 6, delegate, scope, n_scope, LIMIT_SCOPE, 1, TASK_KEY_BYTES),
	ROW_U64(MAY, 7, delegate, not_after_index),
};
const struct scan_table table_delegate = {
	.name = "Delegate",
	TABLE_ROWS(delegate_rows),
	.size = sizeof(struct delegate),
	.pb = &deltad__delegate__descriptor,
};

static const struct scan_field revoke_rows[] = {
	ROW_U32(MUST, 1, revoke, version),
	ROW_STRING(MUST, 2, revoke, member, SLUG_BYTES),
	ROW_BYTES(MUST, 3, revoke, nonce, NONCE_BYTES, NONCE_BYTES),
	ROW_BYTES(MUST, 4, revoke, operator_key, PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES),
	ROW_U64(MAY, 5, revoke, valid_below),
	ROW_TEXT(6, revoke, reason, NOTE_BYTES),
};
const struct scan_table table_revoke = {
	.name = "Revoke",
	TABLE_ROWS(revoke_rows),
	.size = sizeof(struct revoke),
	.pb = &deltad__revoke__descriptor,
};

static const struct scan_field area_rows[] = {
	ROW_STRING(MAY, 1, value, area.title, TITLE_BYTES),
	ROW_STRING(MAY, 2, value, area.alias, TITLE_BYTES),
	ROW_U32(MAY, 3, value, area.planned),
};
const struct scan_table table_area = {
	.name = "AreaValue",
	TABLE_ROWS(area_rows),
	.size = sizeof(struct value),
	.pb = &deltad__area_value__descriptor,
};

static const struct scan_field task_rows[] = {
	ROW_STRING(MAY, 1, value, task.title, TITLE_BYTES),
	ROW_TEXT(2, value, task.full, NOTE_BYTES),
	ROW_U32(MAY, 3, value, task.source),
	ROW_STRING(MAY, 4, value, task.lead, SLUG_BYTES),
	ROW_RANGES(SCAN_STRING, MAY, 5, value, task.participants, task.n_participants,
		LIMIT_MEMBERS, 1, SLUG_BYTES),
	ROW_U32(MAY, 6, value, task.start),
	ROW_U32(MAY, 7, value, task.due),
	ROW_BOOL(8, value, task.withdrawn),
};
const struct scan_table table_task = {
	.name = "TaskValue",
	TABLE_ROWS(task_rows),
	.size = sizeof(struct value),
	.pb = &deltad__task_value__descriptor,
};

static const struct scan_field report_rows[] = {
	ROW_U32(MAY, 1, value, report.status),
	ROW_U32(MAY, 2, value, report.progress),
	ROW_U32(MAY, 3, value, report.as_of),
	ROW_TEXT(4, value, report.note, NOTE_BYTES),
	ROW_TEXT(5, value, report.problem, NOTE_BYTES),
	ROW_TEXT(6, value, report.next, NOTE_BYTES),
	ROW_RANGES(SCAN_BYTES, MAY, 7, value, report.evidence, report.n_evidence, LIMIT_EVIDENCE,
		HASH_BYTES, HASH_BYTES),
	ROW_BOOL(8, value, report.demo),
};
const struct scan_table table_report = {
	.name = "ReportValue",
	TABLE_ROWS(report_rows),
	.size = sizeof(struct value),
	.pb = &deltad__report_value__descriptor,
};

static const struct scan_field overall_rows[] = {
	ROW_U32(MAY, 1, value, overall.status),
	ROW_TEXT(2, value, overall.summary, NOTE_BYTES),
	ROW_BOOL(3, value, overall.demo),
};
const struct scan_table table_overall = {
	.name = "OverallValue",
	TABLE_ROWS(overall_rows),
	.size = sizeof(struct value),
	.pb = &deltad__overall_value__descriptor,
};

static const struct scan_field note_rows[] = {
	ROW_TEXT(1, value, note.text, NOTE_BYTES),
	ROW_BOOL(2, value, note.struck),
	ROW_BOOL(3, value, note.demo),
};
const struct scan_table table_note = {
	.name = "NoteValue",
	TABLE_ROWS(note_rows),
	.size = sizeof(struct value),
	.pb = &deltad__note_value__descriptor,
};

static const struct scan_field signed_rows[] = {
	ROW_BYTES(MUST, 1, signed_body, key, PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES),
	ROW_BYTES(
		MUST, 2, signed_body, signature, SIGNATURE_BYTES_ED25519, SIGNATURE_BYTES_ED25519),
	ROW_BYTES(MUST, 3, signed_body, body, 1, LIMIT_BODY_BYTES),
};
const struct scan_table table_signed = {
	.name = "Signed",
	TABLE_ROWS(signed_rows),
	.size = sizeof(struct signed_body),
};

static const struct scan_field open_rows[] = {
	ROW_U32(MUST, 1, open, suite),
	ROW_U32(MUST, 2, open, reason),
	ROW_STRING(MAY, 3, open, previous_origin, ORIGIN_BYTES),
	ROW_U64(MAY, 4, open, previous_size),
	ROW_BYTES(MAY, 5, open, previous_root, HASH_BYTES, HASH_BYTES),
};
static const struct scan_table table_open = {
	.name = "Open", TABLE_ROWS(open_rows), .size = sizeof(struct open)};

/* Within a leaf an anchor is checked and kept verbatim; anchor_decode reads it. */
static const struct scan_field anchor_head_rows[] = {
	{.number = 1,
		.type = SCAN_STRING,
		.required = true,
		.max_count = 1,
		.min_len = 1,
		.max_len = ORIGIN_BYTES,
		.at = SCAN_NOWHERE},
	{.number = 2, .type = SCAN_U64, .max_count = 1, .at = SCAN_NOWHERE},
	{.number = 3,
		.type = SCAN_BYTES,
		.required = true,
		.max_count = 1,
		.min_len = HASH_BYTES,
		.max_len = HASH_BYTES,
		.at = SCAN_NOWHERE},
};
static const struct scan_table table_anchor_head = {
	.name = "AnchorHead", TABLE_ROWS(anchor_head_rows)};
static const struct scan_field anchor_rows[] = {
	{.number = 1,
		.type = SCAN_MESSAGE,
		.max_count = LIMIT_LOGS,
		.sub = &table_anchor_head,
		.at = SCAN_NOWHERE},
	{.number = 2,
		.type = SCAN_BYTES,
		.required = true,
		.max_count = 1,
		.min_len = HASH_BYTES,
		.max_len = HASH_BYTES,
		.at = SCAN_NOWHERE},
	{.number = 3, .type = SCAN_U32, .required = true, .max_count = 1, .at = SCAN_NOWHERE},
};
static const struct scan_table table_anchor = {.name = "Anchor", TABLE_ROWS(anchor_rows)};

static const struct scan_field whole_anchor_head_rows[] = {
	ROW_STRING(MUST, 1, anchor_head, origin, ORIGIN_BYTES),
	ROW_U64(MAY, 2, anchor_head, size),
	ROW_BYTES(MUST, 3, anchor_head, root, HASH_BYTES, HASH_BYTES),
};
static const struct scan_table table_whole_anchor_head = {.name = "AnchorHead",
	TABLE_ROWS(whole_anchor_head_rows),
	.size = sizeof(struct anchor_head)};
static const struct scan_field whole_anchor_rows[] = {
	ROW_MESSAGES(MAY, 1, anchor, heads, n, LIMIT_LOGS, &table_whole_anchor_head),
	ROW_BYTES(MUST, 2, anchor, view_root, HASH_BYTES, HASH_BYTES),
	ROW_U32(MUST, 3, anchor, rules_version),
};
static const struct scan_table table_whole_anchor = {
	.name = "Anchor", TABLE_ROWS(whole_anchor_rows)};
static const struct scan_field anchor_leaf_rows[] = {
	ROW_U32(MUST, 1, anchor, version),
	ROW_U64(MAY, 2, anchor, index),
	ROW_U64(MAY, 3, anchor, hlc),
	ROW_PART(LEAF_ANCHOR, &table_whole_anchor),
};
const struct scan_table table_anchor_leaf = {
	.name = "Leaf",
	TABLE_ROWS(anchor_leaf_rows),
	.size = sizeof(struct anchor),
	.one_of = LEAF_ANCHOR,
	.kind_at = offsetof(struct anchor, kind),
	.pb = &deltad__leaf__descriptor,
};

static const struct scan_field close_rows[] = {
	ROW_STRING(MAY, 1, leaf, next_origin, ORIGIN_BYTES),
};
static const struct scan_table table_close = {.name = "Close", TABLE_ROWS(close_rows)};

static const struct scan_field leaf_rows[] = {
	ROW_U32(MUST, 1, leaf, version),
	ROW_U64(MAY, 2, leaf, index),
	ROW_U64(MAY, 3, leaf, hlc),
	ROW_MESSAGE(MAY, LEAF_CHANGE, leaf, signed_body, struct signed_body, &table_signed),
	ROW_MESSAGE(MAY, LEAF_DELEGATE, leaf, signed_body, struct signed_body, &table_signed),
	ROW_MESSAGE(MAY, LEAF_REVOKE, leaf, signed_body, struct signed_body, &table_signed),
	ROW_MESSAGE(MAY, LEAF_OPEN, leaf, open, struct open, &table_open),
	{.number = LEAF_ANCHOR,
		.type = SCAN_MESSAGE,
		.max_count = 1,
		.sub = &table_anchor,
		.at = SCAN_NOWHERE},
	ROW_PART(LEAF_CLOSE, &table_close),
};
/* Lax for a kind that a newer version adds; beside a known kind nothing else may stand. */
const struct scan_table table_leaf = {
	.name = "Leaf",
	TABLE_ROWS(leaf_rows),
	.size = sizeof(struct leaf),
	.lax = true,
	.one_of = LEAF_CHANGE,
	.kind_at = offsetof(struct leaf, kind),
	.pb = &deltad__leaf__descriptor,
};
