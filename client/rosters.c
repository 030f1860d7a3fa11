#include "client/rosters.h"

#include <stdlib.h>
#include <string.h>

#include "client/node.h"
#include "client/roster_text.h"
#include "client/text.h"

static int on_roster(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct roster_versions *v = arg;
	struct roster *parsed = xalloc(sizeof *parsed);
	if (r->kind != CTL_REPLY_ROSTER) {
		free(parsed);
		return err_set(e, RC_PEER_MESSAGE, tr("the node did not list its rosters"));
	}
	int rc = roster_of(r->roster.note, parsed, e);
	if (rc == RC_OK) {
		v->of = xrealloc(v->of, (v->n + 1) * sizeof *v->of);
		v->of[v->n] = (struct roster_version){.version = parsed->version,
			.id = parsed->id,
			.prev = parsed->prev,
			.not_after = parsed->not_after,
			.in_force = r->roster.in_force};
		buf_put_bytes(&v->of[v->n++].note, r->roster.note);
	}
	free(parsed);
	return rc;
}

int roster_versions_fetch(struct roster_versions *v, struct connection *c, struct err *e)
{
	struct ctl_request r = {.kind = CTL_ROSTERS};
	*v = (struct roster_versions){0};
	return connection_call(c, &r, on_roster, v, e);
}

void roster_versions_release(struct roster_versions *v)
{
	for (size_t i = 0; i < v->n; i++)
		buf_release(&v->of[i].note);
	free(v->of);
	*v = (struct roster_versions){0};
}

static const struct roster_version *find(
	const struct roster_versions *v, uint32_t version, const struct hash *id)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->of[i].version == version && hash_equal(&v->of[i].id, id))
			return &v->of[i];
	return NULL;
}

/* The versions that lead to `last`, from the first; false: one is missing. */
static bool trace(const struct roster_versions *v, const struct roster *last,
	const struct roster_version **path)
{
	struct hash id = last->id;
	for (uint32_t version = last->version; version > 0; version--) {
		path[version - 1] = find(v, version, &id);
		if (!path[version - 1])
			return false;
		id = path[version - 1]->prev;
	}
	return true;
}

static int walk(const struct roster_version **path, size_t n, const struct hash *first,
	struct roster *out, struct err *e)
{
	struct roster *next = xalloc(sizeof *next);
	int rc = roster_verify_first(buf_bytes(&path[0]->note), first, out, e);
	for (size_t i = 1; rc == RC_OK && i < n; i++) {
		rc = roster_verify_next(buf_bytes(&path[i]->note), out, next, e);
		if (rc == RC_OK)
			*out = *next;
	}
	free(next);
	return rc;
}

int roster_versions_verify(const struct roster_versions *v, struct bytes note,
	const struct hash *first, struct roster *out, struct err *e)
{
	struct roster *last = xalloc(sizeof *last);
	const struct roster_version **path = NULL;
	int rc = roster_of(note, last, e);
	if (rc == RC_OK && last->version > v->n)
		rc = err_set(e, RC_VERIFY, tr("the node does not show every version before it"));
	if (rc == RC_OK) {
		path = xalloc(last->version * sizeof *path);
		rc = trace(v, last, path)
			? walk(path, last->version, first, out, e)
			: err_set(e, RC_VERIFY,
				  tr("the node does not show every version before it"));
	}
	free(path);
	free(last);
	return rc;
}

static int from_file(const char *path, struct roster *out, struct err *e)
{
	struct buf note = {0};
	int rc = roster_read(path, &note, out, e);
	buf_release(&note);
	return rc;
}

static int from_node(const struct args *a, struct roster *out, struct err *e)
{
	struct node node;
	int rc = node_open_ready(&node, a, e);
	if (rc == RC_OK)
		*out = node.roster;
	node_close(&node);
	return rc;
}

int roster_before(
	const struct args *a, const struct roster *draft, struct roster *out, struct err *e)
{
	int rc = args_has(a, OPT_AFTER) ? from_file(a->value[OPT_AFTER], out, e)
					: from_node(a, out, e);
	if (rc == RC_UNREACHABLE)
		return err_set(e, rc,
			tr("%.200s; without a node, name the version before with --after FILE"),
			e->text);
	return rc == RC_OK ? roster_check_next(out, draft, e) : rc;
}
