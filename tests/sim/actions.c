/* What the people and the weather do in a run: posts, delegations, cuts, crashes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/text.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"
#include "tests/sim/world.h"

#define TASKS 4
static const char *const tasks[TASKS] = {"1-01", "1-02", "3-05", "9-13"};

/* ---- what a node shows of one register ---- */

struct register_view {
	struct hash current[LIMIT_SUPERSEDES];
	size_t n;
	char lead[SLUG_SIZE]; /* of the first, for TASK */
	struct hash own_note; /* a text note of this member, for NOTE */
	char own_holder[33];
	const char *member;
};

static int take_entry(void *arg, const struct ctl_entry *entry)
{
	struct register_view *v = arg;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	struct change c;
	struct value value;
	arena_init(&a, memory, sizeof(memory));
	if (v->n < LIMIT_SUPERSEDES)
		memcpy(v->current[v->n++].b, entry->change_id.p, HASH_BYTES);
	ENSURE(leaf_decode(entry->leaf, &a, &leaf, NULL) == RC_OK);
	ENSURE(change_decode(leaf.signed_body.body, &a, &c, NULL) == RC_OK);
	ENSURE(value_decode((enum slot)c.slot, c.value, &a, &value, NULL) == RC_OK);
	if (c.slot == SLOT_TASK && v->n == 1) {
		if (value.task.lead.n > 0)
			memcpy(v->lead, value.task.lead.p, value.task.lead.n);
		v->lead[value.task.lead.n] = '\0';
	}
	if (c.slot == SLOT_NOTE && !value.note.struck &&
		bytes_equal(c.member, bytes_str(v->member))) {
		memcpy(v->own_note.b, entry->change_id.p, HASH_BYTES);
		memcpy(v->own_holder, c.holder.p, 32);
	}
	return 0;
}

static void look(struct sim_node *n, const char *task, enum slot slot, const char *holder,
	struct register_view *v)
{
	*v = (struct register_view){.member = n->slug};
	struct ctl_query q = {.task = bytes_str(task), .slot = slot, .any_holder = holder == NULL};
	if (holder != NULL)
		q.holder = bytes_str(holder);
	ENSURE(replica_query(n->replica, &q, take_entry, v, NULL) == RC_OK);
}

/* ---- changes ---- */

struct post {
	struct buf body;
	struct signed_body s;
	uint8_t signature[SIGNATURE_BYTES];
	struct posted posted;
};

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, HASH_BYTES);
}

static int input_post(struct world *w, struct sim_node *n, void *arg, struct err *e)
{
	struct post *p = arg;
	return replica_post(n->replica, &p->s, 1, &p->posted, world_now(w, n), e);
}

static void book_ack(struct world *w, int node, const struct posted *p)
{
	if (w->n_acked == w->cap_acked) {
		w->cap_acked = w->cap_acked == 0 ? 64 : 2 * w->cap_acked;
		w->acked = xrealloc(w->acked, w->cap_acked * sizeof(*w->acked));
	}
	struct acked *a = &w->acked[w->n_acked++];
	*a = (struct acked){.node = node, .index = p->index, .id = p->id};
	memcpy(a->origin, p->origin, strlen(p->origin) + 1);
}

/* Fills member, nonce, time, supersedes and value; signs; posts. */
static int post(struct world *w, int node, const char *task, enum slot slot, const char *holder,
	const struct register_view *seen, const struct hash *under, const struct value *v,
	const char *reason)
{
	struct sim_node *n = &w->node[node];
	struct post p = {0};
	struct buf value = {0};
	uint8_t nonce[NONCE_BYTES];
	char own_holder[33];
	struct bytes supersedes[LIMIT_SUPERSEDES];
	struct hash ids[LIMIT_SUPERSEDES];
	for (size_t i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)dice_u64(&w->dice);
	hex_encode(nonce, sizeof(nonce), own_holder);
	memcpy(ids, seen->current, seen->n * sizeof(*ids));
	qsort(ids, seen->n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < seen->n; i++)
		supersedes[i] = hash_bytes(&ids[i]);
	struct err e = {0};
	if (value_encode(v, &value, &e) != RC_OK)
		oracle_fail(w, "value does not encode: %s", e.text);
	struct change c = {.version = CHANGE_VERSION,
		.member = bytes_str(n->slug),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.claimed_ms = (uint64_t)(world_now(w, n).wall.v < 0 ? 0 : world_now(w, n).wall.v),
		.task = bytes_str(task),
		.slot = slot,
		.holder = bytes_str(holder != NULL ? holder : own_holder),
		.value = buf_bytes(&value),
		.supersedes = supersedes,
		.n_supersedes = seen->n,
		.under = under != NULL ? hash_bytes(under) : (struct bytes){0},
		.reason = bytes_str(reason)};
	if (change_encode(&c, &p.body, &e) != RC_OK)
		oracle_fail(w, "change does not encode: %s", e.text);
	const struct key *k = &n->operator[dice_percent(&w->dice, 30)];
	body_sign(k, BODY_CHANGE, &w->cluster_id, buf_bytes(&p.body), p.signature);
	p.s = (struct signed_body){bytes_of(k->public, KEY_BYTES),
		bytes_of(p.signature, SIGNATURE_BYTES), buf_bytes(&p.body)};
	int rc = world_group(w, node, input_post, &p);
	world_trace(w, "post %s %s slot %d rc %d", n->slug, task, (int)slot, rc);
	if (rc == RC_OK) {
		w->posts++;
		book_ack(w, node, &p.posted);
		if (seen->n > 1)
			w->conflicts_seen++;
	} else if (rc != RC_UNKNOWN_OUTCOME) {
		w->refused++;
	}
	buf_release(&p.body);
	buf_release(&value);
	return rc;
}

static void post_task(struct world *w, int node)
{
	const char *task = tasks[dice_range(&w->dice, 0, TASKS - 1)];
	struct register_view seen;
	look(&w->node[node], task, SLOT_TASK, "", &seen);
	struct value v = {.slot = SLOT_TASK};
	v.task.title = bytes_str("task");
	v.task.source = SOURCE_SEED;
	if (w->n > 1 && dice_percent(&w->dice, 70))
		v.task.lead = bytes_str(w->node[dice_range(&w->dice, 1, (int64_t)w->n - 1)].slug);
	post(w, node, task, SLOT_TASK, "", &seen, NULL, &v, "");
}

static void post_report(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	const char *task = tasks[dice_range(&w->dice, 0, TASKS - 1)];
	struct register_view seen, plan;
	look(n, task, SLOT_TASK, "", &plan);
	look(n, task, SLOT_REPORT, n->slug, &seen);
	if (plan.n == 0)
		return;
	struct value v = {.slot = SLOT_REPORT};
	v.report.status = STATUS_IN_PROGRESS;
	v.report.progress = (uint32_t)dice_range(&w->dice, 0, 99);
	v.report.as_of = 20260331;
	post(w, node, task, SLOT_REPORT, n->slug, &seen, &plan.current[0], &v, "because");
}

static void post_overall(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	const char *task = tasks[dice_range(&w->dice, 0, TASKS - 1)];
	struct register_view seen, plan;
	look(n, task, SLOT_TASK, "", &plan);
	look(n, task, SLOT_OVERALL, "", &seen);
	if (plan.n == 0)
		return;
	bool is_lead = strcmp(plan.lead, n->slug) == 0 || (plan.lead[0] == '\0' && node == 0);
	if (!is_lead && !dice_percent(&w->dice, 10))
		return;
	struct value v = {.slot = SLOT_OVERALL};
	v.overall.status = STATUS_IN_PROGRESS;
	int rc = post(w, node, task, SLOT_OVERALL, "", &seen, &plan.current[0], &v, "");
	if (!is_lead && rc == RC_OK)
		oracle_fail(w, "%s wrote the overall status of a task it does not lead", n->slug);
}

static void post_note(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	struct register_view none = {0}, notes, seen;
	struct value v = {.slot = SLOT_NOTE};
	look(n, "3-05", SLOT_NOTE, NULL, &notes);
	if (notes.own_holder[0] != '\0' && dice_percent(&w->dice, 40)) {
		look(n, "3-05", SLOT_NOTE, notes.own_holder, &seen);
		v.note.struck = true;
		post(w, node, "3-05", SLOT_NOTE, notes.own_holder, &seen, &notes.own_note, &v, "");
		return;
	}
	v.note.text = bytes_str("note");
	post(w, node, "3-05", SLOT_NOTE, NULL, &none, NULL, &v, "");
}

/* ---- operators ---- */

struct event_post {
	enum leaf_kind kind;
	struct signed_body s;
	struct posted posted;
};

static int input_event(struct world *w, struct sim_node *n, void *arg, struct err *e)
{
	struct event_post *p = arg;
	return replica_post_event(n->replica, p->kind, &p->s, &p->posted, world_now(w, n), e);
}

static void post_event(struct world *w, int node, enum leaf_kind kind, const struct buf *body)
{
	struct sim_node *n = &w->node[node];
	uint8_t signature[SIGNATURE_BYTES];
	body_sign(&n->root, kind == LEAF_DELEGATE ? BODY_DELEGATE : BODY_REVOKE, &w->cluster_id,
		buf_bytes(body), signature);
	struct event_post p = {kind,
		{bytes_of(n->root.public, KEY_BYTES), bytes_of(signature, SIGNATURE_BYTES),
			buf_bytes(body)},
		{0}};
	int rc = world_group(w, node, input_event, &p);
	world_trace(w, "event %s %d rc %d", n->slug, (int)kind, rc);
	if (rc != RC_OK && rc != RC_UNKNOWN_OUTCOME)
		oracle_fail(w, "%s cannot post a log event", n->slug);
}

static void delegate(struct world *w, int node, int which)
{
	struct sim_node *n = &w->node[node];
	uint8_t nonce[NONCE_BYTES] = {[NONCE_BYTES - 1] = 1};
	put_u64be(nonce, dice_u64(&w->dice));
	struct buf body = {0};
	struct delegate d = {.version = 1,
		.member = bytes_str(n->slug),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.operator_key = bytes_of(n->operator[which].public, KEY_BYTES),
		.name = bytes_str("operator")};
	ENSURE(delegate_encode(&d, &body, NULL) == RC_OK);
	post_event(w, node, LEAF_DELEGATE, &body);
	buf_release(&body);
}

/* The second operator comes and goes; half of the revocations reach into the past (a compromised
 * key). */
static void revoke(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	uint8_t nonce[NONCE_BYTES] = {[NONCE_BYTES - 1] = 2};
	put_u64be(nonce, dice_u64(&w->dice));
	struct ctl_status status;
	ENSURE(replica_status(n->replica, world_now(w, n), &status, NULL) == RC_OK);
	uint64_t size = 0;
	for (size_t i = 0; i < status.n_logs; i++)
		if (bytes_equal(status.logs[i].member, bytes_str(n->slug)))
			size = status.logs[i].size;
	struct buf body = {0};
	struct revoke v = {.version = 1,
		.member = bytes_str(n->slug),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.operator_key = bytes_of(n->operator[1].public, KEY_BYTES),
		.valid_below = dice_percent(&w->dice, 50)
			? size
			: (uint64_t)dice_range(&w->dice, 1, (int64_t)size),
		.reason = bytes_str("left")};
	w->flips += v.valid_below < size;
	ENSURE(revoke_encode(&v, &body, NULL) == RC_OK);
	post_event(w, node, LEAF_REVOKE, &body);
	buf_release(&body);
}

/* ---- the run ---- */

static void people(struct world *w, int node)
{
	if (w->node[node].replica == NULL)
		return;
	unsigned what = (unsigned)dice_range(&w->dice, 0, 99);
	if (what < 4)
		delegate(w, node, 1);
	else if (what < 8)
		revoke(w, node);
	else if (what < 30)
		post_note(w, node);
	else if (node == 0)
		what < 70 ? post_task(w, node) : post_overall(w, node);
	else
		what < 70 ? post_report(w, node) : post_overall(w, node);
}

static void weather(struct world *w)
{
	int a = (int)dice_range(&w->dice, 0, (int64_t)w->n - 1),
	    b = (int)dice_range(&w->dice, 0, (int64_t)w->n - 1);
	int64_t until = w->now + dice_range(&w->dice, 100, 30000);
	unsigned what = (unsigned)dice_range(&w->dice, 0, 99);
	if (what < 30) {
		world_crash(w, a);
	} else if (what < 70 && a != b) {
		world_cut(w, a, b);
		world_schedule(w, until, SIM_HEAL, a, b, 0, (struct bytes){0});
	} else {
		for (int p = 0; p < (int)w->n; p++)
			if (p != a) {
				world_cut(w, a, p);
				world_schedule(w, until, SIM_HEAL, a, p, 0, (struct bytes){0});
			}
	}
}

void action_random(struct world *w)
{
	if (w->calm)
		return;
	if (dice_percent(&w->dice, 6))
		weather(w);
	else
		people(w, (int)dice_range(&w->dice, 0, (int64_t)w->n - 1));
	int64_t pause = dice_percent(&w->dice, 20) ? dice_range(&w->dice, 0, 3000)
						   : dice_range(&w->dice, 0, 60);
	world_schedule(w, w->now + pause, SIM_ACTION, 0, 0, 0, (struct bytes){0});
}

static int input_roster(struct world *w, struct sim_node *n, void *arg, struct err *e)
{
	(void)arg;
	return replica_install_roster(n->replica, buf_bytes(&w->roster), world_now(w, n), e);
}

void action_setup(struct world *w)
{
	bool calm = w->calm;
	w->calm = true;
	for (size_t i = 0; i < w->n; i++) {
		world_start(w, (int)i);
		if (world_group(w, (int)i, input_roster, NULL) != RC_OK)
			oracle_fail(w, "%s does not take the roster", w->node[i].slug);
		delegate(w, (int)i, 0);
		delegate(w, (int)i, 1);
	}
	w->calm = calm;
	/* The office may crash while it loads the plan; what is missing then stays so. */
	for (int i = 0; i < TASKS && w->node[0].replica != NULL; i++)
		post_task(w, 0);
	world_schedule(w, 50, SIM_ACTION, 0, 0, 0, (struct bytes){0});
}
