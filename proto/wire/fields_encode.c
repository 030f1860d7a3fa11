#include "proto/wire/fields.h"

#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/mutant.h"
#include "proto/base/text.h"

struct build {
	struct arena a;
	size_t arrays; /* bytes of arena that decoding will need */
	const struct scan_field *bad;
};

/* Cuts what is too long, and the first bytes of a character that lost its last ones; replaces what
 * is not clean even so. */
static size_t mend(const struct scan_field *f, char *p, size_t n)
{
	bool lf = f->type == SCAN_TEXT;
	if (n > f->max_len)
		n = f->max_len;
	if (text_is_clean(bytes_of(p, n), lf))
		return n;
	for (size_t cut = 1; cut < 4 && cut <= n; cut++)
		if ((((uint8_t)p[n - cut] & 0xc0) == 0xc0 || MUTANT(MENDED_BY_LEAVING_OUT)) &&
			text_is_clean(bytes_of(p, n - cut), lf))
			return n - cut;
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			p[i] = '?';
	return n;
}

static bool build_string(struct build *b, const struct scan_field *f, struct bytes from, char **to)
{
	char *s = arena_alloc(&b->a, from.n + 1);
	if (!s)
		return false;
	if (from.n > 0)
		memcpy(s, from.p, from.n);
	if (f->mend)
		s[mend(f, s, from.n)] = '\0';
	else if (strlen(s) != from.n)
		b->bad = f; /* protobuf-c would stop at the NUL */
	*to = s;
	return true;
}

static ProtobufCMessage *build_message(
	struct build *b, const struct scan_table *t, const void *descriptor, const uint8_t *from);

static bool build_one(struct build *b, const struct scan_field *f, const void *descriptor,
	const uint8_t *from, uint8_t *to)
{
	ProtobufCMessage *m;
	struct bytes range;
	switch (f->type) {
	case SCAN_U32: memcpy(to, from, sizeof(uint32_t)); return true;
	case SCAN_U64: memcpy(to, from, sizeof(uint64_t)); return true;
	case SCAN_BOOL: *(protobuf_c_boolean *)(void *)to = *(const bool *)from; return true;
	case SCAN_BYTES:
		range = *(const struct bytes *)(const void *)from;
		/* pack only reads */
		*(ProtobufCBinaryData *)(void *)to =
			(ProtobufCBinaryData){range.n, (uint8_t *)(uintptr_t)range.p};
		return true;
	case SCAN_STRING:
	case SCAN_TEXT:
		range = *(const struct bytes *)(const void *)from;
		return build_string(b, f, range, (char **)(void *)to);
	case SCAN_MESSAGE:
		m = build_message(b, f->sub, descriptor, from);
		memcpy(to, &m, sizeof m);
		return m != NULL;
	}
	return false;
}

static bool build_list(struct build *b, const struct scan_field *f,
	const ProtobufCFieldDescriptor *d, const uint8_t *from, uint8_t *m)
{
	const uint8_t *list;
	size_t n, size = fields_element_size(f);
	memcpy(&list, from + f->at, sizeof list);
	memcpy(&n, from + f->count_at, sizeof n);
	size_t step = f->type == SCAN_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
	if (n > f->max_count) {
		b->bad = f;
		n = 0;
	}
	uint8_t *to = arena_alloc(&b->a, n * step);
	for (size_t i = 0; to && i < n; i++)
		if (!build_one(b, f, d->descriptor, list + i * size, to + i * step))
			return false;
	b->arrays += (n * size + 15) & ~(size_t)15;
	memcpy(m + d->offset, &to, sizeof to);
	memcpy(m + d->quantifier_offset, &n, sizeof n);
	return to != NULL;
}

/* NULL: the arena is full. */
static ProtobufCMessage *build_message(
	struct build *b, const struct scan_table *t, const void *descriptor, const uint8_t *from)
{
	const ProtobufCMessageDescriptor *d = descriptor;
	uint8_t *m = arena_alloc(&b->a, d->sizeof_message);
	if (!m)
		return NULL;
	protobuf_c_message_init(d, m);
	uint32_t kind = t->one_of ? *(const uint32_t *)(const void *)(from + t->kind_at) : 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct scan_field *f = &t->field[i];
		const ProtobufCFieldDescriptor *pf =
			protobuf_c_message_descriptor_get_field(d, f->number);
		bool alternative = t->one_of && f->number >= t->one_of;
		if ((alternative && f->number != kind) || f->at == SCAN_NOWHERE)
			continue;
		if (f->max_count > 1
				? !build_list(b, f, pf, from, m)
				: !build_one(b, f, pf->descriptor, from + f->at, m + pf->offset))
			return NULL;
		if (alternative)
			memcpy(m + pf->quantifier_offset, &kind, sizeof kind);
	}
	return (ProtobufCMessage *)(void *)m;
}

static int pack(const struct scan_table *t, const struct build *b, const ProtobufCMessage *m,
	size_t max, size_t max_arena, struct buf *out, struct err *e)
{
	if (b->bad)
		return err_set(e, b->bad->max_count > 1 ? RC_TOO_BIG : RC_INPUT, "%s: field %u %s",
			t->name, b->bad->number,
			b->bad->max_count > 1 ? "is repeated too often" : "has a NUL in it");
	size_t n = protobuf_c_message_get_packed_size(m), before = out->n;
	if (n > max || b->arrays > max_arena)
		return err_set(
			e, RC_TOO_BIG, "%s: %zu bytes, over its limit of %zu", t->name, n, max);
	out->n += protobuf_c_message_pack(m, buf_reserve(out, n));
	int rc = prescan(t, bytes_of(out->p + before, n), e);
	if (rc == RC_PEER_MESSAGE)
		rc = RC_INPUT; /* it is ours, not a peer's */
	if (rc) {
		out->n = before;
		if (e)
			e->rc = rc;
	}
	return rc;
}

#define FIRST_ROOM 4096

int fields_encode(const struct scan_table *t, const void *from, size_t max, size_t max_arena,
	struct buf *out, struct err *e)
{
	uint8_t small[FIRST_ROOM] __attribute__((aligned(16)));
	void *room = NULL;
	struct build b = {0};
	const ProtobufCMessage *m = NULL;
	for (size_t cap = sizeof small; !m; cap *= 4) {
		free(room);
		room = cap > sizeof small ? xalloc(cap) : NULL;
		b = (struct build){0};
		arena_init(&b.a, room ? room : small, cap);
		m = build_message(&b, t, t->pb, from);
	}
	int rc = pack(t, &b, m, max, max_arena, out, e);
	free(room);
	return rc;
}
