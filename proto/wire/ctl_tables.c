#include "proto/wire/ctl_reply.h"

#include "ctl.pb-c.h"

#include "proto/wire/rows.h"
#include "proto/wire/tables.h"

#define SLUG_BYTES (SLUG_SIZE - 1)
#define TASK_KEY_BYTES (TASK_KEY_SIZE - 1)
#define ORIGIN_BYTES (ORIGIN_SIZE - 1)
#define WORD_BYTES 64 /* a state, an address, an error's id */
#define PROOF_PATH_BYTES (48 * HASH_BYTES)

static const struct scan_table table_empty = {.name = "Empty"};

static const struct scan_field post_rows[] = {
	ROW_MESSAGES(MUST, 1, ctl_request, changes, n_changes, LIMIT_POST_CHANGES, &table_signed),
};
static const struct scan_table table_post = {.name = "Post", TABLE_ROWS(post_rows)};

static const struct scan_field post_event_rows[] = {
	ROW_U32(MUST, 1, ctl_request, event_kind),
	ROW_MESSAGE(MUST, 2, ctl_request, event, struct signed_body, &table_signed),
};
static const struct scan_table table_post_event = {
	.name = "PostEvent", TABLE_ROWS(post_event_rows)};

static const struct scan_field query_rows[] = {
	ROW_BOOL(1, ctl_request, query.any_task),
	ROW_STRING(MAY, 2, ctl_request, query.task, TASK_KEY_BYTES),
	ROW_U32(MAY, 3, ctl_request, query.slot),
	ROW_BOOL(4, ctl_request, query.any_holder),
	ROW_STRING(MAY, 5, ctl_request, query.holder, LIMIT_HOLDER_BYTES),
	ROW_BOOL(6, ctl_request, query.history),
	ROW_BOOL(7, ctl_request, query.conflicts),
};
static const struct scan_table table_query = {.name = "Query", TABLE_ROWS(query_rows)};

static const struct scan_field install_rows[] = {
	ROW_BYTES(MUST, 1, ctl_request, note, 1, LIMIT_SIGNED_NOTE_BYTES),
	ROW_U32(MAY, 2, ctl_request, rebuild),
	ROW_RANGES(SCAN_BYTES, MAY, 3, ctl_request, later, n_later, CTL_ROSTERS_MAX - 1, 1,
		LIMIT_SIGNED_NOTE_BYTES),
};
static const struct scan_table table_install = {.name = "InstallRoster", TABLE_ROWS(install_rows)};

static const struct scan_field ask_proof_rows[] = {
	ROW_STRING(MUST, 1, ctl_request, proof.origin, ORIGIN_BYTES),
	ROW_U64(MAY, 2, ctl_request, proof.index),
};
static const struct scan_table table_ask_proof = {.name = "AskProof", TABLE_ROWS(ask_proof_rows)};

static const struct scan_field size_rows[] = {
	ROW_STRING(MUST, 1, log_size, origin, ORIGIN_BYTES),
	ROW_U64(MAY, 2, log_size, size),
};
static const struct scan_table table_size = {
	.name = "Size", TABLE_ROWS(size_rows), .size = sizeof(struct log_size)};

static const struct scan_field export_rows[] = {
	ROW_U32(MUST, 1, ctl_request, export.what),
	ROW_MESSAGES(MAY, 2, ctl_request, export.since, export.n_since, LIMIT_LOGS, &table_size),
	ROW_STRING(MAY, 3, ctl_request, export.member, SLUG_BYTES),
};
static const struct scan_table table_export = {.name = "ExportBundle", TABLE_ROWS(export_rows)};

static const struct scan_field import_rows[] = {
	ROW_BOOL(1, ctl_request, import.check),
	ROW_U64(MUST, 2, ctl_request, import.size),
	ROW_BYTES(MUST, 3, ctl_request, import.piece, 1, CTL_PIECE_BYTES),
};
static const struct scan_table table_import = {.name = "ImportBundle", TABLE_ROWS(import_rows)};

static const struct scan_field ask_evidence_rows[] = {
	ROW_U32(MAY, 1, ctl_request, evidence_at),
};
static const struct scan_table table_ask_evidence = {
	.name = "AskEvidence", TABLE_ROWS(ask_evidence_rows)};
static const struct scan_field backup_rows[] = {
	ROW_STRING(MUST, 1, ctl_request, folder, CTL_PATH_BYTES),
};
static const struct scan_table table_backup = {.name = "Backup", TABLE_ROWS(backup_rows)};

static const struct scan_field request_rows[] = {
	ROW_U32(MAY, 1, ctl_request, id),
	ROW_PART(CTL_INFO, &table_empty),
	ROW_PART(CTL_STATUS, &table_empty),
	ROW_PART(CTL_POST, &table_post),
	ROW_PART(CTL_POST_EVENT, &table_post_event),
	ROW_PART(CTL_QUERY, &table_query),
	ROW_PART(CTL_OPERATORS, &table_empty),
	ROW_PART(CTL_FINDINGS, &table_empty),
	ROW_PART(CTL_INSTALL_ROSTER, &table_install),
	ROW_PART(CTL_SUBSCRIBE, &table_empty),
	ROW_PART(CTL_PROOF, &table_ask_proof),
	ROW_PART(CTL_EXPORT_BUNDLE, &table_export),
	ROW_PART(CTL_IMPORT_BUNDLE, &table_import),
	ROW_PART(CTL_ANCHOR, &table_empty),
	ROW_PART(CTL_BACKUP, &table_backup),
	ROW_PART(CTL_EVIDENCE, &table_ask_evidence),
	ROW_PART(CTL_ROSTERS, &table_empty),
};
const struct scan_table table_request = {
	.name = "Request",
	TABLE_ROWS(request_rows),
	.size = sizeof(struct ctl_request),
	.one_of = CTL_INFO,
	.kind_at = offsetof(struct ctl_request, kind),
	.pb = &deltad__ctl__request__descriptor,
};

static const struct scan_field info_rows[] = {
	ROW_STRING(MAY, 1, reply_wire, reply.info.member, SLUG_BYTES),
	ROW_STRING(MAY, 2, reply_wire, reply.info.software, LIMIT_SOFTWARE_BYTES),
	ROW_BYTES(MAY, 3, reply_wire, reply.info.roster, 1, LIMIT_SIGNED_NOTE_BYTES),
	ROW_STRING(MAY, 4, reply_wire, reply.info.state, WORD_BYTES),
};
static const struct scan_table table_info = {.name = "Info", TABLE_ROWS(info_rows)};

static const struct scan_field cosigned_rows[] = {
	ROW_STRING(MUST, 1, ctl_cosigned, member, SLUG_BYTES),
	ROW_U64(MAY, 2, ctl_cosigned, size),
};
static const struct scan_table table_cosigned = {
	.name = "Cosigned", TABLE_ROWS(cosigned_rows), .size = sizeof(struct ctl_cosigned)};

static const struct scan_field log_rows[] = {
	ROW_STRING(MUST, 1, ctl_log, origin, ORIGIN_BYTES),
	ROW_STRING(MAY, 2, ctl_log, member, SLUG_BYTES),
	ROW_U32(MAY, 3, ctl_log, epoch),
	ROW_U64(MAY, 4, ctl_log, size),
	ROW_U64(MAY, 5, ctl_log, seen_size),
	ROW_U64(MAY, 6, ctl_log, seen_ms),
	ROW_BYTES(MAY, 7, ctl_log, root, HASH_BYTES, HASH_BYTES),
	ROW_BOOL(8, ctl_log, forked),
	ROW_U64(MAY, 9, ctl_log, findings),
	ROW_U64(MAY, 10, ctl_log, final_size),
	ROW_MESSAGES(MAY, 11, ctl_log, cosigned, n_cosigned, LIMIT_MEMBERS, &table_cosigned),
	ROW_U64(MAY, 13, ctl_log, audited),
	ROW_U64(MAY, 14, ctl_log, retired_at),
	ROW_BOOL(15, ctl_log, retired),
};
static const struct scan_table table_log = {
	.name = "Log", TABLE_ROWS(log_rows), .size = sizeof(struct ctl_log)};

static const struct scan_field peer_rows[] = {
	ROW_STRING(MUST, 1, ctl_peer, member, SLUG_BYTES),
	ROW_STRING(MAY, 2, ctl_peer, address, WORD_BYTES),
	ROW_BOOL(3, ctl_peer, connected),
	ROW_U64(MAY, 4, ctl_peer, behind),
	ROW_U64(MAY, 5, ctl_peer, ahead),
	ROW_U64(MAY, 6, ctl_peer, sync_ms),
	ROW_BYTES(MAY, 7, ctl_peer, view_root, HASH_BYTES, HASH_BYTES),
	ROW_U32(MAY, 8, ctl_peer, agree),
	ROW_U64(MAY, 9, ctl_peer, refused),
	ROW_WORDS(10, ctl_peer, last_error, ERR_TEXT_MAX),
	ROW_STRING(MAY, 11, ctl_peer, differs_at, TASK_KEY_BYTES),
	ROW_U64(MAY, 12, ctl_peer, bytes_in),
	ROW_U64(MAY, 13, ctl_peer, bytes_out),
	ROW_STRING(MAY, 14, ctl_peer, software, LIMIT_SOFTWARE_BYTES),
};
static const struct scan_table table_peer = {
	.name = "Peer", TABLE_ROWS(peer_rows), .size = sizeof(struct ctl_peer)};

static const struct scan_field rebuild_rows[] = {
	ROW_BOOL(1, ctl_rebuild, restored),
	ROW_U32(MAY, 2, ctl_rebuild, heard),
	ROW_U64(MAY, 3, ctl_rebuild, own_here),
	ROW_U64(MAY, 4, ctl_rebuild, own_known),
	ROW_U64(MAY, 5, ctl_rebuild, all_here),
	ROW_U64(MAY, 6, ctl_rebuild, all_known),
};
static const struct scan_table table_rebuild = {
	.name = "Rebuild", TABLE_ROWS(rebuild_rows), .size = sizeof(struct ctl_rebuild)};

static const struct scan_field clone_rows[] = {
	ROW_STRING(MUST, 1, ctl_clone, member, SLUG_BYTES),
	ROW_STRING(MUST, 2, ctl_clone, first, ORIGIN_BYTES),
	ROW_STRING(MUST, 3, ctl_clone, second, ORIGIN_BYTES),
	ROW_U32(MAY, 4, ctl_clone, kind),
};
static const struct scan_table table_clone = {
	.name = "Clone", TABLE_ROWS(clone_rows), .size = sizeof(struct ctl_clone)};

static const struct scan_field status_rows[] = {
	ROW_STRING(MAY, 1, reply_wire, reply.status.member, SLUG_BYTES),
	ROW_U64(MAY, 2, reply_wire, reply.status.started_ms),
	ROW_U64(MAY, 3, reply_wire, reply.status.now_ms),
	ROW_STRING(MAY, 4, reply_wire, reply.status.state, WORD_BYTES),
	ROW_WORDS(5, reply_wire, reply.status.state_text, ERR_TEXT_MAX),
	ROW_BYTES(MAY, 6, reply_wire, reply.status.view_root, HASH_BYTES, HASH_BYTES),
	ROW_U32(MAY, 7, reply_wire, reply.status.rules_version),
	ROW_U64(MAY, 8, reply_wire, reply.status.entries),
	ROW_U64(MAY, 9, reply_wire, reply.status.conflicts),
	ROW_U64(MAY, 10, reply_wire, reply.status.pending),
	ROW_U64(MAY, 11, reply_wire, reply.status.unknown),
	ROW_MESSAGES(MAY, 12, reply_wire, reply.status.logs, reply.status.n_logs, LIMIT_LOGS,
		&table_log),
	ROW_MESSAGES(MAY, 13, reply_wire, reply.status.peers, reply.status.n_peers, LIMIT_MEMBERS,
		&table_peer),
	ROW_U64(MAY, 14, reply_wire, reply.status.strangers),
	ROW_U64(MAY, 15, reply_wire, reply.status.wal_bytes),
	ROW_BOOL(16, reply_wire, reply.status.provisional),
	ROW_U32(MAY, 17, reply_wire, reply.status.roster_version),
	ROW_WORDS(18, reply_wire, reply.status.roster_conflict, ERR_TEXT_MAX),
	ROW_U32(MAY, 19, reply_wire, reply.status.roster_not_after),
	ROW_U64(MAY, 20, reply_wire, reply.status.evidence),
	ROW_MESSAGES(MAY, 21, reply_wire, reply.status.rebuild, reply.status.n_rebuild, 2,
		&table_rebuild),
	ROW_MESSAGES(MAY, 22, reply_wire, reply.status.clones, reply.status.n_clones,
		CTL_CLONES_MAX, &table_clone),
	ROW_BOOL(23, reply_wire, reply.status.full),
	ROW_U32(MAY, 24, reply_wire, reply.status.vouched),
	ROW_U32(MAY, 25, reply_wire, reply.status.vouchers),
};
static const struct scan_table table_status = {.name = "Status", TABLE_ROWS(status_rows)};

static const struct scan_field posted_rows[] = {
	ROW_STRING(MUST, 1, ctl_posted, origin, ORIGIN_BYTES),
	ROW_U64(MAY, 2, ctl_posted, index),
	ROW_BYTES(MAY, 3, ctl_posted, change_id, HASH_BYTES, HASH_BYTES),
};
static const struct scan_table table_posted = {
	.name = "Posted", TABLE_ROWS(posted_rows), .size = sizeof(struct ctl_posted)};
static const struct scan_field post_result_rows[] = {
	ROW_MESSAGES(MAY, 1, reply_wire, reply.post.posted, reply.post.n, LIMIT_POST_CHANGES,
		&table_posted),
};
static const struct scan_table table_post_result = {
	.name = "PostResult", TABLE_ROWS(post_result_rows)};

static const struct scan_field entry_rows[] = {
	ROW_STRING(MUST, 1, ctl_entry, origin, ORIGIN_BYTES),
	ROW_U64(MAY, 2, ctl_entry, index),
	ROW_BYTES(MAY, 3, ctl_entry, change_id, HASH_BYTES, HASH_BYTES),
	ROW_U32(MAY, 4, ctl_entry, verdict),
	ROW_U32(MAY, 5, ctl_entry, void_code),
	ROW_BOOL(6, ctl_entry, current),
	ROW_BYTES(MAY, 7, ctl_entry, leaf, 1, LIMIT_LEAF_BYTES),
	ROW_BOOL(8, ctl_entry, final),
	ROW_BOOL(9, ctl_entry, unaudited),
};
static const struct scan_table table_entry = {
	.name = "Entry", TABLE_ROWS(entry_rows), .size = sizeof(struct ctl_entry)};
static const struct scan_field entries_rows[] = {
	ROW_MESSAGES(MAY, 1, reply_wire, reply.entries.entries, reply.entries.n, CTL_ENTRIES_MAX,
		&table_entry),
};
static const struct scan_table table_entries = {.name = "Entries", TABLE_ROWS(entries_rows)};

static const struct scan_field operator_rows[] = {
	ROW_STRING(MUST, 1, ctl_operator, member, SLUG_BYTES),
	ROW_BYTES(MUST, 2, ctl_operator, key, 32, 32),
	ROW_STRING(MAY, 3, ctl_operator, name, LIMIT_TITLE_CHARS * 4),
	ROW_RANGES(
		SCAN_STRING, MAY, 4, ctl_operator, scope, n_scope, LIMIT_SCOPE, 1, TASK_KEY_BYTES),
	ROW_STRING(MAY, 5, ctl_operator, origin, ORIGIN_BYTES),
	ROW_U64(MAY, 6, ctl_operator, from),
	ROW_U64(MAY, 7, ctl_operator, below),
};
static const struct scan_table table_operator = {
	.name = "Operator", TABLE_ROWS(operator_rows), .size = sizeof(struct ctl_operator)};
static const struct scan_field operators_rows[] = {
	ROW_MESSAGES(MAY, 1, reply_wire, reply.operators.operators, reply.operators.n,
		CTL_OPERATORS_MAX, &table_operator),
};
static const struct scan_table table_operators = {.name = "Operators", TABLE_ROWS(operators_rows)};

static const struct scan_field event_rows[] = {
	ROW_U64(MAY, 1, reply_wire, reply.commit),
};
static const struct scan_table table_event = {.name = "Event", TABLE_ROWS(event_rows)};

static const struct scan_field proof_rows[] = {
	ROW_BYTES(MUST, 1, reply_wire, reply.proof.head, 1, LIMIT_SIGNED_NOTE_BYTES),
	ROW_BYTES(MAY, 2, reply_wire, reply.proof.path, HASH_BYTES, PROOF_PATH_BYTES),
	ROW_BYTES(MUST, 3, reply_wire, reply.proof.leaf, 1, LIMIT_LEAF_BYTES),
	ROW_BOOL(4, reply_wire, reply.proof.final),
};
static const struct scan_table table_proof = {.name = "Proof", TABLE_ROWS(proof_rows)};

static const struct scan_field piece_rows[] = {
	ROW_BYTES(MUST, 1, reply_wire, reply.piece, 1, CTL_PIECE_BYTES),
};
static const struct scan_table table_piece = {.name = "Piece", TABLE_ROWS(piece_rows)};

static const struct scan_field imported_log_rows[] = {
	ROW_STRING(MUST, 1, ctl_imported_log, origin, ORIGIN_BYTES),
	ROW_U64(MAY, 2, ctl_imported_log, before),
	ROW_U64(MAY, 3, ctl_imported_log, size),
};
static const struct scan_table table_imported_log = {.name = "ImportedLog",
	TABLE_ROWS(imported_log_rows),
	.size = sizeof(struct ctl_imported_log)};
static const struct scan_field imported_rows[] = {
	ROW_U64(MAY, 1, reply_wire, reply.imported.received),
	ROW_U64(MAY, 2, reply_wire, reply.imported.records),
	ROW_U64(MAY, 3, reply_wire, reply.imported.offset),
	ROW_U64(MAY, 4, reply_wire, reply.imported.leaves),
	ROW_BOOL(5, reply_wire, reply.imported.done),
	ROW_MESSAGES(MAY, 6, reply_wire, reply.imported.logs, reply.imported.n_logs, LIMIT_LOGS,
		&table_imported_log),
};
static const struct scan_table table_imported = {.name = "Imported", TABLE_ROWS(imported_rows)};

static const struct scan_field evidence_rows[] = {
	ROW_STRING(MUST, 1, reply_wire, reply.evidence.origin, ORIGIN_BYTES),
	ROW_BYTES(MUST, 2, reply_wire, reply.evidence.first, 1, LIMIT_SIGNED_NOTE_BYTES),
	ROW_BYTES(MUST, 3, reply_wire, reply.evidence.second, 1, LIMIT_SIGNED_NOTE_BYTES),
	ROW_BYTES(MAY, 4, reply_wire, reply.evidence.proof, 1, PROOF_PATH_BYTES),
	ROW_U64(MAY, 5, reply_wire, reply.evidence.total),
};
static const struct scan_table table_evidence = {.name = "ForkEvidence", TABLE_ROWS(evidence_rows)};
static const struct scan_field backup_made_rows[] = {
	ROW_STRING(MUST, 1, reply_wire, reply.backup.path, CTL_PATH_BYTES + 64),
	ROW_U64(MAY, 2, reply_wire, reply.backup.bytes),
	ROW_U64(MAY, 3, reply_wire, reply.backup.stall_ms),
};
static const struct scan_table table_backup_made = {
	.name = "BackupMade", TABLE_ROWS(backup_made_rows)};

static const struct scan_field roster_note_rows[] = {
	ROW_BYTES(MUST, 1, reply_wire, reply.roster.note, 1, LIMIT_SIGNED_NOTE_BYTES),
	ROW_BOOL(2, reply_wire, reply.roster.in_force),
};
static const struct scan_table table_roster_note = {
	.name = "RosterNote", TABLE_ROWS(roster_note_rows)};

static const struct scan_field reply_rows[] = {
	ROW_U32(MAY, 1, reply_wire, reply.id),
	ROW_BOOL(2, reply_wire, reply.more),
	ROW_STRING(MAY, 3, reply_wire, error, LIMIT_CODE_BYTES),
	ROW_WORDS(4, reply_wire, reply.text, ERR_TEXT_MAX),
	ROW_PART(CTL_REPLY_INFO, &table_info),
	ROW_PART(CTL_REPLY_STATUS, &table_status),
	ROW_PART(CTL_REPLY_POST, &table_post_result),
	ROW_PART(CTL_REPLY_ENTRIES, &table_entries),
	ROW_PART(CTL_REPLY_OPERATORS, &table_operators),
	ROW_PART(CTL_REPLY_EVENT, &table_event),
	ROW_PART(CTL_REPLY_PROOF, &table_proof),
	ROW_PART(CTL_REPLY_PIECE, &table_piece),
	ROW_PART(CTL_REPLY_IMPORTED, &table_imported),
	ROW_PART(CTL_REPLY_EVIDENCE, &table_evidence),
	ROW_PART(CTL_REPLY_ROSTER, &table_roster_note),
	ROW_PART(CTL_REPLY_BACKUP, &table_backup_made),
};
const struct scan_table table_reply = {
	.name = "Reply",
	TABLE_ROWS(reply_rows),
	.size = sizeof(struct reply_wire),
	.one_of = CTL_REPLY_INFO,
	.one_of_optional = true,
	.kind_at = offsetof(struct reply_wire, reply.kind),
	.pb = &deltad__ctl__reply__descriptor,
};
