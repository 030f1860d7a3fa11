/* A store in a folder of its own, or in memory, for one test. */
#ifndef DELTAD_TESTS_STORE_FIXTURE_H
#define DELTAD_TESTS_STORE_FIXTURE_H

#include "daemon/store/store_sqlite.h"

struct store_fixture {
	bool in_memory;
	const char *vfs;
	char folder[256]; /* empty if in memory */
	char path[320];
	struct store *s;
	struct err e;
};

/* For cmocka: setup and teardown. *state becomes a struct store_fixture. */
int store_fixture_in_memory(void **state);
int store_fixture_in_file(void **state);
int store_fixture_release(void **state);
/* A test of the contract, which holds for both. */
#define BOTH(test)                                                                                 \
	cmocka_unit_test_setup_teardown(test, store_fixture_in_memory, store_fixture_release),     \
		cmocka_unit_test_setup_teardown(                                                   \
			test, store_fixture_in_file, store_fixture_release)

/* Closes and opens again; a file's content stays. */
void store_fixture_reopen(struct store_fixture *f);
/* Removes the database's files, for a run from nothing. The store must be closed (s = NULL). */
void store_fixture_wipe(struct store_fixture *f);

/* The size of a file beside the database, -1 if there is none. suffix "" is the database itself. */
int64_t store_fixture_size(const struct store_fixture *f, const char *suffix);
/* "ok", or what PRAGMA integrity_check says, from a connection of its own. */
void store_fixture_integrity(const struct store_fixture *f, char *out, size_t n);
/* Runs SQL on the closed database from a connection of its own, as a hostile or careless hand. */
void store_fixture_sql(const struct store_fixture *f, const char *sql);
/* The whole file, appended to out. */
void store_fixture_read(const struct store_fixture *f, const char *suffix, struct buf *out);
void store_fixture_write(const struct store_fixture *f, const char *suffix, struct bytes b);

/* One call of the store, with the fixture's error: STORE_DO(f, meta_put, "key", value). */
#define STORE_DO(f, op, ...) (f)->s->ops->op((f)->s, __VA_ARGS__, &(f)->e)
/* These must succeed. */
void store_fixture_begin(struct store_fixture *f);
void store_fixture_commit(struct store_fixture *f);

/* The number of a register, created if it is new. */
int64_t store_fixture_register(
	struct store_fixture *f, const char *task, uint32_t slot, const char *holder);

/* A hash that is n and nothing else. */
struct hash hash_of_number(uint64_t n);

#endif
