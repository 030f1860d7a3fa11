/* Lines made of words that single spaces part: rosters and key files. Floor 2; for proto/trust
 * only. */
#ifndef DELTAD_TRUST_WORDS_H
#define DELTAD_TRUST_WORDS_H

#include "proto/base/bytes.h"

/* Drops the prefix; false, and *s as it was, if s does not begin with it. */
bool words_skip(struct bytes *s, const char *prefix);
/* Takes the next word; false where it would be empty: at the end, at a doubled or a trailing space.
 */
bool words_take(struct bytes *rest, struct bytes *word);
/* The next word, which must be the prefix and a value; false else. */
bool words_take_field(struct bytes *rest, const char *prefix, struct bytes *value);
/* NUL-terminated copy; the caller has checked that `to` holds s.n + 1 bytes. */
void words_copy(char *to, struct bytes s);

#endif
