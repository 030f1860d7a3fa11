#include <stdlib.h>
#include <string.h>

#include "client/changes.h"
#include "client/confirm.h"
#include "client/text.h"
#include "proto/wire/codec.h"

/* Each operator once: the newest delegation decides the scope. */
static bool is_current(const struct changes *c, const struct ctl_operator *op)
{
	return changes_operator(c, op->key) == op;
}

static void show(const struct changes *c, struct sheet *s)
{
	sheet_line(s, TONE_NONE, tr("the root key of %s delegates anew:"), c->node.member);
	for (size_t i = 0; i < c->operators.n; i++) {
		const struct ctl_operator *op = &c->operators.op[i];
		char fingerprint[KEY_FINGERPRINT_SIZE];
		if (!is_current(c, op))
			continue;
		key_fingerprint(op->key.p, fingerprint);
		char *scope = changes_scope_text(op->scope, op->n_scope);
		sheet_line(s, TONE_WARN, tr("* %.*s, key %s: %s"), (int)op->name.n,
			(const char *)op->name.p, fingerprint, scope);
		free(scope);
	}
}

static int confirm(struct app *app, const struct changes *c, struct err *e)
{
	struct sheet *s = sheet_new("operator-endorse");
	show(c, s);
	int rc = confirm_signing(app, s, tr("sign these delegations? [y/N] "), e);
	sheet_free(s);
	return rc;
}

static int endorse(struct changes *c, struct app *app, const struct ctl_operator *op, struct err *e)
{
	uint8_t nonce[NONCE_BYTES];
	struct buf body = {0};
	nonce_make(nonce);
	struct delegate d = {.version = 1,
		.member = op->member,
		.nonce = bytes_of(nonce, NONCE_BYTES),
		.operator_key = op->key,
		.name = op->name,
		.scope = op->scope,
		.n_scope = op->n_scope};
	int rc = delegate_encode(&d, &body, e);
	if (rc == RC_OK)
		rc = changes_event(c, app, buf_bytes(&body), e);
	buf_release(&body);
	return rc;
}

static int endorse_all(struct changes *c, struct app *app, void *arg, struct err *e)
{
	(void)arg;
	int rc = confirm(app, c, e);
	for (size_t i = 0; rc == RC_OK && i < c->operators.n; i++)
		if (is_current(c, &c->operators.op[i]))
			rc = endorse(c, app, &c->operators.op[i], e);
	return rc;
}

int cmd_operator_endorse(struct app *app, struct err *e)
{
	return changes_run(app, LEAF_DELEGATE, endorse_all, NULL, e);
}
