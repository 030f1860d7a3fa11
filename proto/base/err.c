#include "proto/base/err.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rc_row {
	int rc;
	const char *id, *text;
};

static const struct rc_row rc_table[] = {
#define RC(name, id, text) {RC_##name, id, text},
#include "proto/base/rc.def"
#undef RC
};

#define RC_ROWS (sizeof rc_table / sizeof rc_table[0])

/* Rows stand in the order of their codes, -1, -2, …; a number that is none is our bug to report as
 * "internal error", not to crash on. */
static const struct rc_row *rc_row(int rc)
{
	if (rc >= 0 || rc < -(int)RC_ROWS)
		return &rc_table[0];
	return &rc_table[-rc - 1];
}

const char *rc_id(int rc)
{
	return rc_row(rc)->id;
}

const char *rc_text(int rc)
{
	return rc_row(rc)->text;
}

int rc_from_id(const char *id)
{
	for (size_t i = 0; i < RC_ROWS; i++) {
		if (strcmp(rc_table[i].id, id) == 0)
			return rc_table[i].rc;
	}
	return RC_OK;
}

int rc_exit(int rc)
{
	if (rc == RC_OK)
		return 0;
	if (rc == RC_UNKNOWN_OUTCOME)
		return 75;
	return rc_id(rc)[1] - '0';
}

/* A text that was cut must not end within a character. */
static void cut_at_character(char *s, size_t n)
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

static void take_text(struct err *e, const char *text, int length)
{
	size_t n = length < 0 ? 0 : (size_t)length;
	if (n >= ERR_TEXT_MAX)
		n = ERR_TEXT_MAX - 1;
	memcpy(e->text, text, n);
	e->text[n] = '\0';
	if ((size_t)length > n)
		cut_at_character(e->text, n);
}

int err_set(struct err *e, int rc, const char *fmt, ...)
{
	if (!e)
		return rc;

	/* Not straight into e->text: an argument may point there. */
	char text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	e->rc = rc;
	take_text(e, text, n);
	return rc;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	ENSURE(e);
	char context[ERR_TEXT_MAX], text[2 * ERR_TEXT_MAX + 2];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(context, sizeof context, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof context)
		cut_at_character(context, sizeof context - 1);
	n = snprintf(text, sizeof text, "%s: %s", context, e->text);
	take_text(e, text, n);
	return e->rc;
}

_Noreturn void ensure_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "<3>event=bug cond=\"%s\" at=%s:%d\n", cond, file, line);
	abort();
}
