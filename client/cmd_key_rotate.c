#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/files.h"
#include "client/key_init.h"
#include "client/keys.h"
#include "client/text.h"
#include "proto/trust/roster.h"

#define MEMBER_LINE_MAX 4096
#define PURPOSES 4

/* The key after the one in use, beside it, and the member's line with it. */
struct rotating {
	struct member m;
	struct key key[PURPOSES];
	char *path[PURPOSES + 1]; /* the last: of the line */
	size_t n;
};

static char *path_in(const char *folder, const char *name)
{
	struct buf b = {0};
	buf_printf(&b, "%s/%s.next", folder, name);
	buf_put_u8(&b, 0);
	return (char *)b.p;
}

static int read_line(const char *folder, struct member *m, struct err *e)
{
	struct buf path = {0}, line = {0};
	buf_printf(&path, "%s/member.pub", folder);
	buf_put_u8(&path, 0);
	int rc = file_read((const char *)path.p, MEMBER_LINE_MAX, &line, e);
	if (rc == RC_OK)
		rc = roster_parse_member_line(buf_bytes(&line), m, e);
	buf_release(&path);
	buf_release(&line);
	return rc;
}

static int take_purpose(struct rotating *g, const char *folder, const char *word, struct err *e)
{
	enum key_purpose p = key_purpose_named(bytes_str(word));
	char name[32];
	if (p == 0 || p == KEY_OPERATOR)
		return err_set(
			e, RC_USAGE, tr("\"%.40s\": one of root, log, cosign and noise"), word);
	for (size_t i = 0; i < g->n; i++)
		if (g->key[i].purpose == p)
			return err_set(e, RC_USAGE, tr("%s is named twice"), word);
	snprintf(name, sizeof name, "%s.key", word);
	struct key *k = &g->key[g->n];
	key_generate(k, p, g->m.slug, "");
	g->path[g->n++] = path_in(folder, name);
	uint8_t *at = p == KEY_LOG ? g->m.log : p == KEY_COSIGN ? g->m.cosign : g->m.noise;
	if (p != KEY_ROOT) {
		memcpy(at, k->public, KEY_BYTES);
		return RC_OK;
	}
	char root[NOTE_NAME_SIZE];
	memcpy(root, g->m.root.name, sizeof root);
	return vkey_make(&g->m.root, root, NOTE_ED25519, k->public, e);
}

/* Nothing is written if anything stands in the way. */
static int save(struct rotating *g, const char *passphrase, struct err *e)
{
	struct buf line = {0};
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i <= g->n; i++)
		rc = key_init_refuse_existing(g->path[i], e);
	for (size_t i = 0; rc == RC_OK && i < g->n; i++)
		rc = key_save(&g->key[i], g->path[i],
			g->key[i].purpose == KEY_ROOT ? passphrase : NULL, e);
	roster_put_member_line(&line, &g->m);
	if (rc == RC_OK)
		rc = file_write_new(g->path[g->n], 0644, buf_bytes(&line), e);
	buf_release(&line);
	return rc;
}

static void report(struct app *app, const struct rotating *g, const char *passphrase)
{
	struct key_made made[PURPOSES + 1] = {0};
	for (size_t i = 0; i < g->n; i++)
		made[i] = (struct key_made){g->path[i], g->key[i].purpose};
	made[g->n].path = g->path[g->n];
	key_init_report(app, made, g->n + 1, passphrase);
}

int cmd_key_rotate(struct app *app, struct err *e)
{
	const char *folder = app->operand[0];
	struct rotating *g = xalloc(sizeof *g);
	char *passphrase = NULL;
	int rc = read_line(folder, &g->m, e);
	for (size_t i = 1; rc == RC_OK && i < app->n_operands; i++)
		rc = take_purpose(g, folder, app->operand[i], e);
	g->path[g->n] = path_in(folder, "member.pub");
	bool has_root = false;
	for (size_t i = 0; i < g->n; i++)
		has_root |= g->key[i].purpose == KEY_ROOT;
	if (rc == RC_OK && has_root)
		rc = keys_new_passphrase(app->args, &passphrase, e);
	if (rc == RC_OK)
		rc = save(g, passphrase, e);
	if (rc == RC_OK)
		report(app, g, passphrase);
	keys_forget(passphrase);
	for (size_t i = 0; i < g->n; i++)
		key_release(&g->key[i]);
	for (size_t i = 0; i <= g->n; i++)
		free(g->path[i]);
	free(g);
	return rc;
}
