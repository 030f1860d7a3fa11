/* An SQLite VFS that passes everything to the default one, counts the calls, and makes chosen ones
 * fail: how every error path of the store comes to be run. One per process. It has no shared
 * memory, so a store that opens on it has shown that it is exclusive. */
#ifndef DELTAD_TESTS_FAULTY_VFS_H
#define DELTAD_TESTS_FAULTY_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define FAULTY_VFS "faulty"

enum faulty_op {
	FAULTY_OPEN,
	FAULTY_READ,
	FAULTY_WRITE,
	FAULTY_SYNC,
	FAULTY_TRUNCATE,
	FAULTY_DELETE,
	FAULTY_SIZE,
	FAULTY_LOCK,
	FAULTY_MALLOC, /* only after faulty_malloc_install */
	FAULTY_OPS
};

enum faulty_how {
	FAULTY_INSTEAD, /* nothing is done */
	FAULTY_HALF,	/* half of a write is done */
	FAULTY_AFTER,	/* it is done, and a failure is reported */
};

struct fault {
	enum faulty_op op;
	unsigned nth;  /* 1 = the next call */
	bool for_ever; /* and all calls after it */
	enum faulty_how how;
	int code; /* what SQLite is told; no meaning for FAULTY_MALLOC */
};

/* Makes the VFS known; again is a no-op. */
void faulty_vfs_register(void);
/* Before SQLite is first used in the process. */
void faulty_malloc_install(void);
/* No faults, no limit, counts at zero. */
void faulty_vfs_clear(void);
void faulty_vfs_plan(const struct fault *f);
/* The planned fault has happened. */
bool faulty_vfs_struck(void);
unsigned faulty_vfs_calls(enum faulty_op op);
/* Told of every write, truncation, sync and deletion that is done; p and n are those of a write, at
 * is where it begins, or the size truncated to. NULL ends it. */
typedef void faulty_watch_fn(
	void *arg, enum faulty_op op, const char *name, const void *p, int n, int64_t at);
void faulty_vfs_watch(faulty_watch_fn *fn, void *arg);
/* Writes that would make a file larger than this fail with SQLITE_FULL; 0 = no limit. */
void faulty_vfs_limit(int64_t bytes);

#endif
