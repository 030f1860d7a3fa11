/* An audit: everything that follows from the leaves, derived here and not by the node: signatures,
 * roots, cosignatures, verdicts, the view and its root. Only the table of verdicts and the
 *operators' rule are the node's too (proto/model/verdict.h, proto/trust/operators.h). Source:
 *PROTOCOL 3 to 6, 13.3.
 *
 *	audit_take          each record of a bundle that holds everything
 *	audit_read_leaves   what each leaf says
 *	audit_since         which leaves another audit has looked at before
 *	audit_check_bodies  whether the signatures of people hold
 *	audit_check_logs    every word on a log's root held to the leaves; what is final
 *	audit_check_anchors what was said of the view then, by what follows now from the leaves of
 *then audit_derive        verdicts and the view, of all leaves or of the first so many of each log
 */
#ifndef DELTAD_CLIENT_AUDIT_H
#define DELTAD_CLIENT_AUDIT_H

#include "client/pool.h"
#include "proto/model/verdict.h"
#include "proto/trust/cosign.h"
#include "proto/trust/merkle.h"
#include "proto/trust/operators.h"
#include "proto/trust/roster.h"
#include "proto/wire/message.h"

/* The numbers are of this program; the ids that are shown (A101) are stable for ever. */
enum audit_id {
	AUDIT_ROSTER,
	AUDIT_NOBODY,
	AUDIT_HEAD,
	AUDIT_ROOT,
	AUDIT_MISSING,
	AUDIT_PREVIOUS,
	AUDIT_RETIRED,
	AUDIT_COSIGNATURE,
	AUDIT_COSIGNED_OTHER,
	AUDIT_FORK,
	AUDIT_EVIDENCE,
	AUDIT_SIGNATURE,
	AUDIT_BROKEN,
	AUDIT_VOID,
	AUDIT_PENDING,
	AUDIT_UNKNOWN,
	AUDIT_VERDICT,
	AUDIT_CURRENT,
	AUDIT_VIEW,
	AUDIT_MOVED,
	AUDIT_ANCHOR_HEAD,
	AUDIT_ANCHOR_VIEW,
	AUDIT_ANCHOR_SKIPPED,
};
const char *audit_id_name(enum audit_id id);
const char *audit_id_text(enum audit_id id);
/* Those that fail make the audit fail; the others can come about honestly. */
bool audit_id_fails(enum audit_id id);

/* What a file by whoever has no key can make an audit keep. */
#define AUDIT_FINDINGS_MAX 65536
#define AUDIT_DOUBTFUL_MAX 4096 /* leaves of one log */

struct audit_finding {
	enum audit_id id;
	struct bytes origin; /* empty: of no log */
	uint64_t index;	     /* a leaf, or the size of a head */
	char text[120];
};

struct audit_leaf {
	struct bytes raw;
	struct hash id; /* of the signed body */
	uint64_t index, hlc;
	struct audit_log *log;
	enum leaf_kind kind;
	bool gate_ok, known, body_ok, signature_ok, order_ok;
	bool own; /* names the member in whose log it stands */
	struct signed_body body;
	/* of a change that can be read */
	struct bytes task, holder, under;
	uint32_t slot;
	struct hash *supersedes;
	size_t n_supersedes;
	/* derived */
	enum verdict verdict;
	enum void_code code;
	bool decided, repeat, retired, current;
};

/* Somebody's word on a log's root at a size. */
struct audit_claim {
	enum audit_id says; /* what it is if the leaves say otherwise */
	struct audit_log *log;
	uint64_t size, at; /* at: where the word stands, for the finding */
	struct hash root;
	char by[SLUG_SIZE];
};

struct audit_log {
	struct origin origin;
	int member; /* in the roster; -1: nobody's */
	struct audit_leaf *leaf;
	size_t n, cap;
	uint64_t cut;	/* leaves below are not checked again (--since) */
	uint64_t limit; /* leaves that the derivation looks at */
	struct bytes previous;
	uint64_t previous_size;
	uint64_t final; /* leaves below it are final */
	bool given_up;	/* too many leaves under no valid head */
	uint64_t claimed;
};

/* What a member said of everything it held at a time. */
struct audit_anchor {
	const struct audit_leaf *leaf;
	struct hash view_root;
	uint32_t rules;
	bool here;		   /* every log that it names is */
	uint64_t size[LIMIT_LOGS]; /* by the logs' places in the audit */
};

struct audit {
	struct hash cluster_id;
	bool has_cluster; /* known before, and not taken from the bundle */
	struct pool pool;
	struct roster *roster; /* every version, the newest last */
	size_t n_rosters;
	struct buf exporter;
	struct audit_log *log[LIMIT_LOGS];
	size_t n_logs;
	struct audit_claim *claim;
	size_t n_claims, cap_claims;
	struct audit_finding *finding;
	size_t n_findings, cap_findings;
	uint64_t n_more; /* findings beyond AUDIT_FINDINGS_MAX, which are counted only */
	struct audit_anchor *anchor; /* by time */
	size_t n_anchors;
	const struct audit_anchor *since; /* NULL: everything is checked */
	uint64_t signatures, heads, cosignatures;
	bool forked, failed;

	struct operators operators;
	struct audit_leaf **filed; /* the changes that stand in registers, by id */
	size_t n_filed;
	struct hash view_root;
	size_t n_current;
};

void audit_init(struct audit *a, const struct hash *cluster_id);
void audit_release(struct audit *a);
const struct roster *audit_roster(const struct audit *a);
void audit_find(struct audit *a, enum audit_id id, struct bytes origin, uint64_t index,
	const char *fmt, ...) PRINTF_LIKE(5, 6);
/* NULL if there is none. */
struct audit_log *audit_log_find(const struct audit *a, struct bytes origin);
void audit_claim(struct audit *a, const struct audit_claim *c);

/* Keeps what is needed of a record. RC_INPUT: no bundle that begins every log at 0, or no roster in
 * front. RC_VERIFY: the roster is of another cluster. What is wrong with a record itself is a
 * finding. */
int audit_take(struct audit *a, const struct message *m, struct err *e) MUST_CHECK;
void audit_read_leaves(struct audit *a);
/* Signatures of changes are not checked again below the heads of the newest anchor that the
 * exporting member made before this time (milliseconds since 1970); its place, or NULL if there is
 * none. */
const struct audit_anchor *audit_since(struct audit *a, int64_t wall_ms);
void audit_check_bodies(struct audit *a);
/* Holds every claim to the leaves, and says how far each log is final. */
void audit_check_logs(struct audit *a);
/* Verdicts of the leaves below each log's limit, and the view that follows from them, by a version
 * of the roster. */
void audit_derive(struct audit *a, const struct roster *r);
/* Derives the view of each anchor, at most of the AUDIT_ANCHORS_MAX newest; before audit_derive. */
#define AUDIT_ANCHORS_MAX 64
void audit_check_anchors(struct audit *a);
/* What the derived verdicts say of the logs' owners. */
void audit_judge_owners(struct audit *a);

/* ---- between the files of an audit ---- */
/* Keeps an anchor, and claims its heads. */
void audit_take_anchor(struct audit *a, const struct audit_leaf *x);
/* The newest last. */
void audit_sort_anchors(struct audit *a);
/* Decodes a leaf into the arena again; only of one that did decode. */
void audit_decode(const struct audit_leaf *x, struct arena *a, struct leaf *leaf,
	struct change *change, struct value *value, bool *has_value);
/* Sets verdicts of changes. */
void audit_judge(struct audit *a, const struct roster *r);

#endif
