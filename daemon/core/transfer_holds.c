#include "daemon/core/transfer_holds.h"

#include <string.h>

#include "daemon/core/state.h"
#include "proto/base/text.h"

#define KEY_BYTES_MAX 32

void holds_put(struct holds *h, struct bytes origin, uint64_t size)
{
	struct hold *at = NULL;
	for (size_t i = 0; i < h->n; i++)
		if (bytes_equal(bytes_str(h->log[i].origin), origin))
			at = &h->log[i];
	if (at == NULL && h->n < LIMIT_LOGS && origin.n < ORIGIN_SIZE) {
		at = &h->log[h->n++];
		memcpy(at->origin, origin.p, origin.n);
		at->origin[origin.n] = '\0';
		at->size = 0;
	}
	if (at != NULL && at->size < size)
		at->size = size;
}

static void key_of(struct bytes member, char key[KEY_BYTES_MAX])
{
	text_print(key, KEY_BYTES_MAX, "holds/%.*s", (int)member.n, (const char *)member.p);
}

/* "size SP origin LF" for each. */
int holds_load(struct replica *r, struct bytes member, struct holds *out, struct err *e)
{
	char key[KEY_BYTES_MAX];
	struct buf text = {0};
	out->n = 0;
	key_of(member, key);
	int rc = r->ops->meta_get(r->store, key, &text, e);
	struct reader in = reader_of(buf_bytes(&text));
	while (rc == RC_OK && in.rest.n > 0) {
		struct bytes line = reader_line(&in);
		const uint8_t *space = line.n > 0 ? memchr(line.p, ' ', line.n) : NULL;
		size_t n = space != NULL ? (size_t)(space - line.p) : 0;
		uint64_t size;
		if (!reader_ok(&in) || !decimal_parse(bytes_of(line.p, n), LIMIT_LOG_SIZE, &size))
			rc = err_set(e, RC_CORRUPT, "what %.*s holds cannot be read", (int)member.n,
				(const char *)member.p);
		else
			holds_put(out, bytes_of(space + 1, line.n - n - 1), size);
	}
	buf_release(&text);
	return rc == STORE_NONE ? RC_OK : rc;
}

int holds_store(struct replica *r, struct bytes member, const struct holds *h, struct err *e)
{
	char key[KEY_BYTES_MAX];
	struct buf text = {0};
	key_of(member, key);
	for (size_t i = 0; i < h->n; i++)
		buf_printf(
			&text, "%llu %s\n", (unsigned long long)h->log[i].size, h->log[i].origin);
	int rc = r->ops->meta_put(r->store, key, buf_bytes(&text), e);
	r->wrote = true;
	buf_release(&text);
	return rc;
}
