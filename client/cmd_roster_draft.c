#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/files.h"
#include "client/show.h"
#include "client/roster_text.h"
#include "client/text.h"
#include "proto/trust/roster.h"

#define MEMBER_LINE_MAX 4096

static int read_member(const char *path, struct buf *out, struct member *m, struct err *e)
{
	struct buf line = {0};
	int rc = file_read(path, MEMBER_LINE_MAX, &line, e);
	if (rc == RC_OK) {
		rc = roster_parse_member_line(buf_bytes(&line), m, e);
		if (rc != RC_OK)
			err_prefix(e, "%.120s", path);
	}
	if (rc == RC_OK)
		buf_put_bytes(out, buf_bytes(&line));
	buf_release(&line);
	return rc;
}

/* The lines of PROTOCOL 5 in their order. */
static int write_text(struct app *app, struct buf *out, struct err *e)
{
	const struct args *a = app->args;
	char date[DATE_TEXT_SIZE];
	uint32_t not_after = 0;
	uint64_t provinces = 0, n = app->n_operands;
	int rc = args_date(a, OPT_NOT_AFTER, &not_after, e);
	if (rc != RC_OK)
		return rc;
	show_date(not_after, date);
	buf_printf(out, "deltad-roster\ncluster %s\nversion 1\nprev -\nnot-after %s\n",
		a->value[OPT_CLUSTER], date);
	for (size_t i = 0; i < n; i++) {
		struct member m;
		rc = read_member(app->operand[i], out, &m, e);
		if (rc != RC_OK)
			return rc;
		provinces += m.role == ROLE_PROVINCE;
	}
	uint64_t final = roster_usual_final(n), quorum = roster_usual_quorum(provinces);
	rc = args_number(a, OPT_FINAL, 1, LIMIT_MEMBERS, &final, e);
	if (rc == RC_OK)
		rc = args_number(a, OPT_QUORUM, 1, LIMIT_MEMBERS, &quorum, e);
	buf_printf(out, "final %llu\nquorum office+%llu\n", (unsigned long long) final,
		(unsigned long long)quorum);
	return rc;
}

static void tell(struct app *app, const char *path, const struct roster *r)
{
	char id[HASH_HEX_SIZE];
	struct sheet *s = sheet_new("roster-draft");
	hash_print(&r->id, id);
	sheet_line(s, TONE_NONE, tr("%s: %zu members; cluster id sha256:%s"), path, r->n, id);
	sheet_line(s, TONE_NONE,
		tr("every member now signs it: deltactl roster sign %s --key KEYFILE..."), path);
	sheet_fact(s, "file", json_text(bytes_str(path)));
	sheet_fact(s, "cluster_id", json_text(bytes_str(id)));
	sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_roster_draft(struct app *app, struct err *e)
{
	static const enum opt needed[] = {OPT_CLUSTER, OPT_NOT_AFTER, OPT_OUTPUT};
	const struct args *a = app->args;
	struct roster r;
	struct buf text = {0};
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < sizeof needed / sizeof needed[0]; i++)
		rc = args_require(a, needed[i], e);
	if (rc == RC_OK)
		rc = write_text(app, &text, e);
	if (rc == RC_OK)
		rc = roster_parse(buf_bytes(&text), &r, e);
	if (rc == RC_OK)
		rc = file_write_new(a->value[OPT_OUTPUT], 0644, buf_bytes(&text), e);
	if (rc == RC_OK && !app->out.quiet)
		tell(app, a->value[OPT_OUTPUT], &r);
	buf_release(&text);
	return rc;
}
