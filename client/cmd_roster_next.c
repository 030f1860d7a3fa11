#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/files.h"
#include "client/node.h"
#include "client/agreement.h"
#include "client/roster_text.h"
#include "client/text.h"

#define MEMBER_LINE_MAX 4096

struct drafting {
	struct node node;
	struct roster next;
	const char *reason; /* NULL: what the change itself says */
};

/* A member's line: of a new member, or what one is from now on. */
static int take_line(struct drafting *d, const char *path, struct err *e)
{
	struct roster *r = &d->next;
	struct buf line = {0};
	struct member m;
	int rc = file_read(path, MEMBER_LINE_MAX, &line, e);
	if (rc == RC_OK)
		rc = roster_parse_member_line(buf_bytes(&line), &m, e);
	buf_release(&line);
	if (rc != RC_OK)
		return err_prefix(e, "%.120s", path);
	int i = roster_find(r, bytes_str(m.slug));
	if (i < 0 && r->n == LIMIT_MEMBERS)
		return err_set(
			e, RC_ROSTER, tr("there are %d members, which is the most"), LIMIT_MEMBERS);
	if (i < 0) {
		i = (int)r->n++;
		memmove(&r->member[i + 1], &r->member[i], r->n_former * sizeof m);
	}
	r->member[i] = m;
	return RC_OK;
}

static int remove_member(struct roster *r, struct bytes slug, struct err *e)
{
	int i = roster_find(r, slug);
	if (i < 0)
		return err_set(e, RC_NOT_FOUND,
			tr("%.*s is no member; deltactl roster show names them"), (int)slug.n,
			(const char *)slug.p);
	if (r->n_former == LIMIT_FORMER)
		return err_set(e, RC_ROSTER, tr("%d members were removed, which is the most"),
			LIMIT_FORMER);
	struct member former = {.role = r->member[i].role, .former = true};
	memcpy(former.slug, r->member[i].slug, sizeof former.slug);
	memcpy(former.name, r->member[i].name, sizeof former.name);
	memmove(&r->member[i], &r->member[i + 1],
		(r->n + r->n_former - (size_t)i - 1) * sizeof former);
	r->n--;
	r->member[r->n + r->n_former++] = former;
	return RC_OK;
}

/* ---- logs that end ---- */

/* Where this node's copy ends, under the keys that its member has until now. */
static int retire(struct roster *r, const struct member *m, struct bytes origin, uint64_t size,
	struct bytes root, const char *reason, struct err *e)
{
	struct retirement t = {.valid_below = size};
	if (roster_retired(r, origin))
		return RC_OK;
	if (r->n_retired == LIMIT_RETIRED)
		return err_set(
			e, RC_ROSTER, tr("%d logs are retired, which is the most"), LIMIT_RETIRED);
	memcpy(t.root.b, root.p, HASH_BYTES);
	snprintf(t.origin, sizeof t.origin, "%.*s", (int)origin.n, (const char *)origin.p);
	snprintf(t.reason, sizeof t.reason, "%s", reason);
	memcpy(t.log, m->log, KEY_BYTES);
	memcpy(t.authority, m->root.public, KEY_BYTES);
	size_t at = r->n_retired++;
	for (; at > 0 && strcmp(r->retired[at - 1].origin, t.origin) > 0; at--)
		r->retired[at] = r->retired[at - 1];
	r->retired[at] = t;
	return RC_OK;
}

/* Why the logs of this member end; NULL: they do not. */
static const char *why_ends(const struct drafting *d, const struct member *m)
{
	int i = roster_find(&d->next, bytes_str(m->slug));
	if (i < 0)
		return d->reason ? d->reason : "removed";
	const struct member *after = &d->next.member[i];
	bool same = memcmp(m->log, after->log, KEY_BYTES) == 0 &&
		memcmp(m->root.public, after->root.public, KEY_BYTES) == 0;
	return same ? NULL : d->reason ? d->reason : "rotated";
}

static int retire_member(
	struct drafting *d, const struct member *m, const struct ctl_status *s, struct err *e)
{
	const char *reason = why_ends(d, m);
	size_t n = 0;
	int rc = RC_OK;
	for (size_t i = 0; reason && rc == RC_OK && i < s->n_logs; i++) {
		const struct ctl_log *log = &s->logs[i];
		if (!bytes_equal(log->member, bytes_str(m->slug)) || log->retired || log->size == 0)
			continue;
		rc = retire(&d->next, m, log->origin, log->size, log->root, reason, e);
		n++;
	}
	if (!reason || rc != RC_OK || n > 0)
		return rc;
	/* This node knows of nothing that it wrote; PROTOCOL 5.3 wants a line all the same. */
	struct origin none;
	struct hash root;
	origin_make(&none, d->next.cluster, m->slug, 1, 0);
	sha256((struct bytes){0}, &root);
	return retire(&d->next, m, bytes_str(none.text), 0, hash_bytes(&root), reason, e);
}

static int retire_named(
	struct drafting *d, struct bytes origin, const struct ctl_status *s, struct err *e)
{
	const struct roster *now = &d->node.roster;
	for (size_t i = 0; i < s->n_logs; i++) {
		const struct ctl_log *log = &s->logs[i];
		int m = roster_find(now, log->member);
		if (m >= 0 && bytes_equal(log->origin, origin))
			return retire(&d->next, &now->member[m], origin, log->size, log->root,
				d->reason ? d->reason : "forked", e);
	}
	return err_set(e, RC_NOT_FOUND,
		tr("this node holds no log %.*s of a member; deltactl status --json names them"),
		(int)origin.n, (const char *)origin.p);
}

struct retiring {
	struct drafting *d;
	struct bytes named; /* by --retire; empty: none */
};

static int on_status(void *arg, const struct ctl_status *s, struct err *e)
{
	struct retiring *r = arg;
	const struct roster *now = &r->d->node.roster;
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < now->n; i++)
		rc = retire_member(r->d, &now->member[i], s, e);
	return rc == RC_OK && r->named.n > 0 ? retire_named(r->d, r->named, s, e) : rc;
}

/* ---- all of it ---- */

static int take_options(struct drafting *d, const struct args *a, struct err *e)
{
	uint64_t final = d->next.final_quorum, quorum = d->next.province_quorum;
	int rc = args_date(a, OPT_NOT_AFTER, &d->next.not_after, e);
	if (rc == RC_OK)
		rc = args_number(a, OPT_FINAL, 1, LIMIT_MEMBERS, &final, e);
	if (rc == RC_OK)
		rc = args_number(a, OPT_QUORUM, 1, LIMIT_MEMBERS, &quorum, e);
	d->next.final_quorum = (unsigned) final;
	d->next.province_quorum = (unsigned)quorum;
	d->reason = a->value[OPT_REASON];
	if (rc == RC_OK && d->reason && !slug_is_valid(bytes_str(d->reason)))
		rc = err_set(e, RC_USAGE, tr("--reason is one word of a-z, 0-9 and -"));
	return rc;
}

static int draft(struct drafting *d, struct app *app, struct err *e)
{
	const struct args *a = app->args;
	struct retiring r = {d, args_bytes(a, OPT_RETIRE)};
	d->next = d->node.roster;
	d->next.version++;
	d->next.prev = d->node.roster.id;
	int rc = take_options(d, a, e);
	for (size_t i = 0; rc == RC_OK && i < app->n_operands; i++)
		rc = take_line(d, app->operand[i], e);
	if (rc == RC_OK && args_has(a, OPT_REMOVE))
		rc = remove_member(&d->next, args_bytes(a, OPT_REMOVE), e);
	return rc == RC_OK ? status_fetch(&d->node, on_status, &r, e) : rc;
}

/* What the roster itself refuses, said with the option that helps. */
static int check_numbers(const struct roster *r, struct err *e)
{
	size_t provinces = roster_provinces(r);
	if (r->n > 0 && r->final_quorum > r->n - 1)
		return err_set(e, RC_USAGE,
			tr("final would need %u cosignatures, and there are %zu other members; "
			   "say how many with --final"),
			r->final_quorum, r->n - 1);
	if (r->province_quorum > provinces)
		return err_set(e, RC_USAGE,
			tr("the version after it would need %u provinces, and there are %zu; say "
			   "how many with --quorum"),
			r->province_quorum, provinces);
	return RC_OK;
}

/* Only what may follow, and as it will be read. */
static int write_draft(struct drafting *d, struct app *app, struct err *e)
{
	struct buf text = {0};
	struct sheet *s = sheet_new("roster-next");
	roster_print(&d->next, &text);
	int rc = check_numbers(&d->next, e);
	if (rc == RC_OK)
		rc = roster_parse(buf_bytes(&text), &d->next, e);
	if (rc == RC_OK)
		rc = roster_check_next(&d->node.roster, &d->next, e);
	if (rc == RC_OK)
		rc = roster_describe_next(s, buf_bytes(&text), &d->node.roster, &d->next, e);
	if (rc == RC_OK)
		rc = file_write_new(app->args->value[OPT_OUTPUT], 0644, buf_bytes(&text), e);
	sheet_fact(s, "file", json_text(args_bytes(app->args, OPT_OUTPUT)));
	if (rc == RC_OK && !app->out.quiet)
		sheet_print(s, &app->out);
	sheet_free(s);
	buf_release(&text);
	return rc;
}

int cmd_roster_next(struct app *app, struct err *e)
{
	struct drafting *d = xalloc(sizeof *d);
	int rc = args_require(app->args, OPT_OUTPUT, e);
	d->node.line.fd = -1;
	if (rc == RC_OK)
		rc = node_open_ready(&d->node, app->args, e);
	if (rc == RC_OK)
		rc = draft(d, app, e);
	if (rc == RC_OK)
		rc = write_draft(d, app, e);
	node_close(&d->node);
	free(d);
	return rc;
}
