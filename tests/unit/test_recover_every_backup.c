/* I27: a backup before every event of a short run, each restored: the node never goes on in a log
 * that it had, and loses nobody's data. And backups whose bits a disk changed. */
#include "tests/lib/core_test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/manifest.h"
#include "daemon/net/mark.h"
#include "daemon/restore.h"
#include "daemon/store/store_sqlite.h"
#include "proto/trust/cosign.h"

#define QUIET_MS 3000
#define ALONE_MS 60000
#define EVENTS_MAX 32
#define FLIPS 120

struct run {
	struct cluster *c;
	char folder[64];
	char path[256];
	struct store *store;
	struct node a, b, office;
	size_t n_backups;
	struct hash task;
	uint64_t nonce;
	bool holds_roster[EVENTS_MAX];
};

/* ---- files ---- */

static const char *file_of(struct run *t, const char *name, size_t k)
{
	snprintf(t->path, sizeof(t->path), "%s/%s%zu", t->folder, name, k);
	return t->path;
}

static void remove_tree(const char *folder)
{
	char command[1200];
	int n = snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	assert_in_range(n, 1, sizeof(command) - 1);
	assert_int_equal(system(command), 0);
}

static void take_backup(struct run *t)
{
	struct err e = {0};
	t->holds_roster[t->n_backups] = replica_roster(t->a.replica) != NULL;
	const char *path = file_of(t, "backup", t->n_backups++);
	if (store_sqlite_backup(t->store, path, &e) != RC_OK)
		fail_msg("backup: %s", e.text);
	assert_true(t->n_backups <= EVENTS_MAX);
}

/* ---- the run ---- */

static void meet_both(struct run *t)
{
	node_meet(&t->a, &t->b);
	node_meet(&t->a, &t->office);
	node_exchange(&t->a, &t->b);
}

static void part(struct run *t)
{
	assert_ok(&t->a, node_link(&t->a, ZHEJIANG, LINK_DOWN));
	assert_ok(&t->a, node_link(&t->a, OFFICE, LINK_DOWN));
	assert_ok(&t->b, node_link(&t->b, SHANGHAI, LINK_DOWN));
	assert_ok(&t->office, node_link(&t->office, SHANGHAI, LINK_DOWN));
}

static void note(struct run *t, struct node *n)
{
	struct write w = {.value = value_note("x"), .nonce = ++t->nonce};
	assert_ok(n, node_write(n, w, NULL));
}

static void report(struct run *t, uint32_t progress)
{
	struct write w = {.task = "3-05",
		.value = value_report(progress),
		.under = &t->task,
		.nonce = ++t->nonce};
	assert_ok(&t->a, node_write(&t->a, w, NULL));
}

static void let_write(struct node *n)
{
	assert_ok(n, node_delegate(n, &n->c->member[n->self].operator[0], NULL, 0));
}

static void step(struct run *t, size_t i)
{
	const struct key *second = &t->c->member[SHANGHAI].operator[1];
	struct write plan = {.task = "3-05", .value = value_task(""), .nonce = ++t->nonce};
	switch (i) {
	case 0: assert_ok(&t->a, node_install_roster(&t->a)); break;
	case 1: let_write(&t->a); break;
	case 2: note(t, &t->a); break;
	case 3: meet_both(t); break;
	case 4: note(t, &t->a); break;
	case 5: assert_ok(&t->office, node_write(&t->office, plan, &t->task)); break;
	case 6: meet_both(t); break;
	case 7: report(t, 10); break;
	case 8: note(t, &t->b); break;
	case 9: assert_ok(&t->a, node_delegate(&t->a, second, NULL, 0)); break;
	case 10: meet_both(t); break;
	case 11: part(t); break;
	case 12: note(t, &t->a); break;
	case 13: assert_ok(&t->a, node_revoke(&t->a, second, 3)); break;
	case 14: meet_both(t); break;
	case 15: assert_ok(&t->a, node_restart(&t->a)); break;
	case 16: note(t, &t->a); break;
	case 17: part(t); break;
	case 18: meet_both(t); break;
	default: fail();
	}
}
#define STEPS 19

static void open_a(struct run *t, void **state)
{
	struct err e = {0};
	char database[128];
	*t = (struct run){.c = *state, .nonce = 1000};
	snprintf(t->folder, sizeof(t->folder), "/tmp/deltad-i27-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	snprintf(database, sizeof(database), "%s/replica.db", t->folder);
	assert_int_equal(store_sqlite_open(database, NULL, &t->store, &e), RC_OK);
	node_init_bare(&t->a, t->c, SHANGHAI, t->store);
}

static void run_begin(struct run *t, void **state)
{
	open_a(t, state);
	node_init(&t->b, t->c, ZHEJIANG);
	node_init(&t->office, t->c, OFFICE);
	let_write(&t->b);
	let_write(&t->office);
	node_meet(&t->b, &t->office);
	for (size_t i = 0; i < STEPS; i++) {
		take_backup(t);
		step(t, i);
	}
	take_backup(t);
	meet_both(t);
	assert_same_hash(node_view(&t->a), node_view(&t->b));
	part(t);
}

static void run_end(struct run *t)
{
	node_release(&t->a);
	store_sqlite_close(t->store);
	node_release(&t->b);
	node_release(&t->office);
	remove_tree(t->folder);
}

/* ---- a restored machine takes the place of a ---- */

struct shown {
	char origin[LIMIT_EPOCHS_PER_MEMBER][ORIGIN_SIZE];
	struct hash root[LIMIT_EPOCHS_PER_MEMBER];
	uint64_t size[LIMIT_EPOCHS_PER_MEMBER], entries;
	size_t n;
};

/* A's logs as a peer has them. */
static void look(struct node *peer, struct shown *out)
{
	struct ctl_status s;
	*out = (struct shown){0};
	assert_int_equal(replica_status(peer->replica, peer->now, &s, NULL), RC_OK);
	out->entries = s.entries;
	for (size_t i = 0; i < s.n_logs; i++) {
		assert_false(s.logs[i].forked);
		if (!bytes_equal(s.logs[i].member, bytes_str("shanghai")))
			continue;
		memcpy(out->origin[out->n], s.logs[i].origin.p, s.logs[i].origin.n);
		memcpy(out->root[out->n].b, s.logs[i].root.p, HASH_BYTES);
		out->size[out->n++] = s.logs[i].size;
	}
}

static void assert_kept(struct node *n, const struct shown *before)
{
	for (size_t i = 0; i < before->n; i++) {
		const struct ctl_log *log = node_log(n, before->origin[i]);
		assert_non_null(log);
		assert_int_equal(log->size, before->size[i]);
		assert_memory_equal(log->root.p, before->root[i].b, HASH_BYTES);
	}
}

static void write_mark(const char *path, const struct mark *mark)
{
	struct mark_file *file;
	struct mark found;
	struct err e = {0};
	assert_int_equal(mark_file_open(path, "shanghai", &file, &found, &e), RC_OK);
	assert_int_equal(mark_file_write(file, mark, &e), RC_OK);
	mark_file_close(file);
}

/* The folder of a machine with a's mark, and the backup restored into it. */
static int restore_into(struct run *t, size_t k, struct config *config, struct err *e)
{
	struct restored done;
	char backup[256];
	memset(config, 0, sizeof(*config));
	snprintf(backup, sizeof(backup), "%s", file_of(t, "backup", k));
	snprintf(config->net.data_dir, sizeof(config->net.data_dir), "%s/machine", t->folder);
	snprintf(config->mark_file, sizeof(config->mark_file), "%s/mark", t->folder);
	snprintf(config->net.member, sizeof(config->net.member), "shanghai");
	config->net.cluster_id = t->c->cluster_id;
	remove_tree(config->net.data_dir);
	assert_int_equal(mkdir(config->net.data_dir, 0700), 0);
	(void)unlink(config->mark_file);
	if (t->a.mark.present)
		write_mark(config->mark_file, &t->a.mark);
	int rc = restore_run(backup, config, &done, e);
	if (rc == RC_OK)
		assert_int_not_equal(access(config->mark_file, F_OK), 0);
	return rc;
}

static void start_machine(struct run *t, const struct config *config)
{
	struct now now = t->a.now;
	uint64_t salt = t->a.salt;
	char database[SETTINGS_PATH_SIZE + 16];
	struct err e = {0};
	node_release(&t->a);
	store_sqlite_close(t->store);
	snprintf(database, sizeof(database), "%s/replica.db", config->net.data_dir);
	if (store_sqlite_open(database, NULL, &t->store, &e) != RC_OK)
		fail_msg("the restored database: %s", e.text);
	node_init_bare(&t->a, t->c, SHANGHAI, t->store);
	t->a.now = now;
	t->a.salt = salt + 7919;
	assert_true(replica_is_rebuilding(t->a.replica));
}

static void assert_nothing_is_lost(struct run *t, const struct shown *before)
{
	struct shown after;
	assert_kept(&t->a, before);
	assert_kept(&t->b, before);
	assert_kept(&t->office, before);
	look(&t->b, &after);
	assert_int_equal(after.n, before->n + 1);
	assert_int_equal(t->a.events[EVENT_FORK] + t->b.events[EVENT_FORK], 0);
	assert_int_equal(t->a.events[EVENT_CLONE] + t->b.events[EVENT_CLONE], 0);
	assert_same_hash(node_view(&t->a), node_view(&t->b));
	assert_same_hash(node_view(&t->a), node_view(&t->office));
}

static void assert_new_origin(struct run *t, const struct shown *before)
{
	for (size_t i = 0; i < before->n; i++)
		assert_string_not_equal(node_origin(&t->a), before->origin[i]);
}

/* With its peers there: the rest of its log comes first. */
static void restore_among_peers(struct run *t, const struct config *config)
{
	struct shown before;
	look(&t->b, &before);
	start_machine(t, config);
	assert_rc(&t->a, node_write(&t->a, (struct write){.value = value_note("early")}, NULL),
		RC_DEGRADED);
	meet_both(t);
	assert_ok(&t->a, node_pass(&t->a, QUIET_MS));
	assert_false(replica_is_rebuilding(t->a.replica));
	assert_new_origin(t, &before);
	note(t, &t->a);
	node_exchange(&t->a, &t->b);
	node_exchange(&t->a, &t->office);
	assert_nothing_is_lost(t, &before);
	part(t);
}

/* Cut off: it writes alone, and what it says then stands beside what it had said before. */
static void restore_alone(struct run *t, const struct config *config)
{
	struct shown before;
	look(&t->b, &before);
	start_machine(t, config);
	assert_ok(&t->a, node_pass(&t->a, ALONE_MS));
	assert_false(replica_is_rebuilding(t->a.replica));
	assert_new_origin(t, &before);
	/* As far back as that there may be no operator yet: he is added again. */
	struct write w = {.value = value_note("alone"), .nonce = ++t->nonce};
	int rc = node_write(&t->a, w, NULL);
	assert_true(rc == RC_OK || rc == RC_NOT_OPERATOR);
	if (rc == RC_NOT_OPERATOR)
		let_write(&t->a);
	meet_both(t);
	node_exchange(&t->a, &t->office);
	assert_nothing_is_lost(t, &before);
	part(t);
}

static void backup_of_every_moment_is_restored_without_a_fork_or_a_loss(void **state)
{
	struct run t;
	struct config *config = xalloc(sizeof(*config));
	size_t restored = 0;
	run_begin(&t, state);
	for (size_t k = 0; k < t.n_backups; k++) {
		struct err e = {0};
		int rc = restore_into(&t, k, config, &e);
		if (!t.holds_roster[k]) {
			assert_int_equal(rc, RC_VERIFY);
			continue;
		}
		if (rc != RC_OK)
			fail_msg("backup %zu: %s", k, e.text);
		restore_among_peers(&t, config);
		assert_int_equal(restore_into(&t, k, config, &e), RC_OK);
		restore_alone(&t, config);
		restored++;
	}
	print_message("%zu backups, each restored twice\n", restored);
	assert_int_equal(restored, STEPS);
	run_end(&t);
	free(config);
}

/* ---- forks ---- */

static void backup_keeps_what_proves_a_fork(void **state)
{
	struct run t;
	struct scribe one, other;
	struct config *config = xalloc(sizeof(*config));
	struct ctl_status s;
	struct err e = {0};
	run_begin(&t, state);
	scribe_begin(&one, t.c, JIANGSU);
	scribe_copy(&other, &one);
	scribe_write(&one, (struct write){.value = value_note("one")}, NULL);
	scribe_write(&other, (struct write){.value = value_note("other")}, NULL);
	node_feed(&t.a, &one);
	assert_ok(&t.a, node_head(&t.a, JIANGSU, &other, other.n));
	assert_int_equal(t.a.events[EVENT_FORK], 1);
	size_t k = t.n_backups;
	take_backup(&t);
	assert_int_equal(restore_into(&t, k, config, &e), RC_OK);
	start_machine(&t, config);
	assert_true(node_log(&t.a, one.origin)->forked);
	assert_int_equal(replica_status(t.a.replica, t.a.now, &s, &e), RC_OK);
	assert_int_equal(s.evidence, 1);
	scribe_release(&one);
	scribe_release(&other);
	free(config);
	run_end(&t);
}

/* ---- cosignatures ---- */

static void say_cosigned(struct run *t, const struct scribe *s, size_t size)
{
	struct note n;
	struct buf head = {0}, line = {0};
	scribe_head(s, size, &head);
	assert_int_equal(note_parse(buf_bytes(&head), &n, NULL), RC_OK);
	cosign_put_line(replica_roster(t->a.replica), SHANGHAI, &t->c->member[SHANGHAI].cosign,
		n.text, 1793577600, &line);
	buf_put_bytes(&head, buf_bytes(&line));
	struct message m = {.kind = MESSAGE_COSIGNATURE, .note = buf_bytes(&head)};
	node_greet(&t->a, ANHUI);
	assert_ok(&t->a, node_recv(&t->a, ANHUI, &m));
	buf_release(&head);
	buf_release(&line);
}

/* Peers that know nothing of it, and then what their views are. */
static void hear_digests(struct run *t)
{
	static const int peers[] = {OFFICE, ZHEJIANG, ANHUI};
	struct message m = {.kind = MESSAGE_VIEW_DIGEST};
	struct hash root = {{1}};
	m.digest.rules_version = RULES_VERSION;
	m.digest.view_root = hash_bytes(&root);
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		node_greet(&t->a, peers[i]);
		assert_ok(&t->a, node_recv(&t->a, peers[i], &m));
	}
}

static uint64_t cosigned(struct run *t, const struct scribe *s)
{
	const struct ctl_log *log = node_log(&t->a, s->origin);
	for (size_t i = 0; i < log->n_cosigned; i++)
		if (bytes_equal(log->cosigned[i].member, bytes_str("shanghai")))
			return log->cosigned[i].size;
	return 0;
}

/* It had heard that it once cosigned more than it holds, and whom it meets then has forgotten. */
static void restored_node_cosigns_nothing_below_what_it_had_cosigned(void **state)
{
	struct run t;
	struct scribe s;
	struct config *config = xalloc(sizeof(*config));
	struct err e = {0};
	run_begin(&t, state);
	scribe_begin(&s, t.c, JIANGSU);
	for (uint64_t i = 0; i < 8; i++)
		scribe_write(&s, (struct write){.value = value_note("x"), .nonce = 9 + i}, NULL);
	node_greet(&t.a, JIANGSU);
	assert_ok(&t.a, node_leaves(&t.a, JIANGSU, &s, 0, 4));
	assert_ok(&t.a, node_pass(&t.a, 1000));
	assert_int_equal(cosigned(&t, &s), 4);
	say_cosigned(&t, &s, 7);
	size_t k = t.n_backups;
	take_backup(&t);
	assert_int_equal(restore_into(&t, k, config, &e), RC_OK);
	start_machine(&t, config);
	hear_digests(&t);
	assert_ok(&t.a, node_pass(&t.a, QUIET_MS));
	hear_digests(&t);
	assert_false(replica_is_rebuilding(t.a.replica));
	assert_ok(&t.a, node_pass(&t.a, 1000));
	assert_int_equal(cosigned(&t, &s), 4);
	hear_digests(&t);
	node_greet(&t.a, JIANGSU);
	assert_ok(&t.a, node_leaves(&t.a, JIANGSU, &s, 4, 6));
	assert_ok(&t.a, node_pass(&t.a, 1000));
	assert_int_equal(cosigned(&t, &s), 4);
	assert_ok(&t.a, node_leaves(&t.a, JIANGSU, &s, 6, 9));
	assert_ok(&t.a, node_pass(&t.a, 1000));
	assert_int_equal(cosigned(&t, &s), 9);
	scribe_release(&s);
	free(config);
	run_end(&t);
}

/* ---- bits ---- */

static struct bytes after_sum(const struct buf *text)
{
	const uint8_t *at = memmem(text->p, text->n, "\nroster ", 8);
	assert_non_null(at);
	return bytes_of(at, (size_t)(text->p + text->n - at));
}

static void flip(const char *path, uint64_t bit)
{
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, (long)(bit / 8), SEEK_SET), 0);
	int byte = fgetc(f);
	assert_int_equal(fseek(f, (long)(bit / 8), SEEK_SET), 0);
	assert_int_not_equal(fputc(byte ^ 1 << bit % 8, f), EOF);
	assert_int_equal(fclose(f), 0);
}

static uint64_t bits_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size * 8;
}

static void flipped_bit_in_a_backup_is_refused_or_changes_nothing(void **state)
{
	struct run t;
	struct buf good = {0}, text = {0};
	struct err e = {0};
	bool sealed;
	size_t refused = 0;
	run_begin(&t, state);
	char path[256];
	snprintf(path, sizeof(path), "%s", file_of(&t, "backup", t.n_backups - 1));
	assert_int_equal(recover_verify(path, NULL, NULL, &good, &sealed, NULL, &e), RC_OK);
	assert_false(sealed);
	uint64_t dice = 88172645463325252u, bits = bits_of(path);
	for (size_t i = 0; i < FLIPS; i++) {
		dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
		flip(path, dice % bits);
		buf_reset(&text);
		int rc = recover_verify(path, NULL, NULL, &text, &sealed, NULL, &e);
		if (rc == RC_OK)
			assert_true(bytes_equal(after_sum(&text), after_sum(&good)));
		refused += rc != RC_OK;
		flip(path, dice % bits);
	}
	print_message(
		"%zu of %d flipped bits refused, the others change nothing\n", refused, FLIPS);
	assert_true(refused > 0);
	buf_release(&good);
	buf_release(&text);
	run_end(&t);
}

static void give(struct node *n, const struct scribe *s)
{
	node_greet(n, s->member);
	for (size_t from = 0; from < s->n; from += LIMIT_BATCH_LEAVES) {
		size_t to = from + LIMIT_BATCH_LEAVES < s->n ? from + LIMIT_BATCH_LEAVES : s->n;
		assert_ok(n, node_leaves(n, s->member, s, from, to));
	}
}

static void backup_amid_a_release_is_good(void **state)
{
	struct run t;
	struct scribe office, jiangsu;
	struct buf text = {0};
	struct err e = {0};
	bool sealed;
	open_a(&t, state);
	assert_ok(&t.a, node_install_roster(&t.a));
	scribe_begin(&office, t.c, OFFICE);
	scribe_begin(&jiangsu, t.c, JIANGSU);
	scribe_write(&office, (struct write){.value = value_task("")}, &t.task);
	for (size_t i = 0; i < LIMIT_RELEASED + 10; i++)
		scribe_write(&jiangsu, (struct write){.value = value_report(10), .under = &t.task},
			NULL);
	give(&t.a, &jiangsu);
	give(&t.a, &office);
	assert_true(replica_is_provisional(t.a.replica));
	take_backup(&t);
	if (recover_verify(file_of(&t, "backup", 0), NULL, NULL, &text, &sealed, NULL, &e) != RC_OK)
		fail_msg("verify: %s", e.text);
	buf_release(&text);
	scribe_release(&office);
	scribe_release(&jiangsu);
	node_release(&t.a);
	store_sqlite_close(t.store);
	remove_tree(t.folder);
}

static void manifest_that_was_touched_is_refused(void **state)
{
	struct run t;
	struct buf text = {0};
	struct err e = {0};
	bool sealed;
	char path[256], manifest[300];
	run_begin(&t, state);
	snprintf(path, sizeof(path), "%s", file_of(&t, "backup", t.n_backups - 1));
	snprintf(manifest, sizeof(manifest), "%s" MANIFEST_SUFFIX, path);
	assert_int_equal(recover_verify(path, NULL, NULL, &text, &sealed, NULL, &e), RC_OK);
	const struct key *key = &t.c->member[SHANGHAI].log;
	assert_int_equal(manifest_write(path, buf_bytes(&text), key, &e), RC_OK);
	assert_int_not_equal(manifest_write(path, buf_bytes(&text), key, &e), RC_OK);
	buf_reset(&text);
	assert_int_equal(recover_verify(path, NULL, NULL, &text, &sealed, NULL, &e), RC_OK);
	assert_true(sealed);
	uint64_t bits = bits_of(manifest);
	for (uint64_t bit = 3; bit < bits; bit += 67) {
		flip(manifest, bit);
		buf_reset(&text);
		assert_int_equal(
			recover_verify(path, NULL, NULL, &text, &sealed, NULL, &e), RC_VERIFY);
		flip(manifest, bit);
	}
	buf_release(&text);
	run_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backup_of_every_moment_is_restored_without_a_fork_or_a_loss),
		cmocka_unit_test(backup_keeps_what_proves_a_fork),
		cmocka_unit_test(restored_node_cosigns_nothing_below_what_it_had_cosigned),
		cmocka_unit_test(flipped_bit_in_a_backup_is_refused_or_changes_nothing),
		cmocka_unit_test(backup_amid_a_release_is_good),
		cmocka_unit_test(manifest_that_was_touched_is_refused),
	};
	return cmocka_run_group_tests(tests, core_set_up, core_tear_down);
}
