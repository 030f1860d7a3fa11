#include "client/agreement.h"

#include "client/text.h"

static void lack(struct buf *b, const char *text)
{
	if (!b)
		return;
	buf_printf(b, "%s%s", b->n ? tr_word("; ") : "", text);
}

static void judge_logs(const struct ctl_status *s, struct agreement *out, struct buf *lacking)
{
	for (size_t i = 0; i < s->n_logs; i++) {
		const struct ctl_log *l = &s->logs[i];
		out->forked = out->forked || l->forked;
		if (l->seen_size <= l->size)
			continue;
		out->missing += l->seen_size - l->size;
		lack(lacking, "");
		if (lacking)
			buf_printf(lacking, tr("%llu entries of %.*s are missing"),
				(unsigned long long)(l->seen_size - l->size), (int)l->member.n,
				(const char *)l->member.p);
	}
}

const char *agreement_provisional(const struct ctl_status *s)
{
	for (size_t i = 0; i < s->n_logs; i++)
		if (s->logs[i].audited < s->logs[i].size)
			return tr("signatures of operators are still being checked");
	return tr("changes that waited for another one are still being decided");
}

static void judge_audit(const struct ctl_status *s, struct agreement *out, struct buf *lacking)
{
	out->provisional = s->provisional;
	if (s->provisional)
		lack(lacking, agreement_provisional(s));
}

static const struct ctl_peer *find_peer(const struct ctl_status *s, const char *slug)
{
	for (size_t i = 0; i < s->n_peers; i++)
		if (bytes_equal(s->peers[i].member, bytes_str(slug)))
			return &s->peers[i];
	return NULL;
}

static void judge_peer(
	const struct ctl_peer *p, const char *slug, struct agreement *out, struct buf *lacking)
{
	const char *why = NULL;
	out->peers++;
	if (p && p->agree == AGREE_NO)
		out->diverged = true;
	if (!p || !p->connected)
		why = tr("not connected");
	else if (p->agree == AGREE_NO)
		why = tr("its view differs");
	else if (p->behind > 0)
		why = tr("it lacks entries");
	else if (p->ahead > 0)
		why = tr("it has entries that are not here");
	else if (p->agree != AGREE_YES)
		why = tr("it has not confirmed an equal view");
	out->connected += p && p->connected;
	out->agreeing += why == NULL;
	if (!why)
		return;
	lack(lacking, slug);
	if (lacking)
		buf_printf(lacking, ": %s", why);
}

void agreement_judge(const struct ctl_status *s, const struct roster *r, struct agreement *out,
	struct buf *lacking)
{
	*out = (struct agreement){0};
	judge_logs(s, out, lacking);
	judge_audit(s, out, lacking);
	for (size_t i = 0; i < r->n; i++) {
		const char *slug = r->member[i].slug;
		if (!bytes_equal(bytes_str(slug), s->member))
			judge_peer(find_peer(s, slug), slug, out, lacking);
	}
	out->converged = !out->forked && !out->diverged && !out->provisional && out->missing == 0 &&
		out->agreeing == out->peers;
}

struct wanted {
	status_fn *fn;
	void *arg;
};

static int on_status(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct wanted *w = arg;
	if (r->kind != CTL_REPLY_STATUS)
		return err_set(e, RC_PEER_MESSAGE, tr("the node did not answer with its status"));
	return w->fn(w->arg, &r->status, e);
}

int status_fetch(struct node *n, status_fn *fn, void *arg, struct err *e)
{
	struct wanted w = {fn, arg};
	struct ctl_request r = {.kind = CTL_STATUS};
	return connection_call(&n->line, &r, on_status, &w, e);
}

uint64_t agreement_count_entries(const struct ctl_log *l)
{
	return l->retired && l->retired_at < l->size ? l->retired_at : l->size;
}
