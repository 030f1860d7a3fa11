#include <stdlib.h>
#include <string.h>

#include "client/bundle.h"
#include "client/command.h"
#include "client/show.h"
#include "client/text.h"
#include "proto/base/text.h"
#include "proto/trust/checkpoint.h"
#include "proto/wire/codec.h"

static const struct column columns[] = {
	{.key = "member", .title = N_("of"), .leave_out = 1},
	{.key = "origin", .title = N_("log")},
	{.key = "from", .title = N_("from"), .right = true},
	{.key = "to", .title = N_("up to"), .right = true},
	{.key = "changes", .title = N_("changes"), .right = true},
	{.key = "held", .title = N_("its maker held"), .right = true},
	{.key = "last_ms", .title = N_("last entry"), .optional = true, .wrap = true},
};

struct part {
	char origin[ORIGIN_SIZE];
	uint64_t from, to, changes, held, hlc;
};

/* All that is said of a file. */
struct contents {
	char member[SLUG_SIZE], software[LIMIT_SOFTWARE_BYTES + 1];
	uint8_t cluster_id[HASH_BYTES];
	uint64_t records, rosters, evidence, leaves, heads, cosignatures;
	struct part part[LIMIT_LOGS];
	size_t n;
	uint8_t arena[CODEC_LEAF_ARENA] __attribute__((aligned(16)));
};

static struct part *part_of(struct contents *c, struct bytes origin)
{
	for (size_t i = 0; i < c->n; i++)
		if (bytes_equal(bytes_str(c->part[i].origin), origin))
			return &c->part[i];
	if (c->n == LIMIT_LOGS || origin.n >= ORIGIN_SIZE)
		return NULL;
	memcpy(c->part[c->n].origin, origin.p, origin.n);
	return &c->part[c->n++];
}

static void see_hello(struct contents *c, const struct message *m)
{
	text_print(c->member, sizeof c->member, "%.*s", (int)m->hello.member.n,
		(const char *)m->hello.member.p);
	text_print(c->software, sizeof c->software, "%.*s", (int)m->hello.software.n,
		(const char *)m->hello.software.p);
	memcpy(c->cluster_id, m->hello.cluster_id.p, HASH_BYTES);
	for (size_t i = 0; i < m->hello.n_heads; i++) {
		struct note note;
		struct checkpoint cp;
		if (note_parse(m->hello.heads[i], &note, NULL) != RC_OK ||
			checkpoint_parse(note.text, &cp, NULL) != RC_OK)
			continue;
		struct part *p = part_of(c, cp.origin);
		if (p)
			p->held = cp.size;
	}
}

static void see_leaves(struct contents *c, const struct message *m)
{
	struct part *p = part_of(c, m->leaves.origin);
	c->leaves += m->leaves.n;
	if (!p)
		return;
	if (p->to == 0)
		p->from = m->leaves.first;
	p->to = m->leaves.first + m->leaves.n;
	for (size_t i = 0; i < m->leaves.n; i++) {
		struct arena a;
		struct leaf leaf;
		arena_init(&a, c->arena, sizeof c->arena);
		if (leaf_decode(m->leaves.leaves[i], &a, &leaf, NULL) != RC_OK)
			continue;
		p->changes += leaf.kind == LEAF_CHANGE;
		p->hlc = leaf.hlc;
	}
}

static int see(void *arg, const struct message *m, struct err *e)
{
	struct contents *c = arg;
	(void)e;
	c->records++;
	switch (m->kind) {
	case MESSAGE_HELLO: see_hello(c, m); break;
	case MESSAGE_ROSTER: c->rosters++; break;
	case MESSAGE_EVIDENCE: c->evidence++; break;
	case MESSAGE_LEAVES: see_leaves(c, m); break;
	case MESSAGE_HEAD: c->heads++; break;
	case MESSAGE_COSIGNATURE: c->cosignatures++; break;
	case MESSAGE_UNKNOWN:
	case MESSAGE_WANT:
	case MESSAGE_VIEW_DIGEST:
	case MESSAGE_PING:
	case MESSAGE_PONG:
	case MESSAGE_BYE: break;
	}
	return RC_OK;
}

static void put_parts(struct sheet *s, const struct contents *c)
{
	struct table *t = sheet_table(s, "logs", columns, sizeof columns / sizeof columns[0], NULL,
		tr("it speaks of no log"));
	for (size_t i = 0; i < c->n; i++) {
		const struct part *p = &c->part[i];
		struct origin o;
		char when[TIME_TEXT_SIZE];
		int64_t ms = (int64_t)HLC_MS(p->hlc);
		bool known = origin_parse(bytes_str(p->origin), &o, NULL) == RC_OK;
		show_time(ms, when);
		table_text(t, TONE_NONE, bytes_str(known ? o.member : ""), NULL);
		table_text(t, TONE_NONE, bytes_str(p->origin), NULL);
		table_number(t, p->from);
		table_number(t, p->to);
		table_number(t, p->changes);
		table_number(t, p->held);
		table_cell(t, TONE_NONE, json_integer(ms), when);
	}
}

void bundle_put_empty(struct sheet *s, const char *member, uint64_t heads, uint64_t cosignatures)
{
	sheet_line(s, TONE_NONE,
		heads == 0 ? tr("a receipt: what %s holds, and %llu cosigned heads; no entries")
			   : tr("no entries: what %s holds, and %llu cosigned heads"),
		member, (unsigned long long)(heads + cosignatures));
}

static void put_words(struct sheet *s, const struct contents *c)
{
	char id[HASH_HEX_SIZE];
	struct hash h;
	memcpy(h.b, c->cluster_id, HASH_BYTES);
	hash_print(&h, id);
	sheet_line(s, TONE_NONE, tr("a bundle of %s (%s), cluster sha256:%s"), c->member,
		c->software, id);
	if (c->leaves == 0)
		bundle_put_empty(s, c->member, c->heads, c->cosignatures);
	else
		sheet_line(s, TONE_NONE, tr("%llu entries, %llu heads, %llu cosigned heads"),
			(unsigned long long)c->leaves, (unsigned long long)c->heads,
			(unsigned long long)c->cosignatures);
	if (c->evidence > 0)
		sheet_line(s, TONE_BAD, tr("it holds evidence of %llu forks"),
			(unsigned long long)c->evidence);
	sheet_line(s, TONE_FAINT,
		tr("the file is whole; whether it is true, deltactl bundle check asks the node"));
}

static void tell(struct app *app, const char *path, const struct contents *c)
{
	struct sheet *s = sheet_new("bundle");
	put_words(s, c);
	sheet_fact(s, "file", json_text(bytes_str(path)));
	sheet_fact(s, "member", json_text(bytes_str(c->member)));
	sheet_fact(s, "software", json_text(bytes_str(c->software)));
	sheet_fact(s, "cluster_id", json_hex(bytes_of(c->cluster_id, HASH_BYTES)));
	sheet_fact(s, "records", json_number(c->records));
	sheet_fact(s, "rosters", json_number(c->rosters));
	sheet_fact(s, "evidence", json_number(c->evidence));
	sheet_fact(s, "entries", json_number(c->leaves));
	sheet_fact(s, "heads", json_number(c->heads));
	sheet_fact(s, "cosignatures", json_number(c->cosignatures));
	put_parts(s, c);
	sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_bundle_show(struct app *app, struct err *e)
{
	struct contents *c = xalloc(sizeof *c);
	int rc = bundle_each(app->operand[0], see, c, e);
	if (rc == RC_OK)
		tell(app, app->operand[0], c);
	free(c);
	return rc;
}
