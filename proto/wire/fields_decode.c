#include "proto/wire/fields.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

struct item {
	uint32_t number;
	uint64_t value;	    /* of a varint */
	struct bytes range; /* of a length-delimited field */
};

/* The next field; the prescan has seen to it that there is one. */
static struct item item_take(struct bytes *rest)
{
	struct item it = {0};
	uint64_t tag = 0, v = 0;
	ENSURE(varint_take(rest, TAG_BYTES, &tag));
	it.number = (uint32_t)(tag >> 3);
	unsigned wire = (unsigned)(tag & 7);
	size_t skip = wire == WIRE_FIXED64 ? 8 : wire == WIRE_FIXED32 ? 4 : 0;
	if (skip == 0)
		ENSURE(varint_take(rest, VARINT_BYTES, &v));
	it.value = v;
	if (wire == WIRE_RANGE)
		skip = (size_t)v;
	ENSURE(skip <= rest->n);
	it.range = (struct bytes){rest->p, skip};
	*rest = (struct bytes){rest->p + skip, rest->n - skip};
	return it;
}

static bool fill(const struct scan_table *t, struct bytes in, uint8_t *out, struct arena *a);

static bool fill_one(
	const struct scan_field *f, const struct item *it, uint8_t *out, struct arena *a)
{
	switch (f->type) {
	case SCAN_U32: *(uint32_t *)(void *)out = (uint32_t)it->value; return true;
	case SCAN_U64: memcpy(out, &it->value, sizeof it->value); return true;
	case SCAN_BOOL: *(bool *)out = it->value != 0; return true;
	case SCAN_BYTES:
	case SCAN_STRING:
	case SCAN_TEXT: *(struct bytes *)(void *)out = it->range; return true;
	case SCAN_MESSAGE: return fill(f->sub, it->range, out, a);
	}
	return false;
}

size_t fields_element_size(const struct scan_field *f)
{
	return f->type == SCAN_MESSAGE ? f->sub->size : sizeof(struct bytes);
}

/* The fields of one number stand side by side, since numbers ascend. */
static size_t count_same(struct bytes rest, uint32_t number)
{
	size_t n = 0;
	while (rest.n > 0 && item_take(&rest).number == number)
		n++;
	return n;
}

static bool fill_list(const struct scan_field *f, struct item it, struct bytes *rest, uint8_t *out,
	struct arena *a)
{
	size_t n = 1 + count_same(*rest, f->number), size = fields_element_size(f);
	uint8_t *list = arena_alloc(a, n * size);
	if (!list)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			it = item_take(rest);
		if (!fill_one(f, &it, list + i * size, a))
			return false;
	}
	memcpy(out + f->at, &list, sizeof list);
	memcpy(out + f->count_at, &n, sizeof n);
	return true;
}

/* Recursion follows the tables, which are ours, and the prescan bounded the depth. False: the arena
 * is full. */
static bool fill(const struct scan_table *t, struct bytes in, uint8_t *out, struct arena *a)
{
	size_t row = 0;
	while (in.n > 0) {
		struct item it = item_take(&in);
		while (row < t->n && t->field[row].number < it.number)
			row++;
		const struct scan_field *f = row < t->n ? &t->field[row] : NULL;
		bool known = f && f->number == it.number;
		if (t->one_of && it.number >= t->one_of)
			*(uint32_t *)(void *)(out + t->kind_at) = known ? it.number : 0;
		if (!known || f->at == SCAN_NOWHERE)
			continue;
		if (f->max_count > 1 ? !fill_list(f, it, &in, out, a)
				     : !fill_one(f, &it, out + f->at, a))
			return false;
	}
	return true;
}

int fields_decode(
	const struct scan_table *t, struct bytes in, struct arena *a, void *out, struct err *e)
{
	memset(out, 0, t->size);
	int rc = prescan(t, in, e);
	if (rc)
		return rc;
	if (!fill(t, in, out, a))
		return err_set(
			e, RC_TOO_BIG, "%s: decodes to more than there is room for", t->name);
	return RC_OK;
}

struct room {
	ProtobufCAllocator allocator;
	struct arena *a;
	bool full;
};

static void *room_alloc(void *self, size_t n)
{
	struct room *r = self;
	void *p = arena_alloc(r->a, n);
	r->full |= !p;
	return p;
}

static void room_free(void *self, void *p)
{
	(void)self; /* the arena is given back as one */
	(void)p;
}

/* Compares as it is written to, so that packing needs no memory. */
struct compare {
	ProtobufCBuffer buffer;
	struct bytes rest;
	bool differs;
};

static void compare_append(ProtobufCBuffer *buffer, size_t n, const uint8_t *p)
{
	struct compare *c = (struct compare *)(void *)buffer;
	if (c->differs || n > c->rest.n || (n > 0 && memcmp(p, c->rest.p, n) != 0)) {
		c->differs = true;
		return;
	}
	c->rest = (struct bytes){c->rest.p + n, c->rest.n - n};
}

int fields_same(const struct scan_table *t, struct bytes in, struct arena *a, struct err *e)
{
	struct room r = {{room_alloc, room_free, NULL}, a, false};
	r.allocator.allocator_data = &r;
	size_t used = a->used;
	ProtobufCMessage *m = protobuf_c_message_unpack(t->pb, &r.allocator, in.n, in.p);
	struct compare c = {{compare_append}, in, false};
	if (m)
		protobuf_c_message_pack_to_buffer(m, &c.buffer);
	a->used = used;
	if (r.full)
		return err_set(e, RC_TOO_BIG, "%s: needs more room than it may", t->name);
	if (!m || c.differs || c.rest.n > 0)
		return err_set(e, RC_PEER_MESSAGE, "%s: not in canonical form", t->name);
	return RC_OK;
}
