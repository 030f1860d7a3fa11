#include "daemon/net/tenure.h"

#include "proto/base/err.h"
#include "proto/base/mutant.h"

/* What may wait for a slow line, so that what is urgent comes soon after it. */
#define SLOW_ROOM_BYTES ((size_t)16 * 1024)
/* So much received is a sign of life. */
#define LIFE_BYTES ((uint64_t)1024)
/* How long a Bye may take to be written. */
#define LEAVING_MS 2000

static struct mono_ms after(struct mono_ms from, int64_t ms)
{
	return (struct mono_ms){from.v + ms};
}

void tenure_begin(struct tenure *t, bool opened_by_self, struct mono_ms now)
{
	*t = (struct tenure){.state = opened_by_self ? CONN_DIALLING : CONN_HANDSHAKE,
		.opened_by_self = opened_by_self,
		.opened = now,
		.since = now,
		.frame_since = MONO_NEVER};
}

static bool move_is_allowed(enum conn_state from, enum conn_state to)
{
	switch (from) {
	case CONN_DIALLING: return to == CONN_HANDSHAKE || to == CONN_CLOSED;
	case CONN_HANDSHAKE: return to == CONN_SESSION || to == CONN_CLOSED;
	case CONN_SESSION: return to == CONN_LEAVING || to == CONN_CLOSED;
	case CONN_LEAVING: return to == CONN_CLOSED;
	case CONN_CLOSED: return false;
	}
	return false;
}

void tenure_move(struct tenure *t, enum conn_state to, struct mono_ms now)
{
	ENSURE(move_is_allowed(t->state, to));
	t->state = to;
	t->since = now;
}

bool tenure_received(struct tenure *t, size_t n, struct mono_ms now)
{
	/* By steps, so that a trickle does not count. */
	bool step = t->bytes_in / LIFE_BYTES != (t->bytes_in + n) / LIFE_BYTES;
	t->bytes_in += n;
	if (MUTANT(HANDSHAKE_IDLE))
		t->opened = now;
	return step;
}

void tenure_frame(struct tenure *t, bool midframe, bool used_some, struct mono_ms now)
{
	if (!midframe)
		t->frame_since = MONO_NEVER;
	else if (used_some || t->frame_since.v == MONO_NEVER.v)
		t->frame_since = now;
}

bool tenure_has_room(const struct tenure *t, const struct net_limits *l, struct mono_ms now)
{
	if (drain_is_slow(&t->drain, now))
		return t->drain.queued < SLOW_ROOM_BYTES;
	return t->drain.queued < (size_t)l->write_pause_kib * 1024;
}

static struct mono_ms frame_deadline(const struct tenure *t, const struct net_limits *l)
{
	if (t->frame_since.v == MONO_NEVER.v)
		return MONO_NEVER;
	return after(t->frame_since, l->frame_ms);
}

/* The dialler ends an old session; the other side only if that fails to happen. */
static struct mono_ms session_deadline(const struct tenure *t, const struct net_limits *l)
{
	int64_t life = (int64_t)l->session_minutes * 60000;
	return after(t->since, t->opened_by_self ? life : life + life / 8);
}

/* What comes first, and when. */
static enum tenure_end next_end(
	const struct tenure *t, const struct net_limits *l, struct mono_ms *at)
{
	enum tenure_end end = TENURE_FRAME_LATE;
	struct mono_ms stall = drain_deadline(&t->drain, l->write_stall_ms);
	struct mono_ms old = session_deadline(t, l);
	*at = MONO_NEVER;
	switch (t->state) {
	case CONN_DIALLING:
	case CONN_HANDSHAKE: *at = after(t->opened, l->handshake_ms); return TENURE_HANDSHAKE_LATE;
	case CONN_LEAVING: *at = after(t->since, LEAVING_MS); return TENURE_LEFT;
	case CONN_CLOSED: return TENURE_GOES_ON;
	case CONN_SESSION: break;
	}
	*at = frame_deadline(t, l);
	if (stall.v < at->v) {
		*at = stall;
		end = TENURE_STALLED;
	}
	if (old.v < at->v) {
		*at = old;
		end = TENURE_OLD;
	}
	return end;
}

struct mono_ms tenure_deadline(const struct tenure *t, const struct net_limits *l)
{
	struct mono_ms at;
	(void)next_end(t, l, &at);
	return at;
}

enum tenure_end tenure_ended(const struct tenure *t, const struct net_limits *l, struct mono_ms now)
{
	struct mono_ms at;
	enum tenure_end end = next_end(t, l, &at);
	return now.v < at.v ? TENURE_GOES_ON : end;
}

const char *tenure_end_text(enum tenure_end end)
{
	switch (end) {
	case TENURE_GOES_ON: return "";
	case TENURE_HANDSHAKE_LATE: return "the handshake took too long";
	case TENURE_LEFT: return "a Bye was due and did not come";
	case TENURE_FRAME_LATE: return "a frame took too long";
	case TENURE_STALLED: return "takes nothing we send";
	case TENURE_OLD: return "time for a new session";
	}
	return "";
}
