#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "proto/trust/checkpoint.h"
#include "tests/unit/fake_node.h"
#include "tests/unit/run_command.h"

static struct fake_node *node;

static int open_node(void **state)
{
	(void)state;
	node = fake_begin();
	return 0;
}

static int close_node(void **state)
{
	(void)state;
	fake_close(node);
	return 0;
}

/* The bytes of the last post without the frame's id, which counts requests. */
static bool same_post(const struct buf *before)
{
	static uint8_t memory[2][CTL_ARENA];
	struct arena a, b;
	struct ctl_request x, y;
	arena_init(&a, memory[0], CTL_ARENA);
	arena_init(&b, memory[1], CTL_ARENA);
	assert_int_equal(ctl_request_decode(buf_bytes(before), &a, &x, NULL), RC_OK);
	assert_int_equal(ctl_request_decode(buf_bytes(&node->last_post), &b, &y, NULL), RC_OK);
	return x.n_changes == 1 && y.n_changes == 1 &&
		bytes_equal(x.changes[0].body, y.changes[0].body) &&
		bytes_equal(x.changes[0].signature, y.changes[0].signature);
}

static void unknown_then_again(enum fake_post how)
{
	struct buf first = {0};
	node->post = how;
	/* Who hangs up ends the waiting; who is silent has time to answer what comes before. */
	RUN("report", "3-05", "--status", "in_progress", "--progress", "40", "--timeout",
		how == FAKE_SILENT ? "3s" : "60s");
	assert_ended(75, "E1075");
	buf_put_bytes(&first, buf_bytes(&node->last_post));
	node->post = FAKE_OK;
	RUN("report", "3-05", "--status", "in_progress", "--progress", "40");
	assert_ended(0, NULL);
	assert_int_equal(node->posts, 2);
	assert_true(same_post(&first));
	/* Now its outcome is known: the next one is another change. */
	RUN("report", "3-05", "--status", "in_progress", "--progress", "40");
	assert_ended(0, NULL);
	assert_false(same_post(&first));
	buf_release(&first);
}

static void a_lost_answer_is_unknown_and_the_same_command_posts_the_same_bytes(void **state)
{
	(void)state;
	unknown_then_again(FAKE_HANG_UP);
}

static void silence_is_unknown_and_the_same_command_posts_the_same_bytes(void **state)
{
	(void)state;
	unknown_then_again(FAKE_SILENT);
}

static void a_node_that_does_not_know_is_asked_again_with_the_same_bytes(void **state)
{
	(void)state;
	unknown_then_again(FAKE_UNKNOWN);
}

static void another_command_does_not_post_what_this_one_left(void **state)
{
	struct buf first = {0};
	(void)state;
	node->post = FAKE_HANG_UP;
	RUN("note", "3-05", "one");
	assert_ended(75, NULL);
	buf_put_bytes(&first, buf_bytes(&node->last_post));
	node->post = FAKE_OK;
	RUN("note", "3-05", "two");
	assert_ended(0, NULL);
	assert_false(same_post(&first));
	/* Flags that do not reach into the change leave the command the same. */
	RUN("--json", "note", "3-05", "one");
	assert_ended(0, NULL);
	assert_true(same_post(&first));
	buf_release(&first);
}

static void what_may_be_posted_is_kept_until_the_node_has_looked_for_it(void **state)
{
	struct buf first = {0};
	(void)state;
	node->post = FAKE_HANG_UP;
	RUN("note", "3-05", "one");
	assert_ended(75, NULL);
	buf_put_bytes(&first, buf_bytes(&node->last_post));
	node->post = FAKE_DEAF;
	RUN("note", "3-05", "one");
	assert_ended(3, "E3001");
	node->post = FAKE_CANNOT;
	RUN("note", "3-05", "one");
	assert_ended(1, "E1009");
	node->post = FAKE_OK;
	RUN("note", "3-05", "one");
	assert_ended(0, NULL);
	assert_true(same_post(&first));
	buf_release(&first);
}

static void a_refusal_is_told_and_nothing_is_kept(void **state)
{
	struct buf first = {0};
	(void)state;
	node->post = FAKE_REFUSE;
	RUN("note", "3-05", "one");
	assert_ended(6, "E6005");
	assert_non_null(strstr(done.err, "so says the node"));
	buf_put_bytes(&first, buf_bytes(&node->last_post));
	node->post = FAKE_OK;
	RUN("note", "3-05", "one");
	assert_ended(0, NULL);
	assert_false(same_post(&first));
	buf_release(&first);
}

static void an_answer_for_another_change_is_not_believed(void **state)
{
	(void)state;
	node->post = FAKE_WRONG;
	RUN("note", "3-05", "one");
	assert_ended(7, "E7001");
}

static void what_would_be_void_is_refused_before_it_is_signed(void **state)
{
	(void)state;
	RUN("report", "3-05", "--status", "delayed");
	assert_ended(6, "E6002");
	RUN("report", "3-05", "--status", "suspended");
	assert_ended(6, "E6002");
	RUN("report", "3-05", "--status", "closed");
	assert_ended(6, "E6002");
	RUN("report", "3-05", "--status", "in_progress", "--progress", "101");
	assert_ended(6, "E6002");
	RUN("overall", "3-05", "--status", "closed");
	assert_ended(6, "E6003");
	RUN("report", "3-06", "--status", "in_progress");
	assert_ended(5, "is not in the plan; deltactl task list");
	RUN("plan", "load", "conf/plan-2024-2026.csv");
	assert_ended(6, "E6003");
	assert_int_equal(node->posts, 0);
}

static void progress_falls_only_with_a_reason(void **state)
{
	(void)state;
	RUN("report", "3-05", "--status", "in_progress", "--progress", "40");
	assert_ended(0, NULL);
	RUN("report", "3-05", "--progress", "30");
	assert_ended(6, "E6006");
	RUN("report", "3-05", "--progress", "30", "--reason", "counted twice");
	assert_ended(0, NULL);
	assert_int_equal(node->posts, 2);
}

static void what_a_delayed_report_said_stays_and_that_is_told(void **state)
{
	(void)state;
	RUN("report", "3-05", "--status", "delayed", "--problem", "rain", "--next", "wait");
	assert_ended(0, NULL);
	RUN("report", "3-05", "--progress", "5");
	assert_ended(0, NULL);
	assert_null(strstr(done.err, "stays"));
	RUN("report", "3-05", "--status", "in_progress", "-n");
	assert_ended(
		0, "what the delayed report said stays; to empty it: --problem \"\" --next \"\"");
	RUN("report", "3-05", "--status", "in_progress", "--problem", "");
	assert_ended(0, "what the delayed report said stays; to empty it: --next \"\"");
	RUN("report", "3-05", "--progress", "10");
	assert_ended(0, NULL);
	assert_null(strstr(done.err, "stays"));
}

static void a_key_without_the_right_is_refused_before_it_signs(void **state)
{
	(void)state;
	node->scope = "3-06";
	RUN("note", "3-05", "x");
	assert_ended(4, "E4003");
	node->scope = NULL;
	node->revoked = true;
	RUN("note", "3-05", "x");
	assert_ended(4, "E4002");
	node->revoked = false;
	RUN("note", "3-05", "x", "--as", "/nonexistent/key");
	assert_ended(5, "E5001: not found: /nonexistent/key does not exist; check");
	assert_int_equal(node->posts, 0);
}

static void a_dry_run_checks_and_posts_nothing(void **state)
{
	(void)state;
	RUN("report", "3-05", "--status", "in_progress", "-n");
	assert_ended(0, NULL);
	RUN("report", "3-05", "--status", "delayed", "--dry-run");
	assert_ended(6, "E6002");
	assert_int_equal(node->posts, 0);
}

static void why_names_the_person_and_checks_the_signature(void **state)
{
	(void)state;
	RUN("report", "3-05", "--status", "in_progress", "--progress", "40");
	RUN("--json", "why", "3-05", "report:jiangsu");
	assert_ended(0, NULL);
	json_t *root = json_loads(done.out, 0, NULL);
	json_t *row = json_array_get(json_object_get(root, "changes"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "operator")), "张三");
	assert_true(json_is_true(json_object_get(row, "signature_ok")));
	assert_string_equal(json_string_value(json_object_get(row, "state")), "current");
	json_decref(root);
	RUN("why", "3-05", "report:anhui");
	assert_ended(5, "E5001: not found: nothing was ever said there; deltactl task list");
	RUN("proof", "3-05", "report:anhui", "-o", "none");
	assert_ended(5, "nothing stands there; deltactl task show 3-05");
}

static void why_ends_with_7_if_a_current_value_was_tampered_with(void **state)
{
	(void)state;
	RUN("report", "3-05", "--status", "in_progress", "--progress", "40");
	struct fake_entry *x = &node->entry[1];
	/* The signature stands before the body; any bit of it will do. */
	for (size_t i = 0; i + SIGNATURE_BYTES < x->n; i++) {
		if (memcmp(x->leaf + i, "\x12\x40", 2) != 0)
			continue;
		x->leaf[i + 10] ^= 1;
		break;
	}
	RUN("why", "3-05");
	assert_ended(7, "E7001");
	assert_non_null(strstr(done.out, "false"));
}

static void two_values_of_one_register_are_shown_and_resolved(void **state)
{
	(void)state;
	struct value v = {.slot = SLOT_OVERALL, .overall = {.status = STATUS_IN_PROGRESS}};
	struct change c = {.member = bytes_str("jiangsu"),
		.task = bytes_str("3-05"),
		.under = hash_bytes(&node->entry[0].id)};
	fake_write(node, c, &v, &node->operator);
	v.overall.status = STATUS_DELAYED;
	struct fake_entry *second = fake_write(node, c, &v, &node->operator);
	char prefix[HASH_HEX_SIZE];
	hash_print(&second->id, prefix);
	prefix[12] = 0;
	RUN("conflicts");
	assert_ended(0, NULL);
	assert_non_null(strstr(done.out, "3-05\toverall\t2\t"));
	RUN("conflicts", "show", "3-05", "overall");
	assert_non_null(strstr(done.out, prefix));
	RUN("conflicts", "resolve", "3-05", "overall", "--take", prefix);
	assert_ended(0, NULL);
	struct arena a;
	uint8_t *memory = xalloc(CODEC_LEAF_ARENA);
	struct leaf l;
	struct change posted;
	arena_init(&a, memory, CODEC_LEAF_ARENA);
	assert_int_equal(
		leaf_decode(bytes_of(node->entry[3].leaf, node->entry[3].n), &a, &l, NULL), RC_OK);
	assert_int_equal(change_decode(l.signed_body.body, &a, &posted, NULL), RC_OK);
	assert_int_equal(posted.n_supersedes, 2);
	assert_true(bytes_compare(posted.supersedes[0], posted.supersedes[1]) < 0);
	assert_true(bytes_equal(posted.under, hash_bytes(&node->entry[0].id)));
	free(memory);
	RUN("conflicts", "resolve", "3-05", "overall", "--take", prefix, "--status", "delayed");
	assert_ended(2, "E2002");
	RUN("conflicts", "resolve", "3-05", "report", "--take", prefix);
	assert_ended(5, "E5001");
}

static void a_node_without_a_roster_says_what_to_do(void **state)
{
	(void)state;
	node->no_roster = true;
	RUN("task", "list");
	assert_ended(1, "E1010");
	RUN("status");
	assert_ended(0, NULL);
	RUN("status", "--check");
	assert_ended(8, "E8001");
}

static void another_clusters_node_is_not_believed(void **state)
{
	(void)state;
	char id[HASH_HEX_SIZE], prefixed[HASH_HEX_SIZE + 8];
	hash_print(&node->roster.cluster_id, id);
	RUN("task", "list", "--cluster-id", id);
	assert_ended(0, NULL);
	snprintf(prefixed, sizeof prefixed, "sha256:%s", id);
	RUN("task", "list", "--cluster-id", prefixed);
	assert_ended(0, NULL);
	id[0] = id[0] == '0' ? '1' : '0';
	RUN("task", "list", "--cluster-id", id);
	assert_ended(7, "E7001");
	RUN("task", "list", "--cluster-id", "12");
	assert_ended(2, "E2002");
}

static void status_check_and_wait_tell_in_step_from_not(void **state)
{
	struct ctl_peer peer = {
		.member = bytes_str("office"), .agree = AGREE_YES, .connected = true};
	struct ctl_log log = {.origin = bytes_str(FAKE_CLUSTER "/office/1-00000001"),
		.member = bytes_str("office"),
		.size = 3,
		.seen_size = 3};
	(void)state;
	node->status = (struct ctl_status){.member = bytes_str("jiangsu"),
		.state = bytes_str("running"),
		.logs = &log,
		.n_logs = 1,
		.peers = &peer,
		.n_peers = 1};
	RUN("status", "--check");
	assert_ended(0, NULL);
	log.seen_size = 4;
	RUN("status", "--check");
	assert_ended(8, "E8001");
	log.seen_size = 3;
	peer.agree = AGREE_NO;
	RUN("status", "--check");
	assert_ended(7, "E7002");
	log.forked = true;
	RUN("status", "--check");
	assert_ended(7, "E7003");
	node->status.n_peers = 0;
	log.forked = false;
	RUN("status", "--check");
	assert_ended(8, "E8001");
}

/* What a terminal is shown, which must be little: nobody reads meanwhile. */
static void see(const char *const *word, char *out, size_t size)
{
	const struct winsize wide = {.ws_row = 50, .ws_col = 200};
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
	int fd = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(fd >= 0 && ioctl(fd, TIOCSWINSZ, &wide) == 0);
	run_to(fd, word);
	close(fd);
	slurp(terminal, out, size);
}

/* It is meant to be valid to the end of that day, in the offices' time. */
static void status_warns_from_the_day_after_the_rosters_last_on(void **state)
{
	static const char *const status[] = {"status", NULL};
	const int64_t last_second = 1830268799000; /* 2027-12-31 23:59:59 +08:00 */
	char seen[4096];
	(void)state;
	node->status = (struct ctl_status){.member = bytes_str("jiangsu"),
		.state = bytes_str("running"),
		.roster_version = 1,
		.roster_not_after = 20271231,
		.now_ms = last_second};
	see(status, seen, sizeof seen);
	assert_null(strstr(seen, "meant to be valid"));
	node->status.now_ms = last_second + 1000;
	see(status, seen, sizeof seen);
	assert_non_null(strstr(seen, "! the roster was meant to be valid until 2027-12-31: the"));
	node->status.roster_not_after = 0; /* no roster is installed */
	see(status, seen, sizeof seen);
	assert_null(strstr(seen, "meant to be valid"));
}

static void a_reader_that_goes_away_is_no_error(void **state)
{
	int fd[2];
	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	close(fd[0]);
	run_to(fd[1], (const char *const[]){"help", NULL});
	close(fd[1]);
	assert_ended(0, NULL);
	assert_string_equal(done.err, "");
}

static void a_full_disk_under_standard_output_is_an_error(void **state)
{
	(void)state;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	run_to(fd, (const char *const[]){"help", NULL});
	assert_ended(1, "E1003");
	run_to(fd, (const char *const[]){"--json", "task", "list", NULL});
	assert_ended(1, "E1003");
	close(fd);
}

static void what_is_no_command_is_told_so(void **state)
{
	(void)state;
	RUN("frobnicate");
	assert_ended(2, "E2002");
	RUN("task");
	assert_ended(2, "E2002");
	RUN("task", "frobnicate");
	assert_ended(2, "E2002");
	RUN("task", "show");
	assert_ended(2, "E2002");
	RUN("task", "show", "3-05", "3-06");
	assert_ended(2, "E2002");
	RUN("status", "--progress", "3");
	assert_ended(2, "E2002");
	RUN("task", "show", "");
	assert_ended(2, "E2002");
	RUN("task", "list", "--area", "03");
	assert_ended(2, "E2002");
	RUN("help", "E9999");
	assert_ended(5, "no error has the id \"E9999\"; it stands at the beginning");
	RUN("help", "E6003");
	assert_ended(0, NULL);
	assert_non_null(strstr(done.out, "6"));
}

static void an_absent_stale_or_impossible_socket_is_told_with_its_path(void **state)
{
	char stale[80];
	(void)state;
	RUN("status", "--node", "/nonexistent/control");
	assert_ended(3, "/nonexistent/control");
	snprintf(stale, sizeof stale, "%s/stale", node->folder);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, stale, strlen(stale) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	RUN("status", "--node", stale);
	assert_ended(3, stale);
	RUN("status", "--node", node->operator_path);
	assert_ended(3, node->operator_path);
	char path[200];
	memset(path, 'a', sizeof path);
	path[108] = 0;
	RUN("status", "--node", path);
	assert_ended(2, "107");
	path[107] = 0;
	RUN("status", "--node", path);
	assert_ended(3, "E3001");
	RUN("status", "--node", "");
	assert_ended(2, "E2002");
	RUN("status", "--node", "tcp://127.0.0.1:1");
	assert_ended(2, "E2002");
}

static void no_place_to_keep_what_is_posted_means_no_post(void **state)
{
	(void)state;
	setenv("XDG_STATE_HOME", "/proc/nowhere", 1);
	RUN("note", "3-05", "x");
	assert_ended(1, "E1003");
	assert_int_equal(node->posts, 0);
}

static void a_node_that_does_not_answer_is_not_reachable(void **state)
{
	char path[80];
	(void)state;
	snprintf(path, sizeof path, "%s/deaf", node->folder);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 4), 0);
	RUN("status", "--node", path, "--timeout", "100ms");
	assert_ended(3, path);
	close(fd);
}

#define NODE_TEST(f) cmocka_unit_test_setup_teardown(f, open_node, close_node)

/* ---- evidence ---- */

#define FORKED FAKE_CLUSTER "/office/1-0000000b"

/* Two heads of the office's log, of the same size; with another root each, or not. */
static void show_evidence(struct buf *first, struct buf *second, bool differs)
{
	struct hash a = {{1}}, b = {{differs ? 2 : 1}};
	buf_reset(first);
	buf_reset(second);
	checkpoint_sign(FORKED, 7, &a, &node->key[1][1], first);
	checkpoint_sign(FORKED, 7, &b, &node->key[1][1], second);
	node->evidence = (struct ctl_evidence){.origin = bytes_str(FORKED),
		.first = buf_bytes(first),
		.second = buf_bytes(second),
		.total = 1};
}

static void evidence_is_verified_before_it_is_shown(void **state)
{
	struct buf first = {0}, second = {0};
	char file[96];
	(void)state;
	snprintf(file, sizeof file, "%s/evidence", node->folder);
	RUN("evidence", "list");
	assert_ended(0, NULL);
	RUN("evidence", "show", "office");
	assert_ended(5, NULL);
	show_evidence(&first, &second, true);
	RUN("--json", "evidence", "list");
	assert_ended(0, NULL);
	assert_non_null(strstr(done.out, FORKED));
	RUN("evidence", "show", "jiangsu");
	assert_ended(5, NULL);
	RUN("evidence", "show", "office", "-o", file);
	assert_ended(0, NULL);
	RUN("evidence", "show", FORKED, "-o", file);
	assert_ended(6, NULL); /* it is there already */
	assert_int_equal(unlink(file), 0);
	/* A node that accuses somebody of nothing cannot be trusted. */
	show_evidence(&first, &second, false);
	RUN("evidence", "list");
	assert_ended(7, NULL);
	RUN("evidence", "show", "office", "-o", file);
	assert_ended(7, NULL);
	assert_int_equal(access(file, F_OK), -1);
	node->evidence = (struct ctl_evidence){0};
	buf_release(&first);
	buf_release(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(a_lost_answer_is_unknown_and_the_same_command_posts_the_same_bytes),
		NODE_TEST(silence_is_unknown_and_the_same_command_posts_the_same_bytes),
		NODE_TEST(a_node_that_does_not_know_is_asked_again_with_the_same_bytes),
		NODE_TEST(another_command_does_not_post_what_this_one_left),
		NODE_TEST(what_may_be_posted_is_kept_until_the_node_has_looked_for_it),
		NODE_TEST(a_refusal_is_told_and_nothing_is_kept),
		NODE_TEST(an_answer_for_another_change_is_not_believed),
		NODE_TEST(what_would_be_void_is_refused_before_it_is_signed),
		NODE_TEST(progress_falls_only_with_a_reason),
		NODE_TEST(what_a_delayed_report_said_stays_and_that_is_told),
		NODE_TEST(a_key_without_the_right_is_refused_before_it_signs),
		NODE_TEST(a_dry_run_checks_and_posts_nothing),
		NODE_TEST(evidence_is_verified_before_it_is_shown),
		NODE_TEST(why_names_the_person_and_checks_the_signature),
		NODE_TEST(why_ends_with_7_if_a_current_value_was_tampered_with),
		NODE_TEST(two_values_of_one_register_are_shown_and_resolved),
		NODE_TEST(a_node_without_a_roster_says_what_to_do),
		NODE_TEST(another_clusters_node_is_not_believed),
		NODE_TEST(status_check_and_wait_tell_in_step_from_not),
		NODE_TEST(status_warns_from_the_day_after_the_rosters_last_on),
		NODE_TEST(a_reader_that_goes_away_is_no_error),
		NODE_TEST(a_full_disk_under_standard_output_is_an_error),
		NODE_TEST(what_is_no_command_is_told_so),
		NODE_TEST(an_absent_stale_or_impossible_socket_is_told_with_its_path),
		NODE_TEST(a_node_that_does_not_answer_is_not_reachable),
		NODE_TEST(no_place_to_keep_what_is_posted_means_no_post),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
