/* Results and errors: what went wrong, with a stable id, and a sentence for the person who must
 * act. Floor 0, libc only. */
#ifndef DELTAD_BASE_ERR_H
#define DELTAD_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* 0 or one of these negatives. Expected outcomes (not found in a look-up, duplicate, end) are
 * positive values or enums of the module concerned, never an rc. */
enum rc_index {
	RC_INDEX_NONE = 0,
#define RC(name, id, text) RC_INDEX_##name,
#include "proto/base/rc.def"
#undef RC
	RC_INDEX_END
};

enum rc {
	RC_OK = 0,
#define RC(name, id, text) RC_##name = -(int)RC_INDEX_##name,
#include "proto/base/rc.def"
#undef RC
};

/* The stable id ("E6006") and the general sentence of a code; "E1001" for a number that is none. */
const char *rc_id(int rc);
const char *rc_text(int rc);
/* The code with this id, 0 if there is none: how a client reads an id back from its node. */
int rc_from_id(const char *id);
/* deltactl's exit code for rc: 0 for RC_OK, 75 for RC_UNKNOWN_OUTCOME, else the id's first digit.
 */
int rc_exit(int rc);

#define ERR_TEXT_MAX 320

/* Filled once, at the place that knows; callers add context only by prefix. Zero-initialise. */
struct err {
	int rc;
	char text[ERR_TEXT_MAX]; /* what, why, what to do; lower case, no full stop, no id */
};

/* Fills *e (NULL allowed) and returns rc, so that `return err_set(e, RC_INPUT, "…")` reads well. */
int err_set(struct err *e, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Puts "context: " before the text and returns e's code. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Our own invariants, in every build; never for bytes from a peer, a file, a disk or a user. */
#define ENSURE(cond) ((cond) ? (void)0 : ensure_failed(#cond, __FILE__, __LINE__))
_Noreturn void ensure_failed(const char *cond, const char *file, int line);

#endif
