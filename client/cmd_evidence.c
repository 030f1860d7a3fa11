#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/files.h"
#include "client/node.h"
#include "client/show.h"
#include "client/text.h"
#include "proto/base/text.h"
#include "proto/trust/evidence.h"

/* What proves that a log is forked, checked here and not believed. */
struct piece {
	struct buf origin, first, second, proof;
	uint64_t total;
	struct checkpoint a, b;
	uint8_t key[KEY_BYTES];
	bool holds;
};

static int on_evidence(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct piece *p = arg;
	if (r->kind != CTL_REPLY_EVIDENCE)
		return err_set(e, RC_PEER_MESSAGE, tr("the node did not answer with evidence"));
	buf_put_bytes(&p->origin, r->evidence.origin);
	buf_put_bytes(&p->first, r->evidence.first);
	buf_put_bytes(&p->second, r->evidence.second);
	buf_put_bytes(&p->proof, r->evidence.proof);
	p->total = r->evidence.total;
	return RC_OK;
}

static void judge(const struct roster *r, struct piece *p)
{
	struct origin o;
	struct evidence x = {buf_bytes(&p->first), buf_bytes(&p->second), buf_bytes(&p->proof)};
	if (origin_parse(buf_bytes(&p->origin), &o, NULL) != RC_OK)
		return;
	int member = roster_find_any(r, bytes_str(o.member));
	const uint8_t *key = member < 0 ? NULL : roster_log_key(r, buf_bytes(&p->origin), member);
	if (key == NULL)
		return;
	memcpy(p->key, key, KEY_BYTES);
	p->holds = evidence_verify(&x, key, &p->a, &p->b, NULL) == RC_OK &&
		bytes_equal(p->a.origin, buf_bytes(&p->origin));
}

static void piece_release(struct piece *p)
{
	buf_release(&p->origin);
	buf_release(&p->first);
	buf_release(&p->second);
	buf_release(&p->proof);
}

/* The piece at this place; RC_NOT_FOUND behind the last. */
static int fetch(struct node *n, uint32_t at, struct piece *p, struct err *e)
{
	struct ctl_request r = {.kind = CTL_EVIDENCE, .evidence_at = at};
	*p = (struct piece){0};
	int rc = connection_call(&n->line, &r, on_evidence, p, e);
	if (rc == RC_OK)
		judge(&n->roster, p);
	return rc;
}

static int refuse_node(const struct piece *p, struct err *e)
{
	return err_set(e, RC_VERIFY,
		tr("what the node shows against %.*s proves nothing; this node cannot be trusted"),
		(int)p->origin.n, (const char *)p->origin.p);
}

/* ---- list ---- */

static const struct column columns[] = {
	{.key = "origin", .title = N_("log")},
	{.key = "kind"},
	{.key = "first_size", .title = N_("one size"), .right = true},
	{.key = "first_root", .title = N_("root")},
	{.key = "second_size", .title = N_("other size"), .right = true},
	{.key = "second_root", .title = N_("root")},
};

static void add_row(struct table *t, const struct piece *p)
{
	char a[HASH_HEX_SIZE], b[HASH_HEX_SIZE];
	hash_print(&p->a.root, a);
	hash_print(&p->b.root, b);
	table_text(t, TONE_BAD, buf_bytes(&p->origin), NULL);
	table_text(t, TONE_NONE, bytes_str(p->a.size == p->b.size ? "E1" : "E2"), NULL);
	table_number(t, p->a.size);
	table_cell(t, TONE_NONE, json_hex(hash_bytes(&p->a.root)), a);
	table_number(t, p->b.size);
	table_cell(t, TONE_NONE, json_hex(hash_bytes(&p->b.root)), b);
}

int cmd_evidence_list(struct app *app, struct err *e)
{
	struct node node = {.line.fd = -1};
	struct sheet *s = sheet_new("evidence-list");
	struct table *t = sheet_table(s, "evidence", columns, sizeof columns / sizeof columns[0],
		NULL, tr("no log is known to be forked"));
	uint64_t total = 1;
	int rc = node_open_ready(&node, app->args, e);
	for (uint32_t at = 0; rc == RC_OK && at < total; at++) {
		struct piece p;
		rc = fetch(&node, at, &p, e);
		total = p.total;
		if (rc == RC_OK && !p.holds)
			rc = refuse_node(&p, e);
		if (rc == RC_OK)
			add_row(t, &p);
		piece_release(&p);
	}
	if (rc == RC_NOT_FOUND)
		rc = RC_OK;
	if (rc == RC_OK)
		sheet_print(s, &app->out);
	sheet_free(s);
	node_close(&node);
	return rc;
}

/* ---- show ---- */

static void put_words(struct buf *out, const struct piece *p)
{
	buf_printf(out, tr("The owner of the log %.*s has signed two histories of it."),
		(int)p->origin.n, (const char *)p->origin.p);
	buf_put_str(out, "\n");
	if (p->a.size == p->b.size)
		buf_printf(out,
			tr("Both heads below are of %llu entries, and their third lines, the hash "
			   "over "
			   "all entries, differ."),
			(unsigned long long)p->a.size);
	else
		buf_printf(out,
			tr("The first head below is of %llu entries, the second of %llu. By the "
			   "proof "
			   "(RFC 9162 2.1.4.2, with the first hash always given) the hash over the "
			   "first %llu entries of the second history is another than the first "
			   "head "
			   "says."),
			(unsigned long long)p->a.size, (unsigned long long)p->b.size,
			(unsigned long long)p->a.size);
	buf_put_str(out, "\n");
	buf_put_str(out,
		tr("An honest log only grows; no honest key signs both. The key that "
		   "signed, in base64:"));
	buf_put_str(out, "\n");
	base64_encode(out, p->key, KEY_BYTES);
	buf_put_str(out, "\n");
}

/* All that a stranger needs, with the two notes as they were signed. */
static void put_document(struct buf *out, const struct piece *p)
{
	put_words(out, p);
	buf_put_str(out, "\n--- first\n");
	buf_put_bytes(out, buf_bytes(&p->first));
	buf_put_str(out, "--- second\n");
	buf_put_bytes(out, buf_bytes(&p->second));
	for (size_t i = 0; i + HASH_BYTES <= p->proof.n; i += HASH_BYTES) {
		if (i == 0)
			buf_put_str(out, "--- proof\n");
		base64_encode(out, p->proof.p + i, HASH_BYTES);
		buf_put_str(out, "\n");
	}
}

static void tell(struct app *app, const struct piece *p, struct bytes document, const char *file)
{
	struct sheet *s = sheet_new("evidence");
	struct reader r = reader_of(document);
	if (file)
		sheet_line(s, TONE_GOOD, tr("written: %s"), file);
	while (!file && r.rest.n > 0) {
		struct bytes line = reader_line(&r);
		sheet_line(s, TONE_NONE, "%.*s", (int)line.n, (const char *)line.p);
	}
	sheet_fact(s, "origin", json_text(buf_bytes(&p->origin)));
	sheet_fact(s, "kind", json_string(p->a.size == p->b.size ? "E1" : "E2"));
	sheet_fact(s, "first", json_text(buf_bytes(&p->first)));
	sheet_fact(s, "second", json_text(buf_bytes(&p->second)));
	sheet_fact(s, "proof", json_hex(buf_bytes(&p->proof)));
	sheet_fact(s, "key", json_hex(bytes_of(p->key, KEY_BYTES)));
	sheet_print(s, &app->out);
	sheet_free(s);
}

static bool is_of(const struct piece *p, const char *name)
{
	struct origin o;
	if (bytes_equal(buf_bytes(&p->origin), bytes_str(name)))
		return true;
	return origin_parse(buf_bytes(&p->origin), &o, NULL) == RC_OK &&
		strcmp(o.member, name) == 0;
}

static int find(struct node *n, const char *name, struct piece *p, struct err *e)
{
	uint64_t total = 1;
	for (uint32_t at = 0; at < total; at++) {
		int rc = fetch(n, at, p, e);
		total = p->total;
		if (rc == RC_OK && is_of(p, name))
			return p->holds ? RC_OK : refuse_node(p, e);
		if (rc != RC_OK)
			return rc;
		if (at + 1 < total)
			piece_release(p);
	}
	return err_set(e, RC_NOT_FOUND,
		tr("there is no evidence against %s; deltactl evidence list"), name);
}

int cmd_evidence_show(struct app *app, struct err *e)
{
	struct node node = {.line.fd = -1};
	struct piece p = {0};
	struct buf document = {0};
	const char *file = app->args->value[OPT_OUTPUT];
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = find(&node, app->operand[0], &p, e);
	if (rc == RC_OK)
		put_document(&document, &p);
	if (rc == RC_OK && file)
		rc = file_write_new(file, 0644, buf_bytes(&document), e);
	if (rc == RC_OK)
		tell(app, &p, buf_bytes(&document), file);
	buf_release(&document);
	piece_release(&p);
	node_close(&node);
	return rc;
}
