/* Runs the audit of logs that came in bulk: one piece at a time on the thread pool, when nothing
 * that peers sent is being examined there. Floor 5. Source: PROTOCOL 7.5, daemon/core/replica.h. */
#ifndef DELTAD_NET_AUDITOR_H
#define DELTAD_NET_AUDITOR_H

#include "daemon/core/replica.h"
#include "daemon/net/verify.h"

struct shell;

/* All zero is one that does nothing yet. */
struct auditor {
	struct audit_piece piece;
	struct verify *verify; /* of the piece; NULL while none is under way */
	struct mono_ms not_before;
};

/* Between groups: starts the next piece if one is due and there is time for it. */
void auditor_go_on(struct shell *s);
/* Leaves came in bulk: there will be more at once, which go first. */
void auditor_put_off(struct shell *s);
/* MONO_NEVER while there is nothing to start. */
struct mono_ms auditor_deadline(const struct shell *s);
/* Only when no piece is under way. */
void auditor_release(struct auditor *a);

#endif
