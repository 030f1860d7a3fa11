#include "proto/model/ids.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/text.h"

bool hash_equal(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, HASH_BYTES) == 0;
}

int hash_compare(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, HASH_BYTES);
}

bool hash_is_zero(const struct hash *h)
{
	static const struct hash zero;
	return hash_equal(h, &zero);
}

struct bytes hash_bytes(const struct hash *h)
{
	return bytes_of(h->b, HASH_BYTES);
}

void hash_print(const struct hash *h, char out[HASH_HEX_SIZE])
{
	hex_encode(h->b, HASH_BYTES, out);
}

bool hash_parse(struct bytes hex, struct hash *out)
{
	return hex_decode(hex, out->b, HASH_BYTES);
}

/* [a-z] and then letters, digits, '-' and what `also` holds; 2 to max characters. */
static bool is_name(struct bytes s, size_t max, const char *also)
{
	if (s.n < 2 || s.n > max || s.p[0] < 'a' || s.p[0] > 'z')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
		if (!plain && (c == '\0' || !strchr(also, c)))
			return false;
	}
	return true;
}

bool slug_is_valid(struct bytes s)
{
	return is_name(s, SLUG_SIZE - 1, "");
}

bool cluster_name_is_valid(struct bytes s)
{
	return is_name(s, CLUSTER_SIZE - 1, ".");
}

/* One text a task: "3-05" and "3-100", but neither "3-5" nor "3-005". */
static bool split_task_key(struct bytes s, unsigned *area, unsigned *number)
{
	const uint8_t *dash = s.n ? memchr(s.p, '-', s.n) : NULL;
	if (!dash)
		return false;
	size_t at = (size_t)(dash - s.p);
	uint64_t a, n;
	if (!decimal_parse(bytes_of(s.p, at), 99, &a) || a == 0)
		return false;

	struct bytes digits = bytes_of(dash + 1, s.n - at - 1);
	if (digits.n == 2 && digits.p[0] == '0')
		digits = bytes_of(digits.p + 1, 1);
	else if (digits.n < 2)
		return false;
	if (!decimal_parse(digits, 999, &n) || n == 0)
		return false;
	*area = (unsigned)a;
	*number = (unsigned)n;
	return true;
}

bool task_key_is_valid(struct bytes s)
{
	unsigned area, number;
	return split_task_key(s, &area, &number);
}

int task_key_compare(struct bytes a, struct bytes b)
{
	unsigned area_a = 0, area_b = 0, number_a = 0, number_b = 0;
	bool valid_a = a.n == 0 || split_task_key(a, &area_a, &number_a);
	bool valid_b = b.n == 0 || split_task_key(b, &area_b, &number_b);
	if (valid_a != valid_b)
		return valid_a ? -1 : 1;
	if (!valid_a)
		return bytes_compare(a, b);
	if (area_a != area_b)
		return area_a < area_b ? -1 : 1;
	return (number_a > number_b) - (number_a < number_b);
}

unsigned task_key_area(struct bytes s)
{
	unsigned area, number;
	return split_task_key(s, &area, &number) ? area : 0;
}

static bool parse_epoch(struct bytes s, uint32_t *epoch, uint32_t *salt)
{
	uint8_t raw[4];
	uint64_t number;
	if (s.n < 10 || s.p[s.n - 9] != '-')
		return false;
	if (!decimal_parse(bytes_of(s.p, s.n - 9), UINT32_MAX, &number) || number == 0)
		return false;
	if (!hex_decode(bytes_of(s.p + s.n - 8, 8), raw, sizeof raw))
		return false;
	*epoch = (uint32_t)number;
	*salt = get_u32be(raw);
	return true;
}

/* What stands before the next '/', which is dropped; everything where there is none. */
static struct bytes next_part(struct bytes *rest)
{
	const uint8_t *slash = rest->n ? memchr(rest->p, '/', rest->n) : NULL;
	size_t n = slash ? (size_t)(slash - rest->p) : rest->n;
	struct bytes part = bytes_of(rest->p, n);
	*rest = slash ? bytes_of(slash + 1, rest->n - n - 1) : (struct bytes){0};
	return part;
}

int origin_parse(struct bytes s, struct origin *out, struct err *e)
{
	struct bytes rest = s;
	struct bytes cluster = next_part(&rest), member = next_part(&rest);
	uint32_t epoch, salt;
	if (!cluster_name_is_valid(cluster) || !slug_is_valid(member) ||
		!parse_epoch(rest, &epoch, &salt))
		return err_set(e, RC_INPUT,
			"the name of a log must be cluster/member/N-xxxxxxxx, "
			"such as yrd-2024-2026/jiangsu/1-9f3a6c0d");

	*out = (struct origin){.epoch = epoch, .salt = salt};
	memcpy(out->text, s.p, s.n);
	memcpy(out->cluster, cluster.p, cluster.n);
	memcpy(out->member, member.p, member.n);
	return RC_OK;
}

void origin_make(
	struct origin *out, const char *cluster, const char *member, uint32_t epoch, uint32_t salt)
{
	ENSURE(cluster_name_is_valid(bytes_str(cluster)));
	ENSURE(slug_is_valid(bytes_str(member)));
	ENSURE(epoch > 0);
	*out = (struct origin){.epoch = epoch, .salt = salt};
	snprintf(out->cluster, sizeof out->cluster, "%s", cluster);
	snprintf(out->member, sizeof out->member, "%s", member);
	snprintf(out->text, sizeof out->text, "%s/%s/%u-%08x", cluster, member, epoch, salt);
}

static bool is_leap(uint32_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t month_days(uint32_t year, uint32_t month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

bool date_is_valid(uint32_t yyyymmdd)
{
	uint32_t year = yyyymmdd / 10000, month = yyyymmdd / 100 % 100, day = yyyymmdd % 100;
	if (year < 1900 || year > 2999 || month < 1 || month > 12)
		return false;
	return day >= 1 && day <= month_days(year, month);
}

/* Days from 0000-03-01 to 1970-01-01. With the year begun in March, the leap day is its last, and
 * the months' lengths follow one line: (153 m + 2) / 5. */
#define EPOCH_DAYS 719468
#define DAYS_400_YEARS 146097

int32_t date_days(uint32_t yyyymmdd)
{
	ENSURE(date_is_valid(yyyymmdd));
	int32_t month = (int32_t)(yyyymmdd / 100 % 100), day = (int32_t)(yyyymmdd % 100);
	int32_t year = (int32_t)(yyyymmdd / 10000) - (month <= 2);
	int32_t from_march = (month + 9) % 12;
	int32_t leaps = year / 4 - year / 100 + year / 400;
	return 365 * year + leaps + (153 * from_march + 2) / 5 + day - 1 - EPOCH_DAYS;
}

uint32_t date_of_days(int32_t days)
{
	ENSURE(days >= date_days(19000101) && days <= date_days(29991231));
	int32_t n = days + EPOCH_DAYS;
	int32_t era = n / DAYS_400_YEARS, in_era = n % DAYS_400_YEARS;
	int32_t year_of_era =
		(in_era - in_era / 1460 + in_era / 36524 - in_era / (DAYS_400_YEARS - 1)) / 365;
	int32_t in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int32_t from_march = (5 * in_year + 2) / 153;
	int32_t day = in_year - (153 * from_march + 2) / 5 + 1;
	int32_t month = from_march < 10 ? from_march + 3 : from_march - 9;
	int32_t year = 400 * era + year_of_era + (month <= 2);
	return (uint32_t)(year * 10000 + month * 100 + day);
}
