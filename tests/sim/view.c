/* The view once more, by other means: from the history that a node shows, with every change named
 * there, folded as PROTOCOL 6.2 has it and not as daemon/core/fold.c counts it. Two values that
 * nobody decided between are both in it. */
#include <stdlib.h>
#include <string.h>

#include "proto/model/view.h"
#include "proto/trust/merkle.h"
#include "proto/wire/codec.h"
#include "tests/sim/oracle.h"

struct place {
	char task[TASK_KEY_SIZE], holder[LIMIT_HOLDER_BYTES + 1];
	char member[SLUG_SIZE], author[SLUG_SIZE]; /* who it names, and in whose log it stands */
	char lead[SLUG_SIZE];			   /* SLOT_TASK */
	bool closes;				   /* SLOT_OVERALL */
	uint32_t slot;
	struct hash id, under, *supersedes;
	size_t n_supersedes;
};

struct places {
	struct place *place;
	size_t n, cap;
};

struct history {
	struct places counts, waits; /* effective changes, pending ones */
};

static void keep_text(char *out, struct bytes s)
{
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

static void keep_roles(struct place *p, const struct ctl_entry *entry, const struct change *c)
{
	struct origin o;
	struct arena a;
	struct value value;
	uint8_t memory[CODEC_LEAF_ARENA];
	arena_init(&a, memory, sizeof(memory));
	ENSURE(origin_parse(entry->origin, &o, NULL) == RC_OK);
	keep_text(p->author, bytes_str(o.member));
	keep_text(p->member, c->member);
	if (c->under.n == HASH_BYTES)
		memcpy(p->under.b, c->under.p, HASH_BYTES);
	if ((c->slot != SLOT_TASK && c->slot != SLOT_OVERALL) ||
		value_decode((enum slot)c->slot, c->value, &a, &value, NULL) != RC_OK)
		return;
	if (c->slot == SLOT_TASK)
		keep_text(p->lead, value.task.lead);
	else
		p->closes = value.overall.status == STATUS_CLOSED ||
			value.overall.status == STATUS_WITHDRAWN;
}

static struct place *new_place(struct places *l)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : 2 * l->cap;
		l->place = xrealloc(l->place, l->cap * sizeof(*l->place));
	}
	return &l->place[l->n++];
}

static int take_entry(void *arg, const struct ctl_entry *entry)
{
	struct history *h = arg;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	struct change c;
	arena_init(&a, memory, sizeof(memory));
	if (entry->verdict != VERDICT_EFFECTIVE && entry->verdict != VERDICT_PENDING)
		return 0;
	ENSURE(leaf_decode(entry->leaf, &a, &leaf, NULL) == RC_OK);
	ENSURE(change_decode(leaf.signed_body.body, &a, &c, NULL) == RC_OK);
	struct place *p = new_place(entry->verdict == VERDICT_EFFECTIVE ? &h->counts : &h->waits);
	*p = (struct place){.slot = c.slot, .n_supersedes = c.n_supersedes};
	keep_text(p->task, c.task);
	keep_text(p->holder, c.holder);
	keep_roles(p, entry, &c);
	memcpy(p->id.b, entry->change_id.p, HASH_BYTES);
	p->supersedes = xalloc((c.n_supersedes + 1) * sizeof(struct hash));
	for (size_t i = 0; i < c.n_supersedes; i++)
		memcpy(p->supersedes[i].b, c.supersedes[i].p, HASH_BYTES);
	return 0;
}

static void release_places(struct places *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->place[i].supersedes);
	free(l->place);
}

static int compare_registers(const struct place *a, const struct place *b)
{
	int c = task_key_compare(bytes_str(a->task), bytes_str(b->task));
	if (c == 0)
		c = (a->slot > b->slot) - (a->slot < b->slot);
	return c != 0 ? c : bytes_compare(bytes_str(a->holder), bytes_str(b->holder));
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = compare_registers(x, y);
	return c != 0 ? c : hash_compare(&x->id, &y->id);
}

/* The n changes of one register. */
static void put_register(struct buf *leaf, const struct place *p, size_t n)
{
	struct version *v = xalloc(n * sizeof(*v));
	struct hash *current = xalloc(n * sizeof(*current));
	size_t n_current = 0;
	for (size_t i = 0; i < n; i++)
		v[i] = (struct version){.id = p[i].id,
			.supersedes = p[i].supersedes,
			.n_supersedes = p[i].n_supersedes};
	view_fold(v, n);
	for (size_t i = 0; i < n; i++)
		if (v[i].current)
			current[n_current++] = v[i].id;
	if (n_current > 0)
		view_leaf_register(leaf, p->slot, bytes_str(p->holder), current, n_current);
	free(current);
	free(v);
}

static void root_of(const struct places *h, struct hash *out)
{
	struct frontier f = {0};
	struct buf leaf = {0};
	struct hash hash;
	for (size_t i = 0, k; i < h->n; i = k) {
		buf_reset(&leaf);
		view_leaf_begin(&leaf, bytes_str(h->place[i].task));
		size_t empty = leaf.n;
		for (k = i; k < h->n && strcmp(h->place[k].task, h->place[i].task) == 0;) {
			size_t from = k;
			while (k < h->n && compare_registers(&h->place[from], &h->place[k]) == 0)
				k++;
			put_register(&leaf, &h->place[from], k - from);
		}
		merkle_leaf_hash(buf_bytes(&leaf), &hash);
		if (leaf.n > empty)
			frontier_append(&f, &hash);
	}
	frontier_root(&f, out);
	buf_release(&leaf);
}

/* ---- who wrote it ---- */

static bool is_lead(const struct world *w, const struct places *h, const struct place *p)
{
	const char *office = w->identity[0].slug;
	for (size_t i = 0; i < h->n; i++) {
		const struct place *plan = &h->place[i];
		if (plan->slot == SLOT_TASK && hash_equal(&plan->id, &p->under) &&
			strcmp(plan->task, p->task) == 0)
			return strcmp(plan->lead[0] != '\0' ? plan->lead : office, p->member) == 0;
	}
	return false;
}

/* As PROTOCOL 6.4 has it, said once more. */
static bool may_write(const struct world *w, const struct places *h, const struct place *p)
{
	bool is_office = strcmp(p->member, w->identity[0].slug) == 0;
	if (strcmp(p->member, p->author) != 0)
		return false;
	switch ((enum slot)p->slot) {
	case SLOT_AREA:
	case SLOT_TASK: return is_office;
	case SLOT_REPORT: return strcmp(p->holder, p->member) == 0;
	case SLOT_OVERALL: return p->closes ? is_office : is_lead(w, h, p);
	case SLOT_NOTE: return true;
	case SLOT_NONE: break;
	}
	return false;
}

/* I17: nothing is effective that its member may not write, whatever a liar says. */
static void check_writers(struct world *w, const struct sim_node *n, const struct places *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (!may_write(w, h, &h->place[i]))
			oracle_fail(w, 17, "on %s%d a change by %s of slot %u of %s is effective",
				n->id->slug, n->self, h->place[i].author, h->place[i].slot,
				h->place[i].task);
	if (w->hostile != NULL && swarm_has(&w->swarm, FAULT_HOSTILE))
		oracle_holds(17);
}

/* ---- what waits ---- */

/* Where a change looks for what it acts under. */
static bool finds(const struct place *p, const struct place *under)
{
	bool there = under->slot == SLOT_TASK ||
		(under->slot == p->slot && strcmp(under->holder, p->holder) == 0);
	return there && hash_equal(&under->id, &p->under) && strcmp(under->task, p->task) == 0;
}

static void check_waiters(struct world *w, const struct sim_node *n, const struct history *h)
{
	for (size_t i = 0; i < h->waits.n; i++)
		for (size_t k = 0; k < h->counts.n; k++)
			if (finds(&h->waits.place[i], &h->counts.place[k]))
				oracle_fail(w, 35, "on %s%d a change by %s of slot %u of %s waits",
					n->id->slug, n->self, h->waits.place[i].author,
					h->waits.place[i].slot, h->waits.place[i].task);
	oracle_holds(35);
}

void oracle_fold(struct world *w, struct sim_node *n)
{
	struct ctl_query q = {.any_task = true, .any_holder = true, .history = true};
	struct history h = {0};
	struct places *c = &h.counts;
	struct hash root;
	struct err e = {0};
	if (replica_query(n->replica, &q, take_entry, &h, &e) != RC_OK)
		oracle_fail(w, 19, "%s%d cannot be read: %s", n->id->slug, n->self, e.text);
	if (c->n > 0)
		qsort(c->place, c->n, sizeof(*c->place), compare_places);
	root_of(c, &root);
	if (!hash_equal(&root, &n->held.view)) {
		oracle_print_view(n);
		oracle_fail(w, 28, "%s%d does not show what follows from its history", n->id->slug,
			n->self);
	}
	oracle_holds(28);
	check_writers(w, n, c);
	check_waiters(w, n, &h);
	oracle_shown(w, n);
	release_places(c);
	release_places(&h.waits);
}

/* ---- what honest members write ---- */

/* Later news can make it void; that it is no sound leaf at its place is a mistake of its own node,
 * which judged it before it said that it was posted. */
static bool is_own_mistake(enum void_code code)
{
	return code == VOID_GATE || code == VOID_INDEX || code == VOID_MEMBER ||
		code == VOID_SIGNATURE || code == VOID_REGISTER || code == VOID_VALUE;
}

static int check_finding(void *arg, const struct ctl_entry *entry)
{
	struct world *w = arg;
	char origin[ORIGIN_SIZE];
	keep_text(origin, entry->origin);
	const struct book_log *l = books_log(&w->books, origin, false);
	enum void_code code = (enum void_code)entry->void_code;
	if (l == NULL || l->tainted || l->crafted || !world_is_honest(w, l->member) ||
		entry->verdict != VERDICT_VOID)
		return 0;
	/* Who writes by hand says nothing twice: a repeat would be of somebody else's copy. */
	if (!is_own_mistake(code) && !(l->by_hand && code == VOID_REPEAT))
		return 0;
	oracle_fail(w, 29, "leaf %llu of %s is void (%s)", (unsigned long long)entry->index, origin,
		void_code_name(code));
}

void oracle_findings(struct world *w, struct sim_node *n)
{
	ENSURE(replica_findings(n->replica, check_finding, w, NULL) == RC_OK);
	oracle_holds(29);
}
