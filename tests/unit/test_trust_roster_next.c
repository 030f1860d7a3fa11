/* Versions of a roster after the first: what may follow, and who must have signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/text.h"
#include "proto/trust/roster.h"

#define CLUSTER "yrd"
#define MEMBERS 5
#define PROVINCES 4
#define OFFICE 4
#define NEWCOMER 5 /* an office that version 1 does not have */

/* An office's keys of today, and those it changes to. */
struct office {
	struct key root[2], log[2], cosign[2], noise[2];
	struct member m;
};

static const char *const slugs[] = {"shanghai", "jiangsu", "zhejiang", "anhui", "office", "fujian"};
static struct office office[MEMBERS + 1];
static struct roster first;

static void make_key(struct key *k, enum key_purpose p, const char *slug, uint8_t seed)
{
	uint8_t bytes[32];
	memset(bytes, seed, sizeof bytes);
	key_from_seed(k, p, slug, NULL, bytes);
}

static void use_keys(struct member *m, const struct office *o, unsigned root, unsigned log,
	unsigned cosign, unsigned noise)
{
	char name[NOTE_NAME_SIZE];
	snprintf(name, sizeof name, CLUSTER "/%s/root", m->slug);
	assert_int_equal(
		vkey_make(&m->root, name, NOTE_ED25519, o->root[root].public, NULL), RC_OK);
	memcpy(m->log, o->log[log].public, KEY_BYTES);
	memcpy(m->cosign, o->cosign[cosign].public, KEY_BYTES);
	memcpy(m->noise, o->noise[noise].public, KEY_BYTES);
}

static void office_open(struct office *o, size_t i)
{
	for (uint8_t k = 0; k < 2; k++) {
		uint8_t seed = (uint8_t)(1 + 8 * i + 4 * k);
		make_key(&o->root[k], KEY_ROOT, slugs[i], seed);
		make_key(&o->log[k], KEY_LOG, slugs[i], seed + 1);
		make_key(&o->cosign[k], KEY_COSIGN, slugs[i], seed + 2);
		make_key(&o->noise[k], KEY_NOISE, slugs[i], seed + 3);
	}
	o->m = (struct member){.role = i == OFFICE ? ROLE_REGIONAL : ROLE_PROVINCE};
	snprintf(o->m.slug, sizeof o->m.slug, "%s", slugs[i]);
	snprintf(o->m.name, sizeof o->m.name, "%s", slugs[i]);
	use_keys(&o->m, o, 0, 0, 0, 0);
}

static int set_up(void **state)
{
	(void)state;
	if (trust_init(NULL) != RC_OK)
		return -1;
	struct roster r = {.cluster = CLUSTER,
		.version = 1,
		.not_after = 20271231,
		.n = MEMBERS,
		.final_quorum = 3,
		.province_quorum = 3};
	for (size_t i = 0; i <= MEMBERS; i++)
		office_open(&office[i], i);
	for (size_t i = 0; i < MEMBERS; i++)
		r.member[i] = office[i].m;
	struct buf text = {0};
	roster_print(&r, &text);
	assert_int_equal(roster_parse(buf_bytes(&text), &first, NULL), RC_OK);
	buf_release(&text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i <= MEMBERS; i++)
		for (size_t k = 0; k < 2; k++) {
			key_release(&office[i].root[k]);
			key_release(&office[i].log[k]);
			key_release(&office[i].cosign[k]);
			key_release(&office[i].noise[k]);
		}
	return 0;
}

/* ---- drafts ---- */

/* The next version of now, changed in nothing. */
static struct roster after(const struct roster *now)
{
	struct roster r = *now;
	r.version = now->version + 1;
	r.prev = now->id;
	return r;
}

static void retire(struct roster *r, const struct roster *now, size_t member, const char *epoch)
{
	struct retirement t = {.valid_below = 7, .reason = "rotated"};
	memset(t.root.b, 9, HASH_BYTES);
	snprintf(t.origin, sizeof t.origin, CLUSTER "/%s/%s", now->member[member].slug, epoch);
	memcpy(t.log, now->member[member].log, KEY_BYTES);
	memcpy(t.authority, now->member[member].root.public, KEY_BYTES);
	size_t at = r->n_retired++;
	for (; at > 0 && strcmp(r->retired[at - 1].origin, t.origin) > 0; at--)
		r->retired[at] = r->retired[at - 1];
	r->retired[at] = t;
}

static void remove_member(struct roster *r, size_t member)
{
	struct member m = {.role = r->member[member].role, .former = true};
	memcpy(m.slug, r->member[member].slug, sizeof m.slug);
	memcpy(m.name, r->member[member].name, sizeof m.name);
	for (size_t i = member; i + 1 < r->n + r->n_former; i++)
		r->member[i] = r->member[i + 1];
	r->n--;
	r->member[r->n + r->n_former++] = m;
}

static void sign(struct buf *draft, const struct roster *now, const struct key *k)
{
	struct buf next = {0};
	struct err e = {0};
	if (roster_add_signature_next(buf_bytes(draft), now, k, &next, &e) != RC_OK)
		fail_msg("%s", e.text);
	buf_release(draft);
	*draft = next;
}

static struct buf draft_of(const struct roster *r)
{
	struct buf b = {0};
	roster_print(r, &b);
	return b;
}

static void sign_quorum(struct buf *b, const struct roster *now)
{
	sign(b, now, &office[OFFICE].root[0]);
	for (size_t i = 0; i < 3; i++)
		sign(b, now, &office[i].root[0]);
}

static void expect(struct buf *b, const struct roster *now, int want, const char *why)
{
	struct roster r;
	struct err e = {0};
	int rc = roster_verify_next(buf_bytes(b), now, &r, &e);
	if (rc != want || (why != NULL && strstr(e.text, why) == NULL))
		fail_msg("rc %d, not %d, or no \"%s\": %s", rc, want, why ? why : "", e.text);
}

/* Signed by everybody, it must still be refused, for this reason. */
static void expect_no_successor(const struct roster *draft, const char *why)
{
	struct err e = {0};
	struct roster parsed;
	struct buf b = draft_of(draft), signed_draft = {0};
	assert_int_equal(roster_parse(buf_bytes(&b), &parsed, &e), RC_OK);
	assert_int_equal(roster_check_next(&first, &parsed, &e), RC_ROSTER);
	if (strstr(e.text, why) == NULL)
		fail_msg("no \"%s\" in: %s", why, e.text);
	assert_int_equal(roster_add_signature_next(buf_bytes(&b), &first, &office[OFFICE].root[0],
				 &signed_draft, NULL),
		RC_ROSTER);
	assert_int_equal(signed_draft.n, 0);
	buf_release(&b);
}

/* ---- the text ---- */

static void later_version_prints_as_it_was_read(void **state)
{
	(void)state;
	struct roster next = after(&first), again;
	retire(&next, &first, 1, "2-00000001");
	retire(&next, &first, 1, "1-00000001");
	retire(&next, &first, 0, "1-00000001");
	remove_member(&next, 1);
	struct buf b = draft_of(&next), printed = {0};
	struct err e = {0};
	assert_int_equal(roster_parse(buf_bytes(&b), &again, &e), RC_OK);
	roster_print(&again, &printed);
	assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&printed)));
	assert_int_equal(again.n, MEMBERS - 1);
	assert_int_equal(again.n_former, 1);
	assert_int_equal(again.n_retired, 3);
	assert_true(again.member[again.n].former);
	assert_int_equal(again.member[again.n].role, ROLE_PROVINCE);
	assert_true(hash_equal(&again.prev, &first.id));
	assert_int_equal(roster_find(&again, bytes_str("jiangsu")), -1);
	assert_int_equal(roster_find_any(&again, bytes_str("jiangsu")), (int)again.n);
	buf_release(&b);
	buf_release(&printed);
}

static void keys_of_a_log_are_the_lines_or_the_members(void **state)
{
	(void)state;
	struct roster r = after(&first);
	retire(&r, &first, 1, "1-00000001");
	use_keys(&r.member[1], &office[1], 1, 1, 0, 0);
	const struct bytes old = bytes_str(CLUSTER "/jiangsu/1-00000001");
	const struct bytes new = bytes_str(CLUSTER "/jiangsu/2-00000001");
	assert_memory_equal(roster_log_key(&r, old, 1), office[1].log[0].public, KEY_BYTES);
	assert_memory_equal(roster_log_key(&r, new, 1), office[1].log[1].public, KEY_BYTES);
	assert_memory_equal(roster_authority(&r, old, 1), office[1].root[0].public, KEY_BYTES);
	assert_memory_equal(roster_authority(&r, new, 1), office[1].root[1].public, KEY_BYTES);
	remove_member(&r, 1);
	int i = roster_find_any(&r, bytes_str("jiangsu"));
	assert_memory_equal(roster_log_key(&r, old, i), office[1].log[0].public, KEY_BYTES);
	assert_null(roster_log_key(&r, new, i));
	assert_null(roster_authority(&r, new, i));
}

/* What a line that is damaged in one place is refused for. */
static const struct {
	const char *from, *to, *why;
} damages[] = {
	{"former jiangsu province", "former jiangsu", "must read: former"},
	{"former jiangsu province", "former jiangsu minister", "role"},
	{"former jiangsu province", "former J province", "slug"},
	{"former jiangsu province", "former anhui province", "already"},
	{"former jiangsu province name=jiangsu\n",
		"former jiangsu province name=jiangsu\nformer jiangsu province name=jiangsu\n",
		"already"},
	{"name=jiangsu\nfinal", "name=jiangsu+\nfinal", "name"},
	{"valid-below=7", "valid-below=07", "number of leaves"},
	{"valid-below=7", "valid-below=-1", "number of leaves"},
	{"valid-below=7", "valid-below=1099511627777", "number of leaves"},
	{"valid-below=7", "valid-below=0", "root"},
	{"valid-below=7", "below=7", "must read: retire"},
	{"retire origin=yrd/jiangsu", "retire origin=yrd2/jiangsu", "no member"},
	{"retire origin=yrd/jiangsu", "retire origin=yrd/hainan", "no member"},
	{"retire origin=yrd/jiangsu/1-", "retire origin=yrd/jiangsu/0-", "origin"},
	{"reason=rotated\n", "reason=Rotated\n", "word"},
	{"reason=rotated\n", "reason=\n", "must read: retire"},
	{"reason=rotated\n", "reason=rotated \n", "must read: retire"},
	{"root=CQkJ", "root=CQ==", "32 bytes"},
	{"prev ", "prev 0", "64 lower-case"},
	{"version 2", "version 0", "from 1"},
};

static void damaged_line_is_refused(void **state)
{
	(void)state;
	struct roster next = after(&first), r;
	retire(&next, &first, 1, "1-00000001");
	remove_member(&next, 1);
	struct buf good = draft_of(&next);
	for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
		struct err e = {0};
		struct buf b = {0};
		const uint8_t *at =
			memmem(good.p, good.n, damages[i].from, strlen(damages[i].from));
		if (at == NULL)
			fail_msg("\"%s\" is not in the text", damages[i].from);
		size_t before = (size_t)(at - good.p), skip = strlen(damages[i].from);
		buf_put(&b, good.p, before);
		buf_put_str(&b, damages[i].to);
		buf_put(&b, at + skip, good.n - before - skip);
		if (roster_parse(buf_bytes(&b), &r, &e) != RC_ROSTER ||
			strstr(e.text, damages[i].why) == NULL)
			fail_msg("%zu: \"%s\" for \"%s\"", i, e.text, damages[i].why);
		buf_release(&b);
	}
	buf_release(&good);
}

static void retired_logs_stand_in_order_and_once(void **state)
{
	(void)state;
	struct roster next = after(&first), r;
	retire(&next, &first, 1, "1-00000001");
	retire(&next, &first, 1, "2-00000001");
	struct err e = {0};
	struct retirement t = next.retired[0];
	for (int once = 0; once < 2; once++) {
		next.retired[0] = next.retired[1];
		next.retired[1] = once ? next.retired[0] : t;
		struct buf b = draft_of(&next);
		assert_int_equal(roster_parse(buf_bytes(&b), &r, &e), RC_ROSTER);
		assert_non_null(strstr(e.text, "order"));
		buf_release(&b);
	}
}

static void text_holds_so_many_former_and_retired_and_no_more(void **state)
{
	(void)state;
	struct err e = {0};
	struct roster r = after(&first), parsed;
	struct buf lines = {0};
	for (size_t i = 0; i < LIMIT_FORMER; i++) {
		struct member *m = &r.member[r.n + r.n_former++];
		*m = (struct member){.role = ROLE_PROVINCE, .former = true};
		snprintf(m->slug, sizeof m->slug, "gone-%zu", i);
		snprintf(m->name, sizeof m->name, "gone");
	}
	struct buf b = draft_of(&r);
	assert_int_equal(roster_parse(buf_bytes(&b), &parsed, &e), RC_OK);
	buf_release(&b);
	b = draft_of(&r);
	const uint8_t *at = memmem(b.p, b.n, "final ", 6);
	buf_put(&lines, b.p, (size_t)(at - b.p));
	buf_put_str(&lines, "former gone-99 province name=gone\n");
	buf_put(&lines, at, b.n - (size_t)(at - b.p));
	assert_int_equal(roster_parse(buf_bytes(&lines), &parsed, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, "former members"));
	buf_release(&b);
	buf_release(&lines);
	r = after(&first);
	for (size_t i = 0; i < LIMIT_RETIRED; i++) {
		char epoch[16];
		snprintf(epoch, sizeof epoch, "1-%08zx", i);
		retire(&r, &first, 1, epoch);
	}
	b = draft_of(&r);
	assert_int_equal(roster_parse(buf_bytes(&b), &parsed, &e), RC_OK);
	struct retirement extra = r.retired[LIMIT_RETIRED - 1];
	snprintf(extra.origin, sizeof extra.origin, CLUSTER "/jiangsu/1-ffffffff");
	roster_put_retire_line(&b, &extra);
	assert_int_equal(roster_parse(buf_bytes(&b), &parsed, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, "retired logs"));
	buf_release(&b);
}

/* ---- what may follow ---- */

static void office_and_three_provinces_make_the_next_version(void **state)
{
	(void)state;
	struct roster next = after(&first), got;
	snprintf(next.member[0].addr, sizeof next.member[0].addr, "192.0.2.9:7420");
	struct buf b = draft_of(&next);
	struct buf missing = {0};
	assert_int_equal(roster_missing_next(buf_bytes(&b), &first, &missing, NULL), RC_OK);
	assert_true(missing.n > 0);
	sign(&b, &first, &office[OFFICE].root[0]);
	sign(&b, &first, &office[0].root[0]);
	sign(&b, &first, &office[2].root[0]);
	expect(&b, &first, RC_VERIFY, "jiangsu root key");
	sign(&b, &first, &office[3].root[0]);
	expect(&b, &first, RC_OK, NULL);
	buf_reset(&missing);
	assert_int_equal(roster_missing_next(buf_bytes(&b), &first, &missing, NULL), RC_OK);
	assert_int_equal(missing.n, 0);
	assert_int_equal(roster_verify_next(buf_bytes(&b), &first, &got, NULL), RC_OK);
	assert_true(hash_equal(&got.cluster_id, &first.id));
	assert_false(hash_equal(&got.id, &first.id));
	assert_false(roster_is_unanimous(buf_bytes(&b), &first));
	sign(&b, &first, &office[1].root[0]);
	assert_true(roster_is_unanimous(buf_bytes(&b), &first));
	buf_release(&b);
	buf_release(&missing);
}

static void one_key_has_one_vote(void **state)
{
	(void)state;
	struct roster next = after(&first);
	struct buf b = draft_of(&next);
	sign(&b, &first, &office[OFFICE].root[0]);
	sign(&b, &first, &office[0].root[0]);
	sign(&b, &first, &office[1].root[0]);
	/* The same line again. */
	struct note n;
	assert_int_equal(note_parse(buf_bytes(&b), &n, NULL), RC_OK);
	struct buf again = {0};
	buf_put_bytes(&again, buf_bytes(&b));
	buf_put_bytes(&again, n.sig[1].line);
	buf_put_bytes(&again, n.sig[2].line);
	expect(&again, &first, RC_VERIFY, "zhejiang root key");
	buf_release(&b);
	buf_release(&again);
}

static void office_cannot_do_it_with_two_provinces_nor_three_without_it(void **state)
{
	(void)state;
	struct roster next = after(&first);
	struct buf b = draft_of(&next);
	sign(&b, &first, &office[0].root[0]);
	sign(&b, &first, &office[1].root[0]);
	sign(&b, &first, &office[2].root[0]);
	expect(&b, &first, RC_VERIFY, "office root key");
	sign(&b, &first, &office[3].root[0]);
	expect(&b, &first, RC_OK, NULL);
	buf_release(&b);
}

static void votes_are_counted_by_the_version_before(void **state)
{
	(void)state;
	/* The draft lowers the quorum and brings in a root key: neither helps it. */
	struct roster next = after(&first);
	next.province_quorum = 1;
	retire(&next, &first, 1, "1-00000001");
	use_keys(&next.member[1], &office[1], 1, 0, 0, 0);
	struct buf b = draft_of(&next);
	sign(&b, &first, &office[OFFICE].root[0]);
	sign(&b, &first, &office[0].root[0]);
	sign(&b, &first, &office[2].root[0]);
	sign(&b, &first, &office[1].root[1]);
	expect(&b, &first, RC_VERIFY, "jiangsu root key");
	sign(&b, &first, &office[1].root[0]);
	expect(&b, &first, RC_OK, NULL);
	buf_release(&b);
}

static void every_new_key_must_prove_that_it_is_held(void **state)
{
	(void)state;
	struct roster next = after(&first);
	retire(&next, &first, 1, "1-00000001");
	use_keys(&next.member[1], &office[1], 1, 1, 1, 1);
	next.member[next.n++] = office[NEWCOMER].m;
	struct buf b = draft_of(&next);
	sign_quorum(&b, &first);
	const struct {
		const struct key *k;
		const char *named;
	} proofs[] = {{&office[1].root[1], "jiangsu new root key"},
		{&office[1].log[1], "jiangsu new log key"},
		{&office[1].cosign[1], "jiangsu new cosign key"},
		{&office[NEWCOMER].root[0], "fujian root key"},
		{&office[NEWCOMER].log[0], "fujian log key"},
		{&office[NEWCOMER].cosign[0], "fujian cosign key"}};
	for (size_t i = 0; i < sizeof proofs / sizeof proofs[0]; i++) {
		expect(&b, &first, RC_VERIFY, proofs[i].named);
		sign(&b, &first, proofs[i].k);
	}
	expect(&b, &first, RC_OK, NULL);
	buf_release(&b);
}

static void only_the_very_next_version_on_this_text_follows(void **state)
{
	(void)state;
	struct roster next = after(&first);
	next.version = 3;
	expect_no_successor(&next, "after version 1 comes 2");
	next = after(&first);
	next.prev.b[0] ^= 1;
	expect_no_successor(&next, "another version 1");
}

static void removed_member_stays_a_former_one(void **state)
{
	(void)state;
	struct roster next = after(&first), second, third;
	retire(&next, &first, 1, "1-00000001");
	remove_member(&next, 1);
	struct buf b = draft_of(&next);
	sign_quorum(&b, &first);
	assert_int_equal(roster_verify_next(buf_bytes(&b), &first, &second, NULL), RC_OK);
	buf_release(&b);
	struct err e = {0};
	third = after(&second);
	assert_int_equal(roster_check_next(&second, &third, &e), RC_OK);
	third.n_former = 0;
	assert_int_equal(roster_check_next(&second, &third, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, "was removed"));
	third = after(&second);
	third.member[third.n].role = ROLE_REGIONAL;
	assert_int_equal(roster_check_next(&second, &third, &e), RC_ROSTER);
	third = after(&second);
	memcpy(third.member[third.n].name, "other", 6);
	assert_int_equal(roster_check_next(&second, &third, &e), RC_ROSTER);
	third = after(&second);
	third.n_retired = 0;
	assert_int_equal(roster_check_next(&second, &third, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, "must stay"));
	third = after(&second);
	third.retired[0].valid_below++;
	assert_int_equal(roster_check_next(&second, &third, &e), RC_ROSTER);
	/* Nor does anybody bring in more of its logs later. */
	third = after(&second);
	third.retired[third.n_retired++] = third.retired[0];
	third.retired[1].origin[sizeof CLUSTER + sizeof "jiangsu" - 1] = '2';
	assert_int_equal(roster_check_next(&second, &third, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, "no present member"));
	/* A member with the slug again. */
	third = after(&second);
	third.n_former = 0;
	third.member[third.n++] = office[1].m;
	assert_int_equal(roster_check_next(&second, &third, &e), RC_ROSTER);
	/* Its old keys are nobody's. */
	third = after(&second);
	struct member m = office[NEWCOMER].m;
	memcpy(m.log, office[1].log[0].public, KEY_BYTES);
	third.member[third.n + third.n_former] = third.member[third.n];
	third.member[third.n++] = m;
	assert_int_equal(roster_check_next(&second, &third, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, "used before"));
}

static void nobody_disappears(void **state)
{
	(void)state;
	struct roster next = after(&first);
	remove_member(&next, 1);
	next.n_former = 0;
	expect_no_successor(&next, "neither a member any more");
}

static void assert_wanted(const struct buf *draft, const char *want)
{
	struct buf missing = {0};
	assert_int_equal(roster_missing_next(buf_bytes(draft), &first, &missing, NULL), RC_OK);
	assert_true(bytes_equal(buf_bytes(&missing), bytes_str(want)));
	buf_release(&missing);
}

static void who_is_to_leave_is_asked_only_if_the_others_are_too_few(void **state)
{
	(void)state;
	struct roster next = after(&first);
	retire(&next, &first, 1, "1-00000001");
	remove_member(&next, 1);
	struct buf b = draft_of(&next);
	assert_wanted(
		&b, "office root key\nshanghai root key\nzhejiang root key\nanhui root key\n");
	sign(&b, &first, &office[OFFICE].root[0]);
	sign(&b, &first, &office[0].root[0]);
	sign(&b, &first, &office[1].root[0]); /* it may agree */
	assert_wanted(&b, "zhejiang root key\nanhui root key\n");
	retire(&next, &first, 2, "1-00000002");
	remove_member(&next, 1);
	next.province_quorum = next.final_quorum = 2;
	buf_release(&b);
	b = draft_of(&next);
	assert_wanted(&b,
		"office root key\nshanghai root key\njiangsu root key\nzhejiang root key\n"
		"anhui root key\n");
	buf_release(&b);
}

static void nobody_is_a_former_member_who_never_was_one(void **state)
{
	(void)state;
	struct roster next = after(&first);
	next.member[next.n + next.n_former] =
		(struct member){.role = ROLE_PROVINCE, .former = true};
	memcpy(next.member[next.n].slug, "fujian", 7);
	memcpy(next.member[next.n].name, "fujian", 7);
	next.n_former++;
	expect_no_successor(&next, "was never a member");
}

static void role_never_changes(void **state)
{
	(void)state;
	struct roster next = after(&first);
	next.member[OFFICE].role = ROLE_PROVINCE;
	next.member[0].role = ROLE_REGIONAL;
	expect_no_successor(&next, "never changes");
}

static void lost_key_or_member_needs_its_logs_retired(void **state)
{
	(void)state;
	for (int what = 0; what < 3; what++) {
		struct roster next = after(&first);
		if (what == 0)
			use_keys(&next.member[1], &office[1], 1, 0, 0, 0);
		else if (what == 1)
			use_keys(&next.member[1], &office[1], 0, 1, 0, 0);
		else
			remove_member(&next, 1);
		expect_no_successor(&next, "none of its logs is retired");
		/* Another member's does not help. */
		retire(&next, &first, 0, "1-00000001");
		expect_no_successor(&next, "none of its logs is retired");
	}
	/* Neither the cosign nor the noise key signs what counts. */
	struct roster next = after(&first);
	struct err e = {0};
	use_keys(&next.member[1], &office[1], 0, 0, 1, 1);
	assert_int_equal(roster_check_next(&first, &next, &e), RC_OK);
}

static void log_is_retired_under_the_keys_it_had(void **state)
{
	(void)state;
	struct roster next = after(&first);
	retire(&next, &first, 1, "1-00000001");
	memcpy(next.retired[0].log, office[1].log[1].public, KEY_BYTES);
	expect_no_successor(&next, "until now");
	next = after(&first);
	retire(&next, &first, 1, "1-00000001");
	memcpy(next.retired[0].authority, office[0].root[0].public, KEY_BYTES);
	expect_no_successor(&next, "until now");
}

static void key_that_was_used_before_is_no_new_key(void **state)
{
	(void)state;
	struct roster next = after(&first);
	/* Swapped: every key of the draft is unique, and each was somebody's. */
	memcpy(next.member[0].cosign, office[1].m.cosign, KEY_BYTES);
	memcpy(next.member[1].cosign, office[0].m.cosign, KEY_BYTES);
	expect_no_successor(&next, "used before");
}

static void first_version_is_not_judged_as_a_later_one_nor_the_reverse(void **state)
{
	(void)state;
	struct roster next = after(&first), r;
	struct err e = {0};
	struct buf b = draft_of(&next), out = {0};
	sign_quorum(&b, &first);
	assert_int_equal(roster_verify_first(buf_bytes(&b), NULL, &r, &e), RC_ROSTER);
	assert_int_equal(roster_missing_signatures(buf_bytes(&b), &out, &e), RC_ROSTER);
	assert_int_equal(
		roster_add_signature(buf_bytes(&b), &office[0].root[0], &out, &e), RC_ROSTER);
	assert_int_equal(out.n, 0);
	struct buf one = draft_of(&first);
	assert_int_equal(
		roster_add_signature_next(buf_bytes(&one), &first, &office[0].root[0], &out, &e),
		RC_ROSTER);
	assert_int_equal(out.n, 0);
	buf_release(&b);
	buf_release(&one);
}

static void damaged_signature_is_no_vote(void **state)
{
	(void)state;
	struct roster next = after(&first), r;
	struct buf b = draft_of(&next);
	size_t text = b.n;
	sign_quorum(&b, &first);
	for (size_t i = text + 1; i < b.n; i++) {
		uint8_t was = b.p[i];
		b.p[i] = was == 'A' ? 'B' : 'A';
		if (roster_verify_next(buf_bytes(&b), &first, &r, NULL) == RC_OK)
			fail_msg("byte %zu does not matter", i);
		b.p[i] = was;
	}
	expect(&b, &first, RC_OK, NULL);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_version_prints_as_it_was_read),
		cmocka_unit_test(keys_of_a_log_are_the_lines_or_the_members),
		cmocka_unit_test(damaged_line_is_refused),
		cmocka_unit_test(retired_logs_stand_in_order_and_once),
		cmocka_unit_test(text_holds_so_many_former_and_retired_and_no_more),
		cmocka_unit_test(office_and_three_provinces_make_the_next_version),
		cmocka_unit_test(one_key_has_one_vote),
		cmocka_unit_test(office_cannot_do_it_with_two_provinces_nor_three_without_it),
		cmocka_unit_test(votes_are_counted_by_the_version_before),
		cmocka_unit_test(every_new_key_must_prove_that_it_is_held),
		cmocka_unit_test(only_the_very_next_version_on_this_text_follows),
		cmocka_unit_test(removed_member_stays_a_former_one),
		cmocka_unit_test(nobody_disappears),
		cmocka_unit_test(who_is_to_leave_is_asked_only_if_the_others_are_too_few),
		cmocka_unit_test(nobody_is_a_former_member_who_never_was_one),
		cmocka_unit_test(role_never_changes),
		cmocka_unit_test(lost_key_or_member_needs_its_logs_retired),
		cmocka_unit_test(log_is_retired_under_the_keys_it_had),
		cmocka_unit_test(key_that_was_used_before_is_no_new_key),
		cmocka_unit_test(first_version_is_not_judged_as_a_later_one_nor_the_reverse),
		cmocka_unit_test(damaged_signature_is_no_vote),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
