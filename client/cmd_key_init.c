#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/files.h"
#include "client/keys.h"
#include "client/text.h"
#include "proto/trust/roster.h"

enum { FILE_ROOT, FILE_LOG, FILE_COSIGN, FILE_NOISE, FILES };
static const struct {
	const char *name;
	enum key_purpose purpose;
} node_files[FILES] = {
	[FILE_ROOT] = {"root.key", KEY_ROOT},
	[FILE_LOG] = {"log.key", KEY_LOG},
	[FILE_COSIGN] = {"cosign.key", KEY_COSIGN},
	[FILE_NOISE] = {"noise.key", KEY_NOISE},
};

static char *path_in(const char *folder, const char *name)
{
	struct buf b = {0};
	buf_printf(&b, "%s/%s", folder, name);
	buf_put_u8(&b, 0);
	return (char *)b.p;
}

static int refuse_existing(const char *path, struct err *e)
{
	if (access(path, F_OK) != 0)
		return RC_OK;
	return err_set(e, RC_REFUSED, tr("%.200s exists and is not overwritten"), path);
}

static int require_slug(const struct args *a, struct err *e)
{
	int rc = args_require(a, OPT_MEMBER, e);
	if (rc == RC_OK && !slug_is_valid(args_bytes(a, OPT_MEMBER)))
		rc = err_set(e, RC_USAGE,
			tr("--member \"%.40s\": lower-case letters, digits and -, 2 to %d long"),
			a->value[OPT_MEMBER], SLUG_SIZE - 1);
	return rc;
}

static void print_made(struct app *app, const char *const *path, size_t n)
{
	static const struct column columns[] = {{.key = "file", .title = N_("made")}};
	struct sheet *s = sheet_new("key-init");
	struct table *t = sheet_table(s, "files", columns, 1, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		table_text(t, TONE_NONE, bytes_str(path[i]), NULL);
	if (!app->out.quiet)
		sheet_print(s, &app->out);
	sheet_free(s);
}

/* ---- an operator ---- */

static int check_operator(const struct app *app, struct err *e)
{
	const struct args *a = app->args;
	static const enum opt not_here[] = {OPT_CLUSTER, OPT_ROLE, OPT_NAME, OPT_ADDR};
	for (size_t i = 0; i < sizeof not_here / sizeof not_here[0]; i++) {
		int rc = args_exclude(a, OPT_OPERATOR, not_here[i], e);
		if (rc != RC_OK)
			return rc;
	}
	int rc = require_slug(a, e);
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

static int init_operator(struct app *app, const char *passphrase, struct err *e)
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
	int rc = refuse_existing(public, e);
	if (rc == RC_OK)
		rc = key_save(&k, path, passphrase, e);
	if (rc == RC_OK)
		rc = file_write_new(public, 0644, buf_bytes(&line), e);
	if (rc == RC_OK)
		print_made(app, (const char *const[]){path, public}, 2);
	key_release(&k);
	buf_release(&line);
	buf_release(&name);
	return rc;
}

/* ---- a node ---- */

static int read_member(const struct app *app, struct member *m, struct err *e)
{
	const struct args *a = app->args;
	static const enum opt needed[] = {OPT_CLUSTER, OPT_ROLE, OPT_NAME};
	*m = (struct member){0};
	int rc = require_slug(a, e);
	for (size_t i = 0; rc == RC_OK && i < sizeof needed / sizeof needed[0]; i++)
		rc = args_require(a, needed[i], e);
	if (rc == RC_OK)
		rc = args_exclude(a, OPT_OUTPUT, OPT_MEMBER, e);
	if (rc != RC_OK)
		return rc;
	if (app->n_operands != 1)
		return err_set(e, RC_USAGE, tr("name the folder for the keys"));
	if (!cluster_name_is_valid(args_bytes(a, OPT_CLUSTER)))
		return err_set(e, RC_USAGE,
			tr("--cluster \"%.60s\": lower-case letters, digits, - and ., 2 to %d "
			   "long"),
			a->value[OPT_CLUSTER], CLUSTER_SIZE - 1);
	const char *role = a->value[OPT_ROLE];
	m->role = strcmp(role, "province") == 0 ? ROLE_PROVINCE
		: strcmp(role, "regional") == 0 ? ROLE_REGIONAL
						: 0;
	if (m->role == 0)
		return err_set(
			e, RC_USAGE, tr("--role is province or regional, not \"%.40s\""), role);
	if (strlen(a->value[OPT_NAME]) >= sizeof m->name)
		return err_set(
			e, RC_USAGE, tr("--name is longer than %zu bytes"), sizeof m->name - 1);
	if (strlen(args_has(a, OPT_ADDR) ? a->value[OPT_ADDR] : "") >= sizeof m->addr)
		return err_set(
			e, RC_USAGE, tr("--addr is longer than %zu bytes"), sizeof m->addr - 1);
	snprintf(m->slug, sizeof m->slug, "%s", a->value[OPT_MEMBER]);
	snprintf(m->name, sizeof m->name, "%s", a->value[OPT_NAME]);
	snprintf(m->addr, sizeof m->addr, "%s", args_has(a, OPT_ADDR) ? a->value[OPT_ADDR] : "");
	return RC_OK;
}

/* The member's line; parsed back, so that what a roster would refuse is refused before any key is
 * written. */
static int member_line(struct member *m, const char *cluster, const struct key key[FILES],
	struct buf *out, struct err *e)
{
	char name[NOTE_NAME_SIZE];
	struct member again;
	snprintf(name, sizeof name, "%s/%s/root", cluster, m->slug);
	memcpy(m->log, key[FILE_LOG].public, KEY_BYTES);
	memcpy(m->cosign, key[FILE_COSIGN].public, KEY_BYTES);
	memcpy(m->noise, key[FILE_NOISE].public, KEY_BYTES);
	int rc = vkey_make(&m->root, name, NOTE_ED25519, key[FILE_ROOT].public, e);
	if (rc != RC_OK)
		return rc;
	roster_put_member_line(out, m);
	return roster_parse_member_line(buf_bytes(out), &again, e);
}

static int save_node(struct key key[FILES], char *const path[FILES + 1], const char *passphrase,
	struct bytes line, struct err *e)
{
	int rc = RC_OK;
	for (int i = 0; rc == RC_OK && i <= FILES; i++)
		rc = refuse_existing(path[i], e);
	/* The node's own keys are read at every start; the service manager keeps them. */
	for (int i = 0; rc == RC_OK && i < FILES; i++)
		rc = key_save(&key[i], path[i], i == FILE_ROOT ? passphrase : NULL, e);
	if (rc == RC_OK)
		rc = file_write_new(path[FILES], 0644, line, e);
	return rc;
}

static int init_node(struct app *app, const char *passphrase, struct err *e)
{
	struct member m;
	struct key key[FILES] = {0};
	char *path[FILES + 1] = {0};
	struct buf line = {0};
	int rc = read_member(app, &m, e);
	if (rc != RC_OK)
		return rc;
	const char *folder = app->operand[0];
	for (int i = 0; i < FILES; i++) {
		key_generate(&key[i], node_files[i].purpose, m.slug, "");
		path[i] = path_in(folder, node_files[i].name);
	}
	path[FILES] = path_in(folder, "member.pub");
	rc = member_line(&m, app->args->value[OPT_CLUSTER], key, &line, e);
	if (rc == RC_OK)
		rc = folder_make(folder, e);
	if (rc == RC_OK)
		rc = save_node(key, path, passphrase, buf_bytes(&line), e);
	if (rc == RC_OK)
		print_made(app, (const char *const *)path, FILES + 1);
	for (int i = 0; i < FILES; i++) {
		key_release(&key[i]);
		free(path[i]);
	}
	free(path[FILES]);
	buf_release(&line);
	return rc;
}

int cmd_key_init(struct app *app, struct err *e)
{
	char *passphrase = NULL;
	bool person = args_has(app->args, OPT_OPERATOR);
	int rc = person ? check_operator(app, e) : RC_OK;
	if (rc == RC_OK)
		rc = keys_new_passphrase(app->args, &passphrase, e);
	if (rc == RC_OK)
		rc = person ? init_operator(app, passphrase, e) : init_node(app, passphrase, e);
	keys_forget(passphrase);
	return rc;
}
