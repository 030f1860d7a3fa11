#include "proto/trust/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/text.h"

void checkpoint_print(const char *origin, uint64_t size, const struct hash *root, struct buf *out)
{
	buf_printf(out, "%s\n%" PRIu64 "\n", origin, size);
	base64_encode(out, root->b, HASH_BYTES);
	buf_put_str(out, "\n");
}

int checkpoint_parse(struct bytes text, struct checkpoint *out, struct err *e)
{
	struct reader r = reader_of(text);
	struct bytes origin = reader_line(&r), size = reader_line(&r), root = reader_line(&r);
	if (!reader_ok(&r) || r.rest.n != 0)
		return err_set(
			e, RC_NOTE, "a checkpoint must have the lines origin, size and root");
	if (!note_name_is_valid(origin))
		return err_set(e, RC_NOTE,
			"the origin of a checkpoint must have 1 to %d bytes and no space or '+'",
			NOTE_NAME_SIZE - 1);
	struct checkpoint c = {.origin = origin};
	if (!decimal_parse(size, LIMIT_LOG_SIZE, &c.size))
		return err_set(e, RC_NOTE,
			"the size of a checkpoint must be a decimal number of at most %" PRIu64,
			LIMIT_LOG_SIZE);
	if (base64_decode(root, c.root.b, HASH_BYTES) != HASH_BYTES)
		return err_set(e, RC_NOTE,
			"the root of a checkpoint must be the base64 form of %d bytes", HASH_BYTES);
	*out = c;
	return 0;
}

void checkpoint_sign(const char *origin, uint64_t size, const struct hash *root,
	const struct key *log_key, struct buf *out)
{
	struct vkey v;
	struct err e = {0};
	ENSURE(vkey_make(&v, origin, NOTE_ED25519, log_key->public, &e) == 0);
	size_t start = out->n;
	checkpoint_print(origin, size, root, out);
	size_t n_text = out->n - start;
	buf_put_str(out, "\n");
	note_put_signature(out, &v, log_key, bytes_of(out->p + start, n_text));
}

int checkpoint_verify(
	struct bytes note, const uint8_t pub[KEY_BYTES], struct checkpoint *out, struct err *e)
{
	struct note n;
	struct checkpoint c;
	int rc = note_parse(note, &n, e);
	if (rc == 0)
		rc = checkpoint_parse(n.text, &c, e);
	if (rc != 0)
		return rc;
	char name[NOTE_NAME_SIZE] = {0};
	memcpy(name, c.origin.p, c.origin.n);
	struct vkey v;
	rc = vkey_make(&v, name, NOTE_ED25519, pub, e);
	if (rc != 0)
		return rc;
	if (!note_is_signed_by(&n, &v, NULL))
		return err_set(e, RC_VERIFY,
			"the checkpoint of \"%s\" is not signed by its log's key", name);
	*out = c;
	return 0;
}
