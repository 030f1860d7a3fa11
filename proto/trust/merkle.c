#include "proto/trust/merkle.h"

#include <sodium.h>
#include <string.h>

void merkle_empty_root(struct hash *out)
{
	sha256(bytes_of(NULL, 0), out);
}

void merkle_leaf_hash(struct bytes leaf, struct hash *out)
{
	static const uint8_t prefix = 0x00;
	crypto_hash_sha256_state st;
	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, &prefix, 1);
	crypto_hash_sha256_update(&st, leaf.p, leaf.n);
	crypto_hash_sha256_final(&st, out->b);
}

/* out may be left or right. */
static void node_hash(const struct hash *left, const struct hash *right, struct hash *out)
{
	uint8_t in[1 + 2 * HASH_BYTES] = {0x01};
	memcpy(in + 1, left->b, HASH_BYTES);
	memcpy(in + 1 + HASH_BYTES, right->b, HASH_BYTES);
	crypto_hash_sha256(out->b, in, sizeof in);
}

void frontier_append(struct frontier *f, const struct hash *leaf_hash)
{
	ENSURE(f->size < ((uint64_t)1 << MERKLE_LEVELS) - 1);
	struct hash h = *leaf_hash;
	unsigned level = 0;
	for (; f->size >> level & 1; level++)
		node_hash(&f->node[level], &h, &h);
	f->node[level] = h;
	f->size++;
}

void frontier_root(const struct frontier *f, struct hash *out)
{
	if (f->size == 0) {
		merkle_empty_root(out);
		return;
	}
	unsigned level = (unsigned)__builtin_ctzll(f->size);
	struct hash h = f->node[level];
	for (level++; level < MERKLE_LEVELS; level++)
		if (f->size >> level & 1)
			node_hash(&f->node[level], &h, &h);
	*out = h;
}

void frontier_encode(const struct frontier *f, struct buf *out)
{
	buf_put_u64be(out, f->size);
	for (unsigned level = 0; level < MERKLE_LEVELS; level++)
		if (f->size >> level & 1)
			buf_put(out, f->node[level].b, HASH_BYTES);
}

int frontier_decode(struct bytes in, struct frontier *out, struct err *e)
{
	struct reader r = reader_of(in);
	struct frontier f = {.size = reader_u64be(&r)};
	if (!reader_ok(&r) || f.size >> MERKLE_LEVELS != 0)
		return err_set(e, RC_CORRUPT, "the stored frontier of a log has no valid size");
	size_t nodes = (size_t)__builtin_popcountll(f.size);
	if (r.rest.n != nodes * HASH_BYTES)
		return err_set(e, RC_CORRUPT,
			"the stored frontier of a log has %zu bytes of nodes instead of %zu",
			r.rest.n, nodes * HASH_BYTES);
	for (unsigned level = 0; level < MERKLE_LEVELS; level++)
		if (f.size >> level & 1)
			memcpy(f.node[level].b, reader_take(&r, HASH_BYTES).p, HASH_BYTES);
	*out = f;
	return 0;
}

void merkle_root(const struct hash *leaf_hashes, size_t n, struct hash *out)
{
	struct frontier f;
	f.size = 0;
	for (size_t i = 0; i < n; i++)
		frontier_append(&f, &leaf_hashes[i]);
	frontier_root(&f, out);
}

/* The largest power of two below n, n > 1 (RFC 9162 2.1.1). */
static uint64_t split_of(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

/* A proof is collected from the root down and wanted from the leaf up. */
static void reverse(struct hash *proof, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct hash h = proof[i];
		proof[i] = proof[n - 1 - i];
		proof[n - 1 - i] = h;
	}
}

void merkle_prove_inclusion(
	const struct hash *leaf_hashes, size_t n, size_t index, struct hash *proof, size_t *n_proof)
{
	ENSURE(index < n);
	size_t lo = 0, hi = n, count = 0;
	while (hi - lo > 1) {
		size_t mid = lo + (size_t)split_of(hi - lo);
		if (index < mid) {
			merkle_root(leaf_hashes + mid, hi - mid, &proof[count++]);
			hi = mid;
		} else {
			merkle_root(leaf_hashes + lo, mid - lo, &proof[count++]);
			lo = mid;
		}
	}
	reverse(proof, count);
	*n_proof = count;
}

void merkle_prove_consistency(
	const struct hash *leaf_hashes, size_t n, size_t m, struct hash *proof, size_t *n_proof)
{
	ENSURE(m > 0 && m <= n);
	size_t lo = 0, hi = n, count = 0;
	while (m != hi) {
		size_t mid = lo + (size_t)split_of(hi - lo);
		if (m <= mid) {
			merkle_root(leaf_hashes + mid, hi - mid, &proof[count++]);
			hi = mid;
		} else {
			merkle_root(leaf_hashes + lo, mid - lo, &proof[count++]);
			lo = mid;
		}
	}
	/* With lo == 0 the last subtree is the old tree itself, whose root the verifier has. */
	if (lo != 0)
		merkle_root(leaf_hashes + lo, hi - lo, &proof[count++]);
	reverse(proof, count);
	*n_proof = count;
}

/* Where a verifier stands: the path of node `fn` in a tree whose last node is `sn`, both of the
 * level reached so far (RFC 9162 2.1.3.2). */
struct walk {
	uint64_t fn, sn;
};

static bool walk_is_right_child(const struct walk *w)
{
	return (w->fn & 1) != 0 || w->fn == w->sn;
}

/* One level up; from a left child without a sibling, up to the level where it has one. */
static void walk_up(struct walk *w)
{
	if (w->fn == w->sn)
		while ((w->fn & 1) == 0 && w->fn != 0) {
			w->fn >>= 1;
			w->sn >>= 1;
		}
	w->fn >>= 1;
	w->sn >>= 1;
}

bool merkle_verify_inclusion(const struct hash *leaf_hash, uint64_t index, uint64_t size,
	const struct hash *proof, size_t n_proof, const struct hash *root)
{
	if (index >= size)
		return false;
	struct walk w = {.fn = index, .sn = size - 1};
	struct hash r = *leaf_hash;
	for (size_t i = 0; i < n_proof; i++) {
		if (w.sn == 0)
			return false;
		if (walk_is_right_child(&w))
			node_hash(&proof[i], &r, &r);
		else
			node_hash(&r, &proof[i], &r);
		walk_up(&w);
	}
	return w.sn == 0 && hash_equal(&r, root);
}

bool merkle_consistency_roots(uint64_t size1, uint64_t size2, const struct hash *proof,
	size_t n_proof, struct hash *old, struct hash *new)
{
	if (size1 == 0 || size1 >= size2 || n_proof == 0)
		return false;
	struct walk w = {.fn = size1 - 1, .sn = size2 - 1};
	while ((w.fn & 1) != 0) {
		w.fn >>= 1;
		w.sn >>= 1;
	}
	*old = *new = proof[0];
	for (size_t i = 1; i < n_proof; i++) {
		if (w.sn == 0)
			return false;
		if (walk_is_right_child(&w)) {
			node_hash(&proof[i], old, old);
			node_hash(&proof[i], new, new);
		} else {
			node_hash(new, &proof[i], new);
		}
		walk_up(&w);
	}
	return w.sn == 0;
}

bool merkle_verify_consistency(uint64_t size1, uint64_t size2, const struct hash *root1,
	const struct hash *root2, const struct hash *proof, size_t n_proof)
{
	struct hash whole[MERKLE_PROOF_MAX + 1], old, new;
	if (size1 == 0 || size1 > size2 || n_proof > MERKLE_PROOF_MAX)
		return false;
	if (size1 == size2)
		return n_proof == 0 && hash_equal(root1, root2);
	if (n_proof == 0)
		return false;
	/* A complete first tree is a node of the second: its root is the first one of the path. */
	bool complete = (size1 & (size1 - 1)) == 0;
	size_t n = 0;
	if (complete)
		whole[n++] = *root1;
	for (size_t i = 0; i < n_proof; i++)
		whole[n++] = proof[i];
	return merkle_consistency_roots(size1, size2, whole, n, &old, &new) &&
		hash_equal(&old, root1) && hash_equal(&new, root2);
}

void merkle_spans_begin(struct merkle_spans *s, uint64_t size1, uint64_t size2)
{
	ENSURE(size1 > 0 && size1 < size2);
	*s = (struct merkle_spans){0};
	uint64_t lo = 0, hi = size2;
	size_t left = 0, right = MERKLE_PROOF_MAX;
	/* What is cut off on the left comes in the order of leaves, on the right from behind. */
	for (size_t depth = 0; size1 != hi; depth++) {
		ENSURE(left < right);
		uint64_t mid = lo + split_of(hi - lo);
		if (size1 <= mid) {
			s->span[--right] = (struct merkle_span){mid, hi, depth};
			hi = mid;
		} else {
			s->span[left++] = (struct merkle_span){lo, mid, depth};
			lo = mid;
		}
	}
	ENSURE(left < right);
	s->n = left + MERKLE_PROOF_MAX - right + 1;
	s->span[left++] = (struct merkle_span){lo, hi, s->n - 1};
	memmove(&s->span[left], &s->span[right], (MERKLE_PROOF_MAX - right) * sizeof(s->span[0]));
}

void merkle_spans_add(struct merkle_spans *s, const struct hash *leaf_hash)
{
	ENSURE(s->at < s->n);
	frontier_append(&s->frontier, leaf_hash);
	if (++s->next < s->span[s->at].to)
		return;
	frontier_root(&s->frontier, &s->node[s->at]);
	s->frontier = (struct frontier){0};
	s->at++;
}

void merkle_spans_end(const struct merkle_spans *s, struct hash *proof, size_t *n_proof)
{
	ENSURE(s->at == s->n);
	for (size_t i = 0; i < s->n; i++)
		proof[s->n - 1 - s->span[i].depth] = s->node[i];
	*n_proof = s->n;
}
