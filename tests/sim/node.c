/* The life of a node: starting, turns, the mark, and every way to die. */
#include <sqlite3.h>
#include <string.h>

#include "daemon/store/store_sqlite.h"
#include "proto/base/mutant.h"
#include "tests/sim/disk.h"
#include "tests/sim/oracle.h"
#include "tests/sim/programs.h"
#include "tests/sim/sometimes.h"
#include "tests/sim/world.h"

#define START_WALL_MS 1793577600000LL /* 2026-11-02 */
#define MARK_WRITE_MAX_MS 20
#define RESTART_MIN_MS 10
#define RESTART_MAX_MS 5000
#define FULL_MIN_MS 5000
#define FULL_MAX_MS 60000

struct now node_now(const struct world *w, const struct sim_node *n)
{
	int64_t drift = w->now / 1000 * n->wall_drift_ppm / 1000;
	int64_t wall = START_WALL_MS + w->now + n->wall_offset + drift;
	return (struct now){{w->now}, {n->wall_stuck != 0 ? n->wall_stuck : wall}};
}

bool node_is_up(const struct sim_node *n)
{
	return n->power == NODE_RUNNING && n->replica != NULL;
}

/* ---- starting ---- */

static void node_chance(void *self, void *p, uint32_t n)
{
	dice_fill(&((struct sim_node *)self)->dice, p, n);
}

static const struct store_ops *real;
static struct store_ops counting;
static uint64_t read_whole;

uint64_t node_read_whole(void)
{
	return read_whole;
}

static int count_leaf_each(struct store *s, uint32_t log, uint64_t from, uint64_t to,
	store_leaf_fn *fn, void *arg, struct err *e)
{
	read_whole += from == 0;
	return real->leaf_each(s, log, from, to, fn, arg, e);
}

static void count_reads(struct store *s)
{
	if (real == NULL) {
		real = s->ops;
		counting = *real;
		counting.leaf_each = count_leaf_each;
	}
	s->ops = &counting;
}

static int open_store(struct sim_node *n, struct err *e)
{
	if (n->disk != NULL) {
		int rc = store_sqlite_open(disk_path(n->disk), DISK_VFS, &n->store, e);
		if (rc == RC_OK)
			count_reads(n->store);
		/* It is the process's, and here are five. */
		(void)sqlite3_hard_heap_limit64(0);
		return rc;
	}
	return n->store != NULL ? RC_OK : store_sqlite_open(":memory:", NULL, &n->store, e);
}

static int open_replica(struct world *w, struct sim_node *n, struct err *e)
{
	struct replica_config c = {.store = n->store,
		.chance = {node_chance, n},
		.log_key = &n->id->log,
		.log_key_next = &n->id->log_next,
		.cosign_key = &n->id->cosign,
		.member = n->id->slug,
		.cluster_id = w->cluster_id,
		.software = "sim",
		.mark = n->mark,
		/* Some nodes in the smallest pieces, some in whole ones. */
		.release_at_once =
			n->self % 2 == 0 && !swarm_has(&w->swarm, FAULT_RESTART) ? 0 : 1};
	return replica_open(&c, node_now(w, n), &n->replica, e);
}

static void restart_later(struct world *w, struct sim_node *n)
{
	int64_t wait = dice_range(&w->weather, RESTART_MIN_MS, RESTART_MAX_MS);
	int64_t from = w->down_to > w->now ? w->down_to : w->now;
	if (from == SIM_NEVER)
		return;
	queue_add(w, from + wait, SIM_RESTART, n->self, n->life);
}

/* As the kernel leaves it: nothing more reaches the files. */
static void drop_process(struct sim_node *n)
{
	if (n->disk != NULL)
		disk_set_dead(n->disk, true);
	if (n->replica != NULL)
		replica_close(n->replica);
	n->replica = NULL;
	n->in_group = false;
	if (n->disk == NULL)
		return; /* a database in memory outlives the process */
	store_sqlite_close(n->store);
	n->store = NULL;
	disk_set_dead(n->disk, false);
}

static void does_not_start(struct world *w, struct sim_node *n, int rc, const struct err *e)
{
	drop_process(n);
	world_trace(w, "no start %s%d: %s", n->id->slug, n->self, e->text);
	/* No disk of this world changes what was synced. */
	if (n->disk == NULL || !disk_has_struck(n->disk) || rc == RC_CORRUPT)
		oracle_fail(w, 19, "%s does not start: %s", n->id->slug, e->text);
	sometimes(SOMETIMES_NO_START);
	if (rc == RC_IO)
		sometimes(SOMETIMES_UNREADABLE_START);
	sometimes_rc(rc);
	n->power = NODE_DEAD;
	restart_later(w, n);
}

/* The power went while it was under way. */
static bool is_cut_short(struct world *w, struct sim_node *n)
{
	if (n->disk == NULL || !disk_is_dead(n->disk))
		return false;
	world_trace(w, "power off in the start %s%d", n->id->slug, n->self);
	sometimes(SOMETIMES_POWER_IN_START);
	drop_process(n);
	disk_lose_power(n->disk, &w->weather);
	n->power = NODE_OFF;
	restart_later(w, n);
	return true;
}

static int open_both(struct world *w, struct sim_node *n, struct err *e)
{
	if (n->disk != NULL && !w->calm)
		disk_die_at(n->disk, n->start_dies);
	n->start_dies = 0;
	int rc = open_store(n, e);
	if (rc == RC_OK)
		rc = open_replica(w, n, e);
	if (n->disk != NULL)
		disk_die_at(n->disk, 0);
	return rc;
}

void node_start(struct world *w, struct sim_node *n)
{
	struct err e = {0};
	n->power = NODE_RUNNING;
	n->life++;
	n->timer_at = SIM_NEVER;
	n->mark_writing = n->in_group = n->full = n->audit_queued = false;
	programs_run(n);
	int rc = open_both(w, n, &e);
	if (is_cut_short(w, n))
		return;
	if (rc != RC_OK) {
		does_not_start(w, n, rc, &e);
		return;
	}
	world_trace(w, "start %s%d", n->id->slug, n->self);
	n->roster_version = 0;
	n->roster_id = (struct hash){{0}};
	versions_match(w, n);
	shell_start(w, n);
	oracle_started(w, n);
	node_settle(w, n);
}

/* ---- dying ---- */

void node_die(struct world *w, struct sim_node *n, enum node_power to)
{
	bool off = to == NODE_OFF;
	world_trace(w, "%s %s%d", off ? "power off" : "die", n->id->slug, n->self);
	programs_run(n);
	drop_process(n);
	n->power = to;
	/* The mark file's write is either there or not. */
	bool written = dice_percent(&w->weather, 50);
	if (n->mark_writing && written)
		n->mark = n->mark_next;
	n->mark_writing = false;
	conn_close_all(w, n, off);
	for (size_t i = 0; i < SIM_MEMBERS; i++)
		n->peer[i] = (struct sim_peer){0};
	if (off && n->disk != NULL)
		disk_lose_power(n->disk, &w->weather);
	restart_later(w, n);
	programs_run_newest();
}

/* Here and there in a turn, where it hurts. */
static bool dies_here(struct world *w, struct sim_node *n, unsigned rarer)
{
	uint64_t draw = dice_u64(&w->weather);
	bool crash = swarm_has(&w->swarm, FAULT_CRASH), power = swarm_has(&w->swarm, FAULT_POWER);
	if (w->calm || (!crash && !power) || draw % (w->swarm.death_in * rarer) != 0)
		return false;
	bool off = power && (!crash || draw >> 32 & 1);
	node_die(w, n, off ? NODE_OFF : NODE_DEAD);
	return true;
}

/* ---- trouble with the store ---- */

/* By its mark it may not go on in the log it has, and there is no room for the first leaf of
 * another. */
static bool needs_new_log(const struct sim_node *n)
{
	bool moves = n->mark_writing && strcmp(n->mark.origin, n->mark_next.origin) != 0;
	return moves || (n->mark.present && held_size(&n->held, n->mark.origin) < n->mark.size);
}

static void roll_back(struct world *w, struct sim_node *n)
{
	struct err e = {0};
	n->in_group = false;
	shell_drop_all(w, n, "the store failed");
	bundles_give_up(w, n);
	int rc = replica_rollback(n->replica, node_now(w, n), &e);
	meet_started(n);
	world_trace(w, "rollback %s%d rc %d", n->id->slug, n->self, rc);
	if (rc == RC_DISK_FULL && !needs_new_log(n))
		oracle_fail(w, 20, "%s%d ends because its disk is full: %s", n->id->slug, n->self,
			e.text);
	if (rc != RC_OK)
		node_die(w, n, NODE_DEAD);
}

static void is_full(struct world *w, struct sim_node *n)
{
	sometimes(SOMETIMES_DISK_FULL);
	n->full = true;
	replica_set_full(n->replica, true);
	n->full_to = w->now + dice_range(&n->dice, FULL_MIN_MS, FULL_MAX_MS);
	roll_back(w, n);
}

bool node_survives(struct world *w, struct sim_node *n, int rc, const struct err *e)
{
	bool trouble = rc == RC_DISK_FULL || rc == RC_UNKNOWN_OUTCOME || rc == RC_CORRUPT ||
		rc == RC_NOMEM || rc == RC_IO || rc == RC_INTERNAL || rc == RC_BUSY;
	if (!trouble)
		return true;
	world_trace(w, "store %s%d rc %d", n->id->slug, n->self, rc);
	sometimes_rc(rc);
	if (n->disk == NULL || !disk_has_struck(n->disk) || rc == RC_INTERNAL || rc == RC_BUSY ||
		rc == RC_CORRUPT)
		oracle_fail(w, 19, "%s: the store failed for no reason: %s", n->id->slug, e->text);
	if (rc == RC_DISK_FULL) {
		is_full(w, n);
	} else if (rc == RC_NOMEM) {
		roll_back(w, n);
	} else {
		/* What was committed is unknown until the next start reads it. */
		if (rc == RC_UNKNOWN_OUTCOME) {
			sometimes(SOMETIMES_UNKNOWN_OUTCOME);
			n->held.unknown_outcome = true;
		}
		node_die(w, n, NODE_DEAD);
	}
	return false;
}

/* ---- turns ---- */

bool node_enter(struct world *w, struct sim_node *n)
{
	struct err e = {0};
	if (!node_is_up(n))
		return false;
	programs_run(n);
	if (n->in_group)
		return true;
	int rc = replica_begin(n->replica, &e);
	if (!node_survives(w, n, rc, &e))
		return false;
	n->in_group = true;
	return true;
}

static void write_mark(struct world *w, struct sim_node *n, const struct event *ev)
{
	n->mark_writing = true;
	n->mark_next = (struct mark){.present = true, .size = ev->size, .root = ev->root};
	memcpy(n->mark_next.origin, ev->origin, sizeof(ev->origin));
	int64_t late = dice_range(&w->wires, 0, MARK_WRITE_MAX_MS);
	queue_add(w, w->now + late, SIM_MARKED, n->self, n->life);
}

void node_on_marked(struct world *w, struct sim_node *n)
{
	n->mark = n->mark_next;
	n->mark_writing = false;
	if (dies_here(w, n, 2)) {
		sometimes(SOMETIMES_DEATH_AFTER_MARK);
		return;
	}
	replica_marked(n->replica, n->mark.origin, n->mark.size);
}

/* True if anything was written. */
static bool take_events(struct world *w, struct sim_node *n)
{
	struct event ev;
	bool wrote = false;
	while (replica_next_event(n->replica, &ev)) {
		if (ev.kind == EVENT_MARK)
			write_mark(w, n, &ev);
		wrote |= ev.kind == EVENT_COMMITTED || ev.kind == EVENT_MARK;
		oracle_event(w, n, &ev);
	}
	return wrote;
}

/* With something left to do that nobody asks for again. */
static bool dies_in_release(struct world *w, struct sim_node *n)
{
	bool releases = replica_is_provisional(n->replica) && !replica_audit_is_due(n->replica);
	if (w->calm || !swarm_has(&w->swarm, FAULT_RESTART) || !releases ||
		!dice_percent(&w->weather, 40))
		return false;
	sometimes(SOMETIMES_DEATH_IN_RELEASE);
	node_die(w, n, NODE_DEAD);
	return true;
}

static bool commit(struct world *w, struct sim_node *n)
{
	struct err e = {0};
	if (MUTANT(SEND_BEFORE_COMMIT)) {
		n->in_group = false;
		shell_send(w, n);
		n->in_group = true;
	}
	if (dies_here(w, n, 1))
		return false;
	int rc = replica_commit(n->replica, node_now(w, n), &e);
	n->in_group = false;
	if (!node_survives(w, n, rc, &e))
		return false;
	if (take_events(w, n))
		oracle_committed(w, n);
	meet_committed(w, n);
	requests_committed(w, n);
	versions_match(w, n);
	weather_brim(w, n);
	bool before_mark = n->mark_writing;
	if (dies_in_release(w, n))
		return false;
	if (!dies_here(w, n, 1))
		return true;
	if (before_mark)
		sometimes(SOMETIMES_DEATH_BEFORE_MARK);
	return false;
}

static void set_timer(struct world *w, struct sim_node *n)
{
	int64_t at = replica_deadline(n->replica).v, shell = shell_deadline(w, n);
	at = shell < at ? shell : at;
	if (at >= n->timer_at || at == SIM_NEVER)
		return;
	n->timer_at = at > w->now ? at : w->now + 1;
	queue_add(w, n->timer_at, SIM_TIMER, n->self, n->life);
}

static void settle(struct world *w, struct sim_node *n)
{
	do {
		shell_report_lost(w, n);
		if (n->in_group && !commit(w, n) && !node_is_up(n))
			return;
		if (!node_is_up(n))
			return;
		if (!n->in_group)
			(void)take_events(w, n);
		shell_send(w, n);
	} while (node_is_up(n) && (n->in_group || shell_has_lost(n)));
	if (!node_is_up(n))
		return;
	set_timer(w, n);
	feed_plan_audit(w, n);
}

void node_settle(struct world *w, struct sim_node *n)
{
	if (!node_is_up(n))
		return;
	programs_run(n);
	settle(w, n);
	programs_run_newest();
}

void node_on_timer(struct world *w, struct sim_node *n)
{
	struct err e = {0};
	/* An earlier one took its place, and others since. */
	if (w->now < n->timer_at)
		return;
	n->timer_at = SIM_NEVER;
	n->had_session = false;
	for (size_t i = 0; i < w->n_members; i++)
		n->had_session |= n->peer[i].session != 0;
	if (w->now >= replica_deadline(n->replica).v && node_enter(w, n)) {
		int rc = replica_tick(n->replica, node_now(w, n), &e);
		if (!node_survives(w, n, rc, &e))
			return;
	}
	if (node_is_up(n))
		shell_on_time(w, n);
}
