/* Cosignatures of heads, and what proves a fork, over notes that anybody may have written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/text.h"
#include "proto/trust/cosign.h"
#include "proto/trust/evidence.h"

#define MEMBERS 3
#define OWNER 0
#define ORIGIN "yrd/shanghai/1-0000000a"
#define LEAVES 20

static struct fixture {
	struct roster roster;
	struct key log, other_log, cosign[MEMBERS], stranger;
	struct hash leaf[LEAVES], fork[LEAVES]; /* alike up to leaf 4 */
} fx;

static void key_of(struct key *k, enum key_purpose p, uint8_t seed)
{
	uint8_t b[32];
	memset(b, seed, sizeof b);
	key_from_seed(k, p, "shanghai", "", b);
}

static int set_up(void **state)
{
	static const char *const slugs[] = {"shanghai", "jiangsu", "office"};
	(void)state;
	assert_int_equal(trust_init(NULL), RC_OK);
	key_of(&fx.log, KEY_LOG, 1);
	key_of(&fx.other_log, KEY_LOG, 2);
	key_of(&fx.stranger, KEY_COSIGN, 3);
	text_print(fx.roster.cluster, sizeof fx.roster.cluster, "yrd");
	fx.roster.n = MEMBERS;
	fx.roster.final_quorum = 2;
	for (size_t i = 0; i < MEMBERS; i++) {
		struct member *m = &fx.roster.member[i];
		key_of(&fx.cosign[i], KEY_COSIGN, (uint8_t)(10 + i));
		text_print(m->slug, sizeof m->slug, "%s", slugs[i]);
		memcpy(m->cosign, fx.cosign[i].public, KEY_BYTES);
	}
	for (uint8_t i = 0; i < LEAVES; i++) {
		uint8_t x[2] = {i, i >= 4};
		merkle_leaf_hash(bytes_of(x, 1), &fx.leaf[i]);
		merkle_leaf_hash(bytes_of(x, 2), &fx.fork[i]);
	}
	memcpy(fx.fork, fx.leaf, 4 * sizeof fx.leaf[0]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < MEMBERS; i++)
		key_release(&fx.cosign[i]);
	key_release(&fx.log);
	key_release(&fx.other_log);
	key_release(&fx.stranger);
	return 0;
}

static void put_head(struct buf *out, const struct hash *leaves, size_t size)
{
	struct hash root;
	merkle_root(leaves, size, &root);
	checkpoint_sign(ORIGIN, size, &root, &fx.log, out);
}

static struct bytes text_of(const struct buf *note, struct note *n)
{
	assert_int_equal(note_parse(buf_bytes(note), n, NULL), RC_OK);
	return n->text;
}

static void put_cosign(struct buf *note, int member, uint64_t time)
{
	struct note n;
	struct buf line = {0};
	cosign_put_line(&fx.roster, member, &fx.cosign[member], text_of(note, &n), time, &line);
	buf_put_bytes(note, buf_bytes(&line));
	buf_release(&line);
}

static member_set verify(const struct buf *note, int owner, member_set *bad)
{
	struct note n;
	(void)text_of(note, &n);
	return cosign_verify(&fx.roster, &n, owner, 0, bad);
}

/* ---- cosignatures ---- */

static void cosignatures_of_members_count_once_each(void **state)
{
	struct buf note = {0};
	member_set bad;
	(void)state;
	put_head(&note, fx.leaf, 8);
	assert_int_equal(verify(&note, OWNER, &bad), 0);
	put_cosign(&note, 1, 1793577600);
	put_cosign(&note, 1, 1793577601);
	assert_int_equal(verify(&note, OWNER, &bad), MEMBER_BIT(1));
	assert_false(cosign_is_final(&fx.roster, MEMBER_BIT(1), OWNER));
	put_cosign(&note, 2, INT64_MAX);
	assert_int_equal(verify(&note, OWNER, &bad), MEMBER_BIT(1) | MEMBER_BIT(2));
	assert_int_equal(bad, 0);
	assert_true(cosign_is_final(&fx.roster, MEMBER_BIT(1) | MEMBER_BIT(2), OWNER));
	buf_release(&note);
}

static void owner_does_not_count_for_its_own_log(void **state)
{
	struct buf note = {0};
	member_set bad;
	(void)state;
	put_head(&note, fx.leaf, 8);
	put_cosign(&note, OWNER, 1793577600);
	put_cosign(&note, 1, 1793577600);
	assert_int_equal(verify(&note, OWNER, &bad), MEMBER_BIT(1));
	assert_int_equal(verify(&note, 2, &bad), MEMBER_BIT(OWNER) | MEMBER_BIT(1));
	assert_false(cosign_is_final(&fx.roster, MEMBER_BIT(OWNER) | MEMBER_BIT(1), OWNER));
	buf_release(&note);
}

static void time_zero_is_no_time(void **state)
{
	struct buf note = {0};
	member_set bad;
	(void)state;
	put_head(&note, fx.leaf, 8);
	put_cosign(&note, 1, 0);
	assert_int_equal(verify(&note, OWNER, &bad), 0);
	assert_int_equal(bad, MEMBER_BIT(1));
	buf_release(&note);
}

/* Each line is checked, not the newest time of all. */
static void time_zero_beside_another_is_no_time(void **state)
{
	struct buf note = {0};
	member_set bad;
	(void)state;
	put_head(&note, fx.leaf, 8);
	put_cosign(&note, 1, 0);
	put_cosign(&note, 1, 5);
	assert_int_equal(verify(&note, OWNER, &bad), 0);
	assert_int_equal(bad, MEMBER_BIT(1));
	buf_release(&note);
}

/* Over "time N" as the line has it, so that only the range speaks against it. */
static void time_of_2_to_the_63_is_no_time(void **state)
{
	struct buf note = {0}, message = {0};
	struct note n;
	struct vkey v;
	member_set bad;
	uint8_t blob[4 + 8 + SIGNATURE_BYTES];
	(void)state;
	put_head(&note, fx.leaf, 8);
	buf_put_str(&message, "cosignature/v1\ntime 9223372036854775808\n");
	buf_put_bytes(&message, text_of(&note, &n));
	cosign_vkey(&fx.roster, 1, &v);
	put_u32be(blob, v.id);
	put_u64be(blob + 4, (uint64_t)1 << 63);
	key_sign(&fx.cosign[1], buf_bytes(&message), blob + 12);
	buf_printf(&note, "\xe2\x80\x94 %s ", v.name);
	base64_encode(&note, blob, sizeof blob);
	buf_put_str(&note, "\n");
	assert_int_equal(verify(&note, OWNER, &bad), 0);
	assert_int_equal(bad, MEMBER_BIT(1));
	buf_release(&message);
	buf_release(&note);
}

static void line_of_another_head_is_bad(void **state)
{
	struct buf note = {0}, line = {0};
	struct note n;
	member_set bad;
	(void)state;
	put_head(&note, fx.leaf, 9);
	cosign_put_line(&fx.roster, 1, &fx.cosign[1], text_of(&note, &n), 1793577600, &line);
	buf_reset(&note);
	put_head(&note, fx.leaf, 8);
	buf_put_bytes(&note, buf_bytes(&line));
	assert_int_equal(verify(&note, OWNER, &bad), 0);
	assert_int_equal(bad, MEMBER_BIT(1));
	buf_release(&line);
	buf_release(&note);
}

static void line_of_a_stranger_is_passed_over(void **state)
{
	struct buf note = {0}, line = {0};
	struct note n;
	struct vkey v;
	member_set bad;
	(void)state;
	put_head(&note, fx.leaf, 8);
	assert_int_equal(
		vkey_make(&v, "yrd/jiangsu/cosign", NOTE_COSIGNATURE, fx.stranger.public, NULL),
		RC_OK);
	note_put_cosignature(&line, &v, &fx.stranger, text_of(&note, &n), 1793577600);
	buf_put_bytes(&note, buf_bytes(&line));
	assert_int_equal(verify(&note, OWNER, &bad), 0);
	assert_int_equal(bad, 0);
	buf_release(&line);
	buf_release(&note);
}

/* What is put together again is a note of the same head with the same lines. */
static void head_and_lines_are_put_together_again(void **state)
{
	struct buf note = {0}, again = {0};
	struct note n;
	struct checkpoint cp;
	member_set bad;
	(void)state;
	put_head(&note, fx.leaf, 8);
	put_cosign(&note, 2, 7);
	put_cosign(&note, 1, 8);
	(void)text_of(&note, &n);
	cosign_put_head(&n, bytes_str(ORIGIN), fx.log.public, &again);
	cosign_put_line_of(&fx.roster, &n, 1, &again);
	assert_int_equal(checkpoint_verify(buf_bytes(&again), fx.log.public, &cp, NULL), RC_OK);
	assert_int_equal(cp.size, 8);
	assert_int_equal(verify(&again, OWNER, &bad), MEMBER_BIT(1));
	buf_release(&again);
	buf_release(&note);
}

/* ---- evidence ---- */

struct pair {
	struct buf first, second, proof;
};

static struct pair pair_of(const struct hash *a, size_t size1, const struct hash *b, size_t size2)
{
	struct pair p = {0};
	put_head(&p.first, a, size1);
	put_head(&p.second, b, size2);
	if (size1 < size2) {
		struct merkle_spans s;
		struct hash path[MERKLE_PROOF_MAX];
		size_t n;
		merkle_spans_begin(&s, size1, size2);
		for (size_t i = 0; i < size2; i++)
			merkle_spans_add(&s, &b[i]);
		merkle_spans_end(&s, path, &n);
		buf_put(&p.proof, path[0].b, n * HASH_BYTES);
	}
	return p;
}

static int judge(const struct pair *p)
{
	struct evidence x = {buf_bytes(&p->first), buf_bytes(&p->second), buf_bytes(&p->proof)};
	struct checkpoint a, b;
	return evidence_verify(&x, fx.log.public, &a, &b, NULL);
}

static void pair_release(struct pair *p)
{
	buf_release(&p->first);
	buf_release(&p->second);
	buf_release(&p->proof);
}

static void expect_verdict(
	const struct hash *a, size_t size1, const struct hash *b, size_t size2, int want)
{
	struct pair p = pair_of(a, size1, b, size2);
	assert_int_equal(judge(&p), want);
	pair_release(&p);
}

static void two_histories_of_every_two_sizes_are_proven(void **state)
{
	(void)state;
	for (size_t size2 = 5; size2 <= LEAVES; size2++)
		for (size_t size1 = 5; size1 <= size2; size1++)
			expect_verdict(fx.fork, size1, fx.leaf, size2, RC_OK);
}

static void one_history_is_no_evidence_at_any_two_sizes(void **state)
{
	(void)state;
	for (size_t size2 = 1; size2 <= LEAVES; size2++)
		for (size_t size1 = 1; size1 <= size2; size1++)
			expect_verdict(fx.leaf, size1, fx.leaf, size2, RC_REFUSED);
	for (size_t size1 = 1; size1 <= 4; size1++) /* the common beginning */
		expect_verdict(fx.fork, size1, fx.leaf, 9, RC_REFUSED);
}

/* The root of the larger head must come out: any hash in the proof changes both. */
static void proof_of_made_up_hashes_is_no_evidence(void **state)
{
	struct pair p = pair_of(fx.leaf, 7, fx.leaf, 13);
	size_t n = p.proof.n;
	(void)state;
	for (size_t i = 0; i < n; i += 5) {
		p.proof.p[i] ^= 1;
		assert_int_equal(judge(&p), RC_REFUSED);
		p.proof.p[i] ^= 1;
	}
	for (p.proof.n = 0; p.proof.n < n; p.proof.n++)
		assert_int_equal(judge(&p), RC_REFUSED);
	buf_put(&p.proof, fx.leaf[0].b, HASH_BYTES);
	assert_int_equal(judge(&p), RC_REFUSED);
	pair_release(&p);
}

static void other_lines_under_the_same_head_are_no_evidence(void **state)
{
	struct pair p = pair_of(fx.leaf, 8, fx.leaf, 8);
	(void)state;
	put_cosign(&p.first, 1, 1793577600);
	put_cosign(&p.second, 1, 1893577600);
	put_cosign(&p.second, 2, 1);
	assert_int_equal(judge(&p), RC_REFUSED);
	pair_release(&p);
}

static void heads_must_be_signed_by_the_log_s_key_and_in_order(void **state)
{
	struct checkpoint a, b;
	struct pair p = pair_of(fx.fork, 8, fx.leaf, 12);
	struct evidence x = {buf_bytes(&p.first), buf_bytes(&p.second), buf_bytes(&p.proof)};
	(void)state;
	assert_int_equal(evidence_verify(&x, fx.other_log.public, &a, &b, NULL), RC_VERIFY);
	struct evidence turned = {x.second, x.first, x.proof};
	assert_int_equal(evidence_verify(&turned, fx.log.public, &a, &b, NULL), RC_REFUSED);
	struct evidence empty = {x.first, bytes_str("nothing"), x.proof};
	assert_int_equal(evidence_verify(&empty, fx.log.public, &a, &b, NULL), RC_NOTE);
	pair_release(&p);
}

static void heads_of_two_logs_are_no_evidence(void **state)
{
	struct hash root;
	struct pair p = pair_of(fx.fork, 8, fx.leaf, 8);
	(void)state;
	merkle_root(fx.leaf, 8, &root);
	buf_reset(&p.second);
	checkpoint_sign("yrd/shanghai/2-0000000a", 8, &root, &fx.log, &p.second);
	assert_int_equal(judge(&p), RC_VERIFY);
	pair_release(&p);
}

static void equal_sizes_need_no_proof_and_take_none(void **state)
{
	struct pair p = pair_of(fx.fork, 8, fx.leaf, 8);
	(void)state;
	assert_int_equal(judge(&p), RC_OK);
	buf_put(&p.proof, fx.leaf[0].b, HASH_BYTES);
	assert_int_equal(judge(&p), RC_REFUSED);
	pair_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cosignatures_of_members_count_once_each),
		cmocka_unit_test(owner_does_not_count_for_its_own_log),
		cmocka_unit_test(time_zero_is_no_time),
		cmocka_unit_test(time_zero_beside_another_is_no_time),
		cmocka_unit_test(time_of_2_to_the_63_is_no_time),
		cmocka_unit_test(line_of_another_head_is_bad),
		cmocka_unit_test(line_of_a_stranger_is_passed_over),
		cmocka_unit_test(head_and_lines_are_put_together_again),
		cmocka_unit_test(two_histories_of_every_two_sizes_are_proven),
		cmocka_unit_test(one_history_is_no_evidence_at_any_two_sizes),
		cmocka_unit_test(proof_of_made_up_hashes_is_no_evidence),
		cmocka_unit_test(other_lines_under_the_same_head_are_no_evidence),
		cmocka_unit_test(heads_must_be_signed_by_the_log_s_key_and_in_order),
		cmocka_unit_test(heads_of_two_logs_are_no_evidence),
		cmocka_unit_test(equal_sizes_need_no_proof_and_take_none),
	};
	return cmocka_run_group_tests_name("trust cosign", tests, set_up, tear_down);
}
