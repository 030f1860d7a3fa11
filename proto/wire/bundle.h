/* Bundles: what nodes say to each other, in a file, for offices without a line. Framing, and the
 * one order in which records stand; what they mean is the core's. Floor 2. Source: PROTOCOL 10. */
#ifndef DELTAD_WIRE_BUNDLE_H
#define DELTAD_WIRE_BUNDLE_H

#include "proto/wire/message.h"

#define BUNDLE_MAGIC "deltad-bundle/1\n"
#define BUNDLE_MAGIC_BYTES (sizeof(BUNDLE_MAGIC) - 1)
#define BUNDLE_TRAILER_BYTES (4 + 8 + BYTE_SUM_BYTES)

/* Where something stands in the file: records are counted from 1, the trailer is the one after the
 * last, 0 is the first line; bytes from 0, a record begins with its length. */
struct bundle_place {
	uint64_t record, offset;
};

/* ---- writing: each call appends what comes next to *out, which the caller empties ---- */
struct bundle_writer {
	struct byte_sum sum;
	uint64_t records;
	uint64_t bytes; /* of the file so far */
};

void bundle_write_begin(struct bundle_writer *w, struct byte_sum sum, struct buf *out);
/* In the order of bundle_form. */
void bundle_write(struct bundle_writer *w, const struct message *m, struct buf *out);
void bundle_write_end(struct bundle_writer *w, struct buf *out);

/* ---- reading, in pieces cut anywhere ---- */
enum bundle_state {
	BUNDLE_AT_MAGIC,
	BUNDLE_AT_RECORD,
	BUNDLE_AT_END, /* the trailer was right, and nothing may follow */
	BUNDLE_FAILED, /* for good */
};

struct bundle_reader {
	struct byte_sum sum;
	enum bundle_state state;
	struct buf held; /* read and not yet handed out: a piece and at most one record */
	size_t taken;	 /* bytes of it that the last record occupied */
	struct bundle_place place;
	uint64_t records; /* whole ones */
};

void bundle_reader_init(struct bundle_reader *r, struct byte_sum sum);
void bundle_reader_release(struct bundle_reader *r);
/* Copies the piece. */
void bundle_reader_put(struct bundle_reader *r, struct bytes piece);

enum bundle_next {
	BUNDLE_MORE = 0,   /* put the next piece */
	BUNDLE_RECORD = 1, /* *envelope, borrowed until the next call */
	BUNDLE_END = 2,	   /* trailer and sum are right, and nothing is left over */
};
/* enum bundle_next, or RC_BUNDLE, RC_TOO_BIG: the file is refused, r->place says where. A length
 * is judged as soon as it is there. */
int bundle_reader_next(struct bundle_reader *r, struct bytes *envelope, struct err *e) MUST_CHECK;
/* There is no further piece: RC_BUNDLE if the file is cut off. */
int bundle_reader_finish(struct bundle_reader *r, struct err *e) MUST_CHECK;

/* ---- the one order of records ---- */
struct bundle_form {
	enum message_kind kind; /* of the last record, MESSAGE_UNKNOWN before the first */
	struct buf last;	/* what the next record of this kind must be above, as bytes */
	uint64_t end;		/* of Leaves: where the next batch of this log begins */
	struct buf origins;	/* of Leaves so far, each with LF on both sides */
	size_t n_origins;
};

void bundle_form_release(struct bundle_form *f);
/* The next record. RC_BUNDLE: a kind that has no place in bundles, or not this place; a record that
 * stands twice; leaves that leave a gap, or do not end at their head. */
int bundle_form_take(struct bundle_form *f, const struct message *m, struct err *e) MUST_CHECK;

#endif
