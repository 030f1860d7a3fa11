#include <string.h>

#include "client/command.h"
#include "client/deltad.h"
#include "client/node.h"
#include "client/text.h"
#include "proto/base/text.h"

static const struct column log_columns[] = {{.key = "log"}, {.key = "size"}, {.key = "root"}};

/* "ORIGIN SIZE ROOT", the root in base64. */
static void put_log(struct table *t, struct bytes line)
{
	uint8_t root[HASH_BYTES];
	uint64_t size;
	const uint8_t *a = memchr(line.p, ' ', line.n);
	const uint8_t *b = a ? memchr(a + 1, ' ', (size_t)(line.p + line.n - a - 1)) : NULL;
	if (!b || !decimal_parse(bytes_of(a + 1, (size_t)(b - a - 1)), INT64_MAX, &size) ||
		base64_decode(bytes_of(b + 1, (size_t)(line.p + line.n - b - 1)), root,
			sizeof root) != HASH_BYTES)
		return;
	table_text(t, TONE_NONE, bytes_of(line.p, (size_t)(a - line.p)), NULL);
	table_number(t, size);
	table_cell(t, TONE_NONE, json_hex(bytes_of(root, sizeof root)), NULL);
}

static void put_logs(struct sheet *s, const struct buf *said)
{
	struct table *t = sheet_table(s, "logs", log_columns, 3, NULL, NULL);
	struct reader r = reader_of(buf_bytes(said));
	for (struct bytes line = reader_line(&r); reader_ok(&r); line = reader_line(&r))
		if (line.n > 4 && memcmp(line.p, "log ", 4) == 0)
			put_log(t, bytes_of(line.p + 4, line.n - 4));
}

static void put_number(struct sheet *s, const char *key, struct bytes value)
{
	uint64_t n = 0;
	bool good = decimal_parse(value, INT64_MAX, &n);
	sheet_fact(s, key, good ? json_number(n) : json_text(value));
}

/* What a manifest says, line by line: proto/PROTOCOL.md 3.6. */
static const struct {
	const char *word, *key;
	bool number;
} facts[] = {{"cluster", "cluster", false}, {"cluster-id", "cluster_id", false},
	{"member", "member", false}, {"taken", "taken", false}, {"schema", "schema", true},
	{"bytes", "bytes", true}, {"sha256", "sha256", false}, {"entries", "entries", true},
	{"view", "view_root", false}};

static void tell(struct app *app, const char *file, const struct buf *said)
{
	struct sheet *s = sheet_new("backup-verify");
	struct bytes v, member, taken, entries, roster;
	bool sealed =
		deltad_value(said, "ok,", &v) && bytes_equal(v, bytes_str("as its manifest says"));
	(void)deltad_value(said, "member", &member);
	(void)deltad_value(said, "taken", &taken);
	(void)deltad_value(said, "entries", &entries);
	(void)deltad_value(said, "roster", &roster);
	const uint8_t *end = memchr(roster.p, ' ', roster.n);
	roster.n = end ? (size_t)(end - roster.p) : roster.n;
	sheet_line(s, sealed ? TONE_GOOD : TONE_WARN,
		sealed ? tr("%s: every signature is good, and it is what its manifest says")
		       : tr("%s: every signature is good; it has no manifest"),
		file);
	sheet_line(s, TONE_NONE, tr("the node of %.*s, %.*s: %.*s entries, roster version %.*s"),
		(int)member.n, (const char *)member.p, (int)taken.n, (const char *)taken.p,
		(int)entries.n, (const char *)entries.p, (int)roster.n, (const char *)roster.p);
	sheet_fact(s, "file", json_text(bytes_str(file)));
	sheet_fact(s, "manifest", json_boolean(sealed));
	put_number(s, "roster_version", roster);
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		(void)deltad_value(said, facts[i].word, &v);
		if (facts[i].number)
			put_number(s, facts[i].key, v);
		else
			sheet_fact(s, facts[i].key, json_text(v));
	}
	put_logs(s, said);
	sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_backup_verify(struct app *app, struct err *e)
{
	struct hash id;
	struct buf said = {0};
	char hex[HASH_HEX_SIZE];
	bool given;
	int rc = node_cluster_id(app->args, &id, &given, e);
	if (rc != RC_OK)
		return rc;
	if (given)
		hash_print(&id, hex);
	const char *words[] = {"--verify-backup", app->operand[0], given ? "--cluster-id" : NULL,
		given ? hex : NULL, NULL};
	rc = deltad_run(words, &said, e);
	if (rc == RC_OK && !app->out.quiet)
		tell(app, app->operand[0], &said);
	buf_release(&said);
	return rc;
}
