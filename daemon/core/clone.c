/* Signs that two machines write as one member: seen from the logs alone, so every node sees them.
 * Source: PROTOCOL 3.7. */
#include <string.h>

#include "daemon/core/state.h"
#include "proto/base/mutant.h"

/* What an empty node opened before it knew that it had been another: nobody ever wrote there. */
static bool says_nothing(const struct log *log)
{
	return log->row.size == 0 || (log->row.size == 1 && log->previous[0] == '\0');
}

/* Of a and b, where b is the newer log; SAME_NUMBER either way round. */
static enum clone_kind between(const struct replica *r, const struct log *a, const struct log *b)
{
	if (strcmp(a->origin.member, b->origin.member) != 0 || a == b || says_nothing(a) ||
		says_nothing(b))
		return CLONE_NONE;
	/* The members know, and have said where it ends. */
	if (roster_retired(&r->roster, bytes_str(a->row.origin)) != NULL ||
		roster_retired(&r->roster, bytes_str(b->row.origin)) != NULL)
		return CLONE_NONE;
	if (a->origin.epoch == b->origin.epoch)
		return MUTANT(CLONE_NUMBER_UNSEEN) ? CLONE_NONE : CLONE_SAME_NUMBER;
	if (a->origin.epoch > b->origin.epoch)
		return CLONE_NONE;
	/* A writer leaves its old log for good when it opens the next. */
	if (a->row.hlc > b->open_hlc)
		return CLONE_OLD_GOES_ON;
	return a == r->own ? CLONE_NOT_MINE : CLONE_NONE;
}

static const char *describe(enum clone_kind kind)
{
	switch (kind) {
	case CLONE_SAME_NUMBER: return "two logs have the same number";
	case CLONE_OLD_GOES_ON: return "an older log goes on after a newer one was opened";
	case CLONE_NOT_MINE: return "a newer log of this node was not opened here";
	case CLONE_NONE: break;
	}
	return "";
}

/* Both ways round, because the pair is ordered by epoch. */
static enum clone_kind clone_of(const struct replica *r, const struct log *a, const struct log *b)
{
	enum clone_kind kind = between(r, a, b);
	return kind != CLONE_NONE ? kind : between(r, b, a);
}

void clone_look(struct replica *r, struct log *log)
{
	for (size_t i = 0; i < r->n_logs && !log->clone_told; i++) {
		enum clone_kind kind = clone_of(r, log, r->log[i]);
		if (kind == CLONE_NONE)
			continue;
		log->clone_told = r->log[i]->clone_told = true;
		event_hold(r, EVENT_CLONE, NO_PEER, log, "%s: %s and %s", describe(kind),
			log->origin.text, r->log[i]->origin.text);
	}
}

size_t clone_list(const struct replica *r, struct clone_pair *out, size_t max)
{
	size_t n = 0;
	for (size_t a = 0; a < r->n_logs; a++)
		for (size_t b = 0; b < r->n_logs && n < max; b++) {
			enum clone_kind kind = between(r, r->log[a], r->log[b]);
			if (kind == CLONE_NONE || (kind == CLONE_SAME_NUMBER && b < a))
				continue;
			out[n++] = (struct clone_pair){kind, r->log[a], r->log[b]};
		}
	return n;
}
