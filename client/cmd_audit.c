#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/audit_node.h"
#include "client/bundle.h"
#include "client/command.h"
#include "client/show.h"
#include "client/text.h"

static int on_record(void *arg, const struct message *m, struct err *e)
{
	return audit_take(arg, m, e);
}

static int take_file(struct audit *a, const char *path, struct err *e)
{
	int rc = bundle_each(path, on_record, a, e);
	if (rc == RC_OK && a->n_rosters == 0)
		rc = err_set(e, RC_INPUT, tr("the bundle does not begin with the roster"));
	return rc;
}

/* What the node holds, as a file of our own: it is read from its beginning, like one that came on a
 * disk. */
static int take_node(struct audit *a, struct node *node, struct err *e)
{
	char folder[] = "/tmp/deltactl-audit-XXXXXX";
	struct bundle_counts counts;
	if (!mkdtemp(folder))
		return err_set(e, RC_IO, tr("no folder can be made in /tmp"));
	char *path = show_text("%s/bundle", folder);
	int rc = bundle_save(node, &(struct ctl_export){.what = EXPORT_ALL}, path, &counts, e);
	if (rc == RC_OK)
		rc = take_file(a, path, e);
	(void)unlink(path);
	(void)rmdir(folder);
	free(path);
	return rc;
}

/* --since DATE, or the word anchor for the newest one. */
static int since(struct app *app, int64_t *wall_ms, struct err *e)
{
	struct bytes s = args_bytes(app->args, OPT_SINCE);
	uint32_t date;
	*wall_ms = INT64_MAX;
	if (s.n == 0 || bytes_equal(s, bytes_str("anchor")))
		return RC_OK;
	if (!date_parse(s, &date))
		return err_set(
			e, RC_USAGE, tr("--since wants a date as YYYY-MM-DD, or the word anchor"));
	*wall_ms = show_date_start(date);
	return RC_OK;
}

static int derive(struct app *app, struct audit *a, struct err *e)
{
	int64_t wall_ms;
	int rc = since(app, &wall_ms, e);
	if (rc != RC_OK)
		return rc;
	audit_read_leaves(a);
	if (args_has(app->args, OPT_SINCE))
		a->since = audit_since(a, wall_ms);
	audit_check_bodies(a);
	audit_check_logs(a);
	audit_check_anchors(a);
	audit_derive(a, audit_roster(a));
	audit_judge_owners(a);
	return RC_OK;
}

/* ---- the report ---- */

static void list_findings(struct sheet *s, const struct audit *a)
{
	static const struct column columns[] = {
		{.key = "id", .title = N_("finding")},
		{.key = "fails", .title = NULL},
		{.key = "origin", .title = N_("log")},
		{.key = "index", .title = N_("at"), .right = true},
		{.key = "what", .title = N_("what")},
		{.key = "text", .title = N_("who"), .wrap = true},
	};
	struct table *t = sheet_table(s, "findings", columns, 6, NULL, NULL);
	for (size_t i = 0; i < a->n_findings; i++) {
		const struct audit_finding *f = &a->finding[i];
		enum tone tone = audit_id_fails(f->id) ? TONE_BAD : TONE_FAINT;
		table_text(t, tone, bytes_str(audit_id_name(f->id)), NULL);
		table_cell(t, TONE_NONE, json_boolean(audit_id_fails(f->id)), NULL);
		table_text(t, TONE_NONE, f->origin, NULL);
		table_number(t, f->index);
		table_text(t, TONE_NONE, bytes_str(audit_id_text(f->id)), NULL);
		table_text(t, TONE_NONE, bytes_str(f->text), NULL);
	}
}

static uint64_t list_logs(struct sheet *s, const struct audit *a)
{
	static const struct column columns[] = {
		{.key = "origin", .title = N_("log")},
		{.key = "leaves", .title = N_("entries"), .right = true},
		{.key = "final", .title = N_("final below"), .right = true},
	};
	uint64_t leaves = 0;
	struct table *t = sheet_table(s, "logs", columns, 3, NULL, NULL);
	for (size_t i = 0; i < a->n_logs; i++) {
		table_text(t, TONE_NONE, bytes_str(a->log[i]->origin.text), NULL);
		table_number(t, a->log[i]->n);
		table_number(t, a->log[i]->final);
		leaves += a->log[i]->n;
	}
	return leaves;
}

static void say_since(struct sheet *s, const struct app *app, const struct audit *a)
{
	if (!args_has(app->args, OPT_SINCE))
		return;
	if (!a->since) {
		sheet_line(s, TONE_WARN,
			tr("no anchor was made before that: every signature was checked"));
		sheet_fact(s, "since", json_null());
		return;
	}
	const struct audit_leaf *x = a->since->leaf;
	char *place = show_text("%s#%llu", x->log->origin.text, (unsigned long long)x->index);
	sheet_line(s, TONE_WARN,
		tr("signatures of changes before the anchor %s were not checked again"), place);
	sheet_fact(s, "since", json_text(bytes_str(place)));
	free(place);
}

static void report(struct app *app, const struct audit *a)
{
	struct sheet *s = sheet_new("audit");
	char root[HASH_HEX_SIZE];
	hash_print(&a->view_root, root);
	uint64_t leaves = list_logs(s, a);
	list_findings(s, a);
	sheet_line(s, TONE_NONE,
		tr("%zu logs, %llu entries, %llu signatures of people, %llu heads, %llu "
		   "cosignatures"),
		a->n_logs, (unsigned long long)leaves, (unsigned long long)a->signatures,
		(unsigned long long)a->heads, (unsigned long long)a->cosignatures);
	say_since(s, app, a);
	if (a->n_more > 0)
		sheet_line(s, TONE_WARN, tr("%llu more findings are not listed"),
			(unsigned long long)a->n_more);
	sheet_line(s, TONE_NONE, tr("%zu current values, %zu anchors; view root %s"), a->n_current,
		a->n_anchors, root);
	sheet_line(s, a->failed ? TONE_BAD : TONE_GOOD, "%s",
		a->failed ? tr("THE AUDIT FAILED: see the findings")
			  : tr("everything holds; findings, if any, do not contradict it"));
	sheet_fact(s, "holds", json_boolean(!a->failed));
	sheet_fact(s, "exporter", json_text(buf_bytes(&a->exporter)));
	sheet_fact(s, "entries", json_number(leaves));
	sheet_fact(s, "signatures", json_number(a->signatures));
	sheet_fact(s, "heads", json_number(a->heads));
	sheet_fact(s, "cosignatures", json_number(a->cosignatures));
	sheet_fact(s, "findings_not_listed", json_number(a->n_more));
	sheet_fact(s, "anchors", json_number(a->n_anchors));
	sheet_fact(s, "view_root", json_text(bytes_str(root)));
	if (!app->out.quiet)
		sheet_print(s, &app->out);
	sheet_free(s);
}

static int verdict(const struct audit *a, struct err *e)
{
	if (a->forked)
		return err_set(e, RC_FORK, tr("the audit found a fork; deltactl evidence list"));
	if (a->failed)
		return err_set(e, RC_VERIFY, tr("the audit failed; see its findings"));
	return RC_OK;
}

static int audit_offline(struct app *app, struct audit *a, struct err *e)
{
	size_t leaves = 0;
	int rc = take_file(a, app->args->value[OPT_OFFLINE], e);
	for (size_t i = 0; i < a->n_logs; i++)
		leaves += a->log[i]->n;
	if (rc == RC_OK && leaves == 0)
		return err_set(e, RC_INPUT,
			tr("there are no entries in it to audit; make the bundle with deltactl "
			   "bundle export --all"));
	return rc == RC_OK ? derive(app, a, e) : rc;
}

static int audit_online(struct app *app, struct audit *a, struct err *e)
{
	struct node node;
	int rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = take_node(a, &node, e);
	if (rc == RC_OK)
		rc = derive(app, a, e);
	if (rc == RC_OK)
		rc = audit_compare(a, &node, e);
	node_close(&node);
	return rc;
}

int cmd_audit(struct app *app, struct err *e)
{
	struct audit *a = xalloc(sizeof *a);
	struct hash id;
	bool given;
	int rc = node_cluster_id(app->args, &id, &given, e);
	if (rc == RC_OK) {
		audit_init(a, given ? &id : NULL);
		rc = args_has(app->args, OPT_OFFLINE) ? audit_offline(app, a, e)
						      : audit_online(app, a, e);
	}
	if (rc == RC_OK) {
		report(app, a);
		rc = verdict(a, e);
	}
	audit_release(a);
	free(a);
	return rc;
}
