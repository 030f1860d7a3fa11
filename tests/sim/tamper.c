/* What is done to a file on its way. */
#include <string.h>

#include "tests/sim/bundles.h"

#define RECORDS_MAX 4096

/* A record with its length before it. */
struct span {
	size_t at, n;
};
struct spans {
	struct span of[RECORDS_MAX];
	size_t n;
};

static void find_records(const struct buf *file, struct spans *out)
{
	size_t at = BUNDLE_MAGIC_BYTES;
	out->n = 0;
	while (out->n < RECORDS_MAX && get_u32be(file->p + at) != 0) {
		struct span *s = &out->of[out->n++];
		*s = (struct span){at, 4 + get_u32be(file->p + at)};
		at += s->n;
	}
}

/* As its maker would have written these records. */
static void sum_anew(struct buf *file, size_t records_end, uint64_t records)
{
	struct hash sum;
	file->n = records_end;
	buf_put_u32be(file, 0);
	buf_put_u64be(file, records);
	sha256(buf_bytes(file), &sum);
	buf_put_bytes(file, hash_bytes(&sum));
}

static size_t end_of(const struct spans *s)
{
	return s->of[s->n - 1].at + s->of[s->n - 1].n;
}

static bool decode(struct world *w, const struct buf *file, const struct span *s, struct fed *f)
{
	return feed_open(w, bytes_of(file->p + s->at + 4, s->n - 4), f, NULL) == RC_OK;
}

/* The first record of the kind from a place of chance on. */
static bool find_kind(struct world *w, const struct buf *file, const struct spans *s,
	enum message_kind kind, struct fed *f)
{
	size_t from = dice_index(&w->bundles->dice, s->n);
	for (size_t i = 0; i < s->n; i++) {
		if (decode(w, file, &s->of[(from + i) % s->n], f) && f->m.kind == kind)
			return true;
		feed_release(w, f);
	}
	return false;
}

static void change_at(struct buf *file, const uint8_t *p)
{
	file->p[p - file->p] ^= 1;
}

static bool change_leaf(struct world *w, struct buf *file, const struct spans *s)
{
	struct fed f;
	if (!find_kind(w, file, s, MESSAGE_LEAVES, &f))
		return false;
	struct bytes leaf = f.m.leaves.leaves[dice_index(&w->bundles->dice, f.m.leaves.n)];
	change_at(file, leaf.p + dice_index(&w->bundles->dice, leaf.n));
	feed_release(w, &f);
	return true;
}

/* In its root. */
static bool change_head(struct world *w, struct buf *file, const struct spans *s)
{
	struct fed f;
	if (!find_kind(w, file, s, MESSAGE_HEAD, &f))
		return false;
	const uint8_t *first = memchr(f.m.note.p, '\n', f.m.note.n);
	const uint8_t *second = memchr(first + 1, '\n', f.m.note.n);
	change_at(file, second + 1 + dice_index(&w->bundles->dice, 40));
	feed_release(w, &f);
	return true;
}

static bool change_cluster(struct world *w, struct buf *file, const struct spans *s)
{
	struct fed f;
	if (!decode(w, file, &s->of[0], &f))
		return false;
	change_at(file, f.m.hello.cluster_id.p + dice_index(&w->bundles->dice, HASH_BYTES));
	feed_release(w, &f);
	return true;
}

/* The first record is the only Hello: wherever it goes, it is out of its place. */
static void change_order(struct world *w, struct buf *file, const struct spans *s)
{
	struct buf out = {0};
	size_t after = 1 + dice_index(&w->bundles->dice, s->n - 1);
	const struct span *hello = &s->of[0];
	size_t rest = s->of[after].at + s->of[after].n;
	buf_put(&out, file->p, hello->at);
	buf_put(&out, file->p + hello->at + hello->n, rest - hello->at - hello->n);
	buf_put(&out, file->p + hello->at, hello->n);
	buf_put(&out, file->p + rest, end_of(s) - rest);
	buf_release(file);
	*file = out;
}

/* The first leaves once more, behind the last. */
static bool repeat_leaves(struct world *w, struct buf *file, const struct spans *s)
{
	struct buf out = {0};
	size_t first = s->n, last = 0;
	for (size_t i = 0; i < s->n; i++) {
		struct fed f;
		if (decode(w, file, &s->of[i], &f) && f.m.kind == MESSAGE_LEAVES) {
			first = first == s->n ? i : first;
			last = i;
		}
		feed_release(w, &f);
	}
	if (first == s->n)
		return false;
	size_t rest = s->of[last].at + s->of[last].n;
	buf_put(&out, file->p, rest);
	buf_put(&out, file->p + s->of[first].at, s->of[first].n);
	buf_put(&out, file->p + rest, end_of(s) - rest);
	buf_release(file);
	*file = out;
	return true;
}

static bool change(struct world *w, enum tamper how, struct buf *file)
{
	static struct spans s;
	find_records(file, &s);
	size_t end = end_of(&s), records = s.n;
	switch (how) {
	case TAMPER_CUT: file->n = dice_index(&w->bundles->dice, file->n); return true;
	case TAMPER_TAIL: buf_put_u8(file, 0); return true;
	case TAMPER_ORDER: change_order(w, file, &s); break;
	case TAMPER_TWICE:
		if (!repeat_leaves(w, file, &s))
			return false;
		records++;
		end = file->n;
		break;
	case TAMPER_CLUSTER:
		if (!change_cluster(w, file, &s))
			return false;
		break;
	case TAMPER_LEAF:
		if (!change_leaf(w, file, &s))
			return false;
		break;
	case TAMPER_HEAD:
		if (!change_head(w, file, &s))
			return false;
		break;
	case TAMPER_NONE:
	case TAMPER_FLIP:
	case TAMPERS: return false;
	}
	sum_anew(file, end, records);
	return true;
}

enum tamper tamper_with(struct world *w, struct buf *file)
{
	enum tamper how = (enum tamper)(1 + dice_index(&w->bundles->dice, TAMPERS - 1));
	if (change(w, how, file))
		return how;
	size_t bit = dice_index(&w->bundles->dice, file->n * 8);
	file->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	return TAMPER_FLIP;
}
