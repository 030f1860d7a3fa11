#include "tests/sim/talk.h"

#include "tests/sim/hostile.h"
#include "tests/sim/sometimes.h"

#define EVERY_MS 1000
/* A quarter of what counts as a sign of life, so that few of them are cut there. */
#define SHORT_BYTES 200
#define PART_BYTES 1100
#define PARTS_MAX 900 /* an envelope has an end */

static bool is_it(const struct world *w, const struct sim_conn *c, int end)
{
	return w->talk != NULL && c->end[end].node->member == w->talk->member &&
		c->end[end].tenure.state == CONN_SESSION && !c->end[end].bye_written;
}

bool talk_takes(struct world *w, struct sim_conn *c, int end, struct bytes envelope)
{
	struct fed f;
	if (!is_it(w, c, end) || w->steps < w->talk->since)
		return false;
	bool asked = feed_open(w, envelope, &f, NULL) == RC_OK && f.m.kind == MESSAGE_WANT;
	feed_release(w, &f);
	/* In the liveness phase nobody begins such a thing. */
	bool takes = asked && (!w->calm || !w->talk->endless || c->end[end].talks > 0);
	if (takes && c->end[end].talks == 0) {
		world_trace(w, "talk %s%d %llu", c->end[end].node->id->slug, c->end[end].node->self,
			(unsigned long long)c->id);
		c->end[end].talks = 1;
	}
	return takes;
}

bool talk_sends(const struct world *w, const struct sim_conn *c, int end)
{
	return is_it(w, c, end) && w->talk->endless && c->end[end].talks > 0;
}

static void talk_on(struct world *w, struct sim_conn *c, int end)
{
	static const uint8_t nothing[PART_BYTES];
	struct buf out = {0};
	if (w->talk->endless) {
		conn_send_part(w, c, end, bytes_of(nothing, sizeof(nothing)));
		return;
	}
	buf_put_str(&out, "\x6a\xc8\x01"); /* of a kind that nobody knows yet, 200 bytes */
	buf_put(&out, nothing, SHORT_BYTES);
	conn_send_raw(w, c, end, buf_bytes(&out));
	buf_release(&out);
}

void talk_act(struct world *w)
{
	for (size_t i = 0; i < SIM_CONNS; i++)
		for (int end = 0; w->conn[i] != NULL && end < 2; end++) {
			struct conn_end *e = &w->conn[i]->end[end];
			if (!is_it(w, w->conn[i], end) || e->talks == 0 || e->talks > PARTS_MAX ||
				!conn_has_room(w, e))
				continue;
			e->talks++;
			sometimes(SOMETIMES_HELD_UP);
			talk_on(w, w->conn[i], end);
		}
	queue_add(w, w->now + EVERY_MS, SIM_TALK, 0, 0);
}

bool talk_holds(const struct world *w)
{
	return w->talk != NULL && (w->talk->endless || swarm_has(&w->swarm, FAULT_CHUNKS));
}

/* Until the end of faults the others hear of each other through it only. */
static void keep_apart(struct world *w)
{
	for (int i = 0; i < (int)w->n_members; i++)
		for (int k = 0; k < (int)w->n_members; k++)
			if (i != k && i != w->talk->member && k != w->talk->member)
				w->path[i][k].hole_to = SIM_NEVER;
}

void talk_setup(struct world *w, uint64_t steps)
{
	struct dice d = {w->seed ^ 0x74616c6b};
	int member = (int)dice_index(&d, w->n_members);
	uint64_t since = steps * (uint64_t)dice_range(&d, 30, 90) / 100;
	bool lied = false;
	for (int i = 0; i < (int)w->n_members; i++)
		lied |= !world_is_honest(w, i);
	if (!swarm_has(&w->swarm, FAULT_TALK) || lied || w->n_members < 3)
		return;
	while (hostile_writes(w, member)) /* two of them at most */
		member = (member + 1) % (int)w->n_members;
	w->talk = xalloc(sizeof(*w->talk));
	*w->talk = (struct talk){
		.member = member, .endless = !swarm_has(&w->swarm, FAULT_NOISE), .since = since};
	w->identity[member].liar = true;
	keep_apart(w);
	queue_add(w, EVERY_MS, SIM_TALK, 0, 0);
}
