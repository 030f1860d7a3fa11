/* Whether the cluster is in step, as one node sees it: what is missing, who is not connected, whose
 * view differs. The words behind status --check and wait converged. */
#ifndef DELTAD_CLIENT_AGREEMENT_H
#define DELTAD_CLIENT_AGREEMENT_H

#include "client/node.h"

struct agreement {
	bool forked;	  /* a log has two histories */
	bool diverged;	  /* a peer with equal logs has another view */
	bool provisional; /* the view may still change by itself: nothing is converged */
	bool converged;	  /* all connected, all logs here, all views equal */
	unsigned peers, connected, agreeing;
	uint64_t missing; /* entries known to exist that are not here */
};

/* Appends to *lacking (NULL: not wanted) what stands in the way of "converged", "; " between. */
void agreement_judge(const struct ctl_status *s, const struct roster *r, struct agreement *out,
	struct buf *lacking);

/* Why a view is provisional, for people. */
const char *agreement_provisional(const struct ctl_status *s);

/* Asks for the status and hands it to fn, borrowed. */
typedef int status_fn(void *arg, const struct ctl_status *s, struct err *e);
int status_fetch(struct node *n, status_fn *fn, void *arg, struct err *e) MUST_CHECK;

/* How many entries of the log count: those beyond the end that the roster gave it do not. */
uint64_t agreement_count_entries(const struct ctl_log *l);

#endif
