#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/files.h"
#include "client/proof_report.h"
#include "client/text.h"

/* The three files of a verification, and what they say. */
struct verifying {
	struct buf text[3];
	struct policy policy;
	struct proof change, delegation;
	struct proof_check check;
};

static int read_proof(const char *path, struct buf *text, struct proof *out, struct err *e)
{
	int rc = file_read(path, PROOF_BYTES_MAX, text, e);
	if (rc == RC_OK)
		rc = proof_parse(buf_bytes(text), out, e);
	return rc == RC_OK || rc == RC_NOT_FOUND ? rc : err_prefix(e, "%.120s", path);
}

static int read_files(struct verifying *v, const struct app *app, struct err *e)
{
	const char *policy = app->args->value[OPT_POLICY];
	int rc = file_read(policy, POLICY_BYTES_MAX, &v->text[0], e);
	if (rc == RC_OK)
		rc = policy_parse(buf_bytes(&v->text[0]), &v->policy, e);
	if (rc == RC_OK)
		rc = read_proof(app->operand[0], &v->text[1], &v->change, e);
	if (rc != RC_OK)
		return rc;
	char *beside = show_text("%s.operator", app->operand[0]);
	rc = read_proof(beside, &v->text[2], &v->delegation, e);
	free(beside);
	return rc;
}

int cmd_verify(struct app *app, struct err *e)
{
	struct verifying *v = xalloc(sizeof *v);
	int rc = args_require(app->args, OPT_POLICY, e);
	if (rc == RC_OK)
		rc = read_files(v, app, e);
	if (rc == RC_OK)
		rc = proof_check(&v->policy, &v->change, &v->delegation, &v->check, e);
	if (rc == RC_OK) {
		proof_report(&app->out, "verify", &v->policy, &v->change, &v->check, NULL);
		if (!v->check.head.enough)
			rc = err_set(e, RC_VERIFY,
				tr("the policy's quorum is not met: too few cosignatures; take the "
				   "proof again when it is final"));
	}
	proof_check_release(&v->check);
	for (size_t i = 0; i < 3; i++)
		buf_release(&v->text[i]);
	free(v);
	return rc;
}
