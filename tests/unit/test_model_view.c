#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/model/view.h"

#define MOST 6

static struct hash id_of(uint8_t first)
{
	return (struct hash){{first}};
}

/* Calls visit with every order of v[0..n). */
static void permute(
	struct version *v, size_t n, size_t from, void (*visit)(struct version *, size_t))
{
	if (from == n) {
		visit(v, n);
		return;
	}
	for (size_t i = from; i < n; i++) {
		struct version swap = v[from];
		v[from] = v[i];
		v[i] = swap;
		permute(v, n, from + 1, visit);
		swap = v[from];
		v[from] = v[i];
		v[i] = swap;
	}
}

/* The answer of the first order, by id; every other order must give the same. */
static bool wanted[256];
static uint8_t wanted_order[MOST];
static unsigned visited;

static void fold_gives_the_wanted(struct version *v, size_t n)
{
	view_fold(v, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(v[i].current, wanted[v[i].id.b[0]]);
	visited++;
}

static void fold_in_every_order(struct version *v, size_t n)
{
	view_fold(v, n);
	for (size_t i = 0; i < n; i++)
		wanted[v[i].id.b[0]] = v[i].current;
	permute(v, n, 0, fold_gives_the_wanted);
}

static void one_version_alone_is_current(void **state)
{
	(void)state;
	struct version v = {.id = id_of(1)};
	view_fold(&v, 1);
	assert_true(v.current);
	view_fold(&v, 0);
}

static void superseded_version_is_not_current(void **state)
{
	(void)state;
	const struct hash old[] = {id_of(1)};
	struct version v[] = {
		{.id = id_of(1)}, {.id = id_of(2), .supersedes = old, .n_supersedes = 1}};
	view_fold(v, 2);
	assert_false(v[0].current);
	assert_true(v[1].current);
}

static void concurrent_versions_are_both_current(void **state)
{
	(void)state;
	const struct hash old[] = {id_of(1)};
	struct version v[] = {
		{.id = id_of(1)},
		{.id = id_of(2), .supersedes = old, .n_supersedes = 1},
		{.id = id_of(3), .supersedes = old, .n_supersedes = 1},
	};
	view_fold(v, 3);
	assert_false(v[0].current);
	assert_true(v[1].current);
	assert_true(v[2].current);
}

static void conflict_ends_only_when_every_version_is_superseded(void **state)
{
	(void)state;
	const struct hash both[] = {id_of(1), id_of(2)};
	struct version v[] = {
		{.id = id_of(1)},
		{.id = id_of(2)},
		{.id = id_of(3), .supersedes = both, .n_supersedes = 1},
	};
	view_fold(v, 3);
	assert_true(v[1].current);
	v[2].n_supersedes = 2;
	view_fold(v, 3);
	assert_false(v[0].current);
	assert_false(v[1].current);
	assert_true(v[2].current);
}

/* A superseded change still supersedes what it named. */
static void a_chain_leaves_only_its_end(void **state)
{
	(void)state;
	const struct hash first[] = {id_of(9)}, second[] = {id_of(5)};
	struct version v[] = {
		{.id = id_of(9)},
		{.id = id_of(5), .supersedes = first, .n_supersedes = 1},
		{.id = id_of(7), .supersedes = second, .n_supersedes = 1},
	};
	view_fold(v, 3);
	assert_false(v[0].current);
	assert_false(v[1].current);
	assert_true(v[2].current);
}

static void naming_a_change_that_is_not_here_changes_nothing(void **state)
{
	(void)state;
	const struct hash absent[] = {id_of(200)};
	struct version v[] = {
		{.id = id_of(1)}, {.id = id_of(2), .supersedes = absent, .n_supersedes = 1}};
	view_fold(v, 2);
	assert_true(v[0].current);
	assert_true(v[1].current);
}

/* If a change turns out void, it is left out, and what it superseded is current again. */
static void leaving_a_change_out_brings_back_what_it_superseded(void **state)
{
	(void)state;
	const struct hash old[] = {id_of(1)};
	struct version v[] = {
		{.id = id_of(1)}, {.id = id_of(2), .supersedes = old, .n_supersedes = 1}};
	view_fold(v, 2);
	assert_false(v[0].current);
	view_fold(v, 1);
	assert_true(v[0].current);
}

static void a_version_that_was_marked_before_is_marked_anew(void **state)
{
	(void)state;
	struct version v[] = {
		{.id = id_of(1), .current = false}, {.id = id_of(2), .current = true}};
	view_fold(v, 2);
	assert_true(v[0].current);
	assert_true(v[1].current);
}

/* Bit by bit of graph: whether version i names the earlier version k. */
static void fold_graph(size_t n, uint32_t graph)
{
	struct version v[MOST] = {{.hlc = 0}};
	struct hash named[MOST][MOST];
	for (uint8_t i = 0; i < n; i++) {
		v[i].id = id_of((uint8_t)(i * 37 + 1));
		v[i].supersedes = named[i];
		for (uint8_t k = 0; k < i; k++, graph >>= 1) {
			if (graph & 1)
				named[i][v[i].n_supersedes++] = v[k].id;
		}
	}
	visited = 0;
	fold_in_every_order(v, n);
}

/* Every way in which up to 5 versions can name earlier ones, and each 97th of the 2^15 ways of 6.
 */
static void fold_is_one_answer_in_every_order(void **state)
{
	(void)state;
	static const unsigned orders[] = {1, 1, 2, 6, 24, 120, 720};
	for (size_t n = 1; n <= MOST; n++) {
		uint32_t graphs = 1u << (n * (n - 1) / 2);
		for (uint32_t graph = 0; graph < graphs; graph += n == MOST ? 97 : 1) {
			fold_graph(n, graph);
			assert_int_equal(visited, orders[n]);
		}
	}
}

static int compare_versions(const void *a, const void *b)
{
	return version_compare(a, b);
}

static void sorts_to_the_wanted(struct version *v, size_t n)
{
	struct version sorted[MOST];
	memcpy(sorted, v, n * sizeof *v);
	qsort(sorted, n, sizeof *sorted, compare_versions);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(sorted[i].id.b[0], wanted_order[i]);
	visited++;
}

static void the_lead_comes_before_a_later_clock(void **state)
{
	(void)state;
	struct version lead = {.id = id_of(1), .hlc = 1, .by_lead = true};
	struct version later = {.id = id_of(2), .hlc = UINT64_MAX};
	assert_true(version_compare(&lead, &later) < 0);
	assert_true(version_compare(&later, &lead) > 0);
}

static void the_later_clock_comes_before_the_higher_id(void **state)
{
	(void)state;
	struct version later = {.id = id_of(1), .hlc = (uint64_t)1 << 63};
	struct version higher = {.id = id_of(2), .hlc = 7};
	assert_true(version_compare(&later, &higher) < 0);
	assert_true(version_compare(&higher, &later) > 0);
}

static void the_higher_id_decides_a_tie(void **state)
{
	(void)state;
	struct version low = {.id = id_of(1), .hlc = 7}, high = {.id = id_of(2), .hlc = 7};
	assert_true(version_compare(&high, &low) < 0);
	assert_true(version_compare(&low, &high) > 0);
	assert_int_equal(version_compare(&low, &low), 0);
}

static void display_order_is_one_answer_in_every_order(void **state)
{
	(void)state;
	struct version v[MOST] = {
		{.id = id_of(1), .hlc = 5, .by_lead = true},
		{.id = id_of(2), .hlc = 5, .by_lead = true},
		{.id = id_of(3), .hlc = 9},
		{.id = id_of(4), .hlc = 9},
		{.id = id_of(5), .hlc = 8},
		{.id = id_of(6), .hlc = 0},
	};
	memcpy(wanted_order, (const uint8_t[]){2, 1, 4, 3, 5, 6}, MOST);
	visited = 0;
	permute(v, MOST, 0, sorts_to_the_wanted);
	assert_int_equal(visited, 720);
}

static void leaf_of_a_task_has_the_bytes_of_the_protocol(void **state)
{
	(void)state;
	struct buf b = {0};
	const struct hash ids[] = {id_of(0x11), id_of(0x22)};
	view_leaf_begin(&b, bytes_str("3-05"));
	view_leaf_register(&b, 3, bytes_str("jiangsu"), ids, 2);
	view_leaf_register(&b, 4, bytes_str(""), ids, 1);
	struct buf want = {0};
	buf_put(&want,
		"\x04"
		"3-05",
		5);
	buf_put(&want,
		"\0\0\0\x03\x07"
		"jiangsu"
		"\0\0\0\x02",
		16);
	buf_put(&want, &ids, sizeof ids);
	buf_put(&want, "\0\0\0\x04\0\0\0\0\x01", 9);
	buf_put(&want, &ids[0], sizeof ids[0]);
	assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&want)));
	buf_release(&b);
	buf_release(&want);
}

static void assert_aborts_with(const struct hash *ids, size_t n)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct buf b = {0};
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		view_leaf_register(&b, 3, bytes_str("anhui"), ids, n);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* Two nodes with other bytes for one set of ids would differ for ever. */
static void ids_that_are_none_or_not_ascending_are_our_bug(void **state)
{
	(void)state;
	const struct hash swapped[] = {id_of(2), id_of(1)}, twice[] = {id_of(1), id_of(1)};
	assert_aborts_with(swapped, 2);
	assert_aborts_with(twice, 2);
	assert_aborts_with(twice, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_version_alone_is_current),
		cmocka_unit_test(superseded_version_is_not_current),
		cmocka_unit_test(concurrent_versions_are_both_current),
		cmocka_unit_test(conflict_ends_only_when_every_version_is_superseded),
		cmocka_unit_test(a_chain_leaves_only_its_end),
		cmocka_unit_test(naming_a_change_that_is_not_here_changes_nothing),
		cmocka_unit_test(leaving_a_change_out_brings_back_what_it_superseded),
		cmocka_unit_test(a_version_that_was_marked_before_is_marked_anew),
		cmocka_unit_test(fold_is_one_answer_in_every_order),
		cmocka_unit_test(the_lead_comes_before_a_later_clock),
		cmocka_unit_test(the_later_clock_comes_before_the_higher_id),
		cmocka_unit_test(the_higher_id_decides_a_tie),
		cmocka_unit_test(display_order_is_one_answer_in_every_order),
		cmocka_unit_test(leaf_of_a_task_has_the_bytes_of_the_protocol),
		cmocka_unit_test(ids_that_are_none_or_not_ascending_are_our_bug),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
