#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/text.h"
#include "proto/trust/roster.h"

#define CLUSTER "yrd-2024-2026"
#define PROVINCES 4
#define MEMBERS 5
#define OFFICE 4 /* the regional member's place */
#define ALL (LIMIT_MEMBERS + 1)

/* Keys of member i and the member as its line states it. */
struct office {
	struct key root, log, cosign, noise;
	struct member m;
};

static struct office office[ALL];
/* The five members' roster, and the note that everybody needed has signed. */
static struct buf good_text, good_note;

static const char *const slugs[MEMBERS] = {"shanghai", "jiangsu", "zhejiang", "anhui", "office"};
static const char *const names[MEMBERS] = {"上海", "江苏", "浙江", "安徽", "区域合作办公室"};

static void office_open(struct office *o, uint8_t i)
{
	struct key *keys[] = {&o->root, &o->log, &o->cosign, &o->noise};
	static const enum key_purpose purposes[] = {KEY_ROOT, KEY_LOG, KEY_COSIGN, KEY_NOISE};
	char slug[SLUG_SIZE], name[NOTE_NAME_SIZE];
	snprintf(slug, sizeof slug, "member-%u", i);
	if (i < MEMBERS)
		snprintf(slug, sizeof slug, "%s", slugs[i]);
	for (uint8_t k = 0; k < 4; k++) {
		uint8_t seed[32];
		memset(seed, 16 * k + i + 1, sizeof seed);
		seed[0] = i;
		key_from_seed(keys[k], purposes[k], slug, NULL, seed);
	}
	o->m = (struct member){.role = i == OFFICE ? ROLE_REGIONAL : ROLE_PROVINCE};
	memcpy(o->m.slug, slug, sizeof slug);
	snprintf(o->m.name, sizeof o->m.name, "%s", i < MEMBERS ? names[i] : slug);
	snprintf(name, sizeof name, "%s/%s/root", CLUSTER, slug);
	assert_int_equal(vkey_make(&o->m.root, name, NOTE_ED25519, o->root.public, NULL), RC_OK);
	memcpy(o->m.log, o->log.public, KEY_BYTES);
	memcpy(o->m.cosign, o->cosign.public, KEY_BYTES);
	memcpy(o->m.noise, o->noise.public, KEY_BYTES);
	if (i != OFFICE)
		snprintf(o->m.addr, sizeof o->m.addr, "127.0.0.1:%u", 7420U + i);
}

static void put_text(
	struct buf *b, const struct member *m, size_t n, unsigned final, unsigned quorum)
{
	buf_put_str(b,
		"deltad-roster\ncluster " CLUSTER "\nversion 1\nprev -\n"
		"not-after 2027-12-31\n");
	for (size_t i = 0; i < n; i++)
		roster_put_member_line(b, &m[i]);
	buf_printf(b, "final %u\nquorum office+%u\n", final, quorum);
}

static void members_of(struct member *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		m[i] = office[i].m;
}

static void sign_with(struct buf *draft, const struct key *k)
{
	struct buf next = {0};
	assert_int_equal(roster_add_signature(buf_bytes(draft), k, &next, NULL), RC_OK);
	buf_release(draft);
	*draft = next;
}

/* As few as will do: the office and three provinces, and every log and cosign key. */
static void sign_enough(struct buf *draft)
{
	sign_with(draft, &office[OFFICE].root);
	for (size_t i = 0; i < 3; i++)
		sign_with(draft, &office[i].root);
	for (size_t i = 0; i < MEMBERS; i++) {
		sign_with(draft, &office[i].log);
		sign_with(draft, &office[i].cosign);
	}
}

static int set_up(void **state)
{
	(void)state;
	if (trust_init(NULL) != RC_OK)
		return -1;
	for (uint8_t i = 0; i < ALL; i++)
		office_open(&office[i], i);
	struct member m[MEMBERS];
	members_of(m, MEMBERS);
	put_text(&good_text, m, MEMBERS, 3, 3);
	buf_put_bytes(&good_note, buf_bytes(&good_text));
	sign_enough(&good_note);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		key_release(&office[i].root);
		key_release(&office[i].log);
		key_release(&office[i].cosign);
		key_release(&office[i].noise);
	}
	buf_release(&good_text);
	buf_release(&good_note);
	return 0;
}

/* `in` with the first `from` made `to`. */
static struct buf replaced(struct bytes in, const char *from, const char *to)
{
	const uint8_t *at = memmem(in.p, in.n, from, strlen(from));
	if (!at)
		fail_msg("\"%s\" is not in the text", from);
	struct buf b = {0};
	size_t before = (size_t)(at - in.p), after = before + strlen(from);
	buf_put(&b, in.p, before);
	buf_put_str(&b, to);
	buf_put(&b, in.p + after, in.n - after);
	return b;
}

static int parse(struct bytes text)
{
	struct roster r;
	return roster_parse(text, &r, NULL);
}

static void expect_refused(struct bytes text, unsigned line, const char *why)
{
	struct roster r = {.n = 77};
	struct err e = {0};
	char where[32];
	snprintf(where, sizeof where, "line %u: ", line);
	assert_int_equal(roster_parse(text, &r, &e), RC_ROSTER);
	assert_int_equal(e.rc, RC_ROSTER);
	if (strncmp(e.text, where, strlen(where)) != 0 || !strstr(e.text, why))
		fail_msg("expected \"%s… %s …\", got \"%s\"", where, why, e.text);
	assert_int_equal(r.n, 77);
}

static void roster_says_who_the_members_are(void **state)
{
	(void)state;
	struct roster r;
	struct err e = {0};
	assert_int_equal(roster_parse(buf_bytes(&good_text), &r, &e), RC_OK);
	assert_string_equal(r.cluster, CLUSTER);
	assert_int_equal(r.version, 1);
	assert_int_equal(r.not_after, 20271231);
	assert_int_equal(r.final_quorum, 3);
	assert_int_equal(r.province_quorum, 3);
	assert_true(hash_is_zero(&r.prev));
	struct hash id;
	sha256(buf_bytes(&good_text), &id);
	assert_true(hash_equal(&r.id, &id));
	assert_true(hash_equal(&r.cluster_id, &id));
	assert_int_equal(r.n, MEMBERS);
	for (size_t i = 0; i < MEMBERS; i++) {
		const struct member *got = &r.member[i], *m = &office[i].m;
		assert_string_equal(got->slug, m->slug);
		assert_int_equal(got->role, m->role);
		assert_string_equal(got->name, m->name);
		assert_string_equal(got->root.name, m->root.name);
		assert_memory_equal(got->root.public, m->root.public, KEY_BYTES);
		assert_memory_equal(got->log, m->log, KEY_BYTES);
		assert_memory_equal(got->cosign, m->cosign, KEY_BYTES);
		assert_memory_equal(got->noise, m->noise, KEY_BYTES);
		assert_string_equal(got->addr, m->addr);
	}
}

static void members_are_found_by_slug(void **state)
{
	(void)state;
	struct roster r;
	assert_int_equal(roster_parse(buf_bytes(&good_text), &r, NULL), RC_OK);
	assert_int_equal(roster_find(&r, bytes_str("jiangsu")), 1);
	assert_int_equal(roster_find(&r, bytes_str("jiangsu2")), -1);
	assert_int_equal(roster_find(&r, bytes_str("")), -1);
}

static void member_line_reads_back_as_it_was_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < MEMBERS; i++) {
		struct buf line = {0}, again = {0};
		struct member m;
		roster_put_member_line(&line, &office[i].m);
		assert_int_equal(roster_parse_member_line(buf_bytes(&line), &m, NULL), RC_OK);
		roster_put_member_line(&again, &m);
		assert_true(bytes_equal(buf_bytes(&line), buf_bytes(&again)));
		assert_int_equal(
			roster_parse_member_line(bytes_of(line.p, line.n - 1), &m, NULL), RC_OK);
		buf_put_str(&line, "\n");
		assert_int_equal(roster_parse_member_line(buf_bytes(&line), &m, NULL), RC_ROSTER);
		buf_release(&line);
		buf_release(&again);
	}
}

struct change {
	const char *from, *to;
	unsigned line;
	const char *why;
};

static const struct change malformed[] = {
	{"deltad-roster\n", "deltad-roster \n", 1, "begins with"},
	{"deltad-roster\n", "deltad-roster/2\n", 1, "begins with"},
	{"deltad-roster\n", "", 1, "begins with"},
	{"deltad-roster\n", "\ndeltad-roster\n", 1, "begins with"},
	{"cluster ", "cluster  ", 2, "cluster's name"},
	{"cluster " CLUSTER, "cluster YRD", 2, "cluster's name"},
	{"cluster " CLUSTER, "cluster yrd ", 2, "cluster's name"},
	{"cluster " CLUSTER "\n", "", 2, "\"cluster \" must stand here"},
	{"version 1\nprev -\n", "prev -\nversion 1\n", 3, "\"version \" must stand here"},
	{"version 1", "version 0", 3, "number from 1"},
	{"version 1", "version 01", 3, "number from 1"},
	{"version 1", "version 4294967296", 3, "number from 1"},
	{"version 1", "version 2", 4, "64 lower-case hex digits"},
	{"version 1\n", "version 1\nversion 1\n", 4, "\"prev \" must stand here"},
	{"prev -", "prev 00", 4, "prev must be -"},
	{"prev -", "prev ", 4, "prev must be -"},
	{"2027-12-31", "2027-02-29", 5, "yyyy-mm-dd"},
	{"2027-12-31", "2027-13-01", 5, "yyyy-mm-dd"},
	{"2027-12-31", "20271231", 5, "yyyy-mm-dd"},
	{"2027-12-31", "2027/12/31", 5, "yyyy-mm-dd"},
	{"2027-12-31", "2027-12-31 ", 5, "yyyy-mm-dd"},
	{"2027-12-31", "10000-12-31", 5, "yyyy-mm-dd"},
	{"2027-12-31\n", "2027-12-31\ncolour red\n", 6, "\"final \" must stand here"},
	{"2027-12-31\n", "2027-12-31\n\n", 6, "\"final \" must stand here"},
	{"member shanghai", "member  shanghai", 6, "single spaces"},
	{"shanghai province", "shanghai  province", 6, "single spaces"},
	{"addr=127.0.0.1:7420", "addr=127.0.0.1:7420 ", 6, "single spaces"},
	{"addr=127.0.0.1:7420", "addr=127.0.0.1:7420 addr=-", 6, "single spaces"},
	{" addr=127.0.0.1:7420", "", 6, "single spaces"},
	{"name=上海", "name=", 6, "single spaces"},
	{"name=上海", "name=上 海", 6, "single spaces"},
	{"name=上海", "name=上\u3000海", 6, "white space"},
	{"name=上海", "name=上+海", 6, "white space"},
	{"name=上海", "nom=上海", 6, "single spaces"},
	{"name=上海 ", "", 6, "single spaces"},
	{"member shanghai", "member Shanghai", 6, "slug"},
	{"member shanghai", "member s", 6, "slug"},
	{"member shanghai", "member sh/nghai", 6, "slug"},
	{"shanghai province", "shanghai city", 6, "role"},
	{"office regional", "office province", 11, "one regional member"},
	{"jiangsu province", "jiangsu regional", 10, "second regional"},
	{"member jiangsu", "member shanghai", 7, "named <cluster>/shanghai/root"},
	{"root=" CLUSTER "/jiangsu/root", "root=" CLUSTER "/jiangsu/log", 7, "root key of jiangsu"},
	{"root=", "root=x", 6, "root key of shanghai"},
	{"log=", "log=A", 6, "log key of shanghai must be the base64"},
	{"final 3", "final 03", 11, "from 1 to 4"},
	{"final 3", "final -1", 11, "from 1 to 4"},
	{"final 3", "final", 11, "\"final \" must stand here"},
	{"final 3\nquorum office+3\n", "quorum office+3\nfinal 3\n", 11, "\"final \" must"},
	{"final 3\n", "final 3\nfinal 3\n", 12, "\"quorum \" must stand here"},
	{"office+3", "anhui+3", 12, "office+N"},
	{"office+3", "office+", 12, "office+N"},
	{"office+3", "office 3", 12, "office+N"},
	{"office+3", "office++3", 12, "office+N"},
	{"office+3\n", "office+3", 12, "ends before"},
	{"office+3\n", "office+3\nretire origin=a\n", 13, "after the first"},
	{"final 3\n", "former anhui province name=a\nfinal 3\n", 11, "after the first"},
	{"office+3\n", "office+3\nquorum office+3\n", 13, "nothing may follow"},
	{"office+3\n", "office+3\n\n", 13, "nothing may follow"},
};

static void malformed_line_is_refused_with_its_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
		const struct change *c = &malformed[i];
		struct buf b = replaced(buf_bytes(&good_text), c->from, c->to);
		expect_refused(buf_bytes(&b), c->line, c->why);
		buf_release(&b);
	}
}

static void text_that_is_not_clean_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"\r\n", "\xef\xbf", "\x1b\n", "\u202e\n", "\t\n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct buf b = replaced(buf_bytes(&good_text), "\n", bad[i]);
		assert_int_equal(parse(buf_bytes(&b)), RC_ROSTER);
		buf_release(&b);
	}
	struct buf nul = {0};
	buf_put_bytes(&nul, buf_bytes(&good_text));
	nul.p[20] = 0;
	assert_int_equal(parse(buf_bytes(&nul)), RC_ROSTER);
	buf_release(&nul);
}

static void text_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < good_text.n; n++) {
		uint8_t *exact = xmemdup(good_text.p, n ? n : 1);
		assert_int_equal(parse(bytes_of(exact, n)), RC_ROSTER);
		free(exact);
	}
}

static void member_line_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	struct buf line = {0};
	struct member m;
	roster_put_member_line(&line, &office[OFFICE].m);
	for (size_t n = 0; n + 1 < line.n; n++) {
		uint8_t *exact = xmemdup(line.p, n ? n : 1);
		assert_int_equal(roster_parse_member_line(bytes_of(exact, n), &m, NULL), RC_ROSTER);
		free(exact);
	}
	buf_release(&line);
}

static void member_line_that_is_not_clean_is_refused(void **state)
{
	(void)state;
	struct buf line = {0};
	struct member m;
	roster_put_member_line(&line, &office[0].m);
	static const char nul[] = "addr=127.0.0.1\0x:7420\n";
	line.n -= strlen("addr=127.0.0.1:7420\n");
	buf_put(&line, nul, sizeof nul - 1);
	assert_int_equal(roster_parse_member_line(buf_bytes(&line), &m, NULL), RC_ROSTER);
	buf_release(&line);
}

static void roster_has_at_most_sixteen_members(void **state)
{
	(void)state;
	for (size_t n = LIMIT_MEMBERS - 1; n <= LIMIT_MEMBERS + 1; n++) {
		struct member m[ALL];
		struct buf b = {0};
		members_of(m, n);
		put_text(&b, m, n, 3, 3);
		if (n <= LIMIT_MEMBERS)
			assert_int_equal(parse(buf_bytes(&b)), RC_OK);
		else
			expect_refused(buf_bytes(&b), 6 + LIMIT_MEMBERS, "more than 16 members");
		buf_release(&b);
	}
}

static void two_members_are_the_fewest(void **state)
{
	(void)state;
	struct member m[2] = {office[0].m, office[OFFICE].m};
	struct buf b = {0};
	put_text(&b, m, 2, 1, 1);
	assert_int_equal(parse(buf_bytes(&b)), RC_OK);
	buf_reset(&b);
	put_text(&b, m, 1, 1, 1);
	expect_refused(buf_bytes(&b), 7, "one regional member");
	buf_reset(&b);
	put_text(&b, m + 1, 1, 1, 1);
	expect_refused(buf_bytes(&b), 7, "at least one province");
	buf_reset(&b);
	put_text(&b, m, 0, 1, 1);
	expect_refused(buf_bytes(&b), 6, "one regional member");
	buf_release(&b);
}

static void final_is_at_least_one_and_less_than_the_members(void **state)
{
	(void)state;
	struct member m[MEMBERS];
	members_of(m, MEMBERS);
	for (unsigned final = 0; final <= MEMBERS; final++) {
		struct buf b = {0};
		put_text(&b, m, MEMBERS, final, 3);
		if (final >= 1 && final < MEMBERS)
			assert_int_equal(parse(buf_bytes(&b)), RC_OK);
		else
			expect_refused(buf_bytes(&b), 11, "from 1 to 4");
		buf_release(&b);
	}
}

static void quorum_is_at_least_one_and_at_most_the_provinces(void **state)
{
	(void)state;
	struct member m[MEMBERS];
	members_of(m, MEMBERS);
	for (unsigned quorum = 0; quorum <= PROVINCES + 1; quorum++) {
		struct buf b = {0};
		put_text(&b, m, MEMBERS, 3, quorum);
		if (quorum >= 1 && quorum <= PROVINCES)
			assert_int_equal(parse(buf_bytes(&b)), RC_OK);
		else
			expect_refused(buf_bytes(&b), 12, "from 1 to 4");
		buf_release(&b);
	}
}

/* Refused for its length alone, whatever else it holds. */
static void text_is_at_most_64_kib(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_put_bytes(&b, buf_bytes(&good_text));
	while (b.n < LIMIT_SIGNED_NOTE_BYTES)
		buf_put_str(&b, "x");
	expect_refused(buf_bytes(&b), 13, "nothing may follow");
	buf_put_str(&b, "x");
	struct roster r;
	struct err e = {0};
	assert_int_equal(roster_parse(buf_bytes(&b), &r, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, "over the limit"));
	buf_release(&b);
}

static void names_keep_their_limits(void **state)
{
	(void)state;
	char name[MEMBER_NAME_SIZE + 10];
	for (size_t n = MEMBER_NAME_SIZE - 2; n <= MEMBER_NAME_SIZE; n++) {
		memset(name, 'x', n);
		memcpy(name, "name=", 5);
		name[n + 5] = '\0';
		memset(name + 5, 'x', n);
		struct buf b = replaced(buf_bytes(&good_text), "name=上海", name);
		if (n < MEMBER_NAME_SIZE)
			assert_int_equal(parse(buf_bytes(&b)), RC_OK);
		else
			expect_refused(buf_bytes(&b), 6, "at most 127 bytes");
		buf_release(&b);
	}
}

static int parse_with(const struct member *changed, size_t place, struct err *e)
{
	struct member m[MEMBERS];
	struct roster r;
	struct buf b = {0};
	members_of(m, MEMBERS);
	m[place] = *changed;
	put_text(&b, m, MEMBERS, 3, 3);
	int rc = roster_parse(buf_bytes(&b), &r, e);
	buf_release(&b);
	return rc;
}

static uint8_t *key_of(struct member *m, size_t i)
{
	return i == 0 ? m->root.public : i == 1 ? m->log : i == 2 ? m->cosign : m->noise;
}

static void set_key(struct member *m, size_t i, const uint8_t pub[KEY_BYTES])
{
	struct vkey root = m->root;
	if (i == 0)
		assert_int_equal(vkey_make(&m->root, root.name, NOTE_ED25519, pub, NULL), RC_OK);
	else
		memcpy(key_of(m, i), pub, KEY_BYTES);
}

/* Any bytes are some point of Curve25519 or its twist, so every pair of purposes can be tried with
 * an Ed25519 key. */
static void key_that_two_members_share_is_refused(void **state)
{
	(void)state;
	for (size_t theirs = 0; theirs < 3; theirs++) {
		for (size_t mine = 0; mine < 4; mine++) {
			struct member m = office[2].m, other = office[0].m;
			struct err e = {0};
			set_key(&m, mine, key_of(&other, theirs));
			if (mine == 3 && !key_is_enrollable(KEY_NOISE, m.noise))
				continue;
			assert_int_equal(parse_with(&m, 2, &e), RC_ROSTER);
			assert_non_null(strstr(e.text, "line 8: "));
			assert_non_null(strstr(e.text, "of zhejiang is already the"));
			assert_non_null(strstr(e.text, "of shanghai"));
		}
	}
	struct member m = office[2].m;
	struct err e = {0};
	set_key(&m, 3, office[0].m.noise);
	assert_int_equal(parse_with(&m, 2, &e), RC_ROSTER);
	assert_non_null(
		strstr(e.text, "noise key of zhejiang is already the noise key of shanghai"));
}

static void key_that_serves_two_purposes_is_refused(void **state)
{
	(void)state;
	for (size_t a = 0; a < 3; a++) {
		for (size_t b = a + 1; b < 4; b++) {
			struct member m = office[2].m, same = office[2].m;
			struct err e = {0};
			set_key(&m, b, key_of(&same, a));
			if (b == 3 && !key_is_enrollable(KEY_NOISE, m.noise))
				continue;
			assert_int_equal(parse_with(&m, 2, &e), RC_ROSTER);
			assert_non_null(strstr(e.text, "of zhejiang is already the"));
			assert_non_null(strstr(e.text, "key of zhejiang: one key"));
		}
	}
}

static void member_that_stands_twice_is_refused(void **state)
{
	(void)state;
	struct member m[3] = {office[0].m, office[OFFICE].m, office[1].m};
	memcpy(m[2].slug, "shanghai", sizeof "shanghai");
	assert_int_equal(vkey_make(&m[2].root, CLUSTER "/shanghai/root", NOTE_ED25519,
				 office[1].root.public, NULL),
		RC_OK);
	struct buf b = {0};
	put_text(&b, m, 3, 1, 1);
	expect_refused(buf_bytes(&b), 8, "shanghai is already a member");
	buf_release(&b);
}

static void key_that_may_not_be_enrolled_is_refused(void **state)
{
	(void)state;
	static const uint8_t identity[KEY_BYTES] = {1}, zero[KEY_BYTES];
	for (size_t i = 0; i < 4; i++) {
		struct member m = office[1].m;
		struct err e = {0};
		set_key(&m, i, identity);
		assert_int_equal(parse_with(&m, 1, &e), RC_ROSTER);
		assert_non_null(strstr(e.text, "line 7: "));
		assert_non_null(strstr(e.text, "cannot be enrolled"));
		set_key(&m, i, zero);
		assert_int_equal(parse_with(&m, 1, &e), RC_ROSTER);
	}
}

static void root_key_of_another_kind_or_cluster_is_refused(void **state)
{
	(void)state;
	struct member m = office[1].m;
	struct err e = {0};
	assert_int_equal(vkey_make(&m.root, CLUSTER "/jiangsu/root", NOTE_COSIGNATURE,
				 office[1].root.public, NULL),
		RC_OK);
	assert_int_equal(parse_with(&m, 1, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, "algorithm 01"));
	assert_int_equal(
		vkey_make(&m.root, "other/jiangsu/root", NOTE_ED25519, office[1].root.public, NULL),
		RC_OK);
	assert_int_equal(parse_with(&m, 1, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, "another cluster"));
	assert_int_equal(
		vkey_make(&m.root, "/jiangsu/root", NOTE_ED25519, office[1].root.public, NULL),
		RC_OK);
	assert_int_equal(parse_with(&m, 1, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, "named <cluster>/jiangsu/root"));
}

static void addresses_are_numeric_in_one_spelling(void **state)
{
	(void)state;
	static const char *const good[] = {"-", "10.10.1.5:1", "255.255.255.255:65535",
		"[::1]:7420", "[2001:db8::1]:7420", "[::ffff:1.2.3.4]:7420"};
	static const char *const bad[] = {"localhost:7420", "10.10.1.5", "10.10.1.5:", ":7420",
		"10.10.1.5:0", "10.10.1.5:65536", "10.10.1.5:07420", "10.10.1.5:+1", "10.10.1:7420",
		"10.10.1.05:7420", "10.10.1.256:7420", "10.10.1.5:7420:1", "::1:7420", "[::1]",
		"[::1]:", "[]:7420", "[::1:7420", "[fe80::1%eth0]:7420", "[2001:DB8::1]:7420",
		"[0:0:0:0:0:0:0:1]:7420", "[10.10.1.5]:7420", "[:7420", "--", "]:1", "[",
		"1111111111111111111111111111111111111111111111111111111111111:7420"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct member m = office[0].m;
		snprintf(m.addr, sizeof m.addr, "%s", strcmp(good[i], "-") ? good[i] : "");
		assert_int_equal(parse_with(&m, 0, NULL), RC_OK);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char field[128];
		snprintf(field, sizeof field, "addr=%s", bad[i]);
		struct buf b = replaced(buf_bytes(&good_text), "addr=127.0.0.1:7420", field);
		expect_refused(buf_bytes(&b), 6, "address of shanghai");
		buf_release(&b);
	}
}

static int verify(struct bytes note)
{
	struct roster r;
	return roster_verify_first(note, NULL, &r, NULL);
}

static void roster_signed_by_all_who_must_is_verified(void **state)
{
	(void)state;
	struct roster r;
	struct err e = {0};
	struct hash id;
	sha256(buf_bytes(&good_text), &id);
	assert_int_equal(roster_verify_first(buf_bytes(&good_note), &id, &r, &e), RC_OK);
	assert_int_equal(r.n, MEMBERS);
	assert_true(hash_equal(&r.cluster_id, &id));
	assert_int_equal(verify(buf_bytes(&good_note)), RC_OK);
}

static void roster_of_another_cluster_is_refused(void **state)
{
	(void)state;
	struct roster r = {.n = 77};
	struct hash id;
	struct err e = {0};
	sha256(buf_bytes(&good_text), &id);
	id.b[31] ^= 1;
	assert_int_equal(roster_verify_first(buf_bytes(&good_note), &id, &r, &e), RC_VERIFY);
	assert_non_null(strstr(e.text, "cluster_id"));
	assert_int_equal(r.n, 77);
}

static void roster_without_signatures_is_no_note(void **state)
{
	(void)state;
	assert_int_equal(verify(buf_bytes(&good_text)), RC_NOTE);
}

/* The note without its k-th signature line; false if there are fewer. */
static bool without_line(size_t k, struct buf *out, struct bytes *line)
{
	struct note n;
	assert_int_equal(note_parse(buf_bytes(&good_note), &n, NULL), RC_OK);
	if (k >= n.n)
		return false;
	*line = n.sig[k].name;
	size_t before = (size_t)(n.sig[k].line.p - good_note.p);
	buf_put(out, good_note.p, before);
	buf_put(out, good_note.p + before + n.sig[k].line.n,
		good_note.n - before - n.sig[k].line.n);
	return true;
}

static void every_missing_signature_is_named(void **state)
{
	(void)state;
	struct bytes name;
	size_t k = 0;
	for (;; k++) {
		struct buf b = {0};
		if (!without_line(k, &b, &name))
			break;
		struct roster r;
		struct err e = {0};
		assert_int_equal(roster_verify_first(buf_bytes(&b), NULL, &r, &e), RC_VERIFY);
		/* "yrd-2024-2026/jiangsu/log" is shown as "jiangsu log key". */
		char want[NOTE_NAME_SIZE];
		snprintf(want, sizeof want, "%.*s key", (int)(name.n - sizeof CLUSTER),
			(const char *)name.p + sizeof CLUSTER);
		*strchr(want, '/') = ' ';
		if (!strstr(e.text, want))
			fail_msg("\"%s\" is not named in \"%s\"", want, e.text);
		buf_release(&b);
	}
	assert_int_equal(k, 4 + 2 * MEMBERS);
}

static void any_three_provinces_make_the_quorum(void **state)
{
	(void)state;
	for (size_t absent = 0; absent < PROVINCES; absent++) {
		struct buf b = {0};
		buf_put_bytes(&b, buf_bytes(&good_text));
		for (size_t i = 0; i < MEMBERS; i++) {
			if (i != absent)
				sign_with(&b, &office[i].root);
			sign_with(&b, &office[i].log);
			sign_with(&b, &office[i].cosign);
		}
		assert_int_equal(verify(buf_bytes(&b)), RC_OK);
		buf_release(&b);
	}
}

static void four_provinces_do_not_replace_the_office(void **state)
{
	(void)state;
	struct buf b = {0};
	struct roster r;
	struct err e = {0};
	buf_put_bytes(&b, buf_bytes(&good_text));
	for (size_t i = 0; i < MEMBERS; i++) {
		if (i != OFFICE)
			sign_with(&b, &office[i].root);
		sign_with(&b, &office[i].log);
		sign_with(&b, &office[i].cosign);
	}
	assert_int_equal(roster_verify_first(buf_bytes(&b), NULL, &r, &e), RC_VERIFY);
	assert_non_null(strstr(e.text, "office root key"));
	assert_null(strstr(e.text, "anhui"));
	buf_release(&b);
}

static void note_cut_at_any_byte_does_not_verify(void **state)
{
	(void)state;
	for (size_t n = 0; n < good_note.n; n++) {
		/* Within the last lines the cost is all in the signatures before them. */
		if (n > good_text.n + 200 && n % 5)
			continue;
		uint8_t *exact = xmemdup(good_note.p, n ? n : 1);
		assert_int_not_equal(verify(bytes_of(exact, n)), RC_OK);
		free(exact);
	}
}

static void flipped_bit_anywhere_does_not_verify(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_put_bytes(&b, buf_bytes(&good_note));
	for (size_t i = 0; i < b.n; i += 3) {
		uint8_t bit = (uint8_t)(1U << (i % 8));
		b.p[i] ^= bit;
		assert_int_not_equal(verify(buf_bytes(&b)), RC_OK);
		b.p[i] ^= bit;
	}
	assert_int_equal(verify(buf_bytes(&b)), RC_OK);
	buf_release(&b);
}

/* Signatures are over the text; one line copied under another text proves nothing. */
static void signatures_of_another_text_do_not_count(void **state)
{
	(void)state;
	struct buf b = replaced(buf_bytes(&good_note), "final 3", "final 2");
	assert_int_equal(verify(buf_bytes(&b)), RC_VERIFY);
	buf_release(&b);
}

static void signature_of_a_stranger_is_ignored(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_put_bytes(&b, buf_bytes(&good_note));
	note_put_signature(&b, &office[9].m.root, &office[9].root, buf_bytes(&good_text));
	assert_int_equal(verify(buf_bytes(&b)), RC_OK);
	buf_release(&b);

	struct bytes name;
	assert_true(without_line(0, &b, &name));
	note_put_signature(&b, &office[9].m.root, &office[9].root, buf_bytes(&good_text));
	assert_int_equal(verify(buf_bytes(&b)), RC_VERIFY);
	buf_release(&b);
}

/* The office's root key may not also stand in for a province, whatever name it signs under. */
static void one_key_has_one_vote(void **state)
{
	(void)state;
	struct buf b = {0};
	struct bytes name;
	struct vkey v;
	assert_true(without_line(1, &b, &name));
	assert_int_equal(vkey_make(&v, CLUSTER "/shanghai/root", NOTE_ED25519,
				 office[OFFICE].root.public, NULL),
		RC_OK);
	note_put_signature(&b, &v, &office[OFFICE].root, buf_bytes(&good_text));
	note_put_signature(&b, &office[1].m.root, &office[1].root, buf_bytes(&good_text));
	assert_int_equal(verify(buf_bytes(&b)), RC_VERIFY);
	buf_release(&b);
}

static void missing_signatures_are_listed_until_there_are_none(void **state)
{
	(void)state;
	struct buf draft = {0}, list = {0};
	buf_put_bytes(&draft, buf_bytes(&good_text));
	assert_int_equal(roster_missing_signatures(buf_bytes(&draft), &list, NULL), RC_OK);
	buf_put_u8(&list, 0);
	assert_string_equal((const char *)list.p,
		"shanghai root key\nshanghai log key\nshanghai cosign key\n"
		"jiangsu root key\njiangsu log key\njiangsu cosign key\n"
		"zhejiang root key\nzhejiang log key\nzhejiang cosign key\n"
		"anhui root key\nanhui log key\nanhui cosign key\n"
		"office root key\noffice log key\noffice cosign key\n");
	sign_with(&draft, &office[0].root);
	sign_with(&draft, &office[0].log);
	sign_with(&draft, &office[0].cosign);
	buf_reset(&list);
	assert_int_equal(roster_missing_signatures(buf_bytes(&draft), &list, NULL), RC_OK);
	assert_null(memmem(list.p, list.n, "shanghai", 8));
	assert_non_null(memmem(list.p, list.n, "anhui root", 10));
	buf_reset(&list);
	assert_int_equal(roster_missing_signatures(buf_bytes(&good_note), &list, NULL), RC_OK);
	assert_int_equal(list.n, 0);
	assert_int_equal(
		roster_missing_signatures(bytes_str("deltad-roster\n"), &list, NULL), RC_ROSTER);
	buf_release(&draft);
	buf_release(&list);
}

static void signing_twice_changes_nothing(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_put_bytes(&b, buf_bytes(&good_note));
	sign_with(&b, &office[1].root);
	sign_with(&b, &office[1].log);
	sign_with(&b, &office[1].cosign);
	assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&good_note)));
	buf_release(&b);
}

static void key_that_the_roster_does_not_name_cannot_sign(void **state)
{
	(void)state;
	const struct key *const foreign[] = {&office[9].root, &office[9].log, &office[9].cosign,
		&office[0].noise, &office[9].noise};
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
		struct buf out = {0};
		struct err e = {0};
		assert_int_equal(roster_add_signature(buf_bytes(&good_text), foreign[i], &out, &e),
			RC_ROSTER);
		assert_non_null(strstr(e.text, "does not name this"));
		assert_int_equal(out.n, 0);
		buf_release(&out);
	}
}

static void draft_with_a_damaged_signature_is_not_signed_over(void **state)
{
	(void)state;
	struct buf b = {0}, out = {0};
	struct err e = {0};
	buf_put_bytes(&b, buf_bytes(&good_text));
	buf_put_str(&b, "\n");
	note_put_signature(&b, &office[1].m.root, &office[1].root, bytes_str("another text\n"));
	assert_int_equal(roster_add_signature(buf_bytes(&b), &office[1].root, &out, &e), RC_ROSTER);
	assert_non_null(strstr(e.text, CLUSTER "/jiangsu/root that does not verify"));
	assert_int_equal(out.n, 0);
	buf_release(&b);
	buf_release(&out);
}

static void draft_full_of_foreign_signatures_is_refused(void **state)
{
	(void)state;
	for (size_t n = NOTE_SIGNATURES_MAX - 1; n <= NOTE_SIGNATURES_MAX; n++) {
		struct buf b = {0}, out = {0};
		buf_put_bytes(&b, buf_bytes(&good_text));
		buf_put_str(&b, "\n");
		for (size_t i = 0; i < n; i++)
			note_put_signature(
				&b, &office[9].m.root, &office[9].root, buf_bytes(&good_text));
		int rc = roster_add_signature(buf_bytes(&b), &office[1].root, &out, NULL);
		assert_int_equal(rc, n < NOTE_SIGNATURES_MAX ? RC_OK : RC_ROSTER);
		buf_release(&b);
		buf_release(&out);
	}
}

/* A note of exactly n bytes under the roster's text, all of it lines of strangers. */
static struct buf padded_draft(size_t n)
{
	static const uint8_t zeros[68];
	struct buf b = {0};
	const size_t rest = strlen("— ") + strlen(" ") + BASE64_LEN(sizeof zeros) + strlen("\n");
	buf_put_bytes(&b, buf_bytes(&good_text));
	buf_put_str(&b, "\n");
	while (b.n < n) {
		size_t line = n - b.n < 8000 ? n - b.n : 4000;
		buf_put_str(&b, "— ");
		for (size_t i = 0; i < line - rest; i++)
			buf_put_str(&b, "x");
		buf_put_str(&b, " ");
		base64_encode(&b, zeros, sizeof zeros);
		buf_put_str(&b, "\n");
	}
	assert_int_equal(b.n, n);
	return b;
}

static void signed_draft_is_at_most_64_kib(void **state)
{
	(void)state;
	struct buf once = {0};
	assert_int_equal(
		roster_add_signature(buf_bytes(&good_text), &office[1].root, &once, NULL), RC_OK);
	size_t added = once.n - good_text.n - strlen("\n");
	buf_release(&once);
	for (size_t n = LIMIT_SIGNED_NOTE_BYTES - 1; n <= LIMIT_SIGNED_NOTE_BYTES + 1; n++) {
		struct buf b = padded_draft(n - added), out = {0};
		int rc = roster_add_signature(buf_bytes(&b), &office[1].root, &out, NULL);
		assert_int_equal(rc, n > LIMIT_SIGNED_NOTE_BYTES ? RC_ROSTER : RC_OK);
		assert_int_equal(out.n, rc ? 0 : n);
		buf_release(&b);
		buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roster_says_who_the_members_are),
		cmocka_unit_test(members_are_found_by_slug),
		cmocka_unit_test(member_line_reads_back_as_it_was_written),
		cmocka_unit_test(malformed_line_is_refused_with_its_number),
		cmocka_unit_test(text_that_is_not_clean_is_refused),
		cmocka_unit_test(text_cut_at_any_byte_is_refused),
		cmocka_unit_test(member_line_cut_at_any_byte_is_refused),
		cmocka_unit_test(member_line_that_is_not_clean_is_refused),
		cmocka_unit_test(roster_has_at_most_sixteen_members),
		cmocka_unit_test(two_members_are_the_fewest),
		cmocka_unit_test(final_is_at_least_one_and_less_than_the_members),
		cmocka_unit_test(quorum_is_at_least_one_and_at_most_the_provinces),
		cmocka_unit_test(text_is_at_most_64_kib),
		cmocka_unit_test(names_keep_their_limits),
		cmocka_unit_test(key_that_two_members_share_is_refused),
		cmocka_unit_test(key_that_serves_two_purposes_is_refused),
		cmocka_unit_test(member_that_stands_twice_is_refused),
		cmocka_unit_test(key_that_may_not_be_enrolled_is_refused),
		cmocka_unit_test(root_key_of_another_kind_or_cluster_is_refused),
		cmocka_unit_test(addresses_are_numeric_in_one_spelling),
		cmocka_unit_test(roster_signed_by_all_who_must_is_verified),
		cmocka_unit_test(roster_of_another_cluster_is_refused),
		cmocka_unit_test(roster_without_signatures_is_no_note),
		cmocka_unit_test(every_missing_signature_is_named),
		cmocka_unit_test(any_three_provinces_make_the_quorum),
		cmocka_unit_test(four_provinces_do_not_replace_the_office),
		cmocka_unit_test(note_cut_at_any_byte_does_not_verify),
		cmocka_unit_test(flipped_bit_anywhere_does_not_verify),
		cmocka_unit_test(signatures_of_another_text_do_not_count),
		cmocka_unit_test(signature_of_a_stranger_is_ignored),
		cmocka_unit_test(one_key_has_one_vote),
		cmocka_unit_test(missing_signatures_are_listed_until_there_are_none),
		cmocka_unit_test(signing_twice_changes_nothing),
		cmocka_unit_test(key_that_the_roster_does_not_name_cannot_sign),
		cmocka_unit_test(draft_with_a_damaged_signature_is_not_signed_over),
		cmocka_unit_test(draft_full_of_foreign_signatures_is_refused),
		cmocka_unit_test(signed_draft_is_at_most_64_kib),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
