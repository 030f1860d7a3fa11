/* Leaves of a hostile member, validly signed as a log: what each is worth, and that none does harm.
 * H-numbers as in the catalogue of hostile input (tests/fuzz). */
#include "tests/lib/core_test.h"

#include "proto/wire/codec.h"

struct scene {
	struct scribe s; /* of jiangsu, with an Open and an operator */
	struct node n;	 /* shanghai's */
};

static struct scene begin(void **state)
{
	struct scene t;
	scribe_begin(&t.s, *state, JIANGSU);
	return t;
}

static void judge(struct scene *t)
{
	node_init(&t->n, t->s.c, SHANGHAI);
	node_feed(&t->n, &t->s);
}

static void end(struct scene *t)
{
	node_release(&t->n);
	scribe_release(&t->s);
}

/* Signed by operator 0, with room to be spoilt. */
static struct signature signed_note(struct scene *t, uint64_t nonce)
{
	struct signature g;
	struct write w = {.value = value_note("a note"), .nonce = nonce};
	const struct cluster_member *m = &t->s.c->member[JIANGSU];
	sign_write(t->s.c, &m->operator[0], &w, m->slug, &g);
	g.s.signature = bytes_of(g.raw, sizeof(g.raw));
	return g;
}

static size_t put(struct scene *t, struct signature *g)
{
	struct signed_body s = {g->s.key, bytes_of(g->raw, sizeof(g->raw)), buf_bytes(&g->body)};
	return scribe_leaf(&t->s, (struct leaf){.kind = LEAF_CHANGE, .signed_body = s});
}

static void a_good_note_is_effective_and_current(void **state)
{
	struct scene t = begin(state);
	struct hash id;
	size_t at = scribe_write(&t.s, (struct write){.value = value_note("x")}, &id);
	judge(&t);
	assert_effective(&t.n, &t.s, at);
	assert_true(node_is_current(&t.n, &id));
	assert_int_equal(node_findings(&t.n), 0);
	end(&t);
}

/* ---- H42 ---- */

static void flipped_signature_is_void(void **state)
{
	struct scene t = begin(state);
	struct signature g = signed_note(&t, 1);
	g.raw[10] ^= 1;
	size_t at = put(&t, &g);
	judge(&t);
	assert_void(&t.n, &t.s, at, VOID_SIGNATURE);
	assert_false(node_is_current(&t.n, &g.id));
	signature_release(&g);
	end(&t);
}

static void signature_of_another_change_is_void(void **state)
{
	struct scene t = begin(state);
	struct signature a = signed_note(&t, 1), b = signed_note(&t, 2);
	memcpy(a.raw, b.raw, sizeof(a.raw));
	size_t at = put(&t, &a);
	judge(&t);
	assert_void(&t.n, &t.s, at, VOID_SIGNATURE);
	signature_release(&a);
	signature_release(&b);
	end(&t);
}

/* The group's order, little-endian: S + L verifies where an implementation forgets to look. */
static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
	0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};

static void signature_with_s_plus_l_is_void(void **state)
{
	struct scene t = begin(state);
	struct signature g = signed_note(&t, 1);
	unsigned carry = 0;
	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)g.raw[32 + i] + order[i];
		g.raw[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
	size_t at = put(&t, &g);
	judge(&t);
	assert_void(&t.n, &t.s, at, VOID_SIGNATURE);
	signature_release(&g);
	end(&t);
}

static void change_signed_for_another_cluster_is_void(void **state)
{
	struct scene t = begin(state);
	struct cluster other = *t.s.c;
	other.cluster_id.b[0] ^= 1;
	struct signature g;
	struct write w = {.value = value_note("x"), .nonce = 1};
	sign_write(&other, &t.s.c->member[JIANGSU].operator[0], &w, "jiangsu", &g);
	size_t at = put(&t, &g);
	judge(&t);
	assert_void(&t.n, &t.s, at, VOID_SIGNATURE);
	signature_release(&g);
	end(&t);
}

/* ---- H44, H48 ---- */

static void leaf_that_states_another_index_is_void(void **state)
{
	struct scene t = begin(state);
	struct signature g = signed_note(&t, 1);
	struct leaf l = {.kind = LEAF_CHANGE, .signed_body = g.s, .index = t.s.n + 1};
	size_t at = scribe_leaf(&t.s, l);
	judge(&t);
	assert_void(&t.n, &t.s, at, VOID_INDEX);
	signature_release(&g);
	end(&t);
}

static void leaf_whose_stamp_goes_back_is_void_and_lowers_nothing(void **state)
{
	struct scene t = begin(state);
	struct signature back = signed_note(&t, 1), between = signed_note(&t, 2);
	struct leaf l = {.kind = LEAF_CHANGE, .signed_body = back.s, .hlc = 1};
	size_t at = scribe_leaf(&t.s, l);
	l.signed_body = between.s;
	l.hlc = t.s.hlc - 2;
	size_t still_below = scribe_leaf(&t.s, l);
	size_t after = scribe_write(&t.s, (struct write){.value = value_note("x")}, NULL);
	judge(&t);
	assert_void(&t.n, &t.s, at, VOID_INDEX);
	assert_void(&t.n, &t.s, still_below, VOID_INDEX);
	assert_effective(&t.n, &t.s, after);
	signature_release(&back);
	signature_release(&between);
	end(&t);
}

static void largest_stamp_does_not_poison_our_clock(void **state)
{
	struct scene t = begin(state);
	t.s.hlc = UINT64_MAX;
	struct hash id;
	size_t at = scribe_write(&t.s, (struct write){.value = value_note("x")}, &id);
	judge(&t);
	assert_effective(&t.n, &t.s, at);
	assert_ok(&t.n, node_delegate(&t.n, &t.s.c->member[SHANGHAI].operator[0], NULL, 0));
	assert_ok(&t.n, node_write(&t.n, (struct write){.value = value_note("ours")}, NULL));
	struct buf raw = {0};
	struct leaf leaf;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	arena_init(&a, memory, sizeof(memory));
	assert_int_equal(t.n.store->ops->leaf_get(t.n.store, 1, 2, &raw, NULL), RC_OK);
	assert_int_equal(leaf_decode(buf_bytes(&raw), &a, &leaf, NULL), RC_OK);
	assert_int_equal(HLC_MS(leaf.hlc), t.n.now.wall.v);
	buf_release(&raw);
	end(&t);
}

static void sane_stamp_of_another_member_keeps_ours_above_it(void **state)
{
	struct scene t = begin(state);
	scribe_write(&t.s, (struct write){.value = value_note("x")}, NULL);
	node_init(&t.n, t.s.c, SHANGHAI);
	t.n.now.wall.v -= 3600 * 1000;
	node_feed(&t.n, &t.s);
	assert_ok(&t.n, node_delegate(&t.n, &t.s.c->member[SHANGHAI].operator[0], NULL, 0));
	struct buf raw = {0};
	struct leaf leaf;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	arena_init(&a, memory, sizeof(memory));
	assert_int_equal(t.n.store->ops->leaf_get(t.n.store, 1, 1, &raw, NULL), RC_OK);
	assert_int_equal(leaf_decode(buf_bytes(&raw), &a, &leaf, NULL), RC_OK);
	assert_true(leaf.hlc >= t.s.hlc);
	buf_release(&raw);
	end(&t);
}

/* ---- H49: the operator's clock is a claim ---- */

static void claimed_time_of_any_year_is_effective(void **state)
{
	const uint64_t claims[] = {0, 1, 253402300799999 /* the year 9999 */, UINT64_MAX};
	struct scene t = begin(state);
	for (size_t i = 0; i < 4; i++)
		scribe_write(&t.s,
			(struct write){.value = value_note("x"), .claimed_ms = claims[i]}, NULL);
	judge(&t);
	assert_int_equal(node_findings(&t.n), 0);
	end(&t);
}

/* ---- H46 ---- */

static void same_nonce_with_another_body_is_another_change(void **state)
{
	struct scene t = begin(state);
	struct hash first, second;
	const char *holder = "00000000000000070000000000000000";
	size_t a =
		scribe_write(&t.s, (struct write){.value = value_note("one"), .nonce = 7}, &first);
	size_t b = scribe_write(&t.s,
		(struct write){.value = value_note("two"), .nonce = 7, .holder = holder}, &second);
	judge(&t);
	/* The node that posts refuses it; between nodes both stand, as any two values. */
	assert_effective(&t.n, &t.s, a);
	assert_effective(&t.n, &t.s, b);
	assert_true(node_is_current(&t.n, &first));
	assert_true(node_is_current(&t.n, &second));
	end(&t);
}

static void same_change_again_is_void_as_a_repeat(void **state)
{
	struct scene t = begin(state);
	struct signature g = signed_note(&t, 1);
	size_t first = put(&t, &g), second = put(&t, &g);
	judge(&t);
	assert_effective(&t.n, &t.s, first);
	assert_void(&t.n, &t.s, second, VOID_REPEAT);
	assert_true(node_is_current(&t.n, &g.id));
	signature_release(&g);
	end(&t);
}

static void change_that_was_spoilt_before_may_stand_later(void **state)
{
	struct scene t = begin(state);
	struct signature g = signed_note(&t, 1);
	g.raw[0] ^= 1;
	size_t spoilt = put(&t, &g);
	g.raw[0] ^= 1;
	size_t good = put(&t, &g);
	judge(&t);
	assert_void(&t.n, &t.s, spoilt, VOID_SIGNATURE);
	assert_effective(&t.n, &t.s, good);
	assert_true(node_is_current(&t.n, &g.id));
	signature_release(&g);
	end(&t);
}

/* ---- H47 ---- */

static void log_that_does_not_begin_with_open_is_a_finding_and_goes_on(void **state)
{
	struct scene t;
	scribe_init(&t.s, *state, JIANGSU, 1);
	const struct key *operator= & t.s.c->member[JIANGSU].operator[0];
	size_t first = scribe_delegate(&t.s, operator, NULL, 0);
	size_t second = scribe_delegate(&t.s, operator, NULL, 0);
	size_t note = scribe_write(&t.s, (struct write){.value = value_note("x")}, NULL);
	judge(&t);
	assert_void(&t.n, &t.s, first, VOID_EVENT);
	assert_effective(&t.n, &t.s, second);
	assert_effective(&t.n, &t.s, note);
	end(&t);
}

static void change_as_first_leaf_is_void(void **state)
{
	struct scene t;
	scribe_init(&t.s, *state, JIANGSU, 1);
	struct hash id;
	size_t at = scribe_write(&t.s, (struct write){.value = value_note("x")}, &id);
	judge(&t);
	assert_void(&t.n, &t.s, at, VOID_EVENT);
	assert_false(node_is_current(&t.n, &id));
	end(&t);
}

static void second_open_is_void(void **state)
{
	struct scene t = begin(state);
	size_t at = scribe_open(&t.s, OPEN_RESTORE, NULL);
	judge(&t);
	assert_void(&t.n, &t.s, at, VOID_EVENT);
	end(&t);
}

static void open_of_unknown_reason_or_suite_is_void(void **state)
{
	const struct open opens[] = {{.suite = SUITE_ED25519_SHA256, .reason = OPEN_ROTATE + 1},
		{.suite = 0x10, .reason = OPEN_INIT}};
	for (size_t i = 0; i < 2; i++) {
		struct scene t;
		scribe_init(&t.s, *state, JIANGSU, 1);
		scribe_leaf(&t.s, (struct leaf){.kind = LEAF_OPEN, .open = opens[i]});
		judge(&t);
		assert_void(&t.n, &t.s, 0, VOID_EVENT);
		end(&t);
	}
}

static void open_naming_a_later_epoch_or_another_member_is_void(void **state)
{
	const char *const previous[] = {"yrd/jiangsu/2-abcdef02", "yrd/jiangsu/3-abcdef03",
		"yrd/anhui/1-abcdef01", "other/jiangsu/1-abcdef01", "no origin"};
	struct hash root = {{1}};
	for (size_t i = 0; i < sizeof(previous) / sizeof(*previous); i++) {
		struct scene t;
		scribe_init(&t.s, *state, JIANGSU, 2);
		struct open o = {SUITE_ED25519_SHA256, OPEN_ROLLBACK, bytes_str(previous[i]), 5,
			hash_bytes(&root)};
		scribe_leaf(&t.s, (struct leaf){.kind = LEAF_OPEN, .open = o});
		judge(&t);
		assert_void(&t.n, &t.s, 0, VOID_EVENT);
		end(&t);
	}
}

/* ---- the gate ---- */

static void bytes_that_are_no_leaf_are_void_and_kept(void **state)
{
	struct scene t = begin(state);
	size_t garbage = scribe_raw(&t.s, bytes_str("GET / HTTP/1.1"));
	struct buf longer = {0};
	buf_put_bytes(&longer, buf_bytes(&t.s.leaf[1]));
	buf_put_u8(&longer, 0);
	size_t trailing = scribe_raw(&t.s, buf_bytes(&longer));
	size_t after = scribe_write(&t.s, (struct write){.value = value_note("x")}, NULL);
	judge(&t);
	assert_void(&t.n, &t.s, garbage, VOID_GATE);
	assert_void(&t.n, &t.s, trailing, VOID_GATE);
	assert_effective(&t.n, &t.s, after);
	buf_release(&longer);
	end(&t);
}

static void value_that_does_not_decode_is_void(void **state)
{
	struct scene t = begin(state);
	struct write w = {.value = value_note("x"), .value_bytes = bytes_str("\x0a\x01x\x10\x00")};
	w.value_bytes.n = 5;
	size_t at = scribe_write(&t.s, w, NULL);
	judge(&t);
	assert_void(&t.n, &t.s, at, VOID_GATE);
	end(&t);
}

/* Every node keeps the operator events of a log at hand: a member cannot grow them without end. */
static void delegation_over_the_limit_of_a_log_is_void(void **state)
{
	struct scene t = begin(state);
	const struct key *operator= & t.s.c->member[JIANGSU].operator[1];
	size_t last = 0;
	for (size_t i = 1; i < LIMIT_OPERATOR_EVENTS; i++)
		last = scribe_delegate(&t.s, operator, NULL, 0);
	size_t over = scribe_delegate(&t.s, operator, NULL, 0);
	size_t revocation = scribe_revoke(&t.s, operator, 1);
	node_init(&t.n, t.s.c, SHANGHAI);
	node_greet(&t.n, JIANGSU);
	for (size_t from = 0; from < t.s.n; from += LIMIT_BATCH_LEAVES) {
		size_t left = t.s.n - from;
		size_t to = from + (left < LIMIT_BATCH_LEAVES ? left : LIMIT_BATCH_LEAVES);
		assert_int_equal(node_leaves(&t.n, JIANGSU, &t.s, from, to), RC_OK);
	}
	assert_int_equal(node_findings(&t.n), 2);
	assert_effective(&t.n, &t.s, last);
	assert_void(&t.n, &t.s, over, VOID_EVENT);
	assert_void(&t.n, &t.s, revocation, VOID_EVENT);
	end(&t);
}

/* Only the root key brings back whom it revoked: not whoever kept what it once signed. */
static void delegation_written_again_is_void_as_a_repeat(void **state)
{
	struct scene t = begin(state);
	const struct cluster_member *m = &t.s.c->member[JIANGSU];
	const struct key *operator= & m->operator[1];
	struct signature given, taken;
	sign_delegate(t.s.c, &m->root, operator, NULL, 0, 1, &given);
	sign_revoke(t.s.c, &m->root, operator, 0, 1, &taken);
	struct leaf give = {.kind = LEAF_DELEGATE, .signed_body = given.s};
	struct leaf take = {.kind = LEAF_REVOKE, .signed_body = taken.s};
	size_t first = scribe_leaf(&t.s, give);
	size_t revoked = scribe_leaf(&t.s, take);
	size_t again = scribe_leaf(&t.s, give);
	size_t written =
		scribe_write_as(&t.s, operator,(struct write){.value = value_note("x")}, NULL);
	size_t anew = scribe_delegate(&t.s, operator, NULL, 0);
	size_t taken_again = scribe_leaf(&t.s, take);
	size_t welcome =
		scribe_write_as(&t.s, operator,(struct write){.value = value_note("y")}, NULL);
	judge(&t);
	assert_effective(&t.n, &t.s, first);
	assert_effective(&t.n, &t.s, revoked);
	assert_void(&t.n, &t.s, again, VOID_REPEAT);
	assert_void(&t.n, &t.s, written, VOID_OPERATOR);
	assert_effective(&t.n, &t.s, anew);
	assert_void(&t.n, &t.s, taken_again, VOID_REPEAT);
	assert_effective(&t.n, &t.s, welcome);
	signature_release(&given);
	signature_release(&taken);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_note_is_effective_and_current),
		cmocka_unit_test(flipped_signature_is_void),
		cmocka_unit_test(signature_of_another_change_is_void),
		cmocka_unit_test(signature_with_s_plus_l_is_void),
		cmocka_unit_test(change_signed_for_another_cluster_is_void),
		cmocka_unit_test(leaf_that_states_another_index_is_void),
		cmocka_unit_test(leaf_whose_stamp_goes_back_is_void_and_lowers_nothing),
		cmocka_unit_test(largest_stamp_does_not_poison_our_clock),
		cmocka_unit_test(sane_stamp_of_another_member_keeps_ours_above_it),
		cmocka_unit_test(claimed_time_of_any_year_is_effective),
		cmocka_unit_test(same_nonce_with_another_body_is_another_change),
		cmocka_unit_test(same_change_again_is_void_as_a_repeat),
		cmocka_unit_test(change_that_was_spoilt_before_may_stand_later),
		cmocka_unit_test(log_that_does_not_begin_with_open_is_a_finding_and_goes_on),
		cmocka_unit_test(change_as_first_leaf_is_void),
		cmocka_unit_test(second_open_is_void),
		cmocka_unit_test(open_of_unknown_reason_or_suite_is_void),
		cmocka_unit_test(open_naming_a_later_epoch_or_another_member_is_void),
		cmocka_unit_test(bytes_that_are_no_leaf_are_void_and_kept),
		cmocka_unit_test(value_that_does_not_decode_is_void),
		cmocka_unit_test(delegation_over_the_limit_of_a_log_is_void),
		cmocka_unit_test(delegation_written_again_is_void_as_a_repeat),
	};
	return cmocka_run_group_tests_name("core leaves", tests, core_set_up, core_tear_down);
}
