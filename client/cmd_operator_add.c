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

static int confirm(struct app *app, const struct delegate *d, struct err *e)
{
	struct sheet *s = sheet_new("operator-add");
	char fingerprint[KEY_FINGERPRINT_SIZE];
	key_fingerprint(d->operator_key.p, fingerprint);
	sheet_line(s, TONE_NONE, tr("the root key of %.*s lets this person write:"),
		(int)d->member.n, (const char *)d->member.p);
	sheet_line(s, TONE_WARN, tr("* %.*s, key %s, %zu tasks (0: all)"), (int)d->name.n,
		(const char *)d->name.p, fingerprint, d->n_scope);
	int rc = confirm_signing(app, s, tr("sign this delegation? [y/N] "), e);
	sheet_free(s);
	return rc;
}

static int add(struct changes *c, struct app *app, const struct operator_line *l,
	const struct delegate *d, struct err *e)
{
	struct buf body = {0};
	if (strcmp(l->member, c->node.member) != 0)
		return err_set(e, RC_DENIED, tr("the operator's line is of %s, the node of %s"),
			l->member, c->node.member);
	int rc = args_has(app->args, OPT_DRY_RUN) ? RC_OK : confirm(app, d, e);
	if (rc == RC_OK)
		rc = delegate_encode(d, &body, e);
	if (rc == RC_OK)
		rc = changes_add_event(c, buf_bytes(&body), e);
	if (rc == RC_OK && !args_has(app->args, OPT_DRY_RUN))
		rc = changes_post(c, e);
	buf_release(&body);
	return rc;
}

int cmd_operator_add(struct app *app, struct err *e)
{
	const struct args *a = app->args;
	struct bytes scope[LIMIT_SCOPE];
	struct operator_line line;
	uint8_t nonce[NONCE_BYTES];
	struct delegate d = {.version = 1, .scope = scope};
	int rc = args_require(a, OPT_OPERATOR, e);
	if (rc == RC_OK)
		rc = parse_scope(a, scope, &d.n_scope, e);
	if (rc == RC_OK)
		rc = operator_line_read(a->value[OPT_OPERATOR], &line, e);
	if (rc != RC_OK)
		return rc;
	nonce_make(nonce);
	d.member = bytes_str(line.member);
	d.name = bytes_str(line.name);
	d.operator_key = bytes_of(line.public, KEY_BYTES);
	d.nonce = bytes_of(nonce, NONCE_BYTES);
	struct changes *c = xalloc(sizeof *c);
	rc = changes_begin(c, LEAF_DELEGATE, a, e);
	if (rc == RC_OK && !args_has(a, OPT_DRY_RUN))
		rc = changes_resume(c, e);
	if (rc == RC_OK)
		rc = add(c, app, &line, &d, e);
	if (rc == RC_OK || rc == CHANGES_RESUMED) {
		changes_report(c, &app->out);
		rc = RC_OK;
	}
	changes_end(c);
	free(c);
	return rc;
}
