#include <stdlib.h>

#include "client/agreement.h"
#include "client/command.h"
#include "client/entries.h"
#include "client/peers.h"
#include "client/show.h"
#include "client/text.h"

static const struct column log_columns[] = {
	{.key = "member", .title = N_("of")},
	{.key = "origin", .title = N_("log")},
	{.key = "from", .title = N_("from"), .right = true},
	{.key = "to", .title = N_("up to"), .right = true},
	{.key = "since_ms", .title = N_("known since"), .wrap = true},
};

static const struct column peer_columns[] = {
	{.key = "member", .title = N_("peer")},
	{.key = "lacks", .title = N_("lacks"), .right = true},
	{.key = "connected", .title = N_("line")},
	{.key = "sync_ms", .title = N_("last word")},
};

static const struct column waiting_columns[] = {
	{.key = "origin", .title = N_("log")},
	{.key = "index", .title = N_("entry"), .right = true},
	{.key = "verdict", .title = N_("state"), .wrap = true},
	{.key = "task", .title = N_("task")},
	{.key = "field", .title = N_("field")},
	{.key = "waits_for", .title = N_("waits for")},
};

/* Entries are counted from 0; [from, to) as "to" is the size its owner signed. */
static void put_logs(struct sheet *s, const struct ctl_status *st)
{
	struct table *t = sheet_table(s, "logs", log_columns, 5, tr("entries missing here:"),
		tr("no entry is known to be missing here"));
	for (size_t i = 0; i < st->n_logs; i++) {
		const struct ctl_log *l = &st->logs[i];
		if (l->seen_size <= l->size)
			continue;
		char when[TIME_TEXT_SIZE];
		char *ago = show_ago(l->seen_ms, st->now_ms);
		show_time(l->seen_ms, when);
		char *since = show_text("%s (%s)", when, ago);
		table_text(t, TONE_NONE, l->member, NULL);
		table_text(t, TONE_NONE, l->origin, NULL);
		table_number(t, l->size);
		table_number(t, l->seen_size);
		table_cell(t, TONE_NONE, json_integer(l->seen_ms), since);
		free(ago);
		free(since);
	}
}

static void put_peers(struct sheet *s, const struct ctl_status *st)
{
	struct table *t = sheet_table(s, "peers", peer_columns, 4, tr("entries peers lack:"),
		tr("no peer is known to lack an entry"));
	for (size_t i = 0; i < st->n_peers; i++) {
		const struct ctl_peer *p = &st->peers[i];
		if (p->behind == 0)
			continue;
		char *ago = show_ago(p->sync_ms, st->now_ms);
		table_text(t, TONE_NONE, p->member, NULL);
		peers_lacks_cell(t, p, p->behind);
		table_cell(t, TONE_NONE, json_boolean(p->connected),
			p->connected ? tr("connected") : tr("down"));
		table_cell(t, TONE_NONE, json_integer(p->sync_ms), ago);
		free(ago);
	}
}

static const char *verdict_word(const struct entry *x)
{
	const char *name = verdict_name((enum verdict)x->verdict);
	return name ? name : "unknown";
}

static void put_findings(struct sheet *s, const struct view *v)
{
	struct table *t =
		sheet_table(s, "findings", waiting_columns, 6, tr("entries without effect:"),
			tr("no entry is pending, void or of a newer version"));
	for (size_t i = 0; i < v->n; i++) {
		const struct entry *x = &v->entry[i];
		const char *code = void_code_name((enum void_code)x->void_code);
		char *state = x->verdict == VERDICT_VOID
			? show_text("%s: %s", tr_word("void"), tr_word(code ? code : "?"))
			: xstrdup(tr_word(verdict_word(x)));
		char *key = x->verdict == VERDICT_VOID ? show_text("void:%s", code ? code : "?")
						       : xstrdup(verdict_word(x));
		char *field =
			x->has_change ? show_field(x->change.slot, x->change.holder) : xstrdup("");
		char id[SHORT_ID_SIZE];
		struct bytes under =
			x->verdict == VERDICT_PENDING ? x->change.under : bytes_of(NULL, 0);
		show_id(under, id);
		table_text(t, TONE_NONE, x->origin, NULL);
		table_number(t, x->index);
		table_text(t, x->verdict == VERDICT_VOID ? TONE_BAD : TONE_WARN, bytes_str(key),
			state);
		table_text(t, TONE_NONE, x->has_change ? x->change.task : bytes_of(NULL, 0), NULL);
		table_text(t, TONE_NONE, bytes_str(field), NULL);
		table_cell(t, TONE_NONE, json_hex(under), id);
		free(state);
		free(key);
		free(field);
	}
}

struct picture {
	struct app *app;
	const struct view *findings;
};

static int draw(void *arg, const struct ctl_status *st, struct err *e)
{
	const struct picture *p = arg;
	(void)e;
	struct sheet *s = sheet_new("missing");
	put_logs(s, st);
	put_peers(s, st);
	put_findings(s, p->findings);
	sheet_print(s, &p->app->out);
	sheet_free(s);
	return RC_OK;
}

int cmd_missing(struct app *app, struct err *e)
{
	struct node node;
	struct view findings = {0};
	struct picture p = {.app = app, .findings = &findings};
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = view_fetch_findings(&findings, &node, e);
	if (rc == RC_OK)
		rc = status_fetch(&node, draw, &p, e);
	view_release(&findings);
	node_close(&node);
	return rc;
}
