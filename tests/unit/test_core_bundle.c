/* Bundles as files: whole ones come out as they went in, and every other file is refused at the
 * place where it goes wrong; H54 to H57 of the hostile-input catalogue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/trust/hash.h"
#include "proto/wire/bundle.h"

/* ---- SHA-256 for the framing ---- */

/* ---- messages ---- */

static struct message hello(void)
{
	static const uint8_t cluster[32] = {1};
	struct message m = {.kind = MESSAGE_HELLO};
	m.hello.protocol_min = m.hello.protocol_max = 1;
	m.hello.cluster_id = bytes_of(cluster, 32);
	m.hello.member = bytes_str("jiangsu");
	return m;
}

static struct message note(enum message_kind kind, const char *text)
{
	return (struct message){.kind = kind, .note = bytes_str(text)};
}

static struct message leaves(
	const char *origin, uint64_t first, const struct bytes *leaf, size_t n, const char *head)
{
	struct message m = {.kind = MESSAGE_LEAVES};
	m.leaves.origin = bytes_str(origin);
	m.leaves.first = first;
	m.leaves.leaves = leaf;
	m.leaves.n = n;
	m.leaves.head = bytes_str(head);
	return m;
}

static struct message evidence(const char *first, const char *second)
{
	struct message m = {.kind = MESSAGE_EVIDENCE};
	m.evidence.first = bytes_str(first);
	m.evidence.second = bytes_str(second);
	return m;
}

#define RECORDS 11
static const struct bytes two[2] = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"bb", 2}};

/* One of everything, in order; what signatures say is the core's matter. */
static void fill(struct message m[RECORDS])
{
	m[0] = hello();
	m[1] = note(MESSAGE_ROSTER, "deltad-roster\ncluster yrd\nversion 1\n");
	m[2] = note(MESSAGE_ROSTER, "deltad-roster\ncluster yrd\nversion 10\n");
	m[3] = evidence("a\n1\n", "a\n2\n");
	m[4] = evidence("a\n1\n", "b\n2\n");
	m[5] = leaves("yrd/a/1", 0, two, 2, "yrd/a/1\n2\nroot\n");
	m[6] = leaves("yrd/a/1", 2, two, 1, "yrd/a/1\n3\nroot\n");
	m[7] = leaves("yrd/b/1", 7, two, 2, "yrd/b/1\n9\nroot\n");
	m[8] = note(MESSAGE_HEAD, "yrd/a/1\n3\n");
	m[9] = note(MESSAGE_HEAD, "yrd/b/1\n9\n");
	m[10] = note(MESSAGE_COSIGNATURE, "yrd/a/1\n3\n");
}

static void write_bundle(const struct message *m, size_t n, struct buf *out)
{
	struct sha256_stream s;
	struct bundle_writer w;
	buf_reset(out);
	bundle_write_begin(&w, sha256_sum(&s), out);
	for (size_t i = 0; i < n; i++)
		bundle_write(&w, &m[i], out);
	bundle_write_end(&w, out);
	assert_int_equal(w.records, n);
	assert_int_equal(w.bytes, out->n);
}

/* ---- reading ---- */

struct outcome {
	int rc; /* RC_OK: whole */
	struct bundle_place place;
	uint64_t records;
	struct err e;
};

/* One record to the form, after the wire's own gate. */
static int take(struct bundle_form *form, struct bytes envelope, struct err *e)
{
	static uint8_t room[MESSAGE_ARENA];
	struct arena a;
	struct message m;
	arena_init(&a, room, sizeof(room));
	int rc = message_decode(envelope, &a, &m, e);
	return rc == RC_OK ? bundle_form_take(form, &m, e) : rc;
}

/* Reads it in pieces of so many bytes, each a copy of exactly its size. */
static struct outcome read_bundle(struct bytes file, size_t piece)
{
	struct sha256_stream s;
	struct bundle_reader r;
	struct bundle_form form = {0};
	struct outcome o = {0};
	struct bytes envelope;
	bundle_reader_init(&r, sha256_sum(&s));
	for (size_t at = 0; o.rc == RC_OK && at < file.n; at += piece) {
		size_t n = file.n - at < piece ? file.n - at : piece;
		uint8_t *copy = xmemdup(file.p + at, n);
		bundle_reader_put(&r, bytes_of(copy, n));
		free(copy);
		int next;
		while ((next = bundle_reader_next(&r, &envelope, &o.e)) == BUNDLE_RECORD)
			if ((o.rc = take(&form, envelope, &o.e)) != RC_OK)
				break;
		if (next < 0)
			o.rc = next;
	}
	if (o.rc == RC_OK)
		o.rc = bundle_reader_finish(&r, &o.e);
	o.place = r.place;
	o.records = r.records;
	assert_int_equal(o.rc, o.e.rc);
	bundle_reader_release(&r);
	bundle_form_release(&form);
	return o;
}

static void assert_refused(struct bytes file, int rc, uint64_t record, uint64_t offset)
{
	static const size_t pieces[] = {1, 7, 1000000};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct outcome o = read_bundle(file, pieces[i]);
		if (o.rc != rc || o.place.record != record || o.place.offset != offset)
			fail_msg("in pieces of %zu: %s at record %llu, offset %llu: %s", pieces[i],
				rc_id(o.rc), (unsigned long long)o.place.record,
				(unsigned long long)o.place.offset, o.e.text);
	}
}

/* Where the n-th record begins, from 1; the trailer is the one after the last. */
static uint64_t offset_of(struct bytes file, uint64_t record)
{
	uint64_t at = BUNDLE_MAGIC_BYTES;
	while (--record > 0)
		at += 4 + get_u32be(file.p + at);
	return at;
}

static void bundle_comes_out_as_it_went_in_however_it_is_cut(void **state)
{
	(void)state;
	struct message m[RECORDS];
	struct buf file = {0};
	fill(m);
	write_bundle(m, RECORDS, &file);
	assert_memory_equal(file.p, "deltad-bundle/1\n", 16);
	for (size_t piece = 1; piece <= file.n; piece++) {
		struct outcome o = read_bundle(buf_bytes(&file), piece);
		assert_int_equal(o.rc, RC_OK);
		assert_int_equal(o.records, RECORDS);
	}
	buf_release(&file);
}

static void h54_bundle_cut_at_every_byte_is_refused_at_the_record_that_is_cut(void **state)
{
	(void)state;
	struct message m[RECORDS];
	struct buf file = {0};
	fill(m);
	write_bundle(m, RECORDS, &file);
	for (size_t n = 0; n < file.n; n++) {
		uint64_t record = 0, offset = 0;
		if (n >= BUNDLE_MAGIC_BYTES)
			for (record = 1, offset = BUNDLE_MAGIC_BYTES;
				record <= RECORDS && offset + 4 + get_u32be(file.p + offset) <= n;
				record++)
				offset += 4 + get_u32be(file.p + offset);
		assert_refused(bytes_of(file.p, n), RC_BUNDLE, record, offset);
	}
	buf_release(&file);
}

static void h55_another_first_line_is_refused_at_its_first_byte(void **state)
{
	(void)state;
	assert_refused(bytes_str("deltad-bundle/2\n"), RC_BUNDLE, 0, 0);
	assert_refused(bytes_str("deltad-bundle/1\r\n"), RC_BUNDLE, 0, 0);
	assert_refused(bytes_str("SQLite format 3"), RC_BUNDLE, 0, 0);
	assert_refused(bytes_str("x"), RC_BUNDLE, 0, 0);
	assert_refused(bytes_str(""), RC_BUNDLE, 0, 0);
}

static void h56_lengths_and_counts_that_are_not_true_are_refused(void **state)
{
	(void)state;
	struct message m[RECORDS];
	struct buf file = {0};
	fill(m);
	write_bundle(m, RECORDS, &file);
	uint64_t trailer = offset_of(buf_bytes(&file), RECORDS + 1);
	file.p[trailer + 4 + 7]++;
	assert_refused(buf_bytes(&file), RC_BUNDLE, RECORDS + 1, trailer);
	file.p[trailer + 4]++;
	assert_refused(buf_bytes(&file), RC_BUNDLE, RECORDS + 1, trailer);
	put_u32be(file.p + BUNDLE_MAGIC_BYTES, LIMIT_ENVELOPE_BYTES + 1);
	assert_refused(bytes_of(file.p, BUNDLE_MAGIC_BYTES + 4), RC_TOO_BIG, 1, 16);
	put_u32be(file.p + BUNDLE_MAGIC_BYTES, UINT32_MAX);
	assert_refused(buf_bytes(&file), RC_TOO_BIG, 1, 16);
	/* Exactly the limit is a record, here one that is cut. */
	put_u32be(file.p + BUNDLE_MAGIC_BYTES, LIMIT_ENVELOPE_BYTES);
	assert_refused(buf_bytes(&file), RC_BUNDLE, 1, 16);
	put_u32be(file.p + BUNDLE_MAGIC_BYTES, 0);
	assert_refused(buf_bytes(&file), RC_BUNDLE, 1, 16);
	buf_release(&file);
}

static void every_flipped_bit_is_refused(void **state)
{
	(void)state;
	struct message m[RECORDS];
	struct buf file = {0};
	fill(m);
	write_bundle(m, RECORDS, &file);
	for (size_t bit = 0; bit < 8 * file.n; bit++) {
		file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(read_bundle(buf_bytes(&file), 4096).rc, RC_OK);
		file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(read_bundle(buf_bytes(&file), 4096).rc, RC_OK);
	buf_release(&file);
}

static void bytes_after_the_trailer_are_refused(void **state)
{
	(void)state;
	struct message m[RECORDS];
	struct buf file = {0};
	fill(m);
	write_bundle(m, RECORDS, &file);
	size_t n = file.n;
	buf_put_u8(&file, 0);
	assert_refused(buf_bytes(&file), RC_BUNDLE, RECORDS + 2, n);
	buf_put_str(&file, BUNDLE_MAGIC);
	assert_refused(buf_bytes(&file), RC_BUNDLE, RECORDS + 2, n);
	buf_release(&file);
}

static void h57_records_in_another_order_or_twice_are_refused(void **state)
{
	(void)state;
	struct message m[RECORDS + 1], swap;
	struct buf file = {0};
	for (size_t i = 0; i + 1 < RECORDS; i++) {
		fill(m);
		swap = m[i];
		m[i] = m[i + 1];
		m[i + 1] = swap;
		write_bundle(m, RECORDS, &file);
		struct outcome o = read_bundle(buf_bytes(&file), 4096);
		assert_int_equal(o.rc, RC_BUNDLE);
		assert_true(o.place.record == i + 1 || o.place.record == i + 2);
	}
	for (size_t i = 0; i < RECORDS; i++) {
		fill(m);
		memmove(&m[i + 1], &m[i], (RECORDS - i) * sizeof(*m));
		write_bundle(m, RECORDS + 1, &file);
		assert_refused(
			buf_bytes(&file), RC_BUNDLE, i + 2, offset_of(buf_bytes(&file), i + 2));
	}
	buf_release(&file);
}

/* Whose log comes first is the maker's to say. */
static void logs_may_come_in_any_order_but_each_in_one_piece(void **state)
{
	(void)state;
	struct message m[RECORDS], b;
	struct buf file = {0};
	fill(m);
	b = m[7];
	m[7] = m[6];
	m[6] = m[5];
	m[5] = b;
	write_bundle(m, RECORDS, &file);
	assert_int_equal(read_bundle(buf_bytes(&file), 4096).rc, RC_OK);
	m[5] = m[6];
	m[6] = b;
	write_bundle(m, RECORDS, &file);
	assert_refused(buf_bytes(&file), RC_BUNDLE, 8, offset_of(buf_bytes(&file), 8));
	buf_release(&file);
}

static void bundle_has_leaves_of_at_most_256_logs(void **state)
{
	(void)state;
	static struct message m[LIMIT_LOGS + 2];
	static char origin[LIMIT_LOGS + 1][16], head[LIMIT_LOGS + 1][32];
	struct buf file = {0};
	m[0] = hello();
	for (size_t i = 0; i <= LIMIT_LOGS; i++) {
		snprintf(origin[i], sizeof(origin[i]), "o%zu", i);
		snprintf(head[i], sizeof(head[i]), "o%zu\n2\nr\n", i);
		m[i + 1] = leaves(origin[i], 0, two, 2, head[i]);
	}
	write_bundle(m, LIMIT_LOGS + 1, &file);
	assert_int_equal(read_bundle(buf_bytes(&file), 4096).rc, RC_OK);
	write_bundle(m, LIMIT_LOGS + 2, &file);
	assert_refused(buf_bytes(&file), RC_TOO_BIG, LIMIT_LOGS + 2,
		offset_of(buf_bytes(&file), LIMIT_LOGS + 2));
	buf_release(&file);
}

static void record_that_is_left_out_is_seen_where_others_follow_it(void **state)
{
	(void)state;
	struct message m[RECORDS];
	struct buf file = {0};
	fill(m);
	write_bundle(m + 1, RECORDS - 1, &file);
	assert_refused(buf_bytes(&file), RC_BUNDLE, 1, 16);
	fill(m);
	m[5] = leaves("yrd/a/1", 0, two, 1, "yrd/a/1\n1\nroot\n");
	write_bundle(m, RECORDS, &file);
	assert_refused(buf_bytes(&file), RC_BUNDLE, 7, offset_of(buf_bytes(&file), 7));
	buf_release(&file);
}

static void kinds_that_are_for_the_wire_only_are_refused(void **state)
{
	(void)state;
	static const enum message_kind kinds[] = {MESSAGE_PING, MESSAGE_PONG, MESSAGE_BYE};
	struct message m[2] = {hello()};
	struct buf file = {0};
	for (size_t i = 0; i < 3; i++) {
		m[1] = (struct message){.kind = kinds[i], .token = 0};
		write_bundle(m, 2, &file);
		assert_refused(buf_bytes(&file), RC_BUNDLE, 2, offset_of(buf_bytes(&file), 2));
	}
	m[1] = (struct message){.kind = MESSAGE_WANT};
	m[1].want.origin = bytes_str("a");
	m[1].want.to = 1;
	write_bundle(m, 2, &file);
	assert_refused(buf_bytes(&file), RC_BUNDLE, 2, offset_of(buf_bytes(&file), 2));
	m[1] = (struct message){.kind = MESSAGE_VIEW_DIGEST};
	m[1].digest.rules_version = 1;
	m[1].digest.view_root = m[0].hello.cluster_id;
	write_bundle(m, 2, &file);
	assert_refused(buf_bytes(&file), RC_BUNDLE, 2, offset_of(buf_bytes(&file), 2));
	buf_release(&file);
}

static void leaves_end_at_their_own_head(void **state)
{
	(void)state;
	static const char *const wrong[] = {"yrd/a/1\n3\nroot\n", "yrd/a/2\n2\nroot\n",
		"yrd/a/1\n02\nroot\n", "yrd/a/1\n2", "yrd/a/1", "\n\n\n"};
	struct buf file = {0};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct message m[2] = {hello(), leaves("yrd/a/1", 0, two, 2, wrong[i])};
		write_bundle(m, 2, &file);
		assert_refused(buf_bytes(&file), RC_BUNDLE, 2, offset_of(buf_bytes(&file), 2));
	}
	struct message m[2] = {hello(), leaves("yrd/a/1", UINT64_MAX, two, 2, "yrd/a/1\n1\n")};
	write_bundle(m, 2, &file);
	assert_int_not_equal(read_bundle(buf_bytes(&file), 4096).rc, RC_OK);
	buf_release(&file);
}

static void refused_bundle_stays_refused(void **state)
{
	(void)state;
	struct sha256_stream s;
	struct bundle_reader r;
	struct bytes envelope;
	struct err e = {0};
	bundle_reader_init(&r, sha256_sum(&s));
	bundle_reader_put(&r, bytes_str("nonsense"));
	assert_int_equal(bundle_reader_next(&r, &envelope, &e), RC_BUNDLE);
	bundle_reader_put(&r, bytes_str(BUNDLE_MAGIC));
	assert_int_equal(bundle_reader_next(&r, &envelope, &e), RC_BUNDLE);
	assert_int_equal(bundle_reader_finish(&r, &e), RC_BUNDLE);
	bundle_reader_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bundle_comes_out_as_it_went_in_however_it_is_cut),
		cmocka_unit_test(h54_bundle_cut_at_every_byte_is_refused_at_the_record_that_is_cut),
		cmocka_unit_test(h55_another_first_line_is_refused_at_its_first_byte),
		cmocka_unit_test(h56_lengths_and_counts_that_are_not_true_are_refused),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(bytes_after_the_trailer_are_refused),
		cmocka_unit_test(h57_records_in_another_order_or_twice_are_refused),
		cmocka_unit_test(logs_may_come_in_any_order_but_each_in_one_piece),
		cmocka_unit_test(bundle_has_leaves_of_at_most_256_logs),
		cmocka_unit_test(record_that_is_left_out_is_seen_where_others_follow_it),
		cmocka_unit_test(kinds_that_are_for_the_wire_only_are_refused),
		cmocka_unit_test(leaves_end_at_their_own_head),
		cmocka_unit_test(refused_bundle_stays_refused),
	};
	return trust_init(NULL) ? 1 : cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
