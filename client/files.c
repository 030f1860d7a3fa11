#include "client/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/text.h"

int file_error(const char *path, int error, struct err *e)
{
	if (error == ENOENT)
		return err_set(e, RC_NOT_FOUND,
			tr("%.200s does not exist; check how the path is written"), path);
	return err_set(e, RC_IO, "%.200s: %s", path, tr_errno(error));
}

static int read_fd(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
	size_t start = out->n;
	for (;;) {
		ssize_t n = read(fd, buf_reserve(out, 64 * 1024), 64 * 1024);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_error(path, errno, e);
		if (n == 0)
			return RC_OK;
		out->n += (size_t)n;
		if (out->n - start > max)
			return err_set(
				e, RC_TOO_BIG, tr("%.200s is larger than %zu bytes"), path, max);
	}
}

int file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	if (strcmp(path, "-") == 0)
		return read_fd(STDIN_FILENO, tr("standard input"), max, out, e);
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return file_error(path, errno, e);
	int rc = RC_OK;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = err_set(e, RC_INPUT, tr("%.200s is not a regular file"), path);
	else
		rc = read_fd(fd, path, max, out, e);
	close(fd);
	return rc;
}

static int write_all(int fd, struct bytes s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		s.p += n;
		s.n -= (size_t)n;
	}
	return 0;
}

static void sync_folder_of(const char *path)
{
	char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder ? 1 : 0] = 0;
	int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return;
	/* A folder that cannot be synced (some file systems) leaves a file that is there anyway. */
	(void)fsync(fd);
	close(fd);
}

/* link() refuses to replace, rename() does not. */
static int put_in_place(const char *tmp, const char *path, bool replace)
{
	if (replace)
		return rename(tmp, path);
	int rc = link(tmp, path);
	int error = errno;
	unlink(tmp);
	errno = error;
	return rc;
}

int file_begin(struct file_new *f, const char *path, unsigned mode, struct err *e)
{
	struct buf tmp = {0};
	buf_printf(&tmp, "%s.tmp.%ld", path, (long)getpid());
	buf_put_u8(&tmp, 0);
	*f = (struct file_new){.path = path, .tmp = (char *)tmp.p};
	f->fd = open(f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	if (f->fd >= 0)
		return RC_OK;
	int rc = errno == ENOENT
		? err_set(e, RC_NOT_FOUND, tr("the folder of %.200s does not exist; make it first"),
			  path)
		: file_error(path, errno, e);
	free(f->tmp);
	f->tmp = NULL;
	return rc;
}

int file_put(struct file_new *f, struct bytes s, struct err *e)
{
	if (write_all(f->fd, s) == 0)
		return RC_OK;
	return file_error(f->path, errno, e);
}

void file_abandon(struct file_new *f)
{
	if (f->tmp == NULL)
		return;
	close(f->fd);
	unlink(f->tmp);
	free(f->tmp);
	f->tmp = NULL;
}

int file_end(struct file_new *f, bool replace, struct err *e)
{
	int rc = RC_OK;
	if (fsync(f->fd) != 0 || put_in_place(f->tmp, f->path, replace) != 0)
		rc = errno == EEXIST ? err_set(e, RC_REFUSED,
					       tr("%.200s exists and is not overwritten"), f->path)
				     : file_error(f->path, errno, e);
	else
		sync_folder_of(f->path);
	file_abandon(f);
	return rc;
}

static int write_file(
	const char *path, unsigned mode, struct bytes content, bool replace, struct err *e)
{
	struct file_new f;
	int rc = file_begin(&f, path, mode, e);
	if (rc != RC_OK)
		return rc;
	rc = file_put(&f, content, e);
	if (rc == RC_OK)
		return file_end(&f, replace, e);
	file_abandon(&f);
	return rc;
}

int file_write_new(const char *path, unsigned mode, struct bytes content, struct err *e)
{
	return write_file(path, mode, content, false, e);
}

int file_replace(const char *path, unsigned mode, struct bytes content, struct err *e)
{
	return write_file(path, mode, content, true, e);
}

int folder_make(const char *path, struct err *e)
{
	char *part = xstrdup(path);
	int rc = RC_OK;
	for (char *p = part + (*part == '/'); rc == RC_OK && *part; p++) {
		if (*p != '/' && *p != 0)
			continue;
		bool last = *p == 0;
		*p = 0;
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			rc = err_set(e, RC_IO, "%.200s: %s", part, tr_errno(errno));
		if (last)
			break;
		*p = '/';
	}
	free(part);
	return rc;
}
