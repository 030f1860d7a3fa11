#include "tests/sim/hostile.h"

#include <stdlib.h>
#include <string.h>

#include "proto/trust/cosign.h"
#include "tests/sim/crafts.h"
#include "tests/sim/deceit.h"
#include "tests/sim/forge.h"
#include "tests/sim/lies.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

#define HEARD_MAX 8
#define FUTURE_EPOCH 50
#define HOSTILE_EPOCH 60
#define ACT_MIN_MS 20
#define TWO_LIARS_PAUSE_MS 500
#define PAUSE_MAX_MS 10000
#define ROSTER_REPEATS 60

struct hostile {
	struct forger future, liar, crafter;
	struct buf heard[HEARD_MAX];
	size_t n_heard;
	unsigned withholds, twists; /* percent of what its node would say */
	int64_t pause_max;
	struct dice pretend; /* of what it says of rosters */
};

/* ---- logs ---- */

static struct forged *branch_for(const struct forger *f, size_t i, int peer)
{
	struct forged *other = f->log[i][1];
	return other != NULL && peer % 2 == 1 ? other : f->log[i][0];
}

const struct forged *hostile_log_for(struct world *w, int peer)
{
	const struct forger *f = &w->hostile->liar;
	bool first = dice_percent(&w->hostile_dice, 50); /* it is the longest */
	if (f->n_logs == 0)
		return NULL;
	return branch_for(f, first ? 0 : dice_index(&w->hostile_dice, f->n_logs), peer);
}

static void begin_log(struct world *w, struct forger *f)
{
	const struct identity *id = &w->identity[f->member];
	uint32_t epoch = (f->lies ? HOSTILE_EPOCH : FUTURE_EPOCH) + (uint32_t)f->n_logs;
	struct forged *log = xalloc(sizeof(*log));
	if (f->lies && dice_percent(&w->hostile_dice, 20))
		epoch = HOSTILE_EPOCH; /* two of one number */
	forge_begin(w, log, id, epoch, NULL);
	f->log[f->n_logs++][0] = log;
	for (size_t i = 0; i < log->n && !f->lies; i++)
		oracle_wrote(w, log->origin, f->member, buf_bytes(&log->leaf[i]));
	if (f->lies)
		oracle_taint(w, log->origin, f->member);
}

static void part_ways(struct forger *f, size_t i)
{
	f->log[i][1] = xalloc(sizeof(*f->log[i][1]));
	forge_copy(f->log[i][1], f->log[i][0]);
}

static void grow_log(struct world *w, struct forger *f, struct forged *log)
{
	const struct identity *id = &w->identity[f->member];
	size_t more = 1 + dice_index(&w->hostile_dice, 4);
	for (size_t i = 0; i < more && log->n < FORGED_MAX; i++) {
		bool plain = dice_percent(&w->hostile_dice, 30);
		bool again = f->lies && dice_percent(&w->hostile_dice, 20);
		const struct forged *other = f->log[dice_index(&w->hostile_dice, f->n_logs)][0];
		struct buf raw = again ? forge_repeat(w, log, id, other)
			: plain	       ? forge_note(w, log, id)
			: f->lies      ? forge_bad(w, log, id)
				       : forge_future(w, log, id);
		if (!f->lies)
			oracle_wrote(w, log->origin, f->member, buf_bytes(&raw));
		forge_append(log, raw);
	}
}

static void write_logs(struct world *w, struct forger *f)
{
	if (f->member < 0 || w->calm)
		return;
	bool opens = f->n_logs == 0 || (f->lies && dice_percent(&w->hostile_dice, 10));
	if (opens && f->n_logs < FORGER_LOGS)
		begin_log(w, f);
	size_t i = dice_index(&w->hostile_dice, f->n_logs);
	bool parts = dice_percent(&w->hostile_dice, 20);
	if (f->lies && parts && f->log[i][1] == NULL)
		part_ways(f, i);
	/* Both at once are the harder to find out. */
	if (w->two_liars && f->log[i][1] != NULL)
		grow_log(w, f, f->log[i][1]);
	bool second = !w->two_liars && dice_percent(&w->hostile_dice, 50);
	grow_log(w, f, f->log[i][1] != NULL && second ? f->log[i][1] : f->log[i][0]);
}

/* ---- saying it ---- */

struct sim_conn *hostile_session(struct world *w, int member, size_t peer, int *end)
{
	struct sim_node *n = &w->node[member];
	struct sim_conn *c = conn_find(w, n->peer[peer].session);
	if (n->peer[peer].session == 0 || c == NULL || !node_is_up(n))
		return NULL;
	*end = c->end[0].node == n ? 0 : 1;
	return c->end[*end].tenure.state == CONN_SESSION && !c->end[*end].bye_written ? c : NULL;
}

void hostile_say(struct world *w, struct sim_conn *c, int end, const struct message *m)
{
	struct buf out = {0};
	message_encode(m, &out);
	world_trace(w, "forge %s %llu %s %zu", c->end[end].node->id->slug,
		(unsigned long long)c->id, message_kind_name(m->kind), out.n);
	conn_send_raw(w, c, end, buf_bytes(&out));
	buf_release(&out);
}

/* Of the branch that this peer is shown, by a member whose key the liar has too. */
static void cosign_for_another(
	struct world *w, const struct forger *f, struct sim_conn *c, int end, struct bytes head)
{
	int other = (f->member + 1) % (int)w->n_members;
	const struct replica *r = w->node[f->member].replica;
	struct note n;
	struct buf note = {0};
	if (!w->two_liars || !f->lies || other == c->end[end].peer)
		return;
	ENSURE(note_parse(head, &n, NULL) == RC_OK);
	buf_put_bytes(&note, head);
	cosign_put_line(
		replica_roster(r), other, &w->identity[other].cosign, n.text, 1 + w->steps, &note);
	struct message m = {.kind = MESSAGE_COSIGNATURE, .note = buf_bytes(&note)};
	hostile_say(w, c, end, &m);
	buf_release(&note);
}

/* With several that write by hand, a slow line would carry nothing else. */
static bool is_known(const struct world *w, const struct forger *f, const struct forged *log,
	const struct sim_node *to)
{
	return swarm_has(&w->swarm, FAULT_CRAFT) && !f->lies &&
		held_size(&to->held, log->origin) >= log->n;
}

static void say_leaves(struct world *w, const struct forger *f, struct sim_conn *c, int end,
	const struct forged *log, size_t from)
{
	struct bytes leaf[FORGED_MAX];
	struct buf note = {0};
	for (size_t k = from; k < log->n; k++)
		leaf[k] = buf_bytes(&log->leaf[k]);
	forge_head(log, &w->identity[f->member], log->n, &note);
	struct message m = {.kind = MESSAGE_LEAVES};
	m.leaves.origin = bytes_str(log->origin);
	m.leaves.first = from;
	m.leaves.leaves = &leaf[from];
	m.leaves.n = log->n - from;
	m.leaves.head = buf_bytes(&note);
	hostile_say(w, c, end, &m);
	buf_release(&note);
}

static void say_head(struct world *w, const struct forger *f, struct sim_conn *c, int end,
	const struct forged *log)
{
	struct buf note = {0};
	forge_head(log, &w->identity[f->member], log->n, &note);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
	hostile_say(w, c, end, &m);
	cosign_for_another(w, f, c, end, buf_bytes(&note));
	buf_release(&note);
}

/* Who pushes what it wrote last does not know what the other side lost since. */
static void announce(struct world *w, const struct forger *f)
{
	bool pushes = swarm_has(&w->swarm, FAULT_PUSH) && !f->lies;
	for (size_t peer = 0; f->member >= 0 && peer < w->n_members; peer++)
		for (size_t i = f->hides_first; i < f->n_logs; i++) {
			int end;
			struct sim_conn *c = hostile_session(w, f->member, peer, &end);
			if (c == NULL)
				continue;
			const struct forged *log = branch_for(f, i, (int)peer);
			if (is_known(w, f, log, c->end[1 - end].node))
				continue;
			if (pushes)
				say_leaves(w, f, c, end, log, log->n - 1);
			else
				say_head(w, f, c, end, log);
		}
}

static bool serve(struct world *w, const struct forger *f, struct sim_conn *c, int end,
	const struct message *want)
{
	for (size_t i = 0; i < f->n_logs; i++) {
		const struct forged *log = branch_for(f, i, c->end[end].peer);
		if (!bytes_equal(want->want.origin, bytes_str(log->origin)))
			continue;
		if (want->want.from < log->n)
			say_leaves(w, f, c, end, log, (size_t)want->want.from);
		return true;
	}
	return false;
}

/* ---- lying ---- */

static void lie(struct world *w, struct hostile *h)
{
	int end;
	size_t peer = dice_index(&w->hostile_dice, w->n_members);
	struct sim_conn *c = hostile_session(w, h->liar.member, peer, &end);
	if (c == NULL || c->end[end].deaf || h->liar.n_logs == 0)
		return;
	const struct buf *heard = &h->heard[dice_index(&w->hostile_dice, HEARD_MAX)];
	struct liar l = {&w->identity[h->liar.member], h->liar.log[0][0], buf_bytes(heard)};
	struct buf out = {0};
	lies_make(w, &l, &out);
	world_trace(w, "lie %s %s %zu", l.id->slug, w->identity[peer].slug, out.n);
	conn_send_raw(w, c, end, buf_bytes(&out));
	buf_release(&out);
}

static void ask_for_all(struct world *w, struct sim_conn *c, int end)
{
	for (size_t i = 0; i < w->books.n_logs; i++) {
		const char *origin = w->books.log[i].origin;
		struct message m = {
			.kind = MESSAGE_WANT, .want = {bytes_str(origin), 0, UINT64_MAX}};
		hostile_say(w, c, end, &m);
	}
}

/* Asks for all there is, again and again, and reads nothing of it. */
static void be_deaf(struct world *w, struct hostile *h)
{
	int end;
	size_t peer = dice_index(&w->hostile_dice, w->n_members);
	struct sim_conn *c = hostile_session(w, h->liar.member, peer, &end);
	if (c == NULL || w->calm)
		return;
	c->end[end].deaf = c->pipe[1 - end].narrow = true;
	ask_for_all(w, c, end);
}

/* A node that reads nothing must speak, or it is dead. */
static void go_on_deaf(struct world *w, struct hostile *h)
{
	for (size_t peer = 0; peer < w->n_members; peer++) {
		int end;
		struct sim_conn *c = hostile_session(w, h->liar.member, peer, &end);
		struct message m = {.kind = MESSAGE_PING, .token = 1};
		if (c == NULL || !c->end[end].deaf)
			continue;
		hostile_say(w, c, end, &m);
		if (!w->calm && c->end[1 - end].tenure.drain.queued < LIMIT_WRITE_PAUSE_BYTES)
			ask_for_all(w, c, end);
	}
}

void hostile_act(struct world *w)
{
	struct hostile *h = w->hostile;
	write_logs(w, &h->future);
	write_logs(w, &h->liar);
	crafts_write(w, &h->crafter, &h->future);
	if (h->crafter.member >= 0 && dice_percent(&w->hostile_dice, 40))
		announce(w, &h->crafter);
	if (dice_percent(&w->hostile_dice, 40))
		announce(w, &h->future);
	if (h->liar.member >= 0) {
		if (dice_percent(&w->hostile_dice, w->two_liars ? 100 : 40))
			announce(w, &h->liar);
		size_t what = w->two_liars ? 100 : dice_index(&w->hostile_dice, 100);
		if (what < 60)
			lie(w, h);
		else if (what < 72)
			be_deaf(w, h);
		go_on_deaf(w, h);
	}
	int64_t pause = dice_range(&w->hostile_dice, ACT_MIN_MS, h->pause_max);
	queue_add(w, w->now + pause, SIM_HOSTILE, 0, 0);
}

/* ---- what passes its node ---- */

static void overhear(struct world *w, struct hostile *h, struct bytes envelope)
{
	if (!dice_percent(&w->hostile_dice, 10))
		return;
	struct buf *b = &h->heard[h->n_heard++ % HEARD_MAX];
	buf_reset(b);
	buf_put_bytes(b, envelope);
}

static bool takes_want(
	struct world *w, const struct forger *f, struct sim_conn *c, int end, struct bytes envelope)
{
	struct fed fed;
	if (f->member < 0 || c->end[end].node->member != f->member)
		return false;
	bool served = feed_decode(w, envelope, false, &fed, NULL) == RC_OK &&
		fed.m.kind == MESSAGE_WANT &&
		(serve(w, f, c, end, &fed.m) || deceit_takes(w, c, end, &fed.m));
	feed_release(w, &fed);
	return served;
}

bool hostile_takes(struct world *w, struct sim_conn *c, int end, struct bytes envelope)
{
	struct hostile *h = w->hostile;
	if (h == NULL || c->end[end].tenure.state != CONN_SESSION)
		return false;
	if (c->end[end].node->member == h->liar.member)
		overhear(w, h, envelope);
	return takes_want(w, &h->future, c, end, envelope) ||
		takes_want(w, &h->crafter, c, end, envelope) ||
		takes_want(w, &h->liar, c, end, envelope);
}

bool hostile_writes(const struct world *w, int member)
{
	const struct hostile *h = w->hostile;
	return h != NULL &&
		(member == h->future.member || member == h->liar.member ||
			member == h->crafter.member);
}

static bool would_tell_of_both(const struct message *m)
{
	return m->kind == MESSAGE_HEAD || m->kind == MESSAGE_COSIGNATURE ||
		m->kind == MESSAGE_EVIDENCE;
}

/* The last one: of the newest version, in force or not. */
static int keep_note(void *arg, struct bytes note, bool in_force)
{
	struct buf *last = arg;
	(void)in_force;
	buf_reset(last);
	buf_put_bytes(last, note);
	return 0;
}

/* What everybody has, over and over: a note that brings nothing costs whoever looks at it. */
static void repeat_roster(struct world *w, const struct hostile *h, struct sim_conn *c, int end)
{
	struct buf last = {0};
	int rc = replica_rosters(w->node[h->liar.member].replica, keep_note, &last, NULL);
	struct message m = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&last)};
	for (size_t i = 0; rc == RC_OK && i < ROSTER_REPEATS; i++)
		hostile_say(w, c, end, &m);
	buf_release(&last);
}

/* Another version of the roster than its node has, and another view than its leaves give. */
static bool pretends(
	struct world *w, struct hostile *h, struct sim_conn *c, int end, const struct message *said)
{
	struct hash wrong = {{5}};
	struct message m = *said;
	bool does = dice_percent(&h->pretend, 30), repeats = dice_percent(&h->pretend, 50);
	if (!swarm_has(&w->swarm, FAULT_PRETEND))
		return false;
	if (m.kind == MESSAGE_VIEW_DIGEST && repeats && !w->calm)
		repeat_roster(w, h, c, end);
	if (!does)
		return false;
	if (m.kind == MESSAGE_HELLO) {
		m.hello.roster_version = m.hello.roster_version == 1 ? 2 : 1;
		m.hello.roster_id = (struct bytes){0};
	} else if (m.kind == MESSAGE_VIEW_DIGEST) {
		m.digest.view_root = hash_bytes(&wrong);
	} else {
		return false;
	}
	hostile_say(w, c, end, &m);
	return true;
}

bool hostile_sends(struct world *w, struct sim_conn *c, int end, const struct outbound *out)
{
	struct hostile *h = w->hostile;
	if (h == NULL || c->end[end].node->member != h->liar.member)
		return false;
	size_t what = dice_index(&w->hostile_dice, 100);
	if (w->two_liars)
		return would_tell_of_both(&out->msg);
	if (out->msg.kind == MESSAGE_HELLO && what < 10) {
		struct buf hello = {0};
		lies_hello(w, c->end[end].node->id, &hello);
		conn_send_raw(w, c, end, buf_bytes(&hello));
		buf_release(&hello);
		return true;
	}
	if (!c->end[end].deaf && pretends(w, h, c, end, &out->msg))
		return true;
	if (c->end[end].deaf || (what < h->withholds && out->msg.kind != MESSAGE_HELLO))
		return true;
	if (what >= h->withholds + h->twists || out->last)
		return false;
	struct buf raw = {0};
	message_encode(&out->msg, &raw);
	size_t bit = dice_index(&w->hostile_dice, raw.n * 8);
	raw.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	conn_send_raw(w, c, end, buf_bytes(&raw));
	buf_release(&raw);
	return true;
}

/* ---- beginning and end ---- */

/* Until the end of faults the others reach nobody but the liar. */
static void keep_apart(struct world *w, int liar)
{
	for (int i = 0; i < (int)w->n_members; i++)
		for (int k = 0; k < (int)w->n_members; k++)
			if (i != k && i != liar && k != liar)
				w->path[i][k].hole_to = SIM_NEVER;
}

void hostile_setup(struct world *w)
{
	bool lies = swarm_has(&w->swarm, FAULT_HOSTILE) && w->n_members >= 3;
	bool crafts = swarm_has(&w->swarm, FAULT_CRAFT) && !w->two_liars;
	/* What it copies is a newer program's. */
	bool future = swarm_has(&w->swarm, FAULT_FUTURE) || crafts;
	static const unsigned percents[] = {0, 0, 5, 40};
	int liar = (int)dice_index(&w->hostile_dice, w->n_members);
	unsigned withholds = percents[dice_index(&w->hostile_dice, 4)];
	unsigned twists = percents[dice_index(&w->hostile_dice, 3)];
	if (!lies && !future)
		return;
	struct hostile *h = w->hostile = xalloc(sizeof(*h));
	h->future.member = future ? (liar + 1) % (int)w->n_members : -1;
	h->crafter.member = crafts ? (liar + 2) % (int)w->n_members : -1;
	h->liar = (struct forger){.member = lies ? liar : -1, .lies = true};
	h->pretend = (struct dice){w->seed ^ 0x70726574656e64};
	h->withholds = w->two_liars ? 0 : withholds;
	h->twists = w->two_liars ? 0 : twists;
	h->pause_max = w->swarm.pause_max < PAUSE_MAX_MS ? w->swarm.pause_max + 100 : PAUSE_MAX_MS;
	if (w->two_liars) {
		h->pause_max = TWO_LIARS_PAUSE_MS;
		keep_apart(w, liar);
	}
	if (lies) {
		w->identity[liar].liar = true;
		deceit_setup(w, liar);
	}
	queue_add(w, 100, SIM_HOSTILE, 0, 0);
}

static void release_forger(struct forger *f)
{
	for (size_t i = 0; i < f->n_logs; i++)
		for (size_t k = 0; k < 2 && f->log[i][k] != NULL; k++) {
			forge_release(f->log[i][k]);
			free(f->log[i][k]);
		}
}

void hostile_release(struct world *w)
{
	if (w->hostile == NULL)
		return;
	release_forger(&w->hostile->future);
	release_forger(&w->hostile->liar);
	release_forger(&w->hostile->crafter);
	deceit_release(w);
	for (size_t i = 0; i < HEARD_MAX; i++)
		buf_release(&w->hostile->heard[i]);
	free(w->hostile);
}
