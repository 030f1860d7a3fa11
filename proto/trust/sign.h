/* The signature of a change or a log event: DSSE's PAE over the received bytes. Floor 2.
 * Source: PROTOCOL 2; DSSE protocol, "Signature Definition". */
#ifndef DELTAD_TRUST_SIGN_H
#define DELTAD_TRUST_SIGN_H

#include "proto/trust/key.h"

enum body_type { BODY_CHANGE, BODY_DELEGATE, BODY_REVOKE };

/* "DSSEv1" SP len(type) SP type SP len(body) SP body, type =
 * "application/vnd.deltad.change.v1+protobuf; cluster=<hex>"
 * ("delegate", "revoke" for the others). Appends to out. */
void pae_encode(
	enum body_type t, const struct hash *cluster_id, struct bytes body, struct buf *out);
/* change_id = SHA-256(PAE). */
void change_id_of(
	enum body_type t, const struct hash *cluster_id, struct bytes body, struct hash *out);

void body_sign(const struct key *k, enum body_type t, const struct hash *cluster_id,
	struct bytes body, uint8_t sig[SIGNATURE_BYTES]);
/* Also gives the id (id may be NULL). Thread-safe. */
bool body_verify(const uint8_t pub[KEY_BYTES], enum body_type t, const struct hash *cluster_id,
	struct bytes body, const uint8_t sig[SIGNATURE_BYTES], struct hash *id) MUST_CHECK;

#endif
