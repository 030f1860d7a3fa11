/* When to dial a peer again: full jitter, reset only by a session that stayed healthy; and which of
 * two sessions of one pair stays. Floor 3, pure. Source: PROTOCOL 7.4, 8. */
#ifndef DELTAD_CORE_DIAL_H
#define DELTAD_CORE_DIAL_H

#include <stdbool.h>

#include "proto/base/units.h"

struct dial {
	int64_t ceiling_ms; /* of the next wait; LIMIT_DIAL_MIN_MS..LIMIT_DIAL_MAX_MS */
	struct mono_ms at;  /* dial when now >= at; MONO_NEVER while connected or dialling */
	struct mono_ms up_since;
	bool up;
};

/* The first dial is due within LIMIT_DIAL_MIN_MS, jittered, so that four power-ons at once do not
 * collide. */
void dial_init(struct dial *d, struct mono_ms now, struct chance c);
bool dial_is_due(const struct dial *d, struct mono_ms now);
void dial_started(struct dial *d);
void dial_up(struct dial *d, struct mono_ms now);
/* A dial that was answered and failed, or a session that ended. */
void dial_down(struct dial *d, struct mono_ms now, struct chance c);
/* A dial that nobody answered, or a session whose line has gone quiet: again within
 * LIMIT_DIAL_SILENT_MS, however often it was tried, because it costs nobody more than a packet and
 * the line may be back at any moment. */
void dial_unanswered(struct dial *d, struct mono_ms now, struct chance c);

/* Two sessions of the same pair: true if the new one replaces the old, which began old_ms ago. The
 * one that the smaller slug opened stays of two that were dialled at the same time. Of two opened
 * by the same side the newer wins, and so it does over one that is older than a handshake may take:
 * who dials has lost the older one, or is about to. */
bool dial_new_wins(const char *self, const char *peer, bool old_opened_by_self,
	bool new_opened_by_self, int64_t old_ms);

#endif
