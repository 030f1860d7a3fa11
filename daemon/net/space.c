#include "daemon/net/space.h"

void space_init(struct space *s, uint64_t min_free, uint32_t min_percent, struct mono_ms now)
{
	*s = (struct space){.min_free = min_free,
		.min_percent = min_percent,
		.wait_ms = SPACE_WAIT_MIN_MS,
		.retry_at = MONO_NEVER,
		.failed_at = {now.v - 2 * SPACE_WAIT_MAX_MS},
		.measure_at = now};
}

void space_failed(struct space *s, struct mono_ms now, struct chance c)
{
	if (now.v - s->failed_at.v >= 2 * SPACE_WAIT_MAX_MS)
		s->wait_ms = SPACE_WAIT_MIN_MS;
	int64_t wait = s->wait_ms / 2 + (int64_t)chance_below(c, (uint64_t)s->wait_ms / 2 + 1);
	s->wait_ms = s->wait_ms * 2 > SPACE_WAIT_MAX_MS ? SPACE_WAIT_MAX_MS : s->wait_ms * 2;
	s->state = SPACE_FULL;
	s->failed_at = now;
	s->retry_at.v = now.v + wait;
}

static bool is_low(const struct space *s, uint64_t free_bytes, uint64_t total)
{
	/* total / 100 first: no overflow, and a file system this small is low anyway. */
	return free_bytes < s->min_free || free_bytes < total / 100 * s->min_percent;
}

void space_measured(struct space *s, uint64_t free_bytes, uint64_t total, struct mono_ms now)
{
	s->measure_at.v = now.v + SPACE_MEASURE_MS;
	if (s->state != SPACE_FULL)
		s->state = is_low(s, free_bytes, total) ? SPACE_LOW : SPACE_OK;
}

bool space_retry(struct space *s, struct mono_ms now)
{
	if (s->state != SPACE_FULL || now.v < s->retry_at.v)
		return false;
	s->state = SPACE_OK;
	s->retry_at = MONO_NEVER;
	s->measure_at = now;
	return true;
}

struct mono_ms space_deadline(const struct space *s)
{
	return s->state == SPACE_FULL ? s->retry_at : s->measure_at;
}
