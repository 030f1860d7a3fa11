/* What daemon/net/peers.c does around a replica, without sockets: dialling with its back-off, one
 * session a pair, a Bye before parting, room in the write queue. */
#include <string.h>

#include "tests/sim/calls.h"
#include "tests/sim/ends.h"
#include "tests/sim/hostile.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"
#include "tests/sim/talk.h"
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
		contact_init(&n->peer[i].contact, mono(w), chance_of(n));
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
	int old_end;
	struct sim_conn *before =
		end_of(w, n, p->session, &old_end) != NULL ? conn_find(w, p->session) : NULL;
	bool stays = wins(w, n, peer, end);
	if (before != NULL)
		calls_chose(w, stays ? c : before, stays ? before : c, n, !stays);
	if (!stays) {
		conn_close(w, c, end, "another session of this pair stays");
		return false;
	}
	if (!node_enter(w, n))
		return false;
	p->session = c->id;
	p->lost = false;
	calls_went_on(n, peer);
	if (p->dialling == c->id)
		p->dialling = 0;
	contact_up(&p->contact, mono(w));
	world_trace(w, "up %s%d %s %llu", n->id->slug, n->self, w->identity[peer].slug,
		(unsigned long long)c->id);
	replica_link(n->replica, peer, LINK_UP, node_now(w, n));
	if (before != NULL)
		conn_close(w, before, old_end, "replaced by a newer session");
	return true;
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
		calls_went_on(n, e->peer);
		contact_down(&p->contact, mono(w), chance_of(n));
	} else if (p->dialling == c->id) {
		bool answered = e->tenure.state != CONN_DIALLING;
		p->dialling = 0;
		(void)contact_failed(&p->contact, p->session != 0, answered, mono(w), chance_of(n));
		calls_failed(w, n, e->peer, answered);
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
			if (hostile_sends(w, c, end, &out) || talk_sends(w, c, end))
				continue;
			if (world_is_honest(w, n->member))
				oracle_message(w, n, &out.msg, c->id);
			repeats_said(w, c, end, &out.msg);
			calls_queue(w, c, end);
			conn_send(w, c, end, &out);
		}
	}
}

/* ---- time ---- */

static struct contact_line line_of(struct world *w, const struct sim_node *n, size_t i)
{
	const struct sim_peer *p = &n->peer[i];
	int end;
	const struct conn_end *e = end_of(w, n, p->session, &end);
	return (struct contact_line){
		.address = (int)i != n->member && shell_is_open(n) && ends_knows(n, (int)i),
		.session = e != NULL,
		.dialling = p->dialling != 0,
		.written = e != NULL ? e->bytes_out : 0};
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
		struct contact_line line = line_of(w, n, i);
		int64_t due = contact_deadline(&n->peer[i].contact, &line).v;
		at = due < at ? due : at;
	}
	return at;
}

static void feel_pulse(struct world *w, struct sim_node *n, size_t i)
{
	struct sim_peer *p = &n->peer[i];
	struct contact_line line = line_of(w, n, i);
	int end = 0;
	if (!contact_feels(&p->contact, &line, mono(w)))
		return;
	(void)end_of(w, n, p->session, &end);
	struct pulse_line kernel = conn_pulse(w, conn_find(w, p->session), end);
	bool was_lost = p->contact.pulse.lost;
	contact_feel(&p->contact, &line, &kernel, mono(w), chance_of(n));
	if (p->contact.pulse.lost && !was_lost)
		sometimes(SOMETIMES_HALF_OPEN);
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
		feel_pulse(w, n, i);
		struct contact_line line = line_of(w, n, i);
		if (!contact_is_due(&n->peer[i].contact, &line, mono(w)))
			continue;
		calls_dialled(w, n, (int)i, n->peer[i].contact.dial.at.v);
		dial_started(&n->peer[i].contact.dial);
		n->peer[i].dialling = conn_dial(w, n, (int)i);
	}
}
