/* A replica that writes no log is filled from a file: nothing in it is believed that a peer would
 * not be believed. Source: PROTOCOL 3.6. */
#include "daemon/core/rosters.h"
#include "daemon/core/verdicts.h"

bool replica_fill_end(
	const struct replica *r, const char *origin, uint64_t *end, struct bytes *head)
{
	const struct log *log = log_find(r, bytes_str(origin));
	if (roster_retired(&r->roster, bytes_str(origin)) == NULL)
		return false;
	*end = log == NULL ? 0 : log->below;
	*head = log == NULL ? (struct bytes){0} : buf_bytes(&log->seal);
	return true;
}

/* Under the version in force nobody signs the head; another version may have. What a key of then
 * signed is nobody's, and what a line of then ended counts until its owner goes on (PROTOCOL 5.3),
 * if that is anybody. */
static int accept_other(struct replica *r, struct bytes head, struct log **log,
	const struct checkpoint *cp, struct err *e)
{
	enum vouched by;
	struct origin o;
	int rc = rosters_vouch(r, cp, head, &by, e);
	if (rc == RC_OK && by == VOUCHED_NOT)
		return err_set(e, RC_PEER_HEAD,
			"a head of \"%.*s\" that no version of the roster explains",
			(int)cp->origin.n, (const char *)cp->origin.p);
	*log = rc == RC_OK && by == VOUCHED_LINE ? log_find(r, cp->origin) : NULL;
	if (rc != RC_OK || by == VOUCHED_KEY || *log != NULL)
		return rc;
	rc = origin_parse(cp->origin, &o, e);
	int owner = rc == RC_OK ? roster_find_any(&r->roster, bytes_str(o.member)) : NO_PEER;
	return owner < 0 ? rc : log_create(r, &o, owner, log, e);
}

int replica_fill(struct replica *r, struct bytes head, uint64_t first, const struct batch *b,
	bool *passed, struct now now, struct err *e)
{
	struct checkpoint cp = {0};
	struct log *log;
	size_t appended = 0;
	ENSURE(r->config.log_key == NULL && r->has_roster);
	int rc = log_accept_head(r, NO_PEER, head, now, &log, &cp, e);
	if ((rc == RC_PEER_HEAD || rc == RC_PEER_ORIGIN) && cp.size > 0)
		rc = accept_other(r, head, &log, &cp, e);
	*passed = rc == RC_OK && log == NULL;
	if (rc != RC_OK || *passed)
		return rc;
	if (first != log->row.size || cp.size != first + b->n)
		return err_set(e, RC_PEER_BATCH, "leaves of \"%s\" that do not end at their head",
			log->row.origin);
	rc = log_append_batch(r, NO_PEER, log, &cp, head, first, b, now, &appended, e);
	if (rc == RC_OK && appended != b->n)
		rc = err_set(e, RC_PEER_BATCH,
			"the leaves of \"%s\" do not give the signed root of size %llu",
			log->row.origin, (unsigned long long)cp.size);
	while (rc == RC_OK && r->releasing) /* nobody waits, and no tick comes */
		rc = release_some(r, e);
	return rc;
}

int replica_fill_evidence(struct replica *r, struct bytes first, struct bytes second,
	struct bytes proof, struct now now, struct err *e)
{
	struct bytes hash[MERKLE_PROOF_MAX];
	struct message m = {.kind = MESSAGE_EVIDENCE};
	if (proof.n % HASH_BYTES != 0 || proof.n / HASH_BYTES > MERKLE_PROOF_MAX)
		return err_set(e, RC_PEER_EVIDENCE, "a proof that is none");
	for (size_t i = 0; i < proof.n / HASH_BYTES; i++)
		hash[i] = bytes_of(proof.p + i * HASH_BYTES, HASH_BYTES);
	m.evidence.first = first;
	m.evidence.second = second;
	m.evidence.proof = hash;
	m.evidence.n_proof = proof.n / HASH_BYTES;
	return evidence_recv(r, NO_PEER, &m, now, e);
}

int replica_fill_cosignature(struct replica *r, const char *origin, uint64_t size,
	struct bytes note, struct now now, struct err *e)
{
	struct note n;
	struct checkpoint cp;
	int rc = note_parse(note, &n, e);
	if (rc == RC_OK)
		rc = checkpoint_parse(n.text, &cp, e);
	if (rc != RC_OK || cp.size != size || !bytes_equal(cp.origin, bytes_str(origin)))
		return err_set(e, RC_PEER_HEAD, "a cosignature of \"%s\" is one of something else",
			origin);
	return witness_recv(r, NO_PEER, note, now, e);
}
