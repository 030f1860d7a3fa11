/* The thread pool: how many threads it has, and that they exist before anything relies on them.
 * libuv makes them at the first use and aborts where it cannot; at the start it can still be said.
 * Floor 5. Source: libuv, "Thread pool work scheduling". */
#ifndef DELTAD_NET_THREADS_H
#define DELTAD_NET_THREADS_H

#include <uv.h>

#include "proto/base/err.h"

/* Call once, before the loop runs. RC_NOMEM: memory or the number of tasks is limited too tightly.
 */
int threads_begin(uv_loop_t *loop, struct err *e) MUST_CHECK;

#endif
