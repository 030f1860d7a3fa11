/* The gate in front of every protobuf: a table-driven scan that refuses what protobuf-c would read
 * differently from others or expand without bound, before anything is allocated. Floor 2. Source:
 * PROTOCOL 2.2. */
#ifndef DELTAD_WIRE_PRESCAN_H
#define DELTAD_WIRE_PRESCAN_H

#include "proto/base/bytes.h"

enum scan_type {
	SCAN_U32,
	SCAN_U64,
	SCAN_BOOL,
	SCAN_BYTES,
	SCAN_STRING,
	SCAN_TEXT /* LF allowed */,
	SCAN_MESSAGE
};

struct scan_table;

struct scan_field {
	uint32_t number;
	enum scan_type type;
	uint32_t max_count;	      /* 1 = singular */
	uint32_t min_len, max_len;    /* bytes, for the length-delimited types */
	const struct scan_table *sub; /* SCAN_MESSAGE */
};

struct scan_table {
	const char *name;		/* for errors: "Change" */
	const struct scan_field *field; /* ascending numbers */
	size_t n;
	bool lax;    /* unknown fields are passed over (at most 64), for messages a newer peer may
			extend */
	bool one_of; /* exactly one field in all (Envelope, Request) */
};

/* Tags of at most 2 bytes, minimal varints, ascending order, counts and lengths in bounds, depth <=
 * 4, no groups, clean UTF-8 (text_is_clean), no field that carries its default value where
 * singular. RC_PEER_MESSAGE with table, field and offset. Linear in the input, no allocation. */
int prescan(const struct scan_table *t, struct bytes in, struct err *e) MUST_CHECK;

#endif
