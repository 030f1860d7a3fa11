/* A database with changed bytes, as a damaged disk or a hostile hand leaves it: it is refused with
 * a code, or a node starts on it and answers; nothing crashes, hangs or takes a second word for an
 * error of its own. The input is a list of changes to a sound image: the file (0 the database, 1
 * its log), where (u24be, modulo its size), how (0 cuts there, else the byte is changed by it). */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/store_sqlite.h"
#include "tests/lib/node_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILES 2
#define CHANGES_MAX 64
#define COLUMNS_MAX 128
#define NAME_SIZE 32

static const char *const suffix[FILES] = {"", "-wal"};
static struct cluster cluster;
static struct buf sound[FILES];
static char folder[64], path[FILES][96];
static struct column {
	char table[NAME_SIZE], name[NAME_SIZE];
} column[COLUMNS_MAX];
static size_t n_columns;
static struct mark mark;

static void remove_files(void)
{
	for (size_t i = 0; i < FILES; i++) {
		unlink(path[i]);
		buf_release(&sound[i]);
	}
	rmdir(folder);
	cluster_release(&cluster);
}

static void read_file(const char *name, struct buf *out)
{
	uint8_t block[4096];
	FILE *f = fopen(name, "rbe");
	ENSURE(f != NULL);
	for (size_t n; (n = fread(block, 1, sizeof(block), f)) > 0;)
		buf_put(out, block, n);
	fclose(f);
}

static void write_file(const char *name, struct bytes b)
{
	FILE *f = fopen(name, "wbe");
	ENSURE(f != NULL && fwrite(b.p, 1, b.n, f) == b.n && fclose(f) == 0);
}

/* A node's work: its own log, the office's with a plan, and leaves that are void, some of it only
 * in the write-ahead log. */
static void work(struct store *s)
{
	struct node n;
	struct scribe office;
	struct hash task;
	node_init_bare(&n, &cluster, JIANGSU, s);
	ENSURE(node_install_roster(&n) == RC_OK);
	scribe_begin(&office, &cluster, OFFICE);
	scribe_write(&office, (struct write){.value = value_task("jiangsu")}, &task);
	scribe_raw(&office, bytes_str("no leaf"));
	node_feed(&n, &office);
	ENSURE(node_delegate(&n, &cluster.member[JIANGSU].operator[0], NULL, 0) == RC_OK);
	store_sqlite_checkpoint(s);
	struct write report = {.value = value_report(30), .under = &task};
	ENSURE(node_write(&n, report, NULL) == RC_OK);
	ENSURE(node_write(&n, (struct write){.value = value_note("text")}, NULL) == RC_OK);
	mark = n.mark;
	for (size_t i = 0; i < FILES; i++)
		read_file(path[i], &sound[i]);
	scribe_release(&office);
	node_release(&n);
}

static int add_column(void *arg, int n, char **value, char **name)
{
	(void)arg;
	(void)n;
	(void)name;
	ENSURE(n_columns < COLUMNS_MAX);
	snprintf(column[n_columns].table, NAME_SIZE, "%s", value[0]);
	snprintf(column[n_columns++].name, NAME_SIZE, "%s", value[1]);
	return 0;
}

static void list_columns(void)
{
	sqlite3 *db;
	ENSURE(sqlite3_open(path[0], &db) == SQLITE_OK);
	/* Rows of `log` are neither renumbered nor removed: a number given twice is one of the few
	 * things that the store takes for its own bug. */
	ENSURE(sqlite3_exec(db,
		       "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
		       " WHERE m.type = 'table' AND (m.name, c.name) <> ('log', 'id') ORDER BY 1, "
		       "2",
		       add_column, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
}

static void start(void)
{
	struct store *s;
	if (cluster.n != 0)
		return;
	cluster_init_fixed(&cluster);
	strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fz-XXXXXX" : "/tmp/fz-XXXXXX");
	ENSURE(mkdtemp(folder) != NULL);
	for (size_t i = 0; i < FILES; i++)
		snprintf(path[i], sizeof(path[i]), "%s/db%s", folder, suffix[i]);
	ENSURE(store_sqlite_open(path[0], NULL, &s, NULL) == RC_OK);
	work(s);
	store_sqlite_close(s);
	list_columns();
	atexit(remove_files);
}

static void damage_bytes(struct buf *b, struct reader *in)
{
	size_t at = (size_t)reader_u8(in) << 16;
	at |= reader_u16be(in);
	uint8_t by = reader_u8(in);
	if (b->n == 0)
		return;
	if (by == 0)
		b->n = at % b->n;
	else
		b->p[at % b->n] ^= by;
}

static int64_t odd_number(uint8_t what)
{
	static const int64_t odd[] = {
		0, 1, -1, INT64_MAX, INT64_MIN, UINT32_MAX, INT64_C(1) << 40, 513};
	return what < 128 ? what : odd[what % 8];
}

/* The cell as it is, in the type it has, with a change that the input says. */
static void bind_changed(sqlite3_stmt *to, sqlite3_stmt *cell, struct reader *in)
{
	uint8_t what = reader_u8(in), at = reader_u8(in);
	if (sqlite3_column_type(cell, 0) == SQLITE_INTEGER) {
		sqlite3_bind_int64(to, 1, odd_number(what));
		return;
	}
	struct buf b = {0};
	buf_put(&b, sqlite3_column_blob(cell, 0), (size_t)sqlite3_column_bytes(cell, 0));
	if (what == 0)
		b.n = b.n == 0 ? 0 : at % b.n;
	else if (what == 255)
		buf_put_bytes(&b, reader_take(in, at));
	else if (b.n > 0)
		b.p[at % b.n] ^= what;
	if (sqlite3_column_type(cell, 0) == SQLITE_TEXT)
		sqlite3_bind_text(to, 1, (const char *)b.p, (int)b.n, SQLITE_TRANSIENT);
	else
		sqlite3_bind_blob(to, 1, b.n > 0 ? (void *)b.p : "", (int)b.n, SQLITE_TRANSIENT);
	buf_release(&b);
}

/* What the schema forbids does not happen, as with any other hand. */
static void damage_cell(sqlite3 *db, struct reader *in)
{
	const struct column *c = &column[reader_u8(in) % n_columns];
	uint8_t row = reader_u8(in);
	char sql[256];
	sqlite3_stmt *cell = NULL, *to = NULL;
	snprintf(sql, sizeof(sql), "SELECT \"%s\" FROM \"%s\" LIMIT 1 OFFSET %u", c->name, c->table,
		row % 16u);
	if (sqlite3_prepare_v2(db, sql, -1, &cell, NULL) == SQLITE_OK &&
		sqlite3_step(cell) == SQLITE_ROW) {
		snprintf(sql, sizeof(sql),
			row >= 192 && strcmp(c->table, "log") != 0
				? "DELETE FROM \"%s\" WHERE ?1 IS NOT NULL AND \"%s\" IS ?2"
				: "UPDATE OR REPLACE \"%s\" SET \"%s\" = ?1 WHERE \"%s\" IS ?2",
			c->table, c->name, c->name);
		if (sqlite3_prepare_v2(db, sql, -1, &to, NULL) == SQLITE_OK) {
			bind_changed(to, cell, in);
			sqlite3_bind_value(to, 2, sqlite3_column_value(cell, 0));
			sqlite3_reset(cell);
			(void)sqlite3_step(to);
		}
	}
	sqlite3_finalize(cell);
	sqlite3_finalize(to);
}

static void damage_cells(struct reader *in)
{
	sqlite3 *db = NULL;
	if (sqlite3_open(path[0], &db) == SQLITE_OK)
		for (size_t i = 0; i < CHANGES_MAX && in->rest.n > 0; i++)
			damage_cell(db, in);
	sqlite3_close(db);
}

static int look(void *arg, const struct ctl_entry *entry)
{
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

static bool is_store_error(int rc)
{
	return rc == RC_CORRUPT || rc == RC_IO || rc == RC_SETUP || rc == RC_DISK_FULL ||
		rc == RC_UNKNOWN_OUTCOME || rc == RC_TOO_NEW || rc == RC_BUSY || rc == RC_NOMEM ||
		rc == RC_TOO_BIG;
}

static void check(int rc, const struct err *e)
{
	if (rc == RC_OK || is_store_error(rc))
		return;
	fprintf(stderr, "%s: \"%s\"\n", rc_id(rc), e->text);
	abort();
}

static void ask(struct replica *r, struct now now)
{
	struct err e = {0};
	struct ctl_status status;
	struct ctl_query all = {.any_task = true, .any_holder = true, .history = true};
	const struct ctl_operator *operators;
	struct hash root;
	size_t n = 0;
	check(replica_status(r, now, &status, &e), &e);
	check(replica_query(r, &all, look, &n, &e), &e);
	check(replica_findings(r, look, &n, &e), &e);
	check(replica_operators(r, &operators, &n, &e), &e);
	check(replica_view_root(r, &root, &e), &e);
}

static void chance(void *self, void *p, uint32_t n)
{
	(void)self;
	memset(p, 7, n);
}

static void start_node(struct store *s)
{
	struct replica *r = NULL;
	struct err e = {0};
	struct now now = {{1000000}, {1793577600000}};
	struct replica_config config = {.store = s,
		.chance = {chance, NULL},
		.log_key = &cluster.member[JIANGSU].log,
		.member = "jiangsu",
		.cluster_id = cluster.cluster_id,
		.software = "fuzz",
		.mark = mark};
	int rc = replica_open(&config, now, &r, &e);
	ENSURE(rc == RC_OK || e.text[0] != '\0');
	if (rc != RC_OK)
		return;
	ask(r, now);
	replica_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader in = reader_of(bytes_of(data, size));
	struct buf image[FILES] = {0};
	struct store *s = NULL;
	struct err e = {0};
	start();
	for (size_t i = 0; i < FILES; i++)
		buf_put_bytes(&image[i], buf_bytes(&sound[i]));
	size_t what = reader_u8(&in);
	for (size_t i = 0; what < FILES && i < CHANGES_MAX && in.rest.n > 0; i++) {
		damage_bytes(&image[what], &in);
		what = reader_u8(&in) % (FILES + 1);
	}
	for (size_t i = 0; i < FILES; i++) {
		write_file(path[i], buf_bytes(&image[i]));
		buf_release(&image[i]);
	}
	damage_cells(&in);
	int rc = store_sqlite_open(path[0], NULL, &s, &e);
	check(rc, &e);
	if (rc == RC_OK) {
		start_node(s);
		store_sqlite_close(s);
	}
	return 0;
}
