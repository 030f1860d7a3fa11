#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "proto/trust/key_file.h"
#include "proto/trust/secret.h"

/* crypto_pwhash's MODERATE. */
static const struct key_cost cost_of_saving = {
	crypto_pwhash_argon2id_OPSLIMIT_MODERATE, crypto_pwhash_argon2id_MEMLIMIT_MODERATE / 1024};

static int io_error(struct err *e, const char *what)
{
	int rc = errno == ENOSPC || errno == EDQUOT ? RC_DISK_FULL : RC_IO;
	return err_set(e, rc, "cannot %s: %s", what, strerror(errno));
}

static int write_all(int fd, const char *text, size_t n, struct err *e)
{
	while (n > 0) {
		ssize_t done = write(fd, text, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return io_error(e, "write");
		text += done;
		n -= (size_t)done;
	}
	return fsync(fd) == 0 ? RC_OK : io_error(e, "fsync");
}

static int write_new_file(const char *path, const char *text, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return io_error(e, "create a file in this folder");
	int rc = write_all(fd, text, strlen(text), e);
	if (close(fd) != 0 && rc == RC_OK)
		rc = io_error(e, "close");
	if (rc)
		(void)unlink(path);
	return rc;
}

static int move_into_place(const char *tmp, const char *path, struct err *e)
{
	if (renameat2(AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return RC_OK;
	int rc = errno != EEXIST ? io_error(e, "rename")
				 : err_set(e, RC_REFUSED,
					   "exists already, and keys are never overwritten: choose "
					   "another name, or move the file away");
	(void)unlink(tmp);
	return rc;
}

static int sync_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct buf folder = {0};
	if (!slash)
		buf_put(&folder, ".", 2);
	else
		buf_printf(&folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	buf_put_u8(&folder, 0);
	int fd = open((const char *)folder.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? RC_OK : io_error(e, "fsync the folder");
	if (fd >= 0)
		close(fd);
	buf_release(&folder);
	return rc;
}

static int put_file(const char *path, const char *text, struct err *e)
{
	struct buf tmp = {0};
	buf_printf(&tmp, "%s.%08" PRIx32 ".tmp", path, randombytes_random());
	buf_put_u8(&tmp, 0);
	const char *tmp_path = (const char *)tmp.p;
	int rc = write_new_file(tmp_path, text, e);
	rc = rc ? rc : move_into_place(tmp_path, path, e);
	buf_release(&tmp);
	return rc ? rc : sync_folder(path, e);
}

static int with_path(struct err *e, int rc, const char *path)
{
	if (rc && e)
		err_prefix(e, "key file \"%s\"", path);
	return rc;
}

int key_save(const struct key *k, const char *path, const char *passphrase, struct err *e)
{
	char *text = secret_alloc(KEY_FILE_MAX);
	int rc = key_file_print(k, passphrase, cost_of_saving, text, e);
	rc = rc ? rc : put_file(path, text, e);
	sodium_free(text);
	return with_path(e, rc, path);
}

/* Nobody but the owner; a service manager may hand root's file to one group (0440). */
static int check_mode(const struct stat *st, struct err *e)
{
	const mode_t never = S_IWGRP | S_IXGRP | S_IRWXO;
	bool group_may_read = (st->st_mode & S_IRGRP) && st->st_uid != 0;
	if ((st->st_mode & never) || group_may_read)
		return err_set(e, RC_KEYFILE,
			"others may read or write it (mode %04o): run chmod 600 on it, and think "
			"of "
			"the key as known",
			(unsigned)(st->st_mode & 07777));
	return RC_OK;
}

static int check_kind(int fd, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return io_error(e, "stat");
	if (!S_ISREG(st.st_mode))
		return err_set(e, RC_KEYFILE, "not a regular file");
	if (st.st_size > KEY_FILE_MAX)
		return err_set(e, RC_KEYFILE, "more than %d bytes: no key file", KEY_FILE_MAX);
	return check_mode(&st, e);
}

static int open_key_file(const char *path, int *fd, struct err *e)
{
	*fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd >= 0)
		return RC_OK;
	if (errno == ELOOP)
		return err_set(e, RC_KEYFILE, "a symbolic link: name the file itself");
	return err_set(e, RC_KEYFILE, "cannot open: %s", strerror(errno));
}

/* One byte more than a key file has, so that a file that grew meanwhile is seen. */
static int read_some(int fd, uint8_t text[KEY_FILE_MAX + 1], size_t *n, struct err *e)
{
	*n = 0;
	for (;;) {
		ssize_t got = read(fd, text + *n, KEY_FILE_MAX + 1 - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return io_error(e, "read");
		*n += (size_t)got;
		if (got == 0 || *n > KEY_FILE_MAX)
			return RC_OK;
	}
}

static int read_key_file(
	const char *path, uint8_t text[KEY_FILE_MAX + 1], struct key_file *f, struct err *e)
{
	int fd;
	size_t n = 0;
	int rc = open_key_file(path, &fd, e);
	if (rc)
		return rc;
	rc = check_kind(fd, e);
	rc = rc ? rc : read_some(fd, text, &n, e);
	close(fd);
	return rc ? rc : key_file_parse(bytes_of(text, n), f, e);
}

static int check_purpose(const struct key_file *f, enum key_purpose want, struct err *e)
{
	if (!want || f->purpose == want)
		return RC_OK;
	return err_set(e, RC_KEYFILE, "a %s key of %s, and a %s key is needed",
		key_purpose_name(f->purpose), f->member, key_purpose_name(want));
}

int key_load(struct key *k, const char *path, enum key_purpose want,
	const char *(*passphrase)(void *arg), void *arg, struct err *e)
{
	uint8_t *text = secret_alloc(KEY_FILE_MAX + 1);
	struct key_file *f = secret_alloc(sizeof *f);
	int rc = read_key_file(path, text, f, e);
	rc = rc ? rc : check_purpose(f, want, e);
	if (rc == RC_OK) {
		const char *secret = f->boxed && passphrase ? passphrase(arg) : NULL;
		rc = key_file_open(f, secret, k, e);
	}
	sodium_free(f);
	sodium_free(text);
	return with_path(e, rc, path);
}

int key_look(struct key *k, const char *path, bool *encrypted, struct err *e)
{
	uint8_t *text = secret_alloc(KEY_FILE_MAX + 1);
	struct key_file *f = secret_alloc(sizeof *f);
	int rc = read_key_file(path, text, f, e);
	if (rc == RC_OK) {
		*k = (struct key){.purpose = f->purpose};
		memcpy(k->member, f->member, sizeof k->member);
		memcpy(k->name, f->name, sizeof k->name);
		memcpy(k->public, f->public, KEY_BYTES);
		*encrypted = f->boxed;
	}
	sodium_free(f);
	sodium_free(text);
	return with_path(e, rc, path);
}
