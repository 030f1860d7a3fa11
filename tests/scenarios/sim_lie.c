/* A hostile member with a valid key: what reaches its peers instead of what its node would say. */
#include <string.h>

#include "proto/trust/checkpoint.h"
#include "proto/wire/codec.h"
#include "tests/scenarios/sim_stage.h"
#include "tests/sim/oracle.h"

#define NOISE_BYTES 200
#define VICTIM 0 /* whose log is lied about: the office */

/* The message is an input like any other, ahead of all that is under way. */
static int hear(struct stage *s, int liar, int to, struct bytes message, struct err *e)
{
	struct sim_node *n = &s->w.node[to];
	struct err said = {0};
	s->w.identity[liar].liar = true;
	if (!node_enter(&s->w, n))
		return err_set(e, RC_IO, "the store does not begin");
	int heard = feed_replica(&s->w, n->replica, liar, message, node_now(&s->w, n), &said);
	world_trace(&s->w, "lie %s %s: %s", s->w.identity[liar].slug, n->id->slug, rc_id(heard));
	node_settle(&s->w, n);
	return RC_OK;
}

static int hear_message(struct stage *s, int liar, int to, const struct message *m, struct err *e)
{
	struct buf raw = {0};
	message_encode(m, &raw);
	int rc = hear(s, liar, to, buf_bytes(&raw), e);
	buf_release(&raw);
	return rc;
}

static int say_noise(struct stage *s, int liar, int to, struct err *e)
{
	uint8_t noise[NOISE_BYTES];
	dice_fill(&s->w.people, noise, sizeof(noise));
	return hear(s, liar, to, bytes_of(noise, sizeof(noise)), e);
}

struct finding {
	const char *member;
	struct store_log log; /* its newest; size 0: none */
};

static int find_log(void *arg, const struct store_log *log)
{
	struct finding *f = arg;
	struct origin o;
	if (origin_parse(bytes_str(log->origin), &o, NULL) == RC_OK &&
		strcmp(o.member, f->member) == 0)
		f->log = *log;
	return 0;
}

static int newest_log(struct stage *s, int node, int of, struct store_log *out, struct err *e)
{
	struct store *store = s->w.node[node].store;
	struct finding f = {.member = s->w.identity[of].slug};
	int rc = store->ops->log_each(store, find_log, &f, e);
	*out = f.log;
	return rc == RC_OK && f.log.size == 0 ? err_set(e, RC_NOT_FOUND, "%s holds no log of %s",
							s->w.node[node].id->slug, f.member)
					      : rc;
}

/* Signed by its owner, of the size that everybody knows, and of another history. */
static int say_fork(struct stage *s, int liar, int to, struct err *e)
{
	struct store_log own;
	struct hash root = {{1}};
	struct buf note = {0};
	int rc = newest_log(s, liar, liar, &own, e);
	if (rc != RC_OK)
		return rc;
	oracle_taint(&s->w, own.origin, liar);
	checkpoint_sign(own.origin, own.size, &root, &s->w.identity[liar].log, &note);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
	rc = hear_message(s, liar, to, &m, e);
	buf_release(&note);
	return rc;
}

/* A leaf of the victim's that never was, under a head that the liar signed in its name. */
static int say_head(struct stage *s, int liar, int to, struct err *e)
{
	struct store_log log;
	struct buf leaf = {0}, note = {0};
	struct hash hash, root;
	int rc = newest_log(s, to, VICTIM, &log, e);
	if (rc == RC_OK)
		rc = s->w.node[to].store->ops->leaf_get(
			s->w.node[to].store, log.id, log.size - 1, &leaf, e);
	if (rc != RC_OK)
		return rc;
	struct frontier f = log.frontier;
	merkle_leaf_hash(buf_bytes(&leaf), &hash);
	frontier_append(&f, &hash);
	frontier_root(&f, &root);
	checkpoint_sign(log.origin, log.size + 1, &root, &s->w.identity[liar].log, &note);
	struct bytes one = buf_bytes(&leaf);
	struct message m = {.kind = MESSAGE_LEAVES,
		.leaves = {bytes_str(log.origin), log.size, &one, 1, buf_bytes(&note)}};
	rc = hear_message(s, liar, to, &m, e);
	buf_release(&leaf);
	buf_release(&note);
	return rc;
}

/* The victim's true head, and of the leaves that the peer lacks the last one with a bit turned. */
static int say_leaf(struct stage *s, int liar, int to, struct err *e)
{
	struct store *store = s->w.node[liar].store;
	struct store_log log, theirs;
	struct store_head head;
	struct buf note = {0}, leaf[LIMIT_BATCH_LEAVES] = {{0}};
	struct bytes leaves[LIMIT_BATCH_LEAVES];
	size_t n = 0;
	int rc = newest_log(s, liar, VICTIM, &log, e);
	if (rc == RC_OK)
		rc = newest_log(s, to, VICTIM, &theirs, e);
	if (rc == RC_OK && (theirs.size >= log.size || log.size - theirs.size > LIMIT_BATCH_LEAVES))
		rc = err_set(e, RC_NOT_FOUND, "the peer lacks nothing that could be a lie");
	if (rc == RC_OK)
		rc = store->ops->head_get(store, log.id, 0, log.size, &head, &note, e);
	for (uint64_t i = theirs.size; rc == RC_OK && i < log.size; i++, n++) {
		rc = store->ops->leaf_get(store, log.id, i, &leaf[n], e);
		leaves[n] = buf_bytes(&leaf[n]);
	}
	if (rc == RC_OK) {
		leaf[n - 1].p[leaf[n - 1].n / 2] ^= 1;
		struct message m = {.kind = MESSAGE_LEAVES,
			.leaves = {
				bytes_str(log.origin), theirs.size, leaves, n, buf_bytes(&note)}};
		rc = hear_message(s, liar, to, &m, e);
	}
	for (size_t i = 0; i < n; i++)
		buf_release(&leaf[i]);
	buf_release(&note);
	return rc;
}

int stage_lie(struct stage *s, int liar, const char *kind, int to, struct err *e)
{
	static const struct {
		const char *kind;
		int (*say)(struct stage *s, int liar, int to, struct err *e);
	} lies[] = {
		{"noise", say_noise}, {"fork", say_fork}, {"head", say_head}, {"leaf", say_leaf}};
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		if (strcmp(lies[i].kind, kind) == 0)
			return lies[i].say(s, liar, to, e);
	return err_set(e, RC_INPUT, "there is no such lie");
}
