#include "tests/unit/vector_file.h"

#include <sodium.h>

#include "proto/base/text.h"
#include "proto/trust/merkle.h"

#define TREE_MAX 130
#define FULL_MAX 17 /* up to this size every single bit is flipped, above it one of each hash */

static struct hash leaves[TREE_MAX];

static int make_leaves(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(trust_init(&e), 0);
	static const uint8_t seed[randombytes_SEEDBYTES] = "merkle";
	randombytes_buf_deterministic(leaves, sizeof leaves, seed);
	return 0;
}

/* The definition of RFC 6962 2.1, word for word. */
static void root_by_definition(const struct hash *l, size_t n, struct hash *out)
{
	if (n == 0) {
		sha256(bytes_of(NULL, 0), out);
		return;
	}
	if (n == 1) {
		*out = l[0];
		return;
	}
	size_t k = 1;
	while (2 * k < n)
		k *= 2;
	struct hash left, right;
	root_by_definition(l, k, &left);
	root_by_definition(l + k, n - k, &right);
	const struct bytes parts[] = {bytes_of("\1", 1), hash_bytes(&left), hash_bytes(&right)};
	sha256_multi(parts, 3, out);
}

static void hash_of_hex(const char *hex, struct hash *out)
{
	assert_true(hash_parse(bytes_str(hex), out));
}

static void assert_hash(const struct hash *h, const char *hex)
{
	char text[HASH_HEX_SIZE];
	hash_print(h, text);
	assert_string_equal(text, hex);
}

/* The 8 inputs of RFC 6962's reference tests, and PROTOCOL 11's values over them. */
static void reference_leaves(struct hash out[8])
{
	static const char *const inputs[8] = {"", "00", "10", "2021", "3031", "40414243",
		"5051525354555657", "606162636465666768696a6b6c6d6e6f"};
	for (size_t i = 0; i < 8; i++) {
		uint8_t raw[16];
		size_t n = strlen(inputs[i]) / 2;
		assert_true(hex_decode(bytes_str(inputs[i]), raw, n));
		merkle_leaf_hash(bytes_of(raw, n), &out[i]);
	}
}

static const char *const reference_roots[9] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

static void roots_of_the_reference_leaves_are_the_published_ones(void **state)
{
	(void)state;
	struct hash l[8], root;
	reference_leaves(l);
	struct frontier f = {0};
	for (size_t n = 0; n <= 8; n++) {
		merkle_root(l, n, &root);
		assert_hash(&root, reference_roots[n]);
		frontier_root(&f, &root);
		assert_hash(&root, reference_roots[n]);
		if (n < 8)
			frontier_append(&f, &l[n]);
	}
	merkle_empty_root(&root);
	assert_hash(&root, reference_roots[0]);
}

static void inclusion_of_reference_leaf_5_is_the_golden_proof(void **state)
{
	(void)state;
	static const char *const golden[] = {
		"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
		"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"};
	struct hash l[8], proof[MERKLE_PROOF_MAX], root;
	size_t n;
	reference_leaves(l);
	merkle_prove_inclusion(l, 8, 5, proof, &n);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++)
		assert_hash(&proof[i], golden[i]);
	hash_of_hex(reference_roots[8], &root);
	assert_true(merkle_verify_inclusion(&l[5], 5, 8, proof, n, &root));
}

static void consistency_of_5_with_8_reference_leaves_is_the_golden_proof(void **state)
{
	(void)state;
	static const char *const golden[] = {
		"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
		"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
		"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"};
	struct hash l[8], proof[MERKLE_PROOF_MAX], root1, root2;
	size_t n;
	reference_leaves(l);
	merkle_prove_consistency(l, 8, 5, proof, &n);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++)
		assert_hash(&proof[i], golden[i]);
	hash_of_hex(reference_roots[5], &root1);
	hash_of_hex(reference_roots[8], &root2);
	assert_true(merkle_verify_consistency(5, 8, &root1, &root2, proof, n));
}

static void root_of_every_size_is_the_definition_s(void **state)
{
	(void)state;
	struct frontier f = {0};
	for (size_t n = 0; n <= TREE_MAX; n++) {
		struct hash want, got;
		root_by_definition(leaves, n, &want);
		merkle_root(leaves, n, &got);
		assert_true(hash_equal(&want, &got));
		frontier_root(&f, &got);
		assert_true(hash_equal(&want, &got));
		if (n < TREE_MAX)
			frontier_append(&f, &leaves[n]);
	}
}

/* One proof with what it proves; `part` reaches every hash of it in turn. */
struct claim {
	bool inclusion;
	uint64_t a, b;	      /* index and size, or size1 and size2 */
	struct hash from, to; /* leaf and root, or root1 and root2 */
	struct hash proof[MERKLE_PROOF_MAX + 2];
	size_t n;
};

static bool claim_holds(const struct claim *c)
{
	return c->inclusion
		? merkle_verify_inclusion(&c->from, c->a, c->b, c->proof, c->n, &c->to)
		: merkle_verify_consistency(c->a, c->b, &c->from, &c->to, c->proof, c->n);
}

static size_t claim_parts(const struct claim *c)
{
	return c->n + 2;
}

static struct hash *claim_part(struct claim *c, size_t i)
{
	return i < c->n ? &c->proof[i] : i == c->n ? &c->from : &c->to;
}

static struct claim claim_inclusion(size_t size, size_t index)
{
	struct claim c = {.inclusion = true, .a = index, .b = size, .from = leaves[index]};
	merkle_root(leaves, size, &c.to);
	merkle_prove_inclusion(leaves, size, index, c.proof, &c.n);
	return c;
}

static struct claim claim_consistency(size_t size2, size_t size1)
{
	struct claim c = {.a = size1, .b = size2};
	merkle_root(leaves, size1, &c.from);
	merkle_root(leaves, size2, &c.to);
	merkle_prove_consistency(leaves, size2, size1, c.proof, &c.n);
	return c;
}

static void assert_flips_are_refused(struct claim *c)
{
	for (size_t i = 0; i < claim_parts(c); i++) {
		uint8_t *b = claim_part(c, i)->b;
		size_t step = c->b <= FULL_MAX ? 1 : 8 * HASH_BYTES;
		for (size_t bit = (i * 37 + c->a * 11 + c->b) % step; bit < 8 * HASH_BYTES;
			bit += step) {
			b[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_false(claim_holds(c));
			b[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
}

static void assert_other_lengths_are_refused(const struct claim *c)
{
	struct claim bad = *c;
	for (bad.n = 0; bad.n < c->n; bad.n++)
		assert_false(claim_holds(&bad));
	for (size_t at = 0; at <= c->n; at++) {
		bad = *c;
		memmove(&bad.proof[at + 1], &bad.proof[at], (c->n - at) * sizeof bad.proof[0]);
		bad.proof[at] = at < c->n ? c->proof[at] : c->to;
		bad.n++;
		assert_false(claim_holds(&bad));
	}
	for (size_t at = 0; at < c->n; at++) {
		bad = *c;
		memmove(&bad.proof[at], &bad.proof[at + 1], (c->n - at - 1) * sizeof bad.proof[0]);
		bad.n--;
		assert_false(claim_holds(&bad));
	}
}

static void assert_swaps_are_refused(struct claim *c)
{
	for (size_t i = 0; i < claim_parts(c); i++)
		for (size_t j = i + 1; j < claim_parts(c); j++) {
			struct hash *x = claim_part(c, i), *y = claim_part(c, j), was = *x;
			if (hash_equal(x, y))
				continue;
			*x = *y;
			*y = was;
			assert_false(claim_holds(c));
			*y = *x;
			*x = was;
		}
}

static void assert_only_this_claim_holds(struct claim *c)
{
	assert_true(claim_holds(c));
	assert_true(c->n <= MERKLE_PROOF_MAX);
	assert_flips_are_refused(c);
	assert_other_lengths_are_refused(c);
	assert_swaps_are_refused(c);
	assert_true(claim_holds(c));
}

static void every_inclusion_proof_holds_and_every_change_of_it_is_refused(void **state)
{
	(void)state;
	for (size_t size = 1; size <= TREE_MAX; size++)
		for (size_t index = 0; index < size; index++) {
			struct claim c = claim_inclusion(size, index);
			assert_only_this_claim_holds(&c);
			c.a = size;
			assert_false(claim_holds(&c));
		}
}

static void every_consistency_proof_holds_and_every_change_of_it_is_refused(void **state)
{
	(void)state;
	for (size_t size2 = 1; size2 <= TREE_MAX; size2++)
		for (size_t size1 = 1; size1 <= size2; size1++) {
			struct claim c = claim_consistency(size2, size1);
			assert_only_this_claim_holds(&c);
		}
}

/* A proof names its leaf's place: it never holds for another index of the same tree. */
static void proof_of_one_index_is_refused_for_every_other(void **state)
{
	(void)state;
	for (size_t size = 2; size <= 40; size++)
		for (size_t index = 0; index < size; index++) {
			struct claim c = claim_inclusion(size, index);
			for (c.a = 0; c.a < size + 2; c.a++)
				assert_int_equal(claim_holds(&c), c.a == index);
		}
}

/* That the first tree has another size must never pass with the same roots. */
static void consistency_is_refused_for_every_other_first_size(void **state)
{
	(void)state;
	for (size_t size2 = 1; size2 <= 40; size2++)
		for (size_t size1 = 1; size1 < size2; size1++) {
			struct claim c = claim_consistency(size2, size1);
			for (c.a = 0; c.a <= size2 + 1; c.a++)
				assert_int_equal(claim_holds(&c), c.a == size1);
		}
}

/* The right part of a tree is a tree too: that a proof goes on above its root must be noticed. */
static void proof_that_goes_on_above_the_claimed_size_is_refused(void **state)
{
	(void)state;
	for (size_t size = 2; size <= 40; size++) {
		size_t left = 1;
		while (2 * left < size)
			left *= 2;
		for (size_t i = left; i < size; i++) {
			struct claim c = claim_inclusion(size, i);
			c.a -= left;
			c.b -= left;
			assert_false(claim_holds(&c));
		}
		for (size_t old = left + 1; old < size; old++) {
			struct claim c = claim_consistency(size, old);
			c.a -= left;
			c.b -= left;
			assert_false(claim_holds(&c));
		}
	}
}

static void missing_proof_is_refused(void **state)
{
	(void)state;
	for (uint64_t size = 2; size <= 40; size++)
		for (uint64_t i = 1; i < size; i++) {
			assert_false(
				merkle_verify_inclusion(&leaves[0], i, size, NULL, 0, &leaves[0]));
			assert_false(merkle_verify_consistency(
				i, size, &leaves[0], &leaves[0], NULL, 0));
		}
}

static void history_rewritten_under_the_old_size_is_refused(void **state)
{
	(void)state;
	for (size_t size2 = 2; size2 <= 33; size2++)
		for (size_t size1 = 1; size1 < size2; size1++) {
			struct claim honest = claim_consistency(size2, size1);
			uint8_t *b = leaves[size1 - 1].b;
			b[0] ^= 1;
			struct claim forged = claim_consistency(size2, size1);
			b[0] ^= 1;
			assert_true(claim_holds(&forged));
			forged.from = honest.from;
			assert_false(claim_holds(&forged));
		}
}

/* What was read one after the other in spans is the proof, and it says both roots. */
static void expect_both_roots(size_t size1, size_t size2)
{
	struct merkle_spans s;
	struct hash proof[MERKLE_PROOF_MAX + 1], old, new, want_old, want_new;
	size_t n;
	merkle_spans_begin(&s, size1, size2);
	for (size_t i = 0; i < size2; i++)
		merkle_spans_add(&s, &leaves[i]);
	merkle_spans_end(&s, proof, &n);
	merkle_root(leaves, size1, &want_old);
	merkle_root(leaves, size2, &want_new);
	assert_true(merkle_consistency_roots(size1, size2, proof, n, &old, &new));
	assert_true(hash_equal(&old, &want_old));
	assert_true(hash_equal(&new, &want_new));
	assert_false(merkle_consistency_roots(size1, size2, proof, n - 1, &old, &new));
	proof[n] = leaves[0];
	assert_false(merkle_consistency_roots(size1, size2, proof, n + 1, &old, &new));
	bool complete = (size1 & (size1 - 1)) == 0;
	assert_true(merkle_verify_consistency(size1, size2, &want_old, &want_new,
		complete ? proof + 1 : proof, complete ? n - 1 : n));
}

static void consistency_proof_read_in_spans_says_both_roots(void **state)
{
	(void)state;
	for (size_t size2 = 2; size2 <= TREE_MAX; size2++)
		for (size_t size1 = 1; size1 < size2; size1++)
			expect_both_roots(size1, size2);
}

static void roots_of_no_two_sizes_are_none(void **state)
{
	(void)state;
	struct hash old, new;
	assert_false(merkle_consistency_roots(0, 5, leaves, 3, &old, &new));
	assert_false(merkle_consistency_roots(5, 5, leaves, 0, &old, &new));
	assert_false(merkle_consistency_roots(6, 5, leaves, 3, &old, &new));
	assert_false(merkle_consistency_roots(5, 8, leaves, 0, &old, &new));
	assert_false(merkle_consistency_roots(1, UINT64_MAX, leaves, TREE_MAX, &old, &new));
}

static void proofs_at_the_largest_sizes_end(void **state)
{
	(void)state;
	struct hash proof[128] = {0};
	for (size_t n = 0; n <= 128; n++) {
		assert_false(merkle_verify_inclusion(
			&leaves[0], UINT64_MAX - 1, UINT64_MAX, proof, n, &leaves[1]));
		assert_false(merkle_verify_inclusion(
			&leaves[0], UINT64_MAX, UINT64_MAX, proof, n, &leaves[1]));
		assert_false(
			merkle_verify_inclusion(&leaves[0], 0, UINT64_MAX, proof, n, &leaves[1]));
		assert_false(merkle_verify_consistency(
			UINT64_MAX - 1, UINT64_MAX, &leaves[0], &leaves[1], proof, n));
		assert_false(merkle_verify_consistency(
			(uint64_t)1 << 63, UINT64_MAX, &leaves[0], &leaves[1], proof, n));
	}
}

static void parse_proof(char *text, struct hash *proof, size_t *n)
{
	*n = 0;
	for (char *save, *s = strtok_r(text, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		assert_true(*n < MERKLE_PROOF_MAX);
		hash_of_hex(s, &proof[(*n)++]);
	}
}

static uint64_t number_of(const char *text)
{
	uint64_t n;
	assert_true(decimal_parse(bytes_str(text), UINT64_MAX, &n));
	return n;
}

static bool inclusion_line_holds(char *const field[])
{
	struct claim c = {.inclusion = true, .a = number_of(field[1]), .b = number_of(field[2])};
	hash_of_hex(field[0], &c.from);
	hash_of_hex(field[3], &c.to);
	parse_proof(field[4], c.proof, &c.n);
	return claim_holds(&c);
}

static bool consistency_line_holds(char *const field[])
{
	struct claim c = {.a = number_of(field[0]), .b = number_of(field[1])};
	hash_of_hex(field[2], &c.from);
	hash_of_hex(field[3], &c.to);
	parse_proof(field[4], c.proof, &c.n);
	return claim_holds(&c);
}

static void inclusion_cases_are_judged_as_the_recursive_definition_does(void **state)
{
	(void)state;
	struct vector_counts c =
		vector_file_check("tests/vectors/merkle_inclusion.txt", 5, inclusion_line_holds);
	assert_true(c.ok >= 14);
	assert_true(c.bad >= 100);
}

static void consistency_cases_are_judged_as_the_recursive_definition_does(void **state)
{
	(void)state;
	struct vector_counts c = vector_file_check(
		"tests/vectors/merkle_consistency.txt", 5, consistency_line_holds);
	assert_true(c.ok >= 14);
	assert_true(c.bad >= 100);
}

static void frontier_survives_its_encoding_at_every_size(void **state)
{
	(void)state;
	struct frontier f = {0};
	struct buf b = {0};
	for (size_t n = 0; n <= TREE_MAX; n++) {
		struct frontier back;
		struct err e = {0};
		struct hash want, got;
		buf_reset(&b);
		frontier_encode(&f, &b);
		assert_int_equal(frontier_decode(buf_bytes(&b), &back, &e), 0);
		frontier_root(&f, &want);
		frontier_root(&back, &got);
		assert_true(hash_equal(&want, &got));
		if (n == TREE_MAX)
			break;
		frontier_append(&back, &leaves[n]);
		f = back;
	}
	buf_release(&b);
}

static void frontier_of_a_wrong_length_or_size_is_refused(void **state)
{
	(void)state;
	struct frontier f = {0}, back = {.size = 77};
	for (size_t i = 0; i < 5; i++)
		frontier_append(&f, &leaves[i]);
	struct buf b = {0};
	struct err e = {0};
	frontier_encode(&f, &b);
	assert_int_equal(b.n, 8 + 2 * HASH_BYTES);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(frontier_decode(bytes_of(b.p, n), &back, &e), RC_CORRUPT);
	buf_put_u8(&b, 0);
	assert_int_equal(frontier_decode(buf_bytes(&b), &back, &e), RC_CORRUPT);
	buf_reset(&b);
	buf_put_u64be(&b, (uint64_t)1 << MERKLE_LEVELS);
	buf_put(&b, leaves[0].b, HASH_BYTES);
	assert_int_equal(frontier_decode(buf_bytes(&b), &back, &e), RC_CORRUPT);
	assert_int_equal(back.size, 77);
	buf_reset(&b);
	buf_put_u64be(&b, (uint64_t)1 << (MERKLE_LEVELS - 1));
	buf_put(&b, leaves[0].b, HASH_BYTES);
	assert_int_equal(frontier_decode(buf_bytes(&b), &back, &e), 0);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_of_the_reference_leaves_are_the_published_ones),
		cmocka_unit_test(inclusion_of_reference_leaf_5_is_the_golden_proof),
		cmocka_unit_test(consistency_of_5_with_8_reference_leaves_is_the_golden_proof),
		cmocka_unit_test(root_of_every_size_is_the_definition_s),
		cmocka_unit_test(every_inclusion_proof_holds_and_every_change_of_it_is_refused),
		cmocka_unit_test(every_consistency_proof_holds_and_every_change_of_it_is_refused),
		cmocka_unit_test(proof_of_one_index_is_refused_for_every_other),
		cmocka_unit_test(consistency_is_refused_for_every_other_first_size),
		cmocka_unit_test(proof_that_goes_on_above_the_claimed_size_is_refused),
		cmocka_unit_test(missing_proof_is_refused),
		cmocka_unit_test(history_rewritten_under_the_old_size_is_refused),
		cmocka_unit_test(consistency_proof_read_in_spans_says_both_roots),
		cmocka_unit_test(roots_of_no_two_sizes_are_none),
		cmocka_unit_test(proofs_at_the_largest_sizes_end),
		cmocka_unit_test(inclusion_cases_are_judged_as_the_recursive_definition_does),
		cmocka_unit_test(consistency_cases_are_judged_as_the_recursive_definition_does),
		cmocka_unit_test(frontier_survives_its_encoding_at_every_size),
		cmocka_unit_test(frontier_of_a_wrong_length_or_size_is_refused),
	};
	return cmocka_run_group_tests(tests, make_leaves, NULL);
}
