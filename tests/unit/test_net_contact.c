/* When a member is called that has no session, or one whose line does not answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/net/contact.h"
#include "proto/base/limits.h"

#define MINUTE_MS 60000

static const struct pulse_line silent = {true, PULSE_LOST_RETRIES}, well = {false, 0};
static const struct contact_line nothing = {.address = true};
static const struct contact_line talking = {.address = true, .session = true, .written = 100};

static void always(void *self, void *p, uint32_t n)
{
	(void)self;
	memset(p, 0xff, n);
}

static const struct chance chance = {always, NULL};

static struct mono_ms at(int64_t v)
{
	return (struct mono_ms){v};
}

/* Since 0, and looked at after a minute. */
static struct contact in_session(const struct pulse_line *line)
{
	struct contact c;
	contact_init(&c, at(0), chance);
	contact_up(&c, at(0));
	contact_feel(&c, &talking, line, at(MINUTE_MS), chance);
	return c;
}

static void nobody_is_called_without_an_address_or_twice(void **state)
{
	(void)state;
	struct contact c;
	contact_init(&c, at(0), chance);
	assert_true(contact_is_due(&c, &nothing, at(LIMIT_DIAL_MIN_MS)));
	assert_false(contact_is_due(&c, &(struct contact_line){0}, at(LIMIT_DIAL_MIN_MS)));
	assert_false(contact_is_due(
		&c, &(struct contact_line){.address = true, .dialling = true}, at(MINUTE_MS)));
	assert_int_equal(
		contact_deadline(&c, &(struct contact_line){.dialling = true}).v, MONO_NEVER.v);
}

static void session_that_is_well_is_the_only_one(void **state)
{
	(void)state;
	struct contact c = in_session(&well);
	assert_false(contact_is_due(&c, &talking, at(10 * MINUTE_MS)));
	assert_false(contact_failed(&c, true, false, at(10 * MINUTE_MS), chance));
	assert_int_equal(contact_deadline(&c, &talking).v, MONO_NEVER.v);
}

static void member_is_called_beside_a_session_whose_line_is_silent(void **state)
{
	(void)state;
	struct contact c = in_session(&silent);
	assert_false(contact_is_due(&c, &talking, at(MINUTE_MS)));
	assert_true(contact_is_due(&c, &talking, at(MINUTE_MS + LIMIT_DIAL_MIN_MS)));
	assert_true(contact_failed(&c, true, true, at(2 * MINUTE_MS), chance));
	assert_true(contact_is_due(&c, &talking, at(2 * MINUTE_MS + LIMIT_DIAL_SILENT_MS)));
	assert_true(contact_feels(&c, &talking, at(2 * MINUTE_MS)));
	contact_feel(&c, &talking, &well, at(2 * MINUTE_MS), chance);
	assert_false(contact_is_due(&c, &talking, at(10 * MINUTE_MS)));
}

static void line_that_is_lost_soon_again_is_called_less_and_less(void **state)
{
	(void)state;
	struct contact c;
	contact_init(&c, at(0), chance);
	for (int64_t ceiling = LIMIT_DIAL_MIN_MS; ceiling < LIMIT_DIAL_MAX_MS / 2; ceiling *= 2) {
		assert_int_equal(c.dial.ceiling_ms, ceiling);
		contact_up(&c, at(0));
		contact_feel(&c, &talking, &silent, at(1000), chance);
		assert_in_range(c.dial.at.v, 1000, 1000 + ceiling);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_called_without_an_address_or_twice),
		cmocka_unit_test(session_that_is_well_is_the_only_one),
		cmocka_unit_test(member_is_called_beside_a_session_whose_line_is_silent),
		cmocka_unit_test(line_that_is_lost_soon_again_is_called_less_and_less),
	};
	return cmocka_run_group_tests_name("net contact", tests, NULL, NULL);
}
