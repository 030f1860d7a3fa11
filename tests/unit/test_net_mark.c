#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/net/marker.h"

struct place {
	char dir[32], path[64];
};

static int set_up(void **state)
{
	struct err e = {0};
	assert_int_equal(trust_init(&e), RC_OK);
	struct place *p = xalloc(sizeof(*p));
	snprintf(p->dir, sizeof(p->dir), "/tmp/deltad-mark-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/head", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	chmod(p->dir, 0700);
	unlink(p->path);
	rmdir(p->dir);
	free(p);
	return 0;
}

static struct mark mark_of(const char *origin, uint64_t size)
{
	struct mark m = {.present = true, .size = size};
	snprintf(m.origin, sizeof(m.origin), "%s", origin);
	memset(m.root.b, (int)(size & 0xff), sizeof(m.root.b));
	return m;
}

#define ORIGIN "yrd/jiangsu/1-9f3a6c0d"

static void assert_open(struct place *p, uint64_t size)
{
	struct mark_file *m;
	struct mark found;
	struct err e = {0};
	assert_int_equal(mark_file_open(p->path, "jiangsu", &m, &found, &e), RC_OK);
	struct mark want = mark_of(ORIGIN, size);
	assert_true(found.present);
	assert_int_equal(found.size, size);
	assert_string_equal(found.origin, ORIGIN);
	assert_true(hash_equal(&found.root, &want.root));
	mark_file_close(m);
}

static void assert_refused(struct place *p, int rc, const char *why)
{
	struct mark_file *m;
	struct mark found;
	struct err e = {0};
	assert_int_equal(mark_file_open(p->path, "jiangsu", &m, &found, &e), rc);
	if (!strstr(e.text, why))
		fail_msg("says \"%s\", not \"%s\"", e.text, why);
	assert_null(m);
	assert_false(found.present);
}

static void write_marks(struct place *p, uint64_t upto)
{
	struct mark_file *m;
	struct mark found;
	struct err e = {0};
	assert_int_equal(mark_file_open(p->path, "jiangsu", &m, &found, &e), RC_OK);
	for (uint64_t size = 1; size <= upto; size++) {
		struct mark mark = mark_of(ORIGIN, size);
		assert_int_equal(mark_file_write(m, &mark, &e), RC_OK);
	}
	mark_file_close(m);
}

static void flip(struct place *p, off_t at)
{
	uint8_t byte;
	int fd = open(p->path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void missing_file_is_no_error_and_says_nothing(void **state)
{
	struct place *p = *state;
	struct mark_file *m;
	struct mark found;
	struct err e = {0};
	assert_int_equal(mark_file_open(p->path, "jiangsu", &m, &found, &e), RC_OK);
	assert_false(found.present);
	mark_file_close(m);
	assert_int_not_equal(access(p->path, F_OK), 0);
}

static void newest_mark_is_found_again(void **state)
{
	for (uint64_t n = 1; n <= 5; n++) {
		write_marks(*state, n);
		assert_open(*state, n);
		unlink(((struct place *)*state)->path);
	}
}

static void file_is_private_and_of_fixed_size(void **state)
{
	struct place *p = *state;
	struct stat st;
	write_marks(p, 3);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_size, MARK_FILE_BYTES);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void torn_newest_slot_leaves_the_one_before(void **state)
{
	struct place *p = *state;
	for (off_t at = 0; at < MARK_SLOT_BYTES; at += 13) {
		write_marks(p, 4); /* slot 1 has 4, slot 0 has 3 */
		flip(p, MARK_SLOT_BYTES + at);
		assert_open(p, 3);
		unlink(p->path);
	}
}

static void both_slots_damaged_is_refused(void **state)
{
	struct place *p = *state;
	write_marks(p, 4);
	flip(p, 30);
	flip(p, MARK_SLOT_BYTES + 100);
	assert_refused(p, RC_CORRUPT, "damaged");
}

static void empty_short_and_foreign_files_are_refused(void **state)
{
	struct place *p = *state;
	static const uint8_t zeros[MARK_FILE_BYTES];
	for (size_t n = 0; n <= MARK_FILE_BYTES; n += MARK_SLOT_BYTES) {
		int fd = open(p->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(write(fd, zeros, n), n);
		close(fd);
		assert_refused(p, RC_CORRUPT, n == MARK_FILE_BYTES ? "not a mark" : "bytes, not");
	}
}

static void mark_of_another_member_is_refused(void **state)
{
	struct place *p = *state;
	struct mark_file *m;
	struct mark found, mark = mark_of("yrd/anhui/1-00000001", 9);
	struct err e = {0};
	assert_int_equal(mark_file_open(p->path, "anhui", &m, &found, &e), RC_OK);
	assert_int_equal(mark_file_write(m, &mark, &e), RC_OK);
	mark_file_close(m);
	assert_refused(p, RC_CORRUPT, "belongs to the log yrd/anhui");
}

static void folder_link_and_pipe_are_refused(void **state)
{
	struct place *p = *state;
	assert_int_equal(mkdir(p->path, 0700), 0);
	assert_refused(p, RC_SETUP, "directory");
	rmdir(p->path);
	assert_int_equal(symlink("/tmp/elsewhere", p->path), 0);
	assert_refused(p, RC_SETUP, "symbolic link");
	unlink(p->path);
	assert_int_equal(mkfifo(p->path, 0600), 0);
	assert_refused(p, RC_SETUP, "regular file");
}

static void missing_folder_is_refused_at_once(void **state)
{
	struct place elsewhere;
	(void)state;
	snprintf(elsewhere.path, sizeof(elsewhere.path), "/tmp/deltad-no-such-folder/head");
	assert_refused(&elsewhere, RC_SETUP, "folder");
}

static void overlong_origin_with_a_good_checksum_is_refused(void **state)
{
	uint8_t raw[MARK_SLOT_BYTES];
	struct mark_slot slot = {.sequence = 1}, out;
	struct hash sum;
	struct err e = {0};
	(void)state;
	snprintf(slot.origin, sizeof(slot.origin), ORIGIN);
	mark_encode(&slot, raw);
	assert_int_equal(mark_decode(raw, &out, &e), RC_OK);
	put_u16be(raw + 64, 0xffff);
	sha256(bytes_of(raw, 480), &sum);
	memcpy(raw + 480, sum.b, sizeof(sum.b));
	assert_int_equal(mark_decode(raw, &out, &e), RC_CORRUPT);
}

static void bytes_after_the_origin_with_a_good_checksum_are_refused(void **state)
{
	uint8_t raw[MARK_SLOT_BYTES];
	struct mark_slot slot = {.sequence = 1}, out;
	struct hash sum;
	struct err e = {0};
	(void)state;
	snprintf(slot.origin, sizeof(slot.origin), ORIGIN);
	mark_encode(&slot, raw);
	raw[479] = 1;
	sha256(bytes_of(raw, 480), &sum);
	memcpy(raw + 480, sum.b, sizeof(sum.b));
	assert_int_equal(mark_decode(raw, &out, &e), RC_CORRUPT);
}

/* A marker on a loop of its own, and what became of the marks. */
struct desk {
	uv_loop_t loop;
	struct mark_file *file;
	struct marker marker;
	uint64_t size[16];
	int n, failed;
};

static void on_done(void *arg, const struct mark *mark, int rc, const struct err *e)
{
	struct desk *d = arg;
	(void)e;
	if (rc)
		d->failed++;
	else
		d->size[d->n++] = mark->size;
}

static void desk_open(struct desk *d, const struct place *p)
{
	struct mark found;
	struct err e = {0};
	*d = (struct desk){0};
	assert_int_equal(uv_loop_init(&d->loop), 0);
	assert_int_equal(mark_file_open(p->path, "jiangsu", &d->file, &found, &e), RC_OK);
	marker_init(&d->marker, &d->loop, d->file, on_done, d);
}

static void desk_submit(struct desk *d, uint64_t sizes)
{
	for (uint64_t size = 1; size <= sizes; size++) {
		struct mark m = mark_of(ORIGIN, size);
		marker_submit(&d->marker, &m);
	}
}

static void desk_close(struct desk *d)
{
	assert_int_equal(uv_loop_close(&d->loop), 0);
	mark_file_close(d->file);
}

static void of_marks_that_wait_only_the_newest_is_written(void **state)
{
	struct desk d;
	desk_open(&d, *state);
	desk_submit(&d, 5);
	assert_true(d.marker.writing);
	uv_run(&d.loop, UV_RUN_DEFAULT);
	assert_false(d.marker.writing);
	assert_int_equal(d.n, 2);
	assert_int_equal(d.size[0], 1);
	assert_int_equal(d.size[1], 5);
	desk_close(&d);
	assert_open(*state, 5);
}

static void failed_write_is_reported_and_nothing_follows_it(void **state)
{
	const struct place *p = *state;
	struct desk d;
	desk_open(&d, p);
	rmdir(p->dir);
	desk_submit(&d, 3);
	uv_run(&d.loop, UV_RUN_DEFAULT);
	assert_int_equal(d.n, 0);
	assert_int_equal(d.failed, 1);
	desk_close(&d);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(missing_file_is_no_error_and_says_nothing),
		EACH(newest_mark_is_found_again),
		EACH(file_is_private_and_of_fixed_size),
		EACH(torn_newest_slot_leaves_the_one_before),
		EACH(both_slots_damaged_is_refused),
		EACH(empty_short_and_foreign_files_are_refused),
		EACH(mark_of_another_member_is_refused),
		EACH(folder_link_and_pipe_are_refused),
		EACH(missing_folder_is_refused_at_once),
		EACH(overlong_origin_with_a_good_checksum_is_refused),
		EACH(bytes_after_the_origin_with_a_good_checksum_are_refused),
		EACH(of_marks_that_wait_only_the_newest_is_written),
		EACH(failed_write_is_reported_and_nothing_follows_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
