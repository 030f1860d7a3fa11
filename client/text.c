#include "client/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/catalogue.h"

static enum lang chosen = LANG_EN;

void text_set(enum lang l)
{
	chosen = l;
}

enum lang text_lang(void)
{
	return chosen;
}

int text_choose(const char *option, struct err *e)
{
	static const char *const variables[] = {"DELTACTL_LANG", "LC_ALL", "LC_MESSAGES", "LANG"};
	if (option) {
		if (strcmp(option, "zh") != 0 && strcmp(option, "en") != 0)
			return err_set(
				e, RC_USAGE, tr("--lang is zh or en, not \"%.40s\""), option);
		chosen = strcmp(option, "zh") == 0 ? LANG_ZH : LANG_EN;
		return RC_OK;
	}
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		const char *value = getenv(variables[i]);
		if (!value || !*value)
			continue;
		chosen = strncmp(value, "zh", 2) == 0 ? LANG_ZH : LANG_EN;
		return RC_OK;
	}
	chosen = LANG_EN;
	return RC_OK;
}

/* The catalogues are GNU .mo files as msgfmt writes them, little-endian (gettext manual, "The
 * Format of GNU MO Files"): sorted originals, and translations in the same order. They come from
 * our own build, so their form is not checked. */
static uint32_t mo_u32(const unsigned char *mo, size_t at)
{
	return (uint32_t)mo[at] | (uint32_t)mo[at + 1] << 8 | (uint32_t)mo[at + 2] << 16 |
		(uint32_t)mo[at + 3] << 24;
}

static const char *mo_string(const unsigned char *mo, uint32_t table, uint32_t i)
{
	return (const char *)mo + mo_u32(mo, table + 8 * (size_t)i + 4);
}

static const char *mo_find(const unsigned char *mo, const char *msgid)
{
	uint32_t originals = mo_u32(mo, 12), translations = mo_u32(mo, 16);
	uint32_t low = 0, high = mo_u32(mo, 8);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(msgid, mo_string(mo, originals, middle));
		if (order == 0)
			return mo_string(mo, translations, middle);
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const unsigned char *catalogue(void)
{
	return chosen == LANG_ZH ? catalogue_zh : catalogue_en;
}

void text_each(void (*fn)(void *arg, const char *msgid, const char *translation), void *arg)
{
	const unsigned char *mo = catalogue();
	for (uint32_t i = 0; i < mo_u32(mo, 8); i++)
		fn(arg, mo_string(mo, mo_u32(mo, 12), i), mo_string(mo, mo_u32(mo, 16), i));
}

const char *tr_word(const char *msgid)
{
	if (!*msgid)
		return msgid;
	const char *found = mo_find(catalogue(), msgid);
	return found && *found ? found : msgid;
}

const char *tr_errno(int error)
{
	return tr_word(strerror(error));
}

const char *tr(const char *msgid)
{
	return tr_word(msgid);
}
