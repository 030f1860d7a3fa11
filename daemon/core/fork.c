/* Two histories of one log: how they are noticed, and what is done about it. Source: PROTOCOL 4. */
#include "daemon/core/state.h"
#include "proto/base/mutant.h"

bool fork_is_known(const struct replica *r)
{
	for (size_t i = 0; i < r->n_logs; i++)
		if (log_is_frozen(r->log[i]))
			return true;
	return false;
}

/* The root of our first `size` leaves, counted on from f. */
static int root_of_ours(struct replica *r, const struct log *log, struct frontier *f, uint64_t size,
	struct hash *root, struct err *e)
{
	int rc = r->ops->leaf_each(r->store, log->row.id, f->size, size, log_add_leaf, f, e);
	frontier_root(f, root);
	return rc;
}

static bool may_look_back(struct replica *r, int peer, const struct log *log, struct now now)
{
	if (peer == NO_PEER)
		return true;
	struct mono_ms *last = &r->session[peer].log[log_position(r, log)].looked_back;
	if (last->v != 0 && now.mono.v < last->v + LOOK_BACK_MS && !MUTANT(LOOK_BACK_UNBOUNDED))
		return false;
	*last = now.mono;
	return true;
}

/* A head of a size that we have: our own of that size, if it is kept, or our leaves tell. */
static int check_reached(struct replica *r, int peer, struct log *log, const struct checkpoint *cp,
	struct bytes note, struct now now, struct err *e)
{
	struct store_head h;
	struct buf kept = {0};
	struct checkpoint mine;
	struct frontier f = {0};
	struct history ours = {.from = log->row.size};
	int rc = log_signed_head(r, log, cp->size - 1, cp->size, &h, &kept, e);
	if (rc == RC_OK && checkpoint_verify(buf_bytes(&kept), log_key(r, log), &mine, e) != RC_OK)
		rc = err_set(e, RC_CORRUPT, "a stored head of %s does not verify", log->row.origin);
	if (rc == STORE_NONE && !MUTANT(FORK_AT_KEPT_HEADS_ONLY)) {
		buf_reset(&kept);
		buf_put_bytes(&kept, buf_bytes(&log->head));
		rc = witness_root(r, log, cp->size, &mine.root, e);
		if (rc == STORE_NONE && may_look_back(r, peer, log, now))
			rc = root_of_ours(r, log, &f, cp->size, &mine.root, e);
	}
	bool differs = rc == RC_OK && !hash_equal(&mine.root, &cp->root);
	if (differs && log == r->own && r->own_dirty) {
		rc = own_sign_head(r, e); /* what we say of ours must reach as far as our leaves */
		buf_reset(&kept);
		buf_put_bytes(&kept, buf_bytes(&log->head));
	}
	if (differs && rc == RC_OK)
		rc = evidence_found(r, peer, log, buf_bytes(&kept), note, &ours, e);
	buf_release(&kept);
	return rc == STORE_NONE ? RC_OK : rc;
}

int fork_check_head(struct replica *r, int peer, struct log *log, const struct checkpoint *cp,
	struct bytes note, struct now now, struct err *e)
{
	if (log->row.forked)
		return RC_OK;
	if (cp->size <= log->row.size)
		return check_reached(r, peer, log, cp, note, now, e);
	const struct seen_head *before[] = {&log->seen, &log->earlier};
	for (size_t i = 0; i < (MUTANT(EARLIER_HEAD_FORGOTTEN) ? 1 : 2); i++)
		if (cp->size == before[i]->size && !hash_equal(&cp->root, &before[i]->root))
			return evidence_found(
				r, peer, log, buf_bytes(&before[i]->note), note, NULL, e);
	return RC_OK;
}

bool fork_is_passed_by(const struct log *log, const struct batch *b, size_t skip)
{
	struct frontier f = log->row.frontier;
	struct hash root;
	if (log->earlier.size <= log->row.size)
		return false;
	for (size_t i = skip; i < b->n && f.size < log->earlier.size; i++)
		frontier_append(&f, &b->leaf[i].leaf_hash);
	frontier_root(&f, &root);
	return f.size == log->earlier.size && !hash_equal(&root, &log->earlier.root);
}

static int refuse_batch(const struct log *log, const struct checkpoint *cp, struct err *e)
{
	return err_set(e, RC_PEER_BATCH,
		"the leaves of \"%s\" do not give the signed root of size %llu", log->row.origin,
		(unsigned long long)cp->size);
}

int fork_parted(struct replica *r, int peer, struct log *log, const struct checkpoint *cp,
	struct bytes note, uint64_t common, const struct batch *b, struct err *e)
{
	struct history h = {.from = log->row.size};
	if (cp->size > log->row.size)
		h = (struct history){.from = common, .b = b};
	return evidence_found(r, peer, log, buf_bytes(&log->head), note, &h, e);
}

int fork_follow(struct replica *r, int peer, struct log *log, const struct checkpoint *cp,
	struct bytes note, uint64_t first, const struct batch *b, struct now now, struct err *e)
{
	if (log->doubted != peer || peer == NO_PEER) {
		bool asked = peer != NO_PEER && r->session[peer].log[log_position(r, log)].asked;
		if (!asked || log->row.size == 0 || MUTANT(OTHER_HISTORY_REFUSED))
			return refuse_batch(log, cp, e);
		if (log->source == peer)
			fetch_doubt(r, log, peer, now);
		return RC_OK; /* else it answers what we no longer ask */
	}
	if (first != log->common.size)
		return RC_OK; /* it was on its way before we asked */
	struct frontier theirs = log->common, ours = log->common;
	struct hash root;
	for (size_t i = 0; i < b->n; i++)
		frontier_append(&theirs, &b->leaf[i].leaf_hash);
	frontier_root(&theirs, &root);
	if (!hash_equal(&root, &cp->root))
		return refuse_batch(log, cp, e);
	if (cp->size <= log->row.size) {
		int rc = root_of_ours(r, log, &ours, cp->size, &root, e);
		if (rc != RC_OK)
			return rc;
		if (hash_equal(&root, &cp->root)) {
			log->common = ours;
			log->doubt_limit.v = now.mono.v + FETCH_TIMEOUT_MS;
			if (log->source == peer)
				fetch_wait(log, now);
			return RC_OK;
		}
	}
	return fork_parted(r, peer, log, cp, note, log->common.size, b, e);
}
