/* Writes the mark on the thread pool, one write at a time; while one is under way only the newest
 * of those that wait is kept, since each says more than the one before. Floor 5. Source:
 * PROTOCOL 3.3. */
#ifndef DELTAD_NET_MARKER_H
#define DELTAD_NET_MARKER_H

#include <uv.h>

#include "daemon/net/mark.h"

struct marker;
/* On the loop thread: what is on disk now, or rc < 0 (RC_IO, RC_SETUP): leave the process. */
typedef void marker_done_fn(void *arg, const struct mark *mark, int rc, const struct err *e);

struct marker {
	uv_loop_t *loop;
	struct mark_file *file; /* borrowed; must outlive the last callback */
	marker_done_fn *done;
	void *arg;
	uv_work_t work;
	bool writing, waiting; /* while it writes the loop must not be closed */
	struct mark current, next;
	int rc;
	struct err err;
};

void marker_init(
	struct marker *m, uv_loop_t *loop, struct mark_file *file, marker_done_fn *done, void *arg);
void marker_submit(struct marker *m, const struct mark *mark);

#endif
