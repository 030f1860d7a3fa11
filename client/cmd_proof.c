#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/command.h"
#include "client/field.h"
#include "client/files.h"
#include "client/proof_node.h"
#include "client/proof_report.h"
#include "client/text.h"

#define WAIT_DEFAULT_MS 10000
#define WAIT_STEP_MS 50

struct proving {
	struct node node;
	struct operator_list operators;
	struct view view;
	const struct entry *entry;
	struct buf policy_text, text[2]; /* the change's proof, and its delegation's */
	bool final;
	struct policy policy;
	struct proof change, delegation;
	struct proof_check check;
};

/* The one value to prove: of the register, and by its id where several stand there. */
static int choose_entry(struct proving *p, const struct app *app, struct err *e)
{
	struct field field;
	const char *wanted = app->args->value[OPT_CHANGE];
	int rc = RC_OK;
	if (app->n_operands > 1)
		rc = field_parse(app->operand[1], bytes_str(p->node.member), &field, e);
	size_t n = 0;
	for (size_t i = 0; rc == RC_OK && i < p->view.n_reg; i++) {
		struct cell_register *r = &p->view.reg[i];
		for (size_t j = 0; j < r->n; j++) {
			bool here = app->n_operands < 2 || field_matches(&field, r);
			if (here && (r->entry[j].current || wanted))
				p->view.entry[n++] = r->entry[j];
		}
	}
	if (rc == RC_OK && wanted)
		return field_find_change(p->view.entry, n, wanted, &p->entry, e);
	if (rc == RC_OK && n == 0)
		return err_set(e, RC_NOT_FOUND,
			tr("nothing stands there; deltactl task show %s shows what does"),
			app->operand[0]);
	if (rc == RC_OK && n > 1)
		return err_set(e, RC_USAGE,
			tr("%zu values stand there; name the field, or one by --change; deltactl "
			   "why %s shows them"),
			n, app->operand[0]);
	p->entry = p->view.entry;
	return rc;
}

static int fetch_value(struct proving *p, struct app *app, struct err *e)
{
	struct bytes key;
	struct args args = *app->args;
	/* --timeout is for the waiting; the node answers within its usual time. */
	if (args_has(&args, OPT_WAIT))
		args.value[OPT_TIMEOUT] = NULL;
	int rc = field_parse_key(app->operand[0], &key, e);
	if (rc == RC_OK)
		rc = node_open_ready(&p->node, &args, e);
	if (rc == RC_OK)
		rc = operator_list_fetch(&p->operators, &p->node, e);
	if (rc == RC_OK)
		rc = view_fetch(&p->view, &p->node,
			&(struct ctl_query){.task = key,
				.any_holder = true,
				.history = args_has(app->args, OPT_CHANGE)},
			e);
	return rc == RC_OK ? choose_entry(p, app, e) : rc;
}

static int fetch_delegation(struct proving *p, struct err *e)
{
	const struct entry *x = p->entry;
	const struct ctl_operator *op = operator_list_find(
		&p->operators, x->change.member, x->leaf.signed_body.key, x->origin, x->index);
	bool unused;
	if (!op)
		return err_set(
			e, RC_NOT_OPERATOR, tr("no delegation of the key that signed it is here"));
	return proof_fetch(&p->node, op->origin, op->from, &p->text[1], &unused, e);
}

/* Until the node gives a final head over the entry, or the time is over. */
static int fetch_final(struct proving *p, int64_t wait_ms, struct err *e)
{
	int64_t start = mono_now_ms();
	for (;;) {
		struct err why = {0};
		int rc = proof_fetch(
			&p->node, p->entry->origin, p->entry->index, &p->text[0], &p->final, &why);
		bool later = rc == RC_NOT_FOUND || (rc == RC_OK && !p->final);
		if (!later || mono_now_ms() - start >= wait_ms)
			return rc == RC_OK ? RC_OK : err_set(e, rc, "%s", why.text);
		nanosleep(&(struct timespec){.tv_nsec = WAIT_STEP_MS * 1000000}, NULL);
	}
}

/* What the node gave is checked as a stranger would before it is handed out. */
static int check(struct proving *p, struct err *e)
{
	struct origin origin;
	int rc = origin_parse(p->entry->origin, &origin, e);
	if (rc == RC_OK)
		rc = proof_policy(
			&p->node.roster, &origin, p->node.roster.final_quorum, &p->policy_text, e);
	if (rc == RC_OK)
		rc = policy_parse(buf_bytes(&p->policy_text), &p->policy, e);
	if (rc == RC_OK)
		rc = proof_parse(buf_bytes(&p->text[0]), &p->change, e);
	if (rc == RC_OK)
		rc = proof_parse(buf_bytes(&p->text[1]), &p->delegation, e);
	if (rc == RC_OK)
		rc = proof_check(&p->policy, &p->change, &p->delegation, &p->check, e);
	if (rc != RC_OK)
		return err_prefix(e, "%s", tr("what the node gave is no proof"));
	return RC_OK;
}

static int write_files(const struct proving *p, const char *path, struct err *e)
{
	char *beside = show_text("%s.operator", path);
	int rc = file_write_new(beside, 0644, buf_bytes(&p->text[1]), e);
	if (rc == RC_OK)
		rc = file_write_new(path, 0644, buf_bytes(&p->text[0]), e);
	free(beside);
	return rc;
}

static int prove(struct proving *p, struct app *app, struct err *e)
{
	const char *path = app->args->value[OPT_OUTPUT];
	int64_t wait_ms = args_has(app->args, OPT_WAIT) ? WAIT_DEFAULT_MS : 0;
	int rc = RC_OK;
	if (wait_ms > 0)
		rc = args_duration(app->args, OPT_TIMEOUT, &wait_ms, e);
	if (rc == RC_OK)
		rc = fetch_value(p, app, e);
	if (rc == RC_OK)
		rc = fetch_final(p, wait_ms, e);
	if (rc == RC_OK)
		rc = fetch_delegation(p, e);
	if (rc == RC_OK)
		rc = check(p, e);
	if (rc == RC_OK)
		rc = write_files(p, path, e);
	if (rc != RC_OK)
		return rc;
	proof_report(&app->out, "proof", &p->policy, &p->change, &p->check, path);
	if (p->check.head.enough)
		return RC_OK;
	return err_set(e, wait_ms > 0 ? RC_TIMEOUT : RC_PARTLY,
		wait_ms > 0
			? tr("the proof is written but NOT FINAL: too few members have cosigned "
			     "yet; make another later, or with a longer --timeout")
			: tr("the proof is written but NOT FINAL: too few members have cosigned "
			     "yet; make another later, or with --wait"));
}

int cmd_proof(struct app *app, struct err *e)
{
	struct proving *p = xalloc(sizeof *p);
	p->node.line.fd = -1;
	int rc = args_require(app->args, OPT_OUTPUT, e);
	if (rc == RC_OK)
		rc = prove(p, app, e);
	proof_check_release(&p->check);
	buf_release(&p->policy_text);
	buf_release(&p->text[0]);
	buf_release(&p->text[1]);
	view_release(&p->view);
	operator_list_release(&p->operators);
	node_close(&p->node);
	free(p);
	return rc;
}
