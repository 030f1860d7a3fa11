#include "client/show.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/text.h"
#include "proto/base/text.h"

#define DISPLAY_ZONE_MS (8 * 3600 * INT64_C(1000)) /* UTC+8, all year */
#define DAY_MS (24 * 3600 * INT64_C(1000))

char *show_text(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap); /* discouraged: the caller frees */
	va_end(ap);
	return n < 0 ? xstrdup("") : text;
}

void show_id(struct bytes id, char out[SHORT_ID_SIZE])
{
	if (id.n >= 4)
		hex_encode(id.p, 4, out);
	else
		snprintf(out, SHORT_ID_SIZE, "-");
}

void show_date(uint32_t d, char out[DATE_TEXT_SIZE])
{
	if (!date_is_valid(d))
		snprintf(out, DATE_TEXT_SIZE, "-");
	else
		snprintf(out, DATE_TEXT_SIZE, "%04u-%02u-%02u", d / 10000 % 10000, d / 100 % 100,
			d % 100);
}

int64_t show_date_start(uint32_t yyyymmdd)
{
	return date_days(yyyymmdd) * DAY_MS - DISPLAY_ZONE_MS;
}

uint32_t show_today(int64_t wall_ms)
{
	return date_of_days((int32_t)((wall_ms + DISPLAY_ZONE_MS) / DAY_MS));
}

void show_time(int64_t wall_ms, char out[TIME_TEXT_SIZE])
{
	/* What a stranger claims may be any number. */
	if (wall_ms <= 0 || wall_ms >= INT64_MAX - DISPLAY_ZONE_MS ||
		(wall_ms + DISPLAY_ZONE_MS) / DAY_MS > date_days(29991231)) {
		snprintf(out, TIME_TEXT_SIZE, "-");
		return;
	}
	char date[DATE_TEXT_SIZE];
	show_date(show_today(wall_ms), date);
	unsigned seconds = (unsigned)((wall_ms + DISPLAY_ZONE_MS) % DAY_MS / 1000);
	snprintf(out, TIME_TEXT_SIZE, "%.10s %02u:%02u:%02u +08:00", date, seconds / 3600 % 24,
		seconds / 60 % 60, seconds % 60);
}

char *show_span(int64_t ms)
{
	long long s = ms < 0 ? 0 : ms / 1000;
	if (s < 60)
		return show_text(tr("%lld s"), s);
	if (s < 3600)
		return show_text(tr("%lld min"), s / 60);
	if (s < 24 * 3600)
		return show_text(tr("%lld h %lld min"), s / 3600, s / 60 % 60);
	return show_text(tr("%lld d %lld h"), s / (24 * 3600), s / 3600 % 24);
}

char *show_ago(int64_t then_ms, int64_t now_ms)
{
	if (then_ms == 0)
		return xstrdup(tr("never"));
	char *span = show_span(now_ms - then_ms);
	char *ago = show_text(tr("%s ago"), span);
	free(span);
	return ago;
}

int64_t wall_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *show_member(const struct roster *r, const char *slug)
{
	int i = roster_find(r, bytes_str(slug));
	return i < 0 || text_lang() == LANG_EN ? slug : r->member[i].name;
}

struct bytes show_member_bytes(const struct roster *r, struct bytes slug)
{
	int i = roster_find(r, slug);
	return i < 0 || text_lang() == LANG_EN ? slug : bytes_str(r->member[i].name);
}

char *show_field(uint32_t slot, struct bytes holder)
{
	const struct slot_rule *rule = slot_find(slot);
	if (!rule)
		return show_text("slot%u", slot);
	char name[24];
	size_t n = strlen(rule->name);
	for (size_t i = 0; i <= n && i < sizeof name; i++)
		name[i] = rule->name[i] >= 'A' && rule->name[i] <= 'Z'
			? (char)(rule->name[i] - 'A' + 'a')
			: rule->name[i];
	name[sizeof name - 1] = 0;
	if (holder.n == 0)
		return xstrdup(name);
	return show_text("%s:%.*s", name, (int)holder.n, (const char *)holder.p);
}

#define NOTE_HOLDER_SHOWN 8

char *show_field_brief(uint32_t slot, struct bytes holder)
{
	if (slot == SLOT_NOTE && holder.n > NOTE_HOLDER_SHOWN)
		holder.n = NOTE_HOLDER_SHOWN;
	return show_field(slot, holder);
}
