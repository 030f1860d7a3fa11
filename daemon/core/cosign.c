/* Cosignatures: what other members say of a log, what we say of theirs, and what that makes final.
 * Source: PROTOCOL 4.1, 4.2. */
#include <string.h>

#include "daemon/core/set_back.h"
#include "proto/base/mutant.h"

/* ---- what members say ---- */

/* A head, and who is found to have cosigned it. */
struct word {
	struct bytes note;
	struct note n;
	struct checkpoint cp;
	member_set good;
};

/* Over leaves that are not here yet. What we said before our database was set back still binds
 * us. */
static int wait_for_leaves(struct replica *r, struct log *log, const struct word *x, struct err *e)
{
	struct witness *w = &log->witness;
	for (int m = 0; m < (int)r->roster.n; m++) {
		if ((x->good & MEMBER_BIT(m)) == 0 || x->cp.size <= w->waiting[m].size)
			continue;
		struct buf *note = &w->waiting[m].note;
		w->waiting[m].size = x->cp.size;
		buf_reset(note);
		cosign_put_head(&x->n, x->cp.origin, log_key(r, log), note);
		cosign_put_line_of(&r->roster, &x->n, m, note);
	}
	if ((x->good & MEMBER_BIT(r->self)) == 0 || x->cp.size <= w->last)
		return RC_OK;
	event_hold(r, EVENT_INFO, NO_PEER, log,
		"this node once cosigned %llu leaves and holds %llu: its database was set back",
		(unsigned long long)x->cp.size, (unsigned long long)log->row.size);
	w->last = x->cp.size;
	int rc = set_back_found(r, e);
	return rc == RC_OK ? witness_put_row(r, log, x->cp.size, &x->n, r->self, e) : rc;
}

static bool same_text(const struct cosigned *c, const struct word *x)
{
	return x->n.text.n <= c->note.n && memcmp(c->note.p, x->n.text.p, x->n.text.n) == 0;
}

/* Is the head one of our leaves? *fits stays false if it is not, or too old to tell. */
static int compare(struct replica *r, struct log *log, const struct cosigned *c,
	const struct word *x, bool *fits, struct err *e)
{
	struct history ours = {.from = log->row.size};
	struct hash root;
	if (c != NULL) {
		*fits = same_text(c, x);
		return *fits
			? RC_OK
			: evidence_found(r, NO_PEER, log, buf_bytes(&c->note), x->note, &ours, e);
	}
	int rc = witness_root(r, log, x->cp.size, &root, e);
	if (rc != RC_OK)
		return rc == STORE_NONE ? RC_OK : rc;
	*fits = hash_equal(&root, &x->cp.root);
	if (*fits || log->head.n == 0)
		return RC_OK;
	return evidence_found(r, NO_PEER, log, buf_bytes(&log->head), x->note, &ours, e);
}

static int take(
	struct replica *r, struct log *log, const struct word *x, struct now now, struct err *e)
{
	struct witness *w = &log->witness;
	struct cosigned *c = witness_find(log, x->cp.size);
	bool fits = false;
	int rc = compare(r, log, c, x, &fits, e);
	if (rc != RC_OK || !fits)
		return rc;
	if (c == NULL)
		c = witness_insert(r, log, x->cp.size, &x->n);
	for (int m = 0; rc == RC_OK && m < (int)r->roster.n; m++) {
		if ((x->good & ~c->by & MEMBER_BIT(m)) == 0)
			continue;
		witness_note_line(r, c, &x->n, m);
		rc = witness_put_row(r, log, x->cp.size, &x->n, m, e);
	}
	if (c->size > w->last && (c->by & MEMBER_BIT(r->self)) != 0) {
		w->last = c->size;
		if (rc == RC_OK)
			rc = set_back_found(r, e);
	}
	w->changed = true;
	w->tried = 0;
	if (w->relay_at.v == MONO_NEVER.v)
		w->relay_at.v = now.mono.v + RELAY_DELAY_MS;
	return rc;
}

static int hear(
	struct replica *r, int peer, struct log *log, struct word *x, struct now now, struct err *e)
{
	int rc = RC_OK;
	if (log_is_closed(log))
		return RC_OK;
	if (x->good != 0 && x->cp.size > log->row.size)
		return wait_for_leaves(r, log, x, e);
	if (x->good != 0)
		rc = take(r, log, x, now, e);
	struct cosigned *c = witness_find(log, x->cp.size);
	if (c != NULL && peer != NO_PEER && !log_is_closed(log))
		c->told[peer] |= c->by & cosign_named(&r->roster, &x->n);
	return rc;
}

static member_set known_of(const struct log *log, uint64_t size)
{
	const struct cosigned *c = witness_find(log, size);
	return c != NULL ? c->by : 0;
}

/* A head that was compared and stands at the beginning of the note needs no second look at its
 * owner's signature. */
static bool head_is_known(const struct log *log, const struct word *x)
{
	const struct cosigned *c = log != NULL ? witness_find(log, x->cp.size) : NULL;
	size_t head = x->n.text.n + 1 + x->n.sig[0].line.n;
	return c != NULL && head <= c->note.n && memcmp(c->note.p, x->note.p, head) == 0;
}

int witness_recv(struct replica *r, int peer, struct bytes note, struct now now, struct err *e)
{
	struct word x = {.note = note};
	member_set bad;
	if (note_parse(note, &x.n, e) != RC_OK || checkpoint_parse(x.n.text, &x.cp, e) != RC_OK)
		return err_set(e, RC_PEER_HEAD, "a cosignature of what is no checkpoint");
	struct log *log = log_find(r, x.cp.origin);
	int rc = RC_OK;
	if (!head_is_known(log, &x))
		rc = log_accept_head(r, peer, note, now, &log, &x.cp, e);
	if (rc != RC_OK || log == NULL)
		return rc;
	member_set known = known_of(log, x.cp.size);
	x.good = cosign_verify(&r->roster, &x.n, log->member, known, &bad);
	if (bad != 0 || cosign_named(&r->roster, &x.n) == MEMBER_BIT(log->member))
		return err_set(e, RC_PEER_HEAD,
			"a cosignature under the head of \"%s\" is not its member's",
			log->row.origin);
	return hear(r, peer, log, &x, now, e);
}

int witness_take_lines(struct replica *r, int peer, struct log *log, struct bytes note,
	struct now now, struct err *e)
{
	struct word x = {.note = note};
	member_set bad;
	if (log == NULL || note_parse(note, &x.n, e) != RC_OK ||
		checkpoint_parse(x.n.text, &x.cp, e) != RC_OK || x.n.n < 2)
		return RC_OK;
	x.good = cosign_verify(&r->roster, &x.n, log->member, known_of(log, x.cp.size), &bad);
	return hear(r, peer, log, &x, now, e);
}

int witness_grew(struct replica *r, struct log *log, struct now now, struct err *e)
{
	struct witness *w = &log->witness;
	int rc = set_back_grew(r, log, e);
	for (int m = 0; rc == RC_OK && m < (int)r->roster.n; m++) {
		struct word x = {.good = MEMBER_BIT(m)};
		if (w->waiting[m].size == 0 || w->waiting[m].size > log->row.size ||
			log_is_closed(log))
			continue;
		w->waiting[m].size = 0;
		x.note = buf_bytes(&w->waiting[m].note);
		ENSURE(note_parse(x.note, &x.n, NULL) == RC_OK &&
			checkpoint_parse(x.n.text, &x.cp, NULL) == RC_OK);
		rc = take(r, log, &x, now, e);
	}
	return rc;
}

/* ---- what we say ---- */

bool witness_is_due(const struct replica *r, const struct log *log)
{
	const struct witness *w = &log->witness;
	uint64_t reach = set_back_reach(r, log);
	return r->cosign_key != NULL && !rebuild_ends(r) && log->member != r->self &&
		!log_is_closed(log) && reach > w->last && reach != w->tried &&
		roster_retired(&r->roster, bytes_str(log->row.origin)) == NULL;
}

/* The largest head that another member has cosigned, so that under load all meet at one; else the
 * newest. Its note goes to *out. STORE_NONE: there is none yet. */
static int choose(struct replica *r, const struct log *log, uint64_t reach, uint64_t *size,
	struct buf *out, struct err *e)
{
	const struct witness *w = &log->witness;
	uint64_t above = MUTANT(COSIGN_WITHOUT_SIZE_CHECK) ? 0 : w->last;
	for (size_t i = w->n; i-- > 0 && w->head[i].size > above;) {
		const struct cosigned *c = &w->head[i];
		if (c->size > reach || (c->by & MEMBER_BIT(r->self)) != 0)
			continue;
		*size = c->size;
		buf_put_bytes(out, buf_bytes(&c->note));
		return RC_OK;
	}
	struct store_head h = {0};
	int rc = log_signed_head(r, log, above, reach, &h, out, e);
	*size = h.size;
	return rc;
}

static int64_t seconds_of(struct now now)
{
	return now.wall.v < 1000 ? 1 : now.wall.v / 1000;
}

/* The head alone, with our line under it. */
static void put_our_line(const struct replica *r, const struct log *log, struct bytes head,
	struct now now, struct buf *out)
{
	struct note n;
	ENSURE(note_parse(head, &n, NULL) == RC_OK);
	cosign_put_head(&n, bytes_str(log->row.origin), log_key(r, log), out);
	cosign_put_line(&r->roster, r->self, r->cosign_key, n.text, (uint64_t)seconds_of(now), out);
}

/* PROTOCOL 4.1: the larger size is stored in the transaction in which it was compared; what is
 * said after its commit is said for ever. */
static int say(struct replica *r, struct log *log, uint64_t size, struct bytes head, struct now now,
	struct err *e)
{
	struct witness *w = &log->witness;
	struct cosigned *c = witness_find(log, size);
	struct buf note = {0};
	struct note n;
	int rc = RC_OK;
	put_our_line(r, log, head, now, &note);
	ENSURE(note_parse(buf_bytes(&note), &n, NULL) == RC_OK);
	if (c == NULL)
		c = witness_insert(r, log, size, &n);
	witness_note_line(r, c, &n, r->self);
	c->said |= MEMBER_BIT(r->self);
	w->last = size;
	w->again.v = now.mono.v + COSIGN_GAP_MS;
	w->tried = 0;
	w->changed = true;
	if (!MUTANT(COSIGN_BEFORE_COMMIT))
		rc = witness_put_row(r, log, size, &n, r->self, e);
	buf_release(&note);
	return rc;
}

static int cosign(struct replica *r, struct log *log, struct now now, struct err *e)
{
	struct buf head = {0};
	uint64_t size;
	uint64_t reach = set_back_reach(r, log);
	log->witness.tried = reach;
	int rc = choose(r, log, reach, &size, &head, e);
	if (rc == RC_OK)
		rc = say(r, log, size, buf_bytes(&head), now, e);
	buf_release(&head);
	return rc == STORE_NONE ? RC_OK : rc;
}

/* ---- at the end of a group ---- */

/* A head is of use while some member said little after it: its newest word is always kept, and
 * what is not final yet is until that member has said COSIGN_KEPT others. */
static bool is_of_use(const struct witness *w, size_t at)
{
	unsigned limit = w->head[at].size >= w->final_size ? COSIGN_KEPT : 1;
	for (int m = 0; m < LIMIT_MEMBERS; m++) {
		unsigned later = 0;
		if ((w->head[at].by & MEMBER_BIT(m)) == 0)
			continue;
		for (size_t i = at + 1; i < w->n; i++)
			later += (w->head[i].by & MEMBER_BIT(m)) != 0;
		if (later < limit)
			return true;
	}
	return false;
}

static int drop(struct replica *r, struct log *log, size_t at, struct err *e)
{
	struct witness *w = &log->witness;
	struct cosigned *c = &w->head[at];
	int rc = RC_OK;
	for (int m = 0; rc == RC_OK && m < (int)r->roster.n; m++)
		if ((c->by & MEMBER_BIT(m)) != 0)
			rc = r->ops->cosignature_delete(
				r->store, log->row.id, c->size, member_slug(r, m), e);
	buf_release(&c->note);
	memmove(c, c + 1, (w->n - at - 1) * sizeof(*c));
	w->n--;
	return rc;
}

/* The largest head with enough cosignatures, and all that are known of it. */
static int note_final(struct replica *r, struct log *log, struct err *e)
{
	struct witness *w = &log->witness;
	for (size_t i = w->n; i-- > 0 && w->head[i].size >= w->final_size;) {
		struct cosigned *c = &w->head[i];
		if (!cosign_is_final(&r->roster, c->by, log->member))
			continue;
		if (c->size == w->final_size && c->note.n <= w->final.n)
			return RC_OK;
		w->final_size = c->size;
		buf_reset(&w->final);
		buf_put_bytes(&w->final, buf_bytes(&c->note));
		r->wrote = true;
		return r->ops->final_put(r->store, log->row.id, c->size, buf_bytes(&w->final), e);
	}
	return RC_OK;
}

static int settle(struct replica *r, struct log *log, struct err *e)
{
	struct witness *w = &log->witness;
	int rc = note_final(r, log, e);
	for (size_t i = 0; rc == RC_OK && i < w->n;) {
		if (is_of_use(w, i))
			i++;
		else
			rc = drop(r, log, i, e);
	}
	w->changed = false;
	return rc;
}

int witness_commit(struct replica *r, struct now now, struct err *e)
{
	int rc = RC_OK;
	set_back_look(r, now);
	for (size_t i = 0; rc == RC_OK && i < r->n_logs; i++) {
		struct log *log = r->log[i];
		if (witness_is_due(r, log) && now.mono.v >= log->witness.again.v &&
			(now.mono.v >= r->rest_until.v || MUTANT(COSIGN_ON_A_FULL_DISK)))
			rc = cosign(r, log, now, e);
		if (rc == RC_OK && log->witness.changed)
			rc = settle(r, log, e);
	}
	return rc == RC_OK ? set_back_commit(r, e) : rc;
}

void witness_tick(struct replica *r, struct now now)
{
	for (size_t i = 0; i < r->n_logs; i++) {
		struct witness *w = &r->log[i]->witness;
		if (now.mono.v < w->relay_at.v)
			continue;
		w->relay_at = MONO_NEVER;
		for (size_t k = 0; k < w->n; k++)
			w->head[k].said = w->head[k].by;
	}
}

struct mono_ms witness_deadline(const struct replica *r)
{
	struct mono_ms at = set_back_deadline(r);
	for (size_t i = 0; i < r->n_logs; i++) {
		const struct witness *w = &r->log[i]->witness;
		if (w->relay_at.v < at.v)
			at = w->relay_at;
		struct mono_ms due = w->again.v > r->rest_until.v ? w->again : r->rest_until;
		if (witness_is_due(r, r->log[i]) && due.v < at.v)
			at = due;
	}
	return at;
}
