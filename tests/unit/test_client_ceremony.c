#include "tests/unit/run_command.h"

#include <sys/stat.h>

#include "proto/trust/roster.h"

static char folder[32];

static int make_folder(void **state)
{
	struct err e;
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/deltactl-XXXXXX");
	unsetenv("DELTACTL_KEY");
	setenv("DELTACTL_NODE", "/nonexistent/control", 1);
	return mkdtemp(folder) && chdir(folder) == 0 ? trust_init(&e) : -1;
}

static int remove_folder(void **state)
{
	char command[64];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") == 0 ? system(command) : -1;
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void init_member(const char *slug, const char *role)
{
	RUN("key", "init", "--member", slug, "--cluster", "yrd-test", "--role", role, "--name",
		"名称", "--no-passphrase", slug);
	assert_ended(0, NULL);
}

static void draft_roster(void)
{
	init_member("jiangsu", "province");
	init_member("anhui", "province");
	init_member("office", "regional");
	RUN("roster", "draft", "--cluster", "yrd-test", "--not-after", "2099-12-31", "-o", "roster",
		"jiangsu/member.pub", "anhui/member.pub", "office/member.pub");
	assert_ended(0, NULL);
}

static void sign_roster(const char *slug)
{
	char root[64], log[64], cosign[64];
	snprintf(root, sizeof root, "%s/root.key", slug);
	snprintf(log, sizeof log, "%s/log.key", slug);
	snprintf(cosign, sizeof cosign, "%s/cosign.key", slug);
	RUN("roster", "sign", "roster", "--yes", "--key", root, "--key", log, "--key", cosign);
	assert_ended(0, NULL);
}

static size_t signatures_missing(void)
{
	RUN("--json", "roster", "show", "roster");
	assert_ended(0, NULL);
	json_t *root = json_loads(done.out, 0, NULL);
	size_t n = json_array_size(json_object_get(root, "missing_signatures"));
	assert_int_equal(json_array_size(json_object_get(root, "members")), 3);
	json_decref(root);
	return n;
}

static void a_roster_is_drafted_signed_by_all_and_complete(void **state)
{
	(void)state;
	draft_roster();
	size_t before = signatures_missing();
	assert_true(before > 0);
	sign_roster("jiangsu");
	size_t after = signatures_missing();
	assert_true(after < before);
	sign_roster("jiangsu");
	assert_int_equal(signatures_missing(), after);
	/* Not complete: it is refused before any node is asked. */
	RUN("roster", "install", "roster");
	assert_ended(7, "E7001");
	sign_roster("anhui");
	sign_roster("office");
	assert_int_equal(signatures_missing(), 0);
	RUN("roster", "install", "roster", "--cluster-id",
		"sha256:0000000000000000000000000000000000000000000000000000000000000000");
	assert_ended(7, "E7001");
	RUN("roster", "install", "roster");
	assert_ended(3, "E3001");
}

static void nothing_is_signed_unless_somebody_says_yes(void **state)
{
	(void)state;
	draft_roster();
	size_t before = signatures_missing();
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int saved = dup(0);
	dup2(in, 0);
	RUN("roster", "sign", "roster", "--key", "jiangsu/root.key");
	dup2(saved, 0);
	close(in);
	close(saved);
	assert_ended(2, "--yes");
	assert_non_null(strstr(done.err, "jiangsu"));
	assert_int_equal(signatures_missing(), before);
}

static void a_key_that_has_no_say_signs_nothing(void **state)
{
	(void)state;
	draft_roster();
	init_member("shanghai", "province");
	RUN("roster", "sign", "roster", "--yes", "--key", "shanghai/root.key");
	assert_ended(2, "E2006");
	RUN("roster", "sign", "roster", "--yes", "--key", "jiangsu/noise.key");
	assert_ended(2, "E2006");
	RUN("roster", "sign", "roster", "--yes", "--key", "jiangsu/member.pub");
	assert_ended(2, "E2005");
	RUN("roster", "sign", "roster", "--yes");
	assert_ended(2, "--key");
}

static void a_draft_that_is_no_roster_is_not_written(void **state)
{
	(void)state;
	init_member("jiangsu", "province");
	init_member("office", "regional");
	RUN("roster", "draft", "--cluster", "yrd-test", "--not-after", "2099-12-31", "-o", "r",
		"jiangsu/member.pub");
	assert_ended(2, "E2006");
	RUN("roster", "draft", "--cluster", "other", "--not-after", "2099-12-31", "-o", "r",
		"jiangsu/member.pub", "office/member.pub");
	assert_ended(2, "E2006");
	RUN("roster", "draft", "--cluster", "yrd-test", "--not-after", "2099-02-30", "-o", "r",
		"jiangsu/member.pub", "office/member.pub");
	assert_ended(2, "E2002");
	RUN("roster", "draft", "--cluster", "yrd-test", "--not-after", "2099-12-31", "-o", "r",
		"jiangsu/member.pub", "jiangsu/member.pub", "office/member.pub");
	assert_ended(2, "E2006");
	RUN("roster", "draft", "--cluster", "yrd-test", "--not-after", "2099-12-31", "-o", "r",
		"--quorum", "2", "jiangsu/member.pub", "office/member.pub");
	assert_ended(2, "E2006");
	RUN("roster", "draft", "--cluster", "yrd-test", "--not-after", "2099-12-31", "-o", "r",
		"--final", "02", "jiangsu/member.pub", "office/member.pub");
	assert_ended(2, "E2002");
	assert_int_equal(access("r", F_OK), -1);
}

static void existing_keys_are_not_touched(void **state)
{
	struct stat before, after;
	(void)state;
	init_member("jiangsu", "province");
	assert_int_equal(stat("jiangsu/log.key", &before), 0);
	assert_int_equal(before.st_mode & 0777, 0600);
	assert_int_equal(unlink("jiangsu/root.key"), 0);
	RUN("key", "init", "--member", "jiangsu", "--cluster", "yrd-test", "--role", "province",
		"--name", "n", "--no-passphrase", "jiangsu");
	assert_ended(6, "jiangsu/log.key");
	assert_int_equal(access("jiangsu/root.key", F_OK), -1);
	assert_int_equal(stat("jiangsu/log.key", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void an_operators_key_is_encrypted_unless_asked_otherwise(void **state)
{
	(void)state;
	RUN("key", "init", "--operator", "Zhang San", "--member", "jiangsu", "-o", "op.key");
	assert_ended(2, "--no-passphrase");
	write_text("pass", "secret\nsecond line\n");
	write_text("wrong", "other\n");
	write_text("empty", "\n");
	RUN("key", "init", "--operator", "Zhang San", "--member", "jiangsu", "-o", "op.key",
		"--passphrase-file", "pass", "--no-passphrase");
	assert_ended(2, "E2002");
	RUN("key", "init", "--operator", "Zhang San", "--member", "jiangsu", "-o", "op.key",
		"--passphrase-file", "empty");
	assert_ended(2, "E2001");
	RUN("key", "init", "--operator", "Zhang San", "--member", "jiangsu", "-o", "op.key",
		"--passphrase-file", "pass");
	assert_ended(0, NULL);
	RUN("--json", "key", "show", "op.key");
	assert_ended(0, NULL);
	assert_non_null(strstr(done.out, "\"encrypted\":true"));
	RUN("key", "show", "op.key", "--passphrase-file", "wrong");
	assert_ended(2, "E2005");
	RUN("key", "show", "op.key", "op.key.pub", "--passphrase-file", "pass");
	assert_ended(0, NULL);
	assert_non_null(strstr(done.out, "Zhang San"));
	char *second = strchr(done.out, '\n') + 1;
	/* The file and its public line show one fingerprint. */
	char *tab = strstr(done.out, "jiangsu\t");
	assert_non_null(strstr(second, "op.key.pub"));
	assert_memory_equal(tab, strstr(second, "jiangsu\t"), 8 + KEY_FINGERPRINT_SIZE - 1);
	RUN("key", "init", "--operator", "Li Si", "--member", "jiangsu", "-o", "op.key",
		"--no-passphrase");
	assert_ended(6, "E6001");
}

#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(a_roster_is_drafted_signed_by_all_and_complete),
		FOLDER_TEST(nothing_is_signed_unless_somebody_says_yes),
		FOLDER_TEST(a_key_that_has_no_say_signs_nothing),
		FOLDER_TEST(a_draft_that_is_no_roster_is_not_written),
		FOLDER_TEST(existing_keys_are_not_touched),
		FOLDER_TEST(an_operators_key_is_encrypted_unless_asked_otherwise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
