#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/net/channel.h"

/* A dialler and a listener, and what each has written and the other not yet been fed. */
struct pair {
	struct key key[2];
	struct channel a, b;
	struct buf from_a, from_b;
};

static struct hash cluster_of(uint8_t byte)
{
	struct hash h;
	memset(h.b, byte, sizeof(h.b));
	return h;
}

static void pair_init(struct pair *p, struct hash cluster_a, struct hash cluster_b)
{
	uint8_t seed[2][KEY_BYTES], ephemeral[2][KEY_BYTES];
	*p = (struct pair){0};
	for (int i = 0; i < 2; i++) {
		memset(seed[i], i + 1, KEY_BYTES);
		memset(ephemeral[i], i + 11, KEY_BYTES);
		key_from_seed(&p->key[i], KEY_NOISE, i == 0 ? "anhui" : "jiangsu", "", seed[i]);
	}
	channel_init(&p->a, &cluster_a, &p->key[0], p->key[1].public, ephemeral[0]);
	channel_init(&p->b, &cluster_b, &p->key[1], NULL, ephemeral[1]);
}

static void pair_release(struct pair *p)
{
	channel_release(&p->a);
	channel_release(&p->b);
	key_release(&p->key[0]);
	key_release(&p->key[1]);
	buf_release(&p->from_a);
	buf_release(&p->from_b);
}

/* Feeds all of `in` in pieces of `step` bytes; what comes out is expected only after the last. */
static int feed(struct channel *c, struct buf *in, size_t step, struct buf *out, struct err *e)
{
	int got = CHANNEL_NOTHING;
	for (size_t at = 0; at < in->n; at += step) {
		assert_int_equal(got, CHANNEL_NOTHING);
		size_t n = in->n - at < step ? in->n - at : step;
		channel_feed(c, bytes_of(in->p + at, n));
		got = channel_next(c, out, e);
	}
	buf_reset(in);
	return got;
}

static void shake_hands(struct pair *p, size_t step)
{
	struct err e = {0};
	assert_int_equal(channel_start(&p->a, &p->from_a, &e), RC_OK);
	assert_int_equal(p->from_a.n, 2 + NOISE_MSG1);
	assert_int_equal(feed(&p->b, &p->from_a, step, &p->from_b, &e), CHANNEL_NOTHING);
	assert_int_equal(p->from_b.n, 2 + NOISE_MSG2);
	assert_int_equal(feed(&p->a, &p->from_b, step, &p->from_a, &e), CHANNEL_AUTHENTICATED);
	assert_int_equal(p->from_a.n, 2 + NOISE_MSG3_OVERHEAD);
	assert_int_equal(feed(&p->b, &p->from_a, step, &p->from_b, &e), CHANNEL_AUTHENTICATED);
	assert_int_equal(p->from_b.n, 0);
}

static void handshake_gives_both_the_others_key_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t step = 1; step <= 70; step++) {
		struct pair p;
		pair_init(&p, cluster_of(7), cluster_of(7));
		shake_hands(&p, step);
		assert_true(p.a.state == CHANNEL_OPEN && p.b.state == CHANNEL_OPEN);
		assert_memory_equal(channel_remote(&p.a), p.key[1].public, KEY_BYTES);
		assert_memory_equal(channel_remote(&p.b), p.key[0].public, KEY_BYTES);
		pair_release(&p);
	}
}

static void assert_carries(struct pair *p, size_t n)
{
	struct err e = {0};
	struct buf envelope = {0};
	memset(buf_reserve(&envelope, n + 1), (int)(n & 0xff), n + 1);
	envelope.n = n;
	channel_send(&p->a, buf_bytes(&envelope), &p->from_a);
	assert_int_equal(feed(&p->b, &p->from_a, 60000, &p->from_b, &e), CHANNEL_ENVELOPE);
	assert_true(bytes_equal(channel_envelope(&p->b), buf_bytes(&envelope)));
	assert_false(channel_is_midframe(&p->b));
	buf_release(&envelope);
}

static void envelopes_of_every_size_arrive_whole(void **state)
{
	static const size_t sizes[] = {1, 252, 253, 254, PACKET_SEND_DATA - 1, PACKET_SEND_DATA,
		PACKET_SEND_DATA + 1, 3 * PACKET_SEND_DATA, LIMIT_ENVELOPE_BYTES - 1,
		LIMIT_ENVELOPE_BYTES};
	struct pair p;
	(void)state;
	pair_init(&p, cluster_of(7), cluster_of(7));
	shake_hands(&p, 1000);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_carries(&p, sizes[i]);
	pair_release(&p);
}

static void two_envelopes_in_one_segment_come_out_one_by_one(void **state)
{
	struct pair p;
	struct err e = {0};
	(void)state;
	pair_init(&p, cluster_of(7), cluster_of(7));
	shake_hands(&p, 1000);
	channel_send(&p.a, bytes_str("one"), &p.from_a);
	channel_send(&p.a, bytes_str("two"), &p.from_a);
	channel_feed(&p.b, bytes_of(p.from_a.p, p.from_a.n - 1));
	assert_int_equal(channel_next(&p.b, &p.from_b, &e), CHANNEL_ENVELOPE);
	struct buf taken = channel_take_envelope(&p.b);
	assert_int_equal(channel_next(&p.b, &p.from_b, &e), CHANNEL_NOTHING);
	assert_true(channel_is_midframe(&p.b));
	channel_feed(&p.b, bytes_of(p.from_a.p + p.from_a.n - 1, 1));
	assert_int_equal(channel_next(&p.b, &p.from_b, &e), CHANNEL_ENVELOPE);
	assert_true(bytes_equal(channel_envelope(&p.b), bytes_str("two")));
	assert_true(bytes_equal(buf_bytes(&taken), bytes_str("one")));
	buf_release(&taken);
	pair_release(&p);
}

static void assert_dead(struct channel *c, const char *first, size_t n, int rc)
{
	struct buf out = {0};
	struct err e = {0};
	channel_feed(c, bytes_of(first, n));
	assert_int_equal(channel_next(c, &out, &e), rc);
	assert_int_equal(c->state, CHANNEL_DEAD);
	assert_int_equal(out.n, 0);
	channel_feed(c, bytes_str("more"));
	assert_int_equal(channel_next(c, &out, &e), CHANNEL_NOTHING);
	buf_release(&out);
}

static void other_protocols_are_refused_at_their_first_bytes(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int rc;
	} first[] = {
		{"GET / HTTP/1.1\r\n", 16, RC_TOO_BIG},
		{"\x16\x03\x01\x02\x00", 5, RC_TOO_BIG},
		{"SSH-2.0-x\r\n", 11, RC_TOO_BIG},
		{"\x00\x00", 2, RC_PEER_FRAME},
		{"\x00\x31", 2, RC_TOO_BIG},
		{"\xff\xff", 2, RC_TOO_BIG},
		{"\x00\x01x", 3, RC_PEER_HANDSHAKE},
		{"\x00\x20"
		 "0123456789abcdef0123456789abcdef",
			34, RC_PEER_HANDSHAKE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		struct pair p;
		pair_init(&p, cluster_of(7), cluster_of(7));
		assert_dead(&p.b, first[i].bytes, first[i].n, first[i].rc);
		pair_release(&p);
	}
}

static void another_cluster_does_not_get_past_the_first_message(void **state)
{
	struct pair p;
	struct err e = {0};
	(void)state;
	pair_init(&p, cluster_of(7), cluster_of(8));
	assert_int_equal(channel_start(&p.a, &p.from_a, &e), RC_OK);
	assert_int_equal(feed(&p.b, &p.from_a, 1000, &p.from_b, &e), RC_PEER_HANDSHAKE);
	assert_int_equal(p.from_b.n, 0);
	pair_release(&p);
}

static void each_flipped_bit_of_a_frame_closes(void **state)
{
	(void)state;
	for (size_t at = 0; at < 2 + 256 + NOISE_TAG; at += 3) {
		struct pair p;
		struct err e = {0};
		pair_init(&p, cluster_of(7), cluster_of(7));
		shake_hands(&p, 1000);
		channel_send(&p.a, bytes_str("hello"), &p.from_a);
		assert_int_equal(p.from_a.n, 2 + 256 + NOISE_TAG);
		p.from_a.p[at] ^= 1;
		int got = feed(&p.b, &p.from_a, 1000, &p.from_b, &e);
		/* A longer length only waits for bytes that the frame's clock does not grant. */
		if (at == 0 && got == CHANNEL_NOTHING)
			assert_true(channel_is_midframe(&p.b));
		else
			assert_true(got < 0);
		pair_release(&p);
	}
}

static void frames_repeated_or_swapped_close(void **state)
{
	for (int swapped = 0; swapped < 2; swapped++) {
		struct pair p;
		struct err e = {0};
		(void)state;
		pair_init(&p, cluster_of(7), cluster_of(7));
		shake_hands(&p, 1000);
		struct buf one = {0};
		channel_send(&p.a, bytes_str("one"), &one);
		channel_send(&p.a, bytes_str("two"), &p.from_a);
		if (!swapped) {
			channel_feed(&p.b, buf_bytes(&one));
			assert_int_equal(channel_next(&p.b, &p.from_b, &e), CHANNEL_ENVELOPE);
			channel_feed(&p.b, buf_bytes(&one));
		} else {
			channel_feed(&p.b, buf_bytes(&p.from_a));
		}
		assert_true(channel_next(&p.b, &p.from_b, &e) < 0);
		buf_release(&one);
		pair_release(&p);
	}
}

/* A packet that says that more follow, as only a hostile peer sends without end. */
static void put_endless_packet(struct pair *p)
{
	static uint8_t plain[PACKET_MAX];
	struct err e = {0};
	plain[0] = 1;
	put_u16be(plain + 1, PACKET_DATA_MAX);
	buf_put_u16be(&p->from_a, PACKET_MAX + NOISE_TAG);
	assert_int_equal(
		noise_write(p->a.noise, bytes_of(plain, sizeof(plain)), &p->from_a, &e), RC_OK);
}

static void envelope_without_end_closes_before_it_is_stored(void **state)
{
	struct pair p;
	struct err e = {0};
	int got = CHANNEL_NOTHING;
	size_t packets = 0;
	(void)state;
	pair_init(&p, cluster_of(7), cluster_of(7));
	shake_hands(&p, 1000);
	while (got == CHANNEL_NOTHING) {
		put_endless_packet(&p);
		got = feed(&p.b, &p.from_a, p.from_a.n, &p.from_b, &e);
		packets++;
	}
	assert_int_equal(got, RC_TOO_BIG);
	assert_int_equal(packets, LIMIT_ENVELOPE_BYTES / PACKET_DATA_MAX + 1);
	assert_true(p.b.joiner.envelope.n <= LIMIT_ENVELOPE_BYTES);
	pair_release(&p);
}

static void only_part_of_a_message_shows_that_the_other_side_is_busy_with_it(void **state)
{
	struct pair p;
	struct err e = {0};
	struct buf envelope = {0};
	(void)state;
	pair_init(&p, cluster_of(7), cluster_of(7));
	shake_hands(&p, 1000);
	assert_false(channel_is_midmessage(&p.b));
	memset(buf_reserve(&envelope, PACKET_SEND_DATA + 1), 5, PACKET_SEND_DATA + 1);
	envelope.n = PACKET_SEND_DATA + 1;
	channel_send(&p.a, buf_bytes(&envelope), &p.from_a);
	size_t first = 2 + get_u16be(p.from_a.p);
	assert_true(first < p.from_a.n);
	channel_feed(&p.b, bytes_of(p.from_a.p, first));
	assert_int_equal(channel_next(&p.b, &p.from_b, &e), CHANNEL_NOTHING);
	assert_false(channel_is_midframe(&p.b));
	assert_true(channel_is_midmessage(&p.b));
	channel_feed(&p.b, bytes_of(p.from_a.p + first, p.from_a.n - first));
	assert_int_equal(channel_next(&p.b, &p.from_b, &e), CHANNEL_ENVELOPE);
	assert_false(channel_is_midmessage(&p.b));
	buf_release(&envelope);
	pair_release(&p);
}

static void messages_are_counted_for_the_end_of_a_session(void **state)
{
	struct pair p;
	(void)state;
	pair_init(&p, cluster_of(7), cluster_of(7));
	shake_hands(&p, 1000);
	uint64_t before = channel_messages(&p.a);
	assert_carries(&p, 2 * PACKET_SEND_DATA);
	assert_int_equal(channel_messages(&p.a), before + 2);
	assert_true(channel_messages(&p.b) >= 2);
	pair_release(&p);
}

static int set_up(void **state)
{
	struct err e = {0};
	(void)state;
	return trust_init(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshake_gives_both_the_others_key_however_it_is_cut),
		cmocka_unit_test(envelopes_of_every_size_arrive_whole),
		cmocka_unit_test(two_envelopes_in_one_segment_come_out_one_by_one),
		cmocka_unit_test(other_protocols_are_refused_at_their_first_bytes),
		cmocka_unit_test(another_cluster_does_not_get_past_the_first_message),
		cmocka_unit_test(each_flipped_bit_of_a_frame_closes),
		cmocka_unit_test(frames_repeated_or_swapped_close),
		cmocka_unit_test(envelope_without_end_closes_before_it_is_stored),
		cmocka_unit_test(only_part_of_a_message_shows_that_the_other_side_is_busy_with_it),
		cmocka_unit_test(messages_are_counted_for_the_end_of_a_session),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
