/* What every test of the core begins with: cmocka, a cluster, and asserts in the words of verdicts.
 */
#ifndef DELTAD_TESTS_CORE_TEST_H
#define DELTAD_TESTS_CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/node_fixture.h"

/* For cmocka_run_group_tests: *state becomes a struct cluster that all tests share. */
static inline int core_set_up(void **state)
{
	struct cluster *c = xalloc(sizeof(*c));
	cluster_init_fixed(c);
	*state = c;
	return 0;
}

static inline int core_tear_down(void **state)
{
	cluster_release(*state);
	free(*state);
	return 0;
}

#define assert_verdict(n, s, index, verdict, code)                                                 \
	do {                                                                                       \
		enum void_code got_code_;                                                          \
		assert_int_equal(node_verdict(n, (s)->origin, index, &got_code_), verdict);        \
		assert_int_equal(got_code_, code);                                                 \
	} while (0)
#define assert_effective(n, s, index) assert_verdict(n, s, index, VERDICT_EFFECTIVE, VOID_NONE)
#define assert_void(n, s, index, code) assert_verdict(n, s, index, VERDICT_VOID, code)
#define assert_same_hash(x, y) assert_memory_equal((x).b, (y).b, HASH_BYTES)

/* A call on a node that must give this rc; else its error is shown. */
#define assert_rc(n, call, want)                                                                   \
	do {                                                                                       \
		int got_rc_ = (call);                                                              \
		if (got_rc_ != (want))                                                             \
			fail_msg("%s: rc %d (%s), not %d: %s", #call, got_rc_, rc_id(got_rc_),     \
				(int)(want), (n)->e.text);                                         \
	} while (0)
#define assert_ok(n, call) assert_rc(n, call, RC_OK)

#endif
