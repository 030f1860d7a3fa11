/* Notes of rosters that a node without any is given at once: from files, or from a database that it
 * had. For rosters.c, which decides between them, and replica.c. Floor 3. Source: PROTOCOL 5.3. */
#ifndef DELTAD_CORE_ROSTERS_H
#define DELTAD_CORE_ROSTERS_H

#include "daemon/core/state.h"

/* Notes of one version: the first that came, and what stands against it. */
#define ROSTER_PLACES 5

struct given_roster {
	struct bytes note; /* borrowed */
	uint32_t version;
	unsigned place;
	struct hash id, prev;
};

/* All zero = none. */
struct given {
	struct given_roster *of;
	size_t n;
};

/* Each of them follows one of the others, up to the first. RC_VERIFY: it is not signed by those who
 * must. RC_ROSTER, RC_NOTE: no roster, not ascending, of another cluster, too many of one version,
 * or, if `all` are to follow, one that follows none; else that one is passed over. */
int given_take(struct given *g, const struct bytes *note, size_t n, const struct hash *cluster_id,
	bool all, struct err *e) MUST_CHECK;
void given_release(struct given *g);
/* NULL: none. */
const struct given_roster *given_find(const struct given *g, uint32_t version, unsigned place);

/* Which of these is in force; *removes_us: the version after it removes this member (0: none). */
int rosters_decide(struct replica *r, const struct given *g, struct roster *out,
	uint32_t *removes_us, struct err *e) MUST_CHECK;
/* Their place in the store, where there is no roster yet. */
int rosters_put(struct replica *r, const struct given *g, struct err *e) MUST_CHECK;

/* What some version that is here, in force or not, has to say for a head that the one in force does
 * not: it names the log key that signed it, or it ends the log there. */
enum vouched { VOUCHED_NOT, VOUCHED_KEY, VOUCHED_LINE };
int rosters_vouch(struct replica *r, const struct checkpoint *cp, struct bytes head,
	enum vouched *by, struct err *e) MUST_CHECK;

#endif
