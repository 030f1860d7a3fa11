#include <string.h>

#include "tests/fuzz/session.h"
#include "tests/lib/bundle_fixture.h"

void bundle_mend(struct buf *file)
{
	struct hash sum;
	uint64_t records = 0;
	if (file->n < BUNDLE_MAGIC_BYTES + BUNDLE_TRAILER_BYTES)
		return;
	size_t at = BUNDLE_MAGIC_BYTES, end = file->n - BUNDLE_TRAILER_BYTES;
	for (; at + 4 <= end && get_u32be(file->p + at) <= end - at - 4; records++)
		at += 4 + get_u32be(file->p + at);
	put_u32be(file->p + end, 0);
	put_u64be(file->p + end + 4, records);
	sha256(bytes_of(file->p, end + 12), &sum);
	memcpy(file->p + end + 12, sum.b, HASH_BYTES);
}

static void put_leaves(
	struct bundle_writer *w, const struct scribe *s, size_t from, size_t to, struct buf *file)
{
	struct buf note = {0};
	struct bytes leaf[LIAR_LEAVES + 1];
	struct message m = {.kind = MESSAGE_LEAVES};
	if (from == to)
		return;
	for (size_t i = from; i < to; i++)
		leaf[i] = buf_bytes(&s->leaf[i]);
	scribe_head(s, to, &note);
	m.leaves.origin = bytes_str(s->origin);
	m.leaves.first = from;
	m.leaves.leaves = &leaf[from];
	m.leaves.n = to - from;
	m.leaves.head = buf_bytes(&note);
	bundle_write(w, &m, file);
	buf_release(&note);
}

void liar_bundle(const struct liar *l, struct reader *in, struct buf *file)
{
	struct sha256_stream sha;
	struct bundle_writer w = {0};
	struct message hello = {.kind = MESSAGE_HELLO};
	uint8_t what = reader_u8(in);
	bundle_write_begin(&w, sha256_sum(&sha), file);
	hello.hello.protocol_min = hello.hello.protocol_max = PROTOCOL_MAX;
	hello.hello.cluster_id = hash_bytes(&l->c->cluster_id);
	hello.hello.member = bytes_str(l->c->member[LIAR].slug);
	bundle_write(&w, &hello, file);
	for (size_t i = 0; i < LIAR_BRANCHES; i++) {
		const struct scribe *s = &l->branch[i];
		bool other = i < 2 && i != (what & 1u); /* of two histories one has a place */
		if (!l->begun[i] || (other && l->begun[1]))
			continue;
		size_t to = s->n - (what >> 1 & 1), cut = reader_u8(in) % (to + 1);
		put_leaves(&w, s, 0, cut, file);
		put_leaves(&w, s, cut, to, file);
	}
	bundle_write_end(&w, file);
}
