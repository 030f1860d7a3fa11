/* The floor under the figures of tests/bench/run: what cannot be left out, on the same data and the
 * same file system, in one process and without a protocol. */
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/base/text.h"
#include "proto/trust/key.h"
#include "proto/trust/merkle.h"

#define ROWS_PER_COMMIT 1000
#define LOG_BYTES (16 * 1024 * 1024) /* as long as the daemon lets it become */
#define VERIFIERS 2
#define VERIFY_CHUNK 64

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "bench_floor: %s: %s\n", what, why);
	exit(1);
}

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the database: one table, one row a leaf ---- */

struct database {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *insert;
};

static void run(struct database *d, const char *sql)
{
	if (sqlite3_exec(d->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail(sql, sqlite3_errmsg(d->db));
}

static sqlite3_stmt *prepare(struct database *d, const char *sql)
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(d->db, sql, -1, &s, NULL) != SQLITE_OK)
		fail(sql, sqlite3_errmsg(d->db));
	return s;
}

static void step(struct database *d, sqlite3_stmt *s)
{
	if (sqlite3_step(s) != SQLITE_DONE)
		fail("step", sqlite3_errmsg(d->db));
	sqlite3_reset(s);
}

static void database_open(struct database *d, const char *path)
{
	if (sqlite3_open(path, &d->db) != SQLITE_OK)
		fail(path, sqlite3_errmsg(d->db));
	run(d,
		"PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;"
		"CREATE TABLE entry(idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL) STRICT");
	d->begin = prepare(d, "BEGIN IMMEDIATE");
	d->commit = prepare(d, "COMMIT");
	d->insert = prepare(d, "INSERT INTO entry(idx, leaf) VALUES(?, ?)");
}

static void database_put(struct database *d, size_t index, struct bytes leaf)
{
	sqlite3_bind_int64(d->insert, 1, (sqlite3_int64)index);
	sqlite3_bind_blob(d->insert, 2, leaf.p, (int)leaf.n, SQLITE_STATIC);
	step(d, d->insert);
}

static void database_close(struct database *d)
{
	sqlite3_finalize(d->begin);
	sqlite3_finalize(d->commit);
	sqlite3_finalize(d->insert);
	sqlite3_close(d->db);
}

/* ---- catch-up ---- */

struct record {
	struct bytes leaf, pae, key, signature;
};

struct input {
	struct buf file;
	struct record *record;
	size_t n;
	atomic_size_t next; /* to be verified */
	atomic_size_t bad;
};

static void input_read(struct input *in, const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t got;
	if (!f)
		fail(path, strerror(errno));
	while ((got = fread(buf_reserve(&in->file, 1 << 20), 1, 1 << 20, f)) > 0)
		in->file.n += got;
	fclose(f);
	struct reader r = reader_of(buf_bytes(&in->file));
	size_t cap = 0;
	while (r.rest.n > 0 && reader_ok(&r)) {
		if (in->n == cap) {
			cap = cap ? 2 * cap : 1024;
			in->record = xrealloc(in->record, cap * sizeof(*in->record));
		}
		struct record *x = &in->record[in->n++];
		x->leaf = reader_take(&r, reader_u32be(&r));
		x->pae = reader_take(&r, reader_u32be(&r));
		x->key = reader_take(&r, KEY_BYTES);
		x->signature = reader_take(&r, SIGNATURE_BYTES);
	}
	if (!reader_ok(&r) || in->n == 0)
		fail(path, "not what bench_load dump writes");
}

static void *verify(void *arg)
{
	struct input *in = arg;
	size_t from;
	while ((from = atomic_fetch_add(&in->next, VERIFY_CHUNK)) < in->n)
		for (size_t i = from; i < in->n && i < from + VERIFY_CHUNK; i++) {
			const struct record *x = &in->record[i];
			if (crypto_sign_verify_detached(
				    x->signature.p, x->pae.p, x->pae.n, x->key.p) != 0)
				atomic_fetch_add(&in->bad, 1);
		}
	return NULL;
}

static void store(struct input *in, struct database *d, struct hash *root)
{
	struct frontier f = {0};
	for (size_t i = 0; i < in->n; i++) {
		struct hash h;
		if (i % ROWS_PER_COMMIT == 0)
			step(d, d->begin);
		merkle_leaf_hash(in->record[i].leaf, &h);
		frontier_append(&f, &h);
		database_put(d, i, in->record[i].leaf);
		if ((i + 1) % ROWS_PER_COMMIT == 0 || i + 1 == in->n)
			step(d, d->commit);
	}
	frontier_root(&f, root);
}

static int catchup(const char *dump, const char *path)
{
	struct input in = {0};
	struct database d = {0};
	pthread_t thread[VERIFIERS];
	struct hash root;
	input_read(&in, dump);
	database_open(&d, path);
	double start = seconds_now();
	for (int i = 0; i < VERIFIERS; i++)
		if (pthread_create(&thread[i], NULL, verify, &in) != 0)
			fail("pthread_create", strerror(errno));
	store(&in, &d, &root);
	double stored = seconds_now();
	for (int i = 0; i < VERIFIERS; i++)
		pthread_join(thread[i], NULL);
	double end = seconds_now();
	if (in.bad > 0)
		fail(dump, "a signature does not verify");
	printf("{\"changes\": %zu, \"seconds\": %.6f, \"stored_seconds\": %.6f}\n", in.n,
		end - start, stored - start);
	database_close(&d);
	buf_release(&in.file);
	free(in.record);
	return 0;
}

/* ---- durable commits of one row ---- */

/* Writing over a log that has been long already costs less than making it longer. */
static size_t grow_log(struct database *d, struct bytes leaf)
{
	size_t rows = LOG_BYTES / leaf.n;
	step(d, d->begin);
	for (size_t i = 0; i < rows; i++)
		database_put(d, i, leaf);
	step(d, d->commit);
	run(d, "PRAGMA wal_checkpoint(RESTART); PRAGMA wal_autocheckpoint = 3900");
	return rows;
}

static int commits(const char *count, const char *path, bool grown)
{
	struct database d = {0};
	uint8_t leaf[250];
	uint64_t n;
	if (!decimal_parse(bytes_str(count), 1000000, &n) || n == 0)
		fail(count, "no count");
	randombytes_buf(leaf, sizeof(leaf));
	database_open(&d, path);
	size_t before = grown ? grow_log(&d, bytes_of(leaf, sizeof(leaf))) : 0;
	double start = seconds_now();
	for (size_t i = 0; i < n; i++) {
		step(&d, d.begin);
		database_put(&d, before + i, bytes_of(leaf, sizeof(leaf)));
		step(&d, d.commit);
	}
	double seconds = seconds_now() - start;
	printf("{\"commits\": %llu, \"seconds\": %.6f, \"per_second\": %.1f}\n",
		(unsigned long long)n, seconds, (double)n / seconds);
	database_close(&d);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	if (trust_init(&e) != RC_OK)
		fail("start", e.text);
	if (argc == 4 && strcmp(argv[1], "catchup") == 0)
		return catchup(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "commits") == 0)
		return commits(argv[2], argv[3], false);
	if (argc == 4 && strcmp(argv[1], "commits-grown") == 0)
		return commits(argv[2], argv[3], true);
	fputs("usage: bench_floor catchup DUMP NEW_DATABASE\n"
	      "       bench_floor commits COUNT NEW_DATABASE\n"
	      "       bench_floor commits-grown COUNT NEW_DATABASE   (its log was long before)\n",
		stderr);
	return 2;
}
