/* Names of things: hashes, members, tasks, logs. Floor 1. Source: PROTOCOL 1, 2, 3. */
#ifndef DELTAD_MODEL_IDS_H
#define DELTAD_MODEL_IDS_H

#include "proto/base/bytes.h"

#define HASH_BYTES 32

struct hash {
	uint8_t b[HASH_BYTES];
};

bool hash_equal(const struct hash *a, const struct hash *b);
int hash_compare(const struct hash *a, const struct hash *b);
bool hash_is_zero(const struct hash *h);
struct bytes hash_bytes(const struct hash *h);
#define HASH_HEX_SIZE 65
/* Lower-case hex, NUL-terminated. */
void hash_print(const struct hash *h, char out[HASH_HEX_SIZE]);
bool hash_parse(struct bytes hex, struct hash *out) MUST_CHECK;

/* A member's slug: [a-z][a-z0-9-]{1,19}. The same rule names clusters ([a-z][a-z0-9.-]{1,39}). */
#define SLUG_SIZE 21
#define CLUSTER_SIZE 41
bool slug_is_valid(struct bytes s);
bool cluster_name_is_valid(struct bytes s);

/* A task's key: area 1..99, '-', 01..999 in 2 or 3 digits ("3-05"); "" means plan-wide where
 * allowed. */
#define TASK_KEY_SIZE 8
bool task_key_is_valid(struct bytes s);
/* Order of the plan: "" first, then area and number as numbers. */
int task_key_compare(struct bytes a, struct bytes b);
/* The area number of a valid key, 0 for "". */
unsigned task_key_area(struct bytes s);

/* origin = cluster "/" member "/" N "-" xxxxxxxx (PROTOCOL 3), e.g.
 * yrd-2024-2026/jiangsu/1-9f3a6c0d. */
#define ORIGIN_SIZE (CLUSTER_SIZE + SLUG_SIZE + 24)
struct origin {
	char text[ORIGIN_SIZE];
	char cluster[CLUSTER_SIZE];
	char member[SLUG_SIZE];
	uint32_t epoch; /* 1.. */
	uint32_t salt;	/* the 4 random bytes */
};

int origin_parse(struct bytes s, struct origin *out, struct err *e) MUST_CHECK;
void origin_make(
	struct origin *out, const char *cluster, const char *member, uint32_t epoch, uint32_t salt);

/* A hybrid logical clock stamp: 48-bit ms since 1970, 16-bit counter (PROTOCOL 3). */
#define HLC_MS(h) ((int64_t)((h) >> 16))
#define HLC_OF_MS(ms) ((uint64_t)(ms) << 16)

/* A calendar date as the number yyyymmdd; 0 = none. Valid: 1900-01-01..2999-12-31 of the Gregorian
 * calendar. */
bool date_is_valid(uint32_t yyyymmdd);
/* Days since 1970-01-01 of a valid date. */
int32_t date_days(uint32_t yyyymmdd);
uint32_t date_of_days(int32_t days);

#endif
