#include "tests/sim/pipe.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

/* Beyond the first bytes of a write small chunks would only be many events. */
#define SMALL_CHUNKS_BYTES 2048
#define LARGE_CHUNK_BYTES 16384
/* What a slow line takes long for does not come in one piece at the end of that time. */
#define CHUNK_MAX_MS 1000
/* More than a handshake's message has. */
#define TRICKLE_BYTES 64

static void add_chunk(struct pipe *p, size_t n, int64_t sent)
{
	if (p->head == p->n)
		p->head = p->n = 0;
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 8 : 2 * p->cap;
		p->chunk = xrealloc(p->chunk, p->cap * sizeof(*p->chunk));
	}
	p->chunk[p->n++] = (struct chunk){n, sent};
}

static bool trickles(const struct pipe *p)
{
	return p->trickle_ms > 0 && p->trickled < TRICKLE_BYTES;
}

static size_t chunk_size(struct world *w, const struct path *path, size_t done, size_t left)
{
	size_t max = path->chunk_max;
	if (done > SMALL_CHUNKS_BYTES && max < LARGE_CHUNK_BYTES)
		max = LARGE_CHUNK_BYTES;
	if (path->rate > 0 && max > (size_t)path->rate * CHUNK_MAX_MS)
		max = (size_t)path->rate * CHUNK_MAX_MS;
	size_t n = 1 + dice_index(&w->wires, max);
	return n < left ? n : left;
}

void pipe_write(struct world *w, struct pipe *p, const struct path *path, struct bytes in, int to,
	uint64_t conn)
{
	if (p->broken)
		return;
	if (pipe_queued(p) == 0)
		p->moved_at = w->now;
	buf_put_bytes(&p->bytes, in);
	for (size_t done = 0; done < in.n;) {
		bool slowly = trickles(p);
		size_t n = slowly ? 1 : chunk_size(w, path, done, in.n - done);
		if (p->free_at < w->now)
			p->free_at = w->now;
		p->trickled += n;
		if (slowly)
			p->free_at += p->trickle_ms;
		else if (path->rate > 0)
			p->free_at += (int64_t)n / path->rate;
		int64_t at = p->free_at;
		at += dice_range(&w->wires, path->delay_min, path->delay_max);
		p->last_at = at > p->last_at ? at : p->last_at;
		add_chunk(p, n, p->free_at);
		queue_add(w, p->last_at, SIM_CHUNK, to, conn);
		done += n;
	}
}

bool pipe_is_empty(const struct pipe *p)
{
	return p->head == p->n;
}

void pipe_take(struct pipe *p, int64_t now, struct buf *out)
{
	p->moved_at = now;
	size_t n = p->chunk[p->head++].n;
	buf_put(out, p->bytes.p, n);
	buf_consume(&p->bytes, n);
}

size_t pipe_queued(const struct pipe *p)
{
	size_t kernel = p->narrow ? PIPE_NARROW_BYTES : PIPE_KERNEL_BYTES;
	return p->bytes.n > kernel ? p->bytes.n - kernel : 0;
}

int64_t pipe_last_sent(const struct pipe *p)
{
	return pipe_is_empty(p) ? 0 : p->chunk[p->n - 1].sent;
}

void pipe_keep_sent(struct pipe *p, int64_t now)
{
	size_t kept = 0, i = p->head;
	while (i < p->n && (p->chunk[i].sent <= now || kept < PIPE_KERNEL_BYTES))
		kept += p->chunk[i++].n;
	p->n = i;
	p->bytes.n = kept;
}

void pipe_break(struct pipe *p)
{
	p->broken = true;
	p->head = p->n = 0;
	p->bytes.n = 0;
}

void pipe_release(struct pipe *p)
{
	buf_release(&p->bytes);
	free(p->chunk);
	*p = (struct pipe){0};
}
