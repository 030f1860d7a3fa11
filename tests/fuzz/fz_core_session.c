/* Two honest nodes, with the input as the network between them and as a member who lies: whatever
 * is dropped, repeated, reordered, cut, changed or forged, nothing crashes, each node holds only
 * what its author signed, and left alone the two hold the same. Leaves, heads and bodies that the
 * input changes are signed anew, so that it gets past the signatures. */
#include <string.h>

#include "tests/fuzz/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPS_MAX 200
#define YEAR_MS (365 * INT64_C(86400000))

static struct cluster cluster;

static void start(void)
{
	if (cluster.n == 0)
		cluster_init_fixed(&cluster);
}

/* ---- what the honest write ---- */

/* may_repeat: the same may have been said before, which changes nothing. */
static void wrote(
	struct pair *p, struct liar *l, size_t side, int rc, const struct hash *id, bool may_repeat)
{
	if (rc != RC_OK)
		return;
	uint64_t size = node_size(&p->node[side], node_origin(&p->node[side]));
	if (!may_repeat || size > p->own[side])
		p->own[side]++;
	liar_learn(l, id);
}

static void write_honestly(struct pair *p, struct liar *l, size_t side, struct reader *in)
{
	static const char *const leads[] = {"jiangsu", "zhejiang", "office"};
	struct hash id, before;
	uint8_t what = reader_u8(in);
	const struct hash *named = liar_id(l, reader_u8(in));
	struct write w = {.task = what & 8 ? "1-01" : "3-05", .nonce = what & 16 ? 5 : 0};
	if (named != NULL && what & 32) {
		before = *named;
		w.supersedes = &before;
		w.n_supersedes = 1;
	}
	switch (what % 4) {
	case 0: w.value = value_task(leads[(what >> 6) % 3]); break;
	case 1:
		w.value = value_report(what >> 4);
		w.under = named;
		break;
	default: w.value = value_note("from an honest one"); break;
	}
	wrote(p, l, side, node_write(&p->node[side], w, &id), &id, w.nonce != 0);
}

static void manage_operators(struct pair *p, struct liar *l, size_t side, struct reader *in)
{
	struct node *n = &p->node[side];
	uint8_t what = reader_u8(in);
	const struct key *k = &p->c->member[n->self].operator[what & 1];
	struct hash none = {{0}};
	int rc = what & 2 ? node_revoke(n, k, reader_u8(in))
			  : node_delegate(n, k, NULL, reader_u8(in));
	wrote(p, l, side, rc, &none, false);
}

/* ---- what the network does ---- */

static void deliver(struct pair *p, size_t side, size_t i)
{
	struct buf envelope;
	if (!pair_take(p, side, i, &envelope))
		return;
	(void)pair_receive(p, side, pair_member(1 - side), buf_bytes(&envelope));
	buf_release(&envelope);
}

static void deliver_changed(struct pair *p, size_t side, struct reader *in)
{
	struct buf envelope;
	size_t at = reader_u16be(in);
	uint8_t by = reader_u8(in);
	if (!pair_take(p, side, 0, &envelope))
		return;
	envelope.p[at % envelope.n] ^= by;
	(void)pair_receive(p, side, pair_member(1 - side), buf_bytes(&envelope));
	buf_release(&envelope);
}

static void deliver_frames(struct pair *p, size_t side, struct reader *in)
{
	struct buf envelope;
	size_t at = reader_u16be(in);
	uint8_t by = reader_u8(in);
	if (!pair_take(p, side, 0, &envelope))
		return;
	pair_receive_frames(p, side, buf_bytes(&envelope), at, by);
	buf_release(&envelope);
}

static void drop_or_repeat(struct pair *p, size_t side, struct reader *in)
{
	struct buf envelope;
	uint8_t what = reader_u8(in);
	if (!pair_take(p, side, what >> 2, &envelope))
		return;
	for (unsigned i = 0; i < what % 4; i++)
		pair_put(p, side, buf_bytes(&envelope));
	buf_release(&envelope);
}

static void replay(struct pair *p, size_t side, struct reader *in)
{
	struct buf again = {0};
	uint8_t what = reader_u8(in);
	buf_put_bytes(&again, buf_bytes(&p->heard));
	(void)pair_receive(p, side, what & 1 ? LIAR : pair_member(1 - side), buf_bytes(&again));
	buf_release(&again);
}

static void deliver_all_waiting(struct pair *p, size_t side)
{
	for (size_t n = p->to[side].n; n > 0; n--)
		deliver(p, side, 0);
}

/* ---- what the liar does ---- */

/* In its own name, or in that of the other honest one. */
static void lie(struct pair *p, struct liar *l, size_t side, struct reader *in)
{
	struct buf envelope = {0};
	uint8_t how = reader_u8(in);
	liar_hear(l, &p->node[how >> 2 & 1]);
	liar_say(l, in, &envelope);
	if (envelope.n == 0)
		return;
	if (how & 2)
		envelope.p[reader_u16be(in) % envelope.n] ^= reader_u8(in);
	(void)pair_receive(p, side, how & 1 ? pair_member(1 - side) : LIAR, buf_bytes(&envelope));
	buf_release(&envelope);
}

static void inject(struct pair *p, size_t side, struct reader *in)
{
	uint8_t how = reader_u8(in);
	struct bytes raw = reader_take(in, reader_u8(in));
	(void)pair_receive(p, side, how & 1 ? LIAR : pair_member(1 - side), raw);
}

static void greet_as_liar(struct pair *p, struct liar *l, size_t side)
{
	struct buf hello = {0};
	struct reader honest = reader_of(bytes_of("\0\0\0\0", 4));
	pair_connect_liar(p, side);
	liar_say(l, &honest, &hello);
	(void)pair_receive(p, side, LIAR, buf_bytes(&hello));
	buf_release(&hello);
}

/* ---- a run ---- */

static void step(struct pair *p, struct liar *l, struct reader *in)
{
	uint8_t op = reader_u8(in);
	size_t side = op & 1;
	switch (op >> 1 & 31) {
	case 0:
	case 1: deliver(p, side, 0); break;
	case 2: deliver_all_waiting(p, side); break;
	case 3: deliver(p, side, reader_u8(in)); break;
	case 4: deliver_changed(p, side, in); break;
	case 5: deliver_frames(p, side, in); break;
	case 6: drop_or_repeat(p, side, in); break;
	case 7: pair_connect(p); break;
	case 8: pair_cut(p, side); break;
	case 9:
	case 10: write_honestly(p, l, side, in); break;
	case 11: manage_operators(p, l, side, in); break;
	case 12: pair_pass(p, 1 + reader_u8(in)); break;
	case 13: pair_pass(p, 1000 * (int64_t)reader_u8(in)); break;
	case 14: p->node[side].now.wall.v += YEAR_MS * (int8_t)reader_u8(in) / 8; break;
	case 15: pair_restart(p, side); break;
	case 16: replay(p, side, in); break;
	case 17: inject(p, side, in); break;
	case 18: greet_as_liar(p, l, side); break;
	case 19:
	case 20:
	case 21: lie(p, l, side, in); break;
	case 22:
	case 23:
	case 24: liar_write(l, in); break;
	case 25: liar_event(l, in); break;
	case 26:
	case 27: liar_twist(l, in); break;
	case 28: liar_raw(l, in); break;
	case 29: liar_fork(l, in); break;
	default: pair_pump(p); break;
	}
	pair_pump(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair p;
	struct liar l;
	struct reader in = reader_of(bytes_of(data, size));
	start();
	pair_init(&p, &cluster);
	liar_init(&l, &cluster);
	pair_connect(&p);
	pair_pump(&p);
	for (size_t i = 0; i < OPS_MAX && in.rest.n > 0 && reader_ok(&in); i++)
		step(&p, &l, &in);
	oracle_check(&p, &l);
	pair_settle(&p);
	oracle_check(&p, &l);
	pair_release(&p);
	liar_release(&l);
	return 0;
}
