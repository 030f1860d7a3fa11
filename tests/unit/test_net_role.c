#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/net/ctl.h"

#define DAEMON_UID 900
#define SOCKET_GID 901

static enum ctl_role role(uid_t uid, gid_t a, gid_t b)
{
	gid_t groups[] = {a, b};
	return ctl_role_of(uid, groups, 2, DAEMON_UID, SOCKET_GID);
}

static void root_and_the_daemons_user_are_administrators(void **state)
{
	(void)state;
	assert_int_equal(role(0, 0, 0), CTL_ROLE_ADMIN);
	assert_int_equal(role(DAEMON_UID, 5, 6), CTL_ROLE_ADMIN);
}

static void members_of_the_sockets_group_are_operators(void **state)
{
	(void)state;
	assert_int_equal(role(1000, SOCKET_GID, 5), CTL_ROLE_OPERATOR);
	assert_int_equal(role(1000, 5, SOCKET_GID), CTL_ROLE_OPERATOR);
}

static void everybody_else_is_nobody(void **state)
{
	(void)state;
	assert_int_equal(role(1000, 1000, 5), CTL_ROLE_NONE);
	assert_int_equal(role(1000, 0, DAEMON_UID), CTL_ROLE_NONE);
	assert_int_equal(role(SOCKET_GID, 5, 6), CTL_ROLE_NONE);
	assert_int_equal(ctl_role_of(1000, NULL, 0, DAEMON_UID, SOCKET_GID), CTL_ROLE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_and_the_daemons_user_are_administrators),
		cmocka_unit_test(members_of_the_sockets_group_are_operators),
		cmocka_unit_test(everybody_else_is_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
