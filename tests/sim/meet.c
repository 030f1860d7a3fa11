/* I5 where two histories of a log meet: the heads and leaves that a node hears are held against
 * what it holds and what it heard before, as PROTOCOL 4.3 says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/trust/checkpoint.h"
#include "tests/sim/ends.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

#define MEETINGS 64
/* For a head that is farther back, or of leaves that were here at the start, a node reads the log
 * from its beginning, and need not do so at once. */
#define LEAVES_BACK 900
#define LOOK_BACK_MS 60000

struct meeting {
	char origin[ORIGIN_SIZE];
	uint64_t size;
	struct hash root; /* at that size; of the heads ahead: no matter */
	bool parted;	  /* it is known to be of another history than what was heard or is held */
	bool hurried;	  /* for it the log was read from its beginning, once more in a minute */
};

/* The heads of a log that nothing was taken of since the node first heard of it. */
struct ahead {
	char origin[ORIGIN_SIZE];
	uint64_t held;
	struct book_head first, largest;
};

/* A log as it was when the node started. */
struct begun {
	char origin[ORIGIN_SIZE];
	uint64_t size;
	int64_t looked[SIM_MEMBERS]; /* at most then, for a peer; 0: never */
	int64_t read[SIM_MEMBERS];   /* surely then */
};

struct meetings {
	struct begun begun[MEETINGS];
	size_t n_begun;

	uint32_t left; /* peers, by bit, that said goodbye in the group that is open */
	struct meeting of[MEETINGS];
	size_t n;      /* in the group that is open */
	size_t before; /* the last message */
	struct ahead ahead[MEETINGS];
	size_t n_ahead;
};

static struct meetings *of_node(struct sim_node *n)
{
	if (n->meetings == NULL)
		n->meetings = xalloc(sizeof(*n->meetings));

	return n->meetings;
}

void meet_forget(struct sim_node *n)
{
	free(n->meetings);
	n->meetings = NULL;
}

void meet_started(struct sim_node *n)
{
	struct meetings *m = of_node(n);
	*m = (struct meetings){0};
	for (size_t i = 0; i < n->held.n && m->n_begun < MEETINGS; i++) {
		struct begun *b = &m->begun[m->n_begun++];
		b->size = n->held.log[i].size;
		memcpy(b->origin, n->held.log[i].origin, sizeof(b->origin));
	}
}

static struct begun *begun_of(struct sim_node *n, const char *origin)
{
	struct meetings *m = of_node(n);
	for (size_t i = 0; i < m->n_begun; i++)
		if (strcmp(m->begun[i].origin, origin) == 0)
			return &m->begun[i];
	return NULL;
}

/* Must it look at a head of this size now? */
static bool must_look(
	const struct world *w, struct sim_node *n, int peer, const char *origin, uint64_t size)
{
	struct begun *b = begun_of(n, origin);
	if (held_size(&n->held, origin) - size >= LEAVES_BACK)
		return false;
	if (b == NULL || size > b->size || peer < 0)
		return of_node(n)->n_begun < MEETINGS;
	bool may = b->looked[peer] == 0 || w->now >= b->looked[peer] + LOOK_BACK_MS;
	b->looked[peer] = w->now;
	return may;
}

static void note_meeting(
	struct sim_node *n, const char *origin, uint64_t size, const struct hash *root, bool parted)
{
	struct meetings *m = of_node(n);
	if (m->n == MEETINGS)
		return;
	m->of[m->n] = (struct meeting){.size = size, .root = *root, .parted = parted};
	memcpy(m->of[m->n++].origin, origin, strlen(origin) + 1);
}

/* ---- heads ---- */

static bool differs(const struct book_head *h, const struct checkpoint *cp)
{
	return h->size == cp->size && !hash_equal(&h->root, &cp->root);
}

static struct ahead *ahead_of(struct sim_node *n, const char *origin, uint64_t held)
{
	struct meetings *m = of_node(n);
	for (size_t i = 0; i < m->n_ahead; i++)
		if (strcmp(m->ahead[i].origin, origin) == 0)
			return &m->ahead[i];
	if (m->n_ahead == MEETINGS)
		return NULL;
	struct ahead *a = &m->ahead[m->n_ahead++];
	*a = (struct ahead){.held = held};
	memcpy(a->origin, origin, strlen(origin) + 1);
	return a;
}

/* Larger than what is held: held against the first such head, and the largest. */
static void head_ahead(
	struct sim_node *n, const char *origin, uint64_t held, const struct checkpoint *cp)
{
	struct ahead *a = ahead_of(n, origin, held);
	if (a == NULL || a->held != held)
		return;
	if (differs(&a->first, cp) || differs(&a->largest, cp))
		note_meeting(n, origin, cp->size, &cp->root, true);
	if (cp->size <= a->largest.size)
		return;
	a->largest = (struct book_head){.size = cp->size, .root = cp->root};
	if (a->first.size == 0)
		a->first = a->largest;
}

/* NULL: nothing that two histories are known of. */
static const struct book_log *read_head(
	struct world *w, struct sim_node *n, struct bytes raw, struct checkpoint *cp, char *origin)
{
	struct note note;
	if (!world_is_honest(w, n->member) || note_parse(raw, &note, NULL) != RC_OK ||
		checkpoint_parse(note.text, cp, NULL) != RC_OK || cp->origin.n >= ORIGIN_SIZE)
		return NULL;
	snprintf(origin, ORIGIN_SIZE, "%.*s", (int)cp->origin.n, (const char *)cp->origin.p);
	const struct book_log *l = books_log(&w->books, origin, false);
	if (l == NULL || !l->tainted || ends_has_end(n, l))
		return NULL;
	const uint8_t *key =
		world_is_honest(w, l->member) ? l->key : w->identity[l->member].log.public;
	return checkpoint_verify(raw, key, cp, NULL) == RC_OK ? l : NULL;
}

static void meet_head(struct world *w, struct sim_node *n, int peer, struct bytes raw)
{
	struct checkpoint cp;
	char origin[ORIGIN_SIZE];
	if (read_head(w, n, raw, &cp, origin) == NULL)
		return;
	uint64_t held = held_size(&n->held, origin);
	if (cp.size > held)
		head_ahead(n, origin, held, &cp);
	else if (must_look(w, n, peer, origin, cp.size))
		note_meeting(n, origin, cp.size, &cp.root, false);
}

void meet_message(struct world *w, struct sim_node *n, int peer, const struct message *m)
{
	of_node(n)->before = of_node(n)->n;
	if (m->kind == MESSAGE_BYE)
		of_node(n)->left |= (uint32_t)1 << peer;
	if ((of_node(n)->left >> peer & 1) != 0)
		return;
	for (size_t i = 0; m->kind == MESSAGE_HELLO && i < m->hello.n_heads; i++)
		meet_head(w, n, peer, m->hello.heads[i]);
	if (m->kind == MESSAGE_HEAD || m->kind == MESSAGE_COSIGNATURE)
		meet_head(w, n, peer, m->note);
	if (m->kind == MESSAGE_LEAVES)
		meet_head(w, n, peer, m->leaves.head);
}

/* Nobody knows whether it was taken before the fault was found. */
static void doubt_head(struct world *w, struct sim_node *n, struct bytes raw)
{
	struct checkpoint cp;
	char origin[ORIGIN_SIZE];
	struct ahead *a = NULL;
	if (read_head(w, n, raw, &cp, origin) != NULL)
		a = ahead_of(n, origin, UINT64_MAX);
	if (a != NULL)
		a->held = UINT64_MAX;
}

void meet_refused(struct world *w, struct sim_node *n, const struct message *m)
{
	of_node(n)->n = of_node(n)->before;
	for (size_t i = 0; m->kind == MESSAGE_HELLO && i < m->hello.n_heads; i++)
		doubt_head(w, n, m->hello.heads[i]);
	if (m->kind == MESSAGE_HEAD || m->kind == MESSAGE_COSIGNATURE)
		doubt_head(w, n, m->note);
	if (m->kind == MESSAGE_LEAVES)
		doubt_head(w, n, m->leaves.head);
}

void meet_looked_back(struct world *w, struct sim_node *n, int peer, struct bytes head)
{
	struct meetings *m = of_node(n);
	struct checkpoint cp;
	char origin[ORIGIN_SIZE];
	const struct book_log *l = read_head(w, n, head, &cp, origin);
	struct begun *b = l != NULL && l->member != n->member ? begun_of(n, origin) : NULL;
	if (b == NULL || cp.size >= b->size)
		return;
	if (b->read[peer] != 0 && w->now < b->read[peer] + LOOK_BACK_MS && m->n < MEETINGS) {
		note_meeting(n, origin, cp.size, &cp.root, false);
		m->of[m->n - 1].hurried = true;
	}
	b->read[peer] = w->now;
	sometimes(SOMETIMES_LOOKED_BACK);
	oracle_holds(39);
}

/* ---- leaves in a file ---- */

struct comparing {
	const struct message *m;
	bool same;
};

static int compare_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct comparing *c = arg;
	c->same = bytes_equal(leaf, c->m->leaves.leaves[index - c->m->leaves.first]);
	return c->same ? 0 : STORE_NONE;
}

struct finding {
	const char *origin;
	uint32_t id;
};

static int find_log(void *arg, const struct store_log *log)
{
	struct finding *f = arg;
	f->id = strcmp(log->origin, f->origin) == 0 ? log->id : f->id;
	return 0;
}

void meet_record(struct world *w, struct sim_node *n, const struct message *m)
{
	struct checkpoint cp;
	char origin[ORIGIN_SIZE];
	struct comparing c = {m, true};
	if (m->kind == MESSAGE_HEAD || m->kind == MESSAGE_COSIGNATURE)
		meet_head(w, n, -1, m->note);
	if (m->kind != MESSAGE_LEAVES || read_head(w, n, m->leaves.head, &cp, origin) == NULL)
		return;
	struct finding f = {.origin = origin};
	uint64_t held = held_size(&n->held, origin), end = m->leaves.first + m->leaves.n;
	if (n->store->ops->log_each(n->store, find_log, &f, NULL) != RC_OK || f.id == 0 ||
		m->leaves.first >= held)
		return;
	(void)n->store->ops->leaf_each(
		n->store, f.id, m->leaves.first, end < held ? end : held, compare_leaf, &c, NULL);
	if (c.same)
		return;
	note_meeting(n, origin, end, &cp.root, true);
	sometimes(SOMETIMES_FORK_IN_FILE);
}

/* ---- after the commit ---- */

static bool has_parted(struct sim_node *n, const struct meeting *m)
{
	struct hash root;
	return m->parted ||
		(oracle_root_at(n, m->origin, m->size, &root) && !hash_equal(&root, &m->root));
}

void meet_committed(struct world *w, struct sim_node *n)
{
	struct meetings *m = of_node(n);
	for (size_t i = 0; i < m->n; i++) {
		const struct held_log *held = held_look(&n->held, m->of[i].origin);
		const struct book_log *l = books_log(&w->books, m->of[i].origin, false);
		if (ends_has_end(n, l) || (held != NULL && held->forked))
			continue;
		if (m->of[i].hurried)
			oracle_fail(w, 39, "%s%d reads %s from its beginning twice in a minute",
				n->id->slug, n->self, m->of[i].origin);
		if (!has_parted(n, &m->of[i]))
			continue;
		oracle_fail(w, 5, "%s%d heard of two histories of %s, at %llu, and goes on",
			n->id->slug, n->self, m->of[i].origin, (unsigned long long)m->of[i].size);
	}
	if (m->n > 0)
		oracle_holds(5);
	m->n = 0;
	m->left = 0;
}
