/* Any bytes as the leaves of two logs: an audit goes through to its end, twice with the same
 * outcome, whatever they say. Signatures count as good, so that what lies behind them is reached.
 * Input: u8 log, u16be length, the leaf; and so on. */
#include <stdlib.h>
#include <string.h>

#include "client/audit.h"
#include "tests/fuzz/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const origins[] = {
	"yrd/jiangsu/1-00000001", "yrd/jiangsu/2-00000002", "yrd/office/1-00000003"};
#define ORIGINS (sizeof origins / sizeof origins[0])

static void set_member(struct member *m, const char *slug, enum role role, uint8_t key)
{
	memcpy(m->slug, slug, strlen(slug) + 1);
	m->role = role;
	memset(m->root.public, key, KEY_BYTES);
}

static void take(struct audit *a, const char *origin, struct bytes leaf)
{
	struct err e = {0};
	const struct audit_log *log = audit_log_find(a, bytes_str(origin));
	struct message m = {.kind = MESSAGE_LEAVES};
	m.leaves.origin = bytes_str(origin);
	m.leaves.first = log ? log->n : 0;
	m.leaves.leaves = &leaf;
	m.leaves.n = 1;
	ENSURE(audit_take(a, &m, &e) == RC_OK);
}

static void take_all(struct audit *a, struct bytes in)
{
	struct reader r = reader_of(in);
	while (r.rest.n > 0) {
		uint8_t log = reader_u8(&r);
		struct bytes leaf = reader_take(&r, reader_u16be(&r));
		if (!reader_ok(&r))
			return;
		take(a, origins[log % ORIGINS], leaf);
	}
}

static void assume_signatures(struct audit *a)
{
	for (size_t i = 0; i < a->n_logs; i++)
		for (size_t k = 0; k < a->log[i]->n; k++)
			a->log[i]->leaf[k].signature_ok = a->log[i]->leaf[k].body.body.n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	trust_ready();
	struct audit *a = xalloc(sizeof *a);
	audit_init(a, NULL);
	a->roster = xalloc(sizeof *a->roster);
	a->n_rosters = 1;
	memcpy(a->roster->cluster, "yrd", 4);
	a->roster->n = 3;
	a->roster->final_quorum = 1;
	set_member(&a->roster->member[0], "jiangsu", ROLE_PROVINCE, 0x11);
	set_member(&a->roster->member[1], "shanghai", ROLE_PROVINCE, 0x22);
	set_member(&a->roster->member[2], "office", ROLE_REGIONAL, 0x33);
	take_all(a, bytes_of(data, size));
	audit_read_leaves(a);
	audit_check_bodies(a);
	assume_signatures(a);
	audit_check_logs(a);
	audit_check_anchors(a);
	audit_derive(a, audit_roster(a));
	audit_judge_owners(a);
	struct hash root = a->view_root;
	size_t n = a->n_current;
	audit_derive(a, audit_roster(a));
	ENSURE(hash_equal(&root, &a->view_root) && n == a->n_current);
	audit_release(a);
	free(a);
	return 0;
}
