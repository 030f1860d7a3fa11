#include "client/rules.h"

#include <string.h>

#include "client/text.h"

static bool in_scope(const struct ctl_operator *op, struct bytes task)
{
	for (size_t i = 0; i < op->n_scope; i++)
		if (bytes_equal(op->scope[i], task))
			return true;
	return op->n_scope == 0;
}

/* The delegation this key writes by now: one that is not cut off, and covers the task if any does.
 */
static void find_rights(const struct changes *c, struct verdict_facts *f)
{
	for (size_t i = 0; i < c->operators.n; i++) {
		const struct ctl_operator *op = &c->operators.op[i];
		if (op->below != 0 || !bytes_equal(op->member, bytes_str(c->node.member)) ||
			!bytes_equal(op->key, bytes_of(c->key.public, KEY_BYTES)))
			continue;
		f->is_operator = true;
		f->in_scope = f->in_scope || in_scope(op, f->change->task);
	}
}

static bool is_province(const struct roster *r, struct bytes slug)
{
	int i = roster_find(r, slug);
	return i >= 0 && r->member[i].role == ROLE_PROVINCE;
}

static void fill_under(const struct draft *d, struct under_facts *u)
{
	if (!d->under)
		return;
	*u = (struct under_facts){
		.known = true,
		.verdict = (enum verdict)d->under->verdict,
		.slot = d->under->change.slot,
		.task = d->under->change.task,
		.holder = d->under->change.holder,
		.member = d->under->change.member,
		.task_value = d->under->has_value && d->under->value.slot == SLOT_TASK
			? &d->under->value.task
			: NULL,
	};
}

static int refuse_writer(const struct changes *c, const struct slot_rule *rule, struct err *e)
{
	switch (rule->writer) {
	case WRITER_REGIONAL:
		return err_set(e, RC_REFUSED_WRITER,
			tr("%s is written by the regional office, not by %s; ask the office"),
			tr_word(rule->name), c->node.member);
	case WRITER_HOLDER:
		return err_set(e, RC_REFUSED_WRITER,
			tr("%s is written by the provinces that take part in the task, and %s is "
			   "none of them; deltactl task show says who"),
			tr_word(rule->name), c->node.member);
	case WRITER_LEAD:
		return err_set(e, RC_REFUSED_WRITER,
			tr("%s is written by the task's lead (closing: by the regional office), "
			   "not "
			   "by %s; deltactl task show says who leads"),
			tr_word(rule->name), c->node.member);
	case WRITER_AUTHOR: break;
	}
	return err_set(e, RC_REFUSED_WRITER,
		tr("a note is struck out by its author, not by %s; write a note of your own"),
		c->node.member);
}

static int refuse_void(const struct changes *c, const struct draft *d, const struct change *change,
	enum void_code code, struct err *e)
{
	char fingerprint[KEY_FINGERPRINT_SIZE];
	key_fingerprint(c->key.public, fingerprint);
	switch (code) {
	case VOID_OPERATOR:
		return err_set(e, RC_NOT_OPERATOR,
			tr("key %s (%s) is no operator of %s at present; the office adds it with "
			   "deltactl operator add"),
			fingerprint, c->key.name, c->node.member);
	case VOID_SCOPE:
		return err_set(e, RC_OUT_OF_SCOPE,
			tr("key %s may not write task %.*s; deltactl operator list shows its "
			   "scope"),
			fingerprint, (int)d->task.n, (const char *)d->task.p);
	case VOID_REGISTER:
	case VOID_WRITER: return refuse_writer(c, slot_find(change->slot), e);
	case VOID_VALUE: {
		int rc = value_check(&d->value, change, e);
		ENSURE(rc != RC_OK);
		return rc;
	}
	case VOID_NONE:
	case VOID_GATE:
	case VOID_INDEX:
	case VOID_MEMBER:
	case VOID_SIGNATURE:
	case VOID_REPEAT:
	case VOID_UNDER:
	case VOID_RETIRED:
	case VOID_EVENT: break;
	}
	return err_set(e, RC_REFUSED, tr("every node would find this change void: %s"),
		void_code_name(code));
}

/* A task that was taken off the list takes no more reports; notes and the office's own words stay
 * possible. */
static int check_withdrawn(const struct draft *d, struct err *e)
{
	if (d->value.slot != SLOT_REPORT || !d->under || !d->under->has_value ||
		!d->under->value.task.withdrawn)
		return RC_OK;
	return err_set(e, RC_REFUSED_WITHDRAWN,
		tr("task %.*s was withdrawn from the list; there is nothing to report"),
		(int)d->task.n, (const char *)d->task.p);
}

static int check_irregular(const struct draft *d, const struct change *change, struct err *e)
{
	struct value old[LIMIT_SUPERSEDES];
	size_t n = 0;
	for (size_t i = 0; d->replaces && i < d->replaces->n_current && n < LIMIT_SUPERSEDES; i++)
		if (d->replaces->entry[i].has_value)
			old[n++] = d->replaces->entry[i].value;
	return value_irregular(&d->value, change, old, n, e);
}

int rules_check(
	const struct changes *c, const struct draft *d, const struct change *change, struct err *e)
{
	const struct member *self = node_self(&c->node);
	struct verdict_facts f = {
		.change = change,
		.value = &d->value,
		.version_known = true,
		.index_ok = true,
		.signature_ok = true,
		.log_member = bytes_str(c->node.member),
		.author_is_regional = self && self->role == ROLE_REGIONAL,
		.author_is_province = self && self->role == ROLE_PROVINCE,
		.holder_is_province = is_province(&c->node.roster, d->holder),
	};
	enum void_code code;
	find_rights(c, &f);
	fill_under(d, &f.under);
	int rc = check_withdrawn(d, e);
	if (rc != RC_OK)
		return rc;
	enum verdict v = verdict_decide(&f, &code);
	if (v == VERDICT_VOID)
		return refuse_void(c, d, change, code, e);
	if (v != VERDICT_EFFECTIVE)
		return err_set(e, RC_REFUSED,
			tr("the node does not hold what this change acts under yet; wait for it "
			   "and "
			   "try again"));
	return check_irregular(d, change, e);
}
