#include "tests/lib/cluster_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/text.h"
#include "proto/trust/checkpoint.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"

#define CLUSTER_NAME "yrd"

static const char *const slugs[CLUSTER_MEMBERS] = {
	"office", "shanghai", "jiangsu", "zhejiang", "anhui"};

/* ---- keys and roster ---- */

static void make_keys(struct cluster_member *m, struct chance chance)
{
	struct key *keys[] = {
		&m->root, &m->log, &m->cosign, &m->noise, &m->operator[0], &m->operator[1] };
	enum key_purpose purpose[] = {
		KEY_ROOT, KEY_LOG, KEY_COSIGN, KEY_NOISE, KEY_OPERATOR, KEY_OPERATOR};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		uint8_t seed[32];
		chance.fill(chance.self, seed, sizeof(seed));
		key_from_seed(
			keys[i], purpose[i], m->slug, purpose[i] == KEY_OPERATOR ? "op" : "", seed);
	}
}

static void member_line(const struct cluster_member *c, bool regional, struct buf *out)
{
	struct member m = {.role = regional ? ROLE_REGIONAL : ROLE_PROVINCE};
	char name[NOTE_NAME_SIZE];
	snprintf(m.slug, sizeof(m.slug), "%s", c->slug);
	snprintf(m.name, sizeof(m.name), "%s", c->slug);
	snprintf(name, sizeof(name), CLUSTER_NAME "/%s/root", c->slug);
	ENSURE(vkey_make(&m.root, name, NOTE_ED25519, c->root.public, NULL) == RC_OK);
	memcpy(m.log, c->log.public, KEY_BYTES);
	memcpy(m.cosign, c->cosign.public, KEY_BYTES);
	memcpy(m.noise, c->noise.public, KEY_BYTES);
	roster_put_member_line(out, &m);
}

static void make_roster(struct cluster *c)
{
	struct buf text = {0};
	buf_put_str(&text,
		"deltad-roster\ncluster " CLUSTER_NAME
		"\nversion 1\nprev -\nnot-after 2099-12-31\n");
	for (size_t i = 0; i < c->n; i++)
		member_line(&c->member[i], i == OFFICE, &text);
	size_t quorum = c->n > 3 ? 3 : c->n - 1;
	buf_printf(&text, "final %zu\nquorum office+%zu\n", quorum, quorum);
	sha256(buf_bytes(&text), &c->cluster_id);
	for (size_t i = 0; i < c->n; i++) {
		const struct key *keys[] = {
			&c->member[i].root, &c->member[i].log, &c->member[i].cosign};
		for (size_t k = 0; k < 3; k++) {
			struct buf next = {0};
			ENSURE(roster_add_signature(buf_bytes(&text), keys[k], &next, NULL) ==
				RC_OK);
			buf_release(&text);
			text = next;
		}
	}
	c->roster = text;
}

void cluster_init(struct cluster *c, size_t n, struct chance chance)
{
	*c = (struct cluster){.n = n};
	for (size_t i = 0; i < n; i++) {
		snprintf(c->member[i].slug, sizeof(c->member[i].slug), "%s", slugs[i]);
		make_keys(&c->member[i], chance);
	}
	make_roster(c);
}

static void count_up(void *self, void *p, uint32_t n)
{
	uint8_t *next = self;
	memset(p, (*next)++, n);
}

void cluster_init_fixed(struct cluster *c)
{
	uint8_t next = 1;
	ENSURE(trust_init(NULL) == RC_OK);
	cluster_init(c, CLUSTER_MEMBERS, (struct chance){count_up, &next});
}

void cluster_release(struct cluster *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct cluster_member *m = &c->member[i];
		key_release(&m->root);
		key_release(&m->log);
		key_release(&m->cosign);
		key_release(&m->noise);
		for (size_t k = 0; k < CLUSTER_OPERATORS; k++)
			key_release(&m->operator[k]);
	}
	buf_release(&c->roster);
}

/* ---- bodies ---- */

struct value value_task(const char *lead)
{
	struct value v = {.slot = SLOT_TASK};
	v.task.title = bytes_str("a task");
	v.task.source = SOURCE_SEED;
	v.task.lead = bytes_str(lead);
	return v;
}

struct value value_report(uint32_t progress)
{
	struct value v = {.slot = SLOT_REPORT};
	v.report.status = STATUS_IN_PROGRESS;
	v.report.progress = progress;
	v.report.as_of = 20260331;
	return v;
}

struct value value_note(const char *text)
{
	struct value v = {.slot = SLOT_NOTE};
	v.note.text = bytes_str(text);
	v.note.struck = text[0] == '\0';
	return v;
}

static int compare_ids(const void *a, const void *b)
{
	return hash_compare(a, b);
}

static const char *default_holder(const struct write *w, const char *member, const char *nonce)
{
	if (w->holder != NULL)
		return w->holder;
	return w->value.slot == SLOT_NOTE ? nonce : w->value.slot == SLOT_REPORT ? member : "";
}

void write_encode(const struct write *w, const char *member, struct buf *body)
{
	uint8_t nonce[NONCE_BYTES] = {0};
	char nonce_hex[2 * NONCE_BYTES + 1];
	struct hash ids[LIMIT_SUPERSEDES];
	struct bytes supersedes[LIMIT_SUPERSEDES];
	struct buf value = {0};
	put_u64be(nonce, w->nonce);
	hex_encode(nonce, sizeof(nonce), nonce_hex);
	ENSURE(w->n_supersedes <= LIMIT_SUPERSEDES);
	if (w->n_supersedes > 0)
		memcpy(ids, w->supersedes, w->n_supersedes * sizeof(*ids));
	qsort(ids, w->n_supersedes, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < w->n_supersedes; i++)
		supersedes[i] = hash_bytes(&ids[i]);
	if (w->value_bytes.n > 0)
		buf_put_bytes(&value, w->value_bytes);
	else if (w->value.slot != SLOT_NONE)
		ENSURE(value_encode(&w->value, &value, NULL) == RC_OK);
	struct change c = {.version = w->version == 0 ? CHANGE_VERSION : w->version,
		.member = bytes_str(w->member != NULL ? w->member : member),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.claimed_ms = w->claimed_ms,
		.task = bytes_str(w->task != NULL ? w->task : "3-05"),
		.slot = w->slot != 0 ? w->slot : (uint32_t)w->value.slot,
		.holder = bytes_str(default_holder(w, member, nonce_hex)),
		.value = buf_bytes(&value),
		.supersedes = supersedes,
		.n_supersedes = w->n_supersedes,
		.under = w->under != NULL ? hash_bytes(w->under) : (struct bytes){0},
		.reason = bytes_str(w->reason != NULL ? w->reason : "")};
	ENSURE(change_encode(&c, body, NULL) == RC_OK);
	buf_release(&value);
}

static void sign(
	const struct cluster *c, const struct key *k, enum body_type type, struct signature *out)
{
	body_sign(k, type, &c->cluster_id, buf_bytes(&out->body), out->raw);
	change_id_of(type, &c->cluster_id, buf_bytes(&out->body), &out->id);
	out->s = (struct signed_body){bytes_of(k->public, KEY_BYTES),
		bytes_of(out->raw, SIGNATURE_BYTES), buf_bytes(&out->body)};
}

void sign_write(const struct cluster *c, const struct key *k, const struct write *w,
	const char *member, struct signature *out)
{
	*out = (struct signature){0};
	write_encode(w, member, &out->body);
	sign(c, k, BODY_CHANGE, out);
}

void sign_delegate(const struct cluster *c, const struct key *root, const struct key *operator,
	const char * const * scope, uint64_t not_after, uint64_t nonce, struct signature *out)
{
	uint8_t raw_nonce[NONCE_BYTES] = {0};
	put_u64be(raw_nonce, nonce);
	struct bytes tasks[LIMIT_SCOPE];
	size_t n = 0;
	while (scope != NULL && scope[n] != NULL) {
		tasks[n] = bytes_str(scope[n]);
		n++;
	}
	struct delegate d = {.version = 1,
		.member = bytes_str(root->member),
		.nonce = bytes_of(raw_nonce, sizeof(raw_nonce)),
		.operator_key = bytes_of(operator->public, KEY_BYTES),
		.name = bytes_str("operator"),
		.scope = tasks,
		.n_scope = n,
		.not_after_index = not_after};
	*out = (struct signature){0};
	ENSURE(delegate_encode(&d, &out->body, NULL) == RC_OK);
	sign(c, root, BODY_DELEGATE, out);
}

void sign_revoke(const struct cluster *c, const struct key *root, const struct key *operator,
	uint64_t valid_below, uint64_t nonce, struct signature *out)
{
	uint8_t raw_nonce[NONCE_BYTES] = {[NONCE_BYTES - 1] = 1};
	put_u64be(raw_nonce, nonce);
	struct revoke r = {.version = 1,
		.member = bytes_str(root->member),
		.nonce = bytes_of(raw_nonce, sizeof(raw_nonce)),
		.operator_key = bytes_of(operator->public, KEY_BYTES),
		.valid_below = valid_below,
		.reason = bytes_str("left")};
	*out = (struct signature){0};
	ENSURE(revoke_encode(&r, &out->body, NULL) == RC_OK);
	sign(c, root, BODY_REVOKE, out);
}

void signature_release(struct signature *s)
{
	buf_release(&s->body);
}

/* ---- scribes ---- */

void scribe_init(struct scribe *s, const struct cluster *c, int member, uint32_t epoch)
{
	*s = (struct scribe){.c = c, .member = member, .hlc = HLC_OF_MS(1793577600000)};
	struct origin o;
	origin_make(&o, CLUSTER_NAME, c->member[member].slug, epoch, 0xabcdef00u + epoch);
	memcpy(s->origin, o.text, sizeof(s->origin));
}

void scribe_begin(struct scribe *s, const struct cluster *c, int member)
{
	scribe_init(s, c, member, 1);
	scribe_open(s, OPEN_INIT, NULL);
	scribe_delegate(s, &c->member[member].operator[0], NULL, 0);
}

void scribe_copy(struct scribe *to, const struct scribe *from)
{
	*to = *from;
	to->leaf = NULL;
	to->n = to->cap = 0;
	for (size_t i = 0; i < from->n; i++)
		scribe_raw(to, buf_bytes(&from->leaf[i]));
}

void scribe_release(struct scribe *s)
{
	for (size_t i = 0; i < s->n; i++)
		buf_release(&s->leaf[i]);
	free(s->leaf);
}

size_t scribe_raw(struct scribe *s, struct bytes leaf)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 16 : 2 * s->cap;
		s->leaf = xrealloc(s->leaf, s->cap * sizeof(*s->leaf));
	}
	s->leaf[s->n] = (struct buf){0};
	buf_put_bytes(&s->leaf[s->n], leaf);
	return s->n++;
}

size_t scribe_leaf(struct scribe *s, struct leaf l)
{
	struct buf raw = {0};
	l.version = l.version == 0 ? LEAF_VERSION : l.version;
	l.index = l.index == 0 ? s->n : l.index;
	l.hlc = l.hlc == 0 ? s->hlc++ : l.hlc;
	ENSURE(leaf_encode(&l, &raw, NULL) == RC_OK);
	size_t index = scribe_raw(s, buf_bytes(&raw));
	buf_release(&raw);
	return index;
}

size_t scribe_open(struct scribe *s, uint32_t reason, const struct scribe *previous)
{
	struct leaf l = {
		.kind = LEAF_OPEN, .open = {.suite = SUITE_ED25519_SHA256, .reason = reason}};
	struct hash root;
	if (previous != NULL) {
		scribe_root(previous, previous->n, &root);
		l.open.previous_origin = bytes_str(previous->origin);
		l.open.previous_size = previous->n;
		l.open.previous_root = hash_bytes(&root);
	}
	return scribe_leaf(s, l);
}

static size_t put_signed(struct scribe *s, enum leaf_kind kind, struct signature *signature)
{
	size_t index = scribe_leaf(s, (struct leaf){.kind = kind, .signed_body = signature->s});
	signature_release(signature);
	return index;
}

/* Of an event: another one in each place of each epoch. */
static uint64_t nonce_here(const struct scribe *s)
{
	return strtoull(strrchr(s->origin, '/') + 1, NULL, 10) << 32 | s->n;
}

size_t scribe_delegate(struct scribe *s, const struct key *operator, const char * const * scope,
	uint64_t not_after)
{
	struct signature g;
	sign_delegate(
		s->c, &s->c->member[s->member].root, operator, scope, not_after, nonce_here(s), &g);
	return put_signed(s, LEAF_DELEGATE, &g);
}

size_t scribe_revoke(struct scribe *s, const struct key *operator, uint64_t valid_below)
{
	struct signature g;
	sign_revoke(s->c, &s->c->member[s->member].root, operator, valid_below, nonce_here(s), &g);
	return put_signed(s, LEAF_REVOKE, &g);
}

size_t scribe_write_as(struct scribe *s, const struct key *k, struct write w, struct hash *id)
{
	struct signature g;
	if (w.nonce == 0)
		w.nonce = (uint64_t)(s->member + 1) << 32 | (s->n + 1);
	sign_write(s->c, k, &w, s->c->member[s->member].slug, &g);
	if (id != NULL)
		*id = g.id;
	return put_signed(s, LEAF_CHANGE, &g);
}

size_t scribe_write(struct scribe *s, struct write w, struct hash *id)
{
	return scribe_write_as(s, &s->c->member[s->member].operator[0], w, id);
}

void scribe_root(const struct scribe *s, size_t size, struct hash *out)
{
	struct frontier f = {0};
	ENSURE(size <= s->n);
	for (size_t i = 0; i < size; i++) {
		struct hash h;
		merkle_leaf_hash(buf_bytes(&s->leaf[i]), &h);
		frontier_append(&f, &h);
	}
	frontier_root(&f, out);
}

void scribe_head(const struct scribe *s, size_t size, struct buf *out)
{
	struct hash root;
	scribe_root(s, size, &root);
	checkpoint_sign(s->origin, size, &root, &s->c->member[s->member].log, out);
}
