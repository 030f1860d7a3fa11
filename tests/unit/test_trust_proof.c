#include "tests/unit/golden.h"

#include <stdlib.h>

#include "proto/base/text.h"
#include "proto/trust/proof.h"

static char golden[4096];

static int start(void **state)
{
	(void)state;
	struct err e = {0};
	FILE *file = fopen("tests/vectors/golden.tlog-proof", "r");
	assert_non_null(file);
	golden[fread(golden, 1, sizeof golden - 1, file)] = '\0';
	assert_int_equal(fclose(file), 0);
	return trust_init(&e);
}

/* The 8 reference inputs of PROTOCOL 11. */
static void reference_leaf_hash(size_t i, struct hash *out)
{
	static const struct {
		const char *p;
		size_t n;
	} leaf[8] = {{"", 0}, {"\x00", 1}, {"\x10", 1}, {"\x20\x21", 2}, {"\x30\x31", 2},
		{"\x40\x41\x42\x43", 4}, {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
		{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16}};
	merkle_leaf_hash(bytes_of(leaf[i].p, leaf[i].n), out);
}

static struct proof *parsed(const char *text)
{
	struct proof *p = xalloc(sizeof *p);
	struct err e = {0};
	if (proof_parse(bytes_str(text), p, &e) != RC_OK)
		fail_msg("%s", e.text);
	return p;
}

/* The golden file with the first `from` in it replaced. */
static char *changed(const char *from, const char *to)
{
	struct buf b = {0};
	const char *at = strstr(golden, from);
	assert_non_null(at);
	buf_put(&b, golden, (size_t)(at - golden));
	buf_put_str(&b, to);
	buf_put_str(&b, at + strlen(from));
	buf_put_u8(&b, 0);
	return (char *)b.p;
}

static void assert_refused(char *text, int want)
{
	struct proof *p = xalloc(sizeof *p);
	struct err e = {0};
	int rc = proof_parse(bytes_str(text), p, &e);
	if (rc != want)
		fail_msg("%s, not refused: %s", rc_id(rc), text);
	assert_int_equal(e.rc, want);
	free(p);
	free(text);
}

static void golden_proof_holds_for_its_leaf_and_no_other(void **state)
{
	(void)state;
	struct proof *p = parsed(golden);
	assert_int_equal(p->index, 5);
	assert_int_equal(p->n_path, 3);
	assert_int_equal(p->n_extra, 0);
	assert_int_equal(p->head.size, GOLDEN_SIZE);
	assert_true(bytes_equal(p->head.origin, bytes_str(GOLDEN_ORIGIN)));
	for (size_t i = 0; i < 8; i++) {
		struct hash h;
		reference_leaf_hash(i, &h);
		assert_int_equal(proof_holds(p, &h), i == 5);
	}
	free(p);
}

static void golden_proof_is_written_byte_for_byte(void **state)
{
	(void)state;
	struct proof_path path;
	struct buf note = {0}, out = {0};
	struct proof *p = xalloc(sizeof *p);
	proof_path_begin(&path, 5, 8);
	for (size_t i = 0; i < 8; i++) {
		struct hash h;
		reference_leaf_hash(i, &h);
		proof_path_add(&path, &h);
	}
	proof_path_end(&path, p->path, &p->n_path);
	golden_note(&note);
	p->index = 5;
	p->note = buf_bytes(&note);
	proof_print(p, &out);
	assert_true(bytes_equal(buf_bytes(&out), bytes_str(golden)));
	buf_release(&note);
	buf_release(&out);
	free(p);
}

static void path_is_that_of_the_tree_in_memory_for_every_leaf_of_every_size(void **state)
{
	(void)state;
	struct hash leaves[70];
	for (size_t i = 0; i < 70; i++)
		sha256(bytes_of(&i, sizeof i), &leaves[i]);
	for (size_t n = 1; n <= 70; n++)
		for (size_t index = 0; index < n; index++) {
			struct hash want[MERKLE_PROOF_MAX], made[MERKLE_PROOF_MAX];
			size_t n_want, n_made;
			struct proof_path path;
			merkle_prove_inclusion(leaves, n, index, want, &n_want);
			proof_path_begin(&path, index, n);
			for (size_t i = 0; i < n; i++)
				proof_path_add(&path, &leaves[i]);
			proof_path_end(&path, made, &n_made);
			assert_int_equal(n_made, n_want);
			assert_memory_equal(made, want, n_want * sizeof want[0]);
		}
}

static void leaf_in_the_extra_line_comes_back(void **state)
{
	(void)state;
	char *text = changed("index 5", "extra QEFCQw==\nindex 5");
	struct proof *p = parsed(text);
	struct buf out = {0};
	struct hash h;
	assert_int_equal(p->n_extra, 4);
	merkle_leaf_hash(bytes_of(p->extra, p->n_extra), &h);
	assert_true(proof_holds(p, &h));
	proof_print(p, &out);
	assert_true(bytes_equal(buf_bytes(&out), bytes_str(text)));
	buf_release(&out);
	free(p);
	free(text);
}

static void changed_index_hash_or_root_does_not_hold(void **state)
{
	(void)state;
	static const char *const change[][2] = {{"index 5", "index 4"}, {"\nvBo", "\nvBp"},
		{"037k", "137k"}, {"\nXcna", "\nYcna"}, {"e1\n8\n", "e1\n9\n"}};
	struct hash h;
	reference_leaf_hash(5, &h);
	for (size_t i = 0; i < sizeof change / sizeof change[0]; i++) {
		char *text = changed(change[i][0], change[i][1]);
		struct proof *p = parsed(text);
		assert_false(proof_holds(p, &h));
		free(p);
		free(text);
	}
}

static void file_of_another_form_is_refused(void **state)
{
	(void)state;
	static const char *const change[][2] = {{"@v1", "@v2"}, {"index 5", "index 05"},
		{"index 5", "index 8"}, {"index 5", "index -1"}, {"index 5", "Index 5"},
		{"index 5\n", ""}, {"index 5", "extra \nindex 5"},
		{"index 5", "extra QEFC*w==\nindex 5"},
		{"index 5", "extra QQ==\nextra QQ==\nindex 5"}, {"vBoGQ", "BoGQ"},
		{"nms=\n", "nms=\r\n"}, {"FLc=\n\n", "FLc=\n"}, {"e1\n8\n", "e1\n08\n"},
		{"\xe2\x80\x94", "-"}};
	for (size_t i = 0; i < sizeof change / sizeof change[0]; i++)
		assert_refused(changed(change[i][0], change[i][1]), RC_NOTE);
	for (size_t n = 0; n < strlen(golden); n++) {
		char *cut = xstrdup(golden);
		struct proof *p = xalloc(sizeof *p);
		cut[n] = '\0';
		/* Cut between two signature lines, or the golden file's last LF: still a note. */
		if (n == 0 || cut[n - 1] != '\n' || !strstr(cut, "\xe2\x80\x94"))
			assert_int_equal(proof_parse(bytes_str(cut), p, NULL), RC_NOTE);
		free(p);
		free(cut);
	}
}

static char *with_path_of(size_t n)
{
	struct buf b = {0};
	buf_put_str(&b, "FLc=\n");
	for (size_t i = 3; i < n; i++)
		buf_put_str(&b, "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n");
	buf_put_str(&b, "\n");
	buf_put_u8(&b, 0);
	char *text = changed("FLc=\n\n", (const char *)b.p);
	buf_release(&b);
	return text;
}

static char *with_extra_of(size_t n)
{
	struct buf b = {0}, zeros = {0};
	memset(buf_reserve(&zeros, n), 0, n);
	buf_put_str(&b, "extra ");
	base64_encode(&b, zeros.p, n);
	buf_put_str(&b, "\nindex 5");
	buf_put_u8(&b, 0);
	char *text = changed("index 5", (const char *)b.p);
	buf_release(&b);
	buf_release(&zeros);
	return text;
}

static void limits_are_taken_and_one_more_refused(void **state)
{
	(void)state;
	char *text = with_path_of(MERKLE_PROOF_MAX);
	free(parsed(text));
	free(text);
	assert_refused(with_path_of(MERKLE_PROOF_MAX + 1), RC_NOTE);
	text = with_extra_of(LIMIT_LEAF_BYTES);
	free(parsed(text));
	free(text);
	assert_refused(with_extra_of(LIMIT_LEAF_BYTES + 1), RC_NOTE);
	text = xalloc(PROOF_BYTES_MAX + 2);
	memset(text, 'x', PROOF_BYTES_MAX);
	assert_refused(xstrdup(text), RC_NOTE);
	text[PROOF_BYTES_MAX] = 'x';
	assert_refused(text, RC_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_proof_holds_for_its_leaf_and_no_other),
		cmocka_unit_test(golden_proof_is_written_byte_for_byte),
		cmocka_unit_test(path_is_that_of_the_tree_in_memory_for_every_leaf_of_every_size),
		cmocka_unit_test(leaf_in_the_extra_line_comes_back),
		cmocka_unit_test(changed_index_hash_or_root_does_not_hold),
		cmocka_unit_test(file_of_another_form_is_refused),
		cmocka_unit_test(limits_are_taken_and_one_more_refused),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
