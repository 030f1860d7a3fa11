#include "client/said.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "client/show.h"
#include "client/text.h"

#define BLANKS_MAX 8   /* conversions in one format */
#define LITERALS_MIN 6 /* a format with fewer letters of its own would match anything */

struct match {
	struct bytes blank[BLANKS_MAX];
	size_t n;
};

/* Bytes of the conversion at s ("%.*s", "%2$llu"), 0 if there is none; *ordinal is 0 without one.
 */
static size_t conversion(const char *s, char *kind, size_t *ordinal)
{
	*ordinal = 0;
	if (s[0] != '%' || s[1] == '%')
		return 0;
	size_t n = 1 + strspn(s + 1, "0123456789");
	if (s[n] == '$') {
		*ordinal = (size_t)(s[1] - '0'); /* our catalogue's; never over 9 */
		n++;
	}
	n += strspn(s + n, "0123456789.*-+hljz");
	*kind = s[n];
	return n + 1;
}

static bool may_fill(char kind, char c)
{
	return kind == 's' || isxdigit((unsigned char)c);
}

/* Does the text have the shape of the format? Fills m with what stands in its blanks. */
static bool fits(const char *format, const char *text, struct match *m)
{
	char kind;
	size_t ordinal, n;
	for (; (n = conversion(format, &kind, &ordinal)) == 0; format++, text++) {
		if (format[0] == '%')
			format++;
		if (*format != *text)
			return false;
		if (*format == 0)
			return true;
	}
	if (m->n == BLANKS_MAX)
		return false;
	struct bytes *blank = &m->blank[m->n++];
	for (size_t k = 0;; k++) {
		size_t mark = m->n;
		*blank = bytes_of(text, k);
		if (fits(format + n, text + k, m))
			return true;
		m->n = mark;
		if (text[k] == 0 || !may_fill(kind, text[k]))
			break;
	}
	m->n--;
	return false;
}

static size_t literals(const char *format)
{
	size_t sum = 0;
	while (*format) {
		char kind;
		size_t ordinal, n = conversion(format, &kind, &ordinal);
		sum += n == 0 && isalpha((unsigned char)*format);
		format += n ? n : 1;
	}
	return sum;
}

struct search {
	const char *text, *translation;
	struct match match;
	size_t literals; /* of the best so far */
};

static void try_format(void *arg, const char *msgid, const char *translation)
{
	struct search *s = arg;
	struct match m = {0};
	size_t n = literals(msgid);
	if (n < LITERALS_MIN || n <= s->literals || !*translation || !fits(msgid, s->text, &m))
		return;
	*s = (struct search){s->text, translation, m, n};
}

/* A word that stands in a blank may have a translation of its own. */
static void put_blank(struct buf *out, struct bytes blank)
{
	char *word = xalloc(blank.n + 1);
	memcpy(word, blank.p, blank.n);
	buf_put_str(out, tr_word(word));
	free(word);
}

static void fill_in(const struct search *s, struct buf *out)
{
	size_t next = 0;
	for (const char *f = s->translation; *f;) {
		char kind;
		size_t ordinal, n = conversion(f, &kind, &ordinal);
		if (n == 0) {
			f += *f == '%';
			buf_put_u8(out, (uint8_t)*f++);
			continue;
		}
		size_t i = ordinal ? ordinal - 1 : next++;
		if (i < s->match.n)
			put_blank(out, s->match.blank[i]);
		f += n;
	}
}

static bool translate(const char *text, struct buf *out)
{
	struct search s = {.text = text};
	text_each(try_format, &s);
	if (s.translation)
		fill_in(&s, out);
	return s.translation != NULL;
}

/* Up to the colon, and that. */
static void put_context(const char *text, size_t n, struct buf *out)
{
	char *part = xstrdup(text);
	part[n] = 0;
	if (!translate(part, out))
		buf_put(out, text, n);
	free(part);
	buf_put_str(out, "：");
}

char *said_tr(const char *text)
{
	struct buf out = {0};
	bool done = false;
	while (text_lang() != LANG_EN && !(done = translate(text, &out))) {
		const char *colon = strstr(text, ": ");
		if (!colon)
			break;
		put_context(text, (size_t)(colon - text), &out);
		text = colon + 2;
	}
	if (!done)
		buf_put_str(&out, text);
	buf_put_u8(&out, 0);
	return (char *)out.p;
}

char *said_tr_bytes(struct bytes text)
{
	char *english = show_text("%.*s", (int)text.n, (const char *)text.p);
	char *said = said_tr(english);
	free(english);
	return said;
}
