/* Leaves and bodies: every kind there and back, versions and kinds of the future, and what encode
 * refuses to write. Bytes that are refused: test_wire_gate and test_wire_limits. */
#include "tests/unit/raw.h"

#include "proto/base/text.h"
#include "proto/wire/codec.h"

static uint8_t room[CODEC_LEAF_ARENA] __attribute__((aligned(16)));
static uint8_t pattern[80];

static struct arena fresh(void)
{
	struct arena a;
	arena_init(&a, room, sizeof room);
	return a;
}

static int pattern_setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i + 1);
	return 0;
}

static struct change good_change(void)
{
	return (struct change){.version = CHANGE_VERSION,
		.member = bytes_str("jiangsu"),
		.nonce = bytes_of(pattern, 16),
		.slot = SLOT_REPORT};
}

static struct delegate good_delegate(void)
{
	return (struct delegate){.version = LEAF_VERSION,
		.member = bytes_str("jiangsu"),
		.nonce = bytes_of(pattern, 16),
		.operator_key = bytes_of(pattern, 32)};
}

static struct leaf good_leaf(enum leaf_kind kind)
{
	struct leaf l = {.version = LEAF_VERSION, .index = 7, .hlc = 99, .kind = kind};
	l.signed_body.key = bytes_of(pattern, 32);
	l.signed_body.signature = bytes_of(pattern, 64);
	l.signed_body.body = bytes_str("body");
	l.open.suite = SUITE_ED25519_SHA256;
	l.open.reason = OPEN_RESTORE;
	l.open.previous_origin = bytes_str("yrd/jiangsu/1-00000000");
	l.open.previous_size = 5;
	l.open.previous_root = bytes_of(pattern, 32);
	l.next_origin = bytes_str("yrd/jiangsu/2-00000000");
	return l;
}

static void change_round_trip_keeps_every_field(void **state)
{
	(void)state;
	struct bytes ids[2] = {bytes_of(pattern, 32), bytes_of(pattern + 1, 32)};
	struct change c = good_change(), d;
	c.claimed_ms = 1735689600000;
	c.task = bytes_str("3-05");
	c.holder = bytes_str("anhui");
	c.value = bytes_str("value");
	c.supersedes = ids;
	c.n_supersedes = 2;
	c.under = bytes_of(pattern + 2, 32);
	c.reason = bytes_str("原因\n二");
	struct buf b = {0};
	struct err e = {0};
	struct arena a = fresh();
	assert_int_equal(change_encode(&c, &b, &e), RC_OK);
	assert_int_equal(change_decode(buf_bytes(&b), &a, &d, &e), RC_OK);
	assert_int_equal(d.version, c.version);
	assert_true(bytes_equal(d.member, c.member));
	assert_true(bytes_equal(d.nonce, c.nonce));
	assert_int_equal(d.claimed_ms, c.claimed_ms);
	assert_true(bytes_equal(d.task, c.task));
	assert_int_equal(d.slot, c.slot);
	assert_true(bytes_equal(d.holder, c.holder));
	assert_true(bytes_equal(d.value, c.value));
	assert_int_equal(d.n_supersedes, 2);
	assert_true(bytes_equal(d.supersedes[0], ids[0]));
	assert_true(bytes_equal(d.supersedes[1], ids[1]));
	assert_true(bytes_equal(d.under, c.under));
	assert_true(bytes_equal(d.reason, c.reason));
	buf_release(&b);
}

static void decoded_ranges_point_into_the_input(void **state)
{
	(void)state;
	struct change c = good_change(), d;
	struct buf b = {0};
	struct err e = {0};
	struct arena a = fresh();
	c.value = bytes_str("value");
	assert_int_equal(change_encode(&c, &b, &e), RC_OK);
	assert_int_equal(change_decode(buf_bytes(&b), &a, &d, &e), RC_OK);
	assert_true(d.value.p > b.p && d.value.p < b.p + b.n);
	assert_int_equal(a.used, 0); /* nothing is kept where there is no list */
	buf_release(&b);
}

static void delegate_and_revoke_round_trips_keep_every_field(void **state)
{
	(void)state;
	struct bytes scope[2] = {bytes_str("3-05"), bytes_str("3-06")};
	struct delegate d = good_delegate(), d2;
	d.name = bytes_str("王工");
	d.scope = scope;
	d.n_scope = 2;
	d.not_after_index = 900;
	struct revoke r = {.version = LEAF_VERSION,
			      .member = d.member,
			      .nonce = d.nonce,
			      .operator_key = d.operator_key,
			      .valid_below = 12,
			      .reason = bytes_str("离岗")},
		      r2;
	struct buf b = {0};
	struct err e = {0};
	struct arena a = fresh();
	assert_int_equal(delegate_encode(&d, &b, &e), RC_OK);
	assert_int_equal(delegate_decode(buf_bytes(&b), &a, &d2, &e), RC_OK);
	assert_true(bytes_equal(d2.operator_key, d.operator_key));
	assert_true(bytes_equal(d2.name, d.name));
	assert_int_equal(d2.n_scope, 2);
	assert_true(bytes_equal(d2.scope[1], scope[1]));
	assert_int_equal(d2.not_after_index, 900);
	buf_reset(&b);
	assert_int_equal(revoke_encode(&r, &b, &e), RC_OK);
	assert_int_equal(revoke_decode(buf_bytes(&b), &a, &r2, &e), RC_OK);
	assert_int_equal(r2.valid_below, 12);
	assert_true(bytes_equal(r2.member, r.member));
	assert_true(bytes_equal(r2.nonce, r.nonce));
	assert_true(bytes_equal(r2.operator_key, r.operator_key));
	assert_true(bytes_equal(r2.reason, r.reason));
	buf_release(&b);
}

static void leaf_round_trip_keeps_the_part_that_its_kind_names(void **state)
{
	(void)state;
	static const enum leaf_kind kinds[] = {
		LEAF_CHANGE, LEAF_DELEGATE, LEAF_REVOKE, LEAF_OPEN, LEAF_CLOSE};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct leaf l = good_leaf(kinds[i]), m;
		struct buf b = {0};
		struct err e = {0};
		struct arena a = fresh();
		bool body = kinds[i] < LEAF_OPEN, open = kinds[i] == LEAF_OPEN;
		assert_int_equal(leaf_encode(&l, &b, &e), RC_OK);
		assert_int_equal(leaf_decode(buf_bytes(&b), &a, &m, &e), RC_OK);
		assert_int_equal(m.version, LEAF_VERSION);
		assert_int_equal(m.index, 7);
		assert_int_equal(m.hlc, 99);
		assert_int_equal(m.kind, kinds[i]);
		struct bytes none = {0};
		const struct signed_body *s = &m.signed_body;
		assert_true(bytes_equal(s->key, body ? l.signed_body.key : none));
		assert_true(bytes_equal(s->signature, body ? l.signed_body.signature : none));
		assert_true(bytes_equal(s->body, body ? l.signed_body.body : none));
		assert_int_equal(m.open.suite, open ? 1 : 0);
		assert_int_equal(m.open.reason, open ? OPEN_RESTORE : 0);
		assert_int_equal(m.open.previous_size, open ? 5 : 0);
		assert_true(
			bytes_equal(m.open.previous_origin, open ? l.open.previous_origin : none));
		assert_true(bytes_equal(m.open.previous_root, open ? l.open.previous_root : none));
		assert_true(
			bytes_equal(m.next_origin, kinds[i] == LEAF_CLOSE ? l.next_origin : none));
		buf_release(&b);
	}
}

static void anchor_round_trip_keeps_every_head(void **state)
{
	(void)state;
	static uint8_t root[HASH_BYTES] = {1}, view[HASH_BYTES] = {2};
	struct anchor_head heads[] = {{bytes_str("yrd/anhui/1-00000001"), 7, {root, HASH_BYTES}},
		{bytes_str("yrd/office/1-00000002"), 0, {view, HASH_BYTES}}};
	struct anchor x = {.version = LEAF_VERSION,
		.index = 9,
		.hlc = 11,
		.kind = LEAF_ANCHOR,
		.heads = heads,
		.n = 2,
		.view_root = bytes_of(view, HASH_BYTES),
		.rules_version = 3};
	struct anchor y;
	struct leaf l;
	struct buf b = {0};
	struct err e = {0};
	struct arena a = fresh();
	assert_int_equal(anchor_encode(&x, &b, &e), RC_OK);
	assert_int_equal(leaf_decode(buf_bytes(&b), &a, &l, &e), RC_OK);
	assert_int_equal(l.kind, LEAF_ANCHOR);
	assert_int_equal(l.index, 9);
	assert_int_equal(anchor_decode(buf_bytes(&b), &a, &y, &e), RC_OK);
	assert_int_equal(y.hlc, 11);
	assert_int_equal(y.n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(bytes_equal(y.heads[i].origin, heads[i].origin));
		assert_true(bytes_equal(y.heads[i].root, heads[i].root));
		assert_int_equal(y.heads[i].size, heads[i].size);
	}
	assert_true(bytes_equal(y.view_root, x.view_root));
	assert_int_equal(y.rules_version, 3);
	buf_reset(&b);
	l = good_leaf(LEAF_OPEN);
	assert_int_equal(leaf_encode(&l, &b, &e), RC_OK);
	assert_int_equal(anchor_decode(buf_bytes(&b), &a, &y, &e), RC_PEER_MESSAGE);
	buf_release(&b);
}

static void leaf_of_another_version_gives_what_can_be_read(void **state)
{
	(void)state;
	static const struct {
		const char *hex;
		uint64_t version, index, hlc;
	} cases[] = {
		{"0802", 2, 0, 0},
		{"0802 1007 1809", 2, 7, 9},
		{"0802 1007 1809 ffff", 2, 7, 9},
		{"0802 1809 01", 2, 0, 9},
		{"0802 1007 2209", 2, 7, 0},
		{"0802 ff1007", 2, 0, 0},
		{"08ffffffff0f 1007", UINT32_MAX, 7, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf b = {0};
		struct arena none = {0};
		struct leaf l;
		struct err e = {0};
		raw_hex(&b, cases[i].hex);
		assert_int_equal(leaf_decode(buf_bytes(&b), &none, &l, &e), RC_OK);
		assert_int_equal(l.version, cases[i].version);
		assert_int_equal(l.index, cases[i].index);
		assert_int_equal(l.hlc, cases[i].hlc);
		assert_int_equal(l.kind, LEAF_UNKNOWN);
		buf_release(&b);
	}
}

static void leaf_of_a_newer_kind_is_unknown_and_no_error(void **state)
{
	(void)state;
	struct buf b = {0};
	struct arena a = fresh();
	struct leaf l;
	struct err e = {0};
	raw_hex(&b, "0801 1007 1809 52 02 ffff");
	assert_int_equal(leaf_decode(buf_bytes(&b), &a, &l, &e), RC_OK);
	assert_int_equal(l.kind, LEAF_UNKNOWN);
	assert_int_equal(l.version, LEAF_VERSION);
	assert_int_equal(l.index, 7);
	assert_int_equal(l.hlc, 9);
	buf_release(&b);
}

static void body_of_another_version_gives_its_version_and_nothing_else(void **state)
{
	(void)state;
	struct buf b = {0};
	struct arena none = {0};
	struct change c;
	struct delegate d;
	struct revoke r;
	struct err e = {0};
	raw_hex(&b, "0803 1207 6a69616e677375 ff");
	assert_int_equal(change_decode(buf_bytes(&b), &none, &c, &e), RC_OK);
	assert_int_equal(delegate_decode(buf_bytes(&b), &none, &d, &e), RC_OK);
	assert_int_equal(revoke_decode(buf_bytes(&b), &none, &r, &e), RC_OK);
	assert_int_equal(c.version, 3);
	assert_int_equal(c.member.n, 0);
	assert_int_equal(d.version, 3);
	assert_int_equal(d.member.n, 0);
	assert_int_equal(r.version, 3);
	assert_int_equal(r.member.n, 0);
	buf_release(&b);
}

static void refused_change(const struct change *c, int rc, const char *text)
{
	struct buf b = {0};
	struct err e = {0};
	buf_put_str(&b, "before");
	assert_int_equal(change_encode(c, &b, &e), rc);
	assert_int_equal(e.rc, rc);
	assert_string_equal(e.text, text);
	assert_true(bytes_equal(buf_bytes(&b), bytes_str("before")));
	buf_release(&b);
}

static void encode_refuses_what_decode_would_refuse_and_writes_nothing(void **state)
{
	(void)state;
	struct change c = good_change();
	c.nonce = bytes_of(pattern, 15);
	refused_change(&c, RC_INPUT, "Change: field 3 at byte 28 has a wrong length");
	c = good_change();
	c.member = (struct bytes){0};
	refused_change(&c, RC_INPUT, "Change: field 2 at byte 3 is missing");
	c = good_change();
	c.reason = bytes_str("a\x1b[31m");
	refused_change(&c, RC_INPUT, "Change: field 11 at byte 39 is not clean text");
	c = good_change();
	c.reason = bytes_of("a\0b", 3);
	refused_change(&c, RC_INPUT, "Change: field 11 has a NUL in it");
	c = good_change();
	c.holder = bytes_of("x\n", 2);
	refused_change(&c, RC_INPUT, "Change: field 7 at byte 35 is not clean text");
}

static void encode_refuses_what_is_over_a_limit(void **state)
{
	(void)state;
	struct bytes ids[LIMIT_SUPERSEDES + 1];
	for (size_t i = 0; i <= LIMIT_SUPERSEDES; i++)
		ids[i] = bytes_of(pattern, 32);
	struct change c = good_change();
	c.supersedes = ids;
	c.n_supersedes = LIMIT_SUPERSEDES + 1;
	refused_change(&c, RC_TOO_BIG, "Change: field 9 is repeated too often");
	c = good_change();
	c.holder = bytes_of(room, 65);
	memset(room, 'h', 65);
	refused_change(&c, RC_TOO_BIG, "Change: field 7 at byte 98 is longer than its limit");
	c = good_change();
	c.value = bytes_of(room, LIMIT_BODY_BYTES);
	refused_change(&c, RC_TOO_BIG, "Change: 12322 bytes, over its limit of 12288");
}

/* A leaf whose encoding has exactly n bytes. */
static struct buf leaf_of(size_t n)
{
	struct buf b = {0};
	raw_number(&b, 1, 1);
	raw_fill(&b, 10, 'x', n - 2 - 1 - 2);
	assert_int_equal(b.n, n);
	return b;
}

static void leaf_is_taken_up_to_its_limit_and_no_further(void **state)
{
	(void)state;
	for (size_t n = LIMIT_LEAF_BYTES - 1; n <= LIMIT_LEAF_BYTES + 1; n++) {
		struct buf b = leaf_of(n);
		struct arena a = fresh();
		struct leaf l;
		struct err e = {0};
		assert_int_equal(leaf_decode(buf_bytes(&b), &a, &l, &e),
			n <= LIMIT_LEAF_BYTES ? RC_OK : RC_TOO_BIG);
		assert_string_equal(e.text,
			n <= LIMIT_LEAF_BYTES ? "" : "Leaf: 16385 bytes, over its limit of 16384");
		buf_release(&b);
	}
}

static void body_is_taken_up_to_its_limit_and_no_further(void **state)
{
	(void)state;
	size_t n_value = LIMIT_BODY_BYTES - 34;
	struct buf value = {0}, b = {0};
	memset(buf_reserve(&value, LIMIT_BODY_BYTES), 'v', LIMIT_BODY_BYTES);
	for (size_t more = 0; more <= 2; more++) {
		struct change c = good_change(), d;
		struct err e = {0};
		struct arena a = fresh();
		c.value = bytes_of(value.p, n_value - 1 + more);
		buf_reset(&b);
		assert_int_equal(change_encode(&c, &b, &e), more < 2 ? RC_OK : RC_TOO_BIG);
		if (more == 2)
			break;
		assert_int_equal(b.n, LIMIT_BODY_BYTES - 1 + more);
		assert_int_equal(change_decode(buf_bytes(&b), &a, &d, &e), RC_OK);
		assert_int_equal(d.value.n, c.value.n);
	}
	struct change d;
	struct arena a = fresh();
	struct err e = {0};
	assert_int_equal(
		change_decode(bytes_of(value.p, LIMIT_BODY_BYTES + 1), &a, &d, &e), RC_TOO_BIG);
	struct value v;
	assert_int_equal(
		value_decode(SLOT_NOTE, bytes_of(value.p, LIMIT_BODY_BYTES + 1), &a, &v, &e),
		RC_TOO_BIG);
	buf_release(&value);
	buf_release(&b);
}

static void h38_status_999_has_the_right_form_and_is_refused_by_the_rules(void **state)
{
	(void)state;
	struct value v = {.slot = SLOT_REPORT, .report = {.status = 999, .as_of = 20250331}}, w;
	struct change c = good_change();
	struct buf b = {0};
	struct err e = {0};
	struct arena a = fresh();
	assert_int_equal(value_encode(&v, &b, &e), RC_OK);
	assert_int_equal(value_decode(SLOT_REPORT, buf_bytes(&b), &a, &w, &e), RC_OK);
	assert_int_equal(w.report.status, 999);
	assert_int_equal(value_check(&w, &c, &e), RC_REFUSED_VALUE);
	buf_release(&b);
}

static void value_round_trips_keep_every_field(void **state)
{
	(void)state;
	struct bytes list[2] = {bytes_str("anhui"), bytes_str("jiangsu")};
	struct bytes ids[2] = {bytes_of(pattern, 32), bytes_of(pattern + 1, 32)};
	struct value v = {.slot = SLOT_TASK,
			     .task = {.title = bytes_str("题"),
				     .full = bytes_str("全\n文"),
				     .source = SOURCE_AMENDMENT,
				     .lead = bytes_str("anhui"),
				     .participants = list,
				     .n_participants = 2,
				     .start = 20240725,
				     .due = 20261231,
				     .withdrawn = true}},
		     w;
	struct buf b = {0};
	struct err e = {0};
	struct arena a = fresh();
	assert_int_equal(value_encode(&v, &b, &e), RC_OK);
	assert_int_equal(value_decode(SLOT_TASK, buf_bytes(&b), &a, &w, &e), RC_OK);
	assert_int_equal(w.slot, SLOT_TASK);
	assert_true(bytes_equal(w.task.full, v.task.full));
	assert_int_equal(w.task.n_participants, 2);
	assert_true(bytes_equal(w.task.participants[1], list[1]));
	assert_int_equal(w.task.start, 20240725);
	assert_true(w.task.withdrawn);
	v = (struct value){.slot = SLOT_REPORT,
		.report = {.status = 3,
			.progress = 100,
			.as_of = 20250331,
			.note = bytes_str("n"),
			.problem = bytes_str("p"),
			.next = bytes_str("x"),
			.evidence = ids,
			.n_evidence = 2,
			.demo = true}};
	buf_reset(&b);
	assert_int_equal(value_encode(&v, &b, &e), RC_OK);
	assert_int_equal(value_decode(SLOT_REPORT, buf_bytes(&b), &a, &w, &e), RC_OK);
	assert_int_equal(w.report.status, 3);
	assert_int_equal(w.report.progress, 100);
	assert_true(bytes_equal(w.report.next, v.report.next));
	assert_int_equal(w.report.n_evidence, 2);
	assert_true(bytes_equal(w.report.evidence[1], ids[1]));
	assert_true(w.report.demo);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(change_round_trip_keeps_every_field),
		cmocka_unit_test(decoded_ranges_point_into_the_input),
		cmocka_unit_test(delegate_and_revoke_round_trips_keep_every_field),
		cmocka_unit_test(leaf_round_trip_keeps_the_part_that_its_kind_names),
		cmocka_unit_test(anchor_round_trip_keeps_every_head),
		cmocka_unit_test(leaf_of_another_version_gives_what_can_be_read),
		cmocka_unit_test(leaf_of_a_newer_kind_is_unknown_and_no_error),
		cmocka_unit_test(body_of_another_version_gives_its_version_and_nothing_else),
		cmocka_unit_test(encode_refuses_what_decode_would_refuse_and_writes_nothing),
		cmocka_unit_test(encode_refuses_what_is_over_a_limit),
		cmocka_unit_test(leaf_is_taken_up_to_its_limit_and_no_further),
		cmocka_unit_test(body_is_taken_up_to_its_limit_and_no_further),
		cmocka_unit_test(h38_status_999_has_the_right_form_and_is_refused_by_the_rules),
		cmocka_unit_test(value_round_trips_keep_every_field),
	};
	return cmocka_run_group_tests(tests, pattern_setup, NULL);
}
