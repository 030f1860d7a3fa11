/* What is checked when a run is over, and the texts of whole views. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/trust/sign.h"
#include "proto/wire/codec.h"
#include "tests/sim/ends.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

/* ---- dumps ---- */

struct dumping {
	struct buf text;
	size_t *line, n, cap;
};

static int dump_entry(void *arg, const struct ctl_entry *entry)
{
	struct dumping *d = arg;
	char id[HASH_HEX_SIZE] = "-";
	struct hash h;
	if (entry->change_id.n == HASH_BYTES) {
		memcpy(h.b, entry->change_id.p, HASH_BYTES);
		hash_print(&h, id);
	}
	if (d->n == d->cap) {
		d->cap = d->cap == 0 ? 64 : 2 * d->cap;
		d->line = xrealloc(d->line, d->cap * sizeof(*d->line));
	}
	d->line[d->n++] = d->text.n;
	buf_printf(&d->text, "%.*s %llu %.16s verdict %u code %u%s", (int)entry->origin.n,
		(const char *)entry->origin.p, (unsigned long long)entry->index, id, entry->verdict,
		entry->void_code, entry->current ? " current" : "");
	buf_put_u8(&d->text, 0);
	return 0;
}

static void dump(struct sim_node *n, struct dumping *d)
{
	struct ctl_query q = {.any_task = true, .any_holder = true, .history = true};
	struct err e = {0};
	*d = (struct dumping){0};
	if (replica_query(n->replica, &q, dump_entry, d, &e) != RC_OK ||
		replica_findings(n->replica, dump_entry, d, &e) != RC_OK)
		printf("%s cannot be read: %s\n", n->id->slug, e.text);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **sorted_lines(const struct dumping *d)
{
	const char **line = xalloc((d->n + 1) * sizeof(*line));
	for (size_t i = 0; i < d->n; i++)
		line[i] = (const char *)d->text.p + d->line[i];
	qsort(line, d->n, sizeof(*line), compare_lines);
	return line;
}

void oracle_dump(struct world *w, struct sim_node *n, struct hash *out)
{
	struct dumping d;
	struct buf sorted = {0};
	(void)w;
	dump(n, &d);
	const char **line = sorted_lines(&d);
	for (size_t i = 0; i < d.n; i++)
		buf_put(&sorted, line[i], strlen(line[i]) + 1);
	sha256(buf_bytes(&sorted), out);
	buf_release(&sorted);
	buf_release(&d.text);
	free(line);
	free(d.line);
}

void oracle_print_view(struct sim_node *n)
{
	struct dumping d;
	dump(n, &d);
	const char **line = sorted_lines(&d);
	for (size_t i = 0; i < d.n; i++)
		printf("  %s%d %s\n", n->id->slug, n->self, line[i]);
	buf_release(&d.text);
	free(line);
	free(d.line);
}

/* ---- convergence ---- */

static bool counts(const struct world *w, const struct sim_node *n)
{
	return world_is_honest(w, n->member) && !n->id->removed;
}

static uint64_t largest(struct world *w, const struct book_log *l)
{
	uint64_t max = 0;
	for (size_t i = 0; i < w->n_nodes; i++) {
		if (!counts(w, &w->node[i]))
			continue;
		uint64_t size = ends_counted(&w->node[i], l);
		max = size > max ? size : max;
	}
	return max;
}

/* Every honest node holds as much of it as any does. */
static bool log_is_equal(struct world *w, const struct book_log *l, bool must)
{
	uint64_t max = largest(w, l);
	for (size_t i = 0; i < w->n_nodes; i++) {
		struct sim_node *n = &w->node[i];
		if (!counts(w, n))
			continue;
		if (!node_is_up(n)) {
			if (must)
				oracle_fail(w, 8, "%s%d is still down", n->id->slug, n->self);
			return false;
		}
		uint64_t size = ends_counted(n, l);
		if (size == max || l->tainted || (l->by_hand && n->member == l->member))
			continue;
		if (must)
			oracle_fail(w, 8, "%s%d holds %llu of %llu leaves of %s after the healing",
				n->id->slug, n->self, (unsigned long long)size,
				(unsigned long long)max, l->origin);
		return false;
	}
	return true;
}

/* ---- logs of several histories ---- */

struct counting {
	const char *origin;
	uint64_t size;
	struct frontier f;
	struct sim_node *n;
};

static int count_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct counting *c = arg;
	struct hash h;
	(void)index;
	merkle_leaf_hash(leaf, &h);
	frontier_append(&c->f, &h);
	return 0;
}

static int count_log(void *arg, const struct store_log *log)
{
	struct counting *c = arg;
	if (strcmp(log->origin, c->origin) != 0)
		return 0;
	return c->n->store->ops->leaf_each(c->n->store, log->id, 0, c->size, count_leaf, c, NULL);
}

bool oracle_root_at(struct sim_node *n, const char *origin, uint64_t size, struct hash *root)
{
	struct counting c = {.origin = origin, .size = size, .n = n};
	ENSURE(n->store->ops->log_each(n->store, count_log, &c, NULL) == RC_OK);
	frontier_root(&c.f, root);
	return c.f.size == size;
}

/* Do the first leaves that n holds give what `of` holds? */
static bool goes_on_from(struct sim_node *n, const struct held_log *of)
{
	struct hash root;
	return oracle_root_at(n, of->origin, of->size, &root) && hash_equal(&root, &of->root);
}

/* I5: `less` and `more` have had the time to talk to each other. */
static bool have_met(struct world *w, struct sim_node *less, const struct held_log *a,
	struct sim_node *more, const struct held_log *b, bool must)
{
	bool prefix = goes_on_from(more, a);
	/* A frozen prefix looks to everybody else like somebody who is behind. */
	bool well = prefix ? a->forked : a->forked && b->forked;
	if (well || !must)
		return well;
	if (prefix)
		oracle_fail(w, 8,
			"%s%d holds %llu of %llu leaves of %s, and both know of one history",
			less->id->slug, less->self, (unsigned long long)a->size,
			(unsigned long long)b->size, a->origin);
	oracle_fail(w, 5, "%s%d (%llu leaves%s) and %s%d (%llu leaves%s) hold two histories of %s",
		less->id->slug, less->self, (unsigned long long)a->size,
		a->forked ? ", forked" : "", more->id->slug, more->self,
		(unsigned long long)b->size, b->forked ? ", forked" : "", a->origin);
}

static bool pair_is_settled(struct world *w, struct sim_node *x, struct sim_node *y,
	const struct book_log *l, bool must)
{
	static const struct held_log nothing;
	const struct held_log *a = held_look(&x->held, l->origin);
	const struct held_log *b = held_look(&y->held, l->origin);
	a = a != NULL ? a : &nothing;
	b = b != NULL ? b : &nothing;
	if (a->size == b->size && (a->size == 0 || hash_equal(&a->root, &b->root)))
		return true;
	const struct held_log *none = a->size == 0 ? a : b->size == 0 ? b : NULL;
	if (none != NULL) {
		if (must && !none->forked)
			oracle_fail(w, 8, "%s%d holds nothing of %s, which %s%d has",
				a->size == 0 ? x->id->slug : y->id->slug,
				a->size == 0 ? x->self : y->self, l->origin,
				a->size == 0 ? y->id->slug : x->id->slug,
				a->size == 0 ? y->self : x->self);
		return none->forked;
	}
	return a->size <= b->size ? have_met(w, x, a, y, b, must) : have_met(w, y, b, x, a, must);
}

/* I5: once anybody has evidence, everybody has. */
static bool all_are_warned(struct world *w, const struct book_log *l, bool must)
{
	const struct sim_node *knows = NULL, *knows_not = NULL;
	for (size_t i = 0; i < w->n_nodes; i++) {
		const struct held_log *held = held_look(&w->node[i].held, l->origin);
		if (!counts(w, &w->node[i]))
			continue;
		if (held != NULL && held->forked)
			knows = &w->node[i];
		else
			knows_not = &w->node[i];
	}
	if (knows == NULL || knows_not == NULL)
		return true;
	if (must)
		oracle_fail(w, 5, "%s%d has evidence against %s, and %s%d has none",
			knows->id->slug, knows->self, l->origin, knows_not->id->slug,
			knows_not->self);
	return false;
}

static bool log_is_settled(struct world *w, const struct book_log *l, bool must)
{
	if (!all_are_warned(w, l, must))
		return false;
	for (size_t i = 0; i < w->n_nodes; i++)
		for (size_t k = i + 1; k < w->n_nodes; k++) {
			struct sim_node *x = &w->node[i], *y = &w->node[k];
			if (counts(w, x) && counts(w, y) && !pair_is_settled(w, x, y, l, must))
				return false;
		}
	if (must)
		oracle_holds(5);
	return true;
}

bool oracle_converged(struct world *w, bool must)
{
	for (size_t i = 0; i < w->books.n_logs; i++)
		if (!log_is_equal(w, &w->books.log[i], must))
			return false;
	for (size_t i = 0; i < w->books.n_logs; i++)
		if (w->books.log[i].tainted && !log_is_settled(w, &w->books.log[i], must))
			return false;
	for (size_t i = 0; i < w->n_nodes; i++) {
		struct sim_node *n = &w->node[i];
		if (!counts(w, n) || !node_is_up(n) || !replica_is_provisional(n->replica))
			continue;
		if (must)
			oracle_fail(w, 8, "%s%d has not judged all it holds", n->id->slug, n->self);
		return false;
	}
	if (!versions_converged(w, must))
		return false;
	if (must)
		oracle_holds(8);
	return true;
}

/* ---- what was promised ---- */

/* I1: what was acknowledged stands where the client was told, unless it was on a disk whose older
 * state came back before it left. */
static void check_acks(struct world *w, const struct sim_node *any)
{
	for (size_t i = 0; i < w->books.n_acks; i++) {
		const struct book_ack *a = &w->books.ack[i];
		const struct book_log *l = books_log(&w->books, a->origin, false);
		if (l == NULL)
			oracle_fail(
				w, 1, "the log %s of an acknowledged change is gone", a->origin);
		bool beyond = ends_has_end(any, l) && a->index >= ends_counted(any, l);
		if (l->tainted || a->index >= l->safe || beyond)
			continue;
		if (a->index >= largest(w, l))
			oracle_fail(w, 1, "the acknowledged change %llu of %s is lost",
				(unsigned long long)a->index, a->origin);
		oracle_holds(1);
	}
}

struct hashes {
	struct hash *of;
	size_t n, cap;
};

struct promises {
	struct world *w;
	struct sim_node *n;
	const struct book_log *log;
	struct hashes nonces;  /* of effective changes: member and nonce, hashed */
	struct hashes counted; /* ids of changes in leaves that count */
};

static void put_hash(struct hashes *l, const struct hash *h)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : 2 * l->cap;
		l->of = xrealloc(l->of, l->cap * sizeof(*l->of));
	}
	l->of[l->n++] = *h;
}

static int compare_hashes(const void *a, const void *b)
{
	return hash_compare(a, b);
}

static void sort_hashes(struct hashes *l)
{
	if (l->n > 0)
		qsort(l->of, l->n, sizeof(*l->of), compare_hashes);
}

/* I1, and I13: nothing that was rejected ever appears. */
static int check_promise(void *arg, uint64_t index, struct bytes raw)
{
	struct promises *p = arg;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	struct hash id;
	arena_init(&a, memory, sizeof(memory));
	if (leaf_decode(raw, &a, &leaf, NULL) != RC_OK || leaf.kind != LEAF_CHANGE)
		return 0;
	change_id_of(BODY_CHANGE, &p->w->cluster_id, leaf.signed_body.body, &id);
	const struct books *b = &p->w->books;
	for (size_t i = 0; i < b->n_rejected; i++)
		if (hash_equal(&b->rejected[i], &id))
			oracle_fail(p->w, 13, "a rejected change stands in %s at %llu",
				p->log->origin, (unsigned long long)index);
	for (size_t i = 0; i < b->n_acks; i++)
		if (b->ack[i].index == index && index < p->log->safe &&
			strcmp(b->ack[i].origin, p->log->origin) == 0 &&
			!hash_equal(&b->ack[i].id, &id))
			oracle_fail(p->w, 1, "another change stands in %s at %llu than was said",
				p->log->origin, (unsigned long long)index);
	oracle_holds(13);
	if (index < ends_counted(p->n, p->log))
		put_hash(&p->counted, &id);
	return 0;
}

static int check_log_promises(void *arg, const struct store_log *log)
{
	struct promises *p = arg;
	p->log = books_log(&p->w->books, log->origin, false);
	if (p->log == NULL || p->log->tainted)
		return 0;
	return p->n->store->ops->leaf_each(
		p->n->store, log->id, 0, log->size, check_promise, p, NULL);
}

/* I1: what stood beyond the end of a log that only got another key stands in the next one. A
 * revocation can reach it there, and its owner must not have lost it. */
static void check_written_again(struct promises *p)
{
	const struct books *b = &p->w->books;
	sort_hashes(&p->counted);
	for (size_t i = 0; i < b->n_acks; i++) {
		const struct book_ack *a = &b->ack[i];
		const struct book_log *l = books_log(&p->w->books, a->origin, false);
		if (l->tainted || !ends_has_end(p->n, l) || a->index < ends_counted(p->n, l) ||
			!ends_is_kept(p->n, l) || p->w->node[l->member].lineage > 0 ||
			swarm_has(&p->w->swarm, FAULT_REVOKE))
			continue;
		if (p->counted.n == 0 ||
			bsearch(&a->id, p->counted.of, p->counted.n, sizeof(a->id),
				compare_hashes) == NULL)
			oracle_fail(p->w, 1,
				"the acknowledged change %llu of %s, beyond its end, is not "
				"written again",
				(unsigned long long)a->index, a->origin);
		sometimes(SOMETIMES_WRITTEN_AGAIN);
		oracle_holds(1);
	}
	free(p->counted.of);
}

/* I12 */
static int note_nonce(void *arg, const struct ctl_entry *entry)
{
	struct promises *p = arg;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	struct change c;
	arena_init(&a, memory, sizeof(memory));
	if (entry->verdict != VERDICT_EFFECTIVE ||
		leaf_decode(entry->leaf, &a, &leaf, NULL) != RC_OK ||
		change_decode(leaf.signed_body.body, &a, &c, NULL) != RC_OK)
		return 0;
	struct bytes parts[] = {c.member, c.nonce};
	struct hash h;
	sha256_multi(parts, 2, &h);
	put_hash(&p->nonces, &h);
	return 0;
}

static void check_nonces(struct promises *p)
{
	struct ctl_query q = {.any_task = true, .any_holder = true, .history = true};
	ENSURE(replica_query(p->n->replica, &q, note_nonce, p, NULL) == RC_OK);
	sort_hashes(&p->nonces);
	for (size_t i = 1; i < p->nonces.n; i++)
		if (hash_equal(&p->nonces.of[i], &p->nonces.of[i - 1]))
			oracle_fail(p->w, 12, "one nonce has two effective changes");
	if (p->nonces.n > 0)
		oracle_holds(12);
	free(p->nonces.of);
}

void oracle_end(struct world *w)
{
	struct sim_node *any = NULL;
	for (size_t i = 0; i < w->n_nodes; i++) {
		if (!counts(w, &w->node[i]) || !node_is_up(&w->node[i]))
			continue;
		oracle_fold(w, &w->node[i]);
		oracle_values(w, &w->node[i]);
		oracle_twins(w, &w->node[i]);
		if (any == NULL || dice_percent(&w->oracle, 30))
			any = &w->node[i];
	}
	check_acks(w, any);
	struct promises p = {.w = w, .n = any};
	struct err e = {0};
	if (any->store->ops->log_each(any->store, check_log_promises, &p, &e) != RC_OK)
		oracle_fail(w, 1, "%s: %s", any->id->slug, e.text);
	check_written_again(&p);
	check_nonces(&p);
	struct hash first, other;
	oracle_dump(w, any, &first);
	for (size_t i = 0; i < w->n_nodes; i++) {
		struct sim_node *n = &w->node[i];
		if (n == any || !node_is_up(n) || n->held.provisional ||
			n->old_program != any->old_program || !versions_equal(n, any) ||
			!hash_equal(&n->held.entries, &any->held.entries))
			continue;
		oracle_dump(w, n, &other);
		if (!hash_equal(&first, &other)) {
			oracle_print_view(any);
			oracle_print_view(n);
			oracle_fail(w, 14, "%s and %s judge the same leaves differently",
				any->id->slug, n->id->slug);
		}
		oracle_holds(14);
	}
	oracle_findings(w, any);
	for (size_t i = 0; i < w->n_nodes; i++)
		if (node_is_up(&w->node[i]))
			witness_look(w, &w->node[i]);
	witness_end(w);
	oracle_rebuild(w, any);
}
