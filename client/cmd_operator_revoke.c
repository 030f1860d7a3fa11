#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/agreement.h"
#include "client/changes.h"
#include "client/confirm.h"
#include "client/text.h"
#include "proto/base/text.h"

#define KEY_PREFIX_MIN 4

/* The key in hex or its fingerprint ("9f3a-6c0d-…"), from the beginning. */
static bool is_prefix(const struct ctl_operator *op, const char *prefix)
{
	char hex[2 * KEY_BYTES + 1], fingerprint[KEY_FINGERPRINT_SIZE];
	size_t n = strlen(prefix);
	hex_encode(op->key.p, KEY_BYTES, hex);
	key_fingerprint(op->key.p, fingerprint);
	return (n <= 2 * KEY_BYTES && memcmp(hex, prefix, n) == 0) ||
		(n < KEY_FINGERPRINT_SIZE && memcmp(fingerprint, prefix, n) == 0);
}

static int find_operator(const struct changes *c, const char *prefix,
	const struct ctl_operator **found, struct err *e)
{
	*found = NULL;
	if (strlen(prefix) < KEY_PREFIX_MIN)
		return err_set(
			e, RC_USAGE, tr("write at least %d characters of the key"), KEY_PREFIX_MIN);
	for (size_t i = 0; i < c->operators.n; i++) {
		const struct ctl_operator *op = &c->operators.op[i];
		if (op->key.n != KEY_BYTES || op->below != 0 ||
			!bytes_equal(op->member, bytes_str(c->node.member)) ||
			!is_prefix(op, prefix))
			continue;
		if (*found && !bytes_equal((*found)->key, op->key))
			return err_set(e, RC_USAGE, tr("several operators' keys begin with %.64s"),
				prefix);
		*found = op;
	}
	if (!*found)
		return err_set(e, RC_NOT_FOUND,
			tr("no operator of %s has a key that begins with \"%.64s\"; deltactl "
			   "operator list"),
			c->node.member, prefix);
	return RC_OK;
}

struct own_log {
	const char *member;
	uint64_t size;
	uint32_t epoch;
};

/* The size of the member's newest log: a revocation cuts nothing that is there, unless --below asks
 * it to. */
static int on_status(void *arg, const struct ctl_status *s, struct err *e)
{
	struct own_log *o = arg;
	(void)e;
	for (size_t i = 0; i < s->n_logs; i++) {
		const struct ctl_log *l = &s->logs[i];
		if (!bytes_equal(l->member, bytes_str(o->member)) || l->epoch < o->epoch)
			continue;
		o->epoch = l->epoch;
		o->size = l->size;
	}
	return RC_OK;
}

static int confirm(struct app *app, const struct ctl_operator *op, const struct own_log *own,
	const struct revoke *r, struct err *e)
{
	struct sheet *s = sheet_new("operator-revoke");
	char fingerprint[KEY_FINGERPRINT_SIZE];
	key_fingerprint(op->key.p, fingerprint);
	sheet_line(s, TONE_NONE, tr("the root key of %s ends the right to write of:"), own->member);
	sheet_line(
		s, TONE_WARN, "* %.*s, %s", (int)op->name.n, (const char *)op->name.p, fingerprint);
	if (r->valid_below < own->size)
		sheet_line(s, TONE_WARN,
			tr("what this key signed in entries %llu to %llu counts no more, on every "
			   "node"),
			(unsigned long long)r->valid_below, (unsigned long long)own->size - 1);
	else
		sheet_line(
			s, TONE_NONE, "%s", tr("what this key signed until now goes on counting"));
	int rc = confirm_signing(app, s, tr("sign this revocation? [y/N] "), e);
	sheet_free(s);
	return rc;
}

static int revoke_key(struct changes *c, struct app *app, void *arg, struct err *e)
{
	(void)arg;
	struct own_log own = {.member = c->node.member};
	uint8_t nonce[NONCE_BYTES];
	struct buf body = {0};
	struct revoke r = {
		.version = 1,
		.member = bytes_str(c->node.member),
		.reason = args_bytes(app->args, OPT_REASON),
	};
	const struct ctl_operator *op;
	int rc = find_operator(c, app->operand[0], &op, e);
	if (rc == RC_OK)
		rc = status_fetch(&c->node, on_status, &own, e);
	r.valid_below = own.size;
	if (rc == RC_OK)
		rc = args_number(app->args, OPT_BELOW, 1, own.size, &r.valid_below, e);
	if (rc == RC_OK)
		rc = confirm(app, op, &own, &r, e);
	if (rc != RC_OK)
		return rc;
	r.operator_key = op->key;
	nonce_make(nonce);
	r.nonce = bytes_of(nonce, NONCE_BYTES);
	rc = revoke_encode(&r, &body, e);
	if (rc == RC_OK)
		rc = changes_event(c, app, buf_bytes(&body), e);
	buf_release(&body);
	return rc;
}

int cmd_operator_revoke(struct app *app, struct err *e)
{
	int rc = args_require(app->args, OPT_REASON, e);
	return rc == RC_OK ? changes_run(app, LEAF_REVOKE, revoke_key, NULL, e) : rc;
}
