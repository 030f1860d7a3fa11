/* Operations on one node, one after the other, while its store fails at every call in turn: whoever
 * was refused asks again, and the node must end where it would have been. */
#ifndef DELTAD_TESTS_STORE_SWEEP_H
#define DELTAD_TESTS_STORE_SWEEP_H

#include "tests/lib/node_fixture.h"

/* One operation, which may be tried again: RC_OK or the store's error. */
typedef int sweep_step_fn(struct node *n, void *arg);

struct sweep {
	const struct cluster *c;
	int self;
	void *arg;
	void (*prepare)(struct node *n, void *arg); /* before anything fails; NULL: nothing */
	sweep_step_fn *const *step;
	size_t n_steps;
	/* Appends all that must come out the same, as text. */
	void (*look)(struct node *n, void *arg, struct buf *out);
};

struct sweep_fault {
	uint64_t call; /* from 1, after prepare; 0: none fails */
	int rc;
	enum failing_commit commit; /* of this step; COMMIT_HONEST: of none */
	size_t commit_step;
};

struct sweep_outcome {
	struct buf shown;
	size_t failures; /* steps that had to be tried again */
	uint64_t calls;
	bool reached; /* the call that fails, or the commit */
};

/* Fails the test where a step fails otherwise than by the fault, or a restart shows another
 * outcome. The caller releases out->shown. */
void sweep_run(const struct sweep *s, const struct sweep_fault *f, struct sweep_outcome *out);
void assert_same_outcome(const struct sweep_outcome *got, const struct sweep_outcome *want);
/* A run for every stride-th call. Prints the number as a line of the ledger. */
void sweep_calls(const struct sweep *s, int rc, uint64_t stride);

#endif
