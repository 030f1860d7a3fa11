#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/files.h"
#include "client/key_init.h"
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

static int read_member(const struct app *app, struct member *m, struct err *e)
{
	const struct args *a = app->args;
	static const enum opt needed[] = {OPT_CLUSTER, OPT_ROLE, OPT_NAME};
	*m = (struct member){0};
	int rc = key_init_require_slug(a, e);
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
	if (strchr(a->value[OPT_NAME], ' '))
		return err_set(e, RC_USAGE, tr("--name holds a space; write it without"));
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
		rc = key_init_refuse_existing(path[i], e);
	/* The node's own keys are read at every start; the service manager keeps them. */
	for (int i = 0; rc == RC_OK && i < FILES; i++)
		rc = key_save(&key[i], path[i], i == FILE_ROOT ? passphrase : NULL, e);
	if (rc == RC_OK)
		rc = file_write_new(path[FILES], 0644, line, e);
	return rc;
}

static void report(struct app *app, char *const path[FILES + 1], const char *passphrase)
{
	struct key_made made[FILES + 1] = {[FILES] = {path[FILES], 0}};
	for (int i = 0; i < FILES; i++)
		made[i] = (struct key_made){path[i], node_files[i].purpose};
	key_init_report(app, made, FILES + 1, passphrase);
}

int key_init_node(struct app *app, const char *passphrase, struct err *e)
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
		report(app, path, passphrase);
	for (int i = 0; i < FILES; i++) {
		key_release(&key[i]);
		free(path[i]);
	}
	free(path[FILES]);
	buf_release(&line);
	return rc;
}
