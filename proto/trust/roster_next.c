/* Version N+1 of a roster: what may follow, and who must have signed it. Source: PROTOCOL 5.3. */
#include <string.h>

#include "proto/base/mutant.h"
#include "proto/trust/roster_parts.h"

/* ---- what may follow ---- */

static const struct member *find_member(const struct roster *r, const char *slug)
{
	int i = roster_find(r, bytes_str(slug));
	return i >= 0 ? &r->member[i] : NULL;
}

static const uint8_t *key_of(const struct member *m, enum key_purpose p)
{
	return p == KEY_NOISE ? m->noise : member_signing_key(m, p);
}

static bool same_key(const struct member *a, const struct member *b, enum key_purpose p)
{
	return memcmp(key_of(a, p), key_of(b, p), KEY_BYTES) == 0;
}

static const enum key_purpose purposes[] = {KEY_ROOT, KEY_LOG, KEY_COSIGN, KEY_NOISE};
#define N_PURPOSES (sizeof purposes / sizeof purposes[0])

/* Has any key of this roster, of today or of a retired log, these bytes? */
static bool is_used(const struct roster *r, const uint8_t pub[KEY_BYTES])
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < N_PURPOSES; k++)
			if (memcmp(key_of(&r->member[i], purposes[k]), pub, KEY_BYTES) == 0)
				return true;
	for (size_t i = 0; i < r->n_retired; i++)
		if (memcmp(r->retired[i].log, pub, KEY_BYTES) == 0 ||
			memcmp(r->retired[i].authority, pub, KEY_BYTES) == 0)
			return true;
	return false;
}

/* `before` is NULL for a new member. */
static int check_new_keys(const struct roster *now, const struct member *before,
	const struct member *m, struct err *e)
{
	for (size_t k = 0; k < N_PURPOSES; k++) {
		enum key_purpose p = purposes[k];
		if ((!before || !same_key(before, m, p)) && is_used(now, key_of(m, p)))
			return err_set(e, RC_ROSTER,
				"the new %s key of %s was used before: make a fresh one",
				key_purpose_name(p), m->slug);
	}
	return RC_OK;
}

static bool retires_a_log_of(
	const struct roster *now, const struct roster *next, const struct member *m)
{
	struct origin o;
	for (size_t i = 0; i < next->n_retired; i++) {
		const char *origin = next->retired[i].origin;
		if (!roster_retired(now, bytes_str(origin)) &&
			origin_parse(bytes_str(origin), &o, NULL) == RC_OK &&
			strcmp(o.member, m->slug) == 0)
			return true;
	}
	return false;
}

static int check_stays(
	const struct roster *now, const struct roster *next, const struct member *m, struct err *e)
{
	int i = roster_find_any(next, bytes_str(m->slug));
	if (i < 0)
		return err_set(e, RC_ROSTER,
			"%s is neither a member any more nor named as a former one", m->slug);
	const struct member *after = &next->member[i];
	if (after->role != m->role)
		return err_set(e, RC_ROSTER, "the role of %s never changes", m->slug);
	bool keys_stay =
		!after->former && same_key(m, after, KEY_ROOT) && same_key(m, after, KEY_LOG);
	if (!keys_stay && !retires_a_log_of(now, next, m))
		return err_set(e, RC_ROSTER,
			"%s loses its root or log key, but none of its logs is retired: without "
			"that nothing it has written would count",
			m->slug);
	return after->former ? RC_OK : check_new_keys(now, m, after, e);
}

static int check_former(const struct roster *now, const struct member *m, struct err *e)
{
	int i = roster_find_any(now, bytes_str(m->slug));
	if (i < 0)
		return err_set(e, RC_ROSTER, "%s was never a member", m->slug);
	const struct member *before = &now->member[i];
	if (before->former && strcmp(before->name, m->name) != 0)
		return err_set(e, RC_ROSTER, "the line of %s may not change any more", m->slug);
	return RC_OK;
}

static int check_members(const struct roster *now, const struct roster *next, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < now->n; i++)
		rc = check_stays(now, next, &now->member[i], e);
	for (size_t i = now->n; rc == RC_OK && i < now->n + now->n_former; i++) {
		int at = roster_find_any(next, bytes_str(now->member[i].slug));
		if (at < 0 || !next->member[at].former ||
			next->member[at].role != now->member[i].role)
			rc = err_set(e, RC_ROSTER,
				"%s was removed, and stays a former member with its role",
				now->member[i].slug);
	}
	for (size_t i = next->n; rc == RC_OK && i < next->n + next->n_former; i++)
		rc = check_former(now, &next->member[i], e);
	for (size_t i = 0; rc == RC_OK && i < next->n; i++)
		if (roster_find_any(now, bytes_str(next->member[i].slug)) < 0)
			rc = check_new_keys(now, NULL, &next->member[i], e);
	return rc;
}

static bool same_retirement(const struct retirement *a, const struct retirement *b)
{
	return a->valid_below == b->valid_below && hash_equal(&a->root, &b->root) &&
		memcmp(a->log, b->log, KEY_BYTES) == 0 &&
		memcmp(a->authority, b->authority, KEY_BYTES) == 0 &&
		strcmp(a->reason, b->reason) == 0;
}

/* A log is retired under the keys that it was judged by until now. */
static int check_new_retirement(const struct roster *now, const struct retirement *t, struct err *e)
{
	struct origin o;
	const struct member *m = NULL;
	if (origin_parse(bytes_str(t->origin), &o, NULL) == RC_OK)
		m = find_member(now, o.member);
	if (!m)
		return err_set(e, RC_ROSTER, "%s is a log of no present member", t->origin);
	if (memcmp(t->log, m->log, KEY_BYTES) != 0 ||
		memcmp(t->authority, m->root.public, KEY_BYTES) != 0)
		return err_set(e, RC_ROSTER,
			"the line of %s must name the log and root key that %s has until now",
			t->origin, m->slug);
	return RC_OK;
}

static int check_retirements(const struct roster *now, const struct roster *next, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < now->n_retired; i++) {
		const struct retirement *t =
			roster_retired(next, bytes_str(now->retired[i].origin));
		if (!t || !same_retirement(t, &now->retired[i]))
			rc = err_set(e, RC_ROSTER, "the line that retires %s must stay as it is",
				now->retired[i].origin);
	}
	for (size_t i = 0; rc == RC_OK && i < next->n_retired; i++)
		if (!roster_retired(now, bytes_str(next->retired[i].origin)))
			rc = check_new_retirement(now, &next->retired[i], e);
	return rc;
}

int roster_check_next(const struct roster *now, const struct roster *next, struct err *e)
{
	if (strcmp(now->cluster, next->cluster) != 0)
		return err_set(e, RC_ROSTER, "it is a roster of %s, not of %s", next->cluster,
			now->cluster);
	if (next->version != now->version + 1 || now->version == UINT32_MAX)
		return err_set(e, RC_ROSTER, "it is version %u; after version %u comes %u",
			next->version, now->version, now->version + 1);
	if (!hash_equal(&next->prev, &now->id))
		return err_set(
			e, RC_ROSTER, "it follows another version %u than this one", now->version);
	int rc = check_members(now, next, e);
	return rc ? rc : check_retirements(now, next, e);
}

/* ---- who must sign ---- */

static const struct member *regional(const struct roster *r)
{
	size_t i = 0;
	while (r->member[i].role != ROLE_REGIONAL)
		ENSURE(++i < r->n);
	return &r->member[i];
}

static size_t count_provinces(const struct roster *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		n += r->member[i].role == ROLE_PROVINCE;
	return n;
}

/* The office and a quorum of provinces, or, where the office's root is lost, all provinces. */
static bool is_voted(const struct note *n, const struct roster *now)
{
	size_t provinces = roster_count_province_roots(n, now);
	if (provinces == count_provinces(now))
		return true;
	return provinces >= now->province_quorum &&
		roster_has_signed(n, now, regional(now), KEY_ROOT);
}

static bool is_province_that_stays(const struct member *m, const struct roster *next)
{
	return m->role == ROLE_PROVINCE && roster_find(next, bytes_str(m->slug)) >= 0;
}

/* Who is to leave has a vote, and is asked for it only if the others' are too few. */
static void put_votes(
	struct buf *out, const struct note *n, const struct roster *now, const struct roster *next)
{
	size_t votes = roster_count_province_roots(n, now), possible = votes;
	roster_put_wanted(out, n, now, regional(now), KEY_ROOT);
	if (votes >= now->province_quorum)
		return;
	for (size_t i = 0; i < now->n; i++)
		possible += is_province_that_stays(&now->member[i], next) &&
			!roster_has_signed(n, now, &now->member[i], KEY_ROOT);
	bool all = possible < now->province_quorum;
	for (size_t i = 0; i < now->n; i++)
		if (is_province_that_stays(&now->member[i], next) ||
			(all && now->member[i].role == ROLE_PROVINCE))
			roster_put_wanted(out, n, now, &now->member[i], KEY_ROOT);
}

/* Whoever brings a key in must hold it. */
static void put_possession(
	struct buf *out, const struct note *n, const struct roster *now, const struct roster *next)
{
	static const enum key_purpose proved[] = {KEY_ROOT, KEY_LOG, KEY_COSIGN};
	for (size_t i = 0; i < next->n; i++) {
		const struct member *m = &next->member[i];
		const struct member *before = find_member(now, m->slug);
		for (size_t k = 0; k < sizeof proved / sizeof proved[0]; k++) {
			if (!before)
				roster_put_wanted(out, n, next, m, proved[k]);
			else if (!same_key(before, m, proved[k]) &&
				!roster_has_signed(n, next, m, proved[k]))
				buf_printf(out, "%s new %s key\n", m->slug,
					key_purpose_name(proved[k]));
		}
	}
}

static void put_missing(struct buf *out, const struct draft *d, const struct roster *now)
{
	if (!is_voted(&d->note, now))
		put_votes(out, &d->note, now, &d->roster);
	if (!MUTANT(KEY_WITHOUT_POSSESSION))
		put_possession(out, &d->note, now, &d->roster);
}

int roster_verify_next(
	struct bytes note, const struct roster *now, struct roster *out, struct err *e)
{
	struct draft d;
	struct buf missing = {0};
	int rc = note_parse(note, &d.note, e);
	rc = rc ? rc : roster_parse(d.note.text, &d.roster, e);
	rc = rc ? rc : roster_check_next(now, &d.roster, e);
	if (rc)
		return rc;
	put_missing(&missing, &d, now);
	if (missing.n)
		rc = roster_missing_error(&missing, e);
	buf_release(&missing);
	if (rc == RC_OK) {
		*out = d.roster;
		out->cluster_id = now->cluster_id;
	}
	return rc;
}

bool roster_is_unanimous(struct bytes note, const struct roster *now)
{
	struct note n;
	if (note_parse(note, &n, NULL) != RC_OK)
		return false;
	for (size_t i = 0; i < now->n; i++)
		if (!roster_has_signed(&n, now, &now->member[i], KEY_ROOT))
			return false;
	return true;
}

int roster_missing_next(
	struct bytes draft, const struct roster *now, struct buf *out, struct err *e)
{
	struct draft d;
	int rc = draft_open(&d, draft, e);
	rc = rc ? rc : roster_check_next(now, &d.roster, e);
	if (rc == RC_OK)
		put_missing(out, &d, now);
	return rc;
}

int roster_add_signature_next(struct bytes draft, const struct roster *now, const struct key *k,
	struct buf *out, struct err *e)
{
	struct draft d;
	int rc = draft_open(&d, draft, e);
	rc = rc ? rc : roster_check_next(now, &d.roster, e);
	if (rc)
		return rc;
	const struct roster *r = now;
	const struct member *m = k->purpose == KEY_ROOT ? roster_find_signer(now, k) : NULL;
	if (!m) {
		r = &d.roster;
		m = roster_find_signer(r, k);
	}
	if (!m)
		return err_set(e, RC_ROSTER,
			"neither this version nor the one before it names this %s key",
			key_purpose_name(k->purpose));
	return roster_put_signed(&d, draft, r, m, k, out, e);
}
