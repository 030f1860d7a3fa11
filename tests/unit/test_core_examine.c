/* What can be said of a leaf from its bytes alone. */
#include "tests/lib/core_test.h"

#include "daemon/core/examine.h"
#include "proto/wire/codec.h"

struct look {
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct examined x;
};

static const struct examined *look_at(struct look *l, const struct cluster *c, struct bytes raw)
{
	arena_init(&l->a, l->memory, sizeof(l->memory));
	examine_leaf(&c->cluster_id, raw, &l->a, &l->x);
	struct hash h;
	merkle_leaf_hash(raw, &h);
	assert_same_hash(l->x.leaf_hash, h);
	assert_ptr_equal(l->x.raw.p, raw.p);
	return &l->x;
}

static const struct examined *look_at_leaf(struct look *l, const struct scribe *s, size_t index)
{
	return look_at(l, s->c, buf_bytes(&s->leaf[index]));
}

static void good_change_is_good_in_all_respects(void **state)
{
	struct look l;
	struct scribe s;
	struct hash id;
	scribe_begin(&s, *state, JIANGSU);
	size_t at = scribe_write(&s, (struct write){.value = value_note("a note")}, &id);
	const struct examined *x = look_at_leaf(&l, &s, at);
	assert_true(
		x->gate_ok && x->version_known && x->signature_ok && x->body_ok && x->has_value);
	assert_int_equal(x->leaf.kind, LEAF_CHANGE);
	assert_int_equal(x->leaf.index, at);
	assert_same_hash(x->body_id, id);
	assert_true(bytes_equal(x->change.member, bytes_str("jiangsu")));
	assert_true(bytes_equal(x->value.note.text, bytes_str("a note")));
	scribe_release(&s);
}

static void events_are_examined_by_their_own_type(void **state)
{
	struct look l;
	struct scribe s;
	scribe_begin(&s, *state, JIANGSU);
	const struct key *k = &s.c->member[JIANGSU].operator[1];
	size_t revoke = scribe_revoke(&s, k, 7);
	const struct examined *x = look_at_leaf(&l, &s, 0);
	assert_true(x->gate_ok && x->version_known);
	assert_false(x->signature_ok || x->body_ok || x->has_value);
	assert_int_equal(x->leaf.open.reason, OPEN_INIT);
	x = look_at_leaf(&l, &s, 1);
	assert_true(x->gate_ok && x->version_known && x->signature_ok && x->body_ok);
	assert_true(bytes_equal(x->delegate.name, bytes_str("operator")));
	x = look_at_leaf(&l, &s, revoke);
	assert_true(x->gate_ok && x->version_known && x->signature_ok && x->body_ok);
	assert_int_equal(x->revoke.valid_below, 7);
	scribe_release(&s);
}

/* The body of a delegation signed as one is no revocation, whatever the leaf says. */
static void body_signed_as_another_type_has_no_valid_signature(void **state)
{
	const struct cluster *c = *state;
	struct look l;
	struct scribe s;
	struct signature g;
	scribe_init(&s, c, JIANGSU, 1);
	sign_revoke(c, &c->member[JIANGSU].root, &c->member[JIANGSU].operator[0], 3, 1, &g);
	struct leaf leaf = {.kind = LEAF_DELEGATE, .signed_body = g.s};
	size_t at = scribe_leaf(&s, leaf);
	const struct examined *x = look_at_leaf(&l, &s, at);
	assert_false(x->signature_ok);
	leaf.kind = LEAF_REVOKE;
	x = look_at_leaf(&l, &s, scribe_leaf(&s, leaf));
	assert_true(x->signature_ok);
	signature_release(&g);
	scribe_release(&s);
}

static void bytes_that_are_no_leaf_fail_the_gate(void **state)
{
	struct look l;
	const struct examined *x = look_at(&l, *state, (struct bytes){0});
	assert_false(x->gate_ok || x->version_known || x->body_ok || x->signature_ok);
	x = look_at(&l, *state, bytes_str("GET / HTTP/1.1"));
	assert_false(x->gate_ok || x->version_known || x->body_ok || x->signature_ok);
}

static void leaf_cut_anywhere_fails_the_gate_and_nothing_else_happens(void **state)
{
	struct look l;
	struct scribe s;
	scribe_begin(&s, *state, JIANGSU);
	size_t at = scribe_write(&s, (struct write){.value = value_note("a note")}, NULL);
	for (size_t n = 0; n < s.leaf[at].n; n++) {
		/* A copy of its own, so that a read past the end is seen. */
		uint8_t *cut = xmemdup(s.leaf[at].p, n == 0 ? 1 : n);
		const struct examined *x = look_at(&l, *state, bytes_of(cut, n));
		assert_false(x->gate_ok);
		free(cut);
	}
	scribe_release(&s);
}

static void flipped_bit_anywhere_is_noticed(void **state)
{
	struct look l;
	struct scribe s;
	struct hash id;
	scribe_begin(&s, *state, JIANGSU);
	size_t at = scribe_write(&s, (struct write){.value = value_note("a note")}, &id);
	struct buf *leaf = &s.leaf[at];
	for (size_t bit = 0; bit < 8 * leaf->n; bit += 3) {
		leaf->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		const struct examined *x = look_at_leaf(&l, &s, at);
		/* Index and hlc of the leaf are not the operator's: the log's head covers them. */
		bool outer = x->gate_ok && x->signature_ok &&
			(x->leaf.index != at || x->leaf.hlc != s.hlc - 1);
		assert_true(outer || !x->gate_ok || !x->version_known || !x->signature_ok);
		leaf->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(look_at_leaf(&l, &s, at)->signature_ok);
	scribe_release(&s);
}

static void change_of_another_version_or_slot_is_not_known(void **state)
{
	struct look l;
	struct scribe s;
	scribe_begin(&s, *state, JIANGSU);
	size_t slot =
		scribe_write(&s, (struct write){.slot = 99, .value_bytes = bytes_str("?")}, NULL);
	const struct examined *x = look_at_leaf(&l, &s, slot);
	assert_true(x->gate_ok && x->body_ok && x->signature_ok);
	assert_false(x->version_known || x->has_value);
	/* Version 2 says whatever it likes after its version. */
	struct signature g;
	struct write w = {.value = value_note("x")};
	sign_write(s.c, &s.c->member[JIANGSU].operator[0], &w, "jiangsu", &g);
	g.body.p[1] = 2;
	struct leaf leaf = {.kind = LEAF_CHANGE, .signed_body = g.s};
	leaf.signed_body.body = buf_bytes(&g.body);
	x = look_at_leaf(&l, &s, scribe_leaf(&s, leaf));
	assert_true(x->gate_ok);
	assert_false(x->version_known || x->body_ok || x->signature_ok);
	signature_release(&g);
	scribe_release(&s);
}

static void delegation_of_another_version_is_not_known(void **state)
{
	const struct cluster *c = *state;
	struct look l;
	struct scribe s;
	struct signature g;
	scribe_init(&s, c, JIANGSU, 1);
	sign_delegate(c, &c->member[JIANGSU].root, &c->member[JIANGSU].operator[0], NULL, 0, 1, &g);
	g.body.p[1] = 2;
	struct leaf leaf = {.kind = LEAF_DELEGATE, .signed_body = g.s};
	const struct examined *x = look_at_leaf(&l, &s, scribe_leaf(&s, leaf));
	assert_true(x->gate_ok);
	assert_false(x->version_known || x->body_ok);
	leaf.kind = LEAF_REVOKE;
	x = look_at_leaf(&l, &s, scribe_leaf(&s, leaf));
	assert_true(x->gate_ok);
	assert_false(x->version_known || x->body_ok);
	signature_release(&g);
	scribe_release(&s);
}

static void value_of_another_slot_fails_the_gate_and_the_register_is_still_read(void **state)
{
	struct look l;
	struct scribe s;
	struct buf note = {0};
	struct value v = value_note("x");
	scribe_begin(&s, *state, JIANGSU);
	v.note.struck = true;
	assert_int_equal(value_encode(&v, &note, NULL), RC_OK);
	struct write w = {.value = value_report(1), .value_bytes = buf_bytes(&note)};
	const struct examined *x = look_at_leaf(&l, &s, scribe_write(&s, w, NULL));
	assert_false(x->gate_ok || x->has_value);
	assert_true(x->body_ok && x->signature_ok && x->version_known);
	assert_true(bytes_equal(x->change.holder, bytes_str("jiangsu")));
	buf_release(&note);
	scribe_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_change_is_good_in_all_respects),
		cmocka_unit_test(events_are_examined_by_their_own_type),
		cmocka_unit_test(body_signed_as_another_type_has_no_valid_signature),
		cmocka_unit_test(bytes_that_are_no_leaf_fail_the_gate),
		cmocka_unit_test(leaf_cut_anywhere_fails_the_gate_and_nothing_else_happens),
		cmocka_unit_test(flipped_bit_anywhere_is_noticed),
		cmocka_unit_test(change_of_another_version_or_slot_is_not_known),
		cmocka_unit_test(delegation_of_another_version_is_not_known),
		cmocka_unit_test(
			value_of_another_slot_fails_the_gate_and_the_register_is_still_read),
	};
	return cmocka_run_group_tests_name("core examine", tests, core_set_up, core_tear_down);
}
