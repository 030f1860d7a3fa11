#include "tests/lib/store_rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "proto/base/text.h"

int store_round_write(struct store_fixture *f, uint64_t k)
{
	char text[32];
	snprintf(text, sizeof text, "%u", (unsigned)k);
	struct store_log log = {.id = 1, .origin = "yrd/anhui/1-00000000", .size = k};
	struct store_head head = {k, k, bytes_str(text)};
	struct store_change c = {.id = hash_of_number(k), .log = 1, .index = k};
	struct hash before = hash_of_number(k - 1);
	int64_t reg = 0;
	int rc = STORE_DO(f, meta_put, "round", bytes_str(text));
	if (rc == RC_OK)
		rc = STORE_DO(f, log_put, &log);
	if (rc == RC_OK)
		rc = STORE_DO(f, head_put, 1, &head);
	if (rc == RC_OK)
		rc = STORE_DO(f, leaf_put, 1, k, bytes_str(text));
	if (rc == RC_OK)
		rc = STORE_DO(f, register_id, bytes_str("1-01"), 3, bytes_str("anhui"), true, &reg);
	if (rc == RC_OK)
		rc = STORE_DO(f, change_put, reg, &c);
	if (rc == RC_OK)
		rc = STORE_DO(f, change_supersede, reg, &before);
	return rc == STORE_NONE && k == 1 ? RC_OK : rc;
}

static int count_change(
	void *arg, const struct store_register *r, const struct store_change *c, struct bytes leaf)
{
	(void)r;
	(void)c;
	(void)leaf;
	++*(unsigned *)arg;
	return 0;
}

uint64_t store_round_read(struct store_fixture *f)
{
	struct buf out = {0};
	uint64_t conflicts = 9, pending = 9, unknown = 9;
	unsigned changes = 0, current = 0;
	int rc = STORE_DO(f, meta_get, "round", &out);
	assert_true(rc == RC_OK || rc == STORE_NONE);
	uint64_t k = 0;
	assert_true(rc == STORE_NONE || decimal_parse(buf_bytes(&out), 1000000, &k));
	struct store_filter all = {0}, now = {.current_only = true};
	assert_int_equal(STORE_DO(f, change_each, &all, count_change, &changes), RC_OK);
	assert_int_equal(STORE_DO(f, change_each, &now, count_change, &current), RC_OK);
	assert_int_equal(changes, k);
	assert_int_equal(current, k > 0);
	for (uint64_t i = 1; i <= k + 1; i++) {
		struct store_head head;
		rc = STORE_DO(f, leaf_get, 1, i, &out);
		assert_int_equal(rc, i <= k ? RC_OK : STORE_NONE);
		rc = STORE_DO(f, head_get, 1, i - 1, i, &head, &out);
		assert_int_equal(rc, i <= k ? RC_OK : STORE_NONE);
	}
	assert_int_equal(STORE_DO(f, counts, &conflicts, &pending, &unknown), RC_OK);
	assert_int_equal(conflicts + pending + unknown, 0);
	buf_release(&out);
	return k;
}
