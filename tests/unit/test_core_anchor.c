/* Anchors: what a node writes about all logs, and when. */
#include "tests/lib/core_test.h"

#include "daemon/core/state.h"
#include "proto/wire/codec.h"

#define MINUTE_MS 60000LL
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define NEW_YEAR_2027_MS 1798761600000LL

static size_t own_size(struct node *n)
{
	return (size_t)node_size(n, node_origin(n));
}

struct read_anchor {
	struct buf raw;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct anchor x;
};

static void read_own_leaf(struct node *n, uint64_t index, struct buf *out)
{
	const struct log *own = n->replica->own;
	assert_int_equal(n->store->ops->leaf_get(n->store, own->row.id, index, out, &n->e), RC_OK);
}

static bool is_anchor(struct node *n, uint64_t index)
{
	struct buf raw = {0};
	struct leaf leaf;
	struct arena a;
	static uint8_t memory[CODEC_LEAF_ARENA];
	arena_init(&a, memory, sizeof(memory));
	read_own_leaf(n, index, &raw);
	assert_int_equal(leaf_decode(buf_bytes(&raw), &a, &leaf, NULL), RC_OK);
	buf_release(&raw);
	return leaf.kind == LEAF_ANCHOR;
}

static void read_anchor(struct node *n, uint64_t index, struct read_anchor *out)
{
	struct arena a;
	out->raw = (struct buf){0};
	arena_init(&a, out->memory, sizeof(out->memory));
	read_own_leaf(n, index, &out->raw);
	assert_int_equal(anchor_decode(buf_bytes(&out->raw), &a, &out->x, &n->e), RC_OK);
}

static int anchor(struct node *n, struct posted *out)
{
	n->e = (struct err){0};
	assert_ok(n, replica_begin(n->replica, &n->e));
	int rc = replica_anchor(n->replica, n->now, out, &n->e);
	struct err late = {0};
	assert_int_equal(replica_commit(n->replica, n->now, &late), RC_OK);
	return rc;
}

/* A node at this wall clock, with an operator. */
static void begin(struct node *n, const struct cluster *c, int64_t wall_ms)
{
	node_init(n, c, SHANGHAI);
	n->now.wall.v = wall_ms;
	assert_ok(n, node_delegate(n, &c->member[SHANGHAI].operator[0], NULL, 0));
}

static void note(struct node *n)
{
	assert_ok(n, node_write(n, (struct write){.value = value_note("a note")}, NULL));
}

/* So many hours, with the ticks that are due. */
static void pass_hours(struct node *n, int hours)
{
	for (int i = 0; i < hours; i++)
		assert_ok(n, node_pass(n, HOUR_MS));
}

static void anchor_names_all_logs_and_their_view(void **state)
{
	struct scribe s;
	struct node n;
	struct posted posted;
	struct read_anchor got;
	struct hash root, h;
	scribe_begin(&s, *state, OFFICE);
	scribe_write(&s, (struct write){.value = value_task("jiangsu")}, NULL);
	begin(&n, *state, NEW_YEAR_2027_MS + DAY_MS);
	node_feed(&n, &s);
	struct hash view = node_view(&n);
	uint64_t before = own_size(&n);
	assert_ok(&n, anchor(&n, &posted));
	assert_string_equal(posted.origin, node_origin(&n));
	assert_int_equal(posted.index, before);
	read_anchor(&n, before, &got);
	merkle_leaf_hash(buf_bytes(&got.raw), &h);
	assert_same_hash(posted.id, h);
	assert_int_equal(got.x.n, 2);
	assert_true(bytes_equal(got.x.heads[0].origin, bytes_str(s.origin)));
	assert_int_equal(got.x.heads[0].size, 3);
	scribe_root(&s, 3, &root);
	assert_true(bytes_equal(got.x.heads[0].root, hash_bytes(&root)));
	assert_true(bytes_equal(got.x.heads[1].origin, bytes_str(node_origin(&n))));
	assert_int_equal(got.x.heads[1].size, before);
	assert_true(bytes_equal(got.x.view_root, hash_bytes(&view)));
	assert_int_equal(got.x.rules_version, RULES_VERSION);
	struct hash after = node_view(&n);
	assert_same_hash(after, view);
	assert_int_equal(node_findings(&n), 0);
	buf_release(&got.raw);
	node_release(&n);
	scribe_release(&s);
}

static void provisional_view_and_forked_log_are_not_anchored(void **state)
{
	struct scribe s, other;
	struct node n;
	struct posted posted;
	scribe_begin(&s, *state, OFFICE);
	scribe_write(&s, (struct write){.value = value_task("jiangsu")}, NULL);
	begin(&n, *state, NEW_YEAR_2027_MS);
	n.bulk = true;
	node_feed(&n, &s);
	assert_rc(&n, anchor(&n, &posted), RC_REFUSED);
	uint64_t size = own_size(&n);
	pass_hours(&n, 60);
	assert_int_equal(own_size(&n), size);
	node_audit(&n);
	assert_ok(&n, anchor(&n, &posted));
	scribe_begin(&other, *state, OFFICE);
	scribe_write(&other, (struct write){.value = value_task("anhui")}, NULL);
	node_greet(&n, OFFICE);
	assert_ok(&n, node_head(&n, OFFICE, &other, 3));
	assert_rc(&n, anchor(&n, &posted), RC_FORK);
	size = own_size(&n);
	pass_hours(&n, 24 * 100);
	assert_int_equal(own_size(&n), size);
	node_release(&n);
	scribe_release(&s);
	scribe_release(&other);
}

static void a_day_after_a_change_there_is_one_anchor(void **state)
{
	struct node n;
	begin(&n, *state, NEW_YEAR_2027_MS);
	note(&n);
	uint64_t size = own_size(&n);
	pass_hours(&n, 23);
	assert_int_equal(own_size(&n), size);
	pass_hours(&n, 3);
	assert_int_equal(own_size(&n), size + 1);
	assert_true(is_anchor(&n, size));
	/* An anchor never causes an anchor. */
	pass_hours(&n, 24 * 20);
	assert_int_equal(own_size(&n), size + 1);
	note(&n);
	note(&n);
	pass_hours(&n, 2);
	assert_int_equal(own_size(&n), size + 4);
	assert_true(is_anchor(&n, size + 3));
	note(&n);
	pass_hours(&n, 20);
	assert_int_equal(own_size(&n), size + 5); /* one a day */
	pass_hours(&n, 6);
	assert_int_equal(own_size(&n), size + 6);
	node_release(&n);
}

static void what_is_known_of_the_last_anchor_outlives_the_process(void **state)
{
	struct node n;
	begin(&n, *state, NEW_YEAR_2027_MS);
	note(&n);
	pass_hours(&n, 26);
	uint64_t size = own_size(&n);
	assert_true(is_anchor(&n, size - 1));
	note(&n);
	for (int i = 0; i < 20; i++) {
		assert_ok(&n, node_restart(&n));
		pass_hours(&n, 1);
	}
	assert_int_equal(own_size(&n), size + 1);
	for (int i = 0; i < 8; i++) {
		assert_ok(&n, node_restart(&n));
		pass_hours(&n, 1);
	}
	assert_int_equal(own_size(&n), size + 2);
	node_release(&n);
}

static void a_quarter_ends_with_an_anchor(void **state)
{
	struct node n;
	begin(&n, *state, NEW_YEAR_2027_MS - 5 * HOUR_MS);
	pass_hours(&n, 4);
	uint64_t size = own_size(&n);
	n.now.mono.v += 59 * MINUTE_MS;
	n.now.wall.v += 59 * MINUTE_MS;
	assert_ok(&n, node_tick(&n));
	assert_int_equal(own_size(&n), size);
	int64_t left = replica_deadline(n.replica).v - n.now.mono.v;
	assert_true(left <= MINUTE_MS);
	assert_ok(&n, node_pass(&n, MINUTE_MS));
	assert_int_equal(own_size(&n), size + 1); /* at once, and though nothing changed */
	assert_true(is_anchor(&n, size));
	pass_hours(&n, 24 * 89);
	assert_int_equal(own_size(&n), size + 1);
	pass_hours(&n, 24 * 2);
	assert_int_equal(own_size(&n), size + 2);
	node_release(&n);
}

static void log_with_nothing_but_its_open_gets_no_anchor_by_itself(void **state)
{
	struct node n;
	node_init(&n, *state, SHANGHAI);
	n.now.wall.v = NEW_YEAR_2027_MS - 5 * HOUR_MS;
	pass_hours(&n, 24 * 100);
	assert_int_equal(own_size(&n), 1);
	node_release(&n);
}

static void clock_that_was_set_back_begins_a_new_day(void **state)
{
	struct node n;
	begin(&n, *state, NEW_YEAR_2027_MS);
	pass_hours(&n, 2);
	n.now.wall.v += 3650 * DAY_MS;
	pass_hours(&n, 2);
	uint64_t size = own_size(&n);
	n.now.wall.v -= 3650 * DAY_MS;
	note(&n);
	pass_hours(&n, 2);
	assert_int_equal(own_size(&n), size + 1);
	pass_hours(&n, 25);
	assert_int_equal(own_size(&n), size + 2);
	node_release(&n);
}

static void anchors_of_others_are_effective_and_change_nothing(void **state)
{
	struct node a, b;
	struct posted posted;
	node_init(&a, *state, SHANGHAI);
	node_init(&b, *state, JIANGSU);
	node_meet(&a, &b);
	struct hash view = node_view(&b);
	assert_ok(&a, anchor(&a, &posted));
	assert_ok(&a, node_pass(&a, 100));
	node_exchange(&a, &b);
	assert_int_equal(node_size(&b, node_origin(&a)), own_size(&a));
	struct hash after = node_view(&b);
	assert_same_hash(after, view);
	assert_int_equal(node_findings(&b), 0);
	uint64_t size = own_size(&b);
	for (int i = 0; i < 24 * 5; i++)
		assert_ok(&b, node_pass(&b, HOUR_MS));
	assert_int_equal(own_size(&b), size);
	node_release(&a);
	node_release(&b);
}

static void quarters_are_counted_in_any_year(void **state)
{
	/* The last hours of 31 December 1969, of 30 September 1905, and of
	 * 31 March of the year before year 0.
	 */
	static const int64_t end[] = {0, -2027635200000LL, -62190979200000LL};
	for (size_t i = 0; i < sizeof(end) / sizeof(end[0]); i++) {
		struct node n;
		begin(&n, *state, end[i] - 3 * HOUR_MS);
		note(&n);
		pass_hours(&n, 1);
		uint64_t before = own_size(&n);
		pass_hours(&n, 1);
		assert_int_equal(own_size(&n), before);
		pass_hours(&n, 3);
		assert_int_equal(own_size(&n), before + 1);
		assert_true(is_anchor(&n, before));
		node_release(&n);
	}
}

static void log_without_leaves_here_is_not_named(void **state)
{
	struct scribe s;
	struct node n;
	struct posted posted;
	struct read_anchor got;
	scribe_begin(&s, *state, OFFICE);
	begin(&n, *state, NEW_YEAR_2027_MS + DAY_MS);
	node_greet(&n, OFFICE);
	assert_ok(&n, node_head(&n, OFFICE, &s, s.n));
	assert_non_null(node_log(&n, s.origin));
	assert_ok(&n, anchor(&n, &posted));
	read_anchor(&n, posted.index, &got);
	assert_int_equal(got.x.n, 1);
	assert_true(bytes_equal(got.x.heads[0].origin, bytes_str(node_origin(&n))));
	buf_release(&got.raw);
	node_release(&n);
	scribe_release(&s);
}

static void damaged_note_of_the_last_anchor_is_damage(void **state)
{
	struct node n;
	const struct store_ops *ops;
	begin(&n, *state, NEW_YEAR_2027_MS + DAY_MS);
	ops = n.store->ops;
	assert_ok(&n, ops->begin(n.store, &n.e));
	assert_ok(&n, ops->meta_put(n.store, "anchor", bytes_str("short"), &n.e));
	assert_ok(&n, ops->commit(n.store, &n.e));
	assert_rc(&n, node_pass(&n, HOUR_MS), RC_CORRUPT);
	node_release(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anchor_names_all_logs_and_their_view),
		cmocka_unit_test(provisional_view_and_forked_log_are_not_anchored),
		cmocka_unit_test(a_day_after_a_change_there_is_one_anchor),
		cmocka_unit_test(what_is_known_of_the_last_anchor_outlives_the_process),
		cmocka_unit_test(a_quarter_ends_with_an_anchor),
		cmocka_unit_test(log_with_nothing_but_its_open_gets_no_anchor_by_itself),
		cmocka_unit_test(clock_that_was_set_back_begins_a_new_day),
		cmocka_unit_test(anchors_of_others_are_effective_and_change_nothing),
		cmocka_unit_test(log_without_leaves_here_is_not_named),
		cmocka_unit_test(damaged_note_of_the_last_anchor_is_damage),
		cmocka_unit_test(quarters_are_counted_in_any_year),
	};
	return cmocka_run_group_tests(tests, core_set_up, core_tear_down);
}
