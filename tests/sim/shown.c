/* What people see of a node beside its root: which leaves count, in which order the values stand
 * that nobody decided between, and how many leaves are said to be void. */
#include <stdlib.h>
#include <string.h>

#include "client/view.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

struct showing {
	struct world *w;
	struct sim_node *n;
	struct view view;
	uint32_t log; /* of which the void leaves are counted */
	uint64_t voids;
};

/* ---- what becomes of leaves made by hand ---- */

static const struct book_log *book_of(const struct world *w, struct bytes origin)
{
	for (size_t i = 0; i < w->books.n_logs; i++)
		if (bytes_equal(bytes_str(w->books.log[i].origin), origin))
			return &w->books.log[i];
	return NULL;
}

static int check_entry(void *arg, const struct ctl_entry *entry)
{
	struct showing *s = arg;
	const struct book_log *l = book_of(s->w, entry->origin);
	if (l == NULL || !l->crafted)
		return 0;
	enum made how = (enum made)l->made[entry->index];
	bool counts = entry->verdict == VERDICT_EFFECTIVE, is_void = entry->verdict == VERDICT_VOID;
	bool wrong = (how != MADE_GOOD && counts) || (how == MADE_WAITING && is_void);
	if (wrong)
		oracle_fail(s->w, 32, "leaf %llu of %s is %s on %s%d",
			(unsigned long long)entry->index, l->origin,
			verdict_name((enum verdict)entry->verdict), s->n->id->slug, s->n->self);
	sometimes(SOMETIMES_CRAFT_STORED);
	oracle_holds(32);
	return 0;
}

/* ---- the order of values ---- */

static int take_current(void *arg, const struct ctl_entry *entry)
{
	view_add(&((struct showing *)arg)->view, entry);
	return 0;
}

/* And all plans, which say who leads. */
static void take_conflicts(struct showing *s)
{
	for (uint32_t slot = SLOT_TASK; slot <= SLOT_NOTE; slot++) {
		struct ctl_query q = {.any_task = true,
			.any_holder = true,
			.slot = slot,
			.conflicts = slot != SLOT_TASK};
		ENSURE(replica_query(s->n->replica, &q, take_current, s, NULL) == RC_OK);
	}
}

static bool is_by_lead(const struct view *v, const struct cell_register *r, const struct entry *x)
{
	const struct value *plan = view_value(v, r->task, SLOT_TASK, bytes_str(""));
	return r->slot != SLOT_TASK && plan != NULL && plan->task.lead.n > 0 &&
		bytes_equal(plan->task.lead, x->change.member);
}

/* PROTOCOL 6.2, said once more. */
static bool stands_before(const struct view *v, const struct cell_register *r,
	const struct entry *x, const struct entry *y)
{
	bool x_leads = is_by_lead(v, r, x), y_leads = is_by_lead(v, r, y);
	if (x_leads != y_leads)
		return x_leads;
	if (x->leaf.hlc != y->leaf.hlc)
		return x->leaf.hlc > y->leaf.hlc;
	sometimes(SOMETIMES_TIE_SHOWN);
	return hash_compare(&x->id, &y->id) > 0;
}

static void check_order(const struct showing *s, const struct view *v)
{
	for (size_t i = 0; i < v->n_reg; i++)
		for (size_t k = 1; k < v->reg[i].n_current; k++) {
			const struct cell_register *r = &v->reg[i];
			if (!stands_before(v, r, &r->entry[k - 1], &r->entry[k]))
				oracle_fail(s->w, 33, "%s%d: value %zu of slot %u of %.*s",
					s->n->id->slug, s->n->self, k, r->slot, (int)r->task.n,
					(const char *)r->task.p);
		}
	oracle_holds(33);
}

/* As they come from the node, and the other way round. */
static void check_both_ways(struct showing *s)
{
	struct view *v = &s->view;
	struct view back = {.entry = xalloc((v->n + 1) * sizeof(*v->entry)), .n = v->n};
	for (size_t i = 0; i < v->n; i++)
		back.entry[i] = v->entry[v->n - 1 - i];
	view_group(&back);
	check_order(s, &back);
	free(back.entry);
	free(back.reg);
	view_group(v);
	check_order(s, v);
}

/* ---- the tally ---- */

static int count_void(void *arg, uint32_t log, uint64_t index, enum verdict v, enum void_code code)
{
	struct showing *s = arg;
	(void)index;
	(void)code;
	s->voids += log == s->log && v == VERDICT_VOID;
	return 0;
}

static int check_tally(void *arg, const struct store_log *log)
{
	struct showing *s = arg;
	s->log = log->id;
	s->voids = 0;
	ENSURE(s->n->store->ops->finding_each(s->n->store, count_void, s, NULL) == RC_OK);
	if (s->voids != log->voids)
		oracle_fail(s->w, 34, "%s%d counts %llu void leaves of %s, and has found %llu",
			s->n->id->slug, s->n->self, (unsigned long long)log->voids, log->origin,
			(unsigned long long)s->voids);
	oracle_holds(34);
	return 0;
}

void oracle_shown(struct world *w, struct sim_node *n)
{
	struct showing s = {.w = w, .n = n};
	struct ctl_query history = {.any_task = true, .any_holder = true, .history = true};
	if (!swarm_has(&w->swarm, FAULT_CRAFT))
		return;
	ENSURE(replica_query(n->replica, &history, check_entry, &s, NULL) == RC_OK);
	take_conflicts(&s);
	check_both_ways(&s);
	view_release(&s.view);
	ENSURE(n->store->ops->log_each(n->store, check_tally, &s, NULL) == RC_OK);
}
