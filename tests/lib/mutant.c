/* Which planted bug this process has. Linked into proto/base of the build "mutants" only. */
#include "proto/base/mutant.h"

#include <stdlib.h>

int mutant_planted;

void mutant_plant(int id)
{
	mutant_planted = id;
}

__attribute__((constructor)) static void plant_from_environment(void)
{
	const char *id = getenv("DELTAD_MUTANT");
	if (id != NULL)
		mutant_plant(atoi(id));
}
