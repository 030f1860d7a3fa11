/* Envelopes between nodes: every kind there and back, what a newer peer may say, and words that had
 * to be mended. Bytes that are refused: test_wire_gate and test_wire_limits. */
#include "tests/unit/raw.h"

#include "proto/wire/message.h"

static uint8_t room[MESSAGE_ARENA] __attribute__((aligned(16)));
static uint8_t pattern[80] = {1, 2, 3};

/* There and back; ranges point into *b. */
static struct message round_trip(const struct message *m, struct buf *b)
{
	struct arena a;
	struct message out;
	struct err e = {0};
	arena_init(&a, room, sizeof room);
	message_encode(m, b);
	assert_int_equal(message_decode(buf_bytes(b), &a, &out, &e), RC_OK);
	assert_int_equal(out.kind, m->kind);
	return out;
}

static int decode(struct bytes in, struct message *out, struct err *e)
{
	struct arena a;
	arena_init(&a, room, sizeof room);
	return message_decode(in, &a, out, e);
}

static void hello_keeps_every_field(void **state)
{
	(void)state;
	struct bytes heads[2] = {bytes_str("one"), bytes_str("two")};
	struct message m = {.kind = MESSAGE_HELLO,
		.hello = {.protocol_min = 1,
			.protocol_max = 2,
			.cluster_id = bytes_of(pattern, 32),
			.member = bytes_str("jiangsu"),
			.software = bytes_str("deltad 0.1.0"),
			.roster_version = 3,
			.heads = heads,
			.n_heads = 2}};
	struct buf b = {0};
	struct message o = round_trip(&m, &b);
	assert_int_equal(o.hello.protocol_min, 1);
	assert_int_equal(o.hello.protocol_max, 2);
	assert_true(bytes_equal(o.hello.cluster_id, m.hello.cluster_id));
	assert_true(bytes_equal(o.hello.member, m.hello.member));
	assert_true(bytes_equal(o.hello.software, m.hello.software));
	assert_int_equal(o.hello.roster_version, 3);
	assert_int_equal(o.hello.n_heads, 2);
	assert_true(bytes_equal(o.hello.heads[1], heads[1]));
	buf_release(&b);
}

static void notes_wants_and_tokens_keep_every_field(void **state)
{
	(void)state;
	static const enum message_kind notes[] = {
		MESSAGE_ROSTER, MESSAGE_HEAD, MESSAGE_COSIGNATURE};
	struct buf b = {0};
	for (size_t i = 0; i < 3; i++) {
		struct message m = {.kind = notes[i], .note = bytes_str("a note\n")};
		buf_reset(&b);
		assert_true(bytes_equal(round_trip(&m, &b).note, m.note));
	}
	struct message want = {
		.kind = MESSAGE_WANT, .want = {bytes_str("c/m/1-00000000"), 5, UINT64_MAX}};
	buf_reset(&b);
	struct message o = round_trip(&want, &b);
	assert_true(bytes_equal(o.want.origin, want.want.origin));
	assert_int_equal(o.want.from, 5);
	assert_int_equal(o.want.to, UINT64_MAX);
	for (enum message_kind k = MESSAGE_PING; k <= MESSAGE_PONG; k++) {
		struct message m = {.kind = k, .token = k == MESSAGE_PING ? 0 : UINT64_MAX};
		buf_reset(&b);
		assert_int_equal(round_trip(&m, &b).token, m.token);
	}
	buf_release(&b);
}

static void leaves_evidence_and_digest_keep_every_field(void **state)
{
	(void)state;
	struct bytes list[3] = {
		bytes_of(pattern, 32), bytes_of(pattern + 1, 32), bytes_of(pattern + 2, 32)};
	struct log_size sizes[2] = {{bytes_str("a"), 0}, {bytes_str("b"), 7}};
	struct buf b = {0};
	struct message m = {.kind = MESSAGE_LEAVES,
		.leaves = {bytes_str("c/m/1-00000000"), 4, list, 3, bytes_str("head")}};
	struct message o = round_trip(&m, &b);
	assert_true(bytes_equal(o.leaves.origin, m.leaves.origin));
	assert_int_equal(o.leaves.first, 4);
	assert_int_equal(o.leaves.n, 3);
	assert_true(bytes_equal(o.leaves.leaves[2], list[2]));
	assert_true(bytes_equal(o.leaves.head, m.leaves.head));
	buf_reset(&b);
	m = (struct message){.kind = MESSAGE_EVIDENCE,
		.evidence = {bytes_str("first"), bytes_str("second"), list, 3}};
	o = round_trip(&m, &b);
	assert_true(bytes_equal(o.evidence.second, m.evidence.second));
	assert_int_equal(o.evidence.n_proof, 3);
	assert_true(bytes_equal(o.evidence.proof[0], list[0]));
	buf_reset(&b);
	m = (struct message){
		.kind = MESSAGE_VIEW_DIGEST, .digest = {1, sizes, 2, bytes_of(pattern, 32)}};
	o = round_trip(&m, &b);
	assert_int_equal(o.digest.n, 2);
	assert_int_equal(o.digest.sizes[0].size, 0);
	assert_int_equal(o.digest.sizes[1].size, 7);
	assert_true(bytes_equal(o.digest.sizes[1].origin, sizes[1].origin));
	assert_true(bytes_equal(o.digest.view_root, m.digest.view_root));
	buf_release(&b);
}

static void bye_with_and_without_a_code_keeps_its_words(void **state)
{
	(void)state;
	struct buf b = {0};
	struct message m = {
		.kind = MESSAGE_BYE, .bye = {bytes_str("E1103"), bytes_str("太早\n再试")}};
	struct message o = round_trip(&m, &b);
	assert_true(bytes_equal(o.bye.code, m.bye.code));
	assert_true(bytes_equal(o.bye.text, m.bye.text));
	buf_reset(&b);
	m.bye.code = m.bye.text = (struct bytes){0};
	o = round_trip(&m, &b);
	assert_int_equal(o.bye.code.n, 0);
	assert_int_equal(b.n, 2);
	buf_release(&b);
}

static void mended(struct bytes text, struct bytes expected)
{
	struct buf b = {0};
	struct message m = {.kind = MESSAGE_BYE, .bye = {bytes_str("E1102"), text}};
	struct message o = round_trip(&m, &b);
	assert_true(bytes_equal(o.bye.text, expected));
	buf_release(&b);
}

static void words_that_quote_hostile_bytes_are_mended(void **state)
{
	(void)state;
	char longest[LIMIT_NOTE_CHARS], cut[LIMIT_NOTE_CHARS];
	mended(bytes_of("a\0b\x1b[31mc\xff", 10), bytes_str("a?b?[31mc?"));
	mended(bytes_str("说\xe2\x80\xae反"), bytes_str("?????????"));
	mended(bytes_str("\xe8\xaf"), bytes_str("")); /* a character cut in the middle */
	mended(bytes_str("说\xe8\xaf"), bytes_str("说"));
	mended(bytes_str("a\xf0\x9f\x98"), bytes_str("a"));
	mended(bytes_str("a\x1b"), bytes_str("a?"));
	memset(longest, 'x', sizeof longest);
	for (size_t n = ERR_TEXT_MAX - 1; n <= ERR_TEXT_MAX + 1; n++)
		mended(bytes_of(longest, n),
			bytes_of(longest, n < ERR_TEXT_MAX ? n : ERR_TEXT_MAX));
	mended(bytes_of(longest, sizeof longest), bytes_of(longest, ERR_TEXT_MAX));
	for (size_t i = 0; i + 3 <= sizeof longest; i += 3)
		memcpy(longest + i, "说", 3);
	memcpy(cut, longest, sizeof cut);
	mended(bytes_of(longest, sizeof longest), bytes_of(cut, ERR_TEXT_MAX / 3 * 3));
}

static void envelope_of_a_newer_kind_is_unknown_and_no_error(void **state)
{
	(void)state;
	struct buf b = {0};
	struct message m;
	struct err e = {0};
	raw_hex(&b, "62 03 ffffff");
	assert_int_equal(decode(buf_bytes(&b), &m, &e), RC_OK);
	assert_int_equal(m.kind, MESSAGE_UNKNOWN);
	raw_hex(&b, "6a 00");
	assert_int_equal(decode(buf_bytes(&b), &m, &e), RC_PEER_MESSAGE);
	assert_string_equal(
		e.text, "Envelope: field 13 at byte 6 is a second one of several alternatives");
	buf_release(&b);
}

static void hello_may_say_more_than_we_understand(void **state)
{
	(void)state;
	struct buf hello = {0}, b = {0};
	struct message m;
	struct err e = {0};
	raw_number(&hello, 1, 1);
	raw_number(&hello, 2, 9);
	raw_fill(&hello, 3, 'c', 32);
	raw_fill(&hello, 4, 'm', 5);
	raw_fill(&hello, 9, 'x', 100);
	raw_number(&hello, 300, 5);
	raw_range(&b, 1, buf_bytes(&hello));
	assert_int_equal(decode(buf_bytes(&b), &m, &e), RC_OK);
	assert_int_equal(m.hello.protocol_max, 9);
	assert_int_equal(m.hello.member.n, 5);
	assert_int_equal(m.hello.n_heads, 0);
	buf_release(&hello);
	buf_release(&b);
}

/* Leaves of `bytes` in all, as few as possible. */
static struct buf batch_of(size_t bytes)
{
	struct buf leaves = {0}, b = {0};
	raw_fill(&leaves, 1, 'o', 10);
	while (bytes > 0) {
		size_t n = bytes < LIMIT_LEAF_BYTES ? bytes : LIMIT_LEAF_BYTES;
		raw_fill(&leaves, 3, 'l', n);
		bytes -= n;
	}
	raw_fill(&leaves, 4, 'h', 100);
	raw_range(&b, 5, buf_bytes(&leaves));
	buf_release(&leaves);
	return b;
}

static void batch_is_taken_up_to_its_limit_of_bytes(void **state)
{
	(void)state;
	for (size_t n = LIMIT_BATCH_BYTES - 1; n <= LIMIT_BATCH_BYTES + 1; n++) {
		struct buf b = batch_of(n);
		struct message m;
		struct err e = {0};
		bool ok = n <= LIMIT_BATCH_BYTES;
		assert_int_equal(decode(buf_bytes(&b), &m, &e), ok ? RC_OK : RC_TOO_BIG);
		assert_string_equal(
			e.text, ok ? "" : "Leaves: 524289 bytes, over the limit of 524288");
		buf_release(&b);
	}
}

/* A Hello whose envelope has exactly n bytes. */
static struct buf hello_of(size_t n)
{
	struct buf hello = {0}, b = {0};
	raw_number(&hello, 1, 1);
	raw_number(&hello, 2, 1);
	raw_fill(&hello, 3, 'c', 32);
	raw_fill(&hello, 4, 'm', 5);
	size_t body = n - 4; /* without a tag of one byte and a length of three */
	while (body - hello.n > 60000)
		raw_fill(&hello, 7, 'h', 30000);
	raw_fill(&hello, 7, 'h', body - hello.n - 4); /* 30,000 to 60,000: the same here */
	raw_range(&b, 1, buf_bytes(&hello));
	assert_int_equal(b.n, n);
	buf_release(&hello);
	return b;
}

static void h4_envelope_is_taken_up_to_its_limit_and_no_further(void **state)
{
	(void)state;
	for (size_t n = LIMIT_ENVELOPE_BYTES - 1; n <= LIMIT_ENVELOPE_BYTES + 1; n++) {
		struct buf b = hello_of(n), again = {0};
		struct message m;
		struct err e = {0};
		bool ok = n <= LIMIT_ENVELOPE_BYTES;
		assert_int_equal(decode(buf_bytes(&b), &m, &e), ok ? RC_OK : RC_TOO_BIG);
		if (ok) {
			message_encode(&m, &again);
			assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
		}
		buf_release(&b);
		buf_release(&again);
	}
}

static void encode_appends_to_what_is_there(void **state)
{
	(void)state;
	struct buf b = {0};
	struct message m = {.kind = MESSAGE_PING, .token = 5};
	buf_put_str(&b, "before");
	message_encode(&m, &b);
	assert_true(bytes_equal(buf_bytes(&b), bytes_of("before\x4a\x02\x08\x05", 10)));
	buf_release(&b);
}

static void every_kind_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (enum message_kind i = MESSAGE_UNKNOWN; i <= MESSAGE_BYE; i++)
		for (enum message_kind k = MESSAGE_UNKNOWN; k < i; k++)
			assert_string_not_equal(message_kind_name(i), message_kind_name(k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_keeps_every_field),
		cmocka_unit_test(notes_wants_and_tokens_keep_every_field),
		cmocka_unit_test(leaves_evidence_and_digest_keep_every_field),
		cmocka_unit_test(bye_with_and_without_a_code_keeps_its_words),
		cmocka_unit_test(words_that_quote_hostile_bytes_are_mended),
		cmocka_unit_test(envelope_of_a_newer_kind_is_unknown_and_no_error),
		cmocka_unit_test(hello_may_say_more_than_we_understand),
		cmocka_unit_test(batch_is_taken_up_to_its_limit_of_bytes),
		cmocka_unit_test(h4_envelope_is_taken_up_to_its_limit_and_no_further),
		cmocka_unit_test(encode_appends_to_what_is_there),
		cmocka_unit_test(every_kind_has_a_name_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
