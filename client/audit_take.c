/* From the records of a bundle to logs, leaves, and what was claimed of them. */
#include <string.h>

#include "client/audit.h"
#include "client/text.h"
#include "proto/trust/evidence.h"

static int take_roster(struct audit *a, struct bytes note, struct err *e)
{
	a->roster = xrealloc(a->roster, (a->n_rosters + 1) * sizeof *a->roster);
	struct roster *next = &a->roster[a->n_rosters];
	struct err why = {0};
	if (a->n_rosters == 0) {
		int rc = roster_verify_first(note, a->has_cluster ? &a->cluster_id : NULL, next, e);
		if (rc != RC_OK)
			return err_set(e, RC_VERIFY, tr("the bundle's roster: %s"), e->text);
		a->cluster_id = next->cluster_id;
	} else if (roster_verify_next(note, &a->roster[a->n_rosters - 1], next, &why) != RC_OK) {
		audit_find(a, AUDIT_ROSTER, bytes_of(NULL, 0), a->n_rosters + 1, "%s", why.text);
		return RC_OK;
	}
	a->n_rosters++;
	return RC_OK;
}

static struct audit_log *log_named(struct audit *a, struct bytes origin)
{
	struct audit_log *log = audit_log_find(a, origin);
	struct origin o;
	if (log || a->n_logs == LIMIT_LOGS || origin_parse(origin, &o, NULL) != RC_OK)
		return log;
	const struct roster *r = audit_roster(a);
	int member =
		strcmp(o.cluster, r->cluster) == 0 ? roster_find_any(r, bytes_str(o.member)) : -1;
	if (member < 0)
		return NULL;
	log = xalloc(sizeof *log);
	log->origin = o;
	log->member = member;
	a->log[a->n_logs++] = log;
	return log;
}

static void claim_root(struct audit *a, enum audit_id says, struct audit_log *log,
	const struct checkpoint *cp, const char *by)
{
	struct audit_claim c = {
		.says = says, .log = log, .size = cp->size, .at = cp->size, .root = cp->root};
	memcpy(c.by, by, strlen(by) + 1);
	audit_claim(a, &c);
}

static void take_cosigners(
	struct audit *a, struct audit_log *log, const struct note *n, const struct checkpoint *cp)
{
	const struct roster *r = audit_roster(a);
	member_set bad, good = cosign_verify(r, n, log->member, 0, &bad);
	for (int i = 0; i < (int)r->n; i++) {
		if (bad & MEMBER_BIT(i))
			audit_find(a, AUDIT_COSIGNATURE, cp->origin, cp->size, "%s",
				r->member[i].slug);
		if (good & MEMBER_BIT(i))
			claim_root(a, AUDIT_COSIGNED_OTHER, log, cp, r->member[i].slug);
	}
	a->cosignatures += member_set_count(good);
}

/* A head, from wherever it comes; its log, or NULL if it is a finding. */
static struct audit_log *take_head(struct audit *a, struct bytes note)
{
	struct note n;
	struct checkpoint cp;
	const struct roster *r = audit_roster(a);
	struct bytes nothing = bytes_of(NULL, 0);
	if (note_parse(note, &n, NULL) != RC_OK || checkpoint_parse(n.text, &cp, NULL) != RC_OK) {
		audit_find(a, AUDIT_HEAD, nothing, 0, "%s", tr("not a head at all"));
		return NULL;
	}
	struct audit_log *log = log_named(a, cp.origin);
	if (!log) {
		audit_find(a, AUDIT_NOBODY, cp.origin, cp.size, "%.*s", (int)cp.origin.n,
			(const char *)cp.origin.p);
		return NULL;
	}
	const struct retirement *t = roster_retired(r, cp.origin);
	/* The members' line is the head there; what its owner said beyond is passed over. */
	if (t && cp.size >= t->valid_below) {
		if (cp.size == t->valid_below && hash_equal(&cp.root, &t->root)) {
			log->claimed = cp.size;
			take_cosigners(a, log, &n, &cp);
		}
		return log;
	}
	const uint8_t *key = roster_log_key(r, cp.origin, log->member);
	if (!key)
		return log; /* of a former member, and of no line: it counts nowhere */
	if (checkpoint_verify(note, key, &cp, NULL) != RC_OK) {
		audit_find(a, AUDIT_HEAD, cp.origin, cp.size, "%s", r->member[log->member].slug);
		return NULL;
	}
	a->heads++;
	claim_root(a, AUDIT_ROOT, log, &cp, r->member[log->member].slug);
	take_cosigners(a, log, &n, &cp);
	if (cp.size > log->claimed)
		log->claimed = cp.size;
	return log;
}

static void add_leaf(struct audit *a, struct audit_log *log, struct bytes raw)
{
	if (log->n == log->cap) {
		log->cap = log->cap == 0 ? 64 : 2 * log->cap;
		log->leaf = xrealloc(log->leaf, log->cap * sizeof *log->leaf);
	}
	log->leaf[log->n] =
		(struct audit_leaf){.raw = pool_copy(&a->pool, raw), .log = log, .index = log->n};
	log->n++;
}

static int take_leaves(struct audit *a, const struct message *m, struct err *e)
{
	struct audit_log *log = take_head(a, m->leaves.head);
	bool is_signed = log != NULL;
	if (!log)
		log = log_named(a, m->leaves.origin);
	if (log && !is_signed && log->n + m->leaves.n > AUDIT_DOUBTFUL_MAX)
		log->given_up = true;
	if (!log || log->given_up)
		return RC_OK;
	if (!bytes_equal(bytes_str(log->origin.text), m->leaves.origin) ||
		m->leaves.first != log->n)
		return err_set(e, RC_INPUT,
			tr("the bundle does not hold %.100s from its beginning; make it with "
			   "deltactl bundle export --all"),
			log->origin.text);
	for (size_t i = 0; i < m->leaves.n; i++)
		add_leaf(a, log, m->leaves.leaves[i]);
	return RC_OK;
}

static void take_evidence(struct audit *a, const struct message *m)
{
	struct checkpoint low, high;
	struct note n;
	struct buf proof = {0};
	struct err why = {0};
	struct bytes nothing = bytes_of(NULL, 0);
	for (size_t i = 0; i < m->evidence.n_proof; i++)
		buf_put_bytes(&proof, m->evidence.proof[i]);
	struct evidence x = {m->evidence.first, m->evidence.second, buf_bytes(&proof)};
	struct audit_log *log = NULL;
	if (note_parse(x.first, &n, NULL) == RC_OK && checkpoint_parse(n.text, &low, NULL) == RC_OK)
		log = log_named(a, low.origin);
	const uint8_t *key = log ? roster_log_key(audit_roster(a), low.origin, log->member) : NULL;
	if (!key)
		audit_find(a, AUDIT_EVIDENCE, nothing, 0, "%s", tr("of no log of a member"));
	else if (evidence_verify(&x, key, &low, &high, &why) != RC_OK)
		audit_find(a, AUDIT_EVIDENCE, bytes_str(log->origin.text), 0, "%s", why.text);
	else
		audit_find(a, AUDIT_FORK, low.origin, low.size,
			tr("%s signed heads of sizes %llu and %llu that exclude each other"),
			log->origin.member, (unsigned long long)low.size,
			(unsigned long long)high.size);
	buf_release(&proof);
}

static int take_first(struct audit *a, const struct message *m, struct err *e)
{
	if (m->kind == MESSAGE_ROSTER)
		return take_roster(a, m->note, e);
	if (m->kind != MESSAGE_HELLO)
		return err_set(e, RC_INPUT, tr("the bundle does not begin with the roster"));
	buf_put_bytes(&a->exporter, m->hello.member);
	if (a->has_cluster && !bytes_equal(m->hello.cluster_id, hash_bytes(&a->cluster_id)))
		return err_set(e, RC_VERIFY, tr("the bundle is of another cluster"));
	return RC_OK;
}

int audit_take(struct audit *a, const struct message *m, struct err *e)
{
	if (a->n_rosters == 0)
		return take_first(a, m, e);
	switch (m->kind) {
	case MESSAGE_ROSTER: return take_roster(a, m->note, e);
	case MESSAGE_HEAD:
	case MESSAGE_COSIGNATURE: (void)take_head(a, m->note); break;
	case MESSAGE_LEAVES: return take_leaves(a, m, e);
	case MESSAGE_EVIDENCE: take_evidence(a, m); break;
	case MESSAGE_HELLO:
	case MESSAGE_WANT:
	case MESSAGE_VIEW_DIGEST:
	case MESSAGE_PING:
	case MESSAGE_PONG:
	case MESSAGE_BYE:
	case MESSAGE_UNKNOWN: break;
	}
	return RC_OK;
}
