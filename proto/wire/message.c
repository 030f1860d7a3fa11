#include "proto/wire/message.h"

#include "deltad.pb-c.h"

#include "proto/wire/fields.h"
#include "proto/wire/rows.h"
#include "proto/wire/tables.h"

#define ORIGIN_BYTES (ORIGIN_SIZE - 1)
#define PROOF_HASHES 64 /* LIMIT_LOG_SIZE needs 41 */

/* Lax: a newer peer may say more about itself than we understand. */
static const struct scan_field hello_rows[] = {
	ROW_U32(MUST, 1, message, hello.protocol_min),
	ROW_U32(MUST, 2, message, hello.protocol_max),
	ROW_BYTES(MUST, 3, message, hello.cluster_id, HASH_BYTES, HASH_BYTES),
	ROW_STRING(MUST, 4, message, hello.member, SLUG_SIZE - 1),
	ROW_STRING(MAY, 5, message, hello.software, LIMIT_SOFTWARE_BYTES),
	ROW_U32(MAY, 6, message, hello.roster_version),
	ROW_RANGES(SCAN_BYTES, MAY, 7, message, hello.heads, hello.n_heads, LIMIT_HELLO_HEADS, 1,
		LIMIT_SIGNED_NOTE_BYTES),
	ROW_BYTES(MAY, 8, message, hello.roster_id, HASH_BYTES, HASH_BYTES),
};
static const struct scan_table table_hello = {.name = "Hello", TABLE_ROWS(hello_rows), .lax = true};

static const struct scan_field roster_rows[] = {
	ROW_BYTES(MUST, 1, message, note, 1, LIMIT_SIGNED_NOTE_BYTES),
};
static const struct scan_table table_roster = {.name = "Roster", TABLE_ROWS(roster_rows)};
static const struct scan_table table_head = {.name = "Head", TABLE_ROWS(roster_rows)};
static const struct scan_table table_cosignature = {.name = "Cosignature", TABLE_ROWS(roster_rows)};

static const struct scan_field want_rows[] = {
	ROW_STRING(MUST, 1, message, want.origin, ORIGIN_BYTES),
	ROW_U64(MAY, 2, message, want.from),
	ROW_U64(MUST, 3, message, want.to),
};
static const struct scan_table table_want = {.name = "Want", TABLE_ROWS(want_rows)};

static const struct scan_field leaves_rows[] = {
	ROW_STRING(MUST, 1, message, leaves.origin, ORIGIN_BYTES),
	ROW_U64(MAY, 2, message, leaves.first),
	ROW_RANGES(SCAN_BYTES, MUST, 3, message, leaves.leaves, leaves.n, LIMIT_BATCH_LEAVES, 1,
		LIMIT_LEAF_BYTES),
	ROW_BYTES(MUST, 4, message, leaves.head, 1, LIMIT_SIGNED_NOTE_BYTES),
};
static const struct scan_table table_leaves = {.name = "Leaves", TABLE_ROWS(leaves_rows)};

static const struct scan_field evidence_rows[] = {
	ROW_BYTES(MUST, 1, message, evidence.first, 1, LIMIT_SIGNED_NOTE_BYTES),
	ROW_BYTES(MUST, 2, message, evidence.second, 1, LIMIT_SIGNED_NOTE_BYTES),
	ROW_RANGES(SCAN_BYTES, MAY, 3, message, evidence.proof, evidence.n_proof, PROOF_HASHES,
		HASH_BYTES, HASH_BYTES),
};
static const struct scan_table table_evidence = {.name = "Evidence", TABLE_ROWS(evidence_rows)};

static const struct scan_field log_size_rows[] = {
	ROW_STRING(MUST, 1, log_size, origin, ORIGIN_BYTES),
	ROW_U64(MAY, 2, log_size, size),
};
static const struct scan_table table_log_size = {
	.name = "LogSize", TABLE_ROWS(log_size_rows), .size = sizeof(struct log_size)};
static const struct scan_field digest_rows[] = {
	ROW_U32(MAY, 1, message, digest.rules_version),
	ROW_MESSAGES(MAY, 2, message, digest.sizes, digest.n, LIMIT_LOGS, &table_log_size),
	ROW_BYTES(MUST, 3, message, digest.view_root, HASH_BYTES, HASH_BYTES),
};
static const struct scan_table table_digest = {.name = "ViewDigest", TABLE_ROWS(digest_rows)};

static const struct scan_field token_rows[] = {
	ROW_U64(MAY, 1, message, token),
};
static const struct scan_table table_ping = {.name = "Ping", TABLE_ROWS(token_rows)};
static const struct scan_table table_pong = {.name = "Pong", TABLE_ROWS(token_rows)};

static const struct scan_field bye_rows[] = {
	ROW_STRING(MAY, 1, message, bye.code, LIMIT_CODE_BYTES),
	ROW_WORDS(2, message, bye.text, ERR_TEXT_MAX),
};
static const struct scan_table table_bye = {.name = "Bye", TABLE_ROWS(bye_rows)};

static const struct scan_field envelope_rows[] = {
	ROW_PART(MESSAGE_HELLO, &table_hello),
	ROW_PART(MESSAGE_ROSTER, &table_roster),
	ROW_PART(MESSAGE_HEAD, &table_head),
	ROW_PART(MESSAGE_WANT, &table_want),
	ROW_PART(MESSAGE_LEAVES, &table_leaves),
	ROW_PART(MESSAGE_COSIGNATURE, &table_cosignature),
	ROW_PART(MESSAGE_EVIDENCE, &table_evidence),
	ROW_PART(MESSAGE_VIEW_DIGEST, &table_digest),
	ROW_PART(MESSAGE_PING, &table_ping),
	ROW_PART(MESSAGE_PONG, &table_pong),
	ROW_PART(MESSAGE_BYE, &table_bye),
};
const struct scan_table table_envelope = {
	.name = "Envelope",
	TABLE_ROWS(envelope_rows),
	.size = sizeof(struct message),
	.lax = true,
	.one_of = MESSAGE_HELLO,
	.kind_at = offsetof(struct message, kind),
	.pb = &deltad__envelope__descriptor,
};

const char *message_kind_name(enum message_kind k)
{
	switch (k) {
	case MESSAGE_UNKNOWN: break;
	case MESSAGE_HELLO: return "hello";
	case MESSAGE_ROSTER: return "roster";
	case MESSAGE_HEAD: return "head";
	case MESSAGE_WANT: return "want";
	case MESSAGE_LEAVES: return "leaves";
	case MESSAGE_COSIGNATURE: return "cosignature";
	case MESSAGE_EVIDENCE: return "evidence";
	case MESSAGE_VIEW_DIGEST: return "view-digest";
	case MESSAGE_PING: return "ping";
	case MESSAGE_PONG: return "pong";
	case MESSAGE_BYE: return "bye";
	}
	return "unknown";
}

static size_t batch_bytes(const struct message *m)
{
	size_t n = 0;
	for (size_t i = 0; m->kind == MESSAGE_LEAVES && i < m->leaves.n; i++)
		n += m->leaves.leaves[i].n;
	return n;
}

int message_decode(struct bytes in, struct arena *a, struct message *out, struct err *e)
{
	if (in.n > LIMIT_ENVELOPE_BYTES)
		return err_set(e, RC_TOO_BIG, "Envelope: %zu bytes, over its limit of %d", in.n,
			LIMIT_ENVELOPE_BYTES);
	int rc = fields_decode(&table_envelope, in, a, out, e);
	if (rc)
		return rc;
	if (batch_bytes(out) > LIMIT_BATCH_BYTES)
		return err_set(e, RC_TOO_BIG, "Leaves: %zu bytes, over the limit of %d",
			batch_bytes(out), LIMIT_BATCH_BYTES);
	return RC_OK;
}

void message_encode(const struct message *m, struct buf *out)
{
	ENSURE(m->kind != MESSAGE_UNKNOWN);
	ENSURE(batch_bytes(m) <= LIMIT_BATCH_BYTES);
	struct err e = {0};
	int rc = fields_encode(&table_envelope, m, LIMIT_ENVELOPE_BYTES, MESSAGE_ARENA, out, &e);
	if (rc)
		ensure_failed(e.text, __FILE__, __LINE__);
}
