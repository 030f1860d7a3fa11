#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "client/show.h"
#include "client/table.h"
#include "client/text.h"
#include "client/width.h"

#define GAP 2
#define INDENT 4
#define LAST_MIN 20 /* a last column that would be narrower goes below the others */
#define WRAP_MIN 12 /* no column is made narrower */

/* The columns that people see, from left to right, and how they are fitted to a terminal: first the
 * last column is broken over lines, then columns are left out in their declared order, then the
 * last column goes below the others and those are broken over lines, and then a row becomes a list.
 * An identifier is never broken or cut by us. */
struct layout {
	size_t n;
	size_t column[COLUMNS_MAX], width[COLUMNS_MAX];
	bool below; /* the last column has lines of its own */
	bool list;
	struct buf left_out; /* titles */
};

void tone_print(const struct output *o, enum tone tone, const char *text)
{
	static const char *const code[] = {
		[TONE_NONE] = NULL,
		[TONE_GOOD] = "\033[32m",
		[TONE_WARN] = "\033[33m",
		[TONE_BAD] = "\033[1;31m",
		[TONE_FAINT] = "\033[2m",
	};
	if (o->colour && code[tone])
		fprintf(o->to, "%s%s\033[0m", code[tone], text);
	else
		fputs(text, o->to);
}

static const struct cell *cell_at(const struct table *t, size_t row, size_t column)
{
	return &t->cell[row * t->n_columns + column];
}

static bool says_something(const char *shown)
{
	return *shown && strcmp(shown, "-") != 0;
}

static bool has_anything(const struct table *t, size_t column)
{
	for (size_t r = 0; r < table_rows(t); r++)
		if (says_something(cell_at(t, r, column)->shown))
			return true;
	return false;
}

static size_t widest(const struct table *t, size_t column)
{
	size_t width = width_of(tr_word(t->column[column].title));
	for (size_t r = 0; r < table_rows(t); r++) {
		size_t w = width_of(cell_at(t, r, column)->shown);
		if (w > width)
			width = w;
	}
	return width;
}

static void find_columns(const struct table *t, struct layout *l)
{
	*l = (struct layout){0};
	for (size_t c = 0; c < t->n_columns; c++) {
		const struct column *column = &t->column[c];
		if (!column->title || (column->optional && !has_anything(t, c)))
			continue;
		l->column[l->n] = c;
		l->width[l->n++] = widest(t, c);
	}
}

/* Of the first n columns and the gaps between them. */
static size_t width_of_first(const struct layout *l, size_t n)
{
	size_t sum = n > 1 ? (n - 1) * GAP : 0;
	for (size_t i = 0; i < n; i++)
		sum += l->width[i];
	return sum;
}

static bool wraps(const struct table *t, const struct layout *l, size_t i)
{
	return t->column[l->column[i]].wrap;
}

/* Leaves out the column whose turn it is; false if all that are left must be seen. */
static bool leave_out_one(const struct table *t, struct layout *l)
{
	size_t best = l->n;
	for (size_t i = 0; i < l->n; i++) {
		unsigned rank = t->column[l->column[i]].leave_out;
		if (rank > 0 && (best == l->n || rank <= t->column[l->column[best]].leave_out))
			best = i;
	}
	if (best == l->n)
		return false;
	buf_printf(&l->left_out, "%s%s", l->left_out.n ? tr_word(", ") : "",
		tr_word(t->column[l->column[best]].title));
	l->n--;
	for (size_t i = best; i < l->n; i++) {
		l->column[i] = l->column[i + 1];
		l->width[i] = l->width[i + 1];
	}
	return true;
}

/* Makes the widest of the first n columns that may be broken narrower, until they fit. */
static bool squeeze(const struct table *t, struct layout *l, size_t n, size_t columns)
{
	while (width_of_first(l, n) > columns) {
		size_t best = n;
		for (size_t i = 0; i < n; i++) {
			size_t least = width_of(tr_word(t->column[l->column[i]].title));
			if (least < WRAP_MIN)
				least = WRAP_MIN;
			if (wraps(t, l, i) && l->width[i] > least &&
				(best == n || l->width[i] > l->width[best]))
				best = i;
		}
		if (best == n)
			return false;
		l->width[best]--;
	}
	return true;
}

static void lay_out(const struct table *t, size_t columns, struct layout *l)
{
	find_columns(t, l);
	while (columns > 0 && l->n > 0 && width_of_first(l, l->n) > columns) {
		size_t last = l->n - 1, before = width_of_first(l, last) + (last ? GAP : 0);
		if (wraps(t, l, last) && before + LAST_MIN <= columns) {
			l->width[last] = columns - before;
			return;
		}
		if (leave_out_one(t, l))
			continue;
		l->below = last > 0 && wraps(t, l, last);
		l->list = !squeeze(t, l, l->below ? last : l->n, columns);
		return;
	}
}

/* At a space, and beside a character that is not of ASCII; but no line begins with a stop or ends
 * with a bracket that opens. */
static bool may_break(const char *text, size_t k)
{
	const unsigned char *c = (const unsigned char *)text + k;
	bool wide_stop = (c[0] == 0xef && c[1] == 0xbc) ||
		(c[0] == 0xe3 && c[1] == 0x80 && (c[2] == 0x81 || c[2] == 0x82));
	if (c[-1] == '(' || c[-1] == '[')
		return false;
	if (c[0] == ' ' || c[0] >= 0xc0)
		return !wide_stop;
	return c[-1] >= 0x80 && c[0] < 0x80 && !ispunct(c[0]);
}

/* Bytes of text that go on one line: a word stays whole, if it is no longer than half of it. */
static size_t line_length(const char *text, size_t room)
{
	size_t n = width_fit(text, room);
	for (size_t k = n; text[n] && k > n / 2; k--)
		if (may_break(text, k))
			return k;
	return n;
}

/* Prints what fits of *text, and moves it on; the columns that took. */
static size_t print_piece(const struct output *o, enum tone tone, const char **text, size_t room)
{
	size_t n = line_length(*text, room);
	char *piece = xstrdup(*text);
	piece[n] = 0;
	size_t width = width_of(piece);
	tone_print(o, tone, piece);
	free(piece);
	*text += n;
	*text += **text == ' ';
	return width;
}

static void print_spaces(const struct output *o, size_t n)
{
	fprintf(o->to, "%*s", (int)n, "");
}

static void print_wrapped(const struct output *o, enum tone tone, const char *text, size_t indent)
{
	size_t room = o->columns > indent + WRAP_MIN ? o->columns - indent : WRAP_MIN;
	while (*text) {
		if (o->columns > 0)
			print_piece(o, tone, &text, room);
		else
			print_piece(o, tone, &text, SIZE_MAX);
		if (*text) {
			fputc('\n', o->to);
			print_spaces(o, indent);
		}
	}
	fputc('\n', o->to);
}

void pair_print(const struct output *o, enum tone tone, size_t indent, const char *label,
	size_t width, const char *text, bool wrap)
{
	size_t own = width_of(label);
	print_spaces(o, indent);
	tone_print(o, TONE_FAINT, label);
	print_spaces(o, (own < width ? width - own : 0) + GAP);
	if (wrap) {
		print_wrapped(o, tone, text, indent + (own < width ? width : own) + GAP);
	} else {
		tone_print(o, tone, text);
		fputc('\n', o->to);
	}
}

/* One line of a row: of each cell what fits; false if nothing was left. */
static bool print_line(const struct table *t, const struct output *o, const struct layout *l,
	size_t n, const struct cell *cells, const char **rest)
{
	size_t pending = 0;
	bool more = false;
	for (size_t i = 0; i < n; i++) {
		const struct column *column = &t->column[l->column[i]];
		size_t own = width_of(rest[i]), width = l->width[i];
		if (column->right && own < width)
			pending += width - own;
		if (*rest[i]) {
			print_spaces(o, pending);
			own = print_piece(
				o, cells ? cells[l->column[i]].tone : TONE_FAINT, &rest[i], width);
			pending = 0;
		}
		if (!column->right && own < width)
			pending += width - own;
		pending += GAP;
		more = more || *rest[i];
	}
	fputc('\n', o->to);
	return more;
}

/* cells NULL: the titles. */
static void print_row(const struct table *t, const struct output *o, const struct layout *l,
	const struct cell *cells)
{
	const char *rest[COLUMNS_MAX];
	size_t n = l->below ? l->n - 1 : l->n;
	for (size_t i = 0; i < l->n; i++)
		rest[i] =
			cells ? cells[l->column[i]].shown : tr_word(t->column[l->column[i]].title);
	while (print_line(t, o, l, n, cells, rest))
		;
	if (!l->below || !*rest[n])
		return;
	print_spaces(o, INDENT);
	print_wrapped(o, cells ? cells[l->column[n]].tone : TONE_FAINT, rest[n], INDENT);
}

/* A row as lines of a title and a value; what has no value is left out. */
static void print_list(const struct table *t, const struct output *o, const struct layout *l,
	const struct cell *cells)
{
	size_t widest_title = 0;
	for (size_t i = 0; i < l->n; i++) {
		size_t w = width_of(tr_word(t->column[l->column[i]].title));
		if (w > widest_title)
			widest_title = w;
	}
	for (size_t i = 0; i < l->n; i++) {
		const struct cell *cell = &cells[l->column[i]];
		size_t indent = i == 0 ? 0 : GAP;
		if (says_something(cell->shown))
			pair_print(o, cell->tone, indent, tr_word(t->column[l->column[i]].title),
				widest_title + GAP - indent, cell->shown, wraps(t, l, i));
	}
}

static void print_rows(const struct table *t, const struct output *o, const struct layout *l)
{
	if (!l->list)
		print_row(t, o, l, NULL);
	for (size_t r = 0; r < table_rows(t); r++) {
		if (l->list)
			print_list(t, o, l, cell_at(t, r, 0));
		else
			print_row(t, o, l, cell_at(t, r, 0));
	}
}

void table_print_screen(const struct table *t, const struct output *o)
{
	struct layout l;
	if (table_rows(t) == 0) {
		if (t->empty)
			fprintf(o->to, "%s\n", t->empty);
		return;
	}
	lay_out(t, o->columns, &l);
	if (t->heading && l.n > 0)
		fprintf(o->to, "%s\n", t->heading);
	if (l.n > 0)
		print_rows(t, o, &l);
	if (l.left_out.n > 0) {
		char *note = show_text(tr("(no room for: %.*s; --json has all)"), (int)l.left_out.n,
			(const char *)l.left_out.p);
		print_wrapped(o, TONE_FAINT, note, 0);
		free(note);
	}
	buf_release(&l.left_out);
}
