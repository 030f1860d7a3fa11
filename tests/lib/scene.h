/* Where most tests of the core begin: jiangsu's log, and shanghai's node, which has nothing of it.
 */
#ifndef DELTAD_TESTS_SCENE_H
#define DELTAD_TESTS_SCENE_H

#include "tests/lib/core_test.h"

struct scene {
	struct cluster *c;
	struct scribe s; /* jiangsu's */
	struct node n;	 /* shanghai's */
};

/* state as by core_set_up; the log has a delegation and so many notes. */
static inline struct scene *scene_begin(void **state, size_t notes)
{
	struct scene *t = xalloc(sizeof(*t));
	t->c = *state;
	scribe_begin(&t->s, t->c, JIANGSU);
	for (size_t i = 0; i < notes; i++)
		scribe_write(&t->s, (struct write){.value = value_note("x")}, NULL);
	node_init(&t->n, t->c, SHANGHAI);
	return t;
}

static inline void scene_end(struct scene *t)
{
	node_release(&t->n);
	scribe_release(&t->s);
	free(t);
}

#endif
