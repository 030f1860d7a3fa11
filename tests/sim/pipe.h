/* One direction of a connection: bytes in order, in chunks that are under way. */
#ifndef DELTAD_TESTS_SIM_PIPE_H
#define DELTAD_TESTS_SIM_PIPE_H

#include "tests/sim/conn.h"

struct path;

/* What the kernel takes without telling: neither queued for the writer nor lost when it closes.
 * Less of it if the other side offers no window. */
#define PIPE_KERNEL_BYTES (64 * 1024)
#define PIPE_NARROW_BYTES (16 * 1024)

/* Splits what is written into chunks and schedules their arrival at the other end. */
void pipe_write(struct world *w, struct pipe *p, const struct path *path, struct bytes in, int to,
	uint64_t conn);
bool pipe_is_empty(const struct pipe *p);
/* The next chunk. */
void pipe_take(struct pipe *p, int64_t now, struct buf *out);
/* Bytes that wait in the writer's own queue. */
size_t pipe_queued(const struct pipe *p);
/* When the last byte under way leaves its host; 0 = none. */
int64_t pipe_last_sent(const struct pipe *p);
/* The writer closed: what the kernel has is still sent. */
void pipe_keep_sent(struct pipe *p, int64_t now);
/* What is under way is lost, and so is all that is written later. */
void pipe_break(struct pipe *p);
void pipe_release(struct pipe *p);

#endif
