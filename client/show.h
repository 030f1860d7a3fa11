/* Small things as people read them: ids, dates, times, spans, values. All append to a buffer or
 * return a new string for free(); what others wrote is escaped by whoever prints it. */
#ifndef DELTAD_CLIENT_SHOW_H
#define DELTAD_CLIENT_SHOW_H

#include <jansson.h>

#include "proto/model/value.h"
#include "proto/trust/roster.h"

/* printf into a new string. */
char *show_text(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The first 8 hex digits of a hash or id; "-" for an empty one. */
#define SHORT_ID_SIZE 9
void show_id(struct bytes id, char out[SHORT_ID_SIZE]);
/* "2024-07-25", "-" for 0. */
#define DATE_TEXT_SIZE 16
void show_date(uint32_t yyyymmdd, char out[DATE_TEXT_SIZE]);
/* "2024-07-25 14:03:09 +08:00", always in that zone; "-" outside the years 1900 to 2999. */
#define TIME_TEXT_SIZE 32
void show_time(int64_t wall_ms, char out[TIME_TEXT_SIZE]);
/* When a day begins in UTC+8, in milliseconds since 1970. */
int64_t show_date_start(uint32_t yyyymmdd);
/* Today in UTC+8. */
uint32_t show_today(int64_t wall_ms);
/* "3 days 4 hours", "26 minutes", "2 seconds". */
char *show_span(int64_t ms);
/* show_span with "ago"; "never" for 0. */
char *show_ago(int64_t then_ms, int64_t now_ms);
int64_t wall_now_ms(void);

/* The member's name in Chinese, the slug in English or if the roster has no such member. */
const char *show_member(const struct roster *r, const char *slug);
struct bytes show_member_bytes(const struct roster *r, struct bytes slug);
/* One line of what a value says: "in progress 60 %, as of 2026-11-20, …". */
char *show_value(const struct value *v);
/* The value's fields for --json. */
json_t *value_json(const struct value *v);
/* "report:jiangsu", "task", "area:3", "note:…": how the command line names a register of a task. */
char *show_field(uint32_t slot, struct bytes holder);
/* The same for people, who name a note by the beginning of its id. */
char *show_field_brief(uint32_t slot, struct bytes holder);

#endif
