/* Where tests of forks begin: a log with two histories, and two nodes that know nothing of it. */
#ifndef DELTAD_TESTS_FORK_SCENE_H
#define DELTAD_TESTS_FORK_SCENE_H

#include "tests/lib/core_test.h"

struct fork_scene {
	struct cluster *c;
	struct scribe x, y;  /* two histories of jiangsu's log, alike up to leaf 3, of 9 leaves */
	struct scribe other; /* anhui's */
	struct node a, b;    /* shanghai's and zhejiang's */
};

/* state as by core_set_up. */
static inline struct fork_scene *fork_begin(void **state)
{
	struct fork_scene *t = xalloc(sizeof(*t));
	t->c = *state;
	scribe_begin(&t->x, t->c, JIANGSU);
	scribe_write(&t->x, (struct write){.value = value_note("common")}, NULL);
	scribe_copy(&t->y, &t->x);
	for (uint64_t i = 0; i < 6; i++) {
		struct write w = {.value = value_note("one"), .nonce = 1000 + i};
		scribe_write(&t->x, w, NULL);
		w.nonce += 1000;
		scribe_write(&t->y, w, NULL);
	}
	scribe_begin(&t->other, t->c, ANHUI);
	scribe_write(&t->other, (struct write){.value = value_note("other")}, NULL);
	node_init(&t->a, t->c, SHANGHAI);
	node_init(&t->b, t->c, ZHEJIANG);
	return t;
}

static inline void fork_end(struct fork_scene *t)
{
	node_release(&t->a);
	node_release(&t->b);
	scribe_release(&t->x);
	scribe_release(&t->y);
	scribe_release(&t->other);
	free(t);
}

#endif
