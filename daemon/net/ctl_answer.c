/* What each request of the control socket does. Reads end the turn's group first, so that they see
 * what is committed; writes are answered when their group is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/loop.h"
#include "proto/base/log.h"

/* A damaged database ends the process even if it was only read. */
static void read_failed(struct client *c, uint32_t id, int rc, const struct err *e)
{
	client_error(c, id, rc, e->text);
	if (rc == RC_CORRUPT)
		(void)turn_survives(c->shell, rc, e);
}

static void answer_info(struct client *c, uint32_t id)
{
	struct shell *s = c->shell;
	struct buf note = {0};
	struct err e = {0};
	turn_settle(s);
	int rc = replica_roster_note(s->replica, &note, &e);
	if (rc < 0) {
		read_failed(c, id, rc, &e);
	} else {
		struct ctl_reply r = {.id = id, .kind = CTL_REPLY_INFO};
		r.info.member = bytes_str(s->settings.member);
		r.info.software = bytes_str(s->config.software);
		r.info.roster = buf_bytes(&note);
		r.info.state = bytes_str(loop_state_name(s));
		client_reply(c, &r);
	}
	buf_release(&note);
}

/* What only the shell knows of a peer. */
static void fill_peer(const struct shell *s, struct ctl_peer *out)
{
	for (size_t i = 0; i < s->peers.n; i++) {
		const struct peer *p = &s->peers.peer[i];
		if (!bytes_equal(out->member, bytes_str(p->slug)))
			continue;
		out->address = bytes_str(p->addr_text);
		out->bytes_in = p->bytes_in + (p->session ? p->session->tenure.bytes_in : 0);
		out->bytes_out = p->bytes_out + (p->session ? p->session->bytes_out : 0);
		if (out->last_error.n == 0 && !p->session)
			out->last_error = bytes_str(p->trouble);
	}
}

static void answer_status(struct client *c, uint32_t id)
{
	struct shell *s = c->shell;
	struct ctl_reply r = {.id = id, .kind = CTL_REPLY_STATUS};
	struct err e = {0};
	turn_settle(s);
	int rc = replica_status(s->replica, loop_now(), &r.status, &e);
	if (rc) {
		read_failed(c, id, rc, &e);
		return;
	}
	r.status.started_ms = s->started.wall.v;
	r.status.state = bytes_str(loop_state_name(s));
	if (s->degraded[0])
		r.status.state_text = bytes_str(s->degraded);
	r.status.strangers = s->peers.strangers;
	r.status.wal_bytes = s->config.wal_bytes(s->config.arg);
	for (size_t i = 0; i < r.status.n_peers; i++)
		fill_peer(s, &r.status.peers[i]);
	client_reply(c, &r);
}

static void answer_operators(struct client *c, uint32_t id)
{
	struct ctl_reply r = {.id = id, .kind = CTL_REPLY_OPERATORS};
	const struct ctl_operator *operators;
	struct err e = {0};
	turn_settle(c->shell);
	int rc = replica_operators(c->shell->replica, &operators, &r.operators.n, &e);
	if (rc) {
		read_failed(c, id, rc, &e);
		return;
	}
	r.operators.operators = (struct ctl_operator *)(uintptr_t)operators;
	client_reply(c, &r);
}

static void answer_proof(struct client *c, const struct ctl_request *r)
{
	struct ctl_reply out = {.id = r->id, .kind = CTL_REPLY_PROOF};
	struct err e = {0};
	turn_settle(c->shell);
	int rc = replica_proof(c->shell->replica, r->proof.origin, r->proof.index, &out.proof, &e);
	if (rc == RC_NOT_FOUND)
		client_error(c, r->id, rc, e.text);
	else if (rc != RC_OK)
		read_failed(c, r->id, rc, &e);
	else
		client_reply(c, &out);
}

static void answer_evidence(struct client *c, const struct ctl_request *r)
{
	struct ctl_reply out = {.id = r->id, .kind = CTL_REPLY_EVIDENCE};
	turn_settle(c->shell);
	if (replica_evidence(c->shell->replica, r->evidence_at, &out.evidence) == RC_OK)
		client_reply(c, &out);
	else
		client_error(c, r->id, RC_NOT_FOUND,
			"there is no evidence of a fork here; no log is frozen");
}

static void answer_subscribe(struct client *c, uint32_t id)
{
	c->subscribed = true;
	c->subscribe_id = id;
	struct ctl_reply r = {
		.id = id, .more = true, .kind = CTL_REPLY_EVENT, .commit = c->shell->commits};
	client_reply(c, &r);
}

/* Entries are copied, because the core lends each only for the time of a call. */
#define PAGE_BYTES ((size_t)512 * 1024)
#define PAGE_ENTRIES 2048
#define ROUND_PAGES 8

struct page {
	struct client *client;
	struct buf leaves;
	struct ctl_entry *entry;
	size_t *at; /* where in leaves an entry's origin, id and leaf begin */
	size_t n, pages, pages_max;
	bool skipping, stopped;
};

static struct ctl_entry copied(const struct page *p, size_t i)
{
	struct ctl_entry e = p->entry[i];
	const uint8_t *from = p->leaves.p + p->at[i];
	e.origin.p = from;
	e.change_id.p = from + e.origin.n;
	e.leaf.p = from + e.origin.n + e.change_id.n;
	return e;
}

static void send_page(struct page *p, bool more)
{
	struct ctl_walk *w = &p->client->walk;
	struct ctl_reply r = {.id = w->id, .more = more, .kind = CTL_REPLY_ENTRIES};
	for (size_t i = 0; i < p->n; i++)
		p->entry[i] = copied(p, i);
	r.entries.entries = p->entry;
	r.entries.n = p->n;
	if (p->n > 0) {
		struct bytes origin = p->entry[p->n - 1].origin;
		ENSURE(origin.n < sizeof(w->origin));
		memcpy(w->origin, origin.p, origin.n);
		w->origin[origin.n] = '\0';
		w->index = p->entry[p->n - 1].index;
		w->resumed = true;
	}
	client_reply(p->client, &r);
	p->n = 0;
	p->pages++;
	buf_reset(&p->leaves);
}

static void keep_entry(struct page *p, const struct ctl_entry *e)
{
	p->at[p->n] = p->leaves.n;
	buf_put_bytes(&p->leaves, e->origin);
	buf_put_bytes(&p->leaves, e->change_id);
	buf_put_bytes(&p->leaves, e->leaf);
	p->entry[p->n++] = *e;
}

static int on_entry(void *arg, const struct ctl_entry *e)
{
	struct page *p = arg;
	struct ctl_walk *w = &p->client->walk;
	if (p->skipping) {
		p->skipping = e->index != w->index || !bytes_equal(e->origin, bytes_str(w->origin));
		return 0;
	}
	if (p->n == PAGE_ENTRIES || p->leaves.n >= PAGE_BYTES) {
		send_page(p, true);
		p->stopped = p->pages >= p->pages_max || p->client->state != CLIENT_OPEN;
		if (p->stopped)
			return 1;
	}
	keep_entry(p, e);
	return 0;
}

static void walk_round(struct client *c, struct page *p)
{
	const struct ctl_walk *w = &c->walk;
	struct replica *r = c->shell->replica;
	struct err e = {0};
	int rc = w->findings ? replica_findings(r, on_entry, p, &e)
			     : replica_query(r, &w->query, on_entry, p, &e);
	if (rc < 0)
		read_failed(c, w->id, rc, &e);
	else if (p->skipping)
		client_error(c, w->id, RC_REFUSED_STALE,
			"the answer changed while it was being sent; ask again");
	else if (!p->stopped)
		send_page(p, false);
	if (rc < 0 || !p->stopped)
		ctl_walk_end(c);
}

/* Several pages a round, because each round reads from the start up to where it left off; fewer
 * when many clients are being answered, so that all together stay within bounds. */
void ctl_walk_on(struct client *c)
{
	struct page p = {.client = c, .skipping = c->walk.resumed};
	turn_settle(c->shell);
	if (c->state != CLIENT_OPEN)
		return;
	p.pages_max = ROUND_PAGES / (c->shell->ctl.walking ? c->shell->ctl.walking : 1);
	if (p.pages_max == 0)
		p.pages_max = 1;
	p.entry = xalloc(PAGE_ENTRIES * sizeof(p.entry[0]));
	p.at = xalloc(PAGE_ENTRIES * sizeof(p.at[0]));
	walk_round(c, &p);
	free(p.entry);
	free(p.at);
	buf_release(&p.leaves);
}

void ctl_walk_end(struct client *c)
{
	if (!c->walk.active)
		return;
	c->shell->ctl.walking--;
	c->walk.active = false;
	c->asked = loop_now().mono;
}

static void start_walk(struct client *c, const struct ctl_request *r)
{
	struct ctl_walk *w = &c->walk;
	w->active = true;
	w->resumed = false;
	w->id = r->id;
	w->findings = r->kind == CTL_FINDINGS;
	w->query = r->query;
	c->shell->ctl.walking++;
	/* The request's own bytes go before the answer ends. */
	size_t n = r->query.task.n < sizeof(w->task) ? r->query.task.n : 0;
	if (n > 0)
		memcpy(w->task, r->query.task.p, n);
	w->query.task = bytes_of(w->task, n);
	buf_reset(&w->holder);
	buf_put_bytes(&w->holder, r->query.holder);
	w->query.holder = buf_bytes(&w->holder);
	ctl_walk_on(c);
}

static void answer_entries(struct client *c, const struct ctl_request *r)
{
	if (!replica_roster(c->shell->replica))
		client_error(c, r->id, RC_NO_ROSTER, "install the roster first");
	else if (r->kind == CTL_QUERY && !r->query.any_task && r->query.task.n >= TASK_KEY_SIZE)
		client_error(c, r->id, RC_INPUT, "there is no task of that key");
	else
		start_walk(c, r);
}

static void hold_posted(struct client *c, uint32_t id, const struct posted *posted, size_t n)
{
	struct ctl_reply r = {.id = id, .kind = CTL_REPLY_POST};
	struct ctl_posted *out = xalloc(n * sizeof(out[0]));
	for (size_t i = 0; i < n; i++)
		out[i] = (struct ctl_posted){.origin = bytes_str(posted[i].origin),
			.index = posted[i].index,
			.change_id = hash_bytes(&posted[i].id)};
	r.post.posted = out;
	r.post.n = n;
	client_hold(c, &r);
	free(out);
}

static int post(struct client *c, const struct ctl_request *r, struct posted *posted, struct err *e)
{
	struct replica *replica = c->shell->replica;
	if (r->kind == CTL_ANCHOR)
		return replica_anchor(replica, loop_now(), posted, e);
	if (r->kind == CTL_POST)
		return replica_post(replica, r->changes, r->n_changes, posted, loop_now(), e);
	return replica_post_event(replica, r->event_kind, &r->event, posted, loop_now(), e);
}

static void answer_post(struct client *c, const struct ctl_request *r)
{
	struct shell *s = c->shell;
	struct err e = {0};
	size_t n = r->kind == CTL_POST ? r->n_changes : 1;
	if (n == 0) {
		client_error(c, r->id, RC_INPUT, "nothing to post");
		return;
	}
	if (!loop_may_author(s, &e)) {
		client_error(c, r->id, e.rc, e.text);
		return;
	}
	struct posted *posted = xalloc(n * sizeof(posted[0]));
	int rc = post(c, r, posted, &e);
	/* In either case the group may fail before this answer was held. */
	if (!turn_survives(s, rc, &e))
		client_error(c, r->id, rc == RC_DISK_FULL ? RC_DEGRADED : rc, e.text);
	else if (rc)
		client_error(c, r->id, rc, e.text);
	else
		hold_posted(c, r->id, posted, n);
	free(posted);
}

static void answer_install(struct client *c, const struct ctl_request *r)
{
	struct shell *s = c->shell;
	struct ctl_reply ok = {.id = r->id};
	struct err e = {0};
	if (c->role != CTL_ROLE_ADMIN) {
		client_error(c, r->id, RC_DENIED,
			"only root or the daemon's own user may install a roster");
		return;
	}
	if (!loop_may_author(s, &e)) {
		client_error(c, r->id, e.rc, e.text);
		return;
	}
	struct bytes notes[CTL_ROSTERS_MAX] = {r->note};
	for (size_t i = 0; i < r->n_later; i++)
		notes[i + 1] = r->later[i];
	bool alone = r->rebuild == REBUILD_ALONE;
	int rc = r->rebuild == REBUILD_NO
		? replica_install_rosters(s->replica, notes, r->n_later + 1, loop_now(), &e)
		: replica_rebuild(s->replica, notes, r->n_later + 1, alone, loop_now(), &e);
	if (!turn_survives(s, rc, &e) || rc)
		client_error(c, r->id, rc, e.text);
	else
		client_hold(c, &ok);
}

struct roster_answer {
	struct client *client;
	uint32_t id;
	struct buf note; /* the one before, which is sent once another follows */
	bool in_force, held;
};

static void send_roster(struct roster_answer *a, bool more)
{
	struct ctl_reply r = {.id = a->id, .more = more, .kind = CTL_REPLY_ROSTER};
	r.roster.note = buf_bytes(&a->note);
	r.roster.in_force = a->in_force;
	client_reply(a->client, &r);
}

static int on_roster(void *arg, struct bytes note, bool in_force)
{
	struct roster_answer *a = arg;
	if (a->held)
		send_roster(a, true);
	buf_reset(&a->note);
	buf_put_bytes(&a->note, note);
	a->in_force = in_force;
	a->held = true;
	return a->client->state == CLIENT_OPEN ? 0 : 1;
}

static void answer_rosters(struct client *c, uint32_t id)
{
	struct roster_answer a = {.client = c, .id = id};
	struct err e = {0};
	turn_settle(c->shell);
	int rc = replica_rosters(c->shell->replica, on_roster, &a, &e);
	if (rc)
		read_failed(c, id, rc, &e);
	else if (a.held)
		send_roster(&a, false);
	else
		client_error(c, id, RC_NO_ROSTER, "install the roster first");
	buf_release(&a.note);
}

void ctl_answer(struct client *c, const struct ctl_request *r)
{
	switch (r->kind) {
	case CTL_INFO: answer_info(c, r->id); break;
	case CTL_STATUS: answer_status(c, r->id); break;
	case CTL_OPERATORS: answer_operators(c, r->id); break;
	case CTL_QUERY:
	case CTL_FINDINGS: answer_entries(c, r); break;
	case CTL_SUBSCRIBE: answer_subscribe(c, r->id); break;
	case CTL_PROOF: answer_proof(c, r); break;
	case CTL_EVIDENCE: answer_evidence(c, r); break;
	case CTL_POST:
	case CTL_POST_EVENT:
	case CTL_ANCHOR: answer_post(c, r); break;
	case CTL_INSTALL_ROSTER: answer_install(c, r); break;
	case CTL_ROSTERS: answer_rosters(c, r->id); break;
	case CTL_EXPORT_BUNDLE: ctl_export_begin(c, r); break;
	case CTL_IMPORT_BUNDLE: ctl_import_take(c, r); break;
	case CTL_BACKUP: backup_answer(c, r); break;
	}
}
