#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "daemon/config_text.h"

#define ID "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NODE                                                                                       \
	"node {\nmember = \"jiangsu\"\ndata_dir = \"/d\"\nmark_file = \"/m/head\"\n"               \
	"cluster_id = \"" ID "\"\nlisten = \"0.0.0.0:7420\"\ncontrol = \"/run/c\"\n}\n"
#define KEYS "keys {\nlog = \"/k/log\"\ncosign = \"/k/cosign\"\nnoise = \"credential:noise\"\n}\n"
/* NODE has 8 lines, KEYS 5: what a test appends begins in line 14. */
#define GOOD NODE KEYS

static int parse(const char *text, struct config *c, struct err *e)
{
	*e = (struct err){0};
	return config_parse(bytes_str(text), "x.conf", "/creds", c, e);
}

static void assert_refused(const char *text, const char *why)
{
	struct config c = {.log_level = LOG_LEVEL_ERROR};
	struct err e;
	int rc = parse(text, &c, &e);
	if (rc != RC_CONFIG || !strstr(e.text, why) || strncmp(e.text, "x.conf", 6) != 0)
		fail_msg("%s\n-> %d \"%s\", not \"%s\"", text, rc, e.text, why);
	assert_int_equal(c.log_level, LOG_LEVEL_ERROR);
}

static void assert_accepted(const char *text)
{
	struct config c;
	struct err e;
	if (parse(text, &c, &e))
		fail_msg("%s\n-> %s", text, e.text);
}

static void every_value_arrives_where_it_belongs(void **state)
{
	struct config c;
	struct err e;
	(void)state;
	assert_int_equal(parse(GOOD "peer \"shanghai\" { address = \"10.10.1.5:7420\" }\n"
				    "peer \"anhui\" { address = \"[::1]:1\" }\n"
				    "limits { clients = 3 }\nlog { level = debug }\n",
				 &c, &e),
		RC_OK);
	assert_string_equal(c.net.member, "jiangsu");
	assert_string_equal(c.net.data_dir, "/d");
	assert_string_equal(c.mark_file, "/m/head");
	assert_int_equal(c.net.cluster_id.b[1], 0x23);
	assert_string_equal(c.net.listen, "0.0.0.0:7420");
	assert_string_equal(c.net.control, "/run/c");
	assert_string_equal(c.key_log, "/k/log");
	assert_string_equal(c.key_cosign, "/k/cosign");
	assert_string_equal(c.key_noise, "/creds/noise");
	assert_int_equal(c.net.n_peers, 2);
	assert_string_equal(c.net.peer[0].slug, "shanghai");
	assert_string_equal(c.net.peer[0].addr, "10.10.1.5:7420");
	assert_string_equal(c.net.peer[1].addr, "[::1]:1");
	assert_int_equal(c.net.limits.clients, 3);
	assert_int_equal(c.net.limits.handshake_ms, 5000);
	assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
}

static void node_without_listen_only_dials(void **state)
{
	struct config c;
	struct err e;
	(void)state;
	assert_int_equal(parse("node {\nmember = ah\ndata_dir = /d\nmark_file = /m\n"
			       "cluster_id = " ID "\ncontrol = /c\n}\n" KEYS,
				 &c, &e),
		RC_OK);
	assert_string_equal(c.net.listen, "");
}

static void example_shows_each_default_and_is_valid(void **state)
{
	struct config example, plain;
	struct err e = {0};
	(void)state;
	assert_int_equal(
		config_load("conf/deltad.conf.example", "/run/credentials", &example, &e), RC_OK);
	assert_int_equal(parse(GOOD, &plain, &e), RC_OK);
	assert_memory_equal(&example.net.limits, &plain.net.limits, sizeof(plain.net.limits));
	struct buf text = {0};
	assert_int_equal(config_text_read("conf/deltad.conf.example", &text, &e), RC_OK);
	buf_put_u8(&text, '\0');
	/* Each limit is there by name, so that what the comparison saw are not two defaults. */
	static const char *const names[] = {"handshake_ms", "frame_ms", "write_pause_kib",
		"write_close_kib", "write_stall_ms", "session_minutes", "unauthenticated",
		"unauthenticated_per_address", "clients", "client_idle_s", "min_free_mib",
		"min_free_percent"};
	assert_int_equal(
		sizeof(names) / sizeof(names[0]) * sizeof(uint32_t), sizeof(struct net_limits));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char line[64];
		snprintf(line, sizeof(line), "\n\t%s = ", names[i]);
		assert_non_null(strstr((const char *)text.p, line));
	}
	buf_release(&text);
}

static void unknown_and_repeated_names_are_refused_with_their_line(void **state)
{
	(void)state;
	assert_refused(GOOD "nod { }\n", "x.conf:14: no such option 'nod'");
	assert_refused(GOOD "limits {\nclients = 5\nclient = 4\n}\n", "x.conf:16: no such option");
	assert_refused(GOOD "limits {\nclients = 5\n\nclients = 5\n}\n",
		"x.conf:17: \"clients\" is given twice");
	assert_refused(GOOD "node { }\n", "\"node\" is given twice");
	assert_refused(GOOD "limits { }\nlimits { }\n", "x.conf:15: \"limits\" is given twice");
	assert_refused(GOOD "peer \"anhui\" { address = \"1.1.1.1:1\" }\n"
			    "peer \"anhui\" { address = \"1.1.1.2:1\" }\n",
		"x.conf:15: found duplicate title 'anhui'");
	assert_refused(GOOD "peer anhui { address = 1.1.1.1:1\naddress = 1.1.1.1:2 }\n",
		"x.conf:15: \"address\" is given twice");
	assert_refused(
		"node {\nmember = a1\nmember = a2\n}\n", "x.conf:3: \"member\" is given twice");
}

static void missing_names_are_refused(void **state)
{
	(void)state;
	assert_refused(KEYS, "there is no section node");
	assert_refused(NODE, "there is no section keys");
	assert_refused(NODE "keys { log = /l\nnoise = /n }\n", "does not say \"cosign\"");
	assert_refused("node { }\n" KEYS, "does not say \"member\"");
	assert_refused(GOOD "peer \"anhui\" { }\n", "peer \"anhui\" has no address");
	assert_refused(GOOD "peer { address = 1.1.1.1:1 }\n", "missing title");
}

static void limits_are_whole_numbers_within_their_range(void **state)
{
	(void)state;
	assert_accepted(GOOD "limits { handshake_ms = 500 }\n");
	assert_accepted(GOOD "limits { handshake_ms = 60000 }\n");
	static const char *const bad[] = {"499", "60001", "abc", "5.0", "0x1f4", "-1", "0500",
		"500ms", "18446744073709551616", "\"\"", "\" 500\""};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[1024];
		snprintf(text, sizeof(text), GOOD "limits {\nhandshake_ms = %s }\n", bad[i]);
		assert_refused(text, "x.conf:15: handshake_ms = ");
	}
	assert_refused(GOOD "limits { clients = 0 }\n", "from 1 to 1024");
	assert_accepted(GOOD "limits { min_free_mib = 0\nmin_free_percent = 0 }\n");
	assert_refused(GOOD "limits { min_free_percent = 51 }\n", "from 0 to 50");
	assert_refused(GOOD "limits { write_pause_kib = 2048\nwrite_close_kib = 3327 }\n",
		"at least 1280 more");
	assert_accepted(GOOD "limits { write_pause_kib = 2048\nwrite_close_kib = 3328 }\n");
	assert_refused(GOOD "log { level = loud }\n", "error, warn, info or debug");
}

static void assert_node_refused(const char *name, const char *value, const char *why)
{
	char text[2048];
	snprintf(text, sizeof(text), "node {\n%s = \"%s\"\n}\n" KEYS, name, value);
	assert_refused(text, why);
	assert_refused(text, "x.conf:2: ");
}

static void names_paths_and_addresses_are_checked(void **state)
{
	(void)state;
	assert_node_refused("member", "Jiangsu", "is no slug");
	assert_node_refused("member", "", "is no slug");
	assert_node_refused("member", "abcdefghijklmnopqrstu", "is no slug");
	assert_node_refused("data_dir", "relative/path", "is not absolute");
	assert_node_refused("data_dir", "", "1 to 1023");
	assert_node_refused("cluster_id", "sha256:00", "64 lower-case hex");
	assert_node_refused("cluster_id", "0123", "64 lower-case hex");
	assert_node_refused("cluster_id", ID "0", "64 lower-case hex");
	assert_node_refused("listen", "node.example:7420", "not looked up");
	assert_node_refused("listen", "0.0.0.0:0", "1 to 65535");
	assert_node_refused("listen", "0.0.0.0:65536", "1 to 65535");
	assert_node_refused("listen", "[fe80::1%eth0]:7420", "zone");
}

static void peers_are_other_members_at_numeric_addresses(void **state)
{
	(void)state;
	assert_refused(GOOD "peer \"Anhui\" { address = 1.1.1.1:1 }\n", "is no slug");
	assert_refused(GOOD "\n\npeer \"jiangsu\" { address = 1.1.1.1:1 }\n",
		"x.conf:16: peer \"jiangsu\" is this node itself");
	assert_refused(GOOD "peer \"anhui\" { address = \"0.0.0.0:1\" }\n", "names no machine");
	assert_refused(GOOD "peer \"anhui\" {\naddress = \"anhui:1\"\n}\n", "x.conf:15: address:");
}

static void seventeenth_peer_is_refused(void **state)
{
	struct buf text = {0};
	(void)state;
	buf_put_str(&text, GOOD);
	for (int i = 0; i < LIMIT_MEMBERS + 1; i++) {
		struct config c;
		struct err e = {0};
		buf_printf(&text, "peer \"p%d\" { address = 1.1.1.1:1 }\n", i);
		int rc = config_parse(buf_bytes(&text), "x.conf", NULL, &c, &e);
		/* Without a credentials folder KEYS is refused first; give it one. */
		assert_int_equal(rc, RC_CONFIG);
		rc = config_parse(buf_bytes(&text), "x.conf", "/creds", &c, &e);
		assert_int_equal(rc, i < LIMIT_MEMBERS ? RC_OK : RC_CONFIG);
	}
	buf_release(&text);
}

static void socket_path_of_108_bytes_is_refused_and_107_is_not(void **state)
{
	char path[110], text[2048];
	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[107] = '\0';
	snprintf(text, sizeof(text),
		"node {\nmember = ah\ndata_dir = /d\nmark_file = /m\ncluster_id = " ID
		"\ncontrol = %s\n}\n" KEYS,
		path);
	assert_accepted(text);
	path[107] = 'a';
	path[108] = '\0';
	snprintf(text, sizeof(text), "node {\ncontrol = %s\n}\n", path);
	assert_refused(text, "x.conf:2: control has 108 bytes");
}

static void credentials_are_names_in_the_managers_folder(void **state)
{
	struct config c;
	struct err e = {0};
	(void)state;
	assert_refused(NODE "keys { log = \"credential:../x\" }\n", "no slash");
	assert_refused(NODE "keys { log = \"credential:\" }\n", "no slash");
	assert_refused(NODE "keys { log = \"credential:.x\" }\n", "no slash");
	assert_refused(NODE "keys { log = log.key }\n", "is not absolute");
	assert_int_equal(config_parse(bytes_str(GOOD), "x.conf", NULL, &c, &e), RC_CONFIG);
	assert_non_null(strstr(e.text, "CREDENTIALS_DIRECTORY is not set"));
}

static void text_that_the_scanner_would_misread_is_refused(void **state)
{
	(void)state;
	assert_refused("", "x.conf:1: the file is empty");
	assert_refused("\xef\xbb\xbf" GOOD, "x.conf:1: the file begins with a byte order mark");
	assert_refused("node {\r\n", "x.conf:1: the line ends in CR LF");
	assert_refused("\nnode {\x01\n", "x.conf:2: a control character");
	assert_refused("node {\nmember = \"jiang\n\"\n", "x.conf:2: a quote is not closed");
	assert_refused("node {\nmember = 'x'\n", "x.conf:2: unexpected character");
	assert_refused("node {\nmember = \"${HOME}\"\n", "x.conf:2: backslash and dollar");
	assert_refused("node {\nmember = ${HOME}\n", "x.conf:2: backslash and dollar");
	assert_refused("node {\nmember = \"\\x41\"\n", "x.conf:2: backslash and dollar");
	assert_refused("/* long\n" GOOD, "x.conf:1: a comment is not closed");
	assert_refused("/**//* */ x = *\n" GOOD, "x.conf:1: unexpected character");
	assert_refused("include(\"/etc/passwd\")\n", "unexpected character");
	assert_refused(GOOD "limits {\nclients += 5\n}\n", "x.conf:15: unexpected character");
	assert_accepted("# it's \"fine\" ${here} \\\n// and '*' here\n" GOOD);
}

static void comments_do_not_move_the_line_of_an_error(void **state)
{
	(void)state;
	assert_refused("# one\n" GOOD "bad = 1\n", "x.conf:15: no such option");
	assert_refused("// one\n" GOOD "bad = 1\n", "x.conf:15: no such option");
	assert_refused("/* one\n two */\n" GOOD "bad = 1\n", "x.conf:16: no such option");
	assert_refused(
		"/* \"1\n # // 2 */ # */ 3\n//\n#\n\n" GOOD "bad = 1\n", "x.conf:19: no such");
	assert_refused(GOOD "limits { # x\nclients = 5 // x\nclients = 0 /* x */ }\n",
		"x.conf:16: \"clients\" is given twice");
	assert_refused(GOOD "# x\nlimits { # x\nclients = 0 # x\n}\n", "x.conf:16: clients = 0");
	assert_refused(
		"# x\n" NODE "# x\nkeys {\n# x\nlog = /l # x\n}\n", "x.conf:14: section keys");
	assert_refused("# x\n" NODE "# x\n", "x.conf:11: there is no section keys");
	assert_refused(GOOD "# x\npeer \"jiangsu\" { # x\naddress = 1.1.1.1:1 # x\n}\n",
		"x.conf:17: peer \"jiangsu\" is this node itself");
	assert_refused("# x\nnode {\nlisten = \"/* 0 // # \"\n", "x.conf:3: listen: ");
}

static void nul_and_overlong_lines_are_refused(void **state)
{
	struct config c;
	struct err e = {0};
	(void)state;
	assert_int_equal(
		config_parse(bytes_of(GOOD "\0", sizeof(GOOD)), "x.conf", "/c", &c, &e), RC_CONFIG);
	assert_non_null(strstr(e.text, "x.conf:14: a control character or NUL"));
	for (size_t n = CONFIG_LINE_MAX - 1; n <= 1024 * 1024;
		n = n == 1025 ? 1024 * 1024 : n + 1) {
		struct buf text = {0};
		memset(buf_reserve(&text, n), '#', n);
		text.n = n;
		buf_put_str(&text, "\n" GOOD);
		int rc = config_parse(buf_bytes(&text), "x.conf", "/c", &c, &e);
		assert_int_equal(rc, n <= CONFIG_LINE_MAX ? RC_OK : RC_CONFIG);
		buf_release(&text);
	}
}

static void after_a_refused_file_a_good_one_is_still_read(void **state)
{
	static const char *const bad[] = {"node {", "node { member = \"", "node { member",
		"node { member =", "peer \"x", "}", "=", "limits { clients = { }", "keys { log"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config c;
		struct err e;
		assert_int_equal(parse(bad[i], &c, &e), RC_CONFIG);
		assert_accepted(GOOD);
	}
}

static void files_that_cannot_be_read_are_refused(void **state)
{
	char dir[] = "/tmp/deltad-config-XXXXXX", path[64];
	struct config c;
	struct err e = {0};
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/conf", dir);
	assert_int_equal(config_load(path, NULL, &c, &e), RC_CONFIG);
	assert_non_null(strstr(e.text, "No such file"));
	assert_int_equal(config_load(dir, NULL, &c, &e), RC_CONFIG);
	assert_non_null(strstr(e.text, "not a regular file"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_load(path, NULL, &c, &e), RC_CONFIG);
	assert_non_null(strstr(e.text, "not a regular file"));
	unlink(path);
	FILE *f = fopen(path, "w");
	assert_int_equal(ftruncate(fileno(f), CONFIG_FILE_MAX + 1), 0);
	fclose(f);
	assert_int_equal(config_load(path, NULL, &c, &e), RC_CONFIG);
	assert_non_null(strstr(e.text, "more than 256 KiB"));
	unlink(path);
	rmdir(dir);
}

static void reload_names_what_needs_a_restart(void **state)
{
	struct config a, b;
	struct err e;
	struct buf out = {0};
	(void)state;
	assert_int_equal(parse(GOOD, &a, &e), RC_OK);
	assert_int_equal(parse(GOOD "limits { clients = 9 }\nlog { level = warn }\n"
				    "peer \"anhui\" { address = 1.1.1.1:1 }\n",
				 &b, &e),
		RC_OK);
	config_restart_needs(&a, &b, &out);
	assert_int_equal(out.n, 0);
	snprintf(b.net.listen, sizeof(b.net.listen), "1.1.1.1:1");
	snprintf(b.key_noise, sizeof(b.key_noise), "/other");
	config_restart_needs(&a, &b, &out);
	buf_put_u8(&out, '\0');
	assert_string_equal((const char *)out.p, "node.listen, keys.noise");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_arrives_where_it_belongs),
		cmocka_unit_test(node_without_listen_only_dials),
		cmocka_unit_test(example_shows_each_default_and_is_valid),
		cmocka_unit_test(unknown_and_repeated_names_are_refused_with_their_line),
		cmocka_unit_test(missing_names_are_refused),
		cmocka_unit_test(limits_are_whole_numbers_within_their_range),
		cmocka_unit_test(names_paths_and_addresses_are_checked),
		cmocka_unit_test(peers_are_other_members_at_numeric_addresses),
		cmocka_unit_test(seventeenth_peer_is_refused),
		cmocka_unit_test(socket_path_of_108_bytes_is_refused_and_107_is_not),
		cmocka_unit_test(credentials_are_names_in_the_managers_folder),
		cmocka_unit_test(text_that_the_scanner_would_misread_is_refused),
		cmocka_unit_test(comments_do_not_move_the_line_of_an_error),
		cmocka_unit_test(nul_and_overlong_lines_are_refused),
		cmocka_unit_test(after_a_refused_file_a_good_one_is_still_read),
		cmocka_unit_test(files_that_cannot_be_read_are_refused),
		cmocka_unit_test(reload_names_what_needs_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
