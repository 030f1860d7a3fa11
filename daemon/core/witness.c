/* The heads of a log that members have cosigned, as they are kept and told to peers. Source:
 * PROTOCOL 4.1. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/set_back.h"

/* ---- roots of sizes that we have passed ---- */

void witness_follow(struct log *log)
{
	struct frontier *base = log->witness.base;
	if (log->row.size - base[1].size < TRAIL_LEAVES)
		return;
	base[0] = base[1];
	base[1] = log->row.frontier;
}

int witness_root(
	struct replica *r, const struct log *log, uint64_t size, struct hash *root, struct err *e)
{
	const struct frontier *base = log->witness.base;
	struct frontier f = log->row.frontier;
	int rc = RC_OK;
	if (size > log->row.size || size < base[0].size)
		return STORE_NONE;
	if (size < log->row.size) {
		f = size < base[1].size ? base[0] : base[1];
		rc = r->ops->leaf_each(r->store, log->row.id, f.size, size, log_add_leaf, &f, e);
	}
	frontier_root(&f, root);
	return rc;
}

/* ---- the heads of one log ---- */

struct cosigned *witness_find(const struct log *log, uint64_t size)
{
	const struct witness *w = &log->witness;
	for (size_t i = w->n; i-- > 0 && w->head[i].size >= size;)
		if (w->head[i].size == size)
			return &w->head[i];
	return NULL;
}

/* Empty, in its place; n becomes its note, with the owner's line. */
struct cosigned *witness_insert(
	const struct replica *r, struct log *log, uint64_t size, const struct note *n)
{
	struct witness *w = &log->witness;
	if (w->n == w->cap) {
		w->cap = w->cap == 0 ? 4 : 2 * w->cap;
		w->head = xrealloc(w->head, w->cap * sizeof(*w->head));
	}
	size_t at = w->n++;
	for (; at > 0 && w->head[at - 1].size > size; at--)
		w->head[at] = w->head[at - 1];
	w->head[at] = (struct cosigned){.size = size};
	cosign_put_head(n, bytes_str(log->row.origin), log_key(r, log), &w->head[at].note);
	return &w->head[at];
}

uint64_t witness_newest(const struct log *log, int member)
{
	const struct witness *w = &log->witness;
	for (size_t i = w->n; i-- > 0;)
		if ((w->head[i].by & MEMBER_BIT(member)) != 0)
			return w->head[i].size;
	return 0;
}

int witness_put_row(struct replica *r, const struct log *log, uint64_t size, const struct note *n,
	int member, struct err *e)
{
	struct buf note = {0};
	cosign_put_head(n, bytes_str(log->row.origin), log_key(r, log), &note);
	cosign_put_line_of(&r->roster, n, member, &note);
	struct store_cosignature row = {size, member_slug(r, member), buf_bytes(&note)};
	int rc = r->ops->cosignature_put(r->store, log->row.id, &row, e);
	buf_release(&note);
	r->wrote = true;
	return rc;
}

void witness_note_line(
	const struct replica *r, struct cosigned *c, const struct note *n, int member)
{
	cosign_put_line_of(&r->roster, n, member, &c->note);
	c->by |= MEMBER_BIT(member);
	c->told[member] |= MEMBER_BIT(member);
}

/* ---- what peers are told ---- */

struct bytes witness_note(const struct log *log, uint64_t size, struct bytes plain)
{
	const struct cosigned *c = witness_find(log, size);
	return c != NULL ? buf_bytes(&c->note) : plain;
}

bool witness_next(struct log *log, int peer, struct bytes *note)
{
	struct witness *w = &log->witness;
	for (size_t i = 0; i < w->n; i++) {
		struct cosigned *c = &w->head[i];
		if ((c->said & ~c->told[peer]) == 0)
			continue;
		c->told[peer] |= c->by;
		*note = buf_bytes(&c->note);
		return true;
	}
	return false;
}

void witness_link_up(struct log *log, int peer)
{
	for (size_t i = 0; i < log->witness.n; i++)
		log->witness.head[i].told[peer] = log->witness.head[i].by & MEMBER_BIT(peer);
}

/* ---- life ---- */

struct loading {
	struct replica *r;
	struct log *log;
};

/* Rows of keys that are no longer anybody's say nothing any more; but what we said binds us. */
static int load_row(void *arg, const struct store_cosignature *row)
{
	struct loading *l = arg;
	struct log *log = l->log;
	struct checkpoint cp;
	struct note n;
	member_set bad;
	int m = roster_find(&l->r->roster, bytes_str(row->member));
	if (m == l->r->self && row->size > log->witness.last)
		log->witness.last = row->size;
	if (m < 0 || log->retired || row->size > log->row.size ||
		note_parse(row->note, &n, NULL) != RC_OK ||
		checkpoint_verify(row->note, log_key(l->r, log), &cp, NULL) != RC_OK ||
		cosign_verify(&l->r->roster, &n, log->member, ~MEMBER_BIT(m), &bad) == 0)
		return 0;
	struct cosigned *c = witness_find(log, row->size);
	if (c == NULL)
		c = witness_insert(l->r, log, row->size, &n);
	witness_note_line(l->r, c, &n, m);
	c->said = c->by;
	return 0;
}

int witness_load(struct replica *r, struct err *e)
{
	int rc = set_back_load(r, e);
	for (size_t i = 0; rc == RC_OK && i < r->n_logs; i++) {
		struct witness *w = &r->log[i]->witness;
		struct loading l = {r, r->log[i]};
		w->base[0] = w->base[1] = r->log[i]->row.frontier;
		rc = r->ops->final_get(r->store, r->log[i]->row.id, &w->final_size, &w->final, e);
		if (rc == RC_OK || rc == STORE_NONE)
			rc = r->ops->cosignature_each(r->store, r->log[i]->row.id, load_row, &l, e);
	}
	return rc;
}

void witness_release(struct witness *w)
{
	for (size_t i = 0; i < w->n; i++)
		buf_release(&w->head[i].note);
	free(w->head);
	for (size_t m = 0; m < LIMIT_MEMBERS; m++)
		buf_release(&w->waiting[m].note);
	buf_release(&w->final);
}
