#include "client/view.h"

#include <stdlib.h>
#include <string.h>

#include "client/text.h"
#include "proto/trust/sign.h"

#define FETCH_TRIES 8

void view_add(struct view *v, const struct ctl_entry *from)
{
	if ((v->n & (v->n - 1)) == 0)
		v->entry = xrealloc(v->entry, (v->n ? 2 * v->n : 1) * sizeof *v->entry);
	struct entry *x = &v->entry[v->n++];
	*x = (struct entry){
		.origin = pool_copy(&v->pool, from->origin),
		.index = from->index,
		.verdict = from->verdict,
		.void_code = from->void_code,
		.current = from->current,
		.final = from->final,
		.unaudited = from->unaudited,
	};
	if (from->change_id.n == HASH_BYTES)
		memcpy(x->id.b, from->change_id.p, HASH_BYTES);
	if (from->leaf.n > LIMIT_LEAF_BYTES)
		return;
	struct bytes raw = pool_copy(&v->pool, from->leaf);
	struct arena *a = pool_arena(&v->pool, CODEC_LEAF_ARENA);
	if (leaf_decode(raw, a, &x->leaf, NULL) != RC_OK || x->leaf.kind != LEAF_CHANGE)
		return;
	x->has_change = change_decode(x->leaf.signed_body.body, a, &x->change, NULL) == RC_OK &&
		x->change.version == CHANGE_VERSION;
	x->has_value = x->has_change && slot_find(x->change.slot) &&
		value_decode((enum slot)x->change.slot, x->change.value, a, &x->value, NULL) ==
			RC_OK;
}

static int compare_register(const struct entry *a, const struct entry *b)
{
	int order = task_key_compare(a->change.task, b->change.task);
	if (order == 0)
		order = (a->change.slot > b->change.slot) - (a->change.slot < b->change.slot);
	return order ? order : bytes_compare(a->change.holder, b->change.holder);
}

static struct version version_of(const struct entry *x)
{
	return (struct version){.id = x->id, .hlc = x->leaf.hlc, .by_lead = x->by_lead};
}

static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	if (a->has_change != b->has_change)
		return a->has_change ? -1 : 1;
	int order = a->has_change ? compare_register(a, b) : 0;
	if (order == 0)
		order = b->current - a->current;
	if (order == 0) {
		struct version va = version_of(a), vb = version_of(b);
		order = version_compare(&va, &vb);
	}
	if (order == 0)
		order = bytes_compare(a->origin, b->origin);
	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static void cut_registers(struct view *v)
{
	free(v->reg);
	v->reg = xalloc((v->n + 1) * sizeof *v->reg);
	v->n_reg = 0;
	for (size_t i = 0; i < v->n && v->entry[i].has_change; i++) {
		struct entry *x = &v->entry[i];
		struct cell_register *r = v->n_reg ? &v->reg[v->n_reg - 1] : NULL;
		if (!r || compare_register(r->entry, x) != 0) {
			r = &v->reg[v->n_reg++];
			*r = (struct cell_register){
				.task = x->change.task,
				.slot = x->change.slot,
				.holder = x->change.holder,
				.entry = x,
			};
		}
		r->n++;
		r->n_current += x->current;
	}
}

/* Who leads decides the order of display, and who leads is itself a value: first without, then with
 * it. */
void view_group(struct view *v)
{
	if (v->n > 1)
		qsort(v->entry, v->n, sizeof *v->entry, compare_entries);
	cut_registers(v);
	bool any = false;
	for (size_t i = 0; i < v->n_reg; i++) {
		const struct cell_register *r = &v->reg[i];
		const struct value *task = view_value(v, r->task, SLOT_TASK, bytes_of(NULL, 0));
		if (!task || task->task.lead.n == 0)
			continue;
		for (size_t j = 0; j < r->n; j++)
			if (r->slot != SLOT_TASK &&
				bytes_equal(r->entry[j].change.member, task->task.lead))
				any = r->entry[j].by_lead = true;
	}
	if (!any)
		return;
	qsort(v->entry, v->n, sizeof *v->entry, compare_entries);
	cut_registers(v);
}

static int on_entries(void *arg, const struct ctl_reply *r, struct err *e)
{
	if (r->kind == CTL_REPLY_NONE)
		return RC_OK;
	if (r->kind != CTL_REPLY_ENTRIES)
		return err_set(e, RC_PEER_MESSAGE, tr("the node did not answer with entries"));
	for (size_t i = 0; i < r->entries.n; i++)
		view_add(arg, &r->entries.entries[i]);
	return RC_OK;
}

/* A long answer during which the view changed is asked for again. */
static int fetch(struct view *v, struct node *n, struct ctl_request *r, struct err *e)
{
	int rc = RC_REFUSED_STALE;
	*v = (struct view){0};
	for (unsigned tries = 0; rc == RC_REFUSED_STALE && tries < FETCH_TRIES; tries++) {
		view_release(v);
		rc = connection_call(&n->line, r, on_entries, v, e);
	}
	if (rc == RC_OK)
		view_group(v);
	return rc;
}

int view_fetch(struct view *v, struct node *n, const struct ctl_query *q, struct err *e)
{
	struct ctl_request r = {.kind = CTL_QUERY, .query = *q};
	return fetch(v, n, &r, e);
}

int view_fetch_findings(struct view *v, struct node *n, struct err *e)
{
	struct ctl_request r = {.kind = CTL_FINDINGS};
	return fetch(v, n, &r, e);
}

void view_release(struct view *v)
{
	free(v->entry);
	free(v->reg);
	pool_release(&v->pool);
	*v = (struct view){0};
}

const struct cell_register *view_find(
	const struct view *v, struct bytes task, uint32_t slot, struct bytes holder)
{
	struct entry wanted = {.change = {.task = task, .slot = slot, .holder = holder}};
	size_t low = 0, high = v->n_reg;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_register(&wanted, v->reg[middle].entry);
		if (order == 0)
			return &v->reg[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct value *view_value(
	const struct view *v, struct bytes task, uint32_t slot, struct bytes holder)
{
	const struct cell_register *r = view_find(v, task, slot, holder);
	for (size_t i = 0; r && i < r->n_current; i++)
		if (r->entry[i].has_value)
			return &r->entry[i].value;
	return NULL;
}

bool view_next_task(const struct view *v, size_t *from, size_t *end)
{
	if (*from >= v->n_reg)
		return false;
	*end = *from;
	while (*end < v->n_reg && bytes_equal(v->reg[*end].task, v->reg[*from].task))
		++*end;
	return true;
}

bool entry_verify(const struct entry *x, const struct hash *cluster_id)
{
	const struct signed_body *s = &x->leaf.signed_body;
	struct hash id;
	if (!x->has_change || s->key.n != KEY_BYTES || s->signature.n != SIGNATURE_BYTES)
		return false;
	return body_verify(s->key.p, BODY_CHANGE, cluster_id, s->body, s->signature.p, &id) &&
		hash_equal(&id, &x->id);
}
