#include <string.h>

#include "client/command.h"
#include "client/files.h"
#include "client/keys.h"
#include "client/text.h"
#include "proto/trust/roster.h"

#define KEY_FILE_MAX (16 * 1024)

static const struct column columns[] = {
	{.key = "file", .title = N_("file")},
	{.key = "purpose", .title = N_("purpose")},
	{.key = "member", .title = N_("member")},
	{.key = "fingerprint", .title = N_("fingerprint")},
	{.key = "public_key"},
	{.key = "name", .title = N_("name")},
	{.key = "encrypted", .title = N_("encrypted")},
};

/* encrypted NULL: there is no secret in the file. */
static void add_key(struct table *t, const char *path, enum key_purpose p, const char *member,
	const uint8_t public[KEY_BYTES], const char *name, const bool *encrypted)
{
	char fingerprint[KEY_FINGERPRINT_SIZE];
	key_fingerprint(public, fingerprint);
	table_text(t, TONE_NONE, bytes_str(path), NULL);
	table_text(t, TONE_NONE, bytes_str(key_purpose_name(p)), tr_word(key_purpose_name(p)));
	table_text(t, TONE_NONE, bytes_str(member), NULL);
	table_text(t, TONE_NONE, bytes_str(fingerprint), NULL);
	table_cell(t, TONE_NONE, json_hex(bytes_of(public, KEY_BYTES)), NULL);
	table_text(t, TONE_NONE, bytes_str(name), NULL);
	table_cell(t, TONE_NONE, encrypted ? json_boolean(*encrypted) : json_null(),
		!encrypted	     ? "-"
			: *encrypted ? tr("yes")
				     : tr("no"));
}

static void add_member(struct table *t, const char *path, const struct member *m)
{
	add_key(t, path, KEY_ROOT, m->slug, m->root.public, m->name, NULL);
	add_key(t, path, KEY_LOG, m->slug, m->log, m->name, NULL);
	add_key(t, path, KEY_COSIGN, m->slug, m->cosign, m->name, NULL);
	add_key(t, path, KEY_NOISE, m->slug, m->noise, m->name, NULL);
}

/* What it takes no passphrase to open is opened, and shows that its two halves belong together. */
static int show_secret(const struct args *a, const char *path, struct table *t, struct err *e)
{
	struct key k = {0};
	bool encrypted;
	int rc = key_look(&k, path, &encrypted, e);
	if (rc == RC_OK && (!encrypted || args_has(a, OPT_PASSPHRASE_FILE)))
		rc = keys_load(&k, path, 0, a, e);
	if (rc == RC_OK)
		add_key(t, path, k.purpose, k.member, k.public, k.name, &encrypted);
	key_release(&k);
	return rc;
}

static bool begins_with(const struct buf *b, const char *word)
{
	size_t n = strlen(word);
	return b->n >= n && memcmp(b->p, word, n) == 0;
}

static int show_file(const struct args *a, const char *path, struct table *t, struct err *e)
{
	struct buf b = {0};
	struct member m;
	struct operator_line l;
	int rc = file_read(path, KEY_FILE_MAX, &b, e);
	if (rc == RC_OK && begins_with(&b, "member ")) {
		rc = roster_parse_member_line(buf_bytes(&b), &m, e);
		if (rc == RC_OK)
			add_member(t, path, &m);
	} else if (rc == RC_OK && begins_with(&b, "deltad-operator ")) {
		rc = operator_line_parse(buf_bytes(&b), &l, e);
		if (rc == RC_OK)
			add_key(t, path, KEY_OPERATOR, l.member, l.public, l.name, NULL);
	} else if (rc == RC_OK) {
		rc = show_secret(a, path, t, e);
	}
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_release(&b);
	return rc;
}

int cmd_key_show(struct app *app, struct err *e)
{
	struct sheet *s = sheet_new("keys");
	struct table *t = sheet_table(s, "keys", columns, 7, NULL, NULL);
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < app->n_operands; i++)
		rc = show_file(app->args, app->operand[i], t, e);
	if (rc == RC_OK)
		sheet_print(s, &app->out);
	sheet_free(s);
	return rc;
}
