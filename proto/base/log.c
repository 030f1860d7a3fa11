#include "proto/base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/base/text.h"

#define LOG_LINE_MAX 2048

static enum log_level log_max = LOG_LEVEL_INFO;
static int journal = -1;

void log_set_level(enum log_level max)
{
	log_max = max;
}

bool log_open_journal(const char *stream, const char *socket_path)
{
	struct stat st;
	char here[48];
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	if (!stream || fstat(STDERR_FILENO, &st) != 0 || strlen(socket_path) >= sizeof(to.sun_path))
		return false;
	snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	if (strcmp(stream, here) != 0)
		return false;
	memcpy(to.sun_path, socket_path, strlen(socket_path));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
		journal = fd;
		return true;
	}
	if (fd >= 0)
		close(fd);
	return false;
}

static uint64_t fnv1a(uint64_t h, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		h = (h ^ text.p[i]) * 0x100000001b3;
	return h;
}

/* The word after "event=" names the kind of the message. */
static void put_kind(struct buf *out, const char *text)
{
	static const char begin[] = "event=";
	if (strncmp(text, begin, sizeof(begin) - 1) != 0)
		return;
	struct bytes event = bytes_str(text + sizeof(begin) - 1);
	event.n = strcspn((const char *)event.p, " ");
	buf_printf(out, "DELTAD_EVENT=%.*s\nMESSAGE_ID=%016" PRIx64 "%016" PRIx64 "\n",
		(int)event.n, (const char *)event.p, fnv1a(0xcbf29ce484222325, event),
		fnv1a(0x84222325cbf29ce4, event));
}

/* False where the journal takes nothing now: standard error leads there too. */
static bool send_fields(enum log_level level, const char *text, struct bytes escaped)
{
	struct buf fields = {0};
	if (journal < 0)
		return false;
	buf_printf(&fields, "PRIORITY=%d\nSYSLOG_IDENTIFIER=deltad\n", (int)level);
	put_kind(&fields, text);
	buf_printf(&fields, "MESSAGE=%.*s\n", (int)escaped.n, (const char *)escaped.p);
	bool sent = send(journal, fields.p, fields.n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	buf_release(&fields);
	return sent;
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
	struct bytes escaped = bytes_of(line.p + 3, line.n - 3);
	if (!send_fields(level, text, escaped)) {
		buf_put_str(&line, "\n");
		/* One write, so that lines of several threads do not mix. A log that cannot be
		 * written (stderr closed, its disk full) has nowhere to report that to. */
		ssize_t ignored = write(STDERR_FILENO, line.p, line.n);
		(void)ignored;
	}
	buf_release(&line);
}
