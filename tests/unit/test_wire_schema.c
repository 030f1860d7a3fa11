/* The tables and the .proto files say the same: a field that is in one and not in the other, or of
 * another type, is found here. And protobuf-c as the second opinion on what is signed. */
#include "tests/unit/raw.h"

#include <protobuf-c/protobuf-c.h>

#include "proto/wire/fields.h"
#include "proto/wire/tables.h"

static unsigned tables_seen;

static bool same_type(const struct scan_field *f, const ProtobufCFieldDescriptor *d)
{
	switch (f->type) {
	case SCAN_U32: return d->type == PROTOBUF_C_TYPE_UINT32;
	case SCAN_U64: return d->type == PROTOBUF_C_TYPE_UINT64 || d->type == PROTOBUF_C_TYPE_INT64;
	case SCAN_BOOL: return d->type == PROTOBUF_C_TYPE_BOOL;
	case SCAN_BYTES: return d->type == PROTOBUF_C_TYPE_BYTES;
	case SCAN_STRING:
	case SCAN_TEXT: return d->type == PROTOBUF_C_TYPE_STRING;
	case SCAN_MESSAGE: return d->type == PROTOBUF_C_TYPE_MESSAGE;
	}
	return false;
}

static bool bounds_make_sense(const struct scan_field *f)
{
	bool number = f->type == SCAN_U32 || f->type == SCAN_U64 || f->type == SCAN_BOOL;
	if (number)
		return f->max_count == 1 && f->max_len == 0; /* repeated numbers would be packed */
	if (f->type == SCAN_MESSAGE)
		return f->max_count >= 1 && f->sub;
	return f->max_count >= 1 && f->max_len >= 1 && f->min_len >= 1 && f->min_len <= f->max_len;
}

static bool agrees(const struct scan_table *t, const ProtobufCMessageDescriptor *d);

static bool field_agrees(
	const struct scan_table *t, const struct scan_field *f, const ProtobufCMessageDescriptor *d)
{
	const ProtobufCFieldDescriptor *pf = protobuf_c_message_descriptor_get_field(d, f->number);
	if (!pf)
		return false;
	bool repeated = pf->label == PROTOBUF_C_LABEL_REPEATED;
	bool alternative = (pf->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
	return same_type(f, pf) && repeated == (f->max_count > 1) && bounds_make_sense(f) &&
		alternative == (t->one_of != 0 && f->number >= t->one_of) &&
		(f->at == SCAN_NOWHERE || t->size == 0 || f->at < t->size) &&
		(f->type != SCAN_MESSAGE || agrees(f->sub, pf->descriptor));
}

static bool agrees(const struct scan_table *t, const ProtobufCMessageDescriptor *d)
{
	tables_seen++;
	bool ok = strcmp(t->name, d->short_name) == 0 && t->n == d->n_fields;
	for (size_t i = 0; i < t->n; i++) {
		ok &= i == 0 || t->field[i - 1].number < t->field[i].number;
		ok &= field_agrees(t, &t->field[i], d);
	}
	if (!ok)
		print_error("table %s and its message differ\n", t->name);
	return ok;
}

static void every_table_agrees_with_its_message(void **state)
{
	(void)state;
	const struct scan_table *all[] = {&table_leaf, &table_change, &table_delegate,
		&table_revoke, &table_area, &table_task, &table_report, &table_overall, &table_note,
		&table_envelope, &table_request, &table_reply};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		assert_true(agrees(all[i], all[i]->pb));
	assert_int_equal(tables_seen, 12 + 7 + 12 + 18 + 22);
}

static void a_table_that_differs_is_found(void **state)
{
	(void)state;
	struct scan_field rows[16];
	struct scan_table t = table_change;
	t.field = rows;
	memcpy(rows, table_change.field, t.n * sizeof rows[0]);
	assert_true(agrees(&t, t.pb));
	rows[3].type = SCAN_U32;
	assert_false(field_agrees(&t, &rows[3], t.pb));
	rows[4].max_count = 2;
	assert_false(field_agrees(&t, &rows[4], t.pb));
	rows[5].number = 12;
	assert_false(field_agrees(&t, &rows[5], t.pb));
	rows[6].min_len = 0;
	assert_false(field_agrees(&t, &rows[6], t.pb));
	assert_false(field_agrees(&table_leaf, &table_leaf.field[1], table_reply.pb));
}

static void second_opinion(const struct scan_table *t, const char *hex, int rc)
{
	static uint8_t room[4096];
	struct arena a;
	struct buf b = {0};
	struct err e = {0};
	arena_init(&a, room, sizeof room);
	raw_hex(&b, hex);
	assert_int_equal(fields_same(t, buf_bytes(&b), &a, &e), rc);
	assert_int_equal(a.used, 0);
	buf_release(&b);
}

/* Bytes that the prescan would have refused before: should a table ever let one through, protobuf-c
 * still says no. */
static void what_protobuf_c_would_write_otherwise_is_refused(void **state)
{
	(void)state;
	second_opinion(&table_note, "0a 01 61 10 01", RC_OK);
	second_opinion(&table_note, "0a 01 61 10 02", RC_PEER_MESSAGE); /* true is 1 */
	second_opinion(&table_note, "10 01 0a 01 61", RC_PEER_MESSAGE); /* order */
	second_opinion(&table_note, "10 01 10 01", RC_PEER_MESSAGE);	/* twice */
	second_opinion(&table_note, "10 8100", RC_PEER_MESSAGE);	/* not minimal */
	second_opinion(&table_note, "10 00", RC_PEER_MESSAGE);		/* default */
	second_opinion(&table_note, "10", RC_PEER_MESSAGE);		/* cut */
	second_opinion(&table_leaf, "0801 4a00 4a00", RC_PEER_MESSAGE); /* merged */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_agrees_with_its_message),
		cmocka_unit_test(a_table_that_differs_is_found),
		cmocka_unit_test(what_protobuf_c_would_write_otherwise_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
