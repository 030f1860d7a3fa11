/* A proof of a change with the delegation of its key: what must hold, and each thing that may not.
 */
#include "tests/unit/golden.h"

#include <stdlib.h>

#include "client/proof_check.h"
#include "proto/trust/sign.h"

#define FIRST_EPOCH "yrd/jiangsu/1-00000001"
#define SECOND_EPOCH "yrd/jiangsu/2-00000002"

/* What is made, and what of it is wrong. All zero: nothing. */
struct wrong {
	const char *change_member, *delegate_member, *scope;
	uint64_t not_after, stated_index;
	size_t delegate_at; /* 0: below the change */
	bool change_by_other, delegate_by_other, delegated_other, other_log_key, no_extra;
	bool change_is_delegate, delegate_is_change, change_in_first, delegate_in_first;
	bool torn_change;
	const char *policy; /* instead of the whole one */
};

static struct key root_key, log_key, operator_key, other_key;
static struct hash cluster_id = {{7}};

static void make_key(struct key *k, enum key_purpose p, uint8_t seed)
{
	uint8_t bytes[32];
	memset(bytes, seed, sizeof bytes);
	key_from_seed(k, p, "jiangsu", p == KEY_OPERATOR ? "王伟" : "", bytes);
}

static int start(void **state)
{
	(void)state;
	struct err e = {0};
	int rc = trust_init(&e);
	make_key(&root_key, KEY_ROOT, 1);
	make_key(&log_key, KEY_LOG, 2);
	make_key(&operator_key, KEY_OPERATOR, 3);
	make_key(&other_key, KEY_OPERATOR, 4);
	return rc;
}

static int end(void **state)
{
	(void)state;
	key_release(&root_key);
	key_release(&log_key);
	key_release(&operator_key);
	key_release(&other_key);
	return 0;
}

static void put_signed_leaf(struct buf *out, enum leaf_kind kind, const struct key *k,
	struct bytes body, uint64_t index, bool torn)
{
	uint8_t signature[SIGNATURE_BYTES];
	body_sign(
		k, kind == LEAF_CHANGE ? BODY_CHANGE : BODY_DELEGATE, &cluster_id, body, signature);
	signature[9] ^= torn;
	struct leaf l = {.version = LEAF_VERSION, .index = index, .hlc = index, .kind = kind};
	l.signed_body = (struct signed_body){
		bytes_of(k->public, KEY_BYTES), bytes_of(signature, SIGNATURE_BYTES), body};
	assert_int_equal(leaf_encode(&l, out, NULL), RC_OK);
}

static const uint8_t nonce[NONCE_BYTES] = {1};

static void put_change(struct buf *out, const struct wrong *w, uint64_t index)
{
	struct buf body = {0}, value = {0};
	struct value v = {.slot = SLOT_NOTE, .note = {.text = bytes_str("x")}};
	assert_int_equal(value_encode(&v, &value, NULL), RC_OK);
	struct change c = {.version = 1,
		.member = bytes_str(w->change_member ? w->change_member : "jiangsu"),
		.nonce = bytes_of(nonce, NONCE_BYTES),
		.claimed_ms = 1,
		.task = bytes_str("3-05"),
		.slot = SLOT_NOTE,
		.holder = bytes_str("01000000000000000000000000000000"),
		.value = buf_bytes(&value)};
	assert_int_equal(change_encode(&c, &body, NULL), RC_OK);
	put_signed_leaf(out, LEAF_CHANGE, w->change_by_other ? &other_key : &operator_key,
		buf_bytes(&body), w->stated_index ? w->stated_index : index, w->torn_change);
	buf_release(&body);
	buf_release(&value);
}

static void put_delegate(struct buf *out, const struct wrong *w, uint64_t index)
{
	struct buf body = {0};
	struct bytes scope = bytes_str(w->scope ? w->scope : "");
	struct delegate d = {.version = 1,
		.member = bytes_str(w->delegate_member ? w->delegate_member : "jiangsu"),
		.nonce = bytes_of(nonce, NONCE_BYTES),
		.operator_key = bytes_of(
			(w->delegated_other ? &other_key : &operator_key)->public, KEY_BYTES),
		.name = bytes_str("王伟"),
		.scope = &scope,
		.n_scope = w->scope != NULL,
		.not_after_index = w->not_after};
	assert_int_equal(delegate_encode(&d, &body, NULL), RC_OK);
	put_signed_leaf(out, LEAF_DELEGATE, w->delegate_by_other ? &other_key : &root_key,
		buf_bytes(&body), index, false);
	buf_release(&body);
}

/* A proof that the leaf stands at index of a log of eight. */
static struct proof *proof_of(struct bytes leaf, uint64_t index, const char *origin,
	const struct key *k, struct buf *file)
{
	struct hash h[8], root;
	struct buf note = {0};
	struct proof *p = xalloc(sizeof *p);
	for (size_t i = 0; i < 8; i++)
		sha256(bytes_of(&i, sizeof i), &h[i]);
	merkle_leaf_hash(leaf, &h[index]);
	merkle_root(h, 8, &root);
	checkpoint_sign(origin, 8, &root, k, &note);
	p->index = index;
	merkle_prove_inclusion(h, 8, index, p->path, &p->n_path);
	p->note = buf_bytes(&note);
	p->n_extra = leaf.n;
	memcpy(p->extra, leaf.p, leaf.n);
	proof_print(p, file);
	assert_int_equal(proof_parse(buf_bytes(file), p, NULL), RC_OK);
	buf_release(&note);
	return p;
}

static void put_policy(struct buf *out, const char *origin)
{
	char id[HASH_HEX_SIZE];
	struct vkey v;
	hash_print(&cluster_id, id);
	buf_printf(out, "#deltad cluster %s\n#deltad root ", id);
	assert_int_equal(
		vkey_make(&v, "yrd/jiangsu/root", NOTE_ED25519, root_key.public, NULL), RC_OK);
	vkey_print(&v, out);
	buf_put_str(out, "\nlog ");
	assert_int_equal(vkey_make(&v, origin, NOTE_ED25519, log_key.public, NULL), RC_OK);
	vkey_print(&v, out);
	buf_put_str(out, "\nquorum none\n");
}

static int check(const struct wrong *w, struct err *e)
{
	struct buf leaf[2] = {{0}}, file[2] = {{0}}, text = {0};
	struct policy *policy = xalloc(sizeof *policy);
	struct proof_check *c = xalloc(sizeof *c);
	uint64_t at = w->delegate_at ? w->delegate_at : 1;
	const char *origin = w->change_in_first ? FIRST_EPOCH : SECOND_EPOCH;
	const char *began = w->delegate_in_first ? FIRST_EPOCH : SECOND_EPOCH;
	if (w->change_is_delegate)
		put_delegate(&leaf[0], w, 3);
	else
		put_change(&leaf[0], w, 3);
	if (w->delegate_is_change)
		put_change(&leaf[1], w, at);
	else
		put_delegate(&leaf[1], w, at);
	struct proof *p = proof_of(buf_bytes(&leaf[0]), 3, origin, &log_key, &file[0]);
	struct proof *d = proof_of(
		buf_bytes(&leaf[1]), at, began, w->other_log_key ? &other_key : &log_key, &file[1]);
	if (w->no_extra)
		p->n_extra = 0;
	put_policy(&text, origin);
	struct bytes in = w->policy ? bytes_str(w->policy) : buf_bytes(&text);
	int rc = policy_parse(in, policy, e);
	if (rc == RC_OK)
		rc = proof_check(policy, p, d, c, e);
	if (rc == RC_OK) {
		assert_true(c->has_value);
		assert_true(bytes_equal(c->delegate.name, bytes_str("王伟")));
	}
	proof_check_release(c);
	for (size_t i = 0; i < 2; i++) {
		buf_release(&leaf[i]);
		buf_release(&file[i]);
	}
	buf_release(&text);
	free(c);
	free(policy);
	free(p);
	free(d);
	return rc;
}

static void assert_refused(struct wrong w, int want, const char *why)
{
	struct err e = {0};
	int rc = check(&w, &e);
	if (rc != want || !strstr(e.text, why))
		fail_msg("%s \"%s\", not \"%s\"", rc_id(rc), e.text, why);
}

static void whole_proof_holds_with_a_delegation_here_or_of_an_earlier_epoch(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(check(&(struct wrong){0}, &e), RC_OK);
	assert_int_equal(check(&(struct wrong){.delegate_in_first = true}, &e), RC_OK);
	assert_int_equal(
		check(&(struct wrong){.delegate_in_first = true, .delegate_at = 7}, &e), RC_OK);
	assert_int_equal(check(&(struct wrong){.scope = "3-05", .not_after = 3}, &e), RC_OK);
}

static void change_that_does_not_hold_is_refused(void **state)
{
	(void)state;
	assert_refused((struct wrong){.torn_change = true}, RC_VERIFY, "operator's signature");
	assert_refused((struct wrong){.change_member = "shanghai"}, RC_VERIFY, "another member's");
	assert_refused((struct wrong){.stated_index = 4}, RC_VERIFY, "another index");
	assert_refused((struct wrong){.change_is_delegate = true}, RC_INPUT, "no change");
	assert_refused((struct wrong){.no_extra = true}, RC_INPUT, "bring the leaf");
}

static void delegation_that_does_not_hold_is_refused(void **state)
{
	(void)state;
	assert_refused((struct wrong){.delegate_at = 5}, RC_VERIFY, "before the change");
	assert_refused((struct wrong){.change_in_first = true}, RC_VERIFY, "before the change");
	assert_refused((struct wrong){.delegated_other = true}, RC_VERIFY, "another key");
	assert_refused((struct wrong){.change_by_other = true}, RC_VERIFY, "another key");
	assert_refused((struct wrong){.delegate_member = "shanghai"}, RC_VERIFY, "another key or");
	assert_refused((struct wrong){.delegate_by_other = true}, RC_VERIFY, "root key");
	assert_refused((struct wrong){.scope = "3-06"}, RC_VERIFY, "cover");
	assert_refused((struct wrong){.not_after = 2}, RC_VERIFY, "ended");
	assert_refused(
		(struct wrong){.delegate_in_first = true, .not_after = 9}, RC_VERIFY, "ended");
	assert_refused((struct wrong){.other_log_key = true}, RC_VERIFY, "no log of the policy");
	assert_refused((struct wrong){.delegate_is_change = true}, RC_INPUT, "no delegation");
}

static void policy_that_names_too_little_or_others_is_refused(void **state)
{
	(void)state;
	struct buf text = {0};
	put_policy(&text, SECOND_EPOCH);
	buf_put_u8(&text, 0);
	char *whole = (char *)text.p, *log = strstr(whole, "\nlog ") + 1;
	assert_refused((struct wrong){.policy = log}, RC_INPUT, "names no cluster");
	char *other = xstrdup(whole);
	other[strlen("#deltad cluster ")] ^= 1;
	assert_refused((struct wrong){.policy = other}, RC_VERIFY, "operator's signature");
	assert_refused((struct wrong){.policy = "quorum none\n"}, RC_VERIFY, "the policy of -");
	free(other);
	buf_release(&text);
}

static void policy_of_another_epoch_is_told_apart_from_a_false_signature(void **state)
{
	(void)state;
	struct buf text = {0};
	put_policy(&text, FIRST_EPOCH);
	buf_put_u8(&text, 0);
	assert_refused((struct wrong){.policy = (const char *)text.p}, RC_VERIFY,
		"of the log " SECOND_EPOCH ", the policy of " FIRST_EPOCH
		"; for another epoch: deltactl policy " SECOND_EPOCH);
	buf_release(&text);
}

static void delegation_under_an_earlier_key_needs_the_policy_to_name_it(void **state)
{
	(void)state;
	struct buf text = {0};
	struct vkey v;
	struct err e = {0};
	put_policy(&text, SECOND_EPOCH);
	assert_int_equal(vkey_make(&v, FIRST_EPOCH, NOTE_ED25519, other_key.public, NULL), RC_OK);
	buf_put_str(&text, "#deltad log ");
	vkey_print(&v, &text);
	buf_put(&text, "\n", 2);
	const char *policy = (const char *)text.p;
	struct wrong w = {.other_log_key = true, .delegate_in_first = true};
	assert_refused(w, RC_VERIFY, "no log of the policy");
	w.policy = policy;
	if (check(&w, &e) != RC_OK)
		fail_msg("%s", e.text);
	/* It speaks for its own log alone. */
	assert_refused((struct wrong){.other_log_key = true, .policy = policy}, RC_VERIFY,
		"no log of the policy");
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_proof_holds_with_a_delegation_here_or_of_an_earlier_epoch),
		cmocka_unit_test(change_that_does_not_hold_is_refused),
		cmocka_unit_test(delegation_that_does_not_hold_is_refused),
		cmocka_unit_test(policy_that_names_too_little_or_others_is_refused),
		cmocka_unit_test(policy_of_another_epoch_is_told_apart_from_a_false_signature),
		cmocka_unit_test(delegation_under_an_earlier_key_needs_the_policy_to_name_it),
	};
	return cmocka_run_group_tests(tests, start, end);
}
