/* Any bytes as a plan file, and what stands in it on a screen: a row that is taken can be signed as
 * it is, and a text that is shown is clean whatever it was. */
#include "client/plan.h"
#include "client/width.h"
#include "proto/base/text.h"
#include "proto/wire/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct plan_row *row)
{
	struct buf out = {0};
	struct err e = {0};
	struct change c = {.version = CHANGE_VERSION,
		.task = row->task,
		.slot = (uint32_t)row->value.slot,
		.holder = row->holder};
	ENSURE(row->line >= 2);
	ENSURE(row->value.slot == SLOT_AREA || row->value.slot == SLOT_TASK);
	ENSURE((row->task.n == 0) == (row->value.slot == SLOT_AREA));
	ENSURE(value_check(&row->value, &c, &e) == RC_OK);
	ENSURE(value_encode(&row->value, &out, &e) == RC_OK);
	buf_release(&out);
}

static void try_plan(struct bytes in)
{
	struct plan p = {0};
	struct err e = {0};
	int rc = plan_parse(&p, in, &e);
	ENSURE(rc == RC_OK || (rc == RC_PLAN_FILE && e.text[0] != '\0'));
	ENSURE(p.n <= PLAN_ROWS_MAX);
	for (size_t i = 0; rc == RC_OK && i < p.n; i++)
		check_row(&p.row[i]);
	plan_release(&p);
}

static void try_shown(struct bytes in)
{
	for (int how = ESCAPE_LINE; how <= ESCAPE_TSV; how++) {
		struct buf out = {0};
		escape_put(&out, in, (enum escape)how);
		for (size_t i = 0; i < out.n; i++)
			ENSURE(out.p[i] >= 0x20 || (out.p[i] == '\n' && how == ESCAPE_BLOCK));
		buf_put_u8(&out, 0);
		size_t width = width_of((const char *)out.p);
		ENSURE(width_fit((const char *)out.p, width) <= out.n);
		buf_release(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	try_plan(in);
	try_shown(in);
	return 0;
}
