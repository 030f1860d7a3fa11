#include "daemon/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/manifest.h"
#include "daemon/net/mark.h"
#include "daemon/recover.h"
#include "daemon/seal.h"
#include "daemon/store/store_sqlite.h"

#define PATH_BYTES (SETTINGS_PATH_SIZE + 64)
#define PIECE 65536

struct restoring {
	const struct config *config;
	const char *file;
	char database[PATH_BYTES], image[PATH_BYTES], image_manifest[PATH_BYTES], fresh[PATH_BYTES];
};

static void name_files(struct restoring *s)
{
	const char *dir = s->config->net.data_dir;
	snprintf(s->database, PATH_BYTES, "%s/replica.db", dir);
	snprintf(s->image, PATH_BYTES, "%s/restore.image", dir);
	snprintf(s->image_manifest, PATH_BYTES, "%s/restore.image" MANIFEST_SUFFIX, dir);
	snprintf(s->fresh, PATH_BYTES, "%s/restore.db", dir);
}

static int io_error(const char *path, struct err *e)
{
	return err_set(
		e, errno == ENOSPC ? RC_DISK_FULL : RC_IO, "\"%.150s\": %s", path, strerror(errno));
}

/* A daemon holds its database for as long as it runs. */
static int check_stopped(const struct restoring *s, struct err *e)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(s->database, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? RC_OK : io_error(s->database, e);
	int rc = RC_OK;
	if (fcntl(fd, F_GETLK, &lock) != 0)
		rc = io_error(s->database, e);
	else if (lock.l_type != F_UNLCK)
		rc = err_set(e, RC_BUSY, "deltad runs on \"%.150s\" (pid %d): stop it first",
			s->config->net.data_dir, (int)lock.l_pid);
	close(fd);
	return rc;
}

/* ---- the private copy: what is verified is what is read ---- */

/* *in -1: there is none. */
static int open_source(const char *path, bool may_lack, int *in, struct err *e)
{
	struct stat st;
	*in = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*in < 0 && errno == ENOENT && may_lack)
		return RC_OK;
	if (*in < 0)
		return err_set(e, RC_INPUT, "\"%.150s\": %s", path, strerror(errno));
	if (fstat(*in, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(e, RC_INPUT, "\"%.150s\" is not a regular file", path);
	return RC_OK;
}

static int copy_bytes(int from, int to, const char *path, struct err *e)
{
	uint8_t *piece = xalloc(PIECE);
	int rc = RC_OK;
	for (ssize_t n = 1; rc == RC_OK && n > 0;) {
		n = read(from, piece, PIECE);
		if (n < 0 || (n > 0 && write(to, piece, (size_t)n) != n))
			rc = io_error(path, e);
	}
	free(piece);
	return rc;
}

static int copy_source(int in, const char *to, struct err *e)
{
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return io_error(to, e);
	int rc = copy_bytes(in, out, to, e);
	close(out);
	return rc;
}

/* Nobody answers for what stands in the file: root looks at it with the rights that the node has,
 * who will own what comes of it. */
static int drop_rights(const struct restoring *s, struct err *e)
{
	struct stat st;
	if (geteuid() != 0)
		return RC_OK;
	if (stat(s->config->net.data_dir, &st) != 0)
		return io_error(s->config->net.data_dir, e);
	if (st.st_uid != 0 &&
		(setgroups(0, NULL) != 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) != 0 ||
			setresuid(st.st_uid, st.st_uid, st.st_uid) != 0))
		return err_set(e, RC_SETUP, "the rights of the owner of \"%.150s\": %s",
			s->config->net.data_dir, strerror(errno));
	return RC_OK;
}

static int take_copy(struct restoring *s, struct err *e)
{
	char manifest[PATH_BYTES];
	int in[2] = {-1, -1};
	if ((size_t)snprintf(manifest, sizeof(manifest), "%s" MANIFEST_SUFFIX, s->file) >=
		sizeof(manifest))
		return err_set(e, RC_INPUT, "the path is too long");
	int rc = open_source(s->file, false, &in[0], e);
	if (rc == RC_OK)
		rc = open_source(manifest, true, &in[1], e);
	if (rc == RC_OK)
		rc = drop_rights(s, e);
	if (rc == RC_OK)
		rc = copy_source(in[0], s->image, e);
	if (rc == RC_OK && in[1] >= 0)
		rc = copy_source(in[1], s->image_manifest, e);
	for (size_t i = 0; i < 2; i++)
		if (in[i] >= 0)
			close(in[i]);
	return rc;
}

/* ---- the new database ---- */

/* What the next start must know: it was restored, and how far the epochs had come. */
static int mark_restored(const struct restoring *s, struct err *e)
{
	struct mark mark = {0};
	struct mark_file *file = NULL;
	struct origin origin = {0};
	struct store *store = NULL;
	char word[32];
	/* An unreadable mark says nothing; it goes either way. */
	if (mark_file_open(s->config->mark_file, s->config->net.member, &file, &mark, NULL) ==
			RC_OK &&
		mark.present)
		(void)!origin_parse(bytes_str(mark.origin), &origin, NULL);
	mark_file_close(file);
	snprintf(word, sizeof(word), "restore %u", origin.epoch);
	int rc = store_sqlite_open(s->fresh, NULL, &store, e);
	if (rc == RC_OK)
		rc = store->ops->begin(store, e);
	if (rc == RC_OK)
		rc = store->ops->meta_put(store, "rebuild", bytes_str(word), e);
	if (rc == RC_OK)
		rc = store->ops->commit(store, e);
	store_sqlite_close(store);
	return rc;
}

/* What the file derived from its entries is passed by: only what is signed is taken. */
static int build(struct restoring *s, struct restored *out, struct err *e)
{
	struct recovery r;
	struct buf text = {0};
	int rc = recover_read(
		s->image, s->fresh, &s->config->net.cluster_id, s->config->net.member, &r, e);
	if (rc != RC_OK)
		return rc;
	rc = recover_describe(&r, s->image, &text, &out->sealed, e);
	out->entries = r.entries;
	recover_release(&r);
	buf_release(&text);
	return rc == RC_OK ? mark_restored(s, e) : rc;
}

/* ---- the exchange ---- */

static int sync_folder(const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? RC_OK : io_error(dir, e);
	if (fd >= 0)
		close(fd);
	return rc;
}

static const char *const database_parts[] = {"-wal", "-shm", SEAL_SUFFIX, ""};
#define DATABASE_PARTS (sizeof(database_parts) / sizeof(database_parts[0]))

static bool stands_there(const char *database)
{
	char name[sizeof(((struct restored *)0)->aside) + 8];
	struct stat st;
	bool there = false;
	for (size_t i = 0; i < DATABASE_PARTS; i++) {
		snprintf(name, sizeof(name), "%s%s", database, database_parts[i]);
		there = there || lstat(name, &st) == 0;
	}
	return there;
}

/* A name of its own even if two databases are replaced within a second. */
static void name_aside(const struct restoring *s, struct restored *out)
{
	char stamp[MANIFEST_TIME_SIZE];
	manifest_now(stamp);
	snprintf(out->aside, sizeof(out->aside), "%s.before-%s", s->database, stamp);
	for (unsigned i = 2; stands_there(out->aside); i++)
		snprintf(out->aside, sizeof(out->aside), "%s.before-%s-%u", s->database, stamp, i);
}

/* Also what stands there without its database: a log of another one would be taken for the new
 * one's. */
static int move_aside(const struct restoring *s, struct restored *out, struct err *e)
{
	char from[PATH_BYTES + 8], to[sizeof(out->aside) + 8];
	struct stat st;
	bool had_one = lstat(s->database, &st) == 0;
	name_aside(s, out);
	for (size_t i = 0; i < DATABASE_PARTS; i++) {
		snprintf(from, sizeof(from), "%s%s", s->database, database_parts[i]);
		snprintf(to, sizeof(to), "%s%s", out->aside, database_parts[i]);
		if (rename(from, to) != 0 && errno != ENOENT)
			return io_error(from, e);
	}
	if (!had_one)
		out->aside[0] = '\0';
	return RC_OK;
}

/* The mark goes first: from then on no database here goes on in the old epoch, whatever happens. */
static int exchange(const struct restoring *s, struct restored *out, struct err *e)
{
	int rc = RC_OK;
	if (unlink(s->config->mark_file) != 0 && errno != ENOENT)
		rc = io_error(s->config->mark_file, e);
	if (rc == RC_OK)
		rc = move_aside(s, out, e);
	if (rc == RC_OK && rename(s->fresh, s->database) != 0)
		rc = io_error(s->database, e);
	return rc == RC_OK ? sync_folder(s->config->net.data_dir, e) : rc;
}

static void remove_leftovers(const struct restoring *s)
{
	char name[PATH_BYTES + 8];
	static const char *const parts[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", s->fresh, parts[i]);
		(void)unlink(name);
	}
	(void)unlink(s->image);
	(void)unlink(s->image_manifest);
}

int restore_run(const char *file, const struct config *c, struct restored *out, struct err *e)
{
	struct restoring s = {.config = c, .file = file};
	*out = (struct restored){0};
	name_files(&s);
	int rc = check_stopped(&s, e);
	if (rc != RC_OK)
		return rc;
	remove_leftovers(&s);
	rc = take_copy(&s, e);
	if (rc == RC_OK)
		rc = build(&s, out, e);
	if (rc == RC_OK)
		rc = exchange(&s, out, e);
	remove_leftovers(&s);
	return rc;
}
