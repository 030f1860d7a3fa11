/* The view and its root, from verdicts. Source: PROTOCOL 6.2, 6.3. */
#include <stdlib.h>
#include <string.h>

#include "client/audit.h"
#include "proto/model/view.h"

static int compare_places(const void *pa, const void *pb)
{
	const struct audit_leaf *a = *(struct audit_leaf *const *)pa;
	const struct audit_leaf *b = *(struct audit_leaf *const *)pb;
	int order = task_key_compare(a->task, b->task);
	if (order == 0)
		order = (a->slot > b->slot) - (a->slot < b->slot);
	if (order == 0)
		order = bytes_compare(a->holder, b->holder);
	return order ? order : hash_compare(&a->id, &b->id);
}

static bool same_register(const struct audit_leaf *a, const struct audit_leaf *b)
{
	return a->slot == b->slot && bytes_equal(a->task, b->task) &&
		bytes_equal(a->holder, b->holder);
}

static int compare_hashes(const void *a, const void *b)
{
	return hash_compare(a, b);
}

/* x[n]: the effective changes of one register. What none of them supersedes is current. */
static void fold_register(struct audit_leaf **x, size_t n)
{
	size_t named = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		named += x[i]->n_supersedes;
	struct hash *gone = xalloc((named + 1) * sizeof *gone);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < x[i]->n_supersedes; k++)
			gone[at++] = x[i]->supersedes[k];
	if (named > 1)
		qsort(gone, named, sizeof *gone, compare_hashes);
	for (size_t i = 0; i < n; i++)
		x[i]->current = named == 0 ||
			!bsearch(&x[i]->id, gone, named, sizeof *gone, compare_hashes);
	free(gone);
}

struct rooting {
	struct frontier frontier;
	struct buf leaf; /* of the task that is being read; empty: none yet */
};

static void end_task(struct rooting *r)
{
	struct hash h;
	if (r->leaf.n == 0)
		return;
	merkle_leaf_hash(buf_bytes(&r->leaf), &h);
	frontier_append(&r->frontier, &h);
	buf_reset(&r->leaf);
}

static void add_register(struct rooting *r, struct audit_leaf **x, size_t n, bool new_task)
{
	struct hash *ids = xalloc(n * sizeof *ids);
	size_t n_ids = 0;
	for (size_t i = 0; i < n; i++)
		if (x[i]->current)
			ids[n_ids++] = x[i]->id;
	if (new_task)
		end_task(r);
	if (n_ids > 0) {
		if (r->leaf.n == 0)
			view_leaf_begin(&r->leaf, x[0]->task);
		view_leaf_register(&r->leaf, x[0]->slot, x[0]->holder, ids, n_ids);
	}
	free(ids);
}

/* Marks current values and computes the root. */
static void fold(struct audit *a)
{
	struct audit_leaf **x = xalloc((a->n_filed + 1) * sizeof(struct audit_leaf *));
	struct rooting r = {0};
	size_t n = 0, end;
	a->n_current = 0;
	for (size_t i = 0; i < a->n_filed; i++) {
		a->filed[i]->current = false;
		if (a->filed[i]->verdict == VERDICT_EFFECTIVE)
			x[n++] = a->filed[i];
	}
	if (n > 1)
		qsort(x, n, sizeof(struct audit_leaf *), compare_places);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && same_register(x[i], x[end]);)
			end++;
		fold_register(x + i, end - i);
		add_register(
			&r, x + i, end - i, i == 0 || !bytes_equal(x[i - 1]->task, x[i]->task));
		for (size_t k = i; k < end; k++)
			a->n_current += x[k]->current;
	}
	end_task(&r);
	frontier_root(&r.frontier, &a->view_root);
	buf_release(&r.leaf);
	free(x);
}

void audit_derive(struct audit *a, const struct roster *r)
{
	audit_judge(a, r);
	fold(a);
}
