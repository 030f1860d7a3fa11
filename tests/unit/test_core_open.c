/* Starting: with the right papers or not at all, and never on a damaged database. */
#include <stdio.h>

#include "proto/wire/codec.h"
#include "tests/lib/core_test.h"
#include "tests/lib/roster_fixture.h"

static void count_up(void *self, void *p, uint32_t n)
{
	memset(p, (*(uint8_t *)self)++, n);
}

static int start_as(struct node *n, const char *member, const struct key *log_key)
{
	struct replica *r = NULL;
	struct replica_config config = {.store = n->store,
		.chance = {NULL, NULL},
		.log_key = log_key,
		.member = member,
		.cluster_id = n->c->cluster_id,
		.software = "test",
		.mark = n->mark};
	replica_close(n->replica);
	n->replica = NULL;
	n->e = (struct err){0};
	int rc = replica_open(&config, n->now, &r, &n->e);
	if (rc == RC_OK)
		n->replica = r;
	else
		assert_null(r);
	return rc;
}

static void start_as_another_member_or_with_another_key_is_refused(void **state)
{
	struct cluster *c = *state;
	struct node n;
	node_init(&n, c, SHANGHAI);
	assert_rc(&n, start_as(&n, "fujian", &c->member[SHANGHAI].log), RC_ROSTER);
	assert_ok(&n, node_restart(&n));
	assert_rc(&n, start_as(&n, "shanghai", &c->member[JIANGSU].log), RC_SETUP);
	assert_ok(&n, node_restart(&n));
	assert_ok(&n, start_as(&n, "shanghai", &c->member[SHANGHAI].log));
	node_release(&n);
}

static void installing_the_roster_again_is_nothing_new(void **state)
{
	struct node n;
	node_init(&n, *state, SHANGHAI);
	char origin[ORIGIN_SIZE];
	memcpy(origin, node_origin(&n), ORIGIN_SIZE);
	assert_ok(&n, node_install_roster(&n));
	assert_string_equal(node_origin(&n), origin);
	assert_int_equal(node_size(&n, origin), 1);
	assert_int_equal(replica_self(n.replica), SHANGHAI);
	assert_int_equal(replica_roster(n.replica)->n, CLUSTER_MEMBERS);
	node_release(&n);
}

static int install(struct node *n, struct bytes note)
{
	n->e = (struct err){0};
	assert_ok(n, replica_begin(n->replica, &n->e));
	int rc = replica_install_roster(n->replica, note, n->now, &n->e);
	struct err late = {0};
	assert_int_equal(replica_commit(n->replica, n->now, &late), RC_OK);
	return rc;
}

static void roster_that_is_not_the_configured_one_is_refused(void **state)
{
	struct cluster *c = *state, other;
	struct node n;
	uint8_t seed = 100;
	cluster_init(&other, 4, (struct chance){count_up, &seed});
	node_init_bare(&n, c, SHANGHAI, NULL);
	assert_rc(&n, install(&n, buf_bytes(&other.roster)), RC_VERIFY);
	assert_rc(&n, install(&n, bytes_str("?")), RC_NOTE);
	assert_null(replica_roster(n.replica));
	/* A signature less. */
	struct bytes cut = buf_bytes(&c->roster);
	cut.n--;
	while (cut.p[cut.n - 1] != '\n')
		cut.n--;
	assert_rc(&n, install(&n, cut), RC_VERIFY);
	assert_ok(&n, install(&n, buf_bytes(&c->roster)));
	node_release(&n);
	cluster_release(&other);
}

/* ---- damage ---- */

typedef void damage_fn(struct node *n);

static void change_store(struct node *n, damage_fn *damage)
{
	assert_int_equal(n->store->ops->begin(n->store, NULL), RC_OK);
	damage(n);
	assert_int_equal(n->store->ops->commit(n->store, NULL), RC_OK);
}

static void name_an_own_log_that_is_not_there(struct node *n)
{
	assert_int_equal(n->store->ops->meta_put(
				 n->store, "own", bytes_str("yrd/shanghai/7-00000000"), NULL),
		RC_OK);
}

static void lose_the_newest_head(struct node *n)
{
	assert_int_equal(n->store->ops->head_delete(n->store, 1, 1, NULL), RC_OK);
}

static void add_a_log_of_nobody(struct node *n)
{
	struct store_log log = {.id = 9};
	memcpy(log.origin, "yrd/fujian/1-00000000", 22);
	assert_int_equal(n->store->ops->log_put(n->store, &log, NULL), RC_OK);
}

static void name_an_event_that_is_not_there(struct node *n)
{
	static const uint8_t place[12] = {0, 0, 0, 1, [11] = 99};
	assert_int_equal(
		n->store->ops->meta_put(n->store, "events/0", bytes_of(place, sizeof(place)), NULL),
		RC_OK);
}

static void name_an_event_of_no_log(struct node *n)
{
	static const uint8_t place[12] = {0, 0, 0, 42};
	assert_int_equal(
		n->store->ops->meta_put(n->store, "events/0", bytes_of(place, sizeof(place)), NULL),
		RC_OK);
}

/* Without one there is no end to look for. */
static void empty_the_list_of_events(struct node *n)
{
	assert_int_equal(n->store->ops->meta_put(n->store, "events/0", bytes_str(""), NULL), RC_OK);
}

static void cut_the_list_of_events(struct node *n)
{
	static const uint8_t place[13] = {0, 0, 0, 1};
	assert_int_equal(
		n->store->ops->meta_put(n->store, "events/0", bytes_of(place, sizeof(place)), NULL),
		RC_OK);
}

/* The leaf decodes, the delegation in it does not, or is one of a newer version. */
static void name_a_delegation(struct node *n, struct bytes body)
{
	static const uint8_t place[12] = {0, 0, 0, 1, [11] = 1};
	static const uint8_t zeros[SIGNATURE_BYTES] = {0};
	struct buf raw = {0};
	struct leaf leaf = {.version = LEAF_VERSION,
		.index = 1,
		.kind = LEAF_DELEGATE,
		.signed_body = {
			bytes_of(zeros, KEY_BYTES), bytes_of(zeros, SIGNATURE_BYTES), body}};
	assert_int_equal(leaf_encode(&leaf, &raw, NULL), RC_OK);
	assert_int_equal(n->store->ops->leaf_put(n->store, 1, 1, buf_bytes(&raw), NULL), RC_OK);
	assert_int_equal(
		n->store->ops->meta_put(n->store, "events/0", bytes_of(place, sizeof(place)), NULL),
		RC_OK);
	buf_release(&raw);
}

static void name_an_event_that_is_none(struct node *n)
{
	name_a_delegation(n, bytes_str("?"));
}

static void name_an_event_of_a_newer_version(struct node *n)
{
	name_a_delegation(n, bytes_str("\x08\x02"));
}

static void damaged_database_is_not_started_on(void **state)
{
	damage_fn *const damages[] = {name_an_own_log_that_is_not_there, lose_the_newest_head,
		add_a_log_of_nobody, name_an_event_that_is_not_there, name_an_event_of_no_log,
		empty_the_list_of_events, cut_the_list_of_events, name_an_event_that_is_none,
		name_an_event_of_a_newer_version};
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		struct node n;
		node_init(&n, *state, SHANGHAI);
		change_store(&n, damages[i]);
		assert_rc(&n, node_restart(&n), RC_CORRUPT);
		assert_string_not_equal(n.e.text, "");
		node_release(&n);
	}
}

#define PLACE_BYTES 12
#define PLACES_EACH 1024

/* The list is as full as it is in one value, and the next is one that was emptied. */
static void fill_one_list_of_events(struct node *n)
{
	static uint8_t places[PLACES_EACH * PLACE_BYTES];
	for (size_t i = 0; i < PLACES_EACH; i++)
		places[i * PLACE_BYTES + 3] = 1;
	assert_int_equal(n->store->ops->meta_put(
				 n->store, "events/0", bytes_of(places, sizeof(places)), NULL),
		RC_OK);
	assert_int_equal(n->store->ops->meta_put(n->store, "events/1", bytes_str(""), NULL), RC_OK);
}

/* No event counts, and the list says so. */
static void take_the_only_event_away(struct node *n)
{
	assert_int_equal(
		n->store->ops->finding_put(n->store, 1, 0, VERDICT_VOID, VOID_RETIRED, NULL),
		RC_OK);
	empty_the_list_of_events(n);
}

static void list_of_events_that_was_emptied_is_no_damage(void **state)
{
	damage_fn *const changes[] = {fill_one_list_of_events, take_the_only_event_away};
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct node n;
		node_init(&n, *state, SHANGHAI);
		change_store(&n, changes[i]);
		assert_ok(&n, node_restart(&n));
		node_release(&n);
	}
}

/* ---- epochs ---- */

/* It was restored so often that it has as many logs as may be; the last of them goes to *origin. */
static void begin_full(struct node *n, void **state, char origin[ORIGIN_SIZE])
{
	node_init(n, *state, SHANGHAI);
	for (size_t i = 1; i < LIMIT_EPOCHS_PER_MEMBER; i++) {
		n->mark.present = false;
		assert_ok(n, node_restart(n));
	}
	memcpy(origin, node_origin(n), ORIGIN_SIZE);
	assert_int_equal(node_log(n, origin)->epoch, LIMIT_EPOCHS_PER_MEMBER);
}

static void expect_full(struct node *n, const char *origin)
{
	struct ctl_status status;
	assert_rc(n, node_write(n, (struct write){.value = value_note("x")}, NULL), RC_DEGRADED);
	assert_rc(n, node_delegate(n, &n->c->member[SHANGHAI].operator[0], NULL, 0), RC_DEGRADED);
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	assert_true(status.full);
	assert_int_equal(status.n_rebuild, 0);
	assert_int_equal(node_size(n, origin), 1);
	struct bytes roster = buf_bytes(&n->c->roster);
	assert_ok(n, node_begin(n));
	int rc = replica_rebuild(n->replica, &roster, 1, true, n->now, &n->e);
	assert_rc(n, node_end(n, rc), RC_DEGRADED);
}

/* Another version of the roster ends this log of one leaf. */
static void retire_first(struct node *n)
{
	struct roster now = *replica_roster(n->replica), next = roster_after(&now);
	struct ctl_status status;
	struct buf note = {0};
	struct hash root;
	char origin[ORIGIN_SIZE];
	assert_ok(n, replica_status(n->replica, n->now, &status, &n->e));
	memcpy(root.b, status.logs[0].root.p, HASH_BYTES);
	snprintf(origin, sizeof(origin), "%.*s", (int)status.logs[0].origin.n,
		(const char *)status.logs[0].origin.p);
	roster_retire_origin(&next, &now, origin, 1, &root, "old");
	roster_sign_quorum(&next, &now, n->c, NULL, 0, &note);
	struct bytes b = buf_bytes(&note);
	assert_ok(n, node_install(n, &b, 1));
	buf_release(&note);
}

static void node_restored_too_often_reads_on_and_writes_again_when_there_is_room(void **state)
{
	struct node n;
	struct scribe s;
	char last[ORIGIN_SIZE];
	begin_full(&n, state, last);
	scribe_begin(&s, *state, JIANGSU);
	for (size_t life = 0; life < 2; life++) {
		n.mark.present = false;
		assert_ok(&n, node_restart(&n));
		expect_full(&n, last);
		assert_ok(&n, node_pass(&n, 600000));
		expect_full(&n, last);
	}
	node_greet(&n, JIANGSU);
	assert_ok(&n, node_leaves(&n, JIANGSU, &s, 0, s.n));
	assert_int_equal(node_size(&n, s.origin), s.n);
	/* As soon as enough others have told it what it said before. */
	assert_int_equal(node_log(&n, s.origin)->n_cosigned, 0);
	for (int m = 0; m < (int)n.c->n; m++)
		if (m != SHANGHAI) {
			node_greet(&n, m);
			assert_ok(&n, node_digest(&n, m));
		}
	assert_ok(&n, node_pass(&n, 1000));
	assert_int_equal(node_log(&n, s.origin)->n_cosigned, 1);
	struct ctl_status status;
	assert_ok(&n, replica_status(n.replica, n.now, &status, &n.e));
	assert_int_equal(status.vouchers, 0);
	retire_first(&n);
	node_greet(&n, JIANGSU);
	assert_ok(&n, node_pass(&n, 10000));
	assert_int_equal(node_log(&n, node_origin(&n))->epoch, LIMIT_EPOCHS_PER_MEMBER + 1);
	assert_ok(&n, node_delegate(&n, &n.c->member[SHANGHAI].operator[0], NULL, 0));
	scribe_release(&s);
	node_release(&n);
}

/* What a peer holds of it is not here: to go on in it would be a fork. */
static void node_that_must_leave_its_last_log_does_not_go_on_in_it(void **state)
{
	struct node n;
	struct scribe ahead;
	char last[ORIGIN_SIZE];
	begin_full(&n, state, last);
	assert_ok(&n, node_delegate(&n, &n.c->member[SHANGHAI].operator[0], NULL, 0));
	scribe_begin(&ahead, *state, SHANGHAI);
	memcpy(ahead.origin, last, ORIGIN_SIZE);
	scribe_write(&ahead, (struct write){.value = value_note("lost")}, NULL);
	node_greet(&n, JIANGSU);
	assert_ok(&n, node_head(&n, JIANGSU, &ahead, ahead.n));
	assert_rc(&n, node_write(&n, (struct write){.value = value_note("x")}, NULL), RC_DEGRADED);
	assert_ok(&n, node_restart(&n));
	assert_rc(&n, node_write(&n, (struct write){.value = value_note("x")}, NULL), RC_DEGRADED);
	assert_int_equal(node_size(&n, last), 2);
	scribe_release(&ahead);
	node_release(&n);
}

/* Another version of the roster ends the log that the node writes to, which goes on in another. */
static void retire_own(struct node *n, uint64_t below, const struct hash *root)
{
	struct roster now = *replica_roster(n->replica), next = roster_after(&now);
	struct buf note = {0};
	roster_retire_origin(&next, &now, node_origin(n), below, root, "rotated");
	roster_sign_quorum(&next, &now, n->c, NULL, 0, &note);
	struct bytes b = buf_bytes(&note);
	assert_ok(n, node_install(n, &b, 1));
	buf_release(&note);
}

/* Drafted where nothing of the log had come yet. */
static void operators_outlive_a_log_that_the_roster_ended_before_its_first_leaf(void **state)
{
	struct node n;
	struct hash root, none;
	node_init(&n, *state, SHANGHAI);
	assert_ok(&n, node_delegate(&n, &n.c->member[SHANGHAI].operator[0], NULL, 0));
	memcpy(root.b, node_log(&n, node_origin(&n))->root.p, HASH_BYTES);
	retire_own(&n, 2, &root);
	assert_ok(&n, node_write(&n, (struct write){.value = value_note("second")}, NULL));
	merkle_empty_root(&none);
	retire_own(&n, 0, &none);
	assert_int_equal(node_log(&n, node_origin(&n))->epoch, 3);
	assert_int_equal(node_size(&n, node_origin(&n)), 2); /* the note is written again */
	assert_ok(
		&n, node_write(&n, (struct write){.value = value_note("third"), .nonce = 3}, NULL));
	assert_int_equal(node_size(&n, node_origin(&n)), 3);
	node_release(&n);
}

static void closing_in_a_group_drops_it(void **state)
{
	struct node n;
	node_init(&n, *state, SHANGHAI);
	struct signature g;
	struct posted posted;
	sign_delegate(n.c, &n.c->member[SHANGHAI].root, &n.c->member[SHANGHAI].operator[0], NULL, 0,
		1, &g);
	assert_ok(&n, replica_begin(n.replica, &n.e));
	assert_ok(&n, replica_begin(n.replica, &n.e)); /* in a group: nothing new */
	assert_ok(&n, replica_post_event(n.replica, LEAF_DELEGATE, &g.s, &posted, n.now, &n.e));
	assert_int_equal(posted.index, 1);
	assert_ok(&n, node_restart(&n));
	assert_int_equal(node_size(&n, node_origin(&n)), 1);
	signature_release(&g);
	node_release(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_as_another_member_or_with_another_key_is_refused),
		cmocka_unit_test(installing_the_roster_again_is_nothing_new),
		cmocka_unit_test(roster_that_is_not_the_configured_one_is_refused),
		cmocka_unit_test(damaged_database_is_not_started_on),
		cmocka_unit_test(list_of_events_that_was_emptied_is_no_damage),
		cmocka_unit_test(
			node_restored_too_often_reads_on_and_writes_again_when_there_is_room),
		cmocka_unit_test(node_that_must_leave_its_last_log_does_not_go_on_in_it),
		cmocka_unit_test(
			operators_outlive_a_log_that_the_roster_ended_before_its_first_leaf),
		cmocka_unit_test(closing_in_a_group_drops_it),
	};
	return cmocka_run_group_tests_name("core open", tests, core_set_up, core_tear_down);
}
