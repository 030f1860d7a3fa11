#include "proto/base/units.h"

#include "proto/base/bytes.h"

uint64_t chance_u64(struct chance c)
{
	uint8_t raw[8];
	c.fill(c.self, raw, sizeof raw);
	return get_u64be(raw);
}

uint64_t chance_below(struct chance c, uint64_t n)
{
	ENSURE(n > 0);
	/* The lowest 2^64 mod n values would make the small results likelier: drawn again. */
	uint64_t skip = (0 - n) % n;
	uint64_t v;
	do {
		v = chance_u64(c);
	} while (v < skip);
	return v % n;
}
