/* PROTOCOL 8 at limit-1, limit and limit+1 for every field that has one, through the decoders; and
 * that the arenas promised in the headers are enough for the worst that is within the limits. */
#include "tests/unit/gate_file.h"

#define A32 "6161616161616161616161616161616161616161616161616161616161616161"
#define A64 A32 A32
#define SIGNED_B "0a20" A32 "1240" A64 "1a01 62"

struct limit {
	const char *gate, *why; /* a line of accept.txt */
	uint32_t path[3];	/* field numbers from the outside in, 0 after the last */
	size_t limit;
	const char *element; /* NULL: the limit is on the length; else on the count of these */
};

/* "ascending": 32 bytes each, in order. */
static const struct limit limits[] = {
	{"change", "every field", {2}, 20, NULL},
	{"change", "every field", {5}, 7, NULL},
	{"change", "every field", {7}, 64, NULL},
	{"change", "every field", {9}, 64, "ascending"},
	{"change", "every field", {11}, 8000, NULL},
	{"delegate", "every field", {2}, 20, NULL},
	{"delegate", "every field", {5}, 1600, NULL},
	{"delegate", "every field", {6}, 7, NULL},
	{"delegate", "every field", {6}, 256, "31"},
	{"revoke", "every field", {2}, 20, NULL},
	{"revoke", "every field", {6}, 8000, NULL},
	{"area", "every field", {1}, 1600, NULL},
	{"area", "every field", {2}, 1600, NULL},
	{"task", "every field", {1}, 1600, NULL},
	{"task", "every field", {2}, 8000, NULL},
	{"task", "every field", {4}, 20, NULL},
	{"task", "every field", {5}, 20, NULL},
	{"task", "every field", {5}, 16, "616e687569"},
	{"report", "every field", {4}, 8000, NULL},
	{"report", "every field", {5}, 8000, NULL},
	{"report", "every field", {6}, 8000, NULL},
	{"report", "every field", {7}, 16, A32},
	{"overall", "every field", {2}, 8000, NULL},
	{"note", "text", {1}, 8000, NULL},
	{"leaf", "a change", {4, 3}, 12288, NULL},
	{"leaf", "a delegation", {5, 3}, 12288, NULL},
	{"leaf", "a revocation", {6, 3}, 12288, NULL},
	{"leaf", "the first leaf after a restore", {7, 3}, 85, NULL},
	{"leaf", "an anchor", {8, 1}, 256, "0a01 6f 1a20" A32},
	{"leaf", "an anchor", {8, 1, 1}, 85, NULL},
	{"leaf", "a close", {9, 1}, 85, NULL},
	{"envelope", "hello", {1, 4}, 20, NULL},
	{"envelope", "hello", {1, 5}, 64, NULL},
	{"envelope", "hello", {1, 7}, 65536, NULL},
	{"envelope", "hello", {1, 7}, 256, "6e"},
	{"envelope", "roster", {2, 1}, 65536, NULL},
	{"envelope", "head", {3, 1}, 65536, NULL},
	{"envelope", "want", {4, 1}, 85, NULL},
	{"envelope", "leaves", {5, 1}, 85, NULL},
	{"envelope", "leaves", {5, 3}, 16384, NULL},
	{"envelope", "leaves", {5, 3}, 512, "6c"},
	{"envelope", "leaves", {5, 4}, 65536, NULL},
	{"envelope", "cosignature", {6, 1}, 65536, NULL},
	{"envelope", "evidence", {7, 1}, 65536, NULL},
	{"envelope", "evidence", {7, 2}, 65536, NULL},
	{"envelope", "evidence", {7, 3}, 64, A32},
	{"envelope", "view digest", {8, 2}, 256, "0a01 6f"},
	{"envelope", "view digest", {8, 2, 1}, 85, NULL},
	{"envelope", "bye", {11, 1}, 15, NULL},
	{"envelope", "bye", {11, 2}, 320, NULL},
	{"request", "post", {4, 1}, 512, SIGNED_B},
	{"request", "query", {6, 2}, 7, NULL},
	{"request", "query", {6, 5}, 64, NULL},
	{"request", "install a roster", {9, 1}, 65536, NULL},
	{"reply", "an error", {3}, 15, NULL},
	{"reply", "an error", {4}, 320, NULL},
	{"reply", "info", {5, 1}, 20, NULL},
	{"reply", "info", {5, 2}, 64, NULL},
	{"reply", "info", {5, 3}, 65536, NULL},
	{"reply", "info", {5, 4}, 64, NULL},
	{"reply", "status", {6, 1}, 20, NULL},
	{"reply", "status", {6, 4}, 64, NULL},
	{"reply", "status", {6, 5}, 320, NULL},
	{"reply", "status", {6, 12}, 256, "0a01 6f"},
	{"reply", "status", {6, 12, 1}, 85, NULL},
	{"reply", "status", {6, 12, 2}, 20, NULL},
	{"reply", "status", {6, 13}, 16, "0a02 6168"},
	{"reply", "status", {6, 13, 1}, 20, NULL},
	{"reply", "status", {6, 13, 2}, 64, NULL},
	{"reply", "status", {6, 13, 10}, 320, NULL},
	{"reply", "status", {6, 13, 11}, 7, NULL},
	{"reply", "status", {6, 13, 14}, 64, NULL},
	{"reply", "posted", {7, 1}, 512, "0a01 6f"},
	{"reply", "posted", {7, 1, 1}, 85, NULL},
	{"reply", "entries, more follow", {8, 1}, 4096, "0a01 6f"},
	{"reply", "entries, more follow", {8, 1, 1}, 85, NULL},
	{"reply", "entries, more follow", {8, 1, 7}, 16384, NULL},
	{"reply", "operators", {9, 1}, 512, "0a02 6168 1220" A32},
	{"reply", "operators", {9, 1, 1}, 20, NULL},
	{"reply", "operators", {9, 1, 3}, 1600, NULL},
	{"reply", "operators", {9, 1, 4}, 256, "31"},
	{"reply", "operators", {9, 1, 4}, 7, NULL},
	{"reply", "operators", {9, 1, 5}, 85, NULL},
};

static uint8_t room[CTL_ARENA] __attribute__((aligned(16)));

struct wanted {
	const char *gate, *why;
	struct buf *out;
};

static void take_line(void *arg, const struct gate *g, struct bytes in, const char *why)
{
	struct wanted *w = arg;
	size_t n = strlen(w->why);
	if (strcmp(g->name, w->gate) == 0 && strncmp(why, w->why, n) == 0 && why[n] == '\n')
		buf_put_bytes(w->out, in);
}

/* The first field `number` of m, which is a message. */
static struct buf sub_message(const struct buf *m, uint32_t number)
{
	struct buf out = {0};
	for (size_t at = 0; at < m->n && out.n == 0;) {
		uint64_t tag = raw_take(m, &at), v = raw_take(m, &at);
		if ((tag & 7) != RAW_RANGE)
			continue;
		if (tag >> 3 == number)
			buf_put(&out, m->p + at, v);
		at += v;
	}
	return out;
}

static struct buf with_field(const struct buf *m, const uint32_t *path, const struct buf *field)
{
	struct buf out = {0}, put = {0};
	if (path[1] == 0) {
		raw_replace(m, path[0], field, &out);
		return out;
	}
	struct buf sub = sub_message(m, path[0]), changed = with_field(&sub, path + 1, field);
	raw_range(&put, path[0], buf_bytes(&changed));
	raw_replace(m, path[0], &put, &out);
	buf_release(&sub);
	buf_release(&changed);
	buf_release(&put);
	return out;
}

/* Decodes the line of accept.txt with `field` in the place of what stands at `path`. */
static int decode_line_with(const char *gate, const char *why, const uint32_t *path,
	const struct buf *field, struct err *e)
{
	struct buf base = {0}, again = {0};
	struct wanted w = {gate, why, &base};
	(void)gate_file_each(GATE_ACCEPT, take_line, &w);
	assert_true(base.n > 0);
	struct buf m = with_field(&base, path, field);
	const struct gate *g = gate_named(gate);
	struct arena a;
	arena_init(&a, room, g->arena);
	int rc = g->fn(buf_bytes(&m), &a, &again, e);
	buf_release(&base);
	buf_release(&m);
	buf_release(&again);
	return rc;
}

static int decode_with(const struct limit *l, size_t n, struct err *e)
{
	struct buf field = {0}, element = {0};
	uint32_t last = 0, path[4] = {l->path[0], l->path[1], l->path[2], 0};
	for (size_t i = 0; path[i]; i++)
		last = path[i];
	bool ascending = l->element && strcmp(l->element, "ascending") == 0;
	if (l->element && !ascending)
		raw_hex(&element, l->element);
	else if (!l->element)
		raw_fill(&field, last, 'a', n);
	for (size_t i = 0; l->element && i < n; i++) {
		if (ascending)
			raw_fill(&field, last, (uint8_t)i, 32);
		else
			raw_range(&field, last, buf_bytes(&element));
	}
	int rc = decode_line_with(l->gate, l->why, path, &field, e);
	buf_release(&field);
	buf_release(&element);
	return rc;
}

static void every_field_is_taken_up_to_its_limit_and_no_further(void **state)
{
	(void)state;
	unsigned wrong = 0;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		const struct limit *l = &limits[i];
		for (size_t n = l->limit - 1; n <= l->limit + 1; n++) {
			struct err e = {0};
			int rc = decode_with(l, n, &e);
			if (rc == (n <= l->limit ? RC_OK : RC_TOO_BIG))
				continue;
			print_error("%s, field %u.%u.%u, %zu: rc %d %s\n", l->gate, l->path[0],
				l->path[1], l->path[2], n, rc, e.text);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

#define BIT(n) (1U << (n))

/* The message at path, in a line with all its fields 1..last: those that must be there. */
static const struct required {
	const char *gate, *why;
	uint32_t path[2], last;
	unsigned bits;
} required[] = {
	{"change", "every field", {0}, 11, BIT(1) | BIT(2) | BIT(3) | BIT(6)},
	{"delegate", "every field", {0}, 7, BIT(1) | BIT(2) | BIT(3) | BIT(4)},
	{"revoke", "every field", {0}, 6, BIT(1) | BIT(2) | BIT(3) | BIT(4)},
	{"area", "every field", {0}, 3, 0},
	{"task", "every field", {0}, 8, 0},
	{"report", "every field", {0}, 8, 0},
	{"overall", "every field", {0}, 3, 0},
	{"note", "text", {0}, 3, 0},
	{"leaf", "a change", {0}, 4, BIT(1) | BIT(4)},
	{"leaf", "a change", {4}, 3, BIT(1) | BIT(2) | BIT(3)},
	{"leaf", "the first leaf after a restore", {7}, 5, BIT(1) | BIT(2)},
	{"leaf", "an anchor", {8}, 3, BIT(2) | BIT(3)},
	{"leaf", "an anchor", {8, 1}, 3, BIT(1) | BIT(3)},
	{"leaf", "a close", {9}, 1, 0},
	{"envelope", "hello", {0}, 1, BIT(1)},
	{"envelope", "hello", {1}, 7, BIT(1) | BIT(2) | BIT(3) | BIT(4)},
	{"envelope", "roster", {2}, 1, BIT(1)},
	{"envelope", "head", {3}, 1, BIT(1)},
	{"envelope", "want", {4}, 3, BIT(1) | BIT(3)},
	{"envelope", "leaves", {5}, 4, BIT(1) | BIT(3) | BIT(4)},
	{"envelope", "cosignature", {6}, 1, BIT(1)},
	{"envelope", "evidence", {7}, 3, BIT(1) | BIT(2)},
	{"envelope", "view digest", {8}, 3, BIT(3)},
	{"envelope", "view digest", {8, 2}, 2, BIT(1)},
	{"envelope", "ping", {9}, 1, 0},
	{"envelope", "pong", {10}, 1, 0},
	{"envelope", "bye", {11}, 2, 0},
	{"request", "info", {0}, 2, BIT(2)},
	{"request", "post", {4}, 1, BIT(1)},
	{"request", "post", {4, 1}, 3, BIT(1) | BIT(2) | BIT(3)},
	{"request", "post a revocation", {5}, 2, BIT(1) | BIT(2)},
	{"request", "query", {6}, 7, 0},
	{"request", "install a roster", {9}, 1, BIT(1)},
	{"reply", "an error", {0}, 4, 0},
	{"reply", "info", {5}, 4, 0},
	{"reply", "status", {6}, 15, 0},
	{"reply", "status", {6, 12}, 9, BIT(1)},
	{"reply", "status", {6, 13}, 14, BIT(1)},
	{"reply", "posted", {7, 1}, 3, BIT(1)},
	{"reply", "entries, more follow", {8, 1}, 7, BIT(1)},
	{"reply", "operators", {9, 1}, 7, BIT(1) | BIT(2)},
	{"reply", "event", {10}, 1, 0},
};

static void h36_required_fields_are_required_and_no_others(void **state)
{
	(void)state;
	unsigned wrong = 0;
	for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
		const struct required *r = &required[i];
		for (uint32_t number = 1; number <= r->last; number++) {
			uint32_t path[4] = {r->path[0], r->path[1], 0, 0};
			path[path[0] == 0 ? 0 : path[1] == 0 ? 1 : 2] = number;
			struct err e = {0};
			struct buf nothing = {0};
			int rc = decode_line_with(r->gate, r->why, path, &nothing, &e);
			if (rc == (r->bits & BIT(number) ? RC_PEER_MESSAGE : RC_OK))
				continue;
			print_error("%s: %s without %u.%u.%u: rc %d\n", r->gate, r->why, path[0],
				path[1], path[2], rc);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* The smallest arena that decodes `in`. */
static size_t arena_needed(const struct gate *g, struct bytes in, size_t *kept)
{
	size_t low = 0, high = g->arena;
	struct err e = {0};
	while (low < high) {
		size_t mid = (low + high) / 2;
		struct arena a;
		struct buf again = {0};
		arena_init(&a, room, mid);
		int rc = g->fn(in, &a, &again, &e);
		*kept = rc ? *kept : a.used;
		low = rc ? mid + 1 : low;
		high = rc ? high : mid;
		buf_release(&again);
	}
	return low;
}

static void worst_change(struct buf *b)
{
	raw_number(b, 1, 1);
	raw_fill(b, 2, 'm', 20);
	raw_fill(b, 3, 'n', 16);
	raw_fill(b, 5, 't', 7);
	raw_number(b, 6, SLOT_REPORT);
	raw_fill(b, 7, 'h', 64);
	raw_fill(b, 8, 'v', 9500);
	for (size_t i = 0; i < LIMIT_SUPERSEDES; i++)
		raw_fill(b, 9, (uint8_t)i, 32);
	raw_fill(b, 10, 'u', 32);
	raw_fill(b, 11, 'r', LIMIT_BODY_BYTES - b->n - 3);
}

static void worst_delegate(struct buf *b)
{
	raw_number(b, 1, 1);
	raw_fill(b, 2, 'm', 20);
	raw_fill(b, 3, 'n', 16);
	raw_fill(b, 4, 'k', 32);
	raw_fill(b, 5, 'n', 1600);
	for (size_t i = 0; i < LIMIT_SCOPE; i++)
		raw_fill(b, 6, 's', 7);
}

static void worst_anchor(struct buf *b)
{
	struct buf anchor = {0}, head = {0};
	raw_fill(&head, 1, 'o', 16); /* needs 32 bytes with its NUL */
	raw_number(&head, 2, 1);
	raw_fill(&head, 3, 'r', 32);
	for (size_t i = 0; i < LIMIT_LOGS; i++)
		raw_range(&anchor, 1, buf_bytes(&head));
	raw_fill(&anchor, 2, 'v', 32);
	raw_number(&anchor, 3, 1);
	raw_number(b, 1, 1);
	raw_range(b, 8, buf_bytes(&anchor));
	buf_release(&anchor);
	buf_release(&head);
}

static void worst_unknown_leaf(struct buf *b)
{
	raw_number(b, 1, 1);
	raw_fill(b, 100, 'x', LIMIT_LEAF_BYTES - 2 - 2 - 2);
}

static void worst_task(struct buf *b)
{
	raw_fill(b, 1, 't', 1600);
	raw_fill(b, 2, 'f', 8000);
	for (size_t i = 0; i < LIMIT_MEMBERS; i++)
		raw_fill(b, 5, 'p', 20);
}

static void worst_report(struct buf *b)
{
	raw_fill(b, 4, 'n', 8000);
	raw_fill(b, 5, 'p', 3000);
	for (size_t i = 0; i < LIMIT_EVIDENCE; i++)
		raw_fill(b, 7, 'e', 32);
}

static void worst_leaf_body_and_value_fit_the_arena_together(void **state)
{
	(void)state;
	static const struct {
		const char *gate;
		void (*make)(struct buf *);
	} cases[] = {{"change", worst_change}, {"delegate", worst_delegate}, {"leaf", worst_anchor},
		{"leaf", worst_unknown_leaf}, {"task", worst_task}, {"report", worst_report}};
	size_t most = 0, kept_most = 0;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf b = {0};
		cases[i].make(&b);
		size_t kept = 0;
		size_t need = arena_needed(gate_named(cases[i].gate), buf_bytes(&b), &kept);
		assert_true(need > 0 && need < CODEC_LEAF_ARENA);
		most = need > most ? need : most;
		kept_most = kept > kept_most ? kept : kept_most;
		buf_release(&b);
	}
	/* what a body keeps is there while the value is decoded */
	assert_true(kept_most + 1024 <= CODEC_LEAF_KEPT);
	assert_true(most + CODEC_LEAF_KEPT <= CODEC_LEAF_ARENA);
	print_message("worst: %zu bytes of arena, %zu kept\n", most, kept_most);
}

static void refused_without_memory(const char *gate, const struct buf *b, int rc)
{
	struct arena a;
	struct buf again = {0};
	struct err e = {0};
	const struct gate *g = gate_named(gate);
	assert_true(b->n >= 60000);
	arena_init(&a, room, g->arena);
	assert_int_equal(g->fn(buf_bytes(b), &a, &again, &e), rc);
	assert_int_equal(a.used, 0);
	assert_int_equal(again.n, 0);
}

/* A message in field `outer`: what the hex says, then n times the element in field `number`. */
static struct buf repeated(
	uint32_t outer, const char *hex, uint32_t number, struct bytes element, size_t n)
{
	struct buf b = {0}, out = {0};
	raw_hex(&b, hex);
	for (size_t i = 0; i < n; i++)
		raw_range(&b, number, element);
	raw_range(&out, outer, buf_bytes(&b));
	buf_release(&b);
	return out;
}

static void h32_to_h34_are_refused_before_any_memory_is_used(void **state)
{
	(void)state;
	struct bytes none = {NULL, 0};
	const char *hello = "0801 1001 1a20" A32 "2202 6168";
	struct buf sub = repeated(8, "0801", 2, bytes_str("\x0a\x01o"), 32768);
	struct buf unknown = repeated(1, hello, 99, none, 32768);
	struct buf heads = repeated(1, hello, 7, bytes_str("n"), 32768), singular = {0};
	for (size_t i = 0; i < 32768; i++)
		raw_range(&singular, 9, none);
	refused_without_memory("envelope", &sub, RC_TOO_BIG);
	refused_without_memory("envelope", &unknown, RC_PEER_MESSAGE);
	refused_without_memory("envelope", &heads, RC_TOO_BIG);
	refused_without_memory("envelope", &singular, RC_PEER_MESSAGE);
	refused_without_memory("request", &singular, RC_PEER_MESSAGE);
	refused_without_memory("leaf", &singular, RC_TOO_BIG);
	buf_release(&sub);
	buf_release(&unknown);
	buf_release(&heads);
	buf_release(&singular);
}

static void h32_the_most_that_is_accepted_uses_little_memory(void **state)
{
	(void)state;
	size_t most = 0;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		const struct limit *l = &limits[i];
		if (!l->element || strcmp(l->gate, "envelope") != 0)
			continue;
		struct err e = {0};
		memset(room, 0xa5, sizeof room);
		assert_int_equal(decode_with(l, l->limit, &e), RC_OK);
		size_t used = MESSAGE_ARENA;
		while (used > 0 && room[used - 1] == 0xa5)
			used--;
		most = used > most ? used : most;
	}
	assert_true(most >= LIMIT_BATCH_LEAVES * sizeof(struct bytes));
	assert_true(most <= 16 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_taken_up_to_its_limit_and_no_further),
		cmocka_unit_test(h36_required_fields_are_required_and_no_others),
		cmocka_unit_test(worst_leaf_body_and_value_fit_the_arena_together),
		cmocka_unit_test(h32_to_h34_are_refused_before_any_memory_is_used),
		cmocka_unit_test(h32_the_most_that_is_accepted_uses_little_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
