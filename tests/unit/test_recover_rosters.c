/* Backups of a node that has several versions of the roster, and of one version several. */
#include "tests/lib/core_test.h"
#include "tests/lib/roster_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/recover.h"
#include "daemon/restore.h"
#include "daemon/store/store_sqlite.h"

/* Version 2 in three texts: two signed by the office and three provinces, one by everybody; and a
 * version 3 after the first and the last of them. */
enum { TWO_A, TWO_B, TWO_ALL, THREE_A, THREE_ALL, NOTES };

struct world {
	struct cluster *c;
	struct buf note[NOTES];
	struct hash id[NOTES];
	char folder[64];
	struct store *store;
	struct node n;
	struct key log; /* another one of jiangsu */
};

static void make(struct world *w, size_t i, const struct roster *now, bool all)
{
	struct roster next = roster_after(now);
	const struct key *last = &w->c->member[ANHUI].root;
	next.not_after = 20310101 + (uint32_t)i;
	roster_sign_quorum(&next, now, w->c, &last, all, &w->note[i]);
	w->id[i] = roster_of_note(buf_bytes(&w->note[i])).id;
}

static void begin(struct world *w, void **state)
{
	char database[128];
	struct err e = {0};
	uint8_t seed[KEY_BYTES] = {77};
	*w = (struct world){.c = *state};
	key_from_seed(&w->log, KEY_LOG, "jiangsu", "", seed);
	struct roster first = roster_of_note(buf_bytes(&w->c->roster));
	for (size_t i = TWO_A; i <= TWO_ALL; i++)
		make(w, i, &first, i == TWO_ALL);
	struct roster a = roster_of_note(buf_bytes(&w->note[TWO_A]));
	struct roster all = roster_of_note(buf_bytes(&w->note[TWO_ALL]));
	make(w, THREE_A, &a, false);
	make(w, THREE_ALL, &all, false);
	snprintf(w->folder, sizeof(w->folder), "/tmp/deltad-rosters-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(database, sizeof(database), "%s/replica.db", w->folder);
	assert_int_equal(store_sqlite_open(database, NULL, &w->store, &e), RC_OK);
	node_init_bare(&w->n, w->c, SHANGHAI, w->store);
	assert_ok(&w->n, node_install_roster(&w->n));
}

static void end(struct world *w)
{
	char command[128];
	node_release(&w->n);
	store_sqlite_close(w->store);
	key_release(&w->log);
	for (size_t i = 0; i < NOTES; i++)
		buf_release(&w->note[i]);
	snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
	assert_int_equal(system(command), 0);
}

/* In this order, each heard from a peer. */
static void hear(struct world *w, const size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct message m = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&w->note[order[i]])};
		node_greet(&w->n, JIANGSU);
		assert_ok(&w->n, node_recv(&w->n, JIANGSU, &m));
	}
}

static const char *path_of(const struct world *w, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", w->folder, name);
	return path;
}

static void take_backup(struct world *w)
{
	char path[256];
	struct err e = {0};
	(void)unlink(path_of(w, "backup", path));
	if (store_sqlite_backup(w->store, path, &e) != RC_OK)
		fail_msg("backup: %s", e.text);
}

static int verify(struct world *w, struct err *e)
{
	char path[256];
	struct buf text = {0};
	bool sealed;
	int rc = recover_verify(path_of(w, "backup", path), NULL, NULL, &text, &sealed, NULL, e);
	buf_release(&text);
	return rc;
}

static int count_note(void *arg, struct bytes note, bool in_force)
{
	size_t *n = arg;
	(void)note;
	(void)in_force;
	++*n;
	return 0;
}

/* The new database of what a backup holds. */
static void restore(struct world *w)
{
	struct config *config = xalloc(sizeof(*config));
	struct restored done;
	struct err e = {0};
	char backup[256], path[256];
	struct now now = w->n.now;
	snprintf(config->net.data_dir, sizeof(config->net.data_dir), "%s", w->folder);
	path_of(w, "mark", config->mark_file);
	snprintf(config->net.member, sizeof(config->net.member), "shanghai");
	config->net.cluster_id = w->c->cluster_id;
	node_release(&w->n);
	store_sqlite_close(w->store);
	if (restore_run(path_of(w, "backup", backup), config, &done, &e) != RC_OK)
		fail_msg("restore: %s", e.text);
	assert_int_equal(
		store_sqlite_open(path_of(w, "replica.db", path), NULL, &w->store, &e), RC_OK);
	node_init_bare(&w->n, w->c, SHANGHAI, w->store);
	w->n.now = now;
	free(config);
}

/* What is in force, all notes and the view are what they were. */
static void back_up_and_restore(struct world *w)
{
	struct err e = {0};
	size_t before = 0, after = 0;
	struct hash id = replica_roster(w->n.replica)->id, view = node_view(&w->n);
	assert_ok(&w->n, replica_rosters(w->n.replica, count_note, &before, &w->n.e));
	take_backup(w);
	if (verify(w, &e) != RC_OK)
		fail_msg("verify: %s", e.text);
	restore(w);
	assert_same_hash(replica_roster(w->n.replica)->id, id);
	assert_ok(&w->n, replica_rosters(w->n.replica, count_note, &after, &w->n.e));
	assert_int_equal(after, before);
	assert_same_hash(node_view(&w->n), view);
}

static void is_restored(void **state, const size_t *order, size_t n)
{
	struct world w;
	begin(&w, state);
	hear(&w, order, n);
	back_up_and_restore(&w);
	end(&w);
}

static void version_that_all_have_signed_is_restored_though_another_came_first(void **state)
{
	static const size_t one[] = {TWO_A, TWO_ALL}, more[] = {TWO_A, TWO_B, TWO_ALL, THREE_ALL};
	static const size_t after[] = {TWO_A, THREE_A, TWO_ALL, THREE_ALL};
	is_restored(state, one, 2);
	is_restored(state, more, 4);
	is_restored(state, after, 4);
}

static void version_that_is_undecided_is_restored_as_such(void **state)
{
	static const size_t two[] = {TWO_A, TWO_B}, three[] = {TWO_A, THREE_A, TWO_B};
	is_restored(state, two, 2);
	is_restored(state, three, 3);
}

static void member_that_a_version_removes_is_restored_before_it(void **state)
{
	struct world w;
	begin(&w, state);
	const struct key *last = &w.c->member[ANHUI].root;
	struct roster now = roster_of_note(buf_bytes(&w.c->roster)), next = roster_after(&now);
	struct hash nothing;
	struct buf note = {0};
	merkle_empty_root(&nothing);
	roster_retire_origin(&next, &now, node_origin(&w.n), 0, &nothing, "left");
	roster_remove(&next, SHANGHAI);
	roster_sign_quorum(&next, &now, w.c, &last, true, &note);
	struct message m = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&note)};
	node_greet(&w.n, JIANGSU);
	assert_ok(&w.n, node_recv(&w.n, JIANGSU, &m));
	back_up_and_restore(&w);
	assert_int_equal(replica_roster(w.n.replica)->version, 1);
	buf_release(&note);
	end(&w);
}

/* ---- logs that a version has ended ---- */

enum { END_BY_LINE, END_WITH_MEMBER, END_WITH_KEY };

/* Version 2 ends jiangsu's log below what the node holds of it; or it removes jiangsu, or gives it
 * another log key, with a line for another log of it only. */
static void end_log(struct world *w, const struct scribe *s, int how, uint64_t below)
{
	const struct key *proofs[] = {&w->c->member[ANHUI].root, &w->log};
	struct roster now = roster_of_note(buf_bytes(&w->c->roster)), next = roster_after(&now);
	struct buf note = {0};
	struct scribe other;
	scribe_init(&other, w->c, JIANGSU, 7);
	roster_retire(&next, &now, how == END_BY_LINE ? s : &other, below, "lost");
	if (how == END_WITH_MEMBER)
		roster_remove(&next, JIANGSU);
	if (how == END_WITH_KEY)
		roster_use_key(&next, JIANGSU, &w->log);
	roster_sign_quorum(&next, &now, w->c, proofs, how == END_WITH_KEY ? 2 : 1, &note);
	struct bytes b = buf_bytes(&note);
	assert_ok(&w->n, node_install(&w->n, &b, 1));
	assert_int_equal(replica_roster(w->n.replica)->version, 2);
	scribe_release(&other);
	buf_release(&note);
}

static void begin_log(struct world *w, struct scribe *s)
{
	scribe_begin(s, w->c, JIANGSU);
	for (uint64_t i = 0; i < 3; i++)
		scribe_write(s, (struct write){.value = value_note("on"), .nonce = 900 + i}, NULL);
}

static void ended_log_is_restored(void **state, int how, uint64_t below)
{
	struct world w;
	struct scribe s;
	begin(&w, state);
	begin_log(&w, &s);
	node_feed(&w.n, &s);
	end_log(&w, &s, how, below);
	back_up_and_restore(&w);
	assert_int_equal(replica_roster(w.n.replica)->version, 2);
	if (how == END_BY_LINE && below > 0)
		assert_int_equal(node_log(&w.n, s.origin)->size, below);
	scribe_release(&s);
	end(&w);
}

static void log_with_leaves_beyond_its_end_is_restored(void **state)
{
	ended_log_is_restored(state, END_BY_LINE, 3);
	ended_log_is_restored(state, END_BY_LINE, 5);
	ended_log_is_restored(state, END_BY_LINE, 0);
}

static void log_that_is_nobodys_is_restored(void **state)
{
	ended_log_is_restored(state, END_WITH_MEMBER, 0);
	ended_log_is_restored(state, END_WITH_KEY, 0);
}

/* Version 2 ended one log and began another under a new key, and is not in force any more. */
static void logs_of_a_version_that_was_undone_are_restored(void **state)
{
	struct world w;
	struct scribe one, two;
	begin(&w, state);
	struct cluster later = *w.c;
	later.member[JIANGSU].log = w.log;
	begin_log(&w, &one);
	scribe_init(&two, &later, JIANGSU, 2);
	scribe_open(&two, OPEN_ROTATE, &one);
	struct roster now = roster_of_note(buf_bytes(&w.c->roster)), next = roster_after(&now);
	const struct key *log = &w.log;
	struct buf note = {0};
	struct node holder;
	roster_retire(&next, &now, &one, 4, "rotated");
	roster_use_key(&next, JIANGSU, log);
	roster_sign_quorum(&next, &now, w.c, &log, 1, &note);
	struct bytes b = buf_bytes(&note);
	assert_ok(&w.n, node_install(&w.n, &b, 1));
	node_init(&holder, w.c, ZHEJIANG);
	node_feed(&holder, &one);
	assert_ok(&holder, node_install(&holder, &b, 1));
	node_greet(&holder, JIANGSU);
	assert_ok(&holder, node_leaves(&holder, JIANGSU, &two, 0, two.n));
	node_meet(&w.n, &holder);
	node_meet(&w.n, &holder);
	assert_int_equal(node_size(&w.n, two.origin), two.n);
	assert_int_equal(node_size(&w.n, one.origin), 4);
	hear(&w, (const size_t[]){TWO_B}, 1);
	assert_int_equal(replica_roster(w.n.replica)->version, 1);
	back_up_and_restore(&w);
	assert_int_equal(node_size(&w.n, one.origin), 4);
	assert_ok(&w.n, node_restart(&w.n));
	buf_release(&note);
	node_release(&holder);
	scribe_release(&one);
	scribe_release(&two);
	end(&w);
}

/* Version 2 with a fifth province, which begins a log. */
static void let_in(struct world *w, struct key k[4], struct scribe *s, struct cluster *later)
{
	struct buf note = {0};
	roster_let_in(w->c, k, later, &note);
	struct bytes b = buf_bytes(&note);
	assert_ok(&w->n, node_install(&w->n, &b, 1));
	buf_release(&note);
	scribe_begin(s, later, ANHUI);
	scribe_write(s, (struct write){.value = value_note("new here"), .nonce = 7}, NULL);
}

static void member_of_a_version_that_was_undone_is_nobody(void **state)
{
	struct world w;
	struct key k[4];
	struct scribe s;
	struct cluster *later = xalloc(sizeof(*later));
	begin(&w, state);
	struct hash before = node_view(&w.n);
	let_in(&w, k, &s, later);
	node_greet(&w.n, JIANGSU);
	assert_ok(&w.n, node_leaves(&w.n, JIANGSU, &s, 0, s.n));
	assert_int_equal(node_size(&w.n, s.origin), s.n);
	struct hash with = node_view(&w.n);
	assert_memory_not_equal(with.b, before.b, HASH_BYTES);
	hear(&w, (const size_t[]){TWO_B}, 1);
	assert_int_equal(replica_roster(w.n.replica)->version, 1);
	for (int again = 0; again < 2; again++) {
		assert_same_hash(node_view(&w.n), before);
		assert_ok(&w.n, node_restart(&w.n));
	}
	node_greet(&w.n, JIANGSU);
	assert_ok(&w.n, node_head(&w.n, JIANGSU, &s, s.n));
	/* Nor is there a register of it, as on a node that never saw its log. */
	struct scribe other;
	scribe_begin(&other, w.c, JIANGSU);
	struct write report = {.value = value_report(10), .holder = "fujian", .under = &before};
	size_t at = scribe_write(&other, report, NULL);
	assert_ok(&w.n, node_leaves(&w.n, JIANGSU, &other, 0, other.n));
	assert_void(&w.n, &other, at, VOID_REGISTER);
	scribe_release(&other);
	back_up_and_restore(&w);
	for (size_t i = 0; i < 4; i++)
		key_release(&k[i]);
	scribe_release(&s);
	free(later);
	end(&w);
}

/* Version 2 lets it in, version 3 removes it, and what it wrote comes from a peer under the line
 * that ends its log. */
static void member_whose_end_was_undone_too_is_nobody(void **state)
{
	struct world w;
	struct key k[4];
	struct scribe s;
	struct cluster *later = xalloc(sizeof(*later));
	struct buf two = {0}, three = {0};
	struct node holder;
	begin(&w, state);
	roster_let_in(w.c, k, later, &two);
	scribe_begin(&s, later, ANHUI);
	struct roster now = roster_of_note(buf_bytes(&two)), next = roster_after(&now);
	roster_remove(&next, (size_t)roster_find(&next, bytes_str("fujian")));
	roster_retire(&next, &now, &s, s.n, "removed");
	roster_sign_quorum(&next, &now, w.c, NULL, 0, &three);
	struct bytes notes[] = {buf_bytes(&two), buf_bytes(&three)};
	node_init(&holder, w.c, ZHEJIANG);
	assert_ok(&holder, node_install(&holder, notes, 1));
	node_greet(&holder, JIANGSU);
	assert_ok(&holder, node_leaves(&holder, JIANGSU, &s, 0, s.n));
	assert_ok(&holder, node_install(&holder, notes, 2));
	assert_ok(&w.n, node_install(&w.n, notes, 2));
	node_meet(&w.n, &holder);
	node_meet(&w.n, &holder);
	assert_int_equal(node_size(&w.n, s.origin), s.n);
	hear(&w, (const size_t[]){TWO_ALL}, 1);
	assert_same_hash(replica_roster(w.n.replica)->id, w.id[TWO_ALL]);
	back_up_and_restore(&w);
	for (size_t i = 0; i < 4; i++)
		key_release(&k[i]);
	buf_release(&two);
	buf_release(&three);
	node_release(&holder);
	scribe_release(&s);
	free(later);
	end(&w);
}

/* The version after *now lets this province in, and what it wrote comes; then another version,
 * which all have signed, is the one after *now. */
static void come_and_go(struct world *w, struct roster *now, const char *slug)
{
	struct cluster *later = xalloc(sizeof(*later));
	struct buf with = {0}, without = {0};
	struct roster next = roster_after(now);
	const struct key *last = &w->c->member[ANHUI].root;
	struct key k[4];
	struct scribe s;
	roster_let_in_after(w->c, now, slug, k, later, &with);
	roster_sign_quorum(&next, now, w->c, &last, 1, &without);
	struct bytes b = buf_bytes(&with);
	assert_ok(&w->n, node_install(&w->n, &b, 1));
	scribe_begin(&s, later, ANHUI);
	node_greet(&w->n, JIANGSU);
	assert_ok(&w->n, node_leaves(&w->n, JIANGSU, &s, 0, s.n));
	assert_int_equal(node_size(&w->n, s.origin), s.n);
	b = buf_bytes(&without);
	assert_ok(&w->n, node_install(&w->n, &b, 1));
	*now = roster_of_note(b);
	assert_same_hash(replica_roster(w->n.replica)->id, now->id);
	for (size_t i = 0; i < 4; i++)
		key_release(&k[i]);
	scribe_release(&s);
	free(later);
	buf_release(&with);
	buf_release(&without);
}

static void any_number_of_versions_that_let_somebody_in_may_be_undone(void **state)
{
	struct world w;
	struct ctl_status said;
	begin(&w, state);
	struct roster now = roster_of_note(buf_bytes(&w.c->roster));
	struct hash before = node_view(&w.n);
	for (unsigned i = 0; i < LIMIT_FORMER + 2; i++) {
		char slug[SLUG_SIZE];
		snprintf(slug, sizeof(slug), "fujian-%u", i);
		come_and_go(&w, &now, slug);
	}
	assert_ok(&w.n, node_restart(&w.n));
	assert_same_hash(node_view(&w.n), before);
	assert_ok(&w.n, replica_status(w.n.replica, w.n.now, &said, &w.n.e));
	assert_int_equal(said.n_clones, 0);
	back_up_and_restore(&w);
	end(&w);
}

/* ---- what cannot be ---- */

static void plant(struct world *w, const char *sql, struct bytes note)
{
	char path[256];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_open(path_of(w, "backup", path), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_bind_blob(stmt, 1, note.p, (int)note.n, SQLITE_STATIC), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void roster_that_nothing_explains_is_refused(void **state)
{
	static const char in_meta[] = "INSERT INTO meta VALUES('roster/2/1', ?1)";
	static const char without[] = "INSERT INTO meta VALUES('roster/7/1', ?1)";
	static const char too_many[] = "INSERT INTO meta VALUES('roster/2/9', ?1)";
	static const char in_table[] = "INSERT INTO roster VALUES(3, ?1)";
	static const size_t heard[] = {TWO_A};
	struct world w;
	struct buf bare = {0};
	begin(&w, state);
	hear(&w, heard, 1);
	struct roster first = roster_of_note(buf_bytes(&w.c->roster)), next = roster_after(&first);
	const struct key *two[] = {&w.c->member[OFFICE].root, &w.c->member[ANHUI].root};
	roster_sign(&next, &first, two, 2, &bare);
	const struct {
		const char *sql;
		struct bytes note;
		int rc;
	} bad[] = {{in_meta, buf_bytes(&bare), RC_VERIFY}, {in_meta, bytes_str("x"), RC_VERIFY},
		{without, buf_bytes(&w.note[TWO_B]), RC_CORRUPT},
		{too_many, buf_bytes(&w.note[TWO_B]), RC_CORRUPT},
		{in_table, buf_bytes(&w.note[TWO_B]), RC_VERIFY},
		{in_table, buf_bytes(&w.c->roster), RC_VERIFY}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};
		take_backup(&w);
		plant(&w, bad[i].sql, bad[i].note);
		int rc = verify(&w, &e);
		if (rc != bad[i].rc)
			fail_msg("%zu: %s: %s", i, rc_id(rc), e.text);
	}
	buf_release(&bare);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			version_that_all_have_signed_is_restored_though_another_came_first),
		cmocka_unit_test(version_that_is_undecided_is_restored_as_such),
		cmocka_unit_test(member_that_a_version_removes_is_restored_before_it),
		cmocka_unit_test(log_with_leaves_beyond_its_end_is_restored),
		cmocka_unit_test(log_that_is_nobodys_is_restored),
		cmocka_unit_test(logs_of_a_version_that_was_undone_are_restored),
		cmocka_unit_test(member_of_a_version_that_was_undone_is_nobody),
		cmocka_unit_test(member_whose_end_was_undone_too_is_nobody),
		cmocka_unit_test(any_number_of_versions_that_let_somebody_in_may_be_undone),
		cmocka_unit_test(roster_that_nothing_explains_is_refused),
	};
	return cmocka_run_group_tests(tests, core_set_up, core_tear_down);
}
