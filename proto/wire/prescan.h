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

/* Of protobuf's wire types, those that are not refused. */
enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_RANGE = 2, WIRE_FIXED32 = 5 };

#define TAG_BYTES 2
#define VARINT_BYTES 10
#define SCAN_DEPTH 4	    /* messages within messages, the outermost included */
#define SCAN_UNKNOWN_MAX 64 /* unknown fields passed over in a lax message */
#define SCAN_NOWHERE UINT16_MAX

struct scan_table;
struct ProtobufCMessageDescriptor;

/* One row a field. The last members say where the value stands in the decoded struct; the scan
 * itself does not need them (fields.h does). */
struct scan_field {
	uint32_t number;
	enum scan_type type;
	bool required;	/* by us: protobuf knows no such thing; a zero is as good as absent */
	bool mend;	/* words for a person: made clean when encoded instead of refused */
	bool ascending; /* elements stand in strictly ascending order of bytes: a set has one form
			 */
	uint32_t max_count;	      /* 1 = singular */
	uint32_t min_len, max_len;    /* bytes, for the length-delimited types */
	const struct scan_table *sub; /* SCAN_MESSAGE */
	uint16_t at;	   /* offset of the value, or of the pointer to an array if max_count > 1;
				SCAN_NOWHERE: checked and not kept */
	uint16_t count_at; /* offset of the array's size_t count */
};

struct scan_table {
	const char *name;		/* for errors: "Change" */
	const struct scan_field *field; /* ascending numbers */
	size_t n;
	size_t size; /* of the decoded struct; the offsets above are within it */
	bool lax;    /* unknown fields are passed over (at most SCAN_UNKNOWN_MAX) */
	/* Fields from this number on, unknown ones too, are alternatives: exactly one of them is
	 * there, or none where one_of_optional. 0 = the message has no alternatives. */
	uint32_t one_of;
	bool one_of_optional;
	uint16_t kind_at; /* offset of the enum that takes the alternative's number; 0 = unknown */
	const struct ProtobufCMessageDescriptor *pb; /* of an outermost message */
};

/* Tags of at most 2 bytes, minimal varints, ascending order, counts and lengths in bounds, depth <=
 * 4, no groups, sets in order, clean UTF-8 (text_is_clean), no field that carries its default value
 * where singular. RC_TOO_BIG: a count or length over its limit; RC_PEER_MESSAGE: everything else,
 * with table, field and offset. Linear in the input, no allocation. */
int prescan(const struct scan_table *t, struct bytes in, struct err *e) MUST_CHECK;

/* A minimal varint of at most max bytes, taken off the front of *rest; false: none there, *rest
 * unchanged. */
bool varint_take(struct bytes *rest, size_t max, uint64_t *out) MUST_CHECK;

#endif
