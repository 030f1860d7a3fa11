/* Chance under a seed: splitmix64 (Steele, Lea, Flood 2014), one word of state. Never call it twice
 * in one expression: compilers choose the order. */
#ifndef DELTAD_TESTS_SIM_DICE_H
#define DELTAD_TESTS_SIM_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

uint64_t dice_u64(struct dice *d);
/* Uniform in [low, high]. */
int64_t dice_range(struct dice *d, int64_t low, int64_t high);
/* Uniform in [0, n). */
size_t dice_index(struct dice *d, size_t n);
bool dice_percent(struct dice *d, unsigned percent);
void dice_fill(struct dice *d, void *p, size_t n);

#endif
