/* Any bytes as a roster's text, as its note, as a draft, as the next version and as a member's
 * line: what is taken must print as the bytes it was read from, and what was signed by nobody must
 * not verify. */
#include <stdio.h>
#include <string.h>

#include "proto/trust/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The root key of shanghai in the corpus. */
static struct key root;
/* What next versions are held against: shanghai and the office, keys of so many equal bytes. */
static struct roster now;

static void put_member(struct buf *text, const char *slug, uint8_t seed)
{
	struct member m = {.role = strcmp(slug, "office") == 0 ? ROLE_REGIONAL : ROLE_PROVINCE};
	static const enum key_purpose purposes[] = {KEY_LOG, KEY_COSIGN, KEY_NOISE, KEY_ROOT};
	uint8_t bytes[32], *keys[] = {m.log, m.cosign, m.noise, m.root.public};
	for (size_t i = 0; i < 4; i++) {
		struct key k;
		memset(bytes, seed + (int)i, sizeof bytes);
		key_from_seed(&k, purposes[i], slug, NULL, bytes);
		memcpy(keys[i], k.public, KEY_BYTES);
		key_release(&k);
	}
	char name[NOTE_NAME_SIZE];
	uint8_t pub[KEY_BYTES];
	memcpy(pub, m.root.public, KEY_BYTES);
	snprintf(m.slug, sizeof m.slug, "%s", slug);
	snprintf(m.name, sizeof m.name, "%s", slug);
	snprintf(name, sizeof name, "yrd/%s/root", slug);
	ENSURE(vkey_make(&m.root, name, NOTE_ED25519, pub, NULL) == RC_OK);
	roster_put_member_line(text, &m);
}

static void make_now(void)
{
	struct buf text = {0};
	buf_put_str(&text, "deltad-roster\ncluster yrd\nversion 1\nprev -\nnot-after 2027-12-31\n");
	put_member(&text, "shanghai", 1);
	put_member(&text, "office", 5);
	buf_put_str(&text, "final 1\nquorum office+1\n");
	ENSURE(roster_parse(buf_bytes(&text), &now, NULL) == RC_OK);
	buf_release(&text);
}

static void start(void)
{
	static bool started;
	if (started)
		return;
	started = true;
	ENSURE(trust_init(NULL) == RC_OK);
	uint8_t seed[32];
	memset(seed, 1, sizeof seed);
	seed[0] = 0;
	key_from_seed(&root, KEY_ROOT, "shanghai", NULL, seed);
	make_now();
}

static void check_roster(const struct roster *r)
{
	size_t regional = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct member *m = &r->member[i];
		regional += m->role == ROLE_REGIONAL;
		ENSURE(roster_find(r, bytes_str(m->slug)) == (int)i);
	}
	for (size_t i = r->n; i < r->n + r->n_former; i++) {
		ENSURE(roster_find(r, bytes_str(r->member[i].slug)) < 0);
		ENSURE(roster_find_any(r, bytes_str(r->member[i].slug)) == (int)i);
	}
	for (size_t i = 0; i < r->n_retired; i++)
		ENSURE(roster_retired(r, bytes_str(r->retired[i].origin)) == &r->retired[i]);
	ENSURE(r->n_former <= LIMIT_FORMER && r->n_retired <= LIMIT_RETIRED);
	ENSURE(r->n >= 2 && r->n <= LIMIT_MEMBERS && regional == 1);
	ENSURE(r->final_quorum >= 1 && r->final_quorum < r->n);
	ENSURE(r->province_quorum >= 1 && r->province_quorum < r->n);
}

static void try_text(struct bytes in)
{
	struct roster r;
	struct err e = {0};
	if (roster_parse(in, &r, &e) != RC_OK) {
		ENSURE(e.rc == RC_ROSTER && e.text[0] != '\0');
		return;
	}
	check_roster(&r);
	struct buf printed = {0};
	roster_print(&r, &printed);
	ENSURE(bytes_equal(buf_bytes(&printed), in));
	buf_release(&printed);
}

static void try_member_line(struct bytes in)
{
	struct member m;
	struct err e = {0};
	if (roster_parse_member_line(in, &m, &e) != RC_OK) {
		ENSURE(e.rc == RC_ROSTER && e.text[0] != '\0');
		return;
	}
	struct buf printed = {0};
	roster_put_member_line(&printed, &m);
	if (in.p[in.n - 1] != '\n')
		printed.n--;
	ENSURE(bytes_equal(buf_bytes(&printed), in));
	buf_release(&printed);
}

/* Verifying and naming what is missing are one rule. */
static void try_note(struct bytes in)
{
	struct roster r;
	struct err e = {0};
	struct buf missing = {0};
	int rc = roster_verify_first(in, NULL, &r, &e);
	int listed = roster_missing_signatures(in, &missing, NULL);
	if (rc == RC_ROSTER)
		ENSURE(listed != RC_OK);
	ENSURE(rc == RC_OK || rc == RC_NOTE || rc == RC_ROSTER || rc == RC_VERIFY);
	ENSURE(rc != RC_OK || (listed == RC_OK && missing.n == 0));
	ENSURE(rc != RC_VERIFY || (listed == RC_OK && missing.n > 0));
	buf_release(&missing);
}

static void try_next(struct bytes in)
{
	struct roster r;
	struct err e = {0};
	struct buf missing = {0};
	int rc = roster_verify_next(in, &now, &r, &e);
	int listed = roster_missing_next(in, &now, &missing, NULL);
	ENSURE(rc == RC_OK || rc == RC_NOTE || rc == RC_ROSTER || rc == RC_VERIFY);
	ENSURE(rc != RC_OK || (listed == RC_OK && missing.n == 0 && r.version == 2));
	ENSURE(rc != RC_VERIFY || (listed == RC_OK && missing.n > 0));
	ENSURE(!roster_is_unanimous(in, &now) || rc != RC_NOTE);
	buf_release(&missing);
}

static void try_draft(struct bytes in)
{
	struct buf once = {0}, twice = {0};
	struct err e = {0};
	int rc = roster_add_signature(in, &root, &once, &e);
	if (rc == RC_OK) {
		ENSURE(roster_add_signature(buf_bytes(&once), &root, &twice, &e) == RC_OK);
		ENSURE(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
	} else {
		ENSURE(rc == RC_NOTE || rc == RC_ROSTER);
		ENSURE(once.n == 0);
	}
	buf_release(&once);
	buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	struct bytes in = bytes_of(data, size);
	try_text(in);
	try_member_line(in);
	try_note(in);
	try_next(in);
	try_draft(in);
	return 0;
}
