#include "daemon/core/examine.h"

#include <string.h>

#include "proto/base/mutant.h"
#include "proto/trust/merkle.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"

static void read_change(struct arena *a, struct examined *out)
{
	if (change_decode(out->leaf.signed_body.body, a, &out->change, NULL) != RC_OK) {
		out->gate_ok = false;
		return;
	}
	if (out->change.version != CHANGE_VERSION) {
		out->version_known = false;
		return;
	}
	out->body_ok = true;
	const struct slot_rule *rule = slot_find(out->change.slot);
	if (rule == NULL) {
		out->version_known = false;
		return;
	}
	out->has_value = value_decode(rule->slot, out->change.value, a, &out->value, NULL) == RC_OK;
	out->gate_ok = out->has_value;
}

static void read_delegate(struct arena *a, struct examined *out)
{
	out->gate_ok =
		delegate_decode(out->leaf.signed_body.body, a, &out->delegate, NULL) == RC_OK;
	out->body_ok = out->gate_ok && out->delegate.version == CHANGE_VERSION;
	out->version_known = !out->gate_ok || out->body_ok;
}

static void read_revoke(struct arena *a, struct examined *out)
{
	out->gate_ok = revoke_decode(out->leaf.signed_body.body, a, &out->revoke, NULL) == RC_OK;
	out->body_ok = out->gate_ok && out->revoke.version == CHANGE_VERSION;
	out->version_known = !out->gate_ok || out->body_ok;
}

void examine_form(struct bytes raw, struct arena *a, struct examined *out)
{
	memset(out, 0, sizeof(*out));
	out->raw = raw;
	out->gate_ok = leaf_decode(raw, a, &out->leaf, NULL) == RC_OK;
	if (!out->gate_ok) {
		out->leaf = (struct leaf){0};
		return;
	}
	out->version_known = out->leaf.version == LEAF_VERSION && out->leaf.kind != LEAF_UNKNOWN;
	if (!out->version_known)
		return;
	switch (out->leaf.kind) {
	case LEAF_CHANGE: read_change(a, out); break;
	case LEAF_DELEGATE: read_delegate(a, out); break;
	case LEAF_REVOKE: read_revoke(a, out); break;
	case LEAF_OPEN:
	case LEAF_ANCHOR:
	case LEAF_CLOSE:
	case LEAF_UNKNOWN: break;
	}
}

/* Also of a body that is of another version, or does not decode: it has its id. */
static void check_signature(
	const struct hash *cluster_id, enum body_type type, struct examined *out)
{
	const struct signed_body *s = &out->leaf.signed_body;
	out->signature_ok =
		body_verify(s->key.p, type, cluster_id, s->body, s->signature.p, &out->body_id);
}

static void assume_signature(const struct hash *cluster_id, struct examined *out)
{
	change_id_of(BODY_CHANGE, cluster_id, out->leaf.signed_body.body, &out->body_id);
	out->signature_ok = out->assumed = true;
}

static void examine(const struct hash *cluster_id, struct bytes raw, bool bulk, struct arena *a,
	struct examined *out)
{
	examine_form(raw, a, out);
	merkle_leaf_hash(raw, &out->leaf_hash);
	if (out->leaf.signed_body.body.n == 0)
		return;
	switch (out->leaf.kind) {
	case LEAF_CHANGE:
		if (bulk)
			assume_signature(cluster_id, out);
		else
			check_signature(cluster_id, BODY_CHANGE, out);
		break;
	case LEAF_DELEGATE: check_signature(cluster_id, BODY_DELEGATE, out); break;
	case LEAF_REVOKE: check_signature(cluster_id, BODY_REVOKE, out); break;
	case LEAF_OPEN:
	case LEAF_ANCHOR:
	case LEAF_CLOSE:
	case LEAF_UNKNOWN: break;
	}
}

void examine_leaf(
	const struct hash *cluster_id, struct bytes raw, struct arena *a, struct examined *out)
{
	examine(cluster_id, raw, false, a, out);
}

void examine_bulk(
	const struct hash *cluster_id, struct bytes raw, struct arena *a, struct examined *out)
{
	examine(cluster_id, raw, true, a, out);
}

void examine_leaves(const struct hash *cluster_id, const struct bytes *raw, size_t n, bool bulk,
	examine_room_fn *room, void *arg, struct examined *out)
{
	for (size_t i = 0; i < n; i++) {
		examine(cluster_id, raw[i], bulk, room(arg), &out[i]);
		if (MUTANT(SIGNATURE_OF_FIRST_ONLY) && i > 0)
			out[i].signature_ok = true;
	}
}
