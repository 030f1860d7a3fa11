/* Bundles between replicas without a shell: made in memory, and taken as the daemon takes a file.
 */
#ifndef DELTAD_TESTS_BUNDLE_FIXTURE_H
#define DELTAD_TESTS_BUNDLE_FIXTURE_H

#include "daemon/core/replica.h"
#include "proto/trust/hash.h"
#include "proto/wire/bundle.h"

/* Appends the whole file. */
int bundle_make(struct replica *r, const struct ctl_export *what, struct buf *file, struct err *e);

/* What came of a file. */
struct bundle_taken {
	struct bundle_place place; /* of the first fault */
	uint64_t records, leaves;
	size_t logs;		/* that it had leaves of */
	uint64_t before, after; /* leaves of those logs here */
};
/* Both passes, each record of the second in a group of its own; the events of the groups wait. What
 * is refused has changed nothing. */
int bundle_import(struct replica *r, const struct hash *cluster_id, struct bytes file,
	struct now now, struct bundle_taken *out, struct err *e);
/* Whoever runs a replica begins and ends its groups as it does otherwise. */
struct bundle_shell {
	int (*enter)(void *arg, struct err *e);
	/* rc is what came of the input: what the store said is dealt with here. */
	int (*settle)(void *arg, int rc, struct err *e);
	void *arg;
};
int bundle_import_by(const struct bundle_shell *shell, struct replica *r,
	const struct hash *cluster_id, struct bytes file, struct now now, struct bundle_taken *out,
	struct err *e);
/* The first pass only. */
int bundle_check(struct replica *r, struct bytes file, struct bundle_taken *out, struct err *e);

#endif
