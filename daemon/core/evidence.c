/* What proves that a log has two histories: found here or told by a peer, kept for ever, told to
 * every peer. One piece is enough for a log, and freezes it. Source: PROTOCOL 4.3. */
#include <string.h>

#include "daemon/core/state.h"
#include "proto/base/mutant.h"

static void keep(struct log *log, const struct evidence *x)
{
	const struct bytes part[3] = {x->first, x->second, x->proof};
	for (size_t i = 0; i < 3; i++) {
		buf_reset(&log->evidence[i]);
		buf_put_bytes(&log->evidence[i], part[i]);
	}
}

/* x holds. */
static int freeze(struct replica *r, int peer, struct log *log, const struct evidence *x,
	const struct checkpoint *a, const struct checkpoint *b, struct err *e)
{
	struct store_evidence row = {log->row.origin, x->first, x->second, x->proof};
	size_t at = log_position(r, log);
	if (!log->row.forked)
		event_hold(r, EVENT_FORK, peer, log, "two histories, different at size %llu",
			(unsigned long long)a->size);
	event_hold(r, EVENT_EVIDENCE, peer, log,
		"its owner signed %llu leaves and %llu that do not go on from them",
		(unsigned long long)a->size, (unsigned long long)b->size);
	log->row.forked = true;
	log->source = log->doubted = NO_PEER;
	keep(log, x);
	for (size_t p = 0; p < r->roster.n; p++)
		r->session[p].log[at].evidence_due = (int)p != peer;
	r->wrote = true;
	int rc = r->ops->log_put(r->store, &log->row, e);
	return rc == RC_OK ? r->ops->evidence_put(r->store, &row, e) : rc;
}

/* ---- found here ---- */

static int add_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct hash h;
	(void)index;
	merkle_leaf_hash(leaf, &h);
	merkle_spans_add(arg, &h);
	return 0;
}

/* What the larger history says of both sizes. STORE_NONE: it does not reach so far. */
static int prove(struct replica *r, const struct log *log, uint64_t size1, uint64_t size2,
	const struct history *h, struct buf *proof, struct err *e)
{
	struct hash path[MERKLE_PROOF_MAX];
	struct merkle_spans s;
	size_t n;
	uint64_t ours = size2 < h->from ? size2 : h->from;
	size_t others = h->b != NULL ? h->b->n - h->skip : 0;
	if (size2 - ours > others || h->from > log->row.size)
		return STORE_NONE;
	merkle_spans_begin(&s, size1, size2);
	int rc = r->ops->leaf_each(r->store, log->row.id, 0, ours, add_leaf, &s, e);
	for (size_t i = 0; rc == RC_OK && i < size2 - ours; i++)
		merkle_spans_add(&s, &h->b->leaf[h->skip + i].leaf_hash);
	if (rc == RC_OK) {
		merkle_spans_end(&s, path, &n);
		buf_put(proof, path[0].b, n * HASH_BYTES);
	}
	return rc;
}

static int size_of(struct bytes head, uint64_t *size)
{
	struct note n;
	struct checkpoint cp;
	int rc = note_parse(head, &n, NULL);
	if (rc == RC_OK)
		rc = checkpoint_parse(n.text, &cp, NULL);
	*size = rc == RC_OK ? cp.size : 0;
	return rc;
}

int evidence_found(struct replica *r, int peer, struct log *log, struct bytes one,
	struct bytes other, const struct history *h, struct err *e)
{
	uint64_t size1, size2;
	struct buf proof = {0};
	struct checkpoint a, b;
	struct err why = {0};
	if (log->retired) { /* only its end tells which history the members mean */
		log->parted |= peer == NO_PEER ? 0 : MEMBER_BIT(peer);
		log->source = log->doubted = NO_PEER;
		event_hold(r, EVENT_INFO, peer, log,
			"another history than ours, of a log that the roster ends");
		return RC_OK;
	}
	if (log->row.forked || MUTANT(FIRST_WINS))
		return RC_OK;
	ENSURE(size_of(one, &size1) == RC_OK && size_of(other, &size2) == RC_OK);
	bool in_order = size1 <= size2;
	struct evidence x = {in_order ? one : other, in_order ? other : one, {0}};
	int rc = RC_OK;
	if (size1 != size2)
		rc = prove(
			r, log, in_order ? size1 : size2, in_order ? size2 : size1, h, &proof, e);
	x.proof = buf_bytes(&proof);
	if (rc == RC_OK && evidence_verify(&x, log_key(r, log), &a, &b, &why) == RC_OK)
		rc = freeze(r, peer, log, &x, &a, &b, e);
	else if (rc == RC_OK || rc == STORE_NONE)
		event_hold(r, EVENT_INFO, peer, log, "two heads differ, and nothing proves it: %s",
			why.text);
	buf_release(&proof);
	return rc == STORE_NONE ? RC_OK : rc;
}

/* ---- told by a peer ---- */

static int refuse(const struct err *why, struct err *e)
{
	return err_set(e, RC_PEER_EVIDENCE, "evidence that proves nothing: %s", why->text);
}

static int find_log(struct replica *r, struct bytes origin, struct log **out, struct err *e)
{
	struct origin o;
	int member;
	*out = log_find(r, origin);
	if (*out != NULL)
		return RC_OK;
	if (origin_parse(origin, &o, NULL) != RC_OK)
		return err_set(e, RC_PEER_EVIDENCE, "evidence against no log");
	member = log_owner(r, &o, e);
	return member < 0 ? member : log_create(r, &o, member, out, e);
}

/* Verified before anything is made of it: the owner of the origin that the first head names, by the
 * roster alone. */
static int verify(struct replica *r, const struct evidence *x, struct checkpoint *a,
	struct checkpoint *b, struct err *e)
{
	struct err why = {0};
	struct note n;
	struct origin o;
	if (note_parse(x->first, &n, &why) != RC_OK || checkpoint_parse(n.text, a, &why) != RC_OK ||
		origin_parse(a->origin, &o, &why) != RC_OK)
		return refuse(&why, e);
	int member = log_owner(r, &o, e);
	if (member < 0)
		return member;
	const uint8_t *key = roster_log_key(&r->roster, a->origin, member);
	if (key == NULL)
		return err_set(e, RC_PEER_ORIGIN, "the log \"%s\" is of a former member", o.text);
	if (evidence_verify(x, key, a, b, &why) != RC_OK)
		return refuse(&why, e);
	return RC_OK;
}

int evidence_recv(
	struct replica *r, int peer, const struct message *m, struct now now, struct err *e)
{
	struct buf proof = {0};
	struct checkpoint a, b;
	struct log *log = NULL;
	for (size_t i = 0; i < m->evidence.n_proof; i++)
		buf_put_bytes(&proof, m->evidence.proof[i]);
	struct evidence x = {m->evidence.first, m->evidence.second, buf_bytes(&proof)};
	int rc = verify(r, &x, &a, &b, e);
	if (rc == RC_OK)
		rc = find_log(r, a.origin, &log, e);
	if (rc == RC_OK && peer != NO_PEER)
		r->session[peer].log[log_position(r, log)].evidence_due = false;
	if (rc == RC_OK && log->evidence[0].n == 0) {
		rc = freeze(r, peer, log, &x, &a, &b, e);
		if (rc == RC_OK)
			rc = log_check_own(r, peer, log, now, e);
	}
	buf_release(&proof);
	return rc;
}

bool evidence_of(struct replica *r, const struct log *log, struct message *m)
{
	size_t n = log->evidence[2].n / HASH_BYTES;
	if (log->evidence[0].n == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		r->out_leaves[i] = bytes_of(log->evidence[2].p + i * HASH_BYTES, HASH_BYTES);
	m->kind = MESSAGE_EVIDENCE;
	m->evidence.first = buf_bytes(&log->evidence[0]);
	m->evidence.second = buf_bytes(&log->evidence[1]);
	m->evidence.proof = r->out_leaves;
	m->evidence.n_proof = n;
	return true;
}

size_t evidence_count(const struct replica *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_logs; i++)
		n += r->log[i]->evidence[0].n > 0;
	return n;
}

int replica_evidence(struct replica *r, size_t at, struct ctl_evidence *out)
{
	size_t total = evidence_count(r);
	for (size_t i = 0; i < r->n_logs; i++) {
		const struct log *log = r->log[i];
		if (log->evidence[0].n == 0 || at-- > 0)
			continue;
		*out = (struct ctl_evidence){bytes_str(log->row.origin),
			buf_bytes(&log->evidence[0]), buf_bytes(&log->evidence[1]),
			buf_bytes(&log->evidence[2]), total};
		return RC_OK;
	}
	return STORE_NONE;
}

/* ---- at start ---- */

/* What proves nothing today (an older program kept two heads alone) stays where it is. */
static int load_row(void *arg, const struct store_evidence *row)
{
	struct replica *r = arg;
	struct checkpoint a, b;
	struct log *log = log_find(r, bytes_str(row->origin));
	struct evidence x = {row->first, row->second, row->proof};
	/* No key: the log of a former member that no line of the roster speaks of. */
	const uint8_t *key = log != NULL ? log_key(r, log) : NULL;
	if (key != NULL && log->evidence[0].n == 0 &&
		evidence_verify(&x, key, &a, &b, NULL) == RC_OK)
		keep(log, &x);
	return 0;
}

int evidence_load(struct replica *r, struct err *e)
{
	return r->ops->evidence_each(r->store, load_row, r, e);
}
