#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "proto/base/text.h"
#include "proto/trust/key_file.h"
#include "proto/trust/roster.h"

#define N_PURPOSES 5

static const enum key_purpose purposes[N_PURPOSES] = {
	KEY_ROOT, KEY_LOG, KEY_COSIGN, KEY_NOISE, KEY_OPERATOR};

/* The least that Argon2id does, so that boxes can be tried by the thousand. */
static const struct key_cost cheap = {1, KEY_BOX_MEM_KIB_MIN};

static char folder[64];
static char path[128];

static int set_up_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/deltad-key-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/a.key", folder);
	return 0;
}

/* Removes the folder and says how many files it had. */
static int sweep_folder(void)
{
	int n = 0;
	DIR *d = opendir(folder);
	assert_non_null(d);
	for (struct dirent *f; (f = readdir(d));) {
		if (f->d_name[0] == '.')
			continue;
		assert_int_equal(unlinkat(dirfd(d), f->d_name, 0), 0);
		n++;
	}
	closedir(d);
	return n;
}

static int tear_down_folder(void **state)
{
	(void)state;
	sweep_folder();
	return rmdir(folder);
}

static void make_key(struct key *k, enum key_purpose p)
{
	uint8_t seed[32];
	memset(seed, 0x40 + (int)p, sizeof seed);
	key_from_seed(k, p, "jiangsu", p == KEY_OPERATOR ? "王 伟" : NULL, seed);
}

static void assert_same_key(const struct key *a, const struct key *b)
{
	assert_int_equal(a->purpose, b->purpose);
	assert_string_equal(a->member, b->member);
	assert_string_equal(a->name, b->name);
	assert_memory_equal(a->public, b->public, KEY_BYTES);
	assert_memory_equal(a->secret, b->secret, a->purpose == KEY_NOISE ? 32 : 64);
}

static char *print(const struct key *k, const char *passphrase)
{
	char *text = xalloc(KEY_FILE_MAX);
	assert_int_equal(key_file_print(k, passphrase, cheap, text, NULL), RC_OK);
	return text;
}

/* Parses and opens; what is not a key leaves nothing behind. */
static int open_text(struct bytes text, const char *passphrase)
{
	struct key_file *f = xalloc(sizeof *f);
	struct key k = {0};
	int rc = key_file_parse(text, f, NULL);
	rc = rc ? rc : key_file_open(f, passphrase, &k, NULL);
	if (rc)
		assert_null(k.secret);
	key_release(&k);
	free(f);
	return rc;
}

static void write_file(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void expect_unloadable(const char *why)
{
	struct key k = {0};
	struct err e = {0};
	assert_int_equal(key_load(&k, path, 0, NULL, NULL, &e), RC_KEYFILE);
	if (!strstr(e.text, why) || !strstr(e.text, path))
		fail_msg("expected \"… %s …\", got \"%s\"", why, e.text);
	assert_null(k.secret);
}

static unsigned asked;

static const char *answer(void *arg)
{
	asked++;
	return arg;
}

static void saved_key_is_loaded_as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_PURPOSES; i++) {
		struct key k, again;
		struct stat st;
		make_key(&k, purposes[i]);
		assert_int_equal(key_save(&k, path, NULL, NULL), RC_OK);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(key_load(&again, path, purposes[i], NULL, NULL, NULL), RC_OK);
		assert_same_key(&k, &again);
		key_release(&again);
		assert_int_equal(key_load(&again, path, 0, NULL, NULL, NULL), RC_OK);
		key_release(&again);
		key_release(&k);
		assert_int_equal(sweep_folder(), 1);
	}
}

static void key_file_reads_as_the_protocol_says(void **state)
{
	(void)state;
	struct key k;
	make_key(&k, KEY_LOG);
	char *text = print(&k, NULL);
	struct buf want = {0};
	buf_put_str(&want, "deltad-key/1\npurpose log\nmember jiangsu\nname -\npublic ");
	base64_encode(&want, k.public, KEY_BYTES);
	buf_put_str(&want, "\nbox none\nsecret ");
	base64_encode(&want, k.secret, 32);
	buf_put(&want, "\n", 2);
	assert_string_equal(text, (const char *)want.p);
	buf_release(&want);
	free(text);
	key_release(&k);
}

/* The one test at the real cost of Argon2id. */
static void encrypted_key_is_loaded_with_its_passphrase_alone(void **state)
{
	(void)state;
	struct key k, again;
	struct err e = {0};
	char wrong[] = "correct horse", right[] = "correct horse battery";
	bool encrypted = false;
	make_key(&k, KEY_ROOT);
	assert_int_equal(key_save(&k, path, right, NULL), RC_OK);
	assert_int_equal(key_look(&again, path, &encrypted, NULL), RC_OK);
	assert_true(encrypted);
	assert_null(again.secret);
	assert_int_equal(again.purpose, KEY_ROOT);
	assert_string_equal(again.member, k.member);
	assert_memory_equal(again.public, k.public, KEY_BYTES);
	asked = 0;
	assert_int_equal(key_load(&again, path, KEY_ROOT, answer, wrong, &e), RC_KEYFILE);
	assert_non_null(strstr(e.text, "wrong passphrase"));
	assert_int_equal(key_load(&again, path, KEY_ROOT, answer, NULL, &e), RC_KEYFILE);
	assert_non_null(strstr(e.text, "no passphrase"));
	assert_int_equal(key_load(&again, path, KEY_ROOT, NULL, NULL, &e), RC_KEYFILE);
	assert_int_equal(key_load(&again, path, KEY_LOG, answer, right, &e), RC_KEYFILE);
	assert_int_equal(asked, 2);
	assert_int_equal(key_load(&again, path, KEY_ROOT, answer, right, &e), RC_OK);
	assert_int_equal(asked, 3);
	assert_same_key(&k, &again);
	key_release(&again);
	key_release(&k);
}

static void plain_key_asks_for_no_passphrase(void **state)
{
	(void)state;
	struct key k, again;
	bool encrypted = true;
	make_key(&k, KEY_LOG);
	assert_int_equal(key_save(&k, path, NULL, NULL), RC_OK);
	assert_int_equal(key_look(&again, path, &encrypted, NULL), RC_OK);
	assert_false(encrypted);
	asked = 0;
	assert_int_equal(key_load(&again, path, KEY_LOG, answer, NULL, NULL), RC_OK);
	assert_int_equal(asked, 0);
	key_release(&again);
	key_release(&k);
}

static void key_of_another_purpose_is_refused(void **state)
{
	(void)state;
	struct key k, again;
	struct err e = {0};
	make_key(&k, KEY_COSIGN);
	assert_int_equal(key_save(&k, path, NULL, NULL), RC_OK);
	assert_int_equal(key_load(&again, path, KEY_LOG, NULL, NULL, &e), RC_KEYFILE);
	assert_non_null(strstr(e.text, "a cosign key of jiangsu, and a log key is needed"));
	key_release(&k);
}

static void file_that_exists_is_not_overwritten(void **state)
{
	(void)state;
	struct key first, second, again;
	struct err e = {0};
	make_key(&first, KEY_LOG);
	make_key(&second, KEY_ROOT);
	assert_int_equal(key_save(&first, path, NULL, NULL), RC_OK);
	assert_int_equal(key_save(&second, path, NULL, &e), RC_REFUSED);
	assert_non_null(strstr(e.text, "never overwritten"));
	assert_int_equal(key_load(&again, path, 0, NULL, NULL, NULL), RC_OK);
	assert_same_key(&first, &again);
	key_release(&again);
	assert_int_equal(sweep_folder(), 1);

	/* A symbolic link to nowhere is a name that exists, too. */
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(key_save(&second, path, NULL, NULL), RC_REFUSED);
	assert_int_equal(sweep_folder(), 1);
	key_release(&first);
	key_release(&second);
}

static void folder_that_is_not_there_is_reported(void **state)
{
	(void)state;
	struct key k;
	struct err e = {0};
	make_key(&k, KEY_LOG);
	assert_int_equal(key_save(&k, "/tmp/deltad-no-such-folder/a.key", NULL, &e), RC_IO);
	assert_non_null(strstr(e.text, "No such file"));
	key_release(&k);
}

/* The limit lets 100 bytes of the file through before it fails. */
static void failed_write_leaves_nothing_behind(void **state)
{
	(void)state;
	struct key k;
	struct err e = {0};
	struct rlimit was, tight;
	make_key(&k, KEY_LOG);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	tight = was;
	tight.rlim_cur = 100;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	int rc = key_save(&k, path, NULL, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(rc, RC_IO);
	assert_non_null(strstr(e.text, "cannot write"));
	assert_int_equal(sweep_folder(), 0);
	key_release(&k);
}

static void key_that_no_file_can_hold_is_not_saved(void **state)
{
	(void)state;
	static const uint8_t seed[32] = {1};
	char long_name[KEY_NAME_MAX + 1];
	memset(long_name, 'x', KEY_NAME_MAX);
	long_name[KEY_NAME_MAX] = '\0';
	const struct {
		enum key_purpose p;
		const char *member, *name, *passphrase;
		int rc;
	} cases[] = {
		{KEY_OPERATOR, "jiangsu", long_name, NULL, RC_OK},
		{KEY_OPERATOR, "jiangsu", "", NULL, RC_INPUT},
		{KEY_OPERATOR, "jiangsu", "-", NULL, RC_INPUT},
		{KEY_OPERATOR, "jiangsu", "a\nbox none", NULL, RC_INPUT},
		{KEY_OPERATOR, "jiangsu", "\u202eabc", NULL, RC_INPUT},
		{KEY_ROOT, "jiangsu", "王伟", NULL, RC_INPUT},
		{KEY_ROOT, "Jiangsu", "", NULL, RC_INPUT},
		{KEY_ROOT, "", "", NULL, RC_INPUT},
		{KEY_ROOT, "jiangsu", "", "", RC_INPUT},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct key k;
		key_from_seed(&k, cases[i].p, cases[i].member, cases[i].name, seed);
		assert_int_equal(key_save(&k, path, cases[i].passphrase, NULL), cases[i].rc);
		assert_int_equal(sweep_folder(), cases[i].rc == RC_OK);
		key_release(&k);
	}
}

static void file_that_others_can_read_or_write_is_refused(void **state)
{
	(void)state;
	struct key k, again;
	make_key(&k, KEY_LOG);
	char *text = print(&k, NULL);
	write_file(text, 0600);
	for (mode_t mode = 0400; mode <= 0777; mode++) {
		struct err e = {0};
		if (!(mode & 0400))
			continue;
		assert_int_equal(chmod(path, mode), 0);
		bool allowed = !(mode & 0037) && (!(mode & 0040) || geteuid() == 0);
		int rc = key_load(&again, path, 0, NULL, NULL, &e);
		assert_int_equal(rc, allowed ? RC_OK : RC_KEYFILE);
		if (rc == RC_OK)
			key_release(&again);
		else
			assert_non_null(strstr(e.text, "chmod 600"));
	}
	free(text);
	key_release(&k);
}

/* Root's file may be handed to one group, anybody else's may not. */
static void group_may_read_only_what_root_owns(void **state)
{
	(void)state;
	struct key k, again;
	make_key(&k, KEY_LOG);
	char *text = print(&k, NULL);
	write_file(text, 0440);
	if (geteuid() == 0) {
		assert_int_equal(key_load(&again, path, 0, NULL, NULL, NULL), RC_OK);
		key_release(&again);
		assert_int_equal(chown(path, 65534, 65534), 0);
	}
	expect_unloadable("chmod 600");
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(key_load(&again, path, 0, NULL, NULL, NULL), RC_OK);
	key_release(&again);
	free(text);
	key_release(&k);
}

static void what_is_not_a_regular_file_is_refused(void **state)
{
	(void)state;
	expect_unloadable("No such file");
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_unloadable("not a regular file");
	sweep_folder();
	struct key k;
	struct err e = {0};
	char target[160];
	make_key(&k, KEY_LOG);
	snprintf(target, sizeof target, "%s.target", path);
	assert_int_equal(key_save(&k, target, NULL, NULL), RC_OK);
	key_release(&k);
	assert_int_equal(symlink(target, path), 0);
	expect_unloadable("symbolic link");
	sweep_folder();
	assert_int_equal(key_load(&k, folder, 0, NULL, NULL, &e), RC_KEYFILE);
	assert_non_null(strstr(e.text, "not a regular file"));
	assert_int_equal(key_load(&k, "/dev/null", 0, NULL, NULL, &e), RC_KEYFILE);
	assert_non_null(strstr(e.text, "not a regular file"));
}

static void file_is_at_most_4_kib(void **state)
{
	(void)state;
	char text[KEY_FILE_MAX + 2];
	for (size_t n = KEY_FILE_MAX - 1; n <= KEY_FILE_MAX + 1; n++) {
		memset(text, 'x', n);
		text[n] = '\0';
		write_file(text, 0600);
		expect_unloadable(n <= KEY_FILE_MAX ? "first line" : "more than 4096 bytes");
	}
	write_file("", 0600);
	expect_unloadable("first line");
	assert_int_equal(truncate(path, (off_t)10 << 30), 0);
	expect_unloadable("more than 4096 bytes");
	struct key_file f;
	assert_int_equal(key_file_parse(bytes_of(text, KEY_FILE_MAX + 1), &f, NULL), RC_KEYFILE);
}

static void public_key_in_the_place_of_a_secret_one_is_told(void **state)
{
	(void)state;
	struct key k;
	struct buf text = {0};
	struct vkey v;
	make_key(&k, KEY_ROOT);
	assert_int_equal(vkey_make(&v, "yrd/jiangsu/root", NOTE_ED25519, k.public, NULL), RC_OK);
	vkey_print(&v, &text);
	buf_put(&text, "\n", 2);
	write_file((const char *)text.p, 0600);
	expect_unloadable("public keys only");

	struct member m = {.slug = "jiangsu", .role = ROLE_PROVINCE, .name = "江苏", .root = v};
	buf_reset(&text);
	roster_put_member_line(&text, &m);
	buf_put_u8(&text, 0);
	write_file((const char *)text.p, 0600);
	expect_unloadable("public keys only");

	char *whole = print(&k, NULL);
	*strstr(whole, "secret ") = '\0';
	write_file(whole, 0600);
	expect_unloadable("public keys only");
	free(whole);
	buf_release(&text);
	key_release(&k);
}

struct change {
	const char *from, *to;
	const char *why;
};

static const struct change malformed[] = {
	{"deltad-key/1\n", "deltad-key/2\n", "line 1: no key file"},
	{"deltad-key/1\n", "deltad-key/1\r\n", "line 1: no key file"},
	{"deltad-key/1\n", "\n", "line 1: no key file"},
	{"deltad-key/1\n",
		"\xef\xbb\xbf"
		"deltad-key/1\n",
		"line 1: no key file"},
	{"purpose operator\n", "", "line 2: a line \"purpose \""},
	{"purpose operator", "purpose  operator", "line 2: the purpose"},
	{"purpose operator", "purpose operator ", "line 2: the purpose"},
	{"purpose operator", "purpose witness", "line 2: the purpose"},
	{"purpose operator", "purpose root", "line 4: the name"},
	{"purpose operator\nmember jiangsu\n", "member jiangsu\npurpose operator\n", "line 2:"},
	{"member jiangsu", "member Jiangsu", "line 3: the member"},
	{"member jiangsu", "member aaaaaaaaaaaaaaaaaaaaa", "line 3: the member"},
	{"member jiangsu\n", "member jiangsu\nmember jiangsu\n", "line 4: a line \"name \""},
	{"name 王 伟", "name -", "line 4: the name"},
	{"name 王 伟", "name ", "line 4: the name"},
	{"name 王 伟", "name", "line 4: a line \"name \""},
	{"name 王 伟", "name \x1b[31m", "line 4: the name"},
	{"public ", "public A", "line 5: the public key must be the base64 form of 32"},
	{"public ", "public  ", "line 5: the public key"},
	{"box none", "box", "line 6: a line \"box \""},
	{"box none", "box scrypt", "line 6: the box"},
	{"box none", "box none ", "line 6: the box"},
	{"secret ", "secret AAAA", "line 7: the secret key must be the base64 form of 32"},
	{"secret ", "secret  ", "line 7: the secret key"},
	{"secret ", "\nsecret ", "line 7: a line \"secret \""},
};

static struct buf replaced(const char *in, const char *from, const char *to)
{
	const char *at = strstr(in, from);
	if (!at)
		fail_msg("\"%s\" is not in the text", from);
	struct buf b = {0};
	buf_put(&b, in, (size_t)(at - in));
	buf_put_str(&b, to);
	buf_put_str(&b, at + strlen(from));
	return b;
}

static void expect_unparsable(struct bytes text, const char *why)
{
	struct key_file *f = xalloc(sizeof *f);
	struct err e = {0};
	assert_int_equal(key_file_parse(text, f, &e), RC_KEYFILE);
	if (!strstr(e.text, why))
		fail_msg("expected \"… %s …\", got \"%s\"", why, e.text);
	assert_true(sodium_is_zero((const uint8_t *)f, sizeof *f));
	free(f);
}

static void malformed_line_is_refused_with_its_number(void **state)
{
	(void)state;
	struct key k;
	make_key(&k, KEY_OPERATOR);
	char *text = print(&k, NULL);
	for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
		struct buf b = replaced(text, malformed[i].from, malformed[i].to);
		expect_unparsable(buf_bytes(&b), malformed[i].why);
		buf_release(&b);
	}
	struct buf b = {0};
	buf_put_str(&b, text);
	buf_put_str(&b, "secret again\n");
	expect_unparsable(buf_bytes(&b), "line 8: nothing may follow");
	buf_release(&b);
	free(text);
	key_release(&k);
}

static void name_of_a_key_that_is_nobodys_is_a_dash(void **state)
{
	(void)state;
	struct key k;
	make_key(&k, KEY_LOG);
	char *text = print(&k, NULL);
	static const char *const bad[] = {"name \n", "name 王伟\n", "name --\n", "name - \n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct buf b = replaced(text, "name -\n", bad[i]);
		expect_unparsable(buf_bytes(&b), "line 4: the name");
		buf_release(&b);
	}
	free(text);
	key_release(&k);
}

/* H65: a byte less or more than a key has. */
static void key_of_a_wrong_length_is_refused(void **state)
{
	(void)state;
	for (size_t n = 31; n <= 33; n++) {
		static const uint8_t zeros[64];
		struct buf b = {0};
		struct key_file f;
		buf_put_str(&b, "deltad-key/1\npurpose log\nmember jiangsu\nname -\npublic ");
		base64_encode(&b, zeros, 32);
		buf_put_str(&b, "\nbox none\nsecret ");
		base64_encode(&b, zeros, n);
		buf_put_str(&b, "\n");
		assert_int_equal(
			key_file_parse(buf_bytes(&b), &f, NULL), n == 32 ? RC_OK : RC_KEYFILE);
		buf_release(&b);
	}
}

static void name_is_at_most_120_bytes(void **state)
{
	(void)state;
	struct key k;
	make_key(&k, KEY_OPERATOR);
	char *text = print(&k, NULL);
	for (size_t n = KEY_NAME_MAX - 1; n <= KEY_NAME_MAX + 1; n++) {
		char name[KEY_NAME_MAX + 8] = "name ";
		memset(name + 5, 'x', n);
		struct buf b = replaced(text, "name 王 伟", name);
		assert_int_equal(
			open_text(buf_bytes(&b), NULL), n > KEY_NAME_MAX ? RC_KEYFILE : RC_OK);
		buf_release(&b);
	}
	free(text);
	key_release(&k);
}

static void public_key_must_belong_to_the_secret_one(void **state)
{
	(void)state;
	struct key k, other;
	struct key_file f;
	struct err e = {0};
	make_key(&k, KEY_LOG);
	make_key(&other, KEY_ROOT);
	memcpy(k.public, other.public, KEY_BYTES);
	char *text = print(&k, NULL);
	assert_int_equal(key_file_parse(bytes_str(text), &f, NULL), RC_OK);
	key_release(&k);
	assert_int_equal(key_file_open(&f, NULL, &k, &e), RC_KEYFILE);
	assert_non_null(strstr(e.text, "does not belong"));
	free(text);
	key_release(&other);
}

static void text_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	struct key k;
	make_key(&k, KEY_OPERATOR);
	static const char *const passphrases[] = {NULL, "secret"};
	for (size_t i = 0; i < 2; i++) {
		char *text = print(&k, passphrases[i]);
		size_t whole = strlen(text);
		for (size_t n = 0; n < whole; n++) {
			uint8_t *exact = xmemdup(text, n ? n : 1);
			assert_int_equal(open_text(bytes_of(exact, n), "secret"), RC_KEYFILE);
			free(exact);
		}
		assert_int_equal(open_text(bytes_str(text), "secret"), RC_OK);
		free(text);
	}
	key_release(&k);
}

static void every_flipped_bit_of_an_encrypted_file_is_refused(void **state)
{
	(void)state;
	struct key k;
	make_key(&k, KEY_OPERATOR);
	char *text = print(&k, "secret");
	size_t n = strlen(text);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << (bit % 8));
		assert_int_equal(open_text(bytes_of(text, n), "secret"), RC_KEYFILE);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << (bit % 8));
	}
	assert_int_equal(open_text(bytes_of(text, n), "secret"), RC_OK);
	free(text);
	key_release(&k);
}

/* Lines that would parse alone: only the box says that they were changed. */
static void every_line_of_an_encrypted_file_is_authenticated(void **state)
{
	(void)state;
	struct key k;
	struct key_file f;
	make_key(&k, KEY_OPERATOR);
	char *text = print(&k, "secret");
	static const char *const changes[][2] = {{"王 伟", "王 五"},
		{"member jiangsu", "member anhui"}, {"argon2id 1 8 ", "argon2id 1 9 "},
		{"argon2id 1 8 ", "argon2id 2 8 "}};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct buf b = replaced(text, changes[i][0], changes[i][1]);
		assert_int_equal(key_file_parse(buf_bytes(&b), &f, NULL), RC_OK);
		assert_int_equal(open_text(buf_bytes(&b), "secret"), RC_KEYFILE);
		buf_release(&b);
	}
	free(text);
	key_release(&k);
}

/* A box is not used as a plain secret, nor the other way round. */
static void box_cannot_be_declared_away(void **state)
{
	(void)state;
	struct key k;
	make_key(&k, KEY_LOG);
	char *text = print(&k, "secret");
	char *box = strstr(text, "box argon2id"), *end = strchr(box, '\n');
	struct buf b = {0};
	buf_put(&b, text, (size_t)(box - text));
	buf_put_str(&b, "box none");
	buf_put_str(&b, end);
	expect_unparsable(buf_bytes(&b), "line 7: the secret key must be the base64 form of 32");
	buf_release(&b);
	free(text);
	key_release(&k);
}

static void file_cannot_ask_for_more_than_the_limits(void **state)
{
	(void)state;
	static const struct {
		const char *ops, *mem;
		bool ok;
	} cases[] = {
		{"1", "8", true},
		{"15", "8", true},
		{"16", "8", true},
		{"17", "8", false},
		{"0", "8", false},
		{"1", "7", false},
		{"1", "1048575", true},
		{"1", "1048576", true},
		{"1", "1048577", false},
		{"1", "99999999999999999999", false},
		{"01", "8", false},
		{"+1", "8", false},
		{"1", "-8", false},
		{"1 ", "8", false},
	};
	struct key k;
	make_key(&k, KEY_LOG);
	char *text = print(&k, "secret");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char to[64];
		struct key_file f;
		snprintf(to, sizeof to, "argon2id %s %s ", cases[i].ops, cases[i].mem);
		struct buf b = replaced(text, "argon2id 1 8 ", to);
		assert_int_equal(
			key_file_parse(buf_bytes(&b), &f, NULL), cases[i].ok ? RC_OK : RC_KEYFILE);
		buf_release(&b);
	}
	free(text);
	key_release(&k);
}

static void boxes_of_one_key_differ(void **state)
{
	(void)state;
	struct key k;
	make_key(&k, KEY_LOG);
	char *a = print(&k, "secret"), *b = print(&k, "secret");
	assert_string_not_equal(strstr(a, "box "), strstr(b, "box "));
	assert_string_not_equal(strstr(a, "secret "), strstr(b, "secret "));
	free(a);
	free(b);
	key_release(&k);
}

static int set_up(void **state)
{
	(void)state;
	return trust_init(NULL);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, set_up_folder, tear_down_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(saved_key_is_loaded_as_it_was),
		cmocka_unit_test(key_file_reads_as_the_protocol_says),
		IN_FOLDER(encrypted_key_is_loaded_with_its_passphrase_alone),
		IN_FOLDER(plain_key_asks_for_no_passphrase),
		IN_FOLDER(key_of_another_purpose_is_refused),
		IN_FOLDER(file_that_exists_is_not_overwritten),
		cmocka_unit_test(folder_that_is_not_there_is_reported),
		IN_FOLDER(failed_write_leaves_nothing_behind),
		IN_FOLDER(key_that_no_file_can_hold_is_not_saved),
		IN_FOLDER(file_that_others_can_read_or_write_is_refused),
		IN_FOLDER(group_may_read_only_what_root_owns),
		IN_FOLDER(what_is_not_a_regular_file_is_refused),
		IN_FOLDER(file_is_at_most_4_kib),
		IN_FOLDER(public_key_in_the_place_of_a_secret_one_is_told),
		cmocka_unit_test(malformed_line_is_refused_with_its_number),
		cmocka_unit_test(name_of_a_key_that_is_nobodys_is_a_dash),
		cmocka_unit_test(key_of_a_wrong_length_is_refused),
		cmocka_unit_test(name_is_at_most_120_bytes),
		cmocka_unit_test(public_key_must_belong_to_the_secret_one),
		cmocka_unit_test(text_cut_at_any_byte_is_refused),
		cmocka_unit_test(every_flipped_bit_of_an_encrypted_file_is_refused),
		cmocka_unit_test(every_line_of_an_encrypted_file_is_authenticated),
		cmocka_unit_test(box_cannot_be_declared_away),
		cmocka_unit_test(file_cannot_ask_for_more_than_the_limits),
		cmocka_unit_test(boxes_of_one_key_differ),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
