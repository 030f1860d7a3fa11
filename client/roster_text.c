#include "client/roster_text.h"

#include <string.h>

#include "client/files.h"
#include "client/show.h"
#include "client/text.h"

static const struct column columns[] = {
	{.key = "member", .title = N_("member")},
	{.key = "role", .title = N_("role")},
	{.key = "root", .title = N_("root key")},
	{.key = "log", .title = N_("log key")},
	{.key = "cosign", .title = N_("cosign key")},
	{.key = "noise", .title = N_("line key")},
	{.key = "address", .title = N_("address")},
	{.key = "name", .title = N_("name")},
};

static const struct column missing_columns[] = {{.key = "signature", .title = N_("still to sign")}};

int roster_of(struct bytes note, struct roster *out, struct err *e)
{
	static const char signatures[] = "\n\n";
	const uint8_t *end = note.n ? memmem(note.p, note.n, signatures, 2) : NULL;
	return roster_parse(end ? bytes_of(note.p, (size_t)(end - note.p) + 1) : note, out, e);
}

int roster_read(const char *path, struct buf *note, struct roster *out, struct err *e)
{
	int rc = file_read(path, LIMIT_SIGNED_NOTE_BYTES, note, e);
	if (rc != RC_OK)
		return rc;
	rc = roster_of(buf_bytes(note), out, e);
	if (rc != RC_OK)
		err_prefix(e, "%.120s", path);
	return rc;
}

static void key_cell(struct table *t, const uint8_t public[KEY_BYTES])
{
	char fingerprint[KEY_FINGERPRINT_SIZE];
	key_fingerprint(public, fingerprint);
	table_text(t, TONE_NONE, bytes_str(fingerprint), NULL);
}

static void add_member(struct table *t, const struct member *m)
{
	const char *role = m->role == ROLE_REGIONAL ? "regional" : "province";
	table_text(t, TONE_NONE, bytes_str(m->slug), NULL);
	table_text(t, TONE_NONE, bytes_str(role), tr_word(role));
	key_cell(t, m->root.public);
	key_cell(t, m->log);
	key_cell(t, m->cosign);
	key_cell(t, m->noise);
	table_text(t, TONE_NONE, bytes_str(m->addr), NULL);
	table_text(t, TONE_NONE, bytes_str(m->name), NULL);
}

/* "jiangsu root key", "jiangsu new log key": the words after the member are translated. */
static void missing_row(struct table *t, struct bytes line)
{
	char *shown = show_text("%.*s", (int)line.n, (const char *)line.p);
	char *space = strchr(shown, ' ');
	char *words = space
		? show_text("%.*s%s", (int)(space + 1 - shown), shown, tr_word(space + 1))
		: NULL;
	table_text(t, TONE_WARN, line, words);
	free(shown);
	free(words);
}

static void put_missing(struct sheet *s, const struct buf *missing)
{
	struct table *t = sheet_table(
		s, "missing_signatures", missing_columns, 1, NULL, tr("no signature is missing"));
	struct reader r = reader_of(buf_bytes(missing));
	while (r.rest.n > 0 && !r.failed)
		missing_row(t, reader_line(&r));
}

static int add_missing(struct sheet *s, struct bytes note, struct err *e)
{
	struct buf missing = {0};
	int rc = roster_missing_signatures(note, &missing, e);
	if (rc == RC_OK)
		put_missing(s, &missing);
	buf_release(&missing);
	return rc;
}

static void describe(struct sheet *s, const struct roster *r)
{
	char id[HASH_HEX_SIZE], date[DATE_TEXT_SIZE];
	hash_print(&r->id, id);
	show_date(r->not_after, date);
	sheet_line(s, TONE_NONE, tr("roster of %s, version %u, valid until %s"), r->cluster,
		r->version, date);
	sheet_line(s, TONE_NONE, "sha256:%s", id);
	sheet_line(s, TONE_NONE,
		tr("final: %u cosignatures; the next version: the regional office and %u "
		   "provinces"),
		r->final_quorum, r->province_quorum);
	sheet_fact(s, "cluster", json_text(bytes_str(r->cluster)));
	sheet_fact(s, "id", json_text(bytes_str(id)));
	hash_print(&r->cluster_id, id);
	sheet_fact(s, "cluster_id",
		hash_is_zero(&r->cluster_id) ? json_null() : json_text(bytes_str(id)));
	sheet_fact(s, "version", json_number(r->version));
	sheet_fact(s, "not_after", json_date(r->not_after));
	sheet_fact(s, "final", json_number(r->final_quorum));
	sheet_fact(s, "quorum_provinces", json_number(r->province_quorum));
	struct table *t = sheet_table(s, "members", columns, 8, NULL, NULL);
	for (size_t i = 0; i < r->n; i++)
		add_member(t, &r->member[i]);
}

int roster_describe(struct sheet *s, struct bytes note, const struct roster *r, struct err *e)
{
	describe(s, r);
	return r->version == 1 ? add_missing(s, note, e) : RC_OK;
}

int roster_describe_next(struct sheet *s, struct bytes draft, const struct roster *now,
	const struct roster *next, struct err *e)
{
	struct buf missing = {0};
	describe(s, next);
	roster_put_changes(s, now, next);
	int rc = roster_missing_next(draft, now, &missing, e);
	if (rc == RC_OK)
		put_missing(s, &missing);
	buf_release(&missing);
	return rc;
}
