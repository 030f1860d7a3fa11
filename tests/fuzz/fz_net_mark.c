/* Any bytes as a mark file: a slot that is taken prints as it was read, and of a file the newest
 * whole slot of the right member counts, or it is refused. The first byte may say that the slots'
 * sums are put right, so that the rest of a slot is looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/net/mark.h"
#include "proto/trust/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SUM_AT (MARK_SLOT_BYTES - HASH_BYTES)
#define MENDS_FIRST 1
#define MENDS_SECOND 2

static char path[64];

static void remove_file(void)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

static void start(void)
{
	if (path[0] != '\0')
		return;
	ENSURE(trust_init(NULL) == RC_OK);
	strcpy(path, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fz-XXXXXX" : "/tmp/fz-XXXXXX");
	ENSURE(mkdtemp(path) != NULL);
	strcat(path, "/mark");
	atexit(remove_file);
}

static void mend(uint8_t *slot)
{
	struct hash sum;
	sha256(bytes_of(slot, SUM_AT), &sum);
	memcpy(slot + SUM_AT, sum.b, HASH_BYTES);
}

static bool try_slot(const uint8_t *in, struct mark_slot *s)
{
	struct err e = {0};
	uint8_t again[MARK_SLOT_BYTES];
	if (mark_decode(in, s, &e) != RC_OK) {
		ENSURE(e.rc == RC_CORRUPT);
		return false;
	}
	ENSURE(strlen(s->origin) < sizeof(s->origin));
	mark_encode(s, again);
	ENSURE(memcmp(again, in, sizeof(again)) == 0);
	return true;
}

static void try_file(const uint8_t *in, size_t size)
{
	struct mark_file *file = NULL;
	struct mark found = {0};
	struct mark_slot slot[2] = {0};
	struct err e = {0};
	FILE *f = fopen(path, "wbe");
	ENSURE(f != NULL && fwrite(in, 1, size, f) == size && fclose(f) == 0);
	bool first = size == MARK_FILE_BYTES && try_slot(in, &slot[0]);
	bool second = size == MARK_FILE_BYTES && try_slot(in + MARK_SLOT_BYTES, &slot[1]);
	int rc = mark_file_open(path, "jiangsu", &file, &found, &e);
	ENSURE(rc == RC_OK || rc == RC_CORRUPT);
	ENSURE(rc != RC_OK || (found.present && (first || second)));
	if (rc == RC_OK) {
		bool newer = second && (!first || slot[1].sequence > slot[0].sequence);
		ENSURE(found.size == slot[newer].size);
		ENSURE(strstr(found.origin, "/jiangsu/") != NULL);
		mark_file_close(file);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t in[MARK_FILE_BYTES] = {0};
	if (size == 0 || size > 1 + sizeof(in))
		return 0;
	start();
	memcpy(in, data + 1, size - 1);
	size_t n = data[0] & (MENDS_FIRST | MENDS_SECOND) ? sizeof(in) : size - 1;
	if (data[0] & MENDS_FIRST)
		mend(in);
	if (data[0] & MENDS_SECOND)
		mend(in + MARK_SLOT_BYTES);
	try_file(in, n);
	return 0;
}
