#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/changes.h"
#include "client/show.h"
#include "client/text.h"

static int unknown_outcome(const char *why, struct err *e)
{
	return err_set(e, RC_UNKNOWN_OUTCOME,
		tr("%.180s; it may or may not be posted: run the same command again, it posts the "
		   "same change once"),
		why);
}

/* The node says what it took; it must be what we signed. */
static int take_posted(struct changes *c, const struct ctl_reply *r, struct err *e)
{
	if (r->kind != CTL_REPLY_POST || r->post.n != c->n)
		return err_set(e, RC_VERIFY, tr("the node answered for other changes than posted"));
	c->posted = xrealloc(c->posted, (c->n_posted + c->n) * sizeof *c->posted);
	for (size_t i = 0; i < c->n; i++) {
		const struct ctl_posted *p = &r->post.posted[i];
		if (!bytes_equal(p->change_id, hash_bytes(&c->id[i])))
			return err_set(e, RC_VERIFY,
				tr("the node answered with the id of another change than posted"));
		struct posted_change *to = &c->posted[c->n_posted++];
		*to = (struct posted_change){.index = p->index, .id = c->id[i]};
		snprintf(to->origin, sizeof to->origin, "%.*s", (int)p->origin.n,
			(const char *)p->origin.p);
	}
	return RC_OK;
}

/* About the changes? A node that takes nothing now has not looked whether it has them. */
static bool is_of_changes(int rc)
{
	return rc_exit(rc) != rc_exit(RC_DEGRADED) && rc_exit(rc) != rc_exit(RC_UNREACHABLE);
}

/* Sent: from here on only the node's word tells how it ended. */
static int await_outcome(struct changes *c, struct err *e)
{
	struct ctl_reply reply;
	struct err why = {0};
	int rc = connection_next(&c->node.line, c->node.line.timeout_ms, &reply, &why);
	if (rc != RC_OK)
		return unknown_outcome(why.text, e);
	if (reply.rc == RC_UNKNOWN_OUTCOME) {
		connection_refusal(&reply, &why);
		return unknown_outcome(why.text, e);
	}
	if (reply.rc != RC_OK) {
		if (!c->is_left || is_of_changes(reply.rc))
			pending_forget(&c->pending);
		return connection_refusal(&reply, e);
	}
	c->is_known = true;
	return take_posted(c, &reply, e);
}

static int send_request(struct changes *c, struct err *e)
{
	struct ctl_request r = {.kind = CTL_POST, .changes = c->body, .n_changes = c->n};
	if (c->kind != 0)
		r = (struct ctl_request){.kind = CTL_POST_EVENT,
			.event_kind = (enum leaf_kind)c->kind,
			.event = c->body[0]};
	return connection_send(&c->node.line, &r, e);
}

int changes_post(struct changes *c, struct err *e)
{
	if (c->n == 0)
		return RC_OK;
	c->is_known = false;
	int rc = pending_keep(&c->pending, c->kind, c->body, c->n, e);
	if (rc != RC_OK)
		return rc;
	rc = send_request(c, e);
	if (rc == RC_OK)
		rc = await_outcome(c, e);
	else if (!c->is_left)
		pending_forget(&c->pending);
	c->n = 0;
	c->bytes = 0;
	return rc;
}

int changes_resume(struct changes *c, struct err *e)
{
	struct buf memory = {0};
	struct signed_body *bodies = NULL;
	size_t n = 0;
	uint32_t kind = 0;
	int rc = pending_load(&c->pending, &memory, &kind, &bodies, &n, e);
	if (rc == RC_OK && (kind != c->kind || (kind != 0 && n != 1)))
		rc = err_set(e, RC_INPUT, tr("%.200s is of another command; remove it"),
			c->pending.path);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		changes_add_signed(c, &bodies[i]);
	if (rc == RC_OK) {
		c->is_left = true;
		rc = changes_post(c, e);
		c->is_left = false;
	}
	free(bodies);
	buf_release(&memory);
	if (rc == PENDING_NONE)
		return RC_OK;
	return rc == RC_OK ? CHANGES_RESUMED : rc;
}

void changes_report(const struct changes *c, const struct output *o)
{
	static const struct column columns[] = {
		{.key = "change", .title = N_("change")},
		{.key = "origin", .title = N_("log")},
		{.key = "index", .title = N_("entry"), .right = true},
	};
	struct sheet *s = sheet_new("posted");
	struct table *t =
		sheet_table(s, "posted", columns, 3, NULL, tr("dry run: nothing was posted"));
	for (size_t i = 0; i < c->n_posted; i++) {
		const struct posted_change *p = &c->posted[i];
		char id[SHORT_ID_SIZE];
		show_id(hash_bytes(&p->id), id);
		table_cell(t, TONE_NONE, json_hex(hash_bytes(&p->id)), id);
		table_text(t, TONE_NONE, bytes_str(p->origin), NULL);
		table_number(t, p->index);
	}
	if (!o->quiet || o->mode == OUTPUT_JSON)
		sheet_print(s, o);
	/* Before changes_end forgets it: who interrupts us until then posts it again, once. */
	fflush(o->to);
	sheet_free(s);
}

const struct ctl_operator *changes_operator(const struct changes *c, struct bytes key)
{
	const struct ctl_operator *newest = NULL;
	for (size_t i = 0; i < c->operators.n; i++) {
		const struct ctl_operator *op = &c->operators.op[i];
		if (op->below == 0 && bytes_equal(op->key, key) &&
			bytes_equal(op->member, bytes_str(c->node.member)))
			newest = op;
	}
	return newest;
}

char *changes_scope_text(const struct bytes *scope, size_t n)
{
	struct buf b = {0};
	for (size_t i = 0; i < n; i++) {
		buf_put_str(&b, i > 0 ? tr_word(", ") : "");
		buf_put_bytes(&b, scope[i]);
	}
	buf_put_str(&b, n == 0 ? tr("all tasks") : "");
	buf_put_u8(&b, 0);
	return (char *)b.p;
}

int changes_event(struct changes *c, const struct app *app, struct bytes body, struct err *e)
{
	int rc = changes_add_event(c, body, e);
	return rc == RC_OK && !args_has(app->args, OPT_DRY_RUN) ? changes_post(c, e) : rc;
}

int changes_run(struct app *app, uint32_t kind, changes_events_fn *fn, void *arg, struct err *e)
{
	struct changes *c = xalloc(sizeof *c);
	int rc = changes_begin(c, kind, app->args, e);
	if (rc == RC_OK && !args_has(app->args, OPT_DRY_RUN))
		rc = changes_resume(c, e);
	if (rc == RC_OK)
		rc = fn(c, app, arg, e);
	if (rc == RC_OK || rc == CHANGES_RESUMED)
		changes_report(c, &app->out);
	changes_end(c);
	free(c);
	return rc > 0 ? RC_OK : rc;
}
