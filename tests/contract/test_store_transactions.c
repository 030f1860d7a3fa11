#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/store_fixture.h"

static void put(struct store_fixture *f, const char *value)
{
	assert_int_equal(STORE_DO(f, meta_put, "key", bytes_str(value)), RC_OK);
}

static void expect(struct store_fixture *f, const char *value)
{
	struct buf out = {0};
	int rc = STORE_DO(f, meta_get, "key", &out);
	assert_int_equal(rc, value == NULL ? STORE_NONE : RC_OK);
	assert_true(bytes_equal(buf_bytes(&out), bytes_str(value == NULL ? "" : value)));
	buf_release(&out);
}

static void rollback_undoes_all_since_begin(void **state)
{
	struct store_fixture *f = *state;
	store_fixture_begin(f);
	put(f, "kept");
	store_fixture_commit(f);
	store_fixture_begin(f);
	put(f, "undone");
	expect(f, "undone");
	f->s->ops->rollback(f->s);
	expect(f, "kept");
}

static void rollback_without_a_transaction_is_harmless(void **state)
{
	struct store_fixture *f = *state;
	f->s->ops->rollback(f->s);
	store_fixture_begin(f);
	put(f, "a");
	store_fixture_commit(f);
	f->s->ops->rollback(f->s);
	f->s->ops->rollback(f->s);
	expect(f, "a");
}

static void empty_transaction_commits(void **state)
{
	struct store_fixture *f = *state;
	for (int i = 0; i < 3; i++) {
		store_fixture_begin(f);
		store_fixture_commit(f);
	}
	expect(f, NULL);
}

static void close_rolls_back_what_was_not_committed(void **state)
{
	struct store_fixture *f = *state;
	store_fixture_begin(f);
	put(f, "never committed");
	store_fixture_reopen(f);
	expect(f, NULL);
}

static void failed_call_poisons_the_transaction_until_rollback(void **state)
{
	struct store_fixture *f = *state;
	static uint8_t big[1024 * 1024 + 1];
	struct buf out = {0};
	store_fixture_begin(f);
	put(f, "first");
	assert_int_equal(STORE_DO(f, meta_put, "big", bytes_of(big, sizeof big)), RC_TOO_BIG);
	assert_int_equal(STORE_DO(f, meta_put, "key", bytes_str("second")), RC_TOO_BIG);
	assert_int_equal(STORE_DO(f, meta_get, "key", &out), RC_TOO_BIG);
	assert_int_equal(f->s->ops->commit(f->s, &f->e), RC_TOO_BIG);
	f->s->ops->rollback(f->s);
	expect(f, NULL);
	store_fixture_begin(f);
	put(f, "third");
	store_fixture_commit(f);
	expect(f, "third");
	buf_release(&out);
}

/* What is our own bug ends the process, in every build. */
static void expect_abort(struct store_fixture *f, void (*act)(struct store_fixture *))
{
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		fclose(stderr);
		act(f);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void write_outside(struct store_fixture *f)
{
	(void)STORE_DO(f, meta_put, "key", bytes_str("x"));
}

static void begin_twice(struct store_fixture *f)
{
	store_fixture_begin(f);
	(void)f->s->ops->begin(f->s, &f->e);
}

static void commit_nothing(struct store_fixture *f)
{
	(void)f->s->ops->commit(f->s, &f->e);
}

static void put_leaf_twice(struct store_fixture *f)
{
	store_fixture_begin(f);
	(void)STORE_DO(f, leaf_put, 1, 0, bytes_str("leaf"));
	(void)STORE_DO(f, leaf_put, 1, 0, bytes_str("leaf"));
}

static void set_a_change_that_is_not_there(struct store_fixture *f)
{
	struct store_change c = {.log = 1};
	store_fixture_begin(f);
	(void)STORE_DO(f, change_set, 1, &c);
}

static int write_in_callback(void *arg, uint64_t index, struct bytes leaf)
{
	struct store_fixture *f = arg;
	(void)index;
	return STORE_DO(f, meta_put, "key", leaf);
}

static void write_while_reading(struct store_fixture *f)
{
	store_fixture_begin(f);
	(void)STORE_DO(f, leaf_put, 1, 0, bytes_str("leaf"));
	(void)STORE_DO(f, leaf_each, 1, 0, 1, write_in_callback, f);
}

/* In memory: a child that dies holds no file. */
static void misuse_aborts(void **state)
{
	struct store_fixture *f = *state;
	expect_abort(f, write_outside);
	expect_abort(f, begin_twice);
	expect_abort(f, commit_nothing);
	expect_abort(f, put_leaf_twice);
	expect_abort(f, set_a_change_that_is_not_there);
	expect_abort(f, write_while_reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(rollback_undoes_all_since_begin),
		BOTH(rollback_without_a_transaction_is_harmless),
		BOTH(empty_transaction_commits),
		BOTH(close_rolls_back_what_was_not_committed),
		BOTH(failed_call_poisons_the_transaction_until_rollback),
		cmocka_unit_test_setup_teardown(
			misuse_aborts, store_fixture_in_memory, store_fixture_release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
