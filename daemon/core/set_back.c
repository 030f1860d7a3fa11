/* What this node said before its database was set back, lost or copied still binds it, and it no
 * longer knows it. It cosigns again what enough others can tell it of. Source: PROTOCOL 4.1. */
#include "daemon/core/set_back.h"

#include <string.h>

#include "proto/base/mutant.h"

#define META_KEY "cosign-set-back" /* "", "young", or "yes" */
#define YOUNG_MS 3000 /* whoever knows of an earlier life has named a log of it by then */

/* ---- how it is ---- */

static int put(struct replica *r, enum set_back_kind how, struct err *e)
{
	static const char *const word[] = {"", "young", "yes"};
	r->set_back.how = how;
	r->set_back.is_over = false;
	return r->ops->meta_put(r->store, META_KEY, bytes_str(word[how]), e);
}

int set_back_load(struct replica *r, struct err *e)
{
	struct buf word = {0};
	int rc = r->ops->meta_get(r->store, META_KEY, &word, e);
	r->set_back.told = 0;
	r->set_back.is_over = false;
	r->set_back.how = rc != RC_OK || word.n == 0		    ? SET_BACK_NOT
		: bytes_equal(buf_bytes(&word), bytes_str("young")) ? SET_BACK_YOUNG
								    : SET_BACK_YES;
	buf_release(&word);
	return rc == STORE_NONE ? RC_OK : rc;
}

int set_back_begin(struct replica *r, enum open_reason why, struct err *e)
{
	if (why == OPEN_ROTATE)
		return RC_OK;
	r->set_back.told = 0;
	return put(r, why == OPEN_INIT ? SET_BACK_YOUNG : SET_BACK_YES, e);
}

/* What was told to this process may have been told before a snapshot of the whole machine. */
int set_back_found(struct replica *r, struct err *e)
{
	if (r->set_back.how == SET_BACK_YES)
		return RC_OK;
	r->set_back.told = 0;
	for (size_t p = 0; p < r->roster.n; p++)
		session_leave(&r->session[p], RC_OK, "to be told anew what this node had cosigned");
	return put(r, SET_BACK_YES, e);
}

/* ---- who has told us ---- */

void set_back_link_up(struct replica *r, int peer)
{
	r->set_back.told &= ~MEMBER_BIT(peer);
	for (size_t i = 0; i < r->n_logs; i++)
		r->log[i]->witness.named[peer].size = 0;
}

void set_back_named(const struct replica *r, int peer, struct log *log, const struct checkpoint *cp)
{
	if (peer == NO_PEER || (r->set_back.told & MEMBER_BIT(peer)) != 0 ||
		cp->size <= log->row.size || cp->size <= log->witness.named[peer].size)
		return;
	log->witness.named[peer].size = cp->size;
	log->witness.named[peer].root = cp->root;
}

int set_back_grew(struct replica *r, struct log *log, struct err *e)
{
	int rc = RC_OK;
	for (int m = 0; rc == RC_OK && m < (int)r->roster.n; m++) {
		struct hash root;
		uint64_t size = log->witness.named[m].size;
		if (size == 0 || size > log->row.size)
			continue;
		rc = witness_root(r, log, size, &root, e);
		if (rc == RC_OK && hash_equal(&root, &log->witness.named[m].root))
			log->witness.named[m].size = 0;
		if (rc == STORE_NONE) /* it was looked at when the log came there: it is another */
			rc = RC_OK;
	}
	return rc;
}

void set_back_heard(struct replica *r, int peer, struct now now)
{
	if (peer != NO_PEER)
		r->set_back.told |= MEMBER_BIT(peer);
	if (r->set_back.how == SET_BACK_YOUNG && r->set_back.young_until.v == MONO_NEVER.v)
		r->set_back.young_until.v = now.mono.v + YOUNG_MS;
}

/* ---- what may be cosigned ---- */

/* Who can tell what we said of this member's logs. Of a log that we made final f - 1 of the n - 2
 * others know, so that among n - f of them there is one. */
static member_set others(const struct replica *r, int owner, unsigned *need)
{
	unsigned n = (unsigned)r->roster.n, final = r->roster.final_quorum;
	*need = n == 2 || n - final <= n - 2 ? n - final : n - 2;
	if (n == 2 || MUTANT(OWNER_VOUCHES))
		return ~MEMBER_BIT(r->self);
	return ~MEMBER_BIT(r->self) & ~MEMBER_BIT(owner);
}

static member_set unsettled(const struct replica *r, const struct log *log)
{
	member_set s = 0;
	for (int m = 0; m < (int)r->roster.n; m++)
		if (log->witness.named[m].size > 0)
			s |= MEMBER_BIT(m);
	return s;
}

/* The n-th largest size that one of these has cosigned; few are asked for, and few there are. */
static uint64_t cosigned_by(
	const struct replica *r, const struct log *log, member_set by, unsigned n)
{
	uint64_t size = UINT64_MAX;
	for (; n > 0; n--) {
		int best = -1;
		for (int m = 0; m < (int)r->roster.n; m++)
			if ((by & MEMBER_BIT(m)) != 0 &&
				(best < 0 || witness_newest(log, m) > witness_newest(log, best)))
				best = m;
		if (best < 0)
			return 0;
		size = witness_newest(log, best);
		by &= ~MEMBER_BIT(best);
	}
	return size;
}

uint64_t set_back_reach(const struct replica *r, const struct log *log)
{
	unsigned need;
	if (r->set_back.how == SET_BACK_NOT || MUTANT(SET_BACK_SPEAKS))
		return log->row.audited;
	member_set all = others(r, log->member, &need);
	member_set told = all & r->set_back.told & ~unsettled(r, log);
	unsigned n = member_set_count(told);
	if (n >= need)
		return log->row.audited;
	uint64_t reach = cosigned_by(r, log, all & ~told, need - n);
	return reach < log->row.audited ? reach : log->row.audited;
}

/* Of no log, be it one that is not here yet, there is more to be told. */
static bool all_is_told(const struct replica *r)
{
	unsigned need;
	for (int m = 0; m < (int)r->roster.n; m++)
		if (m != r->self && member_set_count(others(r, m, &need) & r->set_back.told) < need)
			return false;
	for (size_t i = 0; i < r->n_logs; i++) {
		const struct log *log = r->log[i];
		member_set told = r->set_back.told & ~unsettled(r, log);
		if (log->member != r->self && !log_is_closed(log) &&
			member_set_count(others(r, log->member, &need) & told) < need)
			return false;
	}
	return true;
}

void set_back_progress(const struct replica *r, uint32_t *told, uint32_t *need)
{
	unsigned n;
	*told = *need = 0;
	if (r->set_back.how != SET_BACK_YES)
		return;
	(void)others(r, r->self, &n);
	*told = member_set_count(r->set_back.told);
	*need = n < r->roster.n - 1 ? n + 1 : n; /* each of them is left out for its own log */
}

bool set_back_is_young(const struct replica *r)
{
	return r->set_back.how == SET_BACK_YOUNG && r->set_back.young_until.v != MONO_NEVER.v;
}

struct mono_ms set_back_deadline(const struct replica *r)
{
	bool young = r->set_back.how == SET_BACK_YOUNG && !r->rebuild.on;
	return young ? r->set_back.young_until : MONO_NEVER;
}

void set_back_look(struct replica *r, struct now now)
{
	if (r->set_back.how == SET_BACK_NOT || rebuild_ends(r))
		return;
	if (now.mono.v < set_back_deadline(r).v && !all_is_told(r))
		return;
	r->set_back.how = SET_BACK_NOT;
	r->set_back.is_over = true;
}

int set_back_commit(struct replica *r, struct err *e)
{
	if (!r->set_back.is_over || !r->wrote)
		return RC_OK;
	return put(r, SET_BACK_NOT, e);
}
