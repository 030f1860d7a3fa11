#include "proto/base/text.h"

#include <stdio.h>

#include "proto/base/mutant.h"

#define CHARACTER_NONE UINT32_MAX
#define COMBINING_RUN_MAX 8

/* The code point at s.p[0] and its length; CHARACTER_NONE for what RFC 3629 does not allow there:
 * stray and missing continuation bytes, overlong forms, surrogates, beyond U+10FFFF. */
static uint32_t utf8_character(struct bytes s, size_t *length)
{
	uint8_t lead = s.p[0];
	*length = 1;
	if (lead < 0x80)
		return lead;

	size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
	if (lead < 0xC2 || lead > 0xF4 || s.n < n)
		return CHARACTER_NONE;
	uint32_t c = lead & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s.p[i] & 0xC0) != 0x80)
			return CHARACTER_NONE;
		c = c << 6 | (s.p[i] & 0x3Fu);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10FFFF ||
		(c >= 0xD800 && c <= 0xDFFF))
		return CHARACTER_NONE;
	*length = n;
	return c;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F);
}

/* They reorder what stands beside them, so that what is read is not what was signed. */
static bool is_bidi_control(uint32_t c)
{
	return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
		(c >= 0x2066 && c <= 0x2069);
}

static bool is_combining(uint32_t c)
{
	return (c >= 0x0300 && c <= 0x036F) || (c >= 0x1AB0 && c <= 0x1AFF) ||
		(c >= 0x1DC0 && c <= 0x1DFF) || (c >= 0x20D0 && c <= 0x20FF) ||
		(c >= 0xFE20 && c <= 0xFE2F);
}

/* Whether the character at s.p[0], n bytes long, may stand on a line; *run counts combining marks.
 */
static bool character_is_clean(struct bytes s, unsigned *run, size_t *n)
{
	uint32_t c = utf8_character(s, n);
	*run = is_combining(c) ? *run + 1 : 0;
	return c != CHARACTER_NONE && !is_control(c) && !is_bidi_control(c) &&
		*run <= COMBINING_RUN_MAX;
}

bool text_is_clean(struct bytes s, bool multiline)
{
	unsigned run = 0;
	for (size_t i = 0, n; i < s.n; i += n) {
		bool clean = character_is_clean(bytes_of(s.p + i, s.n - i), &run, &n);
		if (!clean && !(multiline && s.p[i] == '\n'))
			return false;
	}
	return true;
}

size_t text_length(struct bytes s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += (s.p[i] & 0xC0) != 0x80;
	return n;
}

void text_put_escaped(struct buf *b, struct bytes s)
{
	unsigned run = 0;
	for (size_t i = 0, n; i < s.n; i += n) {
		if (character_is_clean(bytes_of(s.p + i, s.n - i), &run, &n)) {
			buf_put(b, s.p + i, n);
			continue;
		}
		for (size_t k = 0; k < n; k++)
			buf_printf(b, "\\x%02x", s.p[i + k]);
	}
}

void hex_encode(const void *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *byte = p;
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[byte[i] >> 4];
		out[2 * i + 1] = digits[byte[i] & 15];
	}
	out[2 * n] = '\0';
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool hex_decode(struct bytes s, void *out, size_t n)
{
	if (s.n != 2 * n)
		return false;
	uint8_t *byte = out;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(s.p[2 * i]), low = hex_digit(s.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		byte[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *b, const void *p, size_t n)
{
	const uint8_t *in = p;
	uint8_t *out = buf_reserve(b, BASE64_LEN(n));
	for (size_t i = 0; i < n; i += 3, out += 4) {
		size_t left = n - i;
		uint32_t group = (uint32_t)in[i] << 16;
		group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
		group |= left > 2 ? in[i + 2] : 0;
		out[0] = (uint8_t)base64_digits[group >> 18];
		out[1] = (uint8_t)base64_digits[group >> 12 & 63];
		out[2] = left > 1 ? (uint8_t)base64_digits[group >> 6 & 63] : '=';
		out[3] = left > 2 ? (uint8_t)base64_digits[group & 63] : '=';
	}
	b->n += BASE64_LEN(n);
}

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four digits, of which the last `pad` are '='. */
static bool base64_group(const uint8_t *s, size_t pad, uint32_t *group)
{
	*group = 0;
	for (size_t k = 0; k < 4; k++) {
		int digit = k < 4 - pad ? base64_digit(s[k]) : 0;
		if (digit < 0)
			return false;
		*group = *group << 6 | (uint32_t)digit;
	}
	return true;
}

int base64_decode(struct bytes s, void *out, size_t cap)
{
	if (s.n % 4 != 0)
		return -1;
	size_t pad = 0;
	while (s.n && pad < 2 && s.p[s.n - 1 - pad] == '=')
		pad++;
	size_t n = s.n / 4 * 3 - pad;
	if (n > cap || n > INT32_MAX)
		return -1;

	uint8_t *byte = out;
	for (size_t i = 0, at = 0; i < s.n; i += 4) {
		uint32_t group;
		size_t here = i + 4 == s.n ? pad : 0;
		if (!base64_group(s.p + i, here, &group))
			return -1;
		uint8_t three[3] = {(uint8_t)(group >> 16), (uint8_t)(group >> 8), (uint8_t)group};
		for (size_t k = 0; k < 3; k++) {
			if (k < 3 - here)
				byte[at++] = three[k];
			else if (three[k] !=
				0) /* bits that would be lost: two texts, one meaning */
				return -1;
		}
	}
	return (int)n;
}

bool decimal_parse(struct bytes s, uint64_t max, uint64_t *out)
{
	if (s.n == 0 || (s.n > 1 && s.p[0] == '0'))
		return false;
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(s.p[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

/* Of a text that was cut after n bytes, drops a character of which only a part is left. */
static void drop_part_of_character(char *s, size_t n)
{
	size_t start = n;
	while (start > 0 && ((uint8_t)s[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return;
	uint8_t lead = (uint8_t)s[start - 1];
	size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
	if (n - (start - 1) < want)
		s[start - 1] = '\0';
}

void text_vprint(char *out, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(out, size, fmt, ap);
	if (n < 0)
		out[0] = '\0';
	else if ((size_t)n >= size && !MUTANT(CUT_IN_A_CHARACTER))
		drop_part_of_character(out, size - 1);
}

void text_print(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	text_vprint(out, size, fmt, ap);
	va_end(ap);
}
