/* What a peer may say and when, and what becomes of one that does otherwise. */
#include "tests/lib/scene.h"

#include "proto/trust/checkpoint.h"

static struct message hello_of(const struct scene *t, int peer)
{
	struct message m = {.kind = MESSAGE_HELLO};
	m.hello.protocol_min = PROTOCOL_MIN;
	m.hello.protocol_max = PROTOCOL_MAX;
	m.hello.cluster_id = hash_bytes(&t->c->cluster_id);
	m.hello.member = bytes_str(t->c->member[peer].slug);
	return m;
}

/* The peer is told why, once, and nothing it says is read any more. */
static void assert_parted(struct node *n, int peer, int rc)
{
	struct outbound out;
	assert_true(node_next(n, peer, MESSAGE_BYE, &out));
	assert_true(out.last);
	const char *id = rc == RC_OK ? "" : rc_id(rc);
	assert_true(bytes_equal(out.msg.bye.code, bytes_str(id)));
	assert_int_equal(node_drain(n, peer), 0);
	struct message ping = {.kind = MESSAGE_PING, .token = 1};
	assert_ok(n, node_recv(n, peer, &ping));
	assert_int_equal(node_drain(n, peer), 0);
}

static uint64_t refused_of(struct node *n, int peer)
{
	struct ctl_status status;
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	for (size_t i = 0; i < status.n_peers; i++)
		if (bytes_equal(status.peers[i].member, bytes_str(n->c->member[peer].slug)))
			return status.peers[i].refused;
	fail();
	return 0;
}

/* ---- greetings ---- */

static void our_hello_goes_first_and_names_what_we_hold(void **state)
{
	struct scene *t = scene_begin(state, 1);
	node_feed(&t->n, &t->s);
	struct outbound out;
	assert_ok(&t->n, node_link(&t->n, ANHUI, LINK_UP));
	assert_true(replica_next_out(t->n.replica, ANHUI, &out));
	assert_int_equal(out.msg.kind, MESSAGE_HELLO);
	assert_true(bytes_equal(out.msg.hello.member, bytes_str("shanghai")));
	assert_int_equal(out.msg.hello.n_heads, 2);
	assert_int_equal(node_drain(&t->n, ANHUI), 0); /* nothing more before the peer's Hello */
	scene_end(t);
}

/* A peer may have been restored since it last spoke. */
static void our_hello_names_also_what_the_peer_had_before(void **state)
{
	struct scene *t = scene_begin(state, 1);
	node_feed(&t->n, &t->s);
	struct outbound out;
	struct hash view = {{1}};
	assert_ok(&t->n, node_link(&t->n, ANHUI, LINK_UP));
	assert_ok(&t->n, node_hello(&t->n, ANHUI, NULL, 0));
	struct log_size sizes[2] = {
		{bytes_str(node_origin(&t->n)), 1000}, {bytes_str(t->s.origin), 1000}};
	struct message m = {.kind = MESSAGE_VIEW_DIGEST};
	m.digest.rules_version = RULES_VERSION;
	m.digest.sizes = sizes;
	m.digest.n = 2;
	m.digest.view_root = hash_bytes(&view);
	assert_ok(&t->n, node_recv(&t->n, ANHUI, &m));
	assert_ok(&t->n, node_link(&t->n, ANHUI, LINK_DOWN));
	assert_ok(&t->n, node_link(&t->n, ANHUI, LINK_UP));
	assert_true(node_next(&t->n, ANHUI, MESSAGE_HELLO, &out));
	assert_int_equal(out.msg.hello.n_heads, 2);
	scene_end(t);
}

/* Seventeen logs with 60,000 bytes under each head would not fit into a Hello. */
static void lines_that_anybody_put_under_a_head_are_not_kept(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct outbound out;
	struct buf note = {0};
	struct bytes leaves[LIMIT_BATCH_LEAVES];
	scribe_head(&t->s, t->s.n, &note);
	buf_put_str(&note, "— somebody ");
	for (size_t i = 0; i < 15000; i++)
		buf_put_str(&note, "AAAA");
	buf_put_str(&note, "\n");
	for (size_t i = 0; i < t->s.n; i++)
		leaves[i] = buf_bytes(&t->s.leaf[i]);
	struct message m = {.kind = MESSAGE_LEAVES};
	m.leaves.origin = bytes_str(t->s.origin);
	m.leaves.leaves = leaves;
	m.leaves.n = t->s.n;
	m.leaves.head = buf_bytes(&note);
	node_greet(&t->n, t->s.member);
	assert_ok(&t->n, node_recv(&t->n, t->s.member, &m));
	assert_int_equal(node_size(&t->n, t->s.origin), t->s.n);
	assert_ok(&t->n, node_link(&t->n, ANHUI, LINK_UP));
	assert_true(node_next(&t->n, ANHUI, MESSAGE_HELLO, &out));
	assert_int_equal(out.msg.hello.n_heads, 2);
	for (size_t i = 0; i < 2; i++)
		assert_in_range(out.msg.hello.heads[i].n, 1, 4000);
	buf_release(&note);
	scene_end(t);
}

static void every_message_before_hello_is_refused(void **state)
{
	struct scene *t = scene_begin(state, 1);
	for (int kind = MESSAGE_UNKNOWN; kind < MESSAGE_BYE; kind++) {
		if (kind == MESSAGE_HELLO)
			continue;
		struct message m = {.kind = (enum message_kind)kind};
		assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
		assert_rc(&t->n, node_recv(&t->n, JIANGSU, &m), RC_PEER_STATE);
		assert_parted(&t->n, JIANGSU, RC_PEER_STATE);
	}
	assert_int_equal(refused_of(&t->n, JIANGSU), MESSAGE_BYE - 1);
	assert_int_equal(t->n.events[EVENT_REFUSED], MESSAGE_BYE - 1);
	scene_end(t);
}

static void second_hello_is_refused(void **state)
{
	struct scene *t = scene_begin(state, 1);
	node_greet(&t->n, JIANGSU);
	assert_rc(&t->n, node_hello(&t->n, JIANGSU, NULL, 0), RC_PEER_STATE);
	assert_parted(&t->n, JIANGSU, RC_PEER_STATE);
	scene_end(t);
}

static void hello_of_another_cluster_is_refused(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct hash other = t->c->cluster_id;
	other.b[31] ^= 1;
	struct message m = hello_of(t, JIANGSU);
	m.hello.cluster_id = hash_bytes(&other);
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
	assert_rc(&t->n, node_recv(&t->n, JIANGSU, &m), RC_PEER_CLUSTER);
	assert_parted(&t->n, JIANGSU, RC_PEER_CLUSTER);
	scene_end(t);
}

static void hello_without_a_common_version_is_refused(void **state)
{
	const uint32_t ranges[][2] = {
		{PROTOCOL_MAX + 1, UINT32_MAX}, {2, 1}, {0, PROTOCOL_MIN - 1}};
	struct scene *t = scene_begin(state, 1);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct message m = hello_of(t, JIANGSU);
		m.hello.protocol_min = ranges[i][0];
		m.hello.protocol_max = ranges[i][1];
		assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
		assert_rc(&t->n, node_recv(&t->n, JIANGSU, &m), RC_PEER_VERSION);
		assert_parted(&t->n, JIANGSU, RC_PEER_VERSION);
	}
	struct message m = hello_of(t, JIANGSU);
	m.hello.protocol_max = UINT32_MAX;
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m));
	scene_end(t);
}

static void hello_under_the_name_of_another_is_refused(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct message m = hello_of(t, ANHUI);
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
	assert_rc(&t->n, node_recv(&t->n, JIANGSU, &m), RC_PEER_KEY);
	assert_parted(&t->n, JIANGSU, RC_PEER_KEY);
	scene_end(t);
}

static void hello_names_at_most_256_heads(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct bytes head[LIMIT_HELLO_HEADS + 1];
	for (size_t i = 0; i < LIMIT_HELLO_HEADS + 1; i++)
		head[i] = bytes_str("?");
	void *memory = xalloc(MESSAGE_ARENA);
	for (size_t n = LIMIT_HELLO_HEADS; n <= LIMIT_HELLO_HEADS + 1; n++) {
		struct message m = hello_of(t, JIANGSU), back;
		struct buf b = {0};
		struct arena a;
		struct err e = {0};
		m.hello.heads = head;
		m.hello.n_heads = LIMIT_HELLO_HEADS;
		message_encode(&m, &b);
		/* One head more, and the lengths around it. */
		if (n > LIMIT_HELLO_HEADS) {
			buf_put(&b, "\x3a\x01?", 3);
			assert_int_equal(b.p[1] & 0x80, 0x80);
			b.p[1] = (uint8_t)(b.p[1] + 3);
		}
		arena_init(&a, memory, MESSAGE_ARENA);
		int rc = message_decode(buf_bytes(&b), &a, &back, &e);
		assert_int_equal(rc == RC_OK, n == LIMIT_HELLO_HEADS);
		buf_release(&b);
	}
	free(memory);
	scene_end(t);
}

static void goodbye_ends_a_session_without_blame(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct message bye = {.kind = MESSAGE_BYE};
	node_greet(&t->n, JIANGSU);
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &bye));
	assert_parted(&t->n, JIANGSU, RC_OK);
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &bye));
	assert_parted(&t->n, JIANGSU, RC_OK);
	assert_int_equal(refused_of(&t->n, JIANGSU), 0);
	scene_end(t);
}

static void reserved_and_unknown_messages_are_passed_over(void **state)
{
	const enum message_kind kinds[] = {MESSAGE_ROSTER, MESSAGE_PONG, MESSAGE_UNKNOWN};
	struct scene *t = scene_begin(state, 1);
	node_greet(&t->n, JIANGSU);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct message m = {.kind = kinds[i]};
		assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m));
	}
	assert_int_equal(refused_of(&t->n, JIANGSU), 0);
	scene_end(t);
}

/* ---- heads ---- */

/* A head of this origin and size with any root, signed by key. */
static void make_head(const char *origin, uint64_t size, const struct key *key, struct buf *out)
{
	struct hash root = {{1}};
	checkpoint_sign(origin, size, &root, key, out);
}

static void assert_head_refused(
	struct scene *t, const char *origin, uint64_t size, const struct key *key, int rc)
{
	struct buf note = {0};
	make_head(origin, size, key, &note);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
	node_greet(&t->n, JIANGSU);
	assert_rc(&t->n, node_recv(&t->n, JIANGSU, &m), rc);
	assert_parted(&t->n, JIANGSU, rc);
	assert_null(node_log(&t->n, origin));
	buf_release(&note);
}

static void heads_of_nobody_or_not_by_their_owner_are_refused(void **state)
{
	struct scene *t = scene_begin(state, 1);
	const struct key *key = &t->c->member[JIANGSU].log;
	assert_head_refused(t, "yrd/fujian/1-00000001", 1, key, RC_PEER_ORIGIN);
	assert_head_refused(t, "other/jiangsu/1-00000001", 1, key, RC_PEER_ORIGIN);
	assert_head_refused(t, "yrd/anhui/1-00000001", 1, key, RC_PEER_HEAD);
	assert_head_refused(t, "jiangsu", 1, key, RC_PEER_HEAD);
	scene_end(t);
}

static void heads_of_no_size_or_an_absurd_one_are_refused(void **state)
{
	struct scene *t = scene_begin(state, 1);
	const struct key *key = &t->c->member[JIANGSU].log;
	assert_head_refused(t, "yrd/jiangsu/1-00000001", 0, key, RC_PEER_HEAD);
	assert_head_refused(t, "yrd/jiangsu/1-00000001", LIMIT_LOG_SIZE + 1, key, RC_PEER_HEAD);
	assert_head_refused(t, "yrd/jiangsu/1-00000001", UINT64_MAX, key, RC_PEER_HEAD);
	scene_end(t);
}

static void note_that_is_no_checkpoint_is_refused(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&t->c->roster)};
	node_greet(&t->n, JIANGSU);
	assert_rc(&t->n, node_recv(&t->n, JIANGSU, &m), RC_PEER_HEAD);
	scene_end(t);
}

static void hello_with_a_forged_head_is_refused(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct buf note = {0};
	make_head("yrd/anhui/1-00000001", 4, &t->c->member[JIANGSU].log, &note);
	struct bytes head = buf_bytes(&note);
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
	assert_rc(&t->n, node_hello(&t->n, JIANGSU, &head, 1), RC_PEER_HEAD);
	assert_parted(&t->n, JIANGSU, RC_PEER_HEAD);
	buf_release(&note);
	scene_end(t);
}

/* A peer may carry a log that only a newer roster explains. */
static void hello_with_a_head_of_nobody_is_no_ground_to_part(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct buf note = {0};
	make_head("yrd/fujian/1-00000001", 4, &t->c->member[JIANGSU].log, &note);
	struct bytes head = buf_bytes(&note);
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
	assert_ok(&t->n, node_hello(&t->n, JIANGSU, &head, 1));
	assert_null(node_log(&t->n, "yrd/fujian/1-00000001"));
	buf_release(&note);
	scene_end(t);
}

static void bytes_that_are_no_message_are_counted_and_part(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct err e = {0};
	int rc = err_set(&e, RC_PEER_MESSAGE, "no Envelope");
	node_greet(&t->n, JIANGSU);
	replica_refuse(t->n.replica, JIANGSU, &e);
	assert_parted(&t->n, JIANGSU, rc);
	assert_int_equal(refused_of(&t->n, JIANGSU), 1);
	scene_end(t);
}

static void hello_that_names_a_log_twice_counts_it_once(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct buf note = {0}, larger = {0};
	make_head(t->s.origin, 1, &t->c->member[JIANGSU].log, &note);
	make_head(t->s.origin, 9, &t->c->member[JIANGSU].log, &larger);
	struct bytes head[] = {buf_bytes(&larger), buf_bytes(&note), buf_bytes(&larger)};
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
	assert_ok(&t->n, node_hello(&t->n, JIANGSU, head, 3));
	assert_int_equal(node_log(&t->n, t->s.origin)->seen_size, 9);
	assert_int_equal(node_size(&t->n, t->s.origin), 0);
	buf_release(&note);
	buf_release(&larger);
	scene_end(t);
}

static void member_with_too_many_epochs_does_not_part_those_who_carry_them(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct buf note[LIMIT_EPOCHS_PER_MEMBER + 1] = {0};
	struct bytes head[LIMIT_EPOCHS_PER_MEMBER + 1];
	const size_t n = LIMIT_EPOCHS_PER_MEMBER + 1;
	for (size_t i = 0; i < n; i++) {
		struct origin o;
		origin_make(&o, "yrd", "anhui", (uint32_t)i + 1, 7);
		make_head(o.text, 3, &t->c->member[ANHUI].log, &note[i]);
		head[i] = buf_bytes(&note[i]);
	}
	assert_ok(&t->n, node_link(&t->n, JIANGSU, LINK_UP));
	assert_ok(&t->n, node_hello(&t->n, JIANGSU, head, n));
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &t->s, 0, t->s.n));
	struct message m = {.kind = MESSAGE_HEAD, .note = head[n - 1]};
	assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m));
	struct ctl_status status;
	assert_ok(&t->n, replica_status(t->n.replica, t->n.now, &status, &t->n.e));
	assert_int_equal(status.n_logs, LIMIT_EPOCHS_PER_MEMBER + 2);
	for (size_t i = 0; i < n; i++)
		buf_release(&note[i]);
	scene_end(t);
}

/* ---- leaves ---- */

static void leaves_that_do_not_give_the_signed_root_are_dropped_whole(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct scribe forged;
	scribe_copy(&forged, &t->s);
	forged.leaf[2].p[40] ^= 1;
	struct buf note = {0};
	scribe_head(&t->s, 3, &note);
	struct bytes leaf[3];
	for (size_t i = 0; i < 3; i++)
		leaf[i] = buf_bytes(&forged.leaf[i]);
	struct message m = {.kind = MESSAGE_LEAVES};
	m.leaves.origin = bytes_str(t->s.origin);
	m.leaves.leaves = leaf;
	m.leaves.n = 3;
	m.leaves.head = buf_bytes(&note);
	node_greet(&t->n, ANHUI);
	assert_rc(&t->n, node_recv(&t->n, ANHUI, &m), RC_PEER_BATCH);
	assert_parted(&t->n, ANHUI, RC_PEER_BATCH);
	assert_int_equal(node_size(&t->n, t->s.origin), 0);
	/* Another peer has the truth. */
	node_feed(&t->n, &t->s);
	buf_release(&note);
	scribe_release(&forged);
	scene_end(t);
}

static void leaves_beside_their_head_are_refused(void **state)
{
	struct scene *t = scene_begin(state, 1);
	struct buf note = {0};
	struct bytes leaf[3];
	scribe_head(&t->s, 3, &note);
	for (size_t i = 0; i < 3; i++)
		leaf[i] = buf_bytes(&t->s.leaf[i]);
	const uint64_t first[] = {1, UINT64_MAX, 0, 0};
	const size_t count[] = {3, 3, 2, 0};
	for (size_t i = 0; i < 5; i++) {
		struct message m = {.kind = MESSAGE_LEAVES};
		m.leaves.origin = bytes_str(i == 4 ? "yrd/jiangsu/2-00000001" : t->s.origin);
		m.leaves.first = i == 4 ? 0 : first[i];
		m.leaves.leaves = leaf;
		m.leaves.n = i == 4 ? 3 : count[i];
		m.leaves.head = buf_bytes(&note);
		node_greet(&t->n, JIANGSU);
		assert_rc(&t->n, node_recv(&t->n, JIANGSU, &m), RC_PEER_MESSAGE);
		assert_int_equal(node_size(&t->n, t->s.origin), 0);
	}
	buf_release(&note);
	scene_end(t);
}

static void leaves_after_a_gap_or_already_here_change_nothing(void **state)
{
	struct scene *t = scene_begin(state, 1);
	scribe_write(&t->s, (struct write){.value = value_note("y")}, NULL);
	node_greet(&t->n, JIANGSU);
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &t->s, 2, 4));
	assert_int_equal(node_size(&t->n, t->s.origin), 0);
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &t->s, 0, 3));
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &t->s, 0, 2));
	assert_ok(&t->n, node_leaves(&t->n, JIANGSU, &t->s, 1, 4)); /* overlap */
	assert_int_equal(node_size(&t->n, t->s.origin), 4);
	scene_end(t);
}

/* ---- wishes ---- */

static void wishes_for_nonsense_are_harmless(void **state)
{
	struct scene *t = scene_begin(state, 1);
	const char *own = node_origin(&t->n);
	const uint64_t ranges[][2] = {{1, UINT64_MAX}, {UINT64_MAX - 1, UINT64_MAX},
		{(uint64_t)1 << 63, UINT64_MAX}, {5, 6}, {INT64_MAX, (uint64_t)INT64_MAX + 1}};
	const char *const origins[] = {own, "yrd/jiangsu/9-00000009", "?"};
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		for (size_t k = 0; k < 3; k++) {
			struct message m = {.kind = MESSAGE_WANT};
			m.want.origin = bytes_str(origins[k]);
			m.want.from = ranges[i][0];
			m.want.to = ranges[i][1];
			node_greet(&t->n, JIANGSU);
			assert_ok(&t->n, node_recv(&t->n, JIANGSU, &m));
			struct outbound out;
			assert_false(node_next(&t->n, JIANGSU, MESSAGE_LEAVES, &out));
		}
	scene_end(t);
}

static void wish_for_an_empty_range_is_refused(void **state)
{
	struct scene *t = scene_begin(state, 1);
	const uint64_t ranges[][2] = {{0, 0}, {7, 7}, {8, 7}, {UINT64_MAX, UINT64_MAX}};
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct message m = {.kind = MESSAGE_WANT};
		m.want.origin = bytes_str(node_origin(&t->n));
		m.want.from = ranges[i][0];
		m.want.to = ranges[i][1];
		node_greet(&t->n, JIANGSU);
		assert_rc(&t->n, node_recv(&t->n, JIANGSU, &m), RC_PEER_MESSAGE);
	}
	scene_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_hello_goes_first_and_names_what_we_hold),
		cmocka_unit_test(our_hello_names_also_what_the_peer_had_before),
		cmocka_unit_test(lines_that_anybody_put_under_a_head_are_not_kept),
		cmocka_unit_test(every_message_before_hello_is_refused),
		cmocka_unit_test(second_hello_is_refused),
		cmocka_unit_test(hello_of_another_cluster_is_refused),
		cmocka_unit_test(hello_without_a_common_version_is_refused),
		cmocka_unit_test(hello_under_the_name_of_another_is_refused),
		cmocka_unit_test(hello_names_at_most_256_heads),
		cmocka_unit_test(goodbye_ends_a_session_without_blame),
		cmocka_unit_test(bytes_that_are_no_message_are_counted_and_part),
		cmocka_unit_test(hello_that_names_a_log_twice_counts_it_once),
		cmocka_unit_test(reserved_and_unknown_messages_are_passed_over),
		cmocka_unit_test(heads_of_nobody_or_not_by_their_owner_are_refused),
		cmocka_unit_test(heads_of_no_size_or_an_absurd_one_are_refused),
		cmocka_unit_test(note_that_is_no_checkpoint_is_refused),
		cmocka_unit_test(hello_with_a_forged_head_is_refused),
		cmocka_unit_test(hello_with_a_head_of_nobody_is_no_ground_to_part),
		cmocka_unit_test(member_with_too_many_epochs_does_not_part_those_who_carry_them),
		cmocka_unit_test(leaves_that_do_not_give_the_signed_root_are_dropped_whole),
		cmocka_unit_test(leaves_beside_their_head_are_refused),
		cmocka_unit_test(leaves_after_a_gap_or_already_here_change_nothing),
		cmocka_unit_test(wishes_for_nonsense_are_harmless),
		cmocka_unit_test(wish_for_an_empty_range_is_refused),
	};
	return cmocka_run_group_tests_name("core session", tests, core_set_up, core_tear_down);
}
