/* What this node may cosign while it does not know all that it has cosigned. Floor 3. Source:
 * PROTOCOL 4.1. */
#ifndef DELTAD_CORE_SET_BACK_H
#define DELTAD_CORE_SET_BACK_H

#include "daemon/core/witness.h"

int set_back_load(struct replica *r, struct err *e) MUST_CHECK;
/* Another epoch is opened, for this reason: nobody has told us anything since. */
int set_back_begin(struct replica *r, enum open_reason why, struct err *e) MUST_CHECK;
/* We are shown a cosignature of ours that is not in our database: all are asked anew. */
int set_back_found(struct replica *r, struct err *e) MUST_CHECK;

/* A new session: what the peer says in it counts, and not before it has said all. */
void set_back_link_up(struct replica *r, int peer);
/* The peer holds the log up to this head. */
void set_back_named(
	const struct replica *r, int peer, struct log *log, const struct checkpoint *cp);
/* More of the log is here: is it what peers have named? */
int set_back_grew(struct replica *r, struct log *log, struct err *e) MUST_CHECK;
/* The peer has told us all that it knows; or a bundle came, by NO_PEER. */
void set_back_heard(struct replica *r, int peer, struct now now);

/* The largest size at which we may cosign the log. */
uint64_t set_back_reach(const struct replica *r, const struct log *log);
/* For people: how many have told us all that they know, and how many must before we may cosign
 * every log; both 0: we may. */
void set_back_progress(const struct replica *r, uint32_t *told, uint32_t *need);
/* Is it a matter of a moment? */
bool set_back_is_young(const struct replica *r);
struct mono_ms set_back_deadline(const struct replica *r);
/* Before the commit: is all told by now? It is noted with what is written next, for of itself it is
 * no reason to write: there may be no room. */
void set_back_look(struct replica *r, struct now now);
int set_back_commit(struct replica *r, struct err *e) MUST_CHECK;

#endif
