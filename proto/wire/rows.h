/* How the rows of the tables are written: ROW_U32(MUST, 1, change, version) is field 1, required,
 * and stands in `version` of struct change, whose type the compiler checks. Floor 2. */
#ifndef DELTAD_WIRE_ROWS_H
#define DELTAD_WIRE_ROWS_H

#include "proto/wire/prescan.h"

#define MUST true
#define MAY false

/* The offset of s.m; does not compile unless m is of the type given. */
#define ROW_AT(s, m, want)                                                                         \
	(uint16_t)(offsetof(struct s, m) + _Generic(((struct s *)0)->m, want : 0))
#define ROW_AT64(s, m)                                                                             \
	(uint16_t)(offsetof(struct s, m) + _Generic(((struct s *)0)->m, uint64_t : 0, int64_t : 0))
#define ROW_LIST(s, m, n) .at = (uint16_t)offsetof(struct s, m), .count_at = ROW_AT(s, n, size_t)

#define ROW_U32(must, num, s, m)                                                                   \
	{                                                                                          \
		.number = num, .type = SCAN_U32, .required = must, .max_count = 1,                 \
		.at = ROW_AT(s, m, uint32_t)                                                       \
	}
#define ROW_U64(must, num, s, m)                                                                   \
	{                                                                                          \
		.number = num, .type = SCAN_U64, .required = must, .max_count = 1,                 \
		.at = ROW_AT64(s, m)                                                               \
	}
#define ROW_BOOL(num, s, m)                                                                        \
	{                                                                                          \
		.number = num, .type = SCAN_BOOL, .max_count = 1, .at = ROW_AT(s, m, bool)         \
	}
#define ROW_RANGE(kind, must, num, s, m, min, max)                                                 \
	{                                                                                          \
		.number = num, .type = kind, .required = must, .max_count = 1, .min_len = min,     \
		.max_len = max, .at = ROW_AT(s, m, struct bytes)                                   \
	}
#define ROW_BYTES(must, num, s, m, min, max) ROW_RANGE(SCAN_BYTES, must, num, s, m, min, max)
#define ROW_STRING(must, num, s, m, max) ROW_RANGE(SCAN_STRING, must, num, s, m, 1, max)
#define ROW_TEXT(num, s, m, max) ROW_RANGE(SCAN_TEXT, MAY, num, s, m, 1, max)
/* Words for a person, which may quote what a peer wrote. */
#define ROW_WORDS(num, s, m, max)                                                                  \
	{                                                                                          \
		.number = num, .type = SCAN_TEXT, .mend = true, .max_count = 1, .min_len = 1,      \
		.max_len = max, .at = ROW_AT(s, m, struct bytes)                                   \
	}
#define ROW_RANGES(kind, must, num, s, m, n, count, min, max)                                      \
	{                                                                                          \
		.number = num, .type = kind, .required = must, .max_count = count, .min_len = min, \
		.max_len = max, ROW_LIST(s, m, n)                                                  \
	}
/* The sub-table's offsets are within s itself ... */
#define ROW_PART(num, table)                                                                       \
	{                                                                                          \
		.number = num, .type = SCAN_MESSAGE, .max_count = 1, .sub = table                  \
	}
/* ... or within its member m ... */
#define ROW_MESSAGE(must, num, s, m, part, table)                                                  \
	{                                                                                          \
		.number = num, .type = SCAN_MESSAGE, .required = must, .max_count = 1,             \
		.sub = table, .at = ROW_AT(s, m, part)                                             \
	}
/* ... or within the elements of an array. */
#define ROW_MESSAGES(must, num, s, m, n, count, table)                                             \
	{                                                                                          \
		.number = num, .type = SCAN_MESSAGE, .required = must, .max_count = count,         \
		.sub = table, ROW_LIST(s, m, n)                                                    \
	}

#define TABLE_ROWS(rows) .field = rows, .n = sizeof rows / sizeof rows[0]

#endif
