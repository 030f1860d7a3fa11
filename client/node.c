#include "client/node.h"

#include <stdlib.h>
#include <string.h>

#include "client/roster_text.h"
#include "client/rosters.h"
#include "client/text.h"
#include "proto/base/text.h"

#define NODE_TIMEOUT_MS 10000

/* The path of the control socket. */
static const char *path_of(const struct args *a)
{
	if (a->value[OPT_NODE])
		return a->value[OPT_NODE];
	const char *environment = getenv("DELTACTL_NODE");
	return environment && *environment ? environment : CONTROL_SOCKET;
}

int node_cluster_id(const struct args *a, struct hash *out, bool *given, struct err *e)
{
	*given = args_has(a, OPT_CLUSTER_ID);
	if (!*given)
		return RC_OK;
	struct bytes hex = args_bytes(a, OPT_CLUSTER_ID);
	if (hex.n > 7 && memcmp(hex.p, "sha256:", 7) == 0)
		hex = bytes_of(hex.p + 7, hex.n - 7);
	if (!hash_parse(hex, out))
		return err_set(e, RC_USAGE, tr("--cluster-id wants sha256: and 64 hex digits"));
	return RC_OK;
}

static void copy_text(char *out, size_t size, struct bytes s)
{
	text_print(out, size, "%.*s", (int)(s.n < size ? s.n : size), (const char *)s.p);
}

static int on_info(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct node *n = arg;
	if (r->kind != CTL_REPLY_INFO)
		return err_set(e, RC_PEER_MESSAGE, tr("the node did not say who it is"));
	copy_text(n->member, sizeof n->member, r->info.member);
	copy_text(n->software, sizeof n->software, r->info.software);
	copy_text(n->state, sizeof n->state, r->info.state);
	buf_put_bytes(&n->note, r->info.roster);
	return RC_OK;
}

static int verify_later(struct node *n, const struct hash *first, struct err *e)
{
	struct roster_versions v;
	int rc = roster_versions_fetch(&v, &n->line, e);
	if (rc == RC_OK)
		rc = roster_versions_verify(&v, buf_bytes(&n->note), first, &n->roster, e);
	roster_versions_release(&v);
	return rc;
}

static int verify_roster(struct node *n, const struct args *a, struct err *e)
{
	struct hash id;
	bool given;
	int rc = node_cluster_id(a, &id, &given, e);
	if (rc != RC_OK)
		return rc;
	n->has_roster = n->note.n > 0;
	if (!n->has_roster)
		return RC_OK;
	const struct hash *first = given ? &id : NULL;
	rc = roster_of(buf_bytes(&n->note), &n->roster, e);
	if (rc == RC_OK && n->roster.version == 1)
		rc = roster_verify_first(buf_bytes(&n->note), first, &n->roster, e);
	else if (rc == RC_OK)
		rc = verify_later(n, first, e);
	return rc == RC_OK ? RC_OK : err_prefix(e, "%s", tr("the node's roster"));
}

int node_open(struct node *n, const struct args *a, struct err *e)
{
	int64_t timeout = NODE_TIMEOUT_MS;
	*n = (struct node){.line.fd = -1};
	int rc = args_duration(a, OPT_TIMEOUT, &timeout, e);
	if (rc != RC_OK)
		return rc;
	rc = connection_open(&n->line, path_of(a), timeout, e);
	if (rc != RC_OK)
		return rc;
	struct ctl_request r = {.kind = CTL_INFO};
	rc = connection_call(&n->line, &r, on_info, n, e);
	return rc == RC_OK ? verify_roster(n, a, e) : rc;
}

int node_open_ready(struct node *n, const struct args *a, struct err *e)
{
	int rc = node_open(n, a, e);
	if (rc == RC_OK && !n->has_roster)
		return err_set(e, RC_NO_ROSTER,
			tr("the node at %s has no roster; deltactl roster install FILE"),
			n->line.path);
	return rc;
}

void node_close(struct node *n)
{
	connection_close(&n->line);
	buf_release(&n->note);
}

const struct member *node_self(const struct node *n)
{
	int i = n->has_roster ? roster_find(&n->roster, bytes_str(n->member)) : -1;
	return i < 0 ? NULL : &n->roster.member[i];
}

static int on_operators(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct operator_list *o = arg;
	if (r->kind != CTL_REPLY_OPERATORS)
		return r->kind == CTL_REPLY_NONE
			? RC_OK
			: err_set(e, RC_PEER_MESSAGE, tr("the node did not list operators"));
	o->op = xrealloc(o->op, (o->n + r->operators.n + 1) * sizeof *o->op);
	for (size_t i = 0; i < r->operators.n; i++) {
		const struct ctl_operator *from = &r->operators.operators[i];
		struct ctl_operator *to = &o->op[o->n++];
		*to = *from;
		to->member = pool_copy(&o->pool, from->member);
		to->key = pool_copy(&o->pool, from->key);
		to->name = pool_copy(&o->pool, from->name);
		to->origin = pool_copy(&o->pool, from->origin);
		if (from->n_scope == 0)
			continue;
		size_t size = from->n_scope * sizeof *to->scope;
		to->scope = arena_alloc(pool_arena(&o->pool, size), size);
		ENSURE(to->scope);
		for (size_t j = 0; j < from->n_scope; j++)
			to->scope[j] = pool_copy(&o->pool, from->scope[j]);
	}
	return RC_OK;
}

int operator_list_fetch(struct operator_list *o, struct node *n, struct err *e)
{
	struct ctl_request r = {.kind = CTL_OPERATORS};
	*o = (struct operator_list){0};
	return connection_call(&n->line, &r, on_operators, o, e);
}

void operator_list_release(struct operator_list *o)
{
	free(o->op);
	pool_release(&o->pool);
	*o = (struct operator_list){0};
}

const struct ctl_operator *operator_list_find(const struct operator_list *o, struct bytes member,
	struct bytes key, struct bytes origin, uint64_t index)
{
	const struct ctl_operator *best = NULL;
	for (size_t i = 0; i < o->n; i++) {
		const struct ctl_operator *op = &o->op[i];
		if (!bytes_equal(op->member, member) || !bytes_equal(op->key, key))
			continue;
		bool same_log = bytes_equal(op->origin, origin);
		if (same_log && (index < op->from || (op->below && index >= op->below)))
			continue;
		if (!best || same_log)
			best = op;
	}
	return best;
}
