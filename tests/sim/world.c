#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store_sqlite.h"
#include "proto/base/text.h"
#include "tests/sim/deceit.h"
#include "tests/sim/disk.h"
#include "tests/sim/hostile.h"
#include "tests/sim/oracle.h"
#include "tests/sim/programs.h"
#include "tests/sim/requests.h"
#include "tests/sim/sometimes.h"
#include "tests/sim/talk.h"

#define YEARS_MS 315360000000LL
#define DRIFT_PPM 200
#define LOOK_MS 1000
#define SETUP_MS 50

/* ---- trace ---- */

void world_trace(struct world *w, const char *fmt, ...)
{
	char line[400];
	va_list ap;
	va_start(ap, fmt);
	text_vprint(line, sizeof(line), fmt, ap);
	va_end(ap);
	uint8_t at[8];
	put_u64be(at, (uint64_t)w->now);
	struct bytes parts[] = {
		hash_bytes(&w->trace_hash), bytes_of(at, sizeof(at)), bytes_str(line)};
	sha256_multi(parts, 3, &w->trace_hash);
	if (w->trace)
		printf("%10lld %s\n", (long long)w->now, line);
}

/* ---- who ---- */

struct sim_node *world_node_of(struct world *w, int member)
{
	return &w->node[member];
}

bool world_is_honest(const struct world *w, int member)
{
	return !w->identity[member].liar;
}

/* ---- making ---- */

static void make_path(struct world *w, struct path *p)
{
	static const int64_t rates[] = {2, 16, 100};
	bool slow = swarm_has(&w->swarm, FAULT_SLOW) && dice_percent(&w->wires, 50);
	bool chunks = swarm_has(&w->swarm, FAULT_CHUNKS);
	bool flips = swarm_has(&w->swarm, FAULT_FLIP) && dice_percent(&w->wires, 30);
	size_t rate = dice_index(&w->wires, 3);
	int64_t far = dice_range(&w->wires, 100, 2000), near = dice_range(&w->wires, 2, 60);
	size_t chunk = 1 + dice_index(&w->wires, 700);
	*p = (struct path){.delay_min = 1,
		.delay_max = slow ? far : near,
		.rate = slow ? rates[rate] : 0,
		.chunk_max = chunks ? chunk : 65536,
		.flip_ppm = flips ? 3000 : 0};
}

static void make_node(struct world *w, size_t i)
{
	static const int64_t audit_waits[] = {AUDIT_WAIT_MS, AUDIT_WAIT_MS, AUDIT_WAIT_MS, 20000};
	struct sim_node *n = &w->node[i];
	bool clock_off = swarm_has(&w->swarm, FAULT_CLOCK) && dice_percent(&w->weather, 50);
	int64_t offset = dice_range(&w->weather, -YEARS_MS, YEARS_MS);
	int64_t drift = dice_range(&w->weather, -DRIFT_PPM, DRIFT_PPM);
	bool on_disk = swarm_has(&w->swarm, FAULT_DISK) && dice_percent(&w->weather, 80);
	bool old = swarm_has(&w->swarm, FAULT_OLD) && dice_percent(&w->weather, 40);
	n->id = &w->identity[i];
	n->self = n->member = (int)i;
	n->power = NODE_DEAD;
	n->dice.state = dice_u64(&w->weather);
	n->wall_offset = clock_off ? offset : 0;
	n->wall_drift_ppm = swarm_has(&w->swarm, FAULT_CLOCK) ? drift : 0;
	n->old_program = old && i > 0;
	n->lazy = dice_percent(&w->audit, 50);
	n->audit_wait = audit_waits[dice_index(&w->audit, 4)];
	n->disk = on_disk || w->stage ? disk_new((int)i) : NULL;
}

static struct dice derived(struct dice *d)
{
	return (struct dice){dice_u64(d)};
}

void world_init(struct world *w, const struct run *run)
{
	struct dice seed = {run->seed};
	*w = (struct world){.seed = run->seed,
		.stage = run->stage,
		.two_liars = run->two_liars,
		.trace = run->trace};
	w->people = derived(&seed);
	w->weather = derived(&seed);
	w->wires = derived(&seed);
	w->oracle = derived(&seed);
	struct dice kind = derived(&seed);
	w->hostile_dice = derived(&seed);
	w->audit = derived(&seed);
	w->tcp = (struct dice){run->seed ^ 0x746370};
	w->n_members = (size_t)dice_range(&kind, 2, SIM_MEMBERS);
	if (dice_percent(&kind, 40))
		w->n_members = SIM_MEMBERS;
	if (run->members != 0)
		w->n_members = run->members;
	w->n_nodes = w->n_members;
	swarm_init(&w->swarm, run, &kind);
	disk_seed(run->seed);
	oracle_set_replay(run);
	identity_make_all(w);
	for (size_t i = 0; i < SIM_NODES; i++)
		for (size_t k = 0; k < SIM_NODES; k++)
			make_path(w, &w->path[i][k]);
	for (size_t i = 0; i < w->n_members; i++)
		make_node(w, i);
	versions_setup(w, run->steps);
	hostile_setup(w);
	talk_setup(w, run->steps);
	bundles_setup(w);
	people_setup(w);
	if (w->stage)
		return;
	queue_add(w, SETUP_MS, SIM_ACTION, 0, 0);
	queue_add(w, SETUP_MS, SIM_WEATHER, 0, 0);
}

static void release_node(struct sim_node *n)
{
	programs_run(n);
	if (n->replica != NULL)
		replica_close(n->replica);
	store_sqlite_close(n->store);
	disk_free(n->disk);
	held_release(&n->held);
	meet_forget(n);
}

void world_release(struct world *w)
{
	conn_free_all(w);
	for (size_t i = 0; i < w->n_nodes; i++)
		release_node(&w->node[i]);
	programs_run_newest();
	hostile_release(w);
	free(w->talk);
	requests_release(w);
	weather_release(w);
	versions_release(w);
	bundles_release(w);
	identity_release_all(w);
	books_release(&w->books);
	free(w->queue);
	free(w->arena_memory);
}

/* ---- calm ---- */

static void upgrade(struct world *w, struct sim_node *n)
{
	if (!n->old_program)
		return;
	if (node_is_up(n))
		node_die(w, n, NODE_DEAD);
	n->old_program = false;
	world_trace(w, "upgrade %s%d", n->id->slug, n->self);
	sometimes(SOMETIMES_UPGRADED);
}

/* A second machine with the same keys is found and switched off for good. */
static void end_clone(struct world *w)
{
	if (w->n_nodes == w->n_members)
		return;
	struct sim_node *twin = &w->node[w->n_members];
	if (node_is_up(twin))
		node_die(w, twin, NODE_DEAD);
	/* What it told nobody goes with its disk. */
	oracle_put_back(w, twin, NULL);
	release_node(twin);
	*twin = (struct sim_node){.id = twin->id, .self = twin->self, .member = twin->member};
	w->n_nodes = w->n_members;
}

void world_calm(struct world *w)
{
	weather_last(w);
	world_trace(w, "calm");
	w->calm = true;
	w->calm_since = w->now;
	end_clone(w);
	for (size_t i = 0; i < w->n_nodes; i++)
		upgrade(w, &w->node[i]);
	weather_clear(w);
	bundles_keep_apart(w);
	queue_add(w, w->now + LOOK_MS, SIM_LOOK, 0, 0);
	queue_add(w, w->now + LOOK_MS, SIM_CARRY, 0, 0);
}

/* ---- steps ---- */

static struct sim_node *node_of_event(struct world *w, const struct sim_event *ev)
{
	struct sim_conn *c;
	switch (ev->kind) {
	case SIM_SYN:
	case SIM_ACCEPTED:
	case SIM_REFUSED:
	case SIM_CHUNK:
	case SIM_FIN:
	case SIM_RESET: c = conn_find(w, ev->id); return c != NULL ? c->end[ev->a].node : NULL;
	case SIM_MARKED:
	case SIM_AUDIT:
	case SIM_TIMER:
	case SIM_RESTART: return w->node[ev->a].life == ev->id ? &w->node[ev->a] : NULL;
	case SIM_PARCEL: return bundles_node(w, ev->id);
	case SIM_ACTION:
	case SIM_WEATHER:
	case SIM_HOSTILE:
	case SIM_DECEIT:
	case SIM_TALK:
	case SIM_CARRY:
	case SIM_LOOK: break;
	}
	return NULL;
}

static void connection_event(struct world *w, const struct sim_event *ev)
{
	struct sim_conn *c = conn_find(w, ev->id);
	if (c == NULL)
		return;
	if (ev->kind == SIM_SYN)
		conn_on_syn(w, c);
	else if (ev->kind == SIM_ACCEPTED)
		conn_on_accepted(w, c);
	else if (ev->kind == SIM_REFUSED)
		conn_on_refused(w, c);
	else if (ev->kind == SIM_CHUNK)
		conn_on_chunk(w, c, ev->a);
	else if (ev->kind == SIM_FIN)
		conn_on_fin(w, c, ev->a);
	else
		conn_on_reset(w, c, ev->a);
}

static void node_event(struct world *w, struct sim_node *n, const struct sim_event *ev)
{
	if (ev->kind == SIM_RESTART && !node_is_up(n)) {
		node_start(w, n);
		return;
	}
	if (!node_is_up(n))
		return;
	if (ev->kind == SIM_MARKED)
		node_on_marked(w, n);
	else if (ev->kind == SIM_AUDIT)
		feed_on_audit(w, n);
	else if (ev->kind == SIM_TIMER)
		node_on_timer(w, n);
}

static void run_event(struct world *w, struct sim_node *n, const struct sim_event *ev)
{
	switch (ev->kind) {
	case SIM_SYN:
	case SIM_ACCEPTED:
	case SIM_REFUSED:
	case SIM_CHUNK:
	case SIM_FIN:
	case SIM_RESET: connection_event(w, ev); break;
	case SIM_MARKED:
	case SIM_AUDIT:
	case SIM_TIMER:
	case SIM_RESTART:
		if (n != NULL)
			node_event(w, n, ev);
		break;
	case SIM_ACTION:
		if (!w->calm) {
			people_act(w);
			versions_act(w);
			bundles_act(w);
		}
		break;
	case SIM_WEATHER:
		if (!w->calm)
			weather_act(w);
		break;
	case SIM_HOSTILE: hostile_act(w); break;
	case SIM_DECEIT: deceit_act(w); break;
	case SIM_TALK: talk_act(w); break;
	case SIM_PARCEL: bundles_on_parcel(w, ev->id); break;
	case SIM_CARRY: bundles_on_carry(w); break;
	case SIM_LOOK:
		w->over = oracle_converged(w, false) && !requests_doubt_all(w);
		if (!w->over)
			queue_add(w, w->now + LOOK_MS, SIM_LOOK, 0, 0);
		break;
	}
	if (n != NULL)
		node_settle(w, n);
}

bool world_step(struct world *w, int64_t until)
{
	struct sim_event ev;
	if (!queue_take(w, until, &ev))
		return false;
	ENSURE(ev.at >= w->now);
	w->now = ev.at;
	w->steps += ev.kind != SIM_AUDIT; /* nothing goes wrong in the world meanwhile */
	struct sim_node *n = node_of_event(w, &ev);
	programs_run_newest();
	if (n != NULL && w->now < n->paused_to)
		queue_add(w, n->paused_to, ev.kind, ev.a, ev.id);
	else
		run_event(w, n, &ev);
	conn_reap(w);
	return true;
}
