#include "tests/sim/requests.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/mutant.h"
#include "proto/trust/sign.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

#define UNKNOWN_MAX 32
#define ANSWERED_MAX 128
#define DOUBTS_MAX 20 /* percent */

struct requests {
	struct request *unknown[UNKNOWN_MAX];
	size_t n;
	struct request *turn;			/* posted in the group that is open */
	struct request *answered[ANSWERED_MAX]; /* the last ones */
	size_t n_answered;
	struct dice dice; /* of who doubts what was answered */
	unsigned doubts;  /* percent */
	bool all_doubted;
};

static struct requests *all(struct world *w)
{
	if (w->requests == NULL) {
		struct requests *u = w->requests = xalloc(sizeof(*w->requests));
		u->dice = (struct dice){w->seed ^ 0x616761696e};
		u->doubts = 1 + (unsigned)dice_index(&u->dice, DOUBTS_MAX);
	}
	return w->requests;
}

struct request *request_new(int node)
{
	struct request *r = xalloc(sizeof(*r));
	r->node = node;
	return r;
}

static void grow(struct request *r)
{
	if (r->n < r->cap)
		return;
	r->cap = r->cap == 0 ? 1 : 4 * r->cap;
	r->body = xrealloc(r->body, r->cap * sizeof(*r->body));
	r->s = xrealloc(r->s, r->cap * sizeof(*r->s));
	r->signature = xrealloc(r->signature, r->cap * sizeof(*r->signature));
	r->id = xrealloc(r->id, r->cap * sizeof(*r->id));
	r->posted = xrealloc(r->posted, r->cap * sizeof(*r->posted));
	/* They moved. */
	for (size_t i = 0; i < r->n; i++)
		r->s[i].signature = bytes_of(r->signature[i], SIGNATURE_BYTES);
}

void request_add(struct world *w, struct request *r, const struct key *k, struct buf body)
{
	grow(r);
	size_t i = r->n++;
	r->body[i] = body;
	body_sign(k, BODY_CHANGE, &w->cluster_id, buf_bytes(&body), r->signature[i]);
	change_id_of(BODY_CHANGE, &w->cluster_id, buf_bytes(&body), &r->id[i]);
	r->s[i] = (struct signed_body){bytes_of(k->public, KEY_BYTES),
		bytes_of(r->signature[i], SIGNATURE_BYTES), buf_bytes(&r->body[i])};
}

void request_repeat(struct request *r, size_t n)
{
	while (r->n < n) {
		grow(r);
		size_t i = r->n++;
		r->body[i] = (struct buf){0};
		buf_put_bytes(&r->body[i], buf_bytes(&r->body[0]));
		memcpy(r->signature[i], r->signature[0], SIGNATURE_BYTES);
		r->id[i] = r->id[0];
		r->s[i] = (struct signed_body){r->s[0].key,
			bytes_of(r->signature[i], SIGNATURE_BYTES), buf_bytes(&r->body[i])};
	}
}

void request_free(struct request *r)
{
	for (size_t i = 0; i < r->n; i++)
		buf_release(&r->body[i]);
	free(r->body);
	free(r->s);
	free(r->signature);
	free(r->id);
	free(r->posted);
	free(r);
}

/* ---- what is written while others write ---- */

static bool lacks_some(struct world *w, struct sim_node *a, struct sim_node *b)
{
	for (size_t i = 0; i < w->books.n_logs; i++)
		if (w->books.log[i].member == b->member) {
			const char *origin = w->books.log[i].origin;
			uint64_t there = held_size(&b->held, origin);
			if (held_size(&a->held, origin) < there)
				return true;
		}
	return false;
}

static void note_concurrency(struct world *w, struct sim_node *n)
{
	static const enum sometimes pair[SIM_MEMBERS][SIM_MEMBERS] = {
		[1] = {[2] = SOMETIMES_PAIR_12, [3] = SOMETIMES_PAIR_13, [4] = SOMETIMES_PAIR_14},
		[2] = {[3] = SOMETIMES_PAIR_23, [4] = SOMETIMES_PAIR_24},
		[3] = {[4] = SOMETIMES_PAIR_34}};
	for (size_t i = 1; i < w->n_members && n->member > 0; i++) {
		struct sim_node *o = &w->node[i];
		if (o->member == n->member || !lacks_some(w, n, o) || !lacks_some(w, o, n))
			continue;
		int a = n->member < o->member ? n->member : o->member;
		sometimes(pair[a][n->member + o->member - a]);
	}
}

/* ---- asking ---- */

void requests_committed(struct world *w, struct sim_node *n)
{
	struct request *r = w->requests != NULL ? w->requests->turn : NULL;
	if (r == NULL || r->node != n->self || !r->in_group)
		return;
	r->done = true;
	for (size_t i = 0; i < r->n; i++)
		books_ack(&w->books, r->posted[i].origin, r->posted[i].index, &r->posted[i].id);
	sometimes_many(SOMETIMES_ACKED, r->n);
	if (r->tries > 1)
		sometimes(SOMETIMES_RETRY_ANSWERED);
	if (node_now(w, n).wall.v < n->wall_last)
		sometimes(SOMETIMES_CLOCK_BACK);
	n->wall_last = node_now(w, n).wall.v;
	note_concurrency(w, n);
}

static int keep_unknown(struct world *w, struct request *r)
{
	struct requests *all_of = all(w);
	if (all_of->n < UNKNOWN_MAX)
		all_of->unknown[all_of->n++] = r;
	else
		request_free(r);
	return RC_UNKNOWN_OUTCOME;
}

struct search {
	struct hash id;
	bool found;
};

static int look_for(void *arg, const struct ctl_entry *entry)
{
	struct search *s = arg;
	s->found |= bytes_equal(entry->change_id, hash_bytes(&s->id));
	return 0;
}

/* I13: what is there is answered as it was the first time, also if the database that knew it was
 * put back, and what it lost has come back from the others. */
static void check_refusal(struct world *w, const struct request *r, int rc, const struct err *e)
{
	const struct sim_node *n = &w->node[r->node];
	struct ctl_query q = {.any_task = true, .any_holder = true, .history = true};
	struct search s = {.id = r->id[0]};
	bool may_write = rc != RC_DENIED && rc != RC_DEGRADED;
	if (r->tries < 2 || r->n != 1 || !may_write || !node_is_up(n))
		return;
	if (replica_query(n->replica, &q, look_for, &s, NULL) == RC_OK && s.found)
		oracle_fail(w, 13, "%s%d refuses what it has when it is asked for again: %s",
			n->id->slug, n->self, e->text);
}

static int rejected(struct world *w, struct request *r, int rc, const struct err *e)
{
	sometimes_rc(rc);
	check_refusal(w, r, rc, e);
	/* A database that was put back since the first try has forgotten it. */
	bool first = r->lineage == w->node[r->node].lineage && !r->answered;
	for (size_t i = 0; first && i < r->n; i++)
		books_reject(&w->books, &r->id[i]);
	request_free(r);
	return rc;
}

/* A full disk is known to have taken nothing of the group, and the client is told. */
static int group_failed(struct world *w, struct request *r)
{
	const struct sim_node *n = &w->node[r->node];
	bool refused = n->full && node_is_up(n) && r->tries == 1;
	return refused ? rejected(w, r, RC_DEGRADED, NULL) : keep_unknown(w, r);
}

static int answered(struct world *w, struct request *r)
{
	struct requests *all_of = all(w);
	bool keeps = swarm_has(&w->swarm, FAULT_DOUBT) && r->n == 1;
	struct request **at = &all_of->answered[all_of->n_answered % ANSWERED_MAX];
	if (r->answered)
		sometimes(r->lineage == w->node[r->node].lineage ? SOMETIMES_ASKED_AGAIN
								 : SOMETIMES_ASKED_AGAIN_LATER);
	r->answered = true;
	if (keeps && *at != NULL)
		request_free(*at);
	if (!keeps) {
		request_free(r);
		return RC_OK;
	}
	*at = r;
	all_of->n_answered++;
	return RC_OK;
}

int request_run(struct world *w, struct request *r)
{
	struct sim_node *n = &w->node[r->node];
	struct err e = {0};
	if (r->tries++ == 0)
		r->lineage = n->lineage;
	r->in_group = r->done = false;
	if (n->full) {
		sometimes_rc(RC_DEGRADED);
		if (r->tries > 1)
			return keep_unknown(w, r);
		request_free(r);
		return RC_DEGRADED;
	}
	if (!node_enter(w, n))
		return keep_unknown(w, r);
	int rc = replica_post(n->replica, r->s, r->n, r->posted, node_now(w, n), &e);
	world_trace(w, "post %s%d %zu try %u rc %d", n->id->slug, n->self, r->n, r->tries, rc);
	if (!node_survives(w, n, rc, &e))
		return group_failed(w, r);
	if (rc != RC_OK) {
		node_settle(w, n);
		return rejected(w, r, rc, &e);
	}
	all(w)->turn = r;
	r->in_group = true;
	if (MUTANT(ACK_BEFORE_COMMIT))
		books_ack(&w->books, r->posted[0].origin, r->posted[0].index, &r->posted[0].id);
	node_settle(w, n);
	all(w)->turn = NULL;
	if (!r->done)
		return group_failed(w, r);
	return answered(w, r);
}

bool requests_retry(struct world *w, struct sim_node *n)
{
	struct requests *u = all(w);
	for (size_t i = 0; i < u->n; i++) {
		struct request *r = u->unknown[i];
		if (r->node != n->self)
			continue;
		u->unknown[i] = u->unknown[--u->n];
		(void)request_run(w, r);
		return true;
	}
	return false;
}

static void ask_again(struct world *w, struct request **at)
{
	struct request *r = *at;
	*at = NULL;
	(void)request_run(w, r);
}

void requests_doubt(struct world *w, struct sim_node *n)
{
	struct requests *u = all(w);
	if (!swarm_has(&w->swarm, FAULT_DOUBT) || !dice_percent(&u->dice, u->doubts))
		return;
	size_t at = dice_index(&u->dice, ANSWERED_MAX);
	if (u->answered[at] != NULL && u->answered[at]->node == n->self)
		ask_again(w, &u->answered[at]);
}

bool requests_doubt_all(struct world *w)
{
	struct requests *u = all(w);
	bool any = false;
	for (size_t i = 0; i < ANSWERED_MAX && !u->all_doubted; i++) {
		struct request *r = u->answered[i];
		if (r == NULL || !node_is_up(&w->node[r->node]))
			continue;
		ask_again(w, &u->answered[i]);
		any = true;
	}
	u->all_doubted = true;
	return any;
}

void requests_release(struct world *w)
{
	for (size_t i = 0; w->requests != NULL && i < w->requests->n; i++)
		request_free(w->requests->unknown[i]);
	for (size_t i = 0; w->requests != NULL && i < ANSWERED_MAX; i++)
		if (w->requests->answered[i] != NULL)
			request_free(w->requests->answered[i]);
	free(w->requests);
}
