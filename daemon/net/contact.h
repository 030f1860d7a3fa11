/* When one member is called: the dial and its waits, and the pulse of the session beside which
 * another may be tried. What a connection is, and which one it is, is the caller's. Floor 5, pure.
 * Source: PROTOCOL 7.4. */
#ifndef DELTAD_NET_CONTACT_H
#define DELTAD_NET_CONTACT_H

#include "daemon/core/dial.h"
#include "daemon/net/pulse.h"

struct contact {
	struct dial dial;
	struct pulse pulse; /* of the session */
};

/* What there is with this member now. */
struct contact_line {
	bool address; /* by which it can be called */
	bool session, dialling;
	uint64_t written; /* bytes, to the session */
};

void contact_init(struct contact *c, struct mono_ms now, struct chance chance);
/* A session begins. */
void contact_up(struct contact *c, struct mono_ms now);
/* It has ended, and there is no other. */
void contact_down(struct contact *c, struct mono_ms now, struct chance chance);
/* A dial came to nothing. True if that matters: there is no session that is well. */
bool contact_failed(struct contact *c, bool has_session, bool answered, struct mono_ms now,
	struct chance chance);

/* Dial now. */
bool contact_is_due(const struct contact *c, const struct contact_line *l, struct mono_ms now);
/* When to ask again whether the pulse is to be felt or a dial is due. */
struct mono_ms contact_deadline(const struct contact *c, const struct contact_line *l);

bool contact_feels(const struct contact *c, const struct contact_line *l, struct mono_ms now);
/* Then: a session that may only be waiting for its line stays; another is tried beside it, and if
 * that comes through it replaces this one. */
void contact_feel(struct contact *c, const struct contact_line *l, const struct pulse_line *kernel,
	struct mono_ms now, struct chance chance);

#endif
