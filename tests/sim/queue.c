#include "tests/sim/world.h"

static bool sooner(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void queue_add(struct world *w, int64_t at, enum event_kind_of_world kind, int a, uint64_t id)
{
	if (w->n_queue == w->cap_queue) {
		w->cap_queue = w->cap_queue == 0 ? 64 : 2 * w->cap_queue;
		w->queue = xrealloc(w->queue, w->cap_queue * sizeof(*w->queue));
	}
	size_t i = w->n_queue++;
	struct sim_event ev = {at > w->now ? at : w->now, w->seq++, kind, a, id};
	while (i > 0 && sooner(&ev, &w->queue[(i - 1) / 2])) {
		w->queue[i] = w->queue[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->queue[i] = ev;
}

bool queue_take(struct world *w, int64_t until, struct sim_event *out)
{
	if (w->n_queue == 0 || w->queue[0].at > until)
		return false;
	*out = w->queue[0];
	struct sim_event last = w->queue[--w->n_queue];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < w->n_queue; i = child) {
		if (child + 1 < w->n_queue && sooner(&w->queue[child + 1], &w->queue[child]))
			child++;
		if (!sooner(&w->queue[child], &last))
			break;
		w->queue[i] = w->queue[child];
	}
	w->queue[i] = last;
	return true;
}
