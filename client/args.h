/* The command line, taken apart before it is known which command it names: every option has one
 * meaning everywhere, so flags may stand before or after the command. No abbreviations. */
#ifndef DELTAD_CLIENT_ARGS_H
#define DELTAD_CLIENT_ARGS_H

#include "proto/base/bytes.h"

enum opt {
	OPT_JSON,
	OPT_PLAIN,
	OPT_COLOR,
	OPT_LANG,
	OPT_NODE,
	OPT_AS,
	OPT_CLUSTER_ID,
	OPT_TIMEOUT,
	OPT_PASSPHRASE_FILE,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
	OPT_GLOBAL_END, /* those above go with every command */
	OPT_ADDR = OPT_GLOBAL_END,
	OPT_AFTER,
	OPT_ALL,
	OPT_ALONE,
	OPT_AREA,
	OPT_AS_OF,
	OPT_BELOW,
	OPT_CHANGE,
	OPT_CHECK,
	OPT_CLUSTER,
	OPT_CONFIG,
	OPT_DEMO,
	OPT_DRY_RUN,
	OPT_FINAL,
	OPT_FOR,
	OPT_FROM_PEERS,
	OPT_HISTORY,
	OPT_KEY,
	OPT_LEAD,
	OPT_MEMBER,
	OPT_NAME,
	OPT_NEXT,
	OPT_NO_PASSPHRASE,
	OPT_NOT_AFTER,
	OPT_NOTE,
	OPT_OFFLINE,
	OPT_OPERATOR,
	OPT_OUTPUT,
	OPT_POLICY,
	OPT_PROBLEM,
	OPT_PROGRESS,
	OPT_PROVINCE,
	OPT_QUORUM,
	OPT_REASON,
	OPT_RECEIPT,
	OPT_REMOVE,
	OPT_RETIRE,
	OPT_ROLE,
	OPT_ROOT,
	OPT_SCOPE,
	OPT_SINCE,
	OPT_STATUS,
	OPT_STRIKE,
	OPT_SUMMARY,
	OPT_TAKE,
	OPT_WAIT,
	OPT_WATCH,
	OPT_YES,
	OPT_END
};

#define OPT_BIT(o) (UINT64_C(1) << (o))
_Static_assert(OPT_END <= 64, "the options of a command are one 64-bit set");

#define ARGS_WORDS_MAX 64
#define ARGS_BYTES_MAX (64 * 1024) /* of one argument */

struct args {
	const char *word[ARGS_WORDS_MAX]; /* the command's words, then its operands */
	size_t n;
	const char *value[OPT_END]; /* NULL: not given; "" for a flag */
	const char *key[ARGS_WORDS_MAX];
	size_t n_key; /* --key may be repeated */
};

/* Everything borrowed from argv. RC_USAGE: an unknown option, one given twice, a value missing or
 * not wanted, bytes that are not clean UTF-8; RC_TOO_BIG: an argument over ARGS_BYTES_MAX. */
int args_parse(int argc, char **argv, struct args *out, struct err *e) MUST_CHECK;

/* "--progress". */
const char *args_name(enum opt o);
bool args_has(const struct args *a, enum opt o);
/* An empty range if it was not given. */
struct bytes args_bytes(const struct args *a, enum opt o);
/* Decimal digits only, in [min, max]; *out is left alone if it was not given. */
int args_number(const struct args *a, enum opt o, uint64_t min, uint64_t max, uint64_t *out,
	struct err *e) MUST_CHECK;
/* YYYY-MM-DD as yyyymmdd; *out is left alone if it was not given. */
int args_date(const struct args *a, enum opt o, uint32_t *out, struct err *e) MUST_CHECK;
/* "10s", "500ms", "2m", or seconds; *out in milliseconds, left alone if it was not given. */
int args_duration(const struct args *a, enum opt o, int64_t *out, struct err *e) MUST_CHECK;
/* RC_USAGE if both were given. */
int args_exclude(const struct args *a, enum opt x, enum opt y, struct err *e) MUST_CHECK;
/* RC_USAGE if it was not given. */
int args_require(const struct args *a, enum opt o, struct err *e) MUST_CHECK;

/* YYYY-MM-DD of the Gregorian calendar. */
bool date_parse(struct bytes s, uint32_t *yyyymmdd) MUST_CHECK;

#endif
