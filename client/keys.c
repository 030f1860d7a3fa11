#include "client/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/files.h"
#include "client/text.h"
#include "proto/base/text.h"

#define PASSPHRASE_MAX 1024
#define OPERATOR_LINE_MAX 1024
static const char operator_word[] = "deltad-operator ";

/* Without its line end; empty ones are refused. */
static int read_passphrase(const char *path, char **out, struct err *e)
{
	struct buf b = {0};
	int rc = file_read(path, PASSPHRASE_MAX, &b, e);
	const uint8_t *end = b.n ? memchr(b.p, '\n', b.n) : NULL;
	size_t n = end ? (size_t)(end - b.p) : b.n;
	if (rc == RC_OK && (n == 0 || memchr(b.p, 0, n)))
		rc = err_set(e, RC_INPUT, tr("the first line of %.200s is no passphrase"), path);
	if (rc == RC_OK) {
		*out = xalloc(n + 1);
		memcpy(*out, b.p, n);
	}
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_release(&b);
	return rc;
}

void keys_forget(char *passphrase)
{
	if (passphrase)
		explicit_bzero(passphrase, strlen(passphrase));
	free(passphrase);
}

struct asked {
	const struct args *args;
	char *passphrase;
	int rc;
	struct err err;
};

static const char *on_passphrase(void *arg)
{
	struct asked *q = arg;
	if (!args_has(q->args, OPT_PASSPHRASE_FILE)) {
		q->rc = err_set(&q->err, RC_KEYFILE,
			tr("the key is encrypted; name the file that holds its passphrase with "
			   "--passphrase-file"));
		return NULL;
	}
	q->rc = read_passphrase(q->args->value[OPT_PASSPHRASE_FILE], &q->passphrase, &q->err);
	return q->passphrase;
}

int keys_load(
	struct key *k, const char *path, enum key_purpose want, const struct args *a, struct err *e)
{
	struct asked q = {.args = a};
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return file_error(path, errno, e);
	int rc = key_load(k, path, want, on_passphrase, &q, e);
	keys_forget(q.passphrase);
	if (rc != RC_OK && q.rc != RC_OK)
		return err_set(e, q.rc, "%.120s: %.190s", path, q.err.text);
	return rc;
}

int keys_load_operator(struct key *k, const struct args *a, struct err *e)
{
	const char *path = a->value[OPT_AS] ? a->value[OPT_AS] : getenv("DELTACTL_KEY");
	if (!path || !*path)
		return err_set(e, RC_USAGE,
			tr("no key to sign with; name your key file with --as or DELTACTL_KEY"));
	return keys_load(k, path, KEY_OPERATOR, a, e);
}

int keys_new_passphrase(const struct args *a, char **out, struct err *e)
{
	*out = NULL;
	int rc = args_exclude(a, OPT_PASSPHRASE_FILE, OPT_NO_PASSPHRASE, e);
	if (rc != RC_OK)
		return rc;
	if (args_has(a, OPT_PASSPHRASE_FILE))
		return read_passphrase(a->value[OPT_PASSPHRASE_FILE], out, e);
	if (args_has(a, OPT_NO_PASSPHRASE))
		return RC_OK;
	return err_set(e, RC_USAGE,
		tr("a key needs a passphrase: --passphrase-file FILE, or --no-passphrase to keep "
		   "it "
		   "unencrypted"));
}

void operator_line_put(struct buf *out, const struct operator_line *l)
{
	buf_printf(out, "%s%s ", operator_word, l->member);
	base64_encode(out, l->public, KEY_BYTES);
	buf_printf(out, " %s\n", l->name);
}

static struct bytes take_word(struct bytes *rest)
{
	const uint8_t *space = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
	size_t n = space ? (size_t)(space - rest->p) : rest->n;
	struct bytes word = bytes_of(rest->p, n);
	*rest = space ? bytes_of(space + 1, rest->n - n - 1) : bytes_of(NULL, 0);
	return word;
}

int operator_line_parse(struct bytes text, struct operator_line *out, struct err *e)
{
	size_t prefix = strlen(operator_word);
	if (text.n <= prefix || memcmp(text.p, operator_word, prefix) != 0 ||
		text.p[text.n - 1] != '\n')
		return err_set(e, RC_KEYFILE, tr("not an operator's public line"));
	struct bytes rest = bytes_of(text.p + prefix, text.n - prefix - 1);
	struct bytes member = take_word(&rest), key = take_word(&rest);
	*out = (struct operator_line){0};
	if (!slug_is_valid(member) || base64_decode(key, out->public, KEY_BYTES) != KEY_BYTES)
		return err_set(e, RC_KEYFILE, tr("not an operator's public line"));
	if (rest.n == 0 || rest.n > KEY_NAME_MAX || !text_is_clean(rest, false))
		return err_set(
			e, RC_KEYFILE, tr("the operator's name is empty, too long or not clean"));
	if (!key_is_enrollable(KEY_OPERATOR, out->public))
		return err_set(e, RC_KEYFILE, tr("the key is no point that can sign"));
	memcpy(out->member, member.p, member.n);
	memcpy(out->name, rest.p, rest.n);
	return RC_OK;
}

int operator_line_read(const char *path, struct operator_line *out, struct err *e)
{
	struct buf b = {0};
	int rc = file_read(path, OPERATOR_LINE_MAX, &b, e);
	if (rc == RC_OK) {
		rc = operator_line_parse(buf_bytes(&b), out, e);
		if (rc != RC_OK)
			err_prefix(e, "%.120s", path);
	}
	buf_release(&b);
	return rc;
}
