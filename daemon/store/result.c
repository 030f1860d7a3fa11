#include "daemon/store/result.h"

#include <stddef.h>

#include "proto/base/mutant.h"

/* In place of an rc: with one connection on one exclusive lock this cannot happen. */
#define OUR_BUG 0

#define ADVICE_SPACE "make room on the file system of the data directory"
#define ADVICE_BUSY "another deltad runs on this data directory, or a tool has the database open"
#define ADVICE_DAMAGED                                                                             \
	"the files are left as they are; start over with an empty data directory and "             \
	"`rebuild --from-peers`"
#define ADVICE_DISK "look for disk errors in the system's journal; restart the daemon"
#define ADVICE_UNKNOWN "it may or may not be on disk: restart the daemon, and ask again"
#define ADVICE_MEMORY "the request was too much for the memory limit"
#define ADVICE_ACCESS "the daemon's user must own the data directory and may not reach it by a link"
#define ADVICE_REPORT "report this as an error of the program"

struct result_rule {
	int code; /* extended, or primary for all extended ones without a row of their own */
	int rc[PHASE_COUNT];
	const char *advice;
};

/* Only SQLITE_FULL at a commit is known not to be on disk: the write of the frame that commits came
 * back short. After every other failure of a commit, also of memory (which is asked for once the
 * frames are synced), the frames may be there and count at the next start. */
static const struct result_rule rules[] = {
	{SQLITE_BUSY, {RC_BUSY, OUR_BUG, OUR_BUG}, ADVICE_BUSY},
	{SQLITE_LOCKED, {RC_BUSY, OUR_BUG, OUR_BUG}, ADVICE_BUSY},
	{SQLITE_PROTOCOL, {RC_BUSY, OUR_BUG, OUR_BUG}, ADVICE_BUSY},
	{SQLITE_CONSTRAINT, {OUR_BUG, OUR_BUG, OUR_BUG}, ADVICE_REPORT},
	{SQLITE_FULL, {RC_DISK_FULL, RC_DISK_FULL, RC_DISK_FULL}, ADVICE_SPACE},
	{SQLITE_IOERR_WRITE, {RC_DISK_FULL, RC_DISK_FULL, RC_UNKNOWN_OUTCOME}, ADVICE_SPACE},
	{SQLITE_IOERR_FSYNC, {RC_IO, RC_UNKNOWN_OUTCOME, RC_UNKNOWN_OUTCOME}, ADVICE_DISK},
	{SQLITE_IOERR_DIR_FSYNC, {RC_IO, RC_UNKNOWN_OUTCOME, RC_UNKNOWN_OUTCOME}, ADVICE_DISK},
	{SQLITE_IOERR_NOMEM, {RC_NOMEM, RC_NOMEM, RC_UNKNOWN_OUTCOME}, ADVICE_MEMORY},
	{SQLITE_IOERR_CORRUPTFS, {RC_CORRUPT, RC_CORRUPT, RC_CORRUPT}, ADVICE_DAMAGED},
	{SQLITE_IOERR_DATA, {RC_CORRUPT, RC_CORRUPT, RC_CORRUPT}, ADVICE_DAMAGED},
	{SQLITE_IOERR, {RC_IO, RC_IO, RC_UNKNOWN_OUTCOME}, ADVICE_DISK},
	{SQLITE_CORRUPT, {RC_CORRUPT, RC_CORRUPT, RC_CORRUPT}, ADVICE_DAMAGED},
	{SQLITE_NOTADB, {RC_CORRUPT, RC_CORRUPT, RC_CORRUPT}, ADVICE_DAMAGED},
	{SQLITE_NOMEM, {RC_NOMEM, RC_NOMEM, RC_UNKNOWN_OUTCOME}, ADVICE_MEMORY},
	{SQLITE_CANTOPEN, {RC_SETUP, RC_SETUP, RC_UNKNOWN_OUTCOME}, ADVICE_ACCESS},
	{SQLITE_READONLY, {RC_SETUP, RC_SETUP, RC_UNKNOWN_OUTCOME}, ADVICE_ACCESS},
	{SQLITE_PERM, {RC_SETUP, RC_SETUP, RC_UNKNOWN_OUTCOME}, ADVICE_ACCESS},
	/* At open a header or schema that is none; later a statement of ours. */
	{SQLITE_ERROR, {RC_CORRUPT, RC_INTERNAL, RC_UNKNOWN_OUTCOME}, ADVICE_DAMAGED},
	{SQLITE_TOOBIG, {RC_TOO_BIG, RC_TOO_BIG, RC_UNKNOWN_OUTCOME}, ADVICE_REPORT},
};

static const struct result_rule result_other = {
	0, {RC_INTERNAL, RC_INTERNAL, RC_UNKNOWN_OUTCOME}, ADVICE_REPORT};

static const struct result_rule *result_rule(int code)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (rules[i].code == code)
			return &rules[i];
	}
	return NULL;
}

int result_set(struct err *e, sqlite3 *db, int code, enum result_phase phase, const char *doing)
{
	const struct result_rule *rule = result_rule(code);
	if (rule == NULL)
		rule = result_rule(code & 0xFF);
	if (rule == NULL)
		rule = &result_other;
	ENSURE(rule->rc[phase] != OUR_BUG);
	int rc = rule->rc[phase];
	if (MUTANT(IO_ERROR_REJECTED) && rc == RC_UNKNOWN_OUTCOME)
		rc = RC_DISK_FULL;
	const char *advice = rc == RC_UNKNOWN_OUTCOME ? ADVICE_UNKNOWN : rule->advice;
	/* The connection's own words are better than the code's, if they are about this code. */
	bool own = db != NULL && sqlite3_extended_errcode(db) == code;
	return err_set(e, rc, "cannot %s: %s (sqlite %d); %s", doing,
		own ? sqlite3_errmsg(db) : sqlite3_errstr(code), code, advice);
}
