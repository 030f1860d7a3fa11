/* The key files a command signs with, and the public lines that go with them. */
#ifndef DELTAD_CLIENT_KEYS_H
#define DELTAD_CLIENT_KEYS_H

#include "client/args.h"
#include "proto/trust/key.h"

/* Loads path; the passphrase of an encrypted one comes from --passphrase-file. RC_KEYFILE. */
int keys_load(struct key *k, const char *path, enum key_purpose want, const struct args *a,
	struct err *e) MUST_CHECK;
/* The operator's key named by --as or $DELTACTL_KEY. RC_USAGE if neither is given. */
int keys_load_operator(struct key *k, const struct args *a, struct err *e) MUST_CHECK;
/* First line of --passphrase-file for a new key, NULL in *out for --no-passphrase; RC_USAGE if
 * neither or both were given. Caller frees with keys_forget. */
int keys_new_passphrase(const struct args *a, char **out, struct err *e) MUST_CHECK;
/* Wipes and frees; NULL is fine. */
void keys_forget(char *passphrase);

/* "deltad-operator jiangsu <base64 key> <name> LF": what an operator gives the administrator. */
struct operator_line {
	char member[SLUG_SIZE];
	uint8_t public[KEY_BYTES];
	char name[KEY_NAME_MAX + 1];
};
void operator_line_put(struct buf *out, const struct operator_line *l);
/* RC_KEYFILE. */
int operator_line_parse(struct bytes text, struct operator_line *out, struct err *e) MUST_CHECK;
int operator_line_read(const char *path, struct operator_line *out, struct err *e) MUST_CHECK;

#endif
