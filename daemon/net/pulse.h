/* Does the line under a session still take what we send? TCP waits longer and longer before it
 * tries again; this says when it has begun to, so that somebody dials anew instead of waiting with
 * it. Floor 5. Source: PROTOCOL 7.4. */
#ifndef DELTAD_NET_PULSE_H
#define DELTAD_NET_PULSE_H

#include "proto/base/err.h"
#include "proto/base/units.h"

/* How often it is looked at while something is unacknowledged. */
#define PULSE_LOOK_MS 1000
/* So many times in a row TCP sent the same again and heard nothing: the next wait is sixteen times
 * the line's own round trip, or 3 seconds if that is short. */
#define PULSE_LOST_RETRIES 4

struct pulse {
	uint64_t settled; /* bytes written to the session when all was last seen acknowledged */
	struct mono_ms look_at;
	bool lost;
};

/* Of a session that begins now. */
void pulse_init(struct pulse *p, struct mono_ms now);
/* MONO_NEVER while nothing was written since all was acknowledged. */
struct mono_ms pulse_deadline(const struct pulse *p, uint64_t written);

/* What the kernel knows of a connection. */
struct pulse_line {
	bool unacknowledged; /* some of what it was given */
	unsigned retries;    /* in a row, unanswered */
};
/* RC_IO: this kernel does not say; then nothing is ever lost. */
int pulse_read(int fd, struct pulse_line *out, struct err *e) MUST_CHECK;
void pulse_look(
	struct pulse *p, uint64_t written, const struct pulse_line *line, struct mono_ms now);

#endif
