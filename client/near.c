#include "client/near.h"

#include <string.h>

#define WORD_MAX 40
#define SHORT_WORD 5

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Letters put in, taken out, replaced, or exchanged with the next one. */
static unsigned edits_between(const char *a, size_t n, const char *b, size_t m)
{
	unsigned row[3][WORD_MAX + 1];
	for (unsigned j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = row[i % 3], *above = row[(i + 2) % 3], *before = row[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = least(least(now[j - 1], above[j]) + 1,
				above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return row[n % 3][m];
}

void near_offer(struct near *n, const char *word, const char *known)
{
	size_t a = strlen(word), b = strlen(known);
	if (a > WORD_MAX || b > WORD_MAX)
		return;
	unsigned edits = edits_between(word, a, known, b), most = a <= SHORT_WORD ? 1 : 2;
	if (edits > most || (n->best && edits >= n->edits))
		return;
	*n = (struct near){known, edits};
}
