/* What it takes to prove a leaf to somebody without a node: the leaf, its path and a head over it.
 * Source: PROTOCOL 13.1. */
#include "daemon/core/state.h"
#include "proto/trust/proof.h"

struct proving {
	struct proof_path path;
	struct buf leaf;
};

static int visit(void *arg, uint64_t index, struct bytes leaf)
{
	struct proving *p = arg;
	struct hash h;
	if (index != p->path.next || index >= p->path.size)
		return RC_CORRUPT;
	merkle_leaf_hash(leaf, &h);
	proof_path_add(&p->path, &h);
	if (index == p->path.index)
		buf_put_bytes(&p->leaf, leaf);
	return 0;
}

/* The head goes to r->answer: the newest final one if it is above the index, else the newest that
 * may be sent; of a log that the roster ended the newest that its owner signed. What was never sent
 * must not leave in a proof either: a node set back behind it would look as if it had forked its
 * log. */
static int choose_head(struct replica *r, const struct log *log, uint64_t index, uint64_t *size,
	bool *final, struct err *e)
{
	buf_reset(&r->answer);
	int rc = r->ops->final_get(r->store, log->row.id, size, &r->answer, e);
	if (rc < 0)
		return rc;
	*final = rc == RC_OK && index < *size;
	if (*final)
		return RC_OK;
	struct bytes note;
	struct store_head h;
	buf_reset(&r->answer);
	*size = log_sendable(r, log, &note);
	if (index < *size && retire_is_seal(r, note)) {
		rc = log_signed_head(r, log, index, log->below, &h, &r->answer, e);
		*size = h.size;
		return rc != STORE_NONE
			? rc
			: err_set(e, RC_NOT_FOUND,
				  "the roster ended the log %s, and no final head of it is here; "
				  "ask a node that has one",
				  log->row.origin);
	}
	buf_put_bytes(&r->answer, note);
	if (index < *size)
		return RC_OK;
	return err_set(e, RC_NOT_FOUND,
		"there is no entry %llu under a signed head of %s; ask again later",
		(unsigned long long)index, log->row.origin);
}

static int read_path(struct replica *r, const struct log *log, struct proving *p, struct err *e)
{
	int rc = r->ops->leaf_each(r->store, log->row.id, 0, p->path.size, visit, p, e);
	if (rc == RC_OK && p->path.next != p->path.size)
		rc = RC_CORRUPT;
	return rc == RC_CORRUPT ? err_set(e, rc, "a leaf of %s is missing", log->row.origin) : rc;
}

int replica_proof(struct replica *r, struct bytes origin, uint64_t index, struct ctl_proof *out,
	struct err *e)
{
	const struct log *log = r->has_roster ? log_find(r, origin) : NULL;
	struct proving p = {0};
	struct hash path[MERKLE_PROOF_MAX];
	uint64_t size;
	size_t n;
	if (log == NULL)
		return err_set(e, RC_NOT_FOUND,
			"there is no log of that origin here; deltactl status --json names them");
	int rc = choose_head(r, log, index, &size, &out->final, e);
	if (rc != RC_OK)
		return rc;
	proof_path_begin(&p.path, index, size);
	rc = read_path(r, log, &p, e);
	if (rc == RC_OK) {
		size_t n_head = r->answer.n, n_leaf = p.leaf.n;
		proof_path_end(&p.path, path, &n);
		buf_put(&r->answer, path, n * sizeof path[0]);
		buf_put_bytes(&r->answer, buf_bytes(&p.leaf));
		out->head = bytes_of(r->answer.p, n_head);
		out->path = bytes_of(r->answer.p + n_head, n * sizeof path[0]);
		out->leaf = bytes_of(r->answer.p + n_head + out->path.n, n_leaf);
	}
	buf_release(&p.leaf);
	return rc;
}
