/* The two halves of `deltactl key init`: a node's keys, and an operator's. */
#ifndef DELTAD_CLIENT_KEY_INIT_H
#define DELTAD_CLIENT_KEY_INIT_H

#include "client/command.h"
#include "proto/trust/key.h"

/* Are the options those of an operator's key? RC_USAGE. */
int key_init_check_operator(const struct app *app, struct err *e) MUST_CHECK;
/* Makes FILE and FILE.pub. passphrase NULL: unencrypted. */
int key_init_operator(struct app *app, const char *passphrase, struct err *e) MUST_CHECK;
/* Makes DIR with root.key (encrypted with the passphrase, if there is one), log.key, cosign.key,
 * noise.key and member.pub. */
int key_init_node(struct app *app, const char *passphrase, struct err *e) MUST_CHECK;

/* RC_REFUSED if something stands at the path: before any key is written. */
int key_init_refuse_existing(const char *path, struct err *e) MUST_CHECK;
/* --member is there and a slug. */
int key_init_require_slug(const struct args *a, struct err *e) MUST_CHECK;

struct key_made {
	const char *path;
	enum key_purpose purpose; /* 0: public keys only */
};
/* Which files were made, and which of them the passphrase encrypts: those of people, who type it;
 * the node reads its own at every start. */
void key_init_report(
	struct app *app, const struct key_made *made, size_t n, const char *passphrase);

#endif
