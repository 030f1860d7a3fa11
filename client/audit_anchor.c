/* Anchors: what a member said of all logs and of the view at a time. Source: PROTOCOL 3.8. */
#include <stdlib.h>
#include <string.h>

#include "client/audit.h"
#include "client/text.h"
#include "proto/wire/codec.h"

static size_t place_of(const struct audit *a, const struct audit_log *log)
{
	for (size_t i = 0; i < a->n_logs; i++)
		if (a->log[i] == log)
			return i;
	ENSURE(false);
}

static void take_head(struct audit *a, struct audit_anchor *anchor, const struct anchor_head *head)
{
	struct audit_claim c = {.says = AUDIT_ANCHOR_HEAD, .size = head->size, .at = head->size};
	c.log = audit_log_find(a, head->origin);
	if (!c.log || c.size > c.log->n) {
		anchor->here = false;
		return;
	}
	memcpy(c.root.b, head->root.p, HASH_BYTES);
	memcpy(c.by, anchor->leaf->log->origin.member, sizeof c.by);
	anchor->size[place_of(a, c.log)] = c.size;
	audit_claim(a, &c);
}

void audit_take_anchor(struct audit *a, const struct audit_leaf *x)
{
	struct anchor said;
	uint8_t *memory = xalloc(CODEC_LEAF_ARENA);
	struct arena arena;
	arena_init(&arena, memory, CODEC_LEAF_ARENA);
	if (anchor_decode(x->raw, &arena, &said, NULL) == RC_OK) {
		a->anchor = xrealloc(a->anchor, (a->n_anchors + 1) * sizeof *a->anchor);
		struct audit_anchor *out = &a->anchor[a->n_anchors++];
		*out = (struct audit_anchor){.leaf = x, .here = true, .rules = said.rules_version};
		memcpy(out->view_root.b, said.view_root.p, HASH_BYTES);
		for (size_t i = 0; i < said.n; i++)
			take_head(a, out, &said.heads[i]);
	}
	free(memory);
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
