#include "tests/sim/conn.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/calls.h"
#include "tests/sim/hostile.h"
#include "tests/sim/oracle.h"
#include "tests/sim/pipe.h"
#include "tests/sim/sometimes.h"
#include "tests/sim/talk.h"

#define FIN_LATE_MS 1
/* After so long TCP has tried again four times: each wait is twice as long as the one before. */
#define RETRIES_MS 3000
#define RETRY_MS 200
/* So many dials bring their first bytes one by one, too slowly for any handshake. */
#define TRICKLES_PERCENT 4
#define TRICKLE_MIN_MS 200
#define TRICKLE_MAX_MS 4000
#define RETRY_MAX_MS 120000

/* What deltad.conf says unless it is told otherwise. */
static const struct net_limits limits = {.handshake_ms = LIMIT_HANDSHAKE_MS,
	.frame_ms = LIMIT_FRAME_MS,
	.write_pause_kib = LIMIT_WRITE_PAUSE_BYTES / 1024,
	.write_stall_ms = LIMIT_WRITE_STALL_MS,
	.session_minutes = LIMIT_SESSION_MS / 60000};

static struct mono_ms mono(const struct world *w)
{
	return (struct mono_ms){w->now};
}

struct sim_conn *conn_find(struct world *w, uint64_t id)
{
	struct sim_conn *c = w->conn[id % SIM_CONNS];
	return c != NULL && c->id == id ? c : NULL;
}

static struct path *path_from(struct world *w, const struct sim_conn *c, int end)
{
	return &w->path[c->end[end].node->self][c->end[1 - end].node->self];
}

static bool is_open(const struct conn_end *e)
{
	return e->tenure.state != CONN_CLOSED;
}

static void end_move(struct world *w, struct conn_end *e, enum conn_state to)
{
	tenure_move(&e->tenure, to, mono(w));
}

static int64_t latency(struct world *w, const struct path *p)
{
	return dice_range(&w->wires, p->delay_min, p->delay_max);
}

/* ---- beginning ---- */

static struct sim_conn *conn_new(struct world *w)
{
	uint64_t id;
	do
		id = ++w->conn_serial;
	while (w->conn[id % SIM_CONNS] != NULL || id % SIM_CONNS == 0);
	struct sim_conn *c = xalloc(sizeof(*c));
	c->id = id;
	w->conn[id % SIM_CONNS] = c;
	return c;
}

static void end_init(struct world *w, struct conn_end *e, struct sim_node *n, bool dialled,
	const uint8_t *remote)
{
	uint8_t ephemeral[KEY_BYTES];
	dice_fill(&n->dice, ephemeral, sizeof(ephemeral));
	*e = (struct conn_end){.node = n, .life = n->life, .peer = -1, .begun = w->now};
	tenure_begin(&e->tenure, dialled, mono(w));
	line_init(&e->line, swarm_has(&w->swarm, FAULT_NOISE), &w->cluster_id, &n->id->noise,
		remote, ephemeral);
}

uint64_t conn_dial(struct world *w, struct sim_node *n, int member)
{
	struct sim_conn *c = conn_new(w);
	struct sim_node *to = world_node_of(w, member);
	end_init(w, &c->end[0], n, true, w->identity[member].noise.public);
	c->end[0].peer = member;
	c->end[1] = (struct conn_end){.node = to, .peer = -1, .tenure.state = CONN_CLOSED};
	if (swarm_has(&w->swarm, FAULT_TCP) && !w->calm && dice_percent(&w->tcp, TRICKLES_PERCENT))
		c->pipe[0].trickle_ms = dice_range(&w->tcp, TRICKLE_MIN_MS, TRICKLE_MAX_MS);
	world_trace(w, "dial %s%d %s %llu", n->id->slug, n->self, to->id->slug,
		(unsigned long long)c->id);
	int64_t late = latency(w, path_from(w, c, 0));
	queue_add(w, w->now + late, SIM_SYN, 1, c->id);
	return c->id;
}

void conn_on_syn(struct world *w, struct sim_conn *c)
{
	struct sim_node *n = c->end[1].node;
	struct path *there = path_from(w, c, 0), *back = path_from(w, c, 1);
	if (w->now < there->hole_to || n->power == NODE_OFF)
		return;
	int64_t late = latency(w, back);
	if (!shell_is_open(n) || w->now < there->refuse_to) {
		queue_add(w, w->now + late, SIM_REFUSED, 0, c->id);
		return;
	}
	end_init(w, &c->end[1], n, false, NULL);
	queue_add(w, w->now + late, SIM_ACCEPTED, 0, c->id);
}

/* The line moves: a sign of life, even while no whole message gets through. */
static void line_moved(struct world *w, struct conn_end *e)
{
	if (e->tenure.state == CONN_SESSION && node_is_up(e->node) && e->life == e->node->life)
		replica_heard(e->node->replica, e->peer, node_now(w, e->node));
}

static void end_write(struct world *w, struct sim_conn *c, int end, struct buf *bytes)
{
	struct conn_end *e = &c->end[end];
	if (bytes->n > 0 && is_open(e)) {
		struct pipe *p = &c->pipe[end];
		e->bytes_out += bytes->n;
		w->wire_bytes += bytes->n;
		pipe_write(w, p, path_from(w, c, end), buf_bytes(bytes), 1 - end, c->id);
		(void)drain_look(&e->tenure.drain, pipe_queued(p), true, mono(w));
		if (pipe_queued(p) > LIMIT_WRITE_CLOSE_BYTES + LIMIT_ENVELOPE_BYTES)
			oracle_fail(
				w, 15, "%s queues %zu bytes", e->node->id->slug, pipe_queued(p));
		oracle_holds(15);
	}
	buf_release(bytes);
}

static void end_pump(struct world *w, struct sim_conn *c, int end);

void conn_on_accepted(struct world *w, struct sim_conn *c)
{
	struct conn_end *e = &c->end[0];
	if (w->now < path_from(w, c, 1)->hole_to)
		return;
	if (e->tenure.state != CONN_DIALLING) {
		queue_add(w, w->now + 1, SIM_FIN, 1, c->id);
		return;
	}
	struct buf out = {0};
	end_move(w, e, CONN_HANDSHAKE);
	line_start(&e->line, &out);
	end_write(w, c, 0, &out);
	if (!e->line.noise)
		end_pump(w, c, 0);
}

void conn_on_refused(struct world *w, struct sim_conn *c)
{
	if (c->end[0].tenure.state == CONN_DIALLING)
		conn_close(w, c, 0, "refused");
}

/* ---- the end ---- */

static void tell_other(struct world *w, struct sim_conn *c, int end)
{
	int64_t sent = pipe_last_sent(&c->pipe[end]);
	int64_t late = path_from(w, c, end)->delay_max + FIN_LATE_MS;
	if (is_open(&c->end[1 - end]))
		queue_add(w, (sent > w->now ? sent : w->now) + late, SIM_FIN, 1 - end, c->id);
}

void conn_close(struct world *w, struct sim_conn *c, int end, const char *why)
{
	struct conn_end *e = &c->end[end];
	if (!is_open(e))
		return;
	world_trace(w, "close %s%d %llu %s", e->node->id->slug, e->node->self,
		(unsigned long long)c->id, why);
	if (line_is_midframe(&e->line))
		sometimes(SOMETIMES_RESET_IN_FRAME);
	shell_part(w, c, end);
	end_move(w, e, CONN_CLOSED);
	line_release(&e->line);
	pipe_keep_sent(&c->pipe[end], w->now);
	tell_other(w, c, end);
}

void conn_close_all(struct world *w, struct sim_node *n, bool silent)
{
	for (size_t i = 0; i < SIM_CONNS; i++) {
		struct sim_conn *c = w->conn[i];
		for (int end = 0; c != NULL && end < 2; end++) {
			struct conn_end *e = &c->end[end];
			if (e->node != n || !is_open(e))
				continue;
			end_move(w, e, CONN_CLOSED);
			line_release(&e->line);
			if (silent)
				pipe_break(&c->pipe[end]);
			else
				pipe_keep_sent(&c->pipe[end], w->now);
			if (!silent)
				tell_other(w, c, end);
		}
	}
}

void conn_reset(struct world *w, struct sim_conn *c)
{
	for (int end = 0; end < 2; end++) {
		pipe_break(&c->pipe[end]);
		if (is_open(&c->end[end]))
			queue_add(w, w->now + end, SIM_RESET, end, c->id);
	}
}

void conn_on_fin(struct world *w, struct sim_conn *c, int end)
{
	struct conn_end *e = &c->end[end];
	const struct pipe *p = &c->pipe[1 - end];
	if (!is_open(e) || e->node->power == NODE_OFF)
		return;
	if (w->now < p->held_to)
		queue_add(w, p->held_to, SIM_FIN, end, c->id);
	else if (w->now < path_from(w, c, 1 - end)->hole_to)
		queue_add(w, path_from(w, c, 1 - end)->hole_to, SIM_FIN, end, c->id);
	else
		conn_close(w, c, end, "closed by the other side");
}

void conn_on_reset(struct world *w, struct sim_conn *c, int end)
{
	if (c->end[end].node->power != NODE_OFF)
		conn_close(w, c, end, "reset");
}

void conn_reap(struct world *w)
{
	for (size_t i = 0; i < SIM_CONNS; i++) {
		struct sim_conn *c = w->conn[i];
		if (c == NULL || is_open(&c->end[0]) || is_open(&c->end[1]))
			continue;
		pipe_release(&c->pipe[0]);
		pipe_release(&c->pipe[1]);
		free(c);
		w->conn[i] = NULL;
	}
}

void conn_free_all(struct world *w)
{
	for (size_t i = 0; i < SIM_CONNS; i++)
		for (int end = 0; w->conn[i] != NULL && end < 2; end++)
			if (is_open(&w->conn[i]->end[end])) {
				line_release(&w->conn[i]->end[end].line);
				w->conn[i]->end[end].tenure.state = CONN_CLOSED;
			}
	conn_reap(w);
}

/* ---- writing ---- */

bool conn_has_room(const struct world *w, const struct conn_end *e)
{
	bool room = tenure_has_room(&e->tenure, &limits, mono(w));
	if (!room)
		sometimes(SOMETIMES_WRITE_PAUSED);
	return room;
}

void conn_send_raw(struct world *w, struct sim_conn *c, int end, struct bytes envelope)
{
	struct buf out = {0};
	if (envelope.n > PACKET_DATA_MAX)
		sometimes(SOMETIMES_FULL_FRAME);
	line_send(&c->end[end].line, envelope, &out);
	end_write(w, c, end, &out);
	if (c->end[end].tenure.drain.queued > LIMIT_WRITE_CLOSE_BYTES)
		conn_close(w, c, end, "its write queue is over the limit");
}

void conn_send_part(struct world *w, struct sim_conn *c, int end, struct bytes part)
{
	struct buf out = {0};
	line_send_part(&c->end[end].line, part, &out);
	end_write(w, c, end, &out);
}

void conn_send(struct world *w, struct sim_conn *c, int end, const struct outbound *out)
{
	struct conn_end *e = &c->end[end];
	ENSURE(e->tenure.state == CONN_SESSION || e->tenure.state == CONN_LEAVING);
	if (out->last && bytes_equal(out->msg.bye.code, bytes_str(rc_id(RC_UNREACHABLE)))) {
		sometimes(SOMETIMES_HALF_OPEN);
		calls_waited(w, c, end);
	}
	if (out->last && e->tenure.state == CONN_SESSION)
		end_move(w, e, CONN_LEAVING);
	e->bye_written |= out->last;
	struct buf envelope = {0};
	message_encode(&out->msg, &envelope);
	world_trace(w, "send %s%d %llu %s %zu", e->node->id->slug, e->node->self,
		(unsigned long long)c->id, message_kind_name(out->msg.kind), envelope.n);
	conn_send_raw(w, c, end, buf_bytes(&envelope));
	buf_release(&envelope);
	if (e->bye_written && e->tenure.state == CONN_LEAVING && e->tenure.drain.queued == 0)
		conn_close(w, c, end, "said goodbye");
}

void conn_say_bye(struct world *w, struct sim_conn *c, int end, int rc, const char *text)
{
	struct outbound out = {.last = true};
	if (c->end[end].tenure.state != CONN_SESSION) {
		conn_close(w, c, end, text);
		return;
	}
	out.msg.kind = MESSAGE_BYE;
	out.msg.bye.code = rc != RC_OK ? bytes_str(rc_id(rc)) : (struct bytes){0};
	out.msg.bye.text = bytes_str(text);
	conn_send(w, c, end, &out);
}

/* ---- reading ---- */

static bool stores_something(enum message_kind kind)
{
	return kind == MESSAGE_ROSTER || kind == MESSAGE_HEAD || kind == MESSAGE_LEAVES ||
		kind == MESSAGE_COSIGNATURE || kind == MESSAGE_EVIDENCE;
}

static void deliver(struct world *w, struct sim_conn *c, int end, struct fed *f)
{
	struct conn_end *e = &c->end[end];
	struct sim_node *n = e->node;
	struct err err = {0};
	if ((n->full && stores_something(f->m.kind)) || !node_enter(w, n))
		return;
	world_trace(w, "recv %s%d %llu %s", n->id->slug, n->self, (unsigned long long)c->id,
		message_kind_name(f->m.kind));
	meet_message(w, n, e->peer, &f->m);
	uint64_t looked = versions_looked_at(), read = node_read_whole();
	int rc = replica_recv(n->replica, e->peer, &f->m, &f->batch, node_now(w, n), &err);
	looked = versions_looked_at() - looked;
	if (f->m.kind == MESSAGE_HEAD && node_read_whole() > read)
		meet_looked_back(w, n, e->peer, f->m.note);
	if (rc != RC_OK)
		meet_refused(w, n, &f->m);
	if (rc != RC_OK)
		oracle_refusal(w, n, c, end, rc, &err);
	if (!node_survives(w, n, rc, &err))
		return;
	if (rc != RC_OK && f->m.kind == MESSAGE_HELLO)
		n->peer[e->peer].roster_version = 0; /* nobody knows what was taken of it */
	else
		versions_heard(w, n, e->peer, &f->m, looked);
	witness_heard(w, n, e->peer, f->m.kind);
	if (rc != RC_OK && e->tenure.state == CONN_SESSION)
		end_move(w, e, CONN_LEAVING);
}

static void got_envelope(struct world *w, struct sim_conn *c, int end)
{
	struct conn_end *e = &c->end[end];
	struct err err = {0};
	struct fed f;
	w->messages++;
	if (hostile_takes(w, c, end, line_envelope(&e->line)) ||
		talk_takes(w, c, end, line_envelope(&e->line)))
		return;
	int rc = feed_decode(w, line_envelope(&e->line), e->node->lazy, &f, &err);
	if (rc == RC_OK)
		deliver(w, c, end, &f);
	else if (e->tenure.state == CONN_SESSION) {
		oracle_refusal(w, e->node, c, end, rc, &err);
		conn_say_bye(w, c, end, rc, err.text);
	}
	feed_release(w, &f);
}

static void got(struct world *w, struct sim_conn *c, int end, int what, struct err *err)
{
	struct conn_end *e = &c->end[end];
	if (what == CHANNEL_AUTHENTICATED) {
		calls_shake_hands(w, e);
		uint8_t remote[KEY_BYTES];
		memcpy(remote, line_remote(&e->line), sizeof(remote));
		if (shell_join(w, c, end, remote))
			end_move(w, e, CONN_SESSION);
	} else if (what == CHANNEL_ENVELOPE) {
		got_envelope(w, c, end);
	} else {
		oracle_refusal(w, e->node, c, end, what, err);
		conn_close(w, c, end, err->text);
	}
}

static bool listens(const struct conn_end *e)
{
	return (e->tenure.state == CONN_HANDSHAKE || e->tenure.state == CONN_SESSION) &&
		node_is_up(e->node) && e->life == e->node->life;
}

static void end_pump(struct world *w, struct sim_conn *c, int end)
{
	struct conn_end *e = &c->end[end];
	size_t used = line_used(&e->line);
	while (listens(e)) {
		struct buf out = {0};
		struct err err = {0};
		int what = line_next(&e->line, &out, &err);
		end_write(w, c, end, &out);
		if (what == CHANNEL_NOTHING)
			break;
		got(w, c, end, what, &err);
	}
	if (!listens(e))
		return;
	tenure_frame(&e->tenure, line_is_midframe(&e->line), line_used(&e->line) != used, mono(w));
}

static int64_t next_try(int64_t from, int64_t not_before)
{
	int64_t at = from, wait = RETRY_MS;
	while (at < not_before) {
		at += wait;
		wait = 2 * wait < RETRY_MAX_MS ? 2 * wait : RETRY_MAX_MS;
	}
	return at;
}

/* When to try again to bring what comes next from this end; 0 = it comes now. */
static int64_t held_to(struct world *w, struct pipe *p, const struct path *path)
{
	bool doubles = swarm_has(&w->swarm, FAULT_TCP) && path->hole_to != SIM_NEVER;
	if (w->now < p->held_to)
		return p->held_to;
	if (w->now >= path->hole_to)
		return 0;
	if (!doubles)
		return path->hole_to;
	if (p->held_from == 0)
		p->held_from = w->now;
	p->held_to = next_try(p->held_from, path->hole_to);
	return p->held_to;
}

static void flip_a_bit(struct world *w, struct path *p, struct conn_end *e, uint8_t *b, size_t n)
{
	if (p->flip_ppm == 0 || w->calm || n == 0)
		return;
	uint64_t draw = dice_u64(&w->wires);
	if (draw % 1000000 >= p->flip_ppm)
		return;
	size_t at = dice_index(&w->wires, n * 8);
	b[at / 8] ^= (uint8_t)(1 << at % 8);
	p->flips++;
	e->flipped = true;
	w->flips++;
	world_trace(w, "flip %s%d", e->node->id->slug, e->node->self);
}

void conn_on_chunk(struct world *w, struct sim_conn *c, int end)
{
	struct conn_end *e = &c->end[end], *from = &c->end[1 - end];
	struct pipe *p = &c->pipe[1 - end];
	struct path *path = path_from(w, c, 1 - end);
	if (pipe_is_empty(p) || e->node->power == NODE_OFF || (e->deaf && is_open(e)))
		return;
	int64_t later = held_to(w, p, path);
	if (later > 0) {
		queue_add(w, later, SIM_CHUNK, end, c->id);
		return;
	}
	if (p->held_from != 0)
		calls_waited(w, c, 1 - end);
	p->held_from = p->held_to = 0;
	struct buf bytes = {0};
	bool waited = from->tenure.drain.queued > 0;
	pipe_take(p, w->now, &bytes);
	if (is_open(from) && drain_look(&from->tenure.drain, pipe_queued(p), false, mono(w)))
		line_moved(w, from);
	if (!is_open(e)) {
		tell_other(w, c, end);
	} else if (listens(e)) {
		flip_a_bit(w, path, e, bytes.p, bytes.n);
		bool step = tenure_received(&e->tenure, bytes.n, mono(w));
		line_feed(&e->line, buf_bytes(&bytes));
		end_pump(w, c, end);
		if (step && listens(e) && line_is_midmessage(&e->line))
			line_moved(w, e);
	}
	buf_release(&bytes);
	if (is_open(from) && waited)
		node_settle(w, from->node);
}

struct pulse_line conn_pulse(struct world *w, const struct sim_conn *c, int end)
{
	struct path *there = path_from(w, c, end), *back = path_from(w, c, 1 - end);
	int64_t held_from = c->pipe[end].held_from;
	bool lost = (w->now < there->hole_to && w->now - there->hole_from > RETRIES_MS) ||
		(w->now < back->hole_to && w->now - back->hole_from > RETRIES_MS) ||
		(held_from != 0 && w->now - held_from > RETRIES_MS);
	return (struct pulse_line){.unacknowledged = !pipe_is_empty(&c->pipe[end]),
		.retries = lost ? PULSE_LOST_RETRIES : 0};
}

/* ---- time ---- */

struct mono_ms conn_deadline(const struct conn_end *e)
{
	return tenure_deadline(&e->tenure, &limits);
}

void conn_on_time(struct world *w, struct sim_conn *c, int end)
{
	calls_shake_hands(w, &c->end[end]);
	enum tenure_end over = tenure_ended(&c->end[end].tenure, &limits, mono(w));
	if (over == TENURE_STALLED)
		sometimes(SOMETIMES_WRITE_STALLED);
	if (over == TENURE_OLD)
		conn_say_bye(w, c, end, RC_OK, tenure_end_text(over));
	else if (over != TENURE_GOES_ON)
		conn_close(w, c, end, tenure_end_text(over));
}
