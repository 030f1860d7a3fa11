/* What daemon/net/peers.c does around a replica, without sockets: dialling with its back-off, one
 * session a pair, a Bye before parting, room in the write queue. */
#include <string.h>

#include "tests/sim/ends.h"
#include "tests/sim/hostile.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"
#include "tests/sim/world.h"

static void chance_fill(void *self, void *p, uint32_t n)
{
	dice_fill(&((struct sim_node *)self)->dice, p, n);
}

static struct chance chance_of(struct sim_node *n)
{
	return (struct chance){chance_fill, n};
}

static struct mono_ms mono(const struct world *w)
{
	return (struct mono_ms){w->now};
}

void shell_start(struct world *w, struct sim_node *n)
{
	for (size_t i = 0; i < w->n_members; i++) {
		n->peer[i] = (struct sim_peer){0};
		dial_init(&n->peer[i].dial, mono(w), chance_of(n));
	}
}

bool shell_is_open(const struct sim_node *n)
{
	return node_is_up(n) && replica_roster(n->replica) != NULL;
}

/* ---- sessions begin and end ---- */

static int find_member(struct world *w, const struct sim_node *n, const uint8_t remote[KEY_BYTES])
{
	for (size_t i = 0; i < w->n_members; i++)
		if (memcmp(w->identity[i].noise.public, remote, KEY_BYTES) == 0)
			return (int)i == n->member || !ends_knows(n, (int)i) ? -1 : (int)i;
	return -1;
}

static bool opened_by_self(int end)
{
	return end == 0;
}

static struct conn_end *end_of(struct world *w, const struct sim_node *n, uint64_t id, int *end)
{
	struct sim_conn *c = id != 0 ? conn_find(w, id) : NULL;
	if (c == NULL)
		return NULL;
	*end = c->end[0].node == n ? 0 : 1;
	return &c->end[*end];
}

static bool wins(struct world *w, struct sim_node *n, int peer, int end)
{
	int old;
	struct conn_end *old_end = end_of(w, n, n->peer[peer].session, &old);
	if (old_end == NULL)
		return true;
	int64_t age = w->now - old_end->tenure.since.v;
	sometimes(SOMETIMES_DUPLICATE);
	if (opened_by_self(old) != opened_by_self(end))
		sometimes(SOMETIMES_BOTH_DIAL);
	return dial_new_wins(
		n->id->slug, w->identity[peer].slug, opened_by_self(old), opened_by_self(end), age);
}

bool shell_join(struct world *w, struct sim_conn *c, int end, const uint8_t remote[KEY_BYTES])
{
	struct conn_end *e = &c->end[end];
	struct sim_node *n = e->node;
	int peer = find_member(w, n, remote);
	if (peer < 0) {
		conn_close(w, c, end, "a key of no member");
		return false;
	}
	struct sim_peer *p = &n->peer[peer];
	e->peer = peer;
	if (!wins(w, n, peer, end)) {
		conn_close(w, c, end, "another session of this pair stays");
		return false;
	}
	if (!node_enter(w, n))
		return false;
	uint64_t old = p->session;
	p->session = c->id;
	p->lost = false;
	if (p->dialling == c->id)
		p->dialling = 0;
	dial_up(&p->dial, mono(w));
	pulse_init(&p->pulse, mono(w));
	world_trace(w, "up %s%d %s %llu", n->id->slug, n->self, w->identity[peer].slug,
		(unsigned long long)c->id);
	replica_link(n->replica, peer, LINK_UP, node_now(w, n));
	int old_end;
	if (end_of(w, n, old, &old_end) != NULL)
		conn_close(w, conn_find(w, old), old_end, "replaced by a newer session");
	return true;
}

static void dial_failed(struct world *w, struct sim_node *n, struct sim_peer *p, bool answered)
{
	p->dialling = 0;
	if (p->session != 0 && !p->pulse.lost)
		return;
	if (answered && p->session == 0)
		dial_down(&p->dial, mono(w), chance_of(n));
	else
		dial_unanswered(&p->dial, mono(w), chance_of(n));
}

void shell_part(struct world *w, struct sim_conn *c, int end)
{
	struct conn_end *e = &c->end[end];
	struct sim_node *n = e->node;
	if (e->peer < 0)
		return;
	struct sim_peer *p = &n->peer[e->peer];
	if (p->session == c->id) {
		p->session = 0;
		p->lost = true;
		dial_down(&p->dial, mono(w), chance_of(n));
	} else if (p->dialling == c->id) {
		dial_failed(w, n, p, e->tenure.state != CONN_DIALLING);
	}
}

void shell_drop_all(struct world *w, struct sim_node *n, const char *why)
{
	for (size_t i = 0; i < SIM_CONNS; i++)
		for (int end = 0; w->conn[i] != NULL && end < 2; end++)
			if (w->conn[i]->end[end].node == n)
				conn_close(w, w->conn[i], end, why);
	for (size_t i = 0; i < w->n_members; i++)
		n->peer[i].lost = false;
}

/* ---- with the replica ---- */

bool shell_has_lost(const struct sim_node *n)
{
	for (size_t i = 0; i < SIM_MEMBERS; i++)
		if (n->peer[i].lost)
			return true;
	return false;
}

void shell_report_lost(struct world *w, struct sim_node *n)
{
	for (size_t i = 0; i < w->n_members; i++) {
		if (!n->peer[i].lost)
			continue;
		if (!node_enter(w, n))
			return;
		n->peer[i].lost = false;
		replica_link(n->replica, (int)i, LINK_DOWN, node_now(w, n));
	}
}

static struct sim_conn *may_send(struct world *w, struct sim_node *n, size_t peer, int *end)
{
	struct conn_end *e = end_of(w, n, n->peer[peer].session, end);
	if (e == NULL || e->bye_written || !conn_has_room(w, e) ||
		(e->tenure.state != CONN_SESSION && e->tenure.state != CONN_LEAVING))
		return NULL;
	return conn_find(w, n->peer[peer].session);
}

void shell_send(struct world *w, struct sim_node *n)
{
	for (size_t i = 0; i < w->n_members; i++) {
		int end;
		struct sim_conn *c;
		struct outbound out;
		while (node_is_up(n) && !n->in_group && (c = may_send(w, n, i, &end)) != NULL &&
			replica_next_out(n->replica, (int)i, &out)) {
			if (hostile_sends(w, c, end, &out))
				continue;
			if (world_is_honest(w, n->member))
				oracle_message(w, n, &out.msg, c->id);
			repeats_said(w, c, end, &out.msg);
			conn_send(w, c, end, &out);
		}
	}
}

/* ---- time ---- */

static bool may_dial(const struct sim_node *n, size_t i)
{
	const struct sim_peer *p = &n->peer[i];
	return (int)i != n->member && shell_is_open(n) && ends_knows(n, (int)i) &&
		(p->session == 0 || p->pulse.lost) && p->dialling == 0;
}

int64_t shell_deadline(struct world *w, struct sim_node *n)
{
	int64_t at = n->full ? n->full_to : SIM_NEVER;
	for (size_t i = 0; i < SIM_CONNS; i++)
		for (int end = 0; w->conn[i] != NULL && end < 2; end++) {
			struct conn_end *e = &w->conn[i]->end[end];
			int64_t due = e->node == n ? conn_deadline(e).v : SIM_NEVER;
			at = due < at ? due : at;
		}
	for (size_t i = 0; i < w->n_members; i++) {
		int end;
		struct conn_end *e = end_of(w, n, n->peer[i].session, &end);
		int64_t pulse = e != NULL ? pulse_deadline(&n->peer[i].pulse, e->bytes_out).v : at;
		at = pulse < at ? pulse : at;
		if (may_dial(n, i) && n->peer[i].dial.at.v < at)
			at = n->peer[i].dial.at.v;
	}
	return at;
}

/* A session that may only be waiting for its line stays; another is tried beside it. */
static void feel_pulse(struct world *w, struct sim_node *n, struct sim_peer *p)
{
	int end;
	struct conn_end *e = end_of(w, n, p->session, &end);
	if (e == NULL || w->now < pulse_deadline(&p->pulse, e->bytes_out).v)
		return;
	bool was_lost = p->pulse.lost;
	struct pulse_line line = conn_pulse(w, conn_find(w, p->session), end);
	pulse_look(&p->pulse, e->bytes_out, &line, mono(w));
	if (p->pulse.lost && !was_lost)
		sometimes(SOMETIMES_HALF_OPEN);
	if (p->pulse.lost && !was_lost && p->dialling == 0)
		dial_unanswered(&p->dial, mono(w), chance_of(n));
}

void shell_on_time(struct world *w, struct sim_node *n)
{
	for (size_t i = 0; i < SIM_CONNS; i++)
		for (int end = 0; w->conn[i] != NULL && end < 2; end++)
			if (w->conn[i]->end[end].node == n)
				conn_on_time(w, w->conn[i], end);
	/* Announcements were passed over meanwhile: new sessions say them again. */
	if (n->full && w->now >= n->full_to) {
		n->full = false;
		replica_set_full(n->replica, false);
		shell_drop_all(w, n, "there may be room on the disk again");
	}
	for (size_t i = 0; i < w->n_members; i++) {
		feel_pulse(w, n, &n->peer[i]);
		if (!may_dial(n, i) || !dial_is_due(&n->peer[i].dial, mono(w)))
			continue;
		dial_started(&n->peer[i].dial);
		n->peer[i].dialling = conn_dial(w, n, (int)i);
	}
}
