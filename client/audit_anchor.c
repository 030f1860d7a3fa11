/* Anchors: what a member said of all logs and of the view at a time. Source: PROTOCOL 3.1. */
#include <stdlib.h>
#include <string.h>

#include "client/audit.h"
#include "client/text.h"
#include "proto/wire/prescan.h"

/* The next field of a message that passed the gate; false at its end. */
static bool take_field(struct bytes *rest, uint64_t *number, uint64_t *value, struct bytes *range)
{
	uint64_t tag;
	*range = bytes_of(NULL, 0);
	if (rest->n == 0 || !varint_take(rest, TAG_BYTES, &tag) ||
		!varint_take(rest, VARINT_BYTES, value))
		return false;
	*number = tag >> 3;
	if ((tag & 7) == WIRE_VARINT)
		return true;
	if ((tag & 7) != WIRE_RANGE || *value > rest->n)
		return false;
	*range = bytes_of(rest->p, (size_t)*value);
	*rest = bytes_of(rest->p + *value, rest->n - (size_t)*value);
	return true;
}

static size_t place_of(const struct audit *a, const struct audit_log *log)
{
	for (size_t i = 0; i < a->n_logs; i++)
		if (a->log[i] == log)
			return i;
	ENSURE(false);
}

static void take_head(struct audit *a, struct audit_anchor *anchor, struct bytes head)
{
	uint64_t number, value;
	struct bytes range, origin = {0};
	struct audit_claim c = {.says = AUDIT_ANCHOR_HEAD};
	while (take_field(&head, &number, &value, &range)) {
		if (number == 1)
			origin = range;
		else if (number == 2)
			c.size = value;
		else if (number == 3 && range.n == HASH_BYTES)
			memcpy(c.root.b, range.p, HASH_BYTES);
	}
	c.log = audit_log_find(a, origin);
	c.at = c.size;
	memcpy(c.by, anchor->leaf->log->origin.member, sizeof c.by);
	if (!c.log || c.size > c.log->n) {
		anchor->here = false;
		return;
	}
	anchor->size[place_of(a, c.log)] = c.size;
	audit_claim(a, &c);
}

void audit_take_anchor(struct audit *a, const struct audit_leaf *x)
{
	uint64_t number, value;
	struct bytes rest = x->raw, range, anchor = {0};
	a->anchor = xrealloc(a->anchor, (a->n_anchors + 1) * sizeof *a->anchor);
	struct audit_anchor *out = &a->anchor[a->n_anchors++];
	*out = (struct audit_anchor){.leaf = x, .here = true};
	while (take_field(&rest, &number, &value, &range))
		if (number == (uint64_t)LEAF_ANCHOR)
			anchor = range;
	while (take_field(&anchor, &number, &value, &range)) {
		if (number == 1)
			take_head(a, out, range);
		else if (number == 2 && range.n == HASH_BYTES)
			memcpy(out->view_root.b, range.p, HASH_BYTES);
		else if (number == 3)
			out->rules = (uint32_t)value;
	}
}

static int compare_times(const void *pa, const void *pb)
{
	const struct audit_anchor *a = pa, *b = pb;
	uint64_t x = a->leaf->hlc, y = b->leaf->hlc;
	return (x > y) - (x < y);
}

void audit_sort_anchors(struct audit *a)
{
	if (a->n_anchors > 1)
		qsort(a->anchor, a->n_anchors, sizeof *a->anchor, compare_times);
}

const struct audit_anchor *audit_since(struct audit *a, int64_t wall_ms)
{
	const struct audit_anchor *newest = NULL;
	for (size_t i = 0; i < a->n_anchors; i++) {
		const struct audit_anchor *x = &a->anchor[i];
		if (bytes_equal(bytes_str(x->leaf->log->origin.member), buf_bytes(&a->exporter)) &&
			HLC_MS(x->leaf->hlc) < wall_ms &&
			(!newest || newest->leaf->hlc < x->leaf->hlc))
			newest = x;
	}
	for (size_t i = 0; newest && i < a->n_logs; i++)
		a->log[i]->cut = newest->size[i];
	return newest;
}

/* By any version of the roster: which one its member had then, nobody says. */
static bool view_follows(struct audit *a, const struct audit_anchor *x)
{
	for (size_t i = 0; i < a->n_logs; i++)
		a->log[i]->limit = x->size[i];
	for (size_t v = a->n_rosters; v > 0; v--) {
		audit_derive(a, &a->roster[v - 1]);
		if (hash_equal(&a->view_root, &x->view_root))
			return true;
	}
	return false;
}

static void check_anchor(struct audit *a, const struct audit_anchor *x)
{
	struct bytes origin = bytes_str(x->leaf->log->origin.text);
	if (!x->here || x->rules != RULES_VERSION)
		audit_find(a, AUDIT_ANCHOR_SKIPPED, origin, x->leaf->index, "%s",
			x->here ? tr("of other rules") : tr("it names logs that are not here"));
	else if (!view_follows(a, x))
		audit_find(a, AUDIT_ANCHOR_VIEW, origin, x->leaf->index, "%s",
			x->leaf->log->origin.member);
}

void audit_check_anchors(struct audit *a)
{
	for (size_t i = 0; i < a->n_anchors; i++) {
		const struct audit_anchor *x = &a->anchor[i];
		if (a->n_anchors - i > AUDIT_ANCHORS_MAX)
			audit_find(a, AUDIT_ANCHOR_SKIPPED, bytes_str(x->leaf->log->origin.text),
				x->leaf->index, "%s", tr("an old one"));
		else
			check_anchor(a, x);
	}
	for (size_t i = 0; i < a->n_logs; i++)
		a->log[i]->limit = a->log[i]->n;
}
