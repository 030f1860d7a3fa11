/* bundle check and bundle import: the same, up to the last step. */
#include <stdlib.h>

#include "client/bundle.h"
#include "client/command.h"
#include "client/show.h"
#include "client/text.h"
#include "proto/base/text.h"
#include "proto/trust/checkpoint.h"

static const struct column columns[] = {
	{.key = "member", .title = N_("of")},
	{.key = "origin", .title = N_("log")},
	{.key = "before", .title = N_("before"), .right = true},
	{.key = "size", .title = N_("after"), .right = true},
	{.key = "new", .title = N_("new"), .right = true},
};

static uint64_t put_logs(struct sheet *s, const struct bundle_outcome *o)
{
	uint64_t sum = 0;
	struct table *t =
		sheet_table(s, "logs", columns, sizeof columns / sizeof columns[0], NULL, NULL);
	for (size_t i = 0; i < o->n_logs; i++) {
		struct origin origin;
		uint64_t fresh =
			o->log[i].size > o->log[i].before ? o->log[i].size - o->log[i].before : 0;
		struct bytes name = bytes_str(o->log[i].origin);
		bool known = origin_parse(name, &origin, NULL) == RC_OK;
		table_text(t, TONE_NONE, bytes_str(known ? origin.member : ""), NULL);
		table_text(t, TONE_NONE, name, NULL);
		table_number(t, o->log[i].before);
		table_number(t, o->log[i].size);
		table_number(t, fresh);
		sum += fresh;
	}
	return sum;
}

/* Without entries it is a receipt, or was made for a node that lacked nothing. */
static void put_outcome(struct sheet *s, bool check, uint64_t fresh, uint64_t leaves)
{
	if (leaves > 0)
		sheet_line(s, TONE_GOOD,
			check ? tr("good: %llu of %llu entries would be new; nothing was taken")
			      : tr("taken: %llu of %llu entries are new"),
			(unsigned long long)fresh, (unsigned long long)leaves);
	else if (check)
		sheet_line(s, TONE_GOOD, "%s",
			tr("good: it says what its maker holds, and has no entries; nothing was "
			   "taken"));
	else
		sheet_line(s, TONE_GOOD, "%s",
			tr("taken: this node knows now what its maker holds; there are no entries "
			   "in it"));
}

/* What a file without entries confirms. */
struct receipt {
	char member[SLUG_SIZE];
	struct table *held;
	uint64_t heads, cosignatures;
};

static int see(void *arg, const struct message *m, struct err *e)
{
	struct receipt *r = arg;
	struct note note;
	struct checkpoint cp;
	(void)e;
	r->heads += m->kind == MESSAGE_HEAD;
	r->cosignatures += m->kind == MESSAGE_COSIGNATURE;
	if (m->kind != MESSAGE_HELLO)
		return RC_OK;
	text_print(r->member, sizeof r->member, "%.*s", (int)m->hello.member.n,
		(const char *)m->hello.member.p);
	for (size_t i = 0; i < m->hello.n_heads; i++) {
		if (note_parse(m->hello.heads[i], &note, NULL) != RC_OK ||
			checkpoint_parse(note.text, &cp, NULL) != RC_OK)
			continue;
		table_text(r->held, TONE_NONE, cp.origin, NULL);
		table_number(r->held, cp.size);
	}
	return RC_OK;
}

static void put_receipt(struct sheet *s, const char *path)
{
	static const struct column held_columns[] = {
		{.key = "origin", .title = N_("log")},
		{.key = "held", .title = N_("its maker held"), .right = true},
	};
	struct err gone = {0};
	struct receipt r = {.held = sheet_table(s, "held", held_columns, 2, NULL, NULL)};
	if (bundle_each(path, see, &r, &gone) == RC_OK)
		bundle_put_empty(s, r.member, r.heads, r.cosignatures);
}

static void tell_done(struct app *app, bool check, const char *path, const struct bundle_outcome *o)
{
	struct sheet *s = sheet_new(check ? "bundle-check" : "bundle-import");
	uint64_t fresh = put_logs(s, o);
	put_outcome(s, check, fresh, o->leaves);
	if (o->leaves == 0)
		put_receipt(s, path);
	sheet_fact(s, "file", json_text(bytes_str(path)));
	sheet_fact(s, "good", json_true());
	sheet_fact(s, "records", json_number(o->records));
	sheet_fact(s, "entries", json_number(o->leaves));
	sheet_fact(s, "new", json_number(fresh));
	sheet_print(s, &app->out);
	sheet_free(s);
}

/* People read the error; machines get the place too. */
static void tell_fault(struct app *app, bool check, const char *path,
	const struct bundle_outcome *o, const struct err *e)
{
	if (app->out.mode != OUTPUT_JSON || !o->faulty)
		return;
	struct sheet *s = sheet_new(check ? "bundle-check" : "bundle-import");
	sheet_fact(s, "file", json_text(bytes_str(path)));
	sheet_fact(s, "good", json_false());
	sheet_fact(s, "error", json_text(bytes_str(rc_id(e->rc))));
	sheet_fact(s, "record", json_number(o->records));
	sheet_fact(s, "offset", json_number(o->offset));
	sheet_print(s, &app->out);
	sheet_free(s);
}

static int hand_over(struct app *app, bool check, struct err *e)
{
	const char *path = app->operand[0], *receipt = app->args->value[OPT_OUTPUT];
	struct bundle_outcome *o = xalloc(sizeof *o);
	struct bundle_counts counts;
	struct node node = {.line.fd = -1};
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK) {
		rc = bundle_hand_over(&node, path, check, !app->out.quiet, o, e);
		if (rc != RC_OK)
			tell_fault(app, check, path, o, e);
	}
	if (rc == RC_OK && receipt) {
		struct ctl_export what = {.what = EXPORT_RECEIPT};
		rc = bundle_save(&node, &what, receipt, &counts, e);
		if (rc != RC_OK)
			(void)err_prefix(e, "%s", tr("the bundle was taken, but the receipt"));
	}
	if (rc == RC_OK && !app->out.quiet)
		tell_done(app, check, path, o);
	node_close(&node);
	free(o);
	return rc;
}

int cmd_bundle_check(struct app *app, struct err *e)
{
	return hand_over(app, true, e);
}

int cmd_bundle_import(struct app *app, struct err *e)
{
	return hand_over(app, false, e);
}
