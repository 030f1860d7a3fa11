/* The frozen lines of tests/vectors/gate, and what can be said of every line without reading it. */
#include "tests/unit/gate_file.h"

static uint8_t room[CTL_ARENA] __attribute__((aligned(16)));

static int run(const struct gate *g, struct bytes in, size_t cap, struct buf *again, struct err *e)
{
	struct arena a;
	ENSURE(cap <= sizeof room);
	arena_init(&a, room, cap);
	buf_reset(again);
	return g->fn(in, &a, again, e);
}

static void accept_line(void *arg, const struct gate *g, struct bytes in, const char *why)
{
	unsigned *wrong = arg;
	struct buf again = {0};
	struct err e = {0};
	int rc = run(g, in, g->arena, &again, &e);
	if (rc || e.rc || !bytes_equal(buf_bytes(&again), in)) {
		print_error("%s: %s%s: %s\n", g->name, why, rc ? "refused" : "changed", e.text);
		++*wrong;
	}
	buf_release(&again);
}

static void every_accepted_line_is_read_and_written_again(void **state)
{
	(void)state;
	unsigned wrong = 0;
	assert_true(gate_file_each(GATE_ACCEPT, accept_line, &wrong) >= 70);
	assert_int_equal(wrong, 0);
}

static void reject_line(void *arg, const struct gate *g, struct bytes in, const char *why)
{
	unsigned *wrong = arg;
	struct buf again = {0};
	struct err e = {0};
	int rc = run(g, in, g->arena, &again, &e);
	if ((rc != RC_PEER_MESSAGE && rc != RC_TOO_BIG) || e.rc != rc || e.text[0] == '\0') {
		print_error("%s: rc %d: %s", g->name, rc, why);
		++*wrong;
	}
	buf_release(&again);
}

static void every_rejected_line_is_refused_with_a_reason(void **state)
{
	(void)state;
	unsigned wrong = 0;
	assert_true(gate_file_each(GATE_REJECT, reject_line, &wrong) >= 120);
	assert_int_equal(wrong, 0);
}

/* Where the same bytes need not come out again: an error's id that this program does not know,
 * unknown fields of a Hello (PROTOCOL 7.3), and words for a person, which are mended. */
static bool may_differ(const struct gate *g, const char *why)
{
	return strcmp(g->name, "reply") == 0 || strncmp(why, "hello", 5) == 0;
}

/* Either refused, or read without loss: nothing has two forms. */
static void refused_or_same(const struct gate *g, struct bytes in, const char *why)
{
	struct buf again = {0};
	struct err e = {0};
	int rc = run(g, in, g->arena, &again, &e);
	if (rc == RC_OK)
		assert_true(may_differ(g, why) || bytes_equal(buf_bytes(&again), in));
	else
		assert_true(rc == RC_PEER_MESSAGE || rc == RC_TOO_BIG);
	buf_release(&again);
}

static void spoil_line(void *arg, const struct gate *g, struct bytes in, const char *why)
{
	(void)arg;
	struct buf b = {0};
	buf_put_bytes(&b, in);
	for (size_t i = 0; i < b.n && b.n < 400; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			b.p[i] ^= (uint8_t)(1U << bit);
			refused_or_same(g, buf_bytes(&b), why);
			b.p[i] ^= (uint8_t)(1U << bit);
		}
	}
	buf_release(&b);
}

static void every_flipped_bit_is_refused_or_another_canonical_message(void **state)
{
	(void)state;
	assert_true(gate_file_each(GATE_ACCEPT, spoil_line, NULL) >= 70);
}

static void cut_line(void *arg, const struct gate *g, struct bytes in, const char *why)
{
	(void)arg;
	/* an exact copy, so that a sanitizer sees a read beyond the cut */
	for (size_t n = 0; n < in.n && n < 400; n++) {
		uint8_t *copy = xmemdup(in.p, n);
		refused_or_same(g, bytes_of(copy, n), why);
		free(copy);
	}
}

static void every_message_cut_at_every_byte_is_refused_or_canonical(void **state)
{
	(void)state;
	assert_true(gate_file_each(GATE_ACCEPT, cut_line, NULL) >= 70);
}

static void sweep_line(void *arg, const struct gate *g, struct bytes in, const char *why)
{
	(void)why;
	size_t *refused = arg, cap = 0;
	struct buf again = {0};
	struct err e = {0};
	while (run(g, in, cap, &again, &e) != RC_OK) {
		assert_int_equal(e.rc, RC_TOO_BIG);
		e = (struct err){0};
		++*refused;
		cap++;
	}
	assert_true(cap <= g->arena);
	buf_release(&again);
}

static void every_arena_that_is_too_small_is_refused_as_too_big(void **state)
{
	(void)state;
	size_t refused = 0;
	assert_true(gate_file_each(GATE_ACCEPT, sweep_line, &refused) >= 70);
	assert_true(refused > 1000); /* the sweep has met small arenas */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_accepted_line_is_read_and_written_again),
		cmocka_unit_test(every_rejected_line_is_refused_with_a_reason),
		cmocka_unit_test(every_flipped_bit_is_refused_or_another_canonical_message),
		cmocka_unit_test(every_message_cut_at_every_byte_is_refused_or_canonical),
		cmocka_unit_test(every_arena_that_is_too_small_is_refused_as_too_big),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
