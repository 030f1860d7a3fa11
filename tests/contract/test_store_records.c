#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/limits.h"
#include "tests/lib/store_fixture.h"

static void expect_buf(const struct buf *b, const char *want)
{
	assert_int_equal(b->n, strlen(want));
	assert_memory_equal(b->p, want, b->n);
}

static void meta_that_was_never_put_is_none(void **state)
{
	struct store_fixture *f = *state;
	struct buf out = {0};
	buf_put_str(&out, "left over");
	assert_int_equal(STORE_DO(f, meta_get, "mark", &out), STORE_NONE);
	assert_int_equal(out.n, 0);
	buf_release(&out);
}

static void meta_put_replaces(void **state)
{
	struct store_fixture *f = *state;
	struct buf out = {0};
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, meta_put, "mark", bytes_str("one")), RC_OK);
	assert_int_equal(STORE_DO(f, meta_put, "other", bytes_str("x")), RC_OK);
	assert_int_equal(STORE_DO(f, meta_put, "mark", bytes_str("two")), RC_OK);
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, meta_get, "mark", &out), RC_OK);
	expect_buf(&out, "two");
	assert_int_equal(STORE_DO(f, meta_get, "other", &out), RC_OK);
	expect_buf(&out, "x");
	buf_release(&out);
}

static void meta_value_may_be_empty(void **state)
{
	struct store_fixture *f = *state;
	struct buf out = {0};
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, meta_put, "mark", bytes_of(NULL, 0)), RC_OK);
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, meta_get, "mark", &out), RC_OK);
	assert_int_equal(out.n, 0);
	buf_release(&out);
}

/* The row is key and value: a value of 1 MiB is over SQLite's limit, whatever the key. */
static void meta_over_a_mebibyte_is_too_big_and_the_store_goes_on(void **state)
{
	struct store_fixture *f = *state;
	struct buf big = {0}, out = {0};
	size_t n = 1024 * 1024 - 100;
	memset(buf_reserve(&big, n + 101), 'x', n + 101);
	big.n = n;
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, meta_put, "big", buf_bytes(&big)), RC_OK);
	store_fixture_commit(f);
	big.n = n + 101;
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, meta_put, "big", buf_bytes(&big)), RC_TOO_BIG);
	f->s->ops->rollback(f->s);
	assert_int_equal(STORE_DO(f, meta_get, "big", &out), RC_OK);
	assert_int_equal(out.n, n);
	buf_release(&out);
	buf_release(&big);
}

static void roster_of_each_version_is_kept(void **state)
{
	struct store_fixture *f = *state;
	struct buf out = {0};
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, roster_put, 1, bytes_str("first")), RC_OK);
	assert_int_equal(STORE_DO(f, roster_put, 2, bytes_str("second")), RC_OK);
	assert_int_equal(STORE_DO(f, roster_put, 1, bytes_str("first")), RC_OK);
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, roster_get, 1, &out), RC_OK);
	expect_buf(&out, "first");
	assert_int_equal(STORE_DO(f, roster_get, 2, &out), RC_OK);
	expect_buf(&out, "second");
	assert_int_equal(STORE_DO(f, roster_get, 3, &out), STORE_NONE);
	buf_release(&out);
}

static void roster_with_other_bytes_is_refused_and_the_first_stays(void **state)
{
	struct store_fixture *f = *state;
	struct buf out = {0};
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, roster_put, 1, bytes_str("first")), RC_OK);
	store_fixture_commit(f);
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, roster_put, 1, bytes_str("forged")), RC_CORRUPT);
	f->s->ops->rollback(f->s);
	assert_int_equal(STORE_DO(f, roster_get, 1, &out), RC_OK);
	expect_buf(&out, "first");
	buf_release(&out);
}

static struct store_log log_of(uint32_t id)
{
	struct store_log log = {.id = id,
		.size = 5,
		.bytes = 1000 + id,
		.hlc = UINT64_MAX - id,
		.seen_size = LIMIT_LOG_SIZE,
		.seen_ms = -1,
		.forked = id % 2 == 0,
		.voids = 3,
		.audited = 4};
	snprintf(log.origin, sizeof log.origin, "yrd/jiangsu/%u-0000000a", id);
	for (uint64_t i = 0; i < 5; i++) {
		struct hash h = hash_of_number(i + id);
		frontier_append(&log.frontier, &h);
	}
	return log;
}

struct seen_logs {
	struct store_log log[8];
	size_t n;
	int stop_at;
};

static int see_log(void *arg, const struct store_log *log)
{
	struct seen_logs *seen = arg;
	seen->log[seen->n++] = *log;
	return (int)seen->n == seen->stop_at ? 7 : 0;
}

static void expect_same_log(const struct store_log *a, const struct store_log *b)
{
	struct buf x = {0}, y = {0};
	frontier_encode(&a->frontier, &x);
	frontier_encode(&b->frontier, &y);
	assert_true(bytes_equal(buf_bytes(&x), buf_bytes(&y)));
	buf_release(&x);
	buf_release(&y);
	assert_int_equal(a->id, b->id);
	assert_string_equal(a->origin, b->origin);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->hlc, b->hlc);
	assert_int_equal(a->seen_size, b->seen_size);
	assert_int_equal(a->seen_ms, b->seen_ms);
	assert_int_equal(a->forked, b->forked);
	assert_int_equal(a->voids, b->voids);
	assert_int_equal(a->audited, b->audited);
}

static void logs_come_by_id_as_they_were_put(void **state)
{
	struct store_fixture *f = *state;
	struct seen_logs seen = {0};
	store_fixture_begin(f);
	for (uint32_t id = 3; id > 0; id--) {
		struct store_log log = log_of(id);
		assert_int_equal(STORE_DO(f, log_put, &log), RC_OK);
	}
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, log_each, see_log, &seen), RC_OK);
	assert_int_equal(seen.n, 3);
	for (uint32_t id = 1; id <= 3; id++) {
		struct store_log log = log_of(id);
		expect_same_log(&seen.log[id - 1], &log);
	}
}

static void log_put_replaces_the_row_of_its_id(void **state)
{
	struct store_fixture *f = *state;
	struct seen_logs seen = {0};
	struct store_log log = log_of(1);
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, log_put, &log), RC_OK);
	log.size = 0;
	log.frontier = (struct frontier){0};
	log.forked = true;
	log.audited = 0;
	assert_int_equal(STORE_DO(f, log_put, &log), RC_OK);
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, log_each, see_log, &seen), RC_OK);
	assert_int_equal(seen.n, 1);
	expect_same_log(&seen.log[0], &log);
}

static void log_callback_that_stops_is_the_result(void **state)
{
	struct store_fixture *f = *state;
	struct seen_logs seen = {.stop_at = 2};
	store_fixture_begin(f);
	for (uint32_t id = 1; id <= 3; id++) {
		struct store_log log = log_of(id);
		assert_int_equal(STORE_DO(f, log_put, &log), RC_OK);
	}
	assert_int_equal(STORE_DO(f, log_each, see_log, &seen), 7);
	assert_int_equal(seen.n, 2);
	store_fixture_commit(f);
}

static void put_head(struct store_fixture *f, uint32_t log, uint64_t size, const char *note)
{
	struct store_head h = {size, size * 250, bytes_str(note)};
	assert_int_equal(STORE_DO(f, head_put, log, &h), RC_OK);
}

static void expect_head(struct store_fixture *f, uint64_t above, uint64_t upto, uint64_t want)
{
	struct buf note = {0};
	struct store_head h;
	int rc = STORE_DO(f, head_get, 1, above, upto, &h, &note);
	assert_int_equal(rc, want == 0 ? STORE_NONE : RC_OK);
	if (want != 0) {
		char text[32];
		snprintf(text, sizeof text, "head %u", (unsigned)want);
		assert_int_equal(h.size, want);
		assert_int_equal(h.bytes, want * 250);
		assert_true(bytes_equal(h.note, bytes_str(text)));
	}
	buf_release(&note);
}

static void head_get_gives_the_largest_in_the_range(void **state)
{
	struct store_fixture *f = *state;
	store_fixture_begin(f);
	put_head(f, 1, 10, "head 10");
	put_head(f, 1, 30, "replaced");
	put_head(f, 1, 30, "head 30");
	put_head(f, 1, 20, "head 20");
	put_head(f, 2, 25, "of another log");
	store_fixture_commit(f);
	expect_head(f, 0, UINT64_MAX, 30);
	expect_head(f, 0, 30, 30);
	expect_head(f, 0, 29, 20);
	expect_head(f, 19, 20, 20);
	expect_head(f, 20, 29, 0);
	expect_head(f, 0, 9, 0);
	expect_head(f, 30, UINT64_MAX, 0);
	expect_head(f, UINT64_MAX, UINT64_MAX, 0);
}

static void head_delete_takes_one_and_forgives_none(void **state)
{
	struct store_fixture *f = *state;
	store_fixture_begin(f);
	put_head(f, 1, 10, "head 10");
	put_head(f, 1, 20, "head 20");
	assert_int_equal(STORE_DO(f, head_delete, 1, 20), RC_OK);
	assert_int_equal(STORE_DO(f, head_delete, 1, 20), RC_OK);
	store_fixture_commit(f);
	expect_head(f, 0, UINT64_MAX, 10);
}

/* ---- cosignatures and final heads ---- */

struct seen_text {
	char text[512];
	int left; /* rows until it stops with 9; 0 = never */
};

static int see_cosignature(void *arg, const struct store_cosignature *c)
{
	struct seen_text *seen = arg;
	size_t n = strlen(seen->text);
	snprintf(seen->text + n, sizeof seen->text - n, "%u/%s=%.*s;", (unsigned)c->size, c->member,
		(int)c->note.n, (const char *)c->note.p);
	return seen->left > 0 && --seen->left == 0 ? 9 : 0;
}

static void put_cosignature(
	struct store_fixture *f, uint32_t log, uint64_t size, const char *member, const char *note)
{
	struct store_cosignature c = {size, member, bytes_str(note)};
	assert_int_equal(STORE_DO(f, cosignature_put, log, &c), RC_OK);
}

static void expect_cosignatures(struct store_fixture *f, uint32_t log, const char *want)
{
	struct seen_text seen = {0};
	assert_int_equal(STORE_DO(f, cosignature_each, log, see_cosignature, &seen), RC_OK);
	assert_string_equal(seen.text, want);
}

static void cosignatures_come_by_size_and_member(void **state)
{
	struct store_fixture *f = *state;
	store_fixture_begin(f);
	put_cosignature(f, 1, 20, "office", "d");
	put_cosignature(f, 1, 20, "anhui", "replaced");
	put_cosignature(f, 1, 3, "office", "a");
	put_cosignature(f, 1, 20, "anhui", "c");
	put_cosignature(f, 2, 1, "zhejiang", "of another log");
	put_cosignature(f, 1, 4, "a-member-of-20-bytes", "b");
	store_fixture_commit(f);
	expect_cosignatures(f, 1, "3/office=a;4/a-member-of-20-bytes=b;20/anhui=c;20/office=d;");
	expect_cosignatures(f, 3, "");
	struct seen_text seen = {.left = 2};
	assert_int_equal(STORE_DO(f, cosignature_each, 1, see_cosignature, &seen), 9);
	assert_string_equal(seen.text, "3/office=a;4/a-member-of-20-bytes=b;");
}

static void cosignature_delete_takes_one_and_forgives_none(void **state)
{
	struct store_fixture *f = *state;
	store_fixture_begin(f);
	put_cosignature(f, 1, 3, "office", "a");
	put_cosignature(f, 1, 3, "anhui", "b");
	put_cosignature(f, 1, 4, "office", "c");
	assert_int_equal(STORE_DO(f, cosignature_delete, 1, 3, "office"), RC_OK);
	assert_int_equal(STORE_DO(f, cosignature_delete, 1, 3, "office"), RC_OK);
	assert_int_equal(STORE_DO(f, cosignature_delete, 2, 4, "office"), RC_OK);
	store_fixture_commit(f);
	expect_cosignatures(f, 1, "3/anhui=b;4/office=c;");
}

static void final_put_replaces_and_a_log_without_has_none(void **state)
{
	struct store_fixture *f = *state;
	struct buf note = {0};
	uint64_t size = 0;
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, final_put, 1, 7, bytes_str("seven")), RC_OK);
	assert_int_equal(STORE_DO(f, final_put, 2, 9, bytes_str("nine")), RC_OK);
	assert_int_equal(STORE_DO(f, final_put, 1, LIMIT_LOG_SIZE, bytes_str("all")), RC_OK);
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, final_get, 1, &size, &note), RC_OK);
	assert_int_equal(size, LIMIT_LOG_SIZE);
	expect_buf(&note, "all");
	assert_int_equal(STORE_DO(f, final_get, 2, &size, &note), RC_OK);
	assert_int_equal(size, 9);
	expect_buf(&note, "nine");
	assert_int_equal(STORE_DO(f, final_get, 3, &size, &note), STORE_NONE);
	assert_int_equal(note.n, 0);
	buf_release(&note);
}

/* ---- evidence ---- */

static int see_evidence(void *arg, const struct store_evidence *x)
{
	struct seen_text *seen = arg;
	size_t n = strlen(seen->text);
	snprintf(seen->text + n, sizeof seen->text - n, "%s:%.*s,%.*s,%.*s;", x->origin,
		(int)x->first.n, (const char *)x->first.p, (int)x->second.n,
		(const char *)x->second.p, (int)x->proof.n, (const char *)x->proof.p);
	return seen->left > 0 && --seen->left == 0 ? 9 : 0;
}

static void put_evidence(struct store_fixture *f, const char *origin, const char *first,
	const char *second, const char *proof)
{
	struct store_evidence x = {origin, bytes_str(first), bytes_str(second), bytes_str(proof)};
	assert_int_equal(STORE_DO(f, evidence_put, &x), RC_OK);
}

static void evidence_put_twice_is_kept_once(void **state)
{
	struct store_fixture *f = *state;
	struct seen_text seen = {0}, stopped = {.left = 1};
	store_fixture_begin(f);
	put_evidence(f, "yrd/jiangsu/1-0", "a", "b", "proof");
	put_evidence(f, "yrd/jiangsu/1-0", "a", "b", "proof");
	put_evidence(f, "yrd/jiangsu/1-0", "a", "b", "");
	put_evidence(f, "yrd/anhui/1-0", "a", "b", "");
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, evidence_each, see_evidence, &seen), RC_OK);
	assert_string_equal(
		seen.text, "yrd/jiangsu/1-0:a,b,proof;yrd/jiangsu/1-0:a,b,;yrd/anhui/1-0:a,b,;");
	assert_int_equal(STORE_DO(f, evidence_each, see_evidence, &stopped), 9);
	assert_string_equal(stopped.text, "yrd/jiangsu/1-0:a,b,proof;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(meta_that_was_never_put_is_none),
		BOTH(meta_put_replaces),
		BOTH(meta_value_may_be_empty),
		BOTH(meta_over_a_mebibyte_is_too_big_and_the_store_goes_on),
		BOTH(roster_of_each_version_is_kept),
		BOTH(roster_with_other_bytes_is_refused_and_the_first_stays),
		BOTH(logs_come_by_id_as_they_were_put),
		BOTH(log_put_replaces_the_row_of_its_id),
		BOTH(log_callback_that_stops_is_the_result),
		BOTH(head_get_gives_the_largest_in_the_range),
		BOTH(head_delete_takes_one_and_forgives_none),
		BOTH(cosignatures_come_by_size_and_member),
		BOTH(cosignature_delete_takes_one_and_forgives_none),
		BOTH(final_put_replaces_and_a_log_without_has_none),
		BOTH(evidence_put_twice_is_kept_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
