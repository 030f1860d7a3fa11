/* Any bytes as a bundle: however it is cut into pieces the same comes out, and a file that is taken
 * is written again byte for byte. The first byte says how long the pieces are (0: one) and whether
 * (128) the count and the sum at the end are put right first. (A Hello may hold fields that are not
 * written again.) */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/session.h"
#include "tests/lib/bundle_fixture.h"
#include "tests/fuzz/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[MESSAGE_ARENA];

struct reading {
	int end; /* BUNDLE_END, or the rc */
	struct bundle_place place;
	struct buf again; /* the file written anew, as far as records are messages in order */
	bool in_order;
};

static void take_record(
	struct reading *x, struct bundle_writer *w, struct bundle_form *f, struct bytes envelope)
{
	struct arena a;
	struct message m;
	struct err e = {0};
	arena_init(&a, room, sizeof(room));
	x->in_order = x->in_order && message_decode(envelope, &a, &m, &e) == RC_OK &&
		m.kind != MESSAGE_UNKNOWN && bundle_form_take(f, &m, &e) == RC_OK;
	if (x->in_order)
		bundle_write(w, &m, &x->again);
}

static void read_bundle(struct bytes file, size_t piece, struct reading *x)
{
	struct sha256_stream in_sum, out_sum;
	struct bundle_reader r;
	struct bundle_writer w = {0};
	struct bundle_form f = {0};
	struct bytes envelope;
	struct err e = {0};
	*x = (struct reading){.in_order = true};
	bundle_reader_init(&r, sha256_sum(&in_sum));
	bundle_write_begin(&w, sha256_sum(&out_sum), &x->again);
	while ((x->end = bundle_reader_next(&r, &envelope, &e)) == BUNDLE_RECORD ||
		(x->end == BUNDLE_MORE && file.n > 0)) {
		if (x->end == BUNDLE_RECORD) {
			take_record(x, &w, &f, envelope);
			continue;
		}
		size_t n = piece < file.n ? piece : file.n;
		bundle_reader_put(&r, bytes_of(file.p, n));
		file = bytes_of(file.p + n, file.n - n);
	}
	if (x->end == BUNDLE_MORE) {
		x->end = bundle_reader_finish(&r, &e);
		ENSURE(x->end == RC_BUNDLE);
	}
	ENSURE(x->end == BUNDLE_END || (x->end == e.rc && e.text[0] != '\0'));
	ENSURE(x->end == BUNDLE_END || x->end == RC_BUNDLE || x->end == RC_TOO_BIG);
	x->place = r.place;
	bundle_write_end(&w, &x->again);
	bundle_form_release(&f);
	bundle_reader_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole, cut;
	struct buf file = {0};
	if (size == 0)
		return 0;
	trust_ready();
	buf_put(&file, data + 1, size - 1);
	if (data[0] & 128)
		bundle_mend(&file);
	read_bundle(buf_bytes(&file), file.n, &whole);
	read_bundle(buf_bytes(&file), 1 + (data[0] & 127), &cut);
	ENSURE(whole.end == cut.end && whole.in_order == cut.in_order);
	ENSURE(whole.place.record == cut.place.record && whole.place.offset == cut.place.offset);
	ENSURE(bytes_equal(buf_bytes(&whole.again), buf_bytes(&cut.again)));
	if (whole.end == BUNDLE_END && whole.in_order && whole.again.n == file.n)
		ENSURE(bytes_equal(buf_bytes(&whole.again), buf_bytes(&file)));
	buf_release(&whole.again);
	buf_release(&cut.again);
	buf_release(&file);
	return 0;
}
