#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/connection.h"
#include "client/files.h"
#include "client/keys.h"
#include "client/pending.h"
#include "proto/base/text.h"

static char folder[32];
static struct err err;

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/deltactl-XXXXXX");
	err = (struct err){0};
	return mkdtemp(folder) ? trust_init(&err) : -1;
}

static int remove_folder(void **state)
{
	char command[64];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static const char *in_folder(const char *name)
{
	static char path[96];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void a_new_file_never_replaces_one(void **state)
{
	struct buf b = {0};
	(void)state;
	const char *path = in_folder("f");
	assert_int_equal(file_write_new(path, 0600, bytes_str("one"), &err), RC_OK);
	assert_int_equal(file_write_new(path, 0600, bytes_str("two"), &err), RC_REFUSED);
	assert_int_equal(file_read(path, 3, &b, &err), RC_OK);
	assert_true(bytes_equal(buf_bytes(&b), bytes_str("one")));
	assert_int_equal(file_replace(path, 0600, bytes_str("three"), &err), RC_OK);
	buf_reset(&b);
	assert_int_equal(file_read(path, 4, &b, &err), RC_TOO_BIG);
	buf_release(&b);
	assert_int_equal(
		file_write_new(in_folder("no/such"), 0600, bytes_str(""), &err), RC_NOT_FOUND);
}

static void only_regular_files_are_read(void **state)
{
	struct buf b = {0};
	(void)state;
	assert_int_equal(file_read(in_folder("none"), 9, &b, &err), RC_NOT_FOUND);
	assert_int_equal(file_read(folder, 9, &b, &err), RC_INPUT);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(file_read(in_folder("fifo"), 9, &b, &err), RC_INPUT);
	assert_int_equal(file_read("/dev/zero", 9, &b, &err), RC_INPUT);
	buf_release(&b);
}

static void folders_are_made_with_those_above(void **state)
{
	struct stat st;
	(void)state;
	assert_int_equal(folder_make(in_folder("a/b/c"), &err), RC_OK);
	assert_int_equal(stat(in_folder("a/b/c"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(folder_make(in_folder("a/b/c"), &err), RC_OK);
	assert_int_equal(folder_make(in_folder("a/b/c/"), &err), RC_OK);
	assert_int_equal(file_write_new(in_folder("f"), 0600, bytes_str(""), &err), RC_OK);
	assert_int_equal(folder_make(in_folder("f/x"), &err), RC_IO);
}

static struct pending pending_open(uint8_t what)
{
	struct pending p;
	struct hash h = {{what}};
	setenv("XDG_STATE_HOME", folder, 1);
	assert_int_equal(pending_init(&p, &h, &err), RC_OK);
	return p;
}

static void what_is_kept_comes_back_byte_for_byte_until_it_is_forgotten(void **state)
{
	uint8_t key[32] = {1}, signature[64] = {2};
	struct signed_body in[2] = {
		{bytes_of(key, 32), bytes_of(signature, 64), bytes_str("body")},
		{bytes_of(key, 32), bytes_of(signature, 64), bytes_str("another")},
	};
	struct signed_body *out = NULL;
	struct buf memory = {0};
	uint32_t kind;
	size_t n;
	(void)state;
	struct pending p = pending_open(1), other = pending_open(2);
	assert_int_equal(pending_load(&p, &memory, &kind, &out, &n, &err), PENDING_NONE);
	assert_int_equal(pending_keep(&p, 5, in, 2, &err), RC_OK);
	assert_int_equal(pending_load(&other, &memory, &kind, &out, &n, &err), PENDING_NONE);
	assert_int_equal(pending_load(&p, &memory, &kind, &out, &n, &err), RC_OK);
	assert_int_equal(kind, 5);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(bytes_equal(out[i].key, in[i].key));
		assert_true(bytes_equal(out[i].signature, in[i].signature));
		assert_true(bytes_equal(out[i].body, in[i].body));
	}
	free(out);
	pending_forget(&p);
	pending_forget(&p);
	assert_int_equal(pending_load(&p, &memory, &kind, &out, &n, &err), PENDING_NONE);
	buf_release(&memory);
	pending_release(&p);
	pending_release(&other);
}

static void a_damaged_pending_file_is_told_and_not_posted(void **state)
{
	uint8_t key[32] = {1}, signature[64] = {2};
	struct signed_body in = {bytes_of(key, 32), bytes_of(signature, 64), bytes_str("body")};
	struct signed_body *out = NULL;
	struct buf whole = {0};
	uint32_t kind;
	size_t n;
	(void)state;
	struct pending p = pending_open(1);
	assert_int_equal(pending_keep(&p, 0, &in, 1, &err), RC_OK);
	assert_int_equal(file_read(p.path, 4096, &whole, &err), RC_OK);
	for (size_t cut = 0; cut < whole.n; cut++) {
		struct buf memory = {0};
		assert_int_equal(file_replace(p.path, 0600, bytes_of(whole.p, cut), &err), RC_OK);
		assert_int_equal(pending_load(&p, &memory, &kind, &out, &n, &err), RC_INPUT);
		buf_release(&memory);
	}
	buf_put_u8(&whole, 0);
	struct buf memory = {0};
	assert_int_equal(file_replace(p.path, 0600, buf_bytes(&whole), &err), RC_OK);
	assert_int_equal(pending_load(&p, &memory, &kind, &out, &n, &err), RC_INPUT);
	buf_release(&memory);
	buf_release(&whole);
	pending_release(&p);
}

static void without_a_home_there_is_no_place_to_keep_it(void **state)
{
	struct pending p;
	struct hash h = {{0}};
	(void)state;
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "", 1);
	assert_int_equal(pending_init(&p, &h, &err), RC_SETUP);
	setenv("HOME", "relative", 1);
	assert_int_equal(pending_init(&p, &h, &err), RC_SETUP);
	setenv("HOME", "/home/nobody", 1);
	assert_int_equal(pending_init(&p, &h, &err), RC_OK);
	assert_non_null(strstr(p.path, "/home/nobody/.local/state/deltactl/"));
	pending_release(&p);
}

static void an_operators_line_is_read_back_as_written(void **state)
{
	struct key k;
	struct operator_line in = {.member = "jiangsu", .name = "Zhang San 张三"}, out;
	struct buf b = {0};
	(void)state;
	key_generate(&k, KEY_OPERATOR, "jiangsu", "x");
	memcpy(in.public, k.public, KEY_BYTES);
	operator_line_put(&b, &in);
	assert_int_equal(operator_line_parse(buf_bytes(&b), &out, &err), RC_OK);
	assert_string_equal(out.member, in.member);
	assert_string_equal(out.name, in.name);
	assert_memory_equal(out.public, in.public, KEY_BYTES);
	for (size_t cut = 0; cut < b.n; cut++)
		assert_int_equal(operator_line_parse(bytes_of(b.p, cut), &out, &err), RC_KEYFILE);
	buf_put_str(&b, "more\n");
	assert_int_equal(operator_line_parse(buf_bytes(&b), &out, &err), RC_KEYFILE);
	buf_release(&b);
	key_release(&k);
}

static void an_operators_key_must_be_able_to_sign(void **state)
{
	struct operator_line zero = {.member = "jiangsu", .name = "x"}, out;
	struct buf b = {0};
	(void)state;
	operator_line_put(&b, &zero);
	assert_int_equal(operator_line_parse(buf_bytes(&b), &out, &err), RC_KEYFILE);
	buf_release(&b);
}

/* A socket pair's other end, in the place of a node. */
static int hostile_line(struct connection *c)
{
	int fd[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	*c = (struct connection){.fd = fd[0], .timeout_ms = 200, .memory = xalloc(CTL_ARENA)};
	snprintf(c->path, sizeof c->path, "pair");
	return fd[1];
}

static int answer_to(const void *bytes, size_t n, bool hang_up)
{
	struct connection c;
	struct ctl_reply r;
	int peer = hostile_line(&c);
	assert_int_equal(write(peer, bytes, n), n);
	if (hang_up)
		close(peer);
	int rc = connection_next(&c, 100, &r, &err);
	connection_close(&c);
	if (!hang_up)
		close(peer);
	return rc;
}

static void an_answer_that_is_no_frame_is_refused_at_once(void **state)
{
	(void)state;
	assert_int_equal(answer_to("\0\0\0\0", 4, false), RC_PEER_FRAME);
	assert_int_equal(answer_to("\xff\xff\xff\xff", 4, false), RC_TOO_BIG);
	assert_int_equal(answer_to("\0\x10\0\1", 4, false), RC_TOO_BIG);
	assert_int_equal(answer_to("HTTP/1.1 200 OK\r\n", 17, false), RC_TOO_BIG);
	assert_int_equal(answer_to("\0\0\0\4\xff\xff\xff\xff", 8, false), RC_PEER_MESSAGE);
}

static void an_answer_that_ends_or_never_comes_is_told_apart(void **state)
{
	(void)state;
	assert_int_equal(answer_to("\0\0\0\4\xff", 5, true), RC_UNREACHABLE);
	assert_int_equal(answer_to("", 0, true), RC_UNREACHABLE);
	assert_int_equal(answer_to("\0\0\0\4\xff", 5, false), RC_TIMEOUT);
	assert_int_equal(answer_to("", 0, false), RC_TIMEOUT);
}

static void answers_to_earlier_requests_are_passed_over(void **state)
{
	struct connection c;
	struct ctl_reply r = {.id = 7, .kind = CTL_REPLY_EVENT, .commit = 1}, got;
	struct buf out = {0};
	(void)state;
	int peer = hostile_line(&c);
	c.last_id = 8;
	assert_int_equal(ctl_reply_encode(&r, &out, &err), RC_OK);
	r.id = 8;
	r.commit = 2;
	assert_int_equal(ctl_reply_encode(&r, &out, &err), RC_OK);
	/* Byte for byte, as a slow line brings it. */
	for (size_t i = 0; i < out.n; i++)
		assert_int_equal(write(peer, out.p + i, 1), 1);
	assert_int_equal(connection_next(&c, 1000, &got, &err), RC_OK);
	assert_int_equal(got.commit, 2);
	assert_int_equal(connection_next(&c, 50, &got, &err), RC_TIMEOUT);
	buf_release(&out);
	connection_close(&c);
	close(peer);
}

static void a_node_that_will_not_serve_says_why(void **state)
{
	struct connection c;
	struct ctl_reply r = {.id = 0, .rc = RC_DENIED, .text = bytes_str("not in the group")}, got;
	struct ctl_request q = {.kind = CTL_INFO};
	struct buf out = {0};
	(void)state;
	assert_int_equal(ctl_reply_encode(&r, &out, &err), RC_OK);
	int peer = hostile_line(&c);
	assert_int_equal(write(peer, out.p, out.n), out.n);
	assert_int_equal(connection_send(&c, &q, &err), RC_OK);
	assert_int_equal(connection_next(&c, 1000, &got, &err), RC_DENIED);
	assert_string_equal(err.text, "not in the group");
	connection_close(&c);
	close(peer);
	/* The same from one that has hung up before it was asked. */
	peer = hostile_line(&c);
	assert_int_equal(write(peer, out.p, out.n), out.n);
	close(peer);
	assert_int_equal(connection_send(&c, &q, &err), RC_DENIED);
	assert_string_equal(err.text, "not in the group");
	connection_close(&c);
	buf_release(&out);
}

static void a_node_that_does_not_read_is_given_up(void **state)
{
	struct connection c;
	(void)state;
	int peer = hostile_line(&c);
	uint8_t *note = xalloc(60000);
	memset(note, 'a', 60000);
	struct ctl_request q = {.kind = CTL_INSTALL_ROSTER, .note = bytes_of(note, 60000)};
	int rc = RC_OK;
	for (unsigned i = 0; rc == RC_OK && i < 100; i++)
		rc = connection_send(&c, &q, &err);
	assert_int_equal(rc, RC_UNREACHABLE);
	connection_close(&c);
	close(peer);
	free(note);
}

#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(a_new_file_never_replaces_one),
		FOLDER_TEST(only_regular_files_are_read),
		FOLDER_TEST(folders_are_made_with_those_above),
		FOLDER_TEST(what_is_kept_comes_back_byte_for_byte_until_it_is_forgotten),
		FOLDER_TEST(a_damaged_pending_file_is_told_and_not_posted),
		FOLDER_TEST(without_a_home_there_is_no_place_to_keep_it),
		FOLDER_TEST(an_operators_line_is_read_back_as_written),
		FOLDER_TEST(an_operators_key_must_be_able_to_sign),
		FOLDER_TEST(an_answer_that_is_no_frame_is_refused_at_once),
		FOLDER_TEST(an_answer_that_ends_or_never_comes_is_told_apart),
		FOLDER_TEST(answers_to_earlier_requests_are_passed_over),
		FOLDER_TEST(a_node_that_will_not_serve_says_why),
		FOLDER_TEST(a_node_that_does_not_read_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
