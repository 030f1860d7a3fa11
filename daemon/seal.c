#include "daemon/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/mutant.h"
#include "proto/trust/hash.h"

#define PATH_BYTES 1200
#define PIECE 65536
#define SEALED_MAX ((off_t)256 * 1024 * 1024) /* reading more would delay a stop by seconds */
#define LINE "deltad-seal/1 %s\n"
#define LINE_BYTES (14 + HASH_HEX_SIZE - 1 + 1)

static bool hash_of(const char *path, struct hash *out)
{
	struct sha256_stream s;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	uint8_t *piece = xalloc(PIECE);
	ssize_t n;
	sha256_begin(&s);
	while ((n = read(fd, piece, PIECE)) > 0)
		sha256_add(&s, bytes_of(piece, (size_t)n));
	sha256_end(&s, out);
	free(piece);
	close(fd);
	return n == 0;
}

static bool path_of(const char *database, char out[PATH_BYTES])
{
	return (size_t)snprintf(out, PATH_BYTES, "%s" SEAL_SUFFIX, database) < PATH_BYTES;
}

static int sync_folder_of(const char *path)
{
	char copy[PATH_BYTES];
	snprintf(copy, sizeof(copy), "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int failed = fsync(fd);
	close(fd);
	return failed;
}

void seal_write(const char *database)
{
	char path[PATH_BYTES], hex[HASH_HEX_SIZE];
	struct hash h;
	struct stat st;
	if (!path_of(database, path) || stat(database, &st) != 0 || st.st_size > SEALED_MAX ||
		!hash_of(database, &h))
		return;
	hash_print(&h, hex);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	/* Half a line is no seal. */
	(void)!dprintf(fd, LINE, hex);
	close(fd);
}

static bool read_seal(const char *path, char hex[HASH_HEX_SIZE])
{
	char line[LINE_BYTES + 1] = {0};
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, line, sizeof(line));
	close(fd);
	if (n != LINE_BYTES || memcmp(line, LINE, 14) != 0 || line[LINE_BYTES - 1] != '\n')
		return false;
	memcpy(hex, line + 14, HASH_HEX_SIZE - 1);
	hex[HASH_HEX_SIZE - 1] = '\0';
	return true;
}

int seal_break(const char *database, struct err *e)
{
	char path[PATH_BYTES], sealed[HASH_HEX_SIZE], now[HASH_HEX_SIZE];
	struct hash h;
	if (!path_of(database, path) || access(path, F_OK) != 0)
		return RC_OK;
	if (read_seal(path, sealed) && hash_of(database, &h)) {
		hash_print(&h, now);
		if (strcmp(sealed, now) != 0 && !MUTANT(SEAL_IGNORED))
			return err_set(e, RC_CORRUPT,
				"the database is not the one that this node closed: the disk "
				"damaged it, or somebody replaced it; move it away and `deltactl "
				"restore` or `deltactl rebuild --from-peers`");
	}
	if (unlink(path) != 0 || sync_folder_of(path) != 0)
		return err_set(e, RC_IO, "\"%.150s\": %s", path, strerror(errno));
	return RC_OK;
}
