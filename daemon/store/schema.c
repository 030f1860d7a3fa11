#include "daemon/store/migrate.h"

/* Everything but entry, roster, head, evidence, cosignature, final and meta can be made again from
 * the leaves.
 * `superseded` counts effective changes of the register that name this one, so a change is current
 * iff both terms of change_current's condition hold; the index covers all that reading the current
 * values of registers needs (also the two columns that are 0 in it: SQLite looks them up
 * otherwise), so that their history is never read. */
static const char step_1[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE roster(version INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;"
	"CREATE TABLE log(id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE,"
	" size INTEGER NOT NULL, bytes INTEGER NOT NULL, hlc INTEGER NOT NULL,"
	" frontier BLOB NOT NULL, seen_size INTEGER NOT NULL, seen_ms INTEGER NOT NULL,"
	" forked INTEGER NOT NULL, voids INTEGER NOT NULL) STRICT;"
	"CREATE TABLE head(log INTEGER NOT NULL, size INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	" note BLOB NOT NULL, PRIMARY KEY(log, size)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE entry(log INTEGER NOT NULL, idx INTEGER NOT NULL, leaf BLOB NOT NULL,"
	" PRIMARY KEY(log, idx)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE finding(log INTEGER NOT NULL, idx INTEGER NOT NULL, verdict INTEGER NOT NULL,"
	" code INTEGER NOT NULL, PRIMARY KEY(log, idx)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX finding_open ON finding(verdict) WHERE verdict = 1 OR verdict = 2;"
	"CREATE TABLE register(reg INTEGER PRIMARY KEY, task BLOB NOT NULL, slot INTEGER NOT NULL,"
	" holder BLOB NOT NULL, UNIQUE(task, slot, holder)) STRICT;"
	"CREATE TABLE change(reg INTEGER NOT NULL, id BLOB NOT NULL CHECK(length(id) = 32),"
	" log INTEGER NOT NULL, idx INTEGER NOT NULL, verdict INTEGER NOT NULL,"
	" code INTEGER NOT NULL, superseded INTEGER NOT NULL, PRIMARY KEY(reg, id))"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX change_current ON change(reg, id, log, idx, verdict, code, superseded)"
	" WHERE verdict = 0 AND superseded = 0;"
	"CREATE TABLE ref(wanted BLOB NOT NULL CHECK(length(wanted) = 32), kind INTEGER NOT NULL,"
	" by_reg INTEGER NOT NULL, by_id BLOB NOT NULL CHECK(length(by_id) = 32),"
	" PRIMARY KEY(wanted, kind, by_reg, by_id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE evidence(id INTEGER PRIMARY KEY, origin TEXT NOT NULL, first BLOB NOT NULL,"
	" second BLOB NOT NULL) STRICT;"
	"CREATE INDEX evidence_origin ON evidence(origin);"
	"PRAGMA application_id = 0x64656c74;"
	"PRAGMA user_version = 1;";

/* What was stored before had all its signatures checked on arrival. Evidence of then has no proof:
 * none was needed where the sizes are equal. */
static const char step_2[] =
	"ALTER TABLE log ADD COLUMN audited INTEGER NOT NULL DEFAULT 0;"
	"UPDATE log SET audited = size;"
	"CREATE TABLE cosignature(log INTEGER NOT NULL, size INTEGER NOT NULL,"
	" member TEXT NOT NULL, note BLOB NOT NULL, PRIMARY KEY(log, size, member))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE final(log INTEGER PRIMARY KEY, size INTEGER NOT NULL, note BLOB NOT NULL)"
	" STRICT;"
	"ALTER TABLE evidence ADD COLUMN proof BLOB NOT NULL DEFAULT x'';"
	"PRAGMA user_version = 2;";

static const char *const steps[] = {step_1, step_2};

const struct migrations store_migrations = {steps, sizeof steps / sizeof steps[0]};
