#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store_sqlite.h"
#include "proto/base/text.h"

#define START_WALL_MS 1793577600000LL /* 2026-11-02 */
#define RECONNECT_MAX_MS 1000

static const char *const slugs[SIM_NODES_MAX] = {
	"office", "shanghai", "jiangsu", "zhejiang", "anhui"};

/* ---- trace ---- */

void world_trace(struct world *w, const char *fmt, ...)
{
	char line[400];
	va_list ap;
	va_start(ap, fmt);
	text_vprint(line, sizeof(line), fmt, ap);
	va_end(ap);
	struct bytes parts[] = {hash_bytes(&w->trace_hash), bytes_str(line)};
	sha256_multi(parts, 2, &w->trace_hash);
	if (w->trace)
		printf("%8lld %s\n", (long long)w->now, line);
}

/* ---- the queue ---- */

static bool sooner(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void world_schedule(struct world *w, int64_t at, enum sim_event_kind kind, int a, int b,
	uint64_t life, struct bytes data)
{
	if (w->n_queue == w->cap_queue) {
		w->cap_queue = w->cap_queue == 0 ? 64 : 2 * w->cap_queue;
		w->queue = xrealloc(w->queue, w->cap_queue * sizeof(*w->queue));
	}
	size_t i = w->n_queue++;
	struct sim_event ev = {at, w->seq++, kind, a, b, life, data};
	while (i > 0 && sooner(&ev, &w->queue[(i - 1) / 2])) {
		w->queue[i] = w->queue[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->queue[i] = ev;
}

static struct sim_event pop(struct world *w)
{
	struct sim_event top = w->queue[0], last = w->queue[--w->n_queue];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < w->n_queue; i = child) {
		if (child + 1 < w->n_queue && sooner(&w->queue[child + 1], &w->queue[child]))
			child++;
		if (!sooner(&w->queue[child], &last))
			break;
		w->queue[i] = w->queue[child];
	}
	w->queue[i] = last;
	return top;
}

/* ---- nodes ---- */

struct now world_now(const struct world *w, const struct sim_node *n)
{
	int64_t drift = w->now / 1000 * n->wall_drift_ppm / 1000;
	return (struct now){{w->now}, {START_WALL_MS + w->now + n->wall_offset + drift}};
}

static void node_chance(void *self, void *p, uint32_t n)
{
	struct sim_node *node = self;
	for (uint32_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)dice_u64(&node->dice);
}

static void make_keys(struct world *w, struct sim_node *n)
{
	struct key *keys[] = {
		&n->root, &n->log, &n->cosign, &n->noise, &n->operator[0], &n->operator[1] };
	enum key_purpose purpose[] = {
		KEY_ROOT, KEY_LOG, KEY_COSIGN, KEY_NOISE, KEY_OPERATOR, KEY_OPERATOR};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		uint8_t seed[32];
		for (size_t k = 0; k < sizeof(seed); k++)
			seed[k] = (uint8_t)dice_u64(&w->dice);
		key_from_seed(
			keys[i], purpose[i], n->slug, purpose[i] == KEY_OPERATOR ? "op" : "", seed);
	}
}

static void member_line(const struct sim_node *n, struct buf *out)
{
	struct member m = {.role = strcmp(n->slug, "office") == 0 ? ROLE_REGIONAL : ROLE_PROVINCE};
	char name[NOTE_NAME_SIZE];
	snprintf(m.slug, sizeof(m.slug), "%s", n->slug);
	snprintf(m.name, sizeof(m.name), "%s", n->slug);
	snprintf(name, sizeof(name), "sim/%s/root", n->slug);
	ENSURE(vkey_make(&m.root, name, NOTE_ED25519, n->root.public, NULL) == RC_OK);
	memcpy(m.log, n->log.public, KEY_BYTES);
	memcpy(m.cosign, n->cosign.public, KEY_BYTES);
	memcpy(m.noise, n->noise.public, KEY_BYTES);
	roster_put_member_line(out, &m);
}

static void make_roster(struct world *w)
{
	struct buf text = {0};
	buf_put_str(&text, "deltad-roster\ncluster sim\nversion 1\nprev -\nnot-after 2099-12-31\n");
	for (size_t i = 0; i < w->n; i++)
		member_line(&w->node[i], &text);
	buf_printf(&text, "final %d\nquorum office+%d\n", 1, w->n > 3 ? 3 : (int)w->n - 1);
	sha256(buf_bytes(&text), &w->cluster_id);
	for (size_t i = 0; i < w->n; i++) {
		const struct key *keys[] = {&w->node[i].root, &w->node[i].log, &w->node[i].cosign};
		for (size_t k = 0; k < 3; k++) {
			struct buf next = {0};
			struct err e = {0};
			if (roster_add_signature(buf_bytes(&text), keys[k], &next, &e) != RC_OK)
				oracle_fail(w, "roster: %s", e.text);
			buf_release(&text);
			text = next;
		}
	}
	w->roster = text;
}

void world_start(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	struct replica_config c = {.store = n->store,
		.chance = {node_chance, n},
		.log_key = &n->log,
		.member = n->slug,
		.cluster_id = w->cluster_id,
		.software = "sim",
		.mark = n->mark};
	struct err e = {0};
	if (replica_open(&c, world_now(w, n), &n->replica, &e) != RC_OK)
		oracle_fail(w, "%s does not start: %s", n->slug, e.text);
	n->life++;
	n->tick_at = MONO_NEVER;
	n->mark_writing = false;
	world_trace(w, "start %s", n->slug);
	for (size_t p = 0; p < w->n; p++)
		if ((int)p != node)
			world_schedule(w, w->now + dice_range(&w->dice, 1, RECONNECT_MAX_MS),
				SIM_CONNECT, node, (int)p, 0, (struct bytes){0});
}

struct sim_link *world_link(struct world *w, int a, int b)
{
	return a < b ? &w->link[a][b] : &w->link[b][a];
}

static void pump(struct world *w, int node);

static int input_link(struct world *w, struct sim_node *n, void *arg, struct err *e)
{
	const int *peer_event = arg;
	(void)e;
	replica_link(n->replica, peer_event[0], (enum link_event)peer_event[1], world_now(w, n));
	return RC_OK;
}

static void link_event(struct world *w, int node, int peer, enum link_event ev)
{
	int arg[] = {peer, (int)ev};
	if (w->node[node].replica != NULL)
		world_group(w, node, input_link, arg);
}

static void drop_link(struct world *w, int a, int b)
{
	struct sim_link *l = world_link(w, a, b);
	if (!l->up)
		return;
	l->up = false;
	l->life++;
	link_event(w, a, b, LINK_DOWN);
	link_event(w, b, a, LINK_DOWN);
	world_schedule(w, w->now + dice_range(&w->dice, 1, RECONNECT_MAX_MS), SIM_CONNECT, a, b, 0,
		(struct bytes){0});
}

static void connect_link(struct world *w, int a, int b)
{
	struct sim_link *l = world_link(w, a, b);
	if (l->up || l->cut || w->node[a].replica == NULL || w->node[b].replica == NULL)
		return;
	l->up = true;
	l->life++;
	l->busy[0] = l->busy[1] = w->now;
	world_trace(w, "up %s %s", w->node[a].slug, w->node[b].slug);
	link_event(w, a, b, LINK_UP);
	if (l->up)
		link_event(w, b, a, LINK_UP);
}

void world_cut(struct world *w, int a, int b)
{
	world_trace(w, "cut %s %s", w->node[a].slug, w->node[b].slug);
	w->cuts++;
	world_link(w, a, b)->cut = true;
	drop_link(w, a, b);
}

void world_heal(struct world *w, int a, int b)
{
	world_link(w, a, b)->cut = false;
	connect_link(w, a, b);
}

void world_crash(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	if (n->replica == NULL)
		return;
	world_trace(w, "crash %s", n->slug);
	w->crashes++;
	replica_close(n->replica);
	n->replica = NULL;
	/* The mark file's write is either there or not. */
	if (n->mark_writing && dice_percent(&w->dice, 50))
		n->mark = n->mark_next;
	/* Or somebody put back a backup of the database, which never holds the mark file. */
	if (!w->calm && dice_percent(&w->dice, 3))
		n->mark.present = false;
	for (size_t p = 0; p < w->n; p++)
		if ((int)p != node)
			drop_link(w, node, (int)p);
	world_schedule(w, w->now + dice_range(&w->dice, 10, 5000), SIM_RESTART, node, 0, 0,
		(struct bytes){0});
}

/* ---- groups ---- */

/* Between input and commit, or between commit and output. */
static bool dies_here(struct world *w)
{
	return !w->calm && dice_u64(&w->dice) % 2000 == 0;
}

int world_group(struct world *w, int node, world_input_fn *fn, void *arg)
{
	struct sim_node *n = &w->node[node];
	struct err e = {0};
	ENSURE(replica_begin(n->replica, &e) == RC_OK);
	int rc = fn(w, n, arg, &e);
	if (dies_here(w)) {
		world_crash(w, node);
		return RC_UNKNOWN_OUTCOME;
	}
	struct err late = {0};
	if (replica_commit(n->replica, world_now(w, n), &late) != RC_OK)
		oracle_fail(w, "commit failed on %s: %s", n->slug, late.text);
	oracle_after(w, node);
	if (dies_here(w)) {
		world_crash(w, node);
		return RC_UNKNOWN_OUTCOME;
	}
	pump(w, node);
	return rc;
}

static void send_message(struct world *w, int from, int to, const struct message *m)
{
	struct sim_link *l = world_link(w, from, to);
	struct buf b = {0};
	oracle_message(w, from, m);
	message_encode(m, &b);
	int64_t *busy = &l->busy[from < to ? 0 : 1];
	int64_t at = w->now + dice_range(&w->dice, 1, l->delay_max);
	*busy = at > *busy ? at : *busy;
	world_trace(w, "send %s %s %s %zu", w->node[from].slug, w->node[to].slug,
		message_kind_name(m->kind), b.n);
	world_schedule(w, *busy, SIM_DELIVER, from, to, l->life, buf_bytes(&b));
	w->packets++;
}

static void write_mark(struct world *w, int node, const struct event *ev)
{
	struct sim_node *n = &w->node[node];
	n->mark_writing = true;
	n->mark_next = (struct mark){.present = true, .size = ev->size, .root = ev->root};
	memcpy(n->mark_next.origin, ev->origin, sizeof(ev->origin));
	world_schedule(w, w->now + dice_range(&w->dice, 0, 20), SIM_MARKED, node, 0, n->life,
		(struct bytes){0});
}

static void pump(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	struct event ev;
	while (replica_next_event(n->replica, &ev)) {
		if (ev.kind == EVENT_MARK)
			write_mark(w, node, &ev);
		else if (ev.kind == EVENT_NEW_EPOCH)
			w->epochs++;
		if (ev.kind == EVENT_DIVERGED || ev.kind == EVENT_FORK || ev.kind == EVENT_REFUSED)
			oracle_fail(w, "%s reports: %s", n->slug, ev.text);
	}
	for (size_t p = 0; p < w->n; p++) {
		struct outbound out;
		while ((int)p != node && world_link(w, node, (int)p)->up &&
			replica_next_out(n->replica, (int)p, &out)) {
			send_message(w, node, (int)p, &out.msg);
			if (out.last)
				drop_link(w, node, (int)p);
		}
	}
	struct mono_ms at = replica_deadline(n->replica);
	if (at.v < n->tick_at.v) {
		n->tick_at = at;
		world_schedule(w, at.v > w->now ? at.v : w->now, SIM_TICK, node, 0, n->life,
			(struct bytes){0});
	}
}

struct delivery {
	int from;
	struct bytes data;
};

static int input_message(struct world *w, struct sim_node *n, void *arg, struct err *e)
{
	struct delivery *d = arg;
	world_trace(w, "recv %s %s %zu", n->slug, w->node[d->from].slug, d->data.n);
	return world_feed(w, n->replica, d->from, d->data, world_now(w, n), e);
}

static int input_tick(struct world *w, struct sim_node *n, void *arg, struct err *e)
{
	(void)arg;
	n->tick_at = MONO_NEVER;
	return replica_tick(n->replica, world_now(w, n), e);
}

static int input_marked(struct world *w, struct sim_node *n, void *arg, struct err *e)
{
	(void)w;
	(void)arg;
	(void)e;
	n->mark = n->mark_next;
	n->mark_writing = false;
	replica_marked(n->replica, n->mark.origin, n->mark.size);
	return RC_OK;
}

static void deliver(struct world *w, const struct sim_event *ev)
{
	struct sim_link *l = world_link(w, ev->a, ev->b);
	if (!l->up || l->life != ev->life)
		return;
	struct delivery d = {ev->a, ev->data};
	world_group(w, ev->b, input_message, &d);
}

bool world_step(struct world *w, int64_t until)
{
	if (w->n_queue == 0 || w->queue[0].at > until)
		return false;
	struct sim_event ev = pop(w);
	ENSURE(ev.at >= w->now);
	w->now = ev.at;
	w->steps++;
	struct sim_node *n = &w->node[ev.a];
	bool alive = n->replica != NULL && n->life == ev.life;
	switch (ev.kind) {
	case SIM_DELIVER: deliver(w, &ev); break;
	case SIM_MARKED:
		if (alive)
			world_group(w, ev.a, input_marked, NULL);
		break;
	case SIM_TICK:
		if (alive && ev.at >= n->tick_at.v)
			world_group(w, ev.a, input_tick, NULL);
		break;
	case SIM_ACTION: action_random(w); break;
	case SIM_CONNECT: connect_link(w, ev.a, ev.b); break;
	case SIM_RESTART:
		if (n->replica == NULL) {
			world_start(w, ev.a);
			oracle_after(w, ev.a);
			pump(w, ev.a);
		}
		break;
	case SIM_HEAL: world_heal(w, ev.a, ev.b); break;
	}
	free((void *)(uintptr_t)ev.data.p);
	return true;
}

void world_init(struct world *w, uint64_t seed, size_t n)
{
	*w = (struct world){.seed = seed, .dice = {seed}, .n = n};
	for (size_t i = 0; i < n; i++) {
		struct sim_node *node = &w->node[i];
		struct err e = {0};
		memcpy(node->slug, slugs[i], strlen(slugs[i]) + 1);
		node->dice.state = dice_u64(&w->dice);
		make_keys(w, node);
		if (store_sqlite_open(":memory:", NULL, &node->store, &e) != RC_OK)
			oracle_fail(w, "store: %s", e.text);
		/* Clocks off by up to ten years, some drifting (fault F31). */
		if (dice_percent(&w->dice, 30))
			node->wall_offset = dice_range(&w->dice, -315360000000LL, 315360000000LL);
		node->wall_drift_ppm = dice_range(&w->dice, -200, 200);
		for (size_t k = 0; k < n; k++)
			w->link[i][k].delay_max =
				dice_percent(&w->dice, 20) ? 2000 : dice_range(&w->dice, 2, 200);
	}
	make_roster(w);
	action_setup(w);
}

void world_release(struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct sim_node *n = &w->node[i];
		if (n->replica != NULL)
			replica_close(n->replica);
		store_sqlite_close(n->store);
		key_release(&n->root);
		key_release(&n->log);
		key_release(&n->cosign);
		key_release(&n->noise);
		for (size_t k = 0; k < SIM_OPERATORS; k++)
			key_release(&n->operator[k]);
	}
	for (size_t i = 0; i < w->n_queue; i++)
		free((void *)(uintptr_t)w->queue[i].data.p);
	for (size_t i = 0; i < w->n_ledger; i++) {
		free(w->ledger[i].leaf);
		free(w->ledger[i].root);
	}
	free(w->ledger);
	free(w->queue);
	free(w->acked);
	buf_release(&w->roster);
}
