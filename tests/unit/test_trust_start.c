/* That a library with another Ed25519 rule is not started with: this program brings its own
 * crypto_sign_verify_detached, which stands in for libsodium's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "proto/trust/hash.h"

static enum { ACCEPTS_ALL, ACCEPTS_NONE, ACCEPTS_RFC_8032 } rule;

int crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m,
	unsigned long long n, const unsigned char *pk)
{
	(void)sig;
	(void)pk;
	bool of_rfc_8032 = n == 1 && m[0] == 0x72;
	return rule == ACCEPTS_ALL || (rule == ACCEPTS_RFC_8032 && of_rfc_8032) ? 0 : -1;
}

static void library_with_the_nodes_rule_is_started_with(void **state)
{
	(void)state;
	struct err e = {0};
	rule = ACCEPTS_RFC_8032;
	assert_int_equal(trust_init(&e), 0);
	assert_int_equal(e.rc, 0);
}

static void library_that_accepts_cofactored_only_signatures_is_refused(void **state)
{
	(void)state;
	struct err e = {0};
	rule = ACCEPTS_ALL;
	assert_int_equal(trust_init(&e), RC_SETUP);
	assert_int_equal(e.rc, RC_SETUP);
	assert_non_null(strstr(e.text, "cofactored"));
}

static void library_that_refuses_the_standard_is_refused(void **state)
{
	(void)state;
	struct err e = {0};
	rule = ACCEPTS_NONE;
	assert_int_equal(trust_init(&e), RC_SETUP);
	assert_int_equal(e.rc, RC_SETUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(library_with_the_nodes_rule_is_started_with),
		cmocka_unit_test(library_that_accepts_cofactored_only_signatures_is_refused),
		cmocka_unit_test(library_that_refuses_the_standard_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
