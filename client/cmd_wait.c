#include "client/agreement.h"
#include "client/command.h"
#include "client/text.h"

#define WAIT_DEFAULT_MS 10000
/* Links come and go without a commit, so the status is read again this often at least. */
#define WAIT_STEP_MS 200

struct waiting {
	const struct roster *roster;
	struct agreement agreement;
	struct buf lacking;
};

static int on_status(void *arg, const struct ctl_status *s, struct err *e)
{
	struct waiting *w = arg;
	(void)e;
	buf_reset(&w->lacking);
	agreement_judge(s, w->roster, &w->agreement, &w->lacking);
	return RC_OK;
}

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

static int wait_converged(struct node *node, struct connection *events, int64_t timeout,
	struct waiting *w, struct err *e)
{
	int64_t start = mono_now_ms();
	for (;;) {
		int rc = status_fetch(node, on_status, w, e);
		if (rc != RC_OK)
			return rc;
		if (w->agreement.forked)
			return err_set(e, RC_FORK, tr("a log has two histories; deltactl status"));
		if (w->agreement.diverged)
			return err_set(e, RC_DIVERGED, "%.*s", (int)w->lacking.n,
				(const char *)w->lacking.p);
		if (w->agreement.converged)
			return RC_OK;
		int64_t left = timeout - (mono_now_ms() - start);
		if (left <= 0)
			return err_set(e, RC_TIMEOUT, "%.*s", (int)w->lacking.n,
				w->lacking.p ? (const char *)w->lacking.p : "");
		rc = wait_event(events, left < WAIT_STEP_MS ? left : WAIT_STEP_MS, e);
		if (rc != RC_OK)
			return rc;
	}
}

int cmd_wait(struct app *app, struct err *e)
{
	struct node node;
	struct connection events = {.fd = -1};
	struct waiting w = {0};
	int64_t timeout = WAIT_DEFAULT_MS;
	int rc = args_duration(app->args, OPT_TIMEOUT, &timeout, e);
	if (rc != RC_OK)
		return rc;
	/* --timeout is for the waiting; the node answers within its usual time. */
	struct args args = *app->args;
	args.value[OPT_TIMEOUT] = NULL;
	rc = node_open_ready(&node, &args, e);
	if (rc == RC_OK)
		rc = connection_open(&events, node.line.path, node.line.timeout_ms, e);
	if (rc == RC_OK) {
		struct ctl_request r = {.kind = CTL_SUBSCRIBE};
		rc = connection_send(&events, &r, e);
	}
	w.roster = &node.roster;
	if (rc == RC_OK)
		rc = wait_converged(&node, &events, timeout, &w, e);
	if (rc == RC_OK && !app->out.quiet) {
		struct sheet *s = sheet_new("converged");
		sheet_line(s, TONE_GOOD, tr("converged: %u peers connected, all views equal"),
			w.agreement.peers);
		sheet_fact(s, "converged", json_true());
		sheet_fact(s, "peers", json_number(w.agreement.peers));
		sheet_print(s, &app->out);
		sheet_free(s);
	}
	buf_release(&w.lacking);
	connection_close(&events);
	node_close(&node);
	return rc;
}
