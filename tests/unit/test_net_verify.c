#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/net/verify.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"

#define LEAVES 200

/* Leaves that are all good, and one in `bad` whose signature is not. */
struct batch_of {
	struct buf raw[LEAVES];
	struct bytes bytes[LEAVES];
	struct hash cluster;
};

static void make_leaf(struct batch_of *b, size_t i, const struct key *key, bool bad)
{
	uint8_t nonce[NONCE_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8)}, sig[SIGNATURE_BYTES];
	struct buf body = {0};
	struct err e = {0};
	struct revoke revoke = {.version = 1,
		.member = bytes_str("jiangsu"),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.operator_key = bytes_of(key->public, KEY_BYTES),
		.valid_below = 1,
		.reason = bytes_str("because")};
	assert_int_equal(revoke_encode(&revoke, &body, &e), RC_OK);
	body_sign(key, BODY_REVOKE, &b->cluster, buf_bytes(&body), sig);
	sig[0] ^= bad;
	struct leaf leaf = {.version = 1, .index = i, .hlc = i + 1, .kind = LEAF_REVOKE};
	leaf.signed_body = (struct signed_body){.key = bytes_of(key->public, KEY_BYTES),
		.signature = bytes_of(sig, sizeof(sig)),
		.body = buf_bytes(&body)};
	assert_int_equal(leaf_encode(&leaf, &b->raw[i], &e), RC_OK);
	b->bytes[i] = buf_bytes(&b->raw[i]);
	buf_release(&body);
}

static int set_up(void **state)
{
	struct err e = {0};
	struct key key;
	struct batch_of *b = xalloc(sizeof(*b));
	assert_int_equal(trust_init(&e), RC_OK);
	key_generate(&key, KEY_ROOT, "jiangsu", "");
	for (size_t i = 0; i < LEAVES; i++)
		make_leaf(b, i, &key, i % 67 == 5);
	key_release(&key);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct batch_of *b = *state;
	for (size_t i = 0; i < LEAVES; i++)
		buf_release(&b->raw[i]);
	free(b);
	return 0;
}

static void on_done(void *arg)
{
	++*(int *)arg;
}

static void assert_examined(const struct batch_of *b, const struct verify *v, size_t n)
{
	const struct examined *leaf = verify_leaves(v);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(leaf[i].raw.p, b->bytes[i].p);
		assert_true(leaf[i].gate_ok);
		assert_int_equal(leaf[i].leaf.index, i);
		assert_int_equal(leaf[i].signature_ok, i % 67 != 5);
	}
}

static void few_leaves_are_examined_at_once(void **state)
{
	struct batch_of *b = *state;
	uv_loop_t loop;
	assert_int_equal(uv_loop_init(&loop), 0);
	for (size_t n = 0; n <= VERIFY_INLINE_LEAVES; n++) {
		struct verify *v = verify_start(&loop, &b->cluster, b->bytes, n, false, NULL, NULL);
		assert_true(verify_is_done(v));
		assert_examined(b, v, n);
		verify_free(v);
	}
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void many_leaves_are_examined_elsewhere_and_said_once(void **state)
{
	static const size_t sizes[] = {
		VERIFY_INLINE_LEAVES + 1, VERIFY_CHUNK_LEAVES, VERIFY_CHUNK_LEAVES + 1, LEAVES};
	struct batch_of *b = *state;
	uv_loop_t loop;
	assert_int_equal(uv_loop_init(&loop), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int done = 0;
		struct verify *v =
			verify_start(&loop, &b->cluster, b->bytes, sizes[i], false, on_done, &done);
		assert_false(verify_is_done(v));
		assert_int_equal(done, 0);
		uv_run(&loop, UV_RUN_DEFAULT);
		assert_int_equal(done, 1);
		assert_examined(b, v, sizes[i]);
		verify_free(v);
	}
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_leaves_are_examined_at_once),
		cmocka_unit_test(many_leaves_are_examined_elsewhere_and_said_once),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
