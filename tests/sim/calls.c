#include "tests/sim/calls.h"

#include "tests/sim/oracle.h"
#include "tests/sim/pipe.h"
#include "tests/sim/sometimes.h"

/* By chance three dials of a thousand meet another one of the same node: not so many ever will. */
#define IN_STEP_MAX 6
#define IN_STEP_OF 50
/* Until a lost line is noticed, one dial in vain, the wait after it, and some round trips. */
#define BACK_MS 9000

/* Its clocks stood still for a while since then. */
static bool has_slept(const struct sim_node *n, int64_t since)
{
	return n->slept_to >= since;
}

/* I41 */
static void look_at_steps(struct world *w, struct sim_node *n, int64_t due)
{
	if (w->now != due)
		return;
	w->dials++;
	w->dials_in_step += n->dialled_at == w->now;
	n->dialled_at = w->now;
	if (w->dials_in_step > IN_STEP_MAX + w->dials / IN_STEP_OF)
		oracle_fail(w, 41, "%llu of %llu dials began with another of the same node",
			(unsigned long long)w->dials_in_step, (unsigned long long)w->dials);
	oracle_holds(41);
}

void calls_dialled(struct world *w, struct sim_node *n, int member, int64_t due)
{
	const struct sim_peer *p = &n->peer[member];
	look_at_steps(w, n, due);
	if (p->unanswered == 0 || has_slept(n, p->unanswered))
		return;
	if (w->now - p->unanswered > LIMIT_DIAL_SILENT_MS)
		oracle_fail(w, 42, "%s%d dials %s again %lld ms after a dial that nobody answered",
			n->id->slug, n->self, w->identity[member].slug,
			(long long)(w->now - p->unanswered));
	oracle_holds(42);
}

void calls_failed(struct world *w, struct sim_node *n, int member, bool answered)
{
	struct sim_peer *p = &n->peer[member];
	p->unanswered = answered || p->session != 0 ? 0 : w->now;
}

void calls_went_on(struct sim_node *n, int member)
{
	n->peer[member].unanswered = 0;
}

/* I43: both dialled at the same time, so both know which one stays; and who was cut off comes back
 * at once. */
void calls_chose(struct world *w, struct sim_conn *stays, struct sim_conn *goes, struct sim_node *n,
	bool new_goes)
{
	struct conn_end *here = &goes->end[goes->end[0].node == n ? 0 : 1];
	const struct conn_end *kept = &stays->end[stays->end[0].node == n ? 0 : 1];
	const struct conn_end *there = &stays->end[stays->end[0].node == n ? 1 : 0];
	int64_t since = new_goes ? kept->tenure.since.v : here->tenure.since.v;
	bool is_old = w->now - since > LIMIT_HANDSHAKE_MS;
	if (!is_old && stays->end[0].node != goes->end[0].node) {
		here->gave_way = stays->id;
		if (there->gave_way == goes->id)
			oracle_fail(w, 43, "%s and %s each close the session that the other keeps",
				n->id->slug, there->node->id->slug);
	}
	if (is_old && new_goes && there->tenure.state == CONN_CLOSED)
		oracle_fail(w, 43, "%s%d turns %s away for a session that is gone", n->id->slug,
			n->self, there->node->id->slug);
	oracle_holds(43);
}

/* I44 */
void calls_shake_hands(struct world *w, const struct conn_end *e)
{
	bool waits = e->tenure.state == CONN_DIALLING || e->tenure.state == CONN_HANDSHAKE;
	if (!waits || has_slept(e->node, e->begun))
		return;
	if (w->now - e->begun > LIMIT_HANDSHAKE_MS)
		oracle_fail(w, 44, "%s%d has been waiting for a key for %lld ms", e->node->id->slug,
			e->node->self, (long long)(w->now - e->begun));
	oracle_holds(44);
}

/* I15 */
void calls_queue(struct world *w, const struct sim_conn *c, int end)
{
	const struct sim_node *n = c->end[end].node;
	if (world_is_honest(w, n->member) && pipe_queued(&c->pipe[end]) >= LIMIT_WRITE_PAUSE_BYTES)
		oracle_fail(w, 15, "%s%d goes on sending where %zu bytes are queued", n->id->slug,
			n->self, pipe_queued(&c->pipe[end]));
	oracle_holds(15);
}

static int64_t later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* No hole and no refusal since then. */
static int64_t clear_since(
	const struct world *w, const struct conn_end *a, const struct conn_end *b)
{
	const struct path *there = &w->path[a->node->self][b->node->self];
	const struct path *back = &w->path[b->node->self][a->node->self];
	int64_t holes = later_of(there->hole_to, back->hole_to);
	return later_of(later_of(holes, there->refuse_to), w->calm ? w->calm_since : 0);
}

/* I45: of a session that was well for long enough; lines where a handshake may fail are left out.
 */
void calls_waited(struct world *w, const struct sim_conn *c, int end)
{
	const struct conn_end *from = &c->end[end], *to = &c->end[1 - end];
	int64_t held = c->pipe[end].held_from;
	bool talk = from->tenure.state == CONN_SESSION && to->tenure.state == CONN_SESSION &&
		from->node->peer[from->peer].session == c->id;
	bool flips = swarm_has(&w->swarm, FAULT_FLIP) && !w->calm;
	if (held == 0 || !talk || flips || swarm_has(&w->swarm, FAULT_SLOW) ||
		held - from->tenure.since.v < LIMIT_DIAL_HEALTHY_MS ||
		has_slept(from->node, held) || has_slept(to->node, held))
		return;
	int64_t clear = later_of(clear_since(w, from, to), held);
	if (w->now - clear > BACK_MS)
		oracle_fail(w, 45, "%s%d waits with TCP for a line to %s that is back for %lld ms",
			from->node->id->slug, from->node->self, to->node->id->slug,
			(long long)(w->now - clear));
	oracle_holds(45);
}
