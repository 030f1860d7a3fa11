#include "proto/trust/roster_parts.h"

#include <stdio.h>
#include <string.h>

int draft_open(struct draft *d, struct bytes in, struct err *e)
{
	d->is_note = in.n > 0 && memmem(in.p, in.n, "\n\n", 2);
	if (d->is_note) {
		int rc = note_parse(in, &d->note, e);
		if (rc)
			return rc;
	} else {
		d->note.text = in;
		d->note.n = 0;
	}
	return roster_parse(d->note.text, &d->roster, e);
}

const uint8_t *member_signing_key(const struct member *m, enum key_purpose p)
{
	return p == KEY_ROOT ? m->root.public : p == KEY_LOG ? m->log : m->cosign;
}

/* Under which name a member's key signs the roster: all of them as plain notes, the cosign key too,
 * for here it proves possession and says nothing about a log. */
static void signer_make(
	struct vkey *v, const struct roster *r, const struct member *m, enum key_purpose p)
{
	char name[NOTE_NAME_SIZE];
	snprintf(name, sizeof name, "%s/%s/%s", r->cluster, m->slug, key_purpose_name(p));
	int rc = vkey_make(v, name, NOTE_ED25519, member_signing_key(m, p), NULL);
	ENSURE(rc == RC_OK);
}

bool roster_has_signed(
	const struct note *n, const struct roster *r, const struct member *m, enum key_purpose p)
{
	struct vkey v;
	signer_make(&v, r, m, p);
	return note_is_signed_by(n, &v, NULL);
}

void roster_put_wanted(struct buf *out, const struct note *n, const struct roster *r,
	const struct member *m, enum key_purpose p)
{
	if (!roster_has_signed(n, r, m, p))
		buf_printf(out, "%s %s key\n", m->slug, key_purpose_name(p));
}

size_t roster_count_province_roots(const struct note *n, const struct roster *r)
{
	size_t count = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct member *m = &r->member[i];
		count += m->role == ROLE_PROVINCE && roster_has_signed(n, r, m, KEY_ROOT);
	}
	return count;
}

/* While provinces are wanting, every province that has not signed is named: any of them will do. */
static void put_missing(struct buf *out, const struct note *n, const struct roster *r)
{
	bool provinces_wanted = roster_count_province_roots(n, r) < r->province_quorum;
	for (size_t i = 0; i < r->n; i++) {
		const struct member *m = &r->member[i];
		if (m->role == ROLE_REGIONAL || provinces_wanted)
			roster_put_wanted(out, n, r, m, KEY_ROOT);
		roster_put_wanted(out, n, r, m, KEY_LOG);
		roster_put_wanted(out, n, r, m, KEY_COSIGN);
	}
}

int roster_missing_error(const struct buf *missing, struct err *e)
{
	struct buf list = {0};
	struct reader r = reader_of(buf_bytes(missing));
	while (r.rest.n > 0) {
		struct bytes line = reader_line(&r);
		buf_printf(&list, "%s%.*s", list.n ? ", " : "", (int)line.n, (const char *)line.p);
	}
	int rc = err_set(e, RC_VERIFY,
		"the roster lacks valid signatures: %.*s; whoever holds these keys signs it first",
		(int)list.n, (const char *)list.p);
	buf_release(&list);
	return rc;
}

static int check_signatures(const struct draft *d, struct err *e)
{
	struct buf missing = {0};
	put_missing(&missing, &d->note, &d->roster);
	int rc = missing.n ? roster_missing_error(&missing, e) : RC_OK;
	buf_release(&missing);
	return rc;
}

static int check_first(const struct roster *r, struct err *e)
{
	if (r->version == 1)
		return RC_OK;
	return err_set(e, RC_ROSTER,
		"this is version %u: it is judged by the version before it, not by itself",
		r->version);
}

int roster_verify_first(
	struct bytes note, const struct hash *cluster_id, struct roster *out, struct err *e)
{
	struct draft d;
	int rc = note_parse(note, &d.note, e);
	rc = rc ? rc : roster_parse(d.note.text, &d.roster, e);
	rc = rc ? rc : check_first(&d.roster, e);
	if (rc)
		return rc;
	if (cluster_id && !hash_equal(cluster_id, &d.roster.id))
		return err_set(e, RC_VERIFY,
			"the roster is not the one whose hash is the configured cluster_id");
	rc = check_signatures(&d, e);
	if (rc == RC_OK)
		*out = d.roster;
	return rc;
}

int roster_missing_signatures(struct bytes draft, struct buf *out, struct err *e)
{
	struct draft d;
	int rc = draft_open(&d, draft, e);
	rc = rc ? rc : check_first(&d.roster, e);
	if (rc == RC_OK)
		put_missing(out, &d.note, &d.roster);
	return rc;
}

const struct member *roster_find_signer(const struct roster *r, const struct key *k)
{
	if (k->purpose != KEY_ROOT && k->purpose != KEY_LOG && k->purpose != KEY_COSIGN)
		return NULL;
	for (size_t i = 0; i < r->n; i++) {
		const struct member *m = &r->member[i];
		if (memcmp(member_signing_key(m, k->purpose), k->public, KEY_BYTES) == 0)
			return m;
	}
	return NULL;
}

static bool claims_signature(const struct note *n, const struct vkey *v)
{
	for (size_t i = 0; i < n->n; i++) {
		if (n->sig[i].id == v->id && bytes_equal(n->sig[i].name, bytes_str(v->name)))
			return true;
	}
	return false;
}

static int check_room(const struct draft *d, struct bytes draft, const struct buf *added,
	const struct vkey *v, struct err *e)
{
	if (claims_signature(&d->note, v))
		return err_set(e, RC_ROSTER,
			"the draft has a signature line of %s that does not verify; remove it",
			v->name);
	if (d->note.n == NOTE_SIGNATURES_MAX || draft.n + added->n > LIMIT_SIGNED_NOTE_BYTES)
		return err_set(e, RC_ROSTER,
			"the draft has no room for another signature; remove foreign ones");
	return RC_OK;
}

int roster_put_signed(const struct draft *d, struct bytes in, const struct roster *r,
	const struct member *m, const struct key *k, struct buf *out, struct err *e)
{
	struct vkey v;
	signer_make(&v, r, m, k->purpose);
	struct buf added = {0};
	int rc = RC_OK;
	if (!note_is_signed_by(&d->note, &v, NULL)) {
		if (!d->is_note)
			buf_put_str(&added, "\n");
		note_put_signature(&added, &v, k, d->note.text);
		rc = check_room(d, in, &added, &v, e);
	}
	if (rc == RC_OK) {
		buf_put_bytes(out, in);
		buf_put_bytes(out, buf_bytes(&added));
	}
	buf_release(&added);
	return rc;
}

int roster_add_signature(struct bytes draft, const struct key *k, struct buf *out, struct err *e)
{
	struct draft d;
	int rc = draft_open(&d, draft, e);
	rc = rc ? rc : check_first(&d.roster, e);
	if (rc)
		return rc;
	const struct member *m = roster_find_signer(&d.roster, k);
	if (!m)
		return err_set(e, RC_ROSTER,
			"the roster does not name this %s key; a roster is signed by its members' "
			"root, log and cosign keys",
			key_purpose_name(k->purpose));
	return roster_put_signed(&d, draft, &d.roster, m, k, out, e);
}
