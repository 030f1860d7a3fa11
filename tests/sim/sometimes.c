#include "tests/sim/sometimes.h"

#include <stdio.h>

#include "proto/base/err.h"
#include "tests/sim/shared.h"

static const char *const rows[] = {
#define ROW(name, text) text,
#include "tests/sim/sometimes.def"
#undef ROW
};

/* Every code that a node can come to answer or to refuse with in these runs. */
static const int codes[] = {RC_IO, RC_DISK_FULL, RC_UNKNOWN_OUTCOME, RC_DEGRADED, RC_TOO_NEW,
	RC_NOT_OPERATOR, RC_OUT_OF_SCOPE, RC_REFUSED, RC_REFUSED_VALUE, RC_REFUSED_WRITER,
	RC_REFUSED_REPEAT, RC_REFUSED_STALE, RC_VERIFY, RC_TOO_BIG, RC_PEER_FRAME, RC_PEER_MESSAGE,
	RC_PEER_STATE, RC_PEER_HANDSHAKE, RC_PEER_KEY, RC_PEER_CLUSTER, RC_PEER_VERSION,
	RC_PEER_HEAD, RC_PEER_BATCH, RC_PEER_ORIGIN, RC_PEER_EVIDENCE};
#define CODES (sizeof(codes) / sizeof(*codes))

static uint64_t *counts; /* of the rows, then of the codes */

void sometimes_init(void)
{
	if (counts == NULL)
		counts = shared_alloc((SOMETIMES_ROWS + CODES) * sizeof(*counts));
}

void sometimes(enum sometimes row)
{
	sometimes_many(row, 1);
}

void sometimes_many(enum sometimes row, uint64_t n)
{
	sometimes_init();
	shared_add(&counts[row], n);
}

void sometimes_rc(int rc)
{
	sometimes_init();
	for (size_t i = 0; i < CODES; i++)
		if (codes[i] == rc)
			shared_add(&counts[SOMETIMES_ROWS + i], 1);
}

static size_t print_row(uint64_t n, const char *id, const char *text)
{
	printf("%14llu  %s%s%s\n", (unsigned long long)n, id, text, n == 0 ? "   NEVER" : "");
	return n == 0;
}

size_t sometimes_print(void)
{
	size_t never = 0;
	printf("\n%14s  %s\n", "times", "what must happen sometimes");
	for (size_t i = 0; i < SOMETIMES_ROWS; i++)
		never += print_row(counts[i], "", rows[i]);
	for (size_t i = 0; i < CODES; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%s ", rc_id(codes[i]));
		never += print_row(counts[SOMETIMES_ROWS + i], id, rc_text(codes[i]));
	}
	return never;
}
