#include "tests/sim/sometimes.h"

#include <stdio.h>

#include "proto/base/err.h"

static struct {
	const char *text;
	uint64_t n;
} rows[] = {
#define ROW(name, text) {text, 0},
#include "tests/sim/sometimes.def"
#undef ROW
};

/* Every code that a node can come to answer or to refuse with in these runs. */
static struct {
	int rc;
	uint64_t n;
} codes[] = {{RC_IO, 0}, {RC_DISK_FULL, 0}, {RC_UNKNOWN_OUTCOME, 0}, {RC_DEGRADED, 0},
	{RC_TOO_NEW, 0}, {RC_NOT_OPERATOR, 0}, {RC_OUT_OF_SCOPE, 0}, {RC_REFUSED, 0},
	{RC_REFUSED_VALUE, 0}, {RC_REFUSED_WRITER, 0}, {RC_REFUSED_REPEAT, 0},
	{RC_REFUSED_STALE, 0}, {RC_VERIFY, 0}, {RC_TOO_BIG, 0}, {RC_PEER_FRAME, 0},
	{RC_PEER_MESSAGE, 0}, {RC_PEER_STATE, 0}, {RC_PEER_HANDSHAKE, 0}, {RC_PEER_KEY, 0},
	{RC_PEER_CLUSTER, 0}, {RC_PEER_VERSION, 0}, {RC_PEER_HEAD, 0}, {RC_PEER_BATCH, 0},
	{RC_PEER_ORIGIN, 0}, {RC_PEER_LIMIT, 0}};
#define CODES (sizeof(codes) / sizeof(*codes))

void sometimes(enum sometimes row)
{
	rows[row].n++;
}

void sometimes_many(enum sometimes row, uint64_t n)
{
	rows[row].n += n;
}

void sometimes_rc(int rc)
{
	for (size_t i = 0; i < CODES; i++)
		codes[i].n += codes[i].rc == rc;
}

size_t sometimes_print(void)
{
	size_t never = 0;
	printf("\n%14s  %s\n", "times", "what must happen sometimes");
	for (size_t i = 0; i < SOMETIMES_ROWS; i++) {
		printf("%14llu  %s%s\n", (unsigned long long)rows[i].n, rows[i].text,
			rows[i].n == 0 ? "   NEVER" : "");
		never += rows[i].n == 0;
	}
	for (size_t i = 0; i < CODES; i++) {
		printf("%14llu  %s %s%s\n", (unsigned long long)codes[i].n, rc_id(codes[i].rc),
			rc_text(codes[i].rc), codes[i].n == 0 ? "   NEVER" : "");
		never += codes[i].n == 0;
	}
	return never;
}
