/* Packets inside Noise messages and frames in a stream; H1 to H4, H7 and H8 of the hostile-input
 * catalogue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire/packet.h"

static struct bytes pattern(struct buf *b, size_t n)
{
	buf_reset(b);
	uint8_t *p = buf_reserve(b, n);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 7 + i / 251);
	b->n = n;
	return buf_bytes(b);
}

/* Cuts into packets, checks each, joins them again; gives the number of packets. */
static size_t through_packets(struct bytes envelope)
{
	struct packet_joiner j = {0};
	struct buf packet = {0};
	struct err e = {0};
	size_t offset = 0, packets = 0;
	bool more = true;
	while (more) {
		buf_reset(&packet);
		more = packet_next(envelope, &offset, &packet);
		assert_int_equal(packet.n % PACKET_ALIGN, 0);
		assert_true(packet.n <= PACKET_SEND);
		assert_false(j.done);
		assert_int_equal(packet_join(&j, buf_bytes(&packet), &e), RC_OK);
		assert_int_equal(j.done, !more);
		packets++;
	}
	assert_int_equal(offset, envelope.n);
	assert_true(bytes_equal(buf_bytes(&j.envelope), envelope));
	packet_joiner_release(&j);
	buf_release(&packet);
	return packets;
}

static void envelope_of_any_size_comes_out_as_it_went_in(void **state)
{
	(void)state;
	static const struct {
		size_t n, packets;
	} cases[] = {
		{1, 1},
		{252, 1},
		{253, 1},
		{254, 1},
		{PACKET_SEND_DATA - 1, 1},
		{PACKET_SEND_DATA, 1},
		{PACKET_SEND_DATA + 1, 2},
		{2 * PACKET_SEND_DATA, 2},
		{LIMIT_ENVELOPE_BYTES - 1, 65},
		{LIMIT_ENVELOPE_BYTES, 65},
	};
	struct buf b = {0};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(through_packets(pattern(&b, cases[i].n)), cases[i].packets);
	buf_release(&b);
}

static void packet_is_padded_with_zeros_to_the_next_multiple(void **state)
{
	(void)state;
	struct buf b = {0}, packet = {0};
	size_t offset = 0;
	assert_false(packet_next(pattern(&b, 253), &offset, &packet));
	assert_int_equal(packet.n, 256);
	offset = 0;
	buf_reset(&packet);
	assert_false(packet_next(pattern(&b, 254), &offset, &packet));
	assert_int_equal(packet.n, 512);
	assert_int_equal(packet.p[0], 2);
	assert_int_equal(get_u16be(packet.p + 1), 254);
	for (size_t i = 3 + 254; i < 512; i++)
		assert_int_equal(packet.p[i], 0);
	buf_release(&b);
	buf_release(&packet);
}

static struct buf packet_of(size_t size, uint8_t flags, uint16_t n)
{
	struct buf b = {0};
	memset(buf_reserve(&b, size), 0, size);
	b.n = size;
	b.p[0] = flags;
	put_u16be(b.p + 1, n);
	return b;
}

static void join_gives(struct buf packet, int rc, const char *text)
{
	struct packet_joiner j = {0};
	struct err e = {0};
	assert_int_equal(packet_join(&j, buf_bytes(&packet), &e), rc);
	assert_string_equal(e.text, text);
	assert_int_equal(j.envelope.n, rc ? 0 : get_u16be(packet.p + 1));
	packet_joiner_release(&j);
	buf_release(&packet);
}

static void packet_of_a_wrong_size_is_refused(void **state)
{
	(void)state;
	join_gives(packet_of(256, 2, 1), RC_OK, "");
	join_gives(packet_of(PACKET_MAX, 2, PACKET_DATA_MAX), RC_OK, "");
	join_gives(packet_of(255, 2, 1), RC_PEER_FRAME, "packet of 255 bytes");
	join_gives(packet_of(257, 2, 1), RC_PEER_FRAME, "packet of 257 bytes claims 1 of data");
	join_gives(packet_of(512, 2, 1), RC_PEER_FRAME, "packet of 512 bytes claims 1 of data");
	join_gives(packet_of(PACKET_MAX + 256, 2, 65533), RC_PEER_FRAME, "packet of 65536 bytes");
	struct packet_joiner j = {0};
	struct err e = {0};
	assert_int_equal(packet_join(&j, (struct bytes){NULL, 0}, &e), RC_PEER_FRAME);
}

static void packet_with_n_of_zero_or_beyond_the_end_is_refused(void **state)
{
	(void)state;
	join_gives(packet_of(256, 1, 0), RC_PEER_FRAME, "packet of 256 bytes claims 0 of data");
	join_gives(packet_of(256, 2, 0), RC_PEER_FRAME, "packet of 256 bytes claims 0 of data");
	join_gives(packet_of(256, 2, 253), RC_OK, "");
	join_gives(packet_of(256, 2, 254), RC_PEER_FRAME, "packet of 256 bytes claims 254 of data");
	join_gives(packet_of(256, 2, 65535), RC_PEER_FRAME,
		"packet of 256 bytes claims 65535 of data");
}

static void packet_with_other_flags_is_refused(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 256; flags++) {
		struct packet_joiner j = {0};
		struct buf b = packet_of(256, (uint8_t)flags, 5);
		int rc = packet_join(&j, buf_bytes(&b), NULL);
		assert_int_equal(rc, flags == 1 || flags == 2 ? RC_OK : RC_PEER_FRAME);
		buf_release(&b);
		packet_joiner_release(&j);
	}
}

static void padding_that_is_not_zero_is_refused_at_every_byte(void **state)
{
	(void)state;
	for (size_t at = 3 + 10; at < 256; at++) {
		struct buf b = packet_of(256, 2, 10);
		b.p[at] = 1;
		join_gives(b, RC_PEER_FRAME, "packet with padding that is not zero");
	}
}

static void envelope_over_its_limit_is_refused_and_what_was_there_stays(void **state)
{
	(void)state;
	struct packet_joiner j = {0};
	struct err e = {0};
	struct buf full = packet_of(PACKET_MAX, 1, PACKET_DATA_MAX);
	while (j.envelope.n + PACKET_DATA_MAX <= LIMIT_ENVELOPE_BYTES)
		assert_int_equal(packet_join(&j, buf_bytes(&full), &e), RC_OK);
	uint16_t left = (uint16_t)(LIMIT_ENVELOPE_BYTES - j.envelope.n);
	size_t before = j.envelope.n, size = (3 + left + 256u) / 256 * 256;
	struct buf over = packet_of(size, 2, (uint16_t)(left + 1)), fits = packet_of(size, 2, left);
	assert_int_equal(packet_join(&j, buf_bytes(&full), &e), RC_TOO_BIG);
	assert_int_equal(packet_join(&j, buf_bytes(&over), &e), RC_TOO_BIG);
	assert_int_equal(j.envelope.n, before);
	assert_false(j.done);
	assert_int_equal(packet_join(&j, buf_bytes(&fits), &e), RC_OK);
	assert_int_equal(j.envelope.n, LIMIT_ENVELOPE_BYTES);
	buf_release(&full);
	buf_release(&over);
	buf_release(&fits);
	packet_joiner_release(&j);
}

static void joiner_takes_the_next_envelope_after_the_first(void **state)
{
	(void)state;
	struct packet_joiner j = {0};
	struct buf a = packet_of(256, 2, 7), b = packet_of(256, 2, 9);
	assert_int_equal(packet_join(&j, buf_bytes(&a), NULL), RC_OK);
	assert_true(j.done);
	packet_joiner_next(&j);
	assert_int_equal(packet_join(&j, buf_bytes(&b), NULL), RC_OK);
	assert_int_equal(j.envelope.n, 9);
	buf_release(&a);
	buf_release(&b);
	packet_joiner_release(&j);
}

static void h1_length_zero_is_refused(void **state)
{
	(void)state;
	struct bytes payload;
	struct err e = {0};
	assert_int_equal(frame_split_u32(bytes_of("\0\0\0\0", 4), 10, &payload, &e), RC_PEER_FRAME);
	assert_string_equal(e.text, "frame of length 0");
	assert_int_equal(frame_split_u16(bytes_of("\0\0", 2), 10, &payload, &e), RC_PEER_FRAME);
}

static void h2_largest_length_is_refused_as_soon_as_it_is_there(void **state)
{
	(void)state;
	struct bytes payload;
	struct err e = {0};
	const char *huge = "\xff\xff\xff\xff";
	assert_int_equal(frame_split_u32(bytes_of(huge, 3), 1 << 20, &payload, &e), 0);
	assert_int_equal(frame_split_u32(bytes_of(huge, 4), 1 << 20, &payload, &e), RC_TOO_BIG);
	assert_string_equal(e.text, "frame of 4294967295 bytes, over its limit of 1048576");
	assert_int_equal(
		frame_split_u32(bytes_of("\x80\0\0\0", 4), 1 << 20, &payload, &e), RC_TOO_BIG);
	assert_int_equal(frame_split_u16(bytes_of(huge, 2), 65534, &payload, &e), RC_TOO_BIG);
}

static void h3_h4_length_of_exactly_the_maximum_is_taken_and_one_more_refused(void **state)
{
	(void)state;
	struct bytes payload;
	struct err e = {0};
	assert_int_equal(frame_split_u32(bytes_of("\0\0\0\x04zzzz", 8), 4, &payload, &e), 8);
	assert_int_equal(
		frame_split_u32(bytes_of("\0\0\0\x05zzzzz", 9), 4, &payload, &e), RC_TOO_BIG);
	assert_int_equal(frame_split_u16(bytes_of("\0\x04zzzz", 6), 4, &payload, &e), 6);
	assert_int_equal(frame_split_u16(bytes_of("\0\x05zzzzz", 7), 4, &payload, &e), RC_TOO_BIG);
}

static void h7_two_frames_in_one_piece_and_a_cut_at_every_byte(void **state)
{
	(void)state;
	struct bytes two = bytes_of("\0\0\0\x03"
				    "abc\0\0\0\x02"
				    "de",
		13);
	struct bytes payload = {0};
	struct err e = {0};
	for (size_t n = 0; n < 7; n++)
		assert_int_equal(frame_split_u32(bytes_of(two.p, n), 9, &payload, &e), 0);
	assert_null(payload.p);
	for (size_t n = 7; n <= 13; n++) {
		assert_int_equal(frame_split_u32(bytes_of(two.p, n), 9, &payload, &e), 7);
		assert_true(bytes_equal(payload, bytes_str("abc")));
	}
	assert_int_equal(frame_split_u32(bytes_of(two.p + 7, 6), 9, &payload, &e), 6);
	assert_true(bytes_equal(payload, bytes_str("de")));
}

static void h8_garbage_after_a_frame_is_the_next_frame(void **state)
{
	(void)state;
	struct bytes in = bytes_of("\0\0\0\x01"
				   "a\xff\xff\xff\xff",
		9);
	struct bytes payload;
	struct err e = {0};
	assert_int_equal(frame_split_u32(in, 9, &payload, &e), 5);
	assert_int_equal(frame_split_u32(bytes_of(in.p + 5, 4), 9, &payload, &e), RC_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(envelope_of_any_size_comes_out_as_it_went_in),
		cmocka_unit_test(packet_is_padded_with_zeros_to_the_next_multiple),
		cmocka_unit_test(packet_of_a_wrong_size_is_refused),
		cmocka_unit_test(packet_with_n_of_zero_or_beyond_the_end_is_refused),
		cmocka_unit_test(packet_with_other_flags_is_refused),
		cmocka_unit_test(padding_that_is_not_zero_is_refused_at_every_byte),
		cmocka_unit_test(envelope_over_its_limit_is_refused_and_what_was_there_stays),
		cmocka_unit_test(joiner_takes_the_next_envelope_after_the_first),
		cmocka_unit_test(h1_length_zero_is_refused),
		cmocka_unit_test(h2_largest_length_is_refused_as_soon_as_it_is_there),
		cmocka_unit_test(h3_h4_length_of_exactly_the_maximum_is_taken_and_one_more_refused),
		cmocka_unit_test(h7_two_frames_in_one_piece_and_a_cut_at_every_byte),
		cmocka_unit_test(h8_garbage_after_a_frame_is_the_next_frame),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
