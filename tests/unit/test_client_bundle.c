/* Bundles as files on this machine: what is no plain file is not read, and one that changes while
 * it is being read never gives its last piece. H58 to H60 of the hostile-input catalogue. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/bundle.h"

struct place {
	char folder[64], path[96];
};

static int set_up(void **state)
{
	struct place *p = xalloc(sizeof(*p));
	snprintf(p->folder, sizeof(p->folder), "/tmp/deltad-bundle-XXXXXX");
	if (!mkdtemp(p->folder))
		return 1;
	snprintf(p->path, sizeof(p->path), "%s/file", p->folder);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	unlink(p->path);
	rmdir(p->folder);
	free(p);
	return 0;
}

static void write_bytes(const struct place *p, size_t n, const char *mode)
{
	FILE *f = fopen(p->path, mode);
	assert_non_null(f);
	for (size_t i = 0; i < n; i++)
		fputc('x', f);
	assert_int_equal(fclose(f), 0);
}

static int open_once(const char *path, struct err *e)
{
	struct bundle_file f;
	*e = (struct err){0};
	int rc = bundle_open(&f, path, e);
	bundle_close(&f);
	return rc;
}

static void h58_what_is_no_plain_file_is_refused_unread(void **state)
{
	struct place *p = *state;
	struct err e;
	assert_int_equal(open_once(p->path, &e), RC_NOT_FOUND);
	assert_int_equal(symlink("/etc/hostname", p->path), 0);
	assert_int_equal(open_once(p->path, &e), RC_INPUT);
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(mkfifo(p->path, 0600), 0); /* nobody writes: it must not wait */
	assert_int_equal(open_once(p->path, &e), RC_INPUT);
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(open_once(p->folder, &e), RC_INPUT);
	assert_int_equal(open_once("/dev/zero", &e), RC_INPUT);
	write_bytes(p, 0, "w");
	assert_int_equal(open_once(p->path, &e), RC_BUNDLE);
}

static void h58_sparse_file_is_judged_by_its_size(void **state)
{
	struct place *p = *state;
	struct err e;
	write_bytes(p, 1, "w");
	assert_int_equal(truncate(p->path, (off_t)10 << 30), 0);
	assert_int_equal(open_once(p->path, &e), RC_TOO_BIG);
	assert_int_equal(truncate(p->path, (off_t)LIMIT_BUNDLE_BYTES + 1), 0);
	assert_int_equal(open_once(p->path, &e), RC_TOO_BIG);
	assert_int_equal(truncate(p->path, LIMIT_BUNDLE_BYTES), 0);
	assert_int_equal(open_once(p->path, &e), RC_OK);
	assert_int_equal(truncate(p->path, LIMIT_BUNDLE_BYTES - 1), 0);
	assert_int_equal(open_once(p->path, &e), RC_OK);
}

/* Reads to the end; the change happens after the first piece. */
static int read_while(const struct place *p, void (*change)(const struct place *), size_t *got)
{
	struct bundle_file f;
	struct buf piece = {0};
	struct err e = {0};
	/* Long ago: the clock of files may be too coarse to tell now from now. */
	const struct timespec past[2] = {{1000000000, 0}, {1000000000, 0}};
	*got = 0;
	assert_int_equal(utimensat(AT_FDCWD, p->path, past, 0), 0);
	assert_int_equal(bundle_open(&f, p->path, &e), RC_OK);
	int rc = bundle_read(&f, &piece, &e);
	*got += rc == RC_OK ? piece.n : 0;
	change(p);
	while (rc == RC_OK && f.left > 0) {
		rc = bundle_read(&f, &piece, &e);
		*got += rc == RC_OK ? piece.n : 0;
	}
	buf_release(&piece);
	bundle_close(&f);
	return rc;
}

static void nothing(const struct place *p)
{
	(void)p;
}

static void append(const struct place *p)
{
	write_bytes(p, 1, "a");
}

static void cut(const struct place *p)
{
	assert_int_equal(truncate(p->path, CTL_PIECE_BYTES + 10), 0);
}

/* The same size, other bytes, in what was read already. */
static void overwrite(const struct place *p)
{
	FILE *f = fopen(p->path, "r+");
	assert_non_null(f);
	fputc('y', f);
	assert_int_equal(fclose(f), 0);
}

static void h60_file_that_changes_while_it_is_read_never_gives_its_last_piece(void **state)
{
	struct place *p = *state;
	void (*const changes[])(const struct place *) = {append, cut, overwrite};
	const size_t size = 2 * (size_t)CTL_PIECE_BYTES + 5;
	size_t got;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		write_bytes(p, size, "w");
		assert_int_equal(read_while(p, changes[i], &got), RC_BUNDLE);
		assert_true(got < size);
	}
	write_bytes(p, size, "w");
	assert_int_equal(read_while(p, nothing, &got), RC_OK);
	assert_int_equal(got, size);
}

static int count(void *arg, const struct message *m, struct err *e)
{
	(void)e;
	*(size_t *)arg += m->kind == MESSAGE_HELLO;
	return RC_OK;
}

static void records_of_a_file_are_read_and_faults_are_placed(void **state)
{
	struct place *p = *state;
	static const uint8_t cluster[32] = {1};
	struct sha256_stream sha;
	struct bundle_writer w;
	struct buf file = {0};
	struct err e = {0};
	struct message m = {.kind = MESSAGE_HELLO};
	size_t hellos = 0;
	m.hello.protocol_min = m.hello.protocol_max = 1;
	m.hello.cluster_id = bytes_of(cluster, 32);
	m.hello.member = bytes_str("jiangsu");
	bundle_write_begin(&w, sha256_sum(&sha), &file);
	bundle_write(&w, &m, &file);
	bundle_write_end(&w, &file);
	for (size_t n = file.n; n >= file.n - 1; n--) {
		FILE *f = fopen(p->path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(file.p, 1, n, f), n);
		assert_int_equal(fclose(f), 0);
		int rc = bundle_each(p->path, count, &hellos, &e);
		assert_int_equal(rc, n == file.n ? RC_OK : RC_BUNDLE);
		if (rc != RC_OK && strncmp(e.text, "record 2 at byte ", 17) != 0)
			fail_msg("%s", e.text);
	}
	assert_int_equal(hellos, 2);
	buf_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			h58_what_is_no_plain_file_is_refused_unread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			h58_sparse_file_is_judged_by_its_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			h60_file_that_changes_while_it_is_read_never_gives_its_last_piece, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			records_of_a_file_are_read_and_faults_are_placed, set_up, tear_down),
	};
	return trust_init(NULL) ? 1
				: cmocka_run_group_tests_name("client bundle", tests, NULL, NULL);
}
