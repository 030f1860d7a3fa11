#include "client/proof_node.h"

#include <stdlib.h>
#include <string.h>

#include "client/text.h"

struct finding {
	struct bytes name;
	bool is_slug, found;
	struct origin *out;
};

static int on_status(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct finding *f = arg;
	if (r->kind != CTL_REPLY_STATUS)
		return err_set(e, RC_PEER_MESSAGE, tr("the node did not say which logs it holds"));
	for (size_t i = 0; i < r->status.n_logs; i++) {
		const struct ctl_log *log = &r->status.logs[i];
		struct origin o;
		if (!bytes_equal(f->is_slug ? log->member : log->origin, f->name) ||
			origin_parse(log->origin, &o, NULL) != RC_OK)
			continue;
		if (!f->found || o.epoch > f->out->epoch)
			*f->out = o;
		f->found = true;
	}
	return RC_OK;
}

int proof_find_log(struct node *n, const char *name, struct origin *out, struct err *e)
{
	struct finding f = {.name = bytes_str(name), .out = out};
	struct ctl_request r = {.kind = CTL_STATUS};
	f.is_slug = strchr(name, '/') == NULL;
	int rc = connection_call(&n->line, &r, on_status, &f, e);
	if (rc == RC_OK && !f.found)
		return err_set(e, RC_NOT_FOUND,
			tr("no log of \"%.100s\" is here; name a member or an origin"), name);
	return rc;
}

int proof_policy(const struct roster *r, const struct origin *o, unsigned quorum, struct buf *out,
	struct err *e)
{
	int owner = roster_find_any(r, bytes_str(o->member));
	if (owner < 0 || strcmp(o->cluster, r->cluster) != 0)
		return err_set(e, RC_NOT_FOUND,
			tr("no member of the roster owns the log %s; deltactl status --json names "
			   "those that are here"),
			o->text);
	return policy_print(r, owner, o->text, quorum, out, e);
}

struct fetching {
	uint64_t index;
	struct buf *file;
	bool *final;
};

static int on_proof(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct fetching *f = arg;
	if (r->kind != CTL_REPLY_PROOF || r->proof.path.n % HASH_BYTES != 0 ||
		r->proof.path.n > MERKLE_PROOF_MAX * HASH_BYTES ||
		r->proof.leaf.n > LIMIT_LEAF_BYTES)
		return err_set(e, RC_PEER_MESSAGE, tr("the node did not answer with a proof"));
	struct proof *p = xalloc(sizeof *p);
	p->index = f->index;
	p->note = r->proof.head;
	p->n_extra = r->proof.leaf.n;
	p->n_path = r->proof.path.n / HASH_BYTES;
	memcpy(p->extra, r->proof.leaf.p, p->n_extra);
	if (p->n_path > 0)
		memcpy(p->path, r->proof.path.p, r->proof.path.n);
	buf_reset(f->file);
	proof_print(p, f->file);
	free(p);
	*f->final = r->proof.final;
	return RC_OK;
}

int proof_fetch(struct node *n, struct bytes origin, uint64_t index, struct buf *file, bool *final,
	struct err *e)
{
	struct fetching f = {index, file, final};
	struct ctl_request r = {.kind = CTL_PROOF, .proof = {origin, index}};
	return connection_call(&n->line, &r, on_proof, &f, e);
}
