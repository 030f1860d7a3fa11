/* What a leaf means once it is in its log: verdicts, events, supersession, the audit of signatures.
 * Private to daemon/core. Floor 3. Source: PROTOCOL 6, 7. */
#ifndef DELTAD_CORE_VERDICTS_H
#define DELTAD_CORE_VERDICTS_H

#include "daemon/core/state.h"

/* Kinds of references between changes, as they stand in the store. */
enum ref_kind {
	REF_SUPERSEDES = 1, /* fold.c: superseded by a change that came before it */
	REF_UNDER = 2,	    /* release.c: waited for */
	REF_REPEAT = 3,	    /* audit.c: stands again in a later leaf */
	REF_RELEASING = 4,  /* release.c: is here, and others are still to be decided */
};

/* ---- admit.c: verdicts and filing ---- */
/* A change as it was stored, into r->side. RC_CORRUPT if it does not decode: only what decoded is
 * ever filed. */
int stored_change_decode(
	struct replica *r, struct bytes raw, struct change *out, struct err *e) MUST_CHECK;
/* Stores the next leaf of a log, and what it means by itself. What follows for others is decided by
 * admit_settle, once for all leaves of a batch. */
int admit_leaf(
	struct replica *r, struct log *log, const struct examined *x, struct err *e) MUST_CHECK;
/* To be called after the last one, within the same input. */
int admit_settle(struct replica *r, struct err *e) MUST_CHECK;
/* The verdict a change would get as the next leaf of the own log; siblings are earlier changes of
 * the same request. */
int admit_judge(struct replica *r, const struct log *log, uint64_t index, bool index_ok,
	const struct examined *x, const struct draft *sibling, size_t n_siblings, enum verdict *v,
	enum void_code *code, struct err *e) MUST_CHECK;
/* Files what is not effective; counts what is void. */
int admit_finding(struct replica *r, struct log *log, uint64_t index, enum verdict v,
	enum void_code code, struct err *e) MUST_CHECK;
/* The verdict of this change is another one from now on. */
void admit_forget_under(struct replica *r, const struct hash *id);
/* At start: what an older program filed as unknown and this one knows is judged now. */
int admit_unknown_again(struct replica *r, struct err *e) MUST_CHECK;

/* A leaf that is no change. */
enum verdict admit_judge_event(struct replica *r, const struct log *log, uint64_t index,
	bool index_ok, const struct examined *x, enum void_code *code);
/* The leaf, whose change is filed at another leaf, may have to take its place: the one where it
 * stood is retired. */
int admit_repeat_again(struct replica *r, struct log *log, uint64_t index, const struct examined *x,
	struct err *e) MUST_CHECK;

/* ---- audit.c: signatures that were taken to be good ---- */
bool audit_covers(const struct log *log, uint64_t index);
/* The leaf repeats the change that stands at of_index of `of`, and takes its place should that turn
 * out bad. */
int audit_note_repeat(struct replica *r, int64_t reg, const struct hash *id, const struct log *of,
	uint64_t of_index, const struct log *log, uint64_t index, struct err *e) MUST_CHECK;
/* Before a change is shown: audited, or its signature is good. Uses r->side. */
bool audit_may_show(struct replica *r, uint32_t log, uint64_t index, struct bytes raw);
/* Voids what reading has found. */
int audit_tick(struct replica *r, struct err *e) MUST_CHECK;

/* ---- recheck.c: verdicts that change when more is known ---- */
/* The change of this leaf, if it is filed, gets its verdict again. */
int recheck_leaf(struct replica *r, struct examined *x);
void recheck_later(struct replica *r, int64_t reg, const struct hash *id);
/* The changes of a log in from..to-1, by this key or (empty) by any. */
void recheck_stretch(
	struct replica *r, struct log *log, uint64_t from, uint64_t to, struct bytes key);
/* What acts under this change. */
void recheck_under(struct replica *r, int64_t reg, const struct hash *id, const struct change *c);
/* The register is folded anew by recheck_all. */
void recheck_fold_later(struct replica *r, int64_t reg);
/* Decides all of these, and what follows from it; reads each log and folds each register once. */
int recheck_all(struct replica *r, struct err *e) MUST_CHECK;
void recheck_forget(struct replica *r);
void recheck_release(struct replica *r);

/* ---- release.c: changes that are pending until another one is here ---- */
/* A change of this verdict leaves nothing pending that acts under it. */
bool release_is_answer(enum verdict v, enum void_code code);
/* This pending change, of register reg, waits for the one it names. */
int release_wait(
	struct replica *r, int64_t reg, const struct examined *x, struct err *e) MUST_CHECK;
/* This change is an answer from now on: what waits for it is to be judged. */
int release_later(struct replica *r, int64_t reg, const struct hash *id, struct err *e) MUST_CHECK;
/* Judges as many of them as one step may; replica.releasing says that there are more, for the next
 * tick. */
int release_some(struct replica *r, struct err *e) MUST_CHECK;
int release_load(struct replica *r, struct err *e) MUST_CHECK;

/* ---- events.c: what Open, Delegate and Revoke mean ---- */
enum void_code event_judge(
	const struct replica *r, const struct log *log, uint64_t index, const struct examined *x);
int event_apply(struct replica *r, struct log *log, uint64_t index, const struct examined *x,
	struct err *e) MUST_CHECK;
/* Its effect alone: nothing is judged again. */
int event_take(struct replica *r, struct log *log, uint64_t index, const struct examined *x,
	struct err *e) MUST_CHECK;
int events_load(struct replica *r, struct err *e) MUST_CHECK;
/* Forgets the places of all events; they are taken anew. */
int events_clear(struct replica *r, struct err *e) MUST_CHECK;
bool event_is_operator(const struct replica *r, const struct log *log, uint64_t index,
	const uint8_t key[KEY_BYTES], struct bytes task, bool *in_scope);
/* Does its member's newest log build on this delegation, and no epoch after it revoke the key? */
bool event_reaches_newest(const struct replica *r, const struct operator_event *delegation);
/* Does the delegation or revocation of this body stand in our log already, and where? */
bool event_is_posted(const struct replica *r, const struct hash *body, struct posted *out);

/* ---- fold.c: supersession ---- */
int fold_add(struct replica *r, int64_t reg, const struct change *c, const struct hash *id,
	struct err *e) MUST_CHECK;
int fold_count_waiting(struct replica *r, int64_t reg, const struct hash *id, uint32_t *n,
	struct err *e) MUST_CHECK;
int fold_register(struct replica *r, int64_t reg, struct err *e) MUST_CHECK;

#endif
