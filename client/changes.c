#include "client/changes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client/keys.h"
#include "client/rules.h"
#include "client/show.h"
#include "client/text.h"
#include "proto/trust/sign.h"

/* Room for the frame around the bodies of one request. */
#define REQUEST_BYTES_MAX (LIMIT_CTL_REQUEST_BYTES - 64 * 1024)
#define BODY_OVERHEAD (KEY_BYTES + SIGNATURE_BYTES + 32)

void nonce_make(uint8_t nonce[NONCE_BYTES])
{
	ENSURE(getrandom(nonce, NONCE_BYTES, 0) == NONCE_BYTES);
}

void draft_init(struct draft *d)
{
	*d = (struct draft){0};
	nonce_make(d->nonce);
}

/* What makes a command the same command: its words and the options that reach into the change. */
static void command_hash(const struct changes *c, const struct args *a, struct hash *out)
{
	static const uint64_t outside = OPT_BIT(OPT_JSON) | OPT_BIT(OPT_PLAIN) |
		OPT_BIT(OPT_COLOR) | OPT_BIT(OPT_LANG) | OPT_BIT(OPT_NODE) | OPT_BIT(OPT_AS) |
		OPT_BIT(OPT_TIMEOUT) | OPT_BIT(OPT_QUIET) | OPT_BIT(OPT_PASSPHRASE_FILE) |
		OPT_BIT(OPT_CLUSTER_ID) | OPT_BIT(OPT_ROOT);
	struct buf b = {0};
	buf_put(&b, c->node.roster.cluster_id.b, HASH_BYTES);
	buf_put(&b, c->key.public, KEY_BYTES);
	for (size_t i = 0; i < a->n; i++)
		buf_put(&b, a->word[i], strlen(a->word[i]) + 1);
	for (int o = 0; o < OPT_END; o++) {
		if (!a->value[o] || (outside & OPT_BIT(o)))
			continue;
		buf_printf(&b, "%s=", args_name((enum opt)o));
		buf_put(&b, a->value[o], strlen(a->value[o]) + 1);
	}
	sha256(buf_bytes(&b), out);
	buf_release(&b);
}

static int load_key(struct changes *c, const struct args *a, struct err *e)
{
	if (c->kind == 0)
		return keys_load_operator(&c->key, a, e);
	int rc = args_require(a, OPT_ROOT, e);
	return rc == RC_OK ? keys_load(&c->key, a->value[OPT_ROOT], KEY_ROOT, a, e) : rc;
}

int changes_begin(struct changes *c, uint32_t kind, const struct args *a, struct err *e)
{
	memset(c, 0, sizeof *c);
	c->node.line.fd = -1;
	c->kind = kind;
	int rc = load_key(c, a, e);
	if (rc == RC_OK)
		rc = node_open_ready(&c->node, a, e);
	if (rc == RC_OK && strcmp(c->key.member, c->node.member) != 0)
		rc = err_set(e, kind ? RC_DENIED : RC_NOT_OPERATOR,
			tr("the key is of %s, the node is of %s; use your own office's node"),
			c->key.member, c->node.member);
	if (rc == RC_OK)
		rc = operator_list_fetch(&c->operators, &c->node, e);
	if (rc != RC_OK)
		return rc;
	struct hash what;
	command_hash(c, a, &what);
	return pending_init(&c->pending, &what, e);
}

void changes_end(struct changes *c)
{
	node_close(&c->node);
	key_release(&c->key);
	operator_list_release(&c->operators);
	if (c->is_known)
		pending_forget(&c->pending);
	pending_release(&c->pending);
	pool_release(&c->pool);
	free(c->posted);
}

bool changes_is_full(const struct changes *c)
{
	return c->n == LIMIT_POST_CHANGES ||
		c->bytes + LIMIT_BODY_BYTES + BODY_OVERHEAD > REQUEST_BYTES_MAX;
}

static enum body_type type_of(uint32_t kind)
{
	return kind == LEAF_DELEGATE  ? BODY_DELEGATE
		: kind == LEAF_REVOKE ? BODY_REVOKE
				      : BODY_CHANGE;
}

void changes_add_signed(struct changes *c, const struct signed_body *s)
{
	struct signed_body *to = &c->body[c->n];
	to->key = pool_copy(&c->pool, s->key);
	to->signature = pool_copy(&c->pool, s->signature);
	to->body = pool_copy(&c->pool, s->body);
	change_id_of(type_of(c->kind), &c->node.roster.cluster_id, to->body, &c->id[c->n]);
	c->bytes += to->body.n + BODY_OVERHEAD;
	c->n++;
}

static void sign_body(struct changes *c, struct bytes body)
{
	uint8_t signature[SIGNATURE_BYTES];
	body_sign(&c->key, type_of(c->kind), &c->node.roster.cluster_id, body, signature);
	changes_add_signed(c,
		&(struct signed_body){
			.key = bytes_of(c->key.public, KEY_BYTES),
			.signature = bytes_of(signature, SIGNATURE_BYTES),
			.body = body,
		});
}

static int compare_ids(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;
	return bytes_compare(*x, *y);
}

/* The ids of the current values, ascending; at most as many as a change may name. */
static size_t superseded(const struct draft *d, struct bytes ids[LIMIT_SUPERSEDES])
{
	size_t n = 0;
	for (size_t i = 0; d->replaces && i < d->replaces->n_current && n < LIMIT_SUPERSEDES; i++)
		ids[n++] = hash_bytes(&d->replaces->entry[i].id);
	if (n > 1)
		qsort(ids, n, sizeof *ids, compare_ids);
	size_t kept = n > 0;
	for (size_t i = 1; i < n; i++)
		if (!bytes_equal(ids[i], ids[kept - 1]))
			ids[kept++] = ids[i];
	return kept;
}

static struct change change_of(const struct changes *c, const struct draft *d, struct bytes value,
	struct bytes ids[LIMIT_SUPERSEDES])
{
	return (struct change){
		.version = CHANGE_VERSION,
		.member = bytes_str(c->node.member),
		.nonce = bytes_of(d->nonce, NONCE_BYTES),
		.claimed_ms = (uint64_t)wall_now_ms(),
		.task = d->task,
		.slot = (uint32_t)d->value.slot,
		.holder = d->holder,
		.value = value,
		.n_supersedes = superseded(d, ids),
		.supersedes = ids,
		.under = d->under ? hash_bytes(&d->under->id) : bytes_of(NULL, 0),
		.reason = d->reason,
	};
}

int changes_check(const struct changes *c, const struct draft *d, struct err *e)
{
	struct bytes ids[LIMIT_SUPERSEDES];
	struct buf value = {0};
	int rc = value_encode(&d->value, &value, e);
	if (rc == RC_OK) {
		struct change change = change_of(c, d, buf_bytes(&value), ids);
		rc = rules_check(c, d, &change, e);
	}
	buf_release(&value);
	return rc;
}

int changes_add(struct changes *c, const struct draft *d, struct err *e)
{
	ENSURE(!changes_is_full(c) && c->kind == 0);
	struct bytes ids[LIMIT_SUPERSEDES];
	struct buf value = {0}, body = {0};
	int rc = value_encode(&d->value, &value, e);
	if (rc != RC_OK)
		goto out;
	struct change change = change_of(c, d, buf_bytes(&value), ids);
	rc = rules_check(c, d, &change, e);
	if (rc == RC_OK)
		rc = change_encode(&change, &body, e);
	if (rc == RC_OK)
		sign_body(c, buf_bytes(&body));
out:
	buf_release(&value);
	buf_release(&body);
	return rc;
}

int changes_add_event(struct changes *c, struct bytes body, struct err *e)
{
	ENSURE(c->kind != 0 && c->n == 0);
	const struct member *self = node_self(&c->node);
	if (!self || memcmp(self->root.public, c->key.public, KEY_BYTES) != 0)
		return err_set(e, RC_DENIED,
			tr("the roster names another root key for %s; use the key that is in it"),
			c->node.member);
	sign_body(c, body);
	return RC_OK;
}
