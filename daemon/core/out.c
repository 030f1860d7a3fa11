/* What a peer is sent next: made from the committed state at the moment it is asked for, so that
 * nothing queues up here. Order: greetings and answers, own news, announcements, wishes, digests,
 * and bulk last. Source: PROTOCOL 7.3. */
#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"

/* The other heads of very many logs follow each for itself. */
#define HELLO_HEADS_BYTES (LIMIT_ENVELOPE_BYTES / 2)

void out_make_hello(const struct replica *r, const struct bytes *heads, size_t n, struct message *m)
{
	m->kind = MESSAGE_HELLO;
	m->hello.protocol_min = PROTOCOL_MIN;
	m->hello.protocol_max = PROTOCOL_MAX;
	m->hello.cluster_id = hash_bytes(&r->roster.cluster_id);
	m->hello.member = bytes_str(r->config.member);
	m->hello.software = bytes_str(r->config.software);
	m->hello.roster_version = r->roster.version;
	m->hello.roster_id = hash_bytes(&r->roster.id);
	m->hello.heads = heads;
	m->hello.n_heads = n;
}

static void make_hello(struct replica *r, int peer, struct message *m)
{
	struct session *s = &r->session[peer];
	size_t n = 0, room = HELLO_HEADS_BYTES;
	s->hello_due = false;
	for (size_t i = 0; i < r->n_logs && n < LIMIT_HELLO_HEADS; i++) {
		struct bytes note;
		uint64_t size = log_sendable(r, r->log[i], &note);
		if (size == 0 || (MUTANT(CURSOR_TRUSTED) && s->digest_size[i] >= size))
			continue;
		if (note.n > room) {
			s->log[i].head_due = true;
			continue;
		}
		room -= note.n;
		r->out_heads[n++] = note;
		s->log[i].told = size;
	}
	out_make_hello(r, r->out_heads, n, m);
}

static void make_bye(struct session *s, struct message *m)
{
	s->bye_sent = true;
	m->kind = MESSAGE_BYE;
	m->bye.code = s->bye_rc == RC_OK ? (struct bytes){0} : bytes_str(rc_id(s->bye_rc));
	m->bye.text = bytes_str(s->bye_text);
}

struct collecting {
	struct replica *r;
	size_t n, limit;
	size_t start[LIMIT_BATCH_LEAVES + 1];
};

/* Stops at the first leaf that would make the batch too large. */
static int collect_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct collecting *c = arg;
	struct buf *b = &c->r->out;
	(void)index;
	if (c->n == LIMIT_BATCH_LEAVES || b->n + leaf.n > LIMIT_BATCH_BYTES)
		return STORE_NONE;
	c->start[c->n++] = b->n;
	buf_put_bytes(b, leaf);
	return 0;
}

/* The largest head in (from, upto] that can be sent: the newest one, or one of those kept in the
 * store. */
static bool find_head(struct replica *r, const struct log *log, uint64_t from, uint64_t upto,
	uint64_t *size, struct bytes *note)
{
	uint64_t newest = log_sendable(r, log, note);
	if (newest > from && newest <= upto) {
		*size = newest;
		return true;
	}
	struct store_head h;
	if (newest <= from || log_signed_head(r, log, from, upto, &h, &r->out_notes, NULL) != RC_OK)
		return false;
	*size = h.size;
	*note = buf_bytes(&r->out_notes);
	return true;
}

bool out_make_leaves(struct replica *r, const struct log *log, uint64_t from, uint64_t upto,
	struct message *m, uint64_t *end)
{
	struct collecting c = {.r = r};
	struct bytes note;
	buf_reset(&r->out);
	buf_reset(&r->out_notes);
	if (upto - from > LIMIT_BATCH_LEAVES)
		upto = from + LIMIT_BATCH_LEAVES;
	if (r->ops->leaf_each(r->store, log->row.id, from, upto, collect_leaf, &c, NULL) < 0 ||
		c.n == 0 || !find_head(r, log, from, from + c.n, end, &note))
		return false;
	size_t n = (size_t)(*end - from);
	c.start[c.n] = r->out.n;
	for (size_t i = 0; i < n; i++)
		r->out_leaves[i] = bytes_of(r->out.p + c.start[i], c.start[i + 1] - c.start[i]);
	m->kind = MESSAGE_LEAVES;
	m->leaves.origin = bytes_str(log->row.origin);
	m->leaves.first = from;
	m->leaves.leaves = r->out_leaves;
	m->leaves.n = n;
	m->leaves.head = note;
	return true;
}

/* PROTOCOL 7.3: what we wrote goes at once to a peer that had all there was; any other peer is
 * told, and asks. */
static bool make_news(struct replica *r, struct session *s, size_t i, struct message *m)
{
	const struct log *log = r->log[i];
	struct peer_log *pl = &s->log[i];
	struct bytes note;
	uint64_t size = log_sendable(r, log, &note);
	uint64_t end;
	if (log == r->own && size > pl->told && pl->has >= pl->told &&
		size - pl->has <= LIMIT_BATCH_LEAVES && pl->has > 0 &&
		out_make_leaves(r, log, pl->has, size, m, &end) && end == size) {
		pl->has = pl->told = size;
		return true;
	}
	bool announce = log == r->own ? size > pl->told : pl->head_due;
	pl->head_due = false;
	if (!announce || size <= pl->told || size <= pl->has)
		return false;
	pl->told = size;
	m->kind = MESSAGE_HEAD;
	m->note = note;
	return true;
}

static bool make_evidence(struct replica *r, struct session *s, size_t i, struct message *m)
{
	bool due = s->log[i].evidence_due;
	s->log[i].evidence_due = false;
	return due && evidence_of(r, r->log[i], m);
}

static bool make_cosignature(struct replica *r, int peer, size_t i, struct message *m)
{
	m->kind = MESSAGE_COSIGNATURE;
	return witness_next(r->log[i], peer, &m->note);
}

static bool make_want(struct replica *r, struct session *s, size_t i, struct message *m)
{
	const struct log *log = r->log[i];
	if (!s->log[i].want_due)
		return false;
	s->log[i].want_due = false;
	if (log->seen.size <= log->row.size)
		return false;
	s->log[i].asked = true;
	s->log[i].asked_at = s->messages;
	m->kind = MESSAGE_WANT;
	m->want.origin = bytes_str(log->row.origin);
	m->want.from = fetch_from(r, log, s);
	m->want.to = log->seen.size;
	return true;
}

static bool make_digest(struct replica *r, struct session *s, struct message *m)
{
	static const struct hash none;
	bool provisional = replica_is_provisional(r);
	s->digest_due = false;
	if (!provisional && digest_refresh(r, NULL) != RC_OK)
		return false;
	size_t n = 0;
	for (size_t i = 0; i < r->n_logs; i++)
		if (retire_counted(r->log[i]) > 0)
			r->out_sizes[n++] = (struct log_size){
				bytes_str(r->log[i]->row.origin), retire_counted(r->log[i])};
	m->kind = MESSAGE_VIEW_DIGEST;
	m->digest.rules_version = provisional ? RULES_PROVISIONAL : RULES_VERSION;
	m->digest.sizes = r->out_sizes;
	m->digest.n = n;
	m->digest.view_root = hash_bytes(provisional ? &none : &r->digest.root);
	return true;
}

static bool serve_want(struct replica *r, struct session *s, struct message *m)
{
	for (size_t k = 0; k < r->n_logs; k++) {
		size_t i = (s->serve_next + k) % r->n_logs;
		struct peer_log *pl = &s->log[i];
		struct bytes note;
		uint64_t end, size = log_sendable(r, r->log[i], &note);
		if (pl->want_from >= pl->want_to)
			continue;
		if (pl->want_from >= size ||
			!out_make_leaves(r, r->log[i], pl->want_from, size, m, &end)) {
			pl->want_from = pl->want_to = 0;
			continue;
		}
		pl->want_from = pl->has = end;
		if (pl->told < end)
			pl->told = end;
		s->serve_next = i + 1;
		return true;
	}
	return false;
}

static bool next_open(struct replica *r, int peer, struct message *m)
{
	struct session *s = &r->session[peer];
	if (s->pong_due || s->ping_due) {
		bool pong = s->pong_due;
		m->kind = pong ? MESSAGE_PONG : MESSAGE_PING;
		m->token = pong ? s->pong_token : s->ping_token;
		*(pong ? &s->pong_due : &s->ping_due) = false;
		return true;
	}
	if (rosters_next_out(r, s, m))
		return true;
	for (size_t i = 0; i < r->n_logs; i++)
		if (make_evidence(r, s, i, m))
			return true;
	for (size_t i = 0; i < r->n_logs; i++)
		if (make_news(r, s, i, m) || make_want(r, s, i, m))
			return true;
	for (size_t i = 0; i < r->n_logs; i++)
		if (make_cosignature(r, peer, i, m))
			return true;
	return (s->digest_due && make_digest(r, s, m)) || serve_want(r, s, m);
}

bool replica_next_out(struct replica *r, int peer, struct outbound *out)
{
	struct session *s = &r->session[peer];
	ENSURE(!r->in_group);
	*out = (struct outbound){0};
	switch (s->state) {
	case SESSION_DOWN: return false;
	case SESSION_LEAVING:
		if (s->bye_sent)
			return false;
		make_bye(s, &out->msg);
		out->last = true;
		return true;
	case SESSION_GREETING:
		if (!s->hello_due)
			return false;
		make_hello(r, peer, &out->msg);
		return true;
	case SESSION_OPEN:
		if (s->hello_due) {
			make_hello(r, peer, &out->msg);
			return true;
		}
		return next_open(r, peer, &out->msg);
	}
	return false;
}
