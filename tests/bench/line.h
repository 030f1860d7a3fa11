/* A control connection to a node for the load generator: never blocks, so that one process drives
 * many of them with poll(2). Every failure ends the process with a sentence. Source: PROTOCOL 9. */
#ifndef DELTAD_BENCH_LINE_H
#define DELTAD_BENCH_LINE_H

#include <poll.h>

#include "proto/wire/ctl.h"

struct line {
	int fd;
	uint32_t last_id;
	struct buf out, in;
	size_t taken; /* of in: the frame that the last reply points into */
	uint8_t *memory;
};

_Noreturn void die(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Seconds of the clock that never goes back (CLOCK_MONOTONIC). */
double seconds_now(void);

void line_open(struct line *l, const char *path);
void line_close(struct line *l);

/* Gives the request its id and queues it; line_pump sends. */
void line_queue(struct line *l, struct ctl_request *r);
/* A frame that is encoded already, length in front. */
void line_queue_frame(struct line *l, struct bytes frame);
/* What poll should wait for. */
struct pollfd line_pollfd(const struct line *l);
/* Writes and reads what can be without waiting. */
void line_pump(struct line *l);
/* The next reply that is here, or false. Borrowed until the next call. A refusal by the node ends
 * the process. */
bool line_next(struct line *l, struct ctl_reply *out);

/* Waits for the next reply. */
void line_wait(struct line *l, struct ctl_reply *out);
/* Queues, and waits for the first frame of the answer. */
void line_call(struct line *l, struct ctl_request *r, struct ctl_reply *out);

#endif
