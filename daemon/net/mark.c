#include "daemon/net/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/trust/hash.h"

#define MAGIC "deltad-mark/1\0\0"
#define MAGIC_BYTES 16
#define AT_SEQUENCE 16
#define AT_SIZE 24
#define AT_ROOT 32
#define AT_ORIGIN_LENGTH 64
#define AT_ORIGIN 66
#define AT_SUM 480

_Static_assert(sizeof(MAGIC) == MAGIC_BYTES, "the magic fills its field");
_Static_assert(AT_ORIGIN + ORIGIN_SIZE <= AT_SUM, "an origin fits its field");
_Static_assert(AT_SUM + HASH_BYTES == MARK_SLOT_BYTES, "the sum ends the slot");

struct mark_file {
	char *path;
	int fd; /* -1 until the file exists */
	uint64_t sequence;
};

void mark_encode(const struct mark_slot *s, uint8_t out[MARK_SLOT_BYTES])
{
	size_t n = strlen(s->origin);
	ENSURE(n > 0 && n < ORIGIN_SIZE);
	memset(out, 0, MARK_SLOT_BYTES);
	memcpy(out, MAGIC, MAGIC_BYTES);
	put_u64be(out + AT_SEQUENCE, s->sequence);
	put_u64be(out + AT_SIZE, s->size);
	memcpy(out + AT_ROOT, s->root.b, HASH_BYTES);
	put_u16be(out + AT_ORIGIN_LENGTH, (uint16_t)n);
	memcpy(out + AT_ORIGIN, s->origin, n);
	struct hash sum;
	sha256(bytes_of(out, AT_SUM), &sum);
	memcpy(out + AT_SUM, sum.b, HASH_BYTES);
}

int mark_decode(const uint8_t in[MARK_SLOT_BYTES], struct mark_slot *out, struct err *e)
{
	struct hash sum;
	if (memcmp(in, MAGIC, MAGIC_BYTES) != 0)
		return err_set(e, RC_CORRUPT, "not a mark of this program");
	sha256(bytes_of(in, AT_SUM), &sum);
	if (memcmp(in + AT_SUM, sum.b, HASH_BYTES) != 0)
		return err_set(e, RC_CORRUPT, "torn or damaged: its checksum does not match");
	size_t n = get_u16be(in + AT_ORIGIN_LENGTH);
	struct origin origin;
	if (n >= ORIGIN_SIZE)
		return err_set(e, RC_CORRUPT, "the origin is too long");
	if (origin_parse(bytes_of(in + AT_ORIGIN, n), &origin, e))
		return err_set(e, RC_CORRUPT, "it names no log");
	for (size_t i = AT_ORIGIN + n; i < AT_SUM; i++)
		if (in[i] != 0)
			return err_set(e, RC_CORRUPT, "bytes after the origin that are not zero");
	*out = (struct mark_slot){
		.sequence = get_u64be(in + AT_SEQUENCE), .size = get_u64be(in + AT_SIZE)};
	memcpy(out->origin, origin.text, sizeof(out->origin));
	memcpy(out->root.b, in + AT_ROOT, HASH_BYTES);
	return RC_OK;
}

/* The folder part of path, "." if there is none; caller frees. */
static char *folder_of(const char *path)
{
	char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	if (!slash) {
		free(dir);
		return xstrdup(".");
	}
	slash[slash == dir ? 1 : 0] = '\0';
	return dir;
}

static int folder_check(const char *path, struct err *e)
{
	char *dir = folder_of(path);
	int rc = RC_OK;
	if (access(dir, W_OK | X_OK) != 0)
		rc = err_set(e, RC_SETUP,
			"mark_file: folder \"%s\": %s; create it for this user, outside data_dir",
			dir, strerror(errno));
	free(dir);
	return rc;
}

static int pick(const struct mark_file *m, const uint8_t *file, const char *member,
	struct mark_slot *out, struct err *e)
{
	struct mark_slot slot[2];
	struct err why[2] = {0};
	bool ok[2];
	for (int i = 0; i < 2; i++)
		ok[i] = mark_decode(file + i * MARK_SLOT_BYTES, &slot[i], &why[i]) == RC_OK;
	if (!ok[0] && !ok[1])
		return err_set(e, RC_CORRUPT,
			"mark_file \"%s\" is damaged (%s); remove it and the node opens a new "
			"epoch of its log",
			m->path, why[0].text);
	*out = !ok[0] || (ok[1] && slot[1].sequence > slot[0].sequence) ? slot[1] : slot[0];
	struct origin origin;
	if (origin_parse(bytes_str(out->origin), &origin, e) || strcmp(origin.member, member) != 0)
		return err_set(e, RC_CORRUPT,
			"mark_file \"%s\" belongs to the log %s, this node is %s; give each node "
			"its own",
			m->path, out->origin, member);
	return RC_OK;
}

static int read_file(struct mark_file *m, const char *member, struct mark *found, struct err *e)
{
	struct stat st;
	if (fstat(m->fd, &st) != 0)
		return err_set(e, RC_IO, "mark_file \"%s\": %s", m->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, RC_SETUP, "mark_file \"%s\" is not a regular file", m->path);
	if (st.st_size != MARK_FILE_BYTES)
		return err_set(e, RC_CORRUPT,
			"mark_file \"%s\" has %lld bytes, not %d; remove it and the node opens a "
			"new epoch of its log",
			m->path, (long long)st.st_size, MARK_FILE_BYTES);
	uint8_t file[MARK_FILE_BYTES];
	if (pread(m->fd, file, sizeof(file), 0) != MARK_FILE_BYTES)
		return err_set(e, RC_IO, "mark_file \"%s\": cannot be read", m->path);
	struct mark_slot slot;
	int rc = pick(m, file, member, &slot, e);
	if (rc)
		return rc;
	m->sequence = slot.sequence;
	*found = (struct mark){.present = true, .size = slot.size, .root = slot.root};
	memcpy(found->origin, slot.origin, sizeof(found->origin));
	return RC_OK;
}

int mark_file_open(const char *path, const char *member, struct mark_file **out, struct mark *found,
	struct err *e)
{
	*out = NULL;
	*found = (struct mark){0};
	int rc = folder_check(path, e);
	if (rc)
		return rc;
	struct mark_file *m = xalloc(sizeof(*m));
	m->path = xstrdup(path);
	m->fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (m->fd >= 0)
		rc = read_file(m, member, found, e);
	else if (errno != ENOENT)
		rc = err_set(e, RC_SETUP, "mark_file \"%s\": %s", path, strerror(errno));
	if (rc) {
		mark_file_close(m);
		return rc;
	}
	*out = m;
	return RC_OK;
}

static int io_error(const struct mark_file *m, const char *what, struct err *e)
{
	return err_set(e, RC_IO, "mark_file \"%s\": %s: %s", m->path, what, strerror(errno));
}

static int write_at(
	const struct mark_file *m, int fd, const uint8_t *p, size_t n, off_t at, struct err *e)
{
	ssize_t done;
	do
		done = pwrite(fd, p, n, at);
	while (done < 0 && errno == EINTR);
	if (done >= 0 && (size_t)done != n)
		errno = ENOSPC;
	if (done < 0 || (size_t)done != n)
		return io_error(m, "write", e);
	if (fdatasync(fd) != 0)
		return io_error(m, "fdatasync", e);
	return RC_OK;
}

static int sync_folder(const struct mark_file *m, struct err *e)
{
	char *dir = folder_of(m->path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	int rc = RC_OK;
	if (fd < 0 || fsync(fd) != 0)
		rc = io_error(m, "fsync of its folder", e);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* A crash leaves either no file or a whole one: both slots exist before the name does. */
static int create(struct mark_file *m, const uint8_t slot[MARK_SLOT_BYTES], struct err *e)
{
	char tmp[PATH_MAX];
	uint8_t file[MARK_FILE_BYTES] = {0};
	memcpy(file, slot, MARK_SLOT_BYTES);
	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.tmp", m->path) >= sizeof(tmp))
		return err_set(e, RC_SETUP, "mark_file: the path is too long");
	int fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return io_error(m, "create", e);
	int rc = write_at(m, fd, file, sizeof(file), 0, e);
	if (!rc && rename(tmp, m->path) != 0)
		rc = io_error(m, "rename", e);
	if (!rc)
		rc = sync_folder(m, e);
	if (rc) {
		close(fd);
		unlink(tmp);
		return rc;
	}
	m->fd = fd;
	return RC_OK;
}

int mark_file_write(struct mark_file *m, const struct mark *mark, struct err *e)
{
	struct mark_slot slot = {
		.sequence = m->sequence + 1, .size = mark->size, .root = mark->root};
	memcpy(slot.origin, mark->origin, sizeof(slot.origin));
	uint8_t raw[MARK_SLOT_BYTES];
	mark_encode(&slot, raw);
	off_t at = (off_t)(slot.sequence % 2 == 1 ? 0 : MARK_SLOT_BYTES);
	int rc = m->fd < 0 ? create(m, raw, e) : write_at(m, m->fd, raw, sizeof(raw), at, e);
	if (rc)
		return rc;
	m->sequence = slot.sequence;
	return RC_OK;
}

void mark_file_close(struct mark_file *m)
{
	if (!m)
		return;
	if (m->fd >= 0)
		close(m->fd);
	free(m->path);
	free(m);
}
