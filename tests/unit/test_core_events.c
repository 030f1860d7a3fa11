/* What log events mean for changes that came before or come after them, and on what terms they
 * count. */
#include "tests/lib/core_test.h"

#include "proto/trust/operators.h"

static const char first_holder[] = "00000000000000630000000000000000";
static const char second_holder[] = "00000000000000640000000000000000";

/* The key of one member under the name of another. */
static struct key renamed(const struct key *k, const char *member)
{
	struct key other = *k;
	memset(other.member, 0, sizeof(other.member));
	memcpy(other.member, member, strlen(member));
	return other;
}

static size_t append(struct scribe *s, enum leaf_kind kind, struct signature *g)
{
	size_t at = scribe_leaf(s, (struct leaf){.kind = kind, .signed_body = g->s});
	signature_release(g);
	return at;
}

static void event_that_is_not_by_the_members_root_in_its_name_is_void(void **state)
{
	const struct cluster *c = *state;
	const struct key *operator= & c->member[JIANGSU].operator[1];
	struct key forged = renamed(&c->member[ZHEJIANG].root, "jiangsu");
	struct key astray = renamed(&c->member[JIANGSU].root, "zhejiang");
	struct scribe s;
	struct node n;
	struct signature g;
	size_t at[4];
	scribe_begin(&s, c, JIANGSU);
	sign_delegate(c, &forged, operator, NULL, 0, 1, &g);
	at[0] = append(&s, LEAF_DELEGATE, &g);
	sign_delegate(c, &astray, operator, NULL, 0, 2, &g);
	at[1] = append(&s, LEAF_DELEGATE, &g);
	sign_revoke(c, &forged, &c->member[JIANGSU].operator[0], 0, 3, &g);
	at[2] = append(&s, LEAF_REVOKE, &g);
	sign_revoke(c, &astray, &c->member[JIANGSU].operator[0], 0, 4, &g);
	at[3] = append(&s, LEAF_REVOKE, &g);
	size_t note = scribe_write(&s, (struct write){.value = value_note("x")}, NULL);
	size_t other = scribe_write_as(&s, operator,(struct write){.value = value_note("x")}, NULL);
	node_init(&n, c, SHANGHAI);
	node_feed(&n, &s);
	for (size_t i = 0; i < 4; i++)
		assert_void(&n, &s, at[i], VOID_EVENT);
	assert_effective(&n, &s, note);
	assert_void(&n, &s, other, VOID_OPERATOR);
	node_release(&n);
	scribe_release(&s);
}

static void open_that_does_not_say_what_it_builds_on_is_void(void **state)
{
	struct scribe one, two;
	struct node n;
	scribe_begin(&one, *state, JIANGSU);
	scribe_init(&two, *state, JIANGSU, 2);
	scribe_leaf(&two,
		(struct leaf){.kind = LEAF_OPEN,
			.open = {.suite = SUITE_ED25519_SHA256,
				.reason = OPEN_ROTATE,
				.previous_origin = bytes_str(one.origin),
				.previous_size = one.n}});
	size_t at = scribe_write(&two, (struct write){.value = value_note("x")}, NULL);
	node_init(&n, *state, SHANGHAI);
	node_feed(&n, &one);
	node_feed(&n, &two);
	assert_void(&n, &two, 0, VOID_EVENT);
	assert_void(&n, &two, at, VOID_OPERATOR);
	node_release(&n);
	scribe_release(&one);
	scribe_release(&two);
}

/* The last epoch first: what the one between says of itself and of operators comes in one batch. */
static void epoch_between_brings_its_operators_and_those_before_it(void **state)
{
	const struct cluster_member *m = &((struct cluster *)*state)->member[JIANGSU];
	struct scribe one, two, three;
	struct node n;
	scribe_begin(&one, *state, JIANGSU);
	scribe_init(&two, *state, JIANGSU, 2);
	scribe_open(&two, OPEN_ROTATE, &one);
	scribe_delegate(&two, &m->operator[1], NULL, 0);
	scribe_init(&three, *state, JIANGSU, 3);
	scribe_open(&three, OPEN_ROTATE, &two);
	size_t old = scribe_write(&three, (struct write){.value = value_note("x")}, NULL);
	size_t new = scribe_write_as(
		&three, &m->operator[1], (struct write){.value = value_note("x")}, NULL);
	node_init(&n, *state, SHANGHAI);
	node_feed(&n, &three);
	node_feed(&n, &one);
	assert_void(&n, &three, old, VOID_OPERATOR);
	assert_void(&n, &three, new, VOID_OPERATOR);
	node_feed(&n, &two);
	assert_effective(&n, &three, old);
	assert_effective(&n, &three, new);
	node_release(&n);
	scribe_release(&one);
	scribe_release(&two);
	scribe_release(&three);
}

static void change_whose_key_was_revoked_supersedes_nothing_that_comes_later(void **state)
{
	const struct cluster_member *m = &((struct cluster *)*state)->member[JIANGSU];
	struct scribe one, two;
	struct node n;
	struct hash old;
	scribe_begin(&one, *state, JIANGSU);
	scribe_delegate(&one, &m->operator[1], NULL, 0);
	scribe_init(&two, *state, JIANGSU, 2);
	scribe_open(&two, OPEN_ROTATE, NULL);
	scribe_delegate(&two, &m->operator[0], NULL, 0);
	struct write w = {.value = value_note("x"), .nonce = 0x63};
	scribe_write_as(&one, &m->operator[1], w, &old);
	w = (struct write){.value = value_note("y"),
		.nonce = 0x63,
		.claimed_ms = 5,
		.supersedes = &old,
		.n_supersedes = 1};
	size_t by = scribe_write(&two, w, NULL);
	node_init(&n, *state, SHANGHAI);
	node_feed(&n, &two);
	assert_effective(&n, &two, by);
	size_t from = two.n;
	scribe_revoke(&two, &m->operator[0], 0);
	assert_ok(&n, node_leaves(&n, JIANGSU, &two, from, two.n));
	assert_void(&n, &two, by, VOID_OPERATOR);
	node_feed(&n, &one);
	assert_true(node_is_current(&n, &old));
	node_release(&n);
	scribe_release(&one);
	scribe_release(&two);
}

/* A revocation that stands in an earlier epoch too does not count again, so it hides nothing from
 * the one after it. */
static void revocation_after_a_repeated_one_takes_back(void **state)
{
	const struct cluster *c = *state;
	const struct cluster_member *m = &c->member[JIANGSU];
	struct scribe one, two;
	struct node n;
	struct signature first, again;
	scribe_begin(&one, c, JIANGSU);
	sign_revoke(c, &m->root, &m->operator[0], 0, 7, &first);
	sign_revoke(c, &m->root, &m->operator[0], 0, 7, &again);
	append(&one, LEAF_REVOKE, &first);
	scribe_init(&two, c, JIANGSU, 2);
	scribe_open(&two, OPEN_ROTATE, &one);
	scribe_delegate(&two, &m->operator[0], NULL, 0);
	size_t note = scribe_write(&two, (struct write){.value = value_note("x")}, NULL);
	append(&two, LEAF_REVOKE, &again);
	node_init(&n, c, SHANGHAI);
	node_feed(&n, &one);
	node_feed(&n, &two);
	assert_effective(&n, &two, note);
	size_t from = two.n;
	scribe_revoke(&two, &m->operator[0], 0);
	assert_ok(&n, node_leaves(&n, JIANGSU, &two, from, two.n));
	assert_void(&n, &two, note, VOID_OPERATOR);
	node_release(&n);
	scribe_release(&one);
	scribe_release(&two);
}

/* ---- any order ---- */

enum { RANDOM_LEAVES = 24, FIRST_LOG = 1, SECOND_LOG = 2 };

/* Two epochs of random events and notes, and what the rules make of all of it. */
struct history {
	struct scribe log[2]; /* the second builds on `cut` leaves of the first */
	uint64_t cut;
	struct operators events;
	uint32_t random;
	int by[2][2 * RANDOM_LEAVES]; /* operator of the note, -1: it is none */
};

static uint32_t roll(struct history *h, uint32_t n)
{
	h->random = h->random * 1664525u + 1013904223u;
	return (h->random >> 8) % n;
}

static void write_random(struct history *h, int epoch)
{
	struct scribe *s = &h->log[epoch];
	int who = (int)roll(h, 2);
	const struct key *operator= & s->c->member[JIANGSU].operator[who];
	struct bytes key = bytes_of(operator->public, KEY_BYTES);
	struct hash body = {{(uint8_t)epoch, (uint8_t)s->n}};
	uint32_t log = epoch == 0 ? FIRST_LOG : SECOND_LOG;
	h->by[epoch][s->n] = -1;
	if (roll(h, 4) == 0) {
		struct delegate d = {.operator_key = key};
		d.not_after_index = roll(h, 3) == 0 ? s->n + roll(h, 8) : 0;
		operators_add_delegate(&h->events, log, s->n, &body, &d);
		scribe_delegate(s, operator, NULL, d.not_after_index);
	} else if (roll(h, 4) == 0) {
		struct revoke v = {.operator_key = key};
		v.valid_below = roll(h, (uint32_t)s->n + 5);
		operators_add_revoke(&h->events, log, s->n, &body, &v);
		scribe_revoke(s, operator, v.valid_below);
	} else {
		h->by[epoch][s->n] = who;
		struct write w = {
			.value = value_note("x"), .nonce = 1000u * (unsigned)(epoch + 1) + s->n};
		scribe_write_as(s, operator, w, NULL);
	}
}

static void history_init(struct history *h, const struct cluster *c, uint32_t seed)
{
	*h = (struct history){.random = seed};
	for (int epoch = 0; epoch < 2; epoch++)
		scribe_init(&h->log[epoch], c, JIANGSU, (uint32_t)epoch + 1);
	h->by[0][0] = h->by[1][0] = -1;
	scribe_open(&h->log[0], OPEN_INIT, NULL);
	h->cut = 1 + roll(h, RANDOM_LEAVES);
	while (h->log[0].n < RANDOM_LEAVES || h->log[0].n < h->cut) {
		if (h->log[0].n == h->cut)
			scribe_open(&h->log[1], OPEN_ROTATE, &h->log[0]);
		write_random(h, 0);
	}
	if (h->log[1].n == 0)
		scribe_open(&h->log[1], OPEN_ROTATE, &h->log[0]);
	while (h->log[1].n < RANDOM_LEAVES)
		write_random(h, 1);
}

static void history_release(struct history *h)
{
	operators_release(&h->events);
	scribe_release(&h->log[0]);
	scribe_release(&h->log[1]);
}

/* In small batches of either log. */
static void feed_random(struct history *h, struct node *n)
{
	size_t at[2] = {0, 0};
	node_greet(n, JIANGSU);
	while (at[0] < h->log[0].n || at[1] < h->log[1].n) {
		int epoch = (int)roll(h, 2);
		size_t to = at[epoch] + 1 + roll(h, 6), end = h->log[epoch].n;
		if (at[epoch] == end)
			continue;
		to = to < end ? to : end;
		assert_ok(n, node_leaves(n, JIANGSU, &h->log[epoch], at[epoch], to));
		at[epoch] = to;
	}
}

static bool is_allowed(const struct history *h, int epoch, uint64_t index)
{
	const struct key *k = &h->log[0].c->member[JIANGSU].operator[h->by[epoch][index]];
	struct operator_reach reach[2] = {
		{epoch == 0 ? FIRST_LOG : SECOND_LOG, index}, {FIRST_LOG, h->cut}};
	bool in_scope;
	return operators_allow(
		&h->events, reach, (size_t)epoch + 1, k->public, bytes_str("3-05"), &in_scope);
}

static void verdicts_are_those_of_all_events_however_they_came(void **state)
{
	for (uint32_t seed = 1; seed <= 40; seed++) {
		struct history h;
		struct node n;
		history_init(&h, *state, seed);
		node_init(&n, *state, SHANGHAI);
		feed_random(&h, &n);
		for (int epoch = 0; epoch < 2; epoch++)
			for (size_t i = 1; i < h.log[epoch].n; i++) {
				if (h.by[epoch][i] < 0)
					continue;
				enum verdict v = node_verdict(&n, h.log[epoch].origin, i, NULL);
				if ((v == VERDICT_EFFECTIVE) != is_allowed(&h, epoch, i))
					fail_msg("seed %u: leaf %zu of epoch %d is %s", seed, i,
						epoch + 1, verdict_name(v));
			}
		node_release(&n);
		history_release(&h);
	}
}

/* ---- a newer program ---- */

/* As a program would have left it that knew neither the last event here nor the changes: of the
 * first it could not even read the register. */
static void forget_meanings(struct node *n, const struct scribe *s, const struct hash id[2])
{
	const struct store_ops *ops = n->store->ops;
	uint32_t log = 2; /* the second that this node made */
	struct buf places = {0};
	struct store_change c;
	int64_t reg;
	const char *const holder[2] = {first_holder, second_holder};
	assert_ok(n, ops->begin(n->store, &n->e));
	assert_ok(n, ops->meta_get(n->store, "events/0", &places, &n->e));
	assert_ok(n, ops->meta_put(n->store, "events/0", bytes_of(places.p, places.n - 12), &n->e));
	for (uint64_t i = s->n - 3; i < s->n; i++)
		assert_ok(n, ops->finding_put(n->store, log, i, VERDICT_UNKNOWN, VOID_NONE, &n->e));
	for (size_t i = 0; i < 2; i++) {
		assert_ok(n,
			ops->register_id(n->store, bytes_str("3-05"), SLOT_NOTE,
				bytes_str(holder[i]), false, &reg, &n->e));
		assert_ok(n, ops->change_get(n->store, reg, &id[i], &c, &n->e));
		c.verdict = VERDICT_UNKNOWN;
		assert_ok(n,
			i == 0 ? ops->change_delete(n->store, reg, &id[i], &n->e)
			       : ops->change_set(n->store, reg, &c, &n->e));
	}
	assert_ok(n, ops->commit(n->store, &n->e));
	buf_release(&places);
}

static void what_an_older_program_did_not_know_is_judged_at_the_start(void **state)
{
	const struct key *operator= &((struct cluster *)*state)->member[JIANGSU].operator[1];
	struct scribe s;
	struct node n;
	struct hash id[2];
	scribe_begin(&s, *state, JIANGSU);
	size_t event = scribe_delegate(&s, operator, NULL, 0);
	struct write w = {.value = value_note("x"), .nonce = 0x63};
	scribe_write_as(&s, operator, w, &id[0]);
	w.nonce = 0x64;
	scribe_write_as(&s, operator, w, &id[1]);
	node_init(&n, *state, SHANGHAI);
	node_feed(&n, &s);
	struct hash view = node_view(&n), again;
	forget_meanings(&n, &s, id);
	assert_int_equal(node_findings(&n), 3);
	assert_ok(&n, node_restart(&n));
	for (size_t i = event; i < s.n; i++)
		assert_effective(&n, &s, i);
	assert_int_equal(node_findings(&n), 0);
	assert_true(node_is_current(&n, &id[0]) && node_is_current(&n, &id[1]));
	again = node_view(&n);
	assert_same_hash(again, view);
	/* What was learned now is known at the next start. */
	assert_ok(&n, node_restart(&n));
	node_greet(&n, JIANGSU);
	size_t at = scribe_write_as(&s, operator,(struct write){.value = value_note("z")}, NULL);
	assert_ok(&n, node_leaves(&n, JIANGSU, &s, at, s.n));
	assert_effective(&n, &s, at);
	node_release(&n);
	scribe_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_that_is_not_by_the_members_root_in_its_name_is_void),
		cmocka_unit_test(open_that_does_not_say_what_it_builds_on_is_void),
		cmocka_unit_test(epoch_between_brings_its_operators_and_those_before_it),
		cmocka_unit_test(change_whose_key_was_revoked_supersedes_nothing_that_comes_later),
		cmocka_unit_test(revocation_after_a_repeated_one_takes_back),
		cmocka_unit_test(verdicts_are_those_of_all_events_however_they_came),
		cmocka_unit_test(what_an_older_program_did_not_know_is_judged_at_the_start),
	};
	return cmocka_run_group_tests_name("core events", tests, core_set_up, core_tear_down);
}
