/* What a disk may hold after the power fails: everything that was synced, and of what was written
 * since any choice of 512-byte sectors, in any order. Made from a record of what SQLite did. */
#ifndef DELTAD_TESTS_POWER_CUT_H
#define DELTAD_TESTS_POWER_CUT_H

#include "proto/base/units.h"
#include "tests/lib/faulty_vfs.h"
#include "tests/lib/store_fixture.h"

struct power_event {
	enum faulty_op op;
	unsigned file; /* 0 the database, 1 "-wal", 2 "-journal" */
	int64_t at;
	size_t data, n; /* in the record's bytes */
	uint64_t acked; /* rounds acknowledged when it happened */
};

struct power_record {
	struct power_event *event;
	size_t n, cap;
	struct buf bytes;
	uint64_t acked; /* the test sets it after each commit */
	bool no_syncs;	/* a disk that lies about syncs, to show that the check can fail */
};

/* Records from now on until stop. */
void power_record_start(struct power_record *r);
void power_record_stop(struct power_record *r);
void power_record_release(struct power_record *r);

/* Writes the files as they may be if the power fails before event `cut` (0..n), with what was not
 * synced chosen by chance. The fixture's store must be closed and its folder empty. */
void power_cut(const struct power_record *r, size_t cut, struct chance chance,
	const struct store_fixture *f);

#endif
