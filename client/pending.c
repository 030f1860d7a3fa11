#include "client/pending.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/files.h"
#include "client/text.h"
#include "proto/base/limits.h"

static const char magic[] = "deltactl-pending/1\n";
#define PENDING_MAX (2 * LIMIT_CTL_REQUEST_BYTES)

int pending_init(struct pending *p, const struct hash *what, struct err *e)
{
	char hex[HASH_HEX_SIZE];
	struct buf path = {0};
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	*p = (struct pending){0};
	if (state && *state == '/')
		buf_printf(&path, "%s/deltactl", state);
	else if (home && *home == '/')
		buf_printf(&path, "%s/.local/state/deltactl", home);
	else
		return err_set(e, RC_SETUP,
			tr("no place to keep what is being posted; set HOME or XDG_STATE_HOME"));
	hash_print(what, hex);
	buf_printf(&path, "/%.32s", hex);
	buf_put_u8(&path, 0);
	p->path = (char *)path.p;
	return RC_OK;
}

void pending_release(struct pending *p)
{
	free(p->path);
	p->path = NULL;
}

static int parse(struct bytes in, uint32_t *kind, struct signed_body **bodies, size_t *n,
	const char *path, struct err *e)
{
	struct reader r = reader_of(in);
	struct bytes head = reader_take(&r, strlen(magic));
	bool ok = bytes_equal(head, bytes_str(magic));
	*kind = reader_u32be(&r);
	uint32_t count = reader_u32be(&r);
	ok = ok && reader_ok(&r) && count > 0 && count <= LIMIT_POST_CHANGES;
	*bodies = ok ? xalloc(count * sizeof **bodies) : NULL;
	*n = ok ? count : 0;
	for (uint32_t i = 0; ok && i < count; i++) {
		struct signed_body *s = &(*bodies)[i];
		s->key = reader_take(&r, 32);
		s->signature = reader_take(&r, 64);
		s->body = reader_take(&r, reader_u32be(&r));
		ok = reader_ok(&r);
	}
	if (ok && r.rest.n == 0)
		return RC_OK;
	free(*bodies);
	*bodies = NULL;
	return err_set(e, RC_INPUT,
		tr("%.200s is damaged; check with deltactl why whether the change was posted, then "
		   "remove the file"),
		path);
}

int pending_load(const struct pending *p, struct buf *memory, uint32_t *kind,
	struct signed_body **bodies, size_t *n, struct err *e)
{
	struct err unread = {0};
	int rc = file_read(p->path, PENDING_MAX, memory, &unread);
	if (rc == RC_NOT_FOUND)
		return PENDING_NONE;
	if (rc != RC_OK)
		return err_set(e, rc, "%s", unread.text);
	return parse(buf_bytes(memory), kind, bodies, n, p->path, e);
}

int pending_keep(const struct pending *p, uint32_t kind, const struct signed_body *bodies, size_t n,
	struct err *e)
{
	struct buf b = {0};
	buf_put_str(&b, magic);
	buf_put_u32be(&b, kind);
	buf_put_u32be(&b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		buf_put_bytes(&b, bodies[i].key);
		buf_put_bytes(&b, bodies[i].signature);
		buf_put_u32be(&b, (uint32_t)bodies[i].body.n);
		buf_put_bytes(&b, bodies[i].body);
	}
	char *folder = xstrdup(p->path);
	*strrchr(folder, '/') = 0;
	int rc = folder_make(folder, e);
	if (rc == RC_OK)
		rc = file_replace(p->path, 0600, buf_bytes(&b), e);
	free(folder);
	buf_release(&b);
	return rc;
}

void pending_forget(const struct pending *p)
{
	/* One that cannot be removed is posted again by the same command, and the node says where
	 * it stands. */
	(void)unlink(p->path);
}
