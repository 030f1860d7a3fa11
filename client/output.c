#include "client/output.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/text.h"
#include "client/width.h"
#include "proto/base/text.h"

static int choose_colour(struct output *o, const char *when, bool terminal, struct err *e)
{
	const char *no_color = getenv("NO_COLOR");
	if (!when || strcmp(when, "auto") == 0)
		o->colour = terminal && !(no_color && *no_color);
	else if (strcmp(when, "always") == 0)
		o->colour = true;
	else if (strcmp(when, "never") == 0)
		o->colour = false;
	else
		return err_set(
			e, RC_USAGE, tr("--color is auto, always or never, not \"%.40s\""), when);
	return RC_OK;
}

size_t output_columns(int fd)
{
	struct winsize size;
	return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int output_choose(struct output *o, const struct args *a, struct err *e)
{
	*o = (struct output){.to = stdout};
	int rc = args_exclude(a, OPT_JSON, OPT_PLAIN, e);
	if (rc != RC_OK)
		return rc;
	bool terminal = isatty(STDOUT_FILENO);
	o->mode = args_has(a, OPT_JSON)		      ? OUTPUT_JSON
		: terminal && !args_has(a, OPT_PLAIN) ? OUTPUT_SCREEN
						      : OUTPUT_TSV;
	o->columns = output_columns(STDOUT_FILENO);
	o->quiet = args_has(a, OPT_QUIET);
	return choose_colour(o, a->value[OPT_COLOR], terminal, e);
}

/* A write may have failed long ago and left no errno: a pipe without a reader says so itself. */
static bool reader_is_gone(FILE *to)
{
	struct pollfd p = {.fd = fileno(to), .events = POLLOUT};
	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

int output_finish(struct output *o, struct err *e)
{
	errno = 0;
	bool failed = fflush(o->to) != 0 || ferror(o->to);
	if (!failed || reader_is_gone(o->to))
		return RC_OK;
	return err_set(e, RC_IO, tr("standard output cannot be written: %s"),
		errno ? tr_errno(errno) : tr("an earlier write failed"));
}

json_t *json_text(struct bytes s)
{
	if (s.n == 0)
		return json_null();
	json_t *j = memchr(s.p, 0, s.n) ? NULL : json_stringn((const char *)s.p, s.n);
	if (j)
		return j;
	char *escaped = escape_dup(s, ESCAPE_BLOCK);
	j = json_string(escaped);
	free(escaped);
	return j;
}

json_t *json_number(uint64_t v)
{
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

json_t *json_hex(struct bytes s)
{
	if (s.n == 0)
		return json_null();
	char *hex = xalloc(2 * s.n + 1);
	hex_encode(s.p, s.n, hex);
	json_t *j = json_string(hex);
	free(hex);
	return j;
}

json_t *json_date(uint32_t d)
{
	if (d == 0)
		return json_null();
	return json_sprintf("%04u-%02u-%02u", d / 10000, d / 100 % 100, d % 100);
}
