#include <stdlib.h>
#include <string.h>

#include "proto/trust/checkpoint.h"
#include "tests/fuzz/session.h"

#define LOGS_MAX 16

/* ---- what a node holds ---- */

struct held {
	struct store_log row[LOGS_MAX];
	size_t n;
};

static int add_log(void *arg, const struct store_log *log)
{
	struct held *h = arg;
	ENSURE(h->n < LOGS_MAX);
	h->row[h->n++] = *log;
	return 0;
}

static void look(struct node *n, struct held *out)
{
	out->n = 0;
	ENSURE(n->store->ops->log_each(n->store, add_log, out, NULL) == RC_OK);
}

static const struct store_log *find(const struct held *h, const char *origin)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->row[i].origin, origin) == 0)
			return &h->row[i];
	return NULL;
}

static bool is_of(const struct store_log *log, const char *slug)
{
	const char *at = strchr(log->origin, '/');
	size_t n = strlen(slug);
	return at != NULL && strncmp(at + 1, slug, n) == 0 && at[1 + n] == '/';
}

/* ---- where it comes from ---- */

static int count_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct hash h;
	(void)index;
	merkle_leaf_hash(leaf, &h);
	frontier_append(arg, &h);
	return 0;
}

static struct hash root_here(struct node *n, const struct store_log *log, uint64_t size)
{
	struct frontier f = {0};
	struct hash root;
	ENSURE(n->store->ops->leaf_each(n->store, log->id, 0, size, count_leaf, &f, NULL) == RC_OK);
	ENSURE(f.size == size);
	frontier_root(&f, &root);
	return root;
}

static bool liar_wrote(const struct liar *l, const struct store_log *log, const struct hash *root)
{
	for (size_t i = 0; i < LIAR_BRANCHES; i++) {
		const struct scribe *s = &l->branch[i];
		struct hash theirs;
		if (!l->begun[i] || strcmp(s->origin, log->origin) != 0 || log->size > s->n)
			continue;
		scribe_root(s, log->size, &theirs);
		if (hash_equal(&theirs, root))
			return true;
	}
	return false;
}

static void check_author(
	struct pair *p, const struct liar *l, const struct store_log *log, const struct hash *root)
{
	for (size_t i = 0; i < SIDES; i++) {
		struct held h;
		if (!is_of(log, p->c->member[pair_member(i)].slug))
			continue;
		look(&p->node[i], &h);
		const struct store_log *own = find(&h, log->origin);
		ENSURE(own != NULL && own->size >= log->size && !log->forked);
		struct hash theirs = root_here(&p->node[i], own, log->size);
		ENSURE(hash_equal(&theirs, root));
		return;
	}
	ENSURE(is_of(log, p->c->member[LIAR].slug) && liar_wrote(l, log, root));
}

static void check_head(
	struct pair *p, struct node *n, const struct store_log *log, const struct hash *root)
{
	struct store_head h;
	struct checkpoint cp;
	struct buf note = {0};
	ENSURE(n->store->ops->head_get(
		       n->store, log->id, log->size - 1, log->size, &h, &note, NULL) == RC_OK);
	bool is_signed = false;
	for (size_t m = 0; m < p->c->n; m++)
		is_signed |= is_of(log, p->c->member[m].slug) &&
			checkpoint_verify(
				buf_bytes(&note), p->c->member[m].log.public, &cp, NULL) == RC_OK;
	ENSURE(is_signed && cp.size == log->size && hash_equal(&cp.root, root));
	buf_release(&note);
}

void oracle_check(struct pair *p, const struct liar *l)
{
	for (size_t i = 0; i < SIDES; i++) {
		struct held h;
		size_t own = 0;
		look(&p->node[i], &h);
		for (size_t k = 0; k < h.n; k++) {
			if (h.row[k].size == 0)
				continue;
			struct hash root = root_here(&p->node[i], &h.row[k], h.row[k].size);
			check_author(p, l, &h.row[k], &root);
			check_head(p, &p->node[i], &h.row[k], &root);
			if (!is_of(&h.row[k], p->c->member[pair_member(i)].slug))
				continue;
			own++;
			ENSURE(h.row[k].size == p->own[i]);
		}
		ENSURE(own == 1);
	}
}

/* ---- convergence ---- */

/* Two histories: both know, or one holds the beginning of the other's and knows. */
static bool is_known_fork(struct pair *p, const struct store_log *a, const struct store_log *b)
{
	size_t less = a->size <= b->size ? 0 : 1;
	const struct store_log *shorter = less == 0 ? a : b, *longer = less == 0 ? b : a;
	if (shorter->size == 0)
		return longer->size == 0 || shorter->forked;
	struct hash x = root_here(&p->node[less], shorter, shorter->size);
	struct hash y = root_here(&p->node[1 - less], longer, shorter->size);
	return hash_equal(&x, &y) ? shorter->size == longer->size || shorter->forked
				  : a->forked && b->forked;
}

static bool covers(
	struct pair *p, const struct held *h, const struct held *of, bool swapped, bool *equal)
{
	for (size_t i = 0; i < h->n; i++) {
		static const struct store_log none;
		const struct store_log *a = &h->row[i], *b = find(of, a->origin);
		b = b != NULL ? b : &none;
		if (!(swapped ? is_known_fork(p, b, a) : is_known_fork(p, a, b)))
			return false;
		*equal &= a->size == b->size && !a->forked && !b->forked;
	}
	return true;
}

bool oracle_is_settled(struct pair *p)
{
	struct held a, b;
	bool equal = true;
	look(&p->node[0], &a);
	look(&p->node[1], &b);
	if (!covers(p, &a, &b, false, &equal) || !covers(p, &b, &a, true, &equal))
		return false;
	if (equal) {
		struct hash x = node_view(&p->node[0]), y = node_view(&p->node[1]);
		ENSURE(hash_equal(&x, &y));
	}
	return true;
}
