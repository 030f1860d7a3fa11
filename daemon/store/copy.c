#include "daemon/store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/result.h"
#include "proto/base/bytes.h"

static int sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int failed = fsync(fd);
	int error = errno;
	close(fd);
	errno = error;
	return failed;
}

static int sync_folder_of(const char *path)
{
	char *copy = xstrdup(path);
	int failed = sync_path(dirname(copy), O_RDONLY | O_DIRECTORY);
	free(copy);
	return failed;
}

static int vacuum_into(sqlite3 *db, const char *path, const char *doing, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int attached = sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
	int code = sqlite3_prepare_v2(db, "VACUUM INTO :path", -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	int rc = RC_OK;
	if (code != SQLITE_DONE)
		rc = result_set(e, db, code, PHASE_OPEN, doing);
	sqlite3_finalize(stmt);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, attached);
	return rc;
}

int copy_make(sqlite3 *db, const char *path, const char *doing, struct err *e)
{
	int rc = vacuum_into(db, path, doing, e);
	if (rc == RC_OK && sync_path(path, O_RDONLY) != 0)
		rc = err_set(e, RC_IO, "cannot %s: \"%s\": %s", doing, path, strerror(errno));
	if (rc != RC_OK)
		(void)unlink(path);
	return rc;
}

int copy_name(const char *path, const char *name, struct err *e)
{
	if (rename(path, name) != 0 || sync_folder_of(name) != 0)
		return err_set(e, RC_IO, "cannot keep the copy \"%s\": %s", name, strerror(errno));
	return RC_OK;
}
