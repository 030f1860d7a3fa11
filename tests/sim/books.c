#include "tests/sim/books.h"

#include <stdlib.h>
#include <string.h>

struct book_log *books_log(struct books *b, const char *origin, bool create)
{
	for (size_t i = 0; i < b->n_logs; i++)
		if (strcmp(b->log[i].origin, origin) == 0)
			return &b->log[i];
	if (!create)
		return NULL;
	b->log = xrealloc(b->log, (b->n_logs + 1) * sizeof(*b->log));
	struct book_log *l = &b->log[b->n_logs++];
	*l = (struct book_log){.safe = UINT64_MAX};
	memcpy(l->origin, origin, strlen(origin) + 1);
	return l;
}

void books_leaf(struct book_log *l, const struct hash *leaf_hash)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : 2 * l->cap;
		l->leaf = xrealloc(l->leaf, l->cap * sizeof(*l->leaf));
		l->root = xrealloc(l->root, l->cap * sizeof(*l->root));
	}
	frontier_append(&l->frontier, leaf_hash);
	l->leaf[l->n] = *leaf_hash;
	frontier_root(&l->frontier, &l->root[l->n]);
	l->n++;
}

void books_cut(struct book_log *l, uint64_t n)
{
	if (n >= l->n)
		return;
	l->n = (size_t)n;
	l->frontier = (struct frontier){0};
	for (size_t i = 0; i < l->n; i++)
		frontier_append(&l->frontier, &l->leaf[i]);
}

void books_ack(struct books *b, const char *origin, uint64_t index, const struct hash *id)
{
	if (b->n_acks == b->cap_acks) {
		b->cap_acks = b->cap_acks == 0 ? 64 : 2 * b->cap_acks;
		b->ack = xrealloc(b->ack, b->cap_acks * sizeof(*b->ack));
	}
	struct book_ack *a = &b->ack[b->n_acks++];
	*a = (struct book_ack){.index = index, .id = *id};
	memcpy(a->origin, origin, strlen(origin) + 1);
}

void books_reject(struct books *b, const struct hash *id)
{
	if (b->n_rejected == b->cap_rejected) {
		b->cap_rejected = b->cap_rejected == 0 ? 64 : 2 * b->cap_rejected;
		b->rejected = xrealloc(b->rejected, b->cap_rejected * sizeof(*b->rejected));
	}
	b->rejected[b->n_rejected++] = *id;
}

void books_release(struct books *b)
{
	for (size_t i = 0; i < b->n_logs; i++) {
		free(b->log[i].leaf);
		free(b->log[i].root);
	}
	free(b->log);
	free(b->ack);
	free(b->rejected);
	free(b->cosigned.head);
	free(b->final.head);
}

struct held_log *held_find(struct held *h, const char *origin)
{
	size_t i = 0;
	while (i < h->n && strcmp(h->log[i].origin, origin) < 0)
		i++;
	if (i < h->n && strcmp(h->log[i].origin, origin) == 0)
		return &h->log[i];
	if (h->n == h->cap) {
		h->cap = h->cap == 0 ? 8 : 2 * h->cap;
		h->log = xrealloc(h->log, h->cap * sizeof(*h->log));
	}
	memmove(&h->log[i + 1], &h->log[i], (h->n - i) * sizeof(*h->log));
	h->n++;
	h->log[i] = (struct held_log){0};
	memcpy(h->log[i].origin, origin, strlen(origin) + 1);
	return &h->log[i];
}

const struct held_log *held_look(const struct held *h, const char *origin)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->log[i].origin, origin) == 0)
			return &h->log[i];
	return NULL;
}

uint64_t held_size(const struct held *h, const char *origin)
{
	const struct held_log *l = held_look(h, origin);
	return l != NULL ? l->size : 0;
}

void held_sum(struct held *h)
{
	struct buf text = {0};
	for (size_t i = 0; i < h->n; i++) {
		if (h->log[i].size == 0)
			continue;
		buf_put_str(&text, h->log[i].origin);
		buf_put_u64be(&text, h->log[i].size);
		buf_put(&text, h->log[i].root.b, HASH_BYTES);
	}
	sha256(buf_bytes(&text), &h->entries);
	buf_release(&text);
}

void held_release(struct held *h)
{
	free(h->log);
	*h = (struct held){0};
}
