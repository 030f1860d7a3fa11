/* What goes wrong around the nodes. */
#include <sqlite3.h>
#include <stdlib.h>

#include "tests/sim/disk.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

#define YEAR_MS 31557600000LL
#define MONTH_MS 2592000000LL
#define BACKUPS 4
#define START_READS 40
#define START_CHANGES 12
#define SPOILT_MS 10000
#define OLD_FROM_STEP 1000
#define BRIM_IN 60
#define BRIM_WITHIN_MS 200
#define BRIM_BYTES 3000

/* A copy of a disk, and the mark file of that moment. */
struct backup {
	struct disk_copy *copy;
	struct mark mark;
	int node;
	uint64_t lineage;
};
struct weather {
	struct backup backup[BACKUPS];
	struct backup old; /* one that is kept for long, where people doubt */
};

static struct sim_node *any_node(struct world *w)
{
	return &w->node[dice_index(&w->weather, w->n_nodes)];
}

static int64_t how_long(struct world *w)
{
	return dice_range(&w->weather, 1, w->swarm.fault_max);
}

/* ---- lines ---- */

static void hole(struct world *w, struct sim_node *from, struct sim_node *to, int64_t until)
{
	struct path *p = &w->path[from->self][to->self];
	if (w->now >= p->hole_to)
		p->hole_from = w->now;
	p->hole_to = until > p->hole_to ? until : p->hole_to;
}

static bool is_between(const struct sim_conn *c, const struct sim_node *a, const struct sim_node *b)
{
	const struct sim_node *x = c->end[0].node, *y = c->end[1].node;
	return (x == a && y == b) || (x == b && y == a);
}

static void reset_between(struct world *w, struct sim_node *a, struct sim_node *b)
{
	for (size_t i = 0; i < SIM_CONNS; i++)
		if (w->conn[i] != NULL && is_between(w->conn[i], a, b))
			conn_reset(w, w->conn[i]);
}

/* Loud: both ends are told. Silent: packets vanish, and nobody is. */
static void cut(struct world *w, struct sim_node *a, struct sim_node *b, int64_t until, bool loud)
{
	if (a == b)
		return;
	world_trace(w, "cut %s%d %s%d %lld", a->id->slug, a->self, b->id->slug, b->self,
		(long long)(until - w->now));
	sometimes(SOMETIMES_CUT);
	hole(w, a, b, until);
	hole(w, b, a, until);
	if (loud)
		reset_between(w, a, b);
}

void weather_cut(struct world *w, int a, int b)
{
	cut(w, &w->node[a], &w->node[b], SIM_NEVER, true);
	/* Not a moment later. */
	for (size_t i = 0; i < SIM_CONNS; i++)
		if (w->conn[i] != NULL && is_between(w->conn[i], &w->node[a], &w->node[b])) {
			conn_on_reset(w, w->conn[i], 0);
			conn_on_reset(w, w->conn[i], 1);
		}
	node_settle(w, &w->node[a]);
	node_settle(w, &w->node[b]);
}

void weather_mend(struct world *w, int a, int b)
{
	w->path[a][b].hole_to = w->path[b][a].hole_to = 0;
}

void weather_cut_all(struct world *w, int64_t until)
{
	for (size_t i = 0; i < w->n_nodes; i++)
		for (size_t k = i + 1; k < w->n_nodes; k++)
			cut(w, &w->node[i], &w->node[k], until, false);
}

static void cut_pair(struct world *w)
{
	struct sim_node *a = any_node(w), *b = any_node(w);
	int64_t until = w->now + how_long(w);
	cut(w, a, b, until, dice_percent(&w->weather, 50));
}

static void isolate(struct world *w)
{
	struct sim_node *a = any_node(w);
	int64_t until = w->now + how_long(w);
	bool loud = dice_percent(&w->weather, 50);
	sometimes(SOMETIMES_ISOLATED);
	for (size_t i = 0; i < w->n_nodes; i++)
		cut(w, a, &w->node[i], until, loud);
}

/* Two sides; sometimes one node reaches both. */
static void split(struct world *w)
{
	uint64_t side = dice_u64(&w->weather);
	int64_t until = w->now + how_long(w);
	bool loud = dice_percent(&w->weather, 50), bridge = dice_percent(&w->weather, 50);
	struct sim_node *both = any_node(w);
	sometimes(SOMETIMES_SPLIT);
	for (size_t i = 0; i < w->n_nodes; i++)
		for (size_t k = i + 1; k < w->n_nodes; k++) {
			struct sim_node *a = &w->node[i], *b = &w->node[k];
			bool apart = (side >> i & 1) != (side >> k & 1);
			if (apart && !(bridge && (a == both || b == both)))
				cut(w, a, b, until, loud);
		}
}

static void one_way(struct world *w)
{
	struct sim_node *a = any_node(w), *b = any_node(w);
	int64_t until = w->now + how_long(w);
	if (a == b)
		return;
	world_trace(w, "one way %s%d %s%d", a->id->slug, a->self, b->id->slug, b->self);
	hole(w, a, b, until);
}

static void reset_one(struct world *w)
{
	size_t at = dice_index(&w->weather, SIM_CONNS);
	for (size_t i = 0; i < SIM_CONNS; i++) {
		struct sim_conn *c = w->conn[(at + i) % SIM_CONNS];
		if (c == NULL)
			continue;
		world_trace(w, "reset %llu", (unsigned long long)c->id);
		conn_reset(w, c);
		return;
	}
}

static void refuse(struct world *w)
{
	struct sim_node *n = any_node(w);
	int64_t until = w->now + how_long(w);
	for (size_t i = 0; i < w->n_nodes; i++)
		w->path[i][n->self].refuse_to = until;
}

/* ---- hosts ---- */

static void pause(struct world *w)
{
	struct sim_node *n = any_node(w);
	n->paused_to = n->slept_to = w->now + how_long(w);
	world_trace(w, "pause %s%d", n->id->slug, n->self);
}

static void die(struct world *w, enum node_power to)
{
	struct sim_node *n = any_node(w);
	if (!node_is_up(n))
		return;
	sometimes(to == NODE_OFF ? SOMETIMES_POWER_LOST : SOMETIMES_KILLED);
	node_die(w, n, to);
}

/* Everybody is off for a month; one comes back later than the others. */
static void night(struct world *w)
{
	struct sim_node *late = any_node(w);
	w->down_to = w->now + MONTH_MS;
	for (size_t i = 0; i < w->n_nodes; i++) {
		struct sim_node *n = &w->node[i];
		if (n != late && node_is_up(n))
			node_die(w, n, NODE_OFF);
	}
	w->down_to += how_long(w);
	if (node_is_up(late))
		node_die(w, late, NODE_OFF);
	w->down_to = 0;
	sometimes(SOMETIMES_MONTH_AWAY);
}

static void jump(struct world *w)
{
	struct sim_node *n = any_node(w);
	int64_t far = dice_range(&w->weather, -10 * YEAR_MS, 10 * YEAR_MS);
	int64_t near = dice_range(&w->weather, -100000, 100000);
	int64_t now = node_now(w, n).wall.v;
	n->wall_set = true;
	switch (dice_index(&w->weather, 4)) {
	case 0: n->wall_offset += far; break;
	case 1: n->wall_offset += near; break;
	case 2: n->wall_stuck = now; break;
	default: n->wall_stuck = 0; break;
	}
	sometimes(SOMETIMES_CLOCK_JUMP);
}

/* ---- disks ---- */

static void break_disk(struct world *w)
{
	static const struct {
		enum disk_op op;
		int code;
	} faults[] = {{DISK_READ, SQLITE_IOERR_READ}, {DISK_WRITE, SQLITE_IOERR_WRITE},
		{DISK_WRITE, SQLITE_FULL}, {DISK_SYNC, SQLITE_IOERR_FSYNC},
		{DISK_SYNC, SQLITE_IOERR_FSYNC}};
	struct sim_node *n = any_node(w);
	size_t which = dice_index(&w->weather, sizeof(faults) / sizeof(*faults));
	unsigned nth = (unsigned)dice_range(&w->weather, 1, 30);
	bool for_ever = dice_percent(&w->weather, 20);
	if (n->disk == NULL)
		return;
	world_trace(w, "disk %s%d op %d nth %u", n->id->slug, n->self, (int)faults[which].op, nth);
	disk_plan_fault(n->disk, faults[which].op, nth, for_ever, faults[which].code, &w->weather);
	n->disk_heals = w->now + how_long(w);
}

/* What a process is told once, or never: a sync fails, and soon it ends, and the power goes while
 * the next one puts things right; or that one cannot read what is there. */
static void spoil_start(struct world *w)
{
	struct sim_node *n = any_node(w);
	unsigned nth = (unsigned)dice_range(&w->weather, 1, START_READS);
	unsigned change = (unsigned)dice_range(&w->weather, 1, START_CHANGES);
	bool reads = dice_percent(&w->weather, 25);
	if (n->disk == NULL || !node_is_up(n))
		return;
	world_trace(w, "spoil %s%d %s", n->id->slug, n->self, reads ? "reads" : "sync");
	n->disk_heals = w->now + how_long(w) + SPOILT_MS;
	if (reads) {
		node_die(w, n, NODE_DEAD);
		disk_plan_fault(n->disk, DISK_READ, nth, false, SQLITE_IOERR_READ, &w->weather);
		return;
	}
	disk_plan_fault(n->disk, DISK_SYNC, 1 + nth % 3, false, SQLITE_IOERR_FSYNC, &w->weather);
	n->start_dies = change;
}

/* Whatever it made of the sync. */
static void end_spoilt(struct world *w)
{
	for (size_t i = 0; i < w->n_nodes; i++) {
		struct sim_node *n = &w->node[i];
		if (n->start_dies > 0 && node_is_up(n) && dice_percent(&w->weather, 40))
			node_die(w, n, NODE_DEAD);
	}
}

static void fill_disk(struct world *w)
{
	struct sim_node *n = any_node(w);
	int64_t more = dice_range(&w->weather, 0, 65536);
	bool dies = dice_percent(&w->weather, 40);
	if (n->disk == NULL)
		return;
	world_trace(w, "fill %s%d", n->id->slug, n->self);
	/* The next start writes the log back, for which there is no room. */
	if (dies && node_is_up(n))
		node_die(w, n, NODE_DEAD);
	disk_limit(n->disk, dies ? more / 16 : more);
	n->disk_heals = w->now + how_long(w);
}

/* Dice of its own. */
void weather_brim(struct world *w, struct sim_node *n)
{
	struct dice d = {w->seed ^ 0x6272696d ^ w->steps << 8};
	int64_t left = replica_deadline(n->replica).v - w->now;
	if (!swarm_has(&w->swarm, FAULT_BRIM) || w->calm || n->disk == NULL || n->full ||
		left <= 0 || left > BRIM_WITHIN_MS || dice_index(&d, BRIM_IN) != 0)
		return;
	int64_t more = dice_range(&d, 0, BRIM_BYTES);
	world_trace(w, "brim %s%d", n->id->slug, n->self);
	disk_limit(n->disk, more);
	n->disk_heals = w->now + dice_range(&d, 1, w->swarm.fault_max);
}

static void back_up(struct world *w)
{
	struct sim_node *n = any_node(w);
	struct backup *b = &w->storm->backup[dice_index(&w->weather, BACKUPS)];
	if (n->disk == NULL || !node_is_up(n))
		return;
	disk_copy_free(b->copy);
	*b = (struct backup){disk_copy(n->disk), n->mark, n->self, n->lineage};
}

/* Dice of its own. */
static void back_up_for_long(struct world *w)
{
	struct dice d = {w->seed ^ 0x6f6c64};
	struct backup *b = &w->storm->old;
	size_t at = dice_index(&d, w->n_members);
	if (!swarm_has(&w->swarm, FAULT_DOUBT) || !swarm_has(&w->swarm, FAULT_RESTORE) ||
		w->steps < OLD_FROM_STEP)
		return;
	for (size_t i = 0; i < w->n_members && b->copy == NULL; i++) {
		struct sim_node *n = &w->node[(at + i) % w->n_members];
		if (n->disk != NULL && node_is_up(n))
			*b = (struct backup){disk_copy(n->disk), n->mark, n->self, n->lineage};
	}
}

static const struct backup *any_backup(struct world *w)
{
	return &w->storm->backup[dice_index(&w->weather, BACKUPS)];
}

static void put_back(struct world *w, const struct backup *b, bool with_mark)
{
	bool keeps_mark = dice_percent(&w->weather, 40);
	if (b->copy == NULL)
		return;
	struct sim_node *n = &w->node[b->node];
	if (node_is_up(n))
		node_die(w, n, NODE_DEAD);
	world_trace(w, "put back %s%d", n->id->slug, n->self);
	n->set_back = 0; /* it has to find out again */
	sometimes(with_mark ? SOMETIMES_ROLLED_BACK : SOMETIMES_RESTORED);
	disk_put_back(n->disk, b->copy);
	oracle_put_back(w, n, with_mark ? &b->mark : NULL);
	n->lineage++;
	if (with_mark)
		n->mark = b->mark;
	else if (!keeps_mark)
		n->mark.present = false;
}

void weather_clone(struct world *w, struct sim_node *n)
{
	struct sim_node *twin = &w->node[w->n_members];
	struct disk_copy *copy = disk_copy(n->disk);
	*twin = (struct sim_node){.id = n->id,
		.self = (int)w->n_members,
		.member = n->member,
		.disk = disk_new((int)w->n_members),
		.mark = n->mark,
		.audit_wait = AUDIT_WAIT_MS,
		.dice = {dice_u64(&w->weather)}};
	disk_put_back(twin->disk, copy);
	disk_copy_free(copy);
	w->identity[n->member].copied = true;
	oracle_cloned(w, n->mark.origin, n->member);
	world_trace(w, "clone %s%d", n->id->slug, n->self);
	sometimes(SOMETIMES_CLONED);
	w->n_nodes++;
	node_start(w, twin);
}

static void clone(struct world *w)
{
	struct sim_node *n = any_node(w);
	if (w->n_nodes == w->n_members && n->disk != NULL && node_is_up(n) && n->mark.present)
		weather_clone(w, n);
}

static void lose_disk(struct world *w)
{
	struct sim_node *n = any_node(w);
	bool with_mark = dice_percent(&w->weather, 50);
	loss_of_disk(w, n, with_mark);
}

/* ---- all of it ---- */

static void happen(struct world *w, enum fault_class c)
{
	switch (c) {
	case FAULT_CRASH: die(w, NODE_DEAD); break;
	case FAULT_POWER: die(w, NODE_OFF); break;
	case FAULT_PAUSE: pause(w); break;
	case FAULT_NIGHT: night(w); break;
	case FAULT_CUT: cut_pair(w); break;
	case FAULT_ISOLATE: isolate(w); break;
	case FAULT_PARTIAL: split(w); break;
	case FAULT_ONEWAY: one_way(w); break;
	case FAULT_RESET: reset_one(w); break;
	case FAULT_REFUSE: refuse(w); break;
	case FAULT_JUMP: jump(w); break;
	case FAULT_IO: break_disk(w); break;
	case FAULT_FULL: fill_disk(w); break;
	case FAULT_RESTORE: put_back(w, any_backup(w), false); break;
	case FAULT_ROLLBACK: put_back(w, any_backup(w), true); break;
	case FAULT_CLONE: clone(w); break;
	case FAULT_LOSS: lose_disk(w); break;
	case FAULT_RESTART: spoil_start(w); break;
	case FAULT_CHUNKS:
	case FAULT_SLOW:
	case FAULT_FLIP:
	case FAULT_NOISE:
	case FAULT_CLOCK:
	case FAULT_DISK:
	case FAULT_HOSTILE:
	case FAULT_FUTURE:
	case FAULT_OLD:
	case FAULT_REVOKE:
	case FAULT_BULK:
	case FAULT_ROSTER:
	case FAULT_BUNDLE:
	case FAULT_APART:
	case FAULT_SPLIT:
	case FAULT_RETIRE:
	case FAULT_CRAFT:
	case FAULT_DECEIT:
	case FAULT_DOUBT:
	case FAULT_DAYS:
	case FAULT_BRIM:
	case FAULT_PRETEND:
	case FAULT_TCP:
	case FAULT_TALK:
	case FAULT_PUSH:
	case FAULT_CLASSES: break;
	}
}

static enum fault_class choose(struct world *w)
{
	size_t draw = dice_index(&w->weather, w->swarm.weight_sum);
	size_t c = 0;
	while (draw >= w->swarm.weight[c])
		draw -= w->swarm.weight[c++];
	return (enum fault_class)c;
}

static void heal_disks(struct world *w)
{
	for (size_t i = 0; i < w->n_nodes; i++)
		if (w->node[i].disk != NULL && (w->calm || w->now >= w->node[i].disk_heals))
			disk_heal(w->node[i].disk);
}

void weather_act(struct world *w)
{
	if (w->storm == NULL)
		w->storm = xalloc(sizeof(*w->storm));
	heal_disks(w);
	bool backs_up = dice_percent(&w->weather, 30);
	if (backs_up)
		back_up(w);
	end_spoilt(w);
	back_up_for_long(w);
	if (w->swarm.weight_sum > 0)
		happen(w, choose(w));
	int64_t pause_ms = dice_range(&w->weather, 0, w->swarm.weather_max);
	queue_add(w, w->now + pause_ms, SIM_WEATHER, 0, 0);
}

void weather_last(struct world *w)
{
	bool restores = swarm_has(&w->swarm, FAULT_RESTORE);
	if (w->storm != NULL && restores)
		for (size_t i = 0; i < BACKUPS; i++)
			if (dice_percent(&w->weather, 50))
				put_back(w, &w->storm->backup[i], false);
	if (w->storm != NULL && w->storm->old.copy != NULL)
		put_back(w, &w->storm->old, false);
}

void weather_clear(struct world *w)
{
	heal_disks(w);
	for (size_t i = 0; i < SIM_NODES; i++)
		for (size_t k = 0; k < SIM_NODES; k++)
			w->path[i][k].hole_to = w->path[i][k].refuse_to = 0;
	for (size_t i = 0; i < w->n_nodes; i++) {
		struct sim_node *n = &w->node[i];
		n->paused_to = 0;
		if (!node_is_up(n))
			queue_add(w, w->now + 1, SIM_RESTART, n->self, n->life);
	}
}

void weather_release(struct world *w)
{
	for (size_t i = 0; w->storm != NULL && i < BACKUPS; i++)
		disk_copy_free(w->storm->backup[i].copy);
	if (w->storm != NULL)
		disk_copy_free(w->storm->old.copy);
	free(w->storm);
}
