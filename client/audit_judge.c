/* Verdicts, from nothing but leaves and a roster, in an order of this file's own. Source: PROTOCOL
 * 3.5, 6.1. */
#include <stdlib.h>
#include <string.h>

#include "client/audit.h"
#include "proto/wire/codec.h"

struct judging {
	struct audit *a;
	const struct roster *roster;
	uint8_t *memory[2]; /* of the leaf that is judged, and of the one that it acts under */
	struct audit_leaf **waiting;
	size_t n_waiting, cap_waiting;
};

static uint32_t row_of(const struct audit *a, const struct audit_log *log)
{
	for (size_t i = 0; i < a->n_logs; i++)
		if (a->log[i] == log)
			return (uint32_t)i;
	ENSURE(false);
}

/* Versions of the roster list members in orders of their own. */
static int member_of(const struct judging *j, const struct audit_log *log)
{
	return roster_find_any(j->roster, bytes_str(log->origin.member));
}

/* Has the roster ended the log below this leaf? */
static bool is_retired(const struct judging *j, const struct audit_leaf *x)
{
	struct bytes origin = bytes_str(x->log->origin.text);
	const struct retirement *t = roster_retired(j->roster, origin);
	int owner = member_of(j, x->log);
	if (t)
		return x->index >= t->valid_below;
	return owner < 0 || !roster_log_key(j->roster, origin, owner);
}

/* ---- log events ---- */

static bool open_is_sound(
	const struct judging *j, const struct audit_log *log, const struct open *o)
{
	struct origin previous;
	if (o->suite != SUITE_ED25519_SHA256 || o->reason < OPEN_INIT || o->reason > OPEN_ROTATE)
		return false;
	return o->previous_origin.n == 0 ||
		(origin_parse(o->previous_origin, &previous, NULL) == RC_OK &&
			strcmp(previous.cluster, j->roster->cluster) == 0 &&
			strcmp(previous.member, log->origin.member) == 0 &&
			previous.epoch < log->origin.epoch && o->previous_root.n == HASH_BYTES);
}

static bool by_authority(
	const struct judging *j, const struct audit_leaf *x, struct bytes key, struct bytes member)
{
	const uint8_t *root =
		roster_authority(j->roster, bytes_str(x->log->origin.text), x->log->member);
	return x->signature_ok && root && bytes_equal(key, bytes_of(root, KEY_BYTES)) &&
		bytes_equal(member, bytes_str(x->log->origin.member));
}

static bool is_repeated(const struct judging *j, const struct audit_leaf *x)
{
	struct operator_reach before = {row_of(j->a, x->log), x->index};
	return operators_find(&j->a->operators, &before, 1, &x->id) != NULL;
}

static enum void_code judge_power(
	struct judging *j, struct audit_leaf *x, const struct signed_body *s, struct arena *a)
{
	struct delegate d;
	struct revoke v;
	uint32_t row = row_of(j->a, x->log);
	bool delegates = x->kind == LEAF_DELEGATE;
	ENSURE((delegates ? delegate_decode(s->body, a, &d, NULL)
			  : revoke_decode(s->body, a, &v, NULL)) == RC_OK);
	if (operators_count(&j->a->operators, row) >= LIMIT_OPERATOR_EVENTS ||
		!by_authority(j, x, s->key, delegates ? d.member : v.member) ||
		(delegates && !key_is_enrollable(KEY_OPERATOR, d.operator_key.p)))
		return VOID_EVENT;
	if (is_repeated(j, x))
		return VOID_REPEAT;
	if (delegates)
		operators_add_delegate(&j->a->operators, row, x->index, &x->id, &d);
	else
		operators_add_revoke(&j->a->operators, row, x->index, &x->id, &v);
	return VOID_NONE;
}

static enum void_code judge_sound_event(struct judging *j, struct audit_leaf *x)
{
	struct leaf leaf;
	struct arena a;
	arena_init(&a, j->memory[0], CODEC_LEAF_ARENA);
	ENSURE(leaf_decode(x->raw, &a, &leaf, NULL) == RC_OK);
	if (x->retired)
		return VOID_RETIRED;
	if (x->index == 0) {
		if (x->kind != LEAF_OPEN || !open_is_sound(j, x->log, &leaf.open))
			return VOID_EVENT;
		x->log->previous = leaf.open.previous_origin;
		x->log->previous_size = leaf.open.previous_size;
		return VOID_NONE;
	}
	switch (x->kind) {
	case LEAF_DELEGATE:
	case LEAF_REVOKE: return judge_power(j, x, &leaf.signed_body, &a);
	case LEAF_ANCHOR:
	case LEAF_CLOSE: return VOID_NONE;
	case LEAF_OPEN:
	case LEAF_CHANGE:
	case LEAF_UNKNOWN: break;
	}
	return VOID_EVENT;
}

static void judge_event(struct judging *j, struct audit_leaf *x)
{
	x->decided = true;
	x->verdict = VERDICT_VOID;
	x->code = VOID_GATE;
	if (!x->gate_ok)
		return;
	x->code = VOID_INDEX;
	if (x->known && !x->order_ok)
		return;
	x->verdict = VERDICT_UNKNOWN;
	x->code = VOID_NONE;
	if (!x->known)
		return;
	x->code = judge_sound_event(j, x);
	x->verdict = x->code == VOID_NONE ? VERDICT_EFFECTIVE : VERDICT_VOID;
}

/* ---- changes ---- */

static bool is_operator(
	const struct judging *j, const struct audit_leaf *x, struct bytes key, bool *in_scope)
{
	struct operator_reach reach[LIMIT_EPOCHS_PER_MEMBER];
	size_t n = 0;
	const struct audit_log *log = x->log;
	reach[n++] = (struct operator_reach){row_of(j->a, log), x->index};
	while (log->previous.n > 0 && n < LIMIT_EPOCHS_PER_MEMBER) {
		uint64_t below = log->previous_size;
		log = audit_log_find(j->a, log->previous);
		if (!log || log->limit == 0)
			break;
		reach[n++] = (struct operator_reach){row_of(j->a, log), below};
	}
	return operators_allow(&j->a->operators, reach, n, key.p, x->task, in_scope);
}

/* Where a change stands under which others act: it passes the rules 1 and 2 of PROTOCOL 6.1. */
static bool is_filed(const struct audit_leaf *x)
{
	return x->kind == LEAF_CHANGE && x->index > 0 && x->order_ok && x->body_ok && x->own &&
		x->signature_ok && (!x->known || x->gate_ok);
}

static int compare_ids(const void *pa, const void *pb)
{
	const struct audit_leaf *a = *(struct audit_leaf *const *)pa;
	const struct audit_leaf *b = *(struct audit_leaf *const *)pb;
	int order = hash_compare(&a->id, &b->id);
	if (order == 0)
		order = a->retired - b->retired; /* what counts comes before what does not */
	if (order == 0)
		order = (a->log->origin.epoch > b->log->origin.epoch) -
			(a->log->origin.epoch < b->log->origin.epoch);
	if (order == 0)
		order = strcmp(a->log->origin.text, b->log->origin.text);
	return order ? order : (a->index > b->index) - (a->index < b->index);
}

/* Of leaves with one id the earliest is the change, the others repeat it. */
static void file_changes(struct audit *a)
{
	size_t n = 0, kept = 0, all = 0;
	for (size_t i = 0; i < a->n_logs; i++)
		all += a->log[i]->limit;
	a->filed = xrealloc(a->filed, (all + 1) * sizeof *a->filed);
	for (size_t i = 0; i < a->n_logs; i++)
		for (size_t k = 0; k < a->log[i]->limit; k++)
			if (is_filed(&a->log[i]->leaf[k]))
				a->filed[n++] = &a->log[i]->leaf[k];
	if (n > 1)
		qsort(a->filed, n, sizeof *a->filed, compare_ids);
	for (size_t i = 0; i < n; i++) {
		struct audit_leaf *x = a->filed[i];
		x->repeat = kept > 0 && hash_equal(&a->filed[kept - 1]->id, &x->id);
		if (!x->repeat)
			a->filed[kept++] = x;
	}
	a->n_filed = kept;
}

static struct audit_leaf *find_filed(const struct audit *a, struct bytes id)
{
	size_t low = 0, high = a->n_filed;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = bytes_compare(id, hash_bytes(&a->filed[middle]->id));
		if (order == 0)
			return a->filed[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* The change that x acts under, if it stands where it must: in the TASK register of the same task,
 * or in the register of the NOTE. */
static struct audit_leaf *find_under(const struct audit *a, const struct audit_leaf *x)
{
	const struct slot_rule *rule = slot_find(x->slot);
	if (!rule || x->under.n != HASH_BYTES)
		return NULL;
	struct audit_leaf *u = find_filed(a, x->under);
	uint32_t slot = rule->under_task ? (uint32_t)SLOT_TASK : x->slot;
	struct bytes holder = slot == SLOT_TASK ? bytes_of(NULL, 0) : x->holder;
	bool there = u && u->slot == slot && bytes_equal(u->task, x->task) &&
		bytes_equal(u->holder, holder);
	return there ? u : NULL;
}

static void decide(struct judging *j, struct audit_leaf *x)
{
	struct leaf leaf, under_leaf;
	struct change change = {0}, under_change;
	struct value value, under_value;
	struct arena a[2];
	bool has_value, has_under_value;
	for (size_t i = 0; i < 2; i++)
		arena_init(&a[i], j->memory[i], CODEC_LEAF_ARENA);
	audit_decode(x, &a[0], &leaf, &change, &value, &has_value);
	int owner = member_of(j, x->log);
	enum role role = owner < 0 ? 0 : j->roster->member[owner].role;
	int holder = x->body_ok ? roster_find_any(j->roster, x->holder) : -1;
	struct verdict_facts f = {
		.change = x->gate_ok || x->body_ok ? &change : NULL,
		.value = has_value ? &value : NULL,
		.version_known = x->known,
		.index_ok = x->order_ok,
		.signature_ok = x->signature_ok,
		.log_member = bytes_str(x->log->origin.member),
		.retired = x->retired,
		.is_repeat = x->repeat,
		.author_is_regional = role == ROLE_REGIONAL,
		.author_is_province = role == ROLE_PROVINCE,
		.holder_is_province =
			holder >= 0 && j->roster->member[holder].role == ROLE_PROVINCE,
	};
	if (x->body_ok && x->signature_ok)
		f.is_operator = is_operator(j, x, leaf.signed_body.key, &f.in_scope);
	const struct audit_leaf *u = x->body_ok ? find_under(j->a, x) : NULL;
	if (u && !u->retired) { /* as where what stands beyond the end was never given */
		audit_decode(u, &a[1], &under_leaf, &under_change, &under_value, &has_under_value);
		bool task =
			u->slot == SLOT_TASK && u->verdict == VERDICT_EFFECTIVE && has_under_value;
		f.under = (struct under_facts){.known = true,
			.verdict = u->verdict,
			.slot = u->slot,
			.task = u->task,
			.holder = u->holder,
			.member = under_change.member,
			.task_value = task ? &under_value.task : NULL};
	}
	x->verdict = verdict_decide(&f, &x->code);
	x->decided = true;
}

static void wait_for(struct judging *j, struct audit_leaf *x)
{
	if (j->n_waiting == j->cap_waiting) {
		j->cap_waiting = j->cap_waiting == 0 ? 16 : 2 * j->cap_waiting;
		j->waiting = xrealloc(j->waiting, j->cap_waiting * sizeof *j->waiting);
	}
	j->waiting[j->n_waiting++] = x;
}

/* What a change acts under is judged first. It is named by its hash, so there are no circles. */
static void judge_change(struct judging *j, struct audit_leaf *x)
{
	wait_for(j, x);
	while (j->n_waiting > 0) {
		struct audit_leaf *top = j->waiting[j->n_waiting - 1];
		struct audit_leaf *under =
			top->body_ok && !top->decided ? find_under(j->a, top) : NULL;
		if (under && !under->decided) {
			wait_for(j, under);
			continue;
		}
		if (!top->decided)
			decide(j, top);
		j->n_waiting--;
	}
}

static bool is_change(const struct audit_leaf *x)
{
	return x->kind == LEAF_CHANGE && x->index > 0;
}

void audit_judge(struct audit *a, const struct roster *r)
{
	struct judging j = {.a = a, .roster = r};
	j.memory[0] = xalloc(CODEC_LEAF_ARENA);
	j.memory[1] = xalloc(CODEC_LEAF_ARENA);
	operators_release(&a->operators);
	for (size_t i = 0; i < a->n_logs; i++) {
		struct audit_log *log = a->log[i];
		log->previous = bytes_of(NULL, 0);
		for (size_t k = 0; k < log->limit; k++) {
			log->leaf[k].decided = log->leaf[k].repeat = false;
			log->leaf[k].retired = is_retired(&j, &log->leaf[k]);
			if (!is_change(&log->leaf[k]))
				judge_event(&j, &log->leaf[k]);
		}
	}
	file_changes(a);
	for (size_t i = 0; i < a->n_logs; i++)
		for (size_t k = 0; k < a->log[i]->limit; k++)
			if (is_change(&a->log[i]->leaf[k]))
				judge_change(&j, &a->log[i]->leaf[k]);
	free(j.memory[0]);
	free(j.memory[1]);
	free(j.waiting);
}

/* ---- what that says of the logs' owners ---- */

/* Can a leaf of an honest node come to this? A revocation reaches back, a TASK becomes void, a post
 * is repeated after a restore; but nobody honest lets in what never had a chance. */
static bool is_honest(enum void_code code)
{
	return code == VOID_OPERATOR || code == VOID_SCOPE || code == VOID_REPEAT ||
		code == VOID_UNDER || code == VOID_RETIRED;
}

static void judge_owner(struct audit *a, const struct audit_leaf *x)
{
	struct bytes origin = bytes_str(x->log->origin.text);
	const char *who = x->log->origin.member;
	bool is_signed = x->body_ok && x->kind != LEAF_ANCHOR && x->kind != LEAF_CLOSE &&
		x->kind != LEAF_OPEN;
	if (is_signed && !x->signature_ok)
		audit_find(a, AUDIT_SIGNATURE, origin, x->index, "%s", who);
	else if (x->verdict == VERDICT_PENDING)
		audit_find(a, AUDIT_PENDING, origin, x->index, "%s", who);
	else if (x->verdict == VERDICT_UNKNOWN)
		audit_find(a, AUDIT_UNKNOWN, origin, x->index, "%s", who);
	else if (x->verdict == VERDICT_VOID)
		audit_find(a, is_honest(x->code) ? AUDIT_VOID : AUDIT_BROKEN, origin, x->index,
			"%s: void: %s", who, void_code_name(x->code));
}

void audit_judge_owners(struct audit *a)
{
	for (size_t i = 0; i < a->n_logs; i++)
		for (size_t k = 0; k < a->log[i]->limit; k++)
			judge_owner(a, &a->log[i]->leaf[k]);
}
