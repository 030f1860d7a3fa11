#include "daemon/config_text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int bad_line(struct err *e, const char *name, int line, const char *what)
{
	return err_set(e, RC_CONFIG, "%.100s:%d: %s", name, line, what);
}

/* Comments become spaces: libConfuse would count the ends of their lines twice. *opened: the line
 * where the comment began that is open, or 0. */
static void blank_comments(uint8_t *s, size_t n, int line, int *opened)
{
	bool quoted = false;
	for (size_t i = 0; i < n; i++) {
		uint8_t next = i + 1 < n ? s[i + 1] : 0;
		bool here = *opened != 0;
		if (s[i] == '"' && !here)
			quoted = !quoted;
		if (quoted)
			continue;
		if (!here && (s[i] == '#' || (s[i] == '/' && next == '/'))) {
			memset(s + i, ' ', n - i);
			return;
		}
		if (here ? s[i] == '*' && next == '/' : s[i] == '/' && next == '*') {
			*opened = here ? 0 : line;
			s[i++] = ' ';
			here = true;
		}
		if (here)
			s[i] = ' ';
	}
}

/* One line without comments, before libConfuse sees it: its scanner passes over characters it does
 * not know, reads the environment, and after an open quote starts the next file inside that string.
 */
static int check_line(struct bytes s, const char *name, int line, struct err *e)
{
	bool quoted = false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' || c == '$')
			return bad_line(e, name, line,
				"backslash and dollar have no meaning here; leave them out");
		else if (!quoted && !memchr("{}=_-.:/[] \t", c, 12) && !(c >= 'a' && c <= 'z') &&
			!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
			return bad_line(
				e, name, line, "unexpected character; put values in double quotes");
	}
	if (quoted)
		return bad_line(e, name, line, "a quote is not closed on its line; close it");
	return RC_OK;
}

/* What no line may hold, be it in a comment. */
static int check_bytes(struct bytes s, const char *name, int line, struct err *e)
{
	if (s.n > CONFIG_LINE_MAX)
		return bad_line(e, name, line, "the line has more than 1024 bytes; split it");
	if (s.n > 0 && memchr(s.p, '\r', s.n))
		return bad_line(e, name, line, "the line ends in CR LF; save it with LF alone");
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\t' && (s.p[i] < ' ' || s.p[i] == 0x7f))
			return bad_line(e, name, line, "a control character or NUL; remove it");
	return RC_OK;
}

int config_text_clean(struct bytes text, const char *name, struct buf *out, struct err *e)
{
	int line = 1, opened = 0, rc = RC_OK;
	if (text.n == 0)
		return bad_line(e, name, line, "the file is empty; begin with deltad.conf.example");
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		return bad_line(e, name, line,
			"the file begins with a byte order mark; save it as UTF-8 without one");
	for (; rc == RC_OK && text.n > 0; line++) {
		const uint8_t *lf = memchr(text.p, '\n', text.n);
		size_t n = lf ? (size_t)(lf - text.p) : text.n, at = out->n;
		rc = check_bytes(bytes_of(text.p, n), name, line, e);
		buf_put(out, text.p, lf ? n + 1 : n);
		blank_comments(out->p + at, n, line, &opened);
		if (rc == RC_OK)
			rc = check_line(bytes_of(out->p + at, n), name, line, e);
		text = bytes_of(text.p + out->n - at, text.n - (out->n - at));
	}
	if (rc == RC_OK && opened)
		rc = bad_line(e, name, opened, "a comment is not closed; close it with */");
	return rc;
}

static int read_whole(int fd, const char *path, struct buf *text, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(e, RC_CONFIG, "%.100s: not a regular file", path);
	for (;;) {
		ssize_t n = read(fd, buf_reserve(text, 4096), 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, RC_CONFIG, "%.100s: %s", path, strerror(errno));
		if (n == 0)
			return RC_OK;
		text->n += (size_t)n;
		if (text->n > CONFIG_FILE_MAX)
			return err_set(e, RC_CONFIG,
				"%.100s: more than 256 KiB; is it the right file?", path);
	}
}

int config_text_read(const char *path, struct buf *text, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_set(e, RC_CONFIG,
			"%.100s: %s; name the file with -c, or copy deltad.conf.example there",
			path, strerror(errno));
	int rc = read_whole(fd, path, text, e);
	close(fd);
	return rc;
}
