#include <stdio.h>
#include <string.h>

#include "client/files.h"
#include "client/key_init.h"
#include "client/keys.h"
#include "client/text.h"

int key_init_check_operator(const struct app *app, struct err *e)
{
	const struct args *a = app->args;
	static const enum opt not_here[] = {OPT_CLUSTER, OPT_ROLE, OPT_NAME, OPT_ADDR};
	for (size_t i = 0; i < sizeof not_here / sizeof not_here[0]; i++) {
		int rc = args_exclude(a, OPT_OPERATOR, not_here[i], e);
		if (rc != RC_OK)
			return rc;
	}
	int rc = key_init_require_slug(a, e);
	if (rc == RC_OK)
		rc = args_require(a, OPT_OUTPUT, e);
	size_t n = strlen(a->value[OPT_OPERATOR]);
	if (rc == RC_OK && (n == 0 || n > KEY_NAME_MAX))
		rc = err_set(
			e, RC_USAGE, tr("--operator wants a name of 1 to %d bytes"), KEY_NAME_MAX);
	if (rc == RC_OK && app->n_operands > 0)
		rc = err_set(e, RC_USAGE, tr("an operator's key goes to the file named by -o"));
	return rc;
}

int key_init_operator(struct app *app, const char *passphrase, struct err *e)
{
	const struct args *a = app->args;
	const char *path = a->value[OPT_OUTPUT];
	struct key k = {0};
	struct buf name = {0}, line = {0};
	struct operator_line l = {0};
	buf_printf(&name, "%s.pub", path);
	buf_put_u8(&name, 0);
	const char *public = (const char *)name.p;
	key_generate(&k, KEY_OPERATOR, a->value[OPT_MEMBER], a->value[OPT_OPERATOR]);
	snprintf(l.member, sizeof l.member, "%s", k.member);
	snprintf(l.name, sizeof l.name, "%s", k.name);
	memcpy(l.public, k.public, KEY_BYTES);
	operator_line_put(&line, &l);
	int rc = key_init_refuse_existing(public, e);
	if (rc == RC_OK)
		rc = key_save(&k, path, passphrase, e);
	if (rc == RC_OK)
		rc = file_write_new(public, 0644, buf_bytes(&line), e);
	if (rc == RC_OK)
		key_init_report(app, (const struct key_made[]){{path, k.purpose}, {public, 0}}, 2,
			passphrase);
	key_release(&k);
	buf_release(&line);
	buf_release(&name);
	return rc;
}
