#include "proto/wire/prescan.h"

#include "proto/base/mutant.h"
#include "proto/base/text.h"

/* A message that is being scanned. */
struct level {
	const struct scan_table *t;
	size_t row;	 /* the first one not below `number` */
	size_t end;	 /* where it ends in the input */
	uint32_t number; /* of the last field, 0 before the first */
	uint32_t count;	 /* how often that one was seen */
	uint32_t unknown;
	struct bytes last; /* element of an ascending field */
	bool chosen;	   /* one of the alternatives was seen */
};

struct scan {
	struct bytes in;
	size_t at;
	struct level level[SCAN_DEPTH]; /* not recursion: the depth is the peer's choice */
	size_t depth;
	struct err *e;
};

bool varint_take(struct bytes *rest, size_t max, uint64_t *out)
{
	uint64_t v = 0;
	for (size_t i = 0; i < max && i < rest->n; i++) {
		uint8_t b = rest->p[i];
		if (i == VARINT_BYTES - 1 && b > 1)
			return false; /* beyond 64 bits */
		v |= (uint64_t)(b & 0x7f) << (7 * i);
		if (b & 0x80)
			continue;
		if (i > 0 && b == 0)
			return false; /* not minimal */
		*rest = (struct bytes){rest->p + i + 1, rest->n - i - 1};
		*out = v;
		return true;
	}
	return false;
}

static struct level *top(struct scan *s)
{
	return &s->level[s->depth - 1];
}

static int refuse(struct scan *s, int rc, const char *why)
{
	const struct level *l = top(s);
	return err_set(s->e, rc, "%s: field %u at byte %zu %s", l->t->name, l->number, s->at, why);
}

static bool take_varint(struct scan *s, size_t max, uint64_t *out)
{
	struct bytes rest = {s->in.p + s->at, top(s)->end - s->at};
	if (!varint_take(&rest, max, out))
		return false;
	s->at = top(s)->end - rest.n;
	return true;
}

static const struct scan_field *row_of(const struct level *l)
{
	bool found = l->row < l->t->n && l->t->field[l->row].number == l->number;
	return found ? &l->t->field[l->row] : NULL;
}

/* Moves on to the rows of `number`; what is passed over must not have been required. */
static int skip_rows(struct scan *s, uint32_t number)
{
	struct level *l = top(s);
	for (; l->row < l->t->n && l->t->field[l->row].number < number; l->row++) {
		const struct scan_field *f = &l->t->field[l->row];
		if (f->required && f->number != l->number) {
			l->number = f->number;
			return refuse(s, RC_PEER_MESSAGE, "is missing");
		}
	}
	return RC_OK;
}

static int scan_tag(struct scan *s, unsigned *wire)
{
	struct level *l = top(s);
	uint64_t tag;
	if (!take_varint(s, TAG_BYTES, &tag) || tag >> 3 == 0)
		return refuse(s, RC_PEER_MESSAGE, "is followed by a malformed tag");
	uint32_t number = (uint32_t)(tag >> 3);
	if (number < l->number)
		return refuse(s, RC_PEER_MESSAGE, "is followed by a smaller field number");
	if (number > l->number) {
		int rc = skip_rows(s, number);
		if (rc)
			return rc;
		l->count = 0;
	}
	l->number = number;
	l->count++;
	*wire = (unsigned)(tag & 7);
	return RC_OK;
}

static int scan_alternative(struct scan *s)
{
	struct level *l = top(s);
	if (!l->t->one_of || l->number < l->t->one_of)
		return RC_OK;
	if (l->chosen)
		return refuse(s, RC_PEER_MESSAGE, "is a second one of several alternatives");
	l->chosen = true;
	return RC_OK;
}

static int take_range(struct scan *s, struct bytes *out)
{
	uint64_t n;
	if (!take_varint(s, VARINT_BYTES, &n))
		return refuse(s, RC_PEER_MESSAGE, "has a malformed length");
	if (n > top(s)->end - s->at)
		return refuse(s, RC_PEER_MESSAGE, "is longer than what is left");
	*out = (struct bytes){s->in.p + s->at, (size_t)n};
	s->at += (size_t)n;
	return RC_OK;
}

static int scan_unknown(struct scan *s, unsigned wire)
{
	struct level *l = top(s);
	if (!l->t->lax)
		return refuse(s, RC_PEER_MESSAGE, "is unknown");
	if (++l->unknown > SCAN_UNKNOWN_MAX)
		return refuse(s, RC_PEER_MESSAGE, "is one unknown field too many");
	uint64_t v;
	struct bytes range;
	size_t left = l->end - s->at, fixed = wire == WIRE_FIXED64 ? 8 : 4;
	switch ((enum wire_type)wire) {
	case WIRE_VARINT:
		return take_varint(s, VARINT_BYTES, &v)
			? RC_OK
			: refuse(s, RC_PEER_MESSAGE, "has a malformed number");
	case WIRE_RANGE: return take_range(s, &range);
	case WIRE_FIXED32:
	case WIRE_FIXED64:
		if (left < fixed)
			return refuse(s, RC_PEER_MESSAGE, "is longer than what is left");
		s->at += fixed;
		return RC_OK;
	}
	return refuse(s, RC_PEER_MESSAGE, "has a wire type that is not allowed");
}

static int scan_number(struct scan *s, const struct scan_field *f)
{
	uint64_t v;
	if (!take_varint(s, VARINT_BYTES, &v))
		return refuse(s, RC_PEER_MESSAGE, "has a malformed number");
	if (v == 0)
		return refuse(s, RC_PEER_MESSAGE, "carries its default value");
	if ((f->type == SCAN_U32 && v > UINT32_MAX) || (f->type == SCAN_BOOL && v > 1))
		return refuse(s, RC_PEER_MESSAGE, "is out of its type's range");
	return RC_OK;
}

static int enter_message(struct scan *s, const struct scan_field *f, struct bytes range)
{
	if (s->depth == SCAN_DEPTH)
		return refuse(s, RC_PEER_MESSAGE, "is nested too deep");
	s->at -= range.n;
	s->level[s->depth++] = (struct level){.t = f->sub, .end = s->at + range.n};
	return RC_OK;
}

static bool follows(struct scan *s, struct bytes range)
{
	struct level *l = top(s);
	bool ok = l->count == 1 || bytes_compare(l->last, range) < 0;
	l->last = range;
	return ok;
}

static int scan_range(struct scan *s, const struct scan_field *f)
{
	struct bytes range;
	int rc = take_range(s, &range);
	if (rc)
		return rc;
	if (f->type == SCAN_MESSAGE)
		return enter_message(s, f, range);
	if (f->max_count == 1 && range.n == 0)
		return refuse(s, RC_PEER_MESSAGE, "carries its default value");
	if (range.n > f->max_len && f->max_len > f->min_len)
		return refuse(s, RC_TOO_BIG, "is longer than its limit");
	if (range.n < f->min_len || range.n > f->max_len)
		return refuse(s, RC_PEER_MESSAGE, "has a wrong length");
	if (f->ascending && !follows(s, range) && !MUTANT(SUPERSEDES_UNORDERED))
		return refuse(s, RC_PEER_MESSAGE, "is not in ascending order");
	if (f->type != SCAN_BYTES && !text_is_clean(range, f->type == SCAN_TEXT))
		return refuse(s, RC_PEER_MESSAGE, "is not clean text");
	return RC_OK;
}

static int scan_known(struct scan *s, const struct scan_field *f, unsigned wire)
{
	bool number = f->type == SCAN_U32 || f->type == SCAN_U64 || f->type == SCAN_BOOL;
	if (wire != (number ? WIRE_VARINT : WIRE_RANGE))
		return refuse(s, RC_PEER_MESSAGE, "has another wire type than its own");
	if (top(s)->count > f->max_count)
		return f->max_count == 1 ? refuse(s, RC_PEER_MESSAGE, "is repeated")
					 : refuse(s, RC_TOO_BIG, "is repeated too often");
	return number ? scan_number(s, f) : scan_range(s, f);
}

static int scan_one(struct scan *s)
{
	unsigned wire = 0;
	int rc = scan_tag(s, &wire);
	if (rc)
		return rc;
	rc = scan_alternative(s);
	if (rc)
		return rc;
	const struct scan_field *f = row_of(top(s));
	return f ? scan_known(s, f, wire) : scan_unknown(s, wire);
}

static int leave_message(struct scan *s)
{
	int rc = skip_rows(s, UINT32_MAX);
	if (rc)
		return rc;
	const struct level *l = top(s);
	if (l->t->one_of && !l->t->one_of_optional && !l->chosen)
		return refuse(s, RC_PEER_MESSAGE, "is the last, and none of the alternatives came");
	s->depth--;
	return RC_OK;
}

int prescan(const struct scan_table *t, struct bytes in, struct err *e)
{
	struct scan s = {.in = in, .level = {{.t = t, .end = in.n}}, .depth = 1, .e = e};
	int rc = RC_OK;
	while (rc == RC_OK && s.depth > 0)
		rc = s.at == top(&s)->end ? leave_message(&s) : scan_one(&s);
	return rc;
}
