/* From a verified backup back to a node's database: the node is stopped meanwhile. Source: PROTOCOL
 * 3.6; README, "Backup". */
#ifndef DELTAD_RESTORE_H
#define DELTAD_RESTORE_H

#include "daemon/config.h"

struct restored {
	uint64_t entries;
	bool sealed;	  /* it has a manifest, and that is good */
	char aside[1200]; /* where the old database is now, "" = there was none */
};

/* Copies `file` to a private place, verifies it, builds a new database from its signed entries,
 * removes the mark, moves the old database aside and puts the new one in its place: on any failure
 * before that nothing has changed. Run by root, the process takes the rights of the owner of the
 * data folder, for good. RC_BUSY: the node runs. RC_CORRUPT, RC_VERIFY, RC_DIVERGED, RC_ROSTER as
 * recover_verify; RC_DISK_FULL, RC_IO, RC_SETUP. */
int restore_run(
	const char *file, const struct config *c, struct restored *out, struct err *e) MUST_CHECK;

#endif
