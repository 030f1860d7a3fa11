#include "tests/lib/roster_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/trust/note.h"

struct roster roster_of_note(struct bytes bytes)
{
	struct note note;
	struct roster r;
	ENSURE(note_parse(bytes, &note, NULL) == RC_OK);
	ENSURE(roster_parse(note.text, &r, NULL) == RC_OK);
	return r;
}

struct roster roster_after(const struct roster *now)
{
	struct roster r = *now;
	r.version = now->version + 1;
	r.prev = now->id;
	return r;
}

void roster_use_key(struct roster *r, size_t i, const struct key *k)
{
	struct member *m = &r->member[i];
	char name[NOTE_NAME_SIZE];
	snprintf(name, sizeof(name), "%s/%s/root", r->cluster, m->slug);
	if (k->purpose == KEY_ROOT)
		ENSURE(vkey_make(&m->root, name, NOTE_ED25519, k->public, NULL) == RC_OK);
	else
		memcpy(k->purpose == KEY_LOG		   ? m->log
				: k->purpose == KEY_COSIGN ? m->cosign
							   : m->noise,
			k->public, KEY_BYTES);
}

void roster_remove(struct roster *r, size_t i)
{
	struct member former = {.role = r->member[i].role, .former = true};
	memcpy(former.slug, r->member[i].slug, sizeof(former.slug));
	memcpy(former.name, r->member[i].name, sizeof(former.name));
	memmove(&r->member[i], &r->member[i + 1],
		(r->n + r->n_former - i - 1) * sizeof(r->member[0]));
	r->n--;
	r->member[r->n + r->n_former++] = former;
}

void roster_retire_origin(struct roster *r, const struct roster *now, const char *origin,
	uint64_t below, const struct hash *root, const char *reason)
{
	struct retirement t = {.valid_below = below, .root = *root};
	struct origin o;
	ENSURE(origin_parse(bytes_str(origin), &o, NULL) == RC_OK);
	int i = roster_find(now, bytes_str(o.member));
	ENSURE(i >= 0);
	memcpy(t.origin, o.text, sizeof(t.origin));
	memcpy(t.log, now->member[i].log, KEY_BYTES);
	memcpy(t.authority, now->member[i].root.public, KEY_BYTES);
	snprintf(t.reason, sizeof(t.reason), "%s", reason);
	size_t at = r->n_retired++;
	for (; at > 0 && strcmp(r->retired[at - 1].origin, t.origin) > 0; at--)
		r->retired[at] = r->retired[at - 1];
	r->retired[at] = t;
}

void roster_retire(struct roster *r, const struct roster *now, const struct scribe *s,
	uint64_t below, const char *reason)
{
	struct hash root;
	scribe_root(s, below, &root);
	roster_retire_origin(r, now, s->origin, below, &root, reason);
}

void roster_sign(const struct roster *r, const struct roster *now, const struct key *const *keys,
	size_t n, struct buf *out)
{
	struct buf note = {0};
	struct err e = {0};
	roster_print(r, &note);
	for (size_t i = 0; i < n; i++) {
		struct buf next = {0};
		if (roster_add_signature_next(buf_bytes(&note), now, keys[i], &next, &e) != RC_OK)
			ensure_failed(e.text, __FILE__, __LINE__);
		buf_release(&note);
		note = next;
	}
	buf_put_bytes(out, buf_bytes(&note));
	buf_release(&note);
}

void roster_sign_quorum(const struct roster *r, const struct roster *now, const struct cluster *c,
	const struct key *const *new_keys, size_t n, struct buf *out)
{
	const struct key *keys[4 + 16] = {&c->member[OFFICE].root, &c->member[SHANGHAI].root,
		&c->member[JIANGSU].root, &c->member[ZHEJIANG].root};
	ENSURE(n <= 16);
	for (size_t i = 0; i < n; i++)
		keys[4 + i] = new_keys[i];
	roster_sign(r, now, keys, 4 + n, out);
}

void roster_let_in_after(const struct cluster *c, const struct roster *now, const char *slug,
	struct key k[4], struct cluster *later, struct buf *note)
{
	static const enum key_purpose purposes[] = {KEY_ROOT, KEY_LOG, KEY_COSIGN, KEY_NOISE};
	struct roster next = roster_after(now);
	struct member *m = &next.member[next.n++];
	*m = next.member[ANHUI];
	snprintf(m->slug, sizeof(m->slug), "%s", slug);
	m->addr[0] = '\0';
	for (size_t i = 0; i < 4; i++) {
		uint8_t seed[KEY_BYTES] = {99, (uint8_t)i};
		snprintf((char *)seed + 2, SLUG_SIZE, "%s", slug);
		key_from_seed(&k[i], purposes[i], slug, "", seed);
		roster_use_key(&next, next.n - 1, &k[i]);
	}
	const struct key *proofs[] = {&k[0], &k[1], &k[2]};
	roster_sign_quorum(&next, now, c, proofs, 3, note);
	*later = *c;
	struct cluster_member *fifth = &later->member[ANHUI];
	snprintf(fifth->slug, sizeof(fifth->slug), "%s", slug);
	fifth->root = k[0];
	fifth->log = k[1];
	fifth->cosign = k[2];
	fifth->noise = k[3];
}

void roster_let_in(
	const struct cluster *c, struct key k[4], struct cluster *later, struct buf *note)
{
	struct roster first = roster_of_note(buf_bytes(&c->roster));
	roster_let_in_after(c, &first, "fujian", k, later, note);
}
