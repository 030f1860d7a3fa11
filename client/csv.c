#include "client/csv.h"

#include <string.h>

#include "client/text.h"

void csv_init(struct csv *c, struct bytes text)
{
	*c = (struct csv){.rest = text, .line = 1, .next_line = 1};
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		c->rest = bytes_of(text.p + 3, text.n - 3);
}

void csv_release(struct csv *c)
{
	buf_release(&c->memory);
}

static int peek(const struct csv *c)
{
	return c->rest.n ? c->rest.p[0] : -1;
}

static void skip(struct csv *c)
{
	if (c->rest.p[0] == '\n')
		c->next_line++;
	c->rest.p++;
	c->rest.n--;
}

/* At LF, CRLF or the end; takes the line end. */
static bool take_line_end(struct csv *c)
{
	if (c->rest.n == 0)
		return true;
	if (c->rest.p[0] == '\r' && c->rest.n > 1 && c->rest.p[1] == '\n')
		skip(c);
	if (peek(c) != '\n')
		return false;
	skip(c);
	return true;
}

static int quoted_field(struct csv *c, struct err *e)
{
	unsigned opened = c->next_line;
	skip(c);
	for (;;) {
		int b = peek(c);
		if (b < 0)
			return err_set(
				e, RC_PLAN_FILE, tr("line %u: the quote does not end"), opened);
		skip(c);
		if (b == '"' && peek(c) != '"')
			return RC_OK;
		if (b == '"')
			skip(c);
		buf_put_u8(&c->memory, (uint8_t)b);
	}
}

static int plain_field(struct csv *c, struct err *e)
{
	for (int b = peek(c); b >= 0 && b != ',' && b != '\n'; b = peek(c)) {
		if (b == '\r' && c->rest.n > 1 && c->rest.p[1] == '\n')
			break;
		if (b == '"')
			return err_set(e, RC_PLAN_FILE,
				tr("line %u: a quote inside a field; quote the whole field"),
				c->next_line);
		buf_put_u8(&c->memory, (uint8_t)b);
		skip(c);
	}
	return RC_OK;
}

static int next_field(struct csv *c, struct err *e)
{
	if (c->n == CSV_FIELDS_MAX)
		return err_set(e, RC_PLAN_FILE, tr("line %u: more than %d fields"), c->line,
			CSV_FIELDS_MAX);
	c->start[c->n++] = c->memory.n;
	int rc = peek(c) == '"' ? quoted_field(c, e) : plain_field(c, e);
	c->start[c->n] = c->memory.n;
	return rc;
}

int csv_next(struct csv *c, struct err *e)
{
	while (c->rest.n > 0 && take_line_end(c))
		;
	if (c->rest.n == 0)
		return CSV_END;
	c->line = c->next_line;
	c->n = 0;
	buf_reset(&c->memory);
	for (;;) {
		int rc = next_field(c, e);
		if (rc != RC_OK)
			return rc;
		if (peek(c) == ',') {
			skip(c);
			continue;
		}
		if (take_line_end(c))
			break;
		return err_set(
			e, RC_PLAN_FILE, tr("line %u: text after the closing quote"), c->next_line);
	}
	for (size_t i = 0; i < c->n; i++)
		c->field[i] = bytes_of(c->memory.p ? c->memory.p + c->start[i] : NULL,
			c->start[i + 1] - c->start[i]);
	return RC_OK;
}
