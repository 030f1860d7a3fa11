/* Transactions that can be told apart afterwards: round k makes every table say k, so that one that
 * is half there shows. */
#ifndef DELTAD_TESTS_STORE_ROUNDS_H
#define DELTAD_TESTS_STORE_ROUNDS_H

#include "tests/lib/store_fixture.h"

/* Between begin and commit; k = 1, 2, … in order. */
int store_round_write(struct store_fixture *f, uint64_t k) MUST_CHECK;
/* The round everything says, 0 for an empty store; fails the cmocka test if not everything says the
 * same. */
uint64_t store_round_read(struct store_fixture *f);

#endif
