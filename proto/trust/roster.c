#include "proto/trust/roster.h"

#include <string.h>

#include "proto/base/text.h"
#include "proto/trust/roster_parts.h"
#include "proto/trust/words.h"

#define MEMBER_KEYS 4

static const uint8_t *member_key(const struct member *m, size_t i, enum key_purpose *p)
{
	const struct {
		enum key_purpose purpose;
		const uint8_t *pub;
	} keys[MEMBER_KEYS] = {{KEY_ROOT, m->root.public}, {KEY_LOG, m->log},
		{KEY_COSIGN, m->cosign}, {KEY_NOISE, m->noise}};
	*p = keys[i].purpose;
	return keys[i].pub;
}

/* One key, one purpose, one member: the first n_keys of `earlier` against one key of m. */
static int check_key_is_new(const struct member *m, size_t key, const struct member *earlier,
	size_t n_keys, struct err *e)
{
	enum key_purpose mine, theirs;
	const uint8_t *pub = member_key(m, key, &mine);
	for (size_t i = 0; i < n_keys; i++) {
		if (memcmp(pub, member_key(earlier, i, &theirs), KEY_BYTES) == 0)
			return err_set(e, RC_ROSTER,
				"the %s key of %s is already the %s key of %s: one key, one "
				"purpose",
				key_purpose_name(mine), m->slug, key_purpose_name(theirs),
				earlier->slug);
	}
	return RC_OK;
}

static int check_member_is_new(const struct roster *r, const struct member *m, struct err *e)
{
	if (roster_find_any(r, bytes_str(m->slug)) >= 0)
		return err_set(e, RC_ROSTER, "%s is already a member", m->slug);
	int rc = RC_OK;
	for (size_t key = 0; rc == RC_OK && key < MEMBER_KEYS; key++) {
		for (size_t i = 0; rc == RC_OK && i < r->n; i++)
			rc = check_key_is_new(m, key, &r->member[i], MEMBER_KEYS, e);
		rc = rc ? rc : check_key_is_new(m, key, m, key, e);
	}
	return rc;
}

static size_t count_role(const struct roster *r, enum role role)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		n += r->member[i].role == role;
	return n;
}

static int add_member(struct roster *r, struct bytes line, struct err *e)
{
	if (r->n == LIMIT_MEMBERS)
		return err_set(e, RC_ROSTER, "more than %d members", LIMIT_MEMBERS);
	struct member *m = &r->member[r->n];
	int rc = roster_parse_member_line(line, m, e);
	if (rc)
		return rc;
	struct buf name = {0};
	buf_printf(&name, "%s/%s/root", r->cluster, m->slug);
	if (!bytes_equal(buf_bytes(&name), bytes_str(m->root.name)))
		rc = err_set(
			e, RC_ROSTER, "the root key of %s is named for another cluster", m->slug);
	else if (m->role == ROLE_REGIONAL && count_role(r, ROLE_REGIONAL) > 0)
		rc = err_set(e, RC_ROSTER, "a second regional member");
	else
		rc = check_member_is_new(r, m, e);
	buf_release(&name);
	if (rc == RC_OK)
		r->n++;
	return rc;
}

static int add_former(struct roster *r, struct bytes line, struct err *e)
{
	if (r->n_former == LIMIT_FORMER)
		return err_set(e, RC_ROSTER, "more than %d former members", LIMIT_FORMER);
	struct member *m = &r->member[r->n + r->n_former];
	int rc = former_line_parse(line, m, e);
	if (rc == RC_OK && roster_find_any(r, bytes_str(m->slug)) >= 0)
		rc = err_set(e, RC_ROSTER, "%s is a member already, or a former one", m->slug);
	if (rc == RC_OK)
		r->n_former++;
	return rc;
}

static int check_retirement(const struct roster *r, const struct retirement *t, struct err *e)
{
	struct origin o;
	if (origin_parse(bytes_str(t->origin), &o, NULL) != RC_OK ||
		strcmp(o.cluster, r->cluster) != 0 || roster_find_any(r, bytes_str(o.member)) < 0)
		return err_set(e, RC_ROSTER, "the origin \"%s\" is of no member, past or present",
			t->origin);
	if (r->n_retired > 0 && strcmp(r->retired[r->n_retired - 1].origin, t->origin) >= 0)
		return err_set(
			e, RC_ROSTER, "retired logs must stand in the order of their origins");
	return RC_OK;
}

static int add_retirement(struct roster *r, struct bytes line, struct err *e)
{
	if (r->n_retired == LIMIT_RETIRED)
		return err_set(e, RC_ROSTER, "more than %d retired logs", LIMIT_RETIRED);
	struct retirement *t = &r->retired[r->n_retired];
	int rc = retire_line_parse(line, t, e);
	if (rc == RC_OK)
		rc = check_retirement(r, t, e);
	if (rc == RC_OK)
		r->n_retired++;
	return rc;
}

static bool date_parse(struct bytes s, uint32_t *out)
{
	if (s.n != 10)
		return false;
	uint32_t date = 0;
	for (size_t i = 0; i < 10; i++) {
		bool dash = i == 4 || i == 7;
		if (dash ? s.p[i] != '-' : s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (!dash)
			date = date * 10 + (uint32_t)(s.p[i] - '0');
	}
	*out = date;
	return date_is_valid(date);
}

static int take_cluster(struct roster *r, struct bytes value, struct err *e)
{
	if (!cluster_name_is_valid(value))
		return err_set(e, RC_ROSTER, "the cluster's name must be of a-z, 0-9, . and -");
	words_copy(r->cluster, value);
	return RC_OK;
}

static int take_version(struct roster *r, struct bytes value, struct err *e)
{
	uint64_t version;
	if (!decimal_parse(value, UINT32_MAX, &version) || version == 0)
		return err_set(e, RC_ROSTER, "the version must be a number from 1");
	r->version = (uint32_t)version;
	return RC_OK;
}

static int take_prev(struct roster *r, struct bytes value, struct err *e)
{
	if (r->version == 1 && !bytes_equal(value, bytes_str("-")))
		return err_set(e, RC_ROSTER, "version 1 has no version before it: prev must be -");
	if (r->version > 1 && !hash_parse(value, &r->prev))
		return err_set(e, RC_ROSTER,
			"prev must be the SHA-256 of version %u, 64 lower-case hex digits",
			r->version - 1);
	return RC_OK;
}

static int take_not_after(struct roster *r, struct bytes value, struct err *e)
{
	if (!date_parse(value, &r->not_after))
		return err_set(e, RC_ROSTER, "not-after must be a date, yyyy-mm-dd");
	return RC_OK;
}

static int take_final(struct roster *r, struct bytes value, struct err *e)
{
	if (count_role(r, ROLE_REGIONAL) == 0 || count_role(r, ROLE_PROVINCE) == 0)
		return err_set(e, RC_ROSTER,
			"one regional member and at least one province must stand above");
	uint64_t n;
	if (!decimal_parse(value, r->n - 1, &n) || n == 0)
		return err_set(e, RC_ROSTER,
			"final must be a number from 1 to %zu, the members less the log's owner",
			r->n - 1);
	r->final_quorum = (unsigned)n;
	return RC_OK;
}

static int take_quorum(struct roster *r, struct bytes value, struct err *e)
{
	const size_t provinces = count_role(r, ROLE_PROVINCE);
	uint64_t n;
	if (!words_skip(&value, "office+") || !decimal_parse(value, provinces, &n) || n == 0)
		return err_set(
			e, RC_ROSTER, "quorum must be office+N with N from 1 to %zu", provinces);
	r->province_quorum = (unsigned)n;
	return RC_OK;
}

struct row {
	const char *word;
	int (*take)(struct roster *r, struct bytes value, struct err *e);
};

static const struct row head[] = {{"cluster ", take_cluster}, {"version ", take_version},
	{"prev ", take_prev}, {"not-after ", take_not_after}};
static const struct row tail[] = {{"final ", take_final}, {"quorum ", take_quorum}};

struct walk {
	struct roster r;
	struct reader text;
	unsigned line;
};

static int next_line(struct walk *w, const char *expected, struct bytes *line, struct err *e)
{
	w->line++;
	*line = reader_line(&w->text);
	if (!reader_ok(&w->text))
		return err_set(e, RC_ROSTER, "the text ends before a whole line \"%s\"", expected);
	return RC_OK;
}

static int walk_row(struct walk *w, const struct row *row, struct bytes line, struct err *e)
{
	if (!words_skip(&line, row->word))
		return err_set(e, RC_ROSTER, "\"%s\" must stand here", row->word);
	return row->take(&w->r, line, e);
}

static int walk_head(struct walk *w, struct err *e)
{
	struct bytes line;
	int rc = next_line(w, "deltad-roster", &line, e);
	if (rc == RC_OK && !bytes_equal(line, bytes_str("deltad-roster")))
		rc = err_set(e, RC_ROSTER, "a roster begins with the line deltad-roster");
	for (size_t i = 0; rc == RC_OK && i < sizeof head / sizeof head[0]; i++) {
		rc = next_line(w, head[i].word, &line, e);
		rc = rc ? rc : walk_row(w, &head[i], line, e);
	}
	return rc;
}

static bool begins_with(struct bytes line, const char *word)
{
	return words_skip(&line, word);
}

/* What only a version after the first may say. */
static int check_later(const struct walk *w, const char *word, struct err *e)
{
	return w->r.version > 1
		? RC_OK
		: err_set(e, RC_ROSTER, "%s belongs to a version after the first", word);
}

/* *line is the first after the members, past and present. */
static int walk_members(struct walk *w, struct bytes *line, struct err *e)
{
	int rc = next_line(w, "member ", line, e);
	while (rc == RC_OK && begins_with(*line, "member ")) {
		rc = add_member(&w->r, *line, e);
		rc = rc ? rc : next_line(w, tail[0].word, line, e);
	}
	while (rc == RC_OK && begins_with(*line, "former ")) {
		rc = check_later(w, "former", e);
		rc = rc ? rc : add_former(&w->r, *line, e);
		rc = rc ? rc : next_line(w, tail[0].word, line, e);
	}
	return rc;
}

static int walk_end(struct walk *w, struct err *e)
{
	struct bytes line;
	int rc = RC_OK;
	while (rc == RC_OK && w->text.rest.n > 0) {
		if (!begins_with(w->text.rest, "retire ")) {
			w->line++;
			return err_set(
				e, RC_ROSTER, "nothing may follow the quorum but retired logs");
		}
		rc = next_line(w, "retire ", &line, e);
		rc = rc ? rc : check_later(w, "retire", e);
		rc = rc ? rc : add_retirement(&w->r, line, e);
	}
	return rc;
}

static int walk(struct walk *w, struct err *e)
{
	struct bytes line;
	int rc = walk_head(w, e);
	rc = rc ? rc : walk_members(w, &line, e);
	rc = rc ? rc : walk_row(w, &tail[0], line, e);
	rc = rc ? rc : next_line(w, tail[1].word, &line, e);
	rc = rc ? rc : walk_row(w, &tail[1], line, e);
	return rc ? rc : walk_end(w, e);
}

int roster_parse(struct bytes text, struct roster *out, struct err *e)
{
	if (text.n > LIMIT_SIGNED_NOTE_BYTES)
		return err_set(e, RC_ROSTER, "a roster of %zu bytes is over the limit of %d",
			text.n, LIMIT_SIGNED_NOTE_BYTES);
	if (!text_is_clean(text, true))
		return err_set(
			e, RC_ROSTER, "a roster must be UTF-8 text without control characters");
	struct walk w = {.text = reader_of(text)};
	struct err why = {0};
	if (walk(&w, &why) != RC_OK)
		return err_set(e, RC_ROSTER, "line %u: %s", w.line, why.text);
	sha256(text, &w.r.id);
	if (w.r.version == 1)
		w.r.cluster_id = w.r.id;
	*out = w.r;
	return RC_OK;
}

int roster_find_any(const struct roster *r, struct bytes slug)
{
	for (size_t i = 0; i < r->n + r->n_former; i++) {
		if (bytes_equal(slug, bytes_str(r->member[i].slug)))
			return (int)i;
	}
	return -1;
}

int roster_find(const struct roster *r, struct bytes slug)
{
	int i = roster_find_any(r, slug);
	return i < (int)r->n ? i : -1;
}

const struct retirement *roster_retired(const struct roster *r, struct bytes origin)
{
	for (size_t i = 0; i < r->n_retired; i++) {
		if (bytes_equal(origin, bytes_str(r->retired[i].origin)))
			return &r->retired[i];
	}
	return NULL;
}

const uint8_t *roster_log_key(const struct roster *r, struct bytes origin, int i)
{
	const struct retirement *t = roster_retired(r, origin);
	if (t)
		return t->log;
	return r->member[i].former ? NULL : r->member[i].log;
}

const uint8_t *roster_authority(const struct roster *r, struct bytes origin, int i)
{
	const struct retirement *t = roster_retired(r, origin);
	if (t)
		return t->authority;
	return r->member[i].former ? NULL : r->member[i].root.public;
}
