/* The disk fails at every call in turn: the node rolls back, goes on, and ends where it would have
 * been. */
#include "tests/lib/core_test.h"

#include "daemon/store/store_sqlite.h"
#include "tests/lib/failing_store.h"

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

static int step_roster(struct node *n, struct script *s)
{
	(void)s;
	return node_install_roster(n);
}

static int step_delegate(struct node *n, struct script *s)
{
	return node_delegate(n, &s->c->member[SHANGHAI].operator[0], NULL, 0);
}

static int step_note(struct node *n, struct script *s)
{
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

static int step_jiangsu(struct node *n, struct script *s)
{
	return feed(n, &s->jiangsu, 0, s->jiangsu.n);
}

static int step_jiangsu_again(struct node *n, struct script *s)
{
	return feed(n, &s->jiangsu_again, 0, s->jiangsu_again.n);
}

static int step_zhejiang(struct node *n, struct script *s)
{
	int rc = feed(n, &s->zhejiang[0], 0, s->zhejiang[0].n);
	return rc == RC_OK ? node_head(n, ZHEJIANG, &s->zhejiang[1], s->zhejiang[1].n) : rc;
}

static int step_office(struct node *n, struct script *s)
{
	return feed(n, &s->office, 0, s->office.n - 1);
}

static int step_revocation(struct node *n, struct script *s)
{
	return feed(n, &s->office, s->office.n - 1, s->office.n);
}

static int step_report(struct node *n, struct script *s)
{
	return node_write(n,
		(struct write){.value = value_report(30), .under = &s->task, .nonce = 12},
		&s->report);
}

/* Two at once: all or none of them. */
static int step_pair(struct node *n, struct script *s)
{
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
static int step_reads(struct node *n, struct script *s)
{
	struct ctl_query all = {.any_task = true, .any_holder = true, .history = true};
	const struct ctl_operator *operators;
	struct ctl_status status;
	struct buf note = {0};
	size_t entries = 0, n_operators;
	(void)s;
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

static int step_tick(struct node *n, struct script *s)
{
	(void)s;
	int rc = node_pass(n, 1000);
	if (rc == RC_OK)
		(void)node_drain(n, OFFICE);
	return rc;
}

typedef int step_fn(struct node *n, struct script *s);
static step_fn *const steps[] = {step_roster, step_delegate, step_note, step_jiangsu_again,
	step_jiangsu, step_tick, step_office, step_report, step_revocation, step_zhejiang,
	step_reads, step_pair, step_tick};
#define STEPS (sizeof(steps) / sizeof(*steps))

/* ---- a run ---- */

struct outcome {
	struct hash view;
	uint64_t own, office, jiangsu;
	size_t findings, failures;
	uint64_t calls;
	bool reached; /* the call that fails, or the commit */
};

struct fault {
	uint64_t call;
	int rc;
	size_t commit_step;
	enum failing_commit commit;
};

static void look(struct node *n, struct script *s, struct outcome *o)
{
	o->view = node_view(n);
	o->own = node_size(n, node_origin(n));
	o->office = node_size(n, s->office.origin);
	o->jiangsu = node_size(n, s->jiangsu.origin);
	o->findings = node_findings(n);
	assert_true(node_is_current(n, &s->note));
	assert_true(node_is_current(n, &s->pair[0].id));
	assert_true(node_is_current(n, &s->pair[1].id));
	assert_false(node_is_current(n, &s->report));
	assert_true(node_is_current(n, &s->task));
	assert_true(node_log(n, s->zhejiang[0].origin)->forked);
}

static void run_step(struct node *n, struct script *s, size_t i, const struct fault *f,
	struct failing_store *store, struct outcome *o)
{
	if (f->commit != COMMIT_HONEST && f->commit_step == i)
		store->commit = f->commit;
	int rc = steps[i](n, s);
	for (; rc != RC_OK && o->failures < 3; o->failures++) {
		assert_true(rc == f->rc || rc == RC_UNKNOWN_OUTCOME);
		/* Nobody knows: the process leaves, and whoever asked asks again. */
		if (rc == RC_UNKNOWN_OUTCOME)
			assert_ok(n, node_restart(n));
		rc = steps[i](n, s);
	}
	assert_ok(n, rc);
}

static struct outcome run(struct script *s, const struct fault *f)
{
	struct outcome o = {0}, again = {0};
	struct store *real;
	struct failing_store store;
	struct node n;
	assert_int_equal(store_sqlite_open(":memory:", NULL, &real, NULL), RC_OK);
	failing_store_init(&store, real);
	node_init_bare(&n, s->c, SHANGHAI, &store.store);
	store.calls = 0;
	store.fail_at = f->call;
	store.rc = f->rc;
	for (size_t i = 0; i < STEPS; i++)
		run_step(&n, s, i, f, &store, &o);
	store.fail_at = 0;
	o.calls = store.calls;
	o.reached = store.failed;
	look(&n, s, &o);
	/* And the same when it is read from the disk. */
	assert_ok(&n, node_restart(&n));
	look(&n, s, &again);
	assert_same_hash(again.view, o.view);
	assert_int_equal(again.own, o.own);
	assert_int_equal(again.findings, o.findings);
	node_release(&n);
	store_sqlite_close(real);
	return o;
}

static void assert_same_outcome(const struct outcome *got, const struct outcome *want)
{
	assert_same_hash(got->view, want->view);
	assert_int_equal(got->own, want->own);
	assert_int_equal(got->office, want->office);
	assert_int_equal(got->jiangsu, want->jiangsu);
	assert_int_equal(got->findings, want->findings);
}

static void sweep(void **state, int rc, uint64_t stride)
{
	struct script s;
	script_init(&s, *state);
	struct outcome undisturbed = run(&s, &(struct fault){0});
	assert_int_equal(undisturbed.failures, 0);
	assert_int_equal(undisturbed.own, 6);
	assert_in_range(undisturbed.calls, 100, 2000);
	size_t failed = 0, points = 0;
	for (uint64_t call = 1;; call += stride, points++) {
		struct outcome o = run(&s, &(struct fault){.call = call, .rc = rc});
		if (!o.reached)
			break;
		failed += o.failures > 0;
		assert_same_outcome(&o, &undisturbed);
	}
	/* Most calls stand in a group, whose failure is somebody's answer. */
	assert_true(failed * stride > undisturbed.calls / 2);
	print_message("ledger points_core=%zu\n", points);
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
	script_init(&s, *state);
	struct outcome undisturbed = run(&s, &(struct fault){0});
	for (size_t step = 0; step < STEPS; step++)
		for (size_t k = 0; k < 2; k++) {
			/* Events have no nonce: a second delegation is harmless, but not the same.
			 */
			if (steps[step] == step_delegate)
				continue;
			struct outcome o =
				run(&s, &(struct fault){.commit_step = step, .commit = how[k]});
			assert_true(o.reached);
			assert_int_equal(o.failures, 1);
			assert_same_outcome(&o, &undisturbed);
		}
	script_release(&s);
}

/* ---- what a failure looks like from outside ---- */

static void rolled_back_node_takes_its_sessions_for_gone(void **state)
{
	struct script s;
	struct store *real;
	struct failing_store store;
	struct node n;
	script_init(&s, *state);
	assert_int_equal(store_sqlite_open(":memory:", NULL, &real, NULL), RC_OK);
	failing_store_init(&store, real);
	node_init_bare(&n, s.c, SHANGHAI, &store.store);
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
	store_sqlite_close(real);
	script_release(&s);
}

static void failed_group_shows_no_event_but_its_failure(void **state)
{
	struct script s;
	struct store *real;
	struct failing_store store;
	struct node n;
	script_init(&s, *state);
	assert_int_equal(store_sqlite_open(":memory:", NULL, &real, NULL), RC_OK);
	failing_store_init(&store, real);
	node_init_bare(&n, s.c, SHANGHAI, &store.store);
	assert_ok(&n, node_install_roster(&n));
	unsigned committed = n.events[EVENT_COMMITTED], marks = n.events[EVENT_MARK];
	store.commit = COMMIT_LOST;
	assert_rc(&n, step_delegate(&n, &s), RC_UNKNOWN_OUTCOME);
	assert_int_equal(n.events[EVENT_COMMITTED], committed);
	assert_int_equal(n.events[EVENT_MARK], marks);
	node_release(&n);
	store_sqlite_close(real);
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
