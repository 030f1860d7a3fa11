#include "proto/trust/sign.h"

#include <stdio.h>

static const char *const body_names[] = {
	[BODY_CHANGE] = "change", [BODY_DELEGATE] = "delegate", [BODY_REVOKE] = "revoke"};

/* Everything of the PAE before the body. */
#define PAE_HEAD_SIZE 192
static struct bytes pae_head(
	enum body_type t, const struct hash *cluster_id, size_t n_body, char out[PAE_HEAD_SIZE])
{
	char cluster[HASH_HEX_SIZE], type[PAE_HEAD_SIZE - 48];
	hash_print(cluster_id, cluster);
	int n_type = snprintf(type, sizeof type,
		"application/vnd.deltad.%s.v1+protobuf; cluster=%s", body_names[t], cluster);
	ENSURE(n_type > 0 && (size_t)n_type < sizeof type);
	int n = snprintf(out, PAE_HEAD_SIZE, "DSSEv1 %d %s %zu ", n_type, type, n_body);
	ENSURE(n > 0 && n < PAE_HEAD_SIZE);
	return bytes_of(out, (size_t)n);
}

void pae_encode(enum body_type t, const struct hash *cluster_id, struct bytes body, struct buf *out)
{
	char head[PAE_HEAD_SIZE];
	buf_put_bytes(out, pae_head(t, cluster_id, body.n, head));
	buf_put_bytes(out, body);
}

void change_id_of(
	enum body_type t, const struct hash *cluster_id, struct bytes body, struct hash *out)
{
	char head[PAE_HEAD_SIZE];
	const struct bytes parts[] = {pae_head(t, cluster_id, body.n, head), body};
	sha256_multi(parts, 2, out);
}

void body_sign(const struct key *k, enum body_type t, const struct hash *cluster_id,
	struct bytes body, uint8_t sig[SIGNATURE_BYTES])
{
	struct buf pae = {0};
	pae_encode(t, cluster_id, body, &pae);
	key_sign(k, buf_bytes(&pae), sig);
	buf_release(&pae);
}

bool body_verify(const uint8_t pub[KEY_BYTES], enum body_type t, const struct hash *cluster_id,
	struct bytes body, const uint8_t sig[SIGNATURE_BYTES], struct hash *id)
{
	struct buf pae = {0};
	pae_encode(t, cluster_id, body, &pae);
	if (id)
		sha256(buf_bytes(&pae), id);
	bool ok = key_verify(pub, buf_bytes(&pae), sig);
	buf_release(&pae);
	return ok;
}
