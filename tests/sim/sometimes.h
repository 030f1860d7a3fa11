/* What must happen now and then in a set of runs: one that never reaches a row proves less than it
 * claims, and fails. */
#ifndef DELTAD_TESTS_SIM_SOMETIMES_H
#define DELTAD_TESTS_SIM_SOMETIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sometimes {
#define ROW(name, text) SOMETIMES_##name,
#include "tests/sim/sometimes.def"
#undef ROW
	SOMETIMES_ROWS
};

/* Before processes are forked, so that they count together. */
void sometimes_init(void);
void sometimes(enum sometimes row);
void sometimes_many(enum sometimes row, uint64_t n);
/* An error id that somebody was answered or refused with. */
void sometimes_rc(int rc);
/* Prints the table; the number of rows never reached. */
size_t sometimes_print(void);

#endif
