/* The view root, kept as one Merkle leaf a task and recomputed for tasks that changed. Source:
 * PROTOCOL 6.3. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/state.h"
#include "proto/base/mutant.h"
#include "proto/model/view.h"

static size_t find_place(const struct digest *d, struct bytes key, bool *found)
{
	size_t low = 0, high = d->n;
	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = task_key_compare(bytes_str(d->task[mid].key), key);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void digest_mark(struct replica *r, struct bytes task)
{
	struct digest *d = &r->digest;
	bool found;
	size_t i = find_place(d, task, &found);
	if (!found) {
		if (d->n == d->cap) {
			d->cap = d->cap == 0 ? 256 : 2 * d->cap;
			d->task = xrealloc(d->task, d->cap * sizeof(*d->task));
		}
		memmove(&d->task[i + 1], &d->task[i], (d->n - i) * sizeof(*d->task));
		d->n++;
		d->task[i] = (struct digest_task){0};
		if (task.n > 0)
			memcpy(d->task[i].key, task.p, task.n);
	}
	d->task[i].dirty = true;
	d->dirty = true;
}

/* Collects the current ids of one register after the other into the bytes of the task's leaf. */
struct leaf_builder {
	struct buf leaf, ids, holder;
	uint32_t slot;
	int64_t reg;
};

static void flush_register(struct leaf_builder *b)
{
	if (b->ids.n > 0)
		view_leaf_register(&b->leaf, b->slot, buf_bytes(&b->holder),
			(const struct hash *)(const void *)b->ids.p, b->ids.n / HASH_BYTES);
	buf_reset(&b->ids);
}

static int take_current(void *arg, const struct store_register *reg, const struct store_change *c,
	struct bytes leaf)
{
	struct leaf_builder *b = arg;
	(void)leaf;
	if (reg->reg != b->reg) {
		flush_register(b);
		b->reg = reg->reg;
		b->slot = reg->slot;
		buf_reset(&b->holder);
		buf_put_bytes(&b->holder, reg->holder);
	}
	if (MUTANT(LAST_WRITE_WINS))
		buf_reset(&b->ids);
	buf_put(&b->ids, c->id.b, HASH_BYTES);
	return 0;
}

static int refresh_task(
	struct replica *r, struct digest_task *t, struct leaf_builder *b, struct err *e)
{
	struct bytes task = bytes_str(t->key);
	struct store_filter f = {.task = &task, .current_only = true};
	buf_reset(&b->leaf);
	b->reg = -1;
	view_leaf_begin(&b->leaf, task);
	size_t empty = b->leaf.n;
	int rc = r->ops->change_each(r->store, &f, take_current, b, e);
	flush_register(b);
	t->present = b->leaf.n > empty;
	if (t->present)
		merkle_leaf_hash(
			bytes_of(b->leaf.p, MUTANT(PADDING_HASHED) ? b->leaf.cap : b->leaf.n),
			&t->leaf);
	t->dirty = rc != RC_OK;
	return rc;
}

int digest_refresh(struct replica *r, struct err *e)
{
	struct digest *d = &r->digest;
	if (!d->dirty)
		return RC_OK;
	int rc = RC_OK;
	struct leaf_builder b = {0};
	struct frontier f = {0};
	for (size_t i = 0; rc == RC_OK && i < d->n; i++) {
		if (d->task[i].dirty)
			rc = refresh_task(r, &d->task[i], &b, e);
		if (d->task[i].present)
			frontier_append(&f, &d->task[i].leaf);
	}
	if (rc == RC_OK) {
		frontier_root(&f, &d->root);
		d->dirty = false;
	}
	buf_release(&b.leaf);
	buf_release(&b.ids);
	buf_release(&b.holder);
	return rc;
}

static int mark_task(void *arg, const struct store_register *reg, const struct store_change *c,
	struct bytes leaf)
{
	(void)c;
	(void)leaf;
	digest_mark(arg, reg->task);
	return 0;
}

int digest_load(struct replica *r, struct err *e)
{
	struct store_filter f = {.current_only = true};
	return r->ops->change_each(r->store, &f, mark_task, r, e);
}

void digest_release(struct digest *d)
{
	free(d->task);
	*d = (struct digest){.dirty = !MUTANT(EMPTY_VIEW_WITHOUT_ROOT)};
}
