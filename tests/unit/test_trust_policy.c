#include "tests/unit/golden.h"

#include <stdlib.h>

#include "proto/base/text.h"
#include "proto/trust/policy.h"
#include "tests/unit/vector_file.h"

#define LOG_LINE                                                                                   \
	"log yrd.example/log/shanghai/e1+5a45a7cd+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n"
#define JIANGSU                                                                                    \
	"witness jiangsu yrd.example/witness/jiangsu+e2aa7894+"                                    \
	"BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\n"
#define ZHEJIANG                                                                                   \
	"witness zhejiang yrd.example/witness/zhejiang+027f8b0b+"                                  \
	"BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR\n"
#define ANHUI                                                                                      \
	"witness anhui yrd.example/witness/anhui+aae4b1af+"                                        \
	"BMqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58\n"
#define KEYS LOG_LINE JIANGSU ZHEJIANG ANHUI

static struct policy policy;
static struct policy_verdict verdict;
static struct buf note;

static int start(void **state)
{
	(void)state;
	struct err e = {0};
	int rc = trust_init(&e);
	golden_note(&note);
	return rc;
}

static int end(void **state)
{
	(void)state;
	buf_release(&note);
	return 0;
}

static void parse(const char *text)
{
	struct err e = {0};
	if (policy_parse(bytes_str(text), &policy, &e) != RC_OK)
		fail_msg("%s", e.text);
}

static void assert_refused(const char *text, const char *why)
{
	struct err e = {0};
	int rc = policy_parse(bytes_str(text), &policy, &e);
	if (rc != RC_NOTE || !strstr(e.text, why))
		fail_msg("%s, \"%s\": %s", rc_id(rc), e.text, text);
}

static bool enough(const char *text)
{
	struct err e = {0};
	parse(text);
	if (policy_judge(&policy, buf_bytes(&note), &verdict, &e) != RC_OK)
		fail_msg("%s", e.text);
	return verdict.enough;
}

static int judge_changed(const char *from, const char *to)
{
	struct buf b = {0};
	const char *text = (const char *)note.p;
	const char *at = memmem(text, note.n, from, strlen(from));
	assert_non_null(at);
	buf_put(&b, text, (size_t)(at - text));
	buf_put_str(&b, to);
	buf_put(&b, at + strlen(from), note.n - (size_t)(at - text) - strlen(from));
	struct err e = {0};
	int rc = policy_judge(&policy, buf_bytes(&b), &verdict, &e);
	buf_release(&b);
	return rc;
}

static void golden_note_meets_three_of_its_witnesses(void **state)
{
	(void)state;
	assert_true(enough(KEYS "group g 3 jiangsu zhejiang anhui\nquorum g\n"));
	assert_int_equal(verdict.head.size, GOLDEN_SIZE);
	assert_string_equal(verdict.log->name, GOLDEN_ORIGIN);
	for (size_t i = 0; i < 3; i++) {
		assert_true(verdict.cosigned[i]);
		assert_int_equal(verdict.time[i], GOLDEN_TIME);
	}
}

static void witness_that_did_not_sign_is_missed_where_it_counts(void **state)
{
	(void)state;
	struct vkey office;
	struct key k;
	struct buf b = {0};
	golden_key(&k, 5);
	assert_int_equal(
		vkey_make(&office, "yrd.example/witness/office", NOTE_COSIGNATURE, k.public, NULL),
		RC_OK);
	buf_put_str(&b, KEYS "witness office ");
	vkey_print(&office, &b);
	buf_put_str(&b,
		"\ngroup two 2 jiangsu office\ngroup some any zhejiang anhui\n"
		"group both all two some\nquorum \0");
	static const struct {
		const char *quorum;
		bool met;
	} cases[] = {{"none", true}, {"jiangsu", true}, {"office", false}, {"two", false},
		{"some", true}, {"both", false}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[2048];
		snprintf(text, sizeof text, "%.*s%s\n", (int)b.n, (const char *)b.p,
			cases[i].quorum);
		assert_int_equal(enough(text), cases[i].met);
	}
	key_release(&k);
	buf_release(&b);
}

static void words_are_parted_by_blanks_and_comments_passed_over(void **state)
{
	(void)state;
	assert_true(enough("# a comment\n\n \t \n\t" KEYS
			   " \t# another\n  group  g\tall jiangsu\tanhui  \n\tquorum\tg \n"));
	assert_true(enough("log yrd.example/log/shanghai/e1+5a45a7cd+AYqI4910CfGV/"
			   "VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c https://log.example/\nquorum none\n"));
	assert_false(policy.has_cluster);
	parse("# no log\nquorum none\n");
	assert_int_equal(policy.n_logs, 0);
}

static void name_that_is_not_ascii_is_opaque(void **state)
{
	(void)state;
	assert_true(
		enough(LOG_LINE "witness \xff\xe6 yrd.example/witness/jiangsu+e2aa7894+"
				"BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\nquorum \xff\xe6\n"));
}

static void policy_that_breaks_a_rule_is_refused_with_the_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} cases[] = {
		{KEYS, "no quorum"},
		{"", "no quorum"},
		{"quorum none", "line 1: it has no end"},
		{"quorum none\nquorum none\n", "line 2: a second quorum"},
		{"quorum nobody\n", "names nobody"},
		{"quorum\n", "names nobody"},
		{"quorum none none\n", "one name"},
		{"frobnicate x\nquorum none\n", "none of log"},
		{"quorum none\r\n", "control"},
		{"\x7f\nquorum none\n", "control"},
		{"log x\nquorum none\n", "name+id+key"},
		{LOG_LINE LOG_LINE "quorum none\n", "line 2: this log's key"},
		{JIANGSU JIANGSU "quorum none\n", "line 2: this name"},
		{JIANGSU "witness other yrd.example/witness/jiangsu+e2aa7894+"
			 "BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\nquorum none\n",
			"this witness's key"},
		{"witness none yrd.example/witness/jiangsu+e2aa7894+"
		 "BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\nquorum none\n",
			"\"none\""},
		{"witness\nquorum none\n", "name is missing"},
		{"witness w yrd.example/log/shanghai/e1+5a45a7cd+AYqI4910CfGV/"
		 "VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\nquorum none\n",
			"0x04"},
		{"log yrd.example/witness/jiangsu+e2aa7894+"
		 "BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\nquorum none\n",
			"0x01"},
		{"group g 1 jiangsu\n" JIANGSU "quorum g\n", "nobody of the lines before"},
		{"group g 1 g\nquorum none\n", "nobody of the lines before"},
		{KEYS "group g all\nquorum g\n", "at least one"},
		{KEYS "group g 0 jiangsu\nquorum g\n", "at least one"},
		{KEYS "group g 2 jiangsu\nquorum g\n", "at most all"},
		{KEYS "group g 01 jiangsu\nquorum g\n", "all, any or a number"},
		{KEYS "group g any none\nquorum g\n", "nobody"},
		{KEYS "group g 1 jiangsu jiangsu\nquorum g\n", "counts already"},
		{KEYS "group g any jiangsu\ngroup h any jiangsu\nquorum g\n", "counts already"},
		{KEYS "group jiangsu any anhui\nquorum none\n", "this name"},
		{"#deltad cluster 00\nquorum none\n", "64 hex"},
		{"#deltad root x\nquorum none\n", "name+id+key"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_refused(cases[i].text, cases[i].why);
}

static bool is_read(char *const field[])
{
	struct err e = {0};
	size_t n = strlen(field[0]) / 2;
	uint8_t *text = xalloc(n + 1);
	assert_true(hex_decode(bytes_str(field[0]), text, n));
	int rc = policy_parse(bytes_of(text, n), &policy, &e);
	free(text);
	return rc == RC_OK;
}

static void policies_that_every_verifier_reads_and_refuses_alike(void **state)
{
	(void)state;
	struct vector_counts c = vector_file_check("tests/vectors/policies.txt", 1, is_read);
	assert_true(c.ok > 10 && c.bad > 60);
}

static void head_of_an_unknown_log_or_with_a_bad_line_is_refused(void **state)
{
	(void)state;
	parse(JIANGSU "quorum none\n");
	assert_int_equal(judge_changed("\n8\n", "\n8\n"), RC_VERIFY);
	parse(KEYS "quorum none\n");
	assert_int_equal(judge_changed("\n8\n", "\n8\n"), RC_OK);
	assert_int_equal(judge_changed("\n8\n", "\n9\n"), RC_VERIFY);
	assert_int_equal(judge_changed("shanghai/e1\n8\n", "shanghai/e2\n8\n"), RC_VERIFY);
	assert_int_equal(judge_changed("WkWnzWWkb", "WkWnzWWkc"), RC_VERIFY);
	assert_int_equal(judge_changed("4qp4lAAAAABq59KA", "4qp4lAAAAABq59KB"), RC_VERIFY);
	assert_int_equal(judge_changed("axgu8nQ4AA==", "xx"), RC_NOTE);
	/* A line of nobody here is passed over. */
	assert_int_equal(judge_changed("4qp4lAAAAABq59KA", "5qp4lAAAAABq59KB"), RC_OK);
	assert_false(verdict.cosigned[0]);
}

#define ROSTER_MEMBERS 5

static void make_roster(struct roster *r)
{
	*r = (struct roster){
		.cluster = "yrd.example", .version = 1, .n = ROSTER_MEMBERS, .final_quorum = 3};
	static const char *const slugs[] = {"shanghai", "jiangsu", "zhejiang", "anhui", "office"};
	for (size_t i = 0; i < ROSTER_MEMBERS; i++) {
		struct member *m = &r->member[i];
		struct key k;
		char name[NOTE_NAME_SIZE];
		snprintf(m->slug, sizeof m->slug, "%s", slugs[i]);
		snprintf(name, sizeof name, "yrd.example/%s/root", slugs[i]);
		golden_key(&k, (uint8_t)(20 + i));
		assert_int_equal(vkey_make(&m->root, name, NOTE_ED25519, k.public, NULL), RC_OK);
		key_release(&k);
		golden_key(&k, (uint8_t)(1 + i));
		memcpy(m->cosign, k.public, KEY_BYTES);
		memcpy(m->log, k.public, KEY_BYTES);
		key_release(&k);
	}
	memset(r->cluster_id.b, 0xab, HASH_BYTES);
}

static void policy_of_a_roster_is_read_back(void **state)
{
	(void)state;
	struct roster *r = xalloc(sizeof *r);
	struct buf out = {0};
	make_roster(r);
	const char *origin = "yrd.example/shanghai/1-00000001";
	assert_int_equal(policy_print(r, 0, origin, 3, &out, NULL), RC_OK);
	assert_int_equal(policy_parse(buf_bytes(&out), &policy, NULL), RC_OK);
	assert_int_equal(policy.n_logs, 1);
	assert_string_equal(policy.log[0].name, origin);
	assert_int_equal(policy.n_nodes, ROSTER_MEMBERS); /* the four others, and their group */
	assert_int_equal(policy.quorum, ROSTER_MEMBERS - 1);
	assert_int_equal(policy.node[policy.quorum].need, 3);
	assert_true(policy.has_cluster);
	assert_true(hash_equal(&policy.cluster_id, &r->cluster_id));
	const struct vkey *root = policy_root(&policy, bytes_str(origin));
	assert_non_null(root);
	assert_memory_equal(root->public, r->member[0].root.public, KEY_BYTES);
	assert_null(policy_root(&policy, bytes_str("yrd.example/jiangsu/1-00000001")));
	assert_null(policy_root(&policy, bytes_str("yrd.example/shanghai")));
	buf_reset(&out);
	assert_int_equal(policy_print(r, 4, "yrd.example/office/1-00000001", 0, &out, NULL), RC_OK);
	assert_int_equal(policy_parse(buf_bytes(&out), &policy, NULL), RC_OK);
	assert_int_equal(policy.quorum, POLICY_NOBODY);
	buf_release(&out);
	free(r);
}

static void policy_of_a_retired_log_has_the_keys_of_then(void **state)
{
	(void)state;
	struct roster *r = xalloc(sizeof *r);
	struct buf out = {0};
	const char *origin = "yrd.example/anhui/1-00000001";
	make_roster(r);
	struct retirement *t = &r->retired[r->n_retired++];
	snprintf(t->origin, sizeof t->origin, "%s", origin);
	memcpy(t->log, r->member[0].log, KEY_BYTES);
	memcpy(t->authority, r->member[1].root.public, KEY_BYTES);
	assert_int_equal(policy_print(r, 3, origin, 3, &out, NULL), RC_OK);
	assert_int_equal(policy_parse(buf_bytes(&out), &policy, NULL), RC_OK);
	assert_memory_equal(policy.log[0].public, r->member[0].log, KEY_BYTES);
	assert_memory_equal(policy_root(&policy, bytes_str(origin))->public,
		r->member[1].root.public, KEY_BYTES);
	r->member[3].former = true;
	assert_int_equal(
		policy_print(r, 3, "yrd.example/anhui/2-00000002", 3, &out, NULL), RC_ROSTER);
	buf_release(&out);
	free(r);
}

static void numbered_keys(struct buf *b, const char *before, uint8_t algorithm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char name[32];
		uint8_t pub[KEY_BYTES] = {1, (uint8_t)(i >> 8), (uint8_t)i};
		struct vkey v;
		snprintf(name, sizeof name, "n%zu", i);
		assert_int_equal(vkey_make(&v, name, algorithm, pub, NULL), RC_OK);
		buf_put_str(b, before);
		if (algorithm == NOTE_COSIGNATURE)
			buf_printf(b, "%s ", name);
		vkey_print(&v, b);
		buf_put_str(b, "\n");
	}
	buf_put_str(b, "quorum none\n");
}

static int parse_numbered(const char *before, uint8_t algorithm, size_t n)
{
	struct buf b = {0};
	numbered_keys(&b, before, algorithm, n);
	int rc = policy_parse(buf_bytes(&b), &policy, NULL);
	buf_release(&b);
	return rc;
}

static void limits_are_taken_and_one_more_refused(void **state)
{
	(void)state;
	assert_int_equal(parse_numbered("log ", NOTE_ED25519, POLICY_LOGS), RC_OK);
	assert_int_equal(parse_numbered("log ", NOTE_ED25519, POLICY_LOGS + 1), RC_TOO_BIG);
	assert_int_equal(parse_numbered("witness ", NOTE_COSIGNATURE, POLICY_NODES), RC_OK);
	assert_int_equal(
		parse_numbered("witness ", NOTE_COSIGNATURE, POLICY_NODES + 1), RC_TOO_BIG);
	assert_int_equal(parse_numbered("#deltad root ", NOTE_ED25519, LIMIT_MEMBERS), RC_OK);
	assert_int_equal(
		parse_numbered("#deltad root ", NOTE_ED25519, LIMIT_MEMBERS + 1), RC_TOO_BIG);
	char *text = xalloc(POLICY_BYTES_MAX + 2);
	memset(text, '\n', POLICY_BYTES_MAX + 1);
	memcpy(text, "quorum none", 11);
	assert_int_equal(policy_parse(bytes_of(text, POLICY_BYTES_MAX), &policy, NULL), RC_OK);
	assert_int_equal(
		policy_parse(bytes_of(text, POLICY_BYTES_MAX + 1), &policy, NULL), RC_TOO_BIG);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_note_meets_three_of_its_witnesses),
		cmocka_unit_test(witness_that_did_not_sign_is_missed_where_it_counts),
		cmocka_unit_test(words_are_parted_by_blanks_and_comments_passed_over),
		cmocka_unit_test(name_that_is_not_ascii_is_opaque),
		cmocka_unit_test(policy_that_breaks_a_rule_is_refused_with_the_line),
		cmocka_unit_test(policies_that_every_verifier_reads_and_refuses_alike),
		cmocka_unit_test(head_of_an_unknown_log_or_with_a_bad_line_is_refused),
		cmocka_unit_test(policy_of_a_roster_is_read_back),
		cmocka_unit_test(policy_of_a_retired_log_has_the_keys_of_then),
		cmocka_unit_test(limits_are_taken_and_one_more_refused),
	};
	return cmocka_run_group_tests(tests, start, end);
}
