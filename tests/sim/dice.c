/* splitmix64 (Steele, Lea, Flood 2014): one word of state, good enough to choose faults with. */
#include "tests/sim/world.h"

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

bool dice_percent(struct dice *d, unsigned percent)
{
	return dice_u64(d) % 100 < percent;
}
