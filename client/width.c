#include "client/width.h"

#include <locale.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* The C library's tables of a locale that every Debian has, whatever the user's is. */
static void use_utf8(void)
{
	static locale_t utf8;
	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8)
		uselocale(utf8);
}

/* Bytes of the character at s (n > 0 bytes left), 0 if they are none. */
static size_t next_char(const char *s, size_t n, wchar_t *c)
{
	mbstate_t state = {0};
	size_t got = mbrtowc(c, s, n, &state);
	return got == (size_t)-1 || got == (size_t)-2 ? 0 : got;
}

static size_t char_width(wchar_t c)
{
	int w = wcwidth(c);
	return w < 0 ? 1 : (size_t)w;
}

size_t width_of(const char *s)
{
	size_t columns = 0, n = strlen(s);
	use_utf8();
	while (n > 0) {
		wchar_t c;
		size_t used = next_char(s, n, &c);
		columns += used ? char_width(c) : 1;
		s += used ? used : 1;
		n -= used ? used : 1;
	}
	return columns;
}

size_t width_fit(const char *s, size_t columns)
{
	size_t at = 0, n = strlen(s), width = 0;
	use_utf8();
	while (at < n) {
		wchar_t c;
		size_t used = next_char(s + at, n - at, &c);
		width += used ? char_width(c) : 1;
		if (width > columns)
			break;
		at += used ? used : 1;
	}
	return at;
}

static bool turns_direction(wchar_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
		(c >= 0x2066 && c <= 0x2069);
}

static bool put_special(struct buf *out, char c, enum escape how)
{
	if (how == ESCAPE_TSV && (c == '\n' || c == '\t' || c == '\\')) {
		buf_printf(out, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : '\\');
		return true;
	}
	if (c == '\n' && how != ESCAPE_TSV) {
		buf_put_u8(out, how == ESCAPE_LINE ? ' ' : '\n');
		return true;
	}
	return false;
}

void escape_put(struct buf *out, struct bytes s, enum escape how)
{
	const char *p = (const char *)s.p;
	use_utf8();
	for (size_t n = s.n; n > 0;) {
		wchar_t c;
		size_t used = next_char(p, n, &c);
		if (used == 0 || *p == 0) {
			buf_printf(out, "\\x%02x", (unsigned char)*p);
			used = 1;
		} else if (!put_special(out, *p, how)) {
			if (turns_direction(c))
				buf_printf(out, "\\u%04x", (unsigned)c);
			else if (iswcntrl((wint_t)c))
				buf_printf(out, "\\x%02x", (unsigned)c);
			else
				buf_put(out, p, used);
		}
		p += used;
		n -= used;
	}
}

char *escape_dup(struct bytes s, enum escape how)
{
	struct buf b = {0};
	escape_put(&b, s, how);
	buf_put_u8(&b, 0);
	return (char *)b.p;
}
