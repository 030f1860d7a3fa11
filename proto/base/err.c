#include "proto/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/text.h"

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

int err_set(struct err *e, int rc, const char *fmt, ...)
{
	if (!e)
		return rc;

	/* Not straight into e->text: an argument may point there. */
	char text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	text_vprint(text, sizeof text, fmt, ap);
	va_end(ap);
	e->rc = rc;
	text_print(e->text, sizeof e->text, "%s", text);
	return rc;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	ENSURE(e);
	char context[ERR_TEXT_MAX], text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	text_vprint(context, sizeof context, fmt, ap);
	va_end(ap);
	text_print(text, sizeof text, "%s", e->text);
	text_print(e->text, sizeof e->text, "%s: %s", context, text);
	return e->rc;
}

_Noreturn void ensure_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "<3>event=bug cond=\"%s\" at=%s:%d\n", cond, file, line);
	abort();
}
