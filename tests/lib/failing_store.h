/* A store that forwards to a real one, and fails where a test says: the n-th call of all, or the
 * outcome of a commit. After a failure everything fails until the rollback, as store.h promises. */
#ifndef DELTAD_TESTS_FAILING_STORE_H
#define DELTAD_TESTS_FAILING_STORE_H

#include "daemon/core/store.h"

enum failing_commit {
	COMMIT_HONEST,
	COMMIT_LOST,	/* RC_UNKNOWN_OUTCOME, and it is not on disk */
	COMMIT_WRITTEN, /* RC_UNKNOWN_OUTCOME, and it is */
};

struct failing_store {
	struct store store; /* first: what the replica is given */
	struct store *real;
	uint64_t calls;	  /* so far, without rollbacks */
	uint64_t rows;	  /* leaves and changes that callbacks were given */
	uint64_t fail_at; /* this call fails; 0 = none */
	int rc;		  /* with this */
	bool failed;	  /* it happened; set back by nobody */
	bool failing;	  /* until the rollback */
	bool in_transaction;
	enum failing_commit commit; /* of the next one that has something to say */
};

void failing_store_init(struct failing_store *f, struct store *real);

#endif
