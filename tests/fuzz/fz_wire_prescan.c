/* Any bytes before the gate, as the message that the first byte names: what passes, protobuf-c
 * reads as well, in little memory, and writes again in no more bytes. */
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>

#include "proto/wire/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A field of two bytes becomes an element of an array, or a range of its own. */
#define MEMORY_A_BYTE 128
#define MEMORY_BASE 4096

static const struct scan_table *const tables[] = {&table_leaf, &table_change, &table_delegate,
	&table_revoke, &table_area, &table_task, &table_report, &table_overall, &table_note,
	&table_envelope, &table_request, &table_reply};

static void *count_alloc(void *used, size_t n)
{
	*(size_t *)used += n;
	return malloc(n);
}

static void count_free(void *used, void *p)
{
	(void)used;
	free(p);
}

static void read_with_protobuf_c(const struct scan_table *t, struct bytes in)
{
	size_t used = 0;
	ProtobufCAllocator a = {count_alloc, count_free, &used};
	ProtobufCMessage *m = protobuf_c_message_unpack(t->pb, &a, in.n, in.p);
	ENSURE(m != NULL);
	ENSURE(used <= MEMORY_BASE + MEMORY_A_BYTE * in.n);
	ENSURE(protobuf_c_message_get_packed_size(m) <= in.n);
	protobuf_c_message_free_unpacked(m, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	if (size == 0)
		return 0;
	const struct scan_table *t = tables[data[0] % (sizeof(tables) / sizeof(*tables))];
	struct bytes in = bytes_of(data + 1, size - 1);
	int rc = prescan(t, in, &e);
	ENSURE(rc == RC_OK || rc == RC_PEER_MESSAGE || rc == RC_TOO_BIG);
	ENSURE(e.rc == rc && (rc == RC_OK) == (e.text[0] == '\0'));
	if (rc == RC_OK && t->pb != NULL)
		read_with_protobuf_c(t, in);
	return 0;
}
