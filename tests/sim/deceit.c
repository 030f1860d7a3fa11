/* Each play is about one log with two histories, or with leaves that repeat each other. It goes
 * from scene to scene as soon as the others hold what the next one needs, or is given up. */
#include "tests/sim/deceit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/bundles.h"
#include "tests/sim/hostile.h"
#include "tests/sim/lies.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

#define EPOCH 80 /* all of one number */
#define PLAYS_MAX 16
#define ACT_MS 200
#define REST_MS 1000
#define PATIENCE_MS 12000
#define OLD_HEADS 4
#define RELAYED_MS 400 /* until what a node took is announced everywhere */
#define SOURCE_MS 4000 /* a node waits a little longer for leaves that it asked for */

enum play {
	PLAY_HEADS,	 /* heads of both, ahead of all leaves that anybody has */
	PLAY_OLD_HEAD,	 /* a head of the other history, to who holds more of the one */
	PLAY_RELAY,	 /* one member alone is shown the other history, and must ask the others */
	PLAY_FILE,	 /* the other history in a file */
	PLAY_SIGNATURES, /* changes that nobody signed, each before the same one that is signed */
	PLAYS
};

struct deceit {
	int liar, victim;
	enum play play;
	bool playing;
	unsigned scene, plays;
	struct forged one, other;
	size_t common;
	/* so much of which history each member is served */
	struct {
		const struct forged *of;
		size_t upto;
	} show[SIM_MEMBERS];
	struct buf remembered; /* a head of somebody else */
	int64_t since;	       /* the beginning of the scene */
	int64_t ready;	       /* what the scene waits for has come */
};

static struct dice *chance(struct world *w)
{
	return &w->hostile_dice;
}

static const struct identity *self(const struct world *w)
{
	return &w->identity[w->deceit->liar];
}

/* ---- saying ---- */

static void say_head(struct world *w, int peer, const struct forged *of, size_t size)
{
	int end;
	struct buf note = {0};
	struct sim_conn *c = hostile_session(w, w->deceit->liar, (size_t)peer, &end);
	if (c == NULL)
		return;
	forge_head(of, self(w), size, &note);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
	hostile_say(w, c, end, &m);
	buf_release(&note);
}

static void leaves_of(struct world *w, const struct forged *of, size_t from, size_t upto,
	struct bytes *leaf, struct buf *note, struct message *m)
{
	*m = (struct message){.kind = MESSAGE_LEAVES};
	for (size_t k = from; k < upto; k++)
		leaf[k] = buf_bytes(&of->leaf[k]);
	forge_head(of, self(w), upto, note);
	m->leaves.origin = bytes_str(of->origin);
	m->leaves.first = from;
	m->leaves.leaves = &leaf[from];
	m->leaves.n = upto - from;
	m->leaves.head = buf_bytes(note);
}

static void say_leaves(struct world *w, struct sim_conn *c, int end, const struct forged *of,
	size_t from, size_t upto)
{
	struct bytes leaf[FORGED_MAX];
	struct buf note = {0};
	struct message m;
	leaves_of(w, of, from, upto, leaf, &note, &m);
	hostile_say(w, c, end, &m);
	buf_release(&note);
}

bool deceit_takes(struct world *w, struct sim_conn *c, int end, const struct message *want)
{
	struct deceit *d = w->deceit;
	if (d == NULL || d->plays == 0 || c->end[end].node->member != d->liar ||
		!bytes_equal(want->want.origin, bytes_str(d->one.origin)))
		return false;
	int peer = c->end[end].peer;
	uint64_t from = want->want.from;
	if (d->show[peer].of != NULL && from < d->show[peer].upto)
		say_leaves(w, c, end, d->show[peer].of, (size_t)from, d->show[peer].upto);
	return true;
}

/* ---- the others ---- */

static bool is_dupe(const struct world *w, int member)
{
	return world_is_honest(w, member) && node_is_up(&w->node[member]) &&
		!w->identity[member].removed && !bundles_is_apart(w, &w->node[member]);
}

static uint64_t held_by(const struct world *w, int member)
{
	return held_size(&w->node[member].held, w->deceit->one.origin);
}

static int any_dupe(struct world *w)
{
	int from = (int)dice_index(chance(w), w->n_members);
	for (int i = 0; i < (int)w->n_members; i++) {
		int end, member = (from + i) % (int)w->n_members;
		if (is_dupe(w, member) &&
			hostile_session(w, w->deceit->liar, (size_t)member, &end) != NULL)
			return member;
	}
	return -1;
}

/* All but the victim, and at least one; or all. */
static bool others_hold(const struct world *w, uint64_t size, bool victim_too)
{
	size_t n = 0;
	for (int i = 0; i < (int)w->n_members; i++) {
		if (!is_dupe(w, i) || (i == w->deceit->victim && !victim_too))
			continue;
		if (held_by(w, i) < size)
			return false;
		n++;
	}
	return n > (victim_too ? 1 : 0);
}

static void show(struct world *w, int member, const struct forged *of, size_t upto)
{
	w->deceit->show[member].of = of;
	w->deceit->show[member].upto = upto;
	if (of != NULL)
		say_head(w, member, of, upto);
}

static void show_all(struct world *w, const struct forged *of, size_t upto, bool victim_too)
{
	for (int i = 0; i < (int)w->n_members; i++)
		if (i != w->deceit->liar && (i != w->deceit->victim || victim_too))
			show(w, i, of, upto);
}

/* ---- plays ---- */

static void grow(struct world *w, struct forged *f, size_t n)
{
	while (f->n < n)
		forge_append(f, forge_note(w, f, self(w)));
}

static void part_ways(struct world *w, size_t common, size_t one, size_t other)
{
	struct deceit *d = w->deceit;
	grow(w, &d->one, common);
	forge_copy(&d->other, &d->one);
	d->common = common;
	grow(w, &d->one, one);
	grow(w, &d->other, other);
}

/* What stands later is a repeat, unless what stands before is void. */
static void write_twice(struct world *w)
{
	struct deceit *d = w->deceit;
	size_t n = 4 + dice_index(chance(w), 10);
	bool is_change;
	for (size_t i = 0; i < n; i++) {
		struct buf good = forge_note(w, &d->one, self(w));
		forge_append(&d->one, forge_unsigned(&d->one, &good));
		forge_append(&d->one, forge_same_body(&d->one, buf_bytes(&good), &is_change));
		buf_release(&good);
	}
}

static void next_scene(struct world *w)
{
	w->deceit->scene++;
	w->deceit->since = w->now;
	w->deceit->ready = 0;
}

static void end_play(struct world *w)
{
	w->deceit->playing = false;
}

static void begin_play(struct world *w)
{
	struct deceit *d = w->deceit;
	d->play = (enum play)dice_index(chance(w), PLAYS);
	d->victim = any_dupe(w);
	if (d->victim < 0 || d->plays == PLAYS_MAX)
		return;
	forge_release(&d->one);
	forge_release(&d->other);
	memset(d->show, 0, sizeof(d->show));
	forge_begin(w, &d->one, self(w), EPOCH, NULL);
	oracle_taint(w, d->one.origin, d->liar);
	size_t common = 3 + dice_index(chance(w), 4), more = 3 + dice_index(chance(w), 20);
	if (d->play == PLAY_RELAY)
		part_ways(w, 4, 6, 9);
	else if (d->play == PLAY_SIGNATURES)
		write_twice(w);
	else
		part_ways(w, common, common + more, common + more + 2);
	d->plays++;
	d->playing = true;
	d->scene = 0;
	d->since = w->now;
	d->ready = 0;
	world_trace(w, "play %d %s %s", (int)d->play, d->one.origin, w->identity[d->victim].slug);
}

static void heads_ahead(struct world *w)
{
	struct deceit *d = w->deceit;
	size_t a = d->common + 1 + dice_index(chance(w), d->one.n - d->common - 1);
	say_head(w, d->victim, &d->one, a);
	say_head(w, d->victim, &d->one, d->one.n);
	say_head(w, d->victim, &d->other, a);
	end_play(w);
}

static void send_file(struct world *w, size_t size)
{
	struct deceit *d = w->deceit;
	struct buf file = {0}, note = {0};
	struct bundle_writer writer;
	struct sha256_stream sha;
	struct bytes leaf[FORGED_MAX];
	struct message hello = {.kind = MESSAGE_HELLO}, m;
	leaves_of(w, &d->other, 0, size, leaf, &note, &m);
	hello.hello.protocol_min = PROTOCOL_MIN;
	hello.hello.protocol_max = PROTOCOL_MAX;
	hello.hello.cluster_id = hash_bytes(&w->cluster_id);
	hello.hello.member = bytes_str(self(w)->slug);
	hello.hello.heads = &m.leaves.head;
	hello.hello.n_heads = 1;
	bundle_write_begin(&writer, sha256_sum(&sha), &file);
	bundle_write(&writer, &hello, &file);
	bundle_write(&writer, &m, &file);
	bundle_write_end(&writer, &file);
	bundles_post(w, &w->node[d->liar], &w->node[d->victim], &file);
	buf_release(&file);
	buf_release(&note);
}

/* To all at first; then the other history to the victim, but not beyond what it holds. */
static void behind(struct world *w)
{
	struct deceit *d = w->deceit;
	if (d->scene == 0) {
		show_all(w, &d->one, d->one.n, true);
		next_scene(w);
	} else if (held_by(w, d->victim) == d->one.n) {
		size_t size = d->common + 1 + dice_index(chance(w), d->one.n - d->common - 1);
		if (d->play == PLAY_FILE)
			send_file(w, size);
		else
			say_head(w, d->victim, &d->other, size);
		end_play(w);
	}
}

/* Nobody but the victim hears of the one history in time: all others are ahead of it in the other
 * one, and it knows. */
static void leave_victim_to_others(struct world *w)
{
	struct deceit *d = w->deceit;
	int end;
	struct sim_conn *c = hostile_session(w, d->liar, (size_t)d->victim, &end);
	if (c != NULL && held_by(w, d->victim) == 3) {
		say_leaves(w, c, end, &d->one, 3, 4);
		say_leaves(w, c, end, &d->one, 4, 6);
		conn_close(w, c, end, "says no more");
		node_settle(w, &w->node[d->liar]);
		sometimes(SOMETIMES_LEFT_TO_OTHERS);
	}
	end_play(w);
}

static void relay(struct world *w)
{
	struct deceit *d = w->deceit;
	if (d->scene == 0) {
		show_all(w, &d->one, 3, true);
		next_scene(w);
	} else if (d->scene == 1 && others_hold(w, 3, true)) {
		show(w, d->victim, NULL, 0);
		say_head(w, d->victim, &d->other, d->other.n);
		show_all(w, &d->other, d->other.n, false);
		next_scene(w);
	} else if (d->scene == 2 && others_hold(w, d->other.n, false)) {
		if (d->ready == 0)
			d->ready = w->now;
		else if (w->now - d->since > SOURCE_MS)
			end_play(w);
		else if (w->now - d->ready >= RELAYED_MS)
			leave_victim_to_others(w);
	}
}

static void go_on(struct world *w)
{
	struct deceit *d = w->deceit;
	switch (d->play) {
	case PLAY_HEADS: heads_ahead(w); break;
	case PLAY_OLD_HEAD:
	case PLAY_FILE: behind(w); break;
	case PLAY_RELAY: relay(w); break;
	case PLAY_SIGNATURES:
		show_all(w, &d->one, d->one.n, true);
		end_play(w);
		break;
	case PLAYS: break;
	}
	if (w->now - d->since > PATIENCE_MS)
		end_play(w);
}

/* ---- between plays ---- */

static void lie_about(struct world *w, bool evidence)
{
	struct deceit *d = w->deceit;
	struct buf out = {0};
	int end, peer = any_dupe(w);
	if (peer < 0)
		return;
	struct sim_conn *c = hostile_session(w, d->liar, (size_t)peer, &end);
	if (evidence)
		lies_evidence(w, &w->node[d->liar], &d->remembered, &out);
	else
		lies_digest(w, peer, &out);
	world_trace(w, "deceive %s %zu", w->identity[peer].slug, out.n);
	if (out.n > 0)
		conn_send_raw(w, c, end, buf_bytes(&out));
	buf_release(&out);
}

/* True ones, of sizes that were passed long ago. */
static void say_old_heads(struct world *w)
{
	int peer = any_dupe(w);
	const struct forged *log = peer >= 0 ? hostile_log_for(w, peer) : NULL;
	for (size_t i = 0; i < OLD_HEADS && log != NULL && log->n > 3; i++)
		say_head(w, peer, log, 2 + dice_index(chance(w), log->n - 2));
}

void deceit_act(struct world *w)
{
	struct deceit *d = w->deceit;
	bool up = node_is_up(&w->node[d->liar]) && !w->calm;
	size_t what = dice_index(chance(w), 100);
	if (up && what < 15)
		lie_about(w, false);
	else if (up && what < 19)
		lie_about(w, true);
	else if (up && what < 29)
		say_old_heads(w);
	else if (up && d->playing)
		go_on(w);
	else if (up)
		begin_play(w);
	int64_t pause = dice_range(chance(w), 20, d->playing ? ACT_MS : REST_MS);
	if (!w->calm)
		queue_add(w, w->now + pause, SIM_DECEIT, 0, 0);
}

void deceit_setup(struct world *w, int liar)
{
	if (!swarm_has(&w->swarm, FAULT_DECEIT) || w->two_liars)
		return;
	w->deceit = xalloc(sizeof(*w->deceit));
	w->deceit->liar = liar;
	queue_add(w, 100, SIM_DECEIT, 0, 0);
}

void deceit_release(struct world *w)
{
	if (w->deceit == NULL)
		return;
	forge_release(&w->deceit->one);
	forge_release(&w->deceit->other);
	buf_release(&w->deceit->remembered);
	free(w->deceit);
}
