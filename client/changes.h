/* From a value to a posted change: check by the rules every node applies, build, sign, keep what is
 * being sent, post, and know how it ended. Source: PROTOCOL 2, 6, 9. */
#ifndef DELTAD_CLIENT_CHANGES_H
#define DELTAD_CLIENT_CHANGES_H

#include "client/command.h"
#include "client/pending.h"
#include "client/view.h"

/* One write to one register, before it is signed. */
struct draft {
	struct bytes task, holder, reason;
	struct value value;		      /* its slot is the register's */
	const struct cell_register *replaces; /* as just read from the node; NULL: nothing there */
	const struct entry *under;	      /* the change it acts under; NULL: none */
	uint8_t nonce[NONCE_BYTES];	      /* draft_init fills it */
};

/* Fresh from the system. */
void nonce_make(uint8_t nonce[NONCE_BYTES]);
/* All zero but a fresh nonce. */
void draft_init(struct draft *d);

struct posted_change {
	char origin[ORIGIN_SIZE];
	uint64_t index;
	struct hash id;
};

/* A command that posts: its node, its key, what it has signed so far. */
struct changes {
	struct node node;
	struct key key; /* an operator's, or a member's root for log events */
	struct operator_list operators;
	struct pending pending;
	bool is_known; /* how what is kept there ended; it may go once that was said */
	bool is_left;  /* by an earlier run, of which nobody knows whether it posted it */
	struct pool pool;
	uint32_t kind; /* 0: changes; else LEAF_DELEGATE or LEAF_REVOKE */
	struct signed_body body[LIMIT_POST_CHANGES];
	struct hash id[LIMIT_POST_CHANGES]; /* of each body */
	size_t n, bytes;
	struct posted_change *posted; /* all that were answered with OK */
	size_t n_posted;
};

/* Opens the node and loads the key: the operator's, or for kind LEAF_DELEGATE / LEAF_REVOKE the one
 * named by --root. Release with changes_end in any case; c is large: heap or static. */
int changes_begin(struct changes *c, uint32_t kind, const struct args *a, struct err *e) MUST_CHECK;
void changes_end(struct changes *c);

#define CHANGES_RESUMED 1
/* Posts what an earlier run of the same command left with an unknown outcome. 0: there was nothing;
 * CHANGES_RESUMED: it is posted now (c->posted). Errors as changes_post. */
int changes_resume(struct changes *c, struct err *e) MUST_CHECK;

/* Would every node accept it? RC_REFUSED_VALUE, RC_REFUSED_WRITER, RC_REFUSED_FALL,
 * RC_REFUSED_WITHDRAWN, RC_NOT_OPERATOR, RC_OUT_OF_SCOPE with what to do. */
int changes_check(const struct changes *c, const struct draft *d, struct err *e) MUST_CHECK;
/* changes_check, encode, sign, add to the request. */
int changes_add(struct changes *c, const struct draft *d, struct err *e) MUST_CHECK;
/* Adds a signed log event's body. */
int changes_add_event(struct changes *c, struct bytes body, struct err *e) MUST_CHECK;
/* Adds a body as it was signed before. */
void changes_add_signed(struct changes *c, const struct signed_body *s);
/* True if another change of this size does not fit into the same request: post first. */
bool changes_is_full(const struct changes *c);
/* Posts all that was added, and empties the request. RC_UNKNOWN_OUTCOME: sent, and no answer came:
 * the same command run again posts the same bytes. What the node refused is returned as it said. */
int changes_post(struct changes *c, struct err *e) MUST_CHECK;

/* The result as a sheet: what was posted where. */
void changes_report(const struct changes *c, const struct output *o);

/* ---- log events: what a member's root key signs, in words first ---- */

/* The newest delegation in force of this key by the node's member; NULL: it is no operator. */
const struct ctl_operator *changes_operator(const struct changes *c, struct bytes key);

/* "all tasks", or their keys; for free(). */
char *changes_scope_text(const struct bytes *scope, size_t n);

#define CHANGES_SAID 2
/* Signs and posts events, by changes_event; CHANGES_SAID: nothing was to be done, and that was
 * said. */
typedef int changes_events_fn(struct changes *c, struct app *app, void *arg, struct err *e);
/* The whole of such a command: begins, posts what an earlier run left open, else calls fn, reports
 * and ends. */
int changes_run(
	struct app *app, uint32_t kind, changes_events_fn *fn, void *arg, struct err *e) MUST_CHECK;
/* Signs one event's body and posts it; a dry run stops before it is sent. Errors as changes_post.
 */
int changes_event(
	struct changes *c, const struct app *app, struct bytes body, struct err *e) MUST_CHECK;

#endif
