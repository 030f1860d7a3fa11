#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/text.h"
#include "proto/trust/noise.h"

static const uint8_t small_order[][32] = {
	{0},
	{1},
	{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
		0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f,
		0x49, 0xb8, 0x00},
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0x7f},
};

/* Two ends of one conversation, and what was said in the handshake. */
struct pair {
	struct key i_static, r_static;
	uint8_t i_ephemeral[32], r_ephemeral[32];
	struct noise *i, *r;
	struct buf message[3];
};

static const struct hash cluster = {{0xc1}};

static void pair_open(struct pair *p)
{
	uint8_t seed[32];
	*p = (struct pair){0};
	memset(seed, 0x11, sizeof seed);
	key_from_seed(&p->i_static, KEY_NOISE, "jiangsu", NULL, seed);
	memset(seed, 0x22, sizeof seed);
	key_from_seed(&p->r_static, KEY_NOISE, "shanghai", NULL, seed);
	memset(p->i_ephemeral, 0x33, 32);
	memset(p->r_ephemeral, 0x44, 32);
	uint8_t prologue[NOISE_PROLOGUE_BYTES];
	noise_prologue(&cluster, prologue);
	struct bytes pro = bytes_of(prologue, sizeof prologue);
	p->i = noise_new(NOISE_INITIATOR, pro, &p->i_static, p->r_static.public, p->i_ephemeral);
	p->r = noise_new(NOISE_RESPONDER, pro, &p->r_static, NULL, p->r_ephemeral);
}

static void pair_close(struct pair *p)
{
	noise_free(p->i);
	noise_free(p->r);
	key_release(&p->i_static);
	key_release(&p->r_static);
	for (size_t m = 0; m < 3; m++)
		buf_release(&p->message[m]);
}

static struct noise *pair_writer(struct pair *p, size_t message)
{
	return message == 1 ? p->r : p->i;
}

static struct noise *pair_reader(struct pair *p, size_t message)
{
	return message == 1 ? p->i : p->r;
}

/* Writes and reads the first n messages; message 3 carries "hello". */
static void pair_run(struct pair *p, size_t n)
{
	for (size_t m = 0; m < n; m++) {
		struct buf got = {0};
		struct bytes payload = m == 2 ? bytes_str("hello") : bytes_of(NULL, 0);
		assert_int_equal(
			noise_write(pair_writer(p, m), payload, &p->message[m], NULL), RC_OK);
		assert_int_equal(
			noise_read(pair_reader(p, m), buf_bytes(&p->message[m]), &got, NULL),
			RC_OK);
		assert_true(bytes_equal(buf_bytes(&got), payload));
		buf_release(&got);
	}
}

static int read_of(struct noise *n, struct bytes message)
{
	struct buf got = {0};
	int rc = noise_read(n, message, &got, NULL);
	if (rc)
		assert_int_equal(got.n, 0);
	buf_release(&got);
	return rc;
}

#define MESSAGES_MAX 8
struct vector {
	char name[32];
	struct buf prologue;
	uint8_t init_static[32], init_ephemeral[32], resp_static[32], resp_ephemeral[32];
	uint8_t resp_public[32], handshake_hash[32];
	bool has_public, has_hash;
	size_t n;
	struct {
		bool by_initiator;
		struct buf payload, ciphertext;
	} message[MESSAGES_MAX];
};

static void put_hex(struct buf *b, const char *hex)
{
	if (strcmp(hex, "-") == 0)
		return;
	size_t n = strlen(hex) / 2;
	assert_true(hex_decode(bytes_str(hex), buf_reserve(b, n), n));
	b->n += n;
}

static bool take_hex32(uint8_t out[32], const char *hex)
{
	if (strcmp(hex, "-") == 0)
		return false;
	assert_true(hex_decode(bytes_str(hex), out, 32));
	return true;
}

static void vector_take_message(struct vector *v, bool by_initiator, const char *a, const char *b)
{
	assert_true(v->n < MESSAGES_MAX);
	v->message[v->n].by_initiator = by_initiator;
	put_hex(&v->message[v->n].payload, a);
	put_hex(&v->message[v->n].ciphertext, b);
	v->n++;
}

static void vector_take_line(struct vector *v, const char *key, const char *a, const char *b)
{
	if (strcmp(key, "case") == 0)
		snprintf(v->name, sizeof v->name, "%.31s", a);
	else if (strcmp(key, "prologue") == 0)
		put_hex(&v->prologue, a);
	else if (strcmp(key, "init_static") == 0)
		assert_true(take_hex32(v->init_static, a));
	else if (strcmp(key, "init_ephemeral") == 0)
		assert_true(take_hex32(v->init_ephemeral, a));
	else if (strcmp(key, "resp_static") == 0)
		assert_true(take_hex32(v->resp_static, a));
	else if (strcmp(key, "resp_ephemeral") == 0)
		assert_true(take_hex32(v->resp_ephemeral, a));
	else if (strcmp(key, "resp_public") == 0)
		v->has_public = take_hex32(v->resp_public, a);
	else if (strcmp(key, "handshake_hash") == 0)
		v->has_hash = take_hex32(v->handshake_hash, a);
	else if (strcmp(key, "initiator") == 0 || strcmp(key, "responder") == 0)
		vector_take_message(v, key[0] == 'i', a, b);
	else
		fail_msg("unknown word in the vectors: %s", key);
}

/* Reads the next case; false at the end. */
static bool vector_next(FILE *f, struct vector *v)
{
	static char line[4096], key[32], a[2048], b[2048];
	*v = (struct vector){0};
	while (fgets(line, sizeof line, f)) {
		if (line[0] == '#')
			continue;
		if (line[0] == '\n') {
			if (v->n)
				return true;
			continue;
		}
		b[0] = '\0';
		assert_true(sscanf(line, "%31s %2047s %2047s", key, a, b) >= 2);
		vector_take_line(v, key, a, b);
	}
	return v->n > 0;
}

static void vector_release(struct vector *v)
{
	buf_release(&v->prologue);
	for (size_t m = 0; m < v->n; m++) {
		buf_release(&v->message[m].payload);
		buf_release(&v->message[m].ciphertext);
	}
}

static void vector_hold(const struct vector *v, struct noise *i, struct noise *r)
{
	for (size_t m = 0; m < v->n; m++) {
		struct noise *from = v->message[m].by_initiator ? i : r;
		struct noise *to = v->message[m].by_initiator ? r : i;
		struct buf sent = {0}, got = {0};
		struct bytes payload = buf_bytes(&v->message[m].payload);
		assert_int_equal(noise_is_ready(from), m >= 3);
		assert_int_equal(noise_write(from, payload, &sent, NULL), RC_OK);
		assert_true(bytes_equal(buf_bytes(&sent), buf_bytes(&v->message[m].ciphertext)));
		assert_int_equal(noise_read(to, buf_bytes(&sent), &got, NULL), RC_OK);
		assert_true(bytes_equal(buf_bytes(&got), payload));
		buf_release(&sent);
		buf_release(&got);
	}
}

static void vector_check(const struct vector *v)
{
	struct key is, rs;
	key_from_seed(&is, KEY_NOISE, "i", NULL, v->init_static);
	key_from_seed(&rs, KEY_NOISE, "r", NULL, v->resp_static);
	if (v->has_public)
		assert_memory_equal(rs.public, v->resp_public, 32);
	struct noise *i = noise_new(
		NOISE_INITIATOR, buf_bytes(&v->prologue), &is, rs.public, v->init_ephemeral);
	struct noise *r =
		noise_new(NOISE_RESPONDER, buf_bytes(&v->prologue), &rs, NULL, v->resp_ephemeral);
	vector_hold(v, i, r);
	struct hash hi, hr;
	noise_handshake_hash(i, &hi);
	noise_handshake_hash(r, &hr);
	assert_true(hash_equal(&hi, &hr));
	if (v->has_hash)
		assert_memory_equal(hi.b, v->handshake_hash, 32);
	assert_memory_equal(noise_remote(r), is.public, 32);
	assert_int_equal(noise_messages(i), v->n - 3);
	noise_free(i);
	noise_free(r);
	key_release(&is);
	key_release(&rs);
}

static void published_vectors_are_met_byte_for_byte(void **state)
{
	(void)state;
	FILE *f = fopen("tests/vectors/noise_xk.txt", "r");
	assert_non_null(f);
	struct vector v;
	size_t n = 0;
	for (; vector_next(f, &v); n++) {
		vector_check(&v);
		vector_release(&v);
	}
	fclose(f);
	assert_int_equal(n, 6);
}

static void session_carries_messages_both_ways(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	pair_run(&p, 3);
	assert_true(noise_is_ready(p.i));
	assert_true(noise_is_ready(p.r));
	assert_memory_equal(noise_remote(p.r), p.i_static.public, 32);
	assert_memory_equal(noise_remote(p.i), p.r_static.public, 32);
	for (unsigned k = 0; k < 1000; k++) {
		struct noise *from = k % 3 ? p.i : p.r, *to = k % 3 ? p.r : p.i;
		uint8_t text[300];
		memset(text, (int)k, sizeof text);
		struct buf sent = {0}, got = {0};
		struct bytes payload = bytes_of(text, k % sizeof text);
		assert_int_equal(noise_write(from, payload, &sent, NULL), RC_OK);
		assert_int_equal(sent.n, payload.n + NOISE_TAG);
		assert_int_equal(noise_read(to, buf_bytes(&sent), &got, NULL), RC_OK);
		assert_true(bytes_equal(buf_bytes(&got), payload));
		buf_release(&sent);
		buf_release(&got);
	}
	assert_int_equal(noise_messages(p.i), 1000);
	assert_int_equal(noise_messages(p.r), 1000);
	pair_close(&p);
}

static void messages_of_the_handshake_have_the_stated_lengths(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	pair_run(&p, 3);
	assert_int_equal(p.message[0].n, NOISE_MSG1);
	assert_int_equal(p.message[1].n, NOISE_MSG2);
	assert_int_equal(p.message[2].n, NOISE_MSG3_OVERHEAD + strlen("hello"));
	pair_close(&p);
}

static void prologue_is_label_and_cluster(void **state)
{
	(void)state;
	uint8_t got[NOISE_PROLOGUE_BYTES];
	noise_prologue(&cluster, got);
	assert_memory_equal(got, "DELTAD/1\0\xc1\0\0", 12);
}

static void nodes_of_two_clusters_cannot_meet(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	struct hash other = {{0xc2}};
	uint8_t prologue[NOISE_PROLOGUE_BYTES];
	noise_prologue(&other, prologue);
	noise_free(p.i);
	p.i = noise_new(NOISE_INITIATOR, bytes_of(prologue, sizeof prologue), &p.i_static,
		p.r_static.public, p.i_ephemeral);
	assert_int_equal(noise_write(p.i, bytes_of(NULL, 0), &p.message[0], NULL), RC_OK);
	assert_int_equal(read_of(p.r, buf_bytes(&p.message[0])), RC_PEER_HANDSHAKE);
	pair_close(&p);
}

static void initiator_that_expects_another_responder_is_refused(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	noise_free(p.i);
	p.i = noise_new(
		NOISE_INITIATOR, bytes_of(NULL, 0), &p.i_static, p.i_static.public, p.i_ephemeral);
	assert_int_equal(noise_write(p.i, bytes_of(NULL, 0), &p.message[0], NULL), RC_OK);
	assert_int_equal(read_of(p.r, buf_bytes(&p.message[0])), RC_PEER_HANDSHAKE);
	pair_close(&p);
}

static void every_flipped_bit_of_the_handshake_is_refused(void **state)
{
	(void)state;
	for (size_t m = 0; m < 3; m++) {
		size_t bits = 8;
		for (size_t bit = 0; bit < bits; bit++) {
			struct pair p;
			pair_open(&p);
			pair_run(&p, m);
			struct bytes payload = m == 2 ? bytes_str("hello") : bytes_of(NULL, 0);
			assert_int_equal(
				noise_write(pair_writer(&p, m), payload, &p.message[m], NULL),
				RC_OK);
			bits = 8 * p.message[m].n;
			p.message[m].p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
			assert_int_equal(read_of(pair_reader(&p, m), buf_bytes(&p.message[m])),
				RC_PEER_HANDSHAKE);
			assert_false(noise_is_ready(pair_reader(&p, m)));
			pair_close(&p);
		}
	}
}

static void handshake_cut_or_lengthened_is_refused(void **state)
{
	(void)state;
	for (size_t m = 0; m < 3; m++) {
		size_t whole = NOISE_MSG3_OVERHEAD + 1;
		for (size_t n = 0; n <= whole + 1; n++) {
			struct pair p;
			pair_open(&p);
			pair_run(&p, m);
			struct bytes payload = m == 2 ? bytes_str("hello") : bytes_of(NULL, 0);
			assert_int_equal(
				noise_write(pair_writer(&p, m), payload, &p.message[m], NULL),
				RC_OK);
			whole = p.message[m].n;
			buf_put_u8(&p.message[m], 0);
			int want = n == whole ? RC_OK : RC_PEER_HANDSHAKE;
			assert_int_equal(
				read_of(pair_reader(&p, m), bytes_of(p.message[m].p, n)), want);
			pair_close(&p);
		}
	}
}

static void failed_handshake_stays_failed(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	assert_int_equal(noise_write(p.i, bytes_of(NULL, 0), &p.message[0], NULL), RC_OK);
	p.message[0].p[40] ^= 1;
	assert_int_equal(read_of(p.r, buf_bytes(&p.message[0])), RC_PEER_HANDSHAKE);
	p.message[0].p[40] ^= 1;
	assert_int_equal(read_of(p.r, buf_bytes(&p.message[0])), RC_PEER_HANDSHAKE);
	struct buf out = {0};
	assert_int_equal(noise_write(p.r, bytes_of(NULL, 0), &out, NULL), RC_PEER_HANDSHAKE);
	assert_int_equal(out.n, 0);
	buf_release(&out);
	pair_close(&p);
}

static void expect_out_of_turn(struct noise *n, struct bytes message)
{
	struct buf got = {0};
	struct err e = {0};
	assert_int_equal(noise_read(n, message, &got, &e), RC_PEER_HANDSHAKE);
	assert_non_null(strstr(e.text, "out of turn"));
	buf_release(&got);
}

static void peer_that_speaks_out_of_turn_is_refused(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	pair_run(&p, 1);
	expect_out_of_turn(p.r, buf_bytes(&p.message[0]));
	pair_close(&p);
	pair_open(&p);
	uint8_t any[NOISE_MSG2] = {9};
	expect_out_of_turn(p.i, bytes_of(any, sizeof any));
	pair_close(&p);
}

static void reflected_first_message_is_refused(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	assert_int_equal(noise_write(p.i, bytes_of(NULL, 0), &p.message[0], NULL), RC_OK);
	assert_int_equal(read_of(p.i, buf_bytes(&p.message[0])), RC_PEER_HANDSHAKE);
	pair_close(&p);
}

/* The recording of a whole handshake, played to a responder with a fresh ephemeral key. */
static void replayed_handshake_does_not_complete(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	pair_run(&p, 3);
	uint8_t prologue[NOISE_PROLOGUE_BYTES], fresh[32];
	noise_prologue(&cluster, prologue);
	memset(fresh, 0x55, sizeof fresh);
	struct noise *again = noise_new(
		NOISE_RESPONDER, bytes_of(prologue, sizeof prologue), &p.r_static, NULL, fresh);
	struct buf answer = {0};
	assert_int_equal(read_of(again, buf_bytes(&p.message[0])), RC_OK);
	assert_int_equal(noise_write(again, bytes_of(NULL, 0), &answer, NULL), RC_OK);
	assert_int_equal(read_of(again, buf_bytes(&p.message[2])), RC_PEER_HANDSHAKE);
	assert_false(noise_is_ready(again));
	buf_release(&answer);
	noise_free(again);
	pair_close(&p);
}

static void responder_refuses_ephemeral_of_small_order(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof small_order / sizeof *small_order; k++) {
		struct pair p;
		pair_open(&p);
		uint8_t message[NOISE_MSG1] = {0};
		memcpy(message, small_order[k], 32);
		struct err e = {0};
		struct buf got = {0};
		assert_int_equal(noise_read(p.r, bytes_of(message, sizeof message), &got, &e),
			RC_PEER_HANDSHAKE);
		assert_non_null(strstr(e.text, "small order"));
		buf_release(&got);
		pair_close(&p);
	}
}

static void initiator_refuses_ephemeral_of_small_order(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof small_order / sizeof *small_order; k++) {
		struct pair p;
		pair_open(&p);
		pair_run(&p, 1);
		uint8_t message[NOISE_MSG2] = {0};
		memcpy(message, small_order[k], 32);
		struct err e = {0};
		struct buf got = {0};
		assert_int_equal(noise_read(p.i, bytes_of(message, sizeof message), &got, &e),
			RC_PEER_HANDSHAKE);
		assert_non_null(strstr(e.text, "small order"));
		buf_release(&got);
		pair_close(&p);
	}
}

/* A peer may claim any static key; one of small order would let everybody compute se. */
static void responder_refuses_static_of_small_order(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof small_order / sizeof *small_order; k++) {
		struct pair p;
		pair_open(&p);
		memcpy(p.i_static.public, small_order[k], 32);
		pair_run(&p, 2);
		assert_int_equal(noise_write(p.i, bytes_str("hello"), &p.message[2], NULL), RC_OK);
		struct err e = {0};
		struct buf got = {0};
		assert_int_equal(
			noise_read(p.r, buf_bytes(&p.message[2]), &got, &e), RC_PEER_HANDSHAKE);
		assert_non_null(strstr(e.text, "small order"));
		buf_release(&got);
		pair_close(&p);
	}
}

static void initiator_does_not_speak_to_a_key_of_small_order(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	noise_free(p.i);
	p.i = noise_new(
		NOISE_INITIATOR, bytes_of(NULL, 0), &p.i_static, small_order[0], p.i_ephemeral);
	buf_put_str(&p.message[0], "before");
	assert_int_equal(
		noise_write(p.i, bytes_of(NULL, 0), &p.message[0], NULL), RC_PEER_HANDSHAKE);
	assert_int_equal(p.message[0].n, strlen("before"));
	pair_close(&p);
}

struct sent {
	struct pair p;
	struct buf first, second;
};

static void sent_open(struct sent *s)
{
	*s = (struct sent){0};
	pair_open(&s->p);
	pair_run(&s->p, 3);
	assert_int_equal(noise_write(s->p.i, bytes_str("first"), &s->first, NULL), RC_OK);
	assert_int_equal(noise_write(s->p.i, bytes_str("second"), &s->second, NULL), RC_OK);
}

static void sent_close(struct sent *s)
{
	pair_close(&s->p);
	buf_release(&s->first);
	buf_release(&s->second);
}

static void every_flipped_bit_of_a_message_is_refused(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * (strlen("first") + NOISE_TAG); bit++) {
		struct sent s;
		sent_open(&s);
		s.first.p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		assert_int_equal(read_of(s.p.r, buf_bytes(&s.first)), RC_PEER_HANDSHAKE);
		s.first.p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		assert_int_equal(read_of(s.p.r, buf_bytes(&s.first)), RC_PEER_HANDSHAKE);
		sent_close(&s);
	}
}

static void message_cut_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen("first") + NOISE_TAG; n++) {
		struct sent s;
		sent_open(&s);
		assert_int_equal(read_of(s.p.r, bytes_of(s.first.p, n)), RC_PEER_HANDSHAKE);
		sent_close(&s);
	}
}

static void swapped_messages_are_refused(void **state)
{
	(void)state;
	struct sent s;
	sent_open(&s);
	assert_int_equal(read_of(s.p.r, buf_bytes(&s.second)), RC_PEER_HANDSHAKE);
	sent_close(&s);
}

static void replayed_message_is_refused(void **state)
{
	(void)state;
	struct sent s;
	sent_open(&s);
	assert_int_equal(read_of(s.p.r, buf_bytes(&s.first)), RC_OK);
	assert_int_equal(read_of(s.p.r, buf_bytes(&s.first)), RC_PEER_HANDSHAKE);
	sent_close(&s);
}

static void message_reflected_to_its_writer_is_refused(void **state)
{
	(void)state;
	struct sent s;
	sent_open(&s);
	assert_int_equal(read_of(s.p.i, buf_bytes(&s.first)), RC_PEER_HANDSHAKE);
	sent_close(&s);
}

static void message_is_at_most_65535_bytes(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	pair_run(&p, 3);
	uint8_t *text = xalloc(NOISE_MESSAGE_MAX + 1);
	const size_t most = NOISE_MESSAGE_MAX - NOISE_TAG;
	for (size_t n = most - 1; n <= most + 1; n++) {
		struct buf out = {0};
		int want = n > most ? RC_TOO_BIG : RC_OK;
		assert_int_equal(noise_write(p.i, bytes_of(text, n), &out, NULL), want);
		assert_int_equal(out.n, n > most ? 0 : n + NOISE_TAG);
		if (want == RC_OK)
			assert_int_equal(read_of(p.r, buf_bytes(&out)), RC_OK);
		buf_release(&out);
	}
	struct err e = {0};
	struct buf got = {0};
	assert_int_equal(noise_read(p.r, bytes_of(text, NOISE_MESSAGE_MAX + 1), &got, &e),
		RC_PEER_HANDSHAKE);
	assert_non_null(strstr(e.text, "length"));
	buf_release(&got);
	free(text);
	pair_close(&p);
}

static void third_message_is_at_most_65535_bytes(void **state)
{
	(void)state;
	const size_t most = NOISE_MESSAGE_MAX - NOISE_MSG3_OVERHEAD;
	uint8_t *text = xalloc(most + 1);
	struct pair p;
	pair_open(&p);
	pair_run(&p, 2);
	assert_int_equal(
		noise_write(p.i, bytes_of(text, most + 1), &p.message[2], NULL), RC_TOO_BIG);
	assert_int_equal(noise_write(p.i, bytes_of(text, most), &p.message[2], NULL), RC_OK);
	assert_int_equal(p.message[2].n, NOISE_MESSAGE_MAX);
	assert_int_equal(read_of(p.r, buf_bytes(&p.message[2])), RC_OK);
	free(text);
	pair_close(&p);
}

static int set_up(void **state)
{
	(void)state;
	return trust_init(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_are_met_byte_for_byte),
		cmocka_unit_test(session_carries_messages_both_ways),
		cmocka_unit_test(messages_of_the_handshake_have_the_stated_lengths),
		cmocka_unit_test(prologue_is_label_and_cluster),
		cmocka_unit_test(nodes_of_two_clusters_cannot_meet),
		cmocka_unit_test(initiator_that_expects_another_responder_is_refused),
		cmocka_unit_test(every_flipped_bit_of_the_handshake_is_refused),
		cmocka_unit_test(handshake_cut_or_lengthened_is_refused),
		cmocka_unit_test(failed_handshake_stays_failed),
		cmocka_unit_test(peer_that_speaks_out_of_turn_is_refused),
		cmocka_unit_test(reflected_first_message_is_refused),
		cmocka_unit_test(replayed_handshake_does_not_complete),
		cmocka_unit_test(responder_refuses_ephemeral_of_small_order),
		cmocka_unit_test(initiator_refuses_ephemeral_of_small_order),
		cmocka_unit_test(responder_refuses_static_of_small_order),
		cmocka_unit_test(initiator_does_not_speak_to_a_key_of_small_order),
		cmocka_unit_test(every_flipped_bit_of_a_message_is_refused),
		cmocka_unit_test(message_cut_anywhere_is_refused),
		cmocka_unit_test(swapped_messages_are_refused),
		cmocka_unit_test(replayed_message_is_refused),
		cmocka_unit_test(message_reflected_to_its_writer_is_refused),
		cmocka_unit_test(message_is_at_most_65535_bytes),
		cmocka_unit_test(third_message_is_at_most_65535_bytes),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
