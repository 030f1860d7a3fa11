/* What the officials and administrators do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/text.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"
#include "tests/sim/oracle.h"
#include "tests/sim/requests.h"
#include "tests/sim/sometimes.h"

#define TASKS 4
#define BULK_MAX LIMIT_POST_CHANGES
#define BULK_TEXT_MAX 1500
static const char *const tasks[TASKS] = {"1-01", "1-02", "3-05", "9-13"};

static const char *any_task(struct world *w)
{
	return tasks[dice_index(&w->people, TASKS)];
}

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
	*v = (struct register_view){.member = n->id->slug};
	struct ctl_query q = {.task = bytes_str(task), .slot = slot, .any_holder = holder == NULL};
	if (holder != NULL)
		q.holder = bytes_str(holder);
	ENSURE(replica_query(n->replica, &q, take_entry, v, NULL) == RC_OK);
}

/* ---- changes ---- */

/* A change that is to be posted; what is empty is filled in. */
struct draft_change {
	const char *task;
	uint32_t slot;
	const char *holder; /* NULL: the change's own nonce */
	const struct register_view *seen;
	const struct hash *under;
	struct value value;
	const char *reason;
	const uint8_t *nonce; /* NULL: a new one */
	const struct key *key;
	struct bytes raw_value; /* if set, in place of value */
};

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, HASH_BYTES);
}

static struct buf encode_change(struct world *w, struct sim_node *n, const struct draft_change *d)
{
	struct buf value = {0}, body = {0};
	uint8_t nonce[NONCE_BYTES];
	char own_holder[33];
	struct bytes supersedes[LIMIT_SUPERSEDES];
	struct hash ids[LIMIT_SUPERSEDES];
	size_t n_seen = d->seen != NULL ? d->seen->n : 0;
	struct err e = {0};
	dice_fill(&w->people, nonce, sizeof(nonce));
	if (d->nonce != NULL)
		memcpy(nonce, d->nonce, sizeof(nonce));
	hex_encode(nonce, sizeof(nonce), own_holder);
	if (n_seen > 0) {
		memcpy(ids, d->seen->current, n_seen * sizeof(*ids));
		qsort(ids, n_seen, sizeof(*ids), compare_ids);
	}
	for (size_t i = 0; i < n_seen; i++)
		supersedes[i] = hash_bytes(&ids[i]);
	if (d->raw_value.n > 0)
		buf_put_bytes(&value, d->raw_value);
	else if (value_encode(&d->value, &value, &e) != RC_OK)
		oracle_fail(w, 13, "a value does not encode: %s", e.text);
	int64_t wall = node_now(w, n).wall.v;
	struct change c = {.version = CHANGE_VERSION,
		.member = bytes_str(n->id->slug),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.claimed_ms = (uint64_t)(wall < 0 ? 0 : wall),
		.task = bytes_str(d->task),
		.slot = d->slot,
		.holder = bytes_str(d->holder != NULL ? d->holder : own_holder),
		.value = buf_bytes(&value),
		.supersedes = supersedes,
		.n_supersedes = n_seen,
		.under = d->under != NULL ? hash_bytes(d->under) : (struct bytes){0},
		.reason = bytes_str(d->reason != NULL ? d->reason : "")};
	if (change_encode(&c, &body, &e) != RC_OK)
		oracle_fail(w, 13, "a change does not encode: %s", e.text);
	buf_release(&value);
	return body;
}

static const struct key *any_operator(struct world *w, struct sim_node *n)
{
	return &n->id->operator[dice_percent(&w->people, 30)];
}

static int post(struct world *w, struct sim_node *n, const struct draft_change *d)
{
	struct request *r = request_new(n->self);
	const struct key *k = d->key != NULL ? d->key : any_operator(w, n);
	request_add(w, r, k, encode_change(w, n, d));
	int rc = request_run(w, r);
	if (rc == RC_OK && d->seen != NULL && d->seen->n > 1)
		sometimes(SOMETIMES_CONFLICT_RESOLVED);
	return rc;
}

static void post_task(struct world *w, struct sim_node *n)
{
	struct draft_change d = {.task = any_task(w), .slot = SLOT_TASK, .holder = ""};
	struct register_view seen;
	look(n, d.task, SLOT_TASK, "", &seen);
	d.seen = &seen;
	d.value.slot = SLOT_TASK;
	d.value.task.title = bytes_str("task");
	d.value.task.source = SOURCE_SEED;
	bool has_lead = dice_percent(&w->people, 70);
	size_t lead = 1 + dice_index(&w->people, w->n_members - 1);
	if (has_lead)
		d.value.task.lead = bytes_str(w->identity[lead].slug);
	(void)post(w, n, &d);
}

static void post_report(struct world *w, struct sim_node *n)
{
	struct draft_change d = {.task = any_task(w),
		.slot = SLOT_REPORT,
		.holder = n->id->slug,
		.reason = "because"};
	struct register_view seen, plan;
	look(n, d.task, SLOT_TASK, "", &plan);
	look(n, d.task, SLOT_REPORT, n->id->slug, &seen);
	if (plan.n == 0)
		return;
	d.seen = &seen;
	d.under = &plan.current[0];
	d.value.slot = SLOT_REPORT;
	d.value.report.status = STATUS_IN_PROGRESS;
	d.value.report.progress = (uint32_t)dice_range(&w->people, 0, 99);
	d.value.report.as_of = 20260331;
	(void)post(w, n, &d);
}

static void post_overall(struct world *w, struct sim_node *n)
{
	struct draft_change d = {.task = any_task(w), .slot = SLOT_OVERALL, .holder = ""};
	struct register_view seen, plan;
	look(n, d.task, SLOT_TASK, "", &plan);
	look(n, d.task, SLOT_OVERALL, "", &seen);
	if (plan.n == 0)
		return;
	bool is_lead =
		strcmp(plan.lead, n->id->slug) == 0 || (plan.lead[0] == '\0' && n->member == 0);
	bool tries = dice_percent(&w->people, 10);
	if (!is_lead && !tries)
		return;
	d.seen = &seen;
	d.under = &plan.current[0];
	d.value.slot = SLOT_OVERALL;
	d.value.overall.status = STATUS_IN_PROGRESS;
	int rc = post(w, n, &d);
	if (!is_lead && rc == RC_OK)
		oracle_fail(w, 13, "%s wrote the overall status of a task it does not lead",
			n->id->slug);
}

static void post_note(struct world *w, struct sim_node *n)
{
	struct draft_change d = {.task = "3-05", .slot = SLOT_NOTE};
	struct register_view notes, seen;
	d.value.slot = SLOT_NOTE;
	look(n, "3-05", SLOT_NOTE, NULL, &notes);
	bool strikes = dice_percent(&w->people, 40);
	if (notes.own_holder[0] != '\0' && strikes) {
		look(n, "3-05", SLOT_NOTE, notes.own_holder, &seen);
		d.holder = notes.own_holder;
		d.seen = &seen;
		d.under = &notes.own_note;
		d.value.note.struck = true;
	} else {
		d.value.note.text = bytes_str("note");
	}
	(void)post(w, n, &d);
}

/* Hundreds of notes in one request. */
static void post_bulk(struct world *w, struct sim_node *n)
{
	static char text[BULK_TEXT_MAX + 1];
	struct request *r = request_new(n->self);
	struct draft_change d = {.task = "9-13", .slot = SLOT_NOTE};
	size_t count = 50 + dice_index(&w->people, BULK_MAX - 49);
	size_t length = 1 + dice_index(&w->people, BULK_TEXT_MAX);
	memset(text, 'x', length);
	d.value.slot = SLOT_NOTE;
	d.value.note.text = bytes_of(text, length);
	for (size_t i = 0; i < count; i++)
		request_add(w, r, &n->id->operator[0], encode_change(w, n, &d));
	if (request_run(w, r) == RC_OK)
		sometimes(SOMETIMES_BULK);
}

/* ---- mistakes ---- */

static void must_refuse(struct world *w, int rc, const char *what)
{
	if (rc == RC_OK)
		oracle_fail(w, 13, "%s was accepted", what);
}

/* Two different changes with one nonce. */
static void post_nonce_twice(struct world *w, struct sim_node *n)
{
	uint8_t nonce[NONCE_BYTES];
	uint64_t life = n->life, lineage = n->lineage;
	struct draft_change d = {.task = "3-05", .slot = SLOT_NOTE, .nonce = nonce};
	dice_fill(&w->people, nonce, sizeof(nonce));
	d.key = &n->id->operator[0];
	d.value.slot = SLOT_NOTE;
	d.value.note.text = bytes_str("once");
	if (post(w, n, &d) != RC_OK || n->life != life || n->lineage != lineage)
		return;
	d.value.note.text = bytes_str("twice");
	must_refuse(w, post(w, n, &d), "a second change with one nonce");
}

static void post_too_many(struct world *w, struct sim_node *n)
{
	struct draft_change d = {.task = "3-05", .slot = SLOT_NOTE};
	struct request *r = request_new(n->self);
	d.value.slot = SLOT_NOTE;
	d.value.note.text = bytes_str("note");
	request_add(w, r, &n->id->operator[0], encode_change(w, n, &d));
	request_repeat(r, LIMIT_POST_CHANGES + 1);
	must_refuse(w, request_run(w, r), "one change too many");
}

static void post_mistake(struct world *w, struct sim_node *n)
{
	struct draft_change d = {.task = "3-05", .slot = SLOT_NOTE};
	struct register_view plan;
	struct hash nowhere = {{1}};
	struct key wrong = n->id->operator[0];
	d.value.slot = SLOT_NOTE;
	d.value.note.text = bytes_str("note");
	switch (dice_index(&w->people, 8)) {
	case 0: post_nonce_twice(w, n); return;
	case 7: post_too_many(w, n); return;
	case 1: /* another member's operator */
		d.key = &w->identity[(n->member + 1) % (int)w->n_members].operator[0];
		break;
	case 2: /* an empty note */ d.value.note.text = bytes_str(""); break;
	case 3: /* under a plan that is not here */
		d.slot = d.value.slot = SLOT_OVERALL;
		d.holder = "";
		d.under = &nowhere;
		d.value.overall = (struct overall_value){.status = STATUS_IN_PROGRESS};
		break;
	case 4: /* written without having read */
		look(n, "1-01", SLOT_TASK, "", &plan);
		if (plan.n == 0 || n->member != 0)
			return;
		d.task = "1-01";
		d.slot = d.value.slot = SLOT_TASK;
		d.holder = "";
		d.value.task =
			(struct task_value){.title = bytes_str("late"), .source = SOURCE_SEED};
		break;
	case 5: /* a slot of a newer program */
		d.slot = 77;
		d.raw_value = bytes_str("\x08\x01");
		break;
	default: /* the name of one key, the signature of another */
		memcpy(wrong.public, n->id->operator[1].public, KEY_BYTES);
		d.key = &wrong;
	}
	must_refuse(w, post(w, n, &d), "a mistake");
}

/* ---- operators ---- */

static void post_event(
	struct world *w, struct sim_node *n, enum leaf_kind kind, const struct buf *body)
{
	uint8_t signature[SIGNATURE_BYTES];
	struct err e = {0};
	struct posted posted;
	body_sign(&n->id->root, kind == LEAF_DELEGATE ? BODY_DELEGATE : BODY_REVOKE, &w->cluster_id,
		buf_bytes(body), signature);
	struct signed_body s = {bytes_of(n->id->root.public, KEY_BYTES),
		bytes_of(signature, SIGNATURE_BYTES), buf_bytes(body)};
	if (n->full || !node_enter(w, n))
		return;
	int rc = replica_post_event(n->replica, kind, &s, &posted, node_now(w, n), &e);
	world_trace(w, "event %s%d %d rc %d", n->id->slug, n->self, (int)kind, rc);
	if (!node_survives(w, n, rc, &e))
		return;
	if (rc != RC_OK && !n->id->removed && !replica_is_rebuilding(n->replica))
		oracle_fail(w, 13, "%s cannot post a log event: %s", n->id->slug, e.text);
	node_settle(w, n);
}

static void delegate(struct world *w, struct sim_node *n, int which, bool scoped)
{
	uint8_t nonce[NONCE_BYTES];
	struct buf body = {0};
	struct bytes scope[] = {bytes_str("3-05"), bytes_str("9-13")};
	dice_fill(&w->people, nonce, sizeof(nonce));
	struct delegate d = {.version = 1,
		.member = bytes_str(n->id->slug),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.operator_key = bytes_of(n->id->operator[which].public, KEY_BYTES),
		.name = bytes_str("operator"),
		.scope = scope,
		.n_scope = scoped ? 2 : 0};
	ENSURE(delegate_encode(&d, &body, NULL) == RC_OK);
	post_event(w, n, LEAF_DELEGATE, &body);
	buf_release(&body);
}

static uint64_t own_size(struct sim_node *n)
{
	return n->mark.present ? held_size(&n->held, n->mark.origin) : 0;
}

/* The second operator comes and goes; half of the revocations reach into the past (a compromised
 * key). */
static void revoke(struct world *w, struct sim_node *n)
{
	uint8_t nonce[NONCE_BYTES];
	struct buf body = {0};
	uint64_t size = own_size(n);
	bool past = dice_percent(&w->people, 50);
	if (size < 2)
		return;
	uint64_t below = past ? (uint64_t)dice_range(&w->people, 1, (int64_t)size) : size;
	dice_fill(&w->people, nonce, sizeof(nonce));
	struct revoke v = {.version = 1,
		.member = bytes_str(n->id->slug),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.operator_key = bytes_of(n->id->operator[1].public, KEY_BYTES),
		.valid_below = below,
		.reason = bytes_str("left")};
	if (below < size)
		sometimes(SOMETIMES_REVOKED_BACK);
	ENSURE(revoke_encode(&v, &body, NULL) == RC_OK);
	post_event(w, n, LEAF_REVOKE, &body);
	buf_release(&body);
}

/* ---- the day ---- */

static void one_act(struct world *w, struct sim_node *n)
{
	size_t what = dice_index(&w->people, 100);
	bool revokes = swarm_has(&w->swarm, FAULT_REVOKE);
	bool scoped = dice_percent(&w->people, 30);
	bool retries = dice_percent(&w->people, 30);
	bool imports = dice_percent(&w->people, 1) && swarm_has(&w->swarm, FAULT_BULK);
	if (retries && requests_retry(w, n))
		return;
	if (imports)
		post_bulk(w, n);
	else if (what < 4)
		delegate(w, n, 1, scoped);
	else if (what < 8 && revokes)
		revoke(w, n);
	else if (what < 12)
		post_mistake(w, n);
	else if (what < 32)
		post_note(w, n);
	else if (what >= 75)
		post_overall(w, n);
	else if (n->member == 0)
		post_task(w, n);
	else
		post_report(w, n);
}

void people_act(struct world *w)
{
	struct sim_node *n = &w->node[dice_index(&w->people, w->n_nodes)];
	if (node_is_up(n) && w->now >= n->paused_to && world_is_honest(w, n->member))
		one_act(w, n);
	if (node_is_up(n) && w->now >= n->paused_to)
		requests_doubt(w, n);
	bool rests = dice_percent(&w->people, 20);
	int64_t pause =
		dice_range(&w->people, 0, rests ? w->swarm.pause_max : w->swarm.pause_max / 50);
	queue_add(w, w->now + pause, SIM_ACTION, 0, 0);
}

static void install(struct world *w, struct sim_node *n)
{
	struct err e = {0};
	if (!node_enter(w, n))
		oracle_fail(w, 19, "%s does not begin", n->id->slug);
	int rc = replica_install_roster(n->replica, buf_bytes(&w->roster), node_now(w, n), &e);
	if (rc != RC_OK)
		oracle_fail(w, 2, "%s does not take the roster: %s", n->id->slug, e.text);
	node_settle(w, n);
}

void people_setup(struct world *w)
{
	bool calm = w->calm;
	w->calm = true;
	for (size_t i = 0; i < w->n_nodes; i++) {
		node_start(w, &w->node[i]);
		install(w, &w->node[i]);
		delegate(w, &w->node[i], 0, false);
		delegate(w, &w->node[i], 1, false);
	}
	for (int i = 0; i < TASKS && !w->stage; i++)
		post_task(w, &w->node[0]);
	w->calm = calm;
}
