#include <stdlib.h>
#include <string.h>

#include "client/changes.h"
#include "client/confirm.h"
#include "client/text.h"
#include "proto/wire/codec.h"

/* Who is an operator of the member now, each once: the newest delegation decides the scope. */
static bool is_current(const struct changes *c, size_t at)
{
	const struct ctl_operator *op = &c->operators.op[at];
	if (op->below != 0 || !bytes_equal(op->member, bytes_str(c->node.member)))
		return false;
	for (size_t i = at + 1; i < c->operators.n; i++)
		if (bytes_equal(c->operators.op[i].key, op->key) && c->operators.op[i].below == 0 &&
			bytes_equal(c->operators.op[i].member, op->member))
			return false;
	return true;
}

static void show(const struct changes *c, struct sheet *s)
{
	sheet_line(s, TONE_NONE, tr("the root key of %s delegates anew:"), c->node.member);
	for (size_t i = 0; i < c->operators.n; i++) {
		const struct ctl_operator *op = &c->operators.op[i];
		char fingerprint[KEY_FINGERPRINT_SIZE];
		if (!is_current(c, i))
			continue;
		key_fingerprint(op->key.p, fingerprint);
		sheet_line(s, TONE_WARN, tr("* %.*s, key %s, %zu tasks (0: all)"), (int)op->name.n,
			(const char *)op->name.p, fingerprint, op->n_scope);
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

static int endorse(struct changes *c, const struct ctl_operator *op, struct err *e)
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
		rc = changes_add_event(c, buf_bytes(&body), e);
	if (rc == RC_OK)
		rc = changes_post(c, e);
	buf_release(&body);
	return rc;
}

int cmd_operator_endorse(struct app *app, struct err *e)
{
	struct changes *c = xalloc(sizeof *c);
	int rc = changes_begin(c, LEAF_DELEGATE, app->args, e);
	if (rc == RC_OK)
		rc = changes_resume(c, e);
	if (rc == RC_OK)
		rc = confirm(app, c, e);
	for (size_t i = 0; rc == RC_OK && i < c->operators.n; i++)
		if (is_current(c, i))
			rc = endorse(c, &c->operators.op[i], e);
	if (rc == RC_OK || rc == CHANGES_RESUMED) {
		changes_report(c, &app->out);
		rc = RC_OK;
	}
	changes_end(c);
	free(c);
	return rc;
}
