/* Any bytes as a roster's text, as its note, as a draft and as a member's line: what is taken must
 * print as the bytes it was read from, and what was signed by nobody must not verify. */
#include <string.h>

#include "proto/trust/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The root key of shanghai in the corpus. */
static struct key root;

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
}

static void check_roster(const struct roster *r)
{
	size_t regional = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct member *m = &r->member[i];
		regional += m->role == ROLE_REGIONAL;
		ENSURE(roster_find(r, bytes_str(m->slug)) == (int)i);
		ENSURE(roster_find_noise(r, m->noise) == (int)i);
	}
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
	buf_printf(&printed,
		"deltad-roster\ncluster %s\nversion %u\nprev -\nnot-after %04u-%02u-%02u\n",
		r.cluster, r.version, r.not_after / 10000, r.not_after / 100 % 100,
		r.not_after % 100);
	for (size_t i = 0; i < r.n; i++)
		roster_put_member_line(&printed, &r.member[i]);
	buf_printf(&printed, "final %u\nquorum office+%u\n", r.final_quorum, r.province_quorum);
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
	ENSURE(rc == RC_OK || rc == RC_NOTE || rc == RC_ROSTER || rc == RC_VERIFY);
	ENSURE(rc != RC_OK || (listed == RC_OK && missing.n == 0));
	ENSURE(rc != RC_VERIFY || (listed == RC_OK && missing.n > 0));
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
	try_draft(in);
	return 0;
}
