#include "daemon/net/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failed(struct err *e, const char *what)
{
	bool full = errno == ENOSPC || errno == EDQUOT;
	return err_set(e, full ? RC_DISK_FULL : RC_IO, "%s a copy of the bundle: %s", what,
		strerror(errno));
}

/* Where the file system has no files without a name. */
static int open_and_unlink(const char *folder)
{
	struct buf path = {0};
	buf_printf(&path, "%s/bundle.XXXXXX", folder);
	buf_put_u8(&path, 0);
	int fd = mkostemp((char *)path.p, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink((const char *)path.p);
	buf_release(&path);
	return fd;
}

int spool_open(struct spool *s, const char *folder, struct err *e)
{
	*s = (struct spool){.fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600)};
	if (s->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
		s->fd = open_and_unlink(folder);
	return s->fd >= 0 ? RC_OK : failed(e, "make");
}

void spool_close(struct spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

int spool_append(struct spool *s, struct bytes piece, struct err *e)
{
	while (piece.n > 0) {
		ssize_t n = pwrite(s->fd, piece.p, piece.n, (off_t)s->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(e, "write");
		s->size += (uint64_t)n;
		piece = bytes_of(piece.p + n, piece.n - (size_t)n);
	}
	return RC_OK;
}

int spool_read(struct spool *s, size_t max, struct buf *out, struct err *e)
{
	ssize_t n;
	buf_reset(out);
	do
		n = pread(s->fd, buf_reserve(out, max), max, (off_t)s->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return failed(e, "read");
	out->n = (size_t)n;
	s->at += (uint64_t)n;
	return RC_OK;
}
