#include "client/agreement.h"
#include "client/command.h"
#include "client/field.h"
#include "client/text.h"
#include "client/view.h"

#define WAIT_DEFAULT_MS 10000
/* Links come and go without a commit, so the status is read again this often at least. */
#define WAIT_STEP_MS 200

struct waiting {
	struct node node;
	struct connection events;
	int64_t timeout;
	/* What is waited for: looks, and sets done, or appends to lacking what stands in the way.
	 * An error ends the waiting. */
	int (*look)(struct waiting *w, struct err *e);
	bool done;
	struct buf lacking;
	struct agreement agreement;
	struct bytes task; /* for its current values; 0 bytes: everything here at the start */
	bool started;
	uint64_t goal[LIMIT_LOGS]; /* size of each log at the start, in the order of the status */
	uint64_t entries;
};

/* ---- converged ---- */

static int on_agreement(void *arg, const struct ctl_status *s, struct err *e)
{
	struct waiting *w = arg;
	(void)e;
	agreement_judge(s, &w->node.roster, &w->agreement, &w->lacking);
	return RC_OK;
}

static int look_converged(struct waiting *w, struct err *e)
{
	int rc = status_fetch(&w->node, on_agreement, w, e);
	if (rc != RC_OK)
		return rc;
	if (w->agreement.forked)
		return err_set(e, RC_FORK, tr("a log has two histories; deltactl status"));
	if (w->agreement.diverged)
		return err_set(
			e, RC_DIVERGED, "%.*s", (int)w->lacking.n, (const char *)w->lacking.p);
	w->done = w->agreement.converged;
	return RC_OK;
}

/* ---- final ---- */

static void lack_log(struct waiting *w, const struct ctl_log *l, uint64_t goal)
{
	buf_printf(&w->lacking, "%s%.*s: ", w->lacking.n ? tr_word("; ") : "", (int)l->origin.n,
		(const char *)l->origin.p);
	buf_printf(&w->lacking, tr("%llu of %llu entries are final"),
		(unsigned long long)l->final_size, (unsigned long long)goal);
}

/* A log that is frozen, of which nothing more will be cosigned, is not waited for. */
static int on_final(void *arg, const struct ctl_status *s, struct err *e)
{
	struct waiting *w = arg;
	(void)e;
	w->done = true;
	w->entries = 0;
	for (size_t i = 0; i < s->n_logs && i < LIMIT_LOGS; i++) {
		const struct ctl_log *l = &s->logs[i];
		if (!w->started)
			w->goal[i] = agreement_count_entries(l);
		if (l->forked)
			continue;
		w->entries += w->goal[i];
		if (l->final_size >= w->goal[i])
			continue;
		w->done = false;
		lack_log(w, l, w->goal[i]);
	}
	w->started = true;
	return RC_OK;
}

static int look_task(struct waiting *w, struct err *e)
{
	struct view v = {0};
	size_t open = 0;
	int rc = view_fetch(
		&v, &w->node, &(struct ctl_query){.task = w->task, .any_holder = true}, e);
	for (size_t i = 0; i < v.n; i++)
		open += !v.entry[i].final;
	w->entries = v.n;
	w->done = open == 0;
	if (rc == RC_OK && v.n == 0)
		rc = err_set(e, RC_NOT_FOUND,
			tr("nothing was ever said there; deltactl task list names the tasks, "
			   "deltactl task show KEY what a task has"));
	if (open > 0)
		buf_printf(&w->lacking, tr("%zu of %zu values are not final"), open, v.n);
	view_release(&v);
	return rc;
}

static int look_final(struct waiting *w, struct err *e)
{
	return w->task.n > 0 ? look_task(w, e) : status_fetch(&w->node, on_final, w, e);
}

/* ---- both ---- */

/* Returns at the next event, or after a while. */
static int wait_event(struct connection *events, int64_t ms, struct err *e)
{
	struct ctl_reply reply;
	struct err late = {0};
	int rc = connection_next(events, ms, &reply, &late);
	if (rc == RC_TIMEOUT)
		return RC_OK;
	if (rc != RC_OK)
		return err_set(e, rc, "%s", late.text);
	return reply.rc == RC_OK ? RC_OK : connection_refusal(&reply, e);
}

static int wait_until(struct waiting *w, struct err *e)
{
	int64_t start = mono_now_ms();
	for (;;) {
		buf_reset(&w->lacking);
		int rc = w->look(w, e);
		if (rc != RC_OK || w->done)
			return rc;
		int64_t left = w->timeout - (mono_now_ms() - start);
		if (left <= 0)
			return err_set(e, RC_TIMEOUT, "%.*s", (int)w->lacking.n,
				w->lacking.p ? (const char *)w->lacking.p : "");
		rc = wait_event(&w->events, left < WAIT_STEP_MS ? left : WAIT_STEP_MS, e);
		if (rc != RC_OK)
			return rc;
	}
}

static int wait_for(struct app *app, struct waiting *w, struct err *e)
{
	w->timeout = WAIT_DEFAULT_MS;
	w->events.fd = w->node.line.fd = -1;
	int rc = args_duration(app->args, OPT_TIMEOUT, &w->timeout, e);
	if (rc != RC_OK)
		return rc;
	/* --timeout is for the waiting; the node answers within its usual time. */
	struct args args = *app->args;
	args.value[OPT_TIMEOUT] = NULL;
	rc = node_open_ready(&w->node, &args, e);
	if (rc == RC_OK)
		rc = connection_open(&w->events, w->node.line.path, w->node.line.timeout_ms, e);
	if (rc == RC_OK) {
		struct ctl_request r = {.kind = CTL_SUBSCRIBE};
		rc = connection_send(&w->events, &r, e);
	}
	return rc == RC_OK ? wait_until(w, e) : rc;
}

static void waiting_release(struct waiting *w)
{
	buf_release(&w->lacking);
	connection_close(&w->events);
	node_close(&w->node);
}

int cmd_wait(struct app *app, struct err *e)
{
	struct waiting w = {.look = look_converged};
	int rc = wait_for(app, &w, e);
	if (rc == RC_OK && !app->out.quiet) {
		struct sheet *s = sheet_new("converged");
		sheet_line(s, TONE_GOOD, tr("converged: %u peers connected, all views equal"),
			w.agreement.peers);
		sheet_fact(s, "converged", json_true());
		sheet_fact(s, "peers", json_number(w.agreement.peers));
		sheet_print(s, &app->out);
		sheet_free(s);
	}
	waiting_release(&w);
	return rc;
}

int cmd_wait_final(struct app *app, struct err *e)
{
	struct waiting w = {.look = look_final};
	if (app->n_operands > 0 && field_parse_key(app->operand[0], &w.task, e) != RC_OK)
		return e->rc;
	int rc = wait_for(app, &w, e);
	if (rc == RC_OK && !app->out.quiet) {
		struct sheet *s = sheet_new("final");
		sheet_line(s, TONE_GOOD, tr("final: %llu entries, cosigned by enough members"),
			(unsigned long long)w.entries);
		sheet_fact(s, "final", json_true());
		sheet_fact(s, "entries", json_number(w.entries));
		sheet_print(s, &app->out);
		sheet_free(s);
	}
	waiting_release(&w);
	return rc;
}
