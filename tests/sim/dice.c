#include "tests/sim/dice.h"

uint64_t dice_u64(struct dice *d)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

int64_t dice_range(struct dice *d, int64_t low, int64_t high)
{
	return low + (int64_t)(dice_u64(d) % (uint64_t)(high - low + 1));
}

size_t dice_index(struct dice *d, size_t n)
{
	return (size_t)(dice_u64(d) % n);
}

bool dice_percent(struct dice *d, unsigned percent)
{
	return dice_u64(d) % 100 < percent;
}

void dice_fill(struct dice *d, void *p, size_t n)
{
	uint8_t *out = p;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(dice_u64(d) >> 56);
}
