/* Who sends files to whom, and what becomes of them on the way. Dice of its own: runs without
 * files are what they were. */
#include "tests/sim/bundles.h"

#include <stdlib.h>

#include "tests/sim/disk.h"
#include "tests/sim/oracle.h"
#include "tests/sim/programs.h"
#include "tests/sim/sometimes.h"

#define PERCENT_MAX 20
#define RETRY_MS 2000
#define SINCE_MAX 64

/* ---- sums ---- */

/* ---- parcels ---- */

static struct parcel *find(struct world *w, uint64_t id)
{
	struct parcel *p = w->bundles->parcel[id % PARCELS];
	return p != NULL && p->id == id ? p : NULL;
}

static void discard(struct world *w, struct parcel *p)
{
	imports_drop(w, p);
	buf_release(&p->file);
	w->bundles->parcel[p->id % PARCELS] = NULL;
	free(p);
}

static int64_t travel_ms(struct dice *d)
{
	static const int64_t longest[] = {50, 1000, 10000, 120000};
	return dice_range(d, 1, longest[dice_index(d, 4)]);
}

static void post(struct world *w, const struct sim_node *from, const struct sim_node *to,
	const struct buf *file, bool well)
{
	struct bundles *b = w->bundles;
	uint64_t id = ++b->serial;
	bool changed = dice_percent(&b->dice, 25) && !well;
	if (b->parcel[id % PARCELS] != NULL)
		return; /* nobody finds it in the heap */
	struct parcel *p = xalloc(sizeof(*p));
	*p = (struct parcel){.id = id, .from = from->self, .to = to->self};
	buf_put_bytes(&p->file, buf_bytes(file));
	b->parcel[id % PARCELS] = p;
	if (changed)
		p->tamper = tamper_with(w, &p->file);
	world_trace(w, "post file %llu %s%d %s%d %zu tamper %d", (unsigned long long)id,
		from->id->slug, from->self, to->id->slug, to->self, p->file.n, (int)p->tamper);
	queue_add(w, w->now + travel_ms(&b->dice), SIM_PARCEL, to->self, id);
}

void bundles_post(struct world *w, const struct sim_node *from, const struct sim_node *to,
	const struct buf *file)
{
	post(w, from, to, file, true);
}

/* ---- writing ---- */

static int write_file(struct world *w, struct sim_node *n, const struct ctl_export *what,
	struct buf *out, struct err *e)
{
	struct transfer_export *x = NULL;
	struct bundle_writer writer;
	struct sha256_stream sha;
	struct message m;
	int rc = transfer_export_new(n->replica, what, &x, e);
	if (rc != RC_OK)
		return rc;
	bundle_write_begin(&writer, sha256_sum(&sha), out);
	while ((rc = transfer_export_next(n->replica, x, &m, e)) == RC_OK) {
		if (world_is_honest(w, n->member))
			oracle_message(w, n, &m, 0);
		bundle_write(&writer, &m, out);
	}
	bundle_write_end(&writer, out);
	transfer_export_free(x);
	return rc == STORE_NONE ? RC_OK : rc;
}

void bundles_send(struct world *w, struct sim_node *from, struct sim_node *to,
	const struct ctl_export *what, bool well)
{
	struct buf file = {0};
	struct err e = {0};
	struct dice *d = &w->bundles->dice;
	bool lost = dice_percent(d, 10) && !well, twice = dice_percent(d, 15);
	programs_run(from);
	int rc = write_file(w, from, what, &file, &e);
	programs_run_newest();
	if (rc != RC_OK && (from->disk == NULL || !disk_has_struck(from->disk)))
		oracle_fail(w, 31, "%s%d writes no bundle: %s", from->id->slug, from->self, e.text);
	if (rc == RC_OK && !lost)
		post(w, from, to, &file, well);
	if (rc == RC_OK && twice)
		post(w, from, to, &file, well);
	buf_release(&file);
}

/* By telephone: so much of each log is here. */
static size_t ask_sizes(const struct sim_node *n, struct log_size out[SINCE_MAX])
{
	size_t count = n->held.n < SINCE_MAX ? n->held.n : SINCE_MAX;
	for (size_t i = 0; i < count; i++)
		out[i] = (struct log_size){bytes_str(n->held.log[i].origin), n->held.log[i].size};
	return count;
}

static void send_some(struct world *w, struct sim_node *from, struct sim_node *to, bool well)
{
	struct log_size since[SINCE_MAX];
	struct ctl_export what = {.since = since, .member = bytes_str(to->id->slug)};
	size_t draw = dice_index(&w->bundles->dice, 100);
	what.n_since = ask_sizes(to, since);
	what.what = draw < 20 ? EXPORT_ALL
		: draw < 70   ? (to->id->removed ? EXPORT_ALL : EXPORT_FOR)
		: draw < 85   ? EXPORT_SINCE
			      : EXPORT_RECEIPT;
	bundles_send(w, from, to, &what, well);
}

void bundles_act(struct world *w)
{
	struct bundles *b = w->bundles;
	if (b == NULL || !dice_percent(&b->dice, b->percent))
		return;
	struct sim_node *from = &w->node[dice_index(&b->dice, w->n_nodes)];
	struct sim_node *to = &w->node[dice_index(&b->dice, w->n_members)];
	if (node_is_up(from) && w->now >= from->paused_to && from->member != to->member)
		send_some(w, from, to, false);
}

/* Where nothing else connects them: there and back. */
void bundles_on_carry(struct world *w)
{
	struct bundles *b = w->bundles;
	if (b == NULL || b->apart < 0 || w->over)
		return;
	struct sim_node *one = &w->node[b->apart];
	struct sim_node *other = &w->node[dice_index(&b->dice, w->n_members)];
	queue_add(w, w->now + PARCEL_EVERY_MS, SIM_CARRY, 0, 0);
	if (one == other || !node_is_up(one) || !node_is_up(other) ||
		!world_is_honest(w, other->member) || other->id->removed)
		return;
	send_some(w, one, other, true);
	send_some(w, other, one, true);
}

/* ---- arriving ---- */

struct sim_node *bundles_node(struct world *w, uint64_t parcel)
{
	struct parcel *p = find(w, parcel);
	return p != NULL ? &w->node[p->to] : NULL;
}

static size_t at_work(const struct world *w, const struct sim_node *n)
{
	size_t count = 0;
	for (size_t i = 0; i < PARCELS; i++) {
		const struct parcel *p = w->bundles->parcel[i];
		count += p != NULL && p->to == n->self && p->state != PARCEL_UNDER_WAY;
	}
	return count;
}

/* It lies there until somebody can do something with it. */
static void wait(struct world *w, struct parcel *p)
{
	int64_t late = RETRY_MS + dice_range(&w->bundles->dice, 0, RETRY_MS);
	queue_add(w, w->now + late, SIM_PARCEL, p->to, p->id);
}

void bundles_on_parcel(struct world *w, uint64_t parcel)
{
	struct parcel *p = find(w, parcel);
	if (p == NULL)
		return;
	struct sim_node *n = &w->node[p->to];
	if (w->over || n->id == NULL) {
		discard(w, p);
		return;
	}
	if (p->state != PARCEL_UNDER_WAY && (!node_is_up(n) || n->life != p->life)) {
		if (p->state == PARCEL_TAKING && p->taken > 0)
			sometimes(SOMETIMES_DEATH_IN_IMPORT);
		imports_drop(w, p);
	}
	if (!node_is_up(n) || n->full) {
		wait(w, p);
		return;
	}
	if (p->state == PARCEL_UNDER_WAY) {
		if (at_work(w, n) >= LIMIT_TRANSFERS) {
			wait(w, p);
			return;
		}
		imports_begin(w, p);
	}
	if (!imports_go_on(w, p)) {
		discard(w, p);
		return;
	}
	queue_add(w, w->now + dice_range(&w->bundles->dice, 0, 20), SIM_PARCEL, p->to, p->id);
}

void bundles_give_up(struct world *w, const struct sim_node *n)
{
	for (size_t i = 0; w->bundles != NULL && i < PARCELS; i++) {
		struct parcel *p = w->bundles->parcel[i];
		if (p != NULL && p->to == n->self && p->state == PARCEL_TAKING)
			imports_drop(w, p);
	}
}

/* ---- a node without a line ---- */

void bundles_keep_apart(struct world *w)
{
	int apart = w->bundles != NULL ? w->bundles->apart : -1;
	for (int i = 0; apart >= 0 && i < (int)w->n_members; i++)
		if (i != apart)
			w->path[i][apart].hole_to = w->path[apart][i].hole_to = SIM_NEVER;
}

bool bundles_is_apart(const struct world *w, const struct sim_node *n)
{
	return w->bundles != NULL && w->bundles->apart == n->member;
}

static int choose_apart(struct world *w)
{
	int member = (int)dice_index(&w->bundles->dice, w->n_members);
	bool any = swarm_has(&w->swarm, FAULT_APART) && !w->two_liars;
	size_t honest = 0;
	for (int i = 0; i < (int)w->n_members; i++)
		honest += world_is_honest(w, i);
	return any && honest >= 2 && world_is_honest(w, member) ? member : -1;
}

void bundles_setup(struct world *w)
{
	bool often = swarm_has(&w->swarm, FAULT_BUNDLE);
	if (!often && w->deceit == NULL)
		return;
	struct bundles *b = w->bundles = xalloc(sizeof(*b));
	b->dice = (struct dice){w->seed ^ 0x62756e646c65};
	b->apart = -1;
	if (!often)
		return; /* the liar's alone */
	b->percent = 1 + (unsigned)dice_index(&b->dice, PERCENT_MAX);
	b->apart = choose_apart(w);
	bundles_keep_apart(w);
}

void bundles_end(const struct world *w)
{
	if (w->bundles != NULL && w->bundles->alone)
		sometimes(SOMETIMES_FILES_ALONE);
}

void bundles_release(struct world *w)
{
	for (size_t i = 0; w->bundles != NULL && i < PARCELS; i++)
		if (w->bundles->parcel[i] != NULL)
			discard(w, w->bundles->parcel[i]);
	free(w->bundles);
}
