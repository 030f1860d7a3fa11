#include "tests/sim/shared.h"

#include <sys/mman.h>

#include "proto/base/err.h"

void *shared_alloc(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ENSURE(p != MAP_FAILED);
	return p;
}

uint64_t shared_add(uint64_t *counter, uint64_t n)
{
	return __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}
