#include "tests/lib/store_fixture.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct store_fixture *open_fixture(bool in_memory)
{
	struct store_fixture *f = xalloc(sizeof *f);
	f->in_memory = in_memory;
	snprintf(f->path, sizeof f->path, ":memory:");
	if (!in_memory) {
		char *tmp = realpath(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", NULL);
		ENSURE(tmp != NULL);
		snprintf(f->folder, sizeof f->folder, "%.200s/deltad-store-XXXXXX", tmp);
		free(tmp);
		ENSURE(mkdtemp(f->folder) != NULL);
		snprintf(f->path, sizeof f->path, "%s/db", f->folder);
	}
	store_fixture_reopen(f);
	return f;
}

int store_fixture_in_memory(void **state)
{
	*state = open_fixture(true);
	return 0;
}

int store_fixture_in_file(void **state)
{
	*state = open_fixture(false);
	return 0;
}

void store_fixture_reopen(struct store_fixture *f)
{
	store_sqlite_close(f->s);
	f->s = NULL;
	if (store_sqlite_open(f->path, f->vfs, &f->s, &f->e) != RC_OK) {
		fprintf(stderr, "%s: %s\n", f->path, f->e.text);
		abort();
	}
}

void store_fixture_wipe(struct store_fixture *f)
{
	ENSURE(f->s == NULL && !f->in_memory);
	DIR *d = opendir(f->folder);
	ENSURE(d != NULL);
	for (struct dirent *x = readdir(d); x != NULL; x = readdir(d)) {
		if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0)
			ENSURE(unlinkat(dirfd(d), x->d_name, 0) == 0);
	}
	closedir(d);
}

int store_fixture_release(void **state)
{
	struct store_fixture *f = *state;
	store_sqlite_close(f->s);
	f->s = NULL;
	if (!f->in_memory) {
		store_fixture_wipe(f);
		ENSURE(rmdir(f->folder) == 0);
	}
	free(f);
	return 0;
}

static void path_of(const struct store_fixture *f, const char *suffix, char *out, size_t n)
{
	snprintf(out, n, "%s%s", f->path, suffix);
}

int64_t store_fixture_size(const struct store_fixture *f, const char *suffix)
{
	char path[400];
	struct stat st;
	path_of(f, suffix, path, sizeof path);
	return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

void store_fixture_read(const struct store_fixture *f, const char *suffix, struct buf *out)
{
	char path[400];
	uint8_t block[4096];
	path_of(f, suffix, path, sizeof path);
	FILE *in = fopen(path, "rbe");
	ENSURE(in != NULL);
	for (size_t n; (n = fread(block, 1, sizeof block, in)) > 0;)
		buf_put(out, block, n);
	fclose(in);
}

void store_fixture_write(const struct store_fixture *f, const char *suffix, struct bytes b)
{
	char path[400];
	path_of(f, suffix, path, sizeof path);
	FILE *out = fopen(path, "wbe");
	ENSURE(out != NULL);
	if (b.n > 0)
		ENSURE(fwrite(b.p, 1, b.n, out) == b.n);
	ENSURE(fclose(out) == 0);
}

static int keep_first(void *arg, int n, char **value, char **name)
{
	(void)n;
	(void)name;
	char *out = arg;
	if (out[0] == '\0')
		snprintf(out, 200, "%s", value[0]);
	return 0;
}

void store_fixture_integrity(const struct store_fixture *f, char *out, size_t n)
{
	char first[200] = "";
	sqlite3 *db = NULL;
	int code = sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "PRAGMA integrity_check", keep_first, first, NULL);
	snprintf(out, n, "%s", code == SQLITE_OK ? first : sqlite3_errmsg(db));
	sqlite3_close(db);
}

void store_fixture_sql(const struct store_fixture *f, const char *sql)
{
	sqlite3 *db = NULL;
	ENSURE(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
		SQLITE_OK);
	char *why = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, why);
		abort();
	}
	ENSURE(sqlite3_close(db) == SQLITE_OK);
}

static void must(struct store_fixture *f, int rc)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "%s: %s\n", f->path, f->e.text);
	abort();
}

void store_fixture_begin(struct store_fixture *f)
{
	must(f, f->s->ops->begin(f->s, &f->e));
}

void store_fixture_commit(struct store_fixture *f)
{
	must(f, f->s->ops->commit(f->s, &f->e));
}

int64_t store_fixture_register(
	struct store_fixture *f, const char *task, uint32_t slot, const char *holder)
{
	int64_t reg = 0;
	must(f, STORE_DO(f, register_id, bytes_str(task), slot, bytes_str(holder), true, &reg));
	return reg;
}

struct hash hash_of_number(uint64_t n)
{
	struct hash h = {0};
	put_u64be(h.b, n);
	return h;
}
