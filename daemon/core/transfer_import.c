/* What comes in a bundle: looked at as a whole, then taken record by record. Source: PROTOCOL 10.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/set_back.h"
#include "daemon/core/transfer.h"
#include "daemon/core/transfer_holds.h"
#include "proto/base/mutant.h"
#include "proto/base/text.h"
#include "proto/trust/cosign.h"
#include "proto/trust/evidence.h"
#include "proto/wire/bundle.h"

#define WARM_LEAVES 4096 /* of ours that are counted in one go */

/* The log whose leaves are being read: they stand together, so it is one at a time. */
struct reading {
	char origin[ORIGIN_SIZE]; /* "": none yet */
	bool passed_over;	  /* frozen here, or one too many of its member */
	bool warm;		  /* theirs has come to the first leaf in the bundle */
	struct frontier theirs;	  /* of their history; up to the first leaf it is ours */
	bool parted;		  /* their owner signed it, and it is not ours */
};

struct transfer_import {
	struct bundle_form form;
	bool again;	      /* the record was taken by the form already */
	struct roster roster; /* as it will be once those in the bundle are taken */
	struct buf proven;    /* origins of logs that the bundle has evidence of, LF around each */
	char member[SLUG_SIZE]; /* who made the bundle, by its own word */
	struct roster chain;	/* the last roster in it; version 0: none is there yet */
	struct holds holds;
	struct reading log;
	uint64_t leaves;
	struct ctl_imported_log imported[LIMIT_LOGS];
	char imported_origin[LIMIT_LOGS][ORIGIN_SIZE];
	size_t n_imported;
};

int transfer_import_new(struct replica *r, struct transfer_import **out, struct err *e)
{
	*out = NULL;
	if (!r->has_roster)
		return err_set(e, RC_NO_ROSTER, "install the roster first");
	*out = xalloc(sizeof(**out));
	(*out)->roster = r->roster;
	return RC_OK;
}

void transfer_import_free(struct transfer_import *t)
{
	if (t == NULL)
		return;
	bundle_form_release(&t->form);
	buf_release(&t->proven);
	free(t);
}

void transfer_import_rewind(struct replica *r, struct transfer_import *t)
{
	bundle_form_release(&t->form);
	buf_release(&t->proven);
	memset(t, 0, sizeof(*t));
	t->roster = r->roster;
}

/* ---- looking ---- */

/* A head as it stands in a bundle. */
struct head {
	struct note n;
	struct checkpoint cp;
	int member; /* whose log it is of, by the bundle's rosters; < 0: nobody's */
	bool pass;  /* it is none to be read here, and nobody is to blame */
};

/* Does the maker of the bundle have another roster than the newest known? Then what it says may be
 * signed by keys that only its roster names (PROTOCOL 5.3). */
static bool has_other_roster(const struct transfer_import *t)
{
	return t->chain.version > 0 && !hash_equal(&t->chain.id, &t->roster.id);
}

/* The log key of the origin's owner; NULL: nobody signs it any more. RC_PEER_ORIGIN, RC_PEER_HEAD.
 */
static int find_owner(
	const struct transfer_import *t, struct head *h, const uint8_t **key, struct err *e)
{
	struct origin o;
	*key = NULL;
	if (origin_parse(h->cp.origin, &o, e) != RC_OK)
		return err_set(e, RC_PEER_HEAD, "a head that is no checkpoint");
	h->member = roster_find_any(&t->roster, bytes_str(o.member));
	if (h->member >= 0)
		*key = roster_log_key(&t->roster, h->cp.origin, h->member);
	if (strcmp(o.cluster, t->roster.cluster) != 0 || (h->member < 0 && !has_other_roster(t)))
		return err_set(e, RC_PEER_ORIGIN, "no roster member owns the log \"%s\"", o.text);
	h->pass = *key == NULL;
	return RC_OK;
}

/* A head, signed by the log key of its owner. */
static int read_head(
	const struct transfer_import *t, struct bytes text, struct head *h, struct err *e)
{
	const uint8_t *key;
	if (note_parse(text, &h->n, e) != RC_OK ||
		checkpoint_parse(h->n.text, &h->cp, e) != RC_OK || h->cp.size == 0)
		return err_set(e, RC_PEER_HEAD, "a head that is no checkpoint");
	int rc = find_owner(t, h, &key, e);
	if (rc != RC_OK || h->pass)
		return rc;
	const struct retirement *end = roster_retired(&t->roster, h->cp.origin);
	if (end != NULL && h->cp.size >= end->valid_below) {
		/* At its end the roster says so itself. */
		h->pass = h->cp.size > end->valid_below || !hash_equal(&h->cp.root, &end->root);
		return RC_OK;
	}
	if (checkpoint_verify(text, key, &h->cp, e) == RC_OK)
		return RC_OK;
	h->pass = has_other_roster(t);
	return h->pass ? RC_OK
		       : err_set(e, RC_PEER_HEAD, "the head of \"%.*s\" is not signed by its owner",
				 (int)h->cp.origin.n, (const char *)h->cp.origin.p);
}

static int check_head(const struct transfer_import *t, struct bytes text, struct err *e)
{
	struct head h;
	return read_head(t, text, &h, e);
}

static int check_cosignature(const struct transfer_import *t, struct bytes text, struct err *e)
{
	struct head h;
	member_set bad;
	int rc = read_head(t, text, &h, e);
	if (rc != RC_OK || h.pass)
		return rc;
	(void)cosign_verify(&t->roster, &h.n, h.member, 0, &bad);
	if ((bad != 0 && !has_other_roster(t)) ||
		cosign_named(&t->roster, &h.n) == MEMBER_BIT(h.member))
		return err_set(e, RC_PEER_HEAD,
			"a cosignature under the head of \"%.*s\" is not its member's",
			(int)h.cp.origin.n, (const char *)h.cp.origin.p);
	return RC_OK;
}

static void put_framed(struct buf *out, struct bytes origin)
{
	buf_put_u8(out, '\n');
	buf_put_bytes(out, origin);
	buf_put_u8(out, '\n');
}

/* Does the bundle itself prove that the log is forked? Then it is frozen before its leaves come. */
static bool is_proven(const struct transfer_import *t, struct bytes origin)
{
	struct buf framed = {0};
	put_framed(&framed, origin);
	bool found =
		t->proven.n > 0 && memmem(t->proven.p, t->proven.n, framed.p, framed.n) != NULL;
	buf_release(&framed);
	return found;
}

static int check_evidence(struct transfer_import *t, const struct message *m, struct err *e)
{
	struct buf proof = {0};
	struct checkpoint b;
	struct err why = {0};
	struct head h = {.pass = false};
	const uint8_t *key = NULL;
	for (size_t i = 0; i < m->evidence.n_proof; i++)
		buf_put_bytes(&proof, m->evidence.proof[i]);
	struct evidence x = {m->evidence.first, m->evidence.second, buf_bytes(&proof)};
	int rc = RC_OK;
	if (note_parse(x.first, &h.n, &why) != RC_OK ||
		checkpoint_parse(h.n.text, &h.cp, &why) != RC_OK)
		rc = err_set(e, RC_PEER_EVIDENCE, "evidence that proves nothing: %s", why.text);
	else
		rc = find_owner(t, &h, &key, e);
	bool holds = rc == RC_OK && !h.pass && evidence_verify(&x, key, &h.cp, &b, &why) == RC_OK;
	if (rc == RC_OK && !h.pass && !holds && !has_other_roster(t))
		rc = err_set(e, RC_PEER_EVIDENCE, "evidence that proves nothing: %s", why.text);
	/* A line of the roster settles a fork. */
	if (holds && roster_retired(&t->roster, h.cp.origin) == NULL)
		put_framed(&t->proven, h.cp.origin);
	buf_release(&proof);
	return rc;
}

static int check_hello(
	struct replica *r, struct transfer_import *t, const struct message *m, struct err *e)
{
	if (!bytes_equal(m->hello.cluster_id, hash_bytes(&r->roster.cluster_id)))
		return err_set(e, RC_PEER_CLUSTER, "the bundle is of another cluster");
	if (m->hello.protocol_min > PROTOCOL_MAX || m->hello.protocol_max < PROTOCOL_MIN)
		return err_set(e, RC_PEER_VERSION, "the bundle is of protocol %u to %u, not %u",
			m->hello.protocol_min, m->hello.protocol_max, PROTOCOL_MAX);
	text_print(t->member, sizeof(t->member), "%.*s", (int)m->hello.member.n,
		(const char *)m->hello.member.p);
	for (size_t i = 0; i < m->hello.n_heads; i++) {
		struct head h;
		struct err unsigned_head = {0};
		if (note_parse(m->hello.heads[i], &h.n, e) != RC_OK ||
			checkpoint_parse(h.n.text, &h.cp, e) != RC_OK)
			return err_set(e, RC_PEER_HEAD, "a head that is no checkpoint");
		if (read_head(t, m->hello.heads[i], &h, &unsigned_head) == RC_OK && !h.pass)
			holds_put(&t->holds, h.cp.origin, h.cp.size);
	}
	return RC_OK;
}

/* The bundle's versions are a chain of their own, from the first on. What follows is judged by the
 * newest that goes on from ours; two that exclude each other are no fault of the file's. */
static int check_roster(struct transfer_import *t, const struct message *m, struct err *e)
{
	struct roster *next = xalloc(sizeof(*next));
	int rc = t->chain.version == 0
		? roster_verify_first(m->note, &t->roster.cluster_id, next, e)
		: roster_verify_next(m->note, &t->chain, next, e);
	if (rc == RC_OK) {
		t->chain = *next;
		if (next->version == t->roster.version + 1 &&
			hash_equal(&next->prev, &t->roster.id))
			t->roster = *next;
	}
	free(next);
	return rc;
}

/* Brings `theirs` to the first leaf of the bundle, by our leaves. */
static int warm_up(
	struct replica *r, struct reading *g, const struct log *log, uint64_t first, struct err *e)
{
	if (log != NULL && first == log->row.size)
		g->theirs = log->row.frontier;
	uint64_t left = first - g->theirs.size;
	uint64_t upto = left > WARM_LEAVES ? g->theirs.size + WARM_LEAVES : first;
	int rc = left > 0 ? r->ops->leaf_each(r->store, log->row.id, g->theirs.size, upto,
				    log_add_leaf, &g->theirs, e)
			  : RC_OK;
	g->warm = g->theirs.size == first;
	return rc != RC_OK || g->warm ? rc : TRANSFER_AGAIN;
}

static void begin_log(
	struct replica *r, struct transfer_import *t, const struct log *log, struct bytes origin)
{
	struct origin o;
	t->log = (struct reading){
		.passed_over = (log != NULL && log_is_frozen(log)) || is_proven(t, origin)};
	memcpy(t->log.origin, origin.p, origin.n);
	if (log == NULL && origin_parse(origin, &o, NULL) == RC_OK && !log_has_room(r, o.member))
		t->log.passed_over = true;
}

struct comparing {
	const struct message *m;
	bool same;
};

static int compare_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct comparing *c = arg;
	c->same = bytes_equal(leaf, c->m->leaves.leaves[index - c->m->leaves.first]);
	return c->same ? 0 : STORE_NONE;
}

/* Is their history another one than ours, in the leaves that both have? */
static int compare_leaves(struct replica *r, struct reading *g, const struct log *log,
	const struct message *m, struct err *e)
{
	struct comparing c = {m, true};
	uint64_t end = m->leaves.first + m->leaves.n;
	if (log == NULL || m->leaves.first >= log->row.size)
		return RC_OK;
	if (end > log->row.size)
		end = log->row.size;
	int rc =
		r->ops->leaf_each(r->store, log->row.id, m->leaves.first, end, compare_leaf, &c, e);
	g->parted = !c.same && !MUTANT(BUNDLE_PARTING_UNSEEN);
	return rc < 0 ? rc : RC_OK;
}

/* Lists the log once, with what is here, and how far the bundle has it. */
static void list_log(struct transfer_import *t, const struct log *log, const struct message *m)
{
	size_t n = t->n_imported;
	if (n == 0 || strcmp(t->imported_origin[n - 1], t->log.origin) != 0) {
		if (n == LIMIT_LOGS)
			return;
		memcpy(t->imported_origin[n], t->log.origin, ORIGIN_SIZE);
		t->imported[n].origin = bytes_str(t->imported_origin[n]);
		t->imported[n].before = t->imported[n].size = log != NULL ? log->row.size : 0;
		n = ++t->n_imported;
	}
	if (t->imported[n - 1].size < m->leaves.first + m->leaves.n)
		t->imported[n - 1].size = m->leaves.first + m->leaves.n;
}

static int check_leaves(
	struct replica *r, struct transfer_import *t, const struct message *m, struct err *e)
{
	struct reading *g = &t->log;
	struct head h;
	struct log *log = log_find(r, m->leaves.origin);
	int rc = read_head(t, m->leaves.head, &h, e);
	if (rc != RC_OK)
		return rc;
	if (!bytes_equal(bytes_str(g->origin), m->leaves.origin))
		begin_log(r, t, log, m->leaves.origin);
	g->passed_over = g->passed_over || h.pass;
	if (!g->passed_over && !g->warm) {
		uint64_t here = log != NULL ? log->row.size : 0;
		if (m->leaves.first > here)
			return err_set(e, RC_REFUSED_GAP,
				"the leaves of \"%s\" begin at %llu, and here are %llu", g->origin,
				(unsigned long long)m->leaves.first, (unsigned long long)here);
		rc = warm_up(r, g, log, m->leaves.first, e);
		if (rc != RC_OK)
			return rc;
	}
	t->leaves += m->leaves.n;
	if (g->passed_over)
		return RC_OK;
	list_log(t, log, m);
	struct hash root;
	for (size_t i = 0; i < m->leaves.n; i++)
		(void)log_add_leaf(&g->theirs, 0, m->leaves.leaves[i]);
	frontier_root(&g->theirs, &root);
	if (!hash_equal(&root, &h.cp.root) && !MUTANT(BUNDLE_ROOT_UNCHECKED))
		return err_set(e, RC_PEER_BATCH,
			"the leaves of \"%s\" do not give the signed root of size %llu", g->origin,
			(unsigned long long)h.cp.size);
	return g->parted ? RC_OK : compare_leaves(r, g, log, m, e);
}

int transfer_import_check(
	struct replica *r, struct transfer_import *t, const struct message *m, struct err *e)
{
	int rc = t->again ? RC_OK : bundle_form_take(&t->form, m, e);
	t->again = false;
	if (rc != RC_OK)
		return rc;
	switch (m->kind) {
	case MESSAGE_HELLO: return check_hello(r, t, m, e);
	case MESSAGE_ROSTER: return check_roster(t, m, e);
	case MESSAGE_LEAVES: rc = check_leaves(r, t, m, e); break;
	case MESSAGE_EVIDENCE: return check_evidence(t, m, e);
	case MESSAGE_HEAD: return check_head(t, m->note, e);
	case MESSAGE_COSIGNATURE: return check_cosignature(t, m->note, e);
	case MESSAGE_UNKNOWN:
	case MESSAGE_WANT:
	case MESSAGE_VIEW_DIGEST:
	case MESSAGE_PING:
	case MESSAGE_PONG:
	case MESSAGE_BYE: break;
	}
	t->again = rc == TRANSFER_AGAIN;
	return rc;
}

void transfer_import_summary(struct transfer_import *t, struct ctl_imported *out)
{
	*out = (struct ctl_imported){
		.leaves = t->leaves, .logs = t->imported, .n_logs = t->n_imported};
}

/* ---- taking ---- */

/* What the exporter holds beyond us: how far behind a log is decides how its leaves are examined.
 * A head that does not verify was a claim like the rest of a Hello. */
static int take_hello(struct replica *r, const struct message *m, struct now now, struct err *e)
{
	int rc = RC_OK;
	set_back_heard(r, NO_PEER, now);
	for (size_t i = 0; rc >= RC_OK && i < m->hello.n_heads; i++) {
		struct note note;
		struct checkpoint cp;
		if (note_parse(m->hello.heads[i], &note, e) != RC_OK ||
			checkpoint_parse(note.text, &cp, e) != RC_OK)
			continue;
		const struct log *log = log_find(r, cp.origin);
		if (log != NULL && cp.size <= log->row.size)
			continue;
		rc = log_accept_head(r, NO_PEER, m->hello.heads[i], now, NULL, &cp, e);
		if (rc == RC_PEER_HEAD || rc == RC_PEER_ORIGIN || rc == RC_PEER_LIMIT)
			rc = RC_OK;
	}
	return rc;
}

static bool is_here(const struct log *log, const struct message *m)
{
	return log != NULL && m->leaves.first + m->leaves.n <= log->row.size;
}

bool transfer_import_wants(const struct replica *r, const struct message *m)
{
	return m->kind == MESSAGE_LEAVES && !is_here(log_find(r, m->leaves.origin), m);
}

static int take_leaves(struct replica *r, struct transfer_import *t, const struct message *m,
	const struct batch *b, struct now now, struct err *e)
{
	struct checkpoint cp;
	size_t appended = 0;
	struct log *log = log_find(r, m->leaves.origin);
	if (t->log.passed_over)
		return RC_OK;
	if (is_here(log, m) && !t->log.parted)
		return RC_OK;
	ENSURE(is_here(log, m) || b->n == m->leaves.n);
	int rc = log_accept_head(r, NO_PEER, m->leaves.head, now, &log, &cp, e);
	if (rc == RC_PEER_LIMIT || (rc == RC_OK && log == NULL)) {
		t->log.passed_over = true;
		return RC_OK;
	}
	if (rc == RC_OK && t->log.parted) {
		t->log.passed_over = true;
		if (log->retired) /* the roster says which history it is, and ours is held to it */
			return RC_OK;
		return fork_parted(r, NO_PEER, log, &cp, m->leaves.head, m->leaves.first, b, e);
	}
	if (rc == RC_OK)
		rc = log_append_batch(r, NO_PEER, log, &cp, m->leaves.head, m->leaves.first, b, now,
			&appended, e);
	if (rc == RC_OK)
		rc = witness_take_lines(r, NO_PEER, log, m->leaves.head, now, e);
	if (rc == RC_OK && appended > 0)
		fetch_progress(r, log, now);
	return rc;
}

static int take_head(struct replica *r, struct bytes note, struct now now, struct err *e)
{
	struct checkpoint cp;
	struct log *log;
	int rc = log_accept_head(r, NO_PEER, note, now, &log, &cp, e);
	return rc == RC_OK && log != NULL ? witness_take_lines(r, NO_PEER, log, note, now, e) : rc;
}

/* Against a former member's log, which counts nowhere, it says nothing. */
static int take_evidence(struct replica *r, const struct message *m, struct now now, struct err *e)
{
	int rc = evidence_recv(r, NO_PEER, m, now, e);
	return rc == RC_PEER_ORIGIN ? RC_OK : rc;
}

/* What the bundle's rosters make good need not be so by the one in force: two may stand against
 * each other, or the next may remove us. */
static bool is_of_another_roster(const struct replica *r, const struct transfer_import *t, int rc)
{
	return (rc == RC_PEER_HEAD || rc == RC_PEER_ORIGIN || rc == RC_PEER_EVIDENCE) &&
		(has_other_roster(t) || !hash_equal(&r->roster.id, &t->roster.id));
}

int transfer_import_apply(struct replica *r, struct transfer_import *t, const struct message *m,
	const struct batch *b, struct now now, struct err *e)
{
	int rc = transfer_import_check(r, t, m, e);
	if (rc != RC_OK)
		return rc;
	switch (m->kind) {
	case MESSAGE_HELLO: rc = take_hello(r, m, now, e); break;
	case MESSAGE_LEAVES: rc = take_leaves(r, t, m, b, now, e); break;
	case MESSAGE_HEAD: rc = take_head(r, m->note, now, e); break;
	case MESSAGE_COSIGNATURE: rc = witness_recv(r, NO_PEER, m->note, now, e); break;
	case MESSAGE_EVIDENCE: rc = take_evidence(r, m, now, e); break;
	case MESSAGE_ROSTER: rc = rosters_recv(r, NO_PEER, m->note, e); break;
	case MESSAGE_UNKNOWN:
	case MESSAGE_WANT:
	case MESSAGE_VIEW_DIGEST:
	case MESSAGE_PING:
	case MESSAGE_PONG:
	case MESSAGE_BYE: break;
	}
	if (rc == RC_PEER_LIMIT || is_of_another_roster(r, t, rc)) /* as on the wire */
		rc = RC_OK;
	if (rc == RC_OK)
		fetch_plan(r, now);
	return rc;
}

int transfer_import_end(
	struct replica *r, struct transfer_import *t, struct ctl_imported *out, struct err *e)
{
	int maker = roster_find(&r->roster, bytes_str(t->member));
	for (size_t i = 0; i < t->n_imported; i++) {
		const struct log *log = log_find(r, t->imported[i].origin);
		t->imported[i].size = log != NULL ? log->row.size : 0;
	}
	transfer_import_summary(t, out);
	if (maker < 0 || maker == r->self)
		return RC_OK;
	return holds_store(r, bytes_str(t->member), &t->holds, e);
}
