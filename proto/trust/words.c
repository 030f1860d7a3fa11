#include "proto/trust/words.h"

#include <string.h>

bool words_skip(struct bytes *s, const char *prefix)
{
	size_t n = strlen(prefix);
	if (s->n < n || memcmp(s->p, prefix, n) != 0)
		return false;
	*s = bytes_of(s->p + n, s->n - n);
	return true;
}

bool words_take(struct bytes *rest, struct bytes *word)
{
	const uint8_t *space = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
	*word = bytes_of(rest->p, space ? (size_t)(space - rest->p) : rest->n);
	if (word->n == 0 || word->n + 1 == rest->n)
		return false;
	*rest = space ? bytes_of(space + 1, rest->n - word->n - 1) : bytes_of(NULL, 0);
	return true;
}

bool words_take_field(struct bytes *rest, const char *prefix, struct bytes *value)
{
	return words_take(rest, value) && words_skip(value, prefix) && value->n > 0;
}

void words_copy(char *to, struct bytes s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}
