/* What a member may make the others do: counted in calls of the store and rows it reads, so that no
 * clock is needed. */
#include "tests/lib/core_test.h"

#include "tests/lib/roster_fixture.h"

struct scene {
	struct cluster *c;
	struct scribe s; /* jiangsu's, with two operators */
	struct failing_store store;
	struct node n; /* shanghai's, on the counting store */
};

static struct scene *begin(void **state)
{
	struct scene *t = xalloc(sizeof(*t));
	t->c = *state;
	scribe_begin(&t->s, t->c, JIANGSU);
	scribe_delegate(&t->s, &t->c->member[JIANGSU].operator[1], NULL, 0);
	node_init_failing(&t->n, t->c, SHANGHAI, &t->store);
	assert_ok(&t->n, node_install_roster(&t->n));
	return t;
}

static void end(struct scene *t)
{
	node_release(&t->n);
	scribe_release(&t->s);
	free(t);
}

struct cost {
	uint64_t calls, rows;
};

/* Of taking what the scribe wrote since `from`. */
static struct cost take(struct scene *t, size_t from)
{
	uint64_t calls = t->store.calls, rows = t->store.rows;
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &t->s, from, t->s.n));
	assert_int_equal(node_size(&t->n, t->s.origin), t->s.n);
	return (struct cost){t->store.calls - calls, t->store.rows - rows};
}

static void write_notes(struct scene *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		scribe_write(&t->s, (struct write){.value = value_note("x")}, NULL);
}

static struct cost cost_of_revoking(void **state, size_t notes, size_t operator)
{
	struct scene *t = begin(state);
	node_greet(&t->n, JIANGSU);
	write_notes(t, notes);
	take(t, 0);
	size_t from = t->s.n;
	scribe_revoke(&t->s, &t->c->member[JIANGSU].operator[operator], 0);
	struct cost c = take(t, from);
	end(t);
	return c;
}

static void revocation_asks_only_about_what_its_key_signed(void **state)
{
	struct cost few = cost_of_revoking(state, 10, 1), many = cost_of_revoking(state, 100, 1);
	assert_int_equal(few.calls, many.calls);
}

static void revocation_costs_in_proportion_to_what_it_takes_back(void **state)
{
	struct cost few = cost_of_revoking(state, 50, 0), many = cost_of_revoking(state, 200, 0);
	assert_true(many.calls < 5 * few.calls);
	assert_true(many.rows < 5 * few.rows);
}

/* A register that was written often, and all of it is taken back. */
static struct cost cost_of_taking_back_reports(void **state, size_t n)
{
	struct scene *t = begin(state);
	struct scribe office;
	struct hash task;
	scribe_begin(&office, t->c, OFFICE);
	scribe_write(&office, (struct write){.value = value_task("")}, &task);
	node_feed(&t->n, &office);
	node_greet(&t->n, JIANGSU);
	for (size_t i = 0; i < n; i++)
		scribe_write(
			&t->s, (struct write){.value = value_report(10), .under = &task}, NULL);
	take(t, 0);
	size_t from = t->s.n;
	scribe_revoke(&t->s, &t->c->member[JIANGSU].operator[0], 0);
	struct cost c = take(t, from);
	assert_int_equal(node_findings(&t->n), n);
	scribe_release(&office);
	end(t);
	return c;
}

static void register_written_often_is_folded_once(void **state)
{
	struct cost few = cost_of_taking_back_reports(state, 50);
	struct cost many = cost_of_taking_back_reports(state, 200);
	assert_true(many.rows < 5 * few.rows);
	assert_true(many.calls < 5 * few.calls);
}

/* A note that is struck out, the strike too, and so on: the note is taken back. */
static struct cost cost_of_a_chain(void **state, size_t n)
{
	struct scene *t = begin(state);
	struct value strike = {.slot = SLOT_NOTE, .note = {.struck = true}};
	static const char nonce[] = "00000000000000630000000000000000";
	struct write w = {.value = value_note("x"), .nonce = 0x63};
	struct hash id;
	node_greet(&t->n, JIANGSU);
	scribe_write_as(&t->s, &t->c->member[JIANGSU].operator[1], w, &id);
	for (size_t i = 0; i < n; i++) {
		struct hash under = id;
		scribe_write(&t->s,
			(struct write){.value = strike, .holder = nonce, .under = &under}, &id);
	}
	take(t, 0);
	assert_int_equal(node_findings(&t->n), 0);
	size_t from = t->s.n;
	scribe_revoke(&t->s, &t->c->member[JIANGSU].operator[1], 0);
	struct cost c = take(t, from);
	assert_int_equal(node_findings(&t->n), n + 1);
	end(t);
	return c;
}

static void chain_of_strikes_is_followed_in_proportion_to_its_length(void **state)
{
	struct cost few = cost_of_a_chain(state, 50), many = cost_of_a_chain(state, 200);
	assert_true(many.rows < 5 * few.rows);
	assert_true(many.calls < 5 * few.calls);
}

/* ---- many events at once ---- */

static void write_and_take_notes(struct scene *t, size_t n)
{
	take(t, 0);
	for (size_t from = t->s.n; n > 0; from = t->s.n) {
		size_t some = n < 500 ? n : 500;
		write_notes(t, some);
		take(t, from);
		n -= some;
	}
}

static void batch_of_revocations_reads_the_log_once(void **state)
{
	struct scene *t = begin(state);
	node_greet(&t->n, JIANGSU);
	write_and_take_notes(t, 2000);
	size_t from = t->s.n;
	for (size_t i = 0; i < 512; i++)
		scribe_revoke(&t->s, &t->c->member[JIANGSU].operator[1], from - 1 - i);
	assert_true(take(t, from).rows < 2 * t->s.n);
	end(t);
}

static void revocation_of_what_is_revoked_reads_nothing(void **state)
{
	struct scene *t = begin(state);
	const struct key *operator= & t->c->member[JIANGSU].operator[0];
	node_greet(&t->n, JIANGSU);
	write_and_take_notes(t, 100);
	size_t from = t->s.n;
	scribe_revoke(&t->s, operator, 50);
	take(t, from);
	from = t->s.n;
	scribe_revoke(&t->s, operator, 50);
	scribe_revoke(&t->s, operator, 70);
	assert_int_equal(take(t, from).rows, 0);
	/* One that reaches back farther reads what it adds. */
	from = t->s.n;
	scribe_revoke(&t->s, operator, 40);
	assert_true(take(t, from).rows < 100);
	assert_void(&t->n, &t->s, 40, VOID_OPERATOR);
	assert_effective(&t->n, &t->s, 39);
	end(t);
}

static void revocation_of_a_key_that_never_was_an_operators_reads_nothing(void **state)
{
	struct scene *t = begin(state);
	node_greet(&t->n, JIANGSU);
	write_and_take_notes(t, 100);
	size_t from = t->s.n;
	scribe_revoke(&t->s, &t->c->member[ANHUI].operator[0], 0);
	assert_int_equal(take(t, from).rows, 0);
	end(t);
}

static void batch_of_delegations_reads_the_epoch_after_it_once(void **state)
{
	struct scene *t = begin(state);
	struct scribe next;
	for (size_t i = 0; i < 509; i++)
		scribe_delegate(&t->s, &t->c->member[JIANGSU].operator[1], NULL, 0);
	scribe_init(&next, t->c, JIANGSU, 2);
	scribe_open(&next, OPEN_ROTATE, &t->s);
	for (size_t i = 0; i < 400; i++)
		scribe_write(&next, (struct write){.value = value_note("x")}, NULL);
	node_greet(&t->n, JIANGSU);
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &next, 0, next.n));
	assert_void(&t->n, &next, 1, VOID_OPERATOR);
	assert_true(take(t, 0).rows < 3 * next.n);
	assert_effective(&t->n, &next, 1);
	/* What that epoch does not build on is none of its business. */
	size_t from = t->s.n;
	scribe_revoke(&t->s, &t->c->member[JIANGSU].operator[0], from);
	assert_int_equal(take(t, from).rows, 0);
	assert_effective(&t->n, &next, 1);
	scribe_release(&next);
	end(t);
}

/* ---- what a start reads ---- */

static void many_delegations_are_all_known_after_a_start(void **state)
{
	struct scene *t = begin(state);
	const struct key *last = &t->c->member[SHANGHAI].operator[0];
	node_greet(&t->n, JIANGSU);
	for (size_t from = 0; t->s.n < 1500; from = t->s.n) {
		for (size_t i = 0; i < 500; i++)
			scribe_delegate(&t->s, &t->c->member[ANHUI].operator[0], NULL, 0);
		take(t, from);
	}
	size_t from = t->s.n;
	scribe_delegate(&t->s, last, NULL, 0);
	take(t, from);
	assert_ok(&t->n, node_restart(&t->n));
	node_greet(&t->n, JIANGSU);
	const struct ctl_operator *o;
	size_t n;
	assert_ok(&t->n, replica_operators(t->n.replica, &o, &n, &t->n.e));
	assert_int_equal(n, t->s.n - 1);
	from = t->s.n;
	size_t at = scribe_write_as(&t->s, last, (struct write){.value = value_note("x")}, NULL);
	take(t, from);
	assert_effective(&t->n, &t->s, at);
	end(t);
}

static void exactly_one_value_of_places_full_is_read_back(void **state)
{
	struct scene *t = begin(state);
	node_greet(&t->n, JIANGSU);
	/* Own Open, jiangsu's Open and two delegations: 1,020 more fill the first value. */
	take(t, 0);
	for (size_t i = 0; i < 2; i++) {
		size_t from = t->s.n;
		for (size_t k = 0; k < 510; k++)
			scribe_delegate(&t->s, &t->c->member[ANHUI].operator[0], NULL, 0);
		take(t, from);
	}
	for (size_t i = 0; i < 2; i++) {
		assert_ok(&t->n, node_restart(&t->n));
		assert_ok(
			&t->n, node_delegate(&t->n, &t->c->member[SHANGHAI].operator[0], NULL, 0));
	}
	assert_ok(&t->n, node_restart(&t->n));
	const struct ctl_operator *o;
	size_t n;
	assert_ok(&t->n, replica_operators(t->n.replica, &o, &n, &t->n.e));
	assert_int_equal(n, 1024);
	end(t);
}

/* ---- looking back ---- */

static void peer_makes_us_read_a_log_from_its_beginning_once_a_minute(void **state)
{
	struct scene *t = begin(state);
	write_notes(t, 1536); /* more than whose roots are found by reading little */
	node_greet(&t->n, JIANGSU);
	for (size_t size = 1; size <= t->s.n; size++)
		if (size <= 60 || size % 256 == 0 || size == t->s.n)
			assert_ok(&t->n,
				node_leaves(&t->n, JIANGSU, &t->s,
					(size_t)node_size(&t->n, t->s.origin), size));
	node_greet(&t->n, ANHUI);
	uint64_t rows = t->store.rows;
	for (size_t size = 10; size < 50; size++)
		assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, size));
	assert_int_equal(t->store.rows - rows, 10);
	/* Nor by calling again. */
	assert_ok(&t->n, node_link(&t->n, ANHUI, LINK_DOWN));
	node_greet(&t->n, ANHUI);
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 15));
	assert_int_equal(t->store.rows - rows, 10);
	t->n.now.mono.v += 60 * 1000;
	assert_ok(&t->n, node_head(&t->n, ANHUI, &t->s, 20));
	assert_int_equal(t->store.rows - rows, 30);
	end(t);
}

/* ---- rosters ---- */

static uint64_t calls_for_rosters(struct scene *t, struct bytes note, size_t n)
{
	struct message m = {.kind = MESSAGE_ROSTER, .note = note};
	uint64_t calls = t->store.calls;
	for (size_t i = 0; i < n; i++)
		assert_ok(&t->n, node_recv(&t->n, ANHUI, &m));
	return t->store.calls - calls;
}

/* Version 2 is in force, so it is 14 of them. */
static void peer_makes_us_look_at_few_rosters_that_change_nothing(void **state)
{
	struct scene *t = begin(state);
	struct roster now = roster_of_note(buf_bytes(&t->c->roster)), next = roster_after(&now);
	struct buf known = {0}, new = {0};
	struct message ping = {.kind = MESSAGE_PING};
	roster_sign_quorum(&next, &now, t->c, NULL, 0, &known);
	now = roster_of_note(buf_bytes(&known));
	next = roster_after(&now);
	roster_sign_quorum(&next, &now, t->c, NULL, 0, &new);
	node_greet(&t->n, ANHUI);
	(void)calls_for_rosters(t, buf_bytes(&known), 1);
	assert_int_equal(replica_roster(t->n.replica)->version, 2);
	node_greet(&t->n, ANHUI);
	uint64_t group = t->store.calls;
	assert_ok(&t->n, node_recv(&t->n, ANHUI, &ping));
	group = t->store.calls - group;
	for (size_t i = 0; i < 14; i++)
		assert_true(calls_for_rosters(t, buf_bytes(&known), 1) > group);
	assert_int_equal(calls_for_rosters(t, buf_bytes(&known), 100), 100 * group);
	/* Nor by calling again. */
	assert_ok(&t->n, node_link(&t->n, ANHUI, LINK_DOWN));
	node_greet(&t->n, ANHUI);
	assert_int_equal(calls_for_rosters(t, buf_bytes(&known), 10), 10 * group);
	t->n.now.mono.v += 60 * 1000;
	(void)calls_for_rosters(t, buf_bytes(&new), 1);
	assert_int_equal(replica_roster(t->n.replica)->version, 3);
	buf_release(&known);
	buf_release(&new);
	end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(revocation_asks_only_about_what_its_key_signed),
		cmocka_unit_test(revocation_costs_in_proportion_to_what_it_takes_back),
		cmocka_unit_test(register_written_often_is_folded_once),
		cmocka_unit_test(chain_of_strikes_is_followed_in_proportion_to_its_length),
		cmocka_unit_test(batch_of_revocations_reads_the_log_once),
		cmocka_unit_test(revocation_of_what_is_revoked_reads_nothing),
		cmocka_unit_test(revocation_of_a_key_that_never_was_an_operators_reads_nothing),
		cmocka_unit_test(batch_of_delegations_reads_the_epoch_after_it_once),
		cmocka_unit_test(many_delegations_are_all_known_after_a_start),
		cmocka_unit_test(exactly_one_value_of_places_full_is_read_back),
		cmocka_unit_test(peer_makes_us_read_a_log_from_its_beginning_once_a_minute),
		cmocka_unit_test(peer_makes_us_look_at_few_rosters_that_change_nothing),
	};
	return cmocka_run_group_tests_name("core cost", tests, core_set_up, core_tear_down);
}
