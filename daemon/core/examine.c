#include "daemon/core/examine.h"

#include <string.h>

#include "proto/trust/merkle.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"

static bool check_signature(
	const struct hash *cluster_id, enum body_type type, struct examined *out)
{
	const struct signed_body *s = &out->leaf.signed_body;
	return body_verify(s->key.p, type, cluster_id, s->body, s->signature.p, &out->body_id);
}

static void examine_change(const struct hash *cluster_id, struct arena *a, struct examined *out)
{
	out->signature_ok = check_signature(cluster_id, BODY_CHANGE, out);
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

static void examine_delegate(const struct hash *cluster_id, struct arena *a, struct examined *out)
{
	out->signature_ok = check_signature(cluster_id, BODY_DELEGATE, out);
	out->gate_ok =
		delegate_decode(out->leaf.signed_body.body, a, &out->delegate, NULL) == RC_OK;
	out->body_ok = out->gate_ok && out->delegate.version == CHANGE_VERSION;
	out->version_known = !out->gate_ok || out->body_ok;
}

static void examine_revoke(const struct hash *cluster_id, struct arena *a, struct examined *out)
{
	out->signature_ok = check_signature(cluster_id, BODY_REVOKE, out);
	out->gate_ok = revoke_decode(out->leaf.signed_body.body, a, &out->revoke, NULL) == RC_OK;
	out->body_ok = out->gate_ok && out->revoke.version == CHANGE_VERSION;
	out->version_known = !out->gate_ok || out->body_ok;
}

void examine_leaf(
	const struct hash *cluster_id, struct bytes raw, struct arena *a, struct examined *out)
{
	memset(out, 0, sizeof(*out));
	out->raw = raw;
	merkle_leaf_hash(raw, &out->leaf_hash);
	out->gate_ok = leaf_decode(raw, a, &out->leaf, NULL) == RC_OK;
	if (!out->gate_ok)
		return;
	out->version_known = out->leaf.version == LEAF_VERSION && out->leaf.kind != LEAF_UNKNOWN;
	if (!out->version_known)
		return;
	switch (out->leaf.kind) {
	case LEAF_CHANGE: examine_change(cluster_id, a, out); break;
	case LEAF_DELEGATE: examine_delegate(cluster_id, a, out); break;
	case LEAF_REVOKE: examine_revoke(cluster_id, a, out); break;
	case LEAF_OPEN:
	case LEAF_ANCHOR:
	case LEAF_CLOSE:
	case LEAF_UNKNOWN: break;
	}
}
