#include "client/audit_node.h"

#include <string.h>

#include "client/text.h"
#include "client/view.h"

struct comparing {
	struct audit *a;
	bool moved;
	struct bytes view_root;
	struct pool pool;
};

/* Leaves from here on count nowhere, and are in no bundle. */
static uint64_t end_of(const struct audit *a, struct bytes origin)
{
	const struct retirement *t = roster_retired(audit_roster(a), origin);
	return t ? t->valid_below : UINT64_MAX;
}

static int on_status(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct comparing *c = arg;
	if (r->kind != CTL_REPLY_STATUS)
		return err_set(e, RC_PEER_MESSAGE, tr("the node did not say how it is"));
	c->moved = r->status.provisional;
	for (size_t i = 0; i < r->status.n_logs; i++) {
		const struct ctl_log *theirs = &r->status.logs[i];
		const struct audit_log *log = audit_log_find(c->a, theirs->origin);
		uint64_t size = theirs->size, end = end_of(c->a, theirs->origin);
		c->moved = c->moved || (log ? log->n : 0) != (size < end ? size : end);
	}
	c->view_root = pool_copy(&c->pool, r->status.view_root);
	return RC_OK;
}

static struct audit_leaf *leaf_at(struct audit *a, struct bytes origin, uint64_t index)
{
	struct audit_log *log = audit_log_find(a, origin);
	return log && index < log->n ? &log->leaf[index] : NULL;
}

static void differs(struct audit *a, enum audit_id id, const struct entry *x, const char *derived)
{
	audit_find(a, id, x->origin, x->index, tr("the node: %s; here: %s"),
		x->verdict == VERDICT_VOID ? void_code_name((enum void_code)x->void_code)
					   : verdict_name((enum verdict)x->verdict),
		derived);
}

/* Every change that stands in a register, and whether it is current. */
static size_t compare_changes(struct audit *a, const struct view *v)
{
	size_t current = 0;
	for (size_t i = 0; i < v->n; i++) {
		const struct entry *x = &v->entry[i];
		if (x->index >= end_of(a, x->origin))
			continue;
		const struct audit_leaf *l = leaf_at(a, x->origin, x->index);
		current += x->current;
		if (!l || (uint32_t)l->verdict != x->verdict)
			differs(a, AUDIT_VERDICT, x, l ? verdict_name(l->verdict) : "-");
		else if (l->current != x->current)
			audit_find(a, AUDIT_CURRENT, x->origin, x->index, "%s",
				x->current ? tr("only the node shows it as current")
					   : tr("the node does not show it as current"));
	}
	return current;
}

/* Every leaf without effect; the others have one. */
static size_t compare_findings(struct audit *a, const struct view *v)
{
	size_t n = 0;
	for (size_t i = 0; i < v->n; i++) {
		const struct entry *x = &v->entry[i];
		if (x->index >= end_of(a, x->origin))
			continue;
		n++;
		const struct audit_leaf *l = leaf_at(a, x->origin, x->index);
		if (!l || (uint32_t)l->verdict != x->verdict)
			differs(a, AUDIT_VERDICT, x, l ? verdict_name(l->verdict) : "-");
	}
	return n;
}

static size_t without_effect(const struct audit *a)
{
	size_t n = 0;
	for (size_t i = 0; i < a->n_logs; i++)
		for (size_t k = 0; k < a->log[i]->n; k++)
			n += a->log[i]->leaf[k].verdict != VERDICT_EFFECTIVE;
	return n;
}

static void compare_counts(struct audit *a, size_t current, size_t findings)
{
	if (current != a->n_current)
		audit_find(a, AUDIT_CURRENT, bytes_of(NULL, 0), 0,
			tr("the node: %zu current values; here: %zu"), current, a->n_current);
	if (findings != without_effect(a))
		audit_find(a, AUDIT_VERDICT, bytes_of(NULL, 0), 0,
			tr("the node: %zu entries without effect; here: %zu"), findings,
			without_effect(a));
}

int audit_compare(struct audit *a, struct node *n, struct err *e)
{
	struct comparing c = {.a = a};
	struct view changes = {0}, findings = {0};
	struct ctl_query all = {.any_task = true, .any_holder = true, .history = true};
	struct ctl_request ask = {.kind = CTL_STATUS};
	int rc = view_fetch(&changes, n, &all, e);
	if (rc == RC_OK)
		rc = view_fetch_findings(&findings, n, e);
	if (rc == RC_OK)
		rc = connection_call(&n->line, &ask, on_status, &c, e);
	if (rc == RC_OK && c.moved) {
		audit_find(a, AUDIT_MOVED, bytes_of(NULL, 0), 0, "%s", n->member);
	} else if (rc == RC_OK) {
		compare_counts(a, compare_changes(a, &changes), compare_findings(a, &findings));
		if (!bytes_equal(c.view_root, hash_bytes(&a->view_root)))
			audit_find(a, AUDIT_VIEW, bytes_of(NULL, 0), 0, "%s", n->member);
	}
	view_release(&changes);
	view_release(&findings);
	pool_release(&c.pool);
	return rc;
}
