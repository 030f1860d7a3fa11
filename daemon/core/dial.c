#include "daemon/core/dial.h"

#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/mutant.h"

static struct mono_ms later(struct mono_ms now, int64_t ms)
{
	return (struct mono_ms){now.v + ms};
}

/* PROTOCOL 7.4: full jitter: anywhere between now and the ceiling. */
static void wait_below(struct dial *d, int64_t ceiling_ms, struct mono_ms now, struct chance c)
{
	int64_t wait = (int64_t)chance_below(c, (uint64_t)ceiling_ms) + 1;
	d->at = later(now, MUTANT(NO_JITTER) ? ceiling_ms : wait);
}

/* And the ceiling doubles. */
static void schedule(struct dial *d, struct mono_ms now, struct chance c)
{
	wait_below(d, d->ceiling_ms, now, c);
	d->ceiling_ms *= 2;
	if (d->ceiling_ms > LIMIT_DIAL_MAX_MS)
		d->ceiling_ms = LIMIT_DIAL_MAX_MS;
}

void dial_init(struct dial *d, struct mono_ms now, struct chance c)
{
	*d = (struct dial){.ceiling_ms = LIMIT_DIAL_MIN_MS};
	schedule(d, now, c);
	d->ceiling_ms = LIMIT_DIAL_MIN_MS;
}

bool dial_is_due(const struct dial *d, struct mono_ms now)
{
	return now.v >= d->at.v;
}

void dial_started(struct dial *d)
{
	d->at = MONO_NEVER;
}

void dial_up(struct dial *d, struct mono_ms now)
{
	d->at = MONO_NEVER;
	d->up = true;
	d->up_since = now;
}

void dial_down(struct dial *d, struct mono_ms now, struct chance c)
{
	if (d->up && now.v - d->up_since.v >= LIMIT_DIAL_HEALTHY_MS)
		d->ceiling_ms = LIMIT_DIAL_MIN_MS;
	d->up = false;
	schedule(d, now, c);
}

void dial_unanswered(struct dial *d, struct mono_ms now, struct chance c)
{
	if (MUTANT(SILENCE_DOUBLES))
		schedule(d, now, c);
	else
		wait_below(d, LIMIT_DIAL_SILENT_MS, now, c);
}

bool dial_new_wins(const char *self, const char *peer, bool old_opened_by_self,
	bool new_opened_by_self, int64_t old_ms)
{
	bool is_old = old_ms > LIMIT_HANDSHAKE_MS && !MUTANT(OLD_SESSION_STAYS);
	if (old_opened_by_self == new_opened_by_self || is_old)
		return true;
	bool self_is_smaller = strcmp(self, peer) < 0 || MUTANT(BOTH_CLOSE);
	return new_opened_by_self == self_is_smaller;
}
