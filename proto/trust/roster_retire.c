#include <inttypes.h>
#include <string.h>

#include "proto/base/text.h"
#include "proto/trust/roster_parts.h"
#include "proto/trust/words.h"

static int take_32(const struct retirement *t, const char *what, struct bytes b64, uint8_t out[32],
	struct err *e)
{
	if (base64_decode(b64, out, 32) == 32)
		return RC_OK;
	return err_set(
		e, RC_ROSTER, "the %s of %s must be the base64 form of 32 bytes", what, t->origin);
}

static int take_key(const struct retirement *t, enum key_purpose p, struct bytes b64,
	uint8_t out[KEY_BYTES], struct err *e)
{
	const char *what = p == KEY_LOG ? "log key" : "authority";
	int rc = take_32(t, what, b64, out, e);
	if (rc == RC_OK && !key_is_enrollable(p, out))
		rc = err_set(e, RC_ROSTER, "the %s of %s is no point of the curve's main group",
			what, t->origin);
	return rc;
}

static int take_below(struct retirement *t, struct bytes size, struct bytes root, struct err *e)
{
	struct hash none;
	if (!decimal_parse(size, LIMIT_LOG_SIZE, &t->valid_below))
		return err_set(
			e, RC_ROSTER, "valid-below of %s must be a number of leaves", t->origin);
	int rc = take_32(t, "root", root, t->root.b, e);
	sha256((struct bytes){0}, &none);
	if (rc == RC_OK && t->valid_below == 0 && !hash_equal(&t->root, &none))
		rc = err_set(e, RC_ROSTER, "the root of %s must be that of no leaves", t->origin);
	return rc;
}

int retire_line_parse(struct bytes line, struct retirement *out, struct err *e)
{
	struct bytes word, origin, below, root, log, authority, reason;
	struct retirement t = {0};
	struct origin o;
	if (!words_take(&line, &word) || !bytes_equal(word, bytes_str("retire")) ||
		!words_take_field(&line, "origin=", &origin) ||
		!words_take_field(&line, "valid-below=", &below) ||
		!words_take_field(&line, "root=", &root) ||
		!words_take_field(&line, "log=", &log) ||
		!words_take_field(&line, "authority=", &authority) ||
		!words_take_field(&line, "reason=", &reason) || line.n > 0)
		return err_set(e, RC_ROSTER,
			"a retired log's line must read: retire origin= valid-below= root= log= "
			"authority= reason=, with single spaces and no more");
	if (origin_parse(origin, &o, e) != RC_OK)
		return err_set(e, RC_ROSTER, "the origin of a retired log is none");
	words_copy(t.origin, origin);
	if (!slug_is_valid(reason))
		return err_set(e, RC_ROSTER,
			"the reason for retiring %s must be a word of a-z, 0-9 and -", t.origin);
	words_copy(t.reason, reason);
	int rc = take_below(&t, below, root, e);
	rc = rc ? rc : take_key(&t, KEY_LOG, log, t.log, e);
	rc = rc ? rc : take_key(&t, KEY_ROOT, authority, t.authority, e);
	if (rc == RC_OK)
		*out = t;
	return rc;
}

void roster_put_retire_line(struct buf *out, const struct retirement *t)
{
	buf_printf(
		out, "retire origin=%s valid-below=%" PRIu64 " root=", t->origin, t->valid_below);
	base64_encode(out, t->root.b, HASH_BYTES);
	buf_put_str(out, " log=");
	base64_encode(out, t->log, KEY_BYTES);
	buf_put_str(out, " authority=");
	base64_encode(out, t->authority, KEY_BYTES);
	buf_printf(out, " reason=%s\n", t->reason);
}

void roster_print(const struct roster *r, struct buf *out)
{
	char prev[HASH_HEX_SIZE] = "-";
	if (r->version > 1)
		hash_print(&r->prev, prev);
	buf_printf(out,
		"deltad-roster\ncluster %s\nversion %" PRIu32
		"\nprev %s\nnot-after %04u-%02u-%02u\n",
		r->cluster, r->version, prev, r->not_after / 10000, r->not_after / 100 % 100,
		r->not_after % 100);
	for (size_t i = 0; i < r->n; i++)
		roster_put_member_line(out, &r->member[i]);
	for (size_t i = r->n; i < r->n + r->n_former; i++)
		roster_put_former_line(out, &r->member[i]);
	buf_printf(out, "final %u\nquorum office+%u\n", r->final_quorum, r->province_quorum);
	for (size_t i = 0; i < r->n_retired; i++)
		roster_put_retire_line(out, &r->retired[i]);
}
