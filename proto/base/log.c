#include "proto/base/log.h"

#include <stdarg.h>
#include <unistd.h>

#include "proto/base/text.h"

#define LOG_LINE_MAX 2048

static enum log_level log_max = LOG_LEVEL_INFO;

void log_set_level(enum log_level max)
{
	log_max = max;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	if (level > log_max)
		return;

	char text[LOG_LINE_MAX];
	va_list ap;
	va_start(ap, fmt);
	text_vprint(text, sizeof text, fmt, ap);
	va_end(ap);

	struct buf line = {0};
	buf_printf(&line, "<%d>", (int)level);
	text_put_escaped(&line, bytes_str(text));
	buf_put_str(&line, "\n");
	/* One write, so that lines of several threads do not mix. A log that cannot be written
	 * (stderr closed, its disk full) has nowhere to report that to. */
	ssize_t ignored = write(STDERR_FILENO, line.p, line.n);
	(void)ignored;
	buf_release(&line);
}
