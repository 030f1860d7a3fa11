#include "proto/wire/bundle.h"

#include <string.h>

#include "proto/base/mutant.h"
#include "proto/base/text.h"

/* ---- writing ---- */

static void sum_and_count(struct bundle_writer *w, const struct buf *out, size_t start)
{
	w->sum.add(w->sum.self, bytes_of(out->p + start, out->n - start));
	w->bytes += out->n - start;
}

void bundle_write_begin(struct bundle_writer *w, struct byte_sum sum, struct buf *out)
{
	size_t start = out->n;
	*w = (struct bundle_writer){.sum = sum};
	buf_put_str(out, BUNDLE_MAGIC);
	sum_and_count(w, out, start);
}

void bundle_write(struct bundle_writer *w, const struct message *m, struct buf *out)
{
	size_t start = out->n;
	buf_put_u32be(out, 0);
	message_encode(m, out);
	put_u32be(out->p + start, (uint32_t)(out->n - start - 4));
	w->records++;
	sum_and_count(w, out, start);
}

void bundle_write_end(struct bundle_writer *w, struct buf *out)
{
	size_t start = out->n;
	uint8_t sum[BYTE_SUM_BYTES];
	buf_put_u32be(out, 0);
	buf_put_u64be(out, w->records);
	sum_and_count(w, out, start);
	w->sum.end(w->sum.self, sum);
	buf_put(out, sum, sizeof(sum));
	w->bytes += sizeof(sum);
}

/* ---- reading ---- */

void bundle_reader_init(struct bundle_reader *r, struct byte_sum sum)
{
	*r = (struct bundle_reader){.sum = sum};
}

void bundle_reader_release(struct bundle_reader *r)
{
	buf_release(&r->held);
	*r = (struct bundle_reader){.state = BUNDLE_FAILED};
}

/* What was handed out goes. */
static void drop_taken(struct bundle_reader *r)
{
	if (r->taken == 0)
		return;
	buf_consume(&r->held, r->taken);
	r->place.offset += r->taken;
	r->place.record++;
	r->taken = 0;
}

void bundle_reader_put(struct bundle_reader *r, struct bytes piece)
{
	drop_taken(r);
	buf_put_bytes(&r->held, piece);
}

static int fail(struct bundle_reader *r, int rc)
{
	r->state = BUNDLE_FAILED;
	return rc;
}

static int read_magic(struct bundle_reader *r, struct err *e)
{
	size_t n = r->held.n < BUNDLE_MAGIC_BYTES ? r->held.n : BUNDLE_MAGIC_BYTES;
	if (n > 0 && memcmp(r->held.p, BUNDLE_MAGIC, n) != 0)
		return fail(r, err_set(e, RC_BUNDLE, "this is no bundle of version 1"));
	if (n < BUNDLE_MAGIC_BYTES)
		return BUNDLE_MORE;
	r->sum.add(r->sum.self, bytes_of(r->held.p, n));
	r->taken = n;
	drop_taken(r);
	r->state = BUNDLE_AT_RECORD;
	return BUNDLE_RECORD;
}

static int read_trailer(struct bundle_reader *r, struct err *e)
{
	uint8_t sum[BYTE_SUM_BYTES];
	size_t summed = BUNDLE_TRAILER_BYTES - BYTE_SUM_BYTES;
	if (r->held.n < BUNDLE_TRAILER_BYTES)
		return BUNDLE_MORE;
	uint64_t count = get_u64be(r->held.p + 4);
	if (count != r->records)
		return fail(r,
			err_set(e, RC_BUNDLE, "%llu records, and the trailer counts %llu",
				(unsigned long long)r->records, (unsigned long long)count));
	r->sum.add(r->sum.self, bytes_of(r->held.p, summed));
	r->sum.end(r->sum.self, sum);
	if (memcmp(sum, r->held.p + summed, sizeof(sum)) != 0 && !MUTANT(BUNDLE_SUM_UNCHECKED))
		return fail(
			r, err_set(e, RC_BUNDLE, "the bytes do not give the trailer's SHA-256"));
	r->taken = BUNDLE_TRAILER_BYTES;
	r->state = BUNDLE_AT_END;
	return BUNDLE_END;
}

static int read_record(struct bundle_reader *r, struct bytes *envelope, struct err *e)
{
	if (r->held.n < 4)
		return BUNDLE_MORE;
	size_t n = get_u32be(r->held.p);
	if (n == 0)
		return read_trailer(r, e);
	if (n > LIMIT_ENVELOPE_BYTES)
		return fail(r,
			err_set(e, RC_TOO_BIG, "a record of %zu bytes, over the limit of %d", n,
				LIMIT_ENVELOPE_BYTES));
	if (r->held.n - 4 < n)
		return BUNDLE_MORE;
	r->sum.add(r->sum.self, bytes_of(r->held.p, 4 + n));
	*envelope = bytes_of(r->held.p + 4, n);
	r->taken = 4 + n;
	r->records++;
	return BUNDLE_RECORD;
}

int bundle_reader_next(struct bundle_reader *r, struct bytes *envelope, struct err *e)
{
	drop_taken(r);
	switch (r->state) {
	case BUNDLE_AT_MAGIC: {
		int rc = read_magic(r, e);
		return rc == BUNDLE_RECORD ? read_record(r, envelope, e) : rc;
	}
	case BUNDLE_AT_RECORD: return read_record(r, envelope, e);
	case BUNDLE_AT_END:
		if (r->held.n > 0)
			return fail(r, err_set(e, RC_BUNDLE, "bytes after the trailer"));
		return BUNDLE_END;
	case BUNDLE_FAILED: break;
	}
	return err_set(e, RC_BUNDLE, "this bundle was refused already");
}

int bundle_reader_finish(struct bundle_reader *r, struct err *e)
{
	struct bytes ignored;
	int rc = bundle_reader_next(r, &ignored, e);
	if (rc < 0)
		return rc;
	if (rc == BUNDLE_END)
		return RC_OK;
	return fail(r, err_set(e, RC_BUNDLE, "the file is cut off here"));
}

/* ---- order ---- */

void bundle_form_release(struct bundle_form *f)
{
	buf_release(&f->last);
	buf_release(&f->origins);
	*f = (struct bundle_form){0};
}

/* The place of each kind; 0: it has none. */
static int rank_of(enum message_kind k)
{
	switch (k) {
	case MESSAGE_HELLO: return 1;
	case MESSAGE_ROSTER: return 2;
	case MESSAGE_EVIDENCE: return 3;
	case MESSAGE_LEAVES: return 4;
	case MESSAGE_HEAD: return 5;
	case MESSAGE_COSIGNATURE: return 6;
	case MESSAGE_UNKNOWN:
	case MESSAGE_WANT:
	case MESSAGE_VIEW_DIGEST:
	case MESSAGE_PING:
	case MESSAGE_PONG:
	case MESSAGE_BYE: return 0;
	}
	return 0;
}

/* The n-th line of a note, from 0; empty if there are not so many. */
static struct bytes line_of(struct bytes note, size_t n)
{
	struct reader r = reader_of(note);
	struct bytes line = reader_line(&r);
	while (n-- > 0)
		line = reader_line(&r);
	return reader_ok(&r) ? line : (struct bytes){0};
}

static int check_head(const struct message *m, struct err *e)
{
	char size[24];
	text_print(size, sizeof(size), "%llu", (unsigned long long)(m->leaves.first + m->leaves.n));
	if (m->leaves.first > LIMIT_LOG_SIZE ||
		!bytes_equal(line_of(m->leaves.head, 0), m->leaves.origin) ||
		!bytes_equal(line_of(m->leaves.head, 1), bytes_str(size)))
		return err_set(e, RC_BUNDLE, "leaves that do not end at their head");
	return RC_OK;
}

/* PROTOCOL 10.2: within a kind, records ascend by this; of Leaves, the log that they are of. */
static int order_of(const struct message *m, struct buf *out, struct err *e)
{
	switch (m->kind) {
	case MESSAGE_ROSTER: {
		struct bytes line = line_of(m->note, 2);
		uint64_t version;
		if (line.n < 8 || memcmp(line.p, "version ", 8) != 0 ||
			!decimal_parse(bytes_of(line.p + 8, line.n - 8), UINT32_MAX, &version))
			return err_set(e, RC_BUNDLE, "a roster without a version");
		buf_put_u32be(out, (uint32_t)version);
		return RC_OK;
	}
	case MESSAGE_EVIDENCE:
		buf_put_bytes(out, m->evidence.first);
		buf_put_u8(out, 0);
		buf_put_bytes(out, m->evidence.second);
		return RC_OK;
	case MESSAGE_LEAVES: buf_put_bytes(out, m->leaves.origin); return check_head(m, e);
	case MESSAGE_HEAD: buf_put_bytes(out, line_of(m->note, 0)); return RC_OK;
	case MESSAGE_COSIGNATURE: buf_put_bytes(out, m->note); return RC_OK;
	case MESSAGE_UNKNOWN:
	case MESSAGE_HELLO:
	case MESSAGE_WANT:
	case MESSAGE_VIEW_DIGEST:
	case MESSAGE_PING:
	case MESSAGE_PONG:
	case MESSAGE_BYE: break;
	}
	return RC_OK;
}

/* The batches of one log stand together. */
static int check_log(struct bundle_form *f, const struct message *m, struct err *e)
{
	struct buf origin = {0};
	if (f->kind == MESSAGE_LEAVES && bytes_equal(m->leaves.origin, buf_bytes(&f->last)))
		return m->leaves.first == f->end
			? RC_OK
			: err_set(e, RC_BUNDLE,
				  "leaves from %llu on, where those from %llu on follow",
				  (unsigned long long)m->leaves.first, (unsigned long long)f->end);
	buf_put_u8(&origin, '\n');
	buf_put_bytes(&origin, m->leaves.origin);
	buf_put_u8(&origin, '\n');
	bool twice =
		f->origins.n > 0 && memmem(f->origins.p, f->origins.n, origin.p, origin.n) != NULL;
	buf_put_bytes(&f->origins, buf_bytes(&origin));
	buf_release(&origin);
	if (twice && !MUTANT(BUNDLE_LOG_TWICE))
		return err_set(e, RC_BUNDLE, "the leaves of a log stand in two places");
	return ++f->n_origins <= LIMIT_LOGS
		? RC_OK
		: err_set(e, RC_TOO_BIG, "leaves of more than %d logs", LIMIT_LOGS);
}

static int check_order(
	const struct bundle_form *f, const struct message *m, struct bytes key, struct err *e)
{
	return bytes_compare(key, buf_bytes(&f->last)) > 0
		? RC_OK
		: err_set(e, RC_BUNDLE, "a %s that does not come after the one before it",
			  message_kind_name(m->kind));
}

int bundle_form_take(struct bundle_form *f, const struct message *m, struct err *e)
{
	int rank = rank_of(m->kind), before = rank_of(f->kind);
	if (rank == 0)
		return err_set(
			e, RC_BUNDLE, "a %s has no place in a bundle", message_kind_name(m->kind));
	if (rank < before || (before == 0) != (m->kind == MESSAGE_HELLO))
		return err_set(e, RC_BUNDLE, "a %s out of its place", message_kind_name(m->kind));
	struct buf key = {0};
	int rc = order_of(m, &key, e);
	if (rc == RC_OK && m->kind == MESSAGE_LEAVES)
		rc = check_log(f, m, e);
	else if (rc == RC_OK && rank == before)
		rc = check_order(f, m, buf_bytes(&key), e);
	if (rc == RC_OK) {
		buf_release(&f->last);
		f->last = key;
		f->kind = m->kind;
		f->end = m->kind == MESSAGE_LEAVES ? m->leaves.first + m->leaves.n : 0;
		return RC_OK;
	}
	buf_release(&key);
	return rc;
}
