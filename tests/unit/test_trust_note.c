#include "tests/unit/golden.h"

#include <stdlib.h>

#include <sodium.h>

#include "proto/base/limits.h"
#include "proto/base/text.h"

#define DASH "\xe2\x80\x94 "

static unsigned verifications;

/* Stands in for libsodium's function of this name, which does the same, to count the calls. */
int crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m,
	unsigned long long n, const unsigned char *pk)
{
	verifications++;
	return crypto_sign_ed25519_verify_detached(sig, m, n, pk);
}

static int start(void **state)
{
	(void)state;
	struct err e = {0};
	return trust_init(&e);
}

static int parse(const char *text, struct note *n)
{
	struct err e = {0};
	int rc = note_parse(bytes_str(text), n, &e);
	assert_int_equal(rc, e.rc);
	return rc;
}

static void assert_refused(const char *text)
{
	struct note n;
	if (parse(text, &n) != RC_NOTE)
		fail_msg("not refused: %s", text);
}

static void golden_note_is_signed_by_its_four_keys(void **state)
{
	(void)state;
	struct buf text = {0};
	struct note n;
	struct err e = {0};
	golden_note(&text);
	assert_int_equal(note_parse(buf_bytes(&text), &n, &e), 0);
	assert_int_equal(n.n, GOLDEN_SIGNERS);
	for (size_t i = 0; i < GOLDEN_SIGNERS; i++) {
		struct vkey v = golden_vkey(i);
		uint64_t time = 77;
		assert_true(note_is_signed_by(&n, &v, &time));
		assert_int_equal(time, i == 0 ? 0 : GOLDEN_TIME);
		assert_true(note_is_signed_by(&n, &v, NULL));
		assert_true(bytes_equal(n.sig[i].name, bytes_str(golden_signers[i].name)));
		assert_int_equal(n.sig[i].line.p[n.sig[i].line.n - 1], '\n');
	}
	buf_release(&text);
}

static void signature_lines_written_by_the_test_keys_are_the_golden_ones(void **state)
{
	(void)state;
	struct buf text = {0}, made = {0};
	struct note n;
	struct err e = {0};
	golden_note(&text);
	assert_int_equal(note_parse(buf_bytes(&text), &n, &e), 0);
	buf_put_bytes(&made, n.text);
	buf_put_str(&made, "\n");
	for (size_t i = 0; i < GOLDEN_SIGNERS; i++) {
		struct vkey v = golden_vkey(i);
		struct key k;
		golden_key(&k, golden_signers[i].seed);
		if (v.algorithm == NOTE_ED25519)
			note_put_signature(&made, &v, &k, n.text);
		else
			note_put_cosignature(&made, &v, &k, n.text, GOLDEN_TIME);
		key_release(&k);
	}
	assert_true(bytes_equal(buf_bytes(&made), buf_bytes(&text)));
	buf_release(&made);
	buf_release(&text);
}

static void key_that_did_not_sign_is_not_found(void **state)
{
	(void)state;
	struct buf text = {0};
	struct note n;
	struct err e = {0};
	struct key k;
	struct vkey v;
	uint64_t time = 77;
	golden_note(&text);
	assert_int_equal(note_parse(buf_bytes(&text), &n, &e), 0);
	golden_key(&k, 5);
	assert_int_equal(
		vkey_make(&v, "yrd.example/witness/office", NOTE_COSIGNATURE, k.public, &e), 0);
	assert_false(note_is_signed_by(&n, &v, &time));
	/* jiangsu's name with another key, and jiangsu's key under another name. */
	assert_int_equal(vkey_make(&v, golden_signers[1].name, NOTE_COSIGNATURE, k.public, &e), 0);
	assert_false(note_is_signed_by(&n, &v, &time));
	struct vkey jiangsu = golden_vkey(1);
	assert_int_equal(vkey_make(&v, "x", NOTE_COSIGNATURE, jiangsu.public, &e), 0);
	assert_false(note_is_signed_by(&n, &v, &time));
	/* One key in two algorithms has two ids. */
	assert_int_equal(
		vkey_make(&v, golden_signers[1].name, NOTE_ED25519, jiangsu.public, &e), 0);
	assert_false(note_is_signed_by(&n, &v, &time));
	assert_int_equal(time, 77);
	key_release(&k);
	buf_release(&text);
}

/* A key of ours with its verifier, and a note it can sign in parts. */
struct desk {
	struct key k;
	struct vkey v;
	struct buf note;
};

#define TEXT "line one\n\nline three\n"

static void desk_open(struct desk *d, uint8_t algorithm)
{
	struct err e = {0};
	memset(d, 0, sizeof *d);
	golden_key(&d->k, 9);
	assert_int_equal(vkey_make(&d->v, "desk", algorithm, d->k.public, &e), 0);
	buf_put_str(&d->note, TEXT "\n");
}

static void desk_close(struct desk *d)
{
	buf_release(&d->note);
	key_release(&d->k);
}

static void desk_put_raw(struct desk *d, const void *raw, size_t n_raw)
{
	struct buf blob = {0};
	buf_put_u32be(&blob, d->v.id);
	buf_put(&blob, raw, n_raw);
	buf_printf(&d->note, DASH "%s ", d->v.name);
	base64_encode(&d->note, blob.p, blob.n);
	buf_put_str(&d->note, "\n");
	buf_release(&blob);
}

static bool desk_signed(const struct desk *d, uint64_t *time)
{
	struct note n;
	struct err e = {0};
	assert_int_equal(note_parse(buf_bytes(&d->note), &n, &e), 0);
	assert_true(bytes_equal(n.text, bytes_str(TEXT)));
	return note_is_signed_by(&n, &d->v, time);
}

static void line_that_is_repeated_counts_and_costs_once(void **state)
{
	(void)state;
	struct desk d;
	uint64_t time = 77;
	desk_open(&d, NOTE_COSIGNATURE);
	note_put_cosignature(&d.note, &d.v, &d.k, bytes_str(TEXT), 1);
	for (size_t i = 1; i < NOTE_SIGNATURES_MAX; i++)
		note_put_cosignature(&d.note, &d.v, &d.k, bytes_str(TEXT), 2);
	verifications = 0;
	assert_true(desk_signed(&d, &time));
	assert_int_equal(time, 2);
	assert_int_equal(verifications, 2);
	desk_close(&d);
}

static void one_bad_line_of_a_known_key_spoils_the_good_ones(void **state)
{
	(void)state;
	uint8_t raw[SIGNATURE_BYTES] = {0};
	struct desk d;
	desk_open(&d, NOTE_ED25519);
	desk_put_raw(&d, raw, sizeof raw);
	assert_false(desk_signed(&d, NULL));
	note_put_signature(&d.note, &d.v, &d.k, bytes_str(TEXT));
	assert_false(desk_signed(&d, NULL));
	desk_close(&d);
	desk_open(&d, NOTE_ED25519);
	note_put_signature(&d.note, &d.v, &d.k, bytes_str(TEXT));
	note_put_signature(&d.note, &d.v, &d.k, bytes_str("another text\n"));
	assert_false(desk_signed(&d, NULL));
	desk_close(&d);
}

static void line_with_a_known_name_or_a_known_id_alone_is_ignored(void **state)
{
	(void)state;
	uint8_t raw[SIGNATURE_BYTES] = {0};
	struct desk d;
	desk_open(&d, NOTE_ED25519);
	d.v.id ^= 1;
	desk_put_raw(&d, raw, sizeof raw);
	d.v.id ^= 1;
	snprintf(d.v.name, sizeof d.v.name, "desk2");
	desk_put_raw(&d, raw, sizeof raw);
	snprintf(d.v.name, sizeof d.v.name, "desk");
	assert_false(desk_signed(&d, NULL));
	note_put_signature(&d.note, &d.v, &d.k, bytes_str(TEXT));
	assert_true(desk_signed(&d, NULL));
	desk_close(&d);
}

static void signature_with_s_plus_the_order_is_refused(void **state)
{
	(void)state;
	uint8_t raw[SIGNATURE_BYTES];
	struct desk d;
	desk_open(&d, NOTE_ED25519);
	key_sign(&d.k, bytes_str(TEXT), raw);
	golden_add_order(raw);
	desk_put_raw(&d, raw, sizeof raw);
	assert_false(desk_signed(&d, NULL));
	desk_close(&d);
}

/* Of every length that a line can have, only the algorithm's own passes. */
static void signature_of_another_length_is_refused(void **state)
{
	(void)state;
	for (unsigned algorithm = 1; algorithm <= 4; algorithm += 3)
		for (size_t n = 1; n <= 200; n++) {
			uint8_t raw[200] = {0};
			struct desk d;
			desk_open(&d, (uint8_t)algorithm);
			key_sign(&d.k, bytes_str(TEXT), raw);
			if (algorithm == NOTE_COSIGNATURE) {
				static const char message[] = "cosignature/v1\ntime 5\n" TEXT;
				put_u64be(raw, 5);
				key_sign(&d.k, bytes_str(message), raw + 8);
			}
			desk_put_raw(&d, raw, n);
			size_t right = algorithm == NOTE_ED25519 ? 64 : 72;
			assert_int_equal(desk_signed(&d, NULL), n == right);
			desk_close(&d);
		}
}

static void long_signature_of_an_unknown_algorithm_is_ignored(void **state)
{
	(void)state;
	uint8_t *raw = xalloc(5000);
	struct desk d;
	desk_open(&d, NOTE_ED25519);
	d.v.id ^= 1;
	desk_put_raw(&d, raw, 5000);
	d.v.id ^= 1;
	note_put_signature(&d.note, &d.v, &d.k, bytes_str(TEXT));
	assert_true(desk_signed(&d, NULL));
	desk_close(&d);
	free(raw);
}

static void newest_time_of_several_cosignatures_is_given(void **state)
{
	(void)state;
	struct desk d;
	uint64_t time = 77;
	desk_open(&d, NOTE_COSIGNATURE);
	note_put_cosignature(&d.note, &d.v, &d.k, bytes_str(TEXT), 20);
	note_put_cosignature(&d.note, &d.v, &d.k, bytes_str(TEXT), 30);
	note_put_cosignature(&d.note, &d.v, &d.k, bytes_str(TEXT), 10);
	assert_true(desk_signed(&d, &time));
	assert_int_equal(time, 30);
	desk_close(&d);
}

static void time_of_a_cosignature_is_signed_and_below_2_63(void **state)
{
	(void)state;
	static const uint64_t times[] = {
		0, 1, INT64_MAX - 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		struct desk d;
		struct buf message = {0};
		uint8_t raw[8 + SIGNATURE_BYTES];
		uint64_t time = 77;
		desk_open(&d, NOTE_COSIGNATURE);
		buf_printf(
			&message, "cosignature/v1\ntime %llu\n" TEXT, (unsigned long long)times[i]);
		put_u64be(raw, times[i]);
		key_sign(&d.k, buf_bytes(&message), raw + 8);
		desk_put_raw(&d, raw, sizeof raw);
		bool ok = times[i] > 0 && times[i] <= INT64_MAX;
		assert_int_equal(desk_signed(&d, &time), ok);
		assert_int_equal(time, ok ? times[i] : 77);
		raw[7] ^= 1;
		desk_put_raw(&d, raw, sizeof raw);
		assert_false(desk_signed(&d, &time));
		buf_release(&message);
		desk_close(&d);
	}
}

/* An Ed25519 signature over the text must not pass for a cosignature of it, nor the reverse. */
static void signature_of_one_kind_does_not_pass_for_the_other(void **state)
{
	(void)state;
	uint8_t raw[8 + SIGNATURE_BYTES] = {0};
	struct desk d;
	desk_open(&d, NOTE_COSIGNATURE);
	key_sign(&d.k, bytes_str(TEXT), raw + 8);
	desk_put_raw(&d, raw, sizeof raw);
	assert_false(desk_signed(&d, NULL));
	desk_close(&d);
	desk_open(&d, NOTE_ED25519);
	key_sign(&d.k, bytes_str("cosignature/v1\ntime 0\n" TEXT), raw);
	desk_put_raw(&d, raw, SIGNATURE_BYTES);
	assert_false(desk_signed(&d, NULL));
	desk_close(&d);
}

static void changed_text_is_signed_by_nobody(void **state)
{
	(void)state;
	struct buf text = {0};
	golden_note(&text);
	struct note n;
	struct err e = {0};
	assert_int_equal(note_parse(buf_bytes(&text), &n, &e), 0);
	size_t n_text = n.text.n;
	for (size_t i = 0; i < 8 * n_text; i++) {
		text.p[i / 8] ^= (uint8_t)(1U << i % 8);
		if (note_parse(buf_bytes(&text), &n, &e) == 0)
			for (size_t s = 0; s < GOLDEN_SIGNERS; s++) {
				struct vkey v = golden_vkey(s);
				assert_false(note_is_signed_by(&n, &v, NULL));
			}
		text.p[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	buf_release(&text);
}

#define SIG DASH "desk AAAAAAE="

static void note_in_good_form_is_taken(void **state)
{
	(void)state;
	struct note n;
	assert_int_equal(parse("t\n\n" SIG "\n", &n), 0);
	assert_int_equal(n.n, 1);
	assert_int_equal(n.sig[0].id, 0);
	assert_int_equal(n.sig[0].n_raw, 1);
	assert_int_equal(n.sig[0].raw[0], 1);
	assert_true(bytes_equal(n.sig[0].line, bytes_str(SIG "\n")));
	assert_int_equal(parse("\n\n" SIG "\n", &n), 0);
	assert_true(bytes_equal(n.text, bytes_str("\n")));
}

static void last_empty_line_separates_text_from_signatures(void **state)
{
	(void)state;
	struct note n;
	assert_int_equal(parse("t\n\n" SIG "\n\n" SIG "\n", &n), 0);
	assert_true(bytes_equal(n.text, bytes_str("t\n\n" SIG "\n")));
	assert_int_equal(n.n, 1);
	assert_int_equal(parse("t\n\n\n" SIG "\n", &n), 0);
	assert_true(bytes_equal(n.text, bytes_str("t\n\n")));
}

static void note_of_another_form_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "\n", "\n\n", "t", "t\n", "t\n\n", "t\n\n\n",
		SIG "\n", "\n" SIG "\n", "t\n" SIG "\n", "t\n\n" SIG, "t\n\n" SIG "\n\n",
		"t\n\n" SIG "\n" SIG, "t\n\n" SIG "\nx\n", "t\n\n " SIG "\n",
		"t\r\n\r\n" SIG "\r\n", "t\n\n" SIG "\r\n", "t\r\n\n" SIG "\n", "t\tt\n\n" SIG "\n",
		"t\x01\n\n" SIG "\n", "t\x7f\n\n" SIG "\n", "t\xff\n\n" SIG "\n",
		"t\xc0\x80\n\n" SIG "\n", "t\xed\xa0\x80\n\n" SIG "\n",
		"t\xe2\x80\xae\n\n" SIG "\n"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_refused(bad[i]);
}

static void note_with_a_nul_is_refused(void **state)
{
	(void)state;
	static const char text[] = "t\0t\n\n" SIG "\n";
	struct note n;
	struct err e = {0};
	assert_int_equal(note_parse(bytes_of(text, sizeof text - 1), &n, &e), RC_NOTE);
}

static void signature_line_of_another_form_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "- desk AAAAAAE=", "\xe2\x80\x93 desk AAAAAAE=",
		"\xe2\x80\x94"
		"desk AAAAAAE=",
		DASH, DASH "desk", DASH "desk ", DASH " AAAAAAE=", DASH "desk  AAAAAAE=",
		DASH "desk AAAAAAE= ", DASH "desk AAAAAAE= x", DASH "de+sk AAAAAAE=",
		DASH "de\xe3\x80\x80sk AAAAAAE=", DASH "de\xc2\xa0sk AAAAAAE=", DASH "desk AAAAAAE",
		DASH "desk AAAAAAF=", DASH "desk AAAAAA==", DASH "desk AAAA",
		DASH "desk AAAAAAE=AAAA", DASH "desk AAAAA*E=", DASH "desk ____AAE="};
	char text[200];
	struct note n;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, "t\n\n%s\n", bad[i]);
		assert_refused(text);
		snprintf(text, sizeof text, "t\n\n" SIG "\n%s\n", bad[i]);
		if (bad[i][0] != '\0')
			assert_refused(text);
	}
	assert_int_equal(parse("t\n\n" DASH "desk AAAAAAAA\n", &n), 0);
	assert_int_equal(n.sig[0].n_raw, 2);
}

static void signatures_are_at_most_64(void **state)
{
	(void)state;
	for (size_t count = NOTE_SIGNATURES_MAX - 1; count <= NOTE_SIGNATURES_MAX + 1; count++) {
		struct buf b = {0};
		struct note n;
		struct err e = {0};
		buf_put_str(&b, "t\n\n");
		for (size_t i = 0; i < count; i++)
			buf_printf(&b, DASH "desk%zu AAAAAAE=\n", i);
		assert_int_equal(note_parse(buf_bytes(&b), &n, &e),
			count <= NOTE_SIGNATURES_MAX ? 0 : RC_NOTE);
		if (count <= NOTE_SIGNATURES_MAX)
			assert_int_equal(n.n, count);
		buf_release(&b);
	}
}

static void note_is_at_most_64_kib_long(void **state)
{
	(void)state;
	for (size_t size = LIMIT_SIGNED_NOTE_BYTES - 1; size <= LIMIT_SIGNED_NOTE_BYTES + 1;
		size++) {
		struct buf b = {0};
		struct note n;
		struct err e = {0};
		size_t rest = strlen("\n\n" SIG "\n");
		memset(buf_reserve(&b, size - rest), 't', size - rest);
		b.n = size - rest;
		buf_put_str(&b, "\n\n" SIG "\n");
		assert_int_equal(b.n, size);
		assert_int_equal(note_parse(buf_bytes(&b), &n, &e),
			size <= LIMIT_SIGNED_NOTE_BYTES ? 0 : RC_NOTE);
		buf_release(&b);
	}
}

/* Only where a signature line ends is a cut note a note again. */
static void note_cut_inside_a_line_is_refused(void **state)
{
	(void)state;
	struct buf text = {0};
	golden_note(&text);
	struct note n;
	struct err e = {0};
	assert_int_equal(note_parse(buf_bytes(&text), &n, &e), 0);
	size_t n_text = n.text.n, taken = 0;
	for (size_t cut = 0; cut < text.n; cut++) {
		uint8_t *exact = xmemdup(text.p, cut);
		int rc = note_parse(bytes_of(exact, cut), &n, &e);
		bool line_end = cut > n_text + 1 && text.p[cut - 1] == '\n';
		assert_int_equal(rc, line_end ? 0 : RC_NOTE);
		taken += rc == 0;
		free(exact);
	}
	assert_int_equal(taken, GOLDEN_SIGNERS - 1);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_note_is_signed_by_its_four_keys),
		cmocka_unit_test(signature_lines_written_by_the_test_keys_are_the_golden_ones),
		cmocka_unit_test(key_that_did_not_sign_is_not_found),
		cmocka_unit_test(line_that_is_repeated_counts_and_costs_once),
		cmocka_unit_test(one_bad_line_of_a_known_key_spoils_the_good_ones),
		cmocka_unit_test(line_with_a_known_name_or_a_known_id_alone_is_ignored),
		cmocka_unit_test(signature_with_s_plus_the_order_is_refused),
		cmocka_unit_test(signature_of_another_length_is_refused),
		cmocka_unit_test(long_signature_of_an_unknown_algorithm_is_ignored),
		cmocka_unit_test(newest_time_of_several_cosignatures_is_given),
		cmocka_unit_test(time_of_a_cosignature_is_signed_and_below_2_63),
		cmocka_unit_test(signature_of_one_kind_does_not_pass_for_the_other),
		cmocka_unit_test(changed_text_is_signed_by_nobody),
		cmocka_unit_test(note_in_good_form_is_taken),
		cmocka_unit_test(last_empty_line_separates_text_from_signatures),
		cmocka_unit_test(note_of_another_form_is_refused),
		cmocka_unit_test(note_with_a_nul_is_refused),
		cmocka_unit_test(signature_line_of_another_form_is_refused),
		cmocka_unit_test(signatures_are_at_most_64),
		cmocka_unit_test(note_is_at_most_64_kib_long),
		cmocka_unit_test(note_cut_inside_a_line_is_refused),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
