#include <stdlib.h>
#include <string.h>

#include "client/table.h"
#include "client/text.h"
#include "client/width.h"

#define LAST_COLUMN_MIN 12 /* a shortened last column keeps so many columns */
#define WRAP_COLUMN_MIN 24 /* a wrapped one begins a line of its own where it would have fewer */
#define GAP 2

/* The columns that people see, from left to right. */
struct layout {
	size_t n;
	size_t column[COLUMNS_MAX], width[COLUMNS_MAX];
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

static bool has_anything(const struct table *t, size_t column)
{
	for (size_t r = 0; r < table_rows(t); r++) {
		const char *shown = cell_at(t, r, column)->shown;
		if (*shown && strcmp(shown, "-") != 0)
			return true;
	}
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

static void lay_out(const struct table *t, struct layout *l)
{
	l->n = 0;
	for (size_t c = 0; c < t->n_columns; c++) {
		const struct column *column = &t->column[c];
		if (!column->title || (column->optional && !has_anything(t, c)))
			continue;
		l->column[l->n] = c;
		l->width[l->n++] = widest(t, c);
	}
}

static void print_cell(const struct output *o, const struct column *c, enum tone tone,
	const char *text, size_t width)
{
	size_t own = width_of(text);
	size_t pad = own < width ? width - own : 0;
	if (c->right)
		fprintf(o->to, "%*s", (int)pad, "");
	tone_print(o, tone, text);
	if (!c->right)
		fprintf(o->to, "%*s", (int)pad, "");
}

static void print_cut(const struct output *o, enum tone tone, const char *text, size_t room)
{
	if (room < LAST_COLUMN_MIN)
		room = LAST_COLUMN_MIN;
	char *cut = xstrdup(text);
	cut[width_fit(cut, room - 1)] = 0;
	tone_print(o, tone, cut);
	fputs("…", o->to);
	free(cut);
}

/* Bytes of text that go on one line: up to a space, if there is one in its second half. */
static size_t line_length(const char *text, size_t room)
{
	size_t n = width_fit(text, room);
	for (size_t k = n; text[n] && k > n / 2; k--)
		if (text[k] == ' ')
			return k;
	return n;
}

static void print_wrapped(
	const struct output *o, enum tone tone, const char *text, size_t used, size_t room)
{
	if (room < WRAP_COLUMN_MIN) {
		used = 2 * GAP;
		room = o->columns > used + WRAP_COLUMN_MIN ? o->columns - used : WRAP_COLUMN_MIN;
		fprintf(o->to, "\n%*s", (int)used, "");
	}
	while (*text) {
		size_t n = line_length(text, room);
		char *line = xstrdup(text);
		line[n] = 0;
		tone_print(o, tone, line);
		free(line);
		text += n;
		text += *text == ' ';
		if (*text)
			fprintf(o->to, "\n%*s", (int)used, "");
	}
}

/* The last column is not padded; what is wider than the terminal is shortened or wrapped. */
static void print_last(const struct output *o, const struct column *c, enum tone tone,
	const char *text, size_t used, size_t width)
{
	size_t room = o->columns > used ? o->columns - used : 0;
	if (o->columns == 0 || width_of(text) <= room)
		print_cell(o, c, tone, text, c->right ? width : 0);
	else if (c->wrap)
		print_wrapped(o, tone, text, used, room);
	else
		print_cut(o, tone, text, room);
}

/* cells NULL: the titles. */
static void print_row(const struct table *t, const struct output *o, const struct layout *l,
	const struct cell *cells)
{
	size_t used = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct column *column = &t->column[l->column[i]];
		const struct cell *cell = cells ? &cells[l->column[i]] : NULL;
		const char *text = cell ? cell->shown : tr_word(column->title);
		enum tone tone = cell ? cell->tone : TONE_FAINT;
		if (i + 1 == l->n) {
			print_last(o, column, tone, text, used, l->width[i]);
			break;
		}
		print_cell(o, column, tone, text, l->width[i]);
		fprintf(o->to, "%*s", GAP, "");
		used += l->width[i] + GAP;
	}
	fputc('\n', o->to);
}

void table_print_screen(const struct table *t, const struct output *o)
{
	struct layout l;
	lay_out(t, &l);
	if (table_rows(t) == 0) {
		if (t->empty)
			fprintf(o->to, "%s\n", t->empty);
		return;
	}
	if (l.n == 0)
		return;
	if (t->heading)
		fprintf(o->to, "%s\n", t->heading);
	print_row(t, o, &l, NULL);
	for (size_t r = 0; r < table_rows(t); r++)
		print_row(t, o, &l, cell_at(t, r, 0));
}
