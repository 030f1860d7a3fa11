#include "tests/lib/store_sweep.h"

#include "tests/lib/core_test.h"

#define TRIES 4

static void run_step(struct node *n, const struct sweep *s, size_t i, const struct sweep_fault *f,
	struct failing_store *store, struct sweep_outcome *o)
{
	if (f->commit_step == i)
		store->commit = f->commit;
	int rc = s->step[i](n, s->arg);
	for (int tries = 1; rc != RC_OK && tries < TRIES; tries++) {
		if (rc != f->rc && rc != RC_UNKNOWN_OUTCOME && rc != RC_IO)
			fail_msg("step %zu, call %llu: %s: %s", i, (unsigned long long)f->call,
				rc_id(rc), n->e.text);
		o->failures++;
		/* Nobody knows: the process leaves, and whoever asked asks again. */
		if (rc == RC_UNKNOWN_OUTCOME)
			assert_ok(n, node_restart(n));
		rc = s->step[i](n, s->arg);
	}
	assert_ok(n, rc);
}

/* And the same when it is read from the disk. */
static void look_twice(struct node *n, const struct sweep *s, struct buf *shown)
{
	struct buf again = {0};
	s->look(n, s->arg, shown);
	buf_put_u8(shown, 0);
	assert_ok(n, node_restart(n));
	s->look(n, s->arg, &again);
	buf_put_u8(&again, 0);
	assert_string_equal(again.p, shown->p);
	buf_release(&again);
}

void sweep_run(const struct sweep *s, const struct sweep_fault *f, struct sweep_outcome *out)
{
	struct failing_store store;
	struct node n;
	*out = (struct sweep_outcome){0};
	node_init_failing(&n, s->c, s->self, &store);
	if (s->prepare != NULL)
		s->prepare(&n, s->arg);
	store.calls = 0;
	store.fail_at = f->call;
	store.rc = f->rc;
	for (size_t i = 0; i < s->n_steps; i++)
		run_step(&n, s, i, f, &store, out);
	store.fail_at = 0;
	out->calls = store.calls;
	out->reached = store.failed;
	look_twice(&n, s, &out->shown);
	node_release(&n);
}

/* By lines: all of it is more than cmocka prints. */
void assert_same_outcome(const struct sweep_outcome *got, const struct sweep_outcome *want)
{
	const char *a = (const char *)got->shown.p, *b = (const char *)want->shown.p;
	size_t n, m;
	for (;; a += n + 1, b += m + 1) {
		n = strcspn(a, "\n");
		m = strcspn(b, "\n");
		if (n != m || memcmp(a, b, n) != 0)
			fail_msg("\"%.*s\" instead of \"%.*s\"", (int)n, a, (int)m, b);
		if (a[n] == '\0' && b[m] == '\0')
			return;
		if (a[n] == '\0' || b[m] == '\0')
			fail_msg("more or fewer lines: \"%s\", \"%s\"", a + n, b + m);
	}
}

void sweep_calls(const struct sweep *s, int rc, uint64_t stride)
{
	struct sweep_outcome undisturbed, o = {.reached = true};
	size_t failed = 0, points = 0;
	sweep_run(s, &(struct sweep_fault){0}, &undisturbed);
	assert_int_equal(undisturbed.failures, 0);
	assert_in_range(undisturbed.calls, 20, 3000);
	for (uint64_t call = 1; o.reached; call += stride, points += o.reached) {
		sweep_run(s, &(struct sweep_fault){.call = call, .rc = rc}, &o);
		failed += o.failures > 0;
		if (strcmp((char *)o.shown.p, (char *)undisturbed.shown.p) != 0)
			print_error("call %llu failed\n", (unsigned long long)call);
		assert_same_outcome(&o, &undisturbed);
		buf_release(&o.shown);
	}
	/* Most calls stand in a group, whose failure is somebody's answer. */
	assert_true(failed * stride > undisturbed.calls / 2);
	print_message("ledger points_core=%zu\n", points);
	buf_release(&undisturbed.shown);
}
