/* Signed bodies whose outcome is not known: kept in a small file until the node has answered, so
 * that the same command run again posts the same bytes with the same nonce. Source: PROTOCOL 9. */
#ifndef DELTAD_CLIENT_PENDING_H
#define DELTAD_CLIENT_PENDING_H

#include "proto/model/change.h"

struct pending {
	char *path;
};

/* The file of this command: under $XDG_STATE_HOME/deltactl or ~/.local/state/deltactl, named by
 * `what` (a hash of everything that makes the command the same). RC_SETUP: no place to keep it. */
int pending_init(struct pending *p, const struct hash *what, struct err *e) MUST_CHECK;
void pending_release(struct pending *p);

#define PENDING_NONE 1
/* Appends what was kept: kind (0 = changes, else the log event's) and bodies that point into
 * *memory; caller frees *bodies. PENDING_NONE if there is nothing; RC_INPUT: the file is damaged.
 */
int pending_load(const struct pending *p, struct buf *memory, uint32_t *kind,
	struct signed_body **bodies, size_t *n, struct err *e) MUST_CHECK;
/* Before sending. */
int pending_keep(const struct pending *p, uint32_t kind, const struct signed_body *bodies, size_t n,
	struct err *e) MUST_CHECK;
/* After an answer. */
void pending_forget(const struct pending *p);

#endif
