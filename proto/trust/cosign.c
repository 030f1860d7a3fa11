#include "proto/trust/cosign.h"

#include <string.h>

#include "proto/base/text.h"

void cosign_vkey(const struct roster *r, int member, struct vkey *out)
{
	char name[NOTE_NAME_SIZE];
	text_print(name, sizeof(name), "%s/%s/cosign", r->cluster, r->member[member].slug);
	ENSURE(vkey_make(out, name, NOTE_COSIGNATURE, r->member[member].cosign, NULL) == RC_OK);
}

unsigned member_set_count(member_set s)
{
	return (unsigned)__builtin_popcountll(s);
}

static const struct note_signature *line_of(const struct note *n, const struct vkey *v)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->sig[i].id == v->id && bytes_equal(n->sig[i].name, bytes_str(v->name)))
			return &n->sig[i];
	return NULL;
}

member_set cosign_named(const struct roster *r, const struct note *n)
{
	member_set named = 0;
	for (int i = 0; i < (int)r->n; i++) {
		struct vkey v;
		cosign_vkey(r, i, &v);
		if (line_of(n, &v) != NULL)
			named |= MEMBER_BIT(i);
	}
	return named;
}

member_set cosign_verify(
	const struct roster *r, const struct note *n, int owner, member_set known, member_set *bad)
{
	member_set good = 0;
	*bad = 0;
	for (int i = 0; i < (int)r->n; i++) {
		struct vkey v;
		uint64_t time = 0;
		if (i == owner || (known & MEMBER_BIT(i)) != 0)
			continue;
		cosign_vkey(r, i, &v);
		if (line_of(n, &v) == NULL)
			continue;
		if (note_is_signed_by(n, &v, &time) && time > 0)
			good |= MEMBER_BIT(i);
		else
			*bad |= MEMBER_BIT(i);
	}
	return good;
}

bool cosign_is_final(const struct roster *r, member_set by, int owner)
{
	if (owner >= 0 && owner < (int)r->n)
		by &= ~MEMBER_BIT(owner);
	return member_set_count(by) >= r->final_quorum;
}

void cosign_put_line_of(const struct roster *r, const struct note *n, int member, struct buf *out)
{
	struct vkey v;
	cosign_vkey(r, member, &v);
	const struct note_signature *s = line_of(n, &v);
	ENSURE(s != NULL);
	buf_put_bytes(out, s->line);
}

void cosign_put_head(const struct note *n, struct bytes origin, const uint8_t log_key[KEY_BYTES],
	struct buf *out)
{
	char name[NOTE_NAME_SIZE];
	struct vkey v;
	text_print(name, sizeof(name), "%.*s", (int)origin.n, (const char *)origin.p);
	ENSURE(vkey_make(&v, name, NOTE_ED25519, log_key, NULL) == RC_OK);
	const struct note_signature *s = line_of(n, &v);
	ENSURE(s != NULL);
	buf_put_bytes(out, n->text);
	buf_put_str(out, "\n");
	buf_put_bytes(out, s->line);
}

void cosign_put_line(const struct roster *r, int member, const struct key *k, struct bytes text,
	uint64_t time, struct buf *out)
{
	struct vkey v;
	cosign_vkey(r, member, &v);
	note_put_cosignature(out, &v, k, text, time);
}
