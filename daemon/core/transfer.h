/* Bundles: what a node holds as a sequence of messages for a file, and what comes in one taken by
 * the rules of the wire, all of it or nothing. Floor 3, pure. Source: PROTOCOL 10.
 *
 * Importing is two passes over the same records by the same rules: the first changes nothing and
 * finds the first fault; the second takes each record. What the wire brings between the two is
 * reckoned with. */
#ifndef DELTAD_CORE_TRANSFER_H
#define DELTAD_CORE_TRANSFER_H

#include "daemon/core/replica.h"

/* ---- out ---- */
struct transfer_export;

/* Leaves in our own log; those above the mark may not leave this node. */
uint64_t transfer_own_size(const struct replica *r);
/* Is the mark that far, or is it another log by now? */
bool transfer_is_marked(const struct replica *r, uint64_t own_size);

/* Is everything here audited, and cosigned where that is due? Then a receipt says all it can. */
bool transfer_is_witnessed(const struct replica *r);

/* Fixes what will be in it: what is held now and may leave this node. RC_NO_ROSTER; RC_NOT_FOUND:
 * no such member; RC_INPUT: `what` is none, or the member is this node's own. Call between groups.
 */
int transfer_export_new(struct replica *r, const struct ctl_export *what,
	struct transfer_export **out, struct err *e) MUST_CHECK;
/* The next record, borrowed until the next call on the replica; STORE_NONE: that was all. Call
 * between groups. Store errors: give up. */
int transfer_export_next(struct replica *r, struct transfer_export *x, struct message *out,
	struct err *e) MUST_CHECK;
void transfer_export_free(struct transfer_export *x); /* NULL is fine */

/* ---- in ---- */
struct transfer_import;

/* NULL and RC_NO_ROSTER if there is none. */
int transfer_import_new(struct replica *r, struct transfer_import **out, struct err *e) MUST_CHECK;
void transfer_import_free(struct transfer_import *t); /* NULL is fine */

/* Not done with this record: call again with the same, and let others do something before. */
#define TRANSFER_AGAIN 2

/* First pass: the next record, in or between groups. RC_OK, TRANSFER_AGAIN, or why the bundle is
 * refused: RC_BUNDLE (form), RC_PEER_* (as on the wire), RC_REFUSED_GAP. Store errors. */
int transfer_import_check(struct replica *r, struct transfer_import *t, const struct message *m,
	struct err *e) MUST_CHECK;
/* How far it has come: leaves read, and the logs that they are of, with the size here before and
 * the size that the bundle gives them. The rest is the caller's to fill. Borrowed from t. */
void transfer_import_summary(struct transfer_import *t, struct ctl_imported *out);
/* Between the passes. */
void transfer_import_rewind(struct replica *r, struct transfer_import *t);
/* Must the leaves of this record be examined first? Those that are here need not. */
bool transfer_import_wants(const struct replica *r, const struct message *m);
/* Second pass, in a group: leaves come examined as in replica_recv, if they must be. An error other
 * than the store's: what is here changed since the first pass, and this record no longer fits;
 * those before it are taken and good. */
int transfer_import_apply(struct replica *r, struct transfer_import *t, const struct message *m,
	const struct batch *b, struct now now, struct err *e) MUST_CHECK;
/* After the last record, in a group. *out as by transfer_import_summary, with the sizes that the
 * logs have now. */
int transfer_import_end(struct replica *r, struct transfer_import *t, struct ctl_imported *out,
	struct err *e) MUST_CHECK;

#endif
