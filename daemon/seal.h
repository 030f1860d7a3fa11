/* The hash of a database that was closed in order, in a file beside it: a disk that changes a bit
 * of it meanwhile is noticed before anything is shown. Source: PROTOCOL 3.6. */
#ifndef DELTAD_SEAL_H
#define DELTAD_SEAL_H

#include "proto/base/err.h"

#define SEAL_SUFFIX ".seal"

/* After the database was closed. Failing to write one is no failure. */
void seal_write(const char *database);
/* Before it is opened: takes the seal away, so that a crash leaves none. RC_CORRUPT: the file is
 * not the one that was closed. RC_IO: the seal cannot be removed. No seal is RC_OK. */
int seal_break(const char *database, struct err *e) MUST_CHECK;

#endif
