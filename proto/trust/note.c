#include "proto/trust/note.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/mutant.h"
#include "proto/base/text.h"

#define ID_BYTES 4
#define ID_HEX (2 * ID_BYTES)
#define VKEY_BYTES (1 + KEY_BYTES)
#define TIME_BYTES 8
#define DASH "\xe2\x80\x94 " /* U+2014 and a space */

/* '+' and what Unicode calls white space, less the control characters that clean text has not. */
static const char *const not_in_names[] = {"+", " ", u8"\u00a0", u8"\u1680", u8"\u2000", u8"\u2001",
	u8"\u2002", u8"\u2003", u8"\u2004", u8"\u2005", u8"\u2006", u8"\u2007", u8"\u2008",
	u8"\u2009", u8"\u200a", u8"\u2028", u8"\u2029", u8"\u202f", u8"\u205f", u8"\u3000"};

static bool name_is_well_formed(struct bytes name)
{
	if (name.n == 0 || !text_is_clean(name, false))
		return false;
	for (size_t i = 0; i < sizeof not_in_names / sizeof not_in_names[0]; i++)
		if (memmem(name.p, name.n, not_in_names[i], strlen(not_in_names[i])))
			return false;
	return true;
}

bool note_name_is_valid(struct bytes name)
{
	return name.n < NOTE_NAME_SIZE && name_is_well_formed(name);
}

static uint32_t key_id(struct bytes name, uint8_t algorithm, const uint8_t pub[KEY_BYTES])
{
	const struct bytes parts[] = {
		name, bytes_str("\n"), bytes_of(&algorithm, 1), bytes_of(pub, KEY_BYTES)};
	struct hash h;
	sha256_multi(parts, 4, &h);
	return get_u32be(h.b);
}

static int vkey_set(struct vkey *out, struct bytes name, uint8_t algorithm,
	const uint8_t pub[KEY_BYTES], struct err *e)
{
	if (!note_name_is_valid(name))
		return err_set(e, RC_NOTE,
			"the name of a verifier key must have 1 to %d bytes and no space or '+'",
			NOTE_NAME_SIZE - 1);
	if (algorithm != NOTE_ED25519 && algorithm != NOTE_COSIGNATURE)
		return err_set(e, RC_NOTE,
			"verifier key \"%.*s\" has algorithm 0x%02x; only 0x01 and 0x04 are used",
			(int)name.n, (const char *)name.p, algorithm);
	*out = (struct vkey){.algorithm = algorithm, .id = key_id(name, algorithm, pub)};
	memcpy(out->name, name.p, name.n);
	memcpy(out->public, pub, KEY_BYTES);
	return 0;
}

int vkey_make(struct vkey *out, const char *name, uint8_t algorithm, const uint8_t pub[KEY_BYTES],
	struct err *e)
{
	return vkey_set(out, bytes_str(name), algorithm, pub, e);
}

int vkey_parse(struct bytes s, struct vkey *out, struct err *e)
{
	const uint8_t *plus = s.n > 0 ? memchr(s.p, '+', s.n) : NULL;
	if (!plus)
		return err_set(e, RC_NOTE, "a verifier key must read name+id+key");
	struct reader r = reader_of(s);
	struct bytes name = reader_take(&r, (size_t)(plus - s.p));
	(void)reader_u8(&r);
	struct bytes hex = reader_take(&r, ID_HEX);
	uint8_t id[ID_BYTES], key[VKEY_BYTES];
	if (reader_u8(&r) != '+' || !reader_ok(&r) || !hex_decode(hex, id, sizeof id))
		return err_set(e, RC_NOTE,
			"the id of a verifier key must be 8 lower-case hex digits between two '+'");
	if (base64_decode(r.rest, key, sizeof key) != VKEY_BYTES)
		return err_set(e, RC_NOTE,
			"the key of a verifier key must be the base64 form of %d bytes",
			VKEY_BYTES);
	struct vkey v;
	int rc = vkey_set(&v, name, key[0], key + 1, e);
	if (rc != 0)
		return rc;
	if (v.id != get_u32be(id))
		return err_set(e, RC_NOTE,
			"verifier key \"%s\" has id %08" PRIx32 " and claims %08" PRIx32, v.name,
			v.id, get_u32be(id));
	*out = v;
	return 0;
}

void vkey_print(const struct vkey *v, struct buf *out)
{
	uint8_t key[VKEY_BYTES] = {v->algorithm};
	memcpy(key + 1, v->public, KEY_BYTES);
	buf_printf(out, "%s+%08" PRIx32 "+", v->name, v->id);
	base64_encode(out, key, sizeof key);
}

static bool signature_decode(struct bytes b64, struct note_signature *out)
{
	uint8_t *blob = xalloc(b64.n + 1);
	int n = base64_decode(b64, blob, b64.n);
	bool ok = n > ID_BYTES;
	if (ok) {
		size_t n_raw = (size_t)n - ID_BYTES;
		out->id = get_u32be(blob);
		out->n_raw = n_raw <= sizeof out->raw ? n_raw : 0;
		memcpy(out->raw, blob + ID_BYTES, out->n_raw);
	}
	free(blob);
	return ok;
}

/* line is without its LF, which follows it. */
static bool signature_parse(struct bytes line, struct note_signature *out)
{
	const size_t dash = sizeof DASH - 1;
	if (line.n < dash || memcmp(line.p, DASH, dash) != 0)
		return false;
	struct bytes rest = bytes_of(line.p + dash, line.n - dash);
	const uint8_t *space = rest.n > 0 ? memchr(rest.p, ' ', rest.n) : NULL;
	if (!space)
		return false;
	out->name = bytes_of(rest.p, (size_t)(space - rest.p));
	out->line = bytes_of(line.p, line.n + 1);
	return name_is_well_formed(out->name) &&
		signature_decode(bytes_of(space + 1, rest.n - out->name.n - 1), out);
}

/* The offset of the last empty line of a note, or 0 if there is none with text before it. */
static size_t find_separator(struct bytes in)
{
	for (size_t i = in.n; i >= 2; i--)
		if (in.p[i - 1] == '\n' && in.p[i - 2] == '\n')
			return i - 1;
	return 0;
}

int note_parse(struct bytes in, struct note *out, struct err *e)
{
	if (in.n > LIMIT_SIGNED_NOTE_BYTES)
		return err_set(e, RC_NOTE, "a signed note of %zu bytes is over the limit of %d",
			in.n, LIMIT_SIGNED_NOTE_BYTES);
	if (!text_is_clean(in, true))
		return err_set(
			e, RC_NOTE, "a signed note must be UTF-8 without control characters");
	size_t blank = find_separator(in);
	if (blank == 0)
		return err_set(
			e, RC_NOTE, "a signed note needs an empty line before its signatures");
	out->text = bytes_of(in.p, blank);
	out->n = 0;
	struct reader r = reader_of(bytes_of(in.p + blank + 1, in.n - blank - 1));
	while (r.rest.n > 0) {
		if (out->n == NOTE_SIGNATURES_MAX)
			return err_set(e, RC_NOTE, "a signed note has more than %d signatures",
				NOTE_SIGNATURES_MAX);
		struct bytes line = reader_line(&r);
		if (!reader_ok(&r) || !signature_parse(line, &out->sig[out->n]))
			return err_set(e, RC_NOTE, "signature line %zu of a note is malformed",
				out->n + 1);
		out->n++;
	}
	if (out->n == 0)
		return err_set(e, RC_NOTE, "a note has no signature");
	return 0;
}

/* What a cosignature signs (C2SP tlog-cosignature). */
static void put_cosigned(struct buf *out, struct bytes text, uint64_t time)
{
	buf_printf(out, "cosignature/v1\ntime %" PRIu64 "\n", time);
	buf_put_bytes(out, text);
}

static bool cosignature_verify(
	const struct note_signature *s, const struct vkey *v, struct bytes text, uint64_t *time)
{
	if (s->n_raw != TIME_BYTES + SIGNATURE_BYTES)
		return false;
	*time = get_u64be(s->raw);
	if (*time == 0 || *time > INT64_MAX)
		return false;
	struct buf message = {0};
	put_cosigned(&message, text, *time);
	bool ok = key_verify(v->public, buf_bytes(&message), s->raw + TIME_BYTES);
	buf_release(&message);
	return ok;
}

static bool signature_verify(
	const struct note_signature *s, const struct vkey *v, struct bytes text, uint64_t *time)
{
	switch ((enum note_algorithm)v->algorithm) {
	case NOTE_ED25519:
		*time = 0;
		return s->n_raw == SIGNATURE_BYTES && key_verify(v->public, text, s->raw);
	case NOTE_COSIGNATURE: return cosignature_verify(s, v, text, time);
	}
	return false;
}

/* A relay that repeats a valid line must not have it verified each time. */
static bool line_stood_before(const struct note *n, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (bytes_equal(n->sig[k].line, n->sig[i].line))
			return true;
	return false;
}

bool note_is_signed_by(const struct note *n, const struct vkey *v, uint64_t *time)
{
	const struct bytes name = bytes_str(v->name);
	bool found = false;
	uint64_t newest = 0;
	for (size_t i = 0; i < n->n; i++) {
		const struct note_signature *s = &n->sig[i];
		if (s->id != v->id || !bytes_equal(s->name, name) ||
			(line_stood_before(n, i) && !MUTANT(LINES_VERIFIED_TWICE)))
			continue;
		uint64_t t;
		if (!signature_verify(s, v, n->text, &t))
			return false;
		newest = t > newest ? t : newest;
		found = true;
	}
	if (found && time)
		*time = newest;
	return found;
}

static void put_line(struct buf *out, const struct vkey *v, const uint8_t *raw, size_t n_raw)
{
	uint8_t blob[ID_BYTES + TIME_BYTES + SIGNATURE_BYTES];
	put_u32be(blob, v->id);
	memcpy(blob + ID_BYTES, raw, n_raw);
	buf_printf(out, DASH "%s ", v->name);
	base64_encode(out, blob, ID_BYTES + n_raw);
	buf_put_str(out, "\n");
}

void note_put_signature(
	struct buf *out, const struct vkey *v, const struct key *k, struct bytes text)
{
	ENSURE(v->algorithm == NOTE_ED25519 && memcmp(v->public, k->public, KEY_BYTES) == 0);
	uint8_t raw[SIGNATURE_BYTES];
	key_sign(k, text, raw);
	put_line(out, v, raw, sizeof raw);
}

void note_put_cosignature(struct buf *out, const struct vkey *v, const struct key *k,
	struct bytes text, uint64_t time)
{
	ENSURE(v->algorithm == NOTE_COSIGNATURE && memcmp(v->public, k->public, KEY_BYTES) == 0);
	ENSURE(time <= INT64_MAX);
	uint8_t raw[TIME_BYTES + SIGNATURE_BYTES];
	struct buf message = {0};
	put_cosigned(&message, text, time);
	put_u64be(raw, time);
	key_sign(k, buf_bytes(&message), raw + TIME_BYTES);
	buf_release(&message);
	put_line(out, v, raw, sizeof raw);
}
