/* What officials say and see in the simulated cluster. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/trust/sign.h"
#include "proto/wire/codec.h"
#include "tests/lib/cluster_fixture.h"
#include "tests/scenarios/sim_stage.h"

#define AS_OF 20260331
#define PARTICIPANTS_MAX STAGE_MEMBERS

/* One current value, decoded; ranges point into the arena. */
struct shown {
	struct hash id;
	struct change change;
	struct value value;
	bool is_signed;
};

typedef void shown_fn(void *arg, const struct shown *v);

struct looking {
	const struct stage *s;
	shown_fn *fn;
	void *arg;
};

/* By an operator of the member that the change names: all of them are, from the start. */
static bool is_signed_by_member(const struct stage *s, const struct leaf *leaf,
	const struct change *c, const struct hash *id)
{
	for (size_t i = 0; i < s->w.n_members; i++) {
		const struct sim_node *n = &s->w.node[i];
		struct hash again;
		if (!bytes_equal(c->member, bytes_str(n->id->slug)))
			continue;
		for (size_t k = 0; k < SIM_OPERATORS; k++)
			if (bytes_equal(leaf->signed_body.key,
				    bytes_of(n->id->operator[k].public, KEY_BYTES)))
				return body_verify(n->id->operator[k].public, BODY_CHANGE,
					       &s->w.cluster_id, leaf->signed_body.body,
					       leaf->signed_body.signature.p, &again) &&
					hash_equal(&again, id);
	}
	return false;
}

static int take_entry(void *arg, const struct ctl_entry *entry)
{
	struct looking *l = arg;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	struct shown v;
	arena_init(&a, memory, sizeof(memory));
	memcpy(v.id.b, entry->change_id.p, HASH_BYTES);
	ENSURE(leaf_decode(entry->leaf, &a, &leaf, NULL) == RC_OK);
	ENSURE(change_decode(leaf.signed_body.body, &a, &v.change, NULL) == RC_OK);
	ENSURE(value_decode((enum slot)v.change.slot, v.change.value, &a, &v.value, NULL) == RC_OK);
	v.is_signed = is_signed_by_member(l->s, &leaf, &v.change, &v.id);
	l->fn(l->arg, &v);
	return 0;
}

/* The current values of a task; slot 0: of all slots; holder NULL: of all holders. */
static int look(const struct stage *s, int node, const char *task, uint32_t slot,
	const char *holder, shown_fn *fn, void *arg, struct err *e)
{
	struct looking l = {s, fn, arg};
	struct ctl_query q = {.task = bytes_str(task), .slot = slot, .any_holder = holder == NULL};
	if (holder != NULL)
		q.holder = bytes_str(holder);
	return replica_query(s->w.node[node].replica, &q, take_entry, &l, e);
}

/* ---- posting ---- */

/* What stands in a register. Of the values only what needs no memory of its own is looked at. */
struct standing {
	struct hash id[LIMIT_SUPERSEDES];
	struct value value[LIMIT_SUPERSEDES];
	size_t n;
};

static void take_standing(void *arg, const struct shown *v)
{
	struct standing *old = arg;
	if (old->n == LIMIT_SUPERSEDES)
		return;
	old->id[old->n] = v->id;
	old->value[old->n++] = v->value;
}

struct posting {
	struct signature g;
	struct posted posted;
};

static void sign(const struct stage *s, const struct sim_node *n, struct signature *g)
{
	const struct key *k = &n->id->operator[0];
	body_sign(k, BODY_CHANGE, &s->w.cluster_id, buf_bytes(&g->body), g->raw);
	change_id_of(BODY_CHANGE, &s->w.cluster_id, buf_bytes(&g->body), &g->id);
	g->s = (struct signed_body){bytes_of(k->public, KEY_BYTES),
		bytes_of(g->raw, SIGNATURE_BYTES), buf_bytes(&g->body)};
}

static int post(struct world *w, struct sim_node *n, struct posting *p, struct err *e)
{
	if (!node_enter(w, n))
		return err_set(e, RC_IO, "the store does not begin");
	int rc = replica_post(n->replica, &p->g.s, 1, &p->posted, node_now(w, n), e);
	node_settle(w, n);
	return rc;
}

/* Supersedes what stands there, under the plan's row; and like deltactl
 * refuses first what is well-formed and irregular. */
static int write_register(struct stage *s, int node, const char *task, const char *holder,
	const struct value *v, const char *reason, struct err *e)
{
	struct sim_node *n = &s->w.node[node];
	struct standing old = {0}, plan = {0};
	int rc = RC_OK;
	if (v->slot != SLOT_NOTE)
		rc = look(s, node, task, v->slot, holder, take_standing, &old, e);
	if (rc == RC_OK && slot_find(v->slot)->under_task)
		rc = look(s, node, task, SLOT_TASK, "", take_standing, &plan, e);
	if (rc == RC_OK)
		rc = value_irregular(
			v, &(struct change){.reason = bytes_str(reason)}, old.value, old.n, e);
	if (rc != RC_OK)
		return rc;
	struct posting p = {0};
	struct now now = node_now(&s->w, n);
	struct write w = {.task = task,
		.holder = v->slot == SLOT_NOTE ? NULL : holder,
		.reason = reason,
		.value = *v,
		.nonce = ++s->nonce,
		.claimed_ms = now.wall.v < 0 ? 0 : (uint64_t)now.wall.v,
		.under = plan.n > 0 ? &plan.id[0] : NULL,
		.supersedes = old.id,
		.n_supersedes = old.n};
	write_encode(&w, n->id->slug, &p.g.body);
	sign(s, n, &p.g);
	rc = post(&s->w, n, &p, e);
	signature_release(&p.g);
	return rc;
}

static size_t split_slugs(const char *list, struct bytes *out)
{
	size_t n = 0;
	while (*list != '\0' && n < PARTICIPANTS_MAX) {
		size_t length = strcspn(list, ",");
		out[n++] = bytes_of(list, length);
		list += length + (list[length] == ',');
	}
	return n;
}

int stage_post(struct stage *s, int node, const struct stage_post *p, struct err *e)
{
	struct bytes participants[PARTICIPANTS_MAX];
	struct value v = {.slot = slot_named(bytes_str(p->word)) != NULL
			? slot_named(bytes_str(p->word))->slot
			: SLOT_TASK};
	uint32_t status = status_named(bytes_str(p->status));
	const char *holder = "", *reason = "";
	if (v.slot == SLOT_TASK) {
		v.task.title = bytes_str("a task");
		v.task.source = SOURCE_SEED;
		v.task.lead = bytes_str(p->lead);
		v.task.participants = participants;
		v.task.n_participants = split_slugs(p->participants, participants);
	} else if (v.slot == SLOT_REPORT) {
		holder = s->w.node[node].id->slug;
		reason = p->text;
		v.report.status = status;
		v.report.progress = p->progress;
		v.report.as_of = AS_OF;
		if (status == STATUS_DELAYED)
			v.report.problem = v.report.next = bytes_str(p->text);
	} else if (v.slot == SLOT_OVERALL) {
		v.overall.status = status;
		v.overall.summary = bytes_str(p->text);
	} else {
		v.note.text = bytes_str(p->text);
	}
	return write_register(s, node, p->task, holder, &v, reason, e);
}

int stage_clone(struct stage *s, int node, const char *task, const char *text, struct err *e)
{
	struct world *w = &s->w;
	int twin = (int)w->n_members;
	struct stage_post p = {.word = "note", .task = task, .status = "", .text = text};
	if (w->n_nodes > w->n_members)
		return err_set(e, RC_INPUT, "there is a second machine already");
	weather_clone(w, &w->node[node]);
	return stage_post(s, twin, &p, e);
}

/* ---- resolving ---- */

struct taking {
	const char *member;
	struct value value;
	struct buf text; /* of the value: the entry's memory is gone when it is written */
	size_t n;
};

static void take_value(void *arg, const struct shown *v)
{
	struct taking *t = arg;
	if (!bytes_equal(v->change.member, bytes_str(t->member)))
		return;
	t->n++;
	t->value = v->value;
	if (v->value.slot == SLOT_OVERALL) {
		buf_put_bytes(&t->text, v->value.overall.summary);
		t->value.overall.summary = buf_bytes(&t->text);
	}
}

int stage_resolve(struct stage *s, int node, const char *task, const char *slot, const char *holder,
	const char *taken, struct err *e)
{
	struct taking t = {.member = taken};
	const struct slot_rule *rule = slot_named(bytes_str(slot));
	int rc = look(s, node, task, rule != NULL ? rule->slot : 0, holder, take_value, &t, e);
	if (rc == RC_OK && (t.n != 1 || t.value.slot != SLOT_OVERALL))
		rc = err_set(e, RC_NOT_FOUND, "%s has no single overall status there", taken);
	if (rc == RC_OK)
		rc = write_register(s, node, task, holder, &t.value, "", e);
	buf_release(&t.text);
	return rc;
}

/* ---- showing ---- */

static void print_cell(struct bytes text)
{
	printf("\t%.*s", (int)text.n, (const char *)text.p);
}

/* As the client writes it: report:jiangsu, overall. */
static void print_field(const struct change *c)
{
	printf("value\t");
	for (const char *p = slot_find(c->slot)->name; *p != '\0'; p++)
		putchar(tolower((unsigned char)*p));
	printf("%s%.*s", c->holder.n > 0 ? ":" : "", (int)c->holder.n, (const char *)c->holder.p);
}

static void print_value(void *arg, const struct shown *v)
{
	(void)arg;
	const struct value *x = &v->value;
	uint32_t status = x->slot == SLOT_REPORT ? x->report.status
		: x->slot == SLOT_OVERALL	 ? x->overall.status
						 : 0;
	const char *name = status_name(status);
	print_field(&v->change);
	print_cell(v->change.member);
	print_cell(bytes_str(v->is_signed ? "yes" : "no"));
	print_cell(bytes_str(name != NULL ? name : ""));
	printf("\t%u", x->slot == SLOT_REPORT ? x->report.progress : 0);
	print_cell(x->slot == SLOT_OVERALL     ? x->overall.summary
			: x->slot == SLOT_NOTE ? x->note.text
					       : bytes_str(""));
	print_cell(x->slot == SLOT_TASK ? x->task.lead : bytes_str(""));
	printf("\n");
}

int stage_print_values(struct stage *s, int node, const char *task, struct err *e)
{
	return look(s, node, task, 0, NULL, print_value, NULL, e);
}
