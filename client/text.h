/* What the user reads, in the user's language: a catalogue compiled in, looked up by the English
 * sentence. Run-time gettext is not used: it prints English where the locale is not generated. */
#ifndef DELTAD_CLIENT_TEXT_H
#define DELTAD_CLIENT_TEXT_H

#include "proto/base/err.h"

enum lang { LANG_EN, LANG_ZH };

/* --lang (NULL: not given) > DELTACTL_LANG > LC_ALL > LC_MESSAGES > LANG. RC_USAGE for a --lang
 * that is neither zh nor en; an environment in another language gives English. */
int text_choose(const char *option, struct err *e) MUST_CHECK;
void text_set(enum lang l);
enum lang text_lang(void);

/* The sentence in the chosen language; itself if the catalogue has none. Never NULL. */
const char *tr(const char *msgid) __attribute__((format_arg(1)));
/* For texts that stand in tables: marks one for the catalogue. */
#define N_(msgid) msgid
/* What the C library says of an errno. */
const char *tr_errno(int error);
/* Each sentence and its translation in the chosen language. */
void text_each(void (*fn)(void *arg, const char *msgid, const char *translation), void *arg);
/* The same look-up for texts that are never a format: names of statuses, verdicts, slots. */
const char *tr_word(const char *msgid);

#endif
