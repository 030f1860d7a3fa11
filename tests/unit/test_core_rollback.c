/* The disk fails at every call in turn: the node rolls back, goes on, and ends where it would have
 * been. */
#include "tests/lib/core_test.h"

#include "tests/lib/store_sweep.h"

struct script {
	const struct cluster *c;
	struct scribe office, jiangsu, jiangsu_again, zhejiang[2];
	struct hash task, lost_task, note, report;
	struct signature pair[2];
};

static void script_init(struct script *s, const struct cluster *c)
{
	*s = (struct script){.c = c};
	scribe_begin(&s->office, c, OFFICE);
	scribe_begin(&s->jiangsu, c, JIANGSU);
	const struct key *thief = &c->member[OFFICE].operator[1];
	scribe_delegate(&s->office, thief, NULL, 0);
	scribe_write(&s->office, (struct write){.value = value_task("")}, &s->task);
	scribe_write_as(&s->office, thief,
		(struct write){
			.value = value_task("anhui"), .supersedes = &s->task, .n_supersedes = 1},
		&s->lost_task);
	scribe_revoke(&s->office, thief, s->office.n - 1);
	scribe_raw(&s->jiangsu, bytes_str("void"));
	scribe_write(&s->jiangsu, (struct write){.value = value_report(10), .under = &s->lost_task},
		NULL);
	scribe_write(
		&s->jiangsu, (struct write){.value = value_report(20), .under = &s->task}, NULL);
	/* One change in two epochs, of which the second is here first. */
	struct write twice = {.value = value_note("twice"), .nonce = 77};
	scribe_write(&s->jiangsu, twice, NULL);
	scribe_init(&s->jiangsu_again, c, JIANGSU, 2);
	scribe_open(&s->jiangsu_again, OPEN_RESTORE, &s->jiangsu);
	scribe_write(&s->jiangsu_again, twice, NULL);
	/* And one log in two histories. */
	scribe_begin(&s->zhejiang[0], c, ZHEJIANG);
	scribe_copy(&s->zhejiang[1], &s->zhejiang[0]);
	for (size_t i = 0; i < 2; i++)
		scribe_write(&s->zhejiang[i],
			(struct write){.value = value_note("one of two"), .nonce = 80 + i}, NULL);
}

static void script_release(struct script *s)
{
	scribe_release(&s->office);
	scribe_release(&s->jiangsu);
	scribe_release(&s->jiangsu_again);
	for (size_t i = 0; i < 2; i++)
		scribe_release(&s->zhejiang[i]);
	for (size_t i = 0; i < 2; i++)
		signature_release(&s->pair[i]);
}

/* ---- the steps; each may be tried again ---- */

static int step_roster(struct node *n, void *arg)
{
	(void)arg;
	return node_install_roster(n);
}

static int step_delegate(struct node *n, void *arg)
{
	const struct script *s = arg;
	return node_delegate(n, &s->c->member[SHANGHAI].operator[0], NULL, 0);
}

static int step_note(struct node *n, void *arg)
{
	struct script *s = arg;
	return node_write(n, (struct write){.value = value_note("x"), .nonce = 11}, &s->note);
}

static int feed(struct node *n, const struct scribe *log, size_t from, size_t to)
{
	int rc = node_link(n, log->member, LINK_UP);
	if (rc == RC_OK)
		rc = node_hello(n, log->member, NULL, 0);
	if (rc == RC_OK)
		rc = node_leaves(n, log->member, log, from, to);
	if (rc == RC_OK)
		(void)node_drain(n, log->member);
	return rc;
}

static int step_jiangsu(struct node *n, void *arg)
{
	const struct script *s = arg;
	return feed(n, &s->jiangsu, 0, s->jiangsu.n);
}

static int step_jiangsu_again(struct node *n, void *arg)
{
	const struct script *s = arg;
	return feed(n, &s->jiangsu_again, 0, s->jiangsu_again.n);
}

static int step_zhejiang(struct node *n, void *arg)
{
	const struct script *s = arg;
	int rc = feed(n, &s->zhejiang[0], 0, s->zhejiang[0].n);
	return rc == RC_OK ? node_head(n, ZHEJIANG, &s->zhejiang[1], s->zhejiang[1].n) : rc;
}

static int step_office(struct node *n, void *arg)
{
	const struct script *s = arg;
	return feed(n, &s->office, 0, s->office.n - 1);
}

static int step_revocation(struct node *n, void *arg)
{
	const struct script *s = arg;
	return feed(n, &s->office, s->office.n - 1, s->office.n);
}

static int step_report(struct node *n, void *arg)
{
	struct script *s = arg;
	return node_write(n,
		(struct write){.value = value_report(30), .under = &s->task, .nonce = 12},
		&s->report);
}

/* Two at once: all or none of them. */
static int step_pair(struct node *n, void *arg)
{
	struct script *s = arg;
	const struct write w[] = {{.value = value_report(40),
					  .under = &s->task,
					  .supersedes = &s->report,
					  .n_supersedes = 1,
					  .nonce = 13},
		{.value = value_note("y"), .nonce = 14}};
	struct signed_body both[2];
	struct posted posted[2];
	for (size_t i = 0; i < 2; i++) {
		signature_release(&s->pair[i]);
		sign_write(
			s->c, &s->c->member[SHANGHAI].operator[0], &w[i], "shanghai", &s->pair[i]);
		both[i] = s->pair[i].s;
	}
	return node_post(n, both, 2, posted);
}

static int count_entry(void *arg, const struct ctl_entry *entry)
{
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

/* What clients ask; a failure is theirs alone. */
static int step_reads(struct node *n, void *arg)
{
	struct ctl_query all = {.any_task = true, .any_holder = true, .history = true};
	const struct ctl_operator *operators;
	struct ctl_status status;
	struct buf note = {0};
	size_t entries = 0, n_operators;
	(void)arg;
	int rc = replica_status(n->replica, n->now, &status, &n->e);
	if (rc == RC_OK)
		rc = replica_query(n->replica, &all, count_entry, &entries, &n->e);
	if (rc == RC_OK)
		rc = replica_findings(n->replica, count_entry, &entries, &n->e);
	if (rc == RC_OK)
		rc = replica_operators(n->replica, &operators, &n_operators, &n->e);
	if (rc == RC_OK)
		rc = replica_roster_note(n->replica, &note, &n->e);
	if (rc != RC_OK)
		assert_ok(n, replica_rollback(n->replica, n->now, &n->e));
	buf_release(&note);
	return rc;
}

static int step_tick(struct node *n, void *arg)
{
	(void)arg;
	int rc = node_pass(n, 1000);
	if (rc == RC_OK)
		(void)node_drain(n, OFFICE);
	return rc;
}

static sweep_step_fn *const steps[] = {step_roster, step_delegate, step_note, step_jiangsu_again,
	step_jiangsu, step_tick, step_office, step_report, step_revocation, step_zhejiang,
	step_reads, step_pair, step_tick};
#define STEPS (sizeof(steps) / sizeof(*steps))

static void look(struct node *n, void *arg, struct buf *out)
{
	const struct script *s = arg;
	char view[HASH_HEX_SIZE];
	struct hash root = node_view(n);
	hash_print(&root, view);
	buf_printf(out, "%s own %llu office %llu jiangsu %llu findings %zu", view,
		(unsigned long long)node_size(n, node_origin(n)),
		(unsigned long long)node_size(n, s->office.origin),
		(unsigned long long)node_size(n, s->jiangsu.origin), node_findings(n));
	assert_true(node_is_current(n, &s->note));
	assert_true(node_is_current(n, &s->pair[0].id));
	assert_true(node_is_current(n, &s->pair[1].id));
	assert_false(node_is_current(n, &s->report));
	assert_true(node_is_current(n, &s->task));
	assert_true(node_log(n, s->zhejiang[0].origin)->forked);
	assert_int_equal(node_size(n, node_origin(n)), 6);
}

static struct sweep sweep_of(struct script *s)
{
	return (struct sweep){.c = s->c,
		.self = SHANGHAI,
		.arg = s,
		.step = steps,
		.n_steps = STEPS,
		.look = look};
}

static void sweep(void **state, int rc, uint64_t stride)
{
	struct script s;
	script_init(&s, *state);
	const struct sweep all = sweep_of(&s);
	sweep_calls(&all, rc, stride);
	script_release(&s);
}

static void full_disk_at_any_call_loses_nothing(void **state)
{
	sweep(state, RC_DISK_FULL, 1);
}

static void memory_gone_at_any_call_loses_nothing(void **state)
{
	sweep(state, RC_NOMEM, 7);
}

static void unknown_outcome_of_a_commit_is_at_most_once(void **state)
{
	const enum failing_commit how[] = {COMMIT_LOST, COMMIT_WRITTEN};
	struct script s;
	struct sweep_outcome undisturbed, o;
	script_init(&s, *state);
	const struct sweep all = sweep_of(&s);
	sweep_run(&all, &(struct sweep_fault){0}, &undisturbed);
	for (size_t step = 0; step < STEPS; step++)
		for (size_t k = 0; k < 2; k++) {
			/* Events have no nonce: a second delegation is harmless, but not the same.
			 */
			if (steps[step] == step_delegate)
				continue;
			sweep_run(&all,
				&(struct sweep_fault){.commit_step = step, .commit = how[k]}, &o);
			assert_true(o.reached);
			assert_int_equal(o.failures, 1);
			assert_same_outcome(&o, &undisturbed);
			buf_release(&o.shown);
		}
	buf_release(&undisturbed.shown);
	script_release(&s);
}

/* ---- what a failure looks like from outside ---- */

static void rolled_back_node_takes_its_sessions_for_gone(void **state)
{
	struct script s;
	struct failing_store store;
	struct node n;
	script_init(&s, *state);
	node_init_failing(&n, s.c, SHANGHAI, &store);
	assert_ok(&n, node_install_roster(&n));
	node_greet(&n, OFFICE);
	store.fail_at = store.calls + 4;
	assert_rc(&n, node_leaves(&n, OFFICE, &s.office, 0, s.office.n), RC_DISK_FULL);
	assert_int_equal(node_size(&n, s.office.origin), 0);
	assert_int_equal(node_drain(&n, OFFICE), 0);
	struct ctl_status status;
	assert_ok(&n, replica_status(n.replica, n.now, &status, &n.e));
	for (size_t i = 0; i < status.n_peers; i++)
		assert_false(status.peers[i].connected);
	node_feed(&n, &s.office);
	node_release(&n);
	script_release(&s);
}

static void failed_group_shows_no_event_but_its_failure(void **state)
{
	struct script s;
	struct failing_store store;
	struct node n;
	script_init(&s, *state);
	node_init_failing(&n, s.c, SHANGHAI, &store);
	assert_ok(&n, node_install_roster(&n));
	unsigned committed = n.events[EVENT_COMMITTED], marks = n.events[EVENT_MARK];
	store.commit = COMMIT_LOST;
	assert_rc(&n, step_delegate(&n, &s), RC_UNKNOWN_OUTCOME);
	assert_int_equal(n.events[EVENT_COMMITTED], committed);
	assert_int_equal(n.events[EVENT_MARK], marks);
	node_release(&n);
	script_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_disk_at_any_call_loses_nothing),
		cmocka_unit_test(memory_gone_at_any_call_loses_nothing),
		cmocka_unit_test(unknown_outcome_of_a_commit_is_at_most_once),
		cmocka_unit_test(rolled_back_node_takes_its_sessions_for_gone),
		cmocka_unit_test(failed_group_shows_no_event_but_its_failure),
	};
	return cmocka_run_group_tests_name("core rollback", tests, core_set_up, core_tear_down);
}
