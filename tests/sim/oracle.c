/* The invariants, each with its sentence. I-numbers as in proto/PROTOCOL.md 12.2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/trust/checkpoint.h"
#include "tests/sim/world.h"

void oracle_fail(const struct world *w, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("FAILED seed %llu step %llu time %lld ms: ", (unsigned long long)w->seed,
		(unsigned long long)w->steps, (long long)w->now);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\nreplay: tests/sim/run --seed %llu --trace\n", (unsigned long long)w->seed);
	fflush(stdout);
	exit(1);
}

/* ---- the books ---- */

static struct ledger_log *book(struct world *w, const char *origin, bool create)
{
	for (size_t i = 0; i < w->n_ledger; i++)
		if (strcmp(w->ledger[i].origin, origin) == 0)
			return &w->ledger[i];
	if (!create)
		return NULL;
	w->ledger = xrealloc(w->ledger, (w->n_ledger + 1) * sizeof(*w->ledger));
	struct ledger_log *l = &w->ledger[w->n_ledger++];
	*l = (struct ledger_log){0};
	memcpy(l->origin, origin, strlen(origin) + 1);
	return l;
}

static void book_leaf(struct ledger_log *l, const struct hash *leaf)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : 2 * l->cap;
		l->leaf = xrealloc(l->leaf, l->cap * sizeof(*l->leaf));
		l->root = xrealloc(l->root, l->cap * sizeof(*l->root));
	}
	frontier_append(&l->frontier, leaf);
	l->leaf[l->n] = *leaf;
	frontier_root(&l->frontier, &l->root[l->n]);
	l->n++;
}

struct checking {
	struct world *w;
	struct sim_node *n;
	struct ledger_log *book;
	bool author;
	struct buf sizes;
};

/* I2: every stored leaf was written by its author in this run. I3: at its place, byte for byte. */
static int check_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct checking *c = arg;
	struct hash h;
	merkle_leaf_hash(leaf, &h);
	if (c->author && index == c->book->n)
		book_leaf(c->book, &h);
	if (index >= c->book->n)
		oracle_fail(c->w, "I2: %s holds leaf %llu of %s that nobody wrote", c->n->slug,
			(unsigned long long)index, c->book->origin);
	if (!hash_equal(&h, &c->book->leaf[index]))
		oracle_fail(c->w, "I3: %s holds another leaf %llu of %s than its author wrote",
			c->n->slug, (unsigned long long)index, c->book->origin);
	return 0;
}

static uint64_t *checked_size(struct sim_node *n, const char *origin)
{
	for (size_t i = 0; i < n->n_checked; i++)
		if (strcmp(n->checked_origin[i], origin) == 0)
			return &n->checked[i];
	ENSURE(n->n_checked < LIMIT_LOGS);
	memcpy(n->checked_origin[n->n_checked], origin, strlen(origin) + 1);
	return &n->checked[n->n_checked++];
}

static int check_log(void *arg, const struct store_log *log)
{
	struct checking *c = arg;
	uint64_t *checked = checked_size(c->n, log->origin);
	struct hash root;
	if (log->size < *checked)
		oracle_fail(c->w, "I9: %s lost leaves of %s: %llu, had %llu", c->n->slug,
			log->origin, (unsigned long long)log->size, (unsigned long long)*checked);
	struct origin o;
	ENSURE(origin_parse(bytes_str(log->origin), &o, NULL) == RC_OK);
	c->author = strcmp(o.member, c->n->slug) == 0;
	c->book = book(c->w, log->origin, c->author);
	if (c->book == NULL && log->size > 0)
		oracle_fail(c->w, "I2: %s holds the log %s that nobody opened", c->n->slug,
			log->origin);
	if (log->size > *checked &&
		c->n->store->ops->leaf_each(
			c->n->store, log->id, *checked, log->size, check_leaf, c, NULL) != RC_OK)
		oracle_fail(c->w, "%s cannot read its leaves", c->n->slug);
	frontier_root(&log->frontier, &root);
	if (log->size > 0 && !hash_equal(&root, &c->book->root[log->size - 1]))
		oracle_fail(c->w, "I3: %s has another root of %s", c->n->slug, log->origin);
	*checked = log->size;
	if (log->size > 0)
		buf_printf(&c->sizes, "%s %llu\n", log->origin, (unsigned long long)log->size);
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void hash_sorted_lines(struct buf *text, struct hash *out)
{
	char *line[LIMIT_LOGS];
	size_t n = 0;
	buf_put_u8(text, 0);
	for (char *s = strtok((char *)text->p, "\n"); s != NULL; s = strtok(NULL, "\n"))
		line[n++] = s;
	qsort(line, n, sizeof(*line), compare_lines);
	struct buf sorted = {0};
	for (size_t i = 0; i < n; i++)
		buf_put_str(&sorted, line[i]);
	sha256(buf_bytes(&sorted), out);
	buf_release(&sorted);
}

static int print_entry(void *arg, const struct ctl_entry *entry)
{
	char id[HASH_HEX_SIZE];
	struct hash h;
	memcpy(h.b, entry->change_id.p, HASH_BYTES);
	hash_print(&h, id);
	printf("  %s %.*s %llu %.12s verdict %u code %u%s\n", (const char *)arg,
		(int)entry->origin.n, (const char *)entry->origin.p,
		(unsigned long long)entry->index, id, entry->verdict, entry->void_code,
		entry->current ? " current" : "");
	return 0;
}

/* Both histories as they were judged, for whoever has to find the difference. */
static void print_view(const struct sim_node *n)
{
	struct ctl_query q = {.any_task = true, .any_holder = true, .history = true};
	if (replica_query(n->replica, &q, print_entry, (void *)(uintptr_t)n->slug, NULL) != RC_OK)
		printf("  %s cannot be read\n", n->slug);
}

/* I6: equal entries, equal view roots, on every node, at all times. */
static void check_views(struct world *w, const struct sim_node *n)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct sim_node *o = &w->node[i];
		if (o == n || o->replica == NULL || !hash_equal(&o->entries, &n->entries))
			continue;
		if (hash_equal(&o->view, &n->view))
			continue;
		print_view(n);
		print_view(o);
		oracle_fail(w, "I6: %s and %s hold the same entries and see another view", n->slug,
			o->slug);
	}
}

void oracle_after(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	struct checking c = {.w = w, .n = n};
	struct err e = {0};
	if (n->store->ops->log_each(n->store, check_log, &c, &e) != RC_OK)
		oracle_fail(w, "%s: %s", n->slug, e.text);
	hash_sorted_lines(&c.sizes, &n->entries);
	buf_release(&c.sizes);
	if (replica_view_root(n->replica, &n->view, &e) != RC_OK)
		oracle_fail(w, "%s: %s", n->slug, e.text);
	check_views(w, n);
}

/* I4, I10: a head that leaves a node names leaves that are committed, with the only root its log
 * ever had; a node's own head is covered by its mark file. */
static void check_head(struct world *w, int from, struct bytes note)
{
	const struct sim_node *n = &w->node[from];
	struct note parsed;
	struct checkpoint cp;
	char origin[ORIGIN_SIZE] = "";
	if (note_parse(note, &parsed, NULL) != RC_OK ||
		checkpoint_parse(parsed.text, &cp, NULL) != RC_OK)
		oracle_fail(w, "%s sends a head that does not parse", n->slug);
	memcpy(origin, cp.origin.p, cp.origin.n);
	const struct ledger_log *l = book(w, origin, false);
	if (l == NULL || cp.size > l->n || !hash_equal(&cp.root, &l->root[cp.size - 1]))
		oracle_fail(w, "I4: %s sends a head of %s at %llu that its history does not have",
			n->slug, origin, (unsigned long long)cp.size);
	struct origin o;
	ENSURE(origin_parse(cp.origin, &o, NULL) == RC_OK);
	bool is_current = n->mark.present && strcmp(n->mark.origin, origin) == 0;
	if (is_current && cp.size > n->mark.size)
		oracle_fail(w, "I19: %s sends its head %llu, its mark says %llu", n->slug,
			(unsigned long long)cp.size, (unsigned long long)n->mark.size);
}

void oracle_message(struct world *w, int from, const struct message *m)
{
	if (m->kind == MESSAGE_HEAD)
		check_head(w, from, m->note);
	if (m->kind == MESSAGE_LEAVES)
		check_head(w, from, m->leaves.head);
	if (m->kind == MESSAGE_HELLO)
		for (size_t i = 0; i < m->hello.n_heads; i++)
			check_head(w, from, m->hello.heads[i]);
}

/* I1: every acknowledged change is in its author's history. I8: after the healing everybody holds
 * all of it. */
void oracle_converged(struct world *w)
{
	for (size_t i = 0; i < w->n_acked; i++) {
		const struct ledger_log *l = book(w, w->acked[i].origin, false);
		if (l == NULL || w->acked[i].index >= l->n)
			oracle_fail(
				w, "I1: an acknowledged change of %s is lost", w->acked[i].origin);
	}
	for (size_t i = 0; i < w->n; i++) {
		struct sim_node *n = &w->node[i];
		for (size_t k = 0; k < w->n_ledger; k++)
			if (*checked_size(n, w->ledger[k].origin) != w->ledger[k].n)
				oracle_fail(w,
					"I8: %s holds %llu of %zu leaves of %s after the healing",
					n->slug,
					(unsigned long long)*checked_size(n, w->ledger[k].origin),
					w->ledger[k].n, w->ledger[k].origin);
		if (!hash_equal(&n->view, &w->node[0].view))
			oracle_fail(w, "I6: the views of %s and %s differ at the end", n->slug,
				w->node[0].slug);
	}
}
