#include "tests/sim/forge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/text.h"
#include "proto/trust/checkpoint.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"

#define NEW_SLOT 77

void forge_append(struct forged *f, struct buf raw)
{
	struct hash h;
	ENSURE(f->n < FORGED_MAX);
	merkle_leaf_hash(buf_bytes(&raw), &h);
	f->after[f->n + 1] = f->after[f->n];
	frontier_append(&f->after[f->n + 1], &h);
	f->leaf[f->n++] = raw;
}

void forge_head(const struct forged *f, const struct identity *id, size_t size, struct buf *out)
{
	struct hash root;
	frontier_root(&f->after[size], &root);
	checkpoint_sign(f->origin, size, &root, &id->log, out);
}

void forge_copy(struct forged *to, const struct forged *from)
{
	*to = *from;
	for (size_t i = 0; i < from->n; i++) {
		to->leaf[i] = (struct buf){0};
		buf_put_bytes(&to->leaf[i], buf_bytes(&from->leaf[i]));
	}
}

void forge_release(struct forged *f)
{
	for (size_t i = 0; i < f->n; i++)
		buf_release(&f->leaf[i]);
	f->n = 0;
}

/* ---- leaves ---- */

static struct buf encode(struct forged *f, struct leaf *leaf)
{
	struct buf raw = {0};
	leaf->version = LEAF_VERSION;
	leaf->index = f->n;
	leaf->hlc = ++f->hlc;
	ENSURE(leaf_encode(leaf, &raw, NULL) == RC_OK);
	return raw;
}

struct buf forge_signed(struct world *w, struct forged *f, enum leaf_kind kind, const struct key *k,
	struct bytes body)
{
	uint8_t signature[SIGNATURE_BYTES];
	enum body_type type = kind == LEAF_CHANGE ? BODY_CHANGE
		: kind == LEAF_DELEGATE		  ? BODY_DELEGATE
						  : BODY_REVOKE;
	body_sign(k, type, &w->cluster_id, body, signature);
	struct leaf leaf = {.kind = kind,
		.signed_body = {bytes_of(k->public, KEY_BYTES),
			bytes_of(signature, SIGNATURE_BYTES), body}};
	return encode(f, &leaf);
}

struct buf forge_delegate(struct world *w, struct forged *f, const struct identity *id,
	const struct key *root, const uint8_t operator_key[KEY_BYTES], uint64_t not_after)
{
	uint8_t nonce[NONCE_BYTES];
	struct buf body = {0};
	dice_fill(&w->hostile_dice, nonce, sizeof(nonce));
	struct delegate d = {.version = 1,
		.member = bytes_str(id->slug),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.operator_key = bytes_of(operator_key, KEY_BYTES),
		.name = bytes_str("operator"),
		.not_after_index = not_after};
	ENSURE(delegate_encode(&d, &body, NULL) == RC_OK);
	struct buf raw = forge_signed(w, f, LEAF_DELEGATE, root, buf_bytes(&body));
	buf_release(&body);
	return raw;
}

void forge_begin(struct world *w, struct forged *f, const struct identity *id, uint32_t epoch,
	const struct forged *before)
{
	struct origin o;
	struct hash root;
	struct leaf open = {
		.kind = LEAF_OPEN, .open = {.suite = SUITE_ED25519_SHA256, .reason = OPEN_INIT}};
	if (before != NULL) {
		frontier_root(&before->after[before->n], &root);
		open.open.reason = OPEN_ROTATE;
		open.open.previous_origin = bytes_str(before->origin);
		open.open.previous_size = before->n;
		open.open.previous_root = hash_bytes(&root);
	}
	uint32_t salt = (uint32_t)dice_u64(&w->hostile_dice);
	origin_make(&o, "sim", id->slug, epoch, salt);
	*f = (struct forged){.hlc = HLC_OF_MS(node_now(w, &w->node[0]).wall.v)};
	memcpy(f->origin, o.text, sizeof(f->origin));
	forge_append(f, encode(f, &open));
	forge_append(f, forge_delegate(w, f, id, &id->root, id->operator[0].public, 0));
}

struct buf forge_body(struct world *w, const struct claim *c)
{
	uint8_t nonce[NONCE_BYTES];
	char own_holder[33];
	struct buf body = {0};
	dice_fill(&w->hostile_dice, nonce, sizeof(nonce));
	hex_encode(nonce, sizeof(nonce), own_holder);
	struct change change = {.version = CHANGE_VERSION,
		.member = bytes_str(c->as->slug),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.task = bytes_str(c->task),
		.slot = c->slot,
		.holder = bytes_str(c->holder != NULL ? c->holder : own_holder),
		.value = c->value,
		.under = c->under,
		.supersedes = c->supersedes,
		.n_supersedes = c->n_supersedes};
	ENSURE(change_encode(&change, &body, NULL) == RC_OK);
	return body;
}

struct buf forge_change(
	struct world *w, struct forged *f, const struct key *k, const struct claim *c)
{
	struct buf body = forge_body(w, c);
	struct buf raw = forge_signed(w, f, LEAF_CHANGE, k, buf_bytes(&body));
	buf_release(&body);
	return raw;
}

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		buf_put_u8(b, (uint8_t)(v | 128));
	buf_put_u8(b, (uint8_t)v);
}

/* A leaf whose kind is field 10. */
static struct buf strange_leaf(struct forged *f, uint8_t version, uint64_t hlc)
{
	struct buf b = {0};
	buf_put_u8(&b, 0x08);
	buf_put_u8(&b, version);
	buf_put_u8(&b, 0x10);
	put_varint(&b, f->n);
	buf_put_u8(&b, 0x18);
	put_varint(&b, hlc);
	buf_put_str(&b, "\x52\x03new");
	return b;
}

struct buf forge_note(struct world *w, struct forged *f, const struct identity *id)
{
	struct claim c = {.as = id,
		.task = "1-02",
		.slot = SLOT_NOTE,
		.value = bytes_str("\x0a\x06"
				   "forged")};
	return forge_change(w, f, &id->operator[0], &c);
}

struct buf forge_future(struct world *w, struct forged *f, const struct identity *id)
{
	struct claim c = {
		.as = id, .task = "1-02", .slot = NEW_SLOT, .value = bytes_str("\x08\x05")};
	switch (dice_index(&w->hostile_dice, 4)) {
	case 0: return forge_change(w, f, &id->operator[0], &c);
	case 1: return strange_leaf(f, 1, ++f->hlc);
	case 2: return strange_leaf(f, 2, ++f->hlc);
	default:
		return forge_signed(
			w, f, LEAF_CHANGE, &id->operator[0], bytes_str("\x08\x02\x12\x05later"));
	}
}

/* ---- what no program writes ---- */

static struct buf noise(struct world *w)
{
	struct buf b = {0};
	size_t n = 1 + dice_index(&w->hostile_dice, 300);
	dice_fill(&w->hostile_dice, buf_reserve(&b, n), n);
	b.n = n;
	return b;
}

static struct buf with_a_wrong_bit(struct world *w, struct buf raw)
{
	size_t at = dice_index(&w->hostile_dice, raw.n * 8);
	raw.p[at / 8] ^= (uint8_t)(1 << at % 8);
	return raw;
}

static struct buf open_again(struct world *w, struct forged *f)
{
	struct leaf open = {
		.kind = LEAF_OPEN, .open = {.suite = SUITE_ED25519_SHA256, .reason = OPEN_ROTATE}};
	(void)w;
	return encode(f, &open);
}

struct buf forge_same_body(struct forged *f, struct bytes of, bool *is_change)
{
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	arena_init(&a, memory, sizeof(memory));
	*is_change = leaf_decode(of, &a, &leaf, NULL) == RC_OK && leaf.kind == LEAF_CHANGE;
	return *is_change ? encode(f, &leaf) : (struct buf){0};
}

struct buf forge_unsigned(struct forged *f, const struct buf *change)
{
	uint8_t memory[CODEC_LEAF_ARENA], signature[SIGNATURE_BYTES];
	struct arena a;
	struct leaf leaf;
	arena_init(&a, memory, sizeof(memory));
	ENSURE(leaf_decode(buf_bytes(change), &a, &leaf, NULL) == RC_OK);
	memcpy(signature, leaf.signed_body.signature.p, sizeof(signature));
	signature[9] ^= 1;
	leaf.signed_body.signature.p = signature;
	return encode(f, &leaf);
}

struct buf forge_repeat(
	struct world *w, struct forged *f, const struct identity *id, const struct forged *of)
{
	bool is_change;
	struct bytes leaf = buf_bytes(&of->leaf[dice_index(&w->hostile_dice, of->n)]);
	struct buf raw = forge_same_body(f, leaf, &is_change);
	return is_change ? raw : forge_note(w, f, id);
}

/* A leaf of somebody else's log, as it stands there, or as one's own. */
static struct buf of_another(struct world *w, struct forged *f, const struct identity *id)
{
	struct sim_node *n = &w->node[dice_index(&w->hostile_dice, w->n_members)];
	struct buf raw = {0};
	uint32_t log = 1 + (uint32_t)dice_index(&w->hostile_dice, 4);
	uint64_t index = dice_index(&w->hostile_dice, 30);
	if (!node_is_up(n) || n->store->ops->leaf_get(n->store, log, index, &raw, NULL) != RC_OK ||
		raw.n == 0) {
		buf_release(&raw);
		return forge_note(w, f, id);
	}
	bool as_own = dice_percent(&w->hostile_dice, 70), is_change = false;
	struct buf own = as_own ? forge_same_body(f, buf_bytes(&raw), &is_change) : raw;
	if (!as_own || !is_change)
		return raw;
	buf_release(&raw);
	return own;
}

static struct buf report_of_another(struct world *w, struct forged *f, const struct identity *id)
{
	struct hash under = {{7}};
	const struct identity *other = &w->identity[dice_index(&w->hostile_dice, w->n_members)];
	struct claim c = {.as = dice_percent(&w->hostile_dice, 50) ? other : id,
		.task = "3-05",
		.holder = other->slug,
		.slot = SLOT_REPORT,
		.value = bytes_str("\x08\x02\x10\x0a\x18\xd3\xe4\xd5\x09"),
		.under = hash_bytes(&under)};
	return forge_change(w, f, &id->operator[0], &c);
}

/* The plan, by somebody who is not the office, in place of everything that stands there. */
static struct buf plan_of_another(struct world *w, struct forged *f, const struct identity *id)
{
	struct hash ids[2] = {{{1}}, {{2}}};
	struct bytes supersedes[] = {hash_bytes(&ids[0]), hash_bytes(&ids[1])};
	struct claim c = {.as = id,
		.task = "3-05",
		.holder = "",
		.slot = SLOT_TASK,
		.value = bytes_str("\x0a\x04mine\x18\x01"),
		.supersedes = supersedes,
		.n_supersedes = 2};
	return forge_change(w, f, &id->operator[0], &c);
}

struct buf forge_revoke(struct world *w, struct forged *f, const struct identity *id,
	const struct key *root, const uint8_t operator_key[KEY_BYTES], uint64_t valid_below)
{
	uint8_t nonce[NONCE_BYTES];
	struct buf body = {0};
	dice_fill(&w->hostile_dice, nonce, sizeof(nonce));
	struct revoke v = {.version = 1,
		.member = bytes_str(id->slug),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.operator_key = bytes_of(operator_key, KEY_BYTES),
		.valid_below = valid_below};
	ENSURE(revoke_encode(&v, &body, NULL) == RC_OK);
	struct buf raw = forge_signed(w, f, LEAF_REVOKE, root, buf_bytes(&body));
	buf_release(&body);
	return raw;
}

static struct buf revoke_any(struct world *w, struct forged *f, const struct identity *id,
	const struct identity *whose, const struct key *root)
{
	uint64_t below = dice_percent(&w->hostile_dice, 50) ? 1 : UINT64_MAX;
	return forge_revoke(w, f, id, root, whose->operator[0].public, below);
}

/* A change of the log once more, or for the first time; its signature is good or not. */
static struct buf change_again(struct world *w, struct forged *f, const struct identity *id)
{
	uint8_t memory[CODEC_LEAF_ARENA], signature[SIGNATURE_BYTES];
	struct arena a;
	struct leaf leaf;
	struct buf fresh = forge_note(w, f, id);
	struct buf *from = &fresh;
	if (dice_percent(&w->hostile_dice, 60))
		from = &f->leaf[dice_index(&w->hostile_dice, f->n)];
	arena_init(&a, memory, sizeof(memory));
	if (leaf_decode(buf_bytes(from), &a, &leaf, NULL) != RC_OK || leaf.kind != LEAF_CHANGE)
		return fresh;
	memcpy(signature, leaf.signed_body.signature.p, sizeof(signature));
	signature[9] ^= (uint8_t)(dice_percent(&w->hostile_dice, 50));
	leaf.signed_body.signature.p = signature;
	struct buf raw = encode(f, &leaf);
	buf_release(&fresh);
	return raw;
}

struct buf forge_bad(struct world *w, struct forged *f, const struct identity *id)
{
	const struct identity *other = &w->identity[dice_index(&w->hostile_dice, w->n_members)];
	switch (dice_index(&w->hostile_dice, 17)) {
	case 0: return noise(w);
	case 1: return with_a_wrong_bit(w, forge_note(w, f, id));
	case 2: return open_again(w, f);
	case 3: return of_another(w, f, id);
	case 4: return report_of_another(w, f, id);
	case 5: return plan_of_another(w, f, id);
	case 6: return revoke_any(w, f, id, other, &id->root);
	case 7: return revoke_any(w, f, other, other, &id->root);
	case 8: return revoke_any(w, f, id, id, &id->operator[0]);
	case 9: return forge_delegate(w, f, id, &id->root, other->operator[0].public, 0);
	case 10: return forge_delegate(w, f, other, &id->root, id->operator[1].public, 0);
	case 11: return strange_leaf(f, 1, UINT64_MAX); /* a stamp that leaves no room */
	case 12: return strange_leaf(f, 1, 1);
	case 13:
	case 14:
	case 15: return change_again(w, f, id);
	default: return forge_future(w, f, id);
	}
}
