/* What a node shows: current values, histories, conflicts, findings, status. */
#include "tests/lib/core_test.h"

#include "proto/wire/codec.h"

struct scene {
	struct cluster *c;
	struct scribe office, jiangsu, second; /* second: jiangsu's next epoch */
	struct hash task[3], a, b, next;       /* a and b: two reports at once on 3-05 */
	struct node n;			       /* shanghai's */
};

static const char *const keys[] = {"3-05", "1-100", "1-02"};

static struct scene *begin(void **state)
{
	struct scene *t = xalloc(sizeof(*t));
	struct bytes who[] = {bytes_str("jiangsu"), bytes_str("zhejiang")};
	t->c = *state;
	scribe_begin(&t->office, t->c, OFFICE);
	for (size_t i = 0; i < 3; i++) {
		struct write w = {.value = value_task(""), .task = keys[i]};
		w.value.task.participants = who;
		w.value.task.n_participants = 2;
		scribe_write(&t->office, w, &t->task[i]);
	}
	scribe_begin(&t->jiangsu, t->c, JIANGSU);
	scribe_init(&t->second, t->c, JIANGSU, 2);
	scribe_open(&t->second, OPEN_ROLLBACK, &t->jiangsu);
	scribe_write(&t->jiangsu, (struct write){.value = value_report(10), .under = &t->task[0]},
		&t->a);
	scribe_write(
		&t->second, (struct write){.value = value_report(20), .under = &t->task[0]}, &t->b);
	scribe_write(&t->jiangsu,
		(struct write){.value = value_report(30), .under = &t->task[1], .task = keys[1]},
		&t->next);
	node_init(&t->n, t->c, SHANGHAI);
	node_feed(&t->n, &t->office);
	node_feed(&t->n, &t->jiangsu);
	node_feed(&t->n, &t->second);
	return t;
}

static void end(struct scene *t)
{
	node_release(&t->n);
	scribe_release(&t->office);
	scribe_release(&t->jiangsu);
	scribe_release(&t->second);
	free(t);
}

struct seen {
	struct hash id[16];
	bool current[16];
	size_t n, stop_after;
};

/* Each entry must bring the leaf that its id is of, from the place it names. */
static int take(void *arg, const struct ctl_entry *entry)
{
	struct seen *s = arg;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	struct change c;
	arena_init(&a, memory, sizeof(memory));
	assert_int_equal(leaf_decode(entry->leaf, &a, &leaf, NULL), RC_OK);
	assert_int_equal(leaf.index, entry->index);
	assert_int_equal(change_decode(leaf.signed_body.body, &a, &c, NULL), RC_OK);
	assert_true(entry->origin.n > 0);
	memcpy(s->id[s->n].b, entry->change_id.p, HASH_BYTES);
	s->current[s->n++] = entry->current;
	return s->n == s->stop_after;
}

static struct seen ask(struct scene *t, struct ctl_query q, size_t stop_after)
{
	struct seen s = {.stop_after = stop_after};
	assert_ok(&t->n, replica_query(t->n.replica, &q, take, &s, &t->n.e));
	return s;
}

static bool has(const struct seen *s, const struct hash *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (hash_equal(&s->id[i], id))
			return true;
	return false;
}

static void filters_choose_by_task_slot_and_holder(void **state)
{
	struct scene *t = begin(state);
	struct seen s = ask(t, (struct ctl_query){.any_task = true, .any_holder = true}, 0);
	assert_int_equal(s.n, 6);
	s = ask(t, (struct ctl_query){.any_task = true, .any_holder = true, .slot = SLOT_TASK}, 0);
	assert_int_equal(s.n, 3);
	s = ask(t, (struct ctl_query){.task = bytes_str("1-100"), .any_holder = true}, 0);
	assert_int_equal(s.n, 2);
	s = ask(t, (struct ctl_query){.task = bytes_str("1-100"), .holder = bytes_str("jiangsu")},
		0);
	assert_int_equal(s.n, 1);
	assert_true(has(&s, &t->next));
	s = ask(t, (struct ctl_query){.task = bytes_str("9-99"), .any_holder = true}, 0);
	assert_int_equal(s.n, 0);
	end(t);
}

static void visitor_may_stop(void **state)
{
	struct scene *t = begin(state);
	for (size_t n = 1; n < 6; n++)
		assert_int_equal(
			ask(t, (struct ctl_query){.any_task = true, .any_holder = true}, n).n, n);
	struct ctl_query q = {.any_task = true, .any_holder = true, .conflicts = true};
	assert_int_equal(ask(t, q, 1).n, 1);
	end(t);
}

static void conflicts_are_all_values_of_registers_with_several(void **state)
{
	struct scene *t = begin(state);
	struct ctl_query q = {.any_task = true, .any_holder = true, .conflicts = true};
	struct seen s = ask(t, q, 0);
	assert_int_equal(s.n, 2);
	assert_true(has(&s, &t->a) && has(&s, &t->b));
	assert_true(s.current[0] && s.current[1]);
	struct ctl_status status;
	assert_ok(&t->n, replica_status(t->n.replica, t->n.now, &status, &t->n.e));
	assert_int_equal(status.conflicts, 1);
	/* It ends by a change that has seen both. */
	struct hash both[] = {t->a, t->b};
	scribe_write(&t->second,
		(struct write){.value = value_report(25),
			.under = &t->task[0],
			.supersedes = both,
			.n_supersedes = 2},
		NULL);
	node_feed(&t->n, &t->second);
	assert_int_equal(ask(t, q, 0).n, 0);
	q = (struct ctl_query){.task = bytes_str("3-05"), .slot = SLOT_REPORT, .any_holder = true};
	assert_int_equal(ask(t, q, 0).n, 1);
	q.history = true;
	s = ask(t, q, 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.current[0] + s.current[1] + s.current[2], 1);
	end(t);
}

static void findings_name_void_pending_and_unknown_leaves(void **state)
{
	struct scene *t = begin(state);
	struct hash nothing = {{1}};
	assert_int_equal(node_findings(&t->n), 0);
	size_t bad = scribe_raw(&t->second, bytes_str("?"));
	size_t waits = scribe_write(
		&t->second, (struct write){.value = value_report(1), .under = &nothing}, NULL);
	struct leaf displaced = {.kind = LEAF_OPEN,
		.open = {SUITE_ED25519_SHA256, OPEN_INIT, {0}, 0, {0}},
		.index = 77};
	size_t at = scribe_leaf(&t->second, displaced);
	node_feed(&t->n, &t->second);
	assert_void(&t->n, &t->second, bad, VOID_GATE);
	assert_verdict(&t->n, &t->second, waits, VERDICT_PENDING, VOID_NONE);
	assert_void(&t->n, &t->second, at, VOID_INDEX);
	assert_int_equal(node_findings(&t->n), 3);
	end(t);
}

/* A task's participants are remembered while a batch is judged: remembered rightly. */
static void participants_are_the_same_from_memory_as_from_the_store(void **state)
{
	struct scene *t = begin(state);
	struct scribe anhui, zhejiang;
	scribe_begin(&anhui, t->c, ANHUI);
	scribe_begin(&zhejiang, t->c, ZHEJIANG);
	struct write w = {.value = value_report(1), .under = &t->task[2], .task = keys[2]};
	size_t first = scribe_write(&anhui, w, NULL), second = scribe_write(&zhejiang, w, NULL);
	w.value.report.progress = 2;
	size_t again = scribe_write(&zhejiang, w, NULL);
	node_feed(&t->n, &anhui);
	node_feed(&t->n, &zhejiang);
	assert_void(&t->n, &anhui, first, VOID_WRITER);
	assert_effective(&t->n, &zhejiang, second);
	assert_effective(&t->n, &zhejiang, again);
	scribe_release(&anhui);
	scribe_release(&zhejiang);
	end(t);
}

static void status_names_logs_peers_and_what_is_behind(void **state)
{
	struct scene *t = begin(state);
	struct ctl_status status;
	assert_ok(&t->n, node_head(&t->n, OFFICE, &t->office, 3));
	assert_ok(&t->n, replica_status(t->n.replica, t->n.now, &status, &t->n.e));
	assert_true(bytes_equal(status.member, bytes_str("shanghai")));
	assert_true(bytes_equal(status.state, bytes_str("running")));
	assert_int_equal(status.rules_version, RULES_VERSION);
	assert_int_equal(status.n_logs, 4);
	assert_int_equal(status.entries, 1 + t->office.n + t->jiangsu.n + t->second.n);
	assert_int_equal(status.n_peers, CLUSTER_MEMBERS - 1);
	struct hash root;
	scribe_root(&t->jiangsu, t->jiangsu.n, &root);
	assert_memory_equal(node_log(&t->n, t->jiangsu.origin)->root.p, root.b, HASH_BYTES);
	assert_ok(&t->n, replica_status(t->n.replica, t->n.now, &status, &t->n.e));
	for (size_t i = 0; i < status.n_peers; i++) {
		const struct ctl_peer *p = &status.peers[i];
		bool met = bytes_equal(p->member, bytes_str("office")) ||
			bytes_equal(p->member, bytes_str("jiangsu"));
		assert_int_equal(p->connected, met);
		assert_true(met == bytes_equal(p->software, bytes_str("test")));
	}
	end(t);
}

static void node_without_a_roster_shows_that_it_waits_for_one(void **state)
{
	struct node n;
	struct ctl_status status;
	struct buf note = {0};
	node_init_bare(&n, *state, SHANGHAI, NULL);
	assert_ok(&n, replica_status(n.replica, n.now, &status, &n.e));
	assert_true(bytes_equal(status.state, bytes_str("waiting-roster")));
	assert_int_equal(status.n_logs, 0);
	assert_int_equal(replica_roster_note(n.replica, &note, &n.e), STORE_NONE);
	assert_ok(&n, node_install_roster(&n));
	assert_ok(&n, replica_roster_note(n.replica, &note, &n.e));
	assert_true(bytes_equal(buf_bytes(&note), buf_bytes(&n.c->roster)));
	buf_release(&note);
	node_release(&n);
}

static void operators_are_listed_with_their_reach(void **state)
{
	struct cluster *c = *state;
	struct node n;
	const struct cluster_member *m = &c->member[SHANGHAI];
	const char *const scope[] = {"1-01", "3-05", NULL};
	node_init(&n, c, SHANGHAI);
	assert_ok(&n, node_delegate(&n, &m->operator[0], NULL, 0));
	assert_ok(&n, node_delegate(&n, &m->operator[1], scope, 20));
	assert_ok(&n, node_revoke(&n, &m->operator[0], 2));
	const struct ctl_operator *o;
	size_t count;
	assert_ok(&n, replica_operators(n.replica, &o, &count, &n.e));
	assert_int_equal(count, 2);
	assert_true(bytes_equal(o[0].member, bytes_str("shanghai")));
	assert_int_equal(o[0].from, 1);
	assert_int_equal(o[0].below, 2);
	assert_int_equal(o[0].n_scope, 0);
	assert_true(bytes_equal(o[1].key, bytes_of(m->operator[1].public, KEY_BYTES)));
	assert_int_equal(o[1].below, 21);
	assert_int_equal(o[1].n_scope, 2);
	assert_true(bytes_equal(o[1].scope[1], bytes_str("3-05")));
	node_release(&n);
}

/* The first operator that is listed. */
static struct ctl_operator first_operator(struct node *n)
{
	const struct ctl_operator *o;
	size_t count;
	assert_ok(n, replica_operators(n->replica, &o, &count, &n->e));
	assert_true(count > 0);
	return o[0];
}

static void operator_of_an_earlier_epoch_is_listed_as_far_as_it_counts_now(void **state)
{
	struct cluster *c = *state;
	struct scribe one, two;
	struct node n;
	scribe_begin(&one, c, JIANGSU);
	scribe_write(&one, (struct write){.value = value_note("x")}, NULL);
	scribe_init(&two, c, JIANGSU, 2);
	scribe_open(&two, OPEN_REBUILD, &one);
	scribe_write(&two, (struct write){.value = value_note("y")}, NULL);
	node_init(&n, c, SHANGHAI);
	node_feed(&n, &one);
	node_feed(&n, &two);
	assert_int_equal(first_operator(&n).below, 0);
	scribe_revoke(&two, &c->member[JIANGSU].operator[0], two.n);
	node_feed(&n, &two);
	assert_int_equal(first_operator(&n).from, 1);
	assert_int_equal(first_operator(&n).below, one.n);
	assert_ok(&n, node_restart(&n));
	assert_int_equal(first_operator(&n).below, one.n);
	node_release(&n);
	scribe_release(&one);
	scribe_release(&two);
}

static void operator_of_an_epoch_that_nothing_builds_on_is_listed_as_ended(void **state)
{
	struct cluster *c = *state;
	struct scribe one, two;
	struct node n;
	scribe_begin(&one, c, JIANGSU);
	scribe_init(&two, c, JIANGSU, 2);
	scribe_open(&two, OPEN_INIT, NULL);
	node_init(&n, c, SHANGHAI);
	node_feed(&n, &one);
	assert_int_equal(first_operator(&n).below, 0);
	node_feed(&n, &two);
	assert_int_equal(first_operator(&n).below, one.n);
	node_release(&n);
	scribe_release(&one);
	scribe_release(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_choose_by_task_slot_and_holder),
		cmocka_unit_test(visitor_may_stop),
		cmocka_unit_test(conflicts_are_all_values_of_registers_with_several),
		cmocka_unit_test(findings_name_void_pending_and_unknown_leaves),
		cmocka_unit_test(participants_are_the_same_from_memory_as_from_the_store),
		cmocka_unit_test(operators_are_listed_with_their_reach),
		cmocka_unit_test(operator_of_an_earlier_epoch_is_listed_as_far_as_it_counts_now),
		cmocka_unit_test(operator_of_an_epoch_that_nothing_builds_on_is_listed_as_ended),
		cmocka_unit_test(status_names_logs_peers_and_what_is_behind),
		cmocka_unit_test(node_without_a_roster_shows_that_it_waits_for_one),
	};
	return cmocka_run_group_tests_name("core query", tests, core_set_up, core_tear_down);
}
