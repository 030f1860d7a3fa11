/* Requests and replies of the control socket: every kind there and back, frames, errors by their
 * ids. Bytes that are refused: test_wire_gate and test_wire_limits. */
#include "tests/unit/raw.h"

#include <stdlib.h>

#include "proto/wire/ctl.h"
#include "proto/wire/packet.h"

static uint8_t room[CTL_ARENA] __attribute__((aligned(16)));
static uint8_t pattern[80] = {1, 2, 3};

static struct arena fresh(void)
{
	struct arena a;
	arena_init(&a, room, sizeof room);
	return a;
}

/* The body of the one frame in b. */
static struct bytes body_of(const struct buf *b)
{
	struct bytes body = {0};
	struct err e = {0};
	int n = frame_split_u32(buf_bytes(b), LIMIT_CTL_REPLY_BYTES, &body, &e);
	assert_int_equal(n, b->n);
	return body;
}

static struct ctl_request request_trip(const struct ctl_request *r, struct buf *b)
{
	struct ctl_request out;
	struct err e = {0};
	struct arena a = fresh();
	buf_reset(b);
	assert_int_equal(ctl_request_encode(r, b, &e), RC_OK);
	assert_int_equal(ctl_request_decode(body_of(b), &a, &out, &e), RC_OK);
	assert_int_equal(out.id, r->id);
	assert_int_equal(out.kind, r->kind);
	return out;
}

static struct ctl_reply reply_trip(const struct ctl_reply *r, struct buf *b)
{
	struct ctl_reply out;
	struct err e = {0};
	struct arena a = fresh();
	buf_reset(b);
	assert_int_equal(ctl_reply_encode(r, b, &e), RC_OK);
	assert_int_equal(ctl_reply_decode(body_of(b), &a, &out, &e), RC_OK);
	assert_int_equal(out.id, r->id);
	assert_int_equal(out.kind, r->kind);
	assert_int_equal(out.rc, r->rc);
	assert_int_equal(out.more, r->more);
	return out;
}

static struct signed_body good_signed(void)
{
	return (struct signed_body){
		bytes_of(pattern, 32), bytes_of(pattern + 1, 64), bytes_str("body")};
}

static void requests_without_content_keep_id_and_kind(void **state)
{
	(void)state;
	static const enum ctl_kind kinds[] = {
		CTL_INFO, CTL_STATUS, CTL_OPERATORS, CTL_FINDINGS, CTL_SUBSCRIBE, CTL_ANCHOR};
	struct buf b = {0};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		for (uint32_t id = 0; id < 2; id++) {
			struct ctl_request r = {.id = id ? UINT32_MAX : 0, .kind = kinds[i]};
			(void)request_trip(&r, &b);
		}
	buf_release(&b);
}

static void post_keeps_every_signed_change(void **state)
{
	(void)state;
	struct signed_body list[LIMIT_POST_CHANGES];
	for (size_t i = 0; i < LIMIT_POST_CHANGES; i++)
		list[i] = good_signed();
	list[511].body = bytes_str("the last");
	struct ctl_request r = {
		.id = 1, .kind = CTL_POST, .changes = list, .n_changes = LIMIT_POST_CHANGES};
	struct buf b = {0};
	struct ctl_request o = request_trip(&r, &b);
	assert_int_equal(o.n_changes, LIMIT_POST_CHANGES);
	assert_true(bytes_equal(o.changes[0].key, list[0].key));
	assert_true(bytes_equal(o.changes[0].signature, list[0].signature));
	assert_true(bytes_equal(o.changes[511].body, list[511].body));
	buf_release(&b);
}

static void event_query_and_roster_keep_every_field(void **state)
{
	(void)state;
	struct buf b = {0};
	struct ctl_request r = {.kind = CTL_POST_EVENT, .event_kind = LEAF_REVOKE};
	r.event = good_signed();
	struct ctl_request o = request_trip(&r, &b);
	assert_int_equal(o.event_kind, LEAF_REVOKE);
	assert_true(bytes_equal(o.event.body, r.event.body));
	r = (struct ctl_request){.kind = CTL_QUERY,
		.query = {.any_holder = true,
			.history = true,
			.task = bytes_str("3-05"),
			.slot = 999}};
	o = request_trip(&r, &b);
	assert_false(o.query.any_task);
	assert_true(o.query.any_holder);
	assert_true(o.query.history);
	assert_false(o.query.conflicts);
	assert_true(bytes_equal(o.query.task, r.query.task));
	assert_int_equal(o.query.holder.n, 0);
	assert_int_equal(o.query.slot, 999);
	r = (struct ctl_request){.kind = CTL_INSTALL_ROSTER, .note = bytes_str("note\n")};
	assert_true(bytes_equal(request_trip(&r, &b).note, r.note));
	buf_release(&b);
}

static void proof_and_its_question_keep_every_field(void **state)
{
	(void)state;
	struct buf b = {0};
	struct ctl_request ask = {
		.kind = CTL_PROOF, .proof = {bytes_str("yrd/jiangsu/1-00000001"), UINT64_MAX}};
	struct ctl_request o = request_trip(&ask, &b);
	assert_true(bytes_equal(o.proof.origin, ask.proof.origin));
	assert_int_equal(o.proof.index, UINT64_MAX);
	struct ctl_reply r = {.kind = CTL_REPLY_PROOF};
	r.proof = (struct ctl_proof){.head = bytes_str("head"),
		.path = bytes_of(pattern, 64),
		.leaf = bytes_str("leaf"),
		.final = true};
	struct ctl_reply back = reply_trip(&r, &b);
	assert_true(bytes_equal(back.proof.head, r.proof.head));
	assert_true(bytes_equal(back.proof.path, r.proof.path));
	assert_true(bytes_equal(back.proof.leaf, r.proof.leaf));
	assert_true(back.proof.final);
	r.proof.path.n = 31; /* less than a hash */
	buf_reset(&b);
	assert_int_equal(ctl_reply_encode(&r, &b, NULL), RC_INPUT);
	buf_release(&b);
}

static void event_of_a_kind_that_is_no_event_is_refused(void **state)
{
	(void)state;
	for (uint32_t kind = 1; kind <= 10; kind++) {
		struct ctl_request r = {.kind = CTL_POST_EVENT}, o;
		r.event = good_signed();
		r.event_kind = kind;
		struct buf b = {0};
		struct err e = {0};
		struct arena a = fresh();
		assert_int_equal(ctl_request_encode(&r, &b, &e), RC_OK);
		int rc = ctl_request_decode(body_of(&b), &a, &o, &e);
		assert_int_equal(rc, kind == 5 || kind == 6 ? RC_OK : RC_PEER_MESSAGE);
		buf_release(&b);
	}
}

static void every_error_comes_back_as_the_same_code(void **state)
{
	(void)state;
	struct buf b = {0};
	static const int codes[] = {
		RC_OK,
#define RC(name, id, text) RC_##name,
#include "proto/base/rc.def"
#undef RC
	};
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		struct ctl_reply r = {.id = 7, .rc = codes[i], .text = bytes_str("原因")};
		struct ctl_reply o = reply_trip(&r, &b);
		assert_true(bytes_equal(o.text, r.text));
	}
	buf_release(&b);
}

static void error_of_a_newer_node_is_an_internal_error_with_its_text(void **state)
{
	(void)state;
	struct buf b = {0};
	struct ctl_reply o;
	struct err e = {0};
	struct arena a = fresh();
	raw_range(&b, 3, bytes_str("E9999"));
	raw_range(&b, 4, bytes_str("why"));
	assert_int_equal(ctl_reply_decode(buf_bytes(&b), &a, &o, &e), RC_OK);
	assert_int_equal(o.rc, RC_INTERNAL);
	assert_true(bytes_equal(o.text, bytes_str("why")));
	buf_release(&b);
}

static void status_keeps_every_field(void **state)
{
	(void)state;
	struct ctl_log log = {.origin = bytes_str("o"),
		.member = bytes_str("anhui"),
		.root = bytes_of(pattern, 32),
		.epoch = 2,
		.size = 3,
		.seen_size = 4,
		.findings = 5,
		.seen_ms = INT64_MAX,
		.forked = true};
	struct ctl_peer peer = {.member = bytes_str("anhui"),
		.address = bytes_str("10.0.0.1:7420"),
		.view_root = bytes_of(pattern, 32),
		.last_error = bytes_str("断开"),
		.differs_at = bytes_str("3-05"),
		.software = bytes_str("deltad 0.1.0"),
		.connected = true,
		.behind = 1,
		.ahead = 2,
		.refused = 3,
		.bytes_in = 4,
		.bytes_out = 5,
		.sync_ms = 6,
		.agree = AGREE_NO};
	struct ctl_reply r = {.kind = CTL_REPLY_STATUS};
	r.status = (struct ctl_status){.member = bytes_str("jiangsu"),
		.state = bytes_str("running"),
		.state_text = bytes_str("好"),
		.view_root = bytes_of(pattern, 32),
		.started_ms = 1,
		.now_ms = 2,
		.rules_version = 3,
		.entries = 4,
		.conflicts = 5,
		.pending = 6,
		.unknown = 7,
		.strangers = 8,
		.wal_bytes = 9,
		.logs = &log,
		.n_logs = 1,
		.peers = &peer,
		.n_peers = 1};
	struct buf b = {0};
	struct ctl_status s = reply_trip(&r, &b).status;
	assert_true(bytes_equal(s.member, r.status.member));
	assert_true(bytes_equal(s.state, r.status.state));
	assert_true(bytes_equal(s.state_text, r.status.state_text));
	assert_true(bytes_equal(s.view_root, r.status.view_root));
	assert_int_equal(s.started_ms, 1);
	assert_int_equal(s.now_ms, 2);
	assert_int_equal(s.rules_version, 3);
	assert_int_equal(s.entries, 4);
	assert_int_equal(s.conflicts, 5);
	assert_int_equal(s.pending, 6);
	assert_int_equal(s.unknown, 7);
	assert_int_equal(s.strangers, 8);
	assert_int_equal(s.wal_bytes, 9);
	assert_int_equal(s.n_logs, 1);
	assert_int_equal(s.logs[0].epoch, 2);
	assert_int_equal(s.logs[0].size, 3);
	assert_int_equal(s.logs[0].seen_size, 4);
	assert_int_equal(s.logs[0].findings, 5);
	assert_int_equal(s.logs[0].seen_ms, INT64_MAX);
	assert_true(s.logs[0].forked);
	assert_int_equal(s.n_peers, 1);
	assert_true(s.peers[0].connected);
	assert_int_equal(s.peers[0].behind, 1);
	assert_int_equal(s.peers[0].ahead, 2);
	assert_int_equal(s.peers[0].refused, 3);
	assert_int_equal(s.peers[0].bytes_in, 4);
	assert_int_equal(s.peers[0].bytes_out, 5);
	assert_int_equal(s.peers[0].sync_ms, 6);
	assert_int_equal(s.peers[0].agree, AGREE_NO);
	assert_true(bytes_equal(s.peers[0].last_error, peer.last_error));
	assert_true(bytes_equal(s.peers[0].differs_at, peer.differs_at));
	assert_true(bytes_equal(s.peers[0].software, peer.software));
	buf_release(&b);
}

static void other_replies_keep_every_field(void **state)
{
	(void)state;
	struct buf b = {0};
	struct ctl_reply r = {.kind = CTL_REPLY_INFO};
	r.info.member = bytes_str("jiangsu");
	r.info.roster = bytes_str("note");
	struct ctl_reply o = reply_trip(&r, &b);
	assert_true(bytes_equal(o.info.roster, r.info.roster));
	struct ctl_posted posted[2] = {{bytes_str("o"), bytes_of(pattern, 32), 0},
		{bytes_str("p"), bytes_of(pattern, 32), 9}};
	r = (struct ctl_reply){.kind = CTL_REPLY_POST, .post = {posted, 2}};
	o = reply_trip(&r, &b);
	assert_int_equal(o.post.n, 2);
	assert_int_equal(o.post.posted[1].index, 9);
	struct ctl_entry entry = {.origin = bytes_str("o"),
		.change_id = bytes_of(pattern, 32),
		.leaf = bytes_str("leaf"),
		.index = 5,
		.verdict = 3,
		.void_code = 11,
		.current = true};
	r = (struct ctl_reply){.kind = CTL_REPLY_ENTRIES, .more = true, .entries = {&entry, 1}};
	o = reply_trip(&r, &b);
	assert_int_equal(o.entries.n, 1);
	assert_int_equal(o.entries.entries[0].verdict, 3);
	assert_int_equal(o.entries.entries[0].void_code, 11);
	assert_true(o.entries.entries[0].current);
	assert_true(bytes_equal(o.entries.entries[0].leaf, entry.leaf));
	struct bytes scope[2] = {bytes_str("3-05"), bytes_str("3-06")};
	struct ctl_operator op = {.member = bytes_str("anhui"),
		.key = bytes_of(pattern, 32),
		.name = bytes_str("王工"),
		.scope = scope,
		.n_scope = 2,
		.from = 3,
		.below = 4};
	r = (struct ctl_reply){.kind = CTL_REPLY_OPERATORS, .operators = {&op, 1}};
	o = reply_trip(&r, &b);
	assert_int_equal(o.operators.operators[0].n_scope, 2);
	assert_true(bytes_equal(o.operators.operators[0].scope[1], scope[1]));
	assert_int_equal(o.operators.operators[0].below, 4);
	r = (struct ctl_reply){.kind = CTL_REPLY_EVENT, .commit = UINT64_MAX};
	assert_int_equal(reply_trip(&r, &b).commit, UINT64_MAX);
	buf_release(&b);
}

static void words_that_quote_hostile_bytes_are_mended(void **state)
{
	(void)state;
	struct buf b = {0};
	struct ctl_peer peer = {.member = bytes_str("anhui"), .last_error = bytes_str("\x1b[31m")};
	struct ctl_reply r = {.kind = CTL_REPLY_STATUS, .text = bytes_of("a\0b", 3)};
	r.status.peers = &peer;
	r.status.n_peers = 1;
	r.status.state_text = bytes_str("\x01");
	struct ctl_reply o = reply_trip(&r, &b);
	assert_true(bytes_equal(o.text, bytes_str("a?b")));
	assert_true(bytes_equal(o.status.state_text, bytes_str("?")));
	assert_true(bytes_equal(o.status.peers[0].last_error, bytes_str("?[31m")));
	buf_release(&b);
}

static void encode_gives(const struct ctl_reply *r, int rc)
{
	struct buf b = {0};
	struct err e = {0};
	buf_put_str(&b, "before");
	assert_int_equal(ctl_reply_encode(r, &b, &e), rc);
	assert_int_equal(e.rc, rc);
	assert_true(rc == RC_OK || bytes_equal(buf_bytes(&b), bytes_str("before")));
	buf_release(&b);
}

static void reply_over_its_limit_is_not_written(void **state)
{
	(void)state;
	struct buf leaf = {0};
	memset(buf_reserve(&leaf, LIMIT_LEAF_BYTES), 'l', LIMIT_LEAF_BYTES);
	struct ctl_entry *list = xalloc((CTL_ENTRIES_MAX + 1) * sizeof *list);
	for (size_t i = 0; i <= CTL_ENTRIES_MAX; i++)
		list[i].origin = bytes_str("o");
	struct ctl_reply r = {.kind = CTL_REPLY_ENTRIES, .entries = {list, CTL_ENTRIES_MAX}};
	encode_gives(&r, RC_OK);
	r.entries.n++;
	encode_gives(&r, RC_TOO_BIG);
	for (size_t i = 0; i < 64; i++)
		list[i].leaf = bytes_of(leaf.p, LIMIT_LEAF_BYTES - 64);
	r.entries.n = 64;
	encode_gives(&r, RC_OK);
	list[64].leaf = bytes_of(leaf.p, 4096);
	r.entries.n = 65;
	encode_gives(&r, RC_TOO_BIG);
	list[0].origin = (struct bytes){0};
	r.entries.n = 1;
	encode_gives(&r, RC_INPUT);
	free(list);
	buf_release(&leaf);
}

/* A message of exactly n bytes: elements in field 1 of field `outer`, each what the hex says and
 * then `fill` bytes in field `number`, the last one filled up. */
static struct buf message_of(
	size_t n, uint32_t outer, const char *hex, uint32_t number, size_t fill)
{
	struct buf list = {0}, b = {0};
	size_t inside = n - 4; /* without a tag of one byte and a length of three */
	for (size_t left = inside; left > 0; left = inside - list.n) {
		struct buf element = {0};
		raw_hex(&element, hex);
		size_t around = 3 + element.n + 3; /* tags of one byte, lengths of two */
		raw_fill(&element, number, 'x', left > 2 * fill ? fill : left - around);
		raw_range(&list, 1, buf_bytes(&element));
		buf_release(&element);
	}
	raw_range(&b, outer, buf_bytes(&list));
	assert_int_equal(b.n, n);
	buf_release(&list);
	return b;
}

#define A32 "6161616161616161616161616161616161616161616161616161616161616161"

static void body_is_taken_up_to_its_limit_and_no_further(void **state)
{
	(void)state;
	for (size_t more = 0; more <= 2; more++) {
		size_t n = LIMIT_CTL_REQUEST_BYTES - 1 + more;
		int rc = more < 2 ? RC_OK : RC_TOO_BIG;
		struct ctl_request q;
		struct ctl_reply p;
		struct arena a = fresh();
		struct err e = {0};
		struct buf b = message_of(n, CTL_POST, "0a20" A32 "1240" A32 A32, 3, 6000);
		assert_int_equal(ctl_request_decode(buf_bytes(&b), &a, &q, &e), rc);
		buf_release(&b);
		a = fresh();
		b = message_of(n, CTL_REPLY_ENTRIES, "0a016f", 7, 8000);
		assert_int_equal(ctl_reply_decode(buf_bytes(&b), &a, &p, &e), rc);
		buf_release(&b);
	}
}

static void reply_that_would_not_fit_the_arena_is_not_written(void **state)
{
	(void)state;
	struct bytes scope[LIMIT_SCOPE];
	for (size_t i = 0; i < LIMIT_SCOPE; i++)
		scope[i] = bytes_str("1-01");
	struct ctl_operator *list = xalloc(CTL_OPERATORS_MAX * sizeof *list);
	for (size_t i = 0; i < CTL_OPERATORS_MAX; i++)
		list[i] = (struct ctl_operator){.member = bytes_str("anhui"),
			.key = bytes_of(pattern, 32),
			.scope = scope,
			.n_scope = LIMIT_SCOPE};
	struct ctl_reply r = {.kind = CTL_REPLY_OPERATORS, .operators = {list, 100}};
	encode_gives(&r, RC_OK);
	struct buf b = {0};
	size_t fit = 100;
	while (ctl_reply_encode(&r, &b, NULL) == RC_OK) {
		struct ctl_reply o;
		struct arena a = fresh();
		assert_int_equal(ctl_reply_decode(body_of(&b), &a, &o, NULL), RC_OK);
		buf_reset(&b);
		r.operators.n = ++fit;
	}
	assert_true(fit > 110 && fit < 130);
	encode_gives(&r, RC_TOO_BIG);
	buf_release(&b);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_without_content_keep_id_and_kind),
		cmocka_unit_test(post_keeps_every_signed_change),
		cmocka_unit_test(event_query_and_roster_keep_every_field),
		cmocka_unit_test(proof_and_its_question_keep_every_field),
		cmocka_unit_test(event_of_a_kind_that_is_no_event_is_refused),
		cmocka_unit_test(every_error_comes_back_as_the_same_code),
		cmocka_unit_test(error_of_a_newer_node_is_an_internal_error_with_its_text),
		cmocka_unit_test(status_keeps_every_field),
		cmocka_unit_test(other_replies_keep_every_field),
		cmocka_unit_test(words_that_quote_hostile_bytes_are_mended),
		cmocka_unit_test(reply_over_its_limit_is_not_written),
		cmocka_unit_test(body_is_taken_up_to_its_limit_and_no_further),
		cmocka_unit_test(reply_that_would_not_fit_the_arena_is_not_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
