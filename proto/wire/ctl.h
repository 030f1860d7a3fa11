/* Requests of deltactl to its node and the answers, decoded. Floor 2. Source: PROTOCOL 9;
 * schema/ctl.proto says what each field means. */
#ifndef DELTAD_WIRE_CTL_H
#define DELTAD_WIRE_CTL_H

#include "proto/base/limits.h"
#include "proto/model/change.h"
#include "proto/wire/message.h"

enum ctl_kind {
	CTL_INFO = 2, /* the numbers are the protobuf field numbers of Request */
	CTL_STATUS = 3,
	CTL_POST = 4,
	CTL_POST_EVENT = 5,
	CTL_QUERY = 6,
	CTL_OPERATORS = 7,
	CTL_FINDINGS = 8,
	CTL_INSTALL_ROSTER = 9,
	CTL_SUBSCRIBE = 10,
	CTL_PROOF = 11,
	CTL_EXPORT_BUNDLE = 12,
	CTL_IMPORT_BUNDLE = 13,
	CTL_ANCHOR = 14,
	CTL_BACKUP = 15,
	CTL_EVIDENCE = 16,
	CTL_ROSTERS = 17,
};

struct ctl_query {
	bool any_task, any_holder, history, conflicts;
	struct bytes task, holder;
	uint32_t slot;
};

enum ctl_rebuild_order { REBUILD_NO = 0, REBUILD_FROM_PEERS = 1, REBUILD_ALONE = 2 };

enum ctl_export_what { EXPORT_ALL = 1, EXPORT_SINCE = 2, EXPORT_FOR = 3, EXPORT_RECEIPT = 4 };

struct ctl_export {
	uint32_t what; /* enum ctl_export_what */
	struct log_size *since;
	size_t n_since;
	struct bytes member;
};

struct ctl_import {
	bool check;
	uint64_t size;
	struct bytes piece;
};

struct ctl_ask_proof {
	struct bytes origin;
	uint64_t index;
};

struct ctl_request {
	uint32_t id;
	enum ctl_kind kind;
	struct signed_body *changes; /* CTL_POST */
	size_t n_changes;
	enum leaf_kind event_kind; /* CTL_POST_EVENT: LEAF_DELEGATE or LEAF_REVOKE */
	struct signed_body event;
	struct ctl_query query; /* CTL_QUERY */
	struct bytes note;	/* CTL_INSTALL_ROSTER */
	struct bytes *later;	/* the versions after it */
	size_t n_later;
	struct ctl_ask_proof proof;
	struct ctl_export export;
	struct ctl_import import;
	uint32_t evidence_at; /* CTL_EVIDENCE: which piece */
	uint32_t rebuild;     /* CTL_INSTALL_ROSTER: enum ctl_rebuild_order */
	struct bytes folder;  /* CTL_BACKUP */
};

enum ctl_agree { AGREE_UNKNOWN = 0, AGREE_YES = 1, AGREE_NO = 2, AGREE_DIFFERENT_LOGS = 3 };

struct ctl_cosigned {
	struct bytes member;
	uint64_t size;
};

struct ctl_log {
	struct bytes origin, member, root;
	uint32_t epoch;
	uint64_t size, seen_size, findings, audited, final_size, retired_at;
	struct ctl_cosigned *cosigned; /* by the roster's order; who cosigned nothing is left out */
	size_t n_cosigned;
	int64_t seen_ms;
	bool forked, retired;
};

struct ctl_peer {
	struct bytes member, address, view_root, last_error, differs_at, software;
	bool connected;
	uint64_t behind, ahead, refused, bytes_in, bytes_out;
	int64_t sync_ms;
	uint32_t agree; /* enum ctl_agree */
};

/* Signs that two machines write as one member; the numbers stand on the wire. */
enum clone_kind {
	CLONE_NONE = 0,
	CLONE_SAME_NUMBER = 1, /* two logs of one epoch number */
	CLONE_OLD_GOES_ON = 2, /* the first grew after the second was opened */
	CLONE_NOT_MINE = 3,    /* on the member's node: the second, newer, was not opened there */
};

struct ctl_clone {
	struct bytes member, first, second; /* origins */
	uint32_t kind;			    /* enum clone_kind */
};

/* A node that waits for its own log. */
struct ctl_rebuild {
	bool restored;
	uint32_t heard; /* peers connected */
	uint64_t own_here, own_known, all_here, all_known;
};

struct ctl_status {
	struct bytes member, state, state_text, view_root, roster_conflict;
	uint32_t roster_version, roster_not_after;
	int64_t started_ms, now_ms;
	bool provisional;
	bool full;		    /* this member can have no further log, and needs one */
	uint32_t vouched, vouchers; /* who has told, and must tell, what this node cosigned */
	uint32_t rules_version;
	uint64_t entries, conflicts, pending, unknown, strangers, wal_bytes, evidence;
	struct ctl_log *logs;
	size_t n_logs;
	struct ctl_peer *peers;
	size_t n_peers;
	struct ctl_rebuild *rebuild;
	size_t n_rebuild; /* 1 while the node waits for its own log, else 0 */
	struct ctl_clone *clones;
	size_t n_clones;
};

struct ctl_posted {
	struct bytes origin, change_id;
	uint64_t index;
};

struct ctl_entry {
	struct bytes origin, change_id, leaf;
	uint64_t index;
	uint32_t verdict, void_code;
	bool current, unaudited, final;
};

struct ctl_operator {
	struct bytes member, key, name, origin;
	struct bytes *scope;
	size_t n_scope;
	uint64_t from, below;
};

struct ctl_imported_log {
	struct bytes origin;
	uint64_t before, size;
};

struct ctl_imported {
	uint64_t received, records, offset, leaves;
	bool done;
	struct ctl_imported_log *logs;
	size_t n_logs;
};

struct ctl_proof {
	struct bytes head;
	struct bytes path; /* 32 bytes each, from the leaf's sibling up */
	struct bytes leaf;
	bool final;
};

struct ctl_evidence {
	struct bytes origin, first, second, proof;
	uint64_t total;
};

enum ctl_reply_kind {
	CTL_REPLY_NONE = 0, /* the numbers are the protobuf field numbers of Reply */
	CTL_REPLY_INFO = 5,
	CTL_REPLY_STATUS = 6,
	CTL_REPLY_POST = 7,
	CTL_REPLY_ENTRIES = 8,
	CTL_REPLY_OPERATORS = 9,
	CTL_REPLY_EVENT = 10,
	CTL_REPLY_PROOF = 11,
	CTL_REPLY_PIECE = 12,
	CTL_REPLY_IMPORTED = 13,
	CTL_REPLY_EVIDENCE = 14,
	CTL_REPLY_BACKUP = 16,
	CTL_REPLY_ROSTER = 15,
};

struct ctl_reply {
	uint32_t id;
	bool more;
	int rc; /* RC_OK or what `error` names */
	struct bytes text;
	enum ctl_reply_kind kind;
	union {
		struct {
			struct bytes member, software, roster, state;
		} info;
		struct ctl_status status;
		struct {
			struct ctl_posted *posted;
			size_t n;
		} post;
		struct {
			struct ctl_entry *entries;
			size_t n;
		} entries;
		struct {
			struct ctl_operator *operators;
			size_t n;
		} operators;
		uint64_t commit;	/* EVENT */
		struct ctl_proof proof; /* PROOF */
		struct bytes piece;	/* PIECE */
		struct ctl_imported imported;
		struct ctl_evidence evidence;
		struct {
			struct bytes path;
			uint64_t bytes, stall_ms;
		} backup;
		struct {
			struct bytes note;
			bool in_force;
		} roster;
	};
};

/* In one frame; more of them come as several frames. */
#define CTL_ENTRIES_MAX 4096
#define CTL_OPERATORS_MAX 512
#define CTL_PIECE_BYTES (512 * 1024) /* of a bundle */
#define CTL_CLONES_MAX 64
#define CTL_PATH_BYTES 512 /* of a folder that is named to a node */

/* Versions in one request to install. */
#define CTL_ROSTERS_MAX 64

/* Enough for any request, and for any reply, within its limit. */
#define CTL_ARENA (512 * 1024)

/* Bodies without the u32be length. RC_PEER_MESSAGE, RC_TOO_BIG. Ranges point into `in` or the
 * arena. */
int ctl_request_decode(
	struct bytes in, struct arena *a, struct ctl_request *out, struct err *e) MUST_CHECK;
int ctl_reply_decode(
	struct bytes in, struct arena *a, struct ctl_reply *out, struct err *e) MUST_CHECK;
/* Append length and body. RC_TOO_BIG over LIMIT_CTL_REQUEST_BYTES / LIMIT_CTL_REPLY_BYTES, the
 * counts above, or what CTL_ARENA holds when decoded: send it as several frames. RC_INPUT: a field
 * the other side would refuse. `text`, `state_text` and `last_error` may hold anything: they are
 * cut and cleaned. *out is unchanged on failure. */
int ctl_request_encode(const struct ctl_request *r, struct buf *out, struct err *e) MUST_CHECK;
int ctl_reply_encode(const struct ctl_reply *r, struct buf *out, struct err *e) MUST_CHECK;

#endif
