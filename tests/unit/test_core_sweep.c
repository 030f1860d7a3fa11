/* The disk fails at every call in turn of what nodes do beside posting and reading: cosigning,
 * auditing, proving forks, bundles, versions of the roster, getting a lost log back. */
#include "tests/lib/core_test.h"
#include "tests/lib/store_sweep.h"

#include "proto/trust/cosign.h"
#include "tests/lib/bundle_fixture.h"
#include "tests/lib/roster_fixture.h"

#define NOTES 4 /* successors of version 1: two by some, one by everybody; and one after that */

enum { SOME, OTHERS, ALL, AFTER };

struct script {
	const struct cluster *c;
	struct scribe office, jiangsu, old, zhejiang[2], anhui[2];
	struct buf roster[NOTES];
	struct key own_key, zhejiang_key;
	struct hash plan;
	struct hash late; /* if not zero: written beyond the end of our own log */
	struct buf file;
};

/* ---- what others have written ---- */

static void write_notes(struct scribe *s, uint64_t nonce, size_t n)
{
	for (size_t i = 0; i < n; i++)
		scribe_write(s, (struct write){.value = value_note("x"), .nonce = nonce + i}, NULL);
}

/* Alike up to leaf 4. */
static void two_histories(struct scribe s[2], const struct cluster *c, int member, uint64_t nonce)
{
	scribe_begin(&s[0], c, member);
	write_notes(&s[0], nonce, 2);
	scribe_copy(&s[1], &s[0]);
	for (size_t i = 0; i < 2; i++)
		write_notes(&s[i], nonce + 100 * (i + 1), 3);
}

/* A plan whose signature is broken, and the same once more as it should be; in between what takes
 * its place. */
static void write_plan(struct scribe *s, struct hash *id)
{
	const struct cluster_member *m = &s->c->member[s->member];
	const struct write w = {.value = value_task("jiangsu"), .nonce = 9};
	struct signature g;
	sign_write(s->c, &m->operator[0], &w, m->slug, &g);
	*id = g.id;
	g.raw[3] ^= 1;
	scribe_leaf(s, (struct leaf){.kind = LEAF_CHANGE, .signed_body = g.s});
	scribe_write(s,
		(struct write){.value = value_task("anhui"), .supersedes = id, .n_supersedes = 1},
		NULL);
	g.raw[3] ^= 1;
	scribe_leaf(s, (struct leaf){.kind = LEAF_CHANGE, .signed_body = g.s});
	signature_release(&g);
}

static void script_init(struct script *s, const struct cluster *c)
{
	*s = (struct script){.c = c};
	scribe_begin(&s->office, c, OFFICE);
	write_plan(&s->office, &s->plan);
	scribe_begin(&s->jiangsu, c, JIANGSU);
	struct write report = {.value = value_report(10), .under = &s->plan, .nonce = 50};
	scribe_write(&s->jiangsu, report, NULL);
	scribe_write(&s->jiangsu, report, NULL);
	write_notes(&s->jiangsu, 60, 10);
	scribe_begin(&s->old, c, SHANGHAI);
	write_notes(&s->old, 80, 2);
	two_histories(s->zhejiang, c, ZHEJIANG, 1000);
	two_histories(s->anhui, c, ANHUI, 2000);
}

static void script_release(struct script *s)
{
	scribe_release(&s->office);
	scribe_release(&s->jiangsu);
	scribe_release(&s->old);
	for (size_t i = 0; i < 2; i++) {
		scribe_release(&s->zhejiang[i]);
		scribe_release(&s->anhui[i]);
	}
	for (size_t i = 0; i < NOTES; i++)
		buf_release(&s->roster[i]);
	buf_release(&s->file);
	key_release(&s->own_key);
	key_release(&s->zhejiang_key);
}

/* ---- groups ---- */

/* A peer that knows the version in force. */
static int meet(struct node *n, int peer)
{
	struct message m = {.kind = MESSAGE_HELLO};
	m.hello.protocol_min = PROTOCOL_MIN;
	m.hello.protocol_max = PROTOCOL_MAX;
	m.hello.cluster_id = hash_bytes(&n->c->cluster_id);
	m.hello.member = bytes_str(n->c->member[peer].slug);
	m.hello.roster_version = replica_roster(n->replica)->version;
	int rc = node_link(n, peer, LINK_UP);
	return rc == RC_OK ? node_recv(n, peer, &m) : rc;
}

static int feed(struct node *n, const struct scribe *log, size_t from, size_t to)
{
	int peer = log->member == n->self ? JIANGSU : log->member;
	int rc = meet(n, peer);
	if (rc == RC_OK)
		rc = node_leaves(n, peer, log, from, to);
	if (rc == RC_OK)
		(void)node_drain(n, peer);
	return rc;
}

static int step_restart(struct node *n, void *arg)
{
	(void)arg;
	return node_restart(n);
}

/* Longer than what is let be for a while where there was no room. */
static int step_time(struct node *n, void *arg)
{
	(void)arg;
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < 3; i++)
		rc = node_pass(n, 20000);
	return rc;
}

static void look(struct node *n, void *arg, struct buf *out)
{
	const struct script *s = arg;
	node_show(n, out);
	assert_true(hash_is_zero(&s->late) || node_is_current(n, &s->late));
}

static void begin_node(struct node *n, void *arg)
{
	(void)arg;
	assert_ok(n, node_install_roster(n));
	node_settle(n);
	assert_ok(n, node_delegate(n, &n->c->member[n->self].operator[0], NULL, 0));
	assert_ok(n, node_write(n, (struct write){.value = value_note("x"), .nonce = 7}, NULL));
}

static void sweep(struct script *s, uint64_t stride, void (*prepare)(struct node *n, void *arg),
	sweep_step_fn *const *step, size_t n_steps)
{
	const struct sweep all = {.c = s->c,
		.self = SHANGHAI,
		.arg = s,
		.prepare = prepare,
		.step = step,
		.n_steps = n_steps,
		.look = look};
	sweep_calls(&all, RC_DISK_FULL, stride);
}
/* A stride above 1 where the rosters are read so often that time allows no more; each of them
 * is looked for in five places, so that any stride meets every kind of call. */
#define SWEEP(s, stride, prepare, ...)                                                             \
	do {                                                                                       \
		sweep_step_fn *const steps_[] = {__VA_ARGS__};                                     \
		sweep(s, stride, prepare, steps_, sizeof(steps_) / sizeof(*steps_));               \
	} while (0)

/* ---- leaves in bulk, and what they are worth ---- */

static int step_bulk(struct node *n, void *arg)
{
	const struct script *s = arg;
	n->bulk = true;
	int rc = feed(n, &s->office, 0, s->office.n);
	if (rc == RC_OK)
		rc = feed(n, &s->jiangsu, 0, s->jiangsu.n);
	n->bulk = false;
	return rc;
}

static int step_audit(struct node *n, void *arg)
{
	(void)arg;
	int rc;
	while ((rc = node_try_audit(n, 3)) == RC_OK)
		;
	return rc == STORE_NONE ? RC_OK : rc;
}

static int step_anchor(struct node *n, void *arg)
{
	struct posted posted;
	(void)arg;
	int rc = node_begin(n);
	if (rc == RC_OK)
		rc = replica_anchor(n->replica, n->now, &posted, &n->e);
	return node_end(n, rc);
}

/* So many days, with the anchors that nobody asks for. */
static int step_days(struct node *n, void *arg)
{
	(void)arg;
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < 50; i++)
		rc = node_pass(n, 3600000);
	return rc;
}

static int count_entry(void *arg, const struct ctl_entry *entry)
{
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

/* What is shown of leaves that nobody has audited is looked at first. */
static int step_query(struct node *n, void *arg)
{
	const struct ctl_query all = {.any_task = true, .any_holder = true};
	size_t entries = 0;
	(void)arg;
	int rc = replica_query(n->replica, &all, count_entry, &entries, &n->e);
	assert_true(rc != RC_OK || entries > 0);
	return rc;
}

static void leaves_in_bulk_and_their_audit(void **state)
{
	struct script s;
	script_init(&s, *state);
	SWEEP(&s, 1, begin_node, step_bulk, step_query, step_time, step_audit, step_anchor,
		step_days);
	script_release(&s);
}

/* ---- cosignatures and evidence ---- */

static int say_cosigned(struct node *n, int peer, const struct scribe *s, size_t size, int member)
{
	struct message m = {.kind = MESSAGE_COSIGNATURE};
	struct buf head = {0}, line = {0};
	struct note parsed;
	scribe_head(s, size, &head);
	assert_int_equal(note_parse(buf_bytes(&head), &parsed, NULL), RC_OK);
	cosign_put_line(replica_roster(n->replica), member, &n->c->member[member].cosign,
		parsed.text, 1793577600 + size, &line);
	buf_put_bytes(&head, buf_bytes(&line));
	m.note = buf_bytes(&head);
	int rc = node_recv(n, peer, &m);
	buf_release(&head);
	buf_release(&line);
	return rc;
}

static int step_jiangsu(struct node *n, void *arg)
{
	const struct script *s = arg;
	return feed(n, &s->jiangsu, 0, 11);
}

/* More than are kept of one member; the last of leaves that come later, which only the session
 * remembers. */
static int step_cosigned(struct node *n, void *arg)
{
	const struct script *s = arg;
	int rc = meet(n, ANHUI);
	for (size_t size = 2; rc == RC_OK && size <= 12; size++)
		rc = say_cosigned(n, ANHUI, &s->jiangsu, size, ANHUI);
	if (rc == RC_OK)
		rc = say_cosigned(n, ANHUI, &s->jiangsu, 11, OFFICE);
	if (rc == RC_OK)
		rc = say_cosigned(n, ANHUI, &s->jiangsu, 11, ZHEJIANG);
	return rc == RC_OK ? feed(n, &s->jiangsu, 11, s->jiangsu.n) : rc;
}

/* Two heads of one size, of a log of which nothing is here. */
static int step_told(struct node *n, void *arg)
{
	const struct script *s = arg;
	struct message m = {.kind = MESSAGE_EVIDENCE};
	struct buf one = {0}, other = {0};
	scribe_head(&s->zhejiang[0], 6, &one);
	scribe_head(&s->zhejiang[1], 6, &other);
	m.evidence.first = buf_bytes(&one);
	m.evidence.second = buf_bytes(&other);
	int rc = meet(n, OFFICE);
	if (rc == RC_OK)
		rc = node_recv(n, OFFICE, &m);
	buf_release(&one);
	buf_release(&other);
	return rc;
}

static int step_anhui(struct node *n, void *arg)
{
	const struct script *s = arg;
	return feed(n, &s->anhui[0], 0, s->anhui[0].n);
}

/* A member saw another history than we did. */
static int step_found(struct node *n, void *arg)
{
	const struct script *s = arg;
	int rc = meet(n, ANHUI);
	return rc == RC_OK ? say_cosigned(n, ANHUI, &s->anhui[1], 6, OFFICE) : rc;
}

static int step_proofs(struct node *n, void *arg)
{
	const struct script *s = arg;
	struct ctl_proof p;
	int rc = replica_proof(n->replica, bytes_str(s->jiangsu.origin), 3, &p, &n->e);
	assert_true(rc != RC_OK || p.final);
	return rc == RC_OK ? replica_proof(n->replica, bytes_str(s->jiangsu.origin), 12, &p, &n->e)
			   : rc;
}

static void cosignatures_and_evidence(void **state)
{
	struct script s;
	script_init(&s, *state);
	SWEEP(&s, 1, begin_node, step_jiangsu, step_cosigned, step_anhui, step_time, step_told,
		step_found, step_proofs);
	script_release(&s);
}

/* ---- bundles ---- */

static void make_rosters(struct script *s)
{
	const uint8_t seed[2][32] = {{77}, {78}};
	struct roster now = roster_of_note(buf_bytes(&s->c->roster));
	const struct key *last = &s->c->member[ANHUI].root;
	for (size_t i = SOME; i <= ALL; i++) {
		struct roster next = roster_after(&now);
		next.not_after = (uint32_t)(20310101 + i);
		roster_sign_quorum(&next, &now, s->c, &last, i == ALL, &s->roster[i]);
	}
	key_from_seed(&s->own_key, KEY_LOG, "shanghai", "", seed[0]);
	key_from_seed(&s->zhejiang_key, KEY_LOG, "zhejiang", "", seed[1]);
}

/* Everything that a node of jiangsu's holds: two versions, evidence, what others have cosigned. */
static void make_file(struct script *s)
{
	const struct ctl_export everything = {.what = EXPORT_ALL};
	struct node a;
	node_init(&a, s->c, JIANGSU);
	begin_node(&a, s);
	struct bytes note = buf_bytes(&s->roster[SOME]);
	assert_ok(&a, node_install(&a, &note, 1));
	assert_ok(&a, feed(&a, &s->office, 0, s->office.n));
	assert_ok(&a, feed(&a, &s->zhejiang[0], 0, s->zhejiang[0].n));
	assert_ok(&a, say_cosigned(&a, ZHEJIANG, &s->office, s->office.n, ANHUI));
	assert_ok(&a, step_anhui(&a, s));
	assert_ok(&a, step_found(&a, s));
	assert_ok(&a, step_time(&a, s));
	assert_ok(&a, bundle_make(a.replica, &everything, &s->file, &a.e));
	node_release(&a);
}

static int enter(void *arg, struct err *e)
{
	(void)e;
	return node_begin(arg);
}

static int settle(void *arg, int rc, struct err *e)
{
	(void)e;
	return node_end(arg, rc);
}

/* This node has less of zhejiang's log, and another history of anhui's. */
static void begin_with_logs(struct node *n, void *arg)
{
	const struct script *s = arg;
	begin_node(n, arg);
	assert_ok(n, feed(n, &s->zhejiang[0], 0, 5));
	assert_ok(n, feed(n, &s->anhui[1], 0, 6));
}

static int step_import(struct node *n, void *arg)
{
	const struct script *s = arg;
	const struct bundle_shell shell = {enter, settle, n};
	struct bundle_taken taken;
	return bundle_import_by(
		&shell, n->replica, &s->c->cluster_id, buf_bytes(&s->file), n->now, &taken, &n->e);
}

static int step_export(struct node *n, void *arg)
{
	struct log_size from = {bytes_str(((const struct script *)arg)->office.origin), 1};
	const struct ctl_export what[] = {{.what = EXPORT_ALL}, {.what = EXPORT_RECEIPT},
		{.what = EXPORT_FOR, .member = bytes_str("jiangsu")},
		{.what = EXPORT_SINCE, .since = &from, .n_since = 1}};
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < sizeof(what) / sizeof(*what); i++) {
		struct buf file = {0};
		struct bundle_taken taken;
		rc = bundle_make(n->replica, &what[i], &file, &n->e);
		if (rc == RC_OK && what[i].what != EXPORT_SINCE)
			rc = bundle_check(n->replica, buf_bytes(&file), &taken, &n->e);
		buf_release(&file);
	}
	return rc;
}

static void bundles(void **state)
{
	struct script s;
	script_init(&s, *state);
	make_rosters(&s);
	make_file(&s);
	SWEEP(&s, 2, begin_with_logs, step_import, step_export, step_time);
	script_release(&s);
}

/* ---- versions of the roster ---- */

static int hear(struct node *n, const struct script *s, size_t i)
{
	struct message m = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&s->roster[i])};
	int rc = meet(n, JIANGSU);
	return rc == RC_OK ? node_recv(n, JIANGSU, &m) : rc;
}

static int step_hear_some(struct node *n, void *arg)
{
	return hear(n, arg, SOME);
}

static int step_hear_others(struct node *n, void *arg)
{
	return hear(n, arg, OTHERS);
}

static int step_hear_all(struct node *n, void *arg)
{
	return hear(n, arg, ALL);
}

static int count_note(void *arg, struct bytes note, bool is_in_force)
{
	(void)note;
	*(size_t *)arg += is_in_force;
	return 0;
}

/* To a peer that is behind, and to people. */
static int step_tell(struct node *n, void *arg)
{
	size_t in_force = 0;
	(void)arg;
	int rc = node_link(n, ZHEJIANG, LINK_UP);
	if (rc == RC_OK)
		rc = node_hello(n, ZHEJIANG, NULL, 0);
	if (rc == RC_OK)
		(void)node_drain(n, ZHEJIANG);
	return rc == RC_OK ? replica_rosters(n->replica, count_note, &in_force, &n->e) : rc;
}

static int step_install(struct node *n, void *arg)
{
	struct bytes note = buf_bytes(&((const struct script *)arg)->roster[AFTER]);
	return node_install(n, &note, 1);
}

static int step_write(struct node *n, void *arg)
{
	(void)arg;
	return node_write(n, (struct write){.value = value_note("new"), .nonce = 30}, NULL);
}

/* Our log ends, with a note beyond its end; so does zhejiang's, of which others have cosigned
 * more. */
static void begin_with_ends(struct node *n, void *arg)
{
	struct script *s = arg;
	struct roster now = roster_of_note(buf_bytes(&s->roster[ALL])), next = roster_after(&now);
	const struct key *new_keys[] = {&s->own_key, &s->zhejiang_key};
	struct bytes note = buf_bytes(&s->roster[ALL]);
	n->log_key_next = &s->own_key;
	assert_ok(n, node_restart(n));
	begin_with_logs(n, arg);
	assert_ok(n, node_install(n, &note, 1));
	const struct ctl_log *own = node_log(n, node_origin(n));
	uint64_t size = own->size;
	struct hash root;
	memcpy(root.b, own->root.p, HASH_BYTES);
	roster_retire_origin(&next, &now, node_origin(n), size, &root, "rotated");
	roster_retire(&next, &now, &s->zhejiang[0], 4, "lost");
	roster_use_key(&next, SHANGHAI, &s->own_key);
	roster_use_key(&next, ZHEJIANG, &s->zhejiang_key);
	buf_reset(&s->roster[AFTER]);
	roster_sign_quorum(&next, &now, s->c, new_keys, 2, &s->roster[AFTER]);
	assert_ok(n,
		node_write(n, (struct write){.value = value_note("late"), .nonce = 8}, &s->late));
}

static void versions_that_are_heard(void **state)
{
	struct script s;
	script_init(&s, *state);
	make_rosters(&s);
	SWEEP(&s, 3, begin_with_logs, step_hear_some, step_hear_others, step_tell, step_hear_all,
		step_tell);
	script_release(&s);
}

static void version_that_ends_logs(void **state)
{
	struct script s;
	script_init(&s, *state);
	make_rosters(&s);
	SWEEP(&s, 2, begin_with_ends, step_install, step_write, step_time, step_restart);
	script_release(&s);
}

/* ---- a log that was lost ---- */

static int step_rebuild(struct node *n, void *arg)
{
	const struct script *s = arg;
	struct bytes note = buf_bytes(&s->c->roster);
	int rc = node_begin(n);
	if (rc == RC_OK)
		rc = replica_rebuild(n->replica, &note, 1, false, n->now, &n->e);
	return node_end(n, rc);
}

static int step_give_back(struct node *n, void *arg)
{
	const struct script *s = arg;
	int rc = feed(n, &s->old, 0, s->old.n);
	return rc == RC_OK ? step_time(n, arg) : rc;
}

static void log_that_was_lost(void **state)
{
	struct script s;
	script_init(&s, *state);
	SWEEP(&s, 1, NULL, step_rebuild, step_restart, step_give_back, step_write);
	script_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_in_bulk_and_their_audit),
		cmocka_unit_test(cosignatures_and_evidence),
		cmocka_unit_test(bundles),
		cmocka_unit_test(versions_that_are_heard),
		cmocka_unit_test(version_that_ends_logs),
		cmocka_unit_test(log_that_was_lost),
	};
	return cmocka_run_group_tests_name("core sweep", tests, core_set_up, core_tear_down);
}
