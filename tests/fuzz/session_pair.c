#include <stdlib.h>
#include <string.h>

#include "proto/wire/packet.h"
#include "tests/fuzz/session.h"

#define CALM_MS 240000 /* a peer may make us look back once a minute, and says a fork twice */
#define CALM_STEP_MS 2000

int pair_member(size_t side)
{
	return side == 0 ? OFFICE : JIANGSU;
}

void pair_init(struct pair *p, const struct cluster *c)
{
	*p = (struct pair){.c = c};
	for (size_t i = 0; i < SIDES; i++) {
		struct node *n = &p->node[i];
		node_init(n, c, pair_member(i));
		ENSURE(node_delegate(n, &c->member[n->self].operator[0], NULL, 0) == RC_OK);
		p->own[i] = 2;
	}
}

static void clear_line(struct line *l)
{
	for (size_t i = 0; i < l->n; i++)
		buf_release(&l->item[i]);
	l->n = 0;
}

void pair_release(struct pair *p)
{
	for (size_t i = 0; i < SIDES; i++) {
		node_release(&p->node[i]);
		clear_line(&p->to[i]);
	}
	buf_release(&p->heard);
}

/* ---- sessions ---- */

static void link_side(struct pair *p, size_t side, int peer, enum link_event ev)
{
	ENSURE(node_link(&p->node[side], peer, ev) == RC_OK);
}

void pair_cut(struct pair *p, size_t side)
{
	if (p->up[side])
		link_side(p, side, pair_member(1 - side), LINK_DOWN);
	p->up[side] = false;
}

void pair_connect(struct pair *p)
{
	for (size_t i = 0; i < SIDES; i++) {
		clear_line(&p->to[i]);
		link_side(p, i, pair_member(1 - i), LINK_UP);
		p->up[i] = true;
	}
}

void pair_connect_liar(struct pair *p, size_t side)
{
	link_side(p, side, LIAR, LINK_UP);
	p->liar_up[side] = true;
}

static void cut_liar(struct pair *p, size_t side)
{
	if (p->liar_up[side])
		link_side(p, side, LIAR, LINK_DOWN);
	p->liar_up[side] = false;
}

/* ---- what is under way ---- */

void pair_put(struct pair *p, size_t side, struct bytes envelope)
{
	struct line *l = &p->to[side];
	if (l->n == QUEUE_MAX)
		return;
	l->item[l->n] = (struct buf){0};
	buf_put_bytes(&l->item[l->n++], envelope);
}

bool pair_take(struct pair *p, size_t side, size_t i, struct buf *out)
{
	struct line *l = &p->to[side];
	if (l->n == 0)
		return false;
	i %= l->n;
	*out = l->item[i];
	memmove(&l->item[i], &l->item[i + 1], (l->n - i - 1) * sizeof(*l->item));
	l->n--;
	return true;
}

static void pump_side(struct pair *p, size_t side)
{
	struct outbound out;
	bool bye = false, liar_bye = false;
	while (p->up[side] && !bye &&
		replica_next_out(p->node[side].replica, pair_member(1 - side), &out)) {
		struct buf envelope = {0};
		message_encode(&out.msg, &envelope);
		pair_put(p, 1 - side, buf_bytes(&envelope));
		buf_release(&envelope);
		bye = out.last;
	}
	while (p->liar_up[side] && !liar_bye && replica_next_out(p->node[side].replica, LIAR, &out))
		liar_bye = out.last;
	if (bye)
		pair_cut(p, side);
	if (liar_bye)
		cut_liar(p, side);
}

void pair_pump(struct pair *p)
{
	for (size_t i = 0; i < SIDES; i++)
		pump_side(p, i);
}

/* ---- arrival ---- */

static uint8_t room[MESSAGE_ARENA];

int pair_receive(struct pair *p, size_t side, int from, struct bytes envelope)
{
	struct node *n = &p->node[side];
	struct arena a;
	struct message m;
	struct err e = {0};
	if (from == LIAR ? !p->liar_up[side] : !p->up[side])
		return RC_OK;
	arena_init(&a, room, sizeof(room));
	int rc = message_decode(envelope, &a, &m, &e);
	if (rc == RC_OK)
		rc = node_recv(n, from, &m);
	else
		replica_refuse(n->replica, from, &e);
	ENSURE(rc == RC_OK || (n->e.text[0] != '\0' || e.text[0] != '\0'));
	buf_reset(&p->heard);
	buf_put_bytes(&p->heard, envelope);
	return rc;
}

static void put_frames(struct bytes envelope, struct buf *out)
{
	size_t offset = 0;
	for (bool more = true; more;) {
		struct buf packet = {0};
		more = packet_next(envelope, &offset, &packet);
		buf_put_u16be(out, (uint16_t)packet.n);
		buf_put_bytes(out, buf_bytes(&packet));
		buf_release(&packet);
	}
}

/* All that comes out of the frames; false: they are none, and the line is closed. */
static bool receive_stream(struct pair *p, size_t side, struct bytes in)
{
	struct packet_joiner j = {0};
	struct bytes plain;
	struct err e = {0};
	int n, rc = RC_OK;
	while (rc == RC_OK && (n = frame_split_u16(in, PACKET_MAX, &plain, &e)) > 0) {
		rc = packet_join(&j, plain, &e);
		if (rc == RC_OK && j.done) {
			(void)pair_receive(p, side, pair_member(1 - side), buf_bytes(&j.envelope));
			packet_joiner_next(&j);
		}
		in = bytes_of(in.p + n, in.n - (size_t)n);
	}
	packet_joiner_release(&j);
	return rc == RC_OK && n >= 0;
}

void pair_receive_frames(struct pair *p, size_t side, struct bytes envelope, size_t at, uint8_t by)
{
	struct buf stream = {0};
	put_frames(envelope, &stream);
	stream.p[at % stream.n] ^= by;
	if (!receive_stream(p, side, buf_bytes(&stream))) {
		pair_cut(p, 0);
		pair_cut(p, 1);
	}
	buf_release(&stream);
}

/* ---- time ---- */

void pair_pass(struct pair *p, int64_t ms)
{
	for (size_t i = 0; i < SIDES; i++)
		ENSURE(node_pass(&p->node[i], ms) == RC_OK);
}

void pair_restart(struct pair *p, size_t side)
{
	p->up[side] = p->liar_up[side] = false;
	ENSURE(node_restart(&p->node[side]) == RC_OK);
}

static bool deliver_all(struct pair *p)
{
	struct buf envelope;
	bool moved = false;
	pair_pump(p);
	for (size_t side = 0; side < SIDES; side++)
		while (pair_take(p, side, 0, &envelope)) {
			/* What an honest node says in a session of its own is never refused. */
			ENSURE(pair_receive(p, side, pair_member(1 - side), buf_bytes(&envelope)) ==
				RC_OK);
			buf_release(&envelope);
			moved = true;
		}
	return moved;
}

static int64_t until_next_deadline(struct pair *p)
{
	int64_t ms = CALM_STEP_MS;
	for (size_t i = 0; i < SIDES; i++) {
		int64_t left = replica_deadline(p->node[i].replica).v - p->node[i].now.mono.v;
		ms = left < ms ? left : ms;
	}
	return ms > 1 ? ms : 1;
}

void pair_settle(struct pair *p)
{
	int64_t end = p->node[0].now.mono.v + CALM_MS;
	for (size_t i = 0; i < SIDES; i++) {
		pair_cut(p, i);
		cut_liar(p, i);
	}
	do {
		if (!p->up[0] || !p->up[1])
			pair_connect(p);
		while (deliver_all(p))
			;
		pair_pass(p, until_next_deadline(p));
	} while (!oracle_is_settled(p) && p->node[0].now.mono.v < end);
	ENSURE(oracle_is_settled(p));
}
