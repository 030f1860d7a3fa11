/* Counters that several processes add to. */
#ifndef DELTAD_TESTS_SIM_SHARED_H
#define DELTAD_TESTS_SIM_SHARED_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed; for this process and those it forks later; never freed. */
void *shared_alloc(size_t n);
/* What it was before. */
uint64_t shared_add(uint64_t *counter, uint64_t n);

#endif
