/* What a node says again and again over one connection while nothing comes of it. */
#include <string.h>

#include "tests/sim/conn.h"
#include "tests/sim/oracle.h"

#define TIMES_MAX 3

/* Signs of life, and what is said anew because time has passed. */
static bool may_repeat(enum message_kind k)
{
	return k == MESSAGE_PING || k == MESSAGE_PONG || k == MESSAGE_VIEW_DIGEST;
}

/* The oldest gives way. */
static struct repeat *find(struct repeats *r, const struct hash *what)
{
	for (size_t i = 0; i < REPEATS_KEPT; i++)
		if (r->of[i].times > 0 && hash_equal(&r->of[i].what, what))
			return &r->of[i];
	struct repeat *x = &r->of[r->next++ % REPEATS_KEPT];
	*x = (struct repeat){.what = *what};
	return x;
}

/* I16: no exchange repeats more than 3 times without progress at either end. */
void repeats_said(struct world *w, struct sim_conn *c, int end, const struct message *m)
{
	const struct sim_node *from = c->end[end].node, *to = c->end[!end].node;
	struct buf envelope = {0};
	struct hash what, held[2] = {from->held.entries, to->held.entries};
	if (may_repeat(m->kind) || !world_is_honest(w, from->member) ||
		!world_is_honest(w, to->member))
		return;
	message_encode(m, &envelope);
	sha256(buf_bytes(&envelope), &what);
	buf_release(&envelope);
	struct repeat *x = find(&c->end[end].said, &what);
	if (memcmp(x->held, held, sizeof(held)) != 0)
		x->times = 0;
	memcpy(x->held, held, sizeof(held));
	if (++x->times > TIMES_MAX)
		oracle_fail(w, 16, "%s says the same %s to %s %u times, and nothing comes of it",
			from->id->slug, message_kind_name(m->kind), to->id->slug, x->times);
	oracle_holds(16);
}
