/* Changes that wait for another one: a single leaf may release any number of them, in pieces. */
#include "tests/lib/core_test.h"

enum { MANY = 2 * LIMIT_RELEASED + 100 };

struct scene {
	struct cluster *c;
	struct scribe office, jiangsu;
	struct node n; /* shanghai's */
	struct hash task;
};

static struct scene *begin(void **state)
{
	struct scene *t = xalloc(sizeof(*t));
	t->c = *state;
	scribe_begin(&t->office, t->c, OFFICE);
	scribe_begin(&t->jiangsu, t->c, JIANGSU);
	node_init(&t->n, t->c, SHANGHAI);
	node_greet(&t->n, JIANGSU);
	node_greet(&t->n, OFFICE);
	return t;
}

static void end(struct scene *t)
{
	node_release(&t->n);
	scribe_release(&t->office);
	scribe_release(&t->jiangsu);
	free(t);
}

static void take(struct scene *t, struct scribe *s)
{
	for (size_t from = 0; from < s->n; from += LIMIT_BATCH_LEAVES) {
		size_t to = from + LIMIT_BATCH_LEAVES < s->n ? from + LIMIT_BATCH_LEAVES : s->n;
		assert_ok(&t->n, node_leaves(&t->n, s->member, s, from, to));
	}
	assert_int_equal(node_size(&t->n, s->origin), s->n);
}

static void write_reports(struct scene *t, const char *task, size_t n)
{
	for (size_t i = 0; i < n; i++)
		scribe_write(&t->jiangsu,
			(struct write){.value = value_report(10), .task = task, .under = &t->task},
			NULL);
}

static void task_comes(struct scene *t)
{
	assert_ok(&t->n, node_leaves(&t->n, OFFICE, &t->office, 0, t->office.n));
}

static uint64_t pending(struct scene *t)
{
	struct ctl_status s;
	assert_ok(&t->n, replica_status(t->n.replica, t->n.now, &s, &t->n.e));
	assert_int_equal(s.provisional, replica_is_provisional(t->n.replica));
	return s.pending;
}

static void wait_for_the_rest(struct scene *t)
{
	for (size_t i = 0; replica_is_provisional(t->n.replica); i++) {
		assert_true(i < 10);
		assert_int_equal(replica_deadline(t->n.replica).v, 0);
		assert_ok(&t->n, node_tick(&t->n));
	}
}

/* Shanghai has MANY reports of jiangsu that wait for a task; the task is written. */
static struct scene *begin_with_many(void **state)
{
	struct scene *t = begin(state);
	scribe_write(&t->office, (struct write){.value = value_task("")}, &t->task);
	write_reports(t, NULL, MANY);
	take(t, &t->jiangsu);
	assert_int_equal(pending(t), MANY);
	assert_false(replica_is_provisional(t->n.replica));
	return t;
}

/* A node that came to know the task first. */
static struct hash view_in_order(struct scene *t)
{
	struct node first;
	node_init(&first, t->c, ANHUI);
	node_feed(&first, &t->office);
	node_greet(&first, JIANGSU);
	for (size_t from = 0; from < t->jiangsu.n;
		from = (size_t)node_size(&first, t->jiangsu.origin))
		assert_ok(&first,
			node_leaves(&first, JIANGSU, &t->jiangsu, from,
				from + 400 < t->jiangsu.n ? from + 400 : t->jiangsu.n));
	struct hash view = node_view(&first);
	node_release(&first);
	return view;
}

static void one_leaf_releases_so_many_at_once_and_ticks_the_rest(void **state)
{
	struct scene *t = begin_with_many(state);
	task_comes(t);
	assert_int_equal(pending(t), MANY - LIMIT_RELEASED);
	assert_true(replica_is_provisional(t->n.replica));
	assert_ok(&t->n, node_tick(&t->n));
	assert_int_equal(pending(t), MANY - 2 * LIMIT_RELEASED);
	wait_for_the_rest(t);
	assert_int_equal(pending(t), 0);
	struct hash view = node_view(&t->n);
	assert_same_hash(view, view_in_order(t));
	end(t);
}

static void view_is_neither_said_nor_anchored_before_all_are_released(void **state)
{
	struct scene *t = begin_with_many(state);
	struct outbound out;
	struct posted posted;
	node_drain(&t->n, JIANGSU);
	task_comes(t);
	t->n.now.mono.v += 1000;
	assert_rc(&t->n, replica_anchor(t->n.replica, t->n.now, &posted, &t->n.e), RC_REFUSED);
	assert_ok(&t->n, node_tick(&t->n));
	assert_true(node_next(&t->n, JIANGSU, MESSAGE_VIEW_DIGEST, &out));
	assert_int_equal(out.msg.digest.rules_version, RULES_PROVISIONAL);
	wait_for_the_rest(t);
	t->n.now.mono.v += 1000;
	assert_ok(&t->n, node_tick(&t->n));
	assert_true(node_next(&t->n, JIANGSU, MESSAGE_VIEW_DIGEST, &out));
	assert_int_equal(out.msg.digest.rules_version, RULES_VERSION);
	end(t);
}

static void node_without_a_log_of_its_own_says_too_that_all_are_released(void **state)
{
	struct scene *t = begin_with_many(state);
	struct bytes roster = buf_bytes(&t->c->roster);
	struct outbound out;
	assert_ok(&t->n, node_begin(&t->n));
	assert_ok(&t->n,
		node_end(&t->n,
			replica_rebuild(t->n.replica, &roster, 1, false, t->n.now, &t->n.e)));
	task_comes(t);
	assert_ok(&t->n, node_pass(&t->n, 1000));
	assert_true(node_next(&t->n, JIANGSU, MESSAGE_VIEW_DIGEST, &out));
	wait_for_the_rest(t);
	assert_ok(&t->n, node_pass(&t->n, 1000));
	assert_true(replica_is_rebuilding(t->n.replica));
	assert_true(node_next(&t->n, JIANGSU, MESSAGE_VIEW_DIGEST, &out));
	assert_int_equal(out.msg.digest.rules_version, RULES_VERSION);
	end(t);
}

static void release_goes_on_after_a_start(void **state)
{
	struct scene *t = begin_with_many(state);
	task_comes(t);
	assert_ok(&t->n, node_restart(&t->n));
	assert_true(replica_is_provisional(t->n.replica));
	assert_int_equal(pending(t), MANY - LIMIT_RELEASED);
	wait_for_the_rest(t);
	assert_int_equal(pending(t), 0);
	assert_ok(&t->n, node_restart(&t->n));
	assert_false(replica_is_provisional(t->n.replica));
	end(t);
}

/* One look at all of them: to ask for each would take the square of their number. */
static int count_void_under(void *arg, const struct ctl_entry *entry)
{
	*(size_t *)arg += entry->verdict == VERDICT_VOID && entry->void_code == VOID_UNDER;
	return 0;
}

static void task_revoked_meanwhile_voids_what_was_released_and_what_was_not(void **state)
{
	struct scene *t = begin_with_many(state);
	task_comes(t);
	size_t from = t->office.n;
	scribe_revoke(&t->office, &t->c->member[OFFICE].operator[0], 0);
	assert_ok(&t->n, node_leaves(&t->n, OFFICE, &t->office, from, t->office.n));
	wait_for_the_rest(t);
	size_t void_under = 0;
	assert_ok(&t->n, replica_findings(t->n.replica, count_void_under, &void_under, &t->n.e));
	assert_int_equal(void_under, MANY);
	end(t);
}

static void change_elsewhere_releases_nothing_and_is_done_with(void **state)
{
	struct scene *t = begin(state);
	scribe_write(&t->office, (struct write){.value = value_task("")}, &t->task);
	write_reports(t, "3-06", MANY);
	take(t, &t->jiangsu);
	task_comes(t);
	wait_for_the_rest(t);
	assert_int_equal(pending(t), MANY);
	assert_ok(&t->n, node_restart(&t->n));
	assert_false(replica_is_provisional(t->n.replica));
	end(t);
}

static void pending_change_releases_nothing(void **state)
{
	struct scene *t = begin(state);
	struct value strike = {.slot = SLOT_NOTE, .note = {.struck = true}};
	static const char holder[] = "00000000000000630000000000000000";
	struct hash note, first;
	/* The note itself comes last of all, from another epoch. */
	struct scribe before;
	scribe_begin(&before, t->c, JIANGSU);
	scribe_write(&before, (struct write){.value = value_note("x"), .nonce = 0x63}, &note);
	scribe_release(&t->jiangsu);
	scribe_init(&t->jiangsu, t->c, JIANGSU, 2);
	scribe_open(&t->jiangsu, OPEN_ROTATE, &before);
	scribe_delegate(&t->jiangsu, &t->c->member[JIANGSU].operator[0], NULL, 0);
	size_t one = scribe_write(&t->jiangsu,
		(struct write){.value = strike, .holder = holder, .under = &note}, &first);
	size_t two = scribe_write(&t->jiangsu,
		(struct write){.value = strike, .holder = holder, .under = &first}, NULL);
	take(t, &t->jiangsu);
	assert_verdict(&t->n, &t->jiangsu, one, VERDICT_PENDING, VOID_NONE);
	assert_verdict(&t->n, &t->jiangsu, two, VERDICT_PENDING, VOID_NONE);
	take(t, &before);
	assert_effective(&t->n, &t->jiangsu, one);
	assert_effective(&t->n, &t->jiangsu, two);
	assert_false(replica_is_provisional(t->n.replica));
	scribe_release(&before);
	end(t);
}

static void release_rests_after_a_group_that_could_not_be_written(void **state)
{
	struct scene *t = begin_with_many(state);
	task_comes(t);
	assert_ok(&t->n, node_begin(&t->n));
	assert_ok(&t->n, replica_rollback(t->n.replica, t->n.now, &t->n.e));
	int64_t at = replica_deadline(t->n.replica).v;
	assert_true(at > t->n.now.mono.v);
	assert_ok(&t->n, node_tick(&t->n));
	assert_int_equal(pending(t), MANY - LIMIT_RELEASED);
	assert_ok(&t->n, node_pass(&t->n, at - t->n.now.mono.v));
	assert_int_equal(pending(t), MANY - 2 * LIMIT_RELEASED);
	end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_leaf_releases_so_many_at_once_and_ticks_the_rest),
		cmocka_unit_test(view_is_neither_said_nor_anchored_before_all_are_released),
		cmocka_unit_test(node_without_a_log_of_its_own_says_too_that_all_are_released),
		cmocka_unit_test(release_goes_on_after_a_start),
		cmocka_unit_test(release_rests_after_a_group_that_could_not_be_written),
		cmocka_unit_test(task_revoked_meanwhile_voids_what_was_released_and_what_was_not),
		cmocka_unit_test(change_elsewhere_releases_nothing_and_is_done_with),
		cmocka_unit_test(pending_change_releases_nothing),
	};
	return cmocka_run_group_tests_name("core release", tests, core_set_up, core_tear_down);
}
