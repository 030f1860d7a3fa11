/* What a version of the roster changes, in sentences: whoever signs must be able to read it. */
#include <string.h>

#include "client/roster_text.h"
#include "client/show.h"
#include "client/text.h"

static void put_key(struct sheet *s, const char *slug, const char *purpose,
	const uint8_t was[KEY_BYTES], const uint8_t is[KEY_BYTES])
{
	char old[KEY_FINGERPRINT_SIZE], new[KEY_FINGERPRINT_SIZE];
	if (memcmp(was, is, KEY_BYTES) == 0)
		return;
	key_fingerprint(was, old);
	key_fingerprint(is, new);
	sheet_line(s, TONE_WARN, tr("* %s: the %s key is now %s (was %s)"), slug, tr_word(purpose),
		new, old);
}

static void put_member(struct sheet *s, const struct member *was, const struct member *is)
{
	put_key(s, is->slug, "root", was->root.public, is->root.public);
	put_key(s, is->slug, "log", was->log, is->log);
	put_key(s, is->slug, "cosign", was->cosign, is->cosign);
	put_key(s, is->slug, "noise", was->noise, is->noise);
	if (strcmp(was->addr, is->addr) != 0)
		sheet_line(s, TONE_WARN, tr("* %s: the address is now %s (was %s)"), is->slug,
			is->addr[0] ? is->addr : "-", was->addr[0] ? was->addr : "-");
	if (strcmp(was->name, is->name) != 0)
		sheet_line(s, TONE_WARN, tr("* %s: the name is now %s (was %s)"), is->slug,
			is->name, was->name);
}

static void put_members(struct sheet *s, const struct roster *now, const struct roster *next)
{
	for (size_t i = 0; i < next->n; i++) {
		int was = roster_find(now, bytes_str(next->member[i].slug));
		if (was >= 0)
			put_member(s, &now->member[was], &next->member[i]);
		else
			sheet_line(s, TONE_WARN, tr("* %s (%s) becomes a member"),
				next->member[i].slug, next->member[i].name);
	}
	for (size_t i = 0; i < now->n; i++)
		if (roster_find(next, bytes_str(now->member[i].slug)) < 0)
			sheet_line(s, TONE_BAD,
				tr("* %s (%s) is removed, for ever: nothing it writes counts any "
				   "more, and nobody can have its name again"),
				now->member[i].slug, now->member[i].name);
}

static void put_retired(struct sheet *s, const struct roster *now, const struct roster *next)
{
	for (size_t i = 0; i < next->n_retired; i++) {
		const struct retirement *t = &next->retired[i];
		if (!roster_retired(now, bytes_str(t->origin)))
			sheet_line(s, TONE_BAD,
				tr("* the log %s ends after %llu entries (%s): what stands there "
				   "after them does not count, for ever"),
				t->origin, (unsigned long long)t->valid_below, t->reason);
	}
}

unsigned roster_usual_final(size_t members)
{
	return members > 3 ? (unsigned)members - 2 : 1;
}

unsigned roster_usual_quorum(size_t provinces)
{
	return (unsigned)(provinces > 2 ? provinces - 1 : provinces);
}

size_t roster_provinces(const struct roster *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		n += r->member[i].role == ROLE_PROVINCE;
	return n;
}

/* Where members come or go, what was right for so many may not be for so many. */
static void put_numbers(struct sheet *s, const struct roster *now, const struct roster *next)
{
	size_t provinces = roster_provinces(next);
	unsigned final = roster_usual_final(next->n), quorum = roster_usual_quorum(provinces);
	if (now->n != next->n && next->final_quorum != final)
		sheet_line(s, TONE_WARN,
			tr("! final needs %u of %zu other members; with so many, %u is usual: "
			   "--final %u"),
			next->final_quorum, next->n - 1, final, final);
	if (roster_provinces(now) != provinces && next->province_quorum != quorum)
		sheet_line(s, TONE_WARN,
			tr("! the version after it needs %u of %zu provinces; with so many, %u is "
			   "usual: --quorum %u"),
			next->province_quorum, provinces, quorum, quorum);
}

void roster_put_changes(struct sheet *s, const struct roster *now, const struct roster *next)
{
	char was[DATE_TEXT_SIZE], is[DATE_TEXT_SIZE];
	show_date(now->not_after, was);
	show_date(next->not_after, is);
	sheet_line(s, TONE_NONE, tr("what changes from version %u to version %u:"), now->version,
		next->version);
	put_members(s, now, next);
	put_retired(s, now, next);
	if (now->not_after != next->not_after)
		sheet_line(s, TONE_WARN, tr("* valid until %s (was %s)"), is, was);
	if (now->final_quorum != next->final_quorum)
		sheet_line(s, TONE_WARN, tr("* final needs %u cosignatures (was %u)"),
			next->final_quorum, now->final_quorum);
	if (now->province_quorum != next->province_quorum)
		sheet_line(s, TONE_WARN,
			tr("* the version after it needs the regional office and %u provinces "
			   "(was %u)"),
			next->province_quorum, now->province_quorum);
	put_numbers(s, now, next);
}
