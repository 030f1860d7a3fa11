#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/limits.h"
#include "tests/lib/store_fixture.h"

/* ---- what a walk over changes saw, one line each: task/slot/holder:id@log.index ---- */
struct seen {
	struct store_fixture *f;
	char text[2048];
	int left; /* rows until it stops with 9; 0 = never */
};

static int see_change(
	void *arg, const struct store_register *r, const struct store_change *c, struct bytes leaf)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->text);
	snprintf(seen->text + n, sizeof seen->text - n, "%.*s/%u/%.*s:%u@%u.%u=%.*s;",
		(int)r->task.n, (const char *)r->task.p, r->slot, (int)r->holder.n,
		(const char *)r->holder.p, c->id.b[7], c->log, (unsigned)c->index, (int)leaf.n,
		(const char *)leaf.p);
	assert_true(r->reg > 0);
	return seen->left > 0 && --seen->left == 0 ? 9 : 0;
}

static struct store_change change_of(uint64_t id, enum verdict v)
{
	return (struct store_change){.id = hash_of_number(id),
		.log = 1,
		.index = id,
		.verdict = v,
		.void_code = v == VERDICT_VOID ? VOID_WRITER : VOID_NONE};
}

/* A leaf "n" at log 1, index n, and its change n under the register. */
static void put_change(struct store_fixture *f, int64_t reg, uint64_t n, enum verdict v)
{
	char text[24];
	snprintf(text, sizeof text, "%u", (unsigned)n);
	struct store_change c = change_of(n, v);
	assert_int_equal(STORE_DO(f, leaf_put, 1, n, bytes_str(text)), RC_OK);
	assert_int_equal(STORE_DO(f, change_put, reg, &c), RC_OK);
}

static void supersede(struct store_fixture *f, int64_t reg, uint64_t n)
{
	struct hash id = hash_of_number(n);
	assert_int_equal(STORE_DO(f, change_supersede, reg, &id), RC_OK);
}

static void expect_walk(
	struct store_fixture *f, const struct store_filter *filter, const char *want)
{
	struct seen seen = {.f = f};
	assert_int_equal(STORE_DO(f, change_each, filter, see_change, &seen), RC_OK);
	assert_string_equal(seen.text, want);
}

/* ---- changes ---- */

static void change_put_twice_is_none_and_changes_nothing(void **state)
{
	struct store_fixture *f = *state;
	struct store_change got, other = change_of(1, VERDICT_EFFECTIVE);
	store_fixture_begin(f);
	int64_t reg = store_fixture_register(f, "3-05", 3, "jiangsu");
	int64_t elsewhere = store_fixture_register(f, "3-06", 3, "jiangsu");
	put_change(f, reg, 1, VERDICT_VOID);
	other.index = 99;
	assert_int_equal(STORE_DO(f, change_put, reg, &other), STORE_NONE);
	assert_int_equal(STORE_DO(f, change_put, elsewhere, &other), RC_OK);
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, change_get, reg, &other.id, &got), RC_OK);
	assert_true(hash_equal(&got.id, &other.id));
	assert_int_equal(got.log, 1);
	assert_int_equal(got.index, 1);
	assert_int_equal(got.verdict, VERDICT_VOID);
	assert_int_equal(got.void_code, VOID_WRITER);
	assert_int_equal(got.superseded, 0);
}

static void change_that_is_not_there_is_none(void **state)
{
	struct store_fixture *f = *state;
	struct store_change got;
	struct hash id = hash_of_number(1), other = hash_of_number(2);
	store_fixture_begin(f);
	int64_t reg = store_fixture_register(f, "3-05", 3, "jiangsu");
	put_change(f, reg, 1, VERDICT_EFFECTIVE);
	assert_int_equal(STORE_DO(f, change_get, reg, &other, &got), STORE_NONE);
	assert_int_equal(STORE_DO(f, change_get, reg + 1, &id, &got), STORE_NONE);
	assert_int_equal(STORE_DO(f, change_supersede, reg, &other), STORE_NONE);
	assert_int_equal(STORE_DO(f, change_supersede, reg + 1, &id), STORE_NONE);
	store_fixture_commit(f);
}

static void change_delete_takes_one_and_forgives_none(void **state)
{
	struct store_fixture *f = *state;
	struct store_change got;
	struct hash id = hash_of_number(1), other = hash_of_number(2);
	store_fixture_begin(f);
	int64_t reg = store_fixture_register(f, "3-05", 3, "jiangsu");
	put_change(f, reg, 1, VERDICT_EFFECTIVE);
	put_change(f, reg, 2, VERDICT_EFFECTIVE);
	assert_int_equal(STORE_DO(f, change_delete, reg, &id), RC_OK);
	assert_int_equal(STORE_DO(f, change_delete, reg, &id), RC_OK);
	assert_int_equal(STORE_DO(f, change_delete, reg + 1, &other), RC_OK);
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, change_get, reg, &id, &got), STORE_NONE);
	assert_int_equal(STORE_DO(f, change_get, reg, &other, &got), RC_OK);
}

static void change_set_sets_all_but_the_id(void **state)
{
	struct store_fixture *f = *state;
	struct store_change got, c = change_of(1, VERDICT_PENDING);
	store_fixture_begin(f);
	int64_t reg = store_fixture_register(f, "3-05", 3, "jiangsu");
	put_change(f, reg, 1, VERDICT_EFFECTIVE);
	supersede(f, reg, 1);
	supersede(f, reg, 1);
	assert_int_equal(STORE_DO(f, change_get, reg, &c.id, &got), RC_OK);
	assert_int_equal(got.superseded, 2);
	c.log = 7;
	c.index = LIMIT_LOG_SIZE;
	c.void_code = VOID_UNDER;
	c.superseded = 5;
	assert_int_equal(STORE_DO(f, change_set, reg, &c), RC_OK);
	assert_int_equal(STORE_DO(f, change_get, reg, &c.id, &got), RC_OK);
	assert_int_equal(got.log, 7);
	assert_true(got.index == LIMIT_LOG_SIZE);
	assert_int_equal(got.verdict, VERDICT_PENDING);
	assert_int_equal(got.void_code, VOID_UNDER);
	assert_int_equal(got.superseded, 5);
	store_fixture_commit(f);
}

/* Registers 3-05 and 10-01 ("1" sorts before "3" as bytes), slots 3 and 12, three holders. */
static void fill(struct store_fixture *f)
{
	store_fixture_begin(f);
	int64_t late = store_fixture_register(f, "3-05", 3, "shanghai");
	int64_t slot = store_fixture_register(f, "3-05", 12, "anhui");
	int64_t early = store_fixture_register(f, "3-05", 3, "anhui");
	int64_t other = store_fixture_register(f, "10-01", 3, "anhui");
	int64_t wide = store_fixture_register(f, "", 3, "anhui");
	put_change(f, late, 1, VERDICT_EFFECTIVE);
	put_change(f, early, 9, VERDICT_EFFECTIVE);
	put_change(f, early, 2, VERDICT_EFFECTIVE);
	put_change(f, early, 5, VERDICT_EFFECTIVE);
	put_change(f, slot, 3, VERDICT_EFFECTIVE);
	put_change(f, slot, 4, VERDICT_VOID);
	put_change(f, other, 6, VERDICT_PENDING);
	put_change(f, wide, 7, VERDICT_EFFECTIVE);
	put_change(f, wide, 8, VERDICT_UNKNOWN);
	supersede(f, early, 5);
	store_fixture_commit(f);
}

static void changes_come_by_register_then_id(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct store_filter all = {0}, current = {.current_only = true};
	expect_walk(f, &all,
		"/3/anhui:7@1.7=7;/3/anhui:8@1.8=8;10-01/3/anhui:6@1.6=6;3-05/3/anhui:2@1.2=2;"
		"3-05/3/anhui:5@1.5=5;3-05/3/anhui:9@1.9=9;3-05/3/shanghai:1@1.1=1;"
		"3-05/12/anhui:3@1.3=3;3-05/12/anhui:4@1.4=4;");
	expect_walk(f, &current,
		"/3/anhui:7@1.7=7;3-05/3/anhui:2@1.2=2;3-05/3/anhui:9@1.9=9;"
		"3-05/3/shanghai:1@1.1=1;3-05/12/anhui:3@1.3=3;");
}

static void filters_narrow_the_walk(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct bytes task = bytes_str("3-05"), anhui = bytes_str("anhui"), none = bytes_str("");
	expect_walk(f, &(struct store_filter){.task = &task, .holder = &anhui, .slot = 3},
		"3-05/3/anhui:2@1.2=2;3-05/3/anhui:5@1.5=5;3-05/3/anhui:9@1.9=9;");
	expect_walk(f, &(struct store_filter){.task = &task, .slot = 12, .current_only = true},
		"3-05/12/anhui:3@1.3=3;");
	expect_walk(f, &(struct store_filter){.task = &none}, "/3/anhui:7@1.7=7;/3/anhui:8@1.8=8;");
	expect_walk(f, &(struct store_filter){.holder = &none}, "");
	expect_walk(f, &(struct store_filter){.slot = 99}, "");
	expect_walk(f, &(struct store_filter){.holder = &anhui, .current_only = true, .slot = 3},
		"/3/anhui:7@1.7=7;3-05/3/anhui:2@1.2=2;3-05/3/anhui:9@1.9=9;");
}

static void change_callback_that_stops_is_the_result(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct store_filter all = {0};
	struct seen seen = {.left = 2};
	assert_int_equal(STORE_DO(f, change_each, &all, see_change, &seen), 9);
	assert_string_equal(seen.text, "/3/anhui:7@1.7=7;/3/anhui:8@1.8=8;");
	/* and the store is not left reading: a write is admitted */
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, meta_put, "x", bytes_str("y")), RC_OK);
	store_fixture_commit(f);
}

static void register_each_gives_its_history_by_id(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct seen seen = {0};
	int64_t reg = 0;
	assert_int_equal(
		STORE_DO(f, register_id, bytes_str("3-05"), 3, bytes_str("anhui"), false, &reg),
		RC_OK);
	assert_int_equal(STORE_DO(f, register_each, reg, see_change, &seen), RC_OK);
	assert_string_equal(
		seen.text, "3-05/3/anhui:2@1.2=2;3-05/3/anhui:5@1.5=5;3-05/3/anhui:9@1.9=9;");
	seen.text[0] = '\0';
	assert_int_equal(STORE_DO(f, register_each, reg + 99, see_change, &seen), RC_OK);
	assert_string_equal(seen.text, "");
}

/* A callback of change_each that walks the same way again, and looks other things up. */
static int walk_again(
	void *arg, const struct store_register *r, const struct store_change *c, struct bytes leaf)
{
	struct seen *outer = arg;
	struct store_filter all = {0};
	struct seen inner = {.f = outer->f};
	struct store_change got;
	struct buf out = {0};
	assert_int_equal(STORE_DO(outer->f, change_each, &all, see_change, &inner), RC_OK);
	assert_int_equal(STORE_DO(outer->f, register_each, r->reg, see_change, &inner), RC_OK);
	assert_int_equal(STORE_DO(outer->f, change_get, r->reg, &c->id, &got), RC_OK);
	assert_int_equal(STORE_DO(outer->f, leaf_get, c->log, c->index, &out), RC_OK);
	assert_true(bytes_equal(buf_bytes(&out), leaf));
	buf_release(&out);
	return see_change(outer, r, c, leaf);
}

static void callbacks_may_read_anything(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct bytes task = bytes_str("3-05");
	struct store_filter of_task = {.task = &task, .slot = 12}, all = {0};
	struct seen seen = {.f = f};
	assert_int_equal(STORE_DO(f, change_each, &of_task, walk_again, &seen), RC_OK);
	assert_string_equal(seen.text, "3-05/12/anhui:3@1.3=3;3-05/12/anhui:4@1.4=4;");
	seen.text[0] = '\0';
	assert_int_equal(STORE_DO(f, change_each, &all, walk_again, &seen), RC_OK);
	assert_true(strlen(seen.text) > 100);
}

static void change_whose_leaf_is_missing_is_corrupt(void **state)
{
	struct store_fixture *f = *state;
	struct store_change c = change_of(1, VERDICT_EFFECTIVE);
	struct seen seen = {0};
	struct store_filter all = {0}, current = {.current_only = true};
	store_fixture_begin(f);
	int64_t reg = store_fixture_register(f, "3-05", 3, "jiangsu");
	assert_int_equal(STORE_DO(f, change_put, reg, &c), RC_OK);
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, change_each, &all, see_change, &seen), RC_CORRUPT);
	assert_int_equal(STORE_DO(f, change_each, &current, see_change, &seen), RC_CORRUPT);
	assert_string_equal(seen.text, "");
}

/* ---- references, findings, counts ---- */

static int see_ref(void *arg, int64_t reg, const struct hash *id)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->text);
	snprintf(seen->text + n, sizeof seen->text - n, "%d:%u;", (int)reg, id->b[7]);
	return seen->left > 0 && --seen->left == 0 ? 9 : 0;
}

static void expect_refs(struct store_fixture *f, uint64_t wanted, unsigned kind, const char *want)
{
	struct seen seen = {0};
	struct hash id = hash_of_number(wanted);
	assert_int_equal(STORE_DO(f, ref_each, &id, kind, see_ref, &seen), RC_OK);
	assert_string_equal(seen.text, want);
}

static void refs_are_kept_once_and_deleted_by_what_they_want(void **state)
{
	struct store_fixture *f = *state;
	struct hash wanted = hash_of_number(1), other = hash_of_number(2);
	struct hash by = hash_of_number(7), by2 = hash_of_number(8);
	store_fixture_begin(f);
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(STORE_DO(f, ref_put, &wanted, 1, 10, &by2), RC_OK);
		assert_int_equal(STORE_DO(f, ref_put, &wanted, 1, 10, &by), RC_OK);
		assert_int_equal(STORE_DO(f, ref_put, &wanted, 1, 4, &by), RC_OK);
		assert_int_equal(STORE_DO(f, ref_put, &wanted, 2, 10, &by), RC_OK);
		assert_int_equal(STORE_DO(f, ref_put, &other, 1, 11, &by), RC_OK);
	}
	expect_refs(f, 1, 1, "4:7;10:7;10:8;");
	expect_refs(f, 1, 2, "10:7;");
	expect_refs(f, 3, 1, "");
	assert_int_equal(STORE_DO(f, ref_drop, &wanted, 1, 10, &by), RC_OK);
	assert_int_equal(STORE_DO(f, ref_drop, &wanted, 1, 10, &by), RC_OK);
	assert_int_equal(STORE_DO(f, ref_drop, &wanted, 2, 4, &by), RC_OK);
	expect_refs(f, 1, 1, "4:7;10:8;");
	expect_refs(f, 1, 2, "10:7;");
	struct seen seen = {.left = 1};
	assert_int_equal(STORE_DO(f, ref_each, &wanted, 1, see_ref, &seen), 9);
	assert_int_equal(STORE_DO(f, ref_delete, &wanted, 1), RC_OK);
	assert_int_equal(STORE_DO(f, ref_delete, &wanted, 1), RC_OK);
	store_fixture_commit(f);
	expect_refs(f, 1, 1, "");
	expect_refs(f, 1, 2, "10:7;");
	expect_refs(f, 2, 1, "11:7;");
}

static int see_finding(void *arg, uint32_t log, uint64_t index, enum verdict v, enum void_code code)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->text);
	snprintf(seen->text + n, sizeof seen->text - n, "%u.%u=%u/%u;", log, (unsigned)index, v,
		code);
	return seen->left > 0 && --seen->left == 0 ? 9 : 0;
}

static void findings_come_by_log_and_index(void **state)
{
	struct store_fixture *f = *state;
	struct seen seen = {0};
	store_fixture_begin(f);
	assert_int_equal(STORE_DO(f, finding_put, 2, 1, VERDICT_VOID, VOID_GATE), RC_OK);
	assert_int_equal(STORE_DO(f, finding_put, 1, 10, VERDICT_PENDING, VOID_NONE), RC_OK);
	assert_int_equal(STORE_DO(f, finding_put, 1, 9, VERDICT_UNKNOWN, VOID_NONE), RC_OK);
	assert_int_equal(STORE_DO(f, finding_put, 1, 10, VERDICT_VOID, VOID_UNDER), RC_OK);
	store_fixture_commit(f);
	assert_int_equal(STORE_DO(f, finding_each, see_finding, &seen), RC_OK);
	assert_string_equal(seen.text, "1.9=2/0;1.10=3/10;2.1=3/1;");
	seen = (struct seen){.left = 2};
	assert_int_equal(STORE_DO(f, finding_each, see_finding, &seen), 9);
	store_fixture_begin(f);
	enum verdict v;
	enum void_code code;
	assert_int_equal(STORE_DO(f, finding_get, 1, 10, &v, &code), RC_OK);
	assert_int_equal(v, VERDICT_VOID);
	assert_int_equal(code, VOID_UNDER);
	assert_int_equal(STORE_DO(f, finding_delete, 1, 10), RC_OK);
	assert_int_equal(STORE_DO(f, finding_delete, 1, 10), RC_OK);
	assert_int_equal(STORE_DO(f, finding_get, 1, 10, &v, &code), STORE_NONE);
	store_fixture_commit(f);
	seen = (struct seen){0};
	assert_int_equal(STORE_DO(f, finding_each, see_finding, &seen), RC_OK);
	assert_string_equal(seen.text, "1.9=2/0;2.1=3/1;");
}

static void expect_counts(
	struct store_fixture *f, uint64_t conflicts, uint64_t pending, uint64_t unknown)
{
	uint64_t a = 99, b = 99, c = 99;
	assert_int_equal(STORE_DO(f, counts, &a, &b, &c), RC_OK);
	assert_int_equal(a, conflicts);
	assert_int_equal(b, pending);
	assert_int_equal(c, unknown);
}

static void counts_follow_what_is_written_and_rolled_back(void **state)
{
	struct store_fixture *f = *state;
	expect_counts(f, 0, 0, 0);
	fill(f); /* 3-05/3/anhui has two current changes */
	expect_counts(f, 1, 0, 0);
	store_fixture_begin(f);
	put_change(f, store_fixture_register(f, "10-01", 3, "anhui"), 20, VERDICT_EFFECTIVE);
	put_change(f, store_fixture_register(f, "10-01", 3, "anhui"), 21, VERDICT_EFFECTIVE);
	assert_int_equal(STORE_DO(f, finding_put, 1, 6, VERDICT_PENDING, VOID_NONE), RC_OK);
	assert_int_equal(STORE_DO(f, finding_put, 1, 8, VERDICT_UNKNOWN, VOID_NONE), RC_OK);
	assert_int_equal(STORE_DO(f, finding_put, 1, 9, VERDICT_UNKNOWN, VOID_NONE), RC_OK);
	assert_int_equal(STORE_DO(f, finding_put, 1, 4, VERDICT_VOID, VOID_WRITER), RC_OK);
	expect_counts(f, 2, 1, 2);
	f->s->ops->rollback(f->s);
	expect_counts(f, 1, 0, 0);
	store_fixture_begin(f);
	supersede(f, store_fixture_register(f, "3-05", 3, "anhui"), 9);
	store_fixture_commit(f);
	expect_counts(f, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(change_put_twice_is_none_and_changes_nothing),
		BOTH(change_that_is_not_there_is_none),
		BOTH(change_delete_takes_one_and_forgives_none),
		BOTH(change_set_sets_all_but_the_id),
		BOTH(changes_come_by_register_then_id),
		BOTH(filters_narrow_the_walk),
		BOTH(change_callback_that_stops_is_the_result),
		BOTH(register_each_gives_its_history_by_id),
		BOTH(callbacks_may_read_anything),
		BOTH(change_whose_leaf_is_missing_is_corrupt),
		BOTH(refs_are_kept_once_and_deleted_by_what_they_want),
		BOTH(findings_come_by_log_and_index),
		BOTH(counts_follow_what_is_written_and_rolled_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
