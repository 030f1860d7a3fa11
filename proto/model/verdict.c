#include "proto/model/verdict.h"

#include "proto/base/mutant.h"
#include "proto/base/text.h"

const char *verdict_name(enum verdict v)
{
	switch (v) {
	case VERDICT_EFFECTIVE: return "effective";
	case VERDICT_PENDING: return "pending";
	case VERDICT_UNKNOWN: return "unknown";
	case VERDICT_VOID: return "void";
	}
	return NULL;
}

const char *void_code_name(enum void_code c)
{
	switch (c) {
	case VOID_NONE: return "none";
	case VOID_GATE: return "gate";
	case VOID_INDEX: return "index";
	case VOID_MEMBER: return "member";
	case VOID_SIGNATURE: return "signature";
	case VOID_OPERATOR: return "operator";
	case VOID_SCOPE: return "scope";
	case VOID_REPEAT: return "repeat";
	case VOID_REGISTER: return "register";
	case VOID_WRITER: return "writer";
	case VOID_UNDER: return "under";
	case VOID_VALUE: return "value";
	case VOID_EVENT: return "event";
	case VOID_RETIRED: return "retired";
	}
	return NULL;
}

/* What one rule says: it goes on to the next, waits, or ends with a void code. */
struct ruling {
	enum verdict verdict;
	enum void_code code;
};

static const struct ruling passes = {VERDICT_EFFECTIVE, VOID_NONE};
static const struct ruling waits = {VERDICT_PENDING, VOID_NONE};

static struct ruling void_for(enum void_code code)
{
	return (struct ruling){VERDICT_VOID, code};
}

static bool task_fits(enum task_rule rule, struct bytes task)
{
	switch (rule) {
	case TASK_NEVER: return task.n == 0;
	case TASK_ALWAYS: return task_key_is_valid(task);
	case TASK_MAYBE: return task.n == 0 || task_key_is_valid(task);
	}
	return false;
}

static bool is_area_number(struct bytes s)
{
	uint64_t area;
	return decimal_parse(s, 99, &area) && area > 0;
}

static bool is_nonce(struct bytes s)
{
	uint8_t nonce[NONCE_BYTES];
	return hex_decode(s, nonce, sizeof nonce);
}

static bool holder_fits(enum holder_kind kind, const struct verdict_facts *f)
{
	struct bytes holder = f->change->holder;
	switch (kind) {
	case HOLDER_EMPTY: return holder.n == 0;
	case HOLDER_AREA: return is_area_number(holder);
	case HOLDER_MEMBER: return slug_is_valid(holder) && f->holder_is_province;
	case HOLDER_NONCE: return is_nonce(holder);
	}
	return false;
}

/* `under` must be here, settled, and a change of this slot and this change's task. */
static struct ruling rule_under(const struct verdict_facts *f, enum slot slot)
{
	if (f->change->under.n == 0)
		return void_for(VOID_UNDER);
	if (!f->under.known || f->under.verdict == VERDICT_PENDING ||
		f->under.verdict == VERDICT_UNKNOWN)
		return waits;
	if (f->under.verdict == VERDICT_VOID || f->under.slot != (uint32_t)slot ||
		!bytes_equal(f->under.task, f->change->task))
		return void_for(VOID_UNDER);
	return passes;
}

static struct ruling rule_regional(const struct verdict_facts *f)
{
	return f->author_is_regional ? passes : void_for(VOID_WRITER);
}

static struct ruling rule_holder(const struct verdict_facts *f)
{
	if (!bytes_equal(f->change->member, f->change->holder))
		return void_for(VOID_WRITER);
	struct ruling r = rule_under(f, SLOT_TASK);
	if (r.verdict != VERDICT_EFFECTIVE)
		return r;
	ENSURE(f->under.task_value);
	bool may =
		task_has_participant(f->under.task_value, f->change->member, f->author_is_province);
	return may ? passes : void_for(VOID_WRITER);
}

static bool closes(const struct overall_value *v)
{
	return v->status == STATUS_CLOSED || v->status == STATUS_WITHDRAWN;
}

/* Closing is the regional office's alone, everything else the lead's; the regional office stands in
 * while the plan names no lead. */
static struct ruling rule_lead(const struct verdict_facts *f)
{
	bool closing = closes(&f->value->overall);
	if (closing && !f->author_is_regional)
		return void_for(VOID_WRITER);
	struct ruling r = rule_under(f, SLOT_TASK);
	if (r.verdict != VERDICT_EFFECTIVE || closing)
		return r;
	ENSURE(f->under.task_value);
	struct bytes lead = f->under.task_value->lead;
	bool may = lead.n ? bytes_equal(lead, f->change->member) : f->author_is_regional;
	return may || MUTANT(UNDER_IGNORED) ? passes : void_for(VOID_WRITER);
}

/* A note opens a register of its own, named by its nonce; only its author strikes it out. */
static struct ruling rule_author(const struct verdict_facts *f)
{
	const struct change *c = f->change;
	if (!f->value->note.struck) {
		char own[2 * NONCE_BYTES + 1];
		ENSURE(c->nonce.n == NONCE_BYTES);
		hex_encode(c->nonce.p, NONCE_BYTES, own);
		return bytes_equal(c->holder, bytes_str(own)) ? passes : void_for(VOID_WRITER);
	}
	struct ruling r = rule_under(f, SLOT_NOTE);
	if (r.verdict != VERDICT_EFFECTIVE)
		return r;
	if (!bytes_equal(f->under.holder, c->holder))
		return void_for(VOID_UNDER);
	return bytes_equal(f->under.member, c->member) ? passes : void_for(VOID_WRITER);
}

static struct ruling rule_writer(const struct verdict_facts *f, enum writer_rule rule)
{
	switch (rule) {
	case WRITER_REGIONAL: return rule_regional(f);
	case WRITER_HOLDER: return rule_holder(f);
	case WRITER_LEAD: return rule_lead(f);
	case WRITER_AUTHOR: return rule_author(f);
	}
	return void_for(VOID_WRITER);
}

/* PROTOCOL 6.1, in its order. Whatever is known is judged before anything that must be waited for,
 * except that what this version cannot read is left to a newer one. */
static struct ruling decide(const struct verdict_facts *f)
{
	const struct change *c = f->change;
	if (!f->index_ok)
		return void_for(VOID_INDEX);
	/* Where only the slot is not known, it is known what is the same change again. */
	if (f->is_repeat && c && !slot_find(c->slot))
		return void_for(f->retired ? VOID_RETIRED : VOID_REPEAT);
	if (!f->version_known || (c && !slot_find(c->slot)))
		return (struct ruling){VERDICT_UNKNOWN, VOID_NONE};
	if (!c || !f->value)
		return void_for(VOID_GATE);
	if (!bytes_equal(c->member, f->log_member))
		return void_for(VOID_MEMBER);
	if (!f->signature_ok || f->retired)
		return void_for(f->signature_ok ? VOID_RETIRED : VOID_SIGNATURE);
	if (f->is_repeat)
		return void_for(VOID_REPEAT);
	if (!f->is_operator)
		return void_for(VOID_OPERATOR);
	if (!f->in_scope)
		return void_for(VOID_SCOPE);

	const struct slot_rule *rule = slot_find(c->slot);
	ENSURE(f->value->slot == rule->slot);
	if (!task_fits(rule->task, c->task) || !holder_fits(rule->holder, f))
		return void_for(VOID_REGISTER);
	struct ruling r = rule_writer(f, rule->writer);
	if (r.verdict != VERDICT_EFFECTIVE)
		return r;
	return value_check(f->value, c, NULL) == RC_OK ? passes : void_for(VOID_VALUE);
}

enum verdict verdict_decide(const struct verdict_facts *f, enum void_code *code)
{
	struct ruling r = decide(f);
	*code = r.code;
	return r.verdict;
}
