#include <stdlib.h>
#include <string.h>

#include "client/changes.h"
#include "client/confirm.h"
#include "client/keys.h"
#include "client/text.h"

static int compare_keys(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* "3-05,3-06", in any order, as a set. */
static int parse_scope(
	const struct args *a, struct bytes scope[LIMIT_SCOPE], size_t *n, struct err *e)
{
	*n = 0;
	if (!args_has(a, OPT_SCOPE))
		return RC_OK;
	for (const char *p = a->value[OPT_SCOPE]; p;) {
		const char *comma = strchr(p, ',');
		struct bytes key = bytes_of(p, comma ? (size_t)(comma - p) : strlen(p));
		if (!task_key_is_valid(key))
			return err_set(e, RC_USAGE, tr("--scope: \"%.*s\" is no task key"),
				(int)(key.n < 40 ? key.n : 40), p);
		if (*n == LIMIT_SCOPE)
			return err_set(e, RC_USAGE, tr("--scope: more than %d tasks"), LIMIT_SCOPE);
		scope[(*n)++] = key;
		p = comma ? comma + 1 : NULL;
	}
	qsort(scope, *n, sizeof *scope, compare_keys);
	for (size_t i = 1; i < *n; i++)
		if (bytes_equal(scope[i - 1], scope[i]))
			return err_set(e, RC_USAGE, tr("--scope names %.*s twice"), (int)scope[i].n,
				(const char *)scope[i].p);
	return RC_OK;
}

struct adding {
	struct operator_line line;
	struct delegate d;
	struct bytes scope[LIMIT_SCOPE];
	uint8_t nonce[NONCE_BYTES];
};

static bool is_same_scope(const struct ctl_operator *op, const struct delegate *d)
{
	size_t common = 0;
	for (size_t i = 0; i < op->n_scope; i++)
		for (size_t k = 0; k < d->n_scope; k++)
			common += bytes_equal(op->scope[i], d->scope[k]);
	return op->n_scope == d->n_scope && common == d->n_scope;
}

/* A second delegation of the same would only make the log longer. */
static bool is_so_already(const struct changes *c, const struct app *app, const struct delegate *d)
{
	const struct ctl_operator *op = changes_operator(c, d->operator_key);
	if (!op || !bytes_equal(op->name, d->name) || !is_same_scope(op, d))
		return false;
	struct sheet *s = sheet_new("operator-add");
	sheet_line(s, TONE_NONE,
		tr("%.*s is an operator of %.*s already, by entry %llu of the log %.*s; nothing "
		   "was "
		   "signed"),
		(int)op->name.n, (const char *)op->name.p, (int)op->member.n,
		(const char *)op->member.p, (unsigned long long)op->from, (int)op->origin.n,
		(const char *)op->origin.p);
	sheet_fact(s, "already", json_true());
	sheet_fact(s, "origin", json_text(op->origin));
	sheet_fact(s, "from", json_number(op->from));
	if (!app->out.quiet)
		sheet_print(s, &app->out);
	sheet_free(s);
	return true;
}

static int confirm(struct app *app, const struct delegate *d, struct err *e)
{
	struct sheet *s = sheet_new("operator-add");
	char fingerprint[KEY_FINGERPRINT_SIZE];
	key_fingerprint(d->operator_key.p, fingerprint);
	sheet_line(s, TONE_NONE, tr("the root key of %.*s lets this person write:"),
		(int)d->member.n, (const char *)d->member.p);
	char *scope = changes_scope_text(d->scope, d->n_scope);
	sheet_line(s, TONE_WARN, tr("* %.*s, key %s: %s"), (int)d->name.n, (const char *)d->name.p,
		fingerprint, scope);
	free(scope);
	int rc = confirm_signing(app, s, tr("sign this delegation? [y/N] "), e);
	sheet_free(s);
	return rc;
}

static int add(struct changes *c, struct app *app, void *arg, struct err *e)
{
	struct adding *x = arg;
	struct buf body = {0};
	if (strcmp(x->line.member, c->node.member) != 0)
		return err_set(e, RC_DENIED, tr("the operator's line is of %s, the node of %s"),
			x->line.member, c->node.member);
	if (is_so_already(c, app, &x->d))
		return CHANGES_SAID;
	int rc = confirm(app, &x->d, e);
	if (rc == RC_OK)
		rc = delegate_encode(&x->d, &body, e);
	if (rc == RC_OK)
		rc = changes_event(c, app, buf_bytes(&body), e);
	buf_release(&body);
	return rc;
}

int cmd_operator_add(struct app *app, struct err *e)
{
	const struct args *a = app->args;
	struct adding x = {.d = {.version = 1, .scope = x.scope}};
	int rc = args_require(a, OPT_OPERATOR, e);
	if (rc == RC_OK)
		rc = parse_scope(a, x.scope, &x.d.n_scope, e);
	if (rc == RC_OK)
		rc = operator_line_read(a->value[OPT_OPERATOR], &x.line, e);
	if (rc != RC_OK)
		return rc;
	nonce_make(x.nonce);
	x.d.member = bytes_str(x.line.member);
	x.d.name = bytes_str(x.line.name);
	x.d.operator_key = bytes_of(x.line.public, KEY_BYTES);
	x.d.nonce = bytes_of(x.nonce, NONCE_BYTES);
	return changes_run(app, LEAF_DELEGATE, add, &x, e);
}
