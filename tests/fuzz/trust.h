/* For targets that need libsodium: once a process. */
#ifndef DELTAD_TESTS_FUZZ_TRUST_H
#define DELTAD_TESTS_FUZZ_TRUST_H

#include "proto/trust/hash.h"

static inline void trust_ready(void)
{
	static bool started;
	if (!started)
		ENSURE(trust_init(NULL) == RC_OK);
	started = true;
}

#endif
