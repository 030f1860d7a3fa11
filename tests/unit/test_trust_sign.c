#include "tests/unit/golden.h"

#include "proto/base/limits.h"
#include "proto/trust/sign.h"

static struct hash cluster;

static int start(void **state)
{
	(void)state;
	struct err e = {0};
	sha256(bytes_str("roster"), &cluster);
	return trust_init(&e);
}

static void pae_is_byte_for_byte_that_of_dsse(void **state)
{
	(void)state;
	static const char *const want[] = {
		[BODY_CHANGE] = "DSSEv1 115 application/vnd.deltad.change.v1+protobuf; cluster=",
		[BODY_DELEGATE] =
			"DSSEv1 117 application/vnd.deltad.delegate.v1+protobuf; cluster=",
		[BODY_REVOKE] = "DSSEv1 115 application/vnd.deltad.revoke.v1+protobuf; cluster=",
	};
	char hex[HASH_HEX_SIZE];
	hash_print(&cluster, hex);
	for (enum body_type t = BODY_CHANGE; t <= BODY_REVOKE; t++) {
		struct buf got = {0}, expected = {0};
		buf_printf(&expected, "%s%s 5 ", want[t], hex);
		buf_put(&expected, "a\0b c", 5);
		buf_put_str(&got, "kept");
		pae_encode(t, &cluster, bytes_of("a\0b c", 5), &got);
		buf_consume(&got, 4);
		assert_true(bytes_equal(buf_bytes(&got), buf_bytes(&expected)));
		buf_release(&expected);
		buf_release(&got);
	}
}

static void pae_of_an_empty_body_ends_with_its_length(void **state)
{
	(void)state;
	struct buf b = {0};
	pae_encode(BODY_CHANGE, &cluster, bytes_of(NULL, 0), &b);
	assert_memory_equal(b.p + b.n - 3, " 0 ", 3);
	buf_release(&b);
}

static void change_id_is_the_hash_of_the_pae(void **state)
{
	(void)state;
	static uint8_t body[LIMIT_BODY_BYTES];
	memset(body, 0x5a, sizeof body);
	const size_t sizes[] = {0, 1, 9, 10, 99, 100, 9999, 10000, LIMIT_BODY_BYTES};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct buf b = {0};
		struct hash want, got;
		pae_encode(BODY_REVOKE, &cluster, bytes_of(body, sizes[i]), &b);
		sha256(buf_bytes(&b), &want);
		change_id_of(BODY_REVOKE, &cluster, bytes_of(body, sizes[i]), &got);
		assert_true(hash_equal(&want, &got));
		buf_release(&b);
	}
}

/* Something signed, to be spoilt. */
struct made {
	struct key k;
	struct bytes body;
	uint8_t sig[SIGNATURE_BYTES];
};

static void made_open(struct made *m)
{
	golden_key(&m->k, 7);
	m->body = bytes_str("body");
	body_sign(&m->k, BODY_CHANGE, &cluster, m->body, m->sig);
}

static bool made_verifies(const struct made *m)
{
	return body_verify(m->k.public, BODY_CHANGE, &cluster, m->body, m->sig, NULL);
}

static void signed_body_verifies_and_gives_its_id(void **state)
{
	(void)state;
	struct made m;
	struct hash id, want;
	made_open(&m);
	assert_true(body_verify(m.k.public, BODY_CHANGE, &cluster, m.body, m.sig, &id));
	change_id_of(BODY_CHANGE, &cluster, m.body, &want);
	assert_true(hash_equal(&id, &want));
	key_release(&m.k);
}

static void id_is_given_for_a_bad_signature_too(void **state)
{
	(void)state;
	struct made m;
	struct hash id, want;
	made_open(&m);
	m.sig[0] ^= 1;
	assert_false(body_verify(m.k.public, BODY_CHANGE, &cluster, m.body, m.sig, &id));
	change_id_of(BODY_CHANGE, &cluster, m.body, &want);
	assert_true(hash_equal(&id, &want));
	key_release(&m.k);
}

static void signature_of_another_type_cluster_body_or_key_is_refused(void **state)
{
	(void)state;
	struct made m;
	struct hash other = cluster;
	struct key k;
	made_open(&m);
	golden_key(&k, 8);
	other.b[31] ^= 1;
	assert_true(made_verifies(&m));
	assert_false(body_verify(m.k.public, BODY_DELEGATE, &cluster, m.body, m.sig, NULL));
	assert_false(body_verify(m.k.public, BODY_REVOKE, &cluster, m.body, m.sig, NULL));
	assert_false(body_verify(m.k.public, BODY_CHANGE, &other, m.body, m.sig, NULL));
	assert_false(
		body_verify(m.k.public, BODY_CHANGE, &cluster, bytes_str("bodY"), m.sig, NULL));
	assert_false(body_verify(m.k.public, BODY_CHANGE, &cluster, bytes_str("bod"), m.sig, NULL));
	assert_false(body_verify(k.public, BODY_CHANGE, &cluster, m.body, m.sig, NULL));
	key_release(&k);
	key_release(&m.k);
}

static void every_flipped_bit_of_signature_and_key_is_refused(void **state)
{
	(void)state;
	struct made m;
	made_open(&m);
	for (size_t i = 0; i < 8 * SIGNATURE_BYTES; i++) {
		m.sig[i / 8] ^= (uint8_t)(1U << i % 8);
		assert_false(made_verifies(&m));
		m.sig[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	for (size_t i = 0; i < 8 * KEY_BYTES; i++) {
		m.k.public[i / 8] ^= (uint8_t)(1U << i % 8);
		assert_false(made_verifies(&m));
		m.k.public[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	assert_true(made_verifies(&m));
	key_release(&m.k);
}

/* Else anybody could make a second valid signature out of the first. */
static void signature_with_s_plus_the_order_is_refused(void **state)
{
	(void)state;
	struct made m;
	made_open(&m);
	golden_add_order(m.sig);
	assert_false(made_verifies(&m));
	key_release(&m.k);
}

static void body_signed_bare_is_refused(void **state)
{
	(void)state;
	struct made m;
	made_open(&m);
	key_sign(&m.k, m.body, m.sig);
	assert_false(made_verifies(&m));
	key_release(&m.k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pae_is_byte_for_byte_that_of_dsse),
		cmocka_unit_test(pae_of_an_empty_body_ends_with_its_length),
		cmocka_unit_test(change_id_is_the_hash_of_the_pae),
		cmocka_unit_test(signed_body_verifies_and_gives_its_id),
		cmocka_unit_test(id_is_given_for_a_bad_signature_too),
		cmocka_unit_test(signature_of_another_type_cluster_body_or_key_is_refused),
		cmocka_unit_test(every_flipped_bit_of_signature_and_key_is_refused),
		cmocka_unit_test(signature_with_s_plus_the_order_is_refused),
		cmocka_unit_test(body_signed_bare_is_refused),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
