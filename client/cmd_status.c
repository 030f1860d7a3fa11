#include <stdlib.h>

#include "client/agreement.h"
#include "client/command.h"
#include "client/peers.h"
#include "client/plan_view.h"
#include "client/said.h"
#include "client/show.h"
#include "client/text.h"
#include "proto/base/text.h"

#define WATCH_PAUSE_MS 200	 /* at most five pictures a second */
#define WATCH_IDLE_MS (5 * 1000) /* without an event, times still move on */

/* What the view says of the plan, counted before the node's own status is asked. */
struct counts {
	size_t tasks, reported, withdrawn, unreported_here;
	size_t by_status[STATUS_WITHDRAWN + 1]; /* of overall values; [0] = none given */
};

struct picture {
	struct app *app;
	const struct node *node;
	struct counts counts;
	struct agreement agreement;
	bool rebuilding;
};

static bool lacks_own_report(const struct task_line *l, const char *self)
{
	for (size_t i = 0; i < l->n_reports; i++)
		if (bytes_equal(bytes_str(l->report[i].member->slug), bytes_str(self)))
			return l->report[i].takes_part && !l->report[i].value;
	return false;
}

static void count_tasks(const struct view *v, const struct node *n, struct counts *out)
{
	size_t end;
	*out = (struct counts){0};
	for (size_t from = 0; view_next_task(v, &from, &end); from = end) {
		struct task_line l;
		task_line_make(v, &n->roster, from, end, &l);
		if (!l.task)
			continue;
		out->tasks++;
		out->withdrawn += l.task->withdrawn;
		out->reported += l.participants > 0 && l.reported == l.participants;
		out->by_status[l.overall && status_name(l.overall->status) ? l.overall->status
									   : 0]++;
		out->unreported_here += !l.task->withdrawn && lacks_own_report(&l, n->member);
	}
}

static void put_forks(struct sheet *s, const struct ctl_status *st)
{
	for (size_t i = 0; i < st->n_logs; i++)
		if (st->logs[i].forked)
			sheet_line(s, TONE_BAD,
				tr("!! FORK: log %.*s has two histories, signed by %.*s; frozen at "
				   "%llu entries"),
				(int)st->logs[i].origin.n, (const char *)st->logs[i].origin.p,
				(int)st->logs[i].member.n, (const char *)st->logs[i].member.p,
				(unsigned long long)st->logs[i].size);
	if (st->evidence > 0)
		sheet_line(s, TONE_BAD, "%s",
			tr("!! proven by evidence that anybody can verify -> deltactl evidence "
			   "list"));
	for (size_t i = 0; i < st->n_peers; i++)
		if (st->peers[i].agree == AGREE_NO)
			sheet_line(s, TONE_BAD,
				tr("!! VIEWS DIFFER: %.*s holds the same entries and shows another "
				   "view, first at %.*s"),
				(int)st->peers[i].member.n, (const char *)st->peers[i].member.p,
				(int)st->peers[i].differs_at.n,
				(const char *)st->peers[i].differs_at.p);
}

/* Governance that needs somebody: shown with what is worst. */
static void put_roster(struct sheet *s, const struct ctl_status *st)
{
	char date[DATE_TEXT_SIZE];
	char *said = said_tr_bytes(st->roster_conflict);
	if (*said)
		sheet_line(
			s, TONE_BAD, tr("!! ROSTER: %s -> deltactl roster show --history"), said);
	free(said);
	show_date(st->roster_not_after, date);
	if (st->roster_not_after != 0 && show_today(st->now_ms) > st->roster_not_after)
		sheet_line(s, TONE_WARN,
			tr("! the roster was meant to be valid until %s: the offices sign the next "
			   "version -> deltactl roster next"),
			date);
	sheet_fact(s, "roster_version", json_number(st->roster_version));
	sheet_fact(s, "roster_not_after", json_date(st->roster_not_after));
	sheet_fact(s, "roster_conflict", json_text(st->roster_conflict));
}

static void put_clones(struct sheet *s, const struct ctl_status *st)
{
	static const struct column columns[] = {
		{.key = "member"}, {.key = "first"}, {.key = "second"}, {.key = "kind"}};
	struct table *t = sheet_table(s, "clones", columns, 4, NULL, NULL);
	for (size_t i = 0; i < st->n_clones; i++) {
		const struct ctl_clone *c = &st->clones[i];
		sheet_line(s, TONE_BAD,
			tr("!! TWO NODES WRITE AS %.*s? logs %.*s and %.*s: a copied machine, or a "
			   "backup restored twice"),
			(int)c->member.n, (const char *)c->member.p, (int)c->first.n,
			(const char *)c->first.p, (int)c->second.n, (const char *)c->second.p);
		table_text(t, TONE_NONE, c->member, NULL);
		table_text(t, TONE_NONE, c->first, NULL);
		table_text(t, TONE_NONE, c->second, NULL);
		table_number(t, c->kind);
	}
}

static void put_rebuild(struct sheet *s, const struct ctl_status *st)
{
	if (st->n_rebuild == 0)
		return;
	const struct ctl_rebuild *b = st->rebuild;
	sheet_line(s, TONE_WARN,
		tr("! this node gets its own log back and writes nothing before: %llu of %llu own "
		   "entries, %llu of %llu in all, %u peers connected"),
		(unsigned long long)b->own_here, (unsigned long long)b->own_known,
		(unsigned long long)b->all_here, (unsigned long long)b->all_known, b->heard);
	sheet_fact(s, "rebuild_own_here", json_number(b->own_here));
	sheet_fact(s, "rebuild_own_known", json_number(b->own_known));
	sheet_fact(s, "rebuild_all_here", json_number(b->all_here));
	sheet_fact(s, "rebuild_all_known", json_number(b->all_known));
}

static void put_state(struct sheet *s, const struct ctl_status *st)
{
	char *state = said_tr_bytes(st->state), *why = said_tr_bytes(st->state_text);
	sheet_line(s, TONE_BAD, tr("! state: %s: %s"), state, why);
	free(state);
	free(why);
}

static void put_head(struct sheet *s, const struct picture *p, const struct ctl_status *st)
{
	char root[SHORT_ID_SIZE];
	char *up = show_span(st->now_ms - st->started_ms);
	show_id(st->view_root, root);
	bool running = bytes_equal(st->state, bytes_str("running")) || st->n_rebuild > 0;
	if (!running)
		put_state(s, st);
	const struct member *self = node_self(p->node);
	sheet_line(s, TONE_NONE, tr("node %s %s  up %s  entries %llu  view root %s  rules %u"),
		p->node->member, self ? self->name : "", up, (unsigned long long)st->entries, root,
		st->rules_version);
	free(up);
}

/* What this node does not do for others, or cannot do at all. */
static void put_limits(struct sheet *s, const struct ctl_status *st)
{
	if (st->full)
		sheet_line(s, TONE_BAD, "%s",
			tr("!! NOTHING CAN BE WRITTEN: this office can have no further log; the "
			   "offices sign a version of the roster that retires old ones -> deltactl "
			   "roster next"));
	if (st->vouchers > 0)
		sheet_line(s, TONE_WARN,
			tr("! this node was set back and cosigns less or nothing: %u of %u others "
			   "have told it what it had cosigned"),
			st->vouched, st->vouchers);
	sheet_fact(s, "full", json_boolean(st->full));
	sheet_fact(s, "vouched", json_number(st->vouched));
	sheet_fact(s, "vouchers", json_number(st->vouchers));
}

/* Until then the view may still change, and is compared with nobody's. */
static void put_audit(struct sheet *s, const struct ctl_status *st)
{
	if (!st->provisional)
		return;
	sheet_line(s, TONE_WARN, tr("the view is provisional: %s"), agreement_provisional(st));
	for (size_t i = 0; i < st->n_logs; i++) {
		const struct ctl_log *l = &st->logs[i];
		if (l->audited < l->size)
			sheet_line(s, TONE_NONE, tr("  log %.*s audited through %llu of %llu"),
				(int)l->origin.n, (const char *)l->origin.p,
				(unsigned long long)l->audited, (unsigned long long)l->size);
	}
}

static void put_final(struct sheet *s, const struct ctl_status *st)
{
	uint64_t final = 0, counted = 0;
	for (size_t i = 0; i < st->n_logs; i++) {
		uint64_t n = agreement_count_entries(&st->logs[i]);
		final += st->logs[i].final_size < n ? st->logs[i].final_size : n;
		counted += n;
	}
	sheet_fact(s, "final_entries", json_number(final));
	if (st->entries == 0)
		return;
	if (final == counted)
		sheet_line(s, TONE_NONE, "%s", tr("all entries are final"));
	else
		sheet_line(s, TONE_NONE, tr("final: %llu of %llu entries"),
			(unsigned long long) final, (unsigned long long)counted);
}

static void put_agreement(struct sheet *s, const struct picture *p)
{
	const struct agreement *a = &p->agreement;
	if (a->peers == 0)
		return;
	if (a->converged)
		sheet_line(s, TONE_GOOD, tr("all %u peers are connected and show the same view"),
			a->peers);
	else
		sheet_line(s, TONE_WARN,
			tr("%u of %u peers connected, %u agree with this view, %llu entries "
			   "missing "
			   "here"),
			a->connected, a->peers, a->agreeing, (unsigned long long)a->missing);
}

static void put_plan(struct sheet *s, const struct counts *c)
{
	struct buf b = {0};
	sheet_fact(s, "tasks", json_number(c->tasks));
	sheet_fact(s, "tasks_reported_by_all", json_number(c->reported));
	if (c->tasks == 0) {
		sheet_line(
			s, TONE_NONE, "%s", tr("no tasks yet; the regional office loads the plan"));
		return;
	}
	for (uint32_t i = 0; i <= STATUS_WITHDRAWN; i++)
		if (c->by_status[i] > 0)
			buf_printf(&b, "%s%s %zu", b.n ? tr_word(", ") : "",
				i ? tr_word(status_name(i)) : tr("no overall status"),
				c->by_status[i]);
	sheet_line(s, TONE_NONE, tr("tasks %zu (%.*s); reported by every participant %zu"),
		c->tasks, (int)b.n, (const char *)b.p, c->reported);
	buf_release(&b);
}

static void put_hints(struct sheet *s, const struct picture *p, const struct ctl_status *st)
{
	if (st->conflicts > 0)
		sheet_line(s, TONE_WARN, tr("hint: %llu conflicts to decide -> deltactl conflicts"),
			(unsigned long long)st->conflicts);
	if (p->agreement.missing > 0 || st->pending > 0 || st->unknown > 0)
		sheet_line(s, TONE_WARN,
			tr("hint: %llu entries missing, %llu pending, %llu of a newer version -> "
			   "deltactl missing"),
			(unsigned long long)p->agreement.missing, (unsigned long long)st->pending,
			(unsigned long long)st->unknown);
	if (p->counts.unreported_here > 0)
		sheet_line(s, TONE_NONE,
			tr("hint: %zu tasks of %s have no report yet -> deltactl task list "
			   "--province %s"),
			p->counts.unreported_here, p->node->member, p->node->member);
}

static void put_facts(struct sheet *s, const struct picture *p, const struct ctl_status *st)
{
	sheet_fact(s, "member", json_text(bytes_str(p->node->member)));
	sheet_fact(s, "cluster", json_text(bytes_str(p->node->roster.cluster)));
	sheet_fact(s, "cluster_id", json_hex(hash_bytes(&p->node->roster.cluster_id)));
	sheet_fact(s, "state", json_text(st->state));
	sheet_fact(s, "state_text", json_text(st->state_text));
	sheet_fact(s, "started_ms", json_integer(st->started_ms));
	sheet_fact(s, "now_ms", json_integer(st->now_ms));
	sheet_fact(s, "entries", json_number(st->entries));
	sheet_fact(s, "view_root", json_hex(st->view_root));
	sheet_fact(s, "rules_version", json_number(st->rules_version));
	sheet_fact(s, "provisional", json_boolean(st->provisional));
	sheet_fact(s, "conflicts", json_number(st->conflicts));
	sheet_fact(s, "pending", json_number(st->pending));
	sheet_fact(s, "unknown", json_number(st->unknown));
	sheet_fact(s, "strangers", json_number(st->strangers));
	sheet_fact(s, "wal_bytes", json_number(st->wal_bytes));
	sheet_fact(s, "converged", json_boolean(p->agreement.converged));
	sheet_fact(s, "diverged", json_boolean(p->agreement.diverged));
	sheet_fact(s, "forked", json_boolean(p->agreement.forked));
	sheet_fact(s, "evidence", json_number(st->evidence));
}

/* By whom, up to where. */
static json_t *cosigned_json(const struct ctl_log *l)
{
	json_t *list = json_object();
	for (size_t i = 0; i < l->n_cosigned; i++) {
		char member[SLUG_SIZE];
		text_print(member, sizeof member, "%.*s", (int)l->cosigned[i].member.n,
			(const char *)l->cosigned[i].member.p);
		json_object_set_new(list, member, json_number(l->cosigned[i].size));
	}
	return list;
}

static void put_logs(struct sheet *s, const struct ctl_status *st)
{
	static const struct column columns[] = {
		{.key = "origin"},
		{.key = "member"},
		{.key = "size"},
		{.key = "seen_size"},
		{.key = "root"},
		{.key = "forked"},
		{.key = "void"},
		{.key = "audited"},
		{.key = "final_size"},
		{.key = "cosigned", .no_tsv = true},
		{.key = "retired_at"},
	};
	struct table *t = sheet_table(s, "logs", columns, 11, NULL, NULL);
	for (size_t i = 0; i < st->n_logs; i++) {
		const struct ctl_log *l = &st->logs[i];
		table_text(t, TONE_NONE, l->origin, NULL);
		table_text(t, TONE_NONE, l->member, NULL);
		table_number(t, l->size);
		table_number(t, l->seen_size);
		table_cell(t, TONE_NONE, json_hex(l->root), NULL);
		table_cell(t, TONE_NONE, json_boolean(l->forked), NULL);
		table_number(t, l->findings);
		table_number(t, l->audited);
		table_number(t, l->final_size);
		table_cell(t, TONE_NONE, cosigned_json(l), NULL);
		table_cell(
			t, TONE_NONE, l->retired ? json_number(l->retired_at) : json_null(), NULL);
	}
}

static int draw(void *arg, const struct ctl_status *st, struct err *e)
{
	struct picture *p = arg;
	(void)e;
	agreement_judge(st, &p->node->roster, &p->agreement, NULL);
	p->rebuilding = st->n_rebuild > 0;
	if (args_has(p->app->args, OPT_CHECK) && p->app->out.quiet)
		return RC_OK;
	struct sheet *s = sheet_new("status");
	put_forks(s, st);
	put_roster(s, st);
	put_clones(s, st);
	put_head(s, p, st);
	put_rebuild(s, st);
	put_limits(s, st);
	put_facts(s, p, st);
	peers_table_short(s, st);
	put_audit(s, st);
	put_agreement(s, p);
	put_final(s, st);
	put_plan(s, &p->counts);
	put_hints(s, p, st);
	put_logs(s, st);
	if (args_has(p->app->args, OPT_WATCH) && p->app->out.mode == OUTPUT_SCREEN)
		fputs("\033[H\033[2J", p->app->out.to);
	sheet_print(s, &p->app->out);
	sheet_free(s);
	return RC_OK;
}

/* A node that has no roster yet has a state and nothing else. */
static int draw_bare(struct app *app, const struct node *n, struct err *e)
{
	struct sheet *s = sheet_new("status");
	sheet_line(s, TONE_WARN,
		tr("node %s is up and waits for the roster: deltactl roster install FILE (a node "
		   "that lost its disk: deltactl rebuild --from-peers FILE)"),
		n->member);
	sheet_fact(s, "member", json_text(bytes_str(n->member)));
	sheet_fact(s, "state", json_text(bytes_str(n->state)));
	sheet_print(s, &app->out);
	sheet_free(s);
	if (!args_has(app->args, OPT_CHECK))
		return RC_OK;
	return err_set(e, RC_TIMEOUT, tr("no roster is installed, so nothing can be in step"));
}

static int take_picture(struct picture *p, struct node *n, struct err *e)
{
	struct view v = {0};
	int rc = view_fetch(&v, n, &(struct ctl_query){.any_task = true, .any_holder = true}, e);
	if (rc == RC_OK)
		count_tasks(&v, n, &p->counts);
	view_release(&v);
	return rc == RC_OK ? status_fetch(n, draw, p, e) : rc;
}

static int watch(struct picture *p, struct node *n, struct err *e)
{
	struct connection events;
	struct ctl_request r = {.kind = CTL_SUBSCRIBE};
	int rc = connection_open(&events, n->line.path, n->line.timeout_ms, e);
	if (rc == RC_OK)
		rc = connection_send(&events, &r, e);
	while (rc == RC_OK) {
		struct ctl_reply reply;
		struct err quiet = {0};
		rc = take_picture(p, n, e);
		if (rc == RC_OK)
			rc = output_finish(&p->app->out, e);
		if (rc != RC_OK || ferror(p->app->out.to))
			break;
		rc = connection_next(&events, WATCH_IDLE_MS, &reply, &quiet);
		while (rc == RC_OK)
			rc = connection_next(&events, WATCH_PAUSE_MS, &reply, &quiet);
		rc = rc == RC_TIMEOUT ? RC_OK : err_set(e, rc, "%s", quiet.text);
	}
	connection_close(&events);
	return rc;
}

static int judge(const struct picture *p, struct err *e)
{
	const struct agreement *a = &p->agreement;
	if (a->forked)
		return err_set(e, RC_FORK, "%s", tr("a log has two histories"));
	if (a->diverged)
		return err_set(e, RC_DIVERGED, "%s", tr("a peer shows another view"));
	if (p->rebuilding)
		return err_set(
			e, RC_TIMEOUT, "%s", tr("this node has not got its own log back yet"));
	if (!a->converged)
		return err_set(e, RC_TIMEOUT, tr("%u of %u peers agree, %llu entries are missing"),
			a->agreeing, a->peers, (unsigned long long)a->missing);
	return RC_OK;
}

int cmd_status(struct app *app, struct err *e)
{
	struct node node;
	struct picture p = {.app = app, .node = &node};
	int rc = args_exclude(app->args, OPT_WATCH, OPT_CHECK, e);
	if (rc != RC_OK)
		return rc;
	rc = node_open(&node, app->args, e);
	if (rc == RC_OK && !node.has_roster) {
		rc = draw_bare(app, &node, e);
	} else if (rc == RC_OK && args_has(app->args, OPT_WATCH)) {
		rc = watch(&p, &node, e);
	} else if (rc == RC_OK) {
		rc = take_picture(&p, &node, e);
		if (rc == RC_OK && args_has(app->args, OPT_CHECK))
			rc = judge(&p, e);
	}
	node_close(&node);
	return rc;
}
