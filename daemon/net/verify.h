/* Examines the leaves of one message, small batches at once, large ones in chunks on the thread
 * pool, because signatures are nine tenths of a catch-up. Floor 5. Source: performance rule 1. */
#ifndef DELTAD_NET_VERIFY_H
#define DELTAD_NET_VERIFY_H

#include <uv.h>

#include "daemon/core/examine.h"

#define VERIFY_CHUNK_LEAVES 64
#define VERIFY_INLINE_LEAVES 8

struct verify;
typedef void verify_done_fn(void *arg);

/* bulk: operators' signatures are left to the audit (examine_bulk).
 * leaves and what they point to are borrowed until verify_free. Up to VERIFY_INLINE_LEAVES are
 * examined before it returns, and done is not called; for more, done is called once on the loop
 * thread, never before this returns. */
struct verify *verify_start(uv_loop_t *loop, const struct hash *cluster_id,
	const struct bytes *leaves, size_t n, bool bulk, verify_done_fn *done, void *arg);
bool verify_is_done(const struct verify *v);
/* Once done: n of them, in order. Borrowed until verify_free. */
const struct examined *verify_leaves(const struct verify *v);
/* Only when done. NULL is allowed. */
void verify_free(struct verify *v);

#endif
