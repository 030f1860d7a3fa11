#include "proto/wire/codec.h"

#include <string.h>

#include "proto/base/mutant.h"
#include "proto/wire/fields.h"
#include "proto/wire/tables.h"

static int decode_signed(
	const struct scan_table *t, struct bytes in, struct arena *a, void *out, struct err *e)
{
	int rc = fields_decode(t, in, a, out, e);
	/* Of an empty field at its end a decoder would think nothing. */
	if (rc != RC_OK && MUTANT(SIGNED_IN_TWO_FORMS) && in.n > 2 && in.p[in.n - 1] == 0) {
		in.n -= 2;
		rc = fields_decode(t, in, a, out, e);
	}
	return rc == RC_OK ? fields_same(t, in, a, e) : rc;
}

/* The number in field `number`, if that is what stands at the front. */
static bool take_number(struct bytes *rest, uint64_t number, uint64_t *out)
{
	struct bytes r = *rest;
	uint64_t tag, v;
	if (!varint_take(&r, 1, &tag) || tag != number << 3 || !varint_take(&r, VARINT_BYTES, &v) ||
		v == 0)
		return false;
	*rest = r;
	*out = v;
	return true;
}

/* Every signed message begins with its version, whatever else a newer one holds. */
static int take_version(const struct scan_table *t, struct bytes *rest, size_t max,
	uint32_t *version, struct err *e)
{
	uint64_t v;
	if (rest->n > max)
		return err_set(e, RC_TOO_BIG, "%s: %zu bytes, over its limit of %zu", t->name,
			rest->n, max);
	if (!take_number(rest, 1, &v) || v > UINT32_MAX)
		return err_set(e, RC_PEER_MESSAGE, "%s: does not begin with its version", t->name);
	*version = (uint32_t)v;
	return RC_OK;
}

int leaf_decode(struct bytes in, struct arena *a, struct leaf *out, struct err *e)
{
	memset(out, 0, sizeof *out);
	struct bytes rest = in;
	int rc = take_version(&table_leaf, &rest, LIMIT_LEAF_BYTES, &out->version, e);
	if (rc)
		return rc;
	if (out->version == LEAF_VERSION)
		return decode_signed(&table_leaf, in, a, out, e);
	if (take_number(&rest, 2, &out->index) || rest.n > 0)
		(void)take_number(&rest, 3, &out->hlc);
	return RC_OK;
}

int leaf_encode(const struct leaf *l, struct buf *out, struct err *e)
{
	ENSURE(l->kind != LEAF_UNKNOWN && l->kind != LEAF_ANCHOR);
	return fields_encode(&table_leaf, l, LIMIT_LEAF_BYTES, CODEC_LEAF_ARENA, out, e);
}

int anchor_decode(struct bytes in, struct arena *a, struct anchor *out, struct err *e)
{
	memset(out, 0, sizeof *out);
	if (in.n > LIMIT_LEAF_BYTES)
		return err_set(e, RC_TOO_BIG, "an anchor of %zu bytes", in.n);
	return decode_signed(&table_anchor_leaf, in, a, out, e);
}

int anchor_encode(const struct anchor *x, struct buf *out, struct err *e)
{
	ENSURE(x->kind == LEAF_ANCHOR);
	return fields_encode(&table_anchor_leaf, x, LIMIT_LEAF_BYTES, CODEC_LEAF_ARENA, out, e);
}

/* Every body's struct begins with its version. */
_Static_assert(offsetof(struct change, version) == 0, "change");
_Static_assert(offsetof(struct delegate, version) == 0, "delegate");
_Static_assert(offsetof(struct revoke, version) == 0, "revoke");

static int decode_body(const struct scan_table *t, uint32_t known, struct bytes body,
	struct arena *a, void *out, struct err *e)
{
	uint32_t *version = out;
	memset(out, 0, t->size);
	struct bytes rest = body;
	int rc = take_version(t, &rest, LIMIT_BODY_BYTES, version, e);
	if (rc || *version != known)
		return rc;
	return decode_signed(t, body, a, out, e);
}

static int encode_body(const struct scan_table *t, const void *from, struct buf *out, struct err *e)
{
	return fields_encode(t, from, LIMIT_BODY_BYTES, CODEC_LEAF_ARENA, out, e);
}

int change_decode(struct bytes body, struct arena *a, struct change *out, struct err *e)
{
	return decode_body(&table_change, CHANGE_VERSION, body, a, out, e);
}

int change_encode(const struct change *c, struct buf *out, struct err *e)
{
	return encode_body(&table_change, c, out, e);
}

int delegate_decode(struct bytes body, struct arena *a, struct delegate *out, struct err *e)
{
	return decode_body(&table_delegate, LEAF_VERSION, body, a, out, e);
}

int delegate_encode(const struct delegate *d, struct buf *out, struct err *e)
{
	return encode_body(&table_delegate, d, out, e);
}

int revoke_decode(struct bytes body, struct arena *a, struct revoke *out, struct err *e)
{
	return decode_body(&table_revoke, LEAF_VERSION, body, a, out, e);
}

int revoke_encode(const struct revoke *r, struct buf *out, struct err *e)
{
	return encode_body(&table_revoke, r, out, e);
}

static const struct scan_table *value_table(enum slot slot)
{
	static const struct scan_table *const tables[] = {
		[SLOT_AREA] = &table_area,
		[SLOT_TASK] = &table_task,
		[SLOT_REPORT] = &table_report,
		[SLOT_OVERALL] = &table_overall,
		[SLOT_NOTE] = &table_note,
	};
	ENSURE(slot_find(slot));
	ENSURE(slot < sizeof tables / sizeof tables[0]);
	return tables[slot];
}

int value_decode(enum slot slot, struct bytes in, struct arena *a, struct value *out, struct err *e)
{
	const struct scan_table *t = value_table(slot);
	if (in.n > LIMIT_BODY_BYTES)
		return err_set(e, RC_TOO_BIG, "%s: %zu bytes, over its limit of %d", t->name, in.n,
			LIMIT_BODY_BYTES);
	int rc = decode_signed(t, in, a, out, e);
	out->slot = slot;
	return rc;
}

int value_encode(const struct value *v, struct buf *out, struct err *e)
{
	return encode_body(value_table(v->slot), v, out, e);
}
